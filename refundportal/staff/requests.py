"""Applications: the queue, and the page of a case."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.views.main import SEARCH_VAR
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from kernel.days import local_date, zone_of
from kernel.errors import DomainError
from refundportal.staff import shown
from refundportal.staff.acts import ActingAdmin, Offer
from refundportal.staff.answers import Answered, Clause, Outcome, Received, Worth, foot_of, with_feet
from refundportal.staff.case import case_page, case_row
from refundportal.staff.case_acts import (
    AddAttachment,
    Approve,
    PostInternalMessage,
    PostMessage,
    Propose,
    RequestInformation,
    SendBack,
    StartReview,
    document_url,
)
from refundportal.staff.evidence import exhibits_by_message
from refundportal.staff.facts_acts import Assess, ExcludeUsage, RecordHiddenDefect, RecordStatutoryCheck
from refundportal.staff.lists import Currency
from refundportal.staff.site import site
from refundportal.staff.visits import Visit, may_read, visit_of
from refundportal.web.pages import cursor_in, page_of
from refunds.letters import acknowledgement_of, decision_letter_of
from refunds.models import RefundRequest
from refunds.selectors import current_decision, messages_of, requests_of
from refunds.states import REQUEST_OPEN
from refunds.wording import day_words, money_words

STATES: Final = {
    "submitted": (_("new"), "inbox", ""),
    "in_review": (_("in review"), "scale", ""),
    "information_requested": (_("waiting for the client"), "circle-question-mark", "warn"),
    "proposed": (_("waiting for the second person"), "users", "warn"),
    "approved": (_("refund approved"), "badge-check", "good"),
    "rejected": (_("no refund"), "circle-x", "soft"),
    "withdrawn": (_("withdrawn"), "undo-2", "soft"),
}
"""The states as staff speak of them: words, sign and kind."""

AGES: Final = (("0-2", 0, 3), ("3-6", 3, 7), ("7-13", 7, 14), ("14", 14, None))
"""The ages by which the queue is counted: name, from so many days, below so many days."""


REPORTED_BY: Final = frozenset({"payment__stage__code", "reviewer__id__exact", "reviewer__isnull"})


def age_words(name: str) -> str:
    """Say one of the ages in words."""
    if name == "14":
        return gettext("14 days and more")
    return gettext("%(days)s days") % {"days": name.replace("-", "–")}


class Standing(admin.SimpleListFilter):
    """What has to be done, and by whom; without a choice, everything that is open."""

    title = _("Standing")
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("overdue", _("overdue")),
            ("today", _("due today")),
            ("new", _("new")),
            ("second", _("waiting for the second person")),
            ("mine", _("mine")),
            ("answered", _("answered or withdrawn")),
            ("all", _("all")),
        ]

    def choices(self, changelist: Any) -> Iterator[Any]:
        everything, *rest = super().choices(changelist)
        yield {**everything, "display": _("open")}
        yield from rest

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        visit = visit_of(request)
        today = local_date(visit.now, zone_of(settings.COMPANY_TIME_ZONE))
        still_open = queryset.filter(state__in=REQUEST_OPEN)
        choices = {
            "overdue": still_open.filter(answer_due_on__lt=today),
            "today": still_open.filter(answer_due_on=today),
            "new": queryset.filter(state="submitted"),
            "second": queryset.filter(state="proposed"),
            "mine": still_open.filter(reviewer=visit.user.pk),
            "answered": queryset.exclude(state__in=REQUEST_OPEN),
            "all": queryset,
        }
        searched = any(request.GET.get(name) for name in (SEARCH_VAR, "state__exact", "answered"))
        return choices.get(self.value() or "", queryset if searched else still_open)


class Age(admin.SimpleListFilter):
    """How long an open application has been here."""

    title = _("Open for")
    parameter_name = "age"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(name, age_words(name)) for name, _from, _below in AGES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        now = visit_of(request).now
        for name, first, below in AGES:
            if name == self.value():
                rows = queryset.filter(state__in=REQUEST_OPEN, submitted_at__lte=now - timedelta(days=first))
                return rows if below is None else rows.filter(submitted_at__gt=now - timedelta(days=below))
        return queryset


@admin.register(RefundRequest, site=site)
class RequestAdmin(ActingAdmin):
    """The queue: what is due first comes first."""

    key = ("answer_due_on", "id")
    list_display = ("number", "client", "state_shown", "due_shown", "answer_shown", "remedy", "reviewer")
    list_filter = (
        Standing,
        Age,
        Worth,
        Received,
        Answered,
        Outcome,
        Clause,
        "state",
        "remedy",
        "received_via",
        "reason",
        "client__kind",
        Currency,
    )
    list_select_related = ("client", "reviewer")
    search_fields = (
        "number__startswith",
        "payment__number__startswith",
        "contract__number__startswith",
        "client__name__icontains",
        "client__email__icontains",
        "applicant__email__icontains",
    )
    search_help_text = _("Number, client or e-mail address")
    page_template = "staff/case.html"
    acts = (
        StartReview,
        RequestInformation,
        Assess,
        RecordHiddenDefect,
        RecordStatutoryCheck,
        ExcludeUsage,
        Propose,
        Approve,
        SendBack,
        PostMessage,
        PostInternalMessage,
        AddAttachment,
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return requests_of(visit_of(request).principal)

    def listed(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return with_feet(rows)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Reports lead here by more than the filters beside the list."""
        return lookup in REPORTED_BY or super().lookup_allowed(lookup, value, request)  # type: ignore[call-arg]

    def get_urls(self) -> list[URLPattern]:
        letter = self.admin_site.admin_view(self.letter_view)
        return [
            path("<uuid:row_id>/letter/", letter, name="refunds_refundrequest_letter"),
            *super().get_urls(),
        ]

    def read(self, visit: Visit, row_id: UUID) -> RefundRequest:
        return case_row(visit, row_id)

    def page(self, request: HttpRequest, visit: Visit, row: RefundRequest) -> dict[str, Any]:
        thread = page_of(messages_of(visit.principal, row.pk), cursor=cursor_in(request))
        on_page = {None, *(one.pk for one in thread.rows)}
        files = row.page["files"]  # type: ignore[attr-defined]
        exhibits = exhibits_by_message(file for file in files if file.message_id in on_page)
        return {
            "thread": thread,
            "evidence": exhibits.get(None, ()),
            "messages_shown": [(one, exhibits.get(one.pk, ())) for one in thread.rows[::-1]],
            "state": STATES[row.state],
            "document_url": document_url(row),
            **row.page,  # type: ignore[attr-defined]  # gathered once, for the acts and for the page
        }

    def offers(self, visit: Visit, row: RefundRequest) -> list[Offer]:
        page = case_page(visit, row)
        row.page = page  # type: ignore[attr-defined]
        row.refusals = {one.name: one.why_not for one in page["case"].actions}  # type: ignore[attr-defined]
        return super().offers(visit, row)

    def letter_view(self, request: HttpRequest, row_id: UUID) -> HttpResponse:
        """Show the letter that the client got: the decision, or else the acknowledgement."""
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        if not may_read(request):
            raise PermissionDenied
        try:
            row = case_row(visit_of(request), row_id)
        except DomainError as missing:
            raise Http404 from missing
        decision = current_decision(row.pk)
        is_answered = decision is not None and row.state not in REQUEST_OPEN
        letter = decision_letter_of(decision, row) if is_answered and decision else acknowledgement_of(row)
        context = {**self._frame(request, row), "title": letter.subject, "letter": letter}
        return TemplateResponse(request, "staff/letter.html", context)

    @admin.display(description=_("state"))
    def state_shown(self, row: RefundRequest) -> SafeString:
        return shown.tagged(*STATES[row.state])

    @admin.display(description=_("answer due"))
    def due_shown(self, row: RefundRequest) -> str | SafeString:
        if row.state not in REQUEST_OPEN:
            return "–"
        words = day_words(row.answer_due_on)
        is_late = row.answer_due_on < local_date(timezone.now(), zone_of(settings.COMPANY_TIME_ZONE))
        return shown.tagged(words, "octagon-alert", "stop") if is_late else words

    @admin.display(description=_("answer so far"))
    def answer_shown(self, row: RefundRequest) -> str:
        foot = foot_of(row)
        if not foot.total:
            return foot.outcome_words
        total = money_words(foot.total.text, foot.total.currency)
        return (
            f"{foot.outcome_words}. {foot.proviso}: {total}"
            if foot.proviso
            else f"{foot.outcome_words}: {total}"
        )
