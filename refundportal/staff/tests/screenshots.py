"""
Pictures of the staff side at a desk, by day and by night, in var/screenshots/staff-light and -dark.

Run by `make screenshots`; not part of the suite.
"""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Page

from accounts.principals import SYSTEM
from contracts.tests.cast import Cast, signed_contract
from payments.services import record_usage
from refundportal.staff.tests import browsing
from refundportal.staff.tests.desk import page_of
from refundportal.staff.tests.furnished import furnish
from refunds.tests.scene import Scene, in_review, paid

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
browser, now = browsing.browser, browsing.now
present, open_as = browsing.present, browsing.open_as
FOLDER = settings.BASE_DIR / "var" / "screenshots"
SCHEMES = ("light", "dark")


def take(page: Page, address: str, name: str) -> None:
    """Take the two pictures of a page, whole."""
    page.emulate_media(reduced_motion="reduce")
    for scheme in SCHEMES:
        # The frame follows the machine unless somebody chose; this is how it is told.
        page.emulate_media(color_scheme=scheme)
        page.goto(address)
        page.wait_for_load_state("networkidle")
        page.set_viewport_size({"width": 1280, "height": 900})
        page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true })")
        height = page.evaluate(
            "Math.max(...[...document.querySelectorAll('*')].map(one => one.scrollHeight))"
        )
        page.set_viewport_size({"width": 1280, "height": min(int(height) + 80, 8000)})
        page.screenshot(path=FOLDER / f"staff-{scheme}" / f"{name}.png")


def test_the_pages_of_staff(present: Scene, now: datetime, open_as: Any) -> None:
    pages = furnish(present, now)
    hands = {name: open_as(getattr(present.cast, name)) for name in ("rita", "arno", "finn")}
    for name, (person, address) in pages.items():
        take(hands[person], address, name)


LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerk and its warehouses, order desks and printers."


def at_the_edges(cast: Cast, now: datetime) -> dict[str, Scene]:
    """Long names; twelve stages of which one bears forty meters of use; yen and dinars."""
    cast.client.name = LONG
    cast.client.save(update_fields=["name"])
    made = {}
    for name, currency, stages, amount in (
        ("twelve-stages", "EUR", 12, "100.00"),
        ("yen", "JPY", 2, "123456789"),
        ("dinar", "KWD", 2, "1234.567"),
    ):
        items = [{"code": "AC-1", "statement": LONG, "weight": "1", "reference": LONG}]
        work = [
            {"code": f"S{n}", "title": LONG, "kind": "work", "amount": amount, "items": items}
            for n in range(1, stages + 1)
        ]
        meters = [
            {"code": f"m{n}", "title": LONG, "kind": "metered", "unit": "call", "price": "1"}
            for n in range(40)
        ]
        contract = signed_contract(
            cast,
            now=now - timedelta(days=9),
            title=f"{LONG} {name}",
            currency=currency,
            stages=work,
            meters=meters,
        )
        made[name] = Scene(cast, contract, paid(cast, contract, at=now - timedelta(hours=1)))
        used = {"contract": str(contract.pk), "source": name, "quantity": "1", "occurred_at": now.isoformat()}
        records = [{**used, "meter": f"m{n}", "external_id": str(n)} for n in range(40)]
        record_usage(principal=SYSTEM, records=records, now=now)
        in_review(made[name], now=now, statement=f"{LONG} " * 20)
    return made


def test_the_longest_names_and_the_largest_amounts(present: Scene, now: datetime, open_as: Any) -> None:
    page = open_as(present.cast.rita)
    for name, one in at_the_edges(present.cast, now).items():
        take(page, page_of(one.contract), f"extreme-{name}-contract")
        for case in one.payment.requests.all():
            take(page, page_of(case), f"extreme-{name}-case")
