"""The window clock: when a window ends, in words, and what is left of it by the server's clock."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.utils.translation import gettext, ngettext

from kernel.days import first_instant_of_day, local_date, zone_of
from refunds.wording import day_words, instant_words, zone_words

SOON: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Clock:
    """The end of a window (aware) in the zone that governs it, seen at an instant of the server (aware)."""

    ends_at: datetime
    zone: str
    now: datetime

    @property
    def is_open(self) -> bool:
        """P5: open until, and not including, the instant of the end."""
        return self.now < self.ends_at

    @property
    def is_soon(self) -> bool:
        return self.is_open and self.ends_at - self.now <= SOON

    @property
    def end(self) -> str:
        """The absolute end, as it stands within a sentence: "the end of Friday 5 June 2026, Berlin time"."""
        return end_words(self.ends_at, self.zone)

    @property
    def left(self) -> str:
        """What is left of it: two units at most, rounded down."""
        return left_words(self.ends_at - self.now)


def end_words(ends_at: datetime, zone: str) -> str:
    """Say the first instant that is too late: by the last day, if it is the first instant of the next."""
    last_day = last_whole_day(ends_at, zone)
    if last_day is None:
        return instant_words(ends_at, zone)
    return gettext("the end of %(day)s, %(zone)s") % {"day": day_words(last_day), "zone": zone_words(zone)}


def last_whole_day(ends_at: datetime, zone: str) -> date | None:
    """Give the day before, if an instant is the first one of a local day; else None."""
    found = zone_of(zone)
    day = local_date(ends_at, found)
    return day - timedelta(days=1) if first_instant_of_day(day, found) == ends_at else None


def left_words(left: timedelta) -> str:
    """Say a length of time in its two largest units: "1 day 4 hours", "12 minutes 5 seconds"."""
    seconds = max(0, int(left.total_seconds()))
    days, seconds = divmod(seconds, 86400)
    hours, seconds = divmod(seconds, 3600)
    minutes, seconds = divmod(seconds, 60)
    parts = (
        (days, ngettext("%(n)s day", "%(n)s days", days)),
        (hours, ngettext("%(n)s hour", "%(n)s hours", hours)),
        (minutes, ngettext("%(n)s minute", "%(n)s minutes", minutes)),
        (seconds, ngettext("%(n)s second", "%(n)s seconds", seconds)),
    )
    first = next((at for at, (count, _) in enumerate(parts) if count), 3)
    return " ".join(words % {"n": count} for count, words in parts[first : first + 2] if count or first == 3)
