"""The page of an application: where it stands, why, the thread; acknowledgement, letter, withdrawal."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from kernel.errors import DomainError, NotFoundOrHidden
from kernel.money import Money
from refundportal.portal.access import Visit, page
from refundportal.portal.bank import bank_notice
from refundportal.portal.forms import MessageForm
from refundportal.portal.kept import keeps_typed, typed_before
from refundportal.portal.once import do_once
from refundportal.web.files import uploads
from refundportal.web.pages import cursor_in, page_of
from refundportal.web.rail import clock_of
from refundportal.web.refusals import refusal_words
from refundportal.web.timeline import timeline_of
from refunds.letters import acknowledgement_of, decision_letter_of
from refunds.models import RefundRequest
from refunds.selectors import CaseView, case_of, current_decision, messages_of, request_by_number
from refunds.services import add_evidence, post_message, withdraw_request
from refunds.statement import names_in, statement_of
from refunds.wording import PAYOUT_STATES, REQUEST_STATES, words_for


@keeps_typed
@page
def refund_request(request: HttpRequest, visit: Visit, number: str) -> HttpResponse:
    """Show an application; a message that was typed is sent by the same page."""
    found = request_by_number(visit.principal, number)
    form = MessageForm(initial=typed_before(request, with_files=True))
    if request.method == "POST":
        form = MessageForm(request.POST, request.FILES)
        if form.is_valid() and _write(visit, request.path, found, form):
            messages.success(
                request,
                _("Your message has been sent.")
                if form.cleaned_data["body"]
                else _("Your files have been added."),
            )
            return redirect(reverse("request", args=[number]) + "#thread")
    case = case_of(visit.principal, found, now=visit.now)
    thread = page_of(
        messages_of(visit.principal, found.pk).prefetch_related("attachments"), cursor=cursor_in(request)
    )
    return render(
        request,
        "portal/request.html",
        _case(visit, case) | {"form": form, "thread": thread, "messages_shown": thread.rows[::-1]},
    )


def _write(visit: Visit, place: str, found: RefundRequest, form: MessageForm) -> bool:
    files = uploads(form.cleaned_data["evidence"])

    def post() -> str:
        if not form.cleaned_data["body"]:
            add_evidence(principal=visit.principal, request_id=found.pk, files=files, now=visit.now)
            return place
        post_message(
            principal=visit.principal,
            request_id=found.pk,
            body=form.cleaned_data["body"],
            attachments=files,
            now=visit.now,
        )
        return place

    try:
        do_once(visit, place, form, post)
    except DomainError as refusal:
        if refusal.kind == "forbidden":
            raise
        form.add_error(
            "evidence" if refusal.code.startswith(("file_", "too_many_files")) else None,
            refusal_words(refusal),
        )
        return False
    return True


def _case(visit: Visit, case: CaseView) -> dict[str, Any]:
    found = case.request
    names = names_in(found.contract)
    return {
        "case": case,
        "request_row": found,
        "state": words_for(REQUEST_STATES, found.state),
        "zone": found.payment.terms.time_zone if found.payment.terms else "",
        "statement": statement_of(case.answer, names),
        "timeline": timeline_of(case, to_client=not visit.principal.is_staff),
        "asked": None if found.amount_minor is None else Money(found.amount_minor, found.currency),
        "objections": [
            (f"{one['item']} {names.items.get((one['stage'], one['item']), '')}".strip(), one["text"])
            for one in found.objections
        ],
        "money_state": words_for(PAYOUT_STATES, case.money.state) if case.money.state else "",
        "money_instants": _money_instants(case),
        "bank": None if case.money.is_paid else bank_notice(visit, found),
        "can": {action.name: action.allowed for action in case.actions},
    }


def _money_instants(case: CaseView) -> dict[str, Any]:
    """When the money was sent and when it arrived, as far as it is known."""
    if not case.money.payouts:
        return {}
    payout = case.money.payouts[-1]
    return {
        "sent_at": payout.accepted_at,
        "arrived_at": payout.settled_at,
        "amount": Money(payout.amount_minor, payout.currency),
    }


@page
def received(request: HttpRequest, visit: Visit, number: str) -> HttpResponse:
    """Acknowledge an application: its number, the exact time of receipt, what happens next."""
    found = request_by_number(visit.principal, number)
    context = {
        "request_row": found,
        "letter": acknowledgement_of(found),
        "zone": found.payment.terms.time_zone if found.payment.terms else "",
        "is_answered": found.state in ("rejected", "approved"),
    }
    return render(request, "portal/received.html", context)


@page
def letter(request: HttpRequest, visit: Visit, number: str) -> HttpResponse:
    """Show the letter of the decision, to be read and printed."""
    found = request_by_number(visit.principal, number)
    decision = current_decision(found.pk)
    if decision is None or found.state not in ("rejected", "approved"):
        raise NotFoundOrHidden
    context = {"request_row": found, "letter": decision_letter_of(decision, found)}
    return render(request, "portal/letter.html", context)


@page
def withdraw(request: HttpRequest, visit: Visit, number: str) -> HttpResponse:
    """Ask before an application is withdrawn, say what is lost by it, and withdraw it."""
    found = request_by_number(visit.principal, number)
    visit.require_to_act_for(found.client_id)
    if request.method == "POST":
        try:
            withdraw_request(principal=visit.principal, request_id=found.pk, now=visit.now)
        except DomainError as refusal:
            messages.error(request, refusal_words(refusal))
        else:
            messages.success(
                request, _("You have withdrawn the application %(number)s.") % {"number": number}
            )
        return redirect("request", number)
    context = {"request_row": found, "clock": clock_of(found.payment, visit.now)}
    return render(request, "portal/withdraw.html", context)
