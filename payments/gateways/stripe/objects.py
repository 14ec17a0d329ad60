"""
What Stripe's objects say now: read when an event named one, whatever the event itself said.

Sources: https://docs.stripe.com/payments/paymentintents/lifecycle, https://docs.stripe.com/api/disputes/object.
A status that is not listed is a contradiction: nothing is concluded from it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any, Final, TypeVar
from uuid import UUID

import stripe
from django.conf import settings

from kernel.money import Money
from payments.gateways.protocol import ProviderLine
from payments.gateways.stripe.answers import amount_of, code_of
from payments.gateways.stripe.client import PAGE, EndingConnection, stripe_client
from payments.gateways.stripe.currencies import AmountNotAtStripe
from payments.gateways.stripe.gateway import line_of

T = TypeVar("T")


class Unreachable(Exception):
    """Stripe did not answer, or asked to wait: it may be tried again as often as it takes."""


class ObjectGone(Exception):
    """Stripe knows no such object (any more)."""


class Contradiction(Exception):
    """Stripe says what cannot be taken as it is: a person must look."""


class IntentState(StrEnum):
    """How far a payment at Stripe is."""

    OPEN = "open"  # nothing came yet, or a try failed and another may follow
    PROMISED = "promised"
    PAID = "paid"
    GIVEN_UP = "given_up"


class DisputeState(StrEnum):
    """How the disputes of a payment stand, all together."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"


NOT_NOW: Final = (401, 403, 408, 409, 429)
"""Refusals that say nothing about the object: the key, or the moment."""

INTENT_STATES: Final[Mapping[str, IntentState]] = {
    "requires_payment_method": IntentState.OPEN,
    "requires_confirmation": IntentState.OPEN,
    "requires_action": IntentState.OPEN,
    "processing": IntentState.PROMISED,
    "requires_capture": IntentState.PROMISED,
    "succeeded": IntentState.PAID,
    "canceled": IntentState.GIVEN_UP,
}
DISPUTE_STATES: Final[Mapping[str, DisputeState]] = {
    "warning_needs_response": DisputeState.OPEN,
    "warning_under_review": DisputeState.OPEN,
    "warning_closed": DisputeState.WON,
    "needs_response": DisputeState.OPEN,
    "under_review": DisputeState.OPEN,
    "prevented": DisputeState.WON,
    "won": DisputeState.WON,
    "lost": DisputeState.LOST,
    "appeal_needs_response": DisputeState.LOST,
    "appeal_under_review": DisputeState.LOST,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentFound:
    """A payment at Stripe; `stage_id` is ours, None where it belongs to something else than this portal."""

    reference: str
    charge: str
    stage_id: UUID | None
    state: IntentState
    amount: Money
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputesFound:
    """All disputes of a payment: how they stand, and what was lost (zero unless one was)."""

    state: DisputeState
    lost: Money


@dataclass(frozen=True)
class StripeReader:
    """
    Reads objects of the account of the settings.

    :raises Unreachable: no answer, or one that may be another the next time
    :raises ObjectGone: there is no such object
    :raises Contradiction: an object that cannot be taken as it is
    """

    connection: EndingConnection = field(default_factory=EndingConnection)

    def intent(self, reference: str) -> IntentFound:
        """Read a payment intent."""
        found = self._read(lambda sdk: sdk.v1.payment_intents.retrieve(reference))
        return _believed(_intent, found)

    def refund(self, reference: str) -> ProviderLine:
        """Read a refund, as a line of Stripe's book."""
        found = self._read(lambda sdk: sdk.v1.refunds.retrieve(reference))
        return _believed(line_of, found)

    def dispute_is_of(self, reference: str) -> str:
        """Give the reference of the payment intent that a dispute is about; "" if it is about none."""
        found = self._read(lambda sdk: sdk.v1.disputes.retrieve(reference))
        return _believed(lambda dispute: str(dispute["payment_intent"] or ""), found)

    def disputes_of(self, intent: str) -> DisputesFound:
        """Read all disputes of a payment intent (at least one, at most a hundred)."""
        found = self._read(lambda sdk: sdk.v1.disputes.list({"payment_intent": intent, "limit": PAGE}))
        return _believed(_disputes, found)

    def events_since(self, since: datetime, types: list[str]) -> Iterator[dict[str, Any]]:
        """Read the events of some types from an instant on, the newest first."""
        after: dict[str, str] = {}
        while True:
            params: Any = {"created": {"gte": int(since.timestamp())}, "types": types, "limit": PAGE, **after}
            page = self._read(partial(_list_events, params))
            rows = _believed(lambda found: list(found["data"]), page)
            yield from rows
            if not page.get("has_more") or not rows:
                return
            after = {"starting_after": rows[-1]["id"]}

    def _read(self, ask: Any) -> dict[str, Any]:
        try:
            found = ask(stripe_client(self.connection))
        except stripe.StripeError as error:
            status = error.http_status or 0
            if status == 404 and code_of(error) == "resource_missing":
                raise ObjectGone from error
            why = f"{status} {code_of(error)} {error.user_message}"[:300]
            if 400 <= status < 500 and status not in NOT_NOW:
                raise Contradiction(why) from error
            raise Unreachable(why) from error
        return dict(found.to_dict()) if hasattr(found, "to_dict") else {}


def _list_events(params: Any, sdk: stripe.StripeClient) -> Any:
    return sdk.v1.events.list(params)


def _believed(read: Callable[[dict[str, Any]], T], found: dict[str, Any]) -> T:
    """Read an object that must be as documented."""
    try:
        return read(found)
    except (LookupError, TypeError, ValueError, AttributeError, AmountNotAtStripe) as error:
        raise Contradiction(f"an object that cannot be read: {type(error).__name__} {error}"[:300]) from error


def _check_mode(thing: dict[str, Any]) -> None:
    """
    :raises Contradiction: an object of the other mode, live or test
    """
    if thing["livemode"] is not settings.STRIPE_LIVEMODE:
        raise Contradiction("an object of the other mode, live or test")


def _intent(found: dict[str, Any]) -> IntentFound:
    _check_mode(found)
    status = found["status"]
    if status not in INTENT_STATES:
        raise Contradiction(f"an unknown status of a payment intent: {status}"[:100])
    state = INTENT_STATES[status]
    refused = found.get("last_payment_error") or {}
    return IntentFound(
        reference=found["id"],
        charge=str(found.get("latest_charge") or ""),
        stage_id=_uuid_or_none((found["metadata"] or {}).get("stage")),
        state=state,
        amount=amount_of(found, "amount_received" if state == IntentState.PAID else "amount"),
        why=str(found.get("cancellation_reason") or refused.get("code") or status)[:100],
    )


def _disputes(page: dict[str, Any]) -> DisputesFound:
    lost = []
    states = set()
    for dispute in page["data"]:
        _check_mode(dispute)
        if dispute["status"] not in DISPUTE_STATES:
            raise Contradiction(f"an unknown status of a dispute: {dispute['status']}"[:100])
        state = DISPUTE_STATES[dispute["status"]]
        states.add(state)
        if state == DisputeState.LOST:
            lost.append(amount_of(dispute))
    if page["has_more"] or not states:
        raise Contradiction("no dispute, or more than a hundred")
    zero = Money.zero(str(page["data"][0]["currency"]).upper())
    worst = next(
        state for state in (DisputeState.LOST, DisputeState.OPEN, DisputeState.WON) if state in states
    )
    return DisputesFound(state=worst, lost=sum(lost, zero))


def _uuid_or_none(text: Any) -> UUID | None:
    """Read an id of ours; what is none is a stranger's."""
    try:
        return UUID(text) if isinstance(text, str) else None
    except ValueError:
        return None
