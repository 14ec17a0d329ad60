"""Who may do what with an application: seen with the reason why not, and refused when forged."""

from io import BytesIO
from typing import Any

import pytest
from django.db import OperationalError

from accounts.groups import APPROVER
from contracts.models import Role
from contracts.services import add_member
from contracts.tests.cast import NOW
from refundportal.staff.tests.desk import Desk, count_events, words
from refunds.models import RefundRequest
from refunds.services import assess, propose_answer, start_review
from refunds.tests.scene import LATER, Scene, again, another_reviewer, applied, in_review, proposed

FORMS: dict[str, dict[str, Any]] = {
    "start_review": {},
    "request_information": {"question": "Which orders?"},
    "assess": {"share_0": "1", "reason": "Tested."},
    "record_hidden_defect": {"holds": "yes", "reason": "Seen."},
    "record_statutory_check": {"holds": "yes", "reason": "Read."},
    "exclude_usage": {"named": "meter 1", "excluded": "yes", "reason": "Ours."},
    "propose": {"shown": "x"},
    "approve": {},
    "send_back": {"reason": "No."},
    "post_message": {"body": "Hello."},
    "post_internal_message": {"body": "Hello."},
    "add_attachment": {},
}


def form_of(scene: Scene, request: RefundRequest, act: str) -> dict[str, Any]:
    extra: dict[str, Any] = {}
    if act == "record_hidden_defect":
        extra["stage"] = str(scene.stage.pk)
    if act == "approve":
        extra["proposal"] = str(request.proposals.get().pk)
    if act == "add_attachment":
        extra["file"] = BytesIO(b"text\n")
        extra["file"].name = "note.txt"
    return {**FORMS[act], **extra}


def ready_for(scene: Scene, act: str) -> RefundRequest:
    """An application in a state in which the act could be done."""
    if act == "start_review":
        return applied(scene)
    if act in ("approve", "send_back"):
        scene.cast.rita.groups.clear()  # as if somebody else had proposed it
        return proposed_by_another(scene)
    return in_review(scene)


def proposed_by_another(scene: Scene) -> RefundRequest:
    """Rosa took the case, assessed the work and proposed the answer."""
    rosa = another_reviewer("rosa")
    request = applied(scene)
    start_review(principal=rosa, request_id=request.pk, now=LATER)
    values = {"AC-1": "1", "AC-2": "1", "AC-3": "0"}
    assess(
        principal=rosa,
        request_id=request.pk,
        stage_id=scene.stage.pk,
        values=values,
        reason="Tested.",
        now=LATER,
    )
    propose_answer(principal=rosa, request_id=request.pk, now=LATER)
    return again(request)


@pytest.mark.parametrize("name", ["finn", "ada"])
@pytest.mark.parametrize("act", sorted(FORMS))
def test_whoever_does_not_review_sees_why_not_and_a_forged_form_does_nothing(
    delivered: Scene, act: str, name: str
):
    request = ready_for(delivered, act)
    before, events = RefundRequest.objects.filter(pk=request.pk).values().get(), count_events()
    desk = Desk(getattr(delivered.cast, name))

    page = desk.look(request, act)
    answer = desk.do(request, act, **form_of(delivered, request, act))

    assert "This is not possible" in words(page)
    assert "<textarea" not in page.content.decode()
    assert answer.status_code == 403
    assert RefundRequest.objects.filter(pk=request.pk).values().get() == before
    assert count_events() == events


@pytest.mark.parametrize("act", sorted(FORMS))
def test_a_form_without_its_token_does_nothing(delivered: Scene, act: str):
    request = ready_for(delivered, act)
    events = count_events()
    desk = Desk(delivered.cast.arno, enforce_csrf_checks=True)

    answer = desk.do(request, act, **form_of(delivered, request, act))

    assert answer.status_code == 403
    assert count_events() == events


@pytest.mark.parametrize(
    "act", sorted(set(FORMS) - {"post_message", "post_internal_message", "add_attachment"})
)
def test_an_act_at_the_wrong_time_is_refused_and_keeps_what_was_typed(delivered: Scene, act: str):
    request = in_review(delivered) if act == "start_review" else applied(delivered)
    events = count_events()
    fields = {"proposal": "0" * 32} if act == "approve" else form_of(delivered, request, act)

    answer = Desk(delivered.cast.arno).do(request, act, **fields)

    assert answer.status_code == 409
    assert count_events() == events
    for typed in (fields.get("reason"), fields.get("question")):
        assert typed is None or typed in answer.content.decode()


def test_who_proposed_sees_why_they_cannot_approve_and_is_refused_when_forged(delivered: Scene):
    request = proposed_by_another(delivered)
    rosa = Desk(RefundRequest.objects.get(pk=request.pk).reviewer)

    page = rosa.open(request)
    answer = rosa.do(request, "approve", proposal=str(request.proposals.get().pk))

    assert "You assessed work in this case. You proposed this answer. Somebody else approves." in words(page)
    assert answer.status_code == 403
    assert again(request).state == "proposed"


def test_a_reviewer_above_the_limit_is_refused_and_told_the_limit(scene: Scene, settings):
    settings.APPROVAL_LIMIT = {"EUR": 500}
    request = proposed(scene)
    rosa = Desk(another_reviewer("rosa").user)

    assert "Up to 500.00 EUR a day and client a Reviewer may approve" in words(rosa.open(request))
    assert rosa.do(request, "approve", proposal=str(request.proposals.get().pk)).status_code == 403
    assert again(request).state == "proposed"


def test_a_member_of_the_client_decides_nothing_for_it(scene: Scene):
    request = proposed(scene)
    ralf = another_reviewer("ralf", APPROVER)
    add_member(
        principal=scene.cast.as_rita,
        client_id=scene.cast.client.pk,
        user=ralf.user,
        role=Role.VIEWER,
        now=NOW,
    )

    answer = Desk(ralf.user).do(request, "approve", proposal=str(request.proposals.get().pk))

    assert answer.status_code == 403
    assert "You are a member of this client" in words(answer)
    assert again(request).state == "proposed"


def test_the_people_of_a_case_and_who_can_be_the_second_one_are_named(delivered: Scene):
    request = proposed_by_another(delivered)

    said = words(Desk(delivered.cast.ada).open(request))

    assert "Rosa has the case, assessed work, proposed the answer cannot approve this case" in said
    assert "Can be the second person Arno any amount" in said
    assert "Nothing is proposed yet" not in said


def test_a_reviewer_who_may_approve_no_amount_is_not_named(delivered: Scene, settings):
    settings.APPROVAL_LIMIT = {"EUR": 0}
    another_reviewer("ralf")

    said = words(Desk(delivered.cast.ada).open(proposed_by_another(delivered)))

    assert "Can be the second person Arno any amount" in said
    assert "Ralf" not in said


def test_before_a_proposal_nobody_is_called_the_second_person(scene: Scene):
    said = words(Desk(scene.cast.ada).open(in_review(scene)))

    assert "Nothing is proposed yet. Once it is, one of these can approve, but not whoever proposes:" in said
    assert "Can be the second person" not in said


def test_whoever_finds_the_case_locked_is_asked_to_try_again_and_keeps_what_was_typed(
    delivered: Scene, monkeypatch
):
    request = in_review(delivered)

    def locked(**_: Any) -> None:
        raise OperationalError("canceling statement due to lock timeout")

    monkeypatch.setattr("refundportal.staff.case_acts.request_information", locked)
    page = Desk(delivered.cast.rita).do(request, "request_information", question="Which orders?")

    assert page.status_code == 503
    assert "Please try again in a moment." in words(page)
    assert "Which orders?" in page.content.decode()
