"""What the accounts room looks after by itself."""

from celery import shared_task
from django.utils import timezone

from accounts import services


@shared_task
def purge_old_records() -> None:
    """Forget answers, tokens and sessions that are past their time."""
    services.purge_old_records(now=timezone.now())
