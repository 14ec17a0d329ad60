"""
Which edges of which state machines were gone along, as the database saw it: every change of a state is noted
by a trigger, however it came about, and is taken back with the transaction that took it back.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from django.db import connection

from events import guards

Edge = tuple[str, str, str]
"""Table, from, to."""

_TABLE: Final = "faults_edge"
_FUNCTION: Final = f"""
CREATE FUNCTION {_TABLE}_note() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE was text := to_jsonb(OLD) ->> TG_ARGV[0]; now_is text := to_jsonb(NEW) ->> TG_ARGV[0];
BEGIN
  IF was IS DISTINCT FROM now_is THEN INSERT INTO {_TABLE} VALUES (TG_TABLE_NAME, was, now_is); END IF;
  RETURN NULL;
END $$
"""

NOT_OF_THIS_PROOF: Final = {
    "events_delivery": "telling people moves no money; events/tests/test_outbox.py goes along its edges"
}
"""Machines left out, and why."""


def machines() -> dict[str, guards.Guard]:
    """Give the guards that keep a state machine, by their table, as the database has them."""
    found = {guard.table: guard for guard in guards.registered() if guard.edges is not None}
    return {table: guard for table, guard in found.items() if table not in NOT_OF_THIS_PROOF}


def all_edges() -> set[Edge]:
    """Give every edge that should be gone along."""
    return {
        (table, source, target)
        for table, guard in machines().items()
        for source, targets in (guard.edges or {}).items()
        for target in targets
    }


def watch() -> None:
    """Let the database note edges, until the transaction is taken back; no other changes wait in it yet."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {_TABLE} (machine text, source text, target text)")
        if connection.vendor == "postgresql":
            cursor.execute(_FUNCTION)
        for table, guard in machines().items():
            cursor.execute(_trigger(table, guard.column))


def _trigger(table: str, column: str) -> str:
    begin = f"CREATE TRIGGER {_TABLE}_{table} AFTER UPDATE ON {table} FOR EACH ROW"
    if connection.vendor == "postgresql":
        return f"{begin} EXECUTE FUNCTION {_TABLE}_note('{column}')"
    return (
        f"{begin} WHEN OLD.{column} IS NOT NEW.{column} "
        f"BEGIN INSERT INTO {_TABLE} VALUES ('{table}', OLD.{column}, NEW.{column}); END"
    )


def seen() -> Counter[Edge]:
    """Count what was noted in this transaction."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT machine, source, target, COUNT(*) FROM {_TABLE} GROUP BY 1, 2, 3")
        return Counter({(machine, was, now): count for machine, was, now, count in cursor.fetchall()})


def missing(found: Iterable[Edge]) -> list[str]:
    """Name the edges that were not gone along."""
    return sorted(f"{machine}: {was} -> {now}" for machine, was, now in all_edges() - set(found))
