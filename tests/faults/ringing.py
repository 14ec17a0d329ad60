"""Approves refunds and rings for their payouts, as a door does in production."""

import os
import time
from collections import Counter
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from contracts.tests.cast import STAGES, make_cast, signed_contract
from events.models import Event, EventPosition
from events.tasks import sequence_events
from payments.models import Payout, Transfer
from payments.tasks import send_due_payouts
from refundportal.bell import ring
from refunds.services import approve_request
from refunds.tests.scene import Scene, eur, paid, proposed
from tests.faults.bell_app import use_the_provider
from tests.faults.ground import wrong_at_the_end
from tests.faults.wire import AT_STRIPE, Provider

PAUSE_S = 0.25


def run(*, step: str, **arguments: Any) -> Any:
    """Do one step: `approve` or `compare`."""
    use_the_provider()
    return {"approve": approve, "compare": compare}[step](**arguments)


def approve(*, rings: int) -> dict[str, Any]:
    """Apply, propose and approve so many times; give how many failed and how long the slowest took (s)."""
    assert settings.PRODUCTION, "the bell is rung at a broker in production only"
    now = timezone.now()
    stripe = Provider(os.environ["FAKE_STRIPE"])
    stripe.is_at(now)
    cast = make_cast()
    contract = signed_contract(cast, stages=[{**STAGES[1], "amount": "90000000.00"}])
    failed, slowest, approved = [], 0.0, []
    for _ in range(rings):
        name = stripe.tell(paid=AT_STRIPE)["id"]
        payment = paid(cast, contract, "S1", "10.00", method="card", provider_reference=name, at=now)
        scene = Scene(cast, contract, payment)
        request = proposed(scene, now=now, amount=eur("1.00"))
        started = time.monotonic()
        try:
            with transaction.atomic():
                approve_request(principal=cast.as_arno, request_id=request.pk, now=now)
                ring(send_due_payouts)
                ring(sequence_events)
            approved.append(str(request.pk))
        except Exception as error:  # noqa: BLE001 - nothing may fail for a broker: told
            failed.append(repr(error))
        slowest = max(slowest, time.monotonic() - started)
        time.sleep(PAUSE_S)
    return {"approved": approved, "failed": failed, "slowest_s": slowest}


def compare(*, approved: list[str]) -> dict[str, Any]:
    """Hold what was approved against the provider's book and the ledger."""
    book = Provider(os.environ["FAKE_STRIPE"]).book()
    lines = Counter(refund["metadata"]["payout"] for refund in book)
    booked = set(Transfer.objects.filter(key__startswith="payout:").values_list("key", flat=True))
    payouts = list(Payout.objects.filter(request_id__in=approved))
    right = [
        payout
        for payout in payouts
        if payout.state in ("accepted", "settled")
        and lines[str(payout.pk)] == 1
        and f"payout:{payout.pk}" in booked
    ]
    return {
        "payouts": len(payouts),
        "right": len(right),
        "lines": sum(lines.values()),
        "events": Event.objects.count(),
        "placed": EventPosition.objects.exclude(number=None).count(),
        "wrong": wrong_at_the_end(),
    }
