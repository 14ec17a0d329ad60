"""Filters that people keep: named beside each list, one click away."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from accounts.saved_filters import filters_of, remove_filter, save_filter, what_is_kept
from kernel.errors import DomainError
from refundportal.staff.visits import may_read_people, visit_of


def saved_for(request: HttpRequest, opts: Any) -> dict[str, Any]:
    """Give what a list shows of the filters that are kept for it, and what could be kept now."""
    page = f"{opts.app_label}_{opts.model_name}"
    chosen = what_is_kept(request.GET.urlencode())
    kept = filters_of(visit_of(request).user, page)
    return {
        "saved_page": page,
        "saved_filters": [(one, one.query == chosen) for one in kept],
        "saved_query": "" if any(one.query == chosen for one in kept) else chosen,
    }


def saved_filters_view(request: HttpRequest) -> HttpResponse:
    """Keep the filters of a list under a name, or forget some; then lead back to the list."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if not may_read_people(request):
        raise PermissionDenied
    user, page = visit_of(request).user, request.POST.get("page", "")
    try:
        place = reverse(f"admin:{page}_changelist")
    except NoReverseMatch as missing:
        raise Http404 from missing
    query = what_is_kept(request.POST.get("query", ""))
    try:
        if "remove" in request.POST:
            remove_filter(user=user, filter_id=UUID(request.POST["remove"]))
        else:
            kept = save_filter(user=user, page=page, name=request.POST.get("name", ""), query=query)
            messages.success(request, _("Kept as “%(name)s”.") % {"name": kept})
    except ValueError as missing:
        raise Http404 from missing
    except DomainError as refusal:
        for words in [fault.message for fault in refusal.faults] or [refusal.detail]:
            messages.error(request, words)
    return redirect(f"{place}?{query}" if query else place)
