"""Sending: signed, once when all goes well, again when not, and given up in sight."""

import json
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from standardwebhooks import Webhook, WebhookVerificationError

from events.models import Delivery, DeliveryAttempt, DeliveryState, Event, WebhookEndpoint
from events.outbox import DELAYS
from events.tests.journal import A_CLIENT, ALICE, NOON
from events.tests.receivers import LOOPBACK, answering, hanging, receiver
from events.tests.webhooks import (
    AS_ERP,
    ERP,
    OTHER,
    an_endpoint,
    everybody_sees_a_client,
    send,
    the_delivery,
    told,
)
from events.webhooks import audience, sending, wire
from events.webhooks.services import change_endpoint, resend, rotate_secret, switch_off_endpoint

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def only_here(monkeypatch, settings):
    """Receivers stand on this machine; every API client acts for the one client."""
    settings.WEBHOOK_NETWORKS = LOOPBACK
    monkeypatch.setattr(audience._register, "find", everybody_sees_a_client)


def test_a_receiver_gets_the_event_as_the_feed_shows_it():
    with receiver() as erp:
        an_endpoint(erp.url)
        (event,) = told(data={"amount": "100.00"})
        assert [send(), send()] == [1, 0]

    ((headers, body),) = erp.calls
    assert headers["webhook-id"] == str(event.pk)
    assert headers["webhook-timestamp"] == str(int(NOON.timestamp()))
    assert headers["content-type"] == "application/json"
    assert json.loads(body) == {
        "type": "payment.captured",
        "timestamp": "2026-06-02T12:00:00Z",
        "data": {
            "position": event.position.number,
            "id": str(event.pk),
            "type": "payment.captured",
            "subject_type": "payment",
            "subject": str(event.subject_id),
            "client": str(A_CLIENT),
            "actor_kind": "client",
            "actor": str(ALICE),
            "at": "2026-06-02T12:00:00Z",
            "data": {"amount": "100.00"},
        },
    }
    found = the_delivery(event)
    assert (found.state, found.attempts, found.delivered_at) == (DeliveryState.DELIVERED, 1, NOON)


def test_the_signature_is_accepted_by_the_standard_library_and_by_no_other_secret():
    with receiver() as erp, receiver() as other:
        _, secret = an_endpoint(erp.url)
        _, others_secret = an_endpoint(other.url, api_client_id=OTHER)
        (event,) = told()
        send(timezone.now())

    ((headers, body),) = erp.calls
    assert Webhook(secret).verify(body, headers)["data"]["id"] == str(event.pk)
    for wrong in (others_secret, "whsec_" + "A" * 43 + "="):
        with pytest.raises(WebhookVerificationError):
            Webhook(wrong).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body + b" ", headers)


def test_while_secrets_change_both_are_accepted_and_a_day_later_only_the_new_one():
    now = timezone.now()
    with receiver() as erp:
        endpoint, old = an_endpoint(erp.url)
        rotated_at = now - timedelta(hours=24)
        _, new = rotate_secret(
            api_client_id=ERP,
            endpoint_id=endpoint.pk,
            actor=AS_ERP,
            now=rotated_at + timedelta(seconds=1),
        )
        told()
        send(now)
        WebhookEndpoint.objects.update(previous_until=now)
        told()
        send(now)

    (first, body), (second, later) = erp.calls
    assert len(first["webhook-signature"].split()) == 2
    for secret in (old, new):
        Webhook(secret).verify(body, first)
    Webhook(new).verify(later, second)
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(later, second)


def test_a_retry_has_the_same_id_and_body_and_a_fresh_signature():
    with receiver(answering(500)) as erp:
        an_endpoint(erp.url)
        (event,) = told()
        send()
        send(NOON + timedelta(seconds=6))

    (first, body), (second, again) = erp.calls
    assert body == again
    assert first["webhook-id"] == second["webhook-id"] == str(event.pk)
    assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 6
    assert first["webhook-signature"] != second["webhook-signature"]


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 404, 429, 500, 503])
def test_any_other_answer_than_success_is_a_failure_that_comes_again(status):
    with receiver() as elsewhere, receiver(answering(status, Location=elsewhere.url)) as erp:
        an_endpoint(erp.url)
        (event,) = told()
        send()

    found = the_delivery(event)
    assert (found.state, found.attempts, found.lease_until) == (DeliveryState.PENDING, 1, None)
    assert found.last_error == f"answered_{status}"
    assert timedelta(seconds=5) <= found.next_attempt_at - NOON <= timedelta(seconds=5.5)
    assert elsewhere.calls == []


def test_attempts_follow_their_schedule_and_then_the_delivery_is_given_up_in_sight():
    with receiver(answering(500)) as erp:
        an_endpoint(erp.url)
        (event,) = told()
        now, waits = NOON, []
        while (found := the_delivery(event)).state == DeliveryState.PENDING:
            assert send(now - timedelta(milliseconds=1)) == 0 or now == NOON
            send(now)
            found = the_delivery(event)
            waits.append(found.next_attempt_at - now)
            now = found.next_attempt_at

    assert len(erp.calls) == len(DELAYS) == 10
    for waited, delay in zip(waits, DELAYS[1:], strict=False):
        assert delay <= waited <= delay * 1.1
    found = the_delivery(event)
    assert (found.state, found.last_error, found.log.count()) == (DeliveryState.DEAD, "answered_500", 10)
    assert send(now + timedelta(days=30)) == 0


def test_what_was_given_up_can_be_sent_again_by_hand():
    with receiver(answering(500)) as erp:
        an_endpoint(erp.url)
        (event,) = told()
        Delivery.objects.filter(event=event).update(attempts=len(DELAYS) - 1)
        send()
        assert the_delivery(event).state == DeliveryState.DEAD

        erp.answer = answering(200)
        resend(api_client_id=ERP, delivery_id=the_delivery(event).pk, now=NOON)
        send()

    found = the_delivery(event)
    assert (found.state, found.attempts) == (DeliveryState.DELIVERED, 1)
    assert list(found.log.order_by("id").values_list("status", flat=True)) == [500, 200]


def test_every_attempt_is_logged_with_its_status_or_error_and_its_duration(monkeypatch):
    monkeypatch.setattr(wire.post, "__kwdefaults__", wire.post.__kwdefaults__ | {"limit_s": 0.3})
    with receiver(hanging) as erp:
        an_endpoint(erp.url)
        (event,) = told()
        send()
        erp.released.set()
        erp.answer = answering(204)
        send(NOON + timedelta(seconds=6))

    silent, fine = the_delivery(event).log.order_by("id")
    assert (silent.status, silent.error, silent.started_at) == (None, "timed_out", NOON)
    assert 250 <= silent.duration_ms < 5000
    assert (fine.status, fine.error, fine.started_at) == (204, "", NOON + timedelta(seconds=6))


def test_gone_switches_the_endpoint_off_and_says_so_in_the_journal():
    with receiver(answering(410)) as erp:
        endpoint, _ = an_endpoint(erp.url, ["payment.captured"])
        first, second = told(2)
        send()
        send(NOON + timedelta(days=1))

    endpoint.refresh_from_db()
    assert (endpoint.is_active, endpoint.disabled_reason) == (False, "gone")
    assert the_delivery(first).state == the_delivery(second).state == DeliveryState.DEAD
    journal = Event.objects.get(type="webhook_endpoint.switched_off")
    assert (journal.subject_id, journal.actor_kind, journal.data["because"]) == (
        endpoint.pk,
        "system",
        "gone",
    )
    (after,) = told()
    assert not Delivery.objects.filter(event=after).exists()


def test_gone_does_not_switch_off_an_endpoint_that_has_moved_meanwhile():
    with receiver() as erp:
        endpoint, _ = an_endpoint(erp.url)
        told()
        delivery = sending.claim_due(now=NOON, at_most=1)[0]
        change_endpoint(
            api_client_id=ERP, endpoint_id=endpoint.pk, actor=AS_ERP, now=NOON, url=erp.url + "/new"
        )
        outcome = sending.Outcome(started_at=NOON, duration_ms=1, status=410)
        sending.write_result(delivery, outcome, now=NOON)

    endpoint.refresh_from_db()
    assert endpoint.is_active


@pytest.mark.parametrize("status", [429, 503])
def test_a_receiver_that_asks_for_quiet_gets_it(status):
    with receiver(answering(status, Retry_After="3600")) as erp:
        an_endpoint(erp.url)
        (first,) = told()
        send()
        (second,) = told()
        send(NOON + timedelta(minutes=59))
        assert len(erp.calls) == 1

        erp.answer = answering(200)
        send(NOON + timedelta(minutes=61))

    assert len(erp.calls) == 3
    assert the_delivery(first).attempts == 2
    assert the_delivery(second).attempts == 1


def test_the_wish_to_wait_never_shortens_the_schedule_and_is_kept_within_a_day():
    with (
        receiver(answering(429, Retry_After="1")) as erp,
        receiver(answering(429, Retry_After="9" * 9)) as other,
    ):
        an_endpoint(erp.url)
        an_endpoint(other.url, api_client_id=OTHER)
        (event,) = told()
        send()

    short, long = sorted(found.next_attempt_at - NOON for found in Delivery.objects.filter(event=event))
    assert timedelta(seconds=5) <= short <= timedelta(seconds=5.5)
    assert long == timedelta(hours=24)


def test_who_lost_the_right_to_see_a_client_is_not_told_of_it_any_more(monkeypatch):
    with receiver(answering(500)) as erp:
        an_endpoint(erp.url)
        (event,) = told()
        send()
        monkeypatch.setattr(audience._register, "find", lambda systems, clients: {})
        send(NOON + timedelta(seconds=6))

    found = the_delivery(event)
    assert len(erp.calls) == 1
    assert (found.state, found.last_error) == (DeliveryState.DEAD, "no_longer_visible")


def test_what_waits_for_an_endpoint_that_was_switched_off_is_given_up():
    with receiver() as erp:
        endpoint, _ = an_endpoint(erp.url)
        (event,) = told()
        switch_off_endpoint(api_client_id=ERP, endpoint_id=endpoint.pk, actor=AS_ERP, now=NOON)
        send()

    found = the_delivery(event)
    assert erp.calls == []
    assert (found.state, found.last_error) == (DeliveryState.DEAD, "endpoint_switched_off")


def test_an_address_inside_is_refused_when_connecting_and_logged(settings):
    with receiver() as erp:
        an_endpoint(erp.url)
        (event,) = told()
        settings.WEBHOOK_NETWORKS = ()
        send()

    (attempt,) = the_delivery(event).log.all()
    assert erp.calls == []
    assert (attempt.status, attempt.error.split(":")[0]) == (None, "target_refused")


def test_a_secret_that_no_key_opens_is_a_failure_like_another(settings):
    with receiver() as erp:
        an_endpoint(erp.url)
        (event,) = told()
        WebhookEndpoint.objects.update(secret_encrypted="gAAAAA")
        send()

    assert erp.calls == []
    assert the_delivery(event).last_error.startswith("not_sent: No key")


def test_attempts_are_never_changed_or_deleted_and_endpoints_stay():
    with receiver() as erp:
        endpoint, _ = an_endpoint(erp.url)
        told()
        send()

    for wrong in (
        lambda: DeliveryAttempt.objects.update(status=200),
        lambda: DeliveryAttempt.objects.all().delete(),
        lambda: WebhookEndpoint.objects.filter(pk=endpoint.pk).update(api_client_id=OTHER),
        lambda: Delivery.objects.update(endpoint=None),
    ):
        with pytest.raises(Exception, match="never"), transaction.atomic():
            wrong()
