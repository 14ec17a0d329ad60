"""Deciding: proposed by one, approved by another, on facts that still hold, within the limit."""

from datetime import timedelta
from io import BytesIO

import pytest
from django.db import IntegrityError, transaction

from accounts.groups import APPROVER, FINANCE
from accounts.models import User
from accounts.principals import SYSTEM, Principal
from accounts.services import create_api_client
from contracts.services import accept_delivery, add_document, add_member, deliver_stage, grant_client
from contracts.tests.cast import NOW, STAGES, signed_contract, stage_named
from events.models import Event
from kernel.errors import NotFoundOrHidden, NotPermitted, StaleState
from payments.models import Payment, Payout
from payments.services.disputes import charge_back_payment, dispute_payment
from payments.services.refunds import cancel_payout
from refunds import services
from refunds.errors import (
    AnswerChanged,
    FourEyesViolated,
    LimitExceeded,
    NotDecidable,
    TargetStageUnsuitable,
)
from refunds.models import Decision
from refunds.selectors import payout_state_of
from refunds.tests.scene import (
    LATER,
    TEXT,
    Scene,
    again,
    another_reviewer,
    applied,
    approved,
    eur,
    in_review,
    make_scene,
    paid,
    proposed,
)
from refunds.tests.test_applying import recorded
from refunds.tests.test_established import assessed
from refunds.tests.test_facts import calls, use

pytestmark = pytest.mark.django_db


def approve(scene: Scene, request, principal: Principal | None = None, *, now=LATER) -> Decision:
    return services.approve_request(principal=principal or scene.cast.as_arno, request_id=request.pk, now=now)


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


# Four eyes


def hand_of_rosa(scene: Scene, hand: str) -> tuple[object, Principal]:
    """A proposed case in which Rosa, a second reviewer, had a hand; Rita proposed it."""
    rosa = another_reviewer()
    as_rosa = {"principal": rosa, "reason": "Looked at it.", "now": LATER}
    if hand == "recorded":
        request = recorded(scene, principal=rosa)
        services.start_review(principal=scene.cast.as_rita, request_id=request.pk, now=LATER)
    else:
        request = in_review(scene, now=LATER if hand != "established" else scene.payment.deadline)
    if hand == "accepted":
        protocol = add_document(
            principal=rosa,
            contract_id=scene.contract.pk,
            kind="protocol",
            title="Protocol",
            file=BytesIO(TEXT),
            file_name="protocol.txt",
            now=NOW,
        )
        accept_delivery(principal=rosa, stage_id=scene.stage.pk, protocol_id=protocol.pk, now=LATER)
        as_rita = {**as_rosa, "principal": scene.cast.as_rita}
        services.assess(**as_rita, request_id=request.pk, stage_id=scene.stage.pk, values={"AC-1": "0"})
    elif hand == "assessed":
        services.assess(**as_rosa, request_id=request.pk, stage_id=scene.stage.pk, values={"AC-1": "0"})
    elif hand == "excluded":
        services.exclude_usage(**as_rosa, request_id=request.pk, records=[("meters", "0")])
    elif hand == "found a hidden defect":
        services.record_hidden_defect(**as_rosa, request_id=request.pk, stage_id=scene.stage.pk)
    elif hand == "checked the law":
        services.record_statutory_check(**as_rosa, request_id=request.pk, holds=True)
    if hand in ("recorded", "excluded", "found a hidden defect", "checked the law"):
        as_rita = {**as_rosa, "principal": scene.cast.as_rita}
        services.assess(**as_rita, request_id=request.pk, stage_id=scene.stage.pk, values={"AC-1": "0"})
    services.propose_answer(
        principal=rosa if hand == "proposed" else scene.cast.as_rita, request_id=request.pk, now=LATER
    )
    return again(request), rosa


@pytest.mark.parametrize(
    ("hand", "because"),
    [
        ("recorded", "recorded"),
        ("accepted", "accepted"),
        ("assessed", "assessed"),
        ("excluded", "established"),
        ("found a hidden defect", "established"),
        ("checked the law", "established"),
    ],
)
def test_nobody_approves_what_they_had_a_hand_in(hand, because, db):
    scene = make_scene(kind="consumer", is_delivered=True)
    use(scene, calls("10"))
    request, rosa = hand_of_rosa(scene, hand)

    with pytest.raises(FourEyesViolated) as refusal:
        approve(scene, request, rosa)

    assert refusal.value.data["because"] == [because]
    assert again(request).state == "proposed"
    assert approve(scene, request).approved_by == scene.cast.arno


def test_nobody_approves_what_they_proposed_not_even_an_approver(scene):
    request = in_review(scene)
    services.propose_answer(principal=scene.cast.as_arno, request_id=request.pk, now=LATER)

    with pytest.raises(FourEyesViolated) as refusal:
        approve(scene, request, scene.cast.as_arno)

    assert refusal.value.data["because"] == ["proposed"]


def test_nobody_approves_for_a_client_they_belong_to(scene):
    request = proposed(scene)
    cast = scene.cast
    add_member(principal=SYSTEM, client_id=cast.client.pk, user=cast.arno, role="viewer", now=NOW)

    with pytest.raises(FourEyesViolated) as refusal:
        approve(scene, request)

    assert refusal.value.data["because"] == ["member"]


def test_a_second_reviewer_who_only_started_the_review_may_approve(scene):
    rosa = another_reviewer()
    request = applied(scene)
    services.start_review(principal=rosa, request_id=request.pk, now=LATER)
    services.propose_answer(principal=scene.cast.as_rita, request_id=request.pk, now=LATER)

    assert approve(scene, request, rosa).approved_as == "reviewer"


@pytest.mark.parametrize("who", ["as_alice", "as_bea", "as_finn", "as_ada", "as_erp"])
def test_others_neither_propose_nor_approve_nor_send_back(scene, who):
    principal = getattr(scene.cast, who)
    with pytest.raises(NotPermitted):
        services.propose_answer(principal=principal, request_id=in_review(scene).pk, now=LATER)
    request = scene.payment.requests.get()
    services.propose_answer(principal=scene.cast.as_rita, request_id=request.pk, now=LATER)

    with pytest.raises(NotPermitted):
        approve(scene, request, principal)
    with pytest.raises(NotPermitted):
        services.send_back(principal=principal, request_id=request.pk, reason="No.", now=LATER)


def test_a_superuser_without_a_group_approves_nothing(scene):
    root = User.objects.create_superuser("root@company.example", name="Root")
    request = proposed(scene)

    with pytest.raises(NotPermitted):
        approve(scene, request, Principal(user=root))


def test_a_stranger_does_not_find_the_case(scene):
    request = proposed(scene)

    with pytest.raises(NotFoundOrHidden):
        approve(scene, request, scene.cast.as_mallory)


@pytest.mark.parametrize("is_on", [False, True])
def test_a_system_that_counts_as_an_approver_approves_only_where_that_is_on(scene, settings, is_on):
    settings.API_APPROVAL = is_on
    request = proposed(scene)
    client, _ = create_api_client(name="desk", scopes=["refunds:decide"], staff_user=scene.cast.arno)
    grant_client(api_client=client, client_id=scene.cast.client.pk, now=NOW)
    as_desk = Principal(user=scene.cast.arno, api_client=client)

    if is_on:
        assert approve(scene, request, as_desk).approved_by == scene.cast.arno
    else:
        with pytest.raises(NotPermitted):
            approve(scene, request, as_desk)


def test_the_database_itself_refuses_one_person_for_both(scene):
    decision = approve(scene, proposed(scene))
    fields = {field.attname: getattr(decision, field.attname) for field in Decision._meta.concrete_fields}
    alone = {
        **fields,
        "id": None,
        "number": 2,
        "proposal_id": None,
        "approved_by_id": fields["proposed_by_id"],
    }
    del alone["id"]

    with pytest.raises(IntegrityError, match="nobody_approves_what_they_proposed"), transaction.atomic():
        Decision.objects.create(**alone)


# Limits


@pytest.mark.parametrize(("amount", "may"), [("999.99", True), ("1000.00", True), ("1000.01", False)])
def test_a_reviewer_approves_up_to_the_limit_and_an_approver_above_it(db, amount, may):
    scene = make_scene(stages=[{**STAGES[1], "amount": "1000.01"}])
    request = proposed(scene, amount=eur(amount))
    rosa = another_reviewer()

    if may:
        decision = approve(scene, request, rosa)
        assert (decision.approved_as, decision.limit_minor) == ("reviewer", 100000)
    else:
        with pytest.raises(LimitExceeded):
            approve(scene, request, rosa)
        assert approve(scene, request).approved_as == "approver"


def test_the_limit_counts_the_refunds_of_one_client_and_company_day(scene):
    rosa = another_reviewer()
    approve(scene, proposed(scene, amount=eur("600.00")), rosa)
    second = proposed(scene, amount=eur("400.00"))
    other = Scene(scene.cast, scene.contract, paid(scene.cast, scene.contract, "S2"))
    third = proposed(other, amount=eur("0.01"))

    approve(scene, second, rosa)
    with pytest.raises(LimitExceeded) as refusal:
        approve(other, third, rosa)

    assert refusal.value.data["approved_today"] == "1000.00"
    last_instant = NOW.replace(hour=21, minute=59, second=59)
    with pytest.raises(LimitExceeded):
        approve(other, third, rosa, now=last_instant)
    assert approve(other, third, rosa, now=last_instant + timedelta(seconds=1)).refund_minor == 1


def test_refunds_of_another_client_do_not_fill_the_limit(scene):
    rosa = another_reviewer()
    approve(scene, proposed(scene), rosa)
    cast = scene.cast
    contract = signed_contract(cast, client=cast.other_client)
    other = Scene(cast, contract, paid(cast, contract))
    request = applied(other, principal=cast.as_mallory)
    services.start_review(principal=cast.as_rita, request_id=request.pk, now=LATER)
    services.propose_answer(principal=cast.as_rita, request_id=request.pk, now=LATER)

    assert approve(other, request, rosa).refund_minor == 100000


def test_a_currency_without_a_limit_needs_an_approver_for_every_cent(db):
    scene = make_scene(currency="USD")
    request = proposed(scene, amount=None)

    with pytest.raises(LimitExceeded):
        approve(scene, request, another_reviewer())
    assert approve(scene, request).currency == "USD"


def test_a_no_needs_no_limit(db):
    scene = make_scene(is_delivered=True, currency="USD")
    request = in_review(scene)
    assessed(scene, request, {"AC-1": "1", "AC-2": "1", "AC-3": "1"})
    services.propose_answer(principal=scene.cast.as_rita, request_id=request.pk, now=LATER)

    assert approve(scene, request, another_reviewer()).outcome == "no_refund"


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


def test_finance_alone_decides_nothing(scene):
    both = another_reviewer("faye", FINANCE)
    with pytest.raises(NotPermitted):
        approve(scene, proposed(scene), both)


def test_an_approver_reviews_too(scene):
    ada = another_reviewer("anna", APPROVER)
    request = applied(scene)
    services.start_review(principal=ada, request_id=request.pk, now=LATER)

    assert again(request).reviewer == ada.user
