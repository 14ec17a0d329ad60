"""The conversation: threads, files, drafts and questions, each for the right eyes."""

from datetime import date, timedelta
from hashlib import sha256
from io import BytesIO
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from contracts.files import FileTypeRefused, open_file
from contracts.tests.cast import NOW, signed_contract
from events.models import Event
from kernel.errors import InvalidInput, NotFoundOrHidden, NotPermitted
from refunds import services
from refunds.models import ApplicationDraft, Attachment
from refunds.selectors import attachment_of, case_view, draft_of, enquiries_of, messages_of
from refunds.services import TooManyFiles, Upload
from refunds.services.files import DRAFT_FILES_MAX
from refunds.tests.scene import LATER, TEXT, again, applied, in_review

pytestmark = pytest.mark.django_db


def wrote(scene, request, *, principal=None, **fields):
    given = {
        "principal": principal or scene.cast.as_alice,
        "request_id": request.pk,
        "body": "Hello.",
        "now": LATER,
    }
    return services.post_message(**{**given, **fields})


def test_both_sides_write_into_the_thread(scene):
    request = in_review(scene)

    ours = wrote(scene, request, principal=scene.cast.as_rita)
    theirs = wrote(scene, request, principal=scene.cast.as_cem)

    assert [message.by_staff for message in messages_of(scene.cast.as_bea, request.pk)] == [True, False]
    assert (ours.author, theirs.author) == (scene.cast.rita, scene.cast.cem)
    assert Event.objects.filter(type="message.posted").count() == 2
    assert again(request).state == "in_review"


def test_internal_notes_are_for_staff_alone(scene):
    request = in_review(scene)
    wrote(
        scene,
        request,
        principal=scene.cast.as_rita,
        is_internal=True,
        attachments=[Upload(BytesIO(TEXT), "a.txt")],
    )
    file = Attachment.objects.get()

    assert messages_of(scene.cast.as_arno, request.pk).count() == 1
    assert attachment_of(scene.cast.as_arno, file.pk) == file
    assert messages_of(scene.cast.as_alice, request.pk).count() == 0
    with pytest.raises(NotFoundOrHidden):
        attachment_of(scene.cast.as_alice, file.pk)


@pytest.mark.parametrize("who", ["as_bea", "as_finn", "as_ada"])
def test_those_who_may_only_look_do_not_write(scene, who):
    request = in_review(scene)

    with pytest.raises(NotPermitted):
        wrote(scene, request, principal=getattr(scene.cast, who))


def test_a_client_writes_no_internal_note(scene):
    with pytest.raises(NotPermitted):
        wrote(scene, in_review(scene), is_internal=True)


@pytest.mark.parametrize("body", ["", "  ", "x" * 8001, "a\0b", "\ud800"])
def test_a_message_has_words_that_can_be_kept(scene, body):
    with pytest.raises(InvalidInput):
        wrote(scene, in_review(scene), body=body)


def test_a_stranger_finds_neither_thread_nor_file(scene):
    request = applied(scene, attachments=[Upload(BytesIO(TEXT), "a.txt")])

    with pytest.raises(NotFoundOrHidden):
        wrote(scene, request, principal=scene.cast.as_mallory)
    for file_id in (Attachment.objects.get().pk, uuid4()):
        with pytest.raises(NotFoundOrHidden) as refusal:
            attachment_of(scene.cast.as_mallory, file_id)
        assert refusal.value.detail == "There is no such file."


def test_a_file_is_added_with_its_digest_and_its_bytes_stay(scene):
    request = in_review(scene)

    file = services.add_attachment(
        principal=scene.cast.as_alice, request_id=request.pk, file=BytesIO(TEXT), file_name="a.txt", now=LATER
    )

    event = Event.objects.get(type="attachment.added")
    assert event.data["sha256"] == file.sha256
    with open_file(file.stored_as) as stored:
        assert stored.read() == TEXT


def test_a_file_of_another_kind_is_refused_and_leaves_nothing(scene, private_files):
    request = in_review(scene)

    with pytest.raises(FileTypeRefused):
        services.add_attachment(
            principal=scene.cast.as_alice,
            request_id=request.pk,
            file=BytesIO(b"<html>"),
            file_name="a.html",
            now=LATER,
        )

    assert not Attachment.objects.exists()
    assert not [path for path in private_files.rglob("*") if path.is_file()]


def test_evidence_that_was_sent_is_neither_replaced_nor_deleted(scene):
    applied(scene, attachments=[Upload(BytesIO(TEXT), "a.txt")])
    files = Attachment.objects.all()

    for change in (
        {"sha256": "0" * 64},
        {"stored_as": "00/other"},
        {"file_name": "b.txt"},
        {"request": None},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            files.update(**change)
    with pytest.raises(IntegrityError), transaction.atomic():
        files.delete()


# Drafts


def saved(scene, *, user=None, content=None, now=NOW):
    return services.save_draft(
        user=user or scene.cast.alice,
        payment_id=scene.payment.pk,
        content=content or {"reason": "d"},
        now=now,
    )


def test_a_draft_is_kept_per_person_and_replaced_by_what_is_typed_next(scene):
    saved(scene)
    saved(scene, content={"reason": "defects"}, now=LATER)

    draft = draft_of(scene.cast.alice, scene.payment.pk)
    assert (draft.content, draft.expires_at) == ({"reason": "defects"}, LATER + timedelta(days=30))
    assert draft_of(scene.cast.cem, scene.payment.pk) is None


def test_a_draft_is_no_application_and_tells_nobody(scene):
    saved(scene)

    assert not scene.payment.requests.exists()
    assert not Event.objects.filter(type__startswith="refund_request").exists()


@pytest.mark.parametrize(("who", "refusal"), [("bea", NotPermitted), ("mallory", NotFoundOrHidden)])
def test_only_who_may_apply_keeps_a_draft(scene, who, refusal):
    with pytest.raises(refusal):
        saved(scene, user=getattr(scene.cast, who))


@pytest.mark.parametrize("content", [{"a": "x" * 70_000}, {"a": float("nan")}, {"a": "\0"}, {"a": "\ud800"}])
def test_a_draft_that_cannot_be_kept_is_refused(scene, content):
    with pytest.raises(InvalidInput):
        saved(scene, content=content)


def add_file(scene, name="a.txt"):
    return services.add_draft_file(
        user=scene.cast.alice, payment_id=scene.payment.pk, file=BytesIO(TEXT), file_name=name, now=NOW
    )


def test_files_of_a_draft_are_its_owners_alone_and_can_be_taken_out(scene):
    file = add_file(scene)

    assert attachment_of(scene.cast.as_alice, file.pk) == file
    for principal in (scene.cast.as_cem, scene.cast.as_rita, scene.cast.as_erp):
        with pytest.raises(NotFoundOrHidden):
            attachment_of(principal, file.pk)
    services.remove_draft_file(user=scene.cast.cem, attachment_id=file.pk)
    assert Attachment.objects.exists()
    services.remove_draft_file(user=scene.cast.alice, attachment_id=file.pk)
    assert not Attachment.objects.exists()


def test_a_draft_holds_so_many_files_and_no_more(scene):
    for place in range(DRAFT_FILES_MAX):
        add_file(scene, f"{place}.txt")

    with pytest.raises(TooManyFiles):
        add_file(scene)


def test_drafts_end_after_thirty_days_with_their_files(
    scene, private_files, django_capture_on_commit_callbacks
):
    add_file(scene)
    end = NOW + timedelta(days=30)

    with django_capture_on_commit_callbacks(execute=True):
        assert services.expire_drafts(now=end - timedelta(seconds=1)) == 0
        assert services.expire_drafts(now=end) == 1

    assert not ApplicationDraft.objects.exists()
    assert not [path for path in private_files.rglob("*") if path.is_file()]


def test_a_draft_can_be_thrown_away(scene):
    add_file(scene)

    services.discard_draft(user=scene.cast.alice, payment_id=scene.payment.pk)

    assert not ApplicationDraft.objects.exists()


# Questions


def asked(scene, *, principal=None, **fields):
    given = {
        "principal": principal or scene.cast.as_bea,
        "client_id": scene.cast.client.pk,
        "subject": "Is a weekend a day?",
        "body": "Please explain.",
        "now": NOW.replace(hour=22, minute=30),
    }
    return services.ask_question(**{**given, **fields})


def test_every_member_asks_and_the_answer_is_due_in_seven_company_days(scene):
    question = asked(scene, contract_id=scene.contract.pk)

    assert (question.state, question.answer_due_on) == ("open", date(2026, 6, 9))
    assert Event.objects.filter(type="enquiry.asked").count() == 1


def test_a_question_is_answered_and_may_be_asked_further(scene):
    question = asked(scene, now=NOW)
    services.answer_question(principal=scene.cast.as_rita, enquiry_id=question.pk, body="Yes.", now=LATER)
    question.refresh_from_db()
    answered = question.state
    services.ask_again(principal=scene.cast.as_alice, enquiry_id=question.pk, body="Sure?", now=LATER)
    question.refresh_from_db()

    assert (answered, question.state) == ("answered", "open")
    assert [message.by_staff for message in question.messages.all()] == [False, True, False]


def test_questions_of_a_client_are_its_own(scene):
    question = asked(scene)

    assert not enquiries_of(scene.cast.as_mallory).exists()
    with pytest.raises(NotFoundOrHidden):
        services.ask_again(principal=scene.cast.as_mallory, enquiry_id=question.pk, body="Me too.", now=LATER)
    with pytest.raises(NotFoundOrHidden):
        asked(scene, principal=scene.cast.as_mallory)


@pytest.mark.parametrize("who", ["as_alice", "as_finn", "as_ada"])
def test_questions_are_answered_by_those_who_review(scene, who):
    question = asked(scene)

    with pytest.raises(NotPermitted):
        services.answer_question(
            principal=getattr(scene.cast, who), enquiry_id=question.pk, body="Yes.", now=LATER
        )


def test_a_question_does_not_name_a_contract_of_another_client(scene):
    foreign = signed_contract(scene.cast, client=scene.cast.other_client)

    with pytest.raises(NotFoundOrHidden):
        asked(scene, contract_id=foreign.pk)
    with pytest.raises(InvalidInput):
        asked(scene, principal=scene.cast.as_erp, contract_id=scene.contract.pk, subject=" ")


def test_every_file_of_a_case_leaves_its_digest_in_the_journal(scene):
    draft_file = services.add_draft_file(
        user=scene.cast.alice, payment_id=scene.payment.pk, file=BytesIO(b"draft"), file_name="d.txt", now=NOW
    )
    assert not Event.objects.filter(type="attachment.added").exists()
    request = applied(scene, attachments=[Upload(BytesIO(b"with it"), "w.txt")])
    wrote(scene, request, attachments=[Upload(BytesIO(b"in a message"), "m.txt")])

    told = Event.objects.filter(type="attachment.added").order_by("id")

    assert [event.data["sha256"] for event in told] == [
        sha256(content).hexdigest() for content in (b"draft", b"with it", b"in a message")
    ]
    assert told[0].data["attachment"] == str(draft_file.pk)
    assert {(event.actor_id, event.subject_id) for event in told} == {(scene.cast.alice.pk, request.pk)}
    entries = [entry.type for entry in case_view(scene.cast.as_alice, request.pk, now=LATER).timeline]
    assert "attachment.added" not in entries


def test_the_client_does_not_hear_of_files_of_internal_notes(scene):
    request = in_review(scene)

    services.post_message(
        principal=scene.cast.as_rita, request_id=request.pk, body="See this.", is_internal=True,
        attachments=[Upload(BytesIO(TEXT), "a.txt")], now=LATER,
    )  # fmt: skip

    assert Event.objects.get(type="attachment.added").data["is_internal"] is True
    seen = case_view(scene.cast.as_alice, request.pk, now=LATER).timeline
    staff = case_view(scene.cast.as_rita, request.pk, now=LATER).timeline
    assert {"attachment.added", "message.posted"}.isdisjoint(entry.type for entry in seen)
    assert [entry.type for entry in staff][-1] == "message.posted"
