"""Trying the policy on made-up figures: the engine answers as it does for real ones, and nothing is kept."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django import forms
from django.conf import settings
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from kernel.money import Money
from refundportal.portal.forms import amount_in
from refundportal.web.clock import end_words
from refundportal.web.forms import Choices
from refunds.policy.interchange import evaluate_json
from refunds.statement import Names, Statement, statement_of
from refunds.wording import money_words, number_words

CURRENCIES: Final = ("EUR", "USD", "GBP", "CHF", "JPY", "KWD")
MAJOR_MAX: Final = 10**9
WORK: Final = (
    ("none", _("Nothing has been delivered")),
    ("delivered", _("It was delivered, and not accepted yet")),
    ("accepted", _("It was delivered, and I accepted it")),
)


class TryForm(forms.Form):
    """A made-up case: what was paid and when, what was delivered and how good, what was used."""

    paid = forms.CharField(
        label=_("What was paid"),
        max_length=40,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "class": "input-amount"}),
    )
    currency = forms.ChoiceField(label=_("Currency"), choices=[(code, code) for code in CURRENCIES])
    days = forms.IntegerField(
        label=_("Days since then"),
        help_text=_("0 is today. The window is open for three whole days after the day of payment."),
        min_value=0,
        max_value=60,
        widget=forms.NumberInput(attrs={"class": "input-short", "inputmode": "numeric"}),
    )
    work = forms.ChoiceField(label=_("The work that was paid"), choices=WORK, widget=Choices())
    fulfilled = forms.IntegerField(
        label=_("How much of it does what the documentation says, in percent"),
        help_text=_("Counts for delivered work. In a real case people test it item by item."),
        min_value=0,
        max_value=100,
        widget=forms.NumberInput(attrs={"class": "input-short", "inputmode": "numeric"}),
    )
    used = forms.CharField(
        label=_("What was used since, as an amount"),
        help_text=_("Such as hosting or calls of an interface, at the prices of the contract."),
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "class": "input-amount"}),
    )
    is_consumer = forms.BooleanField(label=_("I bought it as a consumer"), required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        currency = cleaned.get("currency")
        if currency:
            cleaned["paid_money"] = self._money("paid", currency, least=1)
            cleaned["used_money"] = self._money("used", currency, least=0)
        return cleaned

    def _money(self, name: str, currency: str, *, least: int) -> Money | None:
        """Read an amount in the chosen currency; what is wrong with it stands beside its field."""
        text = str(self.cleaned_data.get(name) or "").strip()
        if not text:
            return None if name in self.errors else Money.zero(currency)
        try:
            money = amount_in(text, currency)
        except forms.ValidationError as wrong:
            self.add_error(name, wrong)
            return None
        most = Money.parse(str(MAJOR_MAX), currency)
        if not least <= money.minor <= most.minor:
            words = gettext("It must be above zero and at most %(most)s.")
            self.add_error(name, words % {"most": money_words(most.text, currency)})
        return money


@dataclass(frozen=True, slots=True)
class Trial:
    """What the engine says about a made-up case, and until when one could have applied."""

    statement: Statement
    end: str


def starting_figures() -> dict[str, Any]:
    """Give figures to begin with; each can be changed."""
    paid, used = (number_words(text, 2) for text in ("1000.00", "50.00"))
    return {"paid": paid, "currency": "EUR", "days": 2, "work": "delivered", "fulfilled": 60, "used": used}


def work_out(cleaned: dict[str, Any], now: datetime) -> Trial:
    """Let the engine decide a case of the form, as if it were applied for now."""
    answer = evaluate_json(_facts(cleaned, now), default_time_zone=settings.COMPANY_TIME_ZONE)
    names = Names(stages={"S1": gettext("The work")}, meters={"use": gettext("Use")})
    end = end_words(datetime.fromisoformat(answer["deadline"]), settings.COMPANY_TIME_ZONE)
    return Trial(statement_of(answer, names), end)


def _facts(cleaned: dict[str, Any], now: datetime) -> dict[str, Any]:
    paid, used = cleaned["paid_money"], cleaned["used_money"]
    at = now.replace(microsecond=0)
    captured = (at - timedelta(days=cleaned["days"])).isoformat()
    item = {"code": "AC-1", "weight": "1", "fulfilled": f"{cleaned['fulfilled']}/100"}
    stage: dict[str, Any] = {"stage": "S1", "amount": paid.text, "items": [item]}
    if cleaned["work"] != "none":
        stage["delivered_at"] = captured
    if cleaned["work"] == "accepted":
        stage["accepted_at"] = captured
    use = {
        "kind": "metered", "meter": "use", "quantity": "1", "unit_price": used.text, "stage": "S1",
        "occurred_at": captured, "recorded_at": captured,
    }  # fmt: skip
    return {
        "id": "tried",
        "client_type": "consumer" if cleaned["is_consumer"] else "business",
        "decided_at": at.isoformat(),
        "terms": {"time_zone": settings.COMPANY_TIME_ZONE},
        "payment": {
            "amount": paid.text,
            "currency": paid.currency,
            "status": "captured",
            "captured_at": captured,
        },
        "request": {"submitted_at": at.isoformat()},
        "work": [stage],
        "usage": [use] if used else [],
    }
