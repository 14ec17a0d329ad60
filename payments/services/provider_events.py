"""
Messages of providers: kept at once, worked off later, each by looking at what it names.

An event that cannot be worked off is tried again, each time later; after the last try it is left to Finance,
and the others go on. While a provider does not answer, nothing counts against an event.
"""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.principals import Principal
from accounts.rights import require_finance
from events.actors import Actor
from events.services import record_event
from kernel.errors import DomainError, NotFoundOrHidden, StaleState
from payments.gateways.stripe import Contradiction, Unreachable
from payments.models import ProviderEvent, Rail
from payments.services.payments import check_reason
from payments.services.reconciliation import is_comparison_due
from payments.services.stripe_events import (
    READER,
    SUBSCRIBED,
    BadEvent,
    NotYet,
    read_event,
    work_stripe_event,
)

log = structlog.get_logger(__name__)

AGAIN_AFTER: Final = tuple(timedelta(seconds=seconds) for seconds in (30, 120, 600, 1800, 3600, 7200, 14400))
"""After how long a failed event is tried again; after the last of these tries it is given up."""

TRIES_MAX: Final = len(AGAIN_AFTER) + 1
UNREACHABLE_AGAIN_AFTER: Final = timedelta(minutes=1)
ERROR_MAX: Final = 500
STRIPE_KEEPS: Final = timedelta(days=29)
"""Stripe lists events of thirty days."""

OVERLAP: Final = timedelta(hours=1)

WORKERS: Final[dict[str, Callable[[ProviderEvent, datetime], str]]] = {"stripe": work_stripe_event}


def keep_event(*, provider: str, external_id: str, type: str, body: bytes, now: datetime) -> bool:
    """Keep a message whose sender is known, once; tell whether it is new."""
    row = ProviderEvent(
        provider=provider,
        external_id=external_id,
        type=type[:80],
        body=body,
        received_at=now,
        next_attempt_at=now,
    )
    ProviderEvent.objects.bulk_create([row], ignore_conflicts=True)
    return ProviderEvent.objects.filter(pk=row.pk).exists()


def keep_missed_events(*, now: datetime) -> int:
    """
    Ask Stripe for events since the last one that came, and keep what is new; give how many.

    So nothing is missed after the address was out of reach for days, or a backup was restored. The last one
    that came may hide that others before it did not: while the books are to be compared (daily, and after a
    restore) all that Stripe still lists is asked for.
    """
    if Rail.STRIPE not in settings.PAYOUT_RAILS:
        return 0
    last = ProviderEvent.objects.filter(provider="stripe").order_by("-id").first()
    since = now - STRIPE_KEEPS
    if last is not None and not is_comparison_due(Rail.STRIPE.value, now):
        since = max(since, last.received_at - OVERLAP)
    kept = 0
    try:
        for event in READER.events_since(since, list(SUBSCRIBED)):
            kept += _keep_listed(event, now)
    except (Unreachable, Contradiction) as error:
        log.warning("events_not_fetched", provider="stripe", why=str(error))
    return kept


def _keep_listed(event: dict[str, Any], now: datetime) -> bool:
    """Keep an event that Stripe lists, if it is new and of our mode; one that is none holds up no other."""
    body = json.dumps(event).encode()
    try:
        told = read_event(body, received_at=now)
    except BadEvent as error:
        log.error("listed_event_is_none", provider="stripe", why=str(error))
        return False
    if told.livemode is not settings.STRIPE_LIVEMODE:
        return False
    return keep_event(provider="stripe", external_id=told.id, type=told.type, body=body, now=now)


def work_provider_events(*, now: datetime, batch_max: int = 200) -> int:
    """Work off events that are due, at most so many; give how many were tried."""
    tried = 0
    while tried < batch_max and (event := _claim(now)) is not None:
        tried += 1
        if not _work(event, now):
            break
    return tried


@transaction.atomic(durable=True)
def _claim(now: datetime) -> ProviderEvent | None:
    """Take the event that waits longest; a process that dies on it leaves a try that counts."""
    due = ProviderEvent.objects.filter(worked_at=None, given_up_at=None, next_attempt_at__lte=now)
    rows = due.select_for_update(no_key=True, skip_locked=True).order_by("next_attempt_at", "id")
    event = rows.first()
    if event is None:
        return None
    step = AGAIN_AFTER[min(event.attempts, len(AGAIN_AFTER) - 1)]
    event.attempts += 1
    event.next_attempt_at = now + step
    event.save(update_fields=["attempts", "next_attempt_at"])
    return event


def _work(event: ProviderEvent, now: datetime) -> bool:
    """Work one event off; tell whether it makes sense to go on with others."""
    try:
        outcome = WORKERS[event.provider](event, now)
    except Unreachable as error:
        event.attempts -= 1
        event.next_attempt_at = now + UNREACHABLE_AGAIN_AFTER
        _save(event, error=f"not reached: {error}")
        return False
    except Exception as error:
        if isinstance(error, (DomainError, Contradiction, NotYet)):
            log.warning("provider_event_refused", named=event.external_id, type=event.type, why=str(error))
        else:
            log.exception("provider_event_broke", named=event.external_id, type=event.type)
        _note_failure(event, error, now)
        return True
    event.worked_at, event.outcome = now, outcome
    _save(event, error="")
    return True


def _note_failure(event: ProviderEvent, error: Exception, now: datetime) -> None:
    if event.attempts >= TRIES_MAX:
        event.given_up_at = now
        log.error("provider_event_given_up", named=event.external_id, type=event.type, tries=event.attempts)
    code = getattr(error, "code", "") or type(error).__name__
    _save(event, error=f"{code}: {error}")


def _save(event: ProviderEvent, *, error: str) -> None:
    """Write down what came of a try, unless somebody else finished the event meanwhile."""
    ProviderEvent.objects.filter(pk=event.pk, worked_at=None).update(
        worked_at=event.worked_at,
        outcome=event.outcome,
        attempts=event.attempts,
        next_attempt_at=event.next_attempt_at,
        given_up_at=event.given_up_at,
        last_error=error.replace("\0", "")[:ERROR_MAX],
    )


@transaction.atomic
def try_event_again(*, principal: Principal, event_id: UUID, now: datetime) -> ProviderEvent:
    """
    Work an event off again from its first try, soon.

    :raises NotPermitted: events of providers are looked after by Finance
    :raises NotFoundOrHidden: there is no such event
    :raises StaleState: it was worked off or set aside
    """
    require_finance(principal)
    event = _lock_open(event_id)
    event.attempts, event.given_up_at, event.next_attempt_at = 0, None, now
    event.save(update_fields=["attempts", "given_up_at", "next_attempt_at"])
    _tell("provider_event.tried_again", event, principal.actor, now)
    return event


@transaction.atomic
def set_event_aside(*, principal: Principal, event_id: UUID, note: str, now: datetime) -> ProviderEvent:
    """
    Say that nothing more is to be done about an event, and why.

    :raises NotPermitted: events of providers are looked after by Finance
    :raises InvalidInput: it does not say why
    :raises NotFoundOrHidden: there is no such event
    :raises StaleState: it was worked off or set aside
    """
    person = require_finance(principal)
    check_reason(note, needed=True)
    event = _lock_open(event_id)
    event.worked_at, event.outcome, event.set_aside_by, event.note = now, "set_aside", person, note
    event.save(update_fields=["worked_at", "outcome", "set_aside_by", "note"])
    _tell("provider_event.set_aside", event, principal.actor, now)
    return event


def _lock_open(event_id: UUID) -> ProviderEvent:
    event = ProviderEvent.objects.select_for_update(no_key=True).filter(pk=event_id).first()
    if event is None:
        raise NotFoundOrHidden("There is no such event.")
    if event.worked_at is not None:
        raise StaleState(_("This event was worked off already."))
    return event


def _tell(type: str, event: ProviderEvent, actor: Actor, now: datetime) -> None:
    record_event(
        type=type,
        subject_type="provider_event",
        subject_id=event.pk,
        client_id=None,
        actor=actor,
        at=now,
        data={"provider": event.provider, "event": event.external_id, "type": event.type},
    )
