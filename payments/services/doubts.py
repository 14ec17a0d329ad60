"""
Payouts in doubt: look up first; send again only under the same key, and only while it is young.

A lease that ended means that a process died, or hangs: the payout is in doubt. A payout on its way is
looked up until it arrived.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from payments.checks import money_is_safe
from payments.crashes import crash_point
from payments.gateways import gateway_of, machine_rails
from payments.gateways.protocol import AnswerKind, GatewayAnswer
from payments.models import AttemptKind, Payout, PayoutAttempt, PayoutState
from payments.models.payments import PaymentStatus
from payments.selectors import lock_payment, lock_payout
from payments.services.booking import book_answer, hand_to_finance, mark_unknown
from payments.services.sending import LEASE, Claim, claim_payout, order_of, reconciled_rails, send_claim

log = structlog.get_logger(__name__)

KEY_LIVES: Final = timedelta(hours=19)
"""How long a key is surely known to a provider; after that only a person may go on."""


def look_after_payouts(*, now: datetime, batch_max: int = 100) -> int:
    """Look after payouts without an answer, at most so many of each kind; give how many were looked at."""
    ended = doubt_ended_leases(now=now, batch_max=batch_max)
    looked = 0
    while looked < batch_max and (claim := _claim_look_up(now)) is not None:
        _look_up(claim, now)
        looked += 1
    return ended + looked


def doubt_ended_leases(*, now: datetime, batch_max: int = 100) -> int:
    """Put payouts in doubt whose lease ended without an answer; give how many."""
    ended = Payout.objects.filter(state=PayoutState.SUBMITTING, lease_until__lt=Now())
    doubted = 0
    for payout_id in ended.order_by("lease_until").values_list("pk", flat=True)[:batch_max]:
        with transaction.atomic():
            payout = ended.select_for_update(no_key=True, skip_locked=True).filter(pk=payout_id).first()
            if payout is not None:
                mark_unknown(payout, now=now, code="no_answer", look_up_at=now)
                doubted += 1
    return doubted


def payouts_to_look_up(now: datetime) -> QuerySet[Payout]:
    """Give the payouts in doubt or on their way whose look-up is due and that nobody looks up."""
    return Payout.objects.filter(
        Q(lease_until=None) | Q(lease_until__lt=Now()),
        state__in=[PayoutState.UNKNOWN, PayoutState.ACCEPTED],
        next_look_up_at__lte=now,
        rail__in=machine_rails(),
    ).order_by("next_look_up_at", "id")


@transaction.atomic(durable=True)
def _claim_look_up(now: datetime) -> Claim | None:
    """Take the payout whose look-up is most overdue."""
    rows = payouts_to_look_up(now).select_related("payment")
    payout = rows.select_for_update(no_key=True, skip_locked=True, of=("self",)).first()
    if payout is None:
        return None
    Payout.objects.filter(pk=payout.pk).update(lease_until=Now() + LEASE)
    attempt = PayoutAttempt.objects.create(payout=payout, kind=AttemptKind.LOOK_UP, started_at=now)
    return Claim(order=order_of(payout), rail=payout.rail, attempt_id=attempt.pk)


def _look_up(claim: Claim, now: datetime) -> None:
    """Ask the provider and book what it says; what it does not know is sent again, or left to people."""
    try:
        answer = gateway_of(claim.rail).look_up(claim.order, now=now)
    except Exception as error:
        log.exception("payout_look_up_broke", payout=str(claim.order.key))
        answer = GatewayAnswer(kind=AnswerKind.UNKNOWN, detail=type(error).__name__)
    crash_point("after_look_up")
    may_send = answer.kind == AnswerKind.NONE and claim.rail in reconciled_rails() and money_is_safe(now)
    payout = book_answer(payout_id=claim.order.key, answer=answer, now=now, attempt_id=claim.attempt_id)
    if payout.state != PayoutState.UNKNOWN:
        return
    resend = _go_on(payout.pk, may_send=may_send, now=now, ask_at=answer.retry_at)
    if resend is not None:
        crash_point("after_claim")
        send_claim(resend, now)


@transaction.atomic(durable=True)
def _go_on(payout_id: UUID, *, may_send: bool, now: datetime, ask_at: datetime | None) -> Claim | None:
    """
    Decide about a payout that stays in doubt: to people once its key is old, else send it again.

    `ask_at`: the provider asked not to be asked before.

    Nothing is sent again for a payment in dispute: the look-ups go on. A payment that was charged back is
    left to people.
    """
    payment = lock_payment(Payout.objects.values_list("payment_id", flat=True).get(pk=payout_id))
    payout = lock_payout(payout_id)
    payout.payment = payment
    if payout.state != PayoutState.UNKNOWN:
        return None
    if _is_key_old(payout, now):
        hand_to_finance(payout, now=now, code="key_too_old")
    elif payment.status == PaymentStatus.CHARGED_BACK:
        hand_to_finance(payout, now=now, code="payment_charged_back")
    elif may_send and payment.status == PaymentStatus.CAPTURED:
        return claim_payout(payout, now)
    else:
        mark_unknown(payout, now=now, look_up_at=ask_at)
    return None


def _is_key_old(payout: Payout, now: datetime) -> bool:
    return payout.key_first_used_at is None or now - payout.key_first_used_at >= KEY_LIVES
