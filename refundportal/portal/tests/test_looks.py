"""How the pages look in a real browser: to axe, on every screen, with long names and longer words."""

from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from refundportal.portal.tests import browsing
from refundportal.portal.tests.browsing import sign_in
from refundportal.portal.tests.extremes import rich
from refundportal.portal.tests.furnished import addresses_of, furnish, pages_of
from refundportal.portal.tests.states import (
    DOORSTEP,
    change_facts,
    forms_with_faults,
    keep_draft,
    lock_out,
    with_all_factors,
)
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
    page = open_as_alice(has_shown_who=True)

    faults = {}
    for address in addresses_of(scene, requests):
        faults |= _faults_of(page, address)

    assert faults == {}


def test_the_longest_names_and_the_largest_amounts_break_no_page(scene, now, open_as_alice):
    """Axe looks where something new is on the page: forty lines and fourteen stages, not other currencies."""
    found = rich(scene.cast, now)
    page = open_as_alice()

    faults = {}
    for address in ("/", "/contracts/", "/requests/", *pages_of(found.pop("fourteen stages"))):
        faults |= _faults_of(page, address)
    for address in (one for name in found for one in pages_of(found[name])):
        page.goto(address)
        faults |= look_at(page, address, with_axe=())

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
    for address in DOORSTEP.values():
        faults |= _faults_of(page, address)
    lock_out("alice@acme.example", page.url)
    page.goto("/account/login/")
    sign_in(page)
    expect(page.locator("[data-error-summary]")).to_contain_text("Too many tries")
    faults |= look_at(page, "locked")
    page.goto("/account/login/code/")
    page.get_by_label("E-mail address").fill("alice@acme.example")
    page.get_by_role("button", name="Send me a code").click()
    expect(page.get_by_role("heading", name="Type the code")).to_be_visible()
    faults |= look_at(page, "the code")

    assert faults == {}


def test_second_factors_and_the_ways_to_show_who_one_is_are_sound(scene, open_as_alice, open_page):
    addresses = with_all_factors(scene)
    page = open_as_alice(has_shown_who=True)

    faults = {}
    for address in addresses.values():
        faults |= _faults_of(page, address)
    other = open_page()
    other.goto("/account/login/")
    sign_in(other)
    expect(other.get_by_role("heading", name="Your second factor")).to_be_visible()
    faults |= look_at(other, "the second factor")

    assert faults == {}


def test_every_piece_of_the_style_guide_is_sound_on_every_screen(scene, open_page, settings):
    settings.DEBUG = True
    page = open_page()
    page.goto("/styleguide/")

    assert look_at(page, "style guide", with_axe=AS_EVERY) == {}


def test_forms_with_faults_are_sound(scene, open_as_alice):
    page = open_as_alice(has_shown_who=True)

    faults = {}
    for name, (address, button) in forms_with_faults(scene).items():
        page.goto(address)
        page.get_by_role("button", name=button, exact=True).click()
        page.locator("[data-error-summary]").wait_for()
        faults |= look_at(page, name)

    assert faults == {}


def test_a_figure_that_changed_meanwhile_is_sound(scene, open_as_alice):
    keep_draft(scene, timezone.now())
    page = open_as_alice()
    page.goto(f"/payments/{scene.payment.number}/apply/confirm/")
    change_facts(scene)

    page.get_by_role("button", name="Confirm application").click()
    expect(page.locator("[data-error-summary]")).to_contain_text("Something has changed")

    assert look_at(page, "changed") == {}
