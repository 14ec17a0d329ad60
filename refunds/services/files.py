"""Files sent with drafts, applications and messages: stored first, written down in the transaction."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import User
from accounts.principals import Principal
from contracts.files import Readable, StoredFile, remove_file, store_file
from kernel.errors import DomainError
from refunds import scanner
from refunds.models import ApplicationDraft, Attachment, Message, RefundRequest, ScanState
from refunds.selectors.actions import require, why_not_write
from refunds.selectors.standing import standing_of
from refunds.services.cases import lock_case, tell

REQUEST_FILES_MAX = 100
DRAFT_FILES_MAX = 20


class TooManyFiles(DomainError):
    """A case or draft holds as many files as anybody can read."""

    code = "too_many_files"
    title = "There are too many files here already."


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it comes in, with the name it was given."""

    file: Readable
    file_name: str


@contextmanager
def stored(uploads: Sequence[Upload]) -> Iterator[list[StoredFile]]:
    """
    Store files before any lock is taken; if what follows fails, they are removed again.

    :raises FileRefused: a file is too large, empty, or not of a kept type
    """
    kept: list[StoredFile] = []
    try:
        for upload in uploads:
            kept.append(store_file(upload.file, upload.file_name))
        yield kept
    except BaseException:
        for file in kept:
            remove_file(file.stored_as)
        raise


def attach(
    files: Sequence[StoredFile],
    *,
    request: RefundRequest,
    message: Message | None = None,
    principal: Principal,
    now: datetime,
) -> list[Attachment]:
    """
    Write down stored files of a case, each with its digest in the journal; the request is locked.

    :raises TooManyFiles: the request is full
    """
    there = Attachment.objects.filter(request=request)
    attachments = _write(
        files, there, REQUEST_FILES_MAX, principal.user, now, request=request, message=message
    )
    _tell_files(request, attachments, principal, now)
    return attachments


def attach_to_draft(
    files: Sequence[StoredFile], *, draft: ApplicationDraft, now: datetime
) -> list[Attachment]:
    """
    Write down stored files of a draft; the draft is locked. The journal hears of them when they are sent.

    :raises TooManyFiles: the draft is full
    """
    return _write(files, draft_files(draft), DRAFT_FILES_MAX, draft.user, now, draft=draft)


def _write(
    files: Sequence[StoredFile],
    there: QuerySet[Attachment],
    files_max: int,
    uploaded_by: User | None,
    now: datetime,
    **place: Any,
) -> list[Attachment]:
    if not files:
        return []
    if there.count() + len(files) > files_max:
        raise TooManyFiles
    return Attachment.objects.bulk_create(
        Attachment(
            **place,
            stored_as=file.stored_as,
            file_name=file.file_name,
            content_type=file.content_type,
            size_bytes=file.size_bytes,
            sha256=file.sha256,
            uploaded_by=uploaded_by,
            uploaded_at=now,
            scan_state=ScanState.WAITING if scanner.is_on() else ScanState.UNSCANNED,
            scan_after=now if scanner.is_on() else None,
        )
        for file in files
    )


def _tell_files(
    request: RefundRequest, attachments: Iterable[Attachment], principal: Principal, now: datetime
) -> None:
    for file in attachments:
        is_internal = file.message is not None and file.message.is_internal
        tell(
            "attachment.added", request, principal, now,
            attachment=file.pk, sha256=file.sha256, is_internal=is_internal,
        )  # fmt: skip


def draft_files(draft: ApplicationDraft) -> QuerySet[Attachment]:
    """Give the files of a draft that have not been sent."""
    return Attachment.objects.filter(draft=draft, request__isnull=True)


def attach_draft(user: User, request: RefundRequest, principal: Principal, now: datetime) -> None:
    """Let the files of a person's draft come along with their application; the draft ends."""
    draft = ApplicationDraft.objects.filter(user=user, payment_id=request.payment_id).first()
    if draft is not None:
        files = list(draft_files(draft).order_by("uploaded_at", "id"))
        draft_files(draft).update(request=request, draft=None)
        draft.delete()
        _tell_files(request, files, principal, now)


def add_attachment(
    *, principal: Principal, request_id: UUID, file: Readable, file_name: str, now: datetime
) -> Attachment:
    """
    Add a file to an application. It is never changed or taken away again.

    :raises NotFoundOrHidden: no such request for this principal
    :raises NotPermitted: the principal may only read
    :raises FileRefused: too large, empty, or not of a kept type
    :raises TooManyFiles: the request is full
    """
    (attachment,) = add_evidence(
        principal=principal, request_id=request_id, files=[Upload(file, file_name)], now=now
    )
    return attachment


def add_evidence(
    *, principal: Principal, request_id: UUID, files: Sequence[Upload], now: datetime
) -> list[Attachment]:
    """
    Add files to an application: all of them, or none.

    :raises NotFoundOrHidden: and the other refusals of `add_attachment`
    """
    with stored(files) as kept, transaction.atomic():
        request = lock_case(principal, request_id)
        require(why_not_write, standing_of(principal, request, now=now))
        return attach(kept, request=request, principal=principal, now=now)
