"""What the beat asks for: what is due, at most so many, one service call each."""

from typing import Any

import structlog
from celery import shared_task
from django.utils import timezone

from payments import checks, services

log = structlog.get_logger(__name__)


@shared_task
def send_due_payouts() -> int:
    """Send payouts that are ready."""
    return services.send_due_payouts(now=timezone.now())


@shared_task
def look_after_payouts() -> int:
    """Look up payouts in doubt or on their way."""
    return services.look_after_payouts(now=timezone.now())


@shared_task
def warn_closing_windows() -> int:
    """Tell clients of windows that close within a day."""
    return services.warn_closing_windows(now=timezone.now())


@shared_task
def reconcile_rails() -> int:
    """Hold our payouts against the books of the providers, daily, and at once after a restore."""
    return services.reconcile_due(now=timezone.now())


@shared_task
def work_provider_events() -> int:
    """Work off what providers told."""
    return services.work_provider_events(now=timezone.now())


@shared_task
def keep_missed_events() -> int:
    """Ask for what providers told and did not arrive."""
    return services.keep_missed_events(now=timezone.now())


@shared_task
def check_money() -> list[dict[str, Any]]:
    """Check every invariant; each violation is an alarm in the log."""
    found = list(checks.find_violations(timezone.now()))
    for violation in found:
        log.error(
            "money_invariant_violated",
            invariant=violation.id, title=violation.title, subject=violation.subject, detail=violation.detail,
        )  # fmt: skip
    return [{"id": violation.id, "subject": violation.subject} for violation in found]
