"""The portal in a real browser: on a phone, by keyboard, without JavaScript, and as axe sees it."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    expect,
    sync_playwright,
)

from contracts.services import create_amendment, invite_member
from contracts.services.invitations import invitation_token
from contracts.tests.cast import delivered_stage, draft_contract, make_cast, signed_contract
from refundportal.portal.tests.pseudo import OPENS, pseudo_language
from refunds.models import RefundRequest
from refunds.services import ask_question, request_information
from refunds.tests.scene import Scene, approved, in_review, paid

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PASSWORD = "correct horse battery"
PHONE = {"width": 360, "height": 780}
DESK = {"width": 1280, "height": 900}
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1, EXCLUDE localhost",
]


@pytest.fixture(autouse=True)
def private_files(settings, tmp_path: Path) -> None:
    settings.PRIVATE_FILES = tmp_path / "private"


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    # The browser's loop runs in this thread; Django would otherwise refuse the database here.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def scene(transactional_db: None, now: datetime) -> Scene:
    """Alice paid an hour ago for a stage that was delivered yesterday."""
    cast = make_cast(now=now - timedelta(days=40))
    cast.alice.set_password(PASSWORD)
    cast.alice.save()
    contract = signed_contract(cast, now=now - timedelta(days=30))
    delivered_stage(cast, contract, "S1", at=now - timedelta(days=1))
    return Scene(cast, contract, paid(cast, contract, at=now - timedelta(hours=1)))


@pytest.fixture
def open_as_alice(browser: Browser, live_server: Any) -> Iterator[Callable[..., Page]]:
    """Open a browser signed in as Alice; nothing may reach outside, and nothing may be logged as an error."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    def open_page(**options: Any) -> Page:
        context = browser.new_context(base_url=live_server.url, viewport=PHONE, **options)
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", note)
        page.on(
            "request",
            lambda sent: (
                None if sent.url.startswith((live_server.url, "data:")) else complaints.append(sent.url)
            ),
        )
        page.goto("/account/login/")
        page.get_by_label("Email").fill("alice@acme.example")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_url("/")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


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


def _furnish(scene: Scene, now: datetime) -> dict[str, Any]:
    """An answered application, one that waits for Alice, a question, a draft and an amendment to sign."""
    cast = scene.cast
    create_amendment(
        principal=cast.as_rita,
        contract_id=scene.contract.pk,
        summary="Less to do.",
        changes={"change": [{"code": "S2", "amount": "400.00"}]},
        now=now,
    )
    question = ask_question(
        principal=cast.as_alice, client_id=cast.client.pk, subject="Why?", body="So?", now=now
    )
    first = signed_contract(cast, title="Answered", now=now - timedelta(days=20))
    second = signed_contract(cast, title="Asked", terms={"rounding": "company"}, now=now - timedelta(days=20))
    answered = approved(Scene(cast, first, paid(cast, first, at=now - timedelta(hours=3))), now=now)
    asked = in_review(Scene(cast, second, paid(cast, second, at=now - timedelta(hours=2))), now=now)
    request_information(principal=cast.as_rita, request_id=asked.pk, question="Which one?", now=now)
    draft = draft_contract(cast, title="Draft")
    invitation = invite_member(
        principal=cast.as_mallory,
        client_id=cast.other_client.pk,
        email=cast.alice.email,
        role="viewer",
        now=now,
    )
    join = f"/join/{invitation_token(invitation.pk)}/"
    return {"join": join, "answered": answered, "asked": asked, "question": question, "draft": draft}


def _addresses(scene: Scene, requests: dict[str, Any]) -> list[str]:
    contract, payment = f"/contracts/{scene.contract.number}/", f"/payments/{scene.payment.number}/"
    client = f"/clients/{scene.cast.client.pk}/"
    asked, answered = f"/requests/{requests['asked'].number}/", f"/requests/{requests['answered'].number}/"
    return [
        *("/", "/policy/", "/you/", "/contracts/", "/requests/"),
        *(contract, f"{contract}stages/S1/accept/", f"{contract}stages/S1/object/"),
        *(payment, f"{payment}apply/", f"{payment}apply/check/", f"{payment}apply/confirm/"),
        *(asked, f"{asked}withdraw/", f"{asked}received/", answered, f"{answered}letter/"),
        *("/questions/", "/questions/ask/", f"/questions/{requests['question'].pk}/"),
        *(
            f"{client}people/",
            f"{client}people/{scene.cast.bea.pk}/",
            f"{client}people/{scene.cast.bea.pk}/remove/",
        ),
        *(f"/contracts/{requests['draft'].number}/sign/", f"{contract}amendments/1/", requests["join"]),
        *(f"{client}bank/", f"{client}bank/change/", "/policy/?paid=1000&currency=EUR&days=0&work=none"),
        *("/account/password/change/", "/account/2fa/", "/account/2fa/totp/activate/"),
        *("/account/2fa/webauthn/add/", "/account/sessions/", "/account/logout/"),
    ]


AS_EVERY = ((PHONE, "light"), (PHONE, "dark"), (DESK, "light"), (DESK, "dark"))


def _faults_of(page: Page, address: str) -> dict[str, Any]:
    """Look at a page on every screen: what axe finds by day and night, and whether it is too wide."""
    page.emulate_media(reduced_motion="reduce")
    page.goto(address)
    page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true })")
    faults: dict[str, Any] = {}
    for viewport, scheme in AS_EVERY:
        page.set_viewport_size(viewport)
        page.emulate_media(color_scheme=scheme)
        seen = Axe().run(page).response["violations"] if viewport is PHONE else ()
        found = [(one["id"], one["nodes"][0]["target"]) for one in seen]
        if (width := page.evaluate("document.documentElement.scrollWidth")) > viewport["width"]:
            found.append(("wider than the screen", width))
        if found:
            faults[f"{address} {viewport['width']} {scheme}"] = found
    return faults


def test_axe_finds_nothing_and_no_page_is_wider_than_its_screen(scene, now, open_as_alice):
    requests = _furnish(scene, now)
    page = open_as_alice()
    page.goto(f"/payments/{scene.payment.number}/apply/")
    page.get_by_label("The work has defects").check()
    page.get_by_label("What happened?").fill("Orders get lost.")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Check your answers")).to_be_visible()

    faults = {}
    for address in _addresses(scene, requests):
        faults |= _faults_of(page, address)

    assert faults == {}


def test_a_third_more_words_break_no_page(scene, now, open_as_alice):
    addresses = _addresses(scene, _furnish(scene, now))
    page = open_as_alice()
    wide = {}

    with pseudo_language():
        for address in addresses:
            page.goto(address)
            assert OPENS in page.content()
            if (width := page.evaluate("document.documentElement.scrollWidth")) > 360:
                wide[address] = width

    assert wide == {}


def test_the_doorstep_is_for_everybody(scene, browser, live_server):
    context = browser.new_context(base_url=live_server.url)
    page = context.new_page()

    faults = {}
    for address in ("/account/login/", "/account/login/code/", "/account/password/reset/", "/policy/", "/x/"):
        faults |= _faults_of(page, address)
    context.close()

    assert faults == {}


# By keyboard alone


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
