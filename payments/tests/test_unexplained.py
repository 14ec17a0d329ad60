"""A refund of a payment from which money went that no payout explains: two people look at it first."""

from datetime import date, timedelta

import pytest

from contracts.tests.cast import NOW
from kernel.ids import new_id
from payments.models import Break
from payments.services import (
    confirm_step,
    leave_break,
    make_bank_file,
    reconcile_now,
    replace_payout,
    resolve_break,
    resolve_manual,
)
from payments.services.bank_files import NothingForTheBank
from payments.tests.bank_book import TUESDAY, Entry, bank_payment, paid, statement, take
from payments.tests.scenes import (
    LATER,
    captured_payment,
    counters_of,
    eur,
    ready_payout,
    send,
    state_of,
    violated,
)


def cleared(cast, now):
    found = Break.objects.get(resolved_at=None)
    resolve_break(principal=cast.as_finn, break_id=found.pk, resolution="Sent after the backup.", now=now)


def by_two(cast, flo, act, payout, now, **what):
    say = {"payout_id": payout.pk, "reason": "Both looked at it.", "now": now}
    step = act(principal=cast.as_finn, **say, **what)
    return confirm_step(principal=flo, step_id=step.pk, now=now)


def test_what_was_sent_after_a_backup_is_not_sent_again_when_its_application_is_approved_anew(
    cast, contract, flo
):
    """The backup knows the application and no approval; the provider's line names a payout it never had."""
    payment = captured_payment(contract)
    leave_break(
        kind="theirs_only", payment_id=payment.pk, amount=eur("100.00"), now=NOW, reference="re_1",
        detail={"rail": "sandbox", "answer": "settled"},
    )  # fmt: skip
    payout = ready_payout(payment, "100.00")
    assert (send(), state_of(payout)) == (0, "ready")
    cleared(cast, LATER)

    assert (send(LATER), state_of(payout), payout.failure_code) == (0, "manual", "unexplained_money")

    by_two(
        cast, flo, resolve_manual, payout, LATER, accepted=False, evidence_reference="re_1 is another refund",
        value_date=None,
    )  # fmt: skip
    again = by_two(cast, flo, replace_payout, payout, LATER)
    assert (send(LATER), state_of(again)) == (1, "accepted")
    assert counters_of(payment) == (0, 10000)
    assert violated(LATER) == []


def test_a_transfer_that_the_portal_forgot_is_a_difference_and_holds_refunds_of_its_payment(
    cast, contract, payment
):
    other = bank_payment(contract, "S2", "500.00")
    text = f"Refund of payment {payment.number}"
    forgotten = Entry(amount="-100.00", end_to_end=new_id().hex, text=text)
    payout, unconcerned = ready_payout(payment, "100.00"), ready_payout(other, "50.00")

    take(cast, statement(forgotten))

    found = Break.objects.get()
    assert (found.kind, found.payment_id, found.amount_minor) == ("theirs_only", payment.pk, 10000)
    cleared(cast, TUESDAY)
    assert list(make_bank_file(principal=cast.as_finn, now=TUESDAY).payouts.all()) == [unconcerned]
    send(TUESDAY)
    assert (state_of(payout), payout.failure_code) == ("manual", "unexplained_money")
    with pytest.raises(NothingForTheBank):
        make_bank_file(principal=cast.as_finn, now=TUESDAY)


def test_a_transfer_that_was_called_failed_and_left_after_all_holds_its_successor(
    cast, payment, payouts, flo
):
    late = NOW + timedelta(days=7)
    payout = payouts[0]
    take(cast, statement(paid(payouts[1])))
    reconcile_now(principal=cast.as_finn, rail="bank_file", now=late)
    by_two(cast, flo, resolve_manual, payout, late, accepted=False, evidence_reference="pain.002")
    successor = by_two(cast, flo, replace_payout, payout, late)
    cleared(cast, late)

    take(cast, statement(paid(payout), name="late", day=date(2026, 6, 8), opening="800.00"), now=late)
    cleared(cast, late)

    with pytest.raises(NothingForTheBank):
        make_bank_file(principal=cast.as_finn, now=late)
    send(late)
    assert (state_of(successor), successor.failure_code) == ("manual", "unexplained_money")
