"""What the fake knows: its objects, the keys it remembers, its events, and what it was told to get wrong."""

import itertools
import threading
from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tests.fake_stripe.faults import FAULTS

KEY_LIVES: Final = timedelta(hours=24)
LATE_BY: Final = timedelta(minutes=10)
Thing = dict[str, Any]


class Refusal(Exception):
    """An error as Stripe tells it."""

    def __init__(
        self,
        status: int,
        code: str = "",
        message: str = "",
        kind: str = "invalid_request_error",
        **headers: str,
    ) -> None:
        super().__init__(message)
        self.status, self.headers = status, headers
        self.body = {"error": {"type": kind, "message": message or code, **({"code": code} if code else {})}}
        self.is_kept = False


class Book:
    """One account at the fake."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.livemode = False
        self.clock: datetime | None = None
        self.things: dict[str, Thing] = {}
        self.events: list[Thing] = []
        self.keys: dict[str, tuple[datetime, Any, int, Thing]] = {}
        self.late: list[tuple[datetime, str, Thing]] = []
        self.script: dict[str, dict[str, Any]] = {}
        self.told_at: dict[str, datetime] = {}
        self.calls: list[tuple[str, str, dict[str, str]]] = []
        self.per_minute = 0
        self.asked: Counter[datetime] = Counter()
        self.refused = 0
        self.lag = timedelta(0)
        self.settles_after = timedelta(0)
        self.new_refund: Thing = {"status": "succeeded"}
        self.before_answer: Callable[[], None] | None = None
        self._numbers = itertools.count(1)

    # Time and names

    def now(self) -> datetime:
        return self.clock or datetime.now(UTC)

    def _stamp(self) -> int:
        return int(self.now().timestamp())

    def _named(self, prefix: str, kind: str, **fields: Any) -> Thing:
        thing = {
            "id": f"{prefix}_{next(self._numbers):014d}",
            "object": kind,
            "created": self._stamp(),
            "metadata": {},
            **fields,
        }
        self.things[thing["id"]] = thing
        return thing

    def told(self, type: str, thing: Thing) -> Thing:
        """Write an event about a thing as it is now."""
        event = {
            "id": f"evt_{next(self._numbers):014d}",
            "object": "event",
            "api_version": "2026-10-28.endive",
            "created": self._stamp(),
            "livemode": self.livemode,
            "type": type,
            "data": {"object": deepcopy(thing)},
        }
        self.events.append(event)
        return event

    def count_call(self) -> None:
        """
        Refuse what is more than so many calls in a minute, if there is such a limit.

        :raises Refusal: 429, with the time until the next minute
        """
        minute = self.now().replace(second=0, microsecond=0)
        if self.per_minute and self.asked[minute] >= self.per_minute:
            self.refused += 1
            again = 60 - self.now().second
            raise Refusal(429, "rate_limit", "Too many requests.", **{"Retry-After": str(again)})
        self.asked[minute] += 1

    # Payments

    def intend(self, amount: int, currency: str = "eur", **metadata: str) -> Thing:
        """Begin a payment."""
        with self.lock:
            intent = self._named(
                "pi",
                "payment_intent",
                amount=amount,
                amount_received=0,
                currency=currency,
                livemode=self.livemode,
                status="requires_payment_method",
                latest_charge=None,
                last_payment_error=None,
                cancellation_reason=None,
                metadata=metadata,
            )
            self.told("payment_intent.created", intent)
            return intent

    def goes(self, intent: Thing, status: str, **fields: Any) -> Thing:
        """Let a payment reach a status, and tell of it."""
        types = {
            "processing": "payment_intent.processing",
            "requires_capture": "payment_intent.amount_capturable_updated",
            "succeeded": "payment_intent.succeeded",
            "canceled": "payment_intent.canceled",
            "requires_payment_method": "payment_intent.payment_failed",
        }
        with self.lock:
            intent.update(status=status, **fields)
            if status == "succeeded":
                charge = self._named("ch", "charge", payment_intent=intent["id"])
                intent.update(amount_received=intent["amount"], latest_charge=charge["id"])
            return self.told(types.get(status, "payment_intent.updated"), intent)

    def paid(self, amount: int, currency: str = "eur", **metadata: str) -> Thing:
        """A payment whose money arrived."""
        intent = self.intend(amount, currency, **metadata)
        self.goes(intent, "succeeded")
        return intent

    # Refunds

    def refunds(self) -> list[Thing]:
        return [thing for thing in self.things.values() if thing["object"] == "refund"]

    def refund(self, key: str, order: Thing) -> tuple[int, Thing, bool]:
        """
        Execute an order once per key; give status, answer, and whether it is one of before.

        :raises Refusal: what was never begun, and leaves no trace under the key
        """
        known = self.keys.get(key)
        if known is not None and self.now() - known[0] < KEY_LIVES:
            if known[1] != order:
                raise Refusal(400, "", "Keys can only be used with the same parameters.", "idempotency_error")
            return known[2], known[3], True
        refund = self._new_refund(order)
        self.keys[key] = (self.now(), deepcopy(order), 200, deepcopy(refund))
        return 200, refund, False

    def _new_refund(self, order: Thing) -> Thing:
        intent = self._refunded_by(order)
        left = intent["amount_received"] - self._given_back(intent)
        amount = int(order.get("amount", left))
        if intent.get("is_disputed"):
            raise Refusal(400, "charge_disputed")
        if left == 0:
            raise Refusal(400, "charge_already_refunded")
        if not 0 < amount <= left:
            raise Refusal(400, "", f"Refund amount ({amount}) is greater than unrefunded amount ({left}).")
        refund = self._named(
            "re",
            "refund",
            amount=amount,
            currency=intent["currency"],
            payment_intent=intent["id"],
            charge=intent["latest_charge"],
            failure_reason=None,
            **self.new_refund,
        )
        refund["metadata"] = order.get("metadata", {})
        if self.settles_after:
            refund["status"] = "pending"
        self.told("refund.created", refund)
        return refund

    def _refunded_by(self, order: Thing) -> Thing:
        name = order.get("payment_intent") or order.get("charge") or ""
        found = self.things.get(name, {})
        intent = self.things.get(found.get("payment_intent", name), {})
        if intent.get("status") != "succeeded":
            raise Refusal(404, "resource_missing", f"No such payment: {name}")
        return intent

    def _given_back(self, intent: Thing) -> int:
        gone = ("failed", "canceled")
        mine = [one for one in self.refunds() if one["payment_intent"] == intent["id"]]
        return sum(one["amount"] for one in mine if one["status"] not in gone)

    def ends(self, refund: Thing, status: str, reason: str | None = None) -> Thing:
        """Let a refund reach a status, and tell of it."""
        with self.lock:
            refund.update(status=status, failure_reason=reason)
            return self.told("refund.failed" if status == "failed" else "refund.updated", refund)

    def catch_up(self) -> None:
        """Execute what was late and is due, and let refunds arrive in their time."""
        due = [entry for entry in self.late if entry[0] <= self.now()]
        self.late = [entry for entry in self.late if entry[0] > self.now()]
        for _, key, order in due:
            self.refund(key, order)
        for refund in self.refunds() if self.settles_after else ():
            at = datetime.fromtimestamp(refund["created"], UTC) + self.settles_after
            if refund["status"] == "pending" and at <= self.now():
                self.ends(refund, "succeeded")

    # Disputes

    def dispute(self, intent: Thing, amount: int | None = None, status: str = "needs_response") -> Thing:
        """Open a dispute about a payment."""
        with self.lock:
            intent["is_disputed"] = True
            dispute = self._named(
                "du",
                "dispute",
                amount=intent["amount"] if amount is None else amount,
                currency=intent["currency"],
                payment_intent=intent["id"],
                charge=intent["latest_charge"],
                livemode=self.livemode,
                status=status,
            )
            self.told("charge.dispute.created", dispute)
            return dispute

    def closes(self, dispute: Thing, status: str) -> Thing:
        """End a dispute."""
        with self.lock:
            self.things[dispute["payment_intent"]]["is_disputed"] = status == "lost"
            dispute["status"] = status
            return self.told("charge.dispute.closed", dispute)

    # Faults

    def next_fault(self, payment: str, at: str) -> str:
        """Take the fault that is meant for this call of a payment (`*`: of any), if there is one."""
        for name in (payment, "*"):
            script = self.script.get(name, {})
            if at in script:
                fault = script.pop(at)
                if isinstance(fault, list) and len(fault) > 1:
                    script[at] = fault[1:]
                return str(fault[0] if isinstance(fault, list) else fault)
        return ""

    def is_silent(self, payment: str) -> bool:
        """Whether nobody learns anything of this payment until its key is forgotten."""
        told_at = self.told_at.get(payment, self.now())
        return bool(self.script.get(payment, {}).get("silent")) and self.now() - told_at < KEY_LIVES

    def tell(self, payment: str, **faults: Any) -> None:
        """Say what to get wrong at the next calls of a payment: `submit`, `look_up`, `retrieve`."""
        assert set(faults.values()) <= set(FAULTS)
        with self.lock:
            self.script.setdefault(payment, {}).update(faults)
