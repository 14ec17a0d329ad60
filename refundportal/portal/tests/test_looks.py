"""How the pages look in a real browser: to axe, on every screen, with long names and longer words."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from refundportal.portal.tests import browsing
from refundportal.portal.tests.browsing import DESK, PHONE, show_who_it_is
from refundportal.portal.tests.extremes import rich
from refundportal.portal.tests.furnished import addresses_of, furnish, pages_of
from refundportal.portal.tests.pseudo import OPENS, pseudo_language

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
private_files, browser, now = browsing.private_files, browsing.browser, browsing.now
scene, open_as_alice = browsing.scene, browsing.open_as_alice

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
    requests = furnish(scene, now)
    page = open_as_alice()
    page.goto(f"/payments/{scene.payment.number}/apply/")
    page.get_by_label("The work has defects").check()
    page.get_by_label("What happened?").fill("Orders get lost.")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Check your answers")).to_be_visible()

    show_who_it_is(page)

    faults = {}
    for address in addresses_of(scene, requests):
        faults |= _faults_of(page, address)

    assert faults == {}


def test_the_longest_names_and_the_largest_amounts_break_no_page(scene, now, open_as_alice):
    found = rich(scene.cast, now)
    page = open_as_alice()

    faults = {}
    for address in (
        "/",
        "/contracts/",
        "/requests/",
        *(one for name in found for one in pages_of(found[name])),
    ):
        faults |= _faults_of(page, address)

    assert faults == {}


def test_a_third_more_words_break_no_page(scene, now, open_as_alice):
    addresses = addresses_of(scene, furnish(scene, now))
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
