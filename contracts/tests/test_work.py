"""The work: begun, delivered, accepted or objected to; each by whom it belongs to."""

from datetime import date, timedelta
from io import BytesIO

import pytest

from accounts.principals import SYSTEM
from contracts.models import Delivery, Stage
from contracts.selectors import acceptance_at, deliveries_at
from contracts.services import (
    accept_delivery,
    add_document,
    add_member,
    assess_delivery,
    complete_contract,
    deliver_stage,
    object_to_delivery,
    start_stage,
    terminate_contract,
)
from contracts.services.acts import ContractNotSigned
from contracts.services.contracts import WorkOutstanding
from contracts.services.work import NotDeliverable, ProtocolNeeded
from contracts.tests.cast import NOW, delivered_stage, draft_contract, signed_contract, stage_named
from events.models import Event
from kernel.errors import InvalidInput, NotFoundOrHidden, NotPermitted, StaleState

pytestmark = pytest.mark.django_db

OBJECTION = [{"item": "AC-2", "text": "It prints nothing."}, {"text": "It is slow."}]


def paths(caught):
    return [fault.path for fault in caught.value.faults]


def add_file(cast, contract, kind="protocol"):
    return add_document(
        principal=cast.as_rita,
        contract_id=contract.pk,
        kind=kind,
        title="Protocol",
        file=BytesIO(b"Accepted."),
        file_name="protocol.txt",
        now=NOW,
    )


def test_work_is_begun_and_delivered_and_becomes_due(cast):
    contract = signed_contract(cast, payment_days=10)
    stage = stage_named(contract, "S1")
    file = add_file(cast, contract, "other")
    late_evening = NOW.replace(hour=22, minute=30) - timedelta(days=1)

    start_stage(principal=cast.as_rita, stage_id=stage.pk, now=late_evening)
    delivery = deliver_stage(
        principal=cast.as_erp,
        stage_id=stage.pk,
        delivered_at=late_evening,
        note="Release 1",
        documents=[file.pk],
        now=NOW,
    )

    stage.refresh_from_db()
    assert (stage.state, stage.due_on) == ("delivered", date(2026, 6, 1) + timedelta(days=10))
    assert (delivery.number, delivery.delivered_at, delivery.recorded_at) == (1, late_evening, NOW)
    assert list(delivery.documents.all()) == [file]
    event = Event.objects.get(type="stage.delivered")
    assert (event.subject_id, event.actor_kind, event.data["stage"]) == (stage.pk, "api", "S1")


@pytest.mark.parametrize("who", ["as_alice", "as_cem", "as_bea", "as_finn", "as_ada"])
def test_only_those_who_do_contract_work_begin_and_deliver(cast, who):
    stage = stage_named(signed_contract(cast), "S1")

    with pytest.raises(NotPermitted):
        start_stage(principal=getattr(cast, who), stage_id=stage.pk, now=NOW)
    with pytest.raises(NotPermitted):
        deliver_stage(principal=getattr(cast, who), stage_id=stage.pk, now=NOW)


def test_for_mallory_there_is_no_such_stage(cast):
    contract = signed_contract(cast)
    stage = stage_named(contract, "S1")
    delivery = delivered_stage(cast, contract)
    acts = (
        lambda: start_stage(principal=cast.as_mallory, stage_id=stage.pk, now=NOW),
        lambda: deliver_stage(principal=cast.as_mallory, stage_id=stage.pk, now=NOW),
        lambda: accept_delivery(principal=cast.as_mallory, stage_id=stage.pk, now=NOW),
        lambda: object_to_delivery(
            principal=cast.as_mallory, stage_id=stage.pk, objections=OBJECTION, now=NOW
        ),
        lambda: assess_delivery(
            principal=cast.as_mallory, delivery_id=delivery.pk, values={"AC-1": "1"}, reason="x", now=NOW
        ),
    )
    for act in acts:
        with pytest.raises(NotFoundOrHidden):
            act()

    assert Delivery.objects.get().state == "delivered"


def test_work_needs_a_signed_contract_that_has_not_ended(cast):
    draft = draft_contract(cast)
    with pytest.raises(ContractNotSigned):
        start_stage(principal=cast.as_rita, stage_id=stage_named(draft, "S1").pk, now=NOW)

    ended = signed_contract(cast)
    terminate_contract(principal=cast.as_rita, contract_id=ended.pk, reason="No more money.", now=NOW)
    with pytest.raises(ContractNotSigned):
        start_stage(principal=cast.as_rita, stage_id=stage_named(ended, "S1").pk, now=NOW)


def test_a_prepayment_is_never_begun_or_delivered(cast):
    stage = stage_named(signed_contract(cast), "P1")

    with pytest.raises(NotDeliverable):
        start_stage(principal=cast.as_rita, stage_id=stage.pk, now=NOW)
    with pytest.raises(NotDeliverable):
        deliver_stage(principal=cast.as_rita, stage_id=stage.pk, now=NOW)


def test_steps_have_their_order(cast):
    stage = stage_named(signed_contract(cast), "S1")

    with pytest.raises(StaleState):
        deliver_stage(principal=cast.as_rita, stage_id=stage.pk, now=NOW)
    start_stage(principal=cast.as_rita, stage_id=stage.pk, now=NOW)
    with pytest.raises(StaleState):
        start_stage(principal=cast.as_rita, stage_id=stage.pk, now=NOW)
    deliver_stage(principal=cast.as_rita, stage_id=stage.pk, now=NOW)
    with pytest.raises(StaleState):
        deliver_stage(principal=cast.as_rita, stage_id=stage.pk, now=NOW)


@pytest.mark.parametrize("offset", [timedelta(microseconds=1), timedelta(days=-11)])
def test_a_delivery_lies_between_the_signature_and_now(cast, offset):
    stage = stage_named(signed_contract(cast), "S1")
    start_stage(principal=cast.as_rita, stage_id=stage.pk, now=NOW)

    with pytest.raises(InvalidInput) as caught:
        deliver_stage(principal=cast.as_rita, stage_id=stage.pk, delivered_at=NOW + offset, now=NOW)

    assert paths(caught) == ["delivered_at"]


@pytest.mark.parametrize(
    ("late", "refused"), [(timedelta(days=1), False), (timedelta(days=1, microseconds=1), True)]
)
def test_a_delivery_is_dated_back_by_a_day_at_most(cast, late, refused):
    stage = stage_named(signed_contract(cast), "S1")
    start_stage(principal=cast.as_rita, stage_id=stage.pk, now=NOW - timedelta(days=5))
    record = {"principal": cast.as_rita, "stage_id": stage.pk, "delivered_at": NOW - late, "now": NOW}

    if refused:
        with pytest.raises(InvalidInput) as caught:
            deliver_stage(**record)
        assert paths(caught) == ["delivered_at"]
    else:
        assert deliver_stage(**record).delivered_at == NOW - late


def test_documents_of_a_delivery_belong_to_its_contract(cast):
    contract, other = signed_contract(cast), signed_contract(cast)
    stage = stage_named(contract, "S1")
    start_stage(principal=cast.as_rita, stage_id=stage.pk, now=NOW)
    own, foreign = add_file(cast, contract), add_file(cast, other)

    with pytest.raises(InvalidInput) as caught:
        deliver_stage(principal=cast.as_rita, stage_id=stage.pk, documents=[own.pk, foreign.pk], now=NOW)

    assert paths(caught) == ["documents[1]"]
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("who", ["as_alice", "as_cem"])
def test_acceptance_is_the_clients_own_act(cast, who):
    contract = signed_contract(cast)
    delivered_stage(cast, contract)

    delivery = accept_delivery(principal=getattr(cast, who), stage_id=stage_named(contract, "S1").pk, now=NOW)

    delivery.refresh_from_db()
    assert (delivery.state, delivery.accepted_at, delivery.accepted_by_client) == ("accepted", NOW, True)
    assert Event.objects.get(type="stage.accepted").data["by_client"] is True


def test_a_viewer_accepts_nothing(cast):
    contract = signed_contract(cast)
    delivered_stage(cast, contract)

    with pytest.raises(NotPermitted):
        accept_delivery(principal=cast.as_bea, stage_id=stage_named(contract, "S1").pk, now=NOW)


@pytest.mark.parametrize("who", ["as_rita", "as_erp"])
def test_others_record_acceptance_with_the_signed_protocol_only(cast, who):
    contract = signed_contract(cast)
    delivered_stage(cast, contract)
    stage, principal = stage_named(contract, "S1"), getattr(cast, who)
    protocol = add_file(cast, contract)
    signed_at = NOW - timedelta(hours=5)

    with pytest.raises(ProtocolNeeded):
        accept_delivery(principal=principal, stage_id=stage.pk, accepted_at=signed_at, now=NOW)
    delivery = accept_delivery(
        principal=principal, stage_id=stage.pk, accepted_at=signed_at, protocol_id=protocol.pk, now=NOW
    )

    assert (delivery.accepted_at, delivery.accepted_by_client) == (signed_at, False)
    assert delivery.acceptance_protocol == protocol


def test_a_reviewer_who_is_a_member_of_the_client_still_needs_the_protocol(cast):
    contract = signed_contract(cast)
    delivered_stage(cast, contract)
    add_member(principal=SYSTEM, client_id=cast.client.pk, user=cast.rita, role="owner", now=NOW)

    with pytest.raises(ProtocolNeeded):
        accept_delivery(principal=cast.as_rita, stage_id=stage_named(contract, "S1").pk, now=NOW)


def test_the_protocol_is_one_of_this_contract(cast):
    contract, other = signed_contract(cast), signed_contract(cast)
    delivered_stage(cast, contract)

    for document in (add_file(cast, other), add_file(cast, contract, "evidence")):
        with pytest.raises(InvalidInput) as caught:
            accept_delivery(
                principal=cast.as_rita,
                stage_id=stage_named(contract, "S1").pk,
                protocol_id=document.pk,
                now=NOW,
            )
        assert paths(caught) == ["protocol"]


@pytest.mark.parametrize("offset", [timedelta(seconds=1), timedelta(days=-2)])
def test_acceptance_lies_between_delivery_and_now(cast, offset):
    contract = signed_contract(cast)
    delivered_stage(cast, contract)
    protocol = add_file(cast, contract)

    with pytest.raises(InvalidInput) as caught:
        accept_delivery(
            principal=cast.as_rita,
            stage_id=stage_named(contract, "S1").pk,
            accepted_at=NOW + offset,
            protocol_id=protocol.pk,
            now=NOW,
        )

    assert paths(caught) == ["accepted_at"]


def test_acceptance_recorded_by_others_counts_only_for_later_applications(cast):
    contract = signed_contract(cast)
    delivered_stage(cast, contract)
    delivery = accept_delivery(
        principal=cast.as_rita,
        stage_id=stage_named(contract, "S1").pk,
        accepted_at=NOW - timedelta(hours=5),
        protocol_id=add_file(cast, contract).pk,
        now=NOW,
    )

    assert acceptance_at(delivery, NOW - timedelta(seconds=1)) is None
    assert acceptance_at(delivery, NOW) == NOW - timedelta(hours=5)


def test_what_is_accepted_is_neither_accepted_again_nor_objected_to(cast):
    contract = signed_contract(cast)
    delivered_stage(cast, contract)
    stage = stage_named(contract, "S1")
    accept_delivery(principal=cast.as_alice, stage_id=stage.pk, now=NOW)

    with pytest.raises(StaleState):
        accept_delivery(principal=cast.as_alice, stage_id=stage.pk, now=NOW)
    with pytest.raises(StaleState):
        object_to_delivery(principal=cast.as_alice, stage_id=stage.pk, objections=OBJECTION, now=NOW)


def test_after_an_objection_work_goes_on_and_is_delivered_again(cast):
    contract = signed_contract(cast)
    first = delivered_stage(cast, contract)
    stage = stage_named(contract, "S1")

    object_to_delivery(principal=cast.as_cem, stage_id=stage.pk, objections=OBJECTION, now=NOW)
    second = delivered_stage(cast, contract, at=NOW + timedelta(days=3))

    first.refresh_from_db()
    stage.refresh_from_db()
    assert (first.state, first.objected_at, first.objected_by) == ("objected", NOW, cast.cem)
    assert first.objections == [
        {"item": "AC-2", "text": "It prints nothing."},
        {"item": None, "text": "It is slow."},
    ]
    assert (second.number, second.state, stage.state) == (2, "delivered", "delivered")
    assert Event.objects.get(type="stage.objected").data["items"] == ["AC-2"]


def test_a_second_delivery_is_not_dated_before_the_objection(cast):
    contract = signed_contract(cast)
    delivered_stage(cast, contract)
    stage = stage_named(contract, "S1")
    object_to_delivery(principal=cast.as_alice, stage_id=stage.pk, objections=OBJECTION, now=NOW)

    with pytest.raises(InvalidInput):
        deliver_stage(
            principal=cast.as_rita, stage_id=stage.pk, delivered_at=NOW - timedelta(seconds=1), now=NOW
        )


@pytest.mark.parametrize(
    ("objections", "path"),
    [
        ([], "objections"),
        ([{"item": "AC-9", "text": "?"}], "objections[0].item"),
        ([{"item": "AC-1"}], "objections[0].text"),
        ([{"text": " "}], "objections[0].text"),
        (["bad"], "objections[0]"),
        ("bad", "objections"),
        (None, "objections"),
        ([{"text": "x", "by": "me"}], "objections[0].by"),
    ],
)
def test_an_objection_says_what_is_wrong(cast, objections, path):
    contract = signed_contract(cast)
    delivered_stage(cast, contract)

    with pytest.raises(InvalidInput) as caught:
        object_to_delivery(
            principal=cast.as_alice,
            stage_id=stage_named(contract, "S1").pk,
            objections=objections,
            now=NOW,
        )

    assert paths(caught) == [path]
    assert Stage.objects.get(contract=contract, code="S1").state == "delivered"


def test_facts_take_the_last_delivery_at_the_moment_of_the_application(cast):
    contract = signed_contract(cast)
    first = delivered_stage(cast, contract)
    stage = stage_named(contract, "S1")
    object_to_delivery(principal=cast.as_alice, stage_id=stage.pk, objections=OBJECTION, now=NOW)
    second = delivered_stage(cast, contract, at=NOW + timedelta(days=2))

    def at(instant):
        return deliveries_at([stage.pk], instant).get(stage.pk)

    assert at(first.delivered_at - timedelta(microseconds=1)) is None
    assert at(first.delivered_at) == first
    assert at(second.delivered_at - timedelta(microseconds=1)) == first
    assert at(second.delivered_at) == second


def test_a_contract_is_complete_when_all_its_work_is_delivered(cast):
    contract = signed_contract(cast)
    delivered_stage(cast, contract, "S1")

    with pytest.raises(WorkOutstanding) as caught:
        complete_contract(principal=cast.as_rita, contract_id=contract.pk, now=NOW)
    assert caught.value.data == {"stages": ["S2"]}
    delivered_stage(cast, contract, "S2")
    complete_contract(principal=cast.as_rita, contract_id=contract.pk, now=NOW)

    contract.refresh_from_db()
    assert (contract.state, contract.ended_at) == ("completed", NOW)


def test_a_termination_has_a_reason_and_is_done_by_those_who_do_contract_work(cast):
    contract = signed_contract(cast)

    with pytest.raises(InvalidInput):
        terminate_contract(principal=cast.as_rita, contract_id=contract.pk, reason="", now=NOW)
    with pytest.raises(NotPermitted):
        terminate_contract(principal=cast.as_alice, contract_id=contract.pk, reason="x", now=NOW)
    with pytest.raises(NotFoundOrHidden):
        terminate_contract(principal=cast.as_mallory, contract_id=contract.pk, reason="x", now=NOW)
    terminate_contract(principal=cast.as_rita, contract_id=contract.pk, reason="Bankrupt.", now=NOW)

    contract.refresh_from_db()
    assert (contract.state, contract.end_reason) == ("terminated", "Bankrupt.")
    assert "Bankrupt" not in str(Event.objects.get(type="contract.terminated").data)


def test_delivered_work_can_still_be_accepted_when_the_contract_has_ended(cast):
    contract = signed_contract(cast)
    delivered_stage(cast, contract)
    terminate_contract(principal=cast.as_rita, contract_id=contract.pk, reason="Ended.", now=NOW)

    delivery = accept_delivery(principal=cast.as_alice, stage_id=stage_named(contract, "S1").pk, now=NOW)

    assert delivery.state == "accepted"
