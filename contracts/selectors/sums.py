"""Sums that the database works out exactly, however large they become."""

from collections.abc import Callable
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Sum

_BILLION = 10**9


class ExactSum(Sum):
    """A sum of whole numbers beyond 64 bits, where SQLite gives up: there in billions and the rest."""

    def as_sqlite(
        self, compiler: Any, connection: BaseDatabaseWrapper, **_: Any
    ) -> tuple[str, tuple[Any, ...]]:
        column, params = compiler.compile(self.get_source_expressions()[0])
        billions = f"{column} / {_BILLION}"
        sql = f"CAST(SUM({billions}) AS text) || ' ' || CAST(SUM({column} - {billions} * {_BILLION}) AS text)"
        return sql, (*params, *params, *params)

    def get_db_converters(self, connection: BaseDatabaseWrapper) -> list[Callable[..., int | None]]:
        return [_whole]


def _whole(value: Any, *_: Any) -> int | None:
    """Read a sum as either database gives it."""
    if not isinstance(value, str):
        return None if value is None else int(value)
    billions, rest = value.split()
    return int(billions) * _BILLION + int(rest)
