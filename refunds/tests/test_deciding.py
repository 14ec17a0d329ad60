"""Deciding: proposed by one, approved by another, on facts that still hold, within the limit."""

from datetime import timedelta

import pytest

from contracts.services import deliver_stage
from contracts.tests.cast import stage_named
from events.models import Event
from kernel.errors import StaleState
from payments.models import Payment, Payout
from payments.services.disputes import charge_back_payment, dispute_payment
from payments.services.refunds import cancel_payout
from refunds import services
from refunds.errors import (
    AnswerChanged,
    NotDecidable,
    TargetStageUnsuitable,
)
from refunds.models import Decision
from refunds.selectors import payout_state_of
from refunds.tests.scene import (
    LATER,
    Scene,
    again,
    approve,
    approved,
    eur,
    in_review,
    paid,
    proposed,
)
from refunds.tests.test_established import assessed
from refunds.tests.test_facts import calls, use

pytestmark = pytest.mark.django_db


def test_a_yes_reserves_the_money_and_makes_the_payout_in_one_go(scene):
    request = proposed(scene)

    decision = approve(scene, request)

    payment, payout = Payment.objects.get(pk=scene.payment.pk), Payout.objects.get()
    assert again(request).state == "approved"
    assert (decision.outcome, decision.refund_minor) == ("refund_in_full", 100000)
    assert (decision.proposed_by, decision.approved_by) == (scene.cast.rita, scene.cast.arno)
    assert (payout.request_id, payout.amount_minor, payout.state) == (request.pk, 100000, "ready")
    assert (payment.reserved_minor, payment.refunded_minor) == (100000, 0)
    assert payout_state_of(again(request)) == "ready"
    assert Event.objects.filter(type="refund_request.approved").count() == 1


def test_a_no_is_approved_like_a_yes_and_moves_no_money(delivered):
    request = in_review(delivered)
    assessed(delivered, request, {"AC-1": "1", "AC-2": "1", "AC-3": "1"})
    services.propose_answer(principal=delivered.cast.as_rita, request_id=request.pk, now=LATER)

    decision = approve(delivered, request)

    assert (decision.outcome, decision.answer["reasons"]) == ("no_refund", ["work_conforms"])
    assert again(request).state == "rejected"
    assert not Payout.objects.exists()


def test_the_decision_stores_the_evaluation_of_the_moment_of_approval(scene):
    at = LATER + timedelta(days=2)
    request = proposed(scene)

    decision = approve(scene, request, now=at)

    assert decision.facts["decided_at"] == at.isoformat()
    assert decision.facts["request"]["submitted_at"] == LATER.isoformat()


@pytest.mark.parametrize("outcome", ["needs_review", "on_hold"])
def test_what_is_neither_yes_nor_no_cannot_be_proposed(outcome, delivered):
    request = in_review(delivered)
    if outcome == "on_hold":
        dispute_payment(principal=delivered.cast.as_finn, payment_id=delivered.payment.pk, now=LATER)

    with pytest.raises(NotDecidable) as refusal:
        services.propose_answer(principal=delivered.cast.as_rita, request_id=request.pk, now=LATER)

    assert refusal.value.data["outcome"] == outcome
    assert again(request).state == "in_review"


def test_a_chargeback_during_review_ends_as_a_no(scene):
    request = in_review(scene)
    charge_back_payment(principal=scene.cast.as_finn, payment_id=scene.payment.pk, now=LATER)
    services.propose_answer(principal=scene.cast.as_rita, request_id=request.pk, now=LATER)

    decision = approve(scene, request)

    assert (decision.outcome, again(request).state) == ("inadmissible", "rejected")


# The answer changed, sent back


def test_if_the_facts_changed_the_approval_is_refused_and_the_case_is_back_in_review(scene):
    request = proposed(scene)
    use(scene, calls("1000"), now=LATER)

    with pytest.raises(AnswerChanged) as refusal:
        approve(scene, request)

    changed = {one["field"]: (one["shown"], one["now"]) for one in refusal.value.data["differences"]}
    request = again(request)
    assert changed["refund"] == ("1000.00", "987.50")
    assert request.state == "in_review"
    assert request.answer["refund"] == "987.50"
    assert not Payout.objects.exists()
    assert not Decision.objects.exists()
    sent_back = Event.objects.get(type="refund_request.sent_back")
    assert sent_back.data["because"] == "answer_changed"
    assert sent_back.data["changed"] == [one["field"] for one in refusal.value.data["differences"]]


def test_work_delivered_after_the_application_changes_nothing(scene):
    from contracts.services import start_stage

    request = proposed(scene)
    start_stage(principal=scene.cast.as_rita, stage_id=scene.stage.pk, now=LATER + timedelta(hours=1))
    deliver_stage(principal=scene.cast.as_rita, stage_id=scene.stage.pk, now=LATER + timedelta(hours=1))

    assert approve(scene, request, now=LATER + timedelta(hours=2)).outcome == "refund_in_full"


def test_a_dispute_after_the_proposal_sends_it_back(scene):
    request = proposed(scene)
    dispute_payment(principal=scene.cast.as_finn, payment_id=scene.payment.pk, now=LATER)

    with pytest.raises(AnswerChanged):
        approve(scene, request)

    assert again(request).answer["outcome"] == "on_hold"


def test_the_second_person_sends_back_with_a_reason_that_only_staff_read(scene):
    request = proposed(scene)

    services.send_back(
        principal=scene.cast.as_arno, request_id=request.pk, reason="Test AC-2 again.", now=LATER
    )

    message = request.messages.get()
    assert again(request).state == "in_review"
    assert (message.is_internal, message.body) == (True, "Test AC-2 again.")
    assert services.propose_answer(principal=scene.cast.as_rita, request_id=request.pk, now=LATER).number == 2


def test_an_approval_comes_once(scene):
    request = proposed(scene)
    approve(scene, request)

    with pytest.raises(StaleState):
        approve(scene, request)


# Exchange


def exchange(scene: Scene, amount: str = "500.00", **fields):
    target = stage_named(scene.contract, "S2")
    return proposed(scene, remedy="exchange", target_stage_id=target.pk, amount=eur(amount), **fields)


def test_an_exchange_gives_a_credit_towards_the_stage_and_no_payout(scene):
    request = exchange(scene, "400.00")

    approve(scene, request)

    credit = Payment.objects.get(method="credit")
    payment = Payment.objects.get(pk=scene.payment.pk)
    assert (credit.amount_minor, credit.stage.code, credit.deadline) == (40000, "S2", None)
    assert (payment.reserved_minor, payment.refunded_minor) == (0, 40000)
    assert stage_named(scene.contract, "S2").covered_minor == 40000
    assert payout_state_of(again(request)) == "credited"
    assert not Payout.objects.exists()


def test_a_stage_that_was_paid_meanwhile_takes_no_credit_any_more(scene):
    request = exchange(scene)
    paid(scene.cast, scene.contract, "S2", "0.01")

    with pytest.raises(TargetStageUnsuitable):
        approve(scene, request)

    assert again(request).state == "proposed"


# A payout that was cancelled


def cancel(scene: Scene, request) -> None:
    payout = Payout.objects.filter(request_id=request.pk).latest("created_at")
    cancel_payout(principal=scene.cast.as_finn, payout_id=payout.pk, reason="Wrong account.", now=LATER)


def test_a_cancelled_payout_frees_the_money_and_brings_the_case_back(scene):
    request = approved(scene)

    cancel(scene, request)

    request, payment = again(request), Payment.objects.get(pk=scene.payment.pk)
    assert (request.state, request.decided_at) == ("in_review", None)
    assert request.answer["refund"] == "1000.00"
    assert payment.reserved_minor == 0
    event = Event.objects.get(type="refund_request.reopened")
    assert event.actor_id == scene.cast.finn.pk


def test_a_case_that_came_back_is_decided_again_by_a_second_decision(scene):
    request = approved(scene)
    cancel(scene, request)
    services.propose_answer(principal=scene.cast.as_rita, request_id=request.pk, now=LATER)

    decision = approve(scene, request)

    assert decision.number == 2
    assert list(Payout.objects.order_by("created_at", "id").values_list("state", flat=True)) == [
        "cancelled",
        "ready",
    ]


def test_while_another_request_is_open_the_cancelled_one_waits_for_it(scene):
    first = approved(scene, amount=eur("400.00"))
    second = proposed(scene, amount=eur("100.00"))

    cancel(scene, first)
    waiting = again(first).state
    with pytest.raises(AnswerChanged):
        approve(scene, second)
    services.propose_answer(principal=scene.cast.as_rita, request_id=second.pk, now=LATER)
    approve(scene, second)

    assert (waiting, again(first).state, again(second).state) == ("approved", "in_review", "approved")


def test_a_lost_chargeback_is_recorded_even_if_an_approved_case_comes_back_by_it(scene):
    request = approved(scene)

    charge_back_payment(principal=scene.cast.as_finn, payment_id=scene.payment.pk, now=LATER)

    assert again(request).state == "in_review"
    assert Payment.objects.get(pk=scene.payment.pk).status == "charged_back"
