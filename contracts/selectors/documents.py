"""Documents that a signature rests on."""

from uuid import UUID

from contracts.models import Document, DocumentKind


def newest_contract_document(contract_id: UUID) -> Document | None:
    """Give the document that is signed: the newest one of kind contract, if there is one."""
    rows = Document.objects.filter(contract=contract_id, kind=DocumentKind.CONTRACT)
    return rows.order_by("uploaded_at", "version", "id").last()
