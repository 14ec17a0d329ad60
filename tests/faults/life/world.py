"""A world to act in: people, contracts, a clock that goes forward, and what must hold after each step."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final
from uuid import UUID

from django.core.cache import cache
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant

from accounts.groups import FINANCE, REVIEWER
from accounts.principals import Principal
from accounts.services import create_user
from contracts.models import Amendment, Contract, Delivery, Stage
from contracts.tests.cast import NOW, STAGES, Cast, make_cast, signed_contract
from events.journal import seal, sequence_events
from events.verification import verify_journal
from kernel.errors import DomainError
from payments import checks
from payments.models import Break, Payment, Payout, SandboxRefund
from payments.services import resolve_break
from refunds.models import RefundRequest
from refunds.replay import replay_decisions
from tests.faults.life import edges
from tests.faults.life.edges import Edge

PICK: Final = st.integers(min_value=0, max_value=999)
"""Which of the rows that are there: the rest of a division by their number."""

_STATES: Final[dict[type[Any], str]] = {
    Contract: "state",
    Amendment: "state",
    Stage: "state",
    Delivery: "state",
    Payment: "status",
    RefundRequest: "state",
    Payout: "state",
}
_LATE_IS_NO_FAULT: Final = ("a payout is stuck", "a provider's book was not read to its end for two days")
"""The clock jumps here: that something waits long is no fault."""


@dataclass(slots=True)
class Tally:
    """What a run came to."""

    steps: int = 0
    lives: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    edges: Counter[Edge] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """The cast, one more of Finance and one more who reviews; what Alice's client has agreed to."""

    cast: Cast
    flo: Principal
    rosa: Principal
    contract: Contract


@contextmanager
def inhabited(*, kind: str = "business") -> Iterator[People]:
    """Put people and a contract into the database for a while; edges are noted, and all is taken back."""
    with _taken_back():
        edges.watch()
        cast = make_cast(kind=kind)
        flo, rosa = (
            Principal(
                user=create_user(
                    email=f"{name}@company.example", name=name.title(), is_staff=True, groups=[group]
                )
            )
            for name, group in (("flo", FINANCE), ("rosa", REVIEWER))
        )
        large = [{**stage, "amount": f"{stage['amount'].partition('.')[0]}00.00"} for stage in STAGES]
        yield People(cast=cast, flo=flo, rosa=rosa, contract=signed_contract(cast, stages=large))


@contextmanager
def _taken_back() -> Iterator[None]:
    """A transaction that ends with a rollback; those that must be the outermost count as such within."""
    atomic = transaction.atomic()
    atomic._from_testcase = True  # type: ignore[attr-defined]
    with atomic:
        yield
        transaction.set_rollback(True)


class World(RuleBasedStateMachine):
    """One life: it begins with the people and their contract, and is taken back at its end."""

    people: ClassVar[People]
    tally: ClassVar[Tally]

    def __init__(self) -> None:
        super().__init__()
        self.now: datetime = NOW
        self._where: dict[type[Any], dict[str, list[UUID]]] | None = None
        self._edges_before = edges.seen()
        self._life = _taken_back()
        self._life.__enter__()
        self.tally.lives += 1

    @property
    def cast(self) -> Cast:
        return self.people.cast

    # Finding rows, and acting on them

    def has(self, model: type[Any], *states: str) -> bool:
        return any(self._rows(model).get(state) for state in states)

    def one(self, pick: int, model: type[Any], *states: str) -> Any:
        """Pick one of the rows that are in these states (of all, if none is named)."""
        rows = self._rows(model)
        found = [key for state in states or sorted(rows) for key in rows.get(state, ())]
        return model.objects.get(pk=found[pick % len(found)])

    def _rows(self, model: type[Any]) -> dict[str, list[UUID]]:
        if self._where is None:
            self._where = {}
        if model not in self._where:
            rows: dict[str, list[UUID]] = defaultdict(list)
            for key, state in model.objects.order_by("pk").values_list("pk", _STATES[model]):
                rows[state].append(key)
            self._where[model] = rows
        return self._where[model]

    def attempt(self, service: Callable[..., Any], **given: Any) -> Any:
        """Call a service; that it says no is fine, and None."""
        name = service.__name__
        try:
            done = service(**{"now": self.now, **given})
        except DomainError as refusal:
            self.tally.refused[f"{name}: {refusal.code}"] += 1
            return None
        finally:
            self._where = None
        self.tally.done[name] += 1
        return done

    def wait(self, time: timedelta) -> None:
        self.now += time

    # What holds after each step

    @invariant()
    def money_is_as_it_must_be(self) -> None:
        self.tally.steps += 1
        self._where = None
        cache.clear()
        self._clear_differences_of_wrong_amounts()
        found = [one for one in checks.find_violations(self.now) if one.title not in _LATE_IS_NO_FAULT]
        assert not found, "; ".join(map(str, found))

    @invariant()
    def nobody_is_paid_twice(self) -> None:
        """By the provider's own book: of the payouts of a request one at most holds money."""
        keys = {
            payout.pk.hex: payout
            for payout in Payout.objects.select_related("payment").exclude(rail="manual")
        }
        sent: dict[UUID, int] = defaultdict(int)
        for line in SandboxRefund.objects.filter(end="settled"):
            sent[keys[line.key].request_id] += 1
        assert all(count == 1 for count in sent.values()), sent

    def _clear_differences_of_wrong_amounts(self) -> None:
        """Where the provider moved another amount Finance is told, and clears it; nothing else is left."""
        for found in Break.objects.filter(kind="different", resolved_at=None):
            payout = Payout.objects.get(pk=found.payout_id)
            moved = SandboxRefund.objects.get(key=payout.pk.hex)
            assert moved.amount_minor != payout.amount_minor, found.detail
            resolve_break(
                principal=self.cast.as_finn, break_id=found.pk, resolution="Told the provider.", now=self.now
            )

    def teardown(self) -> None:
        try:
            if not connection.needs_rollback:
                self._check_the_end()
                self.tally.edges.update(edges.seen() - self._edges_before)
        finally:
            self._life.__exit__(None, None, None)

    def _check_the_end(self) -> None:
        """The journal is whole, and every decision follows from its facts."""
        sequence_events()
        seal(now=timezone.now())
        report = verify_journal(now=timezone.now())
        assert not report.fault_count, report.faults
        faults = [replayed for replayed in replay_decisions() if replayed.fault]
        assert not faults, faults
