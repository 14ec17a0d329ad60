"""The provider is away for two days while refunds are approved, and takes few calls a minute afterwards."""

from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from contracts.tests.cast import NOW, STAGES, make_cast, signed_contract
from payments.models import AttemptKind, Payout, PayoutAttempt, PayoutState
from payments.services import look_after_payouts, reconcile, send_due_payouts
from payments.tests.scenes import violated
from refunds.services import approve_request
from refunds.tests.scene import Scene, eur, paid, proposed
from tests.fake_stripe.running import turn_to
from tests.faults.wire import AT_STRIPE, RAIL, Provider, provider

AWAY: Final = timedelta(days=2)
BEAT: Final = timedelta(minutes=10)
BEAT_LATER: Final = timedelta(seconds=10)
NOBODY: Final = "http://127.0.0.1:9"
DRAINED_WITHIN: Final = timedelta(hours=12)
LATE: Final = ("I12",)
"""What only says that something waits: it does."""


def run(*, payouts: int, per_minute: int) -> dict[str, Any]:
    """Approve so many refunds during two days without a provider; give what became of them."""
    with provider() as stripe:
        back_at = _live_without(stripe, payouts)
        standing = Counter(Payout.objects.values_list("state", flat=True))
        stripe.tell(per_minute=per_minute)
        drained_at = _drain(stripe, back_at)
        stripe.tell(per_minute=0)
        compared = reconcile(rail=RAIL, now=drained_at + timedelta(hours=1))
        told = stripe.tell()
    lines = Counter(line["metadata"]["payout"] for line in told["refunds"])
    rows = list(Payout.objects.order_by("id"))
    wrong = [
        f"{row.pk}: {row.state}, {lines[str(row.pk)]} lines" for row in rows if not _is_right(row, lines)
    ]
    wrong += [] if len(rows) == payouts else [f"{len(rows)} payouts of {payouts} approvals"]
    wrong += [f"the book was not read: {compared.error}"] if compared.error else []
    wrong += [f"sent before its turn: {payout}" for payout in _out_of_order()]
    wrong += [f"violated: {name}" for name in violated(drained_at) if name not in LATE]
    return {
        "payouts": len(rows),
        "standing": dict(standing),
        "sent_once": sum(lines[str(row.pk)] == 1 for row in rows),
        "manual": sum(row.state == PayoutState.MANUAL for row in rows),
        "refused": told["refused"],
        "drained_min": round((drained_at - back_at) / timedelta(minutes=1)),
        "wrong": wrong,
    }


def _live_without(stripe: Provider, payouts: int) -> datetime:
    """Two days of beats: nobody answers, and refunds are approved all the while; give when they are over."""
    cast = make_cast()
    contract = signed_contract(cast, stages=[{**STAGES[1], "amount": "90000000.00"}])
    origin, beats = stripe.origin, int(AWAY / BEAT)
    turn_to(NOBODY)
    for beat in range(beats):
        now = NOW + beat * BEAT
        for _ in range(payouts * (beat + 1) // beats - payouts * beat // beats):
            name = stripe.tell(paid=AT_STRIPE)["id"]
            payment = paid(cast, contract, "S1", "10.00", method="card", provider_reference=name, at=now)
            request = proposed(Scene(cast, contract, payment), now=now, amount=eur("1.00"))
            approve_request(principal=cast.as_arno, request_id=request.pk, now=now)
        look_after_payouts(now=now)
        send_due_payouts(now=now)
    turn_to(origin)
    return NOW + AWAY


def _drain(stripe: Provider, now: datetime) -> datetime:
    """Beat until nothing waits any more; give when that is."""
    end = now + DRAINED_WITHIN
    while now < end:
        stripe.is_at(now)
        look_after_payouts(now=now)
        send_due_payouts(now=now)
        if not Payout.objects.filter(state__in=["ready", "submitting", "unknown", "accepted"]).exists():
            break
        now += BEAT_LATER
    return now


def _is_right(payout: Payout, lines: Counter[str]) -> bool:
    """Sent once and booked so; or with Finance, unsent, because its key is older than is surely known."""
    sent = lines[str(payout.pk)]
    if payout.state == PayoutState.MANUAL:
        return payout.failure_code == "key_too_old" and not sent
    return payout.state == PayoutState.SETTLED and sent == 1


def _out_of_order() -> list[str]:
    """Name payouts that were tried for the first time after one that was approved later."""
    first: dict[Any, int] = {}
    rows = PayoutAttempt.objects.filter(kind=AttemptKind.SUBMIT).order_by("id")
    for number, payout_id in rows.values_list("id", "payout_id"):
        first.setdefault(payout_id, number)
    in_turn = [first[pk] for pk in Payout.objects.order_by("id").values_list("id", flat=True) if pk in first]
    return [str(later) for earlier, later in pairwise(in_turn) if later < earlier]
