"""Days on which euros move between banks: Monday to Friday, without the closing days of T2 (TARGET)."""

from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Final

import holidays

CUT_OFF: Final = time(14, 0)
"""By the company's clocks: a file that is made later is meant for the next banking day."""


@cache
def _closed() -> holidays.HolidayBase:
    return holidays.financial_holidays("ECB")


def is_banking_day(day: date) -> bool:
    """Tell whether transfers in euros are executed on a day."""
    return day.weekday() < 5 and day not in _closed()


def banking_day_from(day: date) -> date:
    """Give the first banking day from a day on."""
    while not is_banking_day(day):
        day += timedelta(days=1)
    return day


def banking_day_before(day: date, count: int) -> date:
    """Give the banking day that lies so many banking days before a day."""
    while count > 0:
        day -= timedelta(days=1)
        count -= is_banking_day(day)
    return day


def execution_day(local_now: datetime) -> date:
    """Give the day for which to order a transfer now, by the company's clocks."""
    is_late = local_now.time() >= CUT_OFF
    return banking_day_from(local_now.date() + timedelta(days=is_late))
