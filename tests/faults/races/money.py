"""Races about payouts, keys, usage and the journal: workers, people, providers and systems at once."""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any, Final
from uuid import uuid4

from accounts.idempotency import StoredAnswer, run_once
from accounts.principals import SYSTEM
from contracts.models import UsageRecord
from contracts.tests.cast import NOW, signed_contract, stage_named
from events import journal
from events.models import Event, EventPosition
from events.tests.journal import an_event
from kernel.money import Money
from payments.gateways import AnswerKind, GatewayAnswer
from payments.models import Payment, Payout, PayoutAttempt, SandboxRefund, Transfer
from payments.services import book_answer, cancel_payout, capture_payment, record_payment, record_usage
from payments.services.sending import claim_next, send_claim
from payments.tests.scenes import pending_payment, ready_payout
from refunds.services import approve_request
from refunds.tests.scene import LATER, Scene, approved, eur, paid, proposed
from tests.faults import workers
from tests.faults.races.arena import Arena, Race, in_rounds, other_than
from tests.faults.races.protection import (
    a_key_that_is_looked_up_first,
    no_lock_of_the_job,
    no_locks,
    no_locks_and_no_comparison,
)

_PROCESSES = 8
_CALLERS = 16


def _send_all() -> None:
    while (claim := claim_next(NOW)) is not None:
        send_claim(claim, NOW)


def _eight_processes_pay(arena: Arena, rounds: int) -> Iterator[str]:
    """Five payouts a round, all in one queue, eight processes that send them."""
    payment = arena.scene("1000.00").payment
    payouts = {ready_payout(payment, "0.10").pk for _ in range(5 * rounds)}
    arena.close()

    crowd = [workers.start(_send_all) for _ in range(_PROCESSES)]
    ended = [workers.wait(process) for process in crowd]

    for status in filter(None, ended):
        yield f"a process ended with {status}"
    for payout in Payout.objects.filter(pk__in=payouts):
        calls = PayoutAttempt.objects.filter(payout=payout).count()
        booked = Transfer.objects.filter(key=f"payout:{payout.pk}").count()
        if (payout.state, calls, booked) != ("accepted", 1, 1):
            yield f"{payout.state}, {calls} calls, {booked} bookings"


def _send_or_cancel(arena: Arena, place: int) -> str:
    scene = arena.scene("1.00")
    request = approved(scene, amount=eur("0.01"))
    payout = Payout.objects.get(request_id=request.pk)
    finn = arena.cast.as_finn
    cancel = partial(cancel_payout, principal=finn, payout_id=payout.pk, reason="A mistake.", now=LATER)

    _, told = arena.together(_send_all, cancel)

    payout.refresh_from_db()
    sent = SandboxRefund.objects.filter(key=payout.pk.hex).count()
    right = {("done", "cancelled", 0), ("state_conflict", "accepted", 1)}
    found = (told, payout.state, sent)
    return "" if found in right else f"cancelling: {found[0]}, the payout {found[1]}, sent {found[2]} times"


def _told_by_three(arena: Arena, place: int) -> str:
    """Message, answer and look-up tell of the same payout at once."""
    payout = ready_payout(arena.scene("1.00").payment, "1.00")
    while Payout.objects.get(pk=payout.pk).state == "ready":
        claim_next(NOW)
    kinds = (AnswerKind.ACCEPTED, AnswerKind.SETTLED, AnswerKind.ACCEPTED)

    told = arena.together(
        *(
            partial(book_answer, payout_id=payout.pk, answer=GatewayAnswer(kind=kind), now=LATER)
            for kind in kinds
        )
    )

    accepted = Event.objects.filter(subject_id=payout.pk, type="payout.accepted").count()
    booked = Transfer.objects.filter(key=f"payout:{payout.pk}").count()
    payment = Payment.objects.get(pk=payout.payment_id)
    counted = (payment.reserved_minor, payment.refunded_minor)
    if (accepted, booked, counted) == (1, 1, (0, 100)):
        return other_than(told)
    return f"{other_than(told)} told {accepted} times, booked {booked} times, counters {counted}"


def _one_key(arena: Arena, place: int) -> str:
    """Sixteen calls under one key; four of them want something else."""
    stage, key, bodies = stage_named(arena.contract, "S1"), uuid4().hex, set()
    before = Payment.objects.count()

    def record() -> StoredAnswer:
        payment = record_payment(
            principal=arena.cast.as_finn,
            stage_id=stage.pk,
            amount=Money.parse("0.01", "EUR"),
            method="bank",
            now=NOW,
        )
        return StoredAnswer(status=201, body=json.dumps(str(payment.pk)).encode())

    def call(fingerprint: str) -> None:
        answer = run_once(
            principal="api:erp", key=key, fingerprint=fingerprint, work=record, now=NOW,
            refusal=lambda error: StoredAnswer(status=422, body=error.code.encode()),
        )  # fmt: skip
        bodies.add((fingerprint, answer.body))

    told = arena.together(*(partial(call, "ab"[i % 4 == 3] * 64) for i in range(_CALLERS)))

    effects = Payment.objects.count() - before
    wrong = other_than(told, "idempotency_key_reused", "idempotency_key_in_use")
    return wrong if (effects, len(bodies)) == (1, 1) else f"{wrong} {effects} effects, {len(bodies)} answers"


def _usage_capture_and_decision(arena: Arena, place: int) -> str:
    """Usage arrives while its stage's first payment is captured and another payment's case is decided."""
    contract = signed_contract(arena.cast)
    scene = Scene(arena.cast, contract, paid(arena.cast, contract, "S1"))
    request, payment = proposed(scene), pending_payment(contract, "S2", "500.00")
    report = {
        "source": "gateway", "external_id": str(uuid4()), "contract": str(contract.pk), "meter": "api_calls",
        "quantity": "1", "occurred_at": "2026-06-01T07:00:00Z",
    }  # fmt: skip

    told = arena.together(
        partial(record_usage, principal=SYSTEM, records=[{**report, "stage": "S2"}], now=NOW),
        partial(record_usage, principal=SYSTEM, records=[{**report, "external_id": str(uuid4())}], now=NOW),
        partial(capture_payment, principal=SYSTEM, payment_id=payment.pk, now=NOW),
        partial(approve_request, principal=arena.cast.as_arno, request_id=request.pk, now=LATER),
    )

    wrong = other_than(told, "answer_changed")
    used = UsageRecord.objects.filter(contract=contract)
    if lost := used.filter(payment_id=None).count():
        wrong += f" {lost} records belong to no payment"
    if told[3] == "done":
        decision = request.decisions.get()
        counted = len(decision.facts["usage"])
        if counted or decision.answer != decision.proposal.answer:
            wrong += " decided otherwise than proposed"
    elif not used.filter(payment_id=scene.payment.pk).exists():
        wrong += " the answer changed by nothing"
    return wrong


def _number_and_write(arena: Arena, place: int) -> str:
    """Two write, two beats number and seal: no gap, no number twice."""

    def number() -> None:
        journal.sequence_events(batch_max=3)
        journal.seal(now=LATER)

    told = arena.together(an_event, an_event, number, number)

    numbers = EventPosition.objects.exclude(number=None)
    last = numbers.order_by("-number").values_list("number", flat=True).first() or 0
    return other_than(told) or ("" if numbers.count() == last else f"{numbers.count()} numbers up to {last}")


_ALL: Final[dict[str, Any]] = {
    "off": no_locks_and_no_comparison,
    "without": "no row is locked, no move compares, the database refuses nothing",
}

RACES: Final = (
    Race(title="8 processes, one queue of payouts", play=_eight_processes_pay, weight=5, **_ALL),
    Race(title="payout worker and cancel", play=in_rounds(_send_or_cancel), **_ALL),
    Race(title="the provider's message, its answer and a look-up", play=in_rounds(_told_by_three), **_ALL),
    Race(
        title="16 calls under one key, with two bodies",
        play=in_rounds(_one_key),
        off=a_key_that_is_looked_up_first,
        without="the key is looked up before the work and written after it",
    ),
    Race(
        title="usage twice, capture and approval",
        play=in_rounds(_usage_capture_and_decision),
        off=no_locks,
        without="no row is locked",
    ),
    Race(
        title="two beats number the journal while two write",
        play=in_rounds(_number_and_write),
        off=no_lock_of_the_job,
        without="no lock of the job",
    ),
)
