"""
What is always true about money, asked of the database in plain SQL.

Each check is one statement that gives a row `(subject, detail)` per violation; rooms above register
theirs. The sender of payouts starts only while the checks of safety are clean; the others alarm.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction

log = structlog.get_logger(__name__)

SAFE_FOR_S: Final = 60
_CACHE_KEY: Final = "payments.money_is_safe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """
    One invariant, or a part of one.

    `sql` may use `%(now)s`, `%(rails)s` (a list), and instants before now by the names in `ages`.
    """

    id: str
    title: str
    sql: str
    safety: bool
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


def registered(*, safety_only: bool = False) -> list[Check]:
    """Give the invariants in order of their ids."""
    return [_registered[key] for key in sorted(_registered) if _registered[key].safety or not safety_only]


def violations_of(check: Check, now: datetime) -> list[Violation]:
    """Ask the database for everything that breaks an invariant."""
    with connection.cursor() as cursor:
        cursor.execute(*_statement(check, now))
        return [
            Violation(id=check.id, title=check.title, subject=_shown(subject), detail=_shown(detail))
            for subject, detail in cursor.fetchall()
        ]


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


def find_violations(now: datetime, *, safety_only: bool = False) -> Iterable[Violation]:
    """Go through the invariants, one statement each."""
    for check in registered(safety_only=safety_only):
        yield from violations_of(check, now)


def money_may_be_unsafe() -> None:
    """Forget that the money was found safe: something was just found that may say otherwise."""
    transaction.on_commit(lambda: cache.delete(_CACHE_KEY))


def money_is_safe(now: datetime) -> bool:
    """
    Tell whether payouts may be sent: no safety invariant is violated.

    A clean result counts for a minute; a violation is looked for again every time, and logged.
    """
    if cache.get(_CACHE_KEY):
        return True
    found = next(iter(find_violations(now, safety_only=True)), None)
    if found is not None:
        log.error("sending_is_halted", invariant=found.id, subject=found.subject, detail=found.detail)
        return False
    cache.set(_CACHE_KEY, True, SAFE_FOR_S)
    return True
