"""What staff do with a payment: its money arrives, fails, is disputed; an application that came otherwise."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contracts.models import AcceptanceItem, ContractState, Document, Stage
from kernel.money import Money
from payments.models import Method, Payment, PaymentStatus
from payments.services import (
    authorise_payment,
    capture_payment,
    charge_back_payment,
    dispute_payment,
    fail_payment,
    resolve_dispute,
    void_payment,
)
from refundportal.staff.acts import (
    Act,
    ActForm,
    finance_only,
    first_of,
    record_url,
    refusing,
    reviewers_only,
)
from refundportal.staff.case_acts import document_url
from refundportal.staff.fields import AmountField, EvidenceField, IdField, LocalInstantField, reason_field
from refundportal.web.files import FilesField, uploads
from refundportal.web.forms import Choices
from refunds.models import ReasonGiven, ReceivedVia, RefundRequest, Remedy
from refunds.services import record_application
from refunds.wording import money_words

WAITING = (PaymentStatus.PENDING, PaymentStatus.AUTHORISED)


class PaymentAct(Act[Payment]):
    """An act of Finance on a payment, possible in some of its states."""

    needs: ClassVar[tuple[PaymentStatus, ...]]

    @property
    def who_and_what(self) -> dict[str, Any]:
        return {"principal": self.visit.principal, "payment_id": self.row.pk, "now": self.visit.now}

    def why_not(self) -> str:
        words = gettext("The payment is: %(status)s.") % {"status": self.row.get_status_display()}
        is_credit = self.row.method == Method.CREDIT
        return first_of(
            finance_only(self.visit),
            refusing(self.row.status not in self.needs, words),
            refusing(is_credit, gettext("It is an exchange credit: no bank stands behind it.")),
        )


class Authorise(PaymentAct):
    name = "authorise"
    title = _("Note that it is authorised")
    icon = "badge-check"
    button = _("Authorised")
    explanation = _("Bank or provider promised the money; it has not arrived.")
    needs = (PaymentStatus.PENDING,)

    def do(self, form: ActForm) -> str:
        authorise_payment(**self.who_and_what)
        return gettext("%(number)s is authorised.") % {"number": self.row.number}


class CaptureForm(ActForm):
    captured_at = LocalInstantField(
        label=_("Confirmed at"),
        required=False,
        help_text=_("Empty: now. At most one day back, by the company's clocks. The window starts with it."),
    )
    value_date = forms.DateField(
        label=_("Value date"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("For the books; it never decides the window."),
    )


class Capture(PaymentAct):
    name = "capture"
    title = _("Note that the money arrived")
    icon = "banknote"
    button = _("The money arrived")
    explanation = _(
        "This freezes the terms in force and starts the window of the client. It cannot be undone."
    )
    needs = WAITING
    form_class = CaptureForm

    def do(self, form: ActForm) -> str:
        cleaned = form.cleaned_data
        payment = capture_payment(
            captured_at=cleaned["captured_at"], value_date=cleaned["value_date"], **self.who_and_what
        )
        return gettext("%(number)s has arrived.") % {"number": payment.number}


class PaymentReasonForm(ActForm):
    reason = reason_field(max_length=500, help_text="")


class Fail(PaymentAct):
    name = "fail"
    title = _("Note that it failed")
    icon = "circle-x"
    button = _("The payment failed")
    explanation = _("The money will not come; the stage owes it again.")
    needs: ClassVar[tuple[PaymentStatus, ...]] = WAITING
    form_class = PaymentReasonForm
    service: ClassVar[Any] = staticmethod(fail_payment)
    done: ClassVar[Any] = _("%(number)s is noted as failed.")

    def do(self, form: ActForm) -> str:
        self.service(reason=form.cleaned_data["reason"], **self.who_and_what)
        return str(self.done) % {"number": self.row.number}


class Void(Fail):
    name = "void"
    title = _("Take it back")
    icon = "undo-2"
    button = _("Take it back")
    explanation = _("It was recorded by mistake or given up; the stage owes it again.")
    service: ClassVar[Any] = staticmethod(void_payment)
    done: ClassVar[Any] = _("%(number)s is taken back.")


class Dispute(Fail):
    name = "dispute"
    title = _("Note a dispute")
    icon = "octagon-alert"
    button = _("It is disputed")
    explanation = _("The client's bank examines the payment. Nothing of it is paid out meanwhile.")
    needs = (PaymentStatus.CAPTURED,)
    service: ClassVar[Any] = staticmethod(dispute_payment)
    done: ClassVar[Any] = _("%(number)s is in dispute.")


class ResolveDispute(Fail):
    name = "resolve_dispute"
    title = _("Note that the dispute is won")
    icon = "shield-check"
    button = _("The dispute is won")
    explanation = _("The payment stands as before.")
    needs = (PaymentStatus.DISPUTED,)
    service: ClassVar[Any] = staticmethod(resolve_dispute)
    done: ClassVar[Any] = _("The dispute about %(number)s is won.")


class ChargeBackForm(PaymentReasonForm):
    def __init__(self, *args: Any, payment: Payment, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        whole = money_words(Money(payment.amount_minor, payment.currency).text, payment.currency)
        self.fields["amount"] = AmountField(
            currency=payment.currency,
            required=False,
            label=_("Amount taken back"),
            help_text=gettext("Empty: all of it, %(whole)s.") % {"whole": whole},
        )


class ChargeBack(PaymentAct):
    name = "charge_back"
    title = _("Record a chargeback")
    icon = "rotate-ccw"
    button = _("Record the chargeback")
    explanation = _(
        "The bank took the money back. Payouts that were not sent are cancelled. It cannot be undone."
    )
    is_grave = True
    needs = (PaymentStatus.CAPTURED, PaymentStatus.DISPUTED)

    def form(self, *data: Any) -> ActForm:
        return ChargeBackForm(*data, payment=self.row)

    def do(self, form: ActForm) -> str:
        cleaned = form.cleaned_data
        charge_back_payment(amount=cleaned["amount"], reason=cleaned["reason"], **self.who_and_what)
        return gettext("The chargeback of %(number)s is recorded.") % {"number": self.row.number}


class ApplicationForm(ActForm):
    """An application that came by phone, letter or e-mail."""

    paths: ClassVar[Mapping[str, str]] = {"target_stage": "target"}

    received_via = forms.ChoiceField(
        label=_("How did it come?"),
        choices=[one for one in ReceivedVia.choices if one[0] in ("phone", "letter", "email")],
        widget=Choices(),
    )
    received_at = LocalInstantField(
        label=_("When did it reach the company?"),
        help_text=_("By the company's clocks. This decides whether it was in time."),
    )
    reason = forms.ChoiceField(label=_("Why does the client apply?"), choices=ReasonGiven.choices)
    statement = forms.CharField(
        label=_("What the client says"), max_length=4000, widget=forms.Textarea(attrs={"rows": 5})
    )
    files = FilesField(label=_("Files that came with it"))  # type: ignore[assignment]

    def __init__(self, *args: Any, act: "RecordApplication", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.items = {f"item_{row.pk.hex}": row for row in act.items()}
        for name, item in self.items.items():
            self.fields[name] = forms.CharField(
                label=f"{item.stage.code} · {item.code} {item.statement}",
                required=False,
                max_length=1000,
                widget=forms.Textarea(attrs={"rows": 2}),
            )
        self.fields["evidence"] = EvidenceField(
            act.documents(),
            required=True,
            help_text=_("The letter, the e-mail or a note of the call, as a document of the contract."),
        )
        self.fields["amount"] = AmountField(
            currency=act.row.currency, required=False, label=_("Amount, if only a part is asked for")
        )
        targets = [(str(row.pk), f"{row.contract.number} {row}") for row in act.targets()]
        self.fields["target"] = IdField(
            label=_("Credit towards this stage, instead of money"),
            required=False,
            choices=[("", "—"), *targets],
        )
        self.order_fields(["received_via", "received_at", "evidence", "reason", "statement", *self.items])

    def objections(self) -> list[dict[str, str]]:
        """Give what is said about single items, in the form of the service."""
        said = {name: self.cleaned_data[name].strip() for name in self.items}
        return [
            {"stage": item.stage.code, "item": item.code, "text": said[name]}
            for name, item in self.items.items()
            if said[name]
        ]


class RecordApplication(PaymentAct):
    name = "record_application"
    title = _("Record an application received otherwise")
    icon = "inbox"
    button = _("Record the application")
    explanation = _(
        "For an application by phone, letter or e-mail. It counts from when it reached the company. Whoever "
        "records it cannot approve it."
    )
    created: RefundRequest | None = None

    def why_not(self) -> str:
        is_credit = self.row.method == Method.CREDIT
        early = self.row.captured_at is None
        return first_of(
            reviewers_only(self.visit),
            refusing(is_credit, gettext("An exchange credit takes no application.")),
            refusing(early, gettext("The money has not arrived: there is nothing to give back.")),
        )

    def items(self) -> list[AcceptanceItem]:
        rows = AcceptanceItem.objects.filter(stage__allocations__payment=self.row, is_removed=False)
        return list(rows.select_related("stage").order_by("stage__position", "position")[:100])

    def documents(self) -> list[Document]:
        return list(Document.objects.filter(contract=self.row.contract_id).order_by("-uploaded_at")[:200])

    def targets(self) -> list[Stage]:
        """Give the stages that still owe something, of contracts in the same currency."""
        rows = Stage.objects.filter(
            contract__client=self.row.client_id,
            contract__currency=self.row.currency,
            contract__state=ContractState.SIGNED,
            is_removed=False,
        ).exclude(pk=self.row.stage_id)
        rows = rows.select_related("contract").order_by("contract__number", "position")[:200]
        return [row for row in rows if row.covered_minor < row.amount_minor]

    def form(self, *data: Any) -> ActForm:
        return ApplicationForm(*data, act=self)

    def context(self) -> dict[str, Any]:
        return {"document_url": document_url(self.row)}

    def do(self, form: Any) -> str:
        cleaned = form.cleaned_data
        self.created = record_application(
            received_via=cleaned["received_via"],
            received_at=cleaned["received_at"],
            evidence_id=cleaned["evidence"],
            reason=cleaned["reason"],
            statement=cleaned["statement"],
            objections=form.objections(),
            amount=cleaned["amount"],
            remedy=Remedy.EXCHANGE if cleaned["target"] else Remedy.REFUND,
            target_stage_id=cleaned["target"],
            attachments=uploads(cleaned["files"]),
            **self.who_and_what,
        )
        return gettext("The application %(number)s is recorded.") % {"number": self.created.number}

    def back(self) -> str:
        return record_url(self.row if self.created is None else self.created)
