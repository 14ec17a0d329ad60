"""
Reports: the answers of a period, counted and summed by what they were about, and how long they took.

Each question is one query over the applications that were answered in the period (index by answer time).
Days and months are those of the company's zone.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db.models import (
    Count,
    DateField,
    DurationField,
    ExpressionWrapper,
    F,
    Q,
    QuerySet,
    Sum,
    Value,
    Window,
)
from django.db.models.functions import RowNumber, TruncMonth

from accounts.principals import Principal
from kernel.days import first_instant_of_day, local_date, zone_of
from kernel.money import Money
from refunds.models import RefundRequest
from refunds.policy.codes import CLAUSE_OF_REASON, Reason
from refunds.selectors.access import requests_of
from refunds.states import REQUEST_DECIDED

ROWS_MAX: Final = 500
"""More rows no report shows."""

REASONS_OF_CLAUSE: Final[Mapping[str, tuple[str, ...]]] = {
    clause: tuple(str(reason) for reason in Reason if CLAUSE_OF_REASON[reason] == clause)
    for clause in sorted(set(CLAUSE_OF_REASON.values()))
}
"""The reasons behind which each clause of the policy stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Days of the company's zone, the last one included; as instants until, and not including, `until`."""

    first: date
    last: date

    @property
    def since(self) -> datetime:
        return first_instant_of_day(self.first, _zone())

    @property
    def until(self) -> datetime:
        return first_instant_of_day(self.last + timedelta(days=1), _zone())


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRow:
    """
    What was answered about one thing in one currency: how often, how often with a refund, how much in all.

    `key` is a code, an id as text or a day; `name` what people call it where the database knows.
    """

    key: str
    name: str
    answered: int
    refunded: int
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerTimes:
    """How long answers took from receipt, by nearest rank; `month` is its first day, None for all."""

    month: date | None
    answered: int
    median: timedelta
    most: timedelta
    """The 95th percentile."""


def months_until(now: datetime, many: int) -> Period:
    """Give the last so many months, the one of `now` included."""
    last = local_date(now, _zone())
    months = last.year * 12 + last.month - many
    return Period(first=date(months // 12, months % 12 + 1, 1), last=last)


def month_of(first: date) -> Period:
    """Give the month that begins on a day."""
    following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return Period(first=first, last=following - timedelta(days=1))


def answered_in(principal: Principal, period: Period) -> QuerySet[RefundRequest]:
    """Give the applications that were answered in a period, as far as this principal sees them."""
    return requests_of(principal).filter(
        state__in=REQUEST_DECIDED, decided_at__gte=period.since, decided_at__lt=period.until
    )


def report_by(rows: QuerySet[RefundRequest], dimension: str) -> list[ReportRow]:
    """
    Count and sum answered applications by one of `DIMENSIONS`. One query.

    The most frequent come first, months in their order; what goes beyond `ROWS_MAX` is left out.
    """
    key, name = DIMENSIONS[dimension]()
    order = ["key", "currency"] if dimension == "month" else ["-answered", "key", "currency"]
    found = (
        rows.order_by()
        .annotate(key=key, name=name)
        .values("key", "name", "currency")
        .annotate(
            answered=Count("pk"),
            refunded=Count("pk", filter=_YES),
            minor=Sum("expected_minor", filter=_YES),
        )
        .order_by(*order)[:ROWS_MAX]
    )
    return [
        ReportRow(
            key="" if row["key"] is None else str(row["key"]),
            name=str(row["name"] or ""),
            answered=row["answered"],
            refunded=row["refunded"],
            amount=Money(int(row["minor"] or 0), row["currency"]),
        )
        for row in found
    ]


def by_clause(rows: QuerySet[RefundRequest]) -> list[ReportRow]:
    """Count and sum answered applications by the clause behind their first reason. One query."""
    sums: dict[tuple[str, str], list[int]] = {}
    for row in report_by(rows, "main_reason"):
        clause = CLAUSE_OF_REASON[Reason(row.key)] if row.key in set(Reason) else ""
        found = sums.setdefault((clause, row.amount.currency), [0, 0, 0])
        for place, more in enumerate((row.answered, row.refunded, row.amount.minor)):
            found[place] += more
    return [
        ReportRow(key=clause, name="", answered=many, refunded=yes, amount=Money(minor, currency))
        for (clause, currency), (many, yes, minor) in sorted(sums.items())
    ]


def counts_by(rows: QuerySet[RefundRequest], *columns: str) -> Iterator[tuple[tuple[str, ...], int]]:
    """Count applications by columns of theirs (`month` among them). One query."""
    annotated = rows.order_by().annotate(month=_month()) if "month" in columns else rows.order_by()
    for row in annotated.values(*columns).annotate(many=Count("pk")).order_by(*columns):
        yield tuple(str(row[column]) for column in columns), row["many"]


def answer_times(rows: QuerySet[RefundRequest], *, by_month: bool = False) -> list[AnswerTimes]:
    """Measure how long answers took: median and 95th percentile, by nearest rank. Two queries."""
    ranked = _ranked(rows, by_month)
    halves, mosts = _at_percent(ranked, 50), _at_percent(ranked, 95)
    return [
        AnswerTimes(month=month, answered=many, median=took, most=mosts[month][1])
        for month, (many, took) in sorted(halves.items(), key=lambda one: one[0] or date.min)
    ]


def _ranked(rows: QuerySet[RefundRequest], by_month: bool) -> QuerySet[Any]:
    """Give each application its place by the time its answer took, within its month or in all."""
    month: Any = _month() if by_month else Value(None, output_field=DateField())
    took = ExpressionWrapper(F("decided_at") - F("submitted_at"), output_field=DurationField())
    parts = [F("month")] if by_month else None
    return (
        rows.order_by()
        .annotate(month=month, took=took)
        .annotate(
            place=Window(RowNumber(), partition_by=parts, order_by=[F("took"), F("pk")]),
            many=Window(Count("pk"), partition_by=parts),
        )
    )


def _at_percent(ranked: QuerySet[Any], percent: int) -> dict[date | None, tuple[int, timedelta]]:
    """Give the value whose place is the least that is not below so many per cent of all."""
    found = ranked.annotate(share=F("place") * 100 - F("many") * percent).filter(share__gte=0, share__lt=100)
    return {row["month"]: (row["many"], row["took"]) for row in found.values("month", "many", "took")}


def _zone() -> Any:
    return zone_of(settings.COMPANY_TIME_ZONE)


def _month() -> TruncMonth:
    return TruncMonth("decided_at", output_field=DateField(), tzinfo=_zone())


_YES: Final = Q(state="approved")
_NO_NAME: Final = Value("")

DIMENSIONS: Final[Mapping[str, Callable[[], tuple[Any, Any]]]] = {
    "main_reason": lambda: (F("main_reason"), _NO_NAME),
    "outcome": lambda: (F("outcome"), _NO_NAME),
    "reason": lambda: (F("reason"), _NO_NAME),
    "stage": lambda: (F("payment__stage__code"), _NO_NAME),
    "reviewer": lambda: (F("reviewer_id"), F("reviewer__name")),
    "month": lambda: (_month(), _NO_NAME),
}
"""What a report counts by: the column of its key, and of its name."""
