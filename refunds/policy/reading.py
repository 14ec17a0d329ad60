"""Reading the facts of an evaluation: strictly, every fault with its path, in the order of the document."""

from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final

from contracts.policy.conformity import deemed_acceptance_of
from contracts.policy.facts import ItemFacts, MeteredUsage, StageFacts, TimedUsage, UsageFacts
from contracts.policy.terms import RefundTerms, read_terms
from contracts.policy.window import window_of
from kernel.currencies import CURRENCY_DIGITS
from kernel.days import OutsideCalendar
from kernel.errors import InvalidInput
from kernel.exact import DIGITS_MAX, parse_decimal, parse_fraction, parse_scaled
from kernel.instants import InvalidInstant, parse_instant
from kernel.money import Money, amount_fault
from kernel.reading import FaultList, Path, Reader, Wrong, boolean, name_text, one_of, read_fields
from refunds.policy.codes import ClientType, PaymentStatus, Remedy
from refunds.policy.facts import Facts, PaymentFacts, RequestFacts, StoredDeadline

ENTRIES_MAX: Final = 10_000
"""Most entries in any list."""


_SAFE_YEARS: Final = (2, 9980)
"""From these no window (365 days, holidays) and no deemed acceptance (3,650 days) leaves 0001 to 9999."""


class InvalidFacts(InvalidInput):
    """Facts that cannot be evaluated: every fault in document order; `data["id"]` is the id, if any."""

    code = "invalid_facts"
    title = "The facts have faults."


def parse_facts(raw: object, *, default_time_zone: str) -> Facts:
    """
    Read the facts of one evaluation from parsed JSON.

    :param default_time_zone: the company's zone, for terms that name none
    :raises InvalidFacts: with every fault
    """
    faults = FaultList(_MISSING_ORDER)
    facts = _read_facts(raw, default_time_zone, faults)
    if facts is None:
        raise InvalidFacts(faults=faults.in_order_of(raw), id=id_of(raw))
    return facts


def id_of(raw: object) -> str | None:
    """Give the id of an evaluation, if it has one."""
    found = raw.get("id") if isinstance(raw, dict) else None
    return found if isinstance(found, str) and found else None


def _read_facts(raw: object, default_time_zone: str, faults: FaultList) -> Facts | None:
    """Read the whole document; None if it has faults."""
    if not isinstance(raw, dict):
        faults.add((), "must be a JSON object")
        return None
    top = read_fields(raw, _TOP, ("id", "client_type", "decided_at"), (), faults)
    terms = None
    if "terms" in top or raw.get("terms") is None:
        terms = read_terms(top.get("terms", {}), default_time_zone, ("terms",), faults)
    payment = _read_payment(raw, top, terms, faults)
    request = _read_request(raw, top, payment, faults)
    work = _read_work(top.get("work", []), payment, terms, faults)
    names = {stage.get("stage") for stage in work} if "work" in top or raw.get("work") is None else None
    usage = _read_usage(top.get("usage", []), names, faults)
    if faults:
        return None
    assert terms is not None, "terms without faults are read"
    return Facts(
        id=top["id"],
        terms=terms,
        client_type=top["client_type"],
        payment=_payment_facts(payment),
        request=RequestFacts(**request),
        decided_at=top["decided_at"],
        work=tuple(StageFacts(**stage) for stage in work),
        usage=tuple(_USAGE_FACTS[record.pop("kind")](**record) for record in usage),
    )


def _read_payment(
    raw: Mapping[str, Any], top: Mapping[str, Any], terms: RefundTerms | None, faults: FaultList
) -> dict[str, Any]:
    """Read the payment; amounts are Money of its currency (of none, if that has a fault)."""
    if "payment" not in top and raw.get("payment") is not None:
        return {}
    given = top.get("payment", {})
    currency = given.get("currency")
    fields = _payment_fields(currency if isinstance(currency, str) and currency in CURRENCY_DIGITS else "")
    status = given.get("status")
    required: tuple[str, ...] = _PAYMENT_REQUIRED
    if isinstance(status, str) and status in _CAPTURED:
        required = (*_PAYMENT_REQUIRED, "captured_at")
    payment = read_fields(given, fields, required, ("payment",), faults)
    captured_at = payment.get("captured_at")
    if (
        terms is not None
        and captured_at is not None
        and given.get("deadline") is None
        and _is_far(captured_at)
    ):
        try:
            window_of(terms, captured_at)
        except OutsideCalendar:
            faults.add(("payment", "captured_at"), "the deadline would leave the years 0001 to 9999")
    return payment


def _read_request(
    raw: Mapping[str, Any], top: Mapping[str, Any], payment: Mapping[str, Any], faults: FaultList
) -> dict[str, Any]:
    """Read what is asked for."""
    if "request" not in top and raw.get("request") is not None:
        return {}
    fields = _request_fields(payment.get("currency", ""))
    request = read_fields(top.get("request", {}), fields, ("submitted_at",), ("request",), faults)
    if "statutory_right" in request and top.get("client_type") == "business":
        faults.add(("request", "statutory_right"), "must be null: the client is not a consumer")
    return request


def _read_work(
    given: list[Any], payment: Mapping[str, Any], terms: RefundTerms | None, faults: FaultList
) -> list[dict[str, Any]]:
    """Read the stages; their amounts sum to the payment's, their names are unique."""
    fields = _stage_fields(payment.get("currency", ""))
    stages, names = [], set()
    for index, entry in enumerate(given):
        at: Path = ("work", index)
        if not isinstance(entry, dict):
            faults.add(at, "must be an object")
            continue
        stage = read_fields(entry, fields, ("stage", "amount"), at, faults)
        stages.append(stage)
        if "stage" in stage and stage["stage"] in names:
            faults.add((*at, "stage"), "is the name of an earlier stage")
        names.add(stage.get("stage"))
        if "items" in stage:
            stage["items"] = _read_items(stage["items"], (*at, "items"), faults)
        if terms is not None and "delivered_at" in stage and _is_far(stage["delivered_at"]):
            try:
                deemed_acceptance_of(stage["delivered_at"], terms)
            except OutsideCalendar:
                faults.add(
                    (*at, "delivered_at"), "the day of deemed acceptance would leave the years 0001 to 9999"
                )
    amounts = [stage["amount"].minor for stage in stages if "amount" in stage]
    if (
        given
        and len(amounts) == len(given)
        and "amount" in payment
        and sum(amounts) != payment["amount"].minor
    ):
        faults.add(("work", 0, "amount"), "the amounts of the stages must sum to payment.amount")
    return stages


def _read_items(given: list[Any], at: Path, faults: FaultList) -> tuple[ItemFacts, ...]:
    """Read the acceptance items of a stage; those with faults are left out."""
    items, codes = [], set()
    for index, entry in enumerate(given):
        if not isinstance(entry, dict):
            faults.add((*at, index), "must be an object")
            continue
        item = read_fields(entry, _ITEM, ("code", "weight"), (*at, index), faults)
        if "code" in item and item["code"] in codes:
            faults.add((*at, index, "code"), "is the code of an earlier item of this stage")
        codes.add(item.get("code"))
        if "code" in item and "weight" in item:
            items.append(ItemFacts(**item))
    return tuple(items)


def _read_usage(given: list[Any], names: set[Any] | None, faults: FaultList) -> list[dict[str, Any]]:
    """Read the usage records; `names` of the stages, if these could be read."""
    records: list[dict[str, Any]] = []
    kinds: dict[str, Any] = {}
    for index, entry in enumerate(given):
        at: Path = ("usage", index)
        if not isinstance(entry, dict):
            faults.add(at, "must be an object")
            continue
        kind = entry.get("kind")
        fields, required = _USAGE.get(kind, _ANY_USAGE) if isinstance(kind, str) else _ANY_USAGE
        record = read_fields(entry, fields, required, at, faults)
        if "end" in record and "start" in record and record["end"] <= record["start"]:
            faults.add((*at, "end"), "must be later than start")
        if names is not None and "stage" in record and record["stage"] not in names:
            faults.add((*at, "stage"), "is not the name of a stage in work")
        if "kind" in record and "meter" in record and kinds.setdefault(record["meter"], kind) != kind:
            faults.add((*at, "meter"), "is a meter of the other kind in an earlier record")
        records.append(record)
    return records


def _is_far(instant: datetime) -> bool:
    """Whether a day counted from an instant could leave the calendar at all."""
    return not _SAFE_YEARS[0] <= instant.year <= _SAFE_YEARS[1]


def _payment_facts(payment: dict[str, Any]) -> PaymentFacts:
    currency = payment.pop("currency")
    payment.setdefault("refunded", Money.zero(currency))
    return PaymentFacts(**payment)


def _an_object(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise Wrong("must be an object")


def _a_list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Wrong("must be a list")
    if len(value) > ENTRIES_MAX:
        raise Wrong(f"must have at most {ENTRIES_MAX:,} entries")
    return value


def _instant(value: Any) -> datetime:
    if not isinstance(value, str):
        raise Wrong("must be an instant in a string, such as 2026-06-02T14:05:00+02:00")
    try:
        return parse_instant(value)
    except InvalidInstant as invalid:
        raise Wrong(invalid.detail) from None


def _stored_deadline(value: Any) -> StoredDeadline:
    return StoredDeadline(_instant(value), value)


def _amount(currency: str, *, may_be_negative: bool = False) -> Reader:
    """Take an amount of the currency; if that is not known, a decimal string at least."""
    digits = CURRENCY_DIGITS.get(currency, DIGITS_MAX)

    def read(value: Any) -> Money:
        if not isinstance(value, str):
            raise Wrong("must be a decimal number in a string, such as 1234.50")
        minor = parse_scaled(value, digits)
        if minor is None:
            raise Wrong(amount_fault(value, currency, digits))
        if minor < 0 and not may_be_negative:
            raise Wrong("must not be negative")
        return Money(minor, currency)

    return read


def _decimal(value: Any) -> Fraction:
    number = parse_decimal(value) if isinstance(value, str) else None
    if number is None:
        raise Wrong(
            "must be a decimal number in a string, with at most 18 digits on either side of the point"
        )
    return number


def _price(value: Any) -> Fraction:
    number = _decimal(value)
    if number.numerator < 0:
        raise Wrong("must not be negative")
    return number


def _fraction(value: Any) -> Fraction:
    number = parse_fraction(value) if isinstance(value, str) else None
    if number is None:
        raise Wrong(
            "must be a decimal number or a fraction such as 1/3 in a string, with at most 18 digits each"
        )
    return number


def _weight(value: Any) -> Fraction:
    number = _fraction(value)
    if number.numerator <= 0:
        raise Wrong("must be above 0")
    return number


def _fulfilled(value: Any) -> Fraction:
    number = _fraction(value)
    if not 0 <= number.numerator <= number.denominator:
        raise Wrong("must be from 0 to 1")
    return number


_TOP: Final[Mapping[str, Reader]] = {
    "id": name_text,
    "terms": _an_object,
    "client_type": one_of({kind.value: kind for kind in ClientType}),
    "payment": _an_object,
    "request": _an_object,
    "decided_at": _instant,
    "work": _a_list,
    "usage": _a_list,
}

_MISSING_ORDER: Final = (
    *("id", "client_type", "decided_at", "payment", "request", "submitted_at", "stage", "amount"),
    *("currency", "status", "captured_at", "code", "weight", "kind", "meter", "recorded_at"),
    *("quantity", "unit_price", "occurred_at", "price", "start", "end"),
)
"""Missing fields of one object are told in this order."""

_CAPTURED: Final = frozenset({PaymentStatus.CAPTURED.value, PaymentStatus.DISPUTED.value})

_PAYMENT_REQUIRED: Final = ("amount", "currency", "status")


def _currency(value: Any) -> str:
    if isinstance(value, str) and value in CURRENCY_DIGITS:
        return value
    raise Wrong("must be an active ISO 4217 currency code in upper case, such as EUR")


@lru_cache(maxsize=256)
def _payment_fields(currency: str) -> Mapping[str, Reader]:
    return {
        "amount": _amount(currency),
        "currency": _currency,
        "status": one_of({status.value: status for status in PaymentStatus}),
        "captured_at": _instant,
        "deadline": _stored_deadline,
        "refunded": _amount(currency),
    }


@lru_cache(maxsize=256)
def _request_fields(currency: str) -> Mapping[str, Reader]:
    return {
        "submitted_at": _instant,
        "amount": _amount(currency, may_be_negative=True),
        "remedy": one_of({remedy.value: remedy for remedy in Remedy}),
        "another_open": boolean,
        "statutory_right": boolean,
    }


@lru_cache(maxsize=256)
def _stage_fields(currency: str) -> Mapping[str, Reader]:
    return {
        "stage": name_text,
        "amount": _amount(currency),
        "delivered_at": _instant,
        "accepted_at": _instant,
        "objected_at": _instant,
        "hidden_defect": boolean,
        "items": _a_list,
    }


_ITEM: Final[Mapping[str, Reader]] = {"code": name_text, "weight": _weight, "fulfilled": _fulfilled}

_USAGE_FACTS: Final[Mapping[str, type[UsageFacts]]] = {"metered": MeteredUsage, "time": TimedUsage}

_COMMON: Final[Mapping[str, Reader]] = {
    "kind": one_of({kind: kind for kind in _USAGE_FACTS}),
    "meter": name_text,
    "stage": name_text,
    "recorded_at": _instant,
}
_COMMON_REQUIRED: Final = ("kind", "meter", "recorded_at")
_METERED: Final[Mapping[str, Reader]] = {"quantity": _decimal, "unit_price": _price, "occurred_at": _instant}
_TIMED: Final[Mapping[str, Reader]] = {"price": _price, "start": _instant, "end": _instant}

_USAGE: Final[Mapping[str, tuple[Mapping[str, Reader], tuple[str, ...]]]] = {
    "metered": ({**_COMMON, **_METERED}, (*_COMMON_REQUIRED, *_METERED)),
    "time": ({**_COMMON, **_TIMED}, (*_COMMON_REQUIRED, *_TIMED)),
}
_ANY_USAGE: Final = ({**_COMMON, **_METERED, **_TIMED}, _COMMON_REQUIRED)
"""For a record whose kind is not known: the fields of either are read, none of them is missed."""
