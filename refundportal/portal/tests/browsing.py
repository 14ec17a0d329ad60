"""A real browser for tests: signed in as somebody, and watched for complaints."""

import os
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from accounts.models import User
from contracts.tests.cast import delivered_stage, make_cast, signed_contract
from refundportal.web.tests.looking import PHONE
from refundportal.web.tests.signing_in import signed_in_just_now
from refunds.tests.scene import Scene, paid

PASSWORD = "correct horse battery"
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
def open_page(browser: Browser, live_server: Any) -> Iterator[Callable[..., Page]]:
    """Open a browser; nothing may reach outside, and nothing may be logged as an error: a 404 apart."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and "404 (Not Found)" not in message.text:
            complaints.append(message.text)

    def open_it(**options: Any) -> Page:
        context = browser.new_context(base_url=live_server.url, **{"viewport": PHONE, **options})
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
        return page

    yield open_it
    for context in contexts:
        context.close()
    if complaints:
        pytest.fail(f"the browser complained: {complaints}")


@pytest.fixture
def open_as_alice(open_page: Callable[..., Page], live_server: Any) -> Callable[..., Page]:
    """Open such a browser, signed in as Alice or somebody else; `has_shown_who`: by password, just now."""

    def open_it(*, email: str = "alice@acme.example", has_shown_who: bool = False, **options: Any) -> Page:
        page = open_page(**options)
        user = User.objects.get(email=email)
        visitor = Client()
        visitor.force_login(user)
        if has_shown_who:
            signed_in_just_now(visitor, user, how="password")
        cookie = {"name": "sessionid", "value": visitor.cookies["sessionid"].value, "url": live_server.url}
        page.context.add_cookies([cookie])
        page.goto("/")
        return page

    return open_it


def sign_in(page: Page, email: str = "alice@acme.example") -> None:
    """Fill in the form that asks who somebody is."""
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
