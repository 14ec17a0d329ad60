"""What the tests of the journal share: an event, a closed journal, and a way past the guards."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from events import guards, journal
from events.actors import Actor
from events.models import Event
from events.services import record_event
from kernel.ids import new_id

NOON = datetime(2026, 6, 2, 12, 0, tzinfo=UTC)
ALICE = UUID("00000000-0000-7000-8000-00000000a11c")
A_CLIENT = UUID("00000000-0000-7000-8000-0000000c11e4")


def an_event(**changes: Any) -> Event:
    """Record an event; each test changes only what it is about."""
    subject: dict[str, Any] = {
        "type": "payment.captured",
        "subject_type": "payment",
        "subject_id": new_id(),
        "client_id": A_CLIENT,
        "actor": Actor("client", ALICE),
        "at": NOON,
        "data": {"amount": "100.00"},
    }
    return record_event(**(subject | changes))


def ordered(count: int) -> list[Event]:
    """Record events and give them their positions."""
    events = [an_event() for _ in range(count)]
    journal.sequence_events()
    return events


def sealed(*runs: int) -> None:
    """Fill a journal with sealed runs of events, one minute apart."""
    for place, count in enumerate(runs):
        ordered(count)
        journal.seal(now=NOON + timedelta(minutes=place))


@contextmanager
def past_the_guards() -> Iterator[None]:
    """Let somebody with the keys of the database do what the guards forbid."""
    with guards.lifted(operations=("INSERT", "UPDATE", "DELETE", "TRUNCATE")):
        yield


def run_sql(statement: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
