"""Races about applications: who applies, withdraws, proposes, approves and sends back at once."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any, Final

from contracts.services import assess_delivery
from contracts.tests.cast import STAGES, delivered_stage, signed_contract
from payments.models import Payment, Payout
from refunds import services
from refunds.models import Decision, RefundRequest
from refunds.states import REQUEST_OPEN
from refunds.tests.scene import LATER, Scene, applied, eur, in_review, paid, proposed
from tests.faults.races.arena import Act, Arena, Race, in_rounds, other_than
from tests.faults.races.protection import no_locks, no_locks_and_no_comparison, no_locks_and_no_looking

_WIDTHS: Final = (2, 4, 8, 16)
_REFUSALS: Final = (
    "state_conflict",
    "request_already_open",
    "amount_out_of_range",
    "nothing_refundable",
    "answer_changed",
)


def approve(scene: Scene, request: RefundRequest) -> Act:
    arno = scene.cast.as_arno
    return lambda: services.approve_request(principal=arno, request_id=request.pk, now=LATER)


def withdraw(scene: Scene, request: RefundRequest) -> Act:
    alice = scene.cast.as_alice
    return lambda: services.withdraw_request(principal=alice, request_id=request.pk, now=LATER)


def send_back(scene: Scene, request: RefundRequest) -> Act:
    rita = scene.cast.as_rita
    return lambda: services.send_back(principal=rita, request_id=request.pk, reason="Look again.", now=LATER)


def push_through(scene: Scene, amount: str) -> Act:
    """Apply, review, propose, approve: as far as one gets."""

    def act() -> None:
        approve(scene, proposed(scene, amount=eur(amount)))()

    return act


def _take_from_one_payment(arena: Arena, place: int) -> str:
    """2, 4, 8 or 16 want parts of one payment of 10.00 that are together more than it."""
    scene = arena.scene("10.00")
    first = proposed(scene, amount=eur("6.00"))
    amounts = [f"{arena.rng.randrange(300, 600) / 100:.2f}" for _ in range(_WIDTHS[place % 4] - 1)]

    told = arena.together(approve(scene, first), *(push_through(scene, amount) for amount in amounts))

    payment = Payment.objects.get(pk=scene.payment.pk)
    given = sum(Payout.objects.filter(payment=payment).values_list("amount_minor", flat=True))
    wrong = other_than(told, *_REFUSALS)
    if payment.reserved_minor > payment.amount_minor or given != payment.reserved_minor:
        wrong += f" {given} given, {payment.reserved_minor} counted of {payment.amount_minor}"
    return wrong


def _apply_twice(arena: Arena, place: int) -> str:
    scene = arena.scene("1.00")

    told = arena.together(*[lambda: applied(scene, amount=eur("0.01"))] * 2)

    opened = RefundRequest.objects.filter(payment=scene.payment, state__in=REQUEST_OPEN).count()
    return "" if (sorted(told), opened) == (["done", "request_already_open"], 1) else f"{told}, {opened} open"


def _approve_twice(arena: Arena, place: int) -> str:
    scene = arena.scene("1.00")
    request = proposed(scene, amount=eur("0.01"))

    told = arena.together(*[approve(scene, request)] * 2)

    return _one_won(told, request) or ("" if _reserved(scene) == 1 else f"{_reserved(scene)} reserved")


def _approve_or_withdraw(arena: Arena, place: int) -> str:
    scene = arena.scene("1.00")
    request = proposed(scene, amount=eur("0.01"))
    acts = [approve(scene, request), withdraw(scene, request)]

    return _one_won(arena.together(*acts[:: 1 if place % 2 else -1]), request)


def _approve_or_send_back(arena: Arena, place: int) -> str:
    scene = arena.scene("1.00")
    request = proposed(scene, amount=eur("0.01"))
    acts = [approve(scene, request), send_back(scene, request)]

    return _one_won(arena.together(*acts[:: 1 if place % 2 else -1]), request)


def _one_won(told: list[str], request: RefundRequest) -> str:
    """One edge, a conflict for the other; a payout and a decision exactly when it was approved."""
    state = RefundRequest.objects.get(pk=request.pk).state
    payouts = Payout.objects.filter(request_id=request.pk).count()
    decisions = Decision.objects.filter(request=request).count()
    expected = int(state == "approved")
    right = (["done", "state_conflict"], expected, expected)
    return (
        ""
        if (sorted(told), payouts, decisions) == right
        else f"{told}: {state}, {payouts} payouts, {decisions} decisions"
    )


def _reserved(scene: Scene) -> int:
    return Payment.objects.get(pk=scene.payment.pk).reserved_minor


def _reviewer_twice_in_a_day(arena: Arena, place: int) -> str:
    """
    Two refunds of 600.00 for one client on one day; a Reviewer may approve 1,000.00.

    Each round has a day of its own, none that of the other races: their refunds would count.
    """
    day = LATER + timedelta(days=1 + place)
    pair = [proposed(arena.scene("600.00", at=day), now=day) for _ in range(2)]
    acts: list[Act] = [
        lambda request=request: services.approve_request(principal=arena.rosa, request_id=request.pk, now=day)
        for request in pair
    ]

    told = arena.together(*acts)

    approved = Decision.objects.filter(request__in=pair, approved_as="reviewer").count()
    return other_than(told, "approval_limit_exceeded") or ("" if approved == 1 else f"{approved} approved")


def _propose_what_was_seen(arena: Arena, rounds: int) -> Iterator[str]:
    """Rita proposes the answer on her screen while Rosa assesses: what is proposed is so."""
    contract = signed_contract(arena.cast, stages=[{**STAGES[1], "amount": "90000000.00"}])
    delivery = delivered_stage(arena.cast, contract, "S1")
    for _ in range(rounds):
        scene = Scene(arena.cast, contract, paid(arena.cast, contract, "S1", "1.00"))
        assess_delivery(
            principal=arena.cast.as_rita,
            delivery_id=delivery.pk,
            values={"AC-1": "1/2", "AC-2": None},
            reason="Once more.",
            now=LATER,
        )
        request = in_review(scene)

        propose = partial(
            services.propose_answer, principal=arena.cast.as_rita, request_id=request.pk, now=LATER
        )
        told = arena.together(propose, _assess(arena, scene, request))

        request = RefundRequest.objects.get(pk=request.pk)
        last = request.proposals.order_by("-number").first()
        wrong = other_than(told, "state_conflict")
        if request.state == "proposed" and (last is None or last.answer != request.answer):
            wrong += " another answer stands than the proposed one"
        if wrong:
            yield wrong


def _assess(arena: Arena, scene: Scene, request: RefundRequest) -> Act:
    return partial(
        services.assess,
        principal=arena.rosa,
        request_id=request.pk,
        stage_id=scene.stage.pk,
        values={"AC-2": "0"},
        reason="Tested.",
        now=LATER,
    )


_LOCKS: Final[dict[str, Any]] = {"off": no_locks, "without": "no row is locked"}
_ALL: Final[dict[str, Any]] = {
    "off": no_locks_and_no_comparison,
    "without": "no row is locked, no move compares, the database refuses nothing",
}

RACES: Final = (
    Race(
        title="2 to 16 get parts of one payment",
        play=in_rounds(_take_from_one_payment),
        off=no_locks_and_no_looking,
        without=f"{_ALL['without']}, open applications are not looked for",
    ),
    Race(title="apply and apply", play=in_rounds(_apply_twice), **_LOCKS),
    Race(title="approve and approve", play=in_rounds(_approve_twice), **_ALL),
    Race(title="approve and withdraw", play=in_rounds(_approve_or_withdraw), **_ALL),
    Race(title="approve and send back", play=in_rounds(_approve_or_send_back), **_ALL),
    Race(title="two approvals up to the limit of a day", play=in_rounds(_reviewer_twice_in_a_day), **_LOCKS),
    Race(title="propose, from a page open for long, and a new fact", play=_propose_what_was_seen, **_LOCKS),
)
