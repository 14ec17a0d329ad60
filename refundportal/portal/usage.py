"""Usage so far, by meter: how much, at which price, worth how much. Exact sums."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Final
from uuid import UUID

from django.db.models import Count, QuerySet

from contracts.models import Contract, Meter, MeterKind, UsageRecord
from contracts.selectors import ExactSum
from kernel.exact import decimal_text, scaled_text
from refunds.arithmetic import exact_words, plain_number

MICRO: Final = 10**6
NANO: Final = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterUse:
    """One meter of a contract: its price, and what was used until now. All in words, in major units."""

    title: str
    unit: str
    price: str
    quantity: str  # empty for periods
    records: int
    value: str
    is_time: bool


def usage_so_far(contract: Contract, now: datetime) -> list[MeterUse]:
    """Sum the usage of a contract by meter. Four queries, whatever the number of records."""
    meters = list(Meter.objects.filter(contract=contract))
    records = UsageRecord.objects.filter(contract=contract)
    values: dict[UUID, Fraction] = defaultdict(Fraction)
    quantities: dict[UUID, int] = defaultdict(int)
    counts: dict[UUID, int] = defaultdict(int)
    metered = records.filter(kind=MeterKind.METERED, occurred_at__lte=now).values("meter_id", "price_nano")
    for row in metered.annotate(quantity=ExactSum("quantity_micro"), times=Count("id")):
        values[row["meter_id"]] += Fraction(int(row["quantity"]) * row["price_nano"], MICRO * NANO)
        quantities[row["meter_id"]] += int(row["quantity"])
        counts[row["meter_id"]] += row["times"]
    for meter_id, value, times in _periods(records.filter(kind=MeterKind.TIME, occurred_at__lte=now), now):
        values[meter_id] += value
        counts[meter_id] += times
    return [
        _use(meter, contract.currency, values[meter.pk], quantities[meter.pk], counts[meter.pk])
        for meter in meters
    ]


def _periods(records: QuerySet[UsageRecord], now: datetime) -> Iterable[tuple[UUID, Fraction, int]]:
    """Give what ended periods are worth, summed by meter, and the part used of each that runs."""
    ended = (
        records.filter(ends_at__lte=now)
        .values("meter_id")
        .annotate(price=ExactSum("price_nano"), times=Count("id"))
    )
    for row in ended:
        yield row["meter_id"], Fraction(int(row["price"]), NANO), row["times"]
    for record in records.filter(ends_at__gt=now):
        assert record.ends_at is not None, "filtered by it"
        used, length = now - record.occurred_at, record.ends_at - record.occurred_at
        yield record.meter_id, Fraction(record.price_nano, NANO) * Fraction(_us(used), _us(length)), 1


def _us(span: timedelta) -> int:
    """Whole microseconds."""
    return (span.days * 86400 + span.seconds) * MICRO + span.microseconds


def _use(meter: Meter, currency: str, value: Fraction, quantity: int, records: int) -> MeterUse:
    is_time = meter.kind == MeterKind.TIME
    return MeterUse(
        title=meter.title,
        unit=meter.unit,
        price=exact_words(scaled_text(meter.price_nano, 9), currency),
        quantity="" if is_time else plain_number(scaled_text(quantity, 6)),
        records=records,
        value=exact_words(decimal_text(max(value, Fraction(0))), currency),
        is_time=is_time,
    )
