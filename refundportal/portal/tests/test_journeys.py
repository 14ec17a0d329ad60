"""
The journeys of a client, each by two very different hands.

One presses with a finger on a phone, by day. The other has a desk, works at night, without JavaScript and by
keyboard alone: it goes from control to control with the Tab key and can reach nothing else.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from playwright.sync_api import Locator, Page, expect

from accounts.models import User
from contracts.models import Delivery
from contracts.services import create_amendment
from contracts.tests.cast import delivered_stage, draft_contract, signed_contract
from payments.models import BankAccount
from refundportal.portal.tests import browsing
from refundportal.portal.tests.browsing import PASSWORD
from refundportal.web.tests.looking import DESK
from refunds.models import Enquiry, RefundRequest
from refunds.tests.scene import Scene

NEW = "another sentence to remember"
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
private_files, browser, now = browsing.private_files, browsing.browser, browsing.now
scene, open_page, open_as_alice = browsing.scene, browsing.open_page, browsing.open_as_alice


@dataclass
class Finger:
    """Presses what it sees."""

    page: Page

    def press(self, target: Locator) -> None:
        target.click()

    def choose(self, target: Locator) -> None:
        target.check()

    def type(self, target: Locator, text: str) -> None:
        target.fill(text)


@dataclass
class Keyboard:
    """Goes from control to control."""

    page: Page

    def _reach(self, target: Locator) -> None:
        expect(target).to_be_visible()
        for _ in range(80):
            if target.evaluate("element => element === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"not to be reached by keyboard: {target}")

    def press(self, target: Locator) -> None:
        self._reach(target)
        self.page.keyboard.press("Enter")

    def choose(self, target: Locator) -> None:
        """Go to the group of choices, and from one to the next."""
        group = target.page.locator(f"input[name='{target.get_attribute('name')}']")
        at = [one.get_attribute("value") for one in group.all()].index(target.get_attribute("value"))
        chosen = target.page.locator(f"input[name='{target.get_attribute('name')}']:checked")
        self._reach(chosen if chosen.count() else group.first)
        self.page.keyboard.press("Space")
        for _ in range(at + len(group.all())):
            if target.is_checked():
                return
            self.page.keyboard.press("ArrowDown")
        assert target.is_checked()

    def type(self, target: Locator, text: str) -> None:
        self._reach(target)
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.type(text)


Hand = Finger | Keyboard


@pytest.fixture(params=["finger", "keyboard"])
def hand(request, open_as_alice: Callable[..., Page]) -> Hand:
    if request.param == "finger":
        return Finger(open_as_alice())
    return Keyboard(open_as_alice(java_script_enabled=False, viewport=DESK, color_scheme="dark"))


def button(hand: Hand, name: str) -> Locator:
    return hand.page.get_by_role("button", name=name, exact=True)


def link(hand: Hand, name: str) -> Locator:
    return hand.page.get_by_role("link", name=name)


def field(hand: Hand, label: str) -> Locator:
    return hand.page.get_by_label(label)


def title(hand: Hand, words: str) -> None:
    expect(hand.page.get_by_role("heading", name=words)).to_be_visible()


def test_applying_writing_and_withdrawing(scene: Scene, hand: Hand):
    hand.press(link(hand, "S1 Order desk").first)
    hand.press(link(hand, "Apply for a refund"))
    hand.choose(field(hand, "The work has defects"))
    hand.type(field(hand, "What happened?"), "Orders get lost.")
    hand.type(field(hand, "AC-2 An order is printed."), "Nothing comes out.")
    hand.choose(field(hand, "A part of it"))
    hand.type(field(hand, "The amount, if a part"), "250.50")
    hand.press(button(hand, "Continue"))
    title(hand, "Check your answers")
    hand.press(link(hand, "Continue"))
    hand.press(button(hand, "Confirm application"))
    title(hand, "has reached us")
    hand.press(link(hand, "Follow your application"))
    hand.type(field(hand, "Your message"), "One more thing.")
    hand.press(button(hand, "Send message"))
    expect(hand.page.get_by_text("One more thing.")).to_be_visible()
    hand.press(link(hand, "Withdraw"))
    hand.press(hand.page.get_by_role("button", name="Withdraw"))

    expect(hand.page.get_by_text("You have withdrawn the application")).to_be_visible()
    request = RefundRequest.objects.get()
    assert (request.state, request.amount_minor) == ("withdrawn", 25050)
    assert request.objections == [{"stage": "S1", "item": "AC-2", "text": "Nothing comes out."}]


def test_signing_objecting_accepting_and_asking(scene: Scene, hand: Hand, now: datetime):
    draft = draft_contract(scene.cast, title="Draft")
    create_amendment(
        principal=scene.cast.as_rita,
        contract_id=scene.contract.pk,
        summary="Less to do.",
        changes={"change": [{"code": "S2", "amount": "400.00"}]},
        now=now,
    )
    other = signed_contract(scene.cast, title="Second", now=now - timedelta(days=30))
    delivered_stage(scene.cast, other, "S1", at=now - timedelta(days=1))
    contract = f"/contracts/{scene.contract.number}/"

    hand.page.goto(f"/contracts/{draft.number}/")
    hand.press(link(hand, "Read and sign"))
    hand.press(button(hand, "Sign the contract"))
    expect(hand.page.get_by_text("You have signed Draft.")).to_be_visible()
    hand.page.goto(contract)
    hand.press(link(hand, "Read and sign amendment 1"))
    hand.press(button(hand, "Sign the amendment"))
    expect(hand.page.get_by_text("waits for a signature")).to_be_hidden()
    hand.press(link(hand, "Accept Order desk"))
    hand.press(button(hand, "Accept this work"))
    expect(hand.page.get_by_text("You have accepted")).to_be_visible()
    hand.page.goto(f"/contracts/{other.number}/")
    hand.press(link(hand, "Object to Order desk"))
    hand.type(field(hand, "AC-2 An order is printed."), "Nothing comes out.")
    hand.press(button(hand, "Send objections"))
    expect(hand.page.get_by_text("have reached us")).to_be_visible()
    hand.press(link(hand, "Ask a question about this contract"))
    hand.type(field(hand, "Your question in one line"), "Why?")
    hand.type(field(hand, "What would you like to know?"), "So?")
    hand.press(button(hand, "Send the question"))
    title(hand, "Why?")

    draft.refresh_from_db()
    assert draft.state == "signed"
    assert scene.contract.amendments.get().signed_at is not None
    (objection,) = Delivery.objects.get(stage__contract=other).objections
    assert objection == {"item": "AC-2", "text": "Nothing comes out."}
    assert Enquiry.objects.get().contract == other


def test_people_and_the_bank_account(scene: Scene, hand: Hand):
    client = f"/clients/{scene.cast.client.pk}/"

    hand.page.goto(f"{client}people/")
    hand.type(field(hand, "E-mail address"), "eva@acme.example")
    hand.press(button(hand, "Send the invitation"))
    hand.press(button(hand, "Withdraw the invitation of eva@acme.example"))
    expect(hand.page.get_by_text("its link no longer works").first).to_be_visible()
    hand.page.goto(f"{client}people/{scene.cast.bea.pk}/")
    hand.choose(field(hand, "requester"))
    hand.press(button(hand, "Save"))
    title(hand, "People")
    hand.page.goto(f"{client}bank/change/")
    hand.type(field(hand, "Password"), PASSWORD)
    hand.press(button(hand, "Go on"))
    hand.type(field(hand, "Account holder"), "Acme Ltd")
    hand.type(field(hand, "IBAN"), "DE89 3704 0044 0532 0130 00")
    hand.press(button(hand, "Keep this account"))

    expect(hand.page.get_by_text("The account is kept.")).to_be_visible()
    assert BankAccount.objects.count() == 1
    assert scene.cast.client.memberships.get(user=scene.cast.bea).role == "requester"


def test_the_account_with_another_password_and_a_second_factor(scene: Scene, hand: Hand):
    hand.page.goto("/you/")
    hand.type(field(hand, "Name"), "Alice B.")
    hand.press(button(hand, "Save"))
    expect(hand.page.get_by_text("Your settings have been changed.")).to_be_visible()
    hand.press(link(hand, "Change your password"))
    hand.type(field(hand, "Your password now"), PASSWORD)
    hand.type(hand.page.get_by_label("The new password", exact=True), NEW)
    hand.type(field(hand, "The new password once more"), NEW)
    hand.press(button(hand, "Change the password"))
    title(hand, "Sign in")
    hand.type(field(hand, "E-mail address"), scene.cast.alice.email)
    hand.type(field(hand, "Password"), NEW)
    hand.press(button(hand, "Sign in"))
    hand.press(link(hand, "Second factor and passkeys"))
    hand.press(link(hand, "Set up an app"))
    hand.type(field(hand, "Password"), NEW)
    hand.press(button(hand, "Go on"))
    secret = hand.page.locator("main code").inner_text()
    code = format_hotp_value(hotp_value(secret, int(time.time()) // 30))
    hand.type(field(hand, "The code that the app shows"), code)
    hand.press(button(hand, "Switch on"))
    title(hand, "Spare codes")
    assert hand.page.locator(".codes code").count() == 10
    hand.page.goto("/account/sessions/")
    expect(hand.page.get_by_text("You are signed in nowhere else.")).to_be_visible()
    hand.page.goto("/you/")
    hand.press(button(hand, "Sign out"))
    title(hand, "Sign in")

    hand.page.goto("/you/")
    title(hand, "Sign in")
    assert User.objects.get(pk=scene.cast.alice.pk).name == "Alice B."
