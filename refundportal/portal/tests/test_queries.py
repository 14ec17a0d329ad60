"""How much the pages ask of the database: the same for one contract and for many."""

import gzip
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.http import HttpResponse

from accounts.principals import SYSTEM
from contracts.tests.cast import delivered_stage, signed_contract
from events.journal import sequence_events
from payments.services import record_usage
from refundportal.portal.tests.visiting import Visitor, queries_of
from refunds.services import post_message
from refunds.tests.scene import LATER, NOW, Scene, approved, in_review, make_scene, paid


@pytest.fixture
def alice(scene: Scene) -> Visitor:
    return Visitor(scene.cast.alice)


QUERIES = {
    "/": 9,
    "/contracts/": 3,
    "/requests/": 3,
    "/contracts/{contract}/": 17,
    "/payments/{payment}/": 12,
    "/payments/{payment}/apply/": 8,
    "/payments/{payment}/apply/check/": 14,
    "/payments/{payment}/apply/confirm/": 14,
    "/requests/{request}/": 13,
    "/requests/{request}/received/": 6,
    "/requests/{request}/letter/": 7,
    "/you/": 3,
    "/policy/": 2,
}
"""On the overview, three of them for the one window that is shown."""


def furnished(more: int) -> tuple[Scene, dict[str, str]]:
    """A client with contracts, deliveries, usage, an answered application, messages; `more` of each."""
    scene = make_scene(is_delivered=True)
    other = signed_contract(scene.cast, title="Answered")
    asked = approved(Scene(scene.cast, other, paid(scene.cast, other, "P1")))
    for number in range(more):
        contract = signed_contract(scene.cast, title=f"Contract {number}", meters=[])
        delivered_stage(scene.cast, contract, "S1")
        in_review(Scene(scene.cast, contract, paid(scene.cast, contract, "S1")))
        post_message(principal=scene.cast.as_alice, request_id=asked.pk, body=f"Message {number}", now=LATER)
        record_usage(
            principal=SYSTEM,
            records=[
                {
                    "contract": str(scene.contract.pk),
                    "source": "gateway",
                    "external_id": f"{kind}{number}",
                    "meter": "hosting",
                    "start": (NOW - timedelta(days=3)).isoformat(),
                    "end": (NOW + timedelta(days=days)).isoformat(),
                }
                for kind, days in (("ended", -1), ("running", 1))
            ],
            now=LATER,
        )
    sequence_events()
    return scene, {
        "contract": scene.contract.number,
        "payment": scene.payment.number,
        "request": asked.number,
        "contract_id": str(scene.contract.pk),
        "payment_id": str(scene.payment.pk),
        "request_id": str(asked.pk),
    }


@pytest.mark.parametrize("more", [1, 7])
def test_every_page_asks_a_constant_number_of_queries(db, clock, more):
    scene, numbers = furnished(more)
    alice = Visitor(scene.cast.alice)
    alice.apply(scene)

    found = {address: queries_of(alice, address.format(**numbers)) for address in QUERIES}

    assert found == QUERIES


@pytest.mark.parametrize(("windows", "queries"), [(1, 8), (3, 12), (5, 12)])
def test_the_overview_works_out_three_windows_at_most(scene: Scene, alice: Visitor, windows, queries):
    for number in range(windows - 1):
        paid(scene.cast, signed_contract(scene.cast, title=f"Contract {number}"), "P1")

    assert queries_of(alice, "/") == queries


LIMIT = 60_000
"""Bytes of a page with its style sheets and scripts, compressed; without icons and files."""


def test_every_page_weighs_less_than_its_limit(db, clock):
    scene, numbers = furnished(7)
    alice = Visitor(scene.cast.alice)
    alice.apply(scene)

    weights = {address: _weight(alice.get(address.format(**numbers))) for address in QUERIES}

    assert {address: weight for address, weight in weights.items() if weight > LIMIT} == {}


def _weight(page: HttpResponse) -> int:
    text = page.content.decode()
    parts = re.findall(r'<(?:link rel="stylesheet" href|script src)="/static/([^"]+)"', text)
    assert len(parts) >= 7
    files = [Path(str(finders.find(part))).read_bytes() for part in parts]
    return sum(len(gzip.compress(part)) for part in (page.content, *files))
