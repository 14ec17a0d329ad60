"""Taking what is due, so that no other worker sends it too and no receiver gets too much at once."""

import random
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import OperationalError, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from events.models import Channel, Delivery, DeliveryState, WebhookEndpoint
from events.outbox import DELAYS
from events.webhooks.audience import reach_of
from events.webhooks.layout import address, may_be_told

log = structlog.get_logger(__name__)

LEASE: Final = timedelta(seconds=60)
"""How long an attempt may take before another worker takes over; longer than its time limit."""

IN_FLIGHT_MAX: Final = 4
"""How many calls one receiver gets at the same time; one that failed lately gets one."""

WAITING_MAX: Final = 100


def due(now: datetime) -> QuerySet[Delivery]:
    """Give the webhooks whose time has come and that nobody is sending, by the database's clock."""
    return Delivery.objects.filter(
        Q(lease_until__isnull=True) | Q(lease_until__lt=Now()),
        channel=Channel.WEBHOOK,
        state=DeliveryState.PENDING,
        next_attempt_at__lte=now,
    )


def claim_due(*, now: datetime, at_most: int) -> list[Delivery]:
    """
    Take due deliveries under a lease, each with its event and endpoint.

    Endpoints are asked in random order and each gives few, so that none keeps the others waiting. What
    cannot be sent (the endpoint is switched off, the system may not see the event any more) is given up.
    """
    _address_waiting(now)
    claimed: list[Delivery] = []
    for endpoint in _with_work(now):
        if not endpoint.is_active:
            _give_up(due(now).filter(endpoint=endpoint), "endpoint_switched_off")
        elif len(claimed) < at_most:
            claimed += _claim_of(endpoint, now, at_most - len(claimed))
    return claimed


def _with_work(now: datetime) -> list[WebhookEndpoint]:
    endpoints = list(
        WebhookEndpoint.objects.filter(
            Q(quiet_until__isnull=True) | Q(quiet_until__lte=now),
            Exists(due(now).filter(endpoint=OuterRef("pk"))),
        )
    )
    random.shuffle(endpoints)
    return endpoints


@transaction.atomic
def _claim_of(endpoint: WebhookEndpoint, now: datetime, at_most: int) -> list[Delivery]:
    """Take due deliveries of one endpoint; its row is locked, so that two workers together keep the limit."""
    rows = WebhookEndpoint.objects.select_for_update(skip_locked=True, no_key=True)
    locked = rows.filter(pk=endpoint.pk, is_active=True).first()
    if locked is None:
        return []
    in_flight = Delivery.objects.filter(endpoint=locked, lease_until__gte=Now(), state=DeliveryState.PENDING)
    room = (1 if locked.failures else IN_FLIGHT_MAX) - in_flight.count()
    taken = due(now).filter(endpoint=locked).select_related("event__position")
    found = list(taken.order_by("next_attempt_at", "id")[: max(0, min(room, at_most))])
    Delivery.objects.filter(pk__in=[one.pk for one in found]).update(
        attempts=F("attempts") + 1, lease_until=Now() + LEASE
    )
    for delivery in found:
        delivery.attempts += 1
        delivery.endpoint = locked
    return _still_to_be_sent(locked, found)


def _still_to_be_sent(endpoint: WebhookEndpoint, found: list[Delivery]) -> list[Delivery]:
    reaches = reach_of({endpoint.api_client_id}, {one.event.client_id for one in found})
    told = [one for one in found if may_be_told(endpoint, one.event, reaches)]
    crashed = [one for one in told if one.attempts > len(DELAYS)]
    _give_up(_rows(set(found) - set(told)), "no_longer_visible")
    _give_up(_rows(crashed), "last_attempt_never_ended")
    return [one for one in told if one not in crashed]


def _rows(deliveries: Iterable[Delivery]) -> QuerySet[Delivery]:
    return Delivery.objects.filter(pk__in=[one.pk for one in deliveries])


def _give_up(rows: QuerySet[Delivery], error: str) -> None:
    rows.update(state=DeliveryState.DEAD, lease_until=None, last_error=error)


def _address_waiting(now: datetime) -> None:
    """Find the endpoints of events for which that went wrong before."""
    waiting = due(now).filter(endpoint__isnull=True).select_related("event")
    for delivery in waiting.order_by("next_attempt_at", "id")[:WAITING_MAX]:
        try:
            with transaction.atomic():
                address([delivery.event])
                Delivery.objects.filter(pk=delivery.pk).update(
                    state=DeliveryState.DELIVERED, delivered_at=now, last_error=""
                )
        except OperationalError:
            raise  # the database is busy: it comes again
        except Exception as error:
            log.exception("endpoints_not_found", event_id=str(delivery.event_id))
            _put_off(delivery, type(error).__name__, now)


def _put_off(delivery: Delivery, error: str, now: datetime) -> None:
    attempts = delivery.attempts + 1
    if attempts >= len(DELAYS):
        _give_up(_rows([delivery]), error)
    else:
        _rows([delivery]).update(
            attempts=attempts,
            next_attempt_at=now + DELAYS[attempts],
            last_error=f"endpoints_not_found: {error}",
        )
