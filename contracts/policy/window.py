"""The window (P5): from the instant of capture to the deadline, and how a deadline is written."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import holidays

from contracts.policy.terms import DayRule, RefundTerms
from kernel.days import OutsideCalendar, day_of, first_instant_of_day, local_ordinal, offset_at, zone_of

_FRIDAY: Final = 4
_ELAPSED: Final = DayRule.ELAPSED  # members of an enum are looked up slowly


class Window(NamedTuple):
    """A computed window. The days are None where they are not counted or lie outside the calendar."""

    deadline: datetime
    """UTC; the first instant that is late."""
    text: str
    purchase_day: str | None
    last_day: str | None
    passed_over: tuple[str, ...]
    """Days that are not working days and so could not be the last."""


def window_of(terms: RefundTerms, captured_at: datetime) -> Window:
    """
    Compute the window of a payment captured at an instant (aware).

    :raises OutsideCalendar: the deadline leaves the years 0001 to 9999, as written or in UTC
    """
    if terms.day_rule is _ELAPSED:
        return _elapsed_window(captured_at, terms.window_days, terms.time_zone)
    return _calendar_window(
        local_ordinal(captured_at, zone_of(terms.time_zone)),
        terms.window_days,
        terms.time_zone,
        terms.roll_to_working_day,
        terms.holiday_calendar,
    )


def deadline_of(terms: RefundTerms, captured_at: datetime) -> datetime:
    """
    Compute the deadline (UTC) of a payment captured at an instant (aware): the first late instant (P5).

    :raises OutsideCalendar: the deadline leaves the years 0001 to 9999, as written or in UTC
    """
    return window_of(terms, captured_at).deadline


def is_in_time(deadline: datetime, submitted_at: datetime) -> bool:
    """P5: in time until, and not including, the deadline instant."""
    return submitted_at < deadline


def deadline_text(deadline: datetime, zone: ZoneInfo) -> str:
    """
    Write a deadline (aware): ISO 8601 with the zone's offset then; in UTC if that offset has seconds.

    :raises OutsideCalendar: as written it would leave the years 0001 to 9999
    """
    if offset_at(deadline, zone) % timedelta(minutes=1):
        return deadline.astimezone(UTC).isoformat()
    try:
        return deadline.astimezone(zone).isoformat()
    except OverflowError:
        raise OutsideCalendar() from None


@lru_cache(maxsize=4096)
def _calendar_window(purchase: int, days: int, zone_name: str, roll: bool, calendar: str | None) -> Window:
    """The window by local days: the purchase day (an ordinal) is day 0, the deadline follows the last."""
    last, passed_over = purchase + days, []
    while roll and not _is_working_day(last, calendar):
        passed_over.append(_day_text(last))
        last += 1
    zone = zone_of(zone_name)
    deadline = first_instant_of_day(day_of(last + 1), zone)
    return Window(
        deadline,
        deadline_text(deadline, zone),
        _day_text(purchase),
        _day_text(last),
        tuple(day for day in passed_over if day is not None),
    )


def _elapsed_window(captured_at: datetime, days: int, zone_name: str) -> Window:
    """The window in real hours: 24 for each day, whatever the clocks do."""
    try:
        deadline = captured_at.astimezone(UTC) + timedelta(days=days)
    except OverflowError:
        raise OutsideCalendar() from None
    zone = zone_of(zone_name)
    return Window(
        deadline, deadline_text(deadline, zone), _day_text(local_ordinal(captured_at, zone)), None, ()
    )


def _day_text(ordinal: int) -> str | None:
    """A day in ISO 8601, if it lies in the calendar."""
    try:
        return day_of(ordinal).isoformat()
    except OutsideCalendar:
        return None


def _is_working_day(ordinal: int, calendar: str | None) -> bool:
    """Monday to Friday, and no public holiday of the calendar (substitute days included)."""
    if (ordinal - 1) % 7 > _FRIDAY:  # 0001-01-01 is a Monday
        return False
    if calendar is None:
        return True
    day = day_of(ordinal)
    return day not in _holidays_of(calendar, day.year)


@lru_cache(maxsize=1024)
def _holidays_of(calendar: str, year: int) -> frozenset[date]:
    """Public holidays of one year, substitute days included, of a country or its subdivision."""
    country, _, subdivision = calendar.partition("-")
    found = holidays.country_holidays(
        country, subdiv=subdivision or None, years=year, expand=False, observed=True
    )
    return frozenset(found)
