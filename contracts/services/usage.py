"""The primitive under usage records: many rows, one statement, each counted once."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.db.models import Field

from contracts.models import UsageRecord

ROWS_MAX: Final = 1000
"""Rows in one statement; databases limit how many values it may carry."""


@dataclass(frozen=True, slots=True)
class UsageRow:
    """One usage record to be written, as the table takes it (10^-6 units, 10^-9 major units, UTC)."""

    source: str
    external_id: str
    contract_id: UUID
    meter_id: UUID
    stage_id: UUID | None
    kind: str
    quantity_micro: int | None
    price_nano: int
    occurred_at: datetime
    ends_at: datetime | None
    recorded_at: datetime
    payment_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class InsertedUsage:
    """A row that was not there before, with its key in the database."""

    id: int
    row: UsageRow


_COLUMNS: Final = tuple(field.name for field in fields(UsageRow))
_values_of: Final = attrgetter(*_COLUMNS)


def insert_usage(rows: Sequence[UsageRow]) -> list[InsertedUsage]:
    """
    Write usage records, each once per source and external id; give those that are new, in order.

    One statement for each thousand rows. The caller holds the contracts' locks and a transaction.
    """
    inserted: list[InsertedUsage] = []
    for start in range(0, len(rows), ROWS_MAX):
        inserted.extend(_insert(rows[start : start + ROWS_MAX]))
    return inserted


def _insert(rows: Sequence[UsageRow]) -> Iterator[InsertedUsage]:
    first: dict[tuple[str, str], UsageRow] = {}
    for row in rows:
        first.setdefault((row.source, row.external_id), row)
    places = ", ".join([f"({', '.join(['%s'] * len(_COLUMNS))})"] * len(first))
    values = list(_as_stored(first.values()))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {UsageRecord._meta.db_table} ({', '.join(_COLUMNS)}) VALUES {places} "  # noqa: S608
            "ON CONFLICT (source, external_id) DO NOTHING RETURNING id, source, external_id",
            values,
        )
        new = {(source, external_id): key for key, source, external_id in cursor.fetchall()}
    for name, row in first.items():
        if name in new:
            yield InsertedUsage(new[name], row)


def _as_stored(rows: Iterable[UsageRow]) -> Iterator[Any]:
    """Give the values of all rows, one after the other, as this database takes them."""
    if connection.features.has_native_uuid_field:  # PostgreSQL's driver takes ids and instants as they are
        for row in rows:
            yield from _values_of(row)
        return
    for row in rows:
        for field, value in zip(_FIELDS, _values_of(row), strict=True):
            yield field.get_db_prep_save(value, connection)


def _field(name: str) -> "Field[Any, Any]":
    for field in UsageRecord._meta.concrete_fields:
        if field.column == name:
            return field
    raise LookupError(name)


_FIELDS: Final = tuple(_field(name) for name in _COLUMNS)
