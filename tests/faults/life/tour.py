"""
The way along every edge, step by step: what chance alone seldom does is done here, under the same invariants.

A line of it is an act of `Life` with what it is given.
"""

from collections.abc import Iterator
from datetime import timedelta
from itertools import chain
from typing import Any, Final

from payments.models import Payment, Payout, PayoutStep
from payments.services import (
    authorise_payment,
    capture_payment,
    fail_payment,
    replace_payout,
    void_payment,
)
from refunds.models import RefundRequest
from tests.faults.life.payouts import Life
from tests.faults.life.world import Tally

LAST: Final = -1
"""The newest of the rows that are there."""

PAPERS: Final = (
    ("draft", "sign", "terminate"),
    ("draft", "sign", "complete"),
    ("amend", "agree"),
    ("amend", "drop"),
)
SENDINGS: Final = (
    ("", ("settled", "returned")),
    ("", ("accepted", "returned")),
    ("", ("accepted", "failed")),
    ("refuse", None),
    ("timeout_done", None),
    ("timeout_not_done", None),
    ("wait", None),
    ("wrong_amount", None),
)
"""What the provider does, and whether the money comes back afterwards: in which state, and as what."""


def go(life: Life) -> Tally:
    """Go the whole way; the invariants are asked after each act."""
    for _ in chain(*(part(life) for part in (_papers, _payments, _payouts, _work, _cases, _files))):
        life.money_is_as_it_must_be()
        life.nobody_is_paid_twice()
    return life.tally


def _papers(life: Life) -> Iterator[None]:
    for line in PAPERS:
        for what in line:
            yield life.do_paperwork(0 if what == "amend" else LAST, what)


def _work(life: Life) -> Iterator[None]:
    for is_content in (False, True):
        yield life.deliver("S2")
        yield life.answer_a_delivery(LAST, is_content)


def _payments(life: Life) -> Iterator[None]:
    for services in (
        (authorise_payment, capture_payment),
        (authorise_payment, fail_payment),
        (authorise_payment, void_payment),
        (fail_payment,),
        (void_payment,),
    ):
        life.pay("S1", "10.00", "sandbox", False)
        for service in services:
            yield life.go_on_with_a_payment(LAST, service)
    yield life.dispute_or_win(LAST)
    yield life.dispute_or_win(LAST)
    yield life.dispute_or_win(LAST)
    yield life.charge_back(LAST, 1)


def _applied(life: Life, code: str = "S1") -> None:
    life.pay(code, "10.00", "sandbox", True)
    life.apply(LAST, "not_as_agreed", None)


def _cases(life: Life) -> Iterator[None]:
    for before in (
        (),
        (life.take_up,),
        (life.take_up, life.ask_for_information, life.inform, life.ask_for_information),
        (life.take_up, life.propose, life.send_back, life.propose),
    ):
        yield _applied(life)
        for act in before:
            yield act(LAST)
        yield life.withdraw(LAST, RefundRequest.objects.latest("pk").state)
    yield life.deliver("S1")
    yield _applied(life)
    yield life.take_up(LAST)
    yield life.assess(LAST, ["1", "1", "1"])
    yield life.propose(LAST)
    yield life.approve(LAST, True)
    yield life.pay("S1", "10.00", "sandbox", True)
    yield life.apply_too_late(LAST, "defects")


def _payouts(life: Life) -> Iterator[None]:
    for kind, comes_back in SENDINGS:
        life.wait(timedelta(hours=1))
        yield life.give_a_refund("S1", "sandbox", None)
        yield life.send(kind)
        if comes_back is None or comes_back[0] == "settled":
            yield life.look_after(False, timedelta(seconds=30))
        if comes_back is not None:
            yield life.money_comes_back(LAST, *comes_back)
    yield life.go_on_after_a_failure(LAST, replace_payout)
    yield _confirm(life)
    yield life.send("")
    yield life.give_a_refund("S1", "sandbox", None)
    yield life.send("timeout_not_done")
    yield life.it_turns_out_to_have_failed(LAST, True)
    yield life.give_a_refund("S1", "sandbox", None)
    yield life.send("timeout_not_done")
    yield life.the_provider_is_silent_for_a_day()
    yield from _say_what_became(life)
    yield life.give_a_refund("S1", "manual", None)
    yield life.send("")
    yield from _say_what_became(life)
    yield life.give_a_refund("S1", "sandbox", None)
    yield life.cancel(LAST)


def _say_what_became(life: Life) -> Iterator[None]:
    while life.has(Payout, "manual"):
        life.say_what_became_of_it(LAST, True)
        yield _confirm(life)


def _confirm(life: Life) -> None:
    if PayoutStep.objects.filter(confirmed_at=None, withdrawn_at=None).exists():
        life.answer_a_step(True)


def _files(life: Life) -> Iterator[None]:
    assert Payment.objects.exists()
    for is_clean in (True, False):
        yield life.send_a_file(LAST, is_clean)
    answers: tuple[Any, ...] = ("no", "at once", "on the way")
    for called_off in answers:
        yield life.try_other_terms(called_off)
