"""The broker may be full, killed or wrongly set up: a request never fails for it."""

import pytest
from celery import Celery
from django.db import transaction

from refundportal import bell
from refundportal.broker import eviction_policy, refuse_eviction
from tests.brokers import Broker


def nothing():
    """A task that is only rung for."""


@pytest.fixture
def broker():
    broker = Broker()
    yield broker
    broker.kill()


@pytest.fixture
def task(broker):
    """A task whose bell is rung at this broker, as production is set up."""
    app = Celery("bells", broker=broker.url, set_as_current=False)
    app.conf.update(
        task_publish_retry=False,
        broker_transport_options={"socket_connect_timeout": 1, "socket_timeout": 5, "max_retries": 1},
    )
    return app.task(name="nothing")(nothing)


@pytest.fixture
def ringing(settings, monkeypatch):
    settings.PRODUCTION = True
    own = bell._Broker()
    monkeypatch.setattr(bell, "broker", own)
    return own


@pytest.mark.django_db(transaction=True)
def test_a_bell_that_a_full_broker_refuses_fails_no_request_and_is_left_alone_for_a_while(
    broker, ringing, task
):
    broker.fill()

    with transaction.atomic():
        bell.ring(task)

    assert ringing.quiet_until > 0


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_was_killed_and_came_back_empty_hears_again(broker, ringing, task, monkeypatch):
    monkeypatch.setattr(bell, "PAUSE_S", 0)
    bell.ring(task)
    broker.kill()
    bell.ring(task)
    assert ringing.quiet_until > 0

    broker.start()
    bell.ring(task)

    assert broker.client().llen("celery") == 1


@pytest.mark.parametrize(("policy", "stops"), [("noeviction", False), ("allkeys-lru", True)])
def test_a_worker_does_not_start_at_a_broker_that_throws_messages_away(settings, broker, policy, stops):
    broker.client().config_set("maxmemory-policy", policy)
    settings.CELERY_BROKER_URL = broker.url

    if stops:
        with pytest.raises(SystemExit, match="allkeys-lru"):
            refuse_eviction()
    else:
        refuse_eviction()


def test_a_broker_that_does_not_answer_stops_no_start(settings, broker):
    broker.kill()
    settings.CELERY_BROKER_URL = broker.url

    refuse_eviction()

    assert eviction_policy(broker.url) is None
