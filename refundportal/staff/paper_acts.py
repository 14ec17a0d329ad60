"""What staff add to a contract: refund terms, documents, payments."""

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from django import forms
from django.conf import settings
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contracts.models import Contract, ContractState, DocumentKind, Stage
from contracts.policy.terms import ConformityMode, DayRule, RefundTerms, Rounding, as_json, parse_terms
from contracts.selectors import policy_terms, terms_in_force
from contracts.services import add_document, publish_terms
from kernel.money import Money
from payments.models import Method
from payments.services import record_payment
from refundportal.staff.acts import ActForm, finance_only, first_of, refusing
from refundportal.staff.contract_acts import ContractAct
from refundportal.staff.fields import AmountField, IdField
from refundportal.web.files import ACCEPTED
from refundportal.web.terms import terms_in_words
from refunds.wording import money_words


class TermsForm(ActForm):
    """The terms of refunds, as the policy document names them."""

    window_days = forms.IntegerField(label=_("Days of the window"), min_value=0, max_value=365)
    day_rule = forms.ChoiceField(
        label=_("Days are counted"),
        choices=[
            (DayRule.CALENDAR.value, _("as calendar days")),
            (DayRule.ELAPSED.value, _("as 24 hours each")),
        ],
    )
    time_zone = forms.CharField(label=_("Time zone"), max_length=64)
    roll_to_working_day = forms.BooleanField(
        label=_("A window that ends on a free day ends with the next working day"), required=False
    )
    holiday_calendar = forms.CharField(
        label=_("Public holidays"),
        required=False,
        max_length=16,
        help_text=_("Such as DE or DE-BE; empty: weekends only."),
    )
    conformity_mode = forms.ChoiceField(
        label=_("Work that conforms in part"),
        choices=[
            (ConformityMode.SHARE.value, _("is kept by its share")),
            (ConformityMode.GATE.value, _("is not kept at all")),
        ],
    )
    deemed_acceptance_days = forms.IntegerField(
        label=_("Counts as accepted after days"), required=False, min_value=1, help_text=_("Empty: never.")
    )
    rounding = forms.ChoiceField(
        label=_("Rounding"),
        choices=[
            (Rounding.CLIENT.value, _("in the client's favour")),
            (Rounding.HALF_UP.value, _("to the nearest, halves up")),
            (Rounding.HALF_EVEN.value, _("to the nearest, halves to even")),
            (Rounding.COMPANY.value, _("in the company's favour")),
        ],
    )
    exchange_allowed = forms.BooleanField(label=_("Exchange for another stage is offered"), required=False)
    decision_days = forms.IntegerField(label=_("Days until the answer"), min_value=1, max_value=90)

    def raw(self) -> dict[str, Any]:
        """Give the terms as they are exchanged."""
        cleaned = self.cleaned_data
        return {field.name: cleaned[field.name] for field in fields(RefundTerms)} | {
            "holiday_calendar": cleaned["holiday_calendar"] or None
        }


class PublishTerms(ContractAct):
    name = "publish_terms"
    title = _("Publish new refund terms")
    icon = "scroll-text"
    button = _("Publish these terms")
    explanation = _("The new version governs payments that arrive from now on; earlier ones keep theirs.")
    previews = True
    template = "staff/act_terms.html"
    form_class = TermsForm

    def why_not_now(self) -> str:
        ended = self.row.state not in (ContractState.DRAFT, ContractState.SIGNED)
        return refusing(ended, gettext("The contract has ended."))

    def form(self, *data: Any) -> ActForm:
        if data:
            return TermsForm(*data)
        return TermsForm(initial=as_json(policy_terms(terms_in_force(self.row.pk, self.visit.now))))

    def preview(self, form: Any) -> dict[str, Any]:
        terms = parse_terms(form.raw(), settings.COMPANY_TIME_ZONE)
        return {"sentences": terms_in_words(terms)}

    def do(self, form: Any) -> str:
        version = publish_terms(terms=form.raw(), **self.who_and_what)
        return gettext("Version %(version)s of the terms is published.") % {"version": version.version}


class DocumentForm(ActForm):
    kind = forms.ChoiceField(label=_("Kind"), choices=DocumentKind.choices, initial=DocumentKind.EVIDENCE)
    title = forms.CharField(
        label=_("Title"),
        max_length=200,
        help_text=_("The same kind and title again becomes the next version."),
    )
    file = forms.FileField(
        label=_("File"),
        help_text=_("PDF, PNG, JPEG or plain text, up to 10 MB."),
        widget=forms.FileInput(attrs={"accept": ACCEPTED}),
    )


class AddDocument(ContractAct):
    name = "add_document"
    title = _("Add a document")
    icon = "file-plus"
    button = _("Add document")
    explanation = _(
        "The client sees it with its version and hash. It is kept as it is and cannot be taken away."
    )
    form_class = DocumentForm

    def do(self, form: ActForm) -> str:
        cleaned = form.cleaned_data
        document = add_document(
            kind=cleaned["kind"],
            title=cleaned["title"],
            file=cleaned["file"],
            file_name=cleaned["file"].name,
            **self.who_and_what,
        )
        return gettext("Kept: %(document)s.") % {"document": document}

    def back(self) -> str:
        """Go back to the case that the document was added for, if there is one."""
        wanted = "" if self.request is None else self.request.GET.get("next", "")
        host = None if self.request is None else self.request.get_host()
        is_ours = wanted.startswith("/") and url_has_allowed_host_and_scheme(
            wanted, allowed_hosts={host or ""}
        )
        return wanted if is_ours else super().back()


class PaymentForm(ActForm):
    """A payment that is expected or announced."""

    stage = IdField(label=_("Stage"))
    method = forms.ChoiceField(
        label=_("Method"), choices=[one for one in Method.choices if one[0] != Method.CREDIT]
    )
    reference = forms.CharField(label=_("Reference"), required=False, max_length=140)
    value_date = forms.DateField(
        label=_("Value date"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("For the books; it never decides the window."),
    )

    def __init__(self, *args: Any, contract: Contract, stages: Iterable[Stage], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["amount"] = AmountField(currency=contract.currency, label=_("Amount"))
        self.fields["stage"].choices = [(str(row.pk), _owed(row, contract)) for row in stages]  # type: ignore[attr-defined]
        self.order_fields(["stage", "amount", "method", "reference", "value_date"])


def _owed(stage: Stage, contract: Contract) -> str:
    owed = Money(stage.amount_minor - stage.covered_minor, contract.currency)
    return gettext("%(stage)s: %(owed)s open") % {
        "stage": stage,
        "owed": money_words(owed.text, owed.currency),
    }


class RecordPayment(ContractAct):
    name = "record_payment"
    title = _("Record a payment")
    icon = "banknote"
    button = _("Record the payment")
    explanation = _(
        "It counts for its stage. Capture it when the bank has confirmed the money: that starts the window."
    )
    form_class = PaymentForm

    def _stages(self) -> list[Stage]:
        return [row for row in self.stages() if row.covered_minor < row.amount_minor]

    def why_not(self) -> str:
        is_draft = refusing(
            self.row.state == ContractState.DRAFT, gettext("Nothing is paid before the contract is signed.")
        )
        nothing = refusing(not self._stages(), gettext("Every stage is paid."))
        return first_of(finance_only(self.visit), is_draft, nothing)

    def form(self, *data: Any) -> ActForm:
        return PaymentForm(*data, contract=self.row, stages=self._stages())

    def do(self, form: ActForm) -> str:
        cleaned = form.cleaned_data
        payment = record_payment(
            principal=self.visit.principal,
            stage_id=cleaned["stage"],
            amount=cleaned["amount"],
            method=cleaned["method"],
            reference=cleaned["reference"],
            value_date=cleaned["value_date"],
            now=self.visit.now,
        )
        return gettext("Payment %(number)s is recorded.") % {"number": payment.number}
