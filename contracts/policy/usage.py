"""Value of usage (P3): what was used of a payment until the application, in exact minor units."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from contracts.policy.conformity import plus
from contracts.policy.facts import MeteredUsage, TimedUsage, UsageFacts

_MICROSECOND: Final = timedelta(microseconds=1)


class Counted(NamedTuple):
    """One usage record that counts, with its value over/under in minor units."""

    record: UsageFacts
    over: int
    under: int


class MeterUse(NamedTuple):
    """The use of one meter for one stage (or for none), worth over/under minor units; a negative sum is 0."""

    meter: str
    stage: str | None
    records: tuple[Counted, ...]
    over: int
    under: int


class StageAllowance(NamedTuple):
    """What limits the usage of a stage: its allocated amount (minor units) and its conforming share."""

    amount: int
    share_over: int
    share_under: int


class Charge(NamedTuple):
    """All usage of one stage (or of none): its value in minor units, and the factor by which it counts."""

    value: int
    value_under: int
    factor: int
    factor_under: int


class Usage(NamedTuple):
    """All usage of one payment; what counts of it is worth over/under minor units."""

    meters: tuple[MeterUse, ...]
    """In order of first counted record."""
    charges: Mapping[str | None, Charge]
    over: int
    under: int
    after_application: int
    """Records left out because they occurred later."""
    after_decision: int
    """Records left out because they were recorded later."""


NO_USAGE: Final = Usage((), {}, 0, 1, 0, 0)


def value_usage(
    usage: Iterable[UsageFacts],
    allowances: Mapping[str, StageAllowance],
    *,
    at: datetime,
    decided_at: datetime,
    scale: int,
) -> Usage:
    """
    Find what the use of a payment is worth at an instant.

    :param allowances: by name of stage
    :param scale: minor units in one major unit (100 for EUR)
    """
    groups, later, unknown = _group(usage, at, decided_at, scale)
    meters: list[MeterUse] = []
    sums: dict[str | None, tuple[int, int]] = {}
    for (meter, stage), records in groups.items():
        over, under = _sum_of(records)
        meters.append(MeterUse(meter, stage, tuple(records), over, under))
        sums[stage] = plus(*sums.get(stage, (0, 1)), over, under)
    charges = {
        stage: _charge(value, under, None if stage is None else allowances[stage])
        for stage, (value, under) in sums.items()
    }
    total, total_under = 0, 1
    for charge in charges.values():
        over, under = charge.value * charge.factor, charge.value_under * charge.factor_under
        total, total_under = plus(total, total_under, over, under)
    return Usage(tuple(meters), charges, total, total_under, later, unknown)


_Groups = dict[tuple[str, str | None], list[Counted]]


def _group(
    usage: Iterable[UsageFacts], at: datetime, decided_at: datetime, scale: int
) -> tuple[_Groups, int, int]:
    """Put the records that count under their meter and stage; count those that came too late."""
    groups: _Groups = {}
    later = unknown = 0
    for record in usage:
        if record.recorded_at > decided_at:
            unknown += 1
            continue
        if isinstance(record, MeteredUsage):
            counted = _metered(record, scale) if record.occurred_at <= at else None
        else:
            counted = _timed(record, at, scale) if record.start <= at else None
        if counted is None:
            later += 1
            continue
        groups.setdefault((record.meter, record.stage), []).append(counted)
    return groups, later, unknown


def _metered(record: MeteredUsage, scale: int) -> Counted:
    """Quantity times unit price, exactly."""
    quantity, quantity_under = record.quantity.as_integer_ratio()
    price, price_under = record.unit_price.as_integer_ratio()
    return Counted(record, quantity * price * scale, quantity_under * price_under)


def _timed(record: TimedUsage, at: datetime, scale: int) -> Counted:
    """Price times used time over length, in real time; the record has started."""
    length = (record.end - record.start) // _MICROSECOND
    used = min((at - record.start) // _MICROSECOND, length)
    price, price_under = record.price.as_integer_ratio()
    return Counted(record, price * scale * used, price_under * length)


def _sum_of(records: list[Counted]) -> tuple[int, int]:
    """Sum the values of one meter and stage; less than nothing is nothing."""
    _, over, under = records[0]
    for record in records[1:]:
        over, under = plus(over, under, record.over, record.under)
    return (over, under) if over > 0 else (0, 1)


def _charge(value: int, under: int, allowance: StageAllowance | None) -> Charge:
    """Say by which factor usage counts: in full, or what of its stage does not conform and was paid for."""
    if allowance is None:
        return Charge(value, under, 1, 1)
    factor, factor_under = allowance.share_under - allowance.share_over, allowance.share_under
    if value > allowance.amount * under:
        factor, factor_under = factor * allowance.amount * under, factor_under * value
    return Charge(value, under, factor, factor_under)
