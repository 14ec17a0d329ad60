"""Instants in writing: RFC 3339 with an offset in, ISO 8601 out."""

import re
from datetime import UTC, datetime

from kernel.errors import InvalidInput

_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:[Zz]|[+-][0-9]{2}:[0-5][0-9])"
)


class InvalidInstant(InvalidInput):
    """A text that is no instant of the years 0001 to 9999."""

    code = "invalid_instant"
    title = "This is not an instant."


def parse_instant(text: str) -> datetime:
    """
    Read an instant (RFC 3339 with offset, at most six decimals, no leap second) into UTC.

    :raises InvalidInstant: another form, no such date or time, or outside the years 0001 to 9999 in UTC
    """
    if _RFC3339.fullmatch(text) is None:
        raise InvalidInstant("must be an instant with offset such as 2026-06-02T14:05:00+02:00 (RFC 3339)")
    try:
        found = datetime.fromisoformat(text if text[-1] != "z" else text.upper())
        return found if found.tzinfo is UTC else found.astimezone(UTC)
    except ValueError:
        raise InvalidInstant("names a date, time or offset that does not exist") from None
    except OverflowError:
        raise InvalidInstant("lies outside the years 0001 to 9999 in UTC") from None
