"""
Sending what is due: one thread talks to the database, short-lived ones each wait for one receiver.

Nothing is awaited in turn: a receiver that hangs takes one of its own few places, never another's.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Final

import structlog
from django.conf import settings

from events.models import Delivery
from events.vault import UnreadableSecret
from events.webhooks import wire
from events.webhooks.claims import claim_due, due
from events.webhooks.message import body_of, headers_of
from events.webhooks.results import Outcome, write_result
from events.webhooks.targets import Target, TargetRefused, parse_target

log = structlog.get_logger(__name__)

SENDERS_MAX: Final = 64
LOOK_AGAIN_S: Final = 1

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """Everything one attempt needs; whoever carries it needs no database."""

    target: Target
    headers: dict[str, str]
    body: bytes
    started_at: datetime


def deliver_due(*, clock: Clock, senders_max: int = SENDERS_MAX) -> int:
    """Send until nothing is due and no call is under way; returns how many attempts were made."""
    if not due(clock()).exists():
        return 0
    results: SimpleQueue[tuple[Delivery, Outcome]] = SimpleQueue()
    attempted = under_way = 0
    while True:
        if room := senders_max - under_way:
            for delivery in claim_due(now=clock(), at_most=room):
                _set_out(delivery, clock(), results)
                under_way += 1
        if not under_way:
            return attempted
        ended = _next_results(results)
        for delivery, outcome in ended:
            write_result(delivery, outcome, now=clock())
        attempted += len(ended)
        under_way -= len(ended)


def _next_results(results: SimpleQueue[tuple[Delivery, Outcome]]) -> list[tuple[Delivery, Outcome]]:
    """Wait a moment for a call to end; give all that have."""
    ended = []
    try:
        ended.append(results.get(timeout=LOOK_AGAIN_S))
        while True:
            ended.append(results.get_nowait())
    except Empty:
        return ended


def _set_out(delivery: Delivery, now: datetime, results: SimpleQueue[tuple[Delivery, Outcome]]) -> None:
    """Have a delivery carried out beside everything else; its outcome comes through the queue."""
    try:
        parcel = _pack(delivery, now)
    except (TargetRefused, UnreadableSecret) as error:
        log.warning("webhook_not_packed", delivery_id=str(delivery.pk), error=str(error))
        results.put((delivery, Outcome(started_at=now, duration_ms=0, error=f"not_sent: {error}")))
        return
    Thread(target=lambda: results.put((delivery, _carry(parcel))), name="webhook", daemon=True).start()


def _pack(delivery: Delivery, now: datetime) -> Parcel:
    endpoint: Any = delivery.endpoint
    body = body_of(delivery.event)
    return Parcel(
        target=parse_target(endpoint.url),
        headers=headers_of(endpoint, delivery.event, body, now=now),
        body=body,
        started_at=now,
    )


def _carry(parcel: Parcel) -> Outcome:
    """Make one call; whatever happens, an outcome comes back."""
    began = time.monotonic()
    result: dict[str, Any]
    try:
        answer = wire.post(
            parcel.target, headers=parcel.headers, body=parcel.body, networks=settings.WEBHOOK_NETWORKS
        )
        result = {"status": answer.status, "retry_after": answer.retry_after}
    except wire.NotReached as error:
        result = {"error": str(error)}
    except Exception as error:
        log.exception("webhook_call_broke")
        result = {"error": type(error).__name__}
    duration_ms = round((time.monotonic() - began) * 1000)
    return Outcome(started_at=parcel.started_at, duration_ms=duration_ms, **result)
