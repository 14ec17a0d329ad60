"""Applying in three steps: what is typed is a draft on the server until the last button is pressed."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid4, uuid5

from django.contrib import messages
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.idempotency import IdempotencyKeyReused, StillRunning, StoredAnswer, run_once
from accounts.models import User
from contracts.models import AcceptanceItem, ContractState, Stage
from kernel.errors import DomainError
from kernel.money import Money
from payments.models import Allocation, Payment
from payments.selectors import payments_of
from refundportal.portal.access import Visit, one_by_number, page
from refundportal.portal.forms import ApplicationForm
from refundportal.portal.kept import keeps_typed, typed_before
from refundportal.web.rail import clock_of
from refundportal.web.refusals import refusal_words
from refunds.models import ApplicationDraft, Attachment
from refunds.selectors.access import draft_of
from refunds.selectors.quotes import Quote, quote_of, refuse_credit, remember_quote
from refunds.services import (
    add_draft_file,
    apply_for_refund,
    discard_draft,
    remove_draft_file,
    save_draft,
)
from refunds.statement import names_in, statement_of
from refunds.wording import DIFFERENCES, words_for

TARGETS_MAX: Final = 50


@dataclass(frozen=True, slots=True)
class Desk:
    """One person applying for one payment: what has been typed, and what can be said about it."""

    payment: Payment
    draft: ApplicationDraft | None
    files: list[Attachment]
    items: list[AcceptanceItem]
    targets: list[Stage]

    def form(self, data: Any = None, files: Any = None) -> ApplicationForm:
        """The form of the first step; with data it is checked, else it shows the draft."""
        payment = self.payment
        left = payment.amount_minor - payment.reserved_minor - payment.refunded_minor
        return ApplicationForm(
            data,
            files,
            initial=self.draft.content if self.draft else None,
            remaining=Money(left, payment.currency),
            items=self.items,
            targets=self.targets,
        )

    def sealed_form(self) -> ApplicationForm | None:
        """The form with the draft as its data, if the draft can be sent as it stands."""
        if self.draft is None:
            return None
        form = self.form(self.draft.content, {})
        return form if form.is_valid() else None

    @property
    def token(self) -> str:
        """
        What makes sending the same draft twice one application.

        Another text or another file makes it another one: what was typed in a second tab is not sent
        unseen from the first.
        """
        if self.draft is None:
            return str(uuid4())
        said = json.dumps([self.draft.content, sorted(str(file.pk) for file in self.files)], sort_keys=True)
        return str(uuid5(self.draft.pk, said))


def _desk(visit: Visit, number: str) -> Desk:
    """
    Sit down with a payment.

    :raises NotFoundOrHidden: no such payment for this visitor
    :raises NotPermitted: the visitor may only read
    :raises CreditNotRefundable: the payment is an exchange credit
    """
    rows = payments_of(visit.principal).select_related("terms", "client", "contract", "stage")
    payment = one_by_number(rows, number)
    visit.require_to_act_for(payment.client_id)
    refuse_credit(payment)
    stages = Allocation.objects.filter(payment=payment).values("stage_id")
    items = AcceptanceItem.objects.filter(stage__in=stages, is_removed=False, stage__deliveries__isnull=False)
    items = items.select_related("stage").order_by("stage__position", "position").distinct()
    draft = draft_of(_person(visit), payment.pk)
    files = list(draft.attachments.all()) if draft else []
    return Desk(payment, draft, files, list(items), _targets(payment))


_OF_A_TARGET: Final = (
    *("code", "title", "amount_minor", "covered_minor"),
    *("contract__number", "contract__title", "contract__currency"),
)
"""What the words of a stage that could take a credit are made of."""


def _targets(payment: Payment) -> list[Stage]:
    """Stages of the same client that could take a credit."""
    if payment.terms is None or not payment.terms.exchange_allowed:
        return []
    rows = Stage.objects.filter(
        contract__client=payment.client_id,
        contract__currency=payment.currency,
        contract__state=ContractState.SIGNED,
        is_removed=False,
        amount_minor__gt=F("covered_minor"),
    )
    rows = rows.select_related("contract").only(*_OF_A_TARGET).order_by("contract_id", "position")
    return list(rows[:TARGETS_MAX])


def _person(visit: Visit) -> User:
    assert visit.principal.user is not None, "pages are for people"
    return visit.principal.user


@keeps_typed
@page
def apply(request: HttpRequest, visit: Visit, number: str) -> HttpResponse:
    """First step: type. Everything typed is kept at once, whether it can be sent or not."""
    desk = _desk(visit, number)
    if typed := typed_before(request, with_files=True):
        _keep(visit, desk, desk.form(typed))
        desk = _desk(visit, number)
    if request.method == "POST":
        form = desk.form(request.POST, request.FILES)
        _keep(visit, desk, form)
        step = request.POST.get("go")
        if step == "keep":
            return HttpResponse(status=204)
        if step == "on" and form.is_valid():
            return redirect("apply-check", number)
        if step == "files" and "evidence" not in form.errors:
            return redirect(reverse("apply", args=[number]) + "#files")
        desk = _desk(visit, number)
    else:
        form = desk.form()
    context = _common(visit, desk) | {"form": form, "step": 1}
    return render(request, "portal/apply.html", context)


def _keep(visit: Visit, desk: Desk, form: ApplicationForm) -> None:
    """Keep what was typed, and each file that can be kept."""
    person, payment = _person(visit), desk.payment
    form.full_clean()
    try:
        save_draft(user=person, payment_id=payment.pk, content=form.content, now=visit.now)
    except DomainError as refusal:
        form.add_error(None, refusal_words(refusal))
    for file in form.cleaned_data.get("evidence") or ():
        try:
            add_draft_file(user=person, payment_id=payment.pk, file=file, file_name=file.name, now=visit.now)
        except DomainError as refusal:
            form.add_error("evidence", f"{file.name}: {refusal_words(refusal)}")


@page
def remove_file(request: HttpRequest, visit: Visit, number: str, attachment_id: UUID) -> HttpResponse:
    """Take a file out of one's own draft; what was typed meanwhile is kept."""
    if request.method == "POST":
        if "statement" in request.POST:
            desk = _desk(visit, number)
            _keep(visit, desk, desk.form(request.POST, {}))
        remove_draft_file(user=_person(visit), attachment_id=attachment_id)
    return redirect(reverse("apply", args=[number]) + "#files")


@page
def discard(request: HttpRequest, visit: Visit, number: str) -> HttpResponse:
    """Throw the draft away."""
    desk = _desk(visit, number)
    if request.method == "POST":
        discard_draft(user=_person(visit), payment_id=desk.payment.pk)
        messages.success(request, _("Your draft has been thrown away. Nothing was sent."))
    return redirect("payment", number)


@page
def check(request: HttpRequest, visit: Visit, number: str) -> HttpResponse:
    """Second step: look at everything again, with the answer that it would get now."""
    desk = _desk(visit, number)
    form = desk.sealed_form()
    if form is None:
        return redirect("apply", number)
    try:
        quoted = _quote(visit, desk, form)
    except DomainError as refusal:
        messages.error(request, refusal_words(refusal))
        return redirect("apply", number)
    context = _common(visit, desk) | _answers(form) | _prospect(desk, quoted) | {"step": 2}
    return render(request, "portal/apply_check.html", context)


@keeps_typed
@page
def confirm(request: HttpRequest, visit: Visit, number: str) -> HttpResponse:
    """Third step: one button. The server's clock says when the application arrived."""
    if request.method == "POST":
        return _send(request, visit, number)
    desk = _desk(visit, number)
    form = desk.sealed_form()
    if form is None:
        return redirect("apply", number)
    typed_before(request)
    return _show_confirmation(request, visit, desk, form)


def _show_confirmation(
    request: HttpRequest,
    visit: Visit,
    desk: Desk,
    form: ApplicationForm,
    *,
    changed: DomainError | None = None,
    is_other_text: bool = False,
) -> HttpResponse:
    try:
        quoted = _quote(visit, desk, form)
    except DomainError as refusal:
        messages.error(request, refusal_words(refusal))
        return redirect("apply", desk.payment.number)
    differences = [] if changed is None else changed.data.get("differences", [])
    context = _common(visit, desk) | _prospect(desk, quoted)
    context |= {
        "step": 3,
        "token": desk.token,
        "fingerprint": quoted.fingerprint,
        "amount_asked": form.amount,
        "has_changed": changed is not None,
        "is_other_text": is_other_text,
        "differences": [words_for(DIFFERENCES, one["field"]) for one in differences],
    }
    return render(request, "portal/apply_confirm.html", context)


def _send(request: HttpRequest, visit: Visit, number: str) -> HttpResponse:
    """
    Send the application, once: the same form sent again leads to the same acknowledgement.

    Whether it is in time is the server's answer, not the page's; nothing typed is lost by a no.
    """
    token, expected = _token_in(request), request.POST.get("fingerprint", "")
    refusals: list[DomainError] = []

    def work() -> StoredAnswer:
        desk = _desk(visit, number)
        form = desk.sealed_form()
        if form is None or desk.token != token:
            return StoredAnswer(status=409)
        sent = _apply(visit, desk, form, expected)
        return StoredAnswer(status=303, headers={"Location": reverse("received", args=[sent.number])})

    def refused(error: DomainError) -> StoredAnswer:
        refusals.append(error)
        return StoredAnswer(status=409)

    try:
        answer = run_once(
            principal=f"user:{_person(visit).pk}",
            key=f"apply:{token}",
            fingerprint=hashlib.sha256(f"{number} {token}".encode()).hexdigest(),
            work=work,
            refusal=refused,
            now=visit.now,
        )
    except (StillRunning, IdempotencyKeyReused):
        messages.info(request, _("Your application is on its way already. Please look again in a moment."))
        return redirect("payment", number)
    if answer.status == 303:
        return redirect(answer.headers["Location"])
    return _say_no(request, visit, number, refusals[0] if refusals else None)


def _token_in(request: HttpRequest) -> str:
    """Give the token of the form that was sent; nothing that is not one of ours."""
    try:
        return str(UUID(request.POST.get("token", "")))
    except ValueError:
        return ""


def _apply(visit: Visit, desk: Desk, form: ApplicationForm, expected: str) -> Any:
    target = form.target_id
    return apply_for_refund(
        principal=visit.principal,
        payment_id=desk.payment.pk,
        reason=form.cleaned_data["reason"],
        statement=form.cleaned_data["statement"],
        objections=list(form.objections()),
        amount=form.amount,
        remedy=form.chosen_remedy,
        target_stage_id=UUID(target) if target else None,
        expected_fingerprint=expected,
        now=visit.now,
    )


def _say_no(request: HttpRequest, visit: Visit, number: str, refusal: DomainError | None) -> HttpResponse:
    """Show why nothing was sent, with everything typed still there."""
    if refusal is not None and refusal.kind in ("not_found", "forbidden"):
        raise refusal
    desk = _desk(visit, number)
    form = desk.sealed_form()
    if form is None:
        messages.error(request, _("This form was sent before, or it is too old. Nothing new was sent."))
        return redirect("payment", number)
    if refusal is None or refusal.code == "quote_changed":
        return _show_confirmation(request, visit, desk, form, changed=refusal, is_other_text=refusal is None)
    messages.error(request, refusal_words(refusal))
    return redirect("payment", number)


def _quote(visit: Visit, desk: Desk, form: ApplicationForm) -> Quote:
    target = form.target_id
    quoted = quote_of(
        desk.payment,
        principal=visit.principal,
        amount=form.amount,
        remedy=form.chosen_remedy,
        target_stage_id=UUID(target) if target else None,
        now=visit.now,
    )
    remember_quote(quoted)
    return quoted


def _common(visit: Visit, desk: Desk) -> dict[str, Any]:
    return {
        "payment": desk.payment,
        "amount": Money(desk.payment.amount_minor, desk.payment.currency),
        "clock": clock_of(desk.payment, visit.now),
        "has_draft": desk.draft is not None,
        "files": desk.files,
        "files_words": ngettext("%(n)s file", "%(n)s files", len(desk.files)) % {"n": len(desk.files)}
        if desk.files
        else _("none"),
        "is_consumer": desk.payment.client.kind == "consumer",
    }


def _answers(form: ApplicationForm) -> dict[str, Any]:
    """What was typed, to be read again."""
    said = form.cleaned_data
    return {
        "reason": form.words_of("reason", said["reason"]),
        "said": said["statement"],
        "objections": [
            (field.label, said[field.name]) for field in form.item_fields if said[field.name].strip()
        ],
        "amount_asked": form.amount,
        "remedy": form.words_of("remedy", form.chosen_remedy),
        "target": form.words_of("target", form.target_id or ""),
    }


def _prospect(desk: Desk, quoted: Quote) -> dict[str, Any]:
    answer = quoted.answer_json
    return {
        "statement": statement_of(answer, names_in(desk.payment.contract)),
        "is_late": answer["in_time"] is False,
        "is_exchange": quoted.target_stage is not None,
    }
