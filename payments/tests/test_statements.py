"""Statements of the bank: what they book, once."""

from datetime import date, timedelta

import pytest
from django.core.cache import cache

from contracts.tests.cast import NOW, make_cast, signed_contract
from kernel.errors import InvalidInput, StaleState
from payments.models import (
    BankFile,
    Break,
    StatementLine,
    Transfer,
)
from payments.services import (
    confirm_step,
    discard_bank_file,
    make_bank_file,
    match_line_to_payout,
    propose_discard,
    reconcile_due,
    reconcile_now,
    replace_payout,
    resolve_break,
    resolve_manual,
)
from payments.services.bank_files import SendingHalted
from payments.services.statements import StatementKnown
from payments.tests.bank_book import (
    TUESDAY,
    Entry,
    account_of,
    bank_payment,
    bank_payouts,
    come_back,
    counts,
    line,
    paid,
    statement,
    take,
)
from payments.tests.races import at_once, dies_at, errors_of
from payments.tests.scenes import (
    LATER,
    captured_payment,
    counters_of,
    pending_payment,
    ready_payout,
    send,
    state_of,
    violated,
)


def test_files_and_statements_go_round_to_the_end(cast, contract, payment, payouts, flo):
    """A payout arrives; the other comes back days later and goes out again; a client pays the next stage."""
    coming = pending_payment(contract, "S2", "500.00", reference="BJ-03 S2")
    one, two = payouts

    (first,) = take(
        cast,
        statement(paid(one), paid(two), Entry(amount="500.00", text="BJ-03 S2 Warehouse", name="Acme")),
    )
    assert (first.captured, first.settled, first.returned, first.open, first.disputed) == (1, 2, 0, 0, 0)
    coming.refresh_from_db()
    assert (coming.status, coming.captured_at, coming.value_date) == ("captured", TUESDAY, date(2026, 6, 2))
    assert [state_of(one), state_of(two)] == ["settled", "settled"]

    friday = NOW + timedelta(days=4)
    (second,) = take(
        cast,
        statement(come_back(two), name="2026-06-05/1", day=date(2026, 6, 5), opening="1200.00"),
        now=friday,
    )
    assert (second.returned, second.has_gap) == (1, False)
    assert state_of(two) == "returned"
    two.refresh_from_db()
    assert two.failure_code == "AC04"
    assert counters_of(payment) == (20000, 10000)
    step = replace_payout(principal=cast.as_finn, payout_id=two.pk, reason="New account.", now=friday)
    successor = confirm_step(principal=flo, step_id=step.pk, now=friday)
    file = make_bank_file(principal=cast.as_finn, now=friday)
    assert [payout.pk for payout in file.payouts.all()] == [successor.pk]
    assert violated(friday) == []


def test_a_statement_counts_once(cast, payouts):
    content = statement(paid(payouts[0]))
    take(cast, content)
    before = counts()

    (again,) = take(cast, content, now=TUESDAY + timedelta(days=1))

    assert again.known
    assert counts() == before


def test_the_name_of_a_statement_stands_for_one_content(cast, payouts):
    take(cast, statement(paid(payouts[0])))
    before = counts()

    with pytest.raises(StatementKnown):
        take(cast, statement(paid(payouts[1])))
    assert counts() == before


def test_a_dry_run_says_what_would_be_and_keeps_nothing(cast, payouts):
    before = counts()

    (result,) = take(cast, statement(paid(payouts[0]), Entry(amount="1.00")), dry_run=True)

    assert (result.settled, result.open) == (1, 1)
    assert counts() == before
    assert state_of(payouts[0]) == "accepted"


def test_another_amount_than_ordered_is_never_booked(cast, payment, payouts):
    (result,) = take(cast, statement(paid(payouts[0], amount="-99.99")))

    assert (result.disputed, line().why_open) == (1, "amount_differs")
    assert Break.objects.get().kind == "different"
    assert state_of(payouts[0]) == "accepted"
    assert counters_of(payment) == (0, 30000)


def test_a_transfer_that_left_twice_halts_sending(cast, payment, payouts):
    take(cast, statement(paid(payouts[0]), paid(payouts[0], bank_reference="Z2")))

    assert [row.state for row in StatementLine.objects.order_by("external_id")] == ["matched", "disputed"]
    assert Break.objects.get().kind == "theirs_only"
    ready_payout(payment, "10.00")
    cache.clear()  # as the end of the transaction does
    with pytest.raises(SendingHalted):
        make_bank_file(principal=cast.as_finn, now=TUESDAY)


def test_a_booking_on_a_statement_that_was_issued_anew_is_not_booked_again(cast, payouts):
    take(cast, statement(paid(payouts[0], bank_reference="B1")))

    (again,) = take(cast, statement(paid(payouts[0], bank_reference="B1"), name="2026-06-02/1a"))

    assert (again.open, again.disputed) == (1, 0)
    assert StatementLine.objects.get(state="open").why_open == "seen_before"
    assert not Break.objects.exists()


def test_a_statement_shows_that_a_file_was_uploaded_before_anybody_said_so(cast, payment):
    payout, other = bank_payouts(payment)
    file = make_bank_file(principal=cast.as_finn, now=NOW)

    take(cast, statement(paid(payout)))

    assert (state_of(payout), state_of(other)) == ("settled", "submitting")
    with pytest.raises(StaleState):
        propose_discard(principal=cast.as_finn, file_id=file.pk, reason="Lost.", now=TUESDAY)


def test_a_discarded_file_that_was_uploaded_after_all_halts_sending(cast, payment, flo):
    payout = ready_payout(payment, "10.00")
    file = make_bank_file(principal=cast.as_finn, now=NOW)
    propose_discard(principal=cast.as_finn, file_id=file.pk, reason="Lost.", now=NOW)
    discard_bank_file(principal=flo, file_id=file.pk, now=NOW)

    take(cast, statement(paid(payout)))

    assert Break.objects.get().kind == "theirs_only"
    assert violated(TUESDAY) == ["I14"]


def test_a_payout_with_finance_waits_for_its_two_people(cast, contract, flo):
    account_of(cast)
    payment = captured_payment(contract, rail="manual")
    payout = ready_payout(payment, "10.00")
    send()

    take(cast, statement(paid(payout)))
    assert (line().state, line().why_open) == ("open", "with_finance")
    step = resolve_manual(
        principal=cast.as_finn,
        payout_id=payout.pk,
        accepted=True,
        reason="On the statement.",
        evidence_reference="2026-06-02/1",
        value_date=date(2026, 6, 2),
        now=TUESDAY,
    )
    confirm_step(principal=flo, step_id=step.pk, now=TUESDAY)
    match_line_to_payout(
        principal=cast.as_finn, line_id=line().pk, payout_id=payout.pk, reason="It is.", now=TUESDAY
    )

    assert (state_of(payout), line().state, step.value_date) == ("settled", "matched", date(2026, 6, 2))


@pytest.mark.parametrize(("value_date", "accepted"), [(date(2026, 6, 3), True), (date(2026, 6, 1), False)])
def test_a_value_date_lies_not_ahead_and_belongs_to_money_that_left(cast, contract, value_date, accepted):
    payment = captured_payment(contract, rail="manual")
    payout = ready_payout(payment, "10.00")
    send()

    with pytest.raises(InvalidInput) as caught:
        resolve_manual(
            principal=cast.as_finn,
            payout_id=payout.pk,
            accepted=accepted,
            reason="x",
            evidence_reference="x",
            value_date=value_date,
            now=TUESDAY,
        )
    assert caught.value.faults[0].path == "value_date"


def test_a_transfer_that_is_on_no_statement_days_later_is_a_difference_with_its_age(cast, payouts):
    take(cast, statement(paid(payouts[0])))

    # Executed on Monday; three banking days have passed on Friday.
    reconcile_due(now=NOW + timedelta(days=3))
    assert not Break.objects.exists()
    reconcile_due(now=NOW + timedelta(days=4))
    reconcile_now(principal=cast.as_finn, rail="bank_file", now=NOW + timedelta(days=5))

    found = Break.objects.get()
    assert (found.kind, found.payout_id) == ("ours_only", payouts[1].pk)
    assert violated(NOW + timedelta(days=4)) == ["I15"]


@pytest.mark.django_db(transaction=True)
def test_a_process_killed_in_an_import_or_a_file_leaves_nothing(settings):
    settings.DEBUG_CRASH_POINTS = True
    cast = make_cast()
    payment = bank_payment(signed_contract(cast))
    account_of(cast)
    payout = ready_payout(payment, "10.00")
    for point in ("bank_file_stored", "in_bank_file"):
        assert dies_at(point, lambda: make_bank_file(principal=cast.as_finn, now=LATER))
        assert (state_of(payout), BankFile.objects.count()) == ("ready", 0)
    make_bank_file(principal=cast.as_finn, now=LATER)
    before, content = counts(), statement(paid(payout))

    assert dies_at("in_import", lambda: take(cast, content))

    assert (counts(), state_of(payout)) == (before, "submitting")
    take(cast, content)
    assert state_of(payout) == "settled"
    assert violated(TUESDAY) == []


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_two_people_importing_at_once_import_once():
    cast = make_cast()
    payment = pending_payment(signed_contract(cast))
    content = statement(Entry(amount="1000.00", text=payment.number))

    results = at_once(*[lambda: take(cast, content)] * 4)

    assert errors_of(results) == []
    assert sorted(result[0].known for result in results) == [False, True, True, True]
    assert StatementLine.objects.count() == Transfer.objects.count() == 1


def test_a_transfer_of_a_discarded_file_that_left_twice_is_a_difference_each_time(cast, payment, flo):
    """A cleared difference about the first time must not hide the second one."""
    (payout,) = bank_payouts(payment, ["100.00"])
    file = make_bank_file(principal=cast.as_finn, now=NOW)
    propose_discard(principal=cast.as_finn, file_id=file.pk, reason="The bank's page was down.", now=LATER)
    discard_bank_file(principal=flo, file_id=file.pk, now=LATER)
    take(cast, statement(paid(payout)))
    first = Break.objects.get()
    resolve_break(principal=cast.as_finn, break_id=first.pk, resolution="Written off.", now=TUESDAY)

    take(cast, statement(paid(payout, bank_reference="D-2"), name="2", opening="900.00"))

    assert [row.state for row in StatementLine.objects.all()] == ["disputed", "disputed"]
    assert Break.objects.filter(resolved_at=None).count() == 1
    assert "I14" in violated(TUESDAY)


def test_a_transfer_that_the_bank_never_executed_goes_out_again_by_two_people(cast, payment, payouts, flo):
    """A bank may refuse single transfers of a file; they are on no statement then."""
    one, refused = payouts
    take(cast, statement(paid(one)))
    said = {
        "principal": cast.as_finn, "payout_id": refused.pk, "accepted": False, "now": TUESDAY,
        "reason": "The bank refused it.", "evidence_reference": "pain.002 of 2 June",
    }  # fmt: skip
    with pytest.raises(StaleState):
        resolve_manual(**said)
    late = NOW + timedelta(days=4)
    reconcile_due(now=late)
    with pytest.raises(StaleState):
        resolve_manual(**{**said, "accepted": True, "now": late})

    step = resolve_manual(**{**said, "now": late})
    confirm_step(principal=flo, step_id=step.pk, now=late)
    again = replace_payout(principal=cast.as_finn, payout_id=refused.pk, reason="Again.", now=late)
    successor = confirm_step(principal=flo, step_id=again.pk, now=late)

    assert (state_of(refused), state_of(successor)) == ("failed", "ready")
    assert counters_of(payment) == (20000, 10000)
    assert violated(late) == ["I15"]
    take(cast, statement(paid(refused), name="late", opening="900.00"), now=late)
    assert "I14" in violated(late)
