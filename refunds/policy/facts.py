"""Facts of one evaluation: everything the policy may look at. Stored as JSON beside the decision."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from contracts.policy.facts import StageFacts, UsageFacts
from contracts.policy.terms import RefundTerms
from contracts.policy.window import deadline_text
from kernel.instants import parse_instant
from kernel.money import Money
from refunds.policy.codes import ClientType, PaymentStatus, Remedy


@dataclass(frozen=True, slots=True)
class StoredDeadline:
    """The deadline that was stored when the payment was captured: an instant (UTC) and how it was written."""

    instant: datetime
    text: str

    @classmethod
    def read(cls, text: str) -> "StoredDeadline":
        """
        Read a deadline as it was written; it is returned character for character.

        :raises InvalidInstant: not an instant of RFC 3339 with offset
        """
        return cls(parse_instant(text), text)

    @classmethod
    def at(cls, instant: datetime, zone: ZoneInfo) -> "StoredDeadline":
        """Take a stored instant (aware) and write it in the zone of its terms."""
        return cls(instant, deadline_text(instant, zone))


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFacts:
    """The payment the application is about."""

    amount: Money  # captured (or to be captured)
    status: PaymentStatus
    refunded: Money  # refunds and credits that succeeded or are in flight
    captured_at: datetime | None = None  # UTC; never None for captured and disputed payments
    deadline: StoredDeadline | None = None  # None: computed from captured_at and the terms


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFacts:
    """What is asked for, and when it reached the company."""

    submitted_at: datetime
    amount: Money | None = None  # None: all that is left
    remedy: Remedy = Remedy.REFUND
    another_open: bool = False
    statutory_right: bool | None = None  # consumers only; None: not established


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All facts of one evaluation. `work` empty: one stage with the whole amount, not delivered."""

    id: str
    terms: RefundTerms
    client_type: ClientType
    payment: PaymentFacts
    request: RequestFacts
    decided_at: datetime
    work: tuple[StageFacts, ...] = ()
    usage: tuple[UsageFacts, ...] = ()
