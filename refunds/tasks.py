"""What beat rings for; each asks what is due, at most so much, and makes one service call each."""

import structlog
from celery import shared_task
from django.utils import timezone

from refunds import services

log = structlog.get_logger(__name__)

BATCH_MAX = 200
WINDOWS_MAX = 300


@shared_task
def remind_information() -> int:
    """Remind clients of questions that are soon due; returns how many were reminded."""
    now = timezone.now()
    reminded = 0
    for request_id in services.due_reminders(now, BATCH_MAX):
        try:
            reminded += services.remind_of_question(request_id=request_id, now=now)
        except Exception:
            # The outermost loop: one bad row must not keep the others waiting.
            log.exception("reminder_failed", request_id=str(request_id))
    return reminded


@shared_task
def expire_drafts() -> int:
    """Throw away drafts after their 30 days; returns how many."""
    return services.expire_drafts(now=timezone.now(), batch_max=BATCH_MAX)


@shared_task
def scan_files() -> int:
    """Ask the scanner about files that wait for it; returns how many got an answer."""
    return services.scan_due(now=timezone.now(), batch_max=BATCH_MAX)


@shared_task
def count_figures() -> int:
    """Count what staff see first, a piece at a time; returns how many open windows were evaluated."""
    return services.count_on(now=timezone.now(), batch_max=WINDOWS_MAX)
