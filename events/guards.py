"""
Guards: rules that the database itself keeps, as triggers on PostgreSQL and SQLite alike.

Rooms register their rules in `AppConfig.ready()`. Triggers are dropped before migrations (SQLite's
way of altering a table would lose them silently), created after, and compared by a system check.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal

from django.core import checks
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from kernel.states import Edges

Operation = Literal["INSERT", "UPDATE", "DELETE", "TRUNCATE"]
PREFIX = "guard_"
FUNCTION = "refundportal_refuse"
LOOKING_FUNCTION = "refundportal_refuse_if"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """
    One trigger that refuses.

    `condition` is SQL over NEW and OLD that both databases read alike; the token `DIFFERS` stands
    for a comparison that treats NULL as a value. An empty condition refuses always.
    """

    table: str
    name: str
    operation: Operation
    message: str
    condition: str = ""
    column: str = ""
    edges: Edges | None = None
    starts: tuple[str, ...] = ()
    """Of a guard that keeps a state machine: its column, its edges or its first states."""
    looks_up: bool = False
    """The condition reads other rows: PostgreSQL asks for it inside the function, not in the trigger."""

    @property
    def trigger(self) -> str:
        digest = hashlib.sha256(f"{self.table} {self.operation} {self.name}".encode()).hexdigest()[:8]
        return f"{PREFIX}{self.table[:28]}_{digest}"


def append_only(table: str) -> tuple[Guard, ...]:
    """Rows are written once: no change, no deletion."""
    return (
        Guard(
            table=table,
            name="no change",
            operation="UPDATE",
            message=f"rows of {table} are never changed",
        ),
        *never_deleted(table),
    )


def never_deleted(table: str) -> tuple[Guard, ...]:
    message = f"rows of {table} are never deleted"
    return (
        Guard(table=table, name="no deletion", operation="DELETE", message=message),
        Guard(table=table, name="no emptying", operation="TRUNCATE", message=message),
    )


def frozen(table: str, *columns: str, once_set: bool = False) -> tuple[Guard, ...]:
    """Columns that keep their value; with `once_set` they may be filled once."""
    return tuple(
        Guard(
            table=table,
            name=f"frozen {column}",
            operation="UPDATE",
            message=f"{table}.{column} is never changed",
            condition=(f"OLD.{column} IS NOT NULL AND " if once_set else "")
            + f"(NEW.{column} DIFFERS OLD.{column})",
        )
        for column in columns
    )


def only_edges(table: str, column: str, table_of_edges: Edges) -> tuple[Guard, ...]:
    """A state moves along the edges of its machine only."""
    pairs = " OR ".join(
        f"(OLD.{column} = '{source}' AND NEW.{column} IN ({', '.join(repr(t) for t in sorted(targets))}))"
        for source, targets in sorted(table_of_edges.items())
        if targets
    )
    return (
        Guard(
            table=table,
            name=f"edges of {column}",
            operation="UPDATE",
            message=f"{table}.{column} cannot move there",
            column=column,
            edges=table_of_edges,
            condition=f"(NEW.{column} DIFFERS OLD.{column}) AND NOT COALESCE({pairs or 'FALSE'}, FALSE)",
        ),
    )


def starts_as(table: str, column: str, *states: str) -> tuple[Guard, ...]:
    """A new row begins in one of these states."""
    allowed = ", ".join(repr(state) for state in states)
    return (
        Guard(
            table=table,
            name=f"start of {column}",
            operation="INSERT",
            message=f"{table}.{column} does not start there",
            column=column,
            starts=states,
            condition=f"NOT COALESCE(NEW.{column} IN ({allowed}), FALSE)",
        ),
    )


def refuse(table: str, operation: Operation, name: str, condition: str) -> tuple[Guard, ...]:
    """Refuse an operation while a condition over NEW and OLD holds; `name` is the message."""
    return (
        Guard(
            table=table,
            name=name,
            operation=operation,
            message=name,
            condition=condition,
        ),
    )


def refuse_after_looking(table: str, operation: Operation, name: str, condition: str) -> tuple[Guard, ...]:
    """Like `refuse`, for a condition that reads other rows by their keys."""
    (guard,) = refuse(table, operation, name, condition)
    return (replace(guard, looks_up=True),)


_registered: dict[str, Guard] = {}


def register(*groups: Iterable[Guard]) -> None:
    """Add the guards of a room; registering the same guard again changes nothing."""
    for group in groups:
        for guard in group:
            _registered[guard.trigger] = guard


def registered() -> tuple[Guard, ...]:
    return tuple(_registered[name] for name in sorted(_registered))


def create_sql(guard: Guard, vendor: str) -> str | None:
    """Write the statement that creates a guard, or None where the database has no such operation."""
    message = guard.message.replace("'", "''")
    if vendor == "postgresql" and guard.looks_up:
        condition = _of_arguments(guard.condition).replace("'", "''")
        return (
            f"CREATE TRIGGER {guard.trigger} BEFORE {guard.operation} ON {guard.table} "
            f"FOR EACH ROW EXECUTE FUNCTION {LOOKING_FUNCTION}('{message}', '{condition}')"
        )
    if vendor == "postgresql":
        when = f" WHEN ({guard.condition.replace('DIFFERS', 'IS DISTINCT FROM')})" if guard.condition else ""
        each = "STATEMENT" if guard.operation == "TRUNCATE" else "ROW"
        return (
            f"CREATE TRIGGER {guard.trigger} BEFORE {guard.operation} ON {guard.table} "
            f"FOR EACH {each}{when} EXECUTE FUNCTION {FUNCTION}('{message}')"
        )
    if guard.operation == "TRUNCATE":
        return None
    when = f" WHEN {guard.condition.replace('DIFFERS', 'IS NOT')}" if guard.condition else ""
    return (
        f"CREATE TRIGGER {guard.trigger} BEFORE {guard.operation} ON {guard.table} "
        f"FOR EACH ROW{when} BEGIN SELECT RAISE(ABORT, '{message}'); END"
    )


def _of_arguments(condition: str) -> str:
    """Write a condition over NEW and OLD as one over the first and the second argument of a query."""
    condition = condition.replace("DIFFERS", "IS DISTINCT FROM")
    return re.sub(r"\bOLD\.", "($2).", re.sub(r"\bNEW\.", "($1).", condition))


_REFUSAL = "RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = TG_ARGV[0];"
FUNCTIONS = {
    FUNCTION: f" BEGIN {_REFUSAL} END ",
    LOOKING_FUNCTION: (
        " DECLARE is_refused boolean; BEGIN "
        "EXECUTE 'SELECT ' || TG_ARGV[1] INTO is_refused USING NEW, OLD; "
        f"IF is_refused THEN {_REFUSAL} END IF; RETURN NEW; END "
    ),
}
"""What the triggers call on PostgreSQL: name -> body."""


def _function_sql(name: str) -> str:
    return f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $${FUNCTIONS[name]}$$"


_STANDING_ON_POSTGRESQL = f"""
SELECT t.tgname, c.relname,
       CASE WHEN t.tgenabled IN ('O', 'A') AND f.proname IN ('{FUNCTION}', '{LOOKING_FUNCTION}')
            THEN COALESCE(obj_description(t.oid, 'pg_trigger'), '') ELSE '' END
  FROM pg_trigger t
  JOIN pg_class c ON c.oid = t.tgrelid
  JOIN pg_proc f ON f.oid = t.tgfoid
 WHERE NOT t.tgisinternal AND starts_with(t.tgname, '{PREFIX}') AND pg_table_is_visible(c.oid)
"""  # noqa: S608 - constants of this module
_STANDING_ON_SQLITE = f"""
SELECT name, tbl_name, sql FROM sqlite_master
 WHERE type = 'trigger' AND substr(name, 1, {len(PREFIX)}) = '{PREFIX}'
"""  # noqa: S608 - constants of this module


def _digest(statement: str) -> str:
    return hashlib.sha256(statement.encode()).hexdigest()


def present(using: str = DEFAULT_DB_ALIAS) -> dict[str, tuple[str, str]]:
    """
    Read the guards that stand in the database: trigger -> (table, digest of its statement).

    The digest is empty for a trigger that stands there switched off or has lost its function.
    """
    connection = connections[using]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_STANDING_ON_POSTGRESQL)
            return {name: (table, digest) for name, table, digest in cursor.fetchall()}
        cursor.execute(_STANDING_ON_SQLITE)
        return {name: (table, _digest(sql)) for name, table, sql in cursor.fetchall()}


def _missing_functions(using: str) -> list[str]:
    """Name the functions that are not there, or are others than ours."""
    connection = connections[using]
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT proname, prosrc FROM pg_proc WHERE proname = ANY(%s) AND pg_function_is_visible(oid)",
            [list(FUNCTIONS)],
        )
        standing = dict(cursor.fetchall())
    return [name for name, body in FUNCTIONS.items() if standing.get(name) != body]


def _wanted(using: str) -> dict[str, tuple[Guard, str]]:
    connection = connections[using]
    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor))
    statements = (
        (guard, create_sql(guard, connection.vendor)) for guard in registered() if guard.table in tables
    )
    return {guard.trigger: (guard, statement) for guard, statement in statements if statement is not None}


def _creation(vendor: str, guard: Guard, statement: str) -> list[str]:
    if vendor != "postgresql":
        return [statement]
    return [statement, f"COMMENT ON TRIGGER {guard.trigger} ON {guard.table} IS '{_digest(statement)}'"]


def _removal(vendor: str, name: str, table: str) -> str:
    return f"DROP TRIGGER IF EXISTS {name}" + (f" ON {table}" if vendor == "postgresql" else "")


def _run(using: str, statements: list[str]) -> None:
    """Run statements in one transaction; PostgreSQL takes them in one message."""
    if not statements:
        return
    connection = connections[using]
    if connection.vendor == "postgresql" and connection.in_atomic_block:
        connection.check_constraints()  # no trigger is dropped or made while checks wait for the commit
    with transaction.atomic(using=using), connection.cursor() as cursor:
        for statement in ["; ".join(statements)] if connection.vendor == "postgresql" else statements:
            cursor.execute(statement)


def install(using: str = DEFAULT_DB_ALIAS) -> None:
    """Make the database hold exactly the registered guards."""
    vendor = connections[using].vendor
    standing = present(using)
    wanted = _wanted(using)
    statements = [_function_sql(name) for name in _missing_functions(using)]
    for name, (table, digest) in standing.items():
        if name not in wanted or digest != _digest(wanted[name][1]):
            statements.append(_removal(vendor, name, table))
    for name, (guard, statement) in wanted.items():
        if standing.get(name, ("", ""))[1] != _digest(statement):
            statements.extend(_creation(vendor, guard, statement))
    _run(using, statements)


def remove(using: str = DEFAULT_DB_ALIAS, operations: Iterable[Operation] = ()) -> None:
    """Drop the guards, or only those of the named operations."""
    only = set(operations)
    vendor = connections[using].vendor
    statements = []
    for name, (table, _) in present(using).items():
        guard = _registered.get(name)
        if not only or guard is None or guard.operation in only:
            statements.append(_removal(vendor, name, table))
    _run(using, statements)


@contextmanager
def lifted(
    using: str = DEFAULT_DB_ALIAS,
    operations: Iterable[Operation] = ("DELETE", "TRUNCATE"),
) -> Iterator[None]:
    """Lift guards for a while, for the emptying of a test database, and put them back."""
    remove(using, operations)
    try:
        yield
    finally:
        install(using)


def missing_or_changed(using: str = DEFAULT_DB_ALIAS) -> list[str]:
    """Name what differs between the registered guards and the database."""
    standing = present(using)
    wanted = _wanted(using)
    names = standing.keys() ^ wanted.keys()
    changed = {
        name for name in standing.keys() & wanted.keys() if standing[name][1] != _digest(wanted[name][1])
    }
    faults = [f"function {name}" for name in _missing_functions(using)] if wanted else []
    return faults + sorted(
        f"{(wanted[name][0].table if name in wanted else standing[name][0])}: "
        f"{(wanted[name][0].name if name in wanted else name)}"
        for name in names | changed
    )


_being_mended = False


@contextmanager
def being_mended() -> Iterator[None]:
    """Keep the system check quiet while guards are about to be put back."""
    global _being_mended
    _being_mended = True
    try:
        yield
    finally:
        _being_mended = False


def check_guards(*, databases: Sequence[str] | None = None, **_: Any) -> list[checks.CheckMessage]:
    """System check: the database holds the guards that the code declares."""
    if _being_mended:
        return []
    faults = [fault for using in databases or [] for fault in missing_or_changed(using)]
    return [
        checks.Error(
            f"A guard is missing or differs: {fault}.",
            hint="Run `manage.py migrate`.",
            id="events.E001",
        )
        for fault in faults
    ]


def before_migrations(*, using: str, plan: Sequence[Any] = (), **_: Any) -> None:
    """Drop the guards if there is something to migrate."""
    if plan:
        remove(using)


def after_migrations(*, using: str, **_: Any) -> None:
    """Put the guards back; they stand again even where somebody had dropped them."""
    install(using)


def guard_replacements(*, connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Let SQLite's INSERT OR REPLACE fire the guards against deletion, which it skips by itself."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA recursive_triggers = ON")
