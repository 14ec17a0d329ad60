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
from contracts.tests.cast import Cast, delivered_stage, draft_contract, signed_contract
from payments.services import record_usage
from refundportal.staff.tests import browsing
from refundportal.staff.tests.desk import act_of, page_of
from refunds.models import RefundRequest, Trial
from refunds.services import assess, count_on, post_message, run_trial, start_trial
from refunds.tests.scene import Scene, applied, approved, in_review, paid, proposed

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


def furnish(scene: Scene, now: datetime) -> dict[str, RefundRequest]:
    """Cases in every state, examined work, a thread, a snapshot and a trial that is done."""
    cast = scene.cast

    def another(title: str, hours: int) -> Scene:
        contract = signed_contract(cast, now=now - timedelta(days=30), title=title)
        delivered_stage(cast, contract, "S1", at=now - timedelta(days=3))
        return Scene(cast, contract, paid(cast, contract, at=now - timedelta(hours=hours)))

    case = in_review(scene, now=now - timedelta(minutes=50))
    for text in ("Tested on the machine of the client.", "The printer is the one of the specification."):
        post_message(principal=cast.as_rita, request_id=case.pk, body=text, is_internal=True, now=now)
    post_message(principal=cast.as_alice, request_id=case.pk, body="It stops after three orders.", now=now)
    values = {"AC-1": "1", "AC-2": "1/3", "AC-3": "0"}
    assess(
        principal=cast.as_rita,
        request_id=case.pk,
        stage_id=scene.stage.pk,
        values=values,
        reason="Tested by hand.",
        now=now,
    )
    undelivered = Scene(cast, scene.contract, paid(cast, scene.contract, "S2", at=now - timedelta(hours=2)))
    fresh = applied(another("Spare parts shop", 30), now=now - timedelta(hours=29))
    waiting = proposed(undelivered, now=now - timedelta(minutes=40))
    answered = signed_contract(cast, now=now - timedelta(days=30), title="Answered")
    asked = Scene(cast, answered, paid(cast, answered, at=now - timedelta(hours=30)))
    done = approved(asked, now=now - timedelta(minutes=10))
    while count_on(now=now, batch_max=100):
        pass
    return {"review": case, "new": fresh, "proposed": waiting, "approved": done}


def test_the_pages_of_staff(present: Scene, now: datetime, open_as: Any) -> None:
    cases, cast = furnish(present, now), present.cast
    trial: Trial = start_trial(
        principal=cast.as_rita,
        changes={"window_days": 0, "rounding": "company"},
        since=now - timedelta(days=5),
        until=now,
        note="No window at all",
        now=now,
    )
    run_trial(trial_id=trial.pk, now=now, batch_max=100)
    draft = draft_contract(cast, title="Fleet", terms={"window_days": 1}, now=now)
    page = open_as(cast.rita)
    for name, address in {
        "dashboard": "/admin/",
        "queue": "/admin/refunds/refundrequest/",
        "queue-overdue": "/admin/refunds/refundrequest/?standing=new",
        **{f"case-{state}": page_of(case) for state, case in cases.items()},
        "case-assess": act_of(cases["review"], "assess"),
        "case-usage": act_of(cases["review"], "exclude_usage"),
        "case-propose": act_of(cases["review"], "propose"),
        "contract": page_of(present.contract),
        "authoring-new": "/admin/contracts/contract/new/",
        "authoring-draft": f"/admin/contracts/contract/{draft.pk}/write/",
        "import": "/admin/contracts/contract/import/",
        "laboratory": "/admin/refunds/trial/",
        "laboratory-new": "/admin/refunds/trial/new/",
        "laboratory-trial": page_of(trial),
        "payment": page_of(present.payment),
        "payments": "/admin/payments/payment/",
        "payouts": "/admin/payments/payout/",
        "reports": "/admin/reports/",
    }.items():
        take(page, address, name)
    arno = open_as(cast.arno)
    take(arno, act_of(cases["proposed"], "approve"), "case-approve")


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
