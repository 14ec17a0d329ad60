"""The books for Finance and Auditors: accounts in sums, day by day, movement by movement, and in files."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from kernel.errors import NotFoundOrHidden
from payments.account_book import account_page
from payments.books import ENTRY_HEAD, DaySum, account_sums, day_sums, entries, entry_row
from refundportal.staff.answers import read_period
from refundportal.staff.trial_forms import PeriodForm
from refundportal.staff.visits import Visit, may_read_books, visit_of
from refundportal.web.tables import csv_file
from refunds.selectors.reports import Period, months_until

DAYS_SHOWN_MAX: Final = 500
DAY_HEAD: Final = ("local_date", "account", "debits", "credits", "closing", "currency")
NUMBER_DIGITS_MAX: Final = 18
CAUSES: Final = {
    "capture": gettext_noop("a client's money arrived"),
    "chargeback": gettext_noop("the client's bank took it back"),
    "reserve": gettext_noop("a refund or a credit was approved"),
    "release": gettext_noop("its payout was cancelled before it was sent"),
    "payout": gettext_noop("the money left"),
    "return": gettext_noop("it came back and is owed again"),
    "fee": gettext_noop("a bank kept a part of what came back"),
    "credit": gettext_noop("the credit was given to the other stage"),
}
"""What moved money, in words, by the word before the colon of a transfer's key."""


def ledger_view(request: HttpRequest) -> HttpResponse:
    """Show the accounts of a period and their days."""
    from refundportal.staff.site import site

    visit = _visit(request)
    period, form = _period(visit, request)
    given: dict[str, Any] = {"since": period.since, "until": period.until}
    days = list(islice(day_sums(visit.principal, **given), DAYS_SHOWN_MAX + 1))
    request.current_app = site.name  # type: ignore[attr-defined]
    context = {
        **site.each_context(request),
        "title": _("The books"),
        "form": form,
        "accounts": account_sums(visit.principal, **given),
        "days": days[:DAYS_SHOWN_MAX],
        "has_more_days": len(days) > DAYS_SHOWN_MAX,
        "entries_url": _csv_url("entries", period),
        "days_url": _csv_url("days", period),
        "period_query": _query(period),
    }
    return TemplateResponse(request, "staff/ledger.html", context, status=422 if form.errors else 200)


def ledger_account_view(request: HttpRequest, code: str) -> HttpResponse:
    """Show one account over a period: every movement with the balance that it leaves, page by page."""
    from refundportal.staff.site import site

    visit = _visit(request)
    period, form = _period(visit, request)
    first = None if form.errors else _first_number(request)
    try:
        page = account_page(visit.principal, code=code, since=period.since, until=period.until, first=first)
    except NotFoundOrHidden as missing:
        raise Http404 from missing
    request.current_app = site.name  # type: ignore[attr-defined]
    context = {
        **site.each_context(request),
        "title": page.sums.account,
        "form": form,
        "page": page,
        "movements": [(one, _(CAUSES.get(one.cause, one.cause))) for one in page.movements],
        "is_further": first is not None,
        "books_url": f"{reverse('admin:ledger')}?{_query(period)}",
        "page_url": f"?{_query(period)}",
    }
    return TemplateResponse(request, "staff/ledger_account.html", context, status=422 if form.errors else 200)


def _first_number(request: HttpRequest) -> int | None:
    """
    Read with which movement a page begins.

    :raises Http404: no number
    """
    text = request.GET.get("from", "")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= NUMBER_DIGITS_MAX):
        raise Http404
    return int(text)


def ledger_csv_view(request: HttpRequest, what: str) -> HttpResponseBase:
    """Give the movements, or the days, of a period as a file."""
    visit = _visit(request)
    period, form = _period(visit, request)
    if form.errors or what not in ("entries", "days"):
        raise Http404
    given: dict[str, Any] = {"since": period.since, "until": period.until}
    name = f"ledger-{what}-{period.first.isoformat()}-{period.last.isoformat()}.csv"
    if what == "days":
        return csv_file(name, DAY_HEAD, _day_rows(day_sums(visit.principal, **given)))
    return csv_file(name, ENTRY_HEAD, map(entry_row, entries(visit.principal, **given)))


def _day_rows(found: Iterator[DaySum]) -> Iterator[tuple[Any, ...]]:
    for one in found:
        amounts = (one.debits.text, one.credits.text, one.closing.text)
        yield one.day.isoformat(), one.account, *amounts, one.closing.currency


def _visit(request: HttpRequest) -> Visit:
    """
    :raises PermissionDenied: neither Finance nor an Auditor, or somebody who does not read
    """
    if request.method not in ("GET", "HEAD") or not may_read_books(request):
        raise PermissionDenied
    return visit_of(request)


def _period(visit: Visit, request: HttpRequest) -> tuple[Period, PeriodForm]:
    """Read the period that is asked for; without one, or with one that is none, this month."""
    usual = months_until(visit.now, 1)
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


def _csv_url(what: str, period: Period) -> str:
    return f"{reverse('admin:ledger-csv', args=[what])}?{_query(period)}"


def _query(period: Period) -> str:
    return urlencode({"first": period.first.isoformat(), "last": period.last.isoformat()})
