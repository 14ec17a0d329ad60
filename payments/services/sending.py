"""
Sending payouts in three phases: claim with a lease and commit, call, book and commit.

No transaction is open during the call. The key of a payout is its id, in every try.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from events.actors import SYSTEM_ACTOR
from kernel.money import Money
from kernel.states import move
from payments.checks import money_is_safe
from payments.crashes import crash_point
from payments.gateways import gateway_of, machine_rails
from payments.gateways.protocol import TOO_MANY, AnswerKind, GatewayAnswer, PayoutOrder
from payments.models import AttemptKind, Payout, PayoutAttempt, PayoutState, Rail
from payments.models.payments import PaymentStatus
from payments.restores import unreconciled_rails
from payments.services.bank_files import hand_over_unfit_payouts
from payments.services.booking import book_answer, hand_to_finance
from payments.services.journal import tell_payout
from payments.states import PAYOUT
from payments.unexplained import UNEXPLAINED, only_unexplained, without_unexplained

log = structlog.get_logger(__name__)

LEASE: Final = timedelta(minutes=2)
"""Longer than any call takes, retries of the connection included."""

SILENT_AFTER: Final = 3
"""So many calls without an answer in a row: the provider is down, or the way to it."""

PROBE_EVERY: Final = timedelta(minutes=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A payout that this process may send: what to order, on which rail, under which attempt."""

    order: PayoutOrder
    rail: str
    attempt_id: int


def send_due_payouts(*, now: datetime, batch_max: int = 100) -> int:
    """
    Send payouts that are ready, the oldest first, at most so many; give how many were tried.

    Nothing is sent while a safety invariant of the money is violated.
    """
    if not money_is_safe(now):
        return 0
    hand_over_unexplained_payouts(now=now, batch_max=batch_max)
    tried = 0
    while tried < batch_max and (claim := claim_next(now, speaking_rails(now))) is not None:
        crash_point("after_claim")
        send_claim(claim, now)
        tried += 1
    hand_over_manual_payouts(now=now, batch_max=batch_max)
    hand_over_unfit_payouts(now=now)
    return tried


def send_claim(claim: Claim, now: datetime) -> None:
    """Call and book; a call that breaks leaves the payout in doubt, never failed."""
    try:
        answer = gateway_of(claim.rail).submit(claim.order, now=now)
    except Exception as error:
        log.exception("payout_call_broke", payout=str(claim.order.key))
        answer = GatewayAnswer(kind=AnswerKind.UNKNOWN, detail=type(error).__name__)
    crash_point("after_call")
    book_answer(payout_id=claim.order.key, answer=answer, now=now, attempt_id=claim.attempt_id)
    crash_point("after_booking")


def speaking_rails(now: datetime) -> list[str]:
    """
    Name the rails on which to send now.

    A rail whose last answers were all lost gets one new order each half hour: the others wait with keys that
    are not used yet, and do not grow old in doubt. One that was told that calls come too fast gets none until
    the time that was said. Nothing is sent on a rail in a database that was restored until its provider's
    book was read.
    """
    return [rail for rail in reconciled_rails() if not _has_to_wait(rail, now)]


def reconciled_rails() -> list[str]:
    """Name the rails on which a machine sends and that are not held after a restore."""
    rails = machine_rails()
    if held := unreconciled_rails(rails):
        log.error("sending_is_held_after_a_restore", rails=held)
    return [rail for rail in rails if rail not in held]


def _has_to_wait(rail: str, now: datetime) -> bool:
    calls = PayoutAttempt.objects.filter(payout__rail=rail, ended_at__isnull=False).select_related("payout")
    last = list(calls.order_by("-id")[:SILENT_AFTER])
    if last and last[0].result == AnswerKind.WAIT and last[0].code == TOO_MANY:
        until = last[0].payout.not_before
        return until is not None and now < until
    lost = [call for call in last if call.result == AnswerKind.UNKNOWN]
    if len(lost) < SILENT_AFTER or lost[0].ended_at is None:
        return False
    return now - lost[0].ended_at < PROBE_EVERY


def due_payouts(now: datetime, rails: Sequence[str] | None = None) -> QuerySet[Payout]:
    """
    Give the payouts that a machine sends now: none of a payment in dispute, none told to wait longer, none of
    a payment from which money went that no payout explains.

    `rails`: on these rails only (default: all on which a machine sends).
    """
    rows = Payout.objects.filter(
        Q(not_before=None) | Q(not_before__lte=now),
        state=PayoutState.READY,
        rail__in=machine_rails() if rails is None else rails,
        payment__status=PaymentStatus.CAPTURED,
    )
    return without_unexplained(rows).order_by("id")


@transaction.atomic(durable=True)
def claim_next(now: datetime, rails: Sequence[str] | None = None) -> Claim | None:
    """Take the oldest payout that is due, so that no other process does; None if there is none."""
    rows = due_payouts(now, rails).select_related("payment")
    payout = rows.select_for_update(no_key=True, skip_locked=True, of=("self",)).first()
    if payout is None:
        return None
    claim = claim_payout(payout, now)
    crash_point("in_claim")
    return claim


def claim_payout(payout: Payout, now: datetime) -> Claim:
    """Lease a payout (ready or in doubt, locked) for one call, by the clock of the database."""
    move(
        payout, payout.state, PayoutState.SUBMITTING, table=PAYOUT,
        lease_until=Now() + LEASE,
        next_look_up_at=None,
        attempts_made=F("attempts_made") + 1,
        key_first_used_at=payout.key_first_used_at or now,
    )  # fmt: skip
    payout.refresh_from_db(fields=["lease_until", "attempts_made"])
    attempt = PayoutAttempt.objects.create(payout=payout, kind=AttemptKind.SUBMIT, started_at=now)
    tell_payout("payout.submitted", payout, SYSTEM_ACTOR, now, attempt=payout.attempts_made)
    return Claim(order=order_of(payout), rail=payout.rail, attempt_id=attempt.pk)


def order_of(payout: Payout) -> PayoutOrder:
    """Write the order of a payout: the same one in every try."""
    return PayoutOrder(
        key=payout.pk,
        amount=Money(payout.amount_minor, payout.currency),
        request_id=payout.request_id,
        payment_reference=payout.payment.provider_reference,
        destination_id=payout.destination_id,
        provider_reference=payout.provider_reference,
    )


def hand_over_manual_payouts(*, now: datetime, batch_max: int = 100) -> int:
    """Give payouts of the manual rail to Finance, unless they still wait for their account; give how many."""
    waiting = Payout.objects.filter(
        Q(not_before=None) | Q(not_before__lte=now),
        state=PayoutState.READY,
        rail=Rail.MANUAL,
        payment__status=PaymentStatus.CAPTURED,
    )
    return _hand_over(waiting, "manual_rail", now, batch_max)


def hand_over_unexplained_payouts(*, now: datetime, batch_max: int = 100) -> int:
    """Give payouts of a payment with money that no payout explains to Finance; give how many."""
    ready = Payout.objects.filter(state=PayoutState.READY, payment__status=PaymentStatus.CAPTURED)
    return _hand_over(only_unexplained(ready), UNEXPLAINED, now, batch_max)


def _hand_over(waiting: QuerySet[Payout], code: str, now: datetime, batch_max: int) -> int:
    handed = 0
    for payout_id in waiting.order_by("id").values_list("pk", flat=True)[:batch_max]:
        with transaction.atomic():
            rows = waiting.select_for_update(no_key=True, skip_locked=True, of=("self",))
            payout = rows.filter(pk=payout_id).first()
            if payout is not None:
                hand_to_finance(payout, now=now, code=code)
                handed += 1
    return handed
