"""Signing: an owner reads what is agreed, with the document's hash, and signs it with one button."""

from dataclasses import dataclass
from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from contracts.drafts import parse_amendment
from contracts.models import Amendment, AmendmentState, Contract, ContractState, Stage
from contracts.selectors import contracts_of, items_of, policy_terms, terms_in_force
from contracts.selectors.documents import newest_contract_document
from contracts.services import sign_amendment, sign_contract
from contracts.services.acts import ContractNotSigned
from contracts.services.amendments import Plan, plan_of
from contracts.services.signing import DocumentChanged, TermsChanged
from kernel.errors import DomainError, InvalidInput, NotFoundOrHidden, StaleState
from kernel.money import Money
from refundportal.portal.access import Visit, one_by_number, page
from refundportal.web.terms import terms_in_words

_REFUSALS: Final[dict[type[DomainError], Promise]] = {
    DocumentChanged: _("The document has changed in the meantime. Please read the newest version."),
    TermsChanged: _("The refund terms have changed in the meantime. Please read them again."),
    StaleState: _("This is not open for a signature any more."),
    ContractNotSigned: _("The contract has ended, so it is not changed any more."),
    InvalidInput: _("This amendment no longer fits the contract. We have to write it anew."),
}


@page
def sign(request: HttpRequest, visit: Visit, number: str) -> HttpResponse:
    """Show a draft with all that is signed, and take the signature of an owner."""
    found = _contract(visit, number)
    if found.state != ContractState.DRAFT:
        return redirect("contract", number)
    if request.method == "POST":
        return _sign(request, visit, found)
    terms = terms_in_force(found.pk, visit.now)
    stages = list(Stage.objects.filter(contract=found, is_removed=False).order_by("position"))
    items = items_of([stage.pk for stage in stages])
    context = {
        "contract": found,
        "document": newest_contract_document(found.pk),
        "terms": terms_in_words(policy_terms(terms)),
        "terms_version": terms.version,
        "deviates": terms.deviates_from_policy,
        "zone": terms.time_zone,
        "stages": [(stage, items.get(stage.pk, [])) for stage in stages],
    }
    return render(request, "portal/sign.html", context)


def _contract(visit: Visit, number: str) -> Contract:
    """
    :raises NotFoundOrHidden: no such contract for this visitor
    :raises NotPermitted: the visitor is no owner of its client
    """
    found = one_by_number(contracts_of(visit.principal).select_related("client"), number)
    visit.require_owner_of(found.client_id)
    return found


def _sign(request: HttpRequest, visit: Visit, found: Contract) -> HttpResponse:
    version = request.POST.get("terms_version", "")
    try:
        sign_contract(
            principal=visit.principal,
            contract_id=found.pk,
            document_sha256=request.POST.get("document_sha256", ""),
            # What is no version of ours is none that somebody has read.
            terms_version=int(version)
            if version.isascii() and version.isdigit() and len(version) < 10
            else -1,
            now=visit.now,
        )
    except (DocumentChanged, TermsChanged) as refusal:
        messages.error(request, str(_REFUSALS[type(refusal)]))
        return redirect("sign", found.number)
    except StaleState:
        messages.error(request, str(_REFUSALS[StaleState]))
    else:
        messages.success(request, _t("You have signed %(title)s.") % {"title": found.title})
    return redirect("contract", found.number)


@dataclass(frozen=True, slots=True)
class Change:
    """A stage before and after."""

    before: Stage
    after: Stage


@page
def amendment(request: HttpRequest, visit: Visit, number: str, at: int) -> HttpResponse:
    """Show what an amendment changes, stage by stage, and take the signature of an owner."""
    found = _contract(visit, number)
    row = found.amendments.select_related("document").filter(number=at).first()
    if row is None:
        raise NotFoundOrHidden
    if row.state != AmendmentState.DRAFT:
        return redirect("contract", number)
    if request.method == "POST":
        return _sign_amendment(request, visit, found, row)
    plan = _plan(found, row)
    before = {stage.pk: stage for stage in Stage.objects.filter(contract=found)}
    context = {
        "contract": found,
        "amendment": row,
        "plan": plan,
        "changes": [Change(before[stage.pk], stage) for stage in plan.changed] if plan else [],
        "total_after": Money(plan.total_minor, found.currency) if plan else None,
        "zone": terms_in_force(found.pk, visit.now).time_zone,
    }
    return render(request, "portal/amendment.html", context)


def _plan(found: Contract, row: Amendment) -> Plan | None:
    """Work out what an amendment would do now; None if it no longer fits."""
    if found.state != ContractState.SIGNED:
        return None
    try:
        return plan_of(found, parse_amendment(row.changes, currency=found.currency))
    except InvalidInput:
        return None


def _sign_amendment(request: HttpRequest, visit: Visit, found: Contract, row: Amendment) -> HttpResponse:
    try:
        sign_amendment(
            principal=visit.principal,
            amendment_id=row.pk,
            document_sha256=request.POST.get("document_sha256", ""),
            now=visit.now,
        )
    except DocumentChanged:
        messages.error(request, str(_REFUSALS[DocumentChanged]))
        return redirect("amendment", found.number, row.number)
    except (StaleState, ContractNotSigned, InvalidInput) as refusal:
        messages.error(request, str(_REFUSALS[type(refusal)]))
    else:
        messages.success(request, _t("You have signed amendment %(number)s.") % {"number": row.number})
    return redirect("contract", found.number)
