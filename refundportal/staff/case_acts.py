"""What staff do with an application, each act one service."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contracts.models import Document
from kernel.errors import DomainError, StaleState
from payments.models import Payment
from payments.tasks import send_due_payouts
from refundportal.bell import ring
from refundportal.staff.acts import Act, ActForm, record_url
from refundportal.staff.case import change_lines, digest_of, total_words
from refundportal.staff.fields import reason_field
from refundportal.web.files import ACCEPTED, FilesField, uploads
from refunds.errors import AnswerChanged
from refunds.models import Proposal, RefundRequest
from refunds.selectors import allowed_actions, case_of
from refunds.services import (
    add_attachment,
    approve_request,
    post_message,
    propose_answer,
    request_information,
    send_back,
    start_review,
)
from refunds.statement import names_in, statement_of
from refunds.wording import ACTIONS


class CaseAct(Act[RefundRequest]):
    """An act on an application; whether it is allowed is what the service's own rules say."""

    def why_not(self) -> str:
        refusals: Mapping[str, str] | None = getattr(self.row, "refusals", None)
        if refusals is None:
            refusals = refusals_of(self)
        return refusals.get(self.name, "")

    @property
    def who_and_what(self) -> dict[str, Any]:
        """The arguments that every service takes."""
        return {"principal": self.visit.principal, "request_id": self.row.pk, "now": self.visit.now}

    @property
    def documents(self) -> list[Document]:
        return list(Document.objects.filter(contract=self.row.contract_id).order_by("-uploaded_at")[:200])


def refusals_of(act: CaseAct) -> dict[str, str]:
    """Give the reasons why not, by act."""
    actions = allowed_actions(act.visit.principal, act.row, now=act.visit.now)
    return {action.name: action.why_not for action in actions}


class StartReview(CaseAct):
    name = "start_review"
    title = ACTIONS["start_review"]
    icon = "scale"
    button = _("Start review")
    explanation = _(
        "You take the case. If it waited for the client, the review goes on with what is known by now."
    )

    def do(self, form: ActForm) -> str:
        start_review(**self.who_and_what)
        return gettext("%(number)s is in review now.") % {"number": self.row.number}


class QuestionForm(ActForm):
    question = forms.CharField(
        label=_("Your question to the client"),
        max_length=8000,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("The client gets it by e-mail and answers on the page of the application."),
    )


class RequestInformation(CaseAct):
    name = "request_information"
    title = ACTIONS["request_information"]
    icon = "circle-question-mark"
    button = _("Send question")
    explanation = _("The client has seven days to answer; after that the review may go on without it.")
    form_class = QuestionForm

    def do(self, form: ActForm) -> str:
        request_information(question=form.cleaned_data["question"], **self.who_and_what)
        return gettext("The question has been sent.")


class ProposeForm(ActForm):
    note = forms.CharField(
        label=_("Note for the second person"),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    shown = forms.CharField(widget=forms.HiddenInput, max_length=64)

    def take(self, refusal: DomainError) -> None:
        super().take(refusal)
        if isinstance(refusal, AnswerChanged):
            self.data = {**self.cleaned_data, "shown": refusal.data["answer_digest"]}


class Propose(CaseAct):
    name = "propose"
    title = ACTIONS["propose"]
    icon = "file-text"
    button = _("Propose this answer")
    explanation = _("A second person checks it. You cannot approve what you propose.")
    template = "staff/act_propose.html"
    form_class = ProposeForm

    def _answer(self) -> Mapping[str, Any]:
        return case_of(self.visit.principal, self.row, now=self.visit.now).answer

    def form(self, *data: Any) -> ActForm:
        return ProposeForm(*data) if data else ProposeForm(initial={"shown": digest_of(self._answer())})

    def context(self) -> dict[str, Any]:
        return {"statement": statement_of(self._answer(), names_in(self.row.contract))}

    @transaction.atomic
    def do(self, form: ActForm) -> str:
        proposal = propose_answer(note=form.cleaned_data["note"], **self.who_and_what)
        found = digest_of(proposal.answer)
        if found != form.cleaned_data["shown"]:
            raise AnswerChanged(
                gettext("The facts have changed since you looked. This is the answer they give now."),
                differences=[],
                answer_digest=found,
            )
        return gettext("Proposed: %(total)s. A second person checks it now.") % {
            "total": total_words(proposal.answer)
        }


class ApproveForm(ActForm):
    proposal = forms.UUIDField(widget=forms.HiddenInput)

    def take(self, refusal: DomainError) -> None:
        super().take(refusal)
        for name, shown, now in change_lines(
            refusal.data.get("differences", ()), refusal.data.get("currency", "")
        ):
            self.add_error(None, f"{name}: {shown} → {now}")


class Approve(CaseAct):
    name = "approve"
    asks_who = True
    title = ACTIONS["approve"]
    icon = "badge-check"
    button = _("Approve this answer")
    explanation = _(
        "The facts are evaluated once more. If they still give this answer it becomes the decision, the "
        "client gets the letter, and a refund is sent."
    )
    template = "staff/act_approve.html"
    form_class = ApproveForm

    def _proposal(self) -> Proposal | None:
        rows: Any = self.row.proposals.select_related("by")
        last: Proposal | None = rows.order_by("-number").first()
        return last

    def form(self, *data: Any) -> ActForm:
        if data:
            return ApproveForm(*data)
        last = self._proposal()
        return ApproveForm(initial={"proposal": last.pk if last else ""})

    def context(self) -> dict[str, Any]:
        last = self._proposal()
        if last is None:
            return {}
        return {"proposal": last, "statement": statement_of(last.answer, names_in(self.row.contract))}

    def do(self, form: ActForm) -> str:
        last = self._proposal()
        if last is not None and last.pk != form.cleaned_data["proposal"]:
            raise StaleState(
                gettext("Another answer has been proposed since you looked. Please open the case again.")
            )
        try:
            decision = approve_request(**self.who_and_what)
        except AnswerChanged as changed:
            changed.data["currency"] = self.row.currency
            raise
        ring(send_due_payouts)
        return gettext("Approved: %(total)s. The client gets the letter.") % {
            "total": total_words(decision.answer)
        }


class SendBackForm(ActForm):
    reason = reason_field(
        label=_("What should be looked at again?"), help_text=_("It is kept as an internal note.")
    )


class SendBack(CaseAct):
    name = "send_back"
    title = ACTIONS["send_back"]
    icon = "undo-2"
    button = _("Send back to review")
    explanation = _("The proposal ends here and the case is in review again.")
    form_class = SendBackForm

    def do(self, form: ActForm) -> str:
        send_back(reason=form.cleaned_data["reason"], **self.who_and_what)
        return gettext("%(number)s is back in review.") % {"number": self.row.number}


class MessageForm(ActForm):
    body = forms.CharField(
        label=_("Message to the client"), max_length=8000, widget=forms.Textarea(attrs={"rows": 4})
    )
    files = FilesField(  # type: ignore[assignment]  # a field; the form's own files are another thing
        label=_("Files"), help_text=_("PDF, PNG, JPEG or plain text, up to 10 MB each. Once sent, they stay.")
    )


class NoteForm(MessageForm):
    body = forms.CharField(
        label=_("Internal note"), max_length=8000, widget=forms.Textarea(attrs={"rows": 4})
    )


class PostMessage(CaseAct):
    name = "post_message"
    title = ACTIONS["post_message"]
    icon = "message-square"
    button = _("Send message")
    explanation = _("The client reads it on the page of the application and gets an e-mail.")
    form_class = MessageForm
    is_internal = False

    def do(self, form: ActForm) -> str:
        post_message(
            body=form.cleaned_data["body"],
            is_internal=self.is_internal,
            attachments=uploads(form.cleaned_data["files"]),
            **self.who_and_what,
        )
        return gettext("The note is kept.") if self.is_internal else gettext("The message has been sent.")

    def back(self) -> str:
        return super().back() + "#thread"


class PostInternalMessage(PostMessage):
    name = "post_internal_message"
    title = ACTIONS["post_internal_message"]
    icon = "lock"
    button = _("Keep note")
    explanation = _("Only staff read it. The client never sees it.")
    form_class = NoteForm
    is_internal = True


class FileForm(ActForm):
    file = forms.FileField(
        label=_("File"),
        help_text=_(
            "PDF, PNG, JPEG or plain text, up to 10 MB. The client sees it; it cannot be taken away."
        ),
        widget=forms.FileInput(attrs={"accept": ACCEPTED}),
    )


class AddAttachment(CaseAct):
    name = "add_attachment"
    title = _("Add a file to the case")
    icon = "paperclip"
    button = _("Add file")
    form_class = FileForm

    def do(self, form: ActForm) -> str:
        file = form.cleaned_data["file"]
        add_attachment(file=file, file_name=file.name, **self.who_and_what)
        return gettext("The file has been added.")


def document_url(row: RefundRequest | Payment) -> str:
    """Give the address where a document, such as evidence, is added to the contract; it leads back."""
    act = reverse("admin:contracts_contract_act", args=[row.contract_id, "add_document"])
    return f"{act}?{urlencode({'next': record_url(row)})}"
