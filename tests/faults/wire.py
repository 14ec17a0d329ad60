"""The rail to Stripe as it is built, and the process of the fake Stripe to which it speaks in the grid."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

import httpx

from payments import gateways
from payments.gateways import PayoutOrder
from payments.gateways.stripe import StripeGateway
from payments.gateways.stripe.client import EndingConnection
from tests.fake_stripe.running import turn_to

RAIL: Final = "stripe"
SETTLES_AFTER_S: Final = 3
AT_STRIPE: Final = 1_000_000
"""What lies behind every payment there, in cents: enough for a naive sender to show what it does."""

QUICK: Final = EndingConnection(connect_ms=2000, silence_ms=400, whole_ms=1500)


@dataclass(frozen=True)
class CarelessGateway(StripeGateway):
    """A new key in each try: for those who do not know better."""

    def key_of(self, order: PayoutOrder) -> str:
        return uuid4().hex


@dataclass(frozen=True)
class Provider:
    """The fake's process, commanded from outside of the API."""

    origin: str

    def tell(self, **said: Any) -> dict[str, Any]:
        """Command it: `now`, `paid` (a new payment of so much), `script` (per payment, what to get wrong)."""
        answer = httpx.post(f"{self.origin}/fake/", json=said, timeout=30)
        return dict(answer.raise_for_status().json())

    def is_at(self, now: datetime) -> None:
        """Set its clock."""
        self.tell(now=now.isoformat())

    def book(self) -> list[dict[str, Any]]:
        """Give every refund it executed."""
        return list(self.tell()["refunds"])


@contextmanager
def provider() -> Iterator[Provider]:
    """Run a fake Stripe in a process of its own, and send the payouts of this process there."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fake_stripe.door"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        found = Provider(process.stdout.readline().strip())
        gateways._GATEWAYS[RAIL] = StripeGateway(QUICK)
        turn_to(found.origin)
        found.tell(settles_after_s=SETTLES_AFTER_S)
        yield found
    finally:
        process.kill()
        process.wait(10)
