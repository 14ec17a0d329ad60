"""Single values of drafts: each reader takes one field's value or says what the field takes."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from kernel.errors import DomainError, Said
from kernel.exact import parse_scaled
from kernel.instants import parse_instant
from kernel.money import Money
from kernel.reading import FaultList, Path, Wrong

LIST_MAX: Final = 500
AMOUNT_MINOR_MAX: Final = 10**15
PRICE_NANO_MAX: Final = 10**18
WEIGHT_MICRO_MAX: Final = 10**12

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_ALLOWED_CONTROLS = {"\n", "\t"}


def text(most: int, *, lines: bool = False) -> Callable[[Any], str]:
    """Take a text of 1 to `most` characters that people can read; outer blanks are cut off."""

    def read(value: Any) -> str:
        if not isinstance(value, str):
            raise Wrong("must be a string")
        clean = value.replace("\r\n", "\n").strip()
        if not clean:
            raise Wrong("must not be empty")
        if len(clean) > most:
            raise Wrong(Said("must have at most %(most)s characters", most=most))
        if not is_readable(clean, lines=lines):
            raise Wrong(
                "must not hold control characters or line breaks" if not lines else "must hold text only"
            )
        return clean

    return read


def text_or_empty(most: int, *, lines: bool = False) -> Callable[[Any], str]:
    """Take a text of at most `most` characters; it may be empty."""
    reader = text(most, lines=lines)
    return lambda value: "" if isinstance(value, str) and not value.strip() else reader(value)


def is_readable(value: str, *, lines: bool = True) -> bool:
    """Tell whether a text holds nothing but characters to be shown (no NUL, no half surrogates)."""
    allowed = _ALLOWED_CONTROLS if lines else set()
    return all(sign in allowed or unicodedata.category(sign) not in {"Cc", "Cs"} for sign in value)


def code(value: Any) -> str:
    """Take a short name such as `S1` or `AC-1`."""
    if isinstance(value, str) and _CODE.fullmatch(value):
        return value
    raise Wrong(
        "must be 1 to 40 letters, digits, points, hyphens or underscores, beginning with a letter or digit"
    )


def email(value: Any) -> str:
    """Take an e-mail address; it is kept in lower case."""
    if isinstance(value, str) and len(value) <= 254:
        try:
            validate_email(value.strip())
        except ValidationError:
            pass
        else:
            return value.strip().lower()
    raise Wrong("must be an e-mail address")


def uuid(value: Any) -> UUID:
    """Take the id of an object."""
    if isinstance(value, UUID):
        return value
    try:
        return UUID(value)
    except (ValueError, AttributeError, TypeError):
        raise Wrong("must be the id of an object (a UUID)") from None


def instant(value: Any) -> datetime:
    """Take an instant with offset (RFC 3339); given in UTC."""
    if not isinstance(value, str):
        raise Wrong("must be an instant with offset such as 2026-06-02T14:05:00+02:00 (RFC 3339)")
    try:
        return parse_instant(value)
    except DomainError as error:
        raise Wrong(error.detail) from None


def scaled(digits: int, *, least: int, most: int) -> Callable[[Any], int]:
    """Take a decimal string as a whole number of 10^-digits within the limits."""

    def read(value: Any) -> int:
        if not isinstance(value, str):
            raise Wrong('must be a decimal number in quotation marks, such as "2.5"')
        number = parse_scaled(value, digits)
        if number is None:
            raise Wrong(Said("must be a decimal number with at most %(digits)s decimals", digits=digits))
        if number < least:
            raise Wrong("must be above 0" if least > 0 else "must not be below 0")
        if number > most:
            raise Wrong("is too large")
        return number

    return read


def amount(currency: str | None) -> Callable[[Any], int | None]:
    """Take an amount in the currency's decimals, from 0; without a currency only its form is looked at."""

    def read(value: Any) -> int | None:
        if not isinstance(value, str):
            raise Wrong('must be an amount in quotation marks, such as "1234.50"')
        if currency is None:
            if parse_scaled(value, 18) is None:
                raise Wrong("must be a decimal number such as 1234.50")
            return None
        try:
            minor = Money.parse(value, currency).minor
        except DomainError as error:
            raise Wrong(error.detail) from None
        if not 0 <= minor <= AMOUNT_MINOR_MAX:
            raise Wrong("must not be below 0" if minor < 0 else "is too large")
        return minor

    return read


def anything(value: Any) -> Any:
    """Take what is read later."""
    return value


def list_of(raw: Any, at: Path, faults: FaultList, *, least: int = 0, most: int = LIST_MAX) -> Sequence[Any]:
    """Take a list of so many entries; empty (and noted) if it is none."""
    if raw is None:
        return []
    if not isinstance(raw, list):
        faults.add(at, "must be a list")
        return []
    if not least <= len(raw) <= most:
        pattern = "must have %(least)s to %(most)s entries" if least else "must have at most %(most)s entries"
        faults.add(at, Said(pattern, least=least, most=most))
        return []
    return raw


def only_once(codes: Sequence[str | None], at: Path, name: str, faults: FaultList) -> None:
    """Note every code that stood before; the later place is the fault."""
    seen: set[str] = set()
    for index, value in enumerate(codes):
        if value is not None and value in seen:
            faults.add((*at, index, name), Said("“%(value)s” is there already", value=value))
        elif value is not None:
            seen.add(value)
