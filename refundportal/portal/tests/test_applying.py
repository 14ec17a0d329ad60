"""Applying in three steps: nothing typed is lost, nothing is sent twice, and the server's clock decides."""

from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest

from contracts.services import accept_delivery
from contracts.tests.cast import signed_contract
from kernel.money import Money
from refundportal.portal.forms import AmountField
from refundportal.portal.tests.visiting import Visitor, all_drafts, all_requests, words
from refunds.models import Attachment
from refunds.tests.scene import LATER, Scene, applied, make_scene, paid

DEADLINE = datetime(2026, 6, 4, 22, 0, tzinfo=UTC)
"""The first instant of Friday, 5 June 2026, in Berlin."""


@pytest.fixture
def alice(scene: Scene) -> Visitor:
    return Visitor(scene.cast.alice)


def test_an_application_is_made_in_three_steps(scene: Scene, alice: Visitor):
    typed = alice.apply(scene)
    check = alice.get(typed.headers["Location"])
    sent = alice.confirm(scene)

    [request] = all_requests()
    assert typed.headers["Location"].endswith("/apply/check/")
    assert "Orders get lost." in words(check)
    assert "1,000.00\N{NO-BREAK SPACE}EUR" in check.content.decode()
    assert sent.headers["Location"] == f"/requests/{request.number}/received/"
    assert (request.reason, request.statement, request.submitted_at) == ("defects", "Orders get lost.", LATER)


def test_the_acknowledgement_names_number_and_exact_second_of_receipt(scene: Scene, alice: Visitor, clock):
    clock.move_to(LATER + timedelta(seconds=7))
    alice.apply(scene)
    received = alice.get(alice.confirm(scene).headers["Location"])

    assert all_requests()[0].number in words(received)
    assert "Monday, 1 June 2026, 11:00:07 (Berlin time)" in words(received)
    assert "You have our answer by Monday, 15 June 2026." in words(received)


def test_a_draft_is_no_application(scene: Scene, alice: Visitor):
    alice.apply(scene)

    assert len(all_drafts()) == 1
    assert all_requests() == []
    assert "A draft is not an application" in words(alice.get(f"/payments/{scene.payment.number}/apply/"))


def test_what_was_typed_survives_an_error(scene: Scene, alice: Visitor):
    wrong = alice.apply(scene, reason="", statement="It is all here.")
    again = alice.get(f"/payments/{scene.payment.number}/apply/")

    assert "Please look at this again" in words(wrong)
    assert 'href="#id_reason"' in wrong.content.decode()
    assert "It is all here." in wrong.content.decode()
    assert "It is all here." in again.content.decode()


def test_the_second_step_sends_back_an_unfinished_draft(scene: Scene, alice: Visitor):
    alice.apply(scene, statement="")

    check = alice.get(f"/payments/{scene.payment.number}/apply/check/")

    assert check.headers["Location"] == f"/payments/{scene.payment.number}/apply/"


def test_pressing_the_last_button_twice_makes_one_application(scene: Scene, alice: Visitor):
    alice.apply(scene)
    form = alice.confirmation(scene)

    first, second = alice.confirm(scene, form=form), alice.confirm(scene, form=form)

    assert len(all_requests()) == 1
    assert first.headers["Location"] == second.headers["Location"]


def test_a_clear_no_that_is_sent_twice_is_answered_once(delivered: Scene):
    accept_delivery(principal=delivered.cast.as_alice, stage_id=delivered.stage.pk, now=LATER)
    alice = Visitor(delivered.cast.alice)
    alice.apply(delivered)
    form = alice.confirmation(delivered)

    alice.confirm(delivered, form=form)
    alice.confirm(delivered, form=form)

    assert [request.state for request in all_requests()] == ["rejected"]


def test_the_token_of_another_draft_sends_nothing(scene: Scene, alice: Visitor):
    alice.apply(scene)
    form = alice.confirmation(scene)
    alice.post(f"/payments/{scene.payment.number}/apply/discard/")
    alice.apply(scene, statement="Something else.")

    alice.confirm(scene, form=form)

    assert all_requests() == []
    assert all_drafts()[0].content["statement"] == "Something else."


def test_changed_facts_are_shown_before_anything_is_sent(delivered: Scene):
    alice = Visitor(delivered.cast.alice)
    alice.apply(delivered)
    form = alice.confirmation(delivered)
    accept_delivery(principal=delivered.cast.as_cem, stage_id=delivered.stage.pk, now=LATER)

    answer = alice.confirm(delivered, form=form)

    assert all_requests() == []
    assert "Something has changed since you last looked" in words(answer)
    assert all_drafts()[0].content["statement"] == "Orders get lost."


@pytest.mark.parametrize(("seconds", "sent"), [(-1, 1), (0, 0), (1, 0)])
def test_the_clock_of_the_server_decides_whether_an_open_form_is_in_time(
    scene: Scene, alice: Visitor, clock, seconds, sent
):
    clock.move_to(DEADLINE - timedelta(minutes=5))
    alice.apply(scene)
    form = alice.confirmation(scene)
    clock.move_to(DEADLINE + timedelta(seconds=seconds))

    answer = alice.confirm(scene, form=form)

    assert len(all_requests()) == sent
    assert ("reached us after the window had closed" in words(answer)) is not bool(sent)
    assert len(all_drafts()) == 1 - sent


def test_who_is_late_can_still_have_a_written_answer(scene: Scene, alice: Visitor, clock):
    clock.move_to(DEADLINE - timedelta(minutes=5))
    alice.apply(scene)
    clock.move_to(DEADLINE)

    page = alice.get(f"/payments/{scene.payment.number}/apply/confirm/")
    received = alice.get(alice.confirm(scene).headers["Location"])

    assert "get a written answer" in words(page)
    assert "button-primary" not in page.content.decode()
    assert [(request.state, request.answer["reasons"]) for request in all_requests()] == [
        ("rejected", ["window_expired"])
    ]
    assert "Read our answer" in words(received)


def test_a_late_consumer_applies_and_the_law_is_looked_into(db, clock):
    scene = make_scene(kind="consumer")
    alice = Visitor(scene.cast.alice)
    clock.move_to(DEADLINE)

    page = alice.get(f"/payments/{scene.payment.number}/")
    alice.apply(scene)
    alice.confirm(scene)

    assert "the law may give you a longer period" in words(page)
    assert [request.answer["reasons"] for request in all_requests()] == [["statutory_right_check"]]


def test_objections_are_kept_by_item(delivered: Scene):
    alice = Visitor(delivered.cast.alice)
    item = delivered.stage.items.get(code="AC-2")

    alice.apply(delivered, **{f"item_{item.pk.hex}": "Nothing comes out."})
    alice.confirm(delivered)

    assert all_requests()[0].objections == [{"stage": "S1", "item": "AC-2", "text": "Nothing comes out."}]


def test_files_are_kept_at_once_and_come_along(scene: Scene, alice: Visitor):
    alice.apply(scene, go="files", evidence=named("proof.txt", b"Look."))
    shown = words(alice.get(f"/payments/{scene.payment.number}/apply/"))
    alice.apply(scene)
    alice.confirm(scene)

    assert "proof.txt" in shown
    assert [(file.file_name, file.request) for file in Attachment.objects.all()] == [
        ("proof.txt", all_requests()[0])
    ]


def test_a_file_that_cannot_be_kept_is_named_and_the_others_stay(scene: Scene, alice: Visitor):
    bad, good = named("bad.exe", b"MZ"), named("proof.txt", b"Look.")

    answer = alice.apply(scene, evidence=[bad, good])

    assert "bad.exe: Only PDF, PNG, JPEG and plain text" in words(answer)
    assert [file.file_name for file in Attachment.objects.all()] == ["proof.txt"]
    assert "Orders get lost." in answer.content.decode()


def test_a_file_is_taken_out_of_a_draft_by_its_owner_alone(scene: Scene, alice: Visitor):
    alice.apply(scene, go="files", evidence=named("proof.txt", b"Look."))
    file = Attachment.objects.get()
    address = f"/payments/{scene.payment.number}/apply/files/{file.pk}/remove/"

    Visitor(scene.cast.cem).post(address)
    kept = Attachment.objects.count()
    alice.post(address)

    assert (kept, Attachment.objects.count()) == (1, 0)


def test_a_part_is_asked_for(scene: Scene, alice: Visitor):
    alice.apply(scene, extent="part", amount="250.50")
    confirm = alice.get(f"/payments/{scene.payment.number}/apply/confirm/")
    alice.confirm(scene)

    assert "You apply for 250.50 EUR" in words(confirm).replace("\N{NO-BREAK SPACE}", " ")
    assert all_requests()[0].amount_minor == 25050


@pytest.mark.parametrize(
    "amount", ["", "0", "-1", "1000.01", "0.001", "1e3", "NaN", "١٢", "12,34,5", "9" * 30]
)
def test_an_amount_that_cannot_be_asked_for_is_not_taken(scene: Scene, alice: Visitor, amount):
    answer = alice.apply(scene, extent="part", amount=amount)

    assert answer.status_code == 200
    assert 'href="#id_amount"' in answer.content.decode()


@pytest.mark.parametrize(
    ("currency", "typed", "minor"),
    [("EUR", "1,234.5", 123450), ("EUR", "12 EUR", 1200), ("JPY", "1,000", 1000), ("KWD", "0.125", 125)],
)
def test_amounts_are_read_as_people_write_them(currency, typed, minor):
    assert AmountField(currency=currency).clean(typed) == Money(minor, currency)


def test_a_credit_needs_its_stage(scene: Scene, alice: Visitor):
    answer = alice.apply(scene, remedy="exchange", target="")

    assert "Please choose the stage that the credit goes to." in words(answer)


def test_a_credit_is_asked_for(scene: Scene, alice: Visitor):
    target = scene.contract.stages.get(code="S2")

    alice.apply(scene, remedy="exchange", target=str(target.pk), extent="part", amount="400.00")
    alice.confirm(scene)

    [request] = all_requests()
    assert (request.remedy, request.target_stage, request.amount_minor) == ("exchange", target, 40000)


def test_a_credit_beyond_what_its_stage_owes_is_refused_in_words(scene: Scene, alice: Visitor):
    target = scene.contract.stages.get(code="S2")

    alice.apply(scene, remedy="exchange", target=str(target.pk))
    answer = alice.get(f"/payments/{scene.payment.number}/apply/check/", follow=True)

    assert "less than the credit" in words(answer)
    assert len(all_drafts()) == 1


def test_a_second_application_for_a_payment_is_not_let_in(scene: Scene, alice: Visitor):
    alice.apply(scene)
    form = alice.confirmation(scene)
    request = applied(scene, principal=scene.cast.as_cem)

    answer = alice.post(f"/payments/{scene.payment.number}/apply/confirm/", form, follow=True)

    assert all_requests() == [request]
    assert f"Your application {request.number} is open." in words(answer)


@pytest.mark.parametrize("step", ["", "check/", "confirm/"])
def test_a_viewer_cannot_apply(scene: Scene, step):
    bea = Visitor(scene.cast.bea)

    read = bea.get(f"/payments/{scene.payment.number}/apply/{step}")
    sent = bea.apply(scene)

    assert (read.status_code, sent.status_code) == (403, 403)
    assert all_drafts() == []


def named(name: str, content: bytes) -> BytesIO:
    file = BytesIO(content)
    file.name = name
    return file


@pytest.mark.parametrize(
    ("paid_at", "ends_at", "day"),
    [
        ("2026-10-23T10:00+02:00", "2026-10-27T00:00+01:00", "Monday, 26 October 2026"),
        ("2027-03-26T10:00+01:00", "2027-03-30T00:00+02:00", "Monday, 29 March 2027"),
    ],
    ids=["clocks set back", "clocks set forward"],
)
@pytest.mark.parametrize(("seconds", "sent"), [(-1, 1), (0, 0), (1, 0)])
def test_a_window_over_a_change_of_the_clocks_ends_with_the_day(
    scene: Scene, clock, paid_at, ends_at, day, seconds, sent
):
    at, end = datetime.fromisoformat(paid_at), datetime.fromisoformat(ends_at)
    clock.move_to(at)
    contract = signed_contract(scene.cast, title="Over the change", now=at - timedelta(days=1))
    later = Scene(scene.cast, contract, paid(scene.cast, contract, at=at))
    clock.move_to(end - timedelta(minutes=5))
    alice = Visitor(scene.cast.alice)
    page = alice.get(f"/payments/{later.payment.number}/")
    alice.apply(later)
    form = alice.confirmation(later)
    clock.move_to(end + timedelta(seconds=seconds))

    alice.confirm(later, form=form)

    assert f"Open until the end of {day}" in words(page)
    assert len(all_requests()) == sent
