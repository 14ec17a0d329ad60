"""
Large data sets for measurements on PostgreSQL: contracts that services made, copied a hundred thousand times.

`multiply` copies whole agreements (client, contract, terms, stages, work, payments, ledger, usage, requests,
decisions, journal) by one INSERT ... SELECT per table. A copy has ids, numbers and instants of its own and is
otherwise what the services wrote, so every page and query finds rows as they really are. The same seed gives
the same rows. Triggers and foreign keys are not asked meanwhile: use it on a server made for the purpose.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection

from contracts.models import Contract

_OF_CONTRACT: Final = "contract_id = ANY(%(contracts)s)"
_OF_STAGE: Final = f"stage_id IN (SELECT id FROM contracts_stage WHERE {_OF_CONTRACT})"
_OF_PAYMENT: Final = f"payment_id IN (SELECT id FROM payments_payment WHERE {_OF_CONTRACT})"
_OF_REQUEST: Final = f"request_id IN (SELECT id FROM refunds_refundrequest WHERE {_OF_CONTRACT})"
_OF_DELIVERY: Final = f"delivery_id IN (SELECT id FROM contracts_delivery WHERE {_OF_STAGE})"

TABLES: Final[tuple[tuple[str, str], ...]] = (
    (
        "contracts_client",
        f"id IN (SELECT client_id FROM contracts_contract WHERE {'id = ANY(%(contracts)s)'})",
    ),
    ("contracts_contract", "id = ANY(%(contracts)s)"),
    ("contracts_refundterms", _OF_CONTRACT),
    ("contracts_stage", _OF_CONTRACT),
    ("contracts_prepaymentshare", _OF_STAGE.replace("stage_id IN", "work_id IN")),
    ("contracts_acceptanceitem", _OF_STAGE),
    ("contracts_meter", _OF_CONTRACT),
    ("contracts_delivery", _OF_STAGE),
    ("contracts_assessment", _OF_DELIVERY),
    (
        "contracts_assessmentvalue",
        f"assessment_id IN (SELECT id FROM contracts_assessment WHERE {_OF_DELIVERY})",
    ),
    ("contracts_usagerecord", _OF_CONTRACT),
    ("payments_payment", _OF_CONTRACT),
    ("payments_allocation", _OF_PAYMENT),
    ("payments_payout", _OF_PAYMENT),
    ("payments_payoutattempt", f"payout_id IN (SELECT id FROM payments_payout WHERE {_OF_PAYMENT})"),
    ("payments_transfer", _OF_PAYMENT),
    ("refunds_refundrequest", _OF_CONTRACT),
    ("refunds_proposal", _OF_REQUEST),
    ("refunds_decision", _OF_REQUEST),
    ("refunds_message", _OF_REQUEST),
    ("events_event", "subject_id = ANY(%(ids)s)"),
    ("events_eventposition", "event_id IN (SELECT id FROM events_event WHERE subject_id = ANY(%(ids)s))"),
)
"""Every table of an agreement, with its rows for some contracts; what is referred to comes first."""

_NAMED: Final = {
    ("contracts_contract", "number"): "'C-' || (1000000 + n)",
    ("contracts_client", "name"): "'Client ' || n || ' ' || left(md5((n + %(seed)s)::text), 6)",
    ("contracts_client", "email"): "'office' || n || '@client.example'",
    ("payments_payment", "number"): "'P-' || right(number, 6) || '-' || (1000000 + n)",
    ("payments_payment", "deadline_text"): (
        "to_char((deadline - {shift}) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"+00:00\"')"
    ),
    ("payments_payout", "provider_reference"): "provider_reference || '-' || n",
    ("payments_transfer", "key"): "key || '-' || n",
    ("contracts_usagerecord", "external_id"): "external_id || '-' || n",
    ("refunds_refundrequest", "number"): "'RR-' || (1000000 + n)",
    ("events_eventposition", "number"): "%(last)s + (n - {first}) * %(many)s + place",
}
"""What a copy is called: SQL over the copied row and `n`, the number of the copy."""

_CLONE_ID: Final = """
CREATE OR REPLACE FUNCTION pg_temp.clone_id(old uuid, n bigint, shift interval, seed bigint)
RETURNS uuid AS $$
  SELECT (
    lpad(to_hex(('x' || substr(replace(old::text, '-', ''), 1, 12))::bit(48)::bigint
                - (extract(epoch FROM shift) * 1000)::bigint), 12, '0')
    || '7' || substr(md5(old::text || n || seed), 1, 3) || '8' || substr(md5(old::text || n || seed), 4, 15)
  )::uuid
$$ LANGUAGE sql IMMUTABLE
"""
"""Ids of copies keep the order of time, as the ids of the portal do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Copies of one agreement: `copies` of them, the youngest `youngest` old, spread over `spread`."""

    contract: Contract
    copies: int
    youngest: timedelta
    spread: timedelta


def multiply(runs: Sequence[Run], *, seed: int = 2026) -> None:
    """Copy each run's agreement; the numbers of copies go on from run to run."""
    first = 1
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(_CLONE_ID)
        for run in runs:
            _multiply(cursor, run, first, seed)
            first += run.copies
        cursor.execute("SET session_replication_role = origin")
        cursor.execute("ANALYZE")


def _multiply(cursor: Any, run: Run, first: int, seed: int) -> None:
    values: dict[str, Any] = {"contracts": [run.contract.pk], "seed": seed}
    values["ids"] = values["named"] = _ids_of(cursor, values)
    values["last"], values["many"] = _places(cursor, values)
    shift = (
        f"(make_interval(secs => {run.youngest.total_seconds()} "
        f"+ {run.spread.total_seconds()} * (n - {first}) / {run.copies}))"
    )
    # What is copied stands apart: a table that is read while it is written would copy its copies.
    for table, condition in TABLES:
        columns = _columns_of(cursor, table)
        made = ", ".join(_made(table, name, kind, shift, first) for name, kind in columns)
        names = ", ".join(f'"{name}"' for name, _ in columns)
        cursor.execute(
            f"INSERT INTO {table} ({names}) "
            f"SELECT {made} FROM (SELECT *, row_number() OVER (ORDER BY id) AS place FROM {table} "
            f"WHERE {condition}) one, "
            f"generate_series({first}, {first + run.copies - 1}) n ORDER BY n, place",
            values,
        )


def _ids_of(cursor: Any, values: dict[str, Any]) -> list[UUID]:
    """Give every id of the agreement that its rows, and its events, are known by."""
    ids: list[UUID] = []
    for table, condition in TABLES[:-2]:
        if dict(_columns_of(cursor, table, with_numbers=True))["id"] == "uuid":
            cursor.execute(f"SELECT id FROM {table} WHERE {condition}", values)
            ids += [row[0] for row in cursor.fetchall()]
    cursor.execute("SELECT id FROM events_event WHERE subject_id = ANY(%s)", [ids])
    return ids + [row[0] for row in cursor.fetchall()]


def _places(cursor: Any, values: dict[str, Any]) -> tuple[int, int]:
    """Give the last number of the journal, and how many events one copy has: it goes on without a gap."""
    cursor.execute(
        "SELECT COALESCE(MAX(number), 0), COUNT(*) FILTER (WHERE event_id = ANY(%(ids)s)) "
        "FROM events_eventposition",
        values,
    )
    last, many = cursor.fetchone()
    return int(last), int(many)


def _columns_of(cursor: Any, table: str, *, with_numbers: bool = False) -> list[tuple[str, str]]:
    """Give the columns of a table with their types; a running number is left to the database."""
    cursor.execute(
        "SELECT column_name, data_type, is_identity FROM information_schema.columns "
        "WHERE table_schema = 'public' AND table_name = %s ORDER BY ordinal_position",
        [table],
    )
    return [(name, kind) for name, kind, is_number in cursor.fetchall() if with_numbers or is_number == "NO"]


def _made(table: str, name: str, kind: str, shift: str, first: int) -> str:
    """Give the SQL of one column of a copy: its own name, id or instant, else what the original has."""
    column = f'"{name}"'
    if (table, name) in _NAMED:
        return _NAMED[table, name].format(shift=shift, first=first)
    if kind == "uuid":
        copied = f"pg_temp.clone_id({column}, n, {shift}, %(seed)s)"
        return f"CASE WHEN {column} = ANY(%(named)s) THEN {copied} ELSE {column} END"
    if kind == "timestamp with time zone":
        return f"{column} - {shift}"
    if kind == "date":
        return f"({column} - {shift})::date"
    return column
