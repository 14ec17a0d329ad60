"""Lists go on by key: nothing is counted, nothing shown twice, nothing left out."""

import base64
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contracts.services import create_client
from contracts.tests.cast import NOW
from events.guards import lifted
from refundportal.staff import lists
from refundportal.staff.tests.desk import Desk, words
from refunds.tests.scene import Scene, applied

CLIENTS = "/admin/contracts/client/"


@pytest.fixture
def many(scene: Scene, monkeypatch) -> Scene:
    """Seven clients in all, three to a page."""
    for place in range(5):
        create_client(
            principal=scene.cast.as_rita,
            kind="business",
            name=f"Firm {place}",
            email=f"firm{place}@firms.example",
            now=NOW,
        )
    monkeypatch.setattr("refundportal.staff.people.ClientAdmin.list_per_page", 3)
    monkeypatch.setattr(lists, "PAGE_SIZE", 3)
    return scene


def names(html: str) -> list[str]:
    return re.findall(r"/admin/contracts/client/[0-9a-f-]+/change/[^>]*>([^<]+)<", html)


def link(html: str, rel: str) -> str | None:
    found = re.search(rf'<a href="([^"]+)" rel="{rel}"', html)
    return found.group(1).replace("&amp;", "&") if found else None


def test_a_list_goes_on_to_its_end_and_back_without_loss(many: Scene):
    desk = Desk(many.cast.ada)
    address, forth = CLIENTS, []
    while address:
        html = desk.get(address).content.decode()
        forth.append(names(html))
        address = link(html, "next") and CLIENTS + link(html, "next")
    back = [forth[-1]]
    while there := link(html, "prev"):
        html = desk.get(CLIENTS + there).content.decode()
        back.append(names(html))

    shown = [name for page in forth for name in page]
    assert [len(page) for page in forth] == [3, 3, 1]
    assert len(set(shown)) == 7
    assert back == forth[::-1]


def test_no_list_counts_its_rows(many: Scene):
    desk = Desk(many.cast.ada)

    with CaptureQueriesContext(connection) as queries:
        desk.get(CLIENTS)

    assert [query for query in queries.captured_queries if "COUNT(" in query["sql"].upper()] == []


@pytest.mark.parametrize("place", [b"nonsense", b"[" * 2000])
def test_a_place_that_no_list_gave_leads_back_to_the_start(many: Scene, place: bytes):
    answer = Desk(many.cast.ada).get(CLIENTS, {"p": base64.urlsafe_b64encode(place)}, follow=True)

    assert answer.redirect_chain[-1][0].endswith("?e=1")
    assert answer.status_code == 200


def test_an_order_in_the_address_changes_nothing(many: Scene):
    desk = Desk(many.cast.ada)

    assert names(desk.get(CLIENTS + "?o=1").content.decode()) == names(desk.get(CLIENTS).content.decode())


@pytest.mark.parametrize("term", ["RR-2026", "Acme", "office@acme", "alice@acme.example"])
def test_applications_are_found_by_number_client_and_address(scene: Scene, term: str):
    request = applied(scene)
    desk = Desk(scene.cast.rita)

    assert request.number in words(desk.get("/admin/refunds/refundrequest/", {"q": term}))
    assert request.number not in words(desk.get("/admin/refunds/refundrequest/", {"q": term + "zzz"}))


def test_a_thousand_words_are_a_search_too(scene: Scene):
    applied(scene)

    answer = Desk(scene.cast.rita).get("/admin/refunds/refundrequest/", {"q": "acme " * 1000})

    assert answer.status_code == 200


def test_the_queue_shows_what_is_open_unless_more_is_asked_for(scene: Scene):
    request = applied(scene)
    type(request).objects.filter(pk=request.pk).update(state="withdrawn")
    desk = Desk(scene.cast.rita)

    assert request.number not in words(desk.get("/admin/refunds/refundrequest/"))
    assert request.number in words(desk.get("/admin/refunds/refundrequest/?standing=all"))
    assert request.number in words(desk.get("/admin/refunds/refundrequest/", {"q": request.number}))


@pytest.mark.parametrize(
    ("at", "days", "is_shown"),
    [
        ("2026-06-01T21:59:59+00:00", "2026-06-01..2026-06-01", True),
        ("2026-06-01T22:00:00+00:00", "2026-06-01..2026-06-01", False),  # midnight in Berlin
        ("2026-06-01T22:00:00+00:00", "2026-06-02..2026-06-02", True),
        ("2026-10-24T21:59:59+00:00", "2026-10-25..2026-10-25", False),
        ("2026-10-25T22:59:59+00:00", "2026-10-25..2026-10-25", True),  # a day of 25 hours
        ("2026-10-25T23:00:00+00:00", "2026-10-25..2026-10-25", False),
        ("2026-06-01T12:00:00+00:00", "nonsense", False),
    ],
)
def test_days_begin_and_end_by_the_companys_clocks(scene: Scene, at: str, days: str, is_shown: bool):
    request = applied(scene)
    with lifted(operations=("UPDATE",)):
        type(request).objects.filter(pk=request.pk).update(submitted_at=at)
        type(scene.payment).objects.filter(pk=scene.payment.pk).update(captured_at=at)
    desk = Desk(scene.cast.rita)

    queue = words(desk.get("/admin/refunds/refundrequest/", {"received": days}))
    payments = words(desk.get("/admin/payments/payment/", {"arrived": days}))

    assert (request.number in queue, scene.payment.number in payments) == (is_shown, is_shown)


def test_payments_are_found_by_the_reference_of_the_provider(scene: Scene):
    type(scene.payment).objects.filter(pk=scene.payment.pk).update(provider_reference="pi_3Nx")

    assert scene.payment.number in words(Desk(scene.cast.finn).get("/admin/payments/payment/", {"q": "pi_3"}))
