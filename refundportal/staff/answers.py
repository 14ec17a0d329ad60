"""Filters of the queue by what was answered: the lists that charts and reports count."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from django.conf import settings
from django.contrib import admin
from django.db.models import (
    BigIntegerField,
    BooleanField,
    Case,
    ExpressionWrapper,
    F,
    Q,
    QuerySet,
    Value,
    When,
)
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from kernel.currencies import CURRENCY_DIGITS
from kernel.days import OutsideCalendar, local_date, zone_of
from kernel.money import Money
from refundportal.staff.charts import month_words, months_between
from refundportal.staff.visits import visit_of
from refunds.models import RefundRequest
from refunds.selectors.reports import REASONS_OF_CLAUSE, Period, month_of, months_until
from refunds.statement import foot_words, is_decided
from refunds.states import REQUEST_DECIDED
from refunds.wording import OUTCOMES, outcome_words

MONTHS_OFFERED: Final = 6
WORTHS: Final = (("below-1000", 0, 1_000), ("1000-10000", 1_000, 10_000), ("10000", 10_000, None))
"""The bands by which the queue is counted, in whole units of the currency: name, from, below."""


def worth_words(name: str) -> str:
    """Say one of the bands in words."""
    words: Mapping[str, str] = {
        "below-1000": gettext("below 1,000"),
        "1000-10000": gettext("from 1,000"),
        "10000": gettext("from 10,000"),
    }
    return words[name]


def with_units(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Add what a whole unit is in minor ones, by the currency: a hundred for most."""
    codes = {
        digits: [code for code, one in CURRENCY_DIGITS.items() if one == digits]
        for digits in sorted(set(CURRENCY_DIGITS.values()) - {2})
    }
    cases = [When(currency__in=found, then=Value(10**digits)) for digits, found in codes.items()]
    return rows.annotate(unit=Case(*cases, default=Value(100), output_field=BigIntegerField()))


def worth_condition(first: int, below: int | None) -> dict[str, Any]:
    """Give the condition of a band, on rows `with_units`."""
    condition: dict[str, Any] = {"expected_minor__gte": F("unit") * first}
    return condition if below is None else {**condition, "expected_minor__lt": F("unit") * below}


@dataclass(frozen=True, slots=True)
class Foot:
    """What an application comes to; `proviso` says how far that is not decided yet."""

    outcome_words: str
    total: Money
    proviso: str


def with_feet(rows: QuerySet[RefundRequest]) -> QuerySet[RefundRequest]:
    """Read applications for a list: what `foot_of` asks for, and none of their long texts and answers."""
    at_most = ExpressionWrapper(Q(answer__has_key="refund_at_most"), output_field=BooleanField())
    return rows.annotate(is_at_most=at_most).defer("statement", "objections", "receipt_answer", "answer")


def foot_of(row: RefundRequest) -> Foot:
    """Say what an answer comes to, of a row `with_feet`."""
    is_at_most: bool = row.is_at_most  # type: ignore[attr-defined]
    proviso = "" if is_decided(row.outcome) else foot_words(row.outcome, is_at_most=is_at_most)
    return Foot(outcome_words(row.outcome), Money(row.expected_minor, row.currency), proviso)


class Worth(admin.SimpleListFilter):
    """What an application is expected to give back, in whole units of its currency."""

    title = _("Refund so far")
    parameter_name = "worth"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(name, worth_words(name)) for name, _from, _below in WORTHS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        for name, first, below in WORTHS:
            if name == self.value():
                return with_units(queryset).filter(**worth_condition(first, below))
        return queryset


class Outcome(admin.SimpleListFilter):
    """What the policy answers, as things are."""

    title = _("Answer")
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(OUTCOMES.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(outcome=self.value()) if self.value() else queryset


class Clause(admin.SimpleListFilter):
    """The clause of the policy behind the first reason of the answer."""

    title = _("Clause")
    parameter_name = "clause"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(clause, clause) for clause in REASONS_OF_CLAUSE]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        reasons = REASONS_OF_CLAUSE.get(self.value() or "")
        return queryset if reasons is None else queryset.filter(main_reason__in=reasons)


class Within(admin.SimpleListFilter):
    """Some days of the company's zone, the first and the last included: `2026-05-01..2026-05-31`."""

    field = ""
    has_days = True

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        now = visit_of(request).now
        period = months_until(now, MONTHS_OFFERED)
        months = reversed(months_between(period.first, period.last))
        offered = [(period_text(month_of(month)), month_words(month)) for month in months]
        if not self.has_days:
            return offered
        today = local_date(now, zone_of(settings.COMPANY_TIME_ZONE))
        days = ((gettext("today"), 0, 0), (gettext("yesterday"), 1, 1), (gettext("the last 7 days"), 6, 0))
        return [*((period_text(_days_ago(today, *of)), words) for words, *of in days), *offered]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        period = read_period(str(self.value()))
        if period is None:
            return queryset.none()
        return queryset.filter(**{f"{self.field}__gte": period.since, f"{self.field}__lt": period.until})


def _days_ago(today: date, first: int, last: int) -> Period:
    return Period(first=today - timedelta(days=first), last=today - timedelta(days=last))


class Answered(Within):
    """Answered within some days."""

    title = _("Answered in")
    parameter_name = "answered"
    field = "decided_at"
    has_days = False

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        rows = super().queryset(request, queryset)
        return rows.filter(state__in=REQUEST_DECIDED) if self.value() else rows


class Received(Within):
    """Received within some days."""

    title = _("Received in")
    parameter_name = "received"
    field = "submitted_at"


class Arrived(Within):
    """Money that arrived within some days."""

    title = _("Arrived in")
    parameter_name = "arrived"
    field = "captured_at"


def period_text(period: Period) -> str:
    """Write a period as it stands in an address."""
    return f"{period.first.isoformat()}..{period.last.isoformat()}"


def read_period(text: str) -> Period | None:
    """Read a period as it stands in an address; None if it is none."""
    first, _between, last = text.partition("..")
    try:
        period = Period(first=date.fromisoformat(first), last=date.fromisoformat(last))
        return period if period.since < period.until and period.last + timedelta(days=1) else None
    except (ValueError, OverflowError, OutsideCalendar):
        return None
