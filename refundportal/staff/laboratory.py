"""The laboratory: how decisions would have come out under other terms. Nothing is published from here."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from kernel.days import local_date, zone_of
from kernel.errors import DomainError
from kernel.money import Money
from refundportal.bell import ring
from refundportal.staff import shown
from refundportal.staff.acts import (
    STATUS,
    Act,
    ActForm,
    ActingAdmin,
    first_of,
    record_url,
    refusing,
    reviewers_only,
)
from refundportal.staff.site import site
from refundportal.staff.trial_forms import TrialForm
from refundportal.staff.visits import Visit, visit_of
from refundportal.web.tables import csv_file
from refunds.models import Trial, TrialCase
from refunds.selectors.reports import months_until
from refunds.selectors.trials import case_of_trial, cases_of, sums_of, trial_of, trials_of
from refunds.services import cancel_trial, start_trial
from refunds.statement import names_in, statement_of
from refunds.states import TRIAL_OPEN
from refunds.tasks import run_trials
from refunds.wording import RULES, day_words, outcome_words, words_for

STATES = {
    "waiting": ("hourglass", ""),
    "running": ("loader", ""),
    "done": ("check", "good"),
    "cancelled": ("ban", "soft"),
}
CASES_SHOWN = 50
MONTHS_PROPOSED = 3
HEAD = (
    "number",
    "client",
    "decided_at",
    "outcome_before",
    "outcome_after",
    "refund_before",
    "refund_after",
    "difference",
    "currency",
    "changed_findings",
    "fault",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseLine:
    """One decision that would have been another one."""

    case: TrialCase
    number: str
    client: str
    before: str
    after: str
    refund_before: Money
    refund_after: Money
    findings: tuple[str, ...]

    @property
    def difference(self) -> Money:
        return self.refund_after - self.refund_before


class CancelTrial(Act[Trial]):
    name = "cancel"
    title = _("Call the trial off")
    icon = "ban"
    button = _("Call it off")
    explanation = _("What was found so far stays.")

    def why_not(self) -> str:
        ended = refusing(self.row.state not in TRIAL_OPEN, gettext("The trial has ended."))
        return first_of(reviewers_only(self.visit), ended)

    def do(self, form: ActForm) -> str:
        cancel_trial(principal=self.visit.principal, trial_id=self.row.pk, now=self.visit.now)
        return gettext("The trial is called off.")


@admin.register(Trial, site=site)
class TrialAdmin(ActingAdmin):
    """Trials: which terms, which period, how far it came, what would differ."""

    list_display = (
        "asked_shown",
        "about_shown",
        "period_shown",
        "state_shown",
        "done_shown",
        "differing",
        "who_shown",
    )
    list_filter = ("state",)
    list_select_related = ("asked_by",)
    change_list_template = "staff/trials.html"
    page_template = "staff/trial.html"
    is_called_by_name = False
    acts = (CancelTrial,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return trials_of(visit_of(request).principal)

    def read(self, visit: Visit, row_id: UUID) -> Trial:
        return trial_of(visit.principal, row_id)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("new/", wrap(self.new_view), name="refunds_trial_new"),
            path("<uuid:row_id>/csv/", wrap(self.csv_view), name="refunds_trial_csv"),
            path("<uuid:row_id>/case/<int:case_id>/", wrap(self.case_view), name="refunds_trial_case"),
            *super().get_urls(),
        ]

    def page(self, request: HttpRequest, visit: Visit, row: Trial) -> dict[str, Any]:
        after = request.GET.get("after", "")
        place = int(after) if after.isascii() and after.isdecimal() and len(after) < 19 else 0
        found = list(cases_of(row).filter(pk__gt=place)[: CASES_SHOWN + 1])
        return {
            "state_sign": (*STATES[row.state], row.get_state_display()),
            "is_open": row.state in TRIAL_OPEN,
            "period": period_words(row),
            "changes": tuple(change_words(row.changes)),
            "sums": tuple(sums_of(row)),
            "lines": [line_of(case) for case in found[:CASES_SHOWN]],
            "is_further": bool(place),
            "next_after": found[CASES_SHOWN - 1].pk if len(found) > CASES_SHOWN else None,
        }

    def new_view(self, request: HttpRequest) -> HttpResponse:
        """Ask for a trial."""
        if request.method not in ("GET", "HEAD", "POST"):
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        if not self.has_view_permission(request):
            raise PermissionDenied
        visit = visit_of(request)
        status, form = 200, TrialForm(initial=_proposal(visit))
        if request.method == "POST":
            form, status = TrialForm(request.POST), 422
            if form.is_valid():
                trial, status = _start(visit, form)
                if trial is not None:
                    ring(run_trials)
                    return redirect(record_url(trial))
        request.current_app = self.admin_site.name  # type: ignore[attr-defined]
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("New trial"),
            "opts": self.opts,
            "form": form,
            "why_not": reviewers_only(visit),
        }
        return TemplateResponse(request, "staff/trial_new.html", context, status=status)

    def case_view(self, request: HttpRequest, row_id: UUID, case_id: int) -> HttpResponse:
        """Show one decision and what it would have been, side by side."""
        trial = self._trial(request, row_id)
        try:
            case = case_of_trial(trial, case_id)
        except DomainError as missing:
            raise Http404 from missing
        names = names_in(case.decision.request.contract)
        context = {
            **self._frame(request, trial),
            "title": gettext("What would differ"),
            "line": line_of(case),
            "application": case.decision.request,
            "changes": tuple(change_words(trial.changes)),
            "before": statement_of(case.decision.answer, names),
            "after": statement_of(case.answer, names) if case.answer else None,
            "findings": [
                (words_for(RULES, one["rule"]), _verdict(one["before"]), _verdict(one["after"]))
                for one in case.findings
            ],
        }
        return TemplateResponse(request, "staff/trial_case.html", context)

    def csv_view(self, request: HttpRequest, row_id: UUID) -> HttpResponseBase:
        """Give all cases of a trial as a file."""
        trial = self._trial(request, row_id)
        rows = (_csv_row(line_of(case)) for case in cases_of(trial).iterator(chunk_size=500))
        return csv_file(f"trial-{trial.asked_at:%Y-%m-%d}-{str(trial.pk)[-6:]}.csv", HEAD, rows)

    def _trial(self, request: HttpRequest, row_id: UUID) -> Trial:
        if request.method not in ("GET", "HEAD") or not self.has_view_permission(request):
            raise PermissionDenied
        trial: Trial = self._read_or_404(visit_of(request), row_id)
        return trial

    @admin.display(description=_("asked for"))
    def asked_shown(self, row: Trial) -> str:
        return shown.instant(row.asked_at)

    @admin.display(description=_("what for"))
    def about_shown(self, row: Trial) -> str:
        changed = "; ".join(f"{name}: {value}" for name, value in change_words(row.changes))
        return row.note or changed or gettext("same terms")

    @admin.display(description=_("period"))
    def period_shown(self, row: Trial) -> str:
        return period_words(row)

    @admin.display(description=_("state"))
    def state_shown(self, row: Trial) -> SafeString:
        return shown.tagged(row.get_state_display(), *STATES[row.state])

    @admin.display(description=_("decisions"))
    def done_shown(self, row: Trial) -> str:
        return gettext("%(done)s of %(total)s") % {"done": row.done, "total": row.total}

    @admin.display(description=_("asked by"))
    def who_shown(self, row: Trial) -> str:
        return str(row.asked_by or gettext("a command"))


def _proposal(visit: Visit) -> dict[str, Any]:
    period = months_until(visit.now, MONTHS_PROPOSED)
    return {"first": period.first, "last": period.last}


def _start(visit: Visit, form: TrialForm) -> tuple[Trial | None, int]:
    try:
        trial = start_trial(
            principal=visit.principal,
            changes=form.changes,
            note=form.cleaned_data["note"],
            now=visit.now,
            **form.period,
        )
    except DomainError as refusal:
        form.take(refusal)
        return None, STATUS[refusal.kind]
    return trial, 200


def line_of(case: TrialCase) -> CaseLine:
    """Say what a case comes to."""
    decision = case.decision
    return CaseLine(
        case=case,
        number=decision.request.number,
        client=decision.request.client.name,
        before=outcome_words(decision.outcome),
        after=outcome_words(case.answer["outcome"]) if case.answer else "–",
        refund_before=Money(case.before_minor, case.currency),
        refund_after=Money(case.after_minor, case.currency),
        findings=tuple(
            words_for(RULES, one["rule"]) + ": " + _verdict(one["after"]) for one in case.findings
        ),
    )


def _csv_row(line: CaseLine) -> Sequence[Any]:
    case = line.case
    return (
        line.number,
        line.client,
        case.decision.decided_at.isoformat(),
        case.decision.outcome,
        case.answer.get("outcome", ""),
        line.refund_before.text,
        line.refund_after.text if case.answer else "",
        line.difference.text if case.answer else "",
        case.currency,
        " ".join(f"{one['rule']}:{_code(one['before'])}>{_code(one['after'])}" for one in case.findings),
        case.fault,
    )


def _code(holds: bool | None) -> str:
    return {True: "yes", False: "no", None: "null"}[holds]


def _verdict(holds: bool | None) -> str:
    if holds is None:
        return gettext("does not arise")
    return gettext("yes") if holds else gettext("no")


def change_words(changes: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Say which terms a trial changes, and to what."""
    fields: Any = TrialForm.base_fields
    for name, value in changes.items():
        field = fields[name]
        text = {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value
        said = dict(getattr(field, "choices", ())).get(text, text)
        yield str(field.label), gettext("none") if value is None else str(said)


def period_words(trial: Trial) -> str:
    """Say a period by the days of the company's zone, both included."""
    zone = zone_of(settings.COMPANY_TIME_ZONE)
    return gettext("%(first)s to %(last)s") % {
        "first": day_words(local_date(trial.since, zone)),
        "last": day_words(local_date(trial.until - timedelta(microseconds=1), zone)),
    }
