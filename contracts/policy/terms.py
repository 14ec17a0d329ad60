"""Refund terms: one immutable version of what a contract says about refunds; reading and writing them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

import holidays

from kernel.days import ZONE_NAMES
from kernel.errors import InvalidInput
from kernel.reading import FaultList, Path, Reader, Wrong, boolean, one_of, read_fields, whole_number

DECISION_DAYS_MAX: Final = 90
DEEMED_ACCEPTANCE_DAYS_MAX: Final = 3650
WINDOW_DAYS_MAX: Final = 365


class DayRule(StrEnum):
    """How the days of the window are counted. Never rename, only add."""

    CALENDAR = "calendar"
    ELAPSED = "elapsed"


class ConformityMode(StrEnum):
    """Whether partly conforming work counts by its share or not at all. Never rename, only add."""

    SHARE = "share"
    GATE = "gate"


class Rounding(StrEnum):
    """Which way what the company retains is rounded to whole minor units. Never rename, only add."""

    CLIENT = "client"
    HALF_UP = "half_up"
    HALF_EVEN = "half_even"
    COMPANY = "company"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundTerms:
    """
    The terms that govern a payment for ever. Defaults are the published policy's (but for the zone).

    `time_zone` is an IANA name; `holiday_calendar` an ISO country with optional subdivision (`DE`, `DE-BE`).
    """

    window_days: int = 3
    day_rule: DayRule = DayRule.CALENDAR
    time_zone: str
    roll_to_working_day: bool = False
    holiday_calendar: str | None = None
    conformity_mode: ConformityMode = ConformityMode.SHARE
    deemed_acceptance_days: int | None = None
    rounding: Rounding = Rounding.CLIENT
    exchange_allowed: bool = True
    decision_days: int = 14


DEFAULT_TERMS: Final = RefundTerms(time_zone="Europe/Berlin")
"""The published policy's terms. Their zone is only an example: the company's own is a setting."""


def _time_zone(value: Any) -> str:
    if isinstance(value, str) and value in ZONE_NAMES:
        return value
    raise Wrong("must be the exact name of an IANA time zone, such as Europe/Berlin")


@lru_cache(maxsize=1)
def holiday_calendars() -> frozenset[str]:
    """Name the calendars there are: ISO 3166 countries (alpha-2) and subdivisions that holidays knows."""
    known = set()
    for country, subdivisions in holidays.list_supported_countries(include_aliases=False).items():
        if len(country) == 2 and country != "UK":  # the package's second name for GB, not an ISO country
            known.add(country)
            known.update(f"{country}-{part}" for part in subdivisions if part.isalnum() and part.isupper())
            known.update(f"{country}-{part}" for part in subdivisions if part.isdecimal())
    return frozenset(name for name in known if name.isascii() and len(name) <= len("DE-XXX"))


def _or_null(reader: Reader) -> Reader:
    return lambda value: None if value is None else reader(value)


def _holiday_calendar(value: Any) -> str:
    if isinstance(value, str) and value in holiday_calendars():
        return value
    raise Wrong("must be null or an ISO country with optional subdivision that is known, such as DE or DE-BE")


_FIELDS: Final[Mapping[str, Reader]] = {
    "window_days": whole_number(0, WINDOW_DAYS_MAX),
    "day_rule": one_of({rule.value: rule for rule in DayRule}),
    "time_zone": _time_zone,
    "roll_to_working_day": boolean,
    "holiday_calendar": _or_null(_holiday_calendar),
    "conformity_mode": one_of({mode.value: mode for mode in ConformityMode}),
    "deemed_acceptance_days": _or_null(whole_number(1, DEEMED_ACCEPTANCE_DAYS_MAX)),
    "rounding": one_of({rounding.value: rounding for rounding in Rounding}),
    "exchange_allowed": boolean,
    "decision_days": whole_number(1, DECISION_DAYS_MAX),
}


def parse_terms(raw: object, default_time_zone: str) -> RefundTerms:
    """
    Read terms as they are stored and exchanged; what is left out takes the policy's default.

    :raises InvalidInput: unknown fields, wrong types or impossible combinations, every one of them a fault
    """
    faults = FaultList()
    terms = read_terms(raw, default_time_zone, (), faults)
    if terms is None:
        raise InvalidInput("The refund terms have faults.", faults=faults.in_order_of(raw))
    return terms


def read_terms(raw: object, default_time_zone: str, at: Path, faults: FaultList) -> RefundTerms | None:
    """Read terms that stand at a path of a larger document; None if they have faults (which are noted)."""
    if not isinstance(raw, dict):
        faults.add(at, "must be an object")
        return None
    if type(raw) is dict:
        try:
            return _read_once(tuple(raw.items()), tuple(map(type, raw.values())), default_time_zone)
        except (InvalidInput, TypeError):
            pass  # faults, or a value that cannot be a key: both are told below
    return _read(raw, default_time_zone, at, faults)


@lru_cache(maxsize=1024)
def _read_once(
    items: tuple[tuple[str, Any], ...], kinds: tuple[type, ...], default_time_zone: str
) -> RefundTerms:
    """
    Read terms that many payments share. `kinds` tells true from 1 and 3.0 from 3, which are equal as keys.

    :raises InvalidInput: they have faults
    """
    terms = _read(dict(items), default_time_zone, (), FaultList())
    if terms is None:
        raise InvalidInput
    return terms


def _read(raw: dict[str, Any], default_time_zone: str, at: Path, faults: FaultList) -> RefundTerms | None:
    own = FaultList()
    values = read_fields(raw, _FIELDS, (), at, own, null_is_left_out=False)
    _check_combinations(raw, values, at, own)
    if own:
        faults.extend(own)
        return None
    values.setdefault("time_zone", default_time_zone)
    return RefundTerms(**values)


def _check_combinations(raw: dict[str, Any], values: dict[str, Any], at: Path, faults: FaultList) -> None:
    """Find what no contract can mean, as far as the fields concerned are sound themselves."""
    deemed = values.get("deemed_acceptance_days")
    window_known = "window_days" in values or "window_days" not in raw
    if deemed is not None and window_known and deemed <= values.get("window_days", DEFAULT_TERMS.window_days):
        faults.add((*at, "deemed_acceptance_days"), "must be more than window_days")
    if values.get("roll_to_working_day") and values.get("day_rule") is DayRule.ELAPSED:
        faults.add((*at, "roll_to_working_day"), "cannot be combined with the day rule “elapsed”")


def as_json(terms: RefundTerms) -> dict[str, Any]:
    """Write terms completely, every field named."""
    values = ((name, getattr(terms, name)) for name in _NAMES)
    return {name: value.value if isinstance(value, StrEnum) else value for name, value in values}


_NAMES: Final = tuple(field.name for field in fields(RefundTerms))

_LESS_FAVOURABLE: Final[Mapping[str, Callable[[RefundTerms], bool]]] = {
    "window_days": lambda terms: terms.window_days < DEFAULT_TERMS.window_days,
    # Hours counted from the capture end before the last day does, unless the window has two days more:
    # three calendar days last up to 97 hours (a day of 25 hours among them).
    "day_rule": lambda terms: (
        terms.day_rule is DayRule.ELAPSED and terms.window_days < DEFAULT_TERMS.window_days + 2
    ),
    "deemed_acceptance_days": lambda terms: terms.deemed_acceptance_days is not None,
    "rounding": lambda terms: terms.rounding is not DEFAULT_TERMS.rounding,
    "exchange_allowed": lambda terms: not terms.exchange_allowed,
    "decision_days": lambda terms: terms.decision_days > DEFAULT_TERMS.decision_days,
}


def less_favourable_fields(terms: RefundTerms) -> tuple[str, ...]:
    """
    Name the fields that are less favourable to the client than the published policy.

    A zone is neither better nor worse. Rolling to a working day, with or without holidays, only lengthens the
    window. The mode `gate` only lowers what the company may retain, so it favours the client.
    """
    return tuple(name for name, is_less in _LESS_FAVOURABLE.items() if is_less(terms))


def deviates_from_policy(terms: RefundTerms) -> bool:
    """Tell whether any field is less favourable to the client than the published policy (P1)."""
    return bool(less_favourable_fields(terms))
