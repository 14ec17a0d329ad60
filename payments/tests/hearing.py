"""Hearing of Stripe in tests: events kept as the door keeps them, and worked off."""

import json
from datetime import timedelta
from typing import Any

from contracts.models import Stage
from contracts.tests.cast import NOW
from payments import services
from payments.gateways.stripe.client import EndingConnection
from payments.models import Payment, ProviderEvent
from tests.fake_stripe.book import Book, Thing

LATER = NOW + timedelta(minutes=5)
PATIENT = EndingConnection(connect_ms=10_000, silence_ms=20_000, whole_ms=30_000)
"""On a busy machine an answer may be slow: what hangs here ends when the fake hangs up."""


def keep(event: Thing, at: Any = LATER) -> bool:
    """Keep an event; True if it is new."""
    body = json.dumps(event).encode()
    return services.keep_event(
        provider="stripe", external_id=event["id"], type=event["type"], body=body, now=at
    )


def hear(*events: Thing, at: Any = LATER) -> list[str]:
    """Keep events and work them off; give what came of each, or why nothing did."""
    for event in events:
        keep(event, at)
    services.work_provider_events(now=at)
    rows = {row.external_id: row for row in ProviderEvent.objects.all()}
    return [rows[event["id"]].outcome or rows[event["id"]].last_error for event in events]


def captured(stripe: Book, stage: Stage, amount: int = 100000) -> tuple[Thing, Payment]:
    """A payment of a stage that was made at Stripe, told of and captured."""
    intent = stripe.paid(amount, stage=str(stage.pk))
    hear(*stripe.events)
    return intent, Payment.objects.get(provider_reference=intent["id"])
