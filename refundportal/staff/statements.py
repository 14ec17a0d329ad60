"""The bank's statements, imported with a trial first, and lines that Finance matches where no machine did."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contracts.models import ContractState
from contracts.selectors import stages_of
from events.tasks import sequence_events
from kernel.errors import DomainError
from kernel.money import Money
from payments.gateways.camt import SIZE_MAX, read_statements
from payments.models import LineState, Payment, Payout, Rail, Statement, StatementLine
from payments.selectors import line_of, lines_of, payments_of, payouts_of, statement_of, statements_of
from payments.services import (
    dispute_line,
    import_statement,
    match_line_to_payment,
    match_line_to_payout,
    match_line_to_stage,
    set_line_aside,
)
from payments.services.line_acts import POSSIBLE_STATES
from payments.services.matching import EXPECTED
from payments.services.statements import StatementResult
from refundportal.bell import ring
from refundportal.staff import shown
from refundportal.staff.acts import STATUS, Act, ActForm, ActingAdmin, finance_only, first_of, refusing
from refundportal.staff.fields import YesNoField, reason_field
from refundportal.staff.site import site
from refundportal.staff.visits import Visit, visit_of
from refunds.wording import money_words

LINES_SHOWN = 500
LINES_MAX = 1000
"""How many movements are taken while somebody waits: each costs some milliseconds to be matched."""
CHOICES_MAX = 100
STATES = {
    "open": ("circle-dot", "warn", _("open")),
    "matched": ("check", "good", _("matched")),
    "set_aside": ("archive", "soft", _("other business")),
    "disputed": ("octagon-alert", "stop", _("contradicts our books")),
}
WHY_OPEN = {
    "no_reference": _("It names no payment, or nothing that is due."),
    "ambiguous": _("More than one payment fits."),
    "amount_differs": _("It has another amount than expected."),
    "paid_already": _("The payment that it names has arrived already."),
    "seen_before": _("Another statement holds the same booking."),
    "unknown_debit": _("Money went, and it is none of our transfers."),
    "unknown_return": _("Money came back, and it names none of our transfers."),
    "looks_like_return": _("It names one of our transfers, but the bank does not call it a return."),
    "with_finance": _("Its payout is with Finance: say there what became of it, then match it here."),
    "second_time": _("The same transfer moved a second time."),
}


def sum_shown(row: StatementLine) -> SafeString | str:
    """Write the amount of a line with its sign."""
    return shown.amount(row.amount_minor if row.is_credit else -row.amount_minor, row.currency)


class LineAct(Act[StatementLine]):
    """An act of Finance on a line that is open."""

    template = "staff/act_line.html"

    def context(self) -> dict[str, Any]:
        return {"lines": told_lines([self.row])}

    @property
    def who_and_what(self) -> dict[str, Any]:
        return {"principal": self.visit.principal, "line_id": self.row.pk, "now": self.visit.now}

    def why_not(self) -> str:
        words = gettext("Somebody, or the machine, has said already what it is.")
        return first_of(finance_only(self.visit), refusing(self.row.state != LineState.OPEN, words))


class MatchForm(ActForm):
    target = forms.ChoiceField(label=_("It is"))
    reason = reason_field(max_length=500, help_text=_("How you know; it stays with the line."))

    def __init__(self, *args: Any, choices: list[Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["target"].choices = [("", "—"), *choices]  # type: ignore[attr-defined]


class Match(LineAct):
    name = "match"
    title = _("Say what it is")
    icon = "link"
    button = _("Match it")
    explanation = _(
        "A payment that came is captured now: the client's window starts, its value date is the day of "
        "booking. "
        "A payout arrived or came back. It cannot be undone."
    )

    def choices(self) -> list[tuple[str, list[tuple[str, str]]]]:
        groups = [(gettext("Payouts"), [(f"payout:{row.pk}", _payout_words(row)) for row in self.payouts()])]
        if self.row.is_credit:
            payments = [(f"payment:{row.pk}", _payment_words(row)) for row in self.payments()]
            groups = [(gettext("Expected payments"), payments), (gettext("Stages"), self.stages()), *groups]
        return [group for group in groups if group[1]]

    def payments(self) -> list[Payment]:
        rows = (
            payments_of(self.visit.principal)
            .filter(status__in=EXPECTED, amount_minor=self.row.amount_minor, currency=self.row.currency)
            .exclude(rail=Rail.STRIPE)
        )
        return list(rows.select_related("client", "contract", "stage").order_by("-id")[:CHOICES_MAX])

    def stages(self) -> list[tuple[str, str]]:
        """Offer the stages that owe at least so much, those that are due first."""
        rows = stages_of(self.visit.principal).filter(
            contract__state=ContractState.SIGNED,
            contract__currency=self.row.currency,
            is_removed=False,
            amount_minor__gte=F("covered_minor") + self.row.amount_minor,
        )
        rows = rows.select_related("contract__client").order_by(F("due_on").asc(nulls_last=True), "id")
        return [
            (f"stage:{row.pk}", f"{row.contract.number} {row} · {row.contract.client.name}")
            for row in rows[:CHOICES_MAX]
        ]

    def payouts(self) -> list[Payout]:
        rows = payouts_of(self.visit.principal).filter(
            rail__in=(Rail.BANK_FILE, Rail.MANUAL),
            state__in=POSSIBLE_STATES,
            amount_minor=self.row.amount_minor,
            currency=self.row.currency,
        )
        return list(rows.select_related("payment", "client").order_by("-id")[:CHOICES_MAX])

    def form(self, *data: Any) -> ActForm:
        return MatchForm(*data, choices=self.choices())

    def do(self, form: ActForm) -> str:
        kind, _colon, key = form.cleaned_data["target"].partition(":")
        given = {"reason": form.cleaned_data["reason"], **self.who_and_what}
        if kind == "payment":
            match_line_to_payment(payment_id=UUID(key), **given)
        elif kind == "stage":
            match_line_to_stage(stage_id=UUID(key), **given)
        else:
            match_line_to_payout(payout_id=UUID(key), **given)
        return gettext("The line is matched.")


class LineReasonForm(ActForm):
    reason = reason_field(max_length=500, help_text=_("It stays with the line."))


class SetAside(LineAct):
    name = "set-aside"
    title = _("Other business of the company")
    icon = "archive"
    button = _("Set it aside")
    explanation = _("It is known and has nothing to do with this portal, such as a fee of the bank.")
    form_class = LineReasonForm

    def do(self, form: ActForm) -> str:
        set_line_aside(reason=form.cleaned_data["reason"], **self.who_and_what)
        return gettext("The line is set aside.")


class NotOurs(LineAct):
    name = "not-ours"
    title = _("Nobody knows what it is")
    icon = "octagon-alert"
    button = _("Leave a difference")
    explanation = _("A difference to be cleared. If money went, nothing is sent on any rail until then.")
    is_grave = True
    form_class = LineReasonForm

    def do(self, form: ActForm) -> str:
        dispute_line(reason=form.cleaned_data["reason"], **self.who_and_what)
        return gettext("A difference is left for Finance.")


class LineStanding(admin.SimpleListFilter):
    title = _("Standing")
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(name, words) for name, (_icon, _kind, words) in STATES.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(state=self.value()) if self.value() in STATES else queryset


@admin.register(StatementLine, site=site)
class StatementLineAdmin(ActingAdmin):
    """Lines come from statements; people say what the open ones are."""

    list_display = ("booked_shown", "sum_shown", "who_shown", "text_shown", "state_shown", "statement")
    list_filter = (LineStanding, "is_credit")
    list_select_related = ("statement",)
    search_fields = ("reference__icontains", "counterparty__icontains", "end_to_end_id__istartswith")
    search_help_text = _("Text, name or end-to-end id")
    page_template = "staff/statement_line.html"
    is_called_by_name = False
    acts = (Match, SetAside, NotOurs)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return lines_of(visit_of(request).principal)

    def read(self, visit: Visit, row_id: UUID) -> StatementLine:
        return line_of(visit.principal, row_id)

    def page(self, request: HttpRequest, visit: Visit, row: StatementLine) -> dict[str, Any]:
        amount = Money(row.amount_minor, row.currency)
        words = gettext("%(amount)s came") if row.is_credit else gettext("%(amount)s went")
        return {
            "title": words % {"amount": money_words(amount.text, row.currency)},
            "sign": STATES[row.state],
            "why_open": WHY_OPEN.get(row.why_open, row.why_open.replace("_", " ")),
            "payment": row.matched_payment_id and Payment.objects.filter(pk=row.matched_payment_id).first(),
            "payout": row.matched_payout_id and Payout.objects.filter(pk=row.matched_payout_id).first(),
        }

    @admin.display(description=_("booked"))
    def booked_shown(self, row: StatementLine) -> str:
        return shown.day(row.booked_on)

    @admin.display(description=_("with"))
    def who_shown(self, row: StatementLine) -> str:
        return row.counterparty or "–"

    @admin.display(description=_("text"))
    def text_shown(self, row: StatementLine) -> str:
        return row.reference or "–"

    @admin.display(description=_("amount"))
    def sum_shown(self, row: StatementLine) -> SafeString | str:
        return sum_shown(row)

    @admin.display(description=_("standing"))
    def state_shown(self, row: StatementLine) -> SafeString:
        name, kind, words = STATES[row.state]
        return shown.tagged(words, name, kind)


class StatementForm(ActForm):
    file = forms.FileField(
        label=_("File"),
        help_text=_("The bank's statement in the form camt.053 (XML), at most 10 MB."),
        widget=forms.FileInput(attrs={"accept": ".xml"}),
    )
    is_trial = YesNoField(
        label=_("For good?"),
        yes=_("Only try: store nothing"),
        no=_("Import it"),
        initial="yes",
    )


@admin.register(Statement, site=site)
class StatementAdmin(ActingAdmin):
    """Statements of the company's account, each imported once."""

    list_display = (
        "name_shown",
        "closes_shown",
        "count_shown",
        "opening_shown",
        "closing_shown",
        "imported_shown",
    )
    search_fields = ("external_id__istartswith",)
    search_help_text = _("The bank's name of the statement")
    page_template = "staff/statement.html"
    change_list_template = "staff/statements.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.import_view)
        return [path("import/", view, name="payments_statement_import"), *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return statements_of(visit_of(request).principal)

    def read(self, visit: Visit, row_id: UUID) -> Statement:
        return statement_of(visit.principal, row_id)

    def page(self, request: HttpRequest, visit: Visit, row: Statement) -> dict[str, Any]:
        lines = lines_of(visit.principal).filter(statement=row).order_by("external_id")
        return {
            "opening": Money(row.opening_minor, row.currency),
            "closing": Money(row.closing_minor, row.currency),
            "lines": told_lines(lines[:LINES_SHOWN]),
        }

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """Take a file of statements, try it or import it, and report line by line."""
        if request.method not in ("GET", "HEAD", "POST"):
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        visit = visit_of(request)
        if not self.has_view_permission(request) or (request.method == "POST" and not visit.is_finance):
            raise PermissionDenied
        results: tuple[StatementResult, ...] = ()
        form, status = StatementForm(), 200
        if request.method == "POST":
            form, status = StatementForm(request.POST, request.FILES), 422
            if form.is_valid():
                results, status = _import(visit, form)
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Import a statement"),
            "opts": self.opts,
            "form": form,
            "results": [(one, told_lines(one.lines[:LINES_SHOWN])) for one in results],
            "is_trial": bool(results) and form.cleaned_data["is_trial"],
            "why_not": finance_only(visit),
        }
        return TemplateResponse(request, "staff/statement_import.html", context, status=status)

    @admin.display(description=_("statement"))
    def name_shown(self, row: Statement) -> str:
        return row.external_id

    @admin.display(description=_("closes on"))
    def closes_shown(self, row: Statement) -> str:
        return shown.day(row.closes_on)

    @admin.display(description=_("lines"))
    def count_shown(self, row: Statement) -> int:
        return row.lines_count

    @admin.display(description=_("opens with"))
    def opening_shown(self, row: Statement) -> SafeString | str:
        return shown.amount(row.opening_minor, row.currency)

    @admin.display(description=_("closes with"))
    def closing_shown(self, row: Statement) -> SafeString | str:
        return shown.amount(row.closing_minor, row.currency)

    @admin.display(description=_("imported"))
    def imported_shown(self, row: Statement) -> str:
        return f"{shown.instant(row.imported_at)} · {row.imported_by or gettext('command line')}"


def _import(visit: Visit, form: ActForm) -> tuple[tuple[StatementResult, ...], int]:
    cleaned = form.cleaned_data
    content = cleaned["file"].read(SIZE_MAX + 1)
    try:
        count = sum(len(one.movements) for one in read_statements(content))
        if count > LINES_MAX:
            words = gettext(
                "The file holds %(count)d movements, and %(most)d at most are taken while you wait. Ask the "
                "bank for shorter periods, or have it imported by the command import_statement."
            )
            form.add_error("file", words % {"count": count, "most": LINES_MAX})
            return (), STATUS["invalid"]
        results = import_statement(
            principal=visit.principal,
            content=content,
            now=visit.now,
            dry_run=cleaned["is_trial"],
        )
    except DomainError as refusal:
        form.take(refusal)
        return (), STATUS[refusal.kind]
    except OperationalError:
        form.add_error(None, gettext("Somebody is working on the same thing. Please try again in a moment."))
        return (), 503
    ring(sequence_events)
    return results, 200


def told_lines(rows: Any) -> list[tuple[StatementLine, Any, tuple[str, str, Any], Any]]:
    """Show lines with their sum, their sign and why a line is open."""
    return [(row, sum_shown(row), STATES[row.state], WHY_OPEN.get(row.why_open, "")) for row in rows]


def _payment_words(row: Payment) -> str:
    return (
        f"{row.number} · {row.contract.number} {row.stage.code} · {row.client.name} · {row.reference or '–'}"
    )


def _payout_words(row: Payout) -> str:
    return f"{row.payment.number} · {row.client.name} · {row.get_state_display()}"
