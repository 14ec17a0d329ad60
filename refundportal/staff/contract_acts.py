"""What staff do with a contract: signature, work, terms, documents, payments."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contracts.models import (
    Contract,
    ContractState,
    Delivery,
    DeliveryState,
    Document,
    DocumentKind,
    Stage,
    StageKind,
    StageState,
)
from contracts.services import (
    accept_delivery,
    complete_contract,
    deliver_stage,
    sign_contract,
    start_stage,
    terminate_contract,
)
from refundportal.staff.acts import Act, ActForm, first_of, refusing, reviewers_only
from refundportal.staff.fields import IdField, LocalInstantField, reason_field


class ContractAct(Act[Contract]):
    """An act on a contract; authors of contracts are Reviewers and Approvers."""

    @property
    def who_and_what(self) -> dict[str, Any]:
        return {"principal": self.visit.principal, "contract_id": self.row.pk, "now": self.visit.now}

    def why_not(self) -> str:
        return first_of(reviewers_only(self.visit), self.why_not_now())

    def why_not_now(self) -> str:
        """Say why the contract does not allow it as it stands."""
        return ""

    def unless_signed(self) -> str:
        words = gettext("The contract is: %(state)s.") % {"state": self.row.get_state_display()}
        return refusing(self.row.state != ContractState.SIGNED, words)

    def stages(self) -> list[Stage]:
        """Give the stages of the contract, read once for all its acts."""
        kept: list[Stage] | None = getattr(self.row, "stages_shown", None)
        if kept is None:
            rows = Stage.objects.filter(contract=self.row, is_removed=False).order_by("position")
            kept = list(rows)
            self.row.stages_shown = kept  # type: ignore[attr-defined]
        return kept

    def work_in(self, state: str) -> list[Stage]:
        return [row for row in self.stages() if row.kind == StageKind.WORK and row.state == state]


class StageForm(ActForm):
    """A form about one of some stages."""

    stage = IdField(label=_("Stage"))

    def __init__(self, *args: Any, stages: Iterable[Stage], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["stage"].choices = [(str(row.pk), str(row)) for row in stages]  # type: ignore[attr-defined]


class SignContract(ContractAct):
    name = "sign"
    title = _("Record the signature")
    icon = "signature"
    button = _("Record the signature")
    explanation = _(
        "The client signed on paper or elsewhere. From now on the contract can be paid and worked on; "
        "prepayments become due."
    )

    def why_not_now(self) -> str:
        return refusing(self.row.state != ContractState.DRAFT, gettext("Only a draft can be signed."))

    def do(self, form: ActForm) -> str:
        sign_contract(**self.who_and_what)
        return gettext("%(number)s is signed.") % {"number": self.row.number}


class StartStage(ContractAct):
    name = "start_stage"
    title = _("Begin a stage")
    icon = "hammer"
    button = _("Begin the work")
    form_class = StageForm

    def _stages(self) -> list[Stage]:
        return self.work_in(StageState.PLANNED)

    def why_not_now(self) -> str:
        nothing = refusing(not self._stages(), gettext("All work has begun."))
        return first_of(self.unless_signed(), nothing)

    def form(self, *data: Any) -> ActForm:
        return StageForm(*data, stages=self._stages())

    def do(self, form: ActForm) -> str:
        stage = start_stage(
            principal=self.visit.principal, stage_id=form.cleaned_data["stage"], now=self.visit.now
        )
        return gettext("%(stage)s has begun.") % {"stage": stage}


class DeliveryForm(StageForm):
    paths: ClassVar[Mapping[str, str]] = {"delivered_at": "delivered_at"}
    delivered_at = LocalInstantField(
        label=_("Delivered at"), required=False, help_text=_("Empty: now. By the company's clocks.")
    )
    note = forms.CharField(
        label=_("What was delivered"),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class DeliverStage(ContractAct):
    name = "deliver_stage"
    title = _("Record a delivery")
    icon = "package-check"
    button = _("Record the delivery")
    explanation = _("The stage becomes due, and the client can accept the work or object to it.")
    form_class = DeliveryForm

    def _stages(self) -> list[Stage]:
        return self.work_in(StageState.IN_PROGRESS)

    def why_not_now(self) -> str:
        nothing = refusing(not self._stages(), gettext("No stage is in progress."))
        return first_of(self.unless_signed(), nothing)

    def form(self, *data: Any) -> ActForm:
        return DeliveryForm(*data, stages=self._stages())

    def do(self, form: ActForm) -> str:
        cleaned = form.cleaned_data
        delivery = deliver_stage(
            principal=self.visit.principal,
            stage_id=cleaned["stage"],
            delivered_at=cleaned["delivered_at"],
            note=cleaned["note"],
            now=self.visit.now,
        )
        return gettext("The delivery of %(stage)s is recorded.") % {"stage": delivery.stage}


class AcceptanceForm(StageForm):
    paths: ClassVar[Mapping[str, str]] = {"protocol": "protocol", "protocol_id": "protocol"}
    accepted_at = LocalInstantField(label=_("Accepted at"))
    protocol = IdField(label=_("Signed protocol"))

    def __init__(self, *args: Any, protocols: Iterable[Document], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["protocol"].choices = [(str(row.pk), str(row)) for row in protocols]  # type: ignore[attr-defined]


class AcceptDelivery(ContractAct):
    name = "accept_delivery"
    title = _("Record an acceptance")
    icon = "stamp"
    button = _("Record the acceptance")
    explanation = _(
        "Acceptance is the client's act: this needs the protocol that the client signed. Whoever records it "
        "cannot approve a refund for this work, and it does not count for an application received before."
    )
    form_class = AcceptanceForm

    def _stages(self) -> list[Stage]:
        """Give the stages whose last delivery waits for the client, read once."""
        rows = Delivery.objects.filter(stage__in=self.work_in(StageState.DELIVERED)).order_by("number")
        last = {row.stage_id: row.state for row in rows}
        return [row for row in self.stages() if last.get(row.pk) == DeliveryState.DELIVERED]

    def _protocols(self) -> Any:
        return Document.objects.filter(contract=self.row, kind=DocumentKind.PROTOCOL).order_by("-uploaded_at")

    def why_not_now(self) -> str:
        if not self._stages():
            return gettext("No delivery waits for acceptance.")
        return refusing(not self._protocols().exists(), gettext("Add the signed protocol first."))

    def form(self, *data: Any) -> ActForm:
        return AcceptanceForm(*data, stages=self._stages(), protocols=self._protocols())

    def do(self, form: ActForm) -> str:
        cleaned = form.cleaned_data
        delivery = accept_delivery(
            principal=self.visit.principal,
            stage_id=cleaned["stage"],
            accepted_at=cleaned["accepted_at"],
            protocol_id=cleaned["protocol"],
            now=self.visit.now,
        )
        return gettext("The acceptance of %(stage)s is recorded.") % {"stage": delivery.stage}


class CompleteContract(ContractAct):
    name = "complete"
    title = _("Complete the contract")
    icon = "badge-check"
    button = _("Complete")
    explanation = _("All work has been delivered. Applications stay possible within their windows.")

    def why_not_now(self) -> str:
        outstanding = any(
            row.kind == StageKind.WORK and row.state != StageState.DELIVERED for row in self.stages()
        )
        return first_of(
            self.unless_signed(), refusing(outstanding, gettext("Some work has not been delivered."))
        )

    def do(self, form: ActForm) -> str:
        complete_contract(**self.who_and_what)
        return gettext("%(number)s is completed.") % {"number": self.row.number}


class TerminateForm(ActForm):
    reason = reason_field(max_length=500, help_text=_("The client sees it."))


class TerminateContract(ContractAct):
    name = "terminate"
    title = _("Terminate the contract")
    icon = "ban"
    button = _("Terminate")
    explanation = _("Nothing more is worked on or paid. Applications stay possible within their windows.")
    is_grave = True
    form_class = TerminateForm

    def why_not_now(self) -> str:
        return self.unless_signed()

    def do(self, form: ActForm) -> str:
        terminate_contract(reason=form.cleaned_data["reason"], **self.who_and_what)
        return gettext("%(number)s is terminated.") % {"number": self.row.number}
