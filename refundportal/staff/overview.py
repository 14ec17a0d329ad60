"""The charts of the first page, drawn from what a snapshot says about the answers of a year."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from refundportal.staff.answers import period_text
from refundportal.staff.charts import (
    Chart,
    Series,
    days_words,
    month_grid,
    months_between,
    stacked_bars,
    time_ranges,
)
from refunds.models import ReasonGiven
from refunds.policy.codes import CLAUSE_OF_REASON, Reason
from refunds.selectors.reports import REASONS_OF_CLAUSE, Period, month_of
from refunds.wording import outcome_words

OUTCOMES: Final = (
    ("refund_in_full", "chart-1"),
    ("refund_in_part", "chart-2"),
    ("no_refund", "chart-3"),
    ("inadmissible", "chart-4"),
)
CLAUSES: Final = {
    "P1": gettext_lazy("contract"),
    "P2": gettext_lazy("good work"),
    "P3": gettext_lazy("use"),
    "P4": gettext_lazy("application"),
    "P5": gettext_lazy("window"),
    "P6": gettext_lazy("consistency"),
}
"""What each clause is about, in a word."""

REASONS: Final = {
    ReasonGiven.NOT_DELIVERED: gettext_lazy("not delivered"),
    ReasonGiven.NOT_AS_AGREED: gettext_lazy("not as agreed"),
    ReasonGiven.DEFECTS: gettext_lazy("defects"),
    ReasonGiven.TOO_LATE: gettext_lazy("too late"),
    ReasonGiven.NO_LONGER_NEEDED: gettext_lazy("not needed any more"),
    ReasonGiven.OTHER: gettext_lazy("something else"),
}


def charts_of(answers: Mapping[str, Any]) -> Iterator[Chart]:
    """Draw what a snapshot says about answers (see `answer_figures`)."""
    period = Period(first=date.fromisoformat(answers["first"]), last=date.fromisoformat(answers["last"]))
    yield _outcomes(answers, period)
    yield _times(answers, period)
    yield _reasons(answers, period)


def _outcomes(answers: Mapping[str, Any], period: Period) -> Chart:
    counts: Counter[tuple[str, str]] = Counter()
    for main_reason, outcome, many in answers["outcomes"]:
        counts[(_clause(main_reason), outcome)] += many
    found = {clause for clause, _outcome in counts}
    total = counts.total()
    return stacked_bars(
        name="outcomes",
        title=_("Answers by clause and outcome"),
        summary=ngettext("%(n)s answer in twelve months.", "%(n)s answers in twelve months.", total)
        % {"n": total},
        heads=[(clause, f"{clause} {CLAUSES[clause]}") for clause in REASONS_OF_CLAUSE if clause in found],
        series=[Series(key=code, words=outcome_words(code), kind=kind) for code, kind in OUTCOMES],
        counts=counts,
        urls={key: _url(answered=period_text(period), clause=key[0], outcome=key[1]) for key in counts},
    )


def _clause(main_reason: str) -> str:
    return CLAUSE_OF_REASON[Reason(main_reason)]


def _times(answers: Mapping[str, Any], period: Period) -> Chart:
    times = {month: (many, median, most) for month, many, median, most in answers["times"]}
    last = answers["times"][-1] if answers["times"] else None
    summary = (
        _("No answer in twelve months.")
        if last is None
        else _("Last month: median %(median)s, 95th percentile %(most)s.")
        % {"median": days_words(last[2]), "most": days_words(last[3])}
    )
    return time_ranges(
        name="times",
        title=_("Time to answer"),
        summary=summary,
        months=months_between(period.first, period.last),
        times=times,
        urls={month: _url(answered=period_text(month_of(date.fromisoformat(month)))) for month in times},
    )


def _reasons(answers: Mapping[str, Any], period: Period) -> Chart:
    counts = {(reason, month): many for reason, month, many in answers["reasons"]}
    total = sum(counts.values())
    return month_grid(
        name="reasons",
        title=_("Refunds by reason and month"),
        summary=ngettext("%(n)s refund in twelve months.", "%(n)s refunds in twelve months.", total)
        % {"n": total},
        heads=[(reason.value, str(words)) for reason, words in REASONS.items()],
        months=months_between(period.first, period.last),
        counts=counts,
        urls={
            (reason, month): _url(
                answered=period_text(month_of(date.fromisoformat(month))),
                state__exact="approved",
                reason__exact=reason,
            )
            for reason, month in counts
        },
    )


def _url(**filters: str) -> str:
    return f"{reverse('admin:refunds_refundrequest_changelist')}?{urlencode(filters)}"
