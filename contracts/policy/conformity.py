"""Conforming work (P2): which share of a stage was delivered as promised, at the moment of an application."""

from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from math import gcd
from typing import Final, NamedTuple

from contracts.policy.facts import ItemFacts, StageFacts
from contracts.policy.terms import ConformityMode, RefundTerms
from kernel.days import day_of, first_instant_of_day, local_ordinal, zone_of


class StageState(StrEnum):
    """Where a stage stands at the moment of an application. Never rename, only add."""

    ACCEPTED = "accepted"
    DEEMED_ACCEPTED = "deemed_accepted"
    NOT_DELIVERED = "not_delivered"
    ASSESSED = "assessed"
    PENDING = "pending"


class Conformity(NamedTuple):
    """The conforming share of a stage as over/under (0 to 1; 0 while pending), and where it comes from."""

    state: StageState
    over: int
    under: int
    deemed_at: datetime | None
    """When acceptance is deemed if nobody objects (UTC), if the terms provide for it."""

    @property
    def is_accepted(self) -> bool:
        """Accepted by the client, or deemed accepted."""
        return self.state is StageState.ACCEPTED or self.state is StageState.DEEMED_ACCEPTED


# Members of an enum are looked up slowly, and these for every stage.
_ACCEPTED: Final = StageState.ACCEPTED
_DEEMED_ACCEPTED: Final = StageState.DEEMED_ACCEPTED
_NOT_DELIVERED: Final = StageState.NOT_DELIVERED
_ASSESSED: Final = StageState.ASSESSED
_PENDING: Final = StageState.PENDING
_GATE: Final = ConformityMode.GATE


def conformity_of(stage: StageFacts, terms: RefundTerms, at: datetime) -> Conformity:
    """Find the conforming share of a stage at an instant: the first point that applies decides."""
    deemed_at = deemed_acceptance_of(stage.delivered_at, terms)
    if not stage.hidden_defect:
        if stage.accepted_at is not None and stage.accepted_at <= at:
            return Conformity(_ACCEPTED, 1, 1, deemed_at)
        if _is_deemed_accepted(stage, deemed_at, at):
            return Conformity(_DEEMED_ACCEPTED, 1, 1, deemed_at)
    if stage.delivered_at is None or stage.delivered_at > at:
        return Conformity(_NOT_DELIVERED, 0, 1, deemed_at)
    share = share_of_items(stage.items)
    if share is None:
        return Conformity(_PENDING, 0, 1, deemed_at)
    over, under = share
    if terms.conformity_mode is _GATE and over < under:
        over, under = 0, 1
    return Conformity(_ASSESSED, over, under, deemed_at)


def deemed_acceptance_of(delivered_at: datetime | None, terms: RefundTerms) -> datetime | None:
    """
    Give the instant (UTC) at which delivered work counts as accepted without objection; None: never.

    That is the first instant of the day n + 1 days after the local delivery date, under either day rule.

    :raises OutsideCalendar: that day leaves the years 0001 to 9999, as written or in UTC
    """
    days = terms.deemed_acceptance_days
    if days is None or delivered_at is None:
        return None
    delivered_on = local_ordinal(delivered_at, zone_of(terms.time_zone))
    return _first_instant(delivered_on + days + 1, terms.time_zone)


@lru_cache(maxsize=4096)
def _first_instant(ordinal: int, zone_name: str) -> datetime:
    return first_instant_of_day(day_of(ordinal), zone_of(zone_name))


def _is_deemed_accepted(stage: StageFacts, deemed_at: datetime | None, at: datetime) -> bool:
    """The day has come, and nobody objected before it began."""
    if deemed_at is None or deemed_at > at:
        return False
    return stage.objected_at is None or stage.objected_at >= deemed_at


def share_of_items(items: tuple[ItemFacts, ...]) -> tuple[int, int] | None:
    """Give sum(weight * fulfilled) / sum(weight) of the assessed items, in lowest terms; None without any."""
    kept, kept_under, weights, weights_under = 0, 1, 0, 1
    for item in items:
        if item.fulfilled is None:
            continue
        weight, under = item.weight.as_integer_ratio()
        fulfilled, part_under = item.fulfilled.as_integer_ratio()
        part, part_under = weight * fulfilled, under * part_under
        if under == weights_under:
            weights += weight
        else:
            weights, weights_under = plus(weights, weights_under, weight, under)
        if part_under == kept_under:
            kept += part
        else:
            kept, kept_under = plus(kept, kept_under, part, part_under)
    if not weights:
        return None
    over, under = kept * weights_under, kept_under * weights
    common = gcd(over, under)
    return over // common, under // common


def plus(over: int, under: int, other: int, other_under: int) -> tuple[int, int]:
    """
    Add two rational numbers, the second being small: cheap even if the first has thousands of digits.

    The sum is over the least common denominator, but not reduced.
    """
    if not over:
        return other, other_under
    if under == other_under:
        return over + other, under
    common = gcd(under % other_under, other_under)
    factor = other_under // common
    return over * factor + other * (under // common), under * factor
