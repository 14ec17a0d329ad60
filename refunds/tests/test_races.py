"""
Races on PostgreSQL: whoever comes together, one order of events is what happened.

Every race runs once more with the locks off (the twin), where it must be seen: a race that nobody can see
proves nothing. Threads keep their connections; a barrier starts each round.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, connections
from django.db.models import Exists, F

from accounts.principals import Principal
from contracts.models import Client, Contract
from contracts.services import assess_delivery
from contracts.tests.cast import STAGES, make_cast, signed_contract
from events.guards import lifted
from kernel.errors import DomainError
from payments.models import Payment, Payout
from payments.services import refunds as refund_money
from refunds import services
from refunds.models import Decision, RefundRequest
from refunds.selectors import facts
from refunds.services import applying, cases
from refunds.states import REQUEST_OPEN
from refunds.tests.scene import LATER, Scene, another_reviewer, applied, eur, in_review, paid, proposed

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

ROUNDS = 200 if os.environ.get("FULL") else 40
"""`make faults` plays the same at two hundred rounds and more."""
TWIN_ROUNDS_MAX = 100
Act = Callable[[], Any]


def _wait_patiently() -> None:
    """On a busy machine a thread may stand in line for long; that is not what these tests are about."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '60s'")


class Runners:
    """Threads that begin together."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._barrier = Barrier(count)
        self._pool = ThreadPoolExecutor(count, initializer=_wait_patiently)

    def together(self, acts: Sequence[Act]) -> list[str]:
        """Do as many acts at once as there are threads; give `done` or the code of the refusal of each."""
        assert len(acts) == self.count
        return list(self._pool.map(self._one, acts))

    def _one(self, act: Act) -> str:
        self._barrier.wait(30)
        try:
            act()
        except DomainError as refusal:
            return refusal.code
        return "done"

    def close(self) -> None:
        list(self._pool.map(lambda _: (self._barrier.wait(30), connections.close_all()), range(self.count)))
        self._pool.shutdown()


@pytest.fixture
def two() -> Iterator[Runners]:
    runners = Runners(2)
    yield runners
    runners.close()


@pytest.fixture
def eight() -> Iterator[Runners]:
    runners = Runners(8)
    yield runners
    runners.close()


@pytest.fixture
def wide() -> Scene:
    """A stage with room for many small payments."""
    cast = make_cast()
    contract = signed_contract(cast, stages=[{**STAGES[1], "amount": "90000.00"}])
    return Scene(cast, contract, paid(cast, contract, "S1", "10.00"))


def approve(scene: Scene, request: RefundRequest) -> Act:
    arno = scene.cast.as_arno
    return lambda: services.approve_request(principal=arno, request_id=request.pk, now=LATER)


def withdraw(scene: Scene, request: RefundRequest) -> Act:
    alice = scene.cast.as_alice
    return lambda: services.withdraw_request(principal=alice, request_id=request.pk, now=LATER)


def push_through(scene: Scene, amount: str) -> Act:
    """Apply, review, propose, approve: as far as one gets."""

    def act() -> None:
        request = proposed(scene, amount=eur(amount))
        approve(scene, request)()

    return act


def test_eight_who_apply_and_approve_never_take_more_than_was_paid(wide, eight):
    told: Counter[str] = Counter()
    for place in range(ROUNDS):
        scene = Scene(wide.cast, wide.contract, paid(wide.cast, wide.contract, "S1", "10.00"))
        first = proposed(scene, amount=eur("6.00"))
        more = "4.01" if place % 4 else "4.00"

        told.update(eight.together([approve(scene, first)] * 4 + [push_through(scene, more)] * 4))

        payment = Payment.objects.get(pk=scene.payment.pk)
        live = Payout.objects.filter(payment=payment, state="ready")
        assert payment.reserved_minor == sum(payout.amount_minor for payout in live) <= payment.amount_minor
        assert live.filter(request_id=first.pk).count() == 1

    assert told["done"] >= ROUNDS
    assert set(told) <= {
        "done",
        "state_conflict",
        "request_already_open",
        "amount_out_of_range",
        "nothing_refundable",
        "answer_changed",
    }


def test_of_an_approval_and_a_withdrawal_exactly_one_wins(scene, two):
    won: Counter[str] = Counter()
    for place in range(ROUNDS):
        request = proposed(scene, amount=eur("0.01"))
        acts = [approve(scene, request), withdraw(scene, request)]

        told = two.together(acts if place % 2 else acts[::-1])

        assert sorted(told) == ["done", "state_conflict"]
        state = RefundRequest.objects.get(pk=request.pk).state
        assert Payout.objects.filter(request_id=request.pk).exists() == (state == "approved")
        won[state] += 1

    assert set(won) <= {"approved", "withdrawn"}
    payment = Payment.objects.get(pk=scene.payment.pk)
    assert payment.reserved_minor == won["approved"]


def test_of_two_approvals_one_wins_and_the_money_is_reserved_once(scene, two):
    for place in range(1, ROUNDS + 1):
        request = proposed(scene, amount=eur("0.01"))

        told = two.together([approve(scene, request)] * 2)

        assert sorted(told) == ["done", "state_conflict"]
        assert Decision.objects.filter(request=request).count() == 1
        assert Payment.objects.get(pk=scene.payment.pk).reserved_minor == place


def apply(scene: Scene) -> Act:
    return lambda: applied(scene, amount=eur("0.01"))


def test_of_two_applications_one_is_let_in(scene, two):
    for _ in range(ROUNDS):
        told = two.together([apply(scene)] * 2)

        assert sorted(told) == ["done", "request_already_open"]
        (request,) = RefundRequest.objects.filter(payment=scene.payment, state__in=REQUEST_OPEN)
        withdraw(scene, request)()


def test_of_an_approval_and_a_sending_back_exactly_one_wins(scene, two):
    for place in range(ROUNDS // 4):
        request = proposed(scene, amount=eur("0.01"))
        acts = [approve(scene, request), send_back(scene, request)]

        told = two.together(acts if place % 2 else acts[::-1])

        assert sorted(told) == ["done", "state_conflict"]
        state = RefundRequest.objects.get(pk=request.pk).state
        assert Payout.objects.filter(request_id=request.pk).exists() == (state == "approved")
        if state == "in_review":
            withdraw(scene, request)()


def send_back(scene: Scene, request: RefundRequest) -> Act:
    rita = scene.cast.as_rita
    return lambda: services.send_back(principal=rita, request_id=request.pk, reason="Look again.", now=LATER)


def test_of_two_fresh_facts_neither_is_lost(delivered, two):
    """Two reviewers assess different items at once: the answer that is kept knows both."""
    rosa = another_reviewer()
    for _ in range(ROUNDS // 8):
        request = in_review(delivered)
        told = two.together(
            [
                judge(delivered.cast.as_rita, delivered, request, "AC-1"),
                judge(rosa, delivered, request, "AC-2"),
            ]
        )

        answer = RefundRequest.objects.get(pk=request.pk).answer
        assert told == ["done", "done"]
        assert answer["conforming_value"] == "625"
        withdraw(delivered, request)()
        judge_again(delivered)


def judge(principal: Principal, scene: Scene, request: RefundRequest, item: str) -> Act:
    value = {"AC-1": "1", "AC-2": "0"}[item]
    return lambda: services.assess(
        principal=principal,
        request_id=request.pk,
        stage_id=scene.stage.pk,
        values={item: value},
        reason="Tested.",
        now=LATER,
    )


def judge_again(scene: Scene) -> None:
    """Leave both items untested for the next round."""
    assess_delivery(
        principal=scene.cast.as_rita,
        delivery_id=scene.stage.deliveries.get().pk,
        values={"AC-1": None, "AC-2": None},
        reason="Once more.",
        now=LATER,
    )


# The limit of a reviewer: per client and day, over all payments


def over_the_limit(two: Runners, wide: Scene, rounds: int) -> int:
    """Count rounds in which Rosa approved two refunds of 600.00 for one client on one day."""
    rosa = another_reviewer()
    seen = 0
    for place in range(rounds):
        day = LATER + timedelta(days=place)
        pair = [
            proposed(
                Scene(wide.cast, wide.contract, paid(wide.cast, wide.contract, "S1", "600.00", at=day)),
                now=day,
            )
            for _ in range(2)
        ]
        two.together([approve_as(rosa, request, day) for request in pair])
        seen += Decision.objects.filter(request__in=pair, approved_as="reviewer").count() > 1
        if seen >= 3:
            break
    return seen


def approve_as(principal: Principal, request: RefundRequest, now: datetime) -> Act:
    return lambda: services.approve_request(principal=principal, request_id=request.pk, now=now)


def test_two_approvals_at_once_stay_within_the_limit_of_the_day(wide, two):
    assert over_the_limit(two, wide, 15) == 0


def test_without_the_lock_two_approvals_at_once_pass_the_limit(wide, two, monkeypatch):
    locks_off(monkeypatch)

    assert over_the_limit(two, wide, 40) > 0


# The twins: the same races without what the database refuses, with the locks on and with the locks off.


@contextmanager
def nothing_but_locks() -> Iterator[None]:
    """Take away what the database would refuse: only the locks stand between the threads."""
    index = "a_payment_has_one_open_request"
    check = "refunds_never_exceed_the_payment"
    with connection.cursor() as cursor, lifted(operations=("UPDATE",)):
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = %s", [index])
        (definition,) = cursor.fetchone()
        cursor.execute("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s", [check])
        (rule,) = cursor.fetchone()
        cursor.execute(f"DROP INDEX {index}")
        cursor.execute(f"ALTER TABLE payments_payment DROP CONSTRAINT {check}")
        try:
            yield
        finally:
            with lifted(operations=("UPDATE", "DELETE", "TRUNCATE")):
                cursor.execute("TRUNCATE refunds_refundrequest, payments_payment CASCADE")
                cursor.execute(definition)
                cursor.execute(f"ALTER TABLE payments_payment ADD CONSTRAINT {check} {rule}")


def locks_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read where the services lock."""
    reads = {
        "lock_contract": lambda key: Contract.objects.get(pk=key),
        "lock_client": lambda key: Client.objects.get(pk=key),
        "lock_payment": lambda key: Payment.objects.get(pk=key),
        "lock_request": lambda key: RefundRequest.objects.get(pk=key),
    }
    for module in (applying, cases):
        for name, read in reads.items():
            if hasattr(module, name):
                monkeypatch.setattr(module, name, read)


def reserve_without_looking(*, payment: Payment, amount_minor: int) -> None:
    """What `reserve_refund` would be without its own condition."""
    Payment.objects.filter(pk=payment.pk).update(reserved_minor=F("reserved_minor") + amount_minor)


def open_twice(two: Runners, scene: Scene, rounds: int) -> int:
    """Count rounds in which two applications for one payment were let in; stop at the first few."""
    seen = 0
    for _ in range(rounds):
        two.together([apply(scene)] * 2)
        requests = list(RefundRequest.objects.filter(payment=scene.payment, state__in=REQUEST_OPEN))
        seen += len(requests) > 1
        for request in requests:
            withdraw(scene, request)()
        if seen >= 3:
            break
    return seen


def test_the_lock_alone_lets_one_application_in(scene, two):
    with nothing_but_locks():
        assert open_twice(two, scene, 50) == 0


def test_without_the_lock_two_applications_are_let_in(scene, two, monkeypatch):
    locks_off(monkeypatch)

    with nothing_but_locks():
        assert open_twice(two, scene, TWIN_ROUNDS_MAX) > 0


def paid_beyond(two: Runners, wide: Scene, rounds: int) -> int:
    """Count rounds in which two requests of 6.00 were approved for one payment of 10.00."""
    seen = 0
    for _ in range(rounds):
        scene = Scene(wide.cast, wide.contract, paid(wide.cast, wide.contract, "S1", "10.00"))
        pair = [proposed(scene, amount=eur("6.00"))]
        RefundRequest.objects.filter(pk=pair[0].pk).update(state="withdrawn")
        pair.append(proposed(scene, amount=eur("6.00")))
        RefundRequest.objects.filter(pk=pair[0].pk).update(state="proposed")
        two.together([approve(scene, request) for request in pair])
        seen += Payment.objects.get(pk=scene.payment.pk).reserved_minor > 1000
        if seen >= 3:
            break
    return seen


@pytest.fixture
def blind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two open requests of one payment do not see each other, and the counter does not look."""
    gather = facts._circumstances
    monkeypatch.setattr(facts, "_circumstances", lambda *args: {**gather(*args), "another_open": _never()})
    monkeypatch.setattr(refund_money, "reserve_refund", reserve_without_looking)


def _never() -> Any:
    return Exists(RefundRequest.objects.none())


@pytest.mark.usefixtures("blind")
def test_the_lock_alone_keeps_two_approvals_within_the_payment(wide, two):
    with nothing_but_locks():
        assert paid_beyond(two, wide, 25) == 0


@pytest.mark.usefixtures("blind")
def test_without_the_lock_two_approvals_take_more_than_was_paid(wide, two, monkeypatch):
    locks_off(monkeypatch)

    with nothing_but_locks():
        assert paid_beyond(two, wide, TWIN_ROUNDS_MAX) > 0
