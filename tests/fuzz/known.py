"""Prints what the demonstration holds, by the names that things have in addresses and bodies."""

import json
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import django

LIMIT = 60


def known_values() -> dict[str, list[Any]]:
    """Values by name: ids (in addresses `payment_id`, in bodies `payment`), codes, and instants of late."""
    from accounts.models import ApiClient
    from contracts.models import AcceptanceItem, Client, Contract, Document, Meter, Stage
    from events.models import Delivery, WebhookEndpoint
    from payments.models import Payment, Payout
    from refunds.models import RefundRequest

    _enter_endpoints(ApiClient.objects.get(name="erp"))
    models = {
        "client": Client,
        "contract": Contract,
        "stage": Stage,
        "payment": Payment,
        "request": RefundRequest,
        "payout": Payout,
        "endpoint": WebhookEndpoint,
        "delivery": Delivery,
        "evidence": Document,
    }
    found: dict[str, list[Any]] = {
        name: [str(key) for key in model.objects.order_by("-pk").values_list("pk", flat=True)[:LIMIT]]
        for name, model in models.items()
    }
    found["target_stage"], found["protocol"] = found["stage"], found["evidence"]
    found |= {f"{name}_id": keys for name, keys in found.items()}
    instants = [(datetime.now(UTC) - timedelta(hours=hours)).isoformat() for hours in (0, 1, 23, 24 * 30)]
    for name in ("captured_at", "occurred_at", "delivered_at", "accepted_at", "received_at", "start", "end"):
        found[name] = instants
    return found | {
        "currency": ["EUR", "EUR", "USD", "JPY", "KWD"],
        "amount": ["1.00", "10.00", "1000.00", "10"],
        "quantity": ["1", "0.5", "1000000"],
        "price": ["0.0125", "30"],
        "weight": ["1", "0.5"],
        "time_zone": ["Europe/Berlin", "Pacific/Kiritimati"],
        "holiday_calendar": [None, "DE", "US"],
        "email": ["office@brandt-joinery.example"],
        "code": ["S1", "S2", "AC-1"],
        "meter": sorted(set(Meter.objects.values_list("code", flat=True))),
        "item": sorted(set(AcceptanceItem.objects.values_list("code", flat=True))),
        "types": [["payment.captured"], []],
        "url": ["https://erp.example.com/hooks"],
    }


def _enter_endpoints(system: Any) -> None:
    from django.utils import timezone

    from events.actors import Actor
    from events.journal import sequence_events
    from events.webhooks.services import create_endpoint, send_test_event

    own = {"api_client_id": system.pk, "actor": Actor("api", system.pk), "now": timezone.now()}
    for number in range(5):
        endpoint, _ = create_endpoint(**own, url=f"https://erp.example.com/hooks/{number}")
        send_test_event(**own, endpoint_id=endpoint.pk)
    while sequence_events():
        pass


if __name__ == "__main__":
    django.setup()
    json.dump(known_values(), sys.stdout)
