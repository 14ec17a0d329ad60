"""Writing a contract: one page for stages, shares, items, meters and terms, checked while it is written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from contracts.drafts import ContractDraft, parse_contract
from contracts.models import Client, Contract, ContractState
from contracts.policy.terms import RefundTerms, as_json, parse_terms
from contracts.selectors import clients_of, contract_of, policy_terms, terms_in_force
from contracts.services import create_contract, revise_contract
from events.tasks import sequence_events
from kernel.errors import DomainError, Fault
from refundportal.bell import ring
from refundportal.staff.acts import STATUS, first_of, record_url, refusing, reviewers_only
from refundportal.staff.paper_acts import TermsForm
from refundportal.staff.sheets import (
    Prepaid,
    as_contract,
    blank_sheet,
    faults_by_path,
    head_cells,
    list_rows,
    place_words,
    prepaid_of,
    sheet_of,
    sum_of,
    typed_in,
    with_row,
)
from refundportal.staff.visits import Visit, visit_of
from refundportal.web.faults import fault_words
from refundportal.web.terms import terms_in_words
from refunds.wording import money_words

CLIENTS_SHOWN = 20


@dataclass(slots=True, kw_only=True)
class Sheet:
    """What was typed, what it comes to, and what is wrong with it."""

    typed: dict[str, Any]
    terms: TermsForm
    client: Client | None = None
    alike: list[Client] = field(default_factory=list)
    """Who may be meant; while nothing is typed, those who came last."""
    draft: ContractDraft | None = None
    faults: list[Fault] = field(default_factory=list)

    def take(self, refusal: DomainError) -> None:
        self.faults += refusal.faults or [Fault(path="", message=refusal.detail)]


def write_view(model_admin: Any, request: HttpRequest, row_id: UUID | None = None) -> HttpResponse:
    """Show the sheet; check it, add a row to it, or store it."""
    if request.method not in ("GET", "HEAD", "POST"):
        return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    visit = visit_of(request)
    contract = None if row_id is None else _contract(visit, row_id)
    why_not = first_of(reviewers_only(visit), _not_a_draft(contract))
    wanted = request.POST.get("do", "check") if request.method == "POST" else ""
    if request.method == "POST" and why_not:
        sheet, status = _unwritten(visit, request, contract), 403
    elif request.method == "POST":
        sheet, status = _written(visit, request, contract), 200
    else:
        sheet, status = _unwritten(visit, request, contract), 200
    if wanted.startswith("client:") and contract is None and not why_not:
        _client_chosen(visit, sheet, wanted.removeprefix("client:"))
    if wanted.startswith("add:") and not why_not:
        sheet.typed, sheet.faults = with_row(sheet.typed, wanted.removeprefix("add:")), []
    if wanted == "store" and not why_not:
        stored = _store(visit, sheet, contract)
        if stored is not None:
            ring(sequence_events)
            messages.success(request, _("%(number)s is kept as a draft.") % {"number": stored.number})
            return redirect(record_url(stored))
        status = STATUS["invalid"]
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Write a contract") if contract is None else _("Write the draft anew"),
        "opts": model_admin.opts,
        "row": contract,
        "original": contract,
        "why_not": why_not,
        **_page(sheet, shows_faults=wanted in ("check", "store")),
    }
    return TemplateResponse(request, "staff/contract_write.html", context, status=status)


def _contract(visit: Visit, row_id: UUID) -> Contract:
    try:
        return contract_of(visit.principal, row_id)
    except DomainError as missing:
        raise Http404 from missing


def _not_a_draft(contract: Contract | None) -> str:
    is_signed = contract is not None and contract.state != ContractState.DRAFT
    return refusing(
        is_signed, _("Only a draft can be written anew; a signed contract changes by an amendment.")
    )


def _unwritten(visit: Visit, request: HttpRequest, contract: Contract | None) -> Sheet:
    """Give the sheet as it is before anything is typed: the draft, or a blank one for a client."""
    if contract is not None:
        terms = as_json(policy_terms(terms_in_force(contract.pk, visit.now)))
        return Sheet(typed=sheet_of(contract), terms=_terms_form(initial=terms), client=contract.client)
    named = {**blank_sheet(), "client": request.GET.get("client", "")[:300]}
    sheet = Sheet(
        typed=named, terms=_terms_form(initial=as_json(parse_terms({}, settings.COMPANY_TIME_ZONE)))
    )
    sheet.client, sheet.alike = _client_named(visit, named["client"])
    return sheet


def _terms_form(data: Any = None, *, initial: Any = None) -> TermsForm:
    return TermsForm(data, initial=initial, prefix="terms")


def _written(visit: Visit, request: HttpRequest, contract: Contract | None) -> Sheet:
    """Read the sheet as it was sent, with every fault."""
    posted = {name: str(request.POST[name]) for name in request.POST}
    sheet = Sheet(typed=typed_in(posted), terms=_terms_form(request.POST))
    if contract is not None:
        sheet.client, sheet.typed["client"] = contract.client, contract.client.name
    else:
        sheet.client, sheet.alike = _client_named(visit, sheet.typed.get("client", ""))
    terms = sheet.terms.raw() if sheet.terms.is_valid() else {}
    client = None if sheet.client is None else str(sheet.client.pk)
    try:
        draft = parse_contract(
            as_contract(sheet.typed, client=client, terms=terms), default_time_zone=settings.COMPANY_TIME_ZONE
        )
    except DomainError as refusal:
        sheet.take(refusal)
    else:
        sheet.draft = draft if sheet.terms.is_valid() else None
    for fault in [one for one in sheet.faults if one.path.startswith("terms.")]:
        name = fault.path.removeprefix("terms.")
        sheet.terms.add_error(name if name in sheet.terms.fields else None, fault_words(fault))
        sheet.faults.remove(fault)
    return sheet


def _client_named(visit: Visit, text: str) -> tuple[Client | None, list[Client]]:
    """Find the client of a name, e-mail address or id; else those whose names are alike."""
    rows = clients_of(visit.principal)
    if not text or "\0" in text:
        return None, list(rows.order_by("-id")[:CLIENTS_SHOWN])
    try:
        found = list(rows.filter(pk=UUID(text)))
    except ValueError:
        found = list(rows.filter(email__iexact=text)[:2]) or list(rows.filter(name__iexact=text)[:2])
    if len(found) == 1:
        return found[0], []
    alike = rows.filter(Q(name__icontains=text) | Q(email__icontains=text)).order_by("name", "id")
    return None, found or list(alike[:CLIENTS_SHOWN])


def _client_chosen(visit: Visit, sheet: Sheet, key: str) -> None:
    """Take one of those who may be meant, and write them down by what names no other one."""
    found, _alike = _client_named(visit, key)
    if found is not None:
        names = (found.email, found.name, str(found.pk))
        sheet.typed["client"] = next(name for name in names if _client_named(visit, name)[0] == found)
        sheet.client, sheet.alike = found, []


def _store(visit: Visit, sheet: Sheet, contract: Contract | None) -> Contract | None:
    if sheet.draft is None:
        return None
    who: Mapping[str, Any] = {"principal": visit.principal, "draft": sheet.draft, "now": visit.now}
    try:
        if contract is None:
            return create_contract(**who)
        return revise_contract(contract_id=contract.pk, **who)
    except DomainError as refusal:
        sheet.take(refusal)
        return None


def _page(sheet: Sheet, *, shows_faults: bool) -> dict[str, Any]:
    shown = sheet.faults if shows_faults else []
    by_path = faults_by_path(shown)
    total, stated = sum_of(sheet.typed)
    return {
        "sheet": sheet,
        "head": head_cells(sheet.typed, by_path),
        "stages": list_rows(sheet.typed, by_path, "stages"),
        "meters": list_rows(sheet.typed, by_path, "meters"),
        "faults": [
            (path, place_words(path), message) for path, found in by_path.items() for message in found
        ],
        "sum": total,
        "stated": stated,
        "is_off": total is not None and stated is not None and total != stated,
        "off_by": _off_by(total, stated),
        "prepaid": [_prepaid_words(one) for one in prepaid_of(sheet.typed)],
        "sentences": _sentences(sheet.terms),
        "is_whole": shows_faults and sheet.draft is not None and not sheet.faults,
    }


def _off_by(total: Any, stated: Any) -> str:
    if total is None or stated is None:
        return ""
    missing = stated - total
    size = missing if missing.minor >= 0 else -missing
    words = _("%(amount)s are missing") if missing.minor > 0 else _("%(amount)s too much")
    return words % {"amount": money_words(size.text, size.currency)}


def _prepaid_words(one: Prepaid) -> tuple[str, str]:
    """Say what a prepayment prepays; beside it how far that is off."""
    words = (
        _("%(code)s prepays in proportion: %(parts)s.")
        if one.is_proportional
        else _("%(code)s prepays %(parts)s; together %(sum)s of %(amount)s.")
    )
    parts = ", ".join(f"{code} {money_words(part.text, part.currency)}" for code, part in one.parts)
    figures = {
        name: money_words(sum_.text, sum_.currency)
        for name, sum_ in (("sum", one.sum), ("amount", one.amount))
    }
    return words % {"code": one.code, "parts": parts, **figures}, _off_by(
        one.sum, one.amount
    ) if one.missing else ""


def _sentences(form: TermsForm) -> Any:
    """Say the terms in words as they stand; nothing while they are none."""
    try:
        if not form.is_bound:
            return terms_in_words(parse_terms(form.initial, settings.COMPANY_TIME_ZONE))
        if not form.is_valid():
            return ()
        terms: RefundTerms = parse_terms(form.raw(), settings.COMPANY_TIME_ZONE)
    except DomainError:
        return ()
    return terms_in_words(terms)
