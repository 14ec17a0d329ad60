"""
What is always true about money, asked of the database in plain SQL.

Each check is one statement that gives a row `(subject, detail)` per violation, or, where no statement can say
it, a function that does; rooms above register theirs. The sender of payouts starts only while the checks of
safety are clean; the others alarm.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any, Final
from uuid import UUID, uuid4

import structlog
from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction

log = structlog.get_logger(__name__)

SAFE_FOR_S: Final = 60
SHARE_OF_TIME: Final = 20
"""The safety checks take no more than one part in so many of a sender's time, however large the books are."""
_CACHE_KEY: Final = "payments.money_is_safe"
_DOUBT_KEY: Final = "payments.money_may_be_unsafe"
"""The last doubt about the money; under the other key stands since which doubt it was found safe."""


Finder = Callable[[datetime], Iterable[tuple[object, object]]]
"""Gives `(subject, detail)` of each violation as of an instant."""


class Cost(IntEnum):
    """What a check reads, and so how often it is asked."""

    LIGHT = 1  # what is open, by its index: every five minutes
    WHOLE = 2  # whole tables of money, once: before sending, and nightly
    DEEP = 3  # the journal, the usage and the stored facts: nightly


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """
    One invariant, or a part of one.

    `sql` may use `%(now)s`, `%(rails)s` (a list), and instants before now by the names in `ages`; where it is
    empty `find` is asked.
    """

    id: str
    title: str
    safety: bool
    sql: str = ""
    find: Finder | None = None
    cost: Cost = Cost.WHOLE
    ages: Mapping[str, timedelta] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One row that breaks an invariant: which, what it is about, and what is wrong with it."""

    id: str
    title: str
    subject: str
    detail: str

    def __str__(self) -> str:
        return f"{self.id} {self.title}: {self.subject} ({self.detail})"


_registered: dict[tuple[str, str], Check] = {}


def register(*checks: Check) -> None:
    """Add invariants; registering the same one again changes nothing."""
    for check in checks:
        _registered[check.id, check.title] = check


def registered(*, safety_only: bool = False, cost: Cost = Cost.DEEP) -> list[Check]:
    """Give the invariants in order of their ids, those that cost more left out."""
    checks = (_registered[key] for key in sorted(_registered))
    return [check for check in checks if check.cost <= cost and (check.safety or not safety_only)]


def violations_of(check: Check, now: datetime) -> list[Violation]:
    """Ask for everything that breaks an invariant."""
    return [
        Violation(id=check.id, title=check.title, subject=_shown(subject), detail=_shown(detail))
        for subject, detail in (_asked(check, now) if check.find is None else check.find(now))
    ]


def _asked(check: Check, now: datetime) -> list[tuple[object, object]]:
    with connection.cursor() as cursor:
        cursor.execute(*_statement(check, now))
        rows: list[tuple[object, object]] = cursor.fetchall()
    return rows


def _statement(check: Check, now: datetime) -> tuple[str, dict[str, Any]]:
    """Fill in the instants and the rails; a list becomes so many places."""
    values: dict[str, Any] = {"now": _instant(now)}
    values.update({name: _instant(now - age) for name, age in check.ages.items()})
    rails = {f"rail_{index}": rail for index, rail in enumerate(settings.PAYOUT_RAILS)}
    sql = check.sql.replace("%(rails)s", ", ".join(f"%({name})s" for name in rails))
    used = {name: value for name, value in {**values, **rails}.items() if f"%({name})s" in sql}
    return sql, used


def _instant(value: datetime) -> Any:
    """Give an instant as this database compares it."""
    return connection.ops.adapt_datetimefield_value(value)


def _shown(value: object) -> str:
    """Write a value of the database; ids look alike on every database."""
    if isinstance(value, str) and len(value) == 32 and value.isalnum():
        try:
            return str(UUID(value))
        except ValueError:
            return value
    return str(value)


def find_violations(
    now: datetime, *, safety_only: bool = False, cost: Cost = Cost.WHOLE
) -> Iterable[Violation]:
    """Go through the invariants, those that cost more left out."""
    for check in registered(safety_only=safety_only, cost=cost):
        yield from violations_of(check, now)


def money_may_be_unsafe() -> None:
    """
    Forget that the money was found safe: something was just found that may say otherwise.

    A check that is at work now may have read the books before; its result counts for nothing.
    """
    transaction.on_commit(lambda: cache.set(_DOUBT_KEY, uuid4().hex, None))


def money_is_safe(now: datetime) -> bool:
    """
    Tell whether payouts may be sent: no safety invariant is violated.

    A clean result counts for a minute, or longer where asking takes long; a difference that is found
    meanwhile ends it (`money_may_be_unsafe`). A violation is looked for again every time, and logged.
    """
    doubt = f"since {cache.get(_DOUBT_KEY)}"
    if cache.get(_CACHE_KEY) == doubt:
        return True
    began = time.monotonic()
    found = next(iter(find_violations(now, safety_only=True)), None)
    if found is not None:
        log.error("sending_is_halted", invariant=found.id, subject=found.subject, detail=found.detail)
        return False
    took_s = time.monotonic() - began
    cache.set(_CACHE_KEY, doubt, max(SAFE_FOR_S, round(SHARE_OF_TIME * took_s)))
    return True
