"""Writing down what happened, in the transaction that makes it true."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from events.actors import Actor
from events.models import Event, EventPosition

_TYPE: Final = re.compile(r"[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*")


def record_event(
    *,
    type: str,
    subject_type: str,
    subject_id: UUID,
    client_id: UUID | None,
    actor: Actor,
    at: datetime,
    data: Mapping[str, Any],
) -> Event:
    """
    Write one event into the journal; call it inside the transaction of the change.

    `type` reads `noun.past_participle`. `data` holds ids, codes and decimal strings, never prose or
    personal data; ids, dates and instants become texts.

    :raises ValueError: a type that is no `noun.past_participle`, or `at` without a zone
    :raises TypeError: a value that JSON keeps differently from place to place, such as a float
    """
    if not _TYPE.fullmatch(type):
        raise ValueError(f"{type!r} is not a noun.past_participle")
    if at.tzinfo is None:
        raise ValueError("an event has an instant with a zone")
    event = Event(
        type=type,
        subject_type=subject_type,
        subject_id=subject_id,
        client_id=client_id,
        actor_kind=actor.kind,
        actor_id=actor.id,
        at=at,
        data={_text(key): _plain(value) for key, value in data.items()},
    )
    with transaction.atomic(savepoint=False):
        event.save(force_insert=True)
        EventPosition(event=event).save(force_insert=True)
    return event


def _plain(value: object) -> Any:
    """Turn a value into one that every database gives back unchanged."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {_text(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in (sorted(value) if isinstance(value, set | frozenset) else value)]
    raise TypeError(f"an event keeps ids, codes, whole numbers and decimal strings, not {value!r}")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"an event names its data by texts, not by {value!r}")
    if "\0" in value or not _is_utf8(value):
        raise TypeError(f"an event cannot keep the text {value!r}")
    return str(value)


def _is_utf8(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
