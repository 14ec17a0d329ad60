"""Pace: nobody waits for somebody else, no receiver gets too much, nothing is sent twice or forgotten."""

import threading
import time
from contextlib import closing
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from events import outbox, tasks
from events.models import Delivery, DeliveryState, WebhookEndpoint
from events.outbox import DELAYS
from events.tests.journal import NOON
from events.tests.receivers import LOOPBACK, answering, hanging, receiver
from events.tests.webhooks import (
    OTHER,
    an_endpoint,
    everybody_sees_a_client,
    send,
    the_delivery,
    told,
    wait_for,
)
from events.webhooks import audience, sending, wire
from events.webhooks.postman import Postman, postman

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def only_here(monkeypatch, settings):
    """Receivers stand on this machine; every API client acts for the one client."""
    settings.WEBHOOK_NETWORKS = LOOPBACK
    monkeypatch.setattr(audience._register, "find", everybody_sees_a_client)


def test_a_slow_receiver_does_not_delay_another():
    done = []

    def note(handler):
        handler.reply(204)
        done.append(time.monotonic())

    with receiver(hanging) as slow, receiver(note) as quick:
        an_endpoint(slow.url, ["payment.captured"])
        an_endpoint(quick.url, ["payment.captured"], api_client_id=OTHER)
        told(20)
        release = threading.Timer(3, slow.released.set)
        release.start()
        began = time.monotonic()
        attempts = send()

    assert len(done) == 20
    assert max(done) - began < 3
    assert attempts == 40
    assert len(slow.calls) == 20


def test_a_receiver_never_gets_more_calls_at_once_than_its_places():
    def slowly(handler):
        time.sleep(0.05)
        handler.reply(204)

    with receiver(slowly) as erp:
        an_endpoint(erp.url, ["payment.captured"])
        told(16)
        send()

    assert len(erp.calls) == 16
    assert 1 < erp.most_at_once <= 4


def test_a_receiver_that_failed_lately_gets_one_call_at_a_time_until_it_is_well_again():
    def slowly(handler):
        time.sleep(0.05)
        handler.reply(500)

    with receiver(slowly) as erp:
        an_endpoint(erp.url, ["payment.captured"])
        WebhookEndpoint.objects.update(failures=1)
        told(5)
        send()
        assert (erp.most_at_once, len(erp.calls)) == (1, 5)

        erp.answer = answering(204)
        send(NOON + timedelta(seconds=6))

    assert WebhookEndpoint.objects.get().failures == 0


def test_all_senders_together_keep_their_number():
    def slowly(handler):
        time.sleep(0.05)
        handler.reply(204)

    with receiver(slowly) as erp:
        for _ in range(3):
            an_endpoint(erp.url, ["payment.captured"])
        told(4)
        assert send(senders_max=2) == 12

    assert erp.most_at_once == 2


def test_a_fault_of_the_program_is_written_down_and_stops_nobody(monkeypatch):
    real = wire.post

    def break_once(target, **options):
        monkeypatch.setattr(wire, "post", real)
        raise ZeroDivisionError

    monkeypatch.setattr(wire, "post", break_once)
    with receiver() as erp:
        an_endpoint(erp.url)
        told(3)
        send()

    assert len(erp.calls) == 2
    assert Delivery.objects.get(state=DeliveryState.PENDING).last_error == "ZeroDivisionError"


def test_a_delivery_under_a_living_lease_is_left_alone_and_taken_up_when_it_ends():
    with receiver() as erp:
        an_endpoint(erp.url)
        (event,) = told()
        Delivery.objects.update(lease_until=Now() + timedelta(seconds=60), attempts=1)
        assert send(NOON + timedelta(days=1)) == 0

        Delivery.objects.update(lease_until=Now() - timedelta(seconds=1))
        assert send(NOON + timedelta(days=1)) == 1

    assert the_delivery(event).attempts == 2


def test_a_sender_that_lost_its_lease_logs_its_call_and_changes_nothing_else():
    with receiver() as erp:
        an_endpoint(erp.url)
        (event,) = told()
        (delivery,) = sending.claim_due(now=NOON, at_most=1)
        Delivery.objects.update(attempts=2)
        sending.write_result(delivery, sending.Outcome(started_at=NOON, duration_ms=1, status=204), now=NOON)

    found = the_delivery(event)
    assert (found.state, found.attempts, found.log.count()) == (DeliveryState.PENDING, 2, 1)


def test_a_delivery_whose_every_attempt_crashed_is_given_up():
    with receiver() as erp:
        an_endpoint(erp.url)
        (event,) = told()
        Delivery.objects.update(attempts=len(DELAYS), lease_until=Now() - timedelta(seconds=1))
        send()

    assert erp.calls == []
    assert the_delivery(event).last_error == "last_attempt_never_ended"


def test_e_mails_are_left_to_those_who_send_e_mails_and_the_other_way_round():
    with receiver() as erp:
        an_endpoint(erp.url)
        (event,) = told()
        assert outbox.deliver_due(now=NOON) == 0
        Delivery.objects.create(event=event, channel="email", target="a@example.com", next_attempt_at=NOON)
        assert send() == 1

    assert Delivery.objects.get(channel="email").attempts == 0


def test_looking_for_due_webhooks_asks_one_question_while_there_are_none(django_assert_num_queries):
    with django_assert_num_queries(1):
        assert send() == 0


@pytest.mark.django_db(transaction=True)
def test_the_task_returns_at_once_and_the_postman_sends_beside_it():
    with receiver(hanging) as erp:
        an_endpoint(erp.url)
        (event,) = told()
        began = time.monotonic()
        tasks.deliver_webhooks()
        tasks.deliver_webhooks()
        returned_after = time.monotonic() - began
        wait_for(lambda: erp.calls)
        erp.answer = answering(204)
        erp.released.set()
        assert postman.rest(20)

    assert returned_after < 2
    assert len(erp.calls) >= 1
    assert the_delivery(event).attempts >= 1
    assert the_delivery(event).lease_until is None


def test_the_task_wakes_nobody_while_nothing_is_due(monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(Postman, "wake", lambda *args: pytest.fail("woken"))

    with django_assert_num_queries(1):
        tasks.deliver_webhooks()


@pytest.mark.django_db(transaction=True)
def test_a_postman_who_was_called_while_at_work_looks_once_more_before_going_home():
    mine = Postman()
    with receiver() as erp:
        an_endpoint(erp.url)
        for _ in range(3):
            told()
            mine.wake(timezone.now)
            assert mine.rest(20)

    assert len(erp.calls) == 3


@pytest.mark.django_db(transaction=True)
def test_a_postman_who_stumbled_can_be_woken_again(monkeypatch):
    mine, clock = Postman(), []

    def stumble():
        clock.append(True)
        raise RuntimeError("no time")

    mine.wake(stumble)
    assert mine.rest(20)
    with receiver() as erp:
        an_endpoint(erp.url)
        told()
        mine.wake(timezone.now)
        assert mine.rest(20)

    assert clock
    assert len(erp.calls) == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_workers_at_the_same_time_send_each_webhook_once_and_keep_the_limit_together():
    def slowly(handler):
        time.sleep(0.01)
        handler.reply(204)

    def work():
        with closing(connection):
            send()

    with receiver(slowly) as erp:
        an_endpoint(erp.url, ["payment.captured"])
        told(60)
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        send()

    ids = [headers["webhook-id"] for headers, _ in erp.calls]
    assert len(ids) == len(set(ids)) == 60
    assert erp.most_at_once <= 4
    assert set(Delivery.objects.values_list("state", "attempts")) == {(DeliveryState.DELIVERED, 1)}
