"""Private files on their way out: as attachment, never sniffed, never run."""

from uuid import UUID

from django.http import FileResponse, Http404, HttpRequest

from contracts.files import open_file
from contracts.models import Document
from contracts.selectors import documents_of
from kernel.errors import NotFoundOrHidden
from refundportal.portal.access import Visit, page
from refunds.models import Attachment
from refunds.selectors.access import attachment_of

SANDBOX = "default-src 'none'; sandbox"


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


def download(row: Document | Attachment) -> FileResponse:
    """Send the original bytes of a stored file."""
    try:
        content = open_file(row.stored_as)
    except FileNotFoundError as missing:
        raise Http404 from missing
    response = FileResponse(
        content, as_attachment=True, filename=row.file_name, content_type=row.content_type
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = SANDBOX
    response.headers["Cache-Control"] = "private, no-store"
    return response
