"""The overview, and the lists that it leads to."""

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from contracts.models import Contract
from contracts.selectors import contracts_of
from refundportal.portal.access import Visit, page
from refundportal.portal.windows import open_windows
from refundportal.web.pages import cursor_in, page_of
from refunds.models import RefundRequest
from refunds.selectors.access import requests_of
from refunds.states import REQUEST_OPEN

SHOWN = 10


@page
def home(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Show open windows first, then open applications, then contracts; lead staff to their own pages."""
    clients = visit.own_clients()
    names = list(clients.order_by("name").values_list("name", flat=True)[:SHOWN])
    if not names and visit.principal.is_staff:
        return redirect("admin:index")
    windows, more_windows = open_windows(visit, clients)
    requests = _requests(visit).filter(state__in=REQUEST_OPEN)
    context = {
        "client_names": names,
        "windows": windows,
        "more_windows": more_windows,
        "requests": page_of(requests, size=SHOWN),
        "contracts": page_of(_contracts(visit), size=SHOWN),
    }
    return render(request, "portal/home.html", context)


@page
def contract_list(request: HttpRequest, visit: Visit) -> HttpResponse:
    """List all contracts of the visitor's clients, newest first."""
    found = page_of(_contracts(visit), cursor=cursor_in(request))
    return render(request, "portal/contracts.html", {"contracts": found})


@page
def request_list(request: HttpRequest, visit: Visit) -> HttpResponse:
    """List all applications of the visitor's clients, newest first."""
    found = page_of(_requests(visit), cursor=cursor_in(request))
    return render(request, "portal/requests.html", {"requests": found})


def _contracts(visit: Visit) -> QuerySet[Contract]:
    return contracts_of(visit.principal).filter(client__in=visit.own_clients()).select_related("client")


def _requests(visit: Visit) -> QuerySet[RefundRequest]:
    rows = requests_of(visit.principal).filter(client__in=visit.own_clients())
    return rows.select_related("payment__terms", "payment__stage", "contract")
