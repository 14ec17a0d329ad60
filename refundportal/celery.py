"""Celery, for production: `celery -A refundportal worker` and `celery -A refundportal beat`."""

import os

from celery import Celery
from celery.signals import setup_logging
from django.conf import settings

from refundportal.schedule import SCHEDULE

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "refundportal.settings")

app = Celery("refundportal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["events", "accounts", "contracts", "payments", "refunds"])
app.conf.beat_schedule = {
    # A run that nobody took before the next one is due is worth nothing any more.
    name: {"task": name, "schedule": seconds, "options": {"expires": max(seconds, 5)}}
    for name, seconds in SCHEDULE.items()
}


@setup_logging.connect(weak=False)
def keep_our_logging(**_: object) -> None:
    """Leave logging as the settings made it."""
    from logging.config import dictConfig

    dictConfig(settings.LOGGING)
