"""Files on their way to staff: only as downloads, only to those who may read."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase

from refundportal.staff.visits import may_read, visit_of
from refundportal.web.files import download
from refundportal.web.previews import preview
from refunds.selectors import attachments_of


def give(
    request: HttpRequest,
    rows: QuerySet[Any],
    row_id: UUID,
    how: Callable[[Any], HttpResponseBase] = download,
) -> HttpResponse:
    """
    Give one file of these rows, as a download unless `how` says otherwise.

    :raises PermissionDenied: the person may not read
    :raises Http404: there is no such file
    """
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    if not may_read(request):
        raise PermissionDenied
    found = rows.filter(pk=row_id).first()
    if found is None:
        raise Http404
    return how(found)  # type: ignore[return-value]  # a file is streamed


def attachment_view(request: HttpRequest, row_id: UUID) -> HttpResponse:
    """Give a file of an application or a message."""
    return give(request, attachments_of(visit_of(request).principal), row_id)


def preview_view(request: HttpRequest, row_id: UUID) -> HttpResponse:
    """Give a small picture of an image that came with an application or a message."""
    return give(request, attachments_of(visit_of(request).principal), row_id, preview)
