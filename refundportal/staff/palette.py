"""The keyboard palette: from a few letters to a page, a case, a payment, a contract or a client."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from unfold.dataclasses import SearchResult

from contracts.selectors import clients_of, contracts_of
from payments.selectors import payments_of, payouts_of
from refundportal.staff.acts import record_url
from refundportal.staff.visits import visit_of
from refunds.selectors import requests_of

EACH_MAX: Final = 6
TERM_MAX: Final = 120


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of record that is found by how its names begin."""

    words: Any
    icon: str
    rows: Any
    begins_with: tuple[str, ...]
    title: str
    beside: str


KINDS: Final = (
    Kind(_("application"), "inbox", requests_of, ("number",), "{0.number}", "{0.client}"),
    Kind(
        _("payment"),
        "payments",
        payments_of,
        ("number", "provider_reference", "reference"),
        "{0.number}",
        "{0.client}",
    ),
    Kind(
        _("contract"), "contract", contracts_of, ("number", "reference"), "{0.number} {0.title}", "{0.client}"
    ),
    Kind(_("client"), "apartment", clients_of, ("name", "email"), "{0.name}", "{0.email}"),
    Kind(
        _("payout"),
        "send_money",
        payouts_of,
        ("provider_reference", "payment__number"),
        "{0.payment.number}",
        "{0.client}",
    ),
)


def found_for(request: HttpRequest, term: str) -> Iterator[SearchResult]:
    """Give the pages of the sidebar with these letters, then records whose names begin with them."""
    for group in request.staff_sidebar:  # type: ignore[attr-defined]
        for item in group["items"]:
            if term.lower() in str(item["title"]).lower():
                yield SearchResult(str(item["title"]), str(group["title"]), str(item["link"]), item["icon"])
    principal = visit_of(request).principal
    for kind in KINDS:
        for row in _begins(kind, kind.rows(principal), term)[:EACH_MAX]:
            beside = f"{kind.words} · {kind.beside.format(row)}"
            yield SearchResult(kind.title.format(row), beside, record_url(row), kind.icon)


def _begins(kind: Kind, rows: QuerySet[Any], term: str) -> QuerySet[Any]:
    condition = Q()
    for name in kind.begins_with:
        condition |= Q(**{f"{name}__istartswith": term})
    related = [name for name in ("client", "payment") if f"{{0.{name}" in kind.title + kind.beside]
    return (
        rows.select_related(*related).filter(condition).order_by("-id")
        if related
        else (rows.filter(condition).order_by("-id"))
    )


def palette(request: HttpRequest, sidebar: list[dict[str, Any]]) -> HttpResponse:
    """Answer what was typed into the palette; nothing is kept of it, in no cache."""
    term = request.GET.get("s", "").replace("\0", "").strip()[:TERM_MAX]
    if not term:
        return HttpResponse()
    request.staff_sidebar = sidebar  # type: ignore[attr-defined]
    pages = Paginator(list(found_for(request, term)), 100)
    context = {"page_obj": pages, "results": pages.page(1), "page_counter": 0, "execution_time": 0}
    return TemplateResponse(request, "unfold/helpers/command_results.html", context)
