"""How the staff pages look in a real browser: to axe, by day and by night, on a phone, in longer words."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from playwright.sync_api import Page

from refundportal.staff.tests import browsing
from refundportal.staff.tests.furnished import IMPORT, NEW, furnish
from refundportal.web.tests.looking import DESK, OF_DESK, look_at
from refundportal.web.tests.pseudo import OPENS, pseudo_language
from refunds.tests.scene import Scene

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
browser, now = browsing.browser, browsing.now
present, open_as = browsing.present, browsing.open_as
LOOKED_AT = (
    *("dashboard", "queue", "case-review", "case-assess", "authoring-draft", "laboratory-trial"),
    *("statement-line-match", "bank-file", "case-proposed", "case-approved", "reports", "payments"),
    *("payouts", "statement-lines", "ledger"),
)
"""The other pages are made of the same pieces; `make screenshots` takes pictures of all."""
IN_THE_DARK_TOO = {"dashboard", "queue", "case-review", "authoring-draft", "laboratory-trial"}
FAULTY = b"reference,client_name,title,currency,stage_code,stage_amount\nOLD-1,Newcomer,Fleet,EUR,S1,lots\n"


@pytest.fixture
def open_hands(present: Scene, open_as: Any) -> Callable[[str], Page]:
    """Open one browser for each who looks."""
    hands: dict[str, Page] = {}

    def of(name: str) -> Page:
        if name not in hands:
            hands[name] = open_as(getattr(present.cast, name))
        return hands[name]

    return of


def test_axe_finds_nothing_and_no_page_breaks_on_a_phone_or_with_a_third_more_words(
    present: Scene, now: datetime, open_hands: Callable[[str], Page]
):
    pages = furnish(present, now)
    faults: dict[str, Any] = {}
    for name in LOOKED_AT:
        person, address = pages[name]
        page = open_hands(person)
        page.goto(address)
        screens = OF_DESK if name in IN_THE_DARK_TOO else OF_DESK[:1]
        faults |= look_at(page, name, with_axe=screens)
    with pseudo_language():
        for name in LOOKED_AT[:8]:
            person, address = pages[name]
            page = open_hands(person)
            page.goto(address)
            assert OPENS in page.content()
            if (width := page.evaluate("document.documentElement.scrollWidth")) > DESK["width"]:
                faults[f"{name} in longer words"] = width

    assert faults == {}


def test_forms_with_faults_are_sound(present: Scene, open_hands: Callable[[str], Page]):
    page = open_hands("rita")
    page.goto(NEW)
    page.locator("[name='stages[0].amount']").fill("lots")
    page.get_by_role("button", name="Keep as a draft", exact=True).click()
    page.locator("[data-error-summary]").wait_for()
    faults = look_at(page, "authoring", with_axe=OF_DESK)

    page.goto(IMPORT)
    table = {"name": "t.csv", "mimeType": "text/csv", "buffer": FAULTY}
    page.locator("[name=file]").set_input_files(table)
    page.get_by_role("button", name="Go on", exact=True).click()
    page.locator("[data-error-summary]").wait_for()
    faults |= look_at(page, "import", with_axe=OF_DESK)

    assert faults == {}
