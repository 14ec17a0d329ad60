"""Drafts: what a client has typed so far, kept for 30 days. A draft is not an application."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.models import User
from accounts.principals import Principal
from contracts.files import Readable, remove_file
from kernel.errors import Fault, InvalidInput
from payments.models import Payment
from refunds.models import ApplicationDraft, Attachment
from refunds.selectors.access import payment_to_ask_about
from refunds.selectors.actions import why_not_apply
from refunds.services.files import Upload, attach_to_draft, draft_files, stored

DRAFT_DAYS = 30
CONTENT_MAX = 64 * 1024


@transaction.atomic
def save_draft(
    *, user: User, payment_id: UUID, content: Mapping[str, Any], now: datetime
) -> ApplicationDraft:
    """
    Keep what a person has typed so far about a payment, instead of what was kept before.

    :raises NotFoundOrHidden: no such payment for this person
    :raises NotPermitted: the person may not apply for this client
    :raises InvalidInput: the content is no JSON object, or too large
    """
    payment = _payment_of(user, payment_id)
    _check_content(content)
    return _keep(user, payment, now, content=dict(content))


def add_draft_file(
    *, user: User, payment_id: UUID, file: Readable, file_name: str, now: datetime
) -> Attachment:
    """
    Keep a file with a person's draft about a payment; the draft is begun if there is none.

    The same file under the same name is there once: it may come as it is chosen and with its form again.

    :raises NotFoundOrHidden: and the other refusals of `save_draft`
    :raises FileRefused: too large, empty, or not of a kept type
    :raises TooManyFiles: the draft is full
    """
    payment = _payment_of(user, payment_id)
    with stored([Upload(file, file_name)]) as files, transaction.atomic():
        draft = _keep(user, payment, now)
        same = draft.attachments.filter(sha256=files[0].sha256, file_name=files[0].file_name).first()
        if same is not None:
            transaction.on_commit(partial(remove_file, files[0].stored_as))
            return same
        (attachment,) = attach_to_draft(files, draft=draft, now=now)
        return attachment


@transaction.atomic
def remove_draft_file(*, user: User, attachment_id: UUID) -> None:
    """Take a file out of a person's own draft; one that is not there (any more) is no fault."""
    _remove(list(Attachment.objects.filter(pk=attachment_id, draft__user=user, request__isnull=True)))


@transaction.atomic
def discard_draft(*, user: User, payment_id: UUID) -> None:
    """Throw a person's draft away, with its files; none is no fault."""
    for draft in ApplicationDraft.objects.filter(user=user, payment_id=payment_id):
        _discard(draft)


@transaction.atomic
def expire_drafts(*, now: datetime, batch_max: int = 200) -> int:
    """Throw away drafts whose time is over, at most so many; say how many."""
    rows = ApplicationDraft.objects.select_for_update(skip_locked=True).filter(expires_at__lte=now)
    drafts = list(rows.order_by("expires_at")[:batch_max])
    for draft in drafts:
        _discard(draft)
    return len(drafts)


def _payment_of(user: User, payment_id: UUID) -> Payment:
    principal = Principal(user=user)
    payment = payment_to_ask_about(principal, payment_id)
    refusal = why_not_apply(principal, payment)
    if refusal is not None:
        raise refusal
    return payment


def _keep(user: User, payment: Payment, now: datetime, **values: Any) -> ApplicationDraft:
    values |= {"updated_at": now, "expires_at": now + timedelta(days=DRAFT_DAYS)}
    draft, _ = ApplicationDraft.objects.update_or_create(user=user, payment=payment, defaults=values)
    return draft


def _check_content(content: Mapping[str, Any]) -> None:
    try:
        written = json.dumps(dict(content), allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError):
        written = b""
    if not 0 < len(written) <= CONTENT_MAX or rb"\u0000" in written:
        fault = Fault(path="content", message=f"must be a JSON object of at most {CONTENT_MAX} bytes")
        raise InvalidInput("This draft cannot be kept.", faults=[fault])


def _discard(draft: ApplicationDraft) -> None:
    _remove(list(draft_files(draft)))
    draft.delete()


def _remove(attachments: list[Attachment]) -> None:
    """Remove rows now, and their bytes once that is certain."""
    Attachment.objects.filter(pk__in=[attachment.pk for attachment in attachments]).delete()
    for attachment in attachments:
        transaction.on_commit(partial(remove_file, attachment.stored_as))
