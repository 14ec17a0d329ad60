"""How the pages look in a real browser: to axe, on every screen, with long names and longer words."""

from typing import Any

import pytest
from playwright.sync_api import Page

from refundportal.portal.tests import browsing
from refundportal.portal.tests.browsing import show_who_it_is
from refundportal.portal.tests.extremes import rich
from refundportal.portal.tests.furnished import addresses_of, furnish, pages_of
from refundportal.portal.tests.states import forms_with_faults
from refundportal.web.tests.looking import AS_EVERY, look_at
from refundportal.web.tests.pseudo import OPENS, pseudo_language

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
private_files, browser, now = browsing.private_files, browsing.browser, browsing.now
scene, open_page, open_as_alice = browsing.scene, browsing.open_page, browsing.open_as_alice


def _faults_of(page: Page, address: str) -> dict[str, Any]:
    page.goto(address)
    return look_at(page, address)


def test_axe_finds_nothing_and_no_page_is_wider_than_its_screen(scene, now, open_as_alice):
    requests = furnish(scene, now)
    page = open_as_alice()
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


def test_the_doorstep_is_for_everybody(scene, open_page):
    page = open_page()

    faults = {}
    for address in ("/account/login/", "/account/login/code/", "/account/password/reset/", "/policy/", "/x/"):
        faults |= _faults_of(page, address)

    assert faults == {}


def test_every_piece_of_the_style_guide_is_sound_on_every_screen(scene, open_page, settings):
    settings.DEBUG = True
    page = open_page()
    page.goto("/styleguide/")

    assert look_at(page, "style guide", with_axe=AS_EVERY) == {}


def test_forms_with_faults_are_sound(scene, open_as_alice):
    page = open_as_alice()
    show_who_it_is(page)

    faults = {}
    for name, (address, button) in forms_with_faults(scene).items():
        page.goto(address)
        page.get_by_role("button", name=button, exact=True).click()
        page.locator("[data-error-summary]").wait_for()
        faults |= look_at(page, name)

    assert faults == {}
