"""The contract page, and what a client does with delivered work: accept it or object to it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from contracts.models import AmendmentState, Contract, Delivery, DeliveryState, Membership, Role, Stage
from contracts.selectors import contracts_of, documents_of, items_of, policy_terms, terms_in_force
from contracts.services import accept_delivery, object_to_delivery
from kernel.errors import DomainError, NotFoundOrHidden
from payments.selectors import payments_of
from refundportal.portal.access import Visit, one_by_number, page
from refundportal.portal.forms import ObjectionForm
from refundportal.portal.kept import keeps_typed, typed_before
from refundportal.portal.usage import usage_so_far
from refundportal.web.pages import cursor_in, page_of
from refundportal.web.rail import gather_rail
from refundportal.web.refusals import refusal_words
from refundportal.web.terms import terms_in_words


@page
def contract(request: HttpRequest, visit: Visit, number: str) -> HttpResponse:
    """Show one contract: rail, terms, work that waits for an answer, documents, payments, usage."""
    found = _contract(visit, number)
    role = visit.role_for(found.client_id)
    terms = terms_in_force(found.pk, visit.now)
    payments = payments_of(visit.principal).filter(contract=found).select_related("stage")
    rail = gather_rail(found, visit.now)
    context = {
        "contract": found,
        "may_act": role in (Role.OWNER, Role.REQUESTER),
        "is_owner": role == Role.OWNER,
        "amendments": found.amendments.filter(state=AmendmentState.DRAFT).order_by("number"),
        "members": Membership.objects.filter(client=found.client_id)
        .select_related("user")
        .order_by("created_at")[:50],
        "rail": rail,
        "due": [bead for bead in rail if bead.due],
        "zone": terms.time_zone,
        "terms": terms_in_words(policy_terms(terms)),
        "terms_version": terms.version,
        "deviates": terms.deviates_from_policy,
        "waiting": _waiting_deliveries(found),
        "documents": page_of(
            documents_of(visit.principal).filter(contract=found), cursor=cursor_in(request, "documents")
        ),
        "payments": page_of(payments, cursor=cursor_in(request, "payments")),
        "usage": usage_so_far(found, visit.now),
    }
    return render(request, "portal/contract.html", context)


def _contract(visit: Visit, number: str) -> Contract:
    return one_by_number(contracts_of(visit.principal).select_related("client"), number)


def _waiting_deliveries(contract: Contract) -> list[Delivery]:
    """Give deliveries that the client has neither accepted nor objected to: the last one of each stage."""
    rows = Delivery.objects.filter(
        stage__contract=contract, state=DeliveryState.DELIVERED, stage__is_removed=False
    ).select_related("stage")
    return list({row.stage_id: row for row in rows.order_by("stage__position", "number")}.values())


def _delivered(visit: Visit, number: str, code: str) -> tuple[Contract, Stage, Delivery]:
    """
    Find the last delivery of a stage for somebody who may answer it.

    :raises NotFoundOrHidden: no such contract or stage for this visitor, or nothing was delivered
    :raises NotPermitted: the visitor may only read
    """
    found = _contract(visit, number)
    visit.require_to_act_for(found.client_id)
    rows = Delivery.objects.filter(stage__contract=found, stage__code=code, stage__is_removed=False)
    delivery = rows.select_related("stage").order_by("number").last()
    if delivery is None:
        raise NotFoundOrHidden
    return found, delivery.stage, delivery


def _back_to(request: HttpRequest, number: str, delivery: Delivery) -> HttpResponse:
    """Lead whoever comes with a second answer to the contract, and say what the first one was."""
    words = {
        DeliveryState.ACCEPTED: _("%(stage)s is accepted already. Nothing was changed."),
        DeliveryState.OBJECTED: _(
            "Your objections to %(stage)s have reached us already. Nothing was changed."
        ),
    }
    messages.info(request, words[DeliveryState(delivery.state)] % {"stage": delivery.stage})
    return redirect("contract", number)


@page
def accept(request: HttpRequest, visit: Visit, number: str, code: str) -> HttpResponse:
    """Ask before delivered work is accepted, say what is lost by it, and accept it."""
    found, stage, delivery = _delivered(visit, number, code)
    if delivery.state != DeliveryState.DELIVERED:
        return _back_to(request, number, delivery)
    if request.method == "POST":
        try:
            accept_delivery(principal=visit.principal, stage_id=stage.pk, now=visit.now)
        except DomainError as refusal:
            messages.error(request, refusal_words(refusal))
        else:
            messages.success(request, _("You have accepted %(stage)s.") % {"stage": stage})
        return redirect("contract", number)
    context = {
        "contract": found,
        "stage": stage,
        "delivery": delivery,
        "items": items_of([stage.pk]).get(stage.pk, []),
        "zone": terms_in_force(found.pk, visit.now).time_zone,
    }
    return render(request, "portal/accept.html", context)


@keeps_typed
@page
def object_to(request: HttpRequest, visit: Visit, number: str, code: str) -> HttpResponse:
    """Take objections to delivered work, item by item."""
    found, stage, delivery = _delivered(visit, number, code)
    if delivery.state != DeliveryState.DELIVERED:
        return _back_to(request, number, delivery)
    items = items_of([stage.pk]).get(stage.pk, [])
    form = ObjectionForm(request.POST or None, items=items, initial=typed_before(request))
    if request.method == "POST" and form.is_valid():
        try:
            object_to_delivery(
                principal=visit.principal, stage_id=stage.pk, objections=form.objections, now=visit.now
            )
        except DomainError as refusal:
            form.add_error(None, refusal_words(refusal))
        else:
            messages.success(request, _("Your objections to %(stage)s have reached us.") % {"stage": stage})
            return redirect("contract", number)
    context = {
        "contract": found,
        "stage": stage,
        "delivery": delivery,
        "form": form,
    }
    return render(request, "portal/object.html", context)
