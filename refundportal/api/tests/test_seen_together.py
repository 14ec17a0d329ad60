"""Of two callers who have seen the same version of something and change it at once, one is told."""

import threading
from contextlib import suppress

import pytest

from payments.tests.races import at_once
from refundportal.api import views
from refundportal.api.tests.caller import Caller
from refundportal.web import etags

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]


@pytest.fixture
def slow_between_looking_and_writing(monkeypatch):
    """After each comparison, wait a moment for the other caller to have compared, too."""
    compared = threading.Barrier(2)

    def require_match(if_match, etag):
        etags.require_match(if_match, etag)
        with suppress(threading.BrokenBarrierError):
            compared.wait(1)

    monkeypatch.setattr(views, "require_match", require_match)


def changed_by_two(system, path, one, other):
    seen = {"If-Match": system.get(path).headers["ETag"]}
    answers = at_once(
        lambda: system.patch(path, one, **seen), lambda: system.patch(path, other, **seen), timeout_s=60
    )
    return sorted(answer.status_code for answer in answers)


@pytest.mark.usefixtures("slow_between_looking_and_writing")
def test_of_two_who_change_a_client_they_have_seen_one_is_told(cast):
    system = Caller("contracts:read", "contracts:write", all_clients=True)
    path = f"clients/{cast.client.pk}/"

    assert changed_by_two(system, path, {"address": "One"}, {"address": "Two"}) == [200, 412]


@pytest.mark.usefixtures("slow_between_looking_and_writing")
def test_of_two_who_change_a_receiver_they_have_seen_one_is_told(settings, cast):
    system = Caller("webhooks:manage", clients=[cast.client])
    made = system.post("webhook-endpoints/", {"url": "https://93.184.215.14/hook", "types": []})
    path = f"webhook-endpoints/{made.json()['id']}/"

    assert changed_by_two(system, path, {"is_active": False}, {"types": ["contract.signed"]}) == [200, 412]
