"""Breaks: differences between our books and the world outside, cleared by a person."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.principals import Principal
from accounts.rights import require_finance
from events.services import record_event
from kernel.errors import NotFoundOrHidden, StaleState
from payments.models import Break
from payments.services.payments import check_reason


@transaction.atomic
def take_break(*, principal: Principal, break_id: UUID, now: datetime) -> Break:
    """
    Take a difference upon oneself.

    :raises NotPermitted: differences are cleared by Finance
    :raises NotFoundOrHidden: there is no such difference
    :raises StaleState: it was cleared already
    """
    person = require_finance(principal)
    found = _lock_open(break_id)
    found.owner = person
    found.save(update_fields=["owner"])
    _tell("break.taken", found, principal, now)
    return found


@transaction.atomic
def resolve_break(*, principal: Principal, break_id: UUID, resolution: str, now: datetime) -> Break:
    """
    Say how a difference was cleared.

    :raises NotPermitted: differences are cleared by Finance
    :raises InvalidInput: it does not say how
    :raises NotFoundOrHidden: there is no such difference
    :raises StaleState: it was cleared already
    """
    person = require_finance(principal)
    check_reason(resolution, needed=True)
    found = _lock_open(break_id)
    found.owner = found.owner or person
    found.resolved_at, found.resolution = now, resolution
    found.save(update_fields=["owner", "resolved_at", "resolution"])
    _tell("break.resolved", found, principal, now)
    return found


def _lock_open(break_id: UUID) -> Break:
    found = Break.objects.select_for_update(no_key=True).filter(pk=break_id).first()
    if found is None:
        raise NotFoundOrHidden("There is no such difference.")
    if found.resolved_at is not None:
        raise StaleState("This difference was cleared already.")
    return found


def _tell(type: str, found: Break, principal: Principal, now: datetime) -> None:
    record_event(
        type=type,
        subject_type="break",
        subject_id=found.pk,
        client_id=None,
        actor=principal.actor,
        at=now,
        data={"kind": found.kind, "payment": found.payment_id, "payout": found.payout_id},
    )
