"""Money: whole minor units of one currency. Nothing here can hold half a cent or mix two currencies."""

from dataclasses import dataclass

from kernel.currencies import digits_of
from kernel.errors import DomainError, InvalidInput, Said
from kernel.exact import is_decimal, parse_scaled, scaled_text


class CurrencyMismatch(DomainError):
    """Amounts of two currencies were added, subtracted or compared."""

    code = "currency_mismatch"
    kind = "invalid"
    title = "Amounts of different currencies cannot be combined."


class InvalidAmount(InvalidInput):
    """A text that is no amount of its currency."""

    code = "invalid_amount"
    title = "This is not an amount."


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in whole minor units (`minor`) of an ISO 4217 currency; may be negative."""

    minor: int
    currency: str

    @classmethod
    def zero(cls, currency: str) -> "Money":
        """Nothing, in this currency."""
        return cls(0, currency)

    @classmethod
    def parse(cls, text: str, currency: str) -> "Money":
        """
        Read a decimal string ("1234.50"): ASCII digits, a point, at most the currency's decimals as written.

        :raises UnknownCurrency: not an active ISO 4217 code with minor units
        :raises InvalidAmount: not a decimal string, or more decimals than the currency has
        """
        digits = digits_of(currency)
        minor = parse_scaled(text, digits)
        if minor is None:
            raise InvalidAmount(amount_fault(text, currency, digits))
        return cls(minor, currency)

    @property
    def text(self) -> str:
        """The amount with exactly the currency's decimals ("1234.50"), without the currency."""
        return scaled_text(self.minor, digits_of(self.currency))

    def __str__(self) -> str:
        return f"{self.text} {self.currency}"

    def __bool__(self) -> bool:
        return self.minor != 0

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._minor_of(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._minor_of(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._minor_of(other)

    def __le__(self, other: "Money") -> bool:
        return self.minor <= self._minor_of(other)

    def __gt__(self, other: "Money") -> bool:
        return self.minor > self._minor_of(other)

    def __ge__(self, other: "Money") -> bool:
        return self.minor >= self._minor_of(other)

    def _minor_of(self, other: "Money") -> int:
        """The other amount's minor units, if it is of the same currency."""
        if not isinstance(other, Money):
            raise TypeError(f"Money and {type(other).__name__} cannot be combined.")
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} cannot be combined.")
        return other.minor


def amount_fault(text: str, currency: str, digits: int) -> str:
    """Say what is wrong with a text that is no amount of this currency."""
    if not is_decimal(text):
        return Said(
            "must be a decimal number such as 1234.50, with at most 18 digits on either side of the point"
        )
    if digits == 0:
        return Said("must have no decimals: %(currency)s has none", currency=currency)
    return Said(
        "must have at most %(digits)s decimals: %(currency)s has no smaller unit",
        digits=digits,
        currency=currency,
    )
