"""The books: sums that the database makes, days of the company's zone, and a file that accountants read."""

import csv
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.principals import SYSTEM
from contracts.tests.cast import NOW
from kernel.errors import NotPermitted
from kernel.money import Money
from payments import ledger
from payments.books import account_sums, day_sums, entries
from payments.services import cancel_payout, capture_payment
from payments.tests.scenes import captured_payment, eur, pending_payment, ready_payout, settle

JUNE = {"since": datetime(2026, 5, 31, 22, tzinfo=UTC), "until": datetime(2026, 6, 30, 22, tzinfo=UTC)}
NEXT_DAY = NOW + timedelta(days=1)


@pytest.fixture
def payment(contract):
    """1,000.00 EUR came on the first of June, 100.00 went back on the second."""
    payment = captured_payment(contract)
    ready_payout(payment, "100.00", at=NEXT_DAY)
    settle(NEXT_DAY)
    return payment


def sums_of(**period):
    return {
        row.account: (row.opening.text, row.debits.text, row.credits.text, row.closing.text)
        for row in account_sums(SYSTEM, **{**JUNE, **period})
    }


def test_accounts_are_summed_over_a_period(payment):
    assert sums_of() == {
        "cash:sandbox:EUR": ("0.00", "1000.00", "100.00", "900.00"),
        "received:EUR": ("0.00", "100.00", "1000.00", "-900.00"),
        "refunds_payable:EUR": ("0.00", "100.00", "100.00", "0.00"),
    }
    assert sums_of(since=NEXT_DAY - timedelta(hours=1))["cash:sandbox:EUR"] == (
        "1000.00", "0.00", "100.00", "900.00",
    )  # fmt: skip


def test_what_stands_at_the_end_is_what_the_ledger_says(cast, payment):
    ready = ready_payout(payment, "7.00", at=NEXT_DAY)
    cancel_payout(principal=cast.as_finn, payout_id=ready.pk, reason="A mistake.", now=NEXT_DAY)

    closing = {row.account: row.closing for row in account_sums(SYSTEM, **JUNE)}

    assert closing == ledger.balances()


def test_each_day_on_which_an_account_moved_has_its_closing_balance(payment):
    rows = [
        (row.day.isoformat(), row.account, row.debits, row.credits, row.closing)
        for row in day_sums(SYSTEM, **JUNE)
    ]

    assert rows == [
        ("2026-06-01", "cash:sandbox:EUR", eur("1000.00"), eur("0.00"), eur("1000.00")),
        ("2026-06-02", "cash:sandbox:EUR", eur("0.00"), eur("100.00"), eur("900.00")),
        ("2026-06-01", "received:EUR", eur("0.00"), eur("1000.00"), Money(-100000, "EUR")),
        ("2026-06-02", "received:EUR", eur("100.00"), eur("0.00"), Money(-90000, "EUR")),
        ("2026-06-02", "refunds_payable:EUR", eur("100.00"), eur("100.00"), eur("0.00")),
    ]


@pytest.mark.parametrize(
    ("at", "day"),
    [("2026-06-01T21:59:59+00:00", "2026-06-01"), ("2026-06-01T22:00:00+00:00", "2026-06-02")],
)
def test_a_day_begins_by_the_companys_clocks(contract, at, day):
    captured_payment(contract, at=datetime.fromisoformat(at))

    (entry,) = entries(SYSTEM, **JUNE)

    assert entry.day.isoformat() == day
    assert {row.day.isoformat() for row in day_sums(SYSTEM, **JUNE)} == {day}


def test_a_day_that_is_over_does_not_change_by_what_is_entered_later(cast, contract):
    """The money was confirmed at eleven in the evening and entered the next morning."""
    payment = pending_payment(contract)
    before = list(day_sums(SYSTEM, since=JUNE["since"], until=NOW + timedelta(hours=13)))

    late, entered = NOW + timedelta(hours=12), NOW + timedelta(hours=22)
    capture_payment(principal=cast.as_finn, payment_id=payment.pk, captured_at=late, now=entered)

    assert list(day_sums(SYSTEM, since=JUNE["since"], until=NOW + timedelta(hours=13))) == before
    (entry,) = entries(SYSTEM, **JUNE)
    assert (entry.day.isoformat(), str(entry.arrived_on)) == ("2026-06-02", "2026-06-01")
    payment.refresh_from_db()
    assert payment.captured_at == late


def test_a_period_ends_before_its_end(payment):
    assert [entry.cause for entry in entries(SYSTEM, since=NOW, until=NEXT_DAY)] == ["capture"]


def test_an_entry_says_what_caused_it(payment):
    found = list(entries(SYSTEM, **JUNE))

    assert [(one.cause, one.debit, one.credit, one.amount.text) for one in found] == [
        ("capture", "cash:sandbox:EUR", "received:EUR", "1000.00"),
        ("reserve", "received:EUR", "refunds_payable:EUR", "100.00"),
        ("payout", "refunds_payable:EUR", "cash:sandbox:EUR", "100.00"),
    ]
    assert {one.reference for one in found} == {payment.number}
    assert found[0].payout is None
    assert found[2].key == f"payout:{found[2].payout}"


@pytest.mark.parametrize("read", [account_sums, day_sums, entries])
def test_the_books_are_for_finance_and_auditors(cast, payment, read):
    for person in (cast.as_rita, cast.as_arno, cast.as_alice, cast.as_erp):
        with pytest.raises(NotPermitted):
            read(person, **JUNE)

    for person in (cast.as_finn, cast.as_ada):
        assert list(read(person, **JUNE))


def test_sums_cost_the_same_with_more_transfers(contract, payment):
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            account_sums(SYSTEM, **JUNE)
            list(day_sums(SYSTEM, **JUNE))
            list(entries(SYSTEM, **JUNE))
        counts.append(len(queries))
        captured_payment(contract, "S2", "5.00")

    assert counts[0] == counts[1]


def test_the_command_writes_every_movement(payment):
    out, err = StringIO(), StringIO()

    call_command("export_ledger", "2026-06-01", "2026-06-30", stdout=out, stderr=err)

    rows = list(csv.DictReader(StringIO(out.getvalue())))
    assert [(row["local_date"], row["cause"], row["amount"], row["currency"]) for row in rows] == [
        ("2026-06-01", "capture", "1000.00", "EUR"),
        ("2026-06-02", "reserve", "100.00", "EUR"),
        ("2026-06-02", "payout", "100.00", "EUR"),
    ]
    assert "3 movements" in err.getvalue()
    with pytest.raises(CommandError, match="before the first"):
        call_command("export_ledger", "2026-06-02", "2026-06-01")
