"""
Pictures of every page of the portal, on a phone and at a desk, by day and by night, in var/screenshots/.

Run by `make screenshots`; not part of the suite. Every picture is looked at by axe, too, and none may be
wider than its screen: the suite does that on a phone and for the usual states alone.
"""

import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core import mail
from playwright.sync_api import Page, expect

from refundportal.portal.tests import browsing
from refundportal.portal.tests.browsing import PASSWORD, sign_in
from refundportal.portal.tests.extremes import german, rich
from refundportal.portal.tests.furnished import addresses_of, furnish, pages_of
from refundportal.portal.tests.states import (
    DOORSTEP,
    change_facts,
    forms_with_faults,
    keep_draft,
    lock_out,
    seldom_seen,
    with_all_factors,
)
from refundportal.web.tests.looking import AS_EVERY, look_at
from refunds.tests.scene import Scene

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
private_files, browser, now = browsing.private_files, browsing.browser, browsing.now
scene, open_page, open_as_alice = browsing.scene, browsing.open_page, browsing.open_as_alice

FOLDER = settings.BASE_DIR / "var" / "screenshots"


def name_of(address: str) -> str:
    """Make the name of a file of an address, without what differs from run to run."""
    plain = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|(?<=join/)[^/]+", "id", address)
    return re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-") or "home"


def take(page: Page, name: str) -> dict[str, Any]:
    """Take the four pictures of the page that is shown, and tell what is wrong with it."""
    page.emulate_media(reduced_motion="reduce")
    for viewport, scheme in AS_EVERY:
        page.set_viewport_size(viewport)
        page.emulate_media(color_scheme=scheme)
        folder: Path = FOLDER / f"{viewport['width']}-{scheme}"
        page.screenshot(path=folder / f"{name}.png", full_page=True, timeout=60_000)
    return look_at(page, name, with_axe=AS_EVERY)


def take_all(page: Page, addresses: dict[str, str]) -> None:
    faults: dict[str, Any] = {}
    for name, address in addresses.items():
        page.goto(address)
        faults |= take(page, name)
    assert faults == {}


def test_every_page(scene: Scene, now: Any, open_as_alice: Any) -> None:
    addresses = addresses_of(scene, furnish(scene, now))
    page = open_as_alice(has_shown_who=True)

    take_all(page, {name_of(address): address for address in addresses})


def test_every_extreme(scene: Scene, now: Any, open_as_alice: Any) -> None:
    found = rich(scene.cast, now)
    page = open_as_alice()
    lists = {
        f"extreme-{name_of(address)}": address for address in ("/", "/contracts/", "/requests/", "/you/")
    }
    pages = {
        f"{name_of(name)}-{name_of(address)}": address
        for name, one in found.items()
        for address in pages_of(one)
    }

    take_all(page, lists | pages)


def test_nothing_yet(scene: Scene, now: Any, open_as_alice: Any) -> None:
    person = german(now)
    person.set_password(PASSWORD)
    person.save()
    page = open_as_alice(email=person.email)
    addresses = ("/", "/contracts/", "/requests/", "/questions/", "/you/", "/policy/")

    take_all(page, {f"empty-{name_of(address)}": address for address in addresses})


def test_what_is_seldom_seen(scene: Scene, now: Any, open_as_alice: Any) -> None:
    addresses = seldom_seen(scene, now)
    page = open_as_alice()

    take_all(page, {f"state-{name}": address for name, address in addresses.items()})


def test_forms_with_faults(scene: Scene, open_as_alice: Any) -> None:
    page = open_as_alice(has_shown_who=True)
    faults: dict[str, Any] = {}

    for name, (address, button) in forms_with_faults(scene).items():
        page.goto(address)
        page.get_by_role("button", name=button, exact=True).click()
        page.locator("[data-error-summary]").wait_for()
        faults |= take(page, name)

    assert faults == {}


def test_the_doorstep_and_the_style_guide(scene: Scene, open_page: Any, settings: Any) -> None:
    page = open_page()
    take_all(page, {f"doorstep-{name}": address for name, address in DOORSTEP.items()})
    faults: dict[str, Any] = {}

    page.goto("/account/password/reset/")
    page.get_by_label("E-mail address").fill("alice@acme.example")
    page.get_by_role("button", name="Send me the link").click()
    expect(page.get_by_role("heading", name="Please look into your mail")).to_be_visible()
    (link,) = re.findall(r"http://[^/\s]+(/account/password/reset/key/\S+)", str(mail.outbox[-1].body))
    page.goto(link)
    faults |= take(page, "doorstep-reset-new-password")
    lock_out("alice@acme.example", page.url)
    page.goto("/account/login/")
    sign_in(page)
    expect(page.locator("[data-error-summary]")).to_contain_text("Too many tries")
    faults |= take(page, "doorstep-locked")
    page.goto("/account/login/code/")
    page.get_by_label("E-mail address").fill("alice@acme.example")
    page.get_by_role("button", name="Send me a code").click()
    expect(page.get_by_role("heading", name="Type the code")).to_be_visible()
    faults |= take(page, "doorstep-type-the-code")
    settings.DEBUG = True
    page.goto("/styleguide/")
    faults |= take(page, "styleguide")

    assert faults == {}


def test_second_factors(scene: Scene, open_as_alice: Any, open_page: Any) -> None:
    addresses = with_all_factors(scene)
    page = open_as_alice(has_shown_who=True)
    take_all(page, {f"factor-{name}": address for name, address in addresses.items()})
    other = open_page()
    other.goto("/account/login/")
    sign_in(other)
    expect(other.get_by_role("heading", name="Your second factor")).to_be_visible()

    assert take(other, "factor-when-signing-in") == {}


def test_a_figure_that_changed_meanwhile(scene: Scene, now: Any, open_as_alice: Any) -> None:
    keep_draft(scene, now)
    page = open_as_alice()
    page.goto(f"/payments/{scene.payment.number}/apply/confirm/")
    change_facts(scene)

    page.get_by_role("button", name="Confirm application").click()
    expect(page.locator("[data-error-summary]")).to_contain_text("Something has changed")

    assert take(page, "state-changed") == {}
