"""Everything the rules look at, worked out once: what the findings tell and the rows of the policy ask."""

from datetime import datetime
from typing import NamedTuple

from kernel.exact import scaled_text
from refunds.policy.amount import Kept
from refunds.policy.facts import Facts


class Deadline(NamedTuple):
    """When the window of the payment ends, and how that came about."""

    instant: datetime
    text: str
    stored: bool
    purchase_day: str | None
    last_day: str | None
    passed_over: tuple[str, ...]


class Figures(NamedTuple):
    """What an evaluation comes down to. Amounts in minor units."""

    facts: Facts
    digits: int
    scale: int
    deadline: Deadline | None
    in_time: bool | None
    kept: Kept
    remaining: int  # A - X
    asked: int  # q
    entitlement: int  # E
    refund: int  # min(q, max(0, E - X)): what is due if nothing else bars it

    @property
    def left(self) -> int:
        """What the client is still entitled to (E - X), not below 0."""
        return max(0, self.entitlement - self.facts.payment.refunded.minor)

    @property
    def conforms(self) -> bool:
        """All work that the payment pays for conforms: K = A, exactly."""
        return self.kept.work_over == self.facts.payment.amount.minor * self.kept.work_under

    def money(self, minor: int) -> str:
        """Minor units as a decimal string."""
        return scaled_text(minor, self.digits)
