"""Signed out while typing: what was typed waits until its page is shown again, and for nobody else."""

import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client as Browser

from accounts.models import User
from contracts.models import Delivery
from refundportal.portal import kept
from refundportal.portal.tests.test_applying import named
from refundportal.portal.tests.visiting import Visitor, all_drafts, all_requests, words
from refunds.models import Attachment, Enquiry
from refunds.services import ask_question
from refunds.tests.scene import LATER, Scene, in_review

PASSWORD = "correct horse battery"
TYPED = {"reason": "defects", "statement": "Orders get lost.", "extent": "part", "amount": "25", "go": "on"}


@pytest.fixture(autouse=True)
def no_earlier_visits() -> None:
    """Nothing counts against the limits yet."""
    cache.clear()


def sign_in(browser: Browser, address: str, email: str = "alice@acme.example"):
    person = User.objects.get(email=email)
    person.set_password(PASSWORD)
    person.save()
    typed = {"login": email, "password": PASSWORD, "next": address}
    return browser.post("/account/login/", typed, follow=True)


def places(scene: Scene) -> dict[str, tuple[str, dict[str, str]]]:
    """Every page with something to type, and what is typed there."""
    request = in_review(scene)
    question = ask_question(
        principal=scene.cast.as_alice, client_id=scene.cast.client.pk, subject="Why?", body="So?", now=LATER
    )
    said = {"body": "I wrote a long text."}
    return {
        "message": (f"/requests/{request.number}/", said),
        "question": ("/questions/ask/", {"about": scene.contract.number, "subject": "Why so?", **said}),
        "follow-up": (f"/questions/{question.pk}/", said),
    }


def test_an_application_typed_while_signed_out_is_there_after_signing_in(scene: Scene):
    browser, address = Browser(), f"/payments/{scene.payment.number}/apply/"

    away = browser.post(address, TYPED)
    back = sign_in(browser, address)

    assert away.headers["Location"] == f"/account/login/?next={address}"
    assert "Orders get lost." in back.content.decode()
    assert "What you typed is still here" in words(back)
    assert [draft.content["amount"] for draft in all_drafts()] == ["25"]
    assert all_requests() == []
    assert "What you typed is still here" not in words(browser.get(address))


@pytest.mark.parametrize("name", ["message", "question", "follow-up"])
def test_what_was_typed_while_signed_out_is_sent_after_signing_in(scene: Scene, name):
    address, typed = places(scene)[name]
    browser = Browser()

    browser.post(address, typed)
    back = sign_in(browser, address)

    assert "I wrote a long text." in back.content.decode()
    assert "I wrote a long text." not in browser.get(address).content.decode()
    assert Enquiry.objects.count() == 1


def test_an_objection_typed_while_signed_out_is_there_after_signing_in(delivered: Scene):
    browser, address = Browser(), f"/contracts/{delivered.contract.number}/stages/S1/object/"

    browser.post(address, {"item_1": "Nothing comes out."})
    back = sign_in(browser, address)

    assert "Nothing comes out." in back.content.decode()
    assert Delivery.objects.get().state == "delivered"


def test_what_somebody_typed_for_a_page_is_not_shown_to_a_stranger(scene: Scene):
    browser, address = Browser(), f"/payments/{scene.payment.number}/apply/"

    browser.post(address, TYPED)
    answer = sign_in(browser, address, "mallory@other.example")

    assert answer.status_code == 404
    assert "Orders get lost." not in answer.content.decode()
    assert all_drafts() == []


@pytest.mark.parametrize(("seconds", "is_there"), [(3599, True), (3601, False)])
def test_what_was_typed_waits_for_an_hour(scene: Scene, clock, seconds, is_there):
    browser, address = Browser(), f"/payments/{scene.payment.number}/apply/"
    browser.post(address, TYPED)

    clock.move_to(LATER + timedelta(seconds=seconds))

    assert ("Orders get lost." in sign_in(browser, address).content.decode()) is is_there


@pytest.mark.parametrize("typed", [{"statement": "x" * (kept.SIGNS_MAX + 1)}, {}])
def test_nothing_and_too_much_are_not_kept(scene: Scene, typed):
    browser, address = Browser(), f"/payments/{scene.payment.number}/apply/"

    browser.post(address, {"go": "on", **typed})

    assert sign_in(browser, address).status_code == 200
    assert all_drafts() == []


def test_no_flood_of_forms_is_kept(scene: Scene):
    address = f"/payments/{scene.payment.number}/apply/"

    for _ in range(30):
        Browser().post(address, TYPED)
    browser = Browser()
    browser.post(address, TYPED)

    assert "Orders get lost." not in sign_in(browser, address).content.decode()


def test_who_goes_on_typing_while_signed_out_loses_nothing(scene: Scene):
    browser, address = Browser(), f"/payments/{scene.payment.number}/apply/"

    for at in range(40):
        browser.post(address, {**TYPED, "statement": f"Word {at}.", "go": "keep"})

    assert "Word 39." in sign_in(browser, address).content.decode()


@pytest.mark.parametrize(("email", "is_shown"), [("alice@acme.example", True), ("cem@acme.example", False)])
def test_what_one_person_typed_is_not_shown_to_another_at_the_same_screen(scene: Scene, email, is_shown):
    address, typed = places(scene)["question"]
    browser = Browser()
    browser.force_login(scene.cast.alice)
    page = browser.get(address).content.decode()
    hidden = dict(re.findall(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)"', page))
    browser.logout()
    browser.post(address, {**hidden, **typed})

    answer = sign_in(browser, address, email)

    assert answer.status_code == 200
    assert ("I wrote a long text." in answer.content.decode()) is is_shown


def with_an_old_token(scene: Scene, origin: str, address: str):
    """Send a form of a tab whose visitor signed in again in another one."""
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(scene.cast.alice)
    headers = {"Origin": origin} if origin else {}
    return browser, browser.post(address, {"csrfmiddlewaretoken": "x" * 32, **TYPED}, headers=headers)


def test_a_form_with_the_token_of_before_is_shown_again_as_it_was_typed(scene: Scene):
    address = f"/payments/{scene.payment.number}/apply/"

    browser, answer = with_an_old_token(scene, "http://testserver", address)
    again = browser.get(answer.headers["Location"])

    assert answer.headers["Location"] == address
    assert "Orders get lost." in again.content.decode()
    assert all_requests() == []


@pytest.mark.parametrize("origin", ["", "null", "https://evil.example"])
def test_a_form_that_another_site_sends_is_refused_and_leaves_nothing(scene: Scene, origin):
    address = f"/payments/{scene.payment.number}/apply/"

    browser, answer = with_an_old_token(scene, origin, address)

    assert answer.status_code == 403
    assert "Orders get lost." not in browser.get(address).content.decode()
    assert all_drafts() == []


@pytest.mark.parametrize("address", ["/you/", "/account/login/"])
def test_other_pages_keep_nothing_of_what_is_refused(scene: Scene, address):
    browser, answer = with_an_old_token(scene, "http://testserver", address)

    assert answer.status_code == 403
    assert "typed" not in browser.session


def test_a_second_tab_does_not_change_unseen_what_the_first_one_sends(scene: Scene):
    alice = Visitor(scene.cast.alice)
    alice.apply(scene)
    first_tab = alice.confirmation(scene)
    alice.apply(scene, statement="Typed in the second tab.")

    answer = alice.confirm(scene, form=first_tab)

    assert all_requests() == []
    assert "Your answers are other ones now" in words(answer)
    alice.confirm(scene)
    assert [request.statement for request in all_requests()] == ["Typed in the second tab."]


def test_typing_the_same_again_in_a_second_tab_changes_nothing(scene: Scene):
    alice = Visitor(scene.cast.alice)
    alice.apply(scene)
    first_tab = alice.confirmation(scene)
    alice.apply(scene, statement="Something else.")
    alice.confirm(scene, form=first_tab)
    alice.apply(scene)

    alice.confirm(scene, form=first_tab)

    assert [request.statement for request in all_requests()] == ["Orders get lost."]


def test_taking_a_file_out_keeps_what_was_typed_meanwhile(scene: Scene):
    alice = Visitor(scene.cast.alice)
    alice.apply(scene, go="keep")
    alice.apply(scene, go="files", evidence=named("proof.txt", b"Look."))
    file = Attachment.objects.get()
    address = f"/payments/{scene.payment.number}/apply/files/{file.pk}/remove/"

    alice.post(address, {**TYPED, "statement": "More to say."})

    assert (Attachment.objects.count(), all_drafts()[0].content["statement"]) == (0, "More to say.")


def test_files_can_be_added_as_evidence_without_a_word(scene: Scene):
    alice, request = Visitor(scene.cast.alice), in_review(scene)
    address = f"/requests/{request.number}/"

    empty = alice.fill_in(address, {"body": ""})
    sent = alice.fill_in(address, {"body": "", "evidence": named("proof.txt", b"Look.")}, follow=True)
    wrong = alice.fill_in(
        address, {"body": "", "evidence": [named("more.txt", b"Look."), named("bad.exe", b"MZ")]}
    )

    assert "Please write something, or choose a file." in words(empty)
    assert "Your files have been added." in words(sent)
    assert "Only PDF, PNG, JPEG and plain text" in words(wrong)
    assert [file.file_name for file in Attachment.objects.all()] == ["proof.txt"]
    assert not request.messages.exists()


def test_a_file_that_comes_at_once_and_with_its_form_again_is_kept_once(
    scene: Scene, private_files, django_capture_on_commit_callbacks
):
    alice = Visitor(scene.cast.alice)

    with django_capture_on_commit_callbacks(execute=True):
        alice.apply(scene, go="files", evidence=named("proof.txt", b"Look."))
        alice.apply(scene, evidence=named("proof.txt", b"Look."))
        alice.apply(scene, evidence=named("proof.txt", b"Look again."))

    assert [file.file_name for file in Attachment.objects.all()] == ["proof.txt", "proof.txt"]
    assert len([path for path in private_files.rglob("*") if path.is_file()]) == 2
