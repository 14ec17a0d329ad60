"""Exact numbers: decimals and fractions as people write them, never a binary approximation."""

import re
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from math import gcd
from typing import Final

DIGITS_MAX: Final = 18
"""Most digits allowed on either side of a decimal point, and in either half of a fraction."""

_LENGTH_MAX: Final = 2 * DIGITS_MAX + len("-.")

_DECIMAL = re.compile(r"(-?)([0-9]{1,18})(?:\.([0-9]{1,18}))?")
_RATIO = re.compile(r"([0-9]{1,18})/([0-9]{1,18})")


def parse_decimal(text: str) -> Fraction | None:
    """Read a decimal string (`-?[0-9]+(.[0-9]+)?`, ASCII, at most 18 digits a side); None for others."""
    return _parse_decimal(text) if len(text) <= _LENGTH_MAX else None


def parse_fraction(text: str) -> Fraction | None:
    """Read a decimal string or `n/d` (at most 18 digits each, d above 0); None if it is neither."""
    return _parse_fraction(text) if len(text) <= _LENGTH_MAX else None


@lru_cache(maxsize=4096)
def _parse_decimal(text: str) -> Fraction | None:
    match = _DECIMAL.fullmatch(text)
    if match is None:
        return None
    sign, whole, decimals = match.groups()
    if decimals is None:
        return Fraction(int(sign + whole))
    return Fraction(int(sign + whole + decimals), 10 ** len(decimals))


@lru_cache(maxsize=4096)
def _parse_fraction(text: str) -> Fraction | None:
    match = _RATIO.fullmatch(text)
    if match is None:
        return _parse_decimal(text)
    over, under = int(match[1]), int(match[2])
    return Fraction(over, under) if under else None


def parse_scaled(text: str, digits: int) -> int | None:
    """Read a decimal string as a whole number of 10 ** -digits; None if it is none or has more decimals."""
    match = _DECIMAL.fullmatch(text)
    if match is None:
        return None
    sign, whole, decimals = match.groups("")
    if len(decimals) > digits:
        return None
    return int(sign + whole + decimals.ljust(digits, "0"))


def is_decimal(text: str) -> bool:
    """Tell whether the text is a decimal string within the digit limits."""
    return _DECIMAL.fullmatch(text) is not None


@lru_cache(maxsize=1024)
def scaled_text(value: int, digits: int) -> str:
    """Write a whole number of 10 ** -digits as a decimal string with exactly that many decimals."""
    if not digits:
        return str(value)
    padded = str(value).zfill(digits + 1 + (value < 0))
    return f"{padded[:-digits]}.{padded[-digits:]}"


def ratio_text(over: int, under: int) -> str:
    """Write a rational number: an integer, or `n/d` in lowest terms. `under` is above 0."""
    if under != 1:
        common = gcd(over, under)
        over, under = over // common, under // common
    try:
        return str(over) if under == 1 else f"{over}/{under}"
    except ValueError:  # longer than the interpreter writes by itself
        return whole_text(over) if under == 1 else f"{whole_text(over)}/{whole_text(under)}"


@lru_cache(maxsize=4096)
def short_ratio_text(over: int, under: int) -> str:
    """Write a rational number as `ratio_text` does; for numbers short enough to be kept in mind."""
    return ratio_text(over, under)


def whole_text(value: int) -> str:
    """Write an integer of any size: past the interpreter's limit for str(), by way of Decimal, exactly."""
    try:
        return str(value)
    except ValueError:
        return format(Decimal(value), "f")


def decimal_text(value: Fraction) -> str:
    """Write an exact number as people would: a decimal if it ends, else `n/d`. Read back, it is the same."""
    return _decimal_text(*value.as_integer_ratio())


@lru_cache(maxsize=4096)
def _decimal_text(over: int, under: int) -> str:
    digits = _decimals_needed(under)
    if digits is None:
        return ratio_text(over, under)
    return scaled_text(over * 10**digits // under, digits)


def _decimals_needed(under: int) -> int | None:
    """How many decimals 1/under needs, if they end within the limit of digits."""
    for digits in range(DIGITS_MAX + 1):
        if 10**digits % under == 0:
            return digits
    return None
