"""The feed under fire: a reader polls while many write, and sees each event once, in order."""

import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing

import pytest
from django.db import connection, transaction

from accounts.scopes import EVENTS_READ
from events import journal
from events.models import EventPosition
from events.tests.journal import an_event
from kernel.ids import new_id
from refundportal.api.tests.caller import Caller

WRITERS = 8
EVENTS_EACH, FEW_EVENTS_EACH = 2500, 300
READ_LIMIT_S = 240
TOGETHER_MAX = 40
SEED = 20261124

Row = tuple[int, str, int]
"""A number to go on after, whom the event is about, and which of theirs it is."""


class Writer(threading.Thread):
    """Writes events in transactions of many sizes; some of them are undone, and all end when they will."""

    def __init__(self, seed: int, count: int) -> None:
        super().__init__()
        self.subject, self.count = new_id(), count
        self.written: list[int] = []
        self._chance = random.Random(seed)

    def run(self) -> None:
        with closing(connection):
            while len(self.written) < self.count:
                self._write_some()

    def _write_some(self) -> None:
        size = min(self._chance.randint(1, TOGETHER_MAX), self.count - len(self.written))
        numbers = range(len(self.written), len(self.written) + size)
        is_undone = self._chance.random() < 0.1
        with transaction.atomic():
            for number in numbers:
                an_event(subject_id=self.subject, data={"number": number})
            transaction.set_rollback(is_undone)
        if not is_undone:
            self.written.extend(numbers)


class Placer(threading.Thread):
    """The sequencer, called over and over as the beat does."""

    def __init__(self, must_end: threading.Event) -> None:
        super().__init__()
        self._must_end = must_end

    def run(self) -> None:
        with closing(connection):
            while not self._must_end.is_set():
                if not journal.sequence_events():
                    self._must_end.wait(0.01)


def poll(read: Callable[[int], list[Row]], writers: list[Writer]) -> list[Row]:
    """Read on from the last number until the writers have ended and nothing more comes."""
    seen: list[Row] = []
    after, end = 0, time.monotonic() + READ_LIMIT_S
    while time.monotonic() < end:
        were_writing = any(writer.is_alive() for writer in writers)
        rows = read(after)
        seen.extend(rows)
        if rows:
            after = rows[-1][0]
        elif not were_writing and not EventPosition.objects.filter(number=None).exists():
            break
    return seen


def race(read: Callable[[int], list[Row]], count: int) -> tuple[list[Row], list[Writer]]:
    """Let eight write and two place while one reads."""
    must_end = threading.Event()
    writers = [Writer(SEED + number, count) for number in range(WRITERS)]
    placers = [Placer(must_end) for _ in range(2)]
    for thread in (*writers, *placers):
        thread.start()
    seen = poll(read, writers)
    must_end.set()
    for thread in (*writers, *placers):
        thread.join(30)
    return seen, writers


def by_feed(erp: Caller) -> Callable[[int], list[Row]]:
    def read(after: int) -> list[Row]:
        page = erp.get("events/", {"after": after, "page_size": 500, "types": "payment.captured"}).json()
        return [(row["position"], row["subject"], row["data"]["number"]) for row in page["results"]]

    return read


def by_row(after: int) -> list[Row]:
    """What a reader gets who goes by the rows' own ids, as they are when they are written."""
    rows = EventPosition.objects.filter(id__gt=after, event__type="payment.captured").order_by("id")[:500]
    return [(row.id, str(row.event.subject_id), row.event.data["number"]) for row in rows.select_related()]


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_reader_who_polls_while_eight_write_sees_each_event_once_and_in_order():
    seen, writers = race(by_feed(Caller(EVENTS_READ, all_clients=True)), EVENTS_EACH)

    positions = [position for position, _, _ in seen]
    by_writer = defaultdict(list)
    for _, subject, number in seen:
        by_writer[subject].append(number)
    assert len(seen) == WRITERS * EVENTS_EACH
    assert positions == list(range(positions[0], positions[0] + len(seen)))
    assert dict(by_writer) == {str(writer.subject): writer.written for writer in writers}


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_reader_who_goes_by_the_rows_misses_what_was_committed_late():
    seen, _ = race(by_row, FEW_EVENTS_EACH)

    assert len(seen) < WRITERS * FEW_EVENTS_EACH
