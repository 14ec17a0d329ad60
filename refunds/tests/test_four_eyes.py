"""Four eyes and limits: nobody alone, nobody for themselves, and above the limit only an Approver."""

from datetime import timedelta
from io import BytesIO

import pytest
from django.db import IntegrityError, transaction

from accounts.groups import APPROVER, FINANCE
from accounts.models import User
from accounts.principals import SYSTEM, Principal
from accounts.services import create_api_client
from contracts.services import (
    accept_delivery,
    add_document,
    add_member,
    deliver_stage,
    grant_client,
    start_stage,
)
from contracts.tests.cast import NOW, STAGES, signed_contract
from kernel.errors import NotFoundOrHidden, NotPermitted
from refunds import services
from refunds.errors import FourEyesViolated, LimitExceeded
from refunds.models import Decision, RefundRequest
from refunds.tests.scene import (
    LATER,
    TEXT,
    Scene,
    again,
    another_reviewer,
    applied,
    approve,
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


def delivered_late_by(scene: Scene, rosa: Principal) -> RefundRequest:
    """Alice applied for work that was not there; Rosa then recorded its delivery of an hour before."""
    start_stage(principal=scene.cast.as_rita, stage_id=scene.stage.pk, now=NOW)
    request = in_review(scene, now=LATER)
    deliver_stage(principal=rosa, stage_id=scene.stage.pk, delivered_at=NOW, now=LATER + timedelta(minutes=1))
    found = {"values": {"AC-1": "0", "AC-2": "0", "AC-3": "1"}, "reason": "Tested.", "now": LATER}
    services.assess(principal=scene.cast.as_rita, request_id=request.pk, stage_id=scene.stage.pk, **found)
    services.propose_answer(principal=scene.cast.as_rita, request_id=request.pk, now=LATER)
    return again(request)


def test_nobody_approves_a_case_with_a_delivery_they_recorded_after_the_application(scene):
    rosa = another_reviewer()
    request = delivered_late_by(scene, rosa)

    with pytest.raises(FourEyesViolated) as refusal:
        approve(scene, request, rosa)

    assert refusal.value.data["because"] == ["delivered"]
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


def test_finance_alone_decides_nothing(scene):
    both = another_reviewer("faye", FINANCE)
    with pytest.raises(NotPermitted):
        approve(scene, proposed(scene), both)


def test_an_approver_reviews_too(scene):
    ada = another_reviewer("anna", APPROVER)
    request = applied(scene)
    services.start_review(principal=ada, request_id=request.pk, now=LATER)

    assert again(request).reviewer == ada.user
