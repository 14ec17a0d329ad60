"""What clients type: objections, applications, messages."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from babel.numbers import NumberFormatError, parse_decimal
from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contracts.models import AcceptanceItem, Stage
from kernel.money import InvalidAmount, Money
from refundportal.portal.once import OnceForm
from refundportal.web.files import FilesField
from refundportal.web.forms import Choices
from refunds.models import ReasonGiven, Remedy
from refunds.wording import current_locale, money_words

ITEM_TEXT_MAX: Final = 1000
_NUMBER_SIGNS: Final = re.compile(r"[0-9][0-9.,'\u2019 \u00a0\u202f]*")


def _item_field(item: AcceptanceItem) -> forms.CharField:
    return forms.CharField(
        label=f"{item.code} {item.statement}",
        help_text=gettext("See %(reference)s") % {"reference": item.reference} if item.reference else "",
        required=False,
        max_length=ITEM_TEXT_MAX,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class ObjectionForm(forms.Form):
    """Objections to a delivery: what is wrong, item by item, and whatever fits no item."""

    def __init__(self, *args: Any, items: Sequence[AcceptanceItem], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._codes = {f"item_{at}": item.code for at, item in enumerate(items)}
        for name, item in zip(self._codes, items, strict=True):
            self.fields[name] = _item_field(item)
        self.fields["other"] = forms.CharField(
            label=_("Something that fits none of these"),
            required=False,
            max_length=2000,
            widget=forms.Textarea(attrs={"rows": 3}),
        )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors and not any(text.strip() for text in cleaned.values()):
            raise forms.ValidationError(_("Please say at least once what is wrong."))
        return cleaned

    @property
    def objections(self) -> list[dict[str, str]]:
        """What was typed, in the form of the service."""
        said = {name: self.cleaned_data[name].strip() for name in self.fields}
        found = [{"item": code, "text": said[name]} for name, code in self._codes.items() if said[name]]
        return [*found, {"text": said["other"]}] if said["other"] else found


def amount_in(text: str, currency: str) -> Money:
    """
    Read an amount as people write it in the active language.

    :raises ValidationError: it is none, with an example of one
    """
    try:
        if _NUMBER_SIGNS.fullmatch(text) is None:
            raise NumberFormatError(text)
        number = parse_decimal(text, locale=current_locale(), strict=True)
        return Money.parse(f"{number:f}", currency)
    except (NumberFormatError, InvalidAmount):
        example = money_words(Money(123456, currency).text, currency)
        raise forms.ValidationError(
            _("Please write an amount such as %(example)s."), params={"example": example}
        ) from None


class AmountField(forms.CharField):
    """An amount as people write it in their language, in one currency; gives Money."""

    def __init__(self, *, currency: str, **kwargs: Any) -> None:
        self.currency = currency
        super().__init__(
            widget=forms.TextInput(attrs={"inputmode": "decimal", "class": "input-amount"}), **kwargs
        )

    def clean(self, value: Any) -> Money | None:
        text = (super().clean(value) or "").removesuffix(self.currency).strip()
        return amount_in(text, self.currency) if text else None


class ApplicationForm(forms.Form):
    """The first step: why, what is wrong, how much, and money or credit."""

    reason = forms.ChoiceField(label=_("Why do you apply?"), choices=ReasonGiven.choices, widget=Choices())
    statement = forms.CharField(
        label=_("What happened?"),
        help_text=_("In your own words. What did you expect, and what did you get?"),
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 6}),
    )
    evidence = FilesField(
        label=_("Evidence"),
        help_text=_(
            "PDF, PNG, JPEG or plain text, up to 10 MB each, 20 files at most. They are kept at once."
        ),
    )
    extent = forms.ChoiceField(
        label=_("How much do you ask for?"),
        choices=[("all", _("Everything I am entitled to")), ("part", _("A part of it"))],
        widget=Choices(),
        initial="all",
    )
    remedy = forms.ChoiceField(
        label=_("Money or credit?"),
        choices=Remedy.choices,
        initial=Remedy.REFUND,
        widget=Choices(
            help_texts={
                "refund": _("Sent back the way you paid."),
                "exchange": _(
                    "The same amount, set against a stage that is still to be paid. It opens no new window."
                ),
            }
        ),
    )

    def __init__(
        self,
        *args: Any,
        remaining: Money,
        items: Sequence[AcceptanceItem],
        targets: Sequence[Stage],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.remaining = remaining
        self.fields["amount"] = AmountField(
            label=_("The amount, if a part"),
            currency=remaining.currency,
            required=False,
            max_length=40,
            help_text=gettext("In %(currency)s. There are %(amount)s left of this payment.")
            % {"currency": remaining.currency, "amount": money_words(remaining.text, remaining.currency)},
        )
        self._items = {f"item_{item.pk.hex}": item for item in items}
        for name, item in self._items.items():
            self.fields[name] = _item_field(item)
        if targets:
            self.fields["target"] = forms.ChoiceField(
                label=_("The stage, if credit"),
                required=False,
                # Called when the list is shown or something of it was chosen: the words are many.
                choices=lambda: [("", "—"), *((str(stage.pk), _target_words(stage)) for stage in targets)],
            )
        else:
            del self.fields["remedy"]
        before = ("reason", "statement", *self._items, "evidence", "extent", "amount", "remedy", "target")
        self.order_fields(before)

    @property
    def item_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self._items]

    @property
    def content(self) -> dict[str, str]:
        """Everything that was typed, as it was typed: what the draft keeps."""
        names = [name for name in self.fields if name != "evidence"]
        return {name: str(self.data.get(name, ""))[:4100] for name in names}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        self._check_amount(cleaned)
        if (
            cleaned.get("remedy") == Remedy.EXCHANGE
            and "target" not in self.errors
            and not cleaned.get("target")
        ):
            self.add_error("target", gettext("Please choose the stage that the credit goes to."))
        return cleaned

    def _check_amount(self, cleaned: dict[str, Any]) -> None:
        amount = cleaned.get("amount")
        if cleaned.get("extent") != "part" or "amount" in self.errors:
            return
        if amount is None:
            self.add_error("amount", gettext("Please say how much you ask for."))
        elif not Money.zero(amount.currency) < amount <= self.remaining:
            most = money_words(self.remaining.text, self.remaining.currency)
            self.add_error("amount", gettext("It must be above zero and at most %(most)s.") % {"most": most})

    def objections(self) -> Iterator[dict[str, str]]:
        """What is said about single items, in the form of the service."""
        for name, item in self._items.items():
            text = self.cleaned_data[name].strip()
            if text:
                yield {"stage": item.stage.code, "item": item.code, "text": text}

    @property
    def amount(self) -> Money | None:
        """What is asked for; None for everything."""
        return self.cleaned_data["amount"] if self.cleaned_data["extent"] == "part" else None

    def words_of(self, name: str, value: str) -> str:
        """Say a chosen value in its words; nothing for a choice that was not offered or not made."""
        field = self.fields.get(name)
        if not value or not isinstance(field, forms.ChoiceField):
            return ""
        return str(dict(field.choices)[value])  # type: ignore[arg-type]  # pairs, as set above

    @property
    def chosen_remedy(self) -> str:
        return str(self.cleaned_data.get("remedy") or Remedy.REFUND)

    @property
    def target_id(self) -> str | None:
        return self.cleaned_data["target"] if self.chosen_remedy == Remedy.EXCHANGE else None


def _target_words(stage: Stage) -> str:
    owed = Money(stage.amount_minor - stage.covered_minor, stage.contract.currency)
    return f"{stage.contract.number} {stage.code} {stage.title} ({money_words(owed.text, owed.currency)})"


class MessageForm(OnceForm):
    """A message in the thread of an application, with files."""

    body = forms.CharField(
        label=_("Your message"),
        help_text=_("May stay empty if you only add files as evidence."),
        required=False,
        max_length=8000,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    evidence = FilesField(
        label=_("Files"), help_text=_("PDF, PNG, JPEG or plain text, up to 10 MB each. Once sent, they stay.")
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors and not cleaned["body"] and not cleaned["evidence"]:
            self.add_error("body", gettext("Please write something, or choose a file."))
        return cleaned
