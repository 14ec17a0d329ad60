"""Facts about work and usage: everything the rules may look at. What is not here does not count."""

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from kernel.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemFacts:
    """One acceptance item of a stage: what was promised, and how far it was found fulfilled."""

    code: str
    weight: Fraction  # above 0
    fulfilled: Fraction | None = None  # 0 to 1; None: not assessed, or it cannot be tested


@dataclass(frozen=True, slots=True, kw_only=True)
class StageFacts:
    """One stage, as far as a payment pays for it. Instants are aware; None means it has not happened."""

    stage: str  # unique within the payment
    amount: Money  # the part of the payment allocated to this stage
    delivered_at: datetime | None = None
    accepted_at: datetime | None = None
    objected_at: datetime | None = None
    hidden_defect: bool = False  # found by a reviewer: acceptance does not count
    items: tuple[ItemFacts, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MeteredUsage:
    """Use that is counted: quantity times unit price."""

    meter: str
    quantity: Fraction  # negative for corrections
    unit_price: Fraction  # in major units of the payment's currency, at least 0
    occurred_at: datetime
    recorded_at: datetime
    stage: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedUsage:
    """Use that runs: a price for the time from start to end; what lies before the application is used."""

    meter: str
    price: Fraction  # in major units of the payment's currency, at least 0
    start: datetime
    end: datetime  # after start
    recorded_at: datetime
    stage: str | None = None


UsageFacts = MeteredUsage | TimedUsage
