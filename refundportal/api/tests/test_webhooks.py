"""Webhooks over REST: a receiver is added, tested, changed and looked after by the system it belongs to."""

import json

import pytest
from django.utils import timezone
from standardwebhooks import Webhook

from contracts.services import grant_client, revoke_client
from events.journal import sequence_events
from events.models import Event, WebhookEndpoint
from events.tests.receivers import LOOPBACK, answering, receiver
from events.vault import open_secret
from events.webhooks.sending import deliver_due
from events.webhooks.services import ENDPOINTS_MAX
from refundportal.api.tests.caller import Caller
from refundportal.api.tests.job import delivered_contract, pay

URL = "https://erp.example.com/hooks"


@pytest.fixture(autouse=True)
def receivers_stand_here(settings):
    settings.WEBHOOK_NETWORKS = LOOPBACK


def add(erp, url=URL, **fields):
    answer = erp.post("webhook-endpoints/", {"url": url, **fields})
    assert answer.status_code == 201, answer.content
    return answer.json()


def carry():
    """What the beat does: positions, then deliveries."""
    sequence_events(batch_max=1000)
    return deliver_due(clock=timezone.now)


def deliveries(erp, endpoint, **query):
    return erp.get(f"webhook-endpoints/{endpoint['id']}/deliveries/", query).json()["results"]


def test_a_receiver_is_told_of_a_captured_payment_as_the_feed_tells_it(cast, erp):
    with receiver() as hooks:
        added = add(erp, hooks.url, types=["payment.captured"])
        payment = pay(erp, delivered_contract(cast))
        assert carry() == 1

    ((headers, body),) = hooks.calls
    message = Webhook(added["secret"]).verify(body, headers)
    (entry,) = erp.get("events/", {"types": "payment.captured"}).json()["results"]
    assert message == {"type": "payment.captured", "timestamp": entry["at"], "data": entry}
    assert message["data"]["subject"] == payment["id"]
    (shown,) = deliveries(erp, added)
    assert (shown["state"], shown["event"], shown["type"]) == ("delivered", entry["id"], "payment.captured")
    assert [(call["status"], call["error"]) for call in shown["log"]] == [(204, "")]


def test_the_secret_is_shown_once_and_kept_sealed(erp):
    answer = erp.post("webhook-endpoints/", {"url": URL})
    added = answer.json()

    seen = erp.get(f"webhook-endpoints/{added['id']}/")
    listed = erp.get("webhook-endpoints/").json()["results"]
    row = WebhookEndpoint.objects.get()
    assert added["secret"].startswith("whsec_")
    assert open_secret(row.secret_encrypted) == added["secret"] not in row.secret_encrypted
    assert added["secret"] not in seen.content.decode() + json.dumps(listed)
    assert added["secret"] not in json.dumps(list(Event.objects.values_list("data", flat=True)))
    assert (seen["ETag"], answer["Location"]) == (answer["ETag"], f"/api/v1/webhook-endpoints/{added['id']}/")


def test_a_test_event_reaches_this_endpoint_alone_within_a_beat(erp):
    with receiver() as hooks, receiver() as others:
        tested = add(erp, hooks.url, types=["contract.signed"])
        add(erp, others.url)
        answer = erp.post(f"webhook-endpoints/{tested['id']}/test/")
        carry()

    ((headers, body),) = hooks.calls
    assert (answer.status_code, headers["webhook-id"]) == (202, answer.json()["event"])
    assert json.loads(body)["type"] == "webhook_endpoint.tested"
    assert answer.json()["event"] not in [headers["webhook-id"] for headers, _ in others.calls]


def test_a_new_secret_is_used_beside_the_old_one_for_a_day(erp):
    with receiver() as hooks:
        added = add(erp, hooks.url, types=["contract.signed"])
        rotated = erp.post(f"webhook-endpoints/{added['id']}/rotate-secret/").json()
        erp.post(f"webhook-endpoints/{added['id']}/test/")
        carry()

    ((headers, body),) = hooks.calls
    assert rotated["secret"] != added["secret"]
    assert rotated["previous_until"] > rotated["created_at"]
    for secret in (added["secret"], rotated["secret"]):
        Webhook(secret).verify(body, headers)


def test_deleting_switches_off_and_patching_switches_on_again(erp):
    with receiver() as hooks:
        added = add(erp, hooks.url)
        path = f"webhook-endpoints/{added['id']}/"
        off = erp.delete(path).json()
        again = erp.delete(path)
        refused = erp.post(f"{path}test/")
        carry()
        silent = len(hooks.calls)
        on = erp.patch(path, {"is_active": True}).json()
        erp.post(f"{path}test/")
        carry()

    assert (off["is_active"], off["disabled_reason"], again.status_code) == (False, "owner", 200)
    assert (refused.status_code, refused.json()["code"]) == (422, "endpoint_switched_off")
    assert (on["is_active"], on["disabled_reason"]) == (True, "")
    assert (silent, len(hooks.calls) > 0) == (0, True)
    assert Event.objects.filter(type="webhook_endpoint.switched_off").count() == 1


def test_a_delivery_that_was_given_up_is_seen_and_sent_again(erp):
    with receiver(answering(410)) as hooks:
        added = add(erp, hooks.url, types=["contract.signed"])
        event = erp.post(f"webhook-endpoints/{added['id']}/test/").json()["event"]
        carry()
        (dead,) = deliveries(erp, added, state="dead", event=event)
        while_off = erp.post(f"deliveries/{dead['id']}/resend/")
        hooks.answer = answering(200)
        erp.patch(f"webhook-endpoints/{added['id']}/", {"is_active": True})
        resent = erp.post(f"deliveries/{dead['id']}/resend/").json()
        carry()
        twice = erp.post(f"deliveries/{dead['id']}/resend/")

    assert while_off.json()["code"] == "endpoint_switched_off"
    assert (resent["state"], resent["attempts"]) == ("pending", 0)
    (done,) = deliveries(erp, added)
    assert (done["state"], [call["status"] for call in done["log"]]) == ("delivered", [410, 200])
    assert (twice.status_code, twice.json()["code"]) == (409, "state_conflict")


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"url": "https://169.254.169.254/latest/"}, "/url", "target_refused"),
        ({"url": "https://[::ffff:10.0.0.1]/"}, "/url", "target_refused"),
        ({"url": "ftp://erp.example.com/"}, "/url", "target_refused"),
        ({"url": URL, "types": ["payment.captured", "payment.eaten"]}, "/types/1", "unknown_event_type"),
        ({"url": URL, "secret": "whsec_mine"}, "/secret", "unknown_field"),
        ({"types": []}, "/url", "required"),
    ],
)
def test_a_receiver_that_cannot_be_is_refused_with_the_place_of_the_fault(erp, body, pointer, code):
    answer = erp.post("webhook-endpoints/", body)

    assert answer.status_code == 400
    assert [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]] == [(pointer, code)]
    assert not WebhookEndpoint.objects.exists()


def test_an_endpoint_cannot_be_moved_inside_either(erp):
    added = add(erp)

    answer = erp.patch(f"webhook-endpoints/{added['id']}/", {"url": "https://10.0.0.1/"})

    assert answer.status_code == 400
    assert WebhookEndpoint.objects.get().url == URL


def test_an_endpoint_in_a_network_that_is_no_longer_listed_can_still_be_changed(erp, settings):
    added = add(erp, "http://127.0.0.1:9/hooks")
    settings.WEBHOOK_NETWORKS = ()

    changed = erp.patch(f"webhook-endpoints/{added['id']}/", {"types": ["contract.signed"]})

    assert changed.json()["types"] == ["contract.signed"]


def test_there_are_only_so_many_live_endpoints(erp):
    made = [add(erp) for _ in range(ENDPOINTS_MAX)]

    refused = erp.post("webhook-endpoints/", {"url": URL})
    erp.delete(f"webhook-endpoints/{made[0]['id']}/")
    add(erp)
    on_again = erp.patch(f"webhook-endpoints/{made[0]['id']}/", {"is_active": True})

    assert refused.json()["code"] == on_again.json()["code"] == "too_many_endpoints"


def test_another_system_sees_and_changes_nothing_of_it(erp, stranger):
    added = add(erp)
    path = f"webhook-endpoints/{added['id']}/"

    answers = [
        stranger.get(path),
        stranger.patch(path, {"url": "https://mallory.example.com/"}),
        stranger.delete(path),
        stranger.post(f"{path}rotate-secret/"),
        stranger.post(f"{path}test/"),
        stranger.get(f"{path}deliveries/"),
    ]

    assert {answer.status_code for answer in answers} == {404}
    assert stranger.get("webhook-endpoints/").json()["results"] == []
    assert erp.get(path).json() == {key: value for key, value in added.items() if key != "secret"}


def test_a_change_of_something_else_than_was_seen_is_refused(erp):
    added = add(erp)
    path = f"webhook-endpoints/{added['id']}/"
    seen = erp.get(path)["ETag"]
    erp.patch(path, {"types": ["contract.signed"]}, **{"If-Match": seen})

    stale = [
        erp.patch(path, {"types": []}, **{"If-Match": seen}),
        erp.delete(path, **{"If-Match": seen}),
        erp.post(f"{path}rotate-secret/", **{"If-Match": seen}),
    ]

    assert [answer.status_code for answer in stale] == [412, 412, 412]
    assert WebhookEndpoint.objects.get().types == ["contract.signed"]


def sees(cast, hooks):
    """Have a payment recorded and tell how many receivers heard of it."""
    before = len(hooks.calls)
    with_payments = Caller("payments:write", all_clients=True)
    pay(with_payments, delivered_contract(cast), capture=False)
    carry()
    return len(hooks.calls) - before


def test_the_rights_of_the_moment_count_for_what_is_told(cast):
    system = Caller("webhooks:manage")
    with receiver() as hooks:
        add(system, hooks.url, types=["payment.recorded"])
        nothing_granted = sees(cast, hooks)
        grant_client(api_client=system.api_client, client_id=cast.client.pk, now=timezone.now())
        granted = sees(cast, hooks)
        revoke_client(api_client=system.api_client, client_id=cast.client.pk, now=timezone.now())
        revoked = sees(cast, hooks)
        grant_client(api_client=system.api_client, client_id=cast.client.pk, now=timezone.now())
        system.api_client.is_active = False
        system.api_client.save()
        switched_off = sees(cast, hooks)

    assert (nothing_granted, granted, revoked, switched_off) == (0, 1, 0, 0)


def test_a_system_that_counts_as_somebody_who_left_is_told_nothing(cast):
    system = Caller("webhooks:manage", staff_user=cast.finn, clients=[cast.client])
    with receiver() as hooks:
        add(system, hooks.url, types=["payment.recorded"])
        before = sees(cast, hooks)
        cast.finn.is_active = False
        cast.finn.save()
        after = sees(cast, hooks)

    assert (before, after) == (1, 0)


def test_a_system_that_lost_the_scope_is_told_nothing_any_more(cast):
    system = Caller("webhooks:manage", clients=[cast.client])
    with receiver() as hooks:
        add(system, hooks.url, types=["payment.recorded"])
        oauth_client = system.api_client.oauth_client
        oauth_client.set_scopes(["events:read"])
        oauth_client.save()

        assert sees(cast, hooks) == 0
