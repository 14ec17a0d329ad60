"""What the contracts room looks after by itself."""

from celery import shared_task
from django.utils import timezone

from contracts.services.leftovers import sweep_files as sweep


@shared_task
def sweep_files() -> int:
    """Remove stored files that no row names."""
    return sweep(now=timezone.now())
