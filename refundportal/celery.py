"""Celery, for production: `celery -A refundportal worker` and `celery -A refundportal beat`."""

import os

from celery import Celery
from celery.signals import celeryd_init, setup_logging
from django.conf import settings

from refundportal.broker import refuse_eviction
from refundportal.schedule import SCHEDULE

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "refundportal.settings")

app = Celery("refundportal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    timezone="UTC",
    task_eager_propagates=True,
    task_ignore_result=True,
    # A task whose worker dies is done again: it only asks what is due, so a second run has no effect.
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    worker_soft_shutdown_timeout=20,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
    # Who rings does not wait for a broker that is away: the row is written, the beat will find it.
    task_publish_retry=False,
)
if settings.PRODUCTION:
    app.conf.broker_transport_options = {
        "visibility_timeout": 3600,
        "socket_connect_timeout": 1,
        "socket_timeout": 5,
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0,
        "interval_max": 0,
    }
app.autodiscover_tasks(["events", "accounts", "contracts", "payments", "refunds"])
app.conf.beat_schedule = {
    # A run that nobody took before the next one is due is worth nothing any more.
    name: {"task": name, "schedule": seconds, "options": {"expires": max(seconds, 5)}}
    for name, seconds in SCHEDULE.items()
}


celeryd_init.connect(refuse_eviction, weak=False)


@setup_logging.connect(weak=False)
def keep_our_logging(**_: object) -> None:
    """Leave logging as the settings made it."""
    from logging.config import dictConfig

    dictConfig(settings.LOGGING)
