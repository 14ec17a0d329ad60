"""Applying: what is let in, what is answered at once, what is refused, and who may."""

from datetime import timedelta
from io import BytesIO
from uuid import uuid4

import pytest

from accounts.principals import SYSTEM
from contracts.services import accept_delivery
from contracts.tests.cast import NOW, stage_named
from events.models import Event
from kernel.errors import InvalidInput, NotFoundOrHidden, NotPermitted
from kernel.money import CurrencyMismatch, Money
from payments.services.disputes import dispute_payment
from refunds import services
from refunds.errors import (
    CreditNotRefundable,
    FourEyesViolated,
    Inadmissible,
    QuoteChanged,
    TargetStageUnsuitable,
)
from refunds.models import Attachment, Decision, RefundRequest
from refunds.selectors import quote, remember_quote
from refunds.tests.scene import (
    LATER,
    TEXT,
    Scene,
    again,
    applied,
    approved,
    eur,
    evidence,
    in_review,
    make_scene,
    paid,
)
from refunds.tests.test_facts import calls, use

pytestmark = pytest.mark.django_db


def events_of(request: RefundRequest) -> list[str]:
    return list(Event.objects.filter(subject_id=request.pk).order_by("id").values_list("type", flat=True))


def test_an_application_is_kept_with_its_number_its_answer_so_far_and_one_event(scene):
    request = again(applied(scene))

    assert request.number == "RR-2026-000001"
    assert request.state == "submitted"
    assert request.answer["outcome"] == "refund_in_full"
    assert request.receipt_answer == request.answer
    assert request.applicant == scene.cast.alice
    assert request.submitted_at == LATER
    assert events_of(request) == ["refund_request.submitted"]


def test_the_answer_is_due_on_the_local_date_of_receipt_and_the_days_of_the_terms(scene):
    shortly_before_midnight_in_berlin = NOW.replace(hour=21, minute=59)
    request = applied(scene, now=shortly_before_midnight_in_berlin)

    assert request.answer_due_on.isoformat() == "2026-06-15"


def test_the_door_decides_when_it_arrived_and_not_the_clock_behind_it(scene):
    last = scene.payment.deadline - timedelta(microseconds=1)

    assert applied(scene, now=last).answer["in_time"] is True


def test_after_the_window_the_answer_comes_at_once_with_its_decision(scene):
    request = again(applied(scene, now=scene.payment.deadline))

    decision = Decision.objects.get(request=request)
    assert request.state == "rejected"
    assert (decision.outcome, decision.refund_minor) == ("no_refund", 0)
    assert decision.answer["reasons"] == ["window_expired"]
    assert decision.answer["id"] == decision.facts["id"] == request.number
    assert (decision.proposed_by, decision.approved_by) == (None, None)
    assert events_of(request) == ["refund_request.submitted", "refund_request.rejected"]


def test_accepted_work_is_answered_at_once(delivered):
    accept_delivery(principal=delivered.cast.as_alice, stage_id=delivered.stage.pk, now=NOW)

    request = applied(delivered)

    assert (request.state, request.answer["reasons"]) == ("rejected", ["work_accepted"])


def test_a_late_consumer_is_not_turned_away_but_awaits_the_check_of_the_law(consumer):
    request = applied(consumer, now=consumer.payment.deadline)

    assert (request.state, request.answer["reasons"]) == ("submitted", ["statutory_right_check"])


def test_work_that_nobody_examined_awaits_review(delivered):
    request = applied(delivered)

    assert (request.state, request.answer["outcome"]) == ("submitted", "needs_review")
    assert request.answer["refund_at_most"] == "1000.00"


def test_a_disputed_payment_awaits_review(scene):
    dispute_payment(principal=scene.cast.as_finn, payment_id=scene.payment.pk, now=LATER)

    request = applied(scene)

    assert (request.state, request.answer["outcome"]) == ("submitted", "on_hold")


def test_a_second_application_is_refused_and_the_journal_remembers_it(scene):
    first = applied(scene)

    with pytest.raises(Inadmissible) as refusal:
        applied(scene)

    assert refusal.value.code == "request_already_open"
    assert refusal.value.data["open_request"] == first.number
    assert RefundRequest.objects.count() == 1
    refused = Event.objects.get(type="refund_request.refused")
    assert refused.subject_id == scene.payment.pk
    assert refused.data["reasons"] == ["request_already_open"]


def test_a_second_application_is_refused_although_the_first_thing_said_of_the_payment_is_its_dispute(scene):
    first = applied(scene)
    dispute_payment(principal=scene.cast.as_finn, payment_id=scene.payment.pk, now=LATER)

    with pytest.raises(Inadmissible) as refusal:
        applied(scene)

    assert refusal.value.code == "request_already_open"
    assert refusal.value.data["open_request"] == first.number
    assert refusal.value.answer["outcome"] == "on_hold"
    assert RefundRequest.objects.count() == 1
    assert Event.objects.get(type="refund_request.refused").data["reasons"] == ["request_already_open"]


@pytest.mark.parametrize("amount", ["0.00", "-1.00", "1000.01"])
def test_an_amount_out_of_range_is_refused_and_only_the_event_stays(scene, amount):
    with pytest.raises(Inadmissible) as refusal:
        applied(scene, amount=eur(amount))

    assert refusal.value.code == "amount_out_of_range"
    assert not RefundRequest.objects.exists()
    assert Event.objects.filter(type="refund_request.refused").count() == 1


def test_a_part_is_asked_for_to_the_last_cent(scene):
    request = applied(scene, amount=eur("999.99"))

    assert (request.amount_minor, request.answer["refund"]) == (99999, "999.99")


def test_an_amount_in_another_currency_is_refused(scene):
    with pytest.raises(CurrencyMismatch):
        applied(scene, amount=Money.parse("10.00", "USD"))


def test_every_fault_of_what_was_typed_is_told_at_once(scene):
    with pytest.raises(InvalidInput) as refusal:
        applied(
            scene,
            reason="boredom",
            statement=" ",
            objections=[{"stage": "S1", "item": "AC-9", "text": "No."}, "no"],
            remedy="exchange",
        )

    assert [fault.path for fault in refusal.value.faults] == [
        "reason",
        "statement",
        "objections[0].item",
        "objections[1]",
        "target_stage",
    ]
    assert not RefundRequest.objects.exists()


def test_objections_to_items_are_kept_as_they_were_written(scene):
    objections = [{"stage": "S1", "item": "AC-2", "text": "Nothing is printed."}]

    assert again(applied(scene, objections=objections)).objections == objections


@pytest.mark.parametrize("who", ["as_bea", "as_finn", "as_rita", "as_arno", "as_ada"])
def test_only_owners_and_requesters_apply(scene, who):
    with pytest.raises(NotPermitted):
        applied(scene, principal=getattr(scene.cast, who))

    assert not RefundRequest.objects.exists()


def test_a_requester_applies_like_an_owner(scene):
    assert applied(scene, principal=scene.cast.as_cem).applicant == scene.cast.cem


def test_nobody_applies_in_the_name_of_the_portal(scene):
    with pytest.raises(NotPermitted):
        applied(scene, principal=SYSTEM)


def test_a_foreign_payment_and_a_missing_one_look_the_same(scene):
    refusals = []
    for payment_id in (scene.payment.pk, uuid4()):
        with pytest.raises(NotFoundOrHidden) as refusal:
            applied(scene, principal=scene.cast.as_mallory, payment_id=payment_id)
        refusals.append((refusal.value.code, refusal.value.detail, refusal.value.data))

    assert refusals[0] == refusals[1]


def test_a_system_of_the_client_applies_and_is_named_as_what_it_is(scene):
    request = applied(scene, principal=scene.cast.as_erp)

    event = Event.objects.get(type="refund_request.submitted")
    assert (request.received_via, request.applicant, request.recorded_by) == ("api", None, None)
    assert (event.actor_kind, event.actor_id) == ("api", scene.cast.erp.pk)


def test_an_application_on_the_quoted_answer_is_accepted(scene):
    shown = quote(principal=scene.cast.as_alice, payment_id=scene.payment.pk, now=LATER)

    assert applied(scene, expected_fingerprint=shown.fingerprint, now=LATER + timedelta(hours=5))


def test_an_application_on_a_quote_whose_facts_changed_is_refused_with_the_differences(scene):
    shown = quote(principal=scene.cast.as_alice, payment_id=scene.payment.pk, now=LATER)
    remember_quote(shown)
    use(scene, calls("1000"))

    with pytest.raises(QuoteChanged) as refusal:
        applied(scene, expected_fingerprint=shown.fingerprint)

    changed = {one["field"]: (one["shown"], one["now"]) for one in refusal.value.data["differences"]}
    assert changed["refund"] == ("1000.00", "987.50")
    assert changed["outcome"] == ("refund_in_full", "refund_in_part")
    assert not RefundRequest.objects.exists()


def test_files_of_the_application_and_of_the_draft_come_along(scene):
    alice = scene.cast.alice
    services.add_draft_file(
        user=alice, payment_id=scene.payment.pk, file=BytesIO(TEXT), file_name="a.txt", now=NOW
    )

    request = applied(scene, attachments=[services.Upload(BytesIO(TEXT), "b.txt")])

    assert sorted(request.attachments.values_list("file_name", flat=True)) == ["a.txt", "b.txt"]
    assert not alice.drafts.exists()


def test_files_of_a_refused_application_are_not_kept(scene, private_files):
    applied(scene)

    with pytest.raises(Inadmissible):
        applied(scene, attachments=[services.Upload(BytesIO(TEXT), "b.txt")])

    assert not Attachment.objects.exists()
    assert [path for path in private_files.rglob("*") if path.is_file()] == []


def exchange(scene: Scene, code: str = "S2", **fields):
    target = stage_named(scene.contract, code)
    return applied(scene, remedy="exchange", target_stage_id=target.pk, **fields)


def test_an_exchange_names_a_stage_that_owes_at_least_the_credit(scene):
    with pytest.raises(TargetStageUnsuitable) as refusal:
        exchange(scene)

    assert refusal.value.data["because"] == "owes_too_little"
    assert exchange(scene, amount=eur("500.00")).target_stage.code == "S2"


def test_a_stage_that_is_paid_takes_no_credit(scene):
    paid(scene.cast, scene.contract, "S2")

    with pytest.raises(TargetStageUnsuitable):
        exchange(scene, amount=eur("1.00"))


def test_a_stage_of_another_client_is_as_unsuitable_as_a_missing_one(scene):
    from contracts.tests.cast import signed_contract

    foreign = signed_contract(scene.cast, client=scene.cast.other_client)
    told = []
    for stage_id in (stage_named(foreign, "S2").pk, uuid4()):
        with pytest.raises(TargetStageUnsuitable) as refusal:
            applied(scene, remedy="exchange", target_stage_id=stage_id, amount=eur("1.00"))
        told.append((refusal.value.detail, refusal.value.data))

    assert told[0] == told[1]


def test_an_exchange_that_the_contract_does_not_offer_is_inadmissible(db):
    scene = make_scene(terms={"exchange_allowed": False})

    with pytest.raises(Inadmissible) as refusal:
        exchange(scene, amount=eur("500.00"))

    assert refusal.value.code == "exchange_not_offered"


def test_a_credit_takes_no_application(scene):
    target = stage_named(scene.contract, "S2")
    request = approved(scene, remedy="exchange", target_stage_id=target.pk, amount=eur("500.00"))
    credit = target.payments.get(credit_of_request_id=request.pk)

    with pytest.raises(CreditNotRefundable):
        applied(scene, payment_id=credit.pk)
    with pytest.raises(CreditNotRefundable):
        quote(principal=scene.cast.as_alice, payment_id=credit.pk, now=LATER)


# Received by phone, letter or e-mail


def recorded(scene: Scene, *, now=LATER, **fields) -> RefundRequest:
    given = {
        "principal": scene.cast.as_rita,
        "payment_id": scene.payment.pk,
        "received_via": "letter",
        "received_at": NOW + timedelta(minutes=30),
        "evidence_id": evidence(scene).pk,
        "reason": "defects",
        "statement": "Alice wrote a letter.",
        "now": now,
    }
    return services.record_application(**{**given, **fields})


def test_a_letter_counts_from_the_moment_it_arrived_and_not_from_its_recording(scene):
    deadline = scene.payment.deadline
    request = again(
        recorded(scene, received_at=deadline - timedelta(seconds=1), now=deadline + timedelta(days=1))
    )

    assert request.answer["in_time"] is True
    assert request.submitted_at == deadline - timedelta(seconds=1)
    assert (request.recorded_by, request.applicant) == (scene.cast.rita, None)


def test_a_letter_is_not_recorded_from_the_future_nor_without_evidence_nor_as_a_click(scene):
    with pytest.raises(InvalidInput) as refusal:
        recorded(scene, received_at=LATER + timedelta(seconds=1), evidence_id=None, received_via="portal")

    assert [fault.path for fault in refusal.value.faults] == ["received_via", "received_at", "evidence"]


def test_evidence_of_another_contract_proves_nothing(scene):
    with pytest.raises(InvalidInput) as refusal:
        recorded(scene, evidence_id=uuid4())

    assert refusal.value.faults[0].path == "evidence"


@pytest.mark.parametrize("who", ["as_alice", "as_finn", "as_ada", "as_erp"])
def test_only_those_who_review_record_letters(scene, who):
    with pytest.raises(NotPermitted):
        recorded(scene, principal=getattr(scene.cast, who))


def test_nobody_records_for_a_client_they_belong_to(scene):
    from contracts.services import add_member

    cast = scene.cast
    add_member(principal=SYSTEM, client_id=cast.client.pk, user=cast.rita, role="viewer", now=NOW)

    with pytest.raises(FourEyesViolated):
        recorded(scene)


def test_after_a_withdrawal_one_may_apply_again(scene):
    request = in_review(scene)
    services.withdraw_request(principal=scene.cast.as_alice, request_id=request.pk, now=LATER)

    assert applied(scene).number == "RR-2026-000002"
