"""
Pictures of every page of the portal, on a phone and at a desk, by day and by night, in var/screenshots/.

Run by `make screenshots`; not part of the
"""

import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Page

from refundportal.portal.tests import browsing
from refundportal.portal.tests.browsing import PASSWORD, show_who_it_is
from refundportal.portal.tests.extremes import german, rich
from refundportal.portal.tests.furnished import addresses_of, furnish, pages_of
from refundportal.portal.tests.test_looks import AS_EVERY
from refunds.tests.scene import Scene

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
private_files, browser, now = browsing.private_files, browsing.browser, browsing.now
scene, open_as_alice = browsing.scene, browsing.open_as_alice

FOLDER = settings.BASE_DIR / "var" / "screenshots"


def name_of(address: str) -> str:
    """Make the name of a file of an address, without what differs from run to run."""
    plain = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|(?<=join/)[^/]+", "id", address)
    return re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-") or "home"


def take(page: Page, address: str, name: str) -> None:
    """Take the four pictures of a page."""
    page.emulate_media(reduced_motion="reduce")
    page.goto(address)
    for viewport, scheme in AS_EVERY:
        page.set_viewport_size(viewport)
        page.emulate_media(color_scheme=scheme)
        folder: Path = FOLDER / f"{viewport['width']}-{scheme}"
        page.screenshot(path=folder / f"{name}.png", full_page=True)


def test_every_page(scene: Scene, now: Any, open_as_alice: Any) -> None:
    addresses = addresses_of(scene, furnish(scene, now))
    page = open_as_alice()
    show_who_it_is(page)
    for address in addresses:
        take(page, address, name_of(address))


def test_every_extreme(scene: Scene, now: Any, open_as_alice: Any) -> None:
    found = rich(scene.cast, now)
    page = open_as_alice()
    for address in ("/", "/contracts/", "/requests/", "/you/"):
        take(page, address, f"extreme-{name_of(address)}")
    for name, one in found.items():
        for address in pages_of(one):
            take(page, address, f"{name_of(name)}-{name_of(address)}")


def test_nothing_yet(scene: Scene, now: Any, open_as_alice: Any) -> None:
    person = german(now)
    person.set_password(PASSWORD)
    person.save()
    page = open_as_alice(email=person.email)
    for address in ("/", "/contracts/", "/requests/", "/questions/", "/you/", "/policy/"):
        take(page, address, f"empty-{name_of(address)}")
