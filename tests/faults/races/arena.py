"""Where races are run: threads that begin together, and payments for them to come together about."""

import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from threading import Barrier
from typing import Any

from django.db import DatabaseError, connection, connections

from accounts.principals import Principal
from contracts.tests.cast import NOW, STAGES, make_cast, signed_contract
from kernel.errors import DomainError
from refunds.tests.scene import Scene, another_reviewer, paid

Act = Callable[[], Any]
LIMIT_S = 120


class Crowd:
    """Threads that begin together; each keeps its connection."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._barrier = Barrier(count)
        self._pool = ThreadPoolExecutor(count, initializer=_wait_patiently)

    def together(self, acts: Sequence[Act]) -> list[str]:
        """Do as many acts at once as there are threads; tell of each `done`, its refusal, or its error."""
        assert len(acts) == self.count
        return list(self._pool.map(self._one, acts))

    def _one(self, act: Act) -> str:
        self._barrier.wait(LIMIT_S)
        try:
            act()
        except DomainError as refusal:
            return refusal.code
        except Exception as error:  # noqa: BLE001 - told to the race: nothing but a refusal may happen
            return error_told(error)
        return "done"

    def close(self) -> None:
        list(
            self._pool.map(
                lambda _: (self._barrier.wait(LIMIT_S), connections.close_all()), range(self.count)
            )
        )
        self._pool.shutdown()


def _wait_patiently() -> None:
    """On a busy machine a thread may stand in line for long; that is not what races are about."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '60s'")


def error_told(error: Exception) -> str:
    state = getattr(error.__cause__, "pgcode", None) if isinstance(error, DatabaseError) else None
    return f"!{type(error).__name__}{f' {state}' if state else ''}: {str(error)[:120]}"


def other_than(told: Sequence[str], *allowed: str) -> str:
    """Name what was told that is neither done nor one of these refusals."""
    return ", ".join(sorted(set(told) - {"done", *allowed}))


class Arena:
    """The cast, a contract with room for many small payments, and crowds of any size."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.cast = make_cast()
        self.rosa: Principal = another_reviewer()
        self.contract = signed_contract(self.cast, stages=[{**STAGES[1], "amount": "90000000.00"}])
        self._crowds: dict[int, Crowd] = {}

    def scene(self, amount: str = "10.00", *, at: datetime = NOW) -> Scene:
        """A payment of its own."""
        return Scene(self.cast, self.contract, paid(self.cast, self.contract, "S1", amount, at=at))

    def together(self, *acts: Act) -> list[str]:
        if len(acts) not in self._crowds:
            self._crowds[len(acts)] = Crowd(len(acts))
        return self._crowds[len(acts)].together(acts)

    def close(self) -> None:
        """End all threads, so that their connections report their deadlocks."""
        for crowd in self._crowds.values():
            crowd.close()
        self._crowds.clear()


@dataclass(frozen=True, kw_only=True)
class Race:
    """
    A pair (or more) of acts at once.

    `play` runs so many rounds and gives a text for each round in which something went wrong; `off` takes away
    what protects, in the twin.
    """

    title: str
    play: Callable[[Arena, int], Iterator[str]]
    off: Callable[[], Any]
    without: str
    weight: int = 1
    """How many rounds one round counts."""


def in_rounds(play_one: Callable[[Arena, int], str]) -> Callable[[Arena, int], Iterator[str]]:
    """Play one round after the other; a round gives what went wrong, or nothing."""

    def play(arena: Arena, rounds: int) -> Iterator[str]:
        for place in range(rounds):
            if wrong := play_one(arena, place):
                yield wrong

    return play
