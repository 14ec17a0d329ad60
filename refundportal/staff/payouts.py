"""Payouts: money on its way back, every attempt, and the steps that take two people of Finance."""

from collections.abc import Iterable
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.groups import is_approver
from contracts.models import Document
from kernel.money import Money
from payments.models import Payout, PayoutState, PayoutStep, StatementLine
from payments.models.payments import PaymentStatus
from payments.selectors import chain_of, payout_of, payouts_of
from payments.services import (
    cancel_payout,
    confirm_step,
    give_up_payout,
    replace_payout,
    resolve_manual,
    return_less_fee,
    withdraw_step,
)
from payments.services.short_returns import BY_BANK, OUT, lines_of_a_short_return
from payments.services.steps import is_missing_at_the_bank
from refundportal.staff import shown
from refundportal.staff.acts import Act, ActForm, ActingAdmin, finance_only, first_of, record_url, refusing
from refundportal.staff.fields import EvidenceField, IdField, YesNoField, reason_field
from refundportal.staff.lists import Currency
from refundportal.staff.site import site
from refundportal.staff.visits import Visit, visit_of
from refunds.models import RefundRequest
from refunds.wording import money_words

STATES = {
    "ready": ("hourglass", ""),
    "submitting": ("send", ""),
    "accepted": ("send", "good"),
    "settled": ("banknote", "good"),
    "failed": ("octagon-alert", "stop"),
    "returned": ("undo-2", "stop"),
    "unknown": ("circle-question-mark", "warn"),
    "manual": ("hand-coins", "warn"),
    "cancelled": ("ban", "soft"),
}
IN_DOUBT = (PayoutState.UNKNOWN, PayoutState.MANUAL)
LINES_SHOWN_MAX = 200
ENDED_BADLY = (PayoutState.FAILED, PayoutState.RETURNED)


def to_look_after(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Keep payouts that somebody has to look after: in doubt, with Finance, or ended without a successor."""
    return rows.filter(Q(state__in=IN_DOUBT) | Q(state__in=ENDED_BADLY, replaced_by__isnull=True))


class Standing(admin.SimpleListFilter):
    """What has to be looked after."""

    title = _("Standing")
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("doubt", _("to look after")), ("step", _("waiting for a second person"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "doubt":
            return to_look_after(queryset)
        if self.value() == "step":
            waiting = PayoutStep.objects.filter(confirmed_at=None, withdrawn_at=None)
            return queryset.filter(pk__in=waiting.values("payout"))
        return queryset


class PayoutAct(Act[Payout]):
    """An act of Finance on a payout, possible in some of its states."""

    needs: ClassVar[tuple[PayoutState, ...]] = ()

    @property
    def who_and_what(self) -> dict[str, Any]:
        return {"principal": self.visit.principal, "payout_id": self.row.pk, "now": self.visit.now}

    def open_step(self) -> PayoutStep | None:
        """Give the step that waits for its second person, read once for all acts."""
        if not hasattr(self.row, "step_shown"):
            rows = PayoutStep.objects.filter(payout=self.row, confirmed_at=None, withdrawn_at=None)
            self.row.step_shown = rows.select_related("proposed_by", "evidence").first()  # type: ignore[attr-defined]
        step: PayoutStep | None = self.row.step_shown  # type: ignore[attr-defined]
        return step

    def why_not(self) -> str:
        words = gettext("The payout is: %(state)s.") % {"state": self.row.get_state_display()}
        return first_of(finance_only(self.visit), refusing(self.row.state not in self.needs, words))

    def unless_a_step_waits(self) -> str:
        return refusing(self.open_step() is not None, gettext("A step waits for its second person."))


class PayoutReasonForm(ActForm):
    reason = reason_field(max_length=500, help_text="")


class Cancel(PayoutAct):
    name = "cancel"
    title = _("Stop the payout")
    icon = "ban"
    button = _("Stop the payout")
    explanation = _("The money is free again and the application goes back to review.")
    is_grave = True
    needs = (PayoutState.READY,)
    form_class = PayoutReasonForm

    def do(self, form: ActForm) -> str:
        cancel_payout(reason=form.cleaned_data["reason"], **self.who_and_what)
        return gettext("The payout is stopped; its application is in review again.")


class ResolveForm(PayoutReasonForm):
    accepted = YesNoField(
        label=_("What became of it?"), yes=_("The money was sent"), no=_("The money was not sent")
    )
    evidence_reference = forms.CharField(
        label=_("Proof"), max_length=140, help_text=_("Such as the bank's reference of the transfer.")
    )
    value_date = forms.DateField(
        label=_("Value date"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("When the bank moved the money; empty if it was not sent."),
    )
    field_order = ("accepted", "evidence_reference", "value_date", "evidence", "reason")

    def __init__(self, *args: Any, documents: Iterable[Document], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["evidence"] = EvidenceField(documents)
        self.order_fields(self.field_order)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("accepted") and not cleaned.get("value_date") and "value_date" not in self.errors:
            self.add_error("value_date", gettext("Please say on which day the bank moved the money."))
        return cleaned


class Resolve(PayoutAct):
    name = "resolve"
    title = _("Say what became of it")
    icon = "gavel"
    button = _("Propose this")
    explanation = _("A second person of Finance, or an Approver, confirms it; only then it is booked.")
    needs = (PayoutState.MANUAL,)
    form_class = ResolveForm

    def why_not(self) -> str:
        is_open = is_missing_at_the_bank(self.row)
        refused = finance_only(self.visit) if is_open else super().why_not()
        return first_of(refused, self.unless_a_step_waits())

    def form(self, *data: Any) -> ActForm:
        rows = Document.objects.filter(contract=self.row.payment.contract_id).order_by("-uploaded_at")
        return ResolveForm(*data, documents=list(rows[:200]))

    def do(self, form: ActForm) -> str:
        cleaned = form.cleaned_data
        resolve_manual(
            accepted=cleaned["accepted"],
            reason=cleaned["reason"],
            evidence_reference=cleaned["evidence_reference"],
            evidence_id=cleaned["evidence"],
            value_date=cleaned["value_date"],
            **self.who_and_what,
        )
        return gettext("Proposed. A second person confirms it.")


class ReturnedLessFeeForm(PayoutReasonForm):
    field_order = ("line", "reason")

    def __init__(self, *args: Any, lines: Iterable[StatementLine], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", "—"), *((str(row.pk), _line_words(row)) for row in lines)]
        self.fields["line"] = IdField(label=_("What came back"), choices=choices)
        self.order_fields(self.field_order)


def _line_words(row: StatementLine) -> str:
    words = gettext("%(day)s: %(amount)s, %(who)s") % {
        "day": row.booked_on.isoformat(),
        "amount": money_words(Money(row.amount_minor, row.currency).text, row.currency),
        "who": row.counterparty or row.reference or row.external_id,
    }
    return words[:200]


class ReturnedLessFee(PayoutAct):
    name = "returned-less-fee"
    title = _("It came back less a fee")
    icon = "undo-2"
    button = _("Propose this")
    explanation = _(
        "A second person confirms it; then all of it is owed again, and what a bank kept is a cost of the "
        "company."
    )
    needs = OUT
    form_class = ReturnedLessFeeForm

    def _lines(self) -> list[StatementLine]:
        return list(lines_of_a_short_return(self.visit.principal, self.row)[:LINES_SHOWN_MAX])

    def why_not(self) -> str:
        by_bank = refusing(self.row.rail not in BY_BANK, gettext("No bank sent this payout."))
        refused = first_of(super().why_not(), by_bank, self.unless_a_step_waits())
        return refused or refusing(
            not self._lines(), gettext("No statement has money that is less than this.")
        )

    def form(self, *data: Any) -> ActForm:
        return ReturnedLessFeeForm(*data, lines=self._lines())

    def do(self, form: ActForm) -> str:
        cleaned = form.cleaned_data
        return_less_fee(line_id=cleaned["line"], reason=cleaned["reason"], **self.who_and_what)
        return gettext("Proposed. A second person confirms it.")


class Replace(PayoutAct):
    name = "replace"
    title = _("Send it again")
    icon = "repeat"
    button = _("Propose to send it again")
    explanation = _("A second person confirms it; then a new payout of the same amount is made.")
    needs = ENDED_BADLY
    form_class = PayoutReasonForm

    def why_not(self) -> str:
        has_successor = Payout.objects.filter(replaces=self.row).exists()
        return first_of(
            super().why_not(),
            refusing(has_successor, gettext("It was sent again already.")),
            self.unless_a_step_waits(),
        )

    def do(self, form: ActForm) -> str:
        replace_payout(reason=form.cleaned_data["reason"], **self.who_and_what)
        return gettext("Proposed. A second person confirms it.")


class GiveUp(Replace):
    name = "give-up"
    title = _("Send it no more")
    icon = "ban"
    button = _("Propose to send it no more")
    explanation = _(
        "The payment was charged back, so nothing of it is sent. A second person confirms it; then the money "
        "is free again and the application goes back to review."
    )

    def why_not(self) -> str:
        words = gettext("Only a payout whose payment was charged back is given up.")
        charged_back = self.row.payment.status == PaymentStatus.CHARGED_BACK
        return first_of(super().why_not(), refusing(not charged_back, words))

    def do(self, form: ActForm) -> str:
        give_up_payout(reason=form.cleaned_data["reason"], **self.who_and_what)
        return gettext("Proposed. A second person confirms it.")


class StepForm(ActForm):
    step = forms.UUIDField(widget=forms.HiddenInput)


class Confirm(PayoutAct):
    name = "confirm"
    asks_who = True
    title = _("Confirm as the second person")
    icon = "users"
    button = _("Confirm")
    explanation = _("You confirm what somebody else of Finance proposed, and it is done at once.")
    template = "staff/act_step.html"
    form_class = StepForm
    successor: Payout | None = None

    def why_not(self) -> str:
        may = self.visit.is_finance or is_approver(self.visit.user)
        step = self.open_step()
        own = step is not None and step.proposed_by_id == self.visit.user.pk
        return first_of(
            refusing(not may, gettext("The second person is one of Finance, or an Approver.")),
            refusing(step is None, gettext("Nothing waits for a second person.")),
            refusing(own, gettext("You proposed it: somebody else confirms.")),
        )

    def form(self, *data: Any) -> ActForm:
        step = self.open_step()
        return StepForm(*data) if data else StepForm(initial={"step": step.pk if step else ""})

    def context(self) -> dict[str, Any]:
        return {"step": self.open_step()}

    def do(self, form: ActForm) -> str:
        self.successor = confirm_step(
            principal=self.visit.principal, step_id=form.cleaned_data["step"], now=self.visit.now
        )
        return gettext("Confirmed and done.")

    def back(self) -> str:
        return record_url(self.successor or self.row)


class Withdraw(Confirm):
    name = "withdraw"
    title = _("Withdraw the proposed step")
    icon = "undo-2"
    button = _("Withdraw")
    explanation = _("What was proposed is not done.")

    def why_not(self) -> str:
        nothing = refusing(self.open_step() is None, gettext("Nothing waits for a second person."))
        return first_of(finance_only(self.visit), nothing)

    def do(self, form: ActForm) -> str:
        withdraw_step(principal=self.visit.principal, step_id=form.cleaned_data["step"], now=self.visit.now)
        return gettext("The step is withdrawn.")


@admin.register(Payout, site=site)
class PayoutAdmin(ActingAdmin):
    """Payouts come from decisions; nobody makes or changes one by hand."""

    list_display = (
        "payment",
        "client",
        "amount_shown",
        "state_shown",
        "rail",
        "created_shown",
        "accepted_shown",
    )
    list_filter = (Standing, "state", "rail", Currency)
    list_select_related = ("client", "payment")
    search_fields = (
        "payment__number__startswith",
        "provider_reference__istartswith",
        "client__name__icontains",
        "client__email__icontains",
    )
    search_help_text = _("Payment, provider reference, client or e-mail address")
    page_template = "staff/payout.html"
    is_called_by_name = False
    acts = (Cancel, Resolve, ReturnedLessFee, Replace, GiveUp, Confirm, Withdraw)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return payouts_of(visit_of(request).principal)

    def read(self, visit: Visit, row_id: UUID) -> Payout:
        return payout_of(visit.principal, row_id)

    def page(self, request: HttpRequest, visit: Visit, row: Payout) -> dict[str, Any]:
        chain = chain_of(row.request_id)
        return {
            "title": gettext("Payout for %(number)s") % {"number": row.payment.number},
            "state_sign": STATES[row.state],
            "amount": Money(row.amount_minor, row.currency),
            "case": RefundRequest.objects.filter(pk=row.request_id).first(),
            "attempts": row.attempts.order_by("id")[:100],
            "steps": row.steps.select_related("proposed_by", "confirmed_by").order_by("proposed_at"),
            "chain": [(one, Money(one.amount_minor, one.currency)) for one in chain],
        }

    @admin.display(description=_("amount"))
    def amount_shown(self, row: Payout) -> str | SafeString:
        return shown.amount(row.amount_minor, row.currency)

    @admin.display(description=_("state"))
    def state_shown(self, row: Payout) -> SafeString:
        return shown.tagged(row.get_state_display(), *STATES[row.state])

    @admin.display(description=_("made"))
    def created_shown(self, row: Payout) -> str:
        return shown.instant(row.created_at)

    @admin.display(description=_("sent"))
    def accepted_shown(self, row: Payout) -> str:
        return shown.instant(row.accepted_at)
