"""How values look in the columns of a list."""

from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.utils.html import format_html
from django.utils.safestring import SafeString

from kernel.money import Money
from refundportal.web.templatetags.portal import icon
from refunds.wording import day_words, instant_words, money_words


def amount(minor: int | None, currency: str) -> str | SafeString:
    """Write stored minor units as an amount."""
    if minor is None:
        return "–"
    return format_html('<span class="figure">{}</span>', money_words(Money(minor, currency).text, currency))


def instant(value: datetime | None) -> str:
    """Write an instant as the company's clocks show it."""
    return "–" if value is None else instant_words(value, settings.COMPANY_TIME_ZONE)


def day(value: date | None) -> str:
    """Write a day with its weekday."""
    return "–" if value is None else day_words(value)


def tagged(words: Any, name: str, kind: str = "") -> SafeString:
    """Write a state with its sign, so that it is never told by colour alone."""
    return format_html('<span class="tag{}">{}{}</span>', f" tag-{kind}" if kind else "", icon(name), words)
