"""Strict reading, plain writing: unknown fields are refused, nothing is coerced, amounts are exact texts."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from kernel.currencies import UnknownCurrency, digits_of
from kernel.errors import DomainError
from kernel.exact import DIGITS_MAX, parse_scaled
from kernel.instants import parse_instant
from kernel.money import InvalidAmount, Money, amount_fault
from refundportal.web.problems import pointer


class UnknownName(str):
    """A name that a caller made up: empty, or like one that the framework uses, it is a name still."""

    __slots__ = ()


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses what it does not know, together with every other fault."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return super().to_internal_value(data)
        known = {name for name, field in self.fields.items() if not field.read_only}
        errors: dict[str, Any] = {
            UnknownName(name): [ErrorDetail(str(_("There is no such field.")), code="unknown_field")]
            for name in data
            if name not in known
        }
        values = None
        try:
            values = super().to_internal_value(data)
        except ValidationError as error:
            errors.update(error.detail if isinstance(error.detail, dict) else {"": error.detail})
        if errors:
            raise ValidationError(errors)
        return values


def many(form: type[serializers.BaseSerializer[Any]], **options: Any) -> Any:
    """A list of such objects, as a field."""
    return form(many=True, **options)


class Nothing(StrictSerializer):
    """The body of an act that needs no words: empty, or an empty object."""


class TextField(serializers.CharField):
    """A string; numbers and booleans are none."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class TruthField(serializers.BooleanField):
    """true or false; "true", 1 and "on" are neither."""

    def to_internal_value(self, data: Any) -> bool:
        if data is not True and data is not False:
            self.fail("invalid", input=data)
        return bool(data)


class WholeNumberField(serializers.IntegerField):
    """A JSON integer; "3", 3.0 and true are none."""

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int:
            self.fail("invalid")
        return super().to_internal_value(data)


class IdField(serializers.UUIDField):
    """An id in its usual form; integers are none."""

    def to_internal_value(self, data: Any) -> UUID:
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        value: UUID = super().to_internal_value(data)
        return value


class InstantField(serializers.Field[datetime, str, str, Any]):
    """An instant: RFC 3339 with any offset in, UTC out."""

    def to_internal_value(self, data: Any) -> datetime:
        if not isinstance(data, str):
            raise ValidationError(_("This is not an instant (RFC 3339 with offset)."), code="invalid_instant")
        try:
            return parse_instant(data)
        except DomainError as error:
            raise ValidationError(error.detail, code=error.code) from None

    def to_representation(self, value: datetime) -> str:
        return instant_text(value)


class PublicNumber(str):
    """A number by which people call something: `C-2026-0007`."""

    __slots__ = ()


class ReferenceField(IdField):
    """An id, or the number that people use; `prefix` is how such numbers begin."""

    def __init__(self, *, prefix: str, **options: Any) -> None:
        self.prefix = prefix
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, str) and re.fullmatch(rf"{self.prefix}-[0-9]{{4}}-[0-9]{{1,12}}", data):
            return PublicNumber(data)
        return super().to_internal_value(data)


class LocalInstantField(serializers.Field[str, Any, str | None, Any]):
    """A stored instant with the offset of its own time zone, going out only; null while there is none."""

    def __init__(self, **options: Any) -> None:
        super().__init__(read_only=True, **options)

    def to_representation(self, value: str) -> str | None:
        return value or None


class DayField(serializers.DateField):
    """A date: `2026-06-02`."""

    def to_internal_value(self, value: Any) -> date:
        if not isinstance(value, str):
            self.fail("invalid", format="YYYY-MM-DD")
        return super().to_internal_value(value)


class AmountField(serializers.Field[Money, Any, dict[str, str], Any]):
    """
    An amount as `{"amount": "1234.50", "currency": "EUR"}`.

    Going out it reads a row's `minor` and `currency` attributes (dotted names allowed).
    """

    def __init__(self, *, minor: str = "", currency: str = "currency", **options: Any) -> None:
        self._minor, self._currency = minor, currency
        if minor:
            options = {"source": "*", "read_only": True, **options}
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> Money:
        if not isinstance(data, Mapping):
            raise ValidationError(_("An amount is an object with amount and currency."), code="invalid")
        errors: dict[str, Any] = {
            UnknownName(name): [ErrorDetail(str(_("There is no such field.")), code="unknown_field")]
            for name in data
            if name not in ("amount", "currency")
        }
        texts: dict[str, str] = {}
        for name in ("amount", "currency"):
            if isinstance(data.get(name), str):
                texts[name] = data[name]
            else:
                code = "required" if name not in data else "invalid"
                errors[name] = [ErrorDetail(str(_("A text is needed here.")), code=code)]
        errors |= _faults_of_amount(texts)
        if errors:
            raise ValidationError(errors)
        return Money.parse(texts["amount"], texts["currency"])

    def to_representation(self, value: Any) -> dict[str, str] | None:  # type: ignore[override]
        if self._minor:
            minor = _walk(value, self._minor)
            if minor is None:
                return None
            value = Money(minor, _walk(value, self._currency))
        return {"amount": value.text, "currency": value.currency}


def _faults_of_amount(texts: Mapping[str, str]) -> dict[str, Any]:
    """Look at amount and currency; at an amount of no known currency, whether it is a decimal text at all."""
    faults: dict[str, Any] = {}
    currency, digits = texts.get("currency", ""), DIGITS_MAX
    if "currency" in texts:
        try:
            digits = digits_of(currency)
        except UnknownCurrency as error:
            faults["currency"] = [ErrorDetail(error.detail, code=error.code)]
    if "amount" in texts and parse_scaled(texts["amount"], digits) is None:
        detail = amount_fault(texts["amount"], currency, digits)
        faults["amount"] = [ErrorDetail(detail, code=InvalidAmount.code)]
    return faults


def _walk(value: Any, path: str) -> Any:
    for name in path.split("."):
        value = getattr(value, name)
    return value


def instant_text(value: datetime) -> str:
    """Write an instant in UTC: `2026-06-02T12:05:00Z`, decimals of a second only when there are any."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def validation_errors(detail: Any, steps: tuple[str, ...] = ()) -> list[dict[str, str]]:
    """Flatten the REST framework's nested faults into a list with JSON pointers."""
    if isinstance(detail, Mapping):
        return [
            error
            for name, inner in detail.items()
            for error in validation_errors(inner, steps if _is_of_the_whole(name) else (*steps, str(name)))
        ]
    if isinstance(detail, list) and any(isinstance(item, Mapping | list) for item in detail):
        return [
            error
            for at, item in enumerate(detail)
            for error in validation_errors(item, (*steps, str(at)))
            if item
        ]
    texts = detail if isinstance(detail, list) else [detail]
    return [
        {"pointer": pointer(steps), "detail": str(text), "code": getattr(text, "code", "invalid")}
        for text in texts
    ]


def _is_of_the_whole(name: Any) -> bool:
    return name in ("", "non_field_errors") and not isinstance(name, UnknownName)
