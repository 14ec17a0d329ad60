"""The usage that payments bear, summed anew: exact, which SQL alone is not on every database."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Count

from contracts.models import UsageRecord
from contracts.selectors.sums import ExactSum
from payments.models import Payment

MICRO_IN_FEMTO: Final = 10**9
CHUNK_ROWS: Final = 2000


def payments_with_other_usage(now: datetime) -> Iterator[tuple[object, object]]:
    """
    Give the payments whose kept usage is not the sum of their records (whatever `now` is).

    The database adds quantities of one price; memory holds one number for each payment that bears usage.
    """
    total: dict[UUID, int] = defaultdict(int)
    groups = (
        UsageRecord.objects.exclude(payment_id=None)
        .order_by()
        .values_list("payment_id", "price_nano", "kind")
        .annotate(records=Count("id"), quantity=ExactSum("quantity_micro"))
    )
    for payment_id, price_nano, _kind, records, quantity in groups.iterator(chunk_size=CHUNK_ROWS):
        total[payment_id] += price_nano * (records * 10**6 if quantity is None else quantity)
    kept = Payment.objects.order_by("pk").values_list("pk", "number", "usage_micro", "usage_rest_femto")
    for payment_id, number, micro, rest in kept.iterator(chunk_size=CHUNK_ROWS):
        counted = micro * MICRO_IN_FEMTO + rest
        if counted != total[payment_id]:
            yield number, f"kept {counted}, recorded {total[payment_id]} in 10^-15 of the currency"
