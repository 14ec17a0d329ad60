"""What beat rings for; each asks what is due, at most so much, and makes one service call each."""

import structlog
from celery import shared_task
from django.utils import timezone

from refunds import services
from refunds.selectors.trials import open_trials

log = structlog.get_logger(__name__)

BATCH_MAX = 200
WINDOWS_MAX = 300
TRIALS_MAX = 5
DECISIONS_MAX = 500


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


@shared_task
def run_trials() -> int:
    """Go on with the trials of the laboratory, a piece of each; returns how many decisions were evaluated."""
    tried = 0
    for trial_id in open_trials(TRIALS_MAX):
        try:
            tried += services.run_trial(trial_id=trial_id, now=timezone.now(), batch_max=DECISIONS_MAX)
        except Exception:
            # The outermost loop: one bad trial must not keep the others waiting.
            log.exception("trial_failed", trial_id=str(trial_id))
    return tried
