"""The first page in the morning: what is due, waits or is in doubt. Every figure leads to its list."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from kernel.days import local_date, zone_of
from kernel.money import Money
from payments.models import LineState, Payment, PaymentStatus
from payments.selectors import bank_files_of, breaks_of, lines_of, payments_of, payouts_of
from refundportal.staff.answers import (
    WORTHS,
    foot_of,
    with_feet,
    with_units,
    worth_condition,
    worth_words,
)
from refundportal.staff.charts import Chart
from refundportal.staff.overview import charts_of
from refundportal.staff.payouts import to_look_after
from refundportal.staff.requests import AGES, STATES, age_words
from refundportal.staff.visits import Visit, visit_of
from refunds.models import EnquiryState, RefundRequest
from refunds.selectors import enquiries_of, requests_of
from refunds.selectors.snapshots import last_snapshot
from refunds.states import REQUEST_OPEN

NEXT_SHOWN = 10
CLOSING_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Figure:
    """One number and the list that it counts; `kind` is warn or stop where somebody has to act."""

    words: str
    count: int
    url: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One application of the queue; `proviso` says how far what is expected is not decided yet."""

    row: RefundRequest
    state: Sequence[Any]
    expected: Money
    proviso: str
    is_late: bool


@dataclass(frozen=True, slots=True)
class Risk:
    """Money at risk in one currency: what open windows and open applications could take back."""

    currency: str
    windows: Figure
    refundable: Money
    requests: Figure
    expected: Money

    @property
    def total(self) -> Money:
        return self.refundable + self.expected


@dataclass(frozen=True, slots=True)
class Dashboard:
    """The figures of today, the next applications of the queue, and the windows that close next."""

    figures: tuple[Figure, ...]
    worths: tuple[str, ...]
    ages: tuple[tuple[Figure, tuple[Figure, ...]], ...]
    """Each age with its parts by what is expected to be given back."""

    queue: tuple[Waiting, ...]
    closing: tuple[tuple[Payment, Money], ...]
    as_of: datetime | None
    risks: tuple[Risk, ...]
    charts: tuple[Chart, ...]


def dashboard_of(request: HttpRequest) -> Dashboard:
    """Gather the first page. Ten queries, whatever there is."""
    visit = visit_of(request)
    today = local_date(visit.now, zone_of(settings.COMPANY_TIME_ZONE))
    open_rows = requests_of(visit.principal).filter(state__in=REQUEST_OPEN)
    counted = _count(open_rows, visit, today)
    closing = _closing(visit)
    rows = with_feet(open_rows).select_related("client", "reviewer").order_by("answer_due_on", "id")
    snapshot = last_snapshot()
    figures = {} if snapshot is None else snapshot.figures
    return Dashboard(
        figures=(*_case_figures(counted), *_other_figures(visit, closing), *_bank_figures(visit)),
        worths=tuple(worth_words(worth) for worth, _from, _below in WORTHS),
        ages=tuple(_by_age(name, counted) for name, _from, _below in AGES),
        queue=tuple(_waiting(row, today) for row in rows[:NEXT_SHOWN]),
        closing=tuple(
            (row, Money(row.amount_minor, row.currency))
            for row in closing.select_related("client", "terms").order_by("deadline")[:CLOSING_SHOWN]
        ),
        as_of=None if snapshot is None else snapshot.as_of,
        risks=tuple(_risks(figures)),
        charts=tuple(charts_of(figures["answers"])) if figures else (),
    )


def _by_age(age: str, counted: Mapping[str, int]) -> tuple[Figure, tuple[Figure, ...]]:
    return (
        Figure(age_words(age), counted[f"age_{age}"], _url("refunds_refundrequest", age=age)),
        tuple(
            Figure(
                worth_words(worth),
                counted[f"age_{age}_worth_{worth}"],
                _url("refunds_refundrequest", age=age, worth=worth),
            )
            for worth, _from, _below in WORTHS
        ),
    )


def _risks(figures: Mapping[str, Any]) -> Iterator[Risk]:
    """Put together what a snapshot says about money at risk, currency by currency."""
    windows, requests = figures.get("windows", {}), figures.get("requests", {})
    for currency in sorted({*windows, *requests}):
        window = windows.get(currency, {"count": 0, "refund": 0})
        waiting = requests.get(currency, {"count": 0, "expected": 0})
        yield Risk(
            currency=currency,
            windows=Figure(
                _("open windows"), window["count"], _url("payments_payment", window="open", currency=currency)
            ),
            refundable=Money(window["refund"], currency),
            requests=Figure(
                _("open applications"), waiting["count"], _url("refunds_refundrequest", currency=currency)
            ),
            expected=Money(waiting["expected"], currency),
        )


def _count(rows: QuerySet[RefundRequest], visit: Visit, today: Any) -> Mapping[str, int]:
    """Count the open applications in every way at once."""
    ages = {
        name: Q(submitted_at__lte=visit.now - timedelta(days=first))
        & (Q() if below is None else Q(submitted_at__gt=visit.now - timedelta(days=below)))
        for name, first, below in AGES
    }
    both = {
        f"age_{age}_worth_{worth}": Count("pk", filter=is_as_old & Q(**worth_condition(first, below)))
        for age, is_as_old in ages.items()
        for worth, first, below in WORTHS
    }
    counts: Mapping[str, int] = with_units(rows).aggregate(
        overdue=Count("pk", filter=Q(answer_due_on__lt=today)),
        today=Count("pk", filter=Q(answer_due_on=today)),
        new=Count("pk", filter=Q(state="submitted")),
        second=Count("pk", filter=Q(state="proposed")),
        mine=Count("pk", filter=Q(reviewer=visit.user.pk)),
        **{f"age_{name}": Count("pk", filter=is_as_old) for name, is_as_old in ages.items()},
        **both,
    )
    return counts


def _case_figures(counted: Mapping[str, int]) -> tuple[Figure, ...]:
    words = (
        ("overdue", _("overdue"), "stop"),
        ("today", _("due today"), "warn"),
        ("new", _("new applications"), ""),
        ("second", _("wait for the second person"), ""),
        ("mine", _("in your hands"), ""),
    )
    return tuple(
        Figure(
            said, counted[name], _url("refunds_refundrequest", standing=name), kind if counted[name] else ""
        )
        for name, said, kind in words
    )


def _other_figures(visit: Visit, closing: QuerySet[Payment]) -> tuple[Figure, ...]:
    doubts = to_look_after(payouts_of(visit.principal)).count()
    questions = enquiries_of(visit.principal).filter(state=EnquiryState.OPEN).count()
    return (
        Figure(
            _("windows close within 24 hours"), closing.count(), _url("payments_payment", window="closing")
        ),
        Figure(
            _("payouts to look after"),
            doubts,
            _url("payments_payout", standing="doubt"),
            "stop" if doubts else "",
        ),
        Figure(_("open questions"), questions, _url("refunds_enquiry", state__exact="open")),
    )


def _bank_figures(visit: Visit) -> tuple[Figure, ...]:
    """Count what Finance has to finish with the bank. Three queries."""
    who = visit.principal
    files = bank_files_of(who).filter(confirmed_at=None, discarded_at=None).count()
    lines = lines_of(who).filter(state=LineState.OPEN).count()
    breaks = breaks_of(who).filter(resolved_at=None).count()
    return tuple(
        Figure(words, count, _url(name, standing="open"), "warn" if count else "")
        for words, count, name in (
            (_("bank files to be confirmed"), files, "payments_bankfile"),
            (_("statement lines without a match"), lines, "payments_statementline"),
            (_("differences from other books"), breaks, "payments_break"),
        )
    )


def _closing(visit: Visit) -> QuerySet[Payment]:
    return payments_of(visit.principal).filter(
        status=PaymentStatus.CAPTURED, deadline__gt=visit.now, deadline__lte=visit.now + timedelta(days=1)
    )


def _waiting(row: RefundRequest, today: Any) -> Waiting:
    foot = foot_of(row)
    return Waiting(
        row=row,
        state=STATES[row.state],
        expected=foot.total,
        proviso=foot.proviso,
        is_late=row.answer_due_on < today,
    )


def _url(name: str, **filters: str) -> str:
    return f"{reverse(f'admin:{name}_changelist')}?{urlencode(filters)}"
