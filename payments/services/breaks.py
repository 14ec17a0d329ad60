"""Breaks: differences between our books and the world outside, cleared by a person."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.principals import Principal
from accounts.rights import require_finance
from events.actors import SYSTEM_ACTOR, Actor
from events.services import record_event
from kernel.errors import NotFoundOrHidden, StaleState
from kernel.money import Money
from payments.checks import money_may_be_unsafe
from payments.models import Break, BreakKind, PayoutStep
from payments.services.payments import check_reason


@transaction.atomic
def leave_break(
    *,
    kind: BreakKind,
    amount: Money,
    now: datetime,
    payment_id: UUID | None = None,
    payout_id: UUID | None = None,
    reference: str = "",
    detail: Mapping[str, Any] | None = None,
    actor: Actor = SYSTEM_ACTOR,
) -> Break:
    """
    Note a difference to the world outside for Finance, once: while it is open, and after it was cleared
    unless something about it is new.

    `reference` is the other side's name of the line, where it belongs to no payout of ours. Callers that
    compare payouts lock the payout before.
    """
    facts = {**(detail or {}), **({"reference": reference} if reference else {})}
    rows = Break.objects.filter(
        kind=kind, payment_id=payment_id, payout_id=payout_id, amount_minor=amount.minor,
        currency=amount.currency,
    )  # fmt: skip
    for row in rows.order_by("-found_at"):
        is_same_line = row.detail.get("reference", "") == reference
        if row.detail == facts or (row.resolved_at is None and is_same_line):
            return row
    found = Break.objects.create(
        kind=kind,
        payment_id=payment_id,
        payout_id=payout_id,
        amount_minor=amount.minor,
        currency=amount.currency,
        detail=facts,
        found_at=now,
    )
    _tell("break.found", found, actor, now)
    money_may_be_unsafe()
    return found


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
    _tell("break.taken", found, principal.actor, now)
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
    _tell("break.resolved", found, principal.actor, now)
    return found


def explain_breaks_of(
    payout_id: UUID, kind: BreakKind, *, step: PayoutStep, actor: Actor, now: datetime
) -> None:
    """Resolve the open differences of a payout about money that came back: two people explained them."""
    rows = Break.objects.select_for_update(no_key=True).filter(
        payout_id=payout_id, kind=kind, resolved_at=None
    )
    for found in rows.filter(detail__answer="returned"):
        found.owner = found.owner or step.proposed_by
        found.resolved_at, found.resolution = now, step.reason
        found.save(update_fields=["owner", "resolved_at", "resolution"])
        _tell("break.resolved", found, actor, now)


def _lock_open(break_id: UUID) -> Break:
    found = Break.objects.select_for_update(no_key=True).filter(pk=break_id).first()
    if found is None:
        raise NotFoundOrHidden("There is no such difference.")
    if found.resolved_at is not None:
        raise StaleState(_("This difference was cleared already."))
    return found


def _tell(type: str, found: Break, actor: Actor, now: datetime) -> None:
    record_event(
        type=type,
        subject_type="break",
        subject_id=found.pk,
        client_id=None,
        actor=actor,
        at=now,
        data={"kind": found.kind, "payment": found.payment_id, "payout": found.payout_id},
    )
