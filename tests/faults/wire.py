"""The rail to the provider that misbehaves, behind the protocol of all rails; and that provider's process."""

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings

from kernel.money import Money
from payments import gateways
from payments.crashes import crash_point
from payments.gateways import AnswerKind, BookClosed, GatewayAnswer, PayoutOrder, ProviderLine

RAIL: Final = "stripe"
"""The name under which the rail stands in the rows; nothing here speaks to Stripe."""

TIMEOUT_S: Final = 0.35


@dataclass(frozen=True)
class WireGateway:
    """A gateway over HTTP to 127.0.0.1. Whatever is odd about an answer makes it `unknown`."""

    port: int

    def submit(self, order: PayoutOrder, *, now: datetime, key: str = "") -> GatewayAnswer:
        """Send an order under its own key; another key is for those who do not know better."""
        body = {
            "payout": order.key.hex,
            "amount": order.amount.minor,
            "currency": order.amount.currency,
        }
        return self._told(
            "POST", "/refunds", now, body, crash="on_the_wire", **{"Idempotency-Key": key or order.key.hex}
        )

    def look_up(self, order: PayoutOrder, *, now: datetime) -> GatewayAnswer:
        """Ask what the provider's book holds of a payout."""
        crash_point("looking_up")
        return self._told("GET", f"/refunds?payout={order.key.hex}", now)

    def lines(self, *, since: datetime, now: datetime) -> Iterator[ProviderLine]:
        """Read the whole book."""
        try:
            lines = self.book()
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise BookClosed(str(error)) from error
        for line in lines:
            yield ProviderLine(
                reference=line["id"],
                key=UUID(line["payout"]),
                amount=Money(line["amount"], line["currency"]),
                kind=AnswerKind.SETTLED,
                created_at=datetime.fromisoformat(line["at"]),
            )

    def book(self) -> list[dict[str, Any]]:
        """Give every line the provider executed."""
        _, _, text = self._call("GET", "/book", None, timeout_s=30)
        return list(json.loads(text)["lines"])

    def tell(self, script: dict[str, dict[str, Any]]) -> None:
        """Tell the provider what to get wrong: per payout (hex) the fault of its next call of each kind."""
        self._call("POST", "/script", script, timeout_s=30)

    def _told(
        self, method: str, path: str, now: datetime, body: Any = None, crash: str = "", **headers: str
    ) -> GatewayAnswer:
        try:
            status, answered, text = self._call(
                method, path, body, crash=crash, **{"X-Now": now.isoformat(), **headers}
            )
            if status == 429:
                wait = timedelta(seconds=int(answered["Retry-After"]))
                return GatewayAnswer(kind=AnswerKind.WAIT, retry_at=now + wait)
            if status != 200:
                return GatewayAnswer(kind=AnswerKind.UNKNOWN, detail=str(status))
            return _read(json.loads(text))
        except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError) as error:
            return GatewayAnswer(kind=AnswerKind.UNKNOWN, detail=type(error).__name__)

    def _call(
        self, method: str, path: str, body: Any, crash: str = "", timeout_s: float = TIMEOUT_S, **headers: str
    ) -> tuple[int, Any, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)
        try:
            connection.request(method, path, json.dumps(body).encode() if body is not None else None, headers)
            if crash:
                crash_point(crash)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            connection.close()


def _read(answer: dict[str, Any]) -> GatewayAnswer:
    """
    Read one refund, or the list of those of a payout.

    :raises LookupError, TypeError, ValueError: the answer is not as agreed
    """
    lines = answer.get("lines", [answer])
    if not lines:
        return GatewayAnswer(kind=AnswerKind.NONE)
    (line,) = lines
    return GatewayAnswer(
        kind={"accepted": AnswerKind.ACCEPTED, "settled": AnswerKind.SETTLED}[line["status"]],
        reference=line["id"],
        amount=Money(line["amount"], line["currency"]),
    )


@contextmanager
def provider() -> Iterator[WireGateway]:
    """Run the provider in a process of its own, and send the payouts of this process there."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.provider"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        gateway = WireGateway(int(process.stdout.readline()))
        gateways._GATEWAYS[RAIL] = gateway
        settings.PAYOUT_RAILS = [RAIL, "manual"]
        yield gateway
    finally:
        process.kill()
        process.wait(10)
