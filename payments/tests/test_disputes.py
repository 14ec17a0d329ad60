"""Disputes and chargebacks: always recorded, and never paid back twice in silence."""

import pytest
from django.db import IntegrityError, transaction

from accounts.principals import SYSTEM
from contracts.tests.cast import stage_named
from events.models import Event
from kernel.errors import InvalidInput, NotFoundOrHidden, NotPermitted, StaleState
from kernel.money import Money
from payments import ledger
from payments.gateways import AnswerKind, GatewayAnswer
from payments.models import Break, Payment
from payments.services import (
    book_answer,
    charge_back_payment,
    create_payout,
    dispute_payment,
    issue_credit,
    resolve_dispute,
)
from payments.services.disputes import CreditNotDisputable
from payments.services.refunds import RefundExceedsPayment
from payments.tests.scenes import (
    LATER,
    captured_payment,
    fault,
    look_after,
    pending_payment,
    ready_payout,
    send,
    settle,
    violated,
)


def test_a_dispute_holds_the_payment_and_may_be_won(cast, contract):
    payment = captured_payment(contract)

    dispute_payment(principal=cast.as_finn, payment_id=payment.pk, reason="The bank asks.", now=LATER)
    payment.refresh_from_db()
    assert payment.status == "disputed"
    resolve_dispute(principal=cast.as_finn, payment_id=payment.pk, now=LATER)

    payment.refresh_from_db()
    assert payment.status == "captured"
    assert stage_named(contract, "S1").covered_minor == 100000
    told = Event.objects.filter(subject_id=payment.pk).order_by("at", "id")
    assert list(told.values_list("type", flat=True)) == [
        "payment.recorded", "payment.captured", "payment.disputed", "payment.dispute_won",
    ]  # fmt: skip


def test_a_lost_chargeback_takes_the_money_back_and_the_stage_owes_it_again(cast, contract):
    payment = captured_payment(contract)
    dispute_payment(principal=cast.as_finn, payment_id=payment.pk, now=LATER)

    charge_back_payment(principal=cast.as_finn, payment_id=payment.pk, now=LATER)

    payment.refresh_from_db()
    assert (payment.status, payment.charged_back_minor) == ("charged_back", 100000)
    assert stage_named(contract, "S1").covered_minor == 0
    assert {str(amount) for amount in ledger.balances().values()} == {"0.00 EUR"}
    assert not Break.objects.exists()
    assert violated() == []


def test_after_a_part_was_charged_back_the_stage_owes_that_part_again(cast, contract):
    payment = captured_payment(contract)

    charge_back_payment(principal=cast.as_finn, payment_id=payment.pk, amount=Money(60000, "EUR"), now=LATER)

    assert stage_named(contract, "S1").covered_minor == 40000
    assert violated() == []


def test_a_chargeback_without_a_dispute_before_it_is_recorded_all_the_same(cast, contract):
    payment = captured_payment(contract)

    charge_back_payment(principal=cast.as_finn, payment_id=payment.pk, now=LATER)

    payment.refresh_from_db()
    assert payment.status == "charged_back"
    assert Event.objects.filter(subject_id=payment.pk, type="payment.disputed").count() == 1


def test_a_lost_chargeback_cancels_what_was_not_sent_yet(cast, contract):
    payment = captured_payment(contract)
    payout = ready_payout(payment, "1000.00")

    charge_back_payment(principal=cast.as_finn, payment_id=payment.pk, now=LATER)

    payout.refresh_from_db()
    payment.refresh_from_db()
    assert (payout.state, payment.reserved_minor) == ("cancelled", 0)
    assert not Break.objects.exists()
    assert violated() == []


def test_what_went_back_twice_becomes_a_break(cast, contract):
    payment = captured_payment(contract)
    ready_payout(payment, "300.00")
    settle()

    charge_back_payment(principal=cast.as_finn, payment_id=payment.pk, now=LATER)

    found = Break.objects.get()
    assert (found.kind, found.amount_minor, found.payment_id) == ("double_return", 30000, payment.pk)
    assert Event.objects.get(type="payment.charged_back").data["excess"] == "300.00"
    told = Event.objects.get(type="break.found")
    assert (told.subject_id, told.actor_id) == (found.pk, cast.finn.pk)
    assert violated() == []


def test_what_is_on_the_wire_counts_as_given_back(cast, contract):
    payment = captured_payment(contract)
    ready_payout(payment, "300.00")
    fault("timeout_done")
    send()

    charge_back_payment(principal=cast.as_finn, payment_id=payment.pk, amount=Money(90000, "EUR"), now=LATER)

    assert Break.objects.get().amount_minor == 20000


def test_nothing_is_reserved_beyond_what_a_chargeback_left(cast, contract):
    payment = captured_payment(contract)
    charge_back_payment(principal=cast.as_finn, payment_id=payment.pk, amount=Money(60000, "EUR"), now=LATER)

    with pytest.raises(RefundExceedsPayment):
        ready_payout(payment, "400.01")
    with pytest.raises(IntegrityError, match="what a chargeback left"), transaction.atomic():
        Payment.objects.filter(pk=payment.pk).update(reserved_minor=40001)


@pytest.mark.parametrize("amount", [Money(0, "EUR"), Money(100001, "EUR"), Money(1, "USD")])
def test_a_chargeback_lies_within_the_payment(cast, contract, amount):
    payment = captured_payment(contract)

    with pytest.raises(InvalidInput):
        charge_back_payment(principal=cast.as_finn, payment_id=payment.pk, amount=amount, now=LATER)

    payment.refresh_from_db()
    assert payment.status == "captured"


def test_a_payout_that_fails_after_a_chargeback_is_not_sent_again_by_itself(cast, contract):
    payment = captured_payment(contract)
    payout = ready_payout(payment, "300.00")
    fault("timeout_not_done")
    send()
    charge_back_payment(principal=cast.as_finn, payment_id=payment.pk, now=LATER)

    look_after(LATER)

    payout.refresh_from_db()
    assert (payout.state, payout.attempts_made) == ("manual", 1)


def test_a_credit_cannot_be_disputed(cast, contract):
    source = captured_payment(contract)
    credit = issue_credit(
        request_id=source.pk,
        payment=source,
        target_stage=stage_named(contract, "S2"),
        amount_minor=5000,
        now=LATER,
    )

    with pytest.raises(CreditNotDisputable):
        dispute_payment(principal=cast.as_finn, payment_id=credit.pk, now=LATER)
    with pytest.raises(CreditNotDisputable):
        charge_back_payment(principal=cast.as_finn, payment_id=credit.pk, now=LATER)


@pytest.mark.parametrize("act", [dispute_payment, resolve_dispute, charge_back_payment])
def test_only_finance_and_systems_move_disputes(cast, contract, act):
    payment = captured_payment(contract)

    with pytest.raises(NotFoundOrHidden):
        act(principal=cast.as_mallory, payment_id=payment.pk, now=LATER)
    for person in (cast.as_alice, cast.as_rita):
        with pytest.raises(NotPermitted):
            act(principal=person, payment_id=payment.pk, now=LATER)


def test_a_pending_payment_has_no_dispute(contract):
    payment = pending_payment(contract)

    for act in (dispute_payment, resolve_dispute, charge_back_payment):
        with pytest.raises(StaleState):
            act(principal=SYSTEM, payment_id=payment.pk, now=LATER)


def test_money_that_arrived_while_disputed_is_still_booked(cast, contract):
    """The sender skips a disputed payment, but what was on its way is told by the provider."""
    payment = captured_payment(contract)
    payout = create_payout(
        request_id=payment.pk, payment=payment, amount_minor=10000, created_by=None, now=LATER
    )
    fault("timeout_done")
    send(LATER)
    dispute_payment(principal=cast.as_finn, payment_id=payment.pk, now=LATER)

    book_answer(payout_id=payout.pk, answer=GatewayAnswer(kind=AnswerKind.ACCEPTED), now=LATER)

    payment.refresh_from_db()
    assert (payment.reserved_minor, payment.refunded_minor) == (0, 10000)
