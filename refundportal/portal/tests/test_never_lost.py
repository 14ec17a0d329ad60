"""In a real browser: what is typed is kept as it is typed, whatever happens in between."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Page, expect

from refundportal.portal.tests import browsing
from refundportal.portal.tests.browsing import sign_in
from refunds.models import ApplicationDraft, RefundRequest
from refunds.tests.scene import Scene

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
private_files, browser, now = browsing.private_files, browsing.browser, browsing.now
scene, open_page, open_as_alice = browsing.scene, browsing.open_page, browsing.open_as_alice

PROOF = {"name": "proof.txt", "mimeType": "text/plain", "buffer": b"Look."}


def begin(page: Page, scene: Scene) -> None:
    """Fill in the first step, and send nothing."""
    page.goto(f"/payments/{scene.payment.number}/apply/")
    page.get_by_label("The work has defects").check()
    page.get_by_label("What happened?").fill("Orders get lost.")


def test_what_is_typed_is_kept_without_a_button_and_files_as_they_are_chosen(scene: Scene, open_as_alice):
    page = open_as_alice()
    begin(page, scene)
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        page.get_by_label("What happened?").blur()

    page.get_by_label("Evidence").set_input_files([PROOF])
    expect(page.get_by_role("link", name="proof.txt")).to_be_visible()
    page.goto("/")
    page.goto(f"/payments/{scene.payment.number}/apply/")

    expect(page.get_by_label("What happened?")).to_have_value("Orders get lost.")
    expect(page.get_by_label("The work has defects")).to_be_checked()
    expect(page.get_by_role("link", name="proof.txt")).to_have_count(1)
    page.get_by_role("button", name="Remove proof.txt").click()
    expect(page.get_by_role("link", name="proof.txt")).to_have_count(0)
    expect(page.get_by_label("What happened?")).to_have_value("Orders get lost.")


@pytest.mark.parametrize("has_scripts", [True, False])
def test_the_way_back_leads_to_what_was_typed(scene: Scene, open_as_alice, has_scripts):
    page = open_as_alice(java_script_enabled=has_scripts)
    begin(page, scene)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Check your answers")).to_be_visible()

    page.go_back()

    expect(page.get_by_label("What happened?")).to_have_value("Orders get lost.")
    expect(page.get_by_label("The work has defects")).to_be_checked()


@pytest.mark.parametrize("has_scripts", [True, False])
def test_whoever_was_signed_out_meanwhile_signs_in_and_goes_on(scene: Scene, open_as_alice, has_scripts):
    page = open_as_alice(java_script_enabled=has_scripts)
    begin(page, scene)
    Session.objects.all().delete()

    page.get_by_role("button", name="Continue").click()
    sign_in(page)

    expect(page.get_by_text("What you typed is still here")).to_be_visible()
    expect(page.get_by_label("What happened?")).to_have_value("Orders get lost.")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Check your answers")).to_be_visible()


def test_a_tab_of_before_signing_in_again_goes_on_too(scene: Scene, open_as_alice):
    page = open_as_alice(java_script_enabled=False)
    begin(page, scene)
    Session.objects.all().delete()
    other = page.context.new_page()
    other.goto("/account/login/")
    sign_in(other)
    other.wait_for_url("/")

    page.get_by_role("button", name="Continue").click()

    expect(page.get_by_text("What you typed is still here")).to_be_visible()
    expect(page.get_by_label("What happened?")).to_have_value("Orders get lost.")


def test_a_form_that_is_open_when_its_window_closes_says_so_and_keeps_all(scene: Scene, open_as_alice):
    page = open_as_alice()
    page.clock.install(time=datetime.now(UTC))
    begin(page, scene)

    page.clock.fast_forward(timedelta(days=4).total_seconds() * 1000)

    expect(page.get_by_text("What you typed is kept; our clock decides")).to_be_visible()
    expect(page.get_by_role("button", name="Continue", exact=True)).to_be_hidden()
    expect(page.get_by_role("button", name="Continue all the same")).to_be_visible()
    expect(page.get_by_label("What happened?")).to_have_value("Orders get lost.")


def test_the_last_button_goes_with_the_window(scene: Scene, open_as_alice):
    page = open_as_alice()
    begin(page, scene)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Check your answers")).to_be_visible()
    page.clock.install(time=datetime.now(UTC))
    page.goto(f"/payments/{scene.payment.number}/apply/confirm/")
    expect(page.get_by_role("button", name="Confirm application")).to_be_visible()

    page.clock.fast_forward(timedelta(days=4).total_seconds() * 1000)

    expect(page.get_by_role("button", name="Confirm application")).to_be_hidden()
    expect(page.get_by_role("button", name="get a written answer")).to_be_visible()
    assert RefundRequest.objects.count() == 0


def test_the_enter_key_goes_on_and_takes_out_no_file(scene: Scene, open_as_alice):
    page = open_as_alice(java_script_enabled=False)
    begin(page, scene)
    page.get_by_label("Evidence").set_input_files([PROOF])
    page.get_by_role("button", name="Keep files").click()
    page.get_by_label("A part of it").check()
    page.get_by_label("The amount, if a part").fill("25")

    page.get_by_label("The amount, if a part").press("Enter")

    expect(page.get_by_role("heading", name="Check your answers")).to_be_visible()
    assert ApplicationDraft.objects.get().attachments.count() == 1
