"""
Amounts as Stripe writes them: in most currencies ISO 4217's minor unit, in some not.

Source: https://docs.stripe.com/currencies (minor units, special cases), read for charges and refunds. HUF and
TWD have two decimals there as here; only payouts to a company's own bank take them whole alone, and the
portal makes none. What is not in these tables is not sent and not believed.
"""

from typing import Final

from kernel.currencies import CURRENCY_DIGITS
from kernel.errors import DomainError
from kernel.money import Money

WITHOUT_DECIMALS: Final = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"}
)
"""MGA has two in ISO 4217, the others none."""

WHOLE_IN_HUNDREDTHS: Final = frozenset({"ISK", "UGX"})
"""None in ISO 4217; Stripe writes two, and they must be 00."""

THREE_DECIMALS: Final = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
"""The last decimal must be 0."""


class AmountNotAtStripe(DomainError):
    """Stripe has no such currency, or cannot move this amount of it."""

    code = "amount_not_at_stripe"
    title = "Stripe cannot move this amount."


def stripe_digits(currency: str) -> int:
    """
    Give the number of decimals with which Stripe writes a currency.

    :raises AmountNotAtStripe: a currency of which this is not known
    """
    if currency in WITHOUT_DECIMALS:
        return 0
    if currency in THREE_DECIMALS:
        return 3
    if currency in WHOLE_IN_HUNDREDTHS or CURRENCY_DIGITS.get(currency) == 2:
        return 2
    raise AmountNotAtStripe(f"Stripe's decimals of {currency} are not known.", currency=currency)


def to_stripe(amount: Money) -> int:
    """
    Write an amount as Stripe does.

    :raises AmountNotAtStripe: a part of it is smaller than Stripe's smallest unit of the currency
    """
    ours, theirs = CURRENCY_DIGITS[amount.currency], stripe_digits(amount.currency)
    written, rest = divmod(amount.minor * _power(theirs), _power(ours))
    if rest or written % _step(amount.currency):
        raise AmountNotAtStripe(f"Stripe cannot move {amount}.", amount=amount.text, currency=amount.currency)
    return written


def from_stripe(written: int, currency: str) -> Money:
    """
    Read an amount of Stripe; `currency` in whichever case.

    :raises AmountNotAtStripe: a currency of which this is not known, or a part smaller than our minor unit
    """
    code = currency.upper()
    ours, theirs = CURRENCY_DIGITS.get(code, 0), stripe_digits(code)
    minor, rest = divmod(written * _power(ours), _power(theirs))
    if rest:
        raise AmountNotAtStripe(f"Stripe's amount {written} {code} is no whole amount here.", currency=code)
    return Money(minor, code)


def _power(digits: int) -> int:
    return int(10**digits)


def _step(currency: str) -> int:
    """In which steps Stripe takes amounts, in its own units."""
    if currency in WHOLE_IN_HUNDREDTHS:
        return 100
    return 10 if currency in THREE_DECIMALS else 1
