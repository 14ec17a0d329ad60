"""Files on their way to staff: only as downloads, only to those who may read."""

from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed

from refundportal.staff.visits import may_read, visit_of
from refundportal.web.files import download
from refunds.selectors import attachments_of


def give(request: HttpRequest, rows: QuerySet[Any], row_id: UUID) -> HttpResponse:
    """
    Give one file of these rows.

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
    return download(found)  # type: ignore[return-value]  # a file is streamed


def attachment_view(request: HttpRequest, row_id: UUID) -> HttpResponse:
    """Give a file of an application or a message."""
    return give(request, attachments_of(visit_of(request).principal), row_id)
