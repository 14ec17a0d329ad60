import threading
import time

import pytest
from celery import shared_task
from django.db import transaction
from kombu.exceptions import OperationalError

from refundportal import bell, celery_app
from refundportal.beat import Beat
from refundportal.bell import Rope
from refundportal.schedule import SCHEDULE, task_called

ROOMS = {"events", "accounts", "contracts", "payments", "refunds"}
ran: list[str] = []


@shared_task
def look():
    ran.append("look")


@shared_task
def fail():
    ran.append("fail")
    raise RuntimeError("broken")


NAMES = {"look": f"{__name__}.look", "fail": f"{__name__}.fail"}


@pytest.fixture(autouse=True)
def _nothing_ran():
    ran.clear()


@pytest.fixture
def rope(monkeypatch):
    rope = Rope()
    monkeypatch.setattr(bell, "rope", rope)
    return rope


class DeafBroker:
    """A task whose broker is down."""

    name = "payments.tasks.send_due_payouts"

    def __init__(self):
        self.tried = 0

    def delay(self):
        self.tried += 1
        raise OperationalError("connection refused")


@pytest.mark.django_db(transaction=True)
def test_the_bell_is_rung_after_the_commit_and_not_before(rope):
    with transaction.atomic():
        bell.ring(look)
        assert rope.wait(0) == frozenset()

    assert rope.wait(0) == {NAMES["look"]}


@pytest.mark.django_db(transaction=True)
def test_the_bell_is_not_rung_for_what_was_undone(rope):
    with transaction.atomic():
        bell.ring(look)
        transaction.set_rollback(True)

    assert rope.wait(0) == frozenset()


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_down_fails_no_request_and_is_left_alone_for_a_while(settings, monkeypatch):
    settings.PRODUCTION = True
    monkeypatch.setattr(bell, "broker", bell._Broker())
    task = DeafBroker()

    for _ in range(3):
        bell.ring(task)

    assert task.tried == 1


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_came_back_is_used_again(settings, monkeypatch):
    settings.PRODUCTION = True
    monkeypatch.setattr(bell, "PAUSE_S", 0)
    monkeypatch.setattr(bell, "broker", bell._Broker())
    task = DeafBroker()

    for _ in range(2):
        bell.ring(task)

    assert task.tried == 2


def run_beat(schedule, rope, until):
    beat = Beat(schedule, rope)
    beat.start()
    end = time.monotonic() + 10
    while not until() and time.monotonic() < end:
        time.sleep(0.01)
    beat.stop()
    assert not beat.is_alive()


@pytest.mark.django_db(transaction=True)
def test_the_beat_runs_what_is_due_and_goes_on_when_a_task_fails(rope):
    run_beat({NAMES["fail"]: 0, NAMES["look"]: 0}, rope, lambda: len(ran) >= 4)

    assert ran[:4] == ["fail", "look", "fail", "look"]


@pytest.mark.django_db(transaction=True)
def test_the_beat_runs_at_once_what_is_rung_for(rope):
    beat = Beat({NAMES["look"]: 3600}, rope)
    beat.start()
    while not ran:
        time.sleep(0.01)

    threading.Timer(0.2, rope.pull, [NAMES["look"]]).start()
    end = time.monotonic() + 10
    while len(ran) < 2 and time.monotonic() < end:
        time.sleep(0.01)
    beat.stop()

    assert ran == ["look", "look"]


def test_a_schedule_with_a_task_that_does_not_exist_stops_the_start():
    with pytest.raises(AttributeError):
        Beat({f"{__name__}.nothing": 1})


@pytest.mark.parametrize("name", SCHEDULE)
def test_every_scheduled_task_exists_under_its_name(name):
    assert task_called(name).name == name


def test_no_task_waits_for_a_bell_alone():
    """A bell may be lost; the beat must find everything in the end."""
    celery_app.loader.import_default_modules()
    tasks = {name for name in celery_app.tasks if name.split(".")[0] in ROOMS}

    assert tasks == set(SCHEDULE)
