"""Private files on their way out to a client."""

from uuid import UUID

from django.http import FileResponse, HttpRequest, HttpResponse

from contracts.selectors import documents_of
from kernel.errors import NotFoundOrHidden
from refundportal.portal.access import Visit, page
from refundportal.web.files import download
from refundportal.web.previews import preview
from refunds.selectors.access import attachment_of


@page
def contract_document(request: HttpRequest, visit: Visit, number: str, document_id: UUID) -> FileResponse:
    """Give a document of a contract that the visitor may see."""
    found = documents_of(visit.principal).filter(pk=document_id, contract__number=number).first()
    if found is None:
        raise NotFoundOrHidden
    return download(found)


@page
def attachment(request: HttpRequest, visit: Visit, attachment_id: UUID) -> FileResponse:
    """Give a file of a draft, an application or a message that the visitor may see."""
    return download(attachment_of(visit.principal, attachment_id))


@page
def attachment_preview(request: HttpRequest, visit: Visit, attachment_id: UUID) -> HttpResponse:
    """Give a small picture of an image that the visitor may see."""
    return preview(attachment_of(visit.principal, attachment_id))
