"""What the tests of webhooks share: an endpoint, events for it, and the time."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from events import journal
from events.actors import Actor
from events.models import Delivery, Event, WebhookEndpoint
from events.tests.journal import A_CLIENT, NOON, an_event
from events.webhooks.audience import Reach
from events.webhooks.sending import deliver_due
from events.webhooks.services import create_endpoint

ERP = UUID("00000000-0000-7000-8000-0000000000e9")
OTHER = UUID("00000000-0000-7000-8000-0000000000ea")
AS_ERP = Actor("api", ERP)


def everybody_sees_a_client(api_client_ids, client_ids):
    """Every API client acts for the one client of these tests."""
    return {one: Reach(all_clients=False, client_ids=frozenset([A_CLIENT])) for one in api_client_ids}


def an_endpoint(
    url: str, types: Sequence[str] = (), api_client_id: UUID = ERP
) -> tuple[WebhookEndpoint, str]:
    """Add an endpoint; give its secret too."""
    return create_endpoint(
        api_client_id=api_client_id, actor=Actor("api", api_client_id), url=url, types=types, now=NOON
    )


def told(count: int = 1, **changes: object) -> list[Event]:
    """Record events and give them their positions, so that deliveries are laid out."""
    events = [an_event(**changes) for _ in range(count)]
    journal.sequence_events()
    for event in events:
        event.position.refresh_from_db()
    return events


def send(now: datetime = NOON, **options: int) -> int:
    """Send what is due at one moment."""
    return deliver_due(clock=lambda: now, **options)


def the_delivery(event: Event) -> Delivery:
    return Delivery.objects.get(event=event)


def wait_for(true: Callable[[], object], timeout_s: int = 20) -> None:
    """Wait until something is true, or for long enough."""
    end = time.monotonic() + timeout_s
    while not true() and time.monotonic() < end:
        time.sleep(0.02)
