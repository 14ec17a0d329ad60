"""Reading the journal."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final
from uuid import UUID

from django.db.models import Max

from events.models import Event, EventPosition, Seal
from events.seals import Entry

CHUNK_ROWS: Final = 2000
_ENTRY_FIELDS: Final = (
    "number",
    "event_id",
    "event__type",
    "event__subject_type",
    "event__subject_id",
    "event__client_id",
    "event__actor_kind",
    "event__actor_id",
    "event__at",
    "event__data",
)


def last_position() -> int:
    """Give the last number of the journal; 0 while it is empty."""
    last: int | None = EventPosition.objects.aggregate(last=Max("number"))["last"]
    return last or 0


def read_journal(*, after: int | None = None, up_to: int) -> Iterator[Entry]:
    """Stream the journal in order, from after a position (or from its very start) up to one."""
    while True:
        rows = EventPosition.objects.filter(number__lte=up_to)
        if after is not None:
            rows = rows.filter(number__gt=after)
        chunk = list(rows.order_by("number").values_list(*_ENTRY_FIELDS)[:CHUNK_ROWS])
        for row in chunk:
            yield Entry(*row)
        if len(chunk) < CHUNK_ROWS:
            return
        after = chunk[-1][0]


def read_seals(*, up_to: int) -> Iterator[Seal]:
    """Stream the seals in the order they were made, up to the one with the id `up_to`."""
    after = 0
    while chunk := list(Seal.objects.filter(id__gt=after, id__lte=up_to).order_by("id")[:CHUNK_ROWS]):
        yield from chunk
        after = chunk[-1].id


def newest_seal() -> Seal | None:
    return Seal.objects.order_by("-id").first()


def events_after(
    *,
    position: int,
    types: Collection[str] | None = None,
    client_ids: Collection[UUID] | None = None,
    limit: int,
) -> list[Event]:
    """
    Give the next events after a position, in order, each with its `position` loaded.

    None means every type or client; an event without a client is seen only by who sees every client.
    A reader that goes on after the last number it saw misses nothing.
    """
    events = Event.objects.filter(position__number__gt=position).select_related("position")
    if types is not None:
        events = events.filter(type__in=types)
    if client_ids is not None:
        events = events.filter(client_id__in=client_ids)
    return list(events.order_by("position__number")[:limit])


def timeline_of(subject_ids: Sequence[UUID], *, limit: int = 500, **columns: Any) -> list[Event]:
    """
    Give the last events of these subjects, the earliest first; of one moment, as it was written.

    `columns` are annotations: what a room above knows about an event, read with it. One query.
    """
    rows = Event.objects.filter(subject_id__in=subject_ids).annotate(**columns)
    return list(rows.order_by("-at", "-position__id")[:limit])[::-1]
