"""What the e-mails of this room need to say amounts."""

from django import template

from kernel.money import Money
from refunds.wording import money_words

register = template.Library()


@register.filter
def amount(value: Money) -> str:
    """Write an amount as the reader's locale does, with its currency and a proper minus sign."""
    return money_words(value.text, value.currency).replace("-", "\N{MINUS SIGN}")
