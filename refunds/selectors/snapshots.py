"""Figures over everything, as they were counted last; and what there is to be counted."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, Q, QuerySet, Sum

from accounts.principals import SYSTEM
from payments.models import Payment, PaymentStatus
from refunds.models import RefundRequest, Snapshot
from refunds.selectors.reports import answer_times, answered_in, counts_by, months_until
from refunds.states import REQUEST_OPEN

MONTHS_SHOWN: Final = 12


def last_snapshot() -> Snapshot | None:
    """Give the last complete snapshot. One query."""
    return Snapshot.objects.filter(ended_at__isnull=False).order_by("-as_of").first()


def windows_to_count(as_of: datetime, after: UUID | None) -> QuerySet[Payment]:
    """Give the payments whose window was open at an instant, by their deadlines, behind one of them."""
    rows = Payment.objects.filter(
        status=PaymentStatus.CAPTURED, deadline__gt=as_of, captured_at__lte=as_of
    ).order_by("deadline", "id")
    last = (
        None if after is None else Payment.objects.filter(pk=after).values_list("deadline", flat=True).first()
    )
    if last is not None:
        rows = rows.filter(Q(deadline__gt=last) | Q(deadline=last, pk__gt=after), deadline__gte=last)
    return rows.select_related("terms", "client", "contract", "stage")


def open_request_figures() -> dict[str, dict[str, int]]:
    """Count the open applications and sum what is expected to be given back, by currency. One query."""
    rows = RefundRequest.objects.filter(state__in=REQUEST_OPEN).order_by()
    found = rows.values("currency").annotate(count=Count("pk"), expected=Sum("expected_minor"))
    return {
        row["currency"]: {"count": row["count"], "expected": int(row["expected"])}
        for row in found.order_by("currency")
    }


def answer_figures(now: datetime) -> dict[str, Any]:
    """
    Count the answers of the last months, the present one included. Four queries.

    `outcomes` holds [main reason, outcome, count], `reasons` [reason, month, refunds], `times`
    [month, answers, median in seconds, 95th percentile in seconds]; months are their first days.
    """
    period = months_until(now, MONTHS_SHOWN)
    rows = answered_in(SYSTEM, period)
    return {
        "first": period.first.isoformat(),
        "last": period.last.isoformat(),
        "outcomes": [[*names, many] for names, many in counts_by(rows, "main_reason", "outcome")],
        "reasons": [
            [*names, many] for names, many in counts_by(rows.filter(state="approved"), "reason", "month")
        ],
        "times": [
            [str(one.month), one.answered, int(one.median.total_seconds()), int(one.most.total_seconds())]
            for one in answer_times(rows, by_month=True)
        ],
    }
