"""Established facts: by whom, when and why; each evaluates the case again."""

from uuid import uuid4

import pytest

from accounts.principals import SYSTEM
from contracts.services import accept_delivery, add_member
from contracts.tests.cast import NOW, stage_named
from events.models import Event
from kernel.errors import InvalidInput, NotFoundOrHidden, NotPermitted, StaleState
from refunds import services
from refunds.errors import FourEyesViolated, NothingToEstablish
from refunds.models import HiddenDefect, StatutoryCheck
from refunds.tests.scene import LATER, again, applied, evidence, in_review, make_scene
from refunds.tests.test_facts import calls, use

pytestmark = pytest.mark.django_db


def assessed(scene, request, values, *, principal=None, now=LATER, **fields):
    given = {
        "principal": principal or scene.cast.as_rita,
        "request_id": request.pk,
        "stage_id": scene.stage.pk,
        "values": values,
        "reason": "Tested against the specification.",
        "now": now,
    }
    return services.assess(**{**given, **fields})


def test_an_assessment_item_by_item_turns_needs_review_into_a_part(delivered):
    request = in_review(delivered)

    assessed(delivered, request, {"AC-1": "1", "AC-2": "1/2"})

    answer = again(request).answer
    assert (answer["outcome"], answer["refund"]) == ("refund_in_part", "187.50")
    told = Event.objects.get(type="refund_request.fact_established")
    assert (told.data["before"]["outcome"], told.data["after"]["outcome"]) == (
        "needs_review",
        "refund_in_part",
    )
    assert told.data["fact"] == "assessment"
    assert Event.objects.filter(type="stage.assessed").count() == 1


def test_a_hidden_defect_undoes_an_acceptance_and_may_be_taken_back(delivered):
    request = in_review(delivered)
    accept_delivery(principal=delivered.cast.as_alice, stage_id=delivered.stage.pk, now=LATER)
    rita = {"principal": delivered.cast.as_rita, "request_id": request.pk, "stage_id": delivered.stage.pk}

    services.record_hidden_defect(**rita, reason="It loses orders.", now=LATER)
    with_defect = again(request).answer["reasons"]
    services.record_hidden_defect(**rita, holds=False, reason="It does not.", now=LATER)
    without = again(request).answer["reasons"]

    assert (with_defect, without) == (["conformity_pending"], ["work_accepted"])
    assert HiddenDefect.objects.count() == 2


@pytest.mark.parametrize(
    ("holds", "outcome", "reason"),
    [(True, "refund_in_full", "full_refund"), (False, "no_refund", "window_expired")],
)
def test_the_check_of_the_law_decides_for_a_late_consumer(consumer, holds, outcome, reason):
    request = in_review(consumer, now=consumer.payment.deadline)

    services.record_statutory_check(
        principal=consumer.cast.as_rita,
        request_id=request.pk,
        holds=holds,
        reason="Distance contract.",
        evidence_id=evidence(consumer).pk,
        now=consumer.payment.deadline,
    )

    answer = again(request).answer
    assert (answer["outcome"], answer["reasons"], answer["in_time"]) == (outcome, [reason], False)
    assert StatutoryCheck.objects.get().evidence is not None


def test_the_law_gives_nothing_to_check_for_a_business(scene):
    request = in_review(scene)

    with pytest.raises(NothingToEstablish):
        services.record_statutory_check(
            principal=scene.cast.as_rita, request_id=request.pk, holds=True, reason="Law.", now=LATER
        )


def test_company_usage_is_excluded_by_its_source_and_id(scene):
    use(scene, calls("1000"), calls("200"))
    request = in_review(scene)

    services.exclude_usage(
        principal=scene.cast.as_rita,
        request_id=request.pk,
        records=[("meters", "0")],
        reason="Our load test.",
        now=LATER,
    )

    assert again(request).answer["usage_value"] == "5/2"


def test_usage_that_is_not_of_this_payment_is_named_by_its_place(scene):
    use(scene, calls("1000"))
    request = in_review(scene)

    with pytest.raises(InvalidInput) as refusal:
        services.exclude_usage(
            principal=scene.cast.as_rita,
            request_id=request.pk,
            records=[("meters", "0"), ("meters", "7"), ("meters\0", "\ud800")],
            reason="Ours.",
            now=LATER,
        )

    assert [fault.path for fault in refusal.value.faults] == ["records[1]", "records[2]"]


ACTS = {
    "assess": lambda scene: {"stage_id": scene.stage.pk, "values": {"AC-1": "1"}},
    "record_hidden_defect": lambda scene: {"stage_id": scene.stage.pk},
    "exclude_usage": lambda scene: {"records": [("meters", "0")]},
    "record_statutory_check": lambda scene: {"holds": True},
}


@pytest.fixture
def case(db):
    """A consumer's case in review in which every fact could be established."""
    scene = make_scene(kind="consumer", is_delivered=True)
    use(scene, calls("10"))
    return scene, in_review(scene)


def act(name, scene, request, **fields):
    given = {
        "principal": scene.cast.as_rita,
        "request_id": request.pk,
        "reason": "Looked at it.",
        "now": LATER,
    }
    return getattr(services, name)(**{**given, **ACTS[name](scene), **fields})


@pytest.mark.parametrize("name", ACTS)
def test_a_reviewer_establishes_facts(name, case):
    scene, request = case

    act(name, scene, request)

    assert Event.objects.filter(type="refund_request.fact_established").count() == 1


@pytest.mark.parametrize("name", ACTS)
@pytest.mark.parametrize("who", ["as_alice", "as_finn", "as_ada", "as_erp"])
def test_nobody_else_establishes_facts(name, who, case):
    scene, request = case

    with pytest.raises(NotPermitted):
        act(name, scene, request, principal=getattr(scene.cast, who))


@pytest.mark.parametrize("name", ACTS)
def test_for_a_stranger_the_case_does_not_exist(name, case):
    scene, request = case

    with pytest.raises(NotFoundOrHidden):
        act(name, scene, request, principal=scene.cast.as_mallory)


@pytest.mark.parametrize("name", ACTS)
def test_nobody_establishes_facts_for_a_client_they_belong_to(name, case):
    scene, request = case
    cast = scene.cast
    add_member(principal=SYSTEM, client_id=cast.client.pk, user=cast.rita, role="viewer", now=NOW)

    with pytest.raises(FourEyesViolated):
        act(name, scene, request)


@pytest.mark.parametrize("name", ACTS)
@pytest.mark.parametrize("fields", [{"reason": " "}, {"evidence_id": uuid4()}])
def test_a_fact_needs_a_reason_and_evidence_of_this_contract(name, fields, case):
    scene, request = case

    with pytest.raises(InvalidInput):
        act(name, scene, request, **fields)

    assert not Event.objects.filter(type="refund_request.fact_established").exists()


@pytest.mark.parametrize("name", ACTS)
def test_before_the_review_nothing_is_established(name, db):
    scene = make_scene(kind="consumer", is_delivered=True)
    use(scene, calls("10"))
    request = applied(scene)

    with pytest.raises(StaleState):
        act(name, scene, request)


@pytest.mark.parametrize("name", ["assess", "record_hidden_defect"])
def test_a_stage_of_another_payment_is_no_part_of_the_case(name, case):
    scene, request = case

    with pytest.raises(InvalidInput):
        act(name, scene, request, stage_id=stage_named(scene.contract, "S2").pk)


@pytest.mark.parametrize("name", ["assess", "record_hidden_defect"])
def test_what_was_not_delivered_when_the_application_arrived_cannot_be_judged(name, scene):
    request = in_review(scene)

    with pytest.raises(InvalidInput):
        act(name, scene, request)
