"""Which endpoints are told of an event: written down in the transaction that gives the event its position."""

from collections.abc import Iterable, Mapping
from typing import Final
from uuid import UUID

import structlog
from django.db import OperationalError, transaction
from django.db.models import QuerySet

from events.models import Channel, Delivery, Event, WebhookEndpoint
from events.webhooks.audience import Reach, reach_of

log = structlog.get_logger(__name__)

TESTED: Final = "webhook_endpoint.tested"
"""An event that exists to be sent to the endpoint it is about, and to no other."""

UNADDRESSED: Final = ""
"""The target of a delivery whose endpoints could not be found yet."""


def lay_out_webhooks(events: QuerySet[Event]) -> None:
    """
    Write one delivery for each event and endpoint that is to be told; doing it again adds nothing.

    Where the endpoints cannot be found, one delivery per event without a target waits to try that
    again, so that one fault never holds up the journal.
    """
    endpoints = list(WebhookEndpoint.objects.filter(is_active=True))
    if not endpoints:
        return
    found = list(events)
    try:
        with transaction.atomic():
            address(found, endpoints)
    except OperationalError:
        raise  # the database is busy: the whole batch comes again
    except Exception:
        log.exception("endpoints_not_found", events=len(found))
        _write(_delivery(event, None) for event in found)


def address(events: Iterable[Event], endpoints: Iterable[WebhookEndpoint] | None = None) -> None:
    """Write the deliveries of some events, by the rights of this moment."""
    if endpoints is None:
        endpoints = WebhookEndpoint.objects.filter(is_active=True)
    endpoints, events = list(endpoints), list(events)
    reaches = reach_of({one.api_client_id for one in endpoints}, {event.client_id for event in events})
    _write(
        _delivery(event, endpoint)
        for event in events
        for endpoint in endpoints
        if wants(endpoint, event) and may_be_told(endpoint, event, reaches)
    )


def wants(endpoint: WebhookEndpoint, event: Event) -> bool:
    """Tell whether an endpoint asked for events like this one."""
    if event.type == TESTED:
        return event.subject_id == endpoint.pk
    return not endpoint.types or event.type in endpoint.types


def may_be_told(endpoint: WebhookEndpoint, event: Event, reaches: Mapping[UUID, Reach]) -> bool:
    """Tell whether the endpoint's API client may see the event; of its own test it may always be told."""
    reach = reaches.get(endpoint.api_client_id)
    return reach is not None and (event.type == TESTED or reach.covers(event.client_id))


def _delivery(event: Event, endpoint: WebhookEndpoint | None) -> Delivery:
    return Delivery(
        event=event,
        channel=Channel.WEBHOOK,
        target=UNADDRESSED if endpoint is None else str(endpoint.pk),
        endpoint=endpoint,
        next_attempt_at=event.at,
    )


def _write(deliveries: Iterable[Delivery]) -> None:
    Delivery.objects.bulk_create(deliveries, ignore_conflicts=True, batch_size=500)
