"""
Local days: whose day an instant belongs to, and when a day begins.

Zones come from the pinned `tzdata` package alone, so that no result depends on the machine.
Days are counted as ordinals (1 = 0001-01-01); a local day of an instant in range may be 0 or past 9999-12-31.
"""

import zoneinfo
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from kernel.errors import InvalidInput

zoneinfo.reset_tzpath(())
ZoneInfo.clear_cache()

ZONE_NAMES: frozenset[str] = frozenset(zoneinfo.available_timezones())
"""Exact names of all IANA zones and links."""

_EARLIEST = datetime(1, 1, 3, tzinfo=UTC)
_LATEST = datetime(9999, 12, 29, tzinfo=UTC)
_LAST_ORDINAL = date.max.toordinal()


class UnknownZone(InvalidInput):
    """A name that is not exactly the name of an IANA zone or link."""

    code = "unknown_time_zone"
    title = "There is no such time zone."


class OutsideCalendar(InvalidInput):
    """A day or instant that would leave the years 0001 to 9999."""

    code = "outside_calendar"
    title = "The date would leave the years 0001 to 9999."


@lru_cache(maxsize=1024)
def zone_of(name: str) -> ZoneInfo:
    """
    Give the zone of an exact IANA name (`Europe/Berlin`, not `europe/berlin`).

    :raises UnknownZone: no zone or link of that name
    """
    if name not in ZONE_NAMES:
        raise UnknownZone(f"“{name}” is not the name of an IANA time zone.")
    return ZoneInfo(name)


def offset_at(instant: datetime, zone: ZoneInfo) -> timedelta:
    """Give the zone's offset from UTC at an instant (aware), at the very ends of the calendar too."""
    try:
        local = instant.astimezone(zone)
    except OverflowError:
        local = min(max(instant, _EARLIEST), _LATEST).astimezone(zone)
    return _offset_of(local)


def _offset_of(local: datetime) -> timedelta:
    offset = local.utcoffset()
    assert offset is not None, "a ZoneInfo always has an offset"
    return offset


def local_ordinal(instant: datetime, zone: ZoneInfo) -> int:
    """Give the ordinal of the local day of an instant (aware); 0 for the day before 0001-01-01."""
    try:
        return instant.astimezone(zone).toordinal()
    except OverflowError:
        return 0 if instant < _EARLIEST else _LAST_ORDINAL + 1


def local_date(instant: datetime, zone: ZoneInfo) -> date:
    """
    Give the local date on which an instant (aware) falls.

    :raises OutsideCalendar: the local date is not within the years 0001 to 9999
    """
    return day_of(local_ordinal(instant, zone))


def day_of(ordinal: int) -> date:
    """
    Give the date of an ordinal.

    :raises OutsideCalendar: the date is not within the years 0001 to 9999
    """
    if not 1 <= ordinal <= _LAST_ORDINAL:
        raise OutsideCalendar()
    return date.fromordinal(ordinal)


def first_instant_of_day(day: date, zone: ZoneInfo) -> datetime:
    """
    Give the earliest instant (UTC) at which the local clock has reached 00:00 of a day.

    After a gap over midnight that is the end of the gap; of two midnights, the first. A day that the zone
    skipped begins when the clock jumps past it.

    :raises OutsideCalendar: that instant is not within the years 0001 to 9999 in UTC
    """
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    before = _offset_of(midnight.replace(tzinfo=zone, fold=0))
    after = _offset_of(midnight.replace(tzinfo=zone, fold=1))
    try:
        if before >= after:  # once, or twice: then the earlier one is at the offset before the change
            return midnight - before
        return _end_of_gap(midnight - after, midnight - before, zone)
    except OverflowError:
        raise OutsideCalendar() from None


def _end_of_gap(start: datetime, end: datetime, zone: ZoneInfo) -> datetime:
    """Find the change of offset (a whole second) after `start` and not after `end`, both UTC."""
    seconds = (end - start) // timedelta(seconds=1)
    offset = offset_at(start, zone)
    before, at_or_after = 0, seconds
    while at_or_after - before > 1:
        middle = (before + at_or_after) // 2
        if offset_at(start + timedelta(seconds=middle), zone) == offset:
            before = middle
        else:
            at_or_after = middle
    return start + timedelta(seconds=at_or_after)
