"""Facts about work: what was delivered, accepted, objected to and found, as of an instant."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from fractions import Fraction
from uuid import UUID

from contracts.models import AcceptanceItem, AssessmentValue, Delivery


def deliveries_at(stage_ids: Iterable[UUID], at: datetime) -> dict[UUID, Delivery]:
    """Give, by stage, the last delivery with `delivered_at` at or before an instant. One query."""
    rows = Delivery.objects.filter(stage_id__in=list(stage_ids), delivered_at__lte=at)
    return {row.stage_id: row for row in rows.order_by("delivered_at", "number")}


def acceptance_at(delivery: Delivery, submitted_at: datetime) -> datetime | None:
    """
    Give the instant of acceptance that counts for an application received at `submitted_at`.

    An acceptance recorded by somebody other than the client does not count for an application
    received before it was recorded.
    """
    if delivery.accepted_at is None or delivery.accepted_by_client:
        return delivery.accepted_at
    recorded = delivery.acceptance_recorded_at
    return delivery.accepted_at if recorded is not None and recorded <= submitted_at else None


def objection_at(delivery: Delivery) -> datetime | None:
    """Give the instant at which the client objected to a delivery."""
    return delivery.objected_at


def items_of(stage_ids: Iterable[UUID]) -> dict[UUID, list[AcceptanceItem]]:
    """Give, by stage, the acceptance items in order (removed ones left out). One query."""
    items: dict[UUID, list[AcceptanceItem]] = defaultdict(list)
    rows = AcceptanceItem.objects.filter(stage_id__in=list(stage_ids), is_removed=False)
    for row in rows.order_by("stage_id", "position"):
        items[row.stage_id].append(row)
    return dict(items)


def item_values(delivery_ids: Iterable[UUID]) -> dict[UUID, dict[UUID, Fraction | None]]:
    """
    Give, by delivery and item, the fulfilled share found last: exact, or None where it cannot be tested.

    Items that were never assessed are left out. One query.
    """
    values: dict[UUID, dict[UUID, Fraction | None]] = defaultdict(dict)
    rows = AssessmentValue.objects.filter(assessment__delivery_id__in=list(delivery_ids))
    rows = rows.order_by("assessment__at", "assessment_id")
    for delivery_id, item_id, over, under in rows.values_list(
        "assessment__delivery_id", "item_id", "numerator", "denominator"
    ):
        values[delivery_id][item_id] = None if over is None else Fraction(over, under)
    return dict(values)
