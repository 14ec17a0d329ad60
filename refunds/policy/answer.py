"""The answer of the policy."""

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import NamedTuple

from kernel.money import Money
from refunds.policy.codes import LineKind, Outcome, Reason
from refunds.policy.findings import Finding


class Line(NamedTuple):
    """One part of the payment that is kept, in whole minor units."""

    kind: LineKind
    name: str
    """The stage of conforming work, the meter of usage."""
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The one answer to an application. All amounts are there whichever row decided."""

    deadline: datetime | None
    """UTC; None exactly when there is neither a capture nor a stored deadline."""
    deadline_text: str | None
    in_time: bool | None
    outcome: Outcome
    reasons: tuple[Reason, ...]
    refund: Money
    refund_at_most: Money | None
    """Only while conformity is pending: what no assessment can raise."""
    entitlement: Money
    retained: Money
    conforming_value: Fraction
    """K in major units, exact, before any cap."""
    usage_value: Fraction
    """U in major units, exact, before any cap."""
    lines: tuple[Line, ...]
    findings: tuple[Finding, ...]
