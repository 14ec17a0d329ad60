"""Writing down how an attempt went: the log, the delivery and, where it concerns that, the endpoint."""

import random
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final

import structlog
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from events.actors import SYSTEM_ACTOR
from events.models import Delivery, DeliveryAttempt, DeliveryState, WebhookEndpoint
from events.outbox import DELAYS
from events.webhooks.services import switch_off

log = structlog.get_logger(__name__)

RETRY_AFTER_MAX: Final = timedelta(hours=24)
ASKS_FOR_QUIET: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one attempt ended: a status, or the error that kept it from getting one."""

    started_at: datetime
    duration_ms: int
    status: int | None = None
    error: str = ""
    retry_after: str = ""

    @property
    def succeeded(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def told(self) -> str:
        """What the row says of a failure."""
        return self.error or f"answered_{self.status}"


@transaction.atomic
def write_result(delivery: Delivery, outcome: Outcome, *, now: datetime) -> None:
    """
    Write how an attempt went. Its place in the schedule is written only while the lease is its own.

    The endpoint is locked first, as when deliveries are taken.
    """
    endpoint = WebhookEndpoint.objects.select_for_update(no_key=True).get(deliveries=delivery)
    DeliveryAttempt.objects.create(
        delivery=delivery,
        started_at=outcome.started_at,
        duration_ms=outcome.duration_ms,
        status=outcome.status,
        error=outcome.error[:200],
    )
    if outcome.succeeded:
        _update(endpoint, failures=0)
        _write_down(delivery, state=DeliveryState.DELIVERED, delivered_at=now, last_error="")
    elif outcome.status == HTTPStatus.GONE:
        _write_down(delivery, state=DeliveryState.DEAD, last_error=outcome.told)
        _switch_off_gone(endpoint, delivery, now)
    else:
        _write_failure(endpoint, delivery, outcome, now)


def _switch_off_gone(endpoint: WebhookEndpoint, delivery: Delivery, now: datetime) -> None:
    asked: Any = delivery.endpoint
    if endpoint.is_active and endpoint.url == asked.url:
        switch_off(endpoint, actor=SYSTEM_ACTOR, now=now, because="gone")


def _write_failure(endpoint: WebhookEndpoint, delivery: Delivery, outcome: Outcome, now: datetime) -> None:
    wait = retry_after(outcome.retry_after, now)
    quiet = {"quiet_until": now + wait} if wait and outcome.status in ASKS_FOR_QUIET else {}
    _update(endpoint, failures=F("failures") + 1, **quiet)
    if delivery.attempts >= len(DELAYS):
        log.error("webhook_given_up", delivery_id=str(delivery.pk), endpoint_id=str(endpoint.pk))
        _write_down(delivery, state=DeliveryState.DEAD, last_error=outcome.told)
        return
    delay = DELAYS[delivery.attempts] * random.uniform(1, 1.1)  # noqa: S311 - so that not all come back at once
    _write_down(delivery, next_attempt_at=now + max(delay, wait), last_error=outcome.told)


def retry_after(text: str, now: datetime) -> timedelta:
    """Read the header Retry-After (RFC 9110, section 10.2.3), seconds or a date: a day at most, or none."""
    if re.fullmatch(r"[0-9]{1,9}", text.strip()):
        return min(timedelta(seconds=int(text)), RETRY_AFTER_MAX)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return timedelta(0)
    if timezone.is_naive(moment):
        return timedelta(0)
    return min(max(moment - now, timedelta(0)), RETRY_AFTER_MAX)


def _update(endpoint: WebhookEndpoint, **changes: Any) -> None:
    if changes != {"failures": endpoint.failures}:
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(**changes)


def _write_down(delivery: Delivery, **result: Any) -> None:
    """Write how an attempt went, unless its lease ended and another attempt has begun."""
    mine = Delivery.objects.filter(pk=delivery.pk, state=DeliveryState.PENDING, attempts=delivery.attempts)
    mine.update(lease_until=None, **result)
