"""The journal in words: who did what, when, with which codes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.models import ApiClient, User
from events.models import Event
from refunds.wording import EVENTS, WHO, words_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One event as staff read it."""

    event: Event
    what: str
    who: str
    at: datetime
    data: tuple[tuple[str, str], ...]


def told(events: Sequence[Event]) -> list[Line]:
    """Say events in words, with the names of people and systems. Two queries."""
    names = actor_names(events)
    return [
        Line(
            event=event,
            what=what_of(event),
            who=" ".join(filter(None, [names.get(event.actor_id), f"({words_for(WHO, event.actor_kind)})"])),
            at=event.at,
            data=tuple(
                (name, _plain(value)) for name, value in event.data.items() if value not in (None, "")
            ),
        )
        for event in events
    ]


def what_of(event: Event) -> str:
    """Say the type of an event; one without words of its own is read as it is written."""
    if event.type in EVENTS:
        return words_for(EVENTS, event.type)
    subject, done = event.type.split(".", 1)
    return f"{subject} {done}".replace("_", " ").capitalize()


def actor_names(events: Iterable[Event]) -> dict[UUID | None, str]:
    """Give the names of the people and systems behind events."""
    known = [(event.actor_kind, event.actor_id) for event in events if event.actor_id is not None]
    people = {actor_id for kind, actor_id in known if kind in ("client", "staff")}
    systems = {actor_id for kind, actor_id in known if kind == "api"}
    names: dict[UUID | None, str] = {}
    if people:
        names.update(User.objects.filter(pk__in=people).values_list("pk", "name"))
    if systems:
        names.update(ApiClient.objects.filter(pk__in=systems).values_list("pk", "name"))
    return names


def _plain(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_plain(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(item)}" for name, item in value.items())
    return str(value)
