"""How not to send payouts: two strategies that are often seen, under the same faults as our own."""

import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from payments.crashes import crash_point
from payments.gateways import AnswerKind, GatewayAnswer, gateway_of
from payments.models import Payout, PayoutState
from payments.services import book_answer, look_after_payouts, send_due_payouts
from payments.services.doubts import doubt_ended_leases
from payments.services.sending import Claim, claim_next, claim_payout
from tests.faults.wire import QUICK, CarelessGateway

JUMPS: Final = (timedelta(hours=-1), timedelta(0), timedelta(hours=1))


@dataclass(frozen=True)
class Strategy:
    """How payouts are sent, and what is done about those without an answer."""

    title: str
    send: Callable[[datetime], object]
    look_after: Callable[[datetime], object]
    is_ours: bool = False


def _send_as_built(now: datetime) -> None:
    crash_point("taken")
    send_due_payouts(now=now)


def _look_after_as_built(now: datetime) -> None:
    look_after_payouts(now=now)


def _by_a_wrong_clock(work: Callable[[datetime], None]) -> Callable[[datetime], None]:
    """Each process has its own idea of the time: an hour early, an hour late, or right."""

    def work_then(now: datetime) -> None:
        work(now + random.Random(f"{now} {os.getpid()}").choice(JUMPS))

    return work_then


def _send_with_new_keys(now: datetime) -> None:
    crash_point("taken")
    while (claim := claim_next(now)) is not None:
        _try(claim, now)


def _try_again_with_new_keys(now: datetime) -> None:
    """Nobody looks up: what has no answer is sent once more."""
    doubt_ended_leases(now=now)
    for payout_id in list(Payout.objects.filter(state=PayoutState.UNKNOWN).values_list("pk", flat=True)):
        with transaction.atomic():
            rows = Payout.objects.select_for_update(no_key=True).select_related("payment")
            claim = claim_payout(rows.get(pk=payout_id), now)
        crash_point("looking_up")
        _try(claim, now, crash="after_look_up")


def _try(claim: Claim, now: datetime, crash: str = "after_call") -> None:
    crash_point("after_claim")
    answer = CarelessGateway(QUICK).submit(claim.order, now=now)
    crash_point(crash)
    book_answer(payout_id=claim.order.key, answer=answer, now=now, attempt_id=claim.attempt_id)
    crash_point("after_booking")


def _mark_and_send(now: datetime) -> None:
    """Never twice: it is booked as paid before it is sent, and whatever comes then is only logged."""
    crash_point("taken")
    while (claim := claim_next(now)) is not None:
        done = GatewayAnswer(kind=AnswerKind.ACCEPTED)
        book_answer(payout_id=claim.order.key, answer=done, now=now, attempt_id=claim.attempt_id)
        crash_point("after_claim")
        gateway_of(claim.rail).submit(claim.order, now=now)
        crash_point("after_call")
        crash_point("after_booking")


STRATEGIES = {
    "as_built": Strategy("as built", _send_as_built, _look_after_as_built, is_ours=True),
    "clock_jumps": Strategy(
        "as built, by clocks that jump",
        _by_a_wrong_clock(_send_as_built),
        _by_a_wrong_clock(_look_after_as_built),
        is_ours=True,
    ),
    "new_key": Strategy("a new key for each try", _send_with_new_keys, _try_again_with_new_keys),
    "mark_first": Strategy("marked as paid before it is sent", _mark_and_send, lambda now: None),
}
