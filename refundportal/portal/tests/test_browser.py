"""The portal in a real browser: on a phone, by keyboard, and without JavaScript."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from refundportal.portal.tests import browsing
from refundportal.portal.tests.browsing import DESK
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


def test_a_double_press_makes_one_application(scene: Scene, open_as_alice):
    page = open_as_alice()
    page.goto(f"/payments/{scene.payment.number}/apply/")
    page.get_by_label("The work has defects").check()
    page.get_by_label("What happened?").fill("Orders get lost.")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("link", name="Continue").click()

    page.get_by_role("button", name="Confirm application").dblclick()

    expect(page.get_by_role("heading", name="has reached us")).to_be_visible()
    assert RefundRequest.objects.count() == 1


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


def _press(page: Page, target: Locator, key: str = "Enter") -> None:
    """Go from control to control until the target has the focus, and press a key."""
    expect(target).to_be_visible()
    for _ in range(80):
        if target.evaluate("element => element === document.activeElement"):
            page.keyboard.press(key)
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"not to be reached by keyboard: {target}")


def _type(page: Page, target: Locator, text: str) -> None:
    _press(page, target, "End")
    page.keyboard.type(text)


def test_alice_applies_writes_and_withdraws_by_keyboard_alone(scene: Scene, open_as_alice):
    page = open_as_alice()
    page.set_viewport_size(DESK)
    page.goto(f"/payments/{scene.payment.number}/")

    _press(page, page.get_by_role("link", name="Apply for a refund"))
    expect(page.get_by_label("What happened?")).to_be_visible()
    _press(page, page.locator("input[name=reason]").first, "Space")
    _type(page, page.get_by_label("What happened?"), "Orders get lost.")
    _press(page, page.get_by_role("button", name="Continue"))
    _press(page, page.get_by_role("link", name="Continue"))
    _press(page, page.get_by_role("button", name="Confirm application"))
    expect(page.get_by_role("heading", name="has reached us")).to_be_visible()
    request = RefundRequest.objects.get()
    page.goto(f"/requests/{request.number}/")
    _type(page, page.get_by_label("Your message"), "One more thing.")
    _press(page, page.get_by_role("button", name="Send message"))
    expect(page.get_by_text("One more thing.")).to_be_visible()
    _press(page, page.get_by_role("link", name="Withdraw"))
    _press(page, page.get_by_role("button", name="Withdraw"))

    expect(page.get_by_text("withdrawn").first).to_be_visible()
    request.refresh_from_db()
    assert request.state == "withdrawn"
    assert [message.body for message in request.messages.all()] == ["One more thing."]


def test_alice_objects_accepts_asks_and_invites_by_keyboard_alone(scene: Scene, open_as_alice):
    page = open_as_alice()
    contract = f"/contracts/{scene.contract.number}/"

    page.goto(f"{contract}stages/S1/object/")
    _type(page, page.get_by_label("AC-2 An order is printed."), "Nothing comes out.")
    _press(page, page.locator("main button.button-primary"))
    expect(page.get_by_text("objected to").first).to_be_visible()
    page.goto("/questions/ask/")
    _type(page, page.get_by_label("Your question in one line"), "Why?")
    _type(page, page.get_by_label("What would you like to know?"), "So?")
    _press(page, page.locator("main button.button-primary"))
    expect(page.get_by_role("heading", name="Why?")).to_be_visible()
    page.goto(f"/clients/{scene.cast.client.pk}/people/")
    _type(page, page.get_by_label("E-mail address"), "eva@acme.example")
    _press(page, page.get_by_role("button", name="Send the invitation"))
    expect(page.get_by_text("eva@acme.example").first).to_be_visible()
    _press(page, page.get_by_role("button", name="Withdraw the invitation of eva@acme.example"))

    expect(page.get_by_text("its link no longer works").first).to_be_visible()


def test_everything_works_without_scripts(scene: Scene, open_as_alice):
    page = open_as_alice(java_script_enabled=False)
    request = _apply(page, scene)

    page.goto(f"/requests/{request.number}/")
    page.get_by_label("Your message").fill("One more thing.")
    page.get_by_role("button", name="Send message").click()
    expect(page.get_by_text("One more thing.")).to_be_visible()
    page.goto("/policy/")
    page.get_by_role("button", name="Work it out").click()
    expect(page.locator("#tried")).to_be_visible()
    page.goto(f"/requests/{request.number}/withdraw/")
    page.get_by_role("button", name="Withdraw").click()

    request.refresh_from_db()
    assert request.state == "withdrawn"


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
