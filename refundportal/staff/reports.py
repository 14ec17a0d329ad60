"""Reports: what was answered in a period, by what it was about, how long it took, and how consistently."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from refundportal.staff.answers import period_text, read_period
from refundportal.staff.charts import days_words, month_words
from refundportal.staff.overview import CLAUSES
from refundportal.staff.trial_forms import PeriodForm
from refundportal.staff.visits import Visit, may_read, visit_of
from refundportal.web.tables import csv_file
from refunds.models import ReasonGiven
from refunds.selectors.reports import (
    AnswerTimes,
    Period,
    ReportRow,
    answer_times,
    answered_in,
    by_clause,
    month_of,
    months_until,
    report_by,
)
from refunds.selectors.trials import last_replay
from refunds.wording import outcome_words

MONTHS_PROPOSED: Final = 3
TITLES: Final[Mapping[str, Any]] = {
    "clause": gettext_lazy("By clause"),
    "outcome": gettext_lazy("By outcome"),
    "reason": gettext_lazy("By reason"),
    "stage": gettext_lazy("By stage"),
    "reviewer": gettext_lazy("By reviewer"),
    "month": gettext_lazy("By month"),
}
HEAD: Final = ("by", "key", "name", "answered", "refunded", "amount", "currency")
TIMES_HEAD: Final = ("month", "answered", "median_seconds", "p95_seconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of a report, with the lists that its figures count."""

    row: ReportRow
    words: str
    answered_url: str
    refunded_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One table: the answers of the period by one thing."""

    by: str
    title: str
    lines: tuple[Line, ...]
    csv_url: str


def reports_view(request: HttpRequest) -> HttpResponse:
    """Show the reports of a period."""
    visit = _visit(request)
    period, form = _period(visit, request)
    rows = answered_in(visit.principal, period)
    times = answer_times(rows, by_month=True)
    context = {
        **_site_context(request),
        "title": _("Reports"),
        "form": form,
        "reports": [_report(by, rows, period) for by in TITLES],
        "all_times": next(iter(_time_lines(answer_times(rows), period)), None),
        "times": list(_time_lines(times, period)),
        "times_url": _csv_url("times", period),
        "replay": last_replay(visit.principal),
    }
    return TemplateResponse(request, "staff/reports.html", context, status=422 if form.errors else 200)


def report_csv_view(request: HttpRequest, by: str) -> HttpResponseBase:
    """Give one report of a period as a file."""
    visit = _visit(request)
    period, form = _period(visit, request)
    if form.errors or by not in {*TITLES, "times"}:
        raise Http404
    rows = answered_in(visit.principal, period)
    name = f"refunds-by-{by}-{period.first.isoformat()}-{period.last.isoformat()}.csv"
    if by == "times":
        found = answer_times(rows, by_month=True)
        return csv_file(name.replace("by-", ""), TIMES_HEAD, (_times_row(one) for one in found))
    return csv_file(
        name,
        HEAD,
        (
            (by, one.key, one.name, one.answered, one.refunded, one.amount.text, one.amount.currency)
            for one in _rows(by, rows)
        ),
    )


def _visit(request: HttpRequest) -> Visit:
    """
    :raises PermissionDenied: the person may not read, or does not read
    """
    if request.method not in ("GET", "HEAD") or not may_read(request):
        raise PermissionDenied
    return visit_of(request)


def _site_context(request: HttpRequest) -> dict[str, Any]:
    from refundportal.staff.site import site

    request.current_app = site.name  # type: ignore[attr-defined]
    return site.each_context(request)


def _period(visit: Visit, request: HttpRequest) -> tuple[Period, PeriodForm]:
    """Read the period that is asked for; without one, or with one that is none, the last months."""
    usual = months_until(visit.now, MONTHS_PROPOSED)
    if "first" not in request.GET and "last" not in request.GET:
        return usual, PeriodForm(initial={"first": usual.first, "last": usual.last})
    form = PeriodForm(request.GET)
    if not form.is_valid():
        return usual, form
    period = read_period(f"{form.cleaned_data['first']}..{form.cleaned_data['last']}")
    if period is None:
        form.add_error("last", _("There is no such period."))
        return usual, form
    return period, form


def _rows(by: str, rows: Any) -> list[ReportRow]:
    return by_clause(rows) if by == "clause" else report_by(rows, by)


def _report(by: str, rows: Any, period: Period) -> Report:
    return Report(
        by=by,
        title=str(TITLES[by]),
        lines=tuple(_line(by, row, period) for row in _rows(by, rows)),
        csv_url=_csv_url(by, period),
    )


def _line(by: str, row: ReportRow, period: Period) -> Line:
    filters = {"answered": period_text(period), "currency": row.amount.currency, **_FILTERS[by](row, period)}
    return Line(
        row=row,
        words=_WORDS[by](row),
        answered_url=_list_url(filters),
        refunded_url=_list_url({**filters, "state__exact": "approved"}),
    )


def _clipped(row: ReportRow, period: Period) -> str:
    month = month_of(date.fromisoformat(row.key))
    return period_text(Period(first=max(month.first, period.first), last=min(month.last, period.last)))


def _by_reviewer(row: ReportRow, period: Period) -> dict[str, str]:
    return {"reviewer__id__exact": row.key} if row.key else {"reviewer__isnull": "True"}


_WORDS: Final[Mapping[str, Callable[[ReportRow], str]]] = {
    "clause": lambda row: f"{row.key} {CLAUSES.get(row.key, '')}",
    "outcome": lambda row: outcome_words(row.key),
    "reason": lambda row: str(ReasonGiven(row.key).label) if row.key in ReasonGiven.values else row.key,
    "stage": lambda row: row.key,
    "reviewer": lambda row: row.name or _("nobody: answered by the policy at once"),
    "month": lambda row: month_words(date.fromisoformat(row.key)),
}
_FILTERS: Final[Mapping[str, Callable[[ReportRow, Period], dict[str, str]]]] = {
    "clause": lambda row, period: {"clause": row.key},
    "outcome": lambda row, period: {"outcome": row.key},
    "reason": lambda row, period: {"reason__exact": row.key},
    "stage": lambda row, period: {"payment__stage__code": row.key},
    "reviewer": _by_reviewer,
    "month": lambda row, period: {"answered": _clipped(row, period)},
}


def _time_lines(times: list[AnswerTimes], period: Period) -> Iterator[tuple[str, int, str, str, str]]:
    """Say times: the month, how many answers, median and 95th percentile, and the list that is counted."""
    for one in times:
        if one.month is None:
            words, url = _("All"), _list_url({"answered": period_text(period)})
        else:
            month = month_of(one.month)
            part = Period(first=max(month.first, period.first), last=min(month.last, period.last))
            words, url = month_words(one.month), _list_url({"answered": period_text(part)})
        median, most = (days_words(int(value.total_seconds())) for value in (one.median, one.most))
        yield words, one.answered, median, most, url


def _times_row(one: AnswerTimes) -> tuple[Any, ...]:
    median, most = (int(value.total_seconds()) for value in (one.median, one.most))
    return "" if one.month is None else one.month.isoformat(), one.answered, median, most


def _list_url(filters: Mapping[str, str]) -> str:
    return f"{reverse('admin:refunds_refundrequest_changelist')}?{urlencode(filters)}"


def _csv_url(by: str, period: Period) -> str:
    query = urlencode({"first": period.first.isoformat(), "last": period.last.isoformat()})
    return f"{reverse('admin:report-csv', args=[by])}?{query}"
