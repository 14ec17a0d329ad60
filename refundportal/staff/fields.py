"""Fields of staff forms: evidence, instants on the company's clocks, shares of an item, yes or no."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contracts.models import Document
from kernel.days import zone_of
from kernel.exact import parse_decimal, parse_fraction
from kernel.money import InvalidAmount, Money
from refundportal.web.forms import Choices
from refunds.wording import zone_words

REASON_MAX = 4000


class IdField(forms.TypedChoiceField):
    """One of some records, by its id; gives the id, or None."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(coerce=UUID, empty_value=None, **kwargs)


class EvidenceField(IdField):
    """A document of the contract; gives its id, or None."""

    def __init__(self, documents: Iterable[Document], **kwargs: Any) -> None:
        kwargs.setdefault("label", _("Evidence"))
        kwargs.setdefault("required", False)
        kwargs.setdefault("help_text", _("A document of the contract. Add it there first if it is missing."))
        choices = [("", "—"), *((str(row.pk), f"{row} · {row.get_kind_display()}") for row in documents)]
        super().__init__(choices=choices, **kwargs)


class LocalInstantField(forms.DateTimeField):
    """An instant as the company's clocks show it; gives it in UTC. Of two equal hours it is the first."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("help_text", gettext("By %(zone)s.") % {"zone": _zone_words()})
        widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
        super().__init__(widget=widget, input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"], **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return to_local(value) if isinstance(value, datetime) and value.tzinfo else value

    def to_python(self, value: Any) -> datetime | None:
        read = super().to_python(value)
        if read is None:
            return None
        local = read.replace(tzinfo=zone_of(settings.COMPANY_TIME_ZONE), fold=0)
        instant = local.astimezone(UTC)
        if to_local(instant) != local.replace(tzinfo=None):
            raise forms.ValidationError(gettext("The clocks skipped this hour. Please write another one."))
        return instant


def to_local(instant: datetime) -> datetime:
    """Give the time that the company's clocks show, without a zone."""
    return instant.astimezone(zone_of(settings.COMPANY_TIME_ZONE)).replace(tzinfo=None)


def _zone_words() -> str:
    return zone_words(settings.COMPANY_TIME_ZONE)


class ShareField(forms.CharField):
    """How far an item is fulfilled: `0.5`, `1/3` or `50 %`; gives the exact text of the services."""

    def __init__(self, **kwargs: Any) -> None:
        attrs = {"inputmode": "text", "autocomplete": "off", "size": "8", "class": "input-share"}
        super().__init__(required=False, max_length=40, widget=forms.TextInput(attrs=attrs), **kwargs)

    def to_python(self, value: Any) -> str | None:  # type: ignore[override]
        text = (super().to_python(value) or "").replace(",", ".").replace(" ", "")
        if not text:
            return None
        percent = parse_decimal(text[:-1]) if text.endswith("%") else None
        share = parse_fraction(text) if percent is None else percent / 100
        if share is None or not 0 <= share <= 1:
            raise forms.ValidationError(
                gettext("Please write a share from 0 to 1, such as 0.5, 1/3 or 50 %.")
            )
        return str(share)


class AmountField(forms.Field):
    """An amount in one currency with a decimal point; gives Money, or None."""

    def __init__(self, *, currency: str, **kwargs: Any) -> None:
        self.currency = currency
        attrs = {"inputmode": "decimal", "class": "input-amount", "autocomplete": "off", "maxlength": "40"}
        example = gettext("In %(currency)s, such as 1234.50.") % {"currency": currency}
        kwargs.setdefault("help_text", example)
        super().__init__(widget=forms.TextInput(attrs=attrs), **kwargs)

    def to_python(self, value: Any) -> Money | None:
        text = str(value or "").strip()
        if not text:
            return None
        try:
            return Money.parse(text, self.currency)
        except InvalidAmount as fault:
            raise forms.ValidationError(
                gettext("This is no amount in %(currency)s."), params={"currency": self.currency}
            ) from fault


class YesNoField(forms.TypedChoiceField):
    """A question with two answers; gives true or false."""

    def __init__(self, *, yes: Any, no: Any, **kwargs: Any) -> None:
        super().__init__(
            choices=[("yes", yes), ("no", no)],
            coerce=lambda value: value == "yes",
            widget=Choices(),
            **kwargs,
        )


def reason_field(**kwargs: Any) -> forms.CharField:
    """Give the field in which somebody says why."""
    kwargs.setdefault("label", _("Reason"))
    kwargs.setdefault("max_length", REASON_MAX)
    kwargs.setdefault("help_text", _("It stays in the file and is shown to whoever checks the case."))
    return forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), **kwargs)
