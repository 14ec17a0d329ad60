"""Successors: the same money sent again, under a key of its own, by two people."""

from datetime import datetime
from uuid import UUID

from accounts.models import User
from accounts.principals import Principal
from payments.models import Payment, Payout
from payments.services.bank_accounts import destination_of
from payments.services.journal import tell_payout


def succeed(
    payout: Payout,
    payment: Payment,
    *,
    proposed_by: User | None,
    confirmed_by: User | None,
    principal: Principal,
    now: datetime,
    step: UUID,
) -> Payout:
    """
    Make the successor of a payout that ended unpaid, by two people; `step` is the id of what they did.

    The money stays reserved, so nothing is booked. The payment is locked.
    """
    destination = destination_of(client_id=payout.client_id, rail=payout.rail, now=now)
    successor = Payout(
        request_id=payout.request_id,
        payment=payment,
        client_id=payout.client_id,
        amount_minor=payout.amount_minor,
        currency=payout.currency,
        rail=payout.rail,
        destination_id=destination.account_id,
        not_before=destination.not_before,
        replaces=payout,
        created_at=now,
        created_by=proposed_by,
        confirmed_by=confirmed_by,
    )
    successor.save(force_insert=True)
    tell_payout("payout.replaced", successor, principal.actor, now, step=step, replaces=payout.pk)
    return successor
