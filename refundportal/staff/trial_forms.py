"""Forms of the laboratory: other terms, each left as it is unless somebody says otherwise, and a period."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contracts.policy.terms import ConformityMode, DayRule, Rounding
from kernel.days import first_instant_of_day, zone_of
from refundportal.staff.acts import ActForm

AS_IT_IS = ("", _("as in each contract"))
NONE = "-"


def _choice(label: Any, *choices: tuple[str, Any]) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=[AS_IT_IS, *choices], required=False)


def _number(label: Any, least: int, most: int, help_text: Any = "") -> forms.IntegerField:
    return forms.IntegerField(
        label=label, min_value=least, max_value=most, required=False, help_text=help_text
    )


def _text(label: Any, most: int, help_text: Any = "") -> forms.CharField:
    return forms.CharField(label=label, max_length=most, required=False, help_text=help_text)


def _day(label: Any) -> forms.DateField:
    """Give the field of a day; browsers send it by ISO 8601, whatever they show."""
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, widget=widget, input_formats=["%Y-%m-%d"])


class PeriodForm(ActForm):
    """Days of the company's zone; both are included."""

    first = forms.DateField(
        label=_("From"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    last = forms.DateField(label=_("To"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    paths: ClassVar[Mapping[str, str]] = {"since": "first", "until": "last"}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors and cleaned["last"] < cleaned["first"]:
            self.add_error("last", gettext("The last day lies before the first."))
        return cleaned

    @property
    def period(self) -> dict[str, datetime]:
        """The period as instants, without its end."""
        zone = zone_of(settings.COMPANY_TIME_ZONE)
        return {
            "since": first_instant_of_day(self.cleaned_data["first"], zone),
            "until": first_instant_of_day(self.cleaned_data["last"] + timedelta(days=1), zone),
        }


class TrialForm(PeriodForm):
    """Other terms for a trial; what is left empty stays as it is in each contract."""

    note = _text(_("What is it about?"), 200, _("A name for the list, such as “two days instead of three”."))
    window_days = _number(_("Days of the window"), 0, 365)
    day_rule = _choice(
        _("Days are counted"),
        (DayRule.CALENDAR.value, _("as calendar days")),
        (DayRule.ELAPSED.value, _("as 24 hours each")),
    )
    time_zone = _text(_("Time zone"), 64, _("Such as Europe/Berlin."))
    roll_to_working_day = _choice(
        _("A window that ends on a free day ends with the next working day"),
        ("yes", _("yes")),
        ("no", _("no")),
    )
    holiday_calendar = _text(_("Public holidays"), 16, _("Such as DE or DE-BE; a dash: weekends only."))
    conformity_mode = _choice(
        _("Work that conforms in part"),
        (ConformityMode.SHARE.value, _("is kept by its share")),
        (ConformityMode.GATE.value, _("is not kept at all")),
    )
    deemed_acceptance_days = _number(_("Counts as accepted after days"), 0, 3650, _("0: never."))
    rounding = _choice(
        _("Rounding"),
        (Rounding.CLIENT.value, _("in the client's favour")),
        (Rounding.HALF_UP.value, _("to the nearest, halves up")),
        (Rounding.HALF_EVEN.value, _("to the nearest, halves to even")),
        (Rounding.COMPANY.value, _("in the company's favour")),
    )
    exchange_allowed = _choice(_("Exchange for another stage is offered"), ("yes", _("yes")), ("no", _("no")))
    decision_days = _number(_("Days until the answer"), 1, 90)

    field_order = ("note", "first", "last")

    @property
    def changes(self) -> dict[str, Any]:
        """What was said otherwise, as terms are exchanged."""
        given = {name: self.cleaned_data[name] for name in TERMS}
        said = {name: value for name, value in given.items() if value not in ("", None)}
        return {name: _READ.get(name, lambda value: value)(value) for name, value in said.items()}


_READ: Mapping[str, Any] = {
    "roll_to_working_day": lambda value: value == "yes",
    "exchange_allowed": lambda value: value == "yes",
    "holiday_calendar": lambda value: None if value == NONE else value,
    "deemed_acceptance_days": lambda value: value or None,
}
TERMS = tuple(name for name in TrialForm.base_fields if name not in ("note", "first", "last"))
