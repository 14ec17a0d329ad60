"""A real browser at the staff door: signed in as somebody, and watched for complaints."""

import os
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from accounts.models import User
from contracts.tests.cast import delivered_stage, make_cast, signed_contract
from refundportal.staff.tests.desk import Desk
from refunds.tests.scene import Scene, paid

PATIENCE_MS = 60_000
DESK = {"width": 1280, "height": 900}
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1, EXCLUDE localhost",
]


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
def present(transactional_db: None, now: datetime) -> Scene:
    """Alice paid an hour ago for a stage that was delivered yesterday; by the clock of this machine."""
    cast = make_cast(now=now - timedelta(days=40))
    contract = signed_contract(cast, now=now - timedelta(days=30))
    delivered_stage(cast, contract, "S1", at=now - timedelta(days=1))
    return Scene(cast, contract, paid(cast, contract, at=now - timedelta(hours=1)))


@pytest.fixture
def open_as(browser: Browser, live_server: Any) -> Iterator[Callable[..., Page]]:
    """Open a browser in which somebody signed in just now; no page may log an error or reach outside."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_page(user: User, **options: Any) -> Page:
        context = browser.new_context(base_url=live_server.url, **{"viewport": DESK, **options})
        context.set_default_timeout(PATIENCE_MS)
        session = Desk(user).cookies["sessionid"].value
        context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        contexts.append(context)
        page = context.new_page()
        page.on(
            "console",
            lambda message: complaints.append(message.text) if message.type == "error" else None,
        )
        page.on(
            "request",
            lambda sent: (
                None if sent.url.startswith((live_server.url, "data:")) else complaints.append(sent.url)
            ),
        )
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [one for one in complaints if "403" not in one and "422" not in one] == []


def send_forged(page: Page, address: str, **fields: str) -> int:
    """Send a form that no page offers, with the person's own session and token; give the status."""
    cookies = {one["name"]: one["value"] for one in page.context.cookies()}
    form = {"csrfmiddlewaretoken": cookies["csrftoken"], "confirmed": "1", **fields}
    answer = page.request.post(
        address, form=form, headers={"Referer": page.url}, max_redirects=0, fail_on_status_code=False
    )
    return answer.status
