"""The portal in a real browser: on a phone, by keyboard, and without JavaScript."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from refundportal.portal.tests import browsing
from refundportal.portal.tests.states import keep_draft
from refunds.models import RefundRequest
from refunds.tests.scene import Scene

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
private_files, browser, now = browsing.private_files, browsing.browser, browsing.now
scene, open_page, open_as_alice = browsing.scene, browsing.open_page, browsing.open_as_alice


def _apply(page: Page, scene: Scene) -> RefundRequest:
    """Go all the way from the overview to the acknowledgement."""
    page.get_by_role("link", name="S1 Order desk").first.click()
    page.get_by_role("link", name="Apply for a refund").click()
    page.get_by_label("The work has defects").check()
    page.get_by_label("What happened?").fill("Orders get lost.")
    page.get_by_label("AC-2 An order is printed.").fill("Nothing comes out.")
    page.get_by_label("Evidence").set_input_files(
        [{"name": "proof.txt", "mimeType": "text/plain", "buffer": b"Look."}]
    )
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Check your answers")).to_be_visible()
    page.get_by_role("link", name="Continue").click()
    page.get_by_role("button", name="Confirm application").click()
    expect(page.get_by_role("heading", name="has reached us")).to_be_visible()
    return RefundRequest.objects.get(payment=scene.payment)


@pytest.mark.parametrize("has_scripts", [True, False])
def test_alice_applies_on_her_phone(scene: Scene, open_as_alice, has_scripts):
    page = open_as_alice(java_script_enabled=has_scripts)

    request = _apply(page, scene)

    assert request.objections == [{"stage": "S1", "item": "AC-2", "text": "Nothing comes out."}]
    assert [file.file_name for file in request.attachments.all()] == ["proof.txt"]
    expect(page.get_by_text(f"Your application {request.number} has reached us")).to_be_visible()


def test_a_form_that_is_sent_empty_leads_to_its_faults_by_keyboard(scene: Scene, open_as_alice):
    page = open_as_alice()
    page.goto(f"/payments/{scene.payment.number}/apply/")

    page.get_by_role("button", name="Continue").press("Enter")
    summary = page.locator("[data-error-summary]")
    expect(summary).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    expect(page.get_by_label("What happened?")).to_be_focused()


def test_a_double_press_in_each_of_two_tabs_makes_one_application(scene: Scene, open_as_alice):
    keep_draft(scene, timezone.now())
    confirm = f"/payments/{scene.payment.number}/apply/confirm/"
    page = open_as_alice()
    page.goto(confirm)
    other = page.context.new_page()
    other.goto(confirm)

    page.get_by_role("button", name="Confirm application").dblclick()
    expect(page.get_by_role("heading", name="has reached us")).to_be_visible()
    other.get_by_role("button", name="Confirm application").dblclick()

    expect(other.get_by_role("heading", name="has reached us")).to_be_visible()
    assert other.url == page.url
    assert RefundRequest.objects.get().number in page.url


def test_a_window_that_closes_takes_the_button_with_it(scene: Scene, open_as_alice):
    page = open_as_alice()
    page.clock.install(time=datetime.now(UTC))
    page.goto(f"/payments/{scene.payment.number}/")
    button = page.get_by_role("link", name="Apply for a refund")
    expect(button).to_be_visible()

    page.clock.fast_forward(timedelta(days=4).total_seconds() * 1000)

    expect(page.get_by_text("Closed since the end of")).to_be_visible()
    expect(button).to_be_hidden()
    expect(page.get_by_text("The window has closed while this page was open.")).to_be_visible()


def test_made_up_figures_are_worked_out_without_scripts(scene: Scene, open_page):
    page = open_page(java_script_enabled=False)
    page.goto("/policy/")

    page.get_by_role("button", name="Work it out").click()

    expect(page.locator("#tried")).to_be_visible()


def test_made_up_figures_are_worked_out_without_a_new_page(scene: Scene, open_as_alice):
    page = open_as_alice()
    page.goto("/policy/")
    page.evaluate("window.isTheSamePage = true")
    page.get_by_label("What was paid").fill("2,000.00")
    page.get_by_label("Nothing has been delivered").check()

    page.get_by_role("button", name="Work it out").click()

    expect(page.locator("#tried")).to_contain_text("Refund")
    expect(page.locator("#try .statement-sum")).to_contain_text("1,950.00")
    assert page.evaluate("window.isTheSamePage") is True
