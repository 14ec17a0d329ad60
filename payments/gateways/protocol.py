"""What a gateway takes and gives: frozen orders and answers, the same for every rail."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol
from uuid import UUID

from kernel.money import Money


class AnswerKind(StrEnum):
    """What a provider said."""

    ACCEPTED = "accepted"  # it has the order and will do it
    SETTLED = "settled"  # the money arrived
    FAILED = "failed"  # it did not and will not do it
    RETURNED = "returned"  # it did it and the money came back
    UNKNOWN = "unknown"  # nothing that can be relied on: time-out, server error, odd answer
    WAIT = "wait"  # not now; this call did nothing
    NONE = "none"  # it knows no order of this key (look-ups only)
    MANUAL = "manual"  # no machine can go on: people must look


NOT_EXECUTED_CODES: Final = frozenset(
    {
        "account_closed",
        "amount_too_large",
        "charge_already_refunded",
        "charge_disputed",
        "charge_not_refundable",
        "declined",
        "invalid_account",
        "payment_not_refundable",
        "refund_disputed_payment",
        "refund_failed",
    }
)
"""The only failures that prove that no money moved. Every other refusal leaves a payout in doubt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutOrder:
    """
    An order to send money back. `key` names it in every try.

    `payment_reference` is the provider's own name of the payment, `provider_reference` that of what it made
    of an earlier try, once it is known.
    """

    key: UUID
    amount: Money
    request_id: UUID
    payment_reference: str
    destination_id: UUID | None
    provider_reference: str = ""


TOO_MANY: Final = "rate_limit"
"""The code of an answer `wait` that is about all calls to the provider, not about this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayAnswer:
    """
    A provider's answer to an order or a look-up.

    `amount` is what the provider says it moves, where it says so. `retry_at` says when to try again (`wait`),
    or to ask again (`unknown`).
    """

    kind: AnswerKind
    code: str = ""
    reference: str = ""
    detail: str = ""
    amount: Money | None = None
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderLine:
    """
    A line of a provider's own book: money that it sent back, or means to.

    `key` is ours, None where the line names none. `kind` says how far it is: accepted, settled, failed or
    returned. `reference` and `payment_reference` are the provider's own names of the line and of its payment.
    """

    reference: str
    key: UUID | None
    amount: Money
    kind: AnswerKind
    created_at: datetime
    code: str = ""
    payment_reference: str = ""


class BookClosed(Exception):
    """A provider's book could not be read to its end: nothing can be said about what it lacks."""


class Gateway(Protocol):
    """
    One rail. Both calls happen outside any transaction and end within the lease of a payout.

    Neither raises for what a network or a provider does: that is an answer of the kind `unknown`.
    """

    def submit(self, order: PayoutOrder, *, now: datetime) -> GatewayAnswer:
        """Send an order under its key; the same key again gives the first order's answer."""
        ...

    def look_up(self, order: PayoutOrder, *, now: datetime) -> GatewayAnswer:
        """Ask what became of the order of a key."""
        ...

    def lines(self, *, since: datetime, now: datetime) -> Iterable[ProviderLine]:
        """
        Read the provider's book from an instant on, for the reconciliation.

        :raises BookClosed: it could not be read to its end
        """
        ...
