"""Tags and filters of the pages: icons, amounts, dates and instants in words."""

import re
from datetime import date, datetime
from functools import cache
from typing import Any

from django import template
from django.conf import settings
from django.forms import Form, PasswordInput
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from lucide.templatetags.lucide import lucide

from kernel.days import local_date, zone_of
from kernel.errors import DomainError
from kernel.money import Money
from refundportal.web.refusals import refusal_words
from refunds.wording import day_words, exact_instant_words, instant_words, money_words, zone_words

register = template.Library()
_NUMBER = re.compile(r"\b([A-Z]{1,2}-[0-9]{4}-[0-9]+)\b")


@register.simple_tag
@cache
def icon(name: str) -> SafeString:
    """Draw an icon inline; it is silent for screen readers, because a word always stands beside it."""
    drawing = lucide(name, size=None, **{"class": "icon", "aria_hidden": "true", "focusable": "false"})
    return mark_safe(drawing)  # noqa: S308 - a drawing of the package, by a name from a template


@register.simple_tag
def company_name() -> str:
    return str(settings.COMPANY_NAME)


@register.filter
def money(amount: Money) -> SafeString:
    """Write an amount with its currency as the reader's locale does, digits of one width, never broken."""
    words = money_words(amount.text, amount.currency).replace("-", "\N{MINUS SIGN}")
    return format_html('<span class="amount">{}</span>', words)


@register.filter
def in_minor_units(minor: int, currency: str) -> Money:
    """Make an amount of stored minor units."""
    return Money(minor, currency)


@register.filter
def day(value: date) -> SafeString:
    """Write a date with its weekday."""
    return format_html('<time datetime="{}">{}</time>', value.isoformat(), day_words(value))


@register.filter
def has_passed(value: date, zone: str = "") -> bool:
    """Whether a day is over by now, on the calendar of a zone; without one, the company's."""
    return value < local_date(timezone.now(), zone_of(zone or settings.COMPANY_TIME_ZONE))


@register.filter
def instant(value: datetime, zone: str = "") -> SafeString:
    """Write an instant as the clocks of a zone show it, the zone named; without one, the company's."""
    return format_html(
        '<time datetime="{}">{}</time>',
        value.isoformat(),
        instant_words(value, zone or settings.COMPANY_TIME_ZONE),
    )


@register.filter
def exact_instant(value: datetime, zone: str = "") -> SafeString:
    """Write an instant to the second: the moment of receipt is shown as exactly as it counts."""
    words = exact_instant_words(value, zone or settings.COMPANY_TIME_ZONE)
    return format_html('<time datetime="{}">{}</time>', value.isoformat(), words)


@register.filter
def unbroken(text: str) -> SafeString:
    """Keep the numbers in a text (`RR-2026-000001`) on one line: a hyphen is a place to break at."""
    parts = _NUMBER.split(text)
    written = (
        format_html('<span class="number">{}</span>', part) if at % 2 else part
        for at, part in enumerate(parts)
    )
    return format_html_join("", "{}", ((part,) for part in written))


@register.filter
def zone(name: str) -> str:
    """Name a time zone by its city."""
    return zone_words(name)


@register.simple_tag(takes_context=True)
def current(context: dict[str, Any], *names: str) -> SafeString | str:
    """Mark the link to the page that is shown."""
    match = getattr(context.get("request"), "resolver_match", None)
    return format_html('aria-current="{}"', "page") if match is not None and match.url_name in names else ""


@register.filter
def asks_a_password(form: Form) -> bool:
    """Tell whether a form has a field that comes back empty when the form does."""
    return any(isinstance(field.widget, PasswordInput) for field in form.fields.values())


@register.filter("refusal_words")
def say_refusal(refusal: DomainError) -> str:
    """Say why something was refused, in words that can be translated."""
    return refusal_words(refusal)
