"""
Booking what a provider said about a payout: one function for its answers, its look-ups and its messages.

It may be called any number of times with the same answer, in any order: what is booked stays booked once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction

from events.actors import SYSTEM_ACTOR, Actor
from kernel.money import Money
from kernel.states import move
from payments import ledger
from payments.crashes import crash_point
from payments.gateways.protocol import NOT_EXECUTED_CODES, AnswerKind, GatewayAnswer
from payments.models import AttemptKind, BreakKind, Payment, Payout, PayoutAttempt, PayoutState
from payments.selectors import lock_payment, lock_payout
from payments.services.breaks import leave_break
from payments.services.journal import tell_payout
from payments.services.refunds import count_as_refunded, count_as_reserved
from payments.states import PAYOUT, PAYOUT_PAID

LOOK_UP_AFTER: Final = tuple(
    timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 1800, 3600, 7200, 14400)
)
"""After how long a payout in doubt, or on its way, is looked up again; the last value goes on."""

WAIT_AT_LEAST: Final = timedelta(seconds=30)
TEXT_MAX: Final = 140
CODE_MAX: Final = 60
_UNSURE: Final = (PayoutState.SUBMITTING, PayoutState.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """A payout with its payment, both locked, and what was said about it."""

    payout: Payout
    payment: Payment
    answer: GatewayAnswer
    attempt: PayoutAttempt | None
    actor: Actor
    now: datetime


@transaction.atomic
def book_answer(
    *,
    payout_id: UUID,
    answer: GatewayAnswer,
    now: datetime,
    attempt_id: int | None = None,
    actor: Actor = SYSTEM_ACTOR,
) -> Payout:
    """
    Book an answer about a payout and give the payout as it stands then.

    An answer that contradicts what was booked changes no money: it leaves a break for Finance.
    """
    payment_id = Payout.objects.values_list("payment_id", flat=True).get(pk=payout_id)
    payment = lock_payment(payment_id)
    payout = lock_payout(payout_id)
    payout.payment = payment
    attempt = _end_attempt(attempt_id, answer, now)
    booking = Booking(payout=payout, payment=payment, answer=answer, attempt=attempt, actor=actor, now=now)
    if answer.amount is not None and answer.amount != Money(payout.amount_minor, payout.currency):
        _book_other_amount(booking)
    else:
        _BOOKINGS[answer.kind](booking)
    crash_point("in_booking")
    return payout


def _end_attempt(attempt_id: int | None, answer: GatewayAnswer, now: datetime) -> PayoutAttempt | None:
    """Note on the call what came of it."""
    if attempt_id is None:
        return None
    PayoutAttempt.objects.filter(pk=attempt_id, ended_at=None).update(
        ended_at=now,
        result=answer.kind.value,
        code=answer.code[:CODE_MAX],
        detail=answer.detail[:500],
    )
    return PayoutAttempt.objects.get(pk=attempt_id)


def _book_accepted(booking: Booking) -> None:
    payout, now = booking.payout, booking.now
    if payout.state in _UNSURE:
        move(
            payout, payout.state, PayoutState.ACCEPTED, table=PAYOUT,
            accepted_at=payout.accepted_at or now, lease_until=None, look_ups_made=0,
            next_look_up_at=now + LOOK_UP_AFTER[0],
            provider_reference=booking.answer.reference[:TEXT_MAX] or payout.provider_reference,
        )  # fmt: skip
        ledger.book_payout(payout, now)
        count_as_refunded(payment=booking.payment, amount_minor=payout.amount_minor)
        tell_payout("payout.accepted", payout, booking.actor, now, reference=payout.provider_reference)
    elif payout.state == PayoutState.ACCEPTED:
        _look_again(payout, now)
    elif payout.state not in (PayoutState.SETTLED, PayoutState.RETURNED):
        _leave_break(booking, BreakKind.THEIRS_ONLY)


def _book_settled(booking: Booking) -> None:
    _book_accepted(booking)
    payout, now = booking.payout, booking.now
    if payout.state == PayoutState.ACCEPTED:
        move(
            payout, PayoutState.ACCEPTED, PayoutState.SETTLED, table=PAYOUT,
            settled_at=now, ended_at=now, lease_until=None, next_look_up_at=None,
        )  # fmt: skip
        tell_payout("payout.settled", payout, booking.actor, now)


def _book_failed(booking: Booking) -> None:
    """Book a failure that is proven; a code that is not listed proves nothing."""
    payout, code = booking.payout, booking.answer.code[:CODE_MAX]
    if payout.state in _UNSURE and code not in NOT_EXECUTED_CODES:
        _book_unknown(booking)
    elif payout.state in _UNSURE:
        _end(booking, PayoutState.FAILED, code)
    elif payout.state == PayoutState.ACCEPTED:
        _take_back(booking)
        _end(booking, PayoutState.FAILED, code)
    elif payout.state == PayoutState.SETTLED:
        _book_returned(booking)


def _book_returned(booking: Booking) -> None:
    """Book money that came back: owed again, until a successor is sent."""
    _book_accepted(booking)
    if booking.payout.state in PAYOUT_PAID:
        _take_back(booking)
        _end(booking, PayoutState.RETURNED, booking.answer.code[:CODE_MAX])


def _take_back(booking: Booking) -> None:
    """Undo the booking of a payout by the opposite one."""
    ledger.book_return(booking.payout, booking.now)
    count_as_reserved(payment=booking.payment, amount_minor=booking.payout.amount_minor)


def _end(booking: Booking, state: PayoutState, code: str) -> None:
    payout, now = booking.payout, booking.now
    move(
        payout, payout.state, state, table=PAYOUT,
        failure_code=code, ended_at=now, lease_until=None, next_look_up_at=None,
    )  # fmt: skip
    tell_payout(f"payout.{state.value}", payout, booking.actor, now, code=code)


def _book_unknown(booking: Booking) -> None:
    answer = booking.answer
    mark_unknown(
        booking.payout,
        now=booking.now,
        actor=booking.actor,
        code=answer.code[:CODE_MAX],
        look_up_at=answer.retry_at,
    )


def mark_unknown(
    payout: Payout,
    *,
    now: datetime,
    actor: Actor = SYSTEM_ACTOR,
    code: str = "",
    look_up_at: datetime | None = None,
) -> None:
    """Say that nobody knows what became of a payout, and plan the look-up; the payout is locked."""
    if payout.state == PayoutState.SUBMITTING:
        move(
            payout, PayoutState.SUBMITTING, PayoutState.UNKNOWN, table=PAYOUT,
            lease_until=None, look_ups_made=0, next_look_up_at=look_up_at or now + LOOK_UP_AFTER[0],
        )  # fmt: skip
        tell_payout("payout.unknown", payout, actor, now, code=code)
    elif payout.state in (PayoutState.UNKNOWN, PayoutState.ACCEPTED):
        _look_again(payout, now, look_up_at)


def _look_again(payout: Payout, now: datetime, at: datetime | None = None) -> None:
    """Plan the next look-up, each later than the one before."""
    step = LOOK_UP_AFTER[min(payout.look_ups_made, len(LOOK_UP_AFTER) - 1)]
    payout.look_ups_made += 1
    payout.next_look_up_at = at or now + step
    payout.lease_until = None
    payout.save(update_fields=["look_ups_made", "next_look_up_at", "lease_until"])


def _book_wait(booking: Booking) -> None:
    """Put a payout back that was told to wait: `ready` only if no call for it can have done anything."""
    payout, now, attempt = booking.payout, booking.now, booking.attempt
    retry_at = booking.answer.retry_at or now + WAIT_AT_LEAST
    if payout.state != PayoutState.SUBMITTING or attempt is None or _others_may_have_sent(payout, attempt):
        mark_unknown(payout, now=now, actor=booking.actor, look_up_at=retry_at)
        return
    move(
        payout, PayoutState.SUBMITTING, PayoutState.READY, table=PAYOUT,
        lease_until=None, not_before=retry_at,
    )  # fmt: skip
    tell_payout("payout.deferred", payout, booking.actor, now, until=retry_at)


def _others_may_have_sent(payout: Payout, attempt: PayoutAttempt) -> bool:
    """Tell whether another call for this payout ended otherwise than by being told to wait."""
    others = PayoutAttempt.objects.filter(payout=payout, kind=AttemptKind.SUBMIT).exclude(pk=attempt.pk)
    return others.exclude(result=AnswerKind.WAIT.value).exists()


def _book_none(booking: Booking) -> None:
    """The provider knows nothing of it: fine while in doubt, a break for one that was accepted."""
    if booking.payout.state in PAYOUT_PAID:
        _leave_break(booking, BreakKind.OURS_ONLY)
    if booking.payout.state == PayoutState.ACCEPTED:
        _look_again(booking.payout, booking.now)


def _book_manual(booking: Booking) -> None:
    """No machine can go on with it."""
    payout = booking.payout
    if payout.state in _UNSURE:
        code = booking.answer.code[:CODE_MAX]
        hand_to_finance(payout, now=booking.now, code=code, actor=booking.actor)
    elif payout.state == PayoutState.ACCEPTED:
        _look_again(payout, booking.now)


def _book_other_amount(booking: Booking) -> None:
    """Never book another amount or currency than ordered: a person looks at it."""
    _leave_break(booking, BreakKind.DIFFERENT)
    payout = booking.payout
    if payout.state in _UNSURE:
        hand_to_finance(payout, now=booking.now, code="amount_differs", actor=booking.actor)
    elif payout.state == PayoutState.ACCEPTED:
        _look_again(payout, booking.now)


def hand_to_finance(payout: Payout, *, now: datetime, code: str, actor: Actor = SYSTEM_ACTOR) -> None:
    """Leave a payout to people; it is locked, and ready or in doubt."""
    if payout.state == PayoutState.SUBMITTING:
        move(payout, PayoutState.SUBMITTING, PayoutState.UNKNOWN, table=PAYOUT, next_look_up_at=now)
    move(
        payout, payout.state, PayoutState.MANUAL, table=PAYOUT,
        lease_until=None, next_look_up_at=None, failure_code=code,
    )  # fmt: skip
    tell_payout("payout.manual", payout, actor, now, code=code)


def _leave_break(booking: Booking, kind: BreakKind) -> None:
    """Note a difference to the provider's book."""
    payout, theirs = booking.payout, booking.answer.amount
    leave_break(
        kind=kind,
        payout_id=payout.pk,
        payment_id=payout.payment_id,
        amount=Money(payout.amount_minor, payout.currency),
        now=booking.now,
        actor=booking.actor,
        detail={
            "state": str(payout.state),
            "answer": booking.answer.kind.value,
            "theirs": None if theirs is None else {"amount": theirs.text, "currency": theirs.currency},
        },
    )


_BOOKINGS: Final[dict[AnswerKind, Callable[[Booking], None]]] = {
    AnswerKind.ACCEPTED: _book_accepted,
    AnswerKind.SETTLED: _book_settled,
    AnswerKind.FAILED: _book_failed,
    AnswerKind.RETURNED: _book_returned,
    AnswerKind.UNKNOWN: _book_unknown,
    AnswerKind.WAIT: _book_wait,
    AnswerKind.NONE: _book_none,
    AnswerKind.MANUAL: _book_manual,
}
