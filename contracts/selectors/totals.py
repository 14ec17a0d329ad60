"""Usage in sum, by meter and stage."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any
from uuid import UUID

from django.db.models import Count

from contracts.models import MeterKind, UsageRecord
from contracts.selectors.sums import ExactSum


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageTotal:
    """What was used of one meter, for one stage or for none; `value` in major units, exact."""

    meter: str
    kind: str
    stage: str | None
    records: int
    quantity: Fraction | None
    value: Fraction


def usage_totals(contract_id: UUID) -> list[UsageTotal]:
    """
    Sum the usage of a contract by meter and stage; periods count with their full price. One query.

    The database adds quantities only: prices and quantities together may be more than it can hold.
    """
    groups = (
        UsageRecord.objects.filter(contract_id=contract_id)
        .values("meter__code", "kind", "stage__code", "price_nano")
        .annotate(records=Count("id"), quantity=ExactSum("quantity_micro"))
        .order_by("meter__code", "kind", "stage__code", "price_nano")
    )
    by_meter: dict[tuple[str, str, str | None], list[dict[str, Any]]] = {}
    for group in groups:
        key = (group["meter__code"], group["kind"], group["stage__code"])
        by_meter.setdefault(key, []).append(dict(group))
    return [_total(*key, parts) for key, parts in by_meter.items()]


def _total(meter: str, kind: str, stage: str | None, parts: Iterable[dict[str, Any]]) -> UsageTotal:
    rows = list(parts)
    metered = kind == MeterKind.METERED
    quantities = [Fraction(int(row["quantity"]), 10**6) if metered else row["records"] for row in rows]
    return UsageTotal(
        meter=meter,
        kind=kind,
        stage=stage,
        records=sum(row["records"] for row in rows),
        quantity=sum(quantities, Fraction(0)) if metered else None,
        value=sum(
            (
                quantity * Fraction(row["price_nano"], 10**9)
                for quantity, row in zip(quantities, rows, strict=True)
            ),
            Fraction(0),
        ),
    )
