"""Documents of a contract: versions that are written once, each with its digest."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from accounts.principals import Principal
from accounts.rights import require_author
from contracts.drafts import values
from contracts.files import Readable, StoredFile, remove_file, store_file
from contracts.models import Contract, Document, DocumentKind
from contracts.selectors import contract_of, lock_contract
from contracts.services.acts import tell_contract
from kernel.errors import DomainError, Fault, InvalidInput
from kernel.reading import Wrong

DOCUMENTS_MAX = 1000


class TooManyDocuments(DomainError):
    """A contract holds more documents than anybody reads."""

    code = "too_many_documents"
    title = "This contract holds as many documents as it can."


@transaction.atomic
def add_document(
    *,
    principal: Principal,
    contract_id: UUID,
    kind: str,
    title: str,
    file: Readable,
    file_name: str,
    now: datetime,
) -> Document:
    """
    Keep a file with a contract, as the next version of its kind and title.

    :raises NotFoundOrHidden: no such contract for this principal
    :raises NotPermitted: the principal does no contract work
    :raises InvalidInput: an unknown kind or a title that cannot be shown
    :raises FileRefused: too large, empty, or not of a type that is kept
    """
    contract_of(principal, contract_id)
    require_author(principal)
    known, shown = _read_kind(kind), _read_title(title)
    stored = store_file(file, file_name)
    try:
        contract = lock_contract(contract_id)
        if contract.documents.count() >= DOCUMENTS_MAX:
            raise TooManyDocuments
        return write_document(contract, known, shown, stored, principal=principal, now=now)
    except BaseException:
        remove_file(stored.stored_as)
        raise


def write_document(
    contract: Contract,
    kind: DocumentKind,
    title: str,
    stored: StoredFile,
    *,
    principal: Principal,
    now: datetime,
) -> Document:
    """Write the row of a stored file; the caller holds the contract's lock."""
    earlier = Document.objects.filter(contract=contract, kind=kind, title=title)
    version = (earlier.aggregate(last=Max("version"))["last"] or 0) + 1
    document = Document.objects.create(
        contract=contract,
        kind=kind,
        title=title,
        version=version,
        stored_as=stored.stored_as,
        file_name=stored.file_name,
        content_type=stored.content_type,
        size_bytes=stored.size_bytes,
        sha256=stored.sha256,
        uploaded_at=now,
        uploaded_by=principal.user,
    )
    tell_contract(
        "document.added",
        contract,
        principal=principal,
        now=now,
        document=document.pk,
        kind=kind.value,
        version=version,
        sha256=stored.sha256,
    )
    return document


def _read_kind(value: str) -> DocumentKind:
    if value not in DocumentKind.values:
        message = f"must be one of: {', '.join(DocumentKind.values)}"
        raise InvalidInput(faults=[Fault(path="kind", message=message)])
    return DocumentKind(value)


def _read_title(value: str) -> str:
    try:
        return values.text(200)(value)
    except Wrong as wrong:
        raise InvalidInput(faults=[Fault(path="title", message=str(wrong))]) from None
