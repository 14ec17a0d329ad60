"""Bank files: gathered by one of Finance, uploaded by hand, confirmed or discarded by a second person."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.groups import is_approver
from events.tasks import sequence_events
from kernel.errors import DomainError
from kernel.money import Money
from payments.models import BankFile, Payout, PayoutState
from payments.models.payments import PaymentStatus
from payments.selectors import bank_file_of, bank_files_of, repeats_of
from payments.services import (
    confirm_bank_file,
    discard_bank_file,
    export_bank_file,
    make_bank_file,
    propose_discard,
    waiting_for_the_bank,
    withdraw_discard,
)
from payments.services.bank_files import fingerprint
from refundportal.bell import ring
from refundportal.staff import shown
from refundportal.staff.acts import (
    STATUS,
    Act,
    ActForm,
    ActingAdmin,
    finance_only,
    first_of,
    record_url,
    refusing,
)
from refundportal.staff.fields import reason_field
from refundportal.staff.payouts import STATES
from refundportal.staff.site import site
from refundportal.staff.visits import Visit, visit_of
from refundportal.web.files import SANDBOX
from refundportal.web.recently import has_shown_who

WHY_NOT: Mapping[str, Any] = {
    "own_client": _("You belong to this client: somebody else gathers it."),
    "account_changed": _("The client is changing the account just now: look again."),
    "not_in_euros": _("Not in euros: Finance sends it by hand."),
    "outside_sepa": _("The account is outside the SEPA zone: Finance sends it by hand."),
    "iban_invalid": _("The IBAN is wrong: Finance sends it by hand."),
    "amount_too_large": _("The amount is too large for one transfer: Finance sends it by hand."),
    "name_unusable": _("No bank takes the name of the holder: Finance sends it by hand."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One payout as the pages about files show it: with what both people should look at twice."""

    payout: Payout
    amount: Money
    sign: tuple[str, str]
    repeats: tuple[Payout, ...]
    is_disputed: bool
    why_not: Any = ""


def rows_of(payouts: list[Payout], why_not: Mapping[UUID, str] | None = None) -> list[Row]:
    """Show payouts (with payment, client and destination); one query for the repeats."""
    repeats = repeats_of(payouts)
    reasons = why_not or {}
    return [
        Row(
            payout=payout,
            amount=Money(payout.amount_minor, payout.currency),
            sign=STATES[payout.state],
            repeats=tuple(repeats.get(payout.pk, ())),
            is_disputed=payout.payment.status != PaymentStatus.CAPTURED,
            why_not=WHY_NOT.get(reasons.get(payout.pk, ""), ""),
        )
        for payout in payouts
    ]


class Standing(admin.SimpleListFilter):
    """Files that somebody has to say something about."""

    title = _("Standing")
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("open", _("waits for a second person")), ("ended", _("uploaded or discarded"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        is_open = {"confirmed_at": None, "discarded_at": None}
        if self.value() == "open":
            return queryset.filter(**is_open)
        return queryset.exclude(**is_open) if self.value() == "ended" else queryset


class FileAct(Act[BankFile]):
    """An act on a file that nobody has confirmed or discarded yet."""

    template = "staff/act_bank_file.html"

    @property
    def who_and_what(self) -> dict[str, Any]:
        return {"principal": self.visit.principal, "file_id": self.row.pk, "now": self.visit.now}

    def context(self) -> dict[str, Any]:
        return {"rows": rows_of(payouts_in(self.row))}

    def ended(self) -> str:
        return refusing(not self.row.is_open, gettext("It was confirmed or discarded already."))

    def proposed(self) -> bool:
        return self.row.discard_proposed_at is not None

    def second_person_only(self) -> str:
        may = self.visit.is_finance or is_approver(self.visit.user)
        return refusing(not may, gettext("The second person is one of Finance, or an Approver."))


class Confirm(FileAct):
    name = "confirm"
    asks_who = True
    title = _("Confirm that it was uploaded")
    icon = "users"
    button = _("It was uploaded")
    explanation = _(
        "As the second person you say that the bank has this file. Its payouts count as sent, and clients "
        "are told."
    )

    def why_not(self) -> str:
        own = self.row.created_by_id == self.visit.user.pk
        return first_of(
            self.ended(),
            self.second_person_only(),
            refusing(own, gettext("You made it: somebody else confirms.")),
            refusing(self.proposed(), gettext("Somebody proposed to discard it: settle that first.")),
        )

    def do(self, form: ActForm) -> str:
        confirm_bank_file(**self.who_and_what)
        return gettext("The file is confirmed; its payouts are sent.")


class DiscardForm(ActForm):
    reason = reason_field(max_length=500, help_text=_("How you know that the bank does not have it."))


class ProposeDiscard(FileAct):
    name = "propose-discard"
    asks_who = True
    title = _("Propose to discard it")
    icon = "trash-2"
    button = _("Propose this")
    explanation = _(
        "Only for a file that never reached the bank. A second person confirms it; then its payouts are made "
        "anew."
    )
    is_grave = True
    form_class = DiscardForm

    def why_not(self) -> str:
        is_known = self.row.payouts.exclude(state=PayoutState.SUBMITTING).exists()
        return first_of(
            finance_only(self.visit),
            self.ended(),
            refusing(self.proposed(), gettext("It is proposed already.")),
            refusing(is_known, gettext("The bank knows transfers of it: it was uploaded.")),
        )

    def do(self, form: ActForm) -> str:
        propose_discard(reason=form.cleaned_data["reason"], **self.who_and_what)
        return gettext("Proposed. A second person confirms it.")


class Discard(FileAct):
    name = "discard"
    asks_who = True
    title = _("Discard it as the second person")
    icon = "trash-2"
    button = _("Discard the file")
    explanation = _(
        "If the bank has this file after all, clients are paid twice. Its payouts end unsent and are made "
        "anew."
    )
    is_grave = True

    def why_not(self) -> str:
        own = self.row.discard_proposed_by_id == self.visit.user.pk
        return first_of(
            self.ended(),
            self.second_person_only(),
            refusing(not self.proposed(), gettext("Nobody has proposed it.")),
            refusing(own, gettext("You proposed it: somebody else confirms.")),
        )

    def do(self, form: ActForm) -> str:
        discard_bank_file(**self.who_and_what)
        return gettext("The file is discarded; its payouts wait for another one.")


class WithdrawDiscard(FileAct):
    name = "withdraw-discard"
    asks_who = True
    title = _("Keep it after all")
    icon = "undo-2"
    button = _("Keep it")
    explanation = _("The proposal to discard it is taken back.")

    def why_not(self) -> str:
        nothing = refusing(not self.proposed(), gettext("Nobody has proposed to discard it."))
        return first_of(finance_only(self.visit), self.ended(), nothing)

    def do(self, form: ActForm) -> str:
        withdraw_discard(**self.who_and_what)
        return gettext("The proposal is taken back.")


class NewFileForm(ActForm):
    expected = forms.CharField(max_length=35, widget=forms.HiddenInput)


@admin.register(BankFile, site=site)
class BankFileAdmin(ActingAdmin):
    """Files for the bank; Finance makes them out of what waits, never by hand."""

    list_display = (
        "name_shown",
        "made_shown",
        "count_shown",
        "total_shown",
        "execution_shown",
        "standing_shown",
    )
    list_filter = (Standing,)
    search_fields = ("message_id__istartswith",)
    search_help_text = _("Name of the file")
    page_template = "staff/bank_file.html"
    change_list_template = "staff/bank_files.html"
    acts = (Confirm, ProposeDiscard, Discard, WithdrawDiscard)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("new/", wrap(self.new_view), name="payments_bankfile_new"),
            path("<uuid:row_id>/file/", wrap(self.file_view), name="payments_bankfile_file"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return bank_files_of(visit_of(request).principal)

    def read(self, visit: Visit, row_id: UUID) -> BankFile:
        return bank_file_of(visit.principal, row_id)

    def page(self, request: HttpRequest, visit: Visit, row: BankFile) -> dict[str, Any]:
        return {
            "title": ngettext(
                "Bank file of %(count)d transfer", "Bank file of %(count)d transfers", row.payouts_count
            )
            % {"count": row.payouts_count},
            "sign": sign_of(row),
            "total": Money(row.total_minor, row.currency),
            "rows": rows_of(payouts_in(row)),
            "may_take": visit.is_finance and row.discarded_at is None,
        }

    def new_view(self, request: HttpRequest) -> HttpResponse:
        """Show what a file would hold now, and make it."""
        if request.method not in ("GET", "HEAD", "POST"):
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        visit = visit_of(request)
        if not self.has_view_permission(request) or (request.method == "POST" and not visit.is_finance):
            raise PermissionDenied
        why_not = finance_only(visit)
        if not why_not and not has_shown_who(request):
            return self.ask_who(request, None)
        form, status = NewFileForm(request.POST or None), 200
        if request.method == "POST":
            status = 422
            if form.is_valid():
                try:
                    made = make_bank_file(
                        principal=visit.principal, expected=form.cleaned_data["expected"], now=visit.now
                    )
                except DomainError as refusal:
                    form.take(refusal)
                    status = STATUS[refusal.kind]
                else:
                    ring(sequence_events)
                    messages.success(request, gettext("The file is made. Take it and upload it to the bank."))
                    return redirect(record_url(made))
        return self._show_waiting(request, visit, form, why_not, status)

    def _show_waiting(
        self, request: HttpRequest, visit: Visit, form: ActForm, why_not: str, status: int
    ) -> HttpResponse:
        waiting = [] if why_not else waiting_for_the_bank(principal=visit.principal, now=visit.now)
        reasons = {one.payout.pk: one.why_not for one in waiting}
        rows = rows_of([one.payout for one in waiting], reasons)
        good = [row for row in rows if not row.why_not]
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Make a bank file"),
            "opts": self.opts,
            "form": form,
            "why_not": why_not,
            "rows": good,
            "left_out": [row for row in rows if row.why_not],
            "total": Money(sum(row.amount.minor for row in good), "EUR"),
            "expected": fingerprint(waiting),
        }
        return TemplateResponse(request, "staff/bank_file_new.html", context, status=status)

    def file_view(self, request: HttpRequest, row_id: UUID) -> HttpResponse:
        """
        Give the bytes of a file as a download, for Finance alone: they hold whole IBANs.

        The journal notes who took them, so HEAD, which takes nothing, is not answered.
        """
        if request.method != "GET":
            return HttpResponseNotAllowed(["GET"])
        visit = visit_of(request)
        if not self.has_view_permission(request) or not visit.is_finance:
            raise PermissionDenied
        file: BankFile = self._read_or_404(visit, row_id)
        if not has_shown_who(request):
            return self.ask_who(request, file)
        try:
            content = export_bank_file(principal=visit.principal, file_id=file.pk, now=visit.now)
        except DomainError as refusal:
            raise Http404(refusal.detail) from refusal
        headers = {
            "Content-Disposition": f'attachment; filename="{file.message_id}.xml"',
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": SANDBOX,
            "Cache-Control": "private, no-store",
        }
        return HttpResponse(content, content_type="application/xml", headers=headers)

    @admin.display(description=_("file"))
    def name_shown(self, row: BankFile) -> str:
        return row.message_id

    @admin.display(description=_("transfers"))
    def count_shown(self, row: BankFile) -> int:
        return row.payouts_count

    @admin.display(description=_("to be executed"))
    def execution_shown(self, row: BankFile) -> str:
        return shown.day(row.execution_on)

    @admin.display(description=_("made"))
    def made_shown(self, row: BankFile) -> str:
        return f"{shown.instant(row.created_at)} · {row.created_by}"

    @admin.display(description=_("total"))
    def total_shown(self, row: BankFile) -> str | SafeString:
        return shown.amount(row.total_minor, row.currency)

    @admin.display(description=_("standing"))
    def standing_shown(self, row: BankFile) -> SafeString:
        name, kind, words = sign_of(row)
        return shown.tagged(words, name, kind)


def payouts_in(row: BankFile) -> list[Payout]:
    """Give the payouts of a file with what its pages show of them."""
    return list(row.payouts.select_related("payment", "client", "destination").order_by("id"))


def sign_of(row: BankFile) -> tuple[str, str, str]:
    """Give the icon, the colour and the word for what became of a file."""
    if row.discarded_at is not None:
        return "trash-2", "soft", gettext("discarded")
    if row.confirmed_at is not None:
        return "check", "good", gettext("uploaded")
    if row.discard_proposed_at is not None:
        return "users", "warn", gettext("to be discarded: waits for a second person")
    return "hourglass", "warn", gettext("waits for a second person")
