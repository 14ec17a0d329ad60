"""What the beat asks for: what is due, at most so many, one service call each."""

from typing import Any

import structlog
from celery import shared_task
from django.utils import timezone

from payments import alarms, checks, services
from payments.models import Rail

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
    now = timezone.now()
    if services.is_comparison_due(Rail.STRIPE.value, now):
        services.keep_missed_events(now=now)
    return services.reconcile_due(now=now)


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
    """Check the invariants about what is open, every few minutes; each violation is an alarm."""
    return _alarm(list(checks.find_violations(timezone.now(), cost=checks.Cost.LIGHT)))


@shared_task
def check_all_money() -> list[dict[str, Any]]:
    """Check every invariant, the journal and the replay included, once a day; each violation is an alarm."""
    return _alarm(list(checks.find_violations(timezone.now(), cost=checks.Cost.DEEP)))


def _alarm(found: list[checks.Violation]) -> list[dict[str, Any]]:
    """Write violations into the log, where monitoring sees them, and tell the addresses of `ALARM_EMAIL`."""
    for violation in found:
        log.error(
            "money_invariant_violated",
            invariant=violation.id, title=violation.title, subject=violation.subject, detail=violation.detail,
        )  # fmt: skip
    alarms.tell(found)
    return [{"id": violation.id, "subject": violation.subject} for violation in found]
