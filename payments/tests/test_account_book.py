"""One account movement by movement: the running balance agrees with the sums, on every page."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.principals import SYSTEM
from contracts.tests.cast import NOW
from kernel.errors import NotFoundOrHidden, NotPermitted
from payments import account_book
from payments.account_book import account_page
from payments.books import account_sums
from payments.models import Transfer
from payments.tests.scenes import captured_payment, ready_payout, settle

JUNE = {"since": datetime(2026, 5, 31, 22, tzinfo=UTC), "until": datetime(2026, 6, 30, 22, tzinfo=UTC)}
NEXT_DAY = NOW + timedelta(days=1)
CODE = "received:EUR"


@pytest.fixture
def payment(contract):
    """1,000.00 EUR came, then 20.00 five times at one instant, and 100.00 went back a day later."""
    payment = captured_payment(contract)
    for _ in range(5):
        captured_payment(contract, "S2", "20.00", at=NOW + timedelta(hours=1))
    ready_payout(payment, "100.00", at=NEXT_DAY)
    settle(NEXT_DAY)
    return payment


def page(first=None, code=CODE, **period):
    return account_page(SYSTEM, code=code, first=first, **{**JUNE, **period})


def lines(found):
    return [
        (one.cause, one.debit and one.debit.text, one.credit and one.credit.text, one.balance.text)
        for one in found.movements
    ]


def test_every_movement_leaves_a_balance(payment):
    assert lines(page()) == [
        ("capture", None, "1000.00", "-1000.00"),
        *[("capture", None, "20.00", f"-{1000 + 20 * n}.00") for n in range(1, 6)],
        ("reserve", "100.00", None, "-1000.00"),
    ]
    assert lines(page(code="refunds_payable:EUR")) == [
        ("reserve", None, "100.00", "-100.00"),
        ("payout", "100.00", None, "0.00"),
    ]
    assert [one.other for one in page(code="refunds_payable:EUR").movements] == [CODE, "cash:sandbox:EUR"]


def test_a_period_begins_with_what_stood_before_it(payment):
    found = page(since=NEXT_DAY)

    assert (found.sums.opening.text, found.carried.text) == ("-1100.00", "-1100.00")
    assert lines(found) == [("reserve", "100.00", None, "-1000.00")]


@pytest.mark.parametrize("code", ["cash:sandbox:EUR", CODE, "refunds_payable:EUR"])
def test_the_sums_are_those_of_the_books_and_the_last_balance_is_their_end(payment, code):
    found = page(code=code)

    assert found.sums in account_sums(SYSTEM, **JUNE)
    assert found.movements[-1].balance == found.sums.closing


@pytest.mark.parametrize("rows", [1, 2, 3, 6])
def test_pages_one_after_the_other_are_the_whole_and_lead_back(payment, monkeypatch, rows):
    whole = page().movements
    monkeypatch.setattr(account_book, "PAGE_ROWS", rows)

    pages = [page()]
    while pages[-1].next is not None:
        pages.append(page(pages[-1].next))

    assert tuple(one for found in pages for one in found.movements) == whole
    assert [found.carried for found in pages[1:]] == [found.movements[-1].balance for found in pages[:-1]]
    assert {found.sums for found in pages} == {pages[0].sums}
    back = [pages[-1]]
    while back[-1].previous is not None:
        back.append(page(back[-1].previous))
    assert [found.movements for found in back[::-1]] == [found.movements for found in pages]


def test_what_is_written_later_does_not_shift_a_page(contract, payment):
    second = page().movements[3].number
    before = page(second).movements

    captured_payment(contract, "S2", "1.00", at=NEXT_DAY + timedelta(hours=1))

    assert page(second).movements[: len(before)] == before


def test_no_account_and_no_movement_of_another_account_or_period_begins_a_page(payment):
    of_another = Transfer.objects.get(key__startswith="payout:").pk
    before = page().movements[0].number

    for wrong in ({"code": "cash:nowhere:EUR"}, {"first": of_another}, {"first": 0}, {"first": 2**70}):
        with pytest.raises(NotFoundOrHidden):
            page(**wrong)
    with pytest.raises(NotFoundOrHidden):
        page(before, since=NEXT_DAY)


def test_an_account_is_for_finance_and_auditors(cast, payment):
    for person in (cast.as_rita, cast.as_arno, cast.as_alice, cast.as_erp):
        for code in (CODE, "cash:nowhere:EUR"):
            with pytest.raises(NotPermitted):
                account_page(person, code=code, **JUNE)

    for person in (cast.as_finn, cast.as_ada):
        assert account_page(person, code=CODE, **JUNE).movements


def test_a_page_costs_the_same_with_more_movements(contract, payment):
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            page(page().movements[-1].number)
        counts.append(len(queries))
        captured_payment(contract, "S2", "5.00")

    assert counts[0] == counts[1] <= 3 + 5
