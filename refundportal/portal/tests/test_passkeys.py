"""Keys in a real browser: Chromium plays the phone that holds them."""

import pytest
from playwright.sync_api import CDPSession, Page, expect

from refundportal.portal.tests import browsing
from refundportal.portal.tests.browsing import sign_in
from refunds.tests.scene import Scene

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
private_files, browser, now = browsing.private_files, browsing.browser, browsing.now
scene, open_page, open_as_alice = browsing.scene, browsing.open_page, browsing.open_as_alice

PHONE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def with_keys(page: Page) -> tuple[CDPSession, dict[str, str]]:
    """Give the browser something that holds keys."""
    devices = page.context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    made = devices.send("WebAuthn.addVirtualAuthenticator", {"options": PHONE})
    return devices, made


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def heading(page: Page, words: str) -> None:
    expect(page.get_by_role("heading", name=words)).to_be_visible()


def sign_out(page: Page) -> None:
    page.goto("/you/")
    press(page, "Sign out")
    heading(page, "Sign in")


def test_alice_adds_a_passkey_signs_in_with_it_renames_and_removes_it(scene: Scene, open_as_alice):
    page = open_as_alice(has_shown_who=True)
    with_keys(page)

    page.goto("/account/2fa/")
    page.get_by_role("link", name="Add a key").click()
    page.get_by_label("Name of the key").fill("My phone")
    page.get_by_label("Sign in with this key alone").check()
    press(page, "Add the key")
    heading(page, "Spare codes")
    sign_out(page)
    page.goto("/account/login/?next=/account/2fa/webauthn/")
    press(page, "Use a passkey")
    expect(page.get_by_text("passkey: enough to sign in")).to_be_visible()

    page.get_by_role("link", name="Rename My phone").click()
    page.get_by_role("link", name="Use your key").click()
    press(page, "Use your key")
    page.get_by_label("Name of the key").fill("Old phone")
    press(page, "Save")
    page.get_by_role("link", name="Remove Old phone").click()
    press(page, "Remove the key")
    expect(page.get_by_text("You have no key yet.")).to_be_visible()
    # The phone still holds the key; here nobody knows it any more.
    sign_out(page)
    press(page, "Use a passkey")
    expect(page.get_by_text("This code or key is not right")).to_be_visible()


def test_a_key_as_second_factor_and_a_browser_that_gives_none(scene: Scene, open_as_alice):
    page = open_as_alice(has_shown_who=True)
    devices, phone = with_keys(page)

    page.goto("/account/2fa/webauthn/add/")
    press(page, "Add the key")
    heading(page, "Spare codes")
    sign_out(page)
    page.goto("/account/login/?next=/you/")
    sign_in(page)
    heading(page, "Your second factor")
    (key,) = devices.send("WebAuthn.getCredentials", phone)["credentials"]
    devices.send("WebAuthn.clearCredentials", phone)
    press(page, "Use your key")
    expect(page.get_by_text("Your browser gave no key")).to_be_visible()
    devices.send("WebAuthn.addCredential", {**phone, "credential": key})
    press(page, "Use your key")
    heading(page, "Account")


def test_a_passkey_is_offered_only_when_the_page_listens(open_page):
    page, held = open_page(), []
    page.route("**/webauthn.js", lambda route: held.append(route))

    with page.expect_request("**/webauthn.js"):
        page.goto("/account/login/", wait_until="commit")
    page.wait_for_function("document.readyState === 'interactive'")
    page.evaluate("new Promise(done => setTimeout(done, 300))")
    early = page.get_by_role("button", name="Use a passkey").is_visible()
    held[0].continue_()

    expect(page.get_by_role("button", name="Use a passkey")).to_be_visible()
    assert not early
