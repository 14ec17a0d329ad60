"""The e-mails that follow from money: sent, come back, a window that closes soon, another bank account."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time
from babel.numbers import format_decimal
from django.conf import settings
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from contracts.models import Client, Role
from events.mail import Mail, MailRoute, Recipient
from events.models import Event
from kernel.currencies import digits_of
from kernel.days import first_instant_of_day, local_date, zone_of
from kernel.money import Money
from payments.models import BankAccount, Payment, Payout

_OWNERS: Final = (Role.OWNER,)
_APPLICANTS: Final = (Role.OWNER, Role.REQUESTER)


def _members(client: Client, roles: tuple[Role, ...]) -> list[Recipient]:
    """Give the members in these roles; the client's own address if there is nobody."""
    members = client.memberships.filter(role__in=roles, user__is_active=True).select_related("user")
    found = [
        Recipient(user_id=row.user.pk, email=row.user.email, language=row.user.language)
        for row in members.order_by("id")
    ]
    return found or [Recipient(user_id=None, email=client.email, language=client.language)]


def _payment(event: Event) -> Payment:
    return Payment.objects.select_related("client", "contract", "stage", "terms").get(pk=event.subject_id)


def _payout(event: Event) -> Payout:
    rows = Payout.objects.select_related("client", "payment__contract", "payment__stage")
    return rows.get(pk=event.subject_id)


def _reminded(event: Event) -> list[Recipient]:
    """Who may apply and did not ask to be left alone; the client's own address if there is nobody at all."""
    client = _payment(event).client
    silent = client.memberships.filter(user__wants_reminders=False).values_list("user_id", flat=True)
    return [found for found in _members(client, _APPLICANTS) if found.user_id not in set(silent)]


def _of_payout(event: Event) -> list[Recipient]:
    return _members(_payout(event).client, _OWNERS)


def _of_account(event: Event) -> list[Recipient]:
    """
    Whoever could notice that it was not the client: its address, its owners, who entered the account before.
    """
    account = _account(event)
    client = account.client
    found = [Recipient(user_id=None, email=client.email, language=client.language)]
    found += _members(client, _OWNERS)
    former = BankAccount.objects.filter(pk=event.data["before"]).select_related("created_by").first()
    if former is not None and former.created_by is not None and former.created_by.is_active:
        person = former.created_by
        found.append(Recipient(user_id=person.pk, email=person.email, language=person.language))
    return found


def _account(event: Event) -> BankAccount:
    return BankAccount.objects.select_related("client", "created_by").get(pk=event.subject_id)


def _account_changed(event: Event, recipient: Recipient) -> Mail:
    account = _account(event)
    subject = _("The bank account for refunds to %(client)s has been changed") % {
        "client": account.client.name
    }
    if event.type == "bank_account.added":
        subject = _("A bank account for refunds to %(client)s has been entered") % {
            "client": account.client.name
        }
    facts = {
        "client": account.client.name,
        "account": str(account),
        "person": "" if account.created_by is None else account.created_by.email,
        "at": _instant(event.at, settings.COMPANY_TIME_ZONE),
        "usable_from": _instant(account.usable_from, settings.COMPANY_TIME_ZONE),
        "is_waiting": account.usable_from > event.at,
        "link": _link("bank", account.client_id),
    }
    return _mail(subject, "bank_account_changed", facts)


def _sent(event: Event, recipient: Recipient) -> Mail:
    payout = _payout(event)
    subject = _("We have sent your refund for payment %(number)s") % {"number": payout.payment.number}
    return _mail(subject, "money_sent", _about(payout.payment, payout.amount_minor))


def _returned(event: Event, recipient: Recipient) -> Mail:
    payout = _payout(event)
    subject = _("Your refund for payment %(number)s came back to us") % {"number": payout.payment.number}
    return _mail(subject, "money_returned", _about(payout.payment, payout.amount_minor))


def _closing(event: Event, recipient: Recipient) -> Mail:
    payment = _payment(event)
    subject = _("The time to apply for a refund of payment %(number)s ends soon") % {"number": payment.number}
    assert payment.deadline is not None, "only a captured payment has a window"
    assert payment.terms is not None, "the terms are frozen with the deadline"
    facts = {**_about(payment, payment.amount_minor), "end": _end(payment.deadline, payment.terms.time_zone)}
    return _mail(subject, "window_closing", facts)


def _about(payment: Payment, amount_minor: int) -> dict[str, Any]:
    return {
        "number": payment.number,
        "amount": _amount(Money(amount_minor, payment.currency)),
        "contract": payment.contract.title,
        "contract_number": payment.contract.number,
        "stage": payment.stage.title,
        "link": _link("payment", payment.number),
    }


def _mail(subject: str, template: str, context: Mapping[str, Any]) -> Mail:
    """Render both forms of one content; a subject is one line."""
    context = {**context, "company": settings.COMPANY_NAME, "subject": " ".join(subject.split())}
    return Mail(
        subject=str(context["subject"]),
        text=render_to_string(f"payments/emails/{template}.txt", dict(context)).strip() + "\n",
        html=render_to_string(f"payments/emails/{template}.html", dict(context)),
    )


def _link(name: str, number: Any) -> str:
    """Give the address of a page; the front page where there is none of that name."""
    try:
        return f"{settings.BASE_URL}{reverse(name, args=[number])}"
    except NoReverseMatch:
        return str(settings.BASE_URL)


def _locale() -> Locale:
    try:
        return Locale.parse(get_language() or "en", sep="-")
    except (UnknownLocaleError, ValueError):
        return Locale("en")


def _amount(money: Money) -> str:
    """Write an amount as the reader's locale does, with its currency's own decimals (ISO 4217)."""
    digits = digits_of(money.currency)
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    number = format_decimal(Decimal(money.text), format=pattern, locale=_locale())
    return f"{number}\u00a0{money.currency}"


def _end(deadline: datetime, zone: str) -> str:
    """Say when a window ends: by its last whole day, else by day and time."""
    place = zone_of(zone)
    day = local_date(deadline, place)
    if first_instant_of_day(day, place) == deadline:
        return _("the end of %(day)s, %(zone)s") % {
            "day": _day(day - timedelta(days=1)),
            "zone": _clock(zone),
        }
    return _instant(deadline, zone)


def _instant(instant: datetime, zone: str) -> str:
    local = instant.astimezone(zone_of(zone))
    time = format_time(local, format="HH:mm", locale=_locale())
    return f"{_day(local.date())}, {time} ({_clock(zone)})"


def _clock(zone: str) -> str:
    """Name the clocks of a zone by its city."""
    if "/" not in zone:
        return zone
    return _("%(city)s time") % {"city": zone.rsplit("/", 1)[-1].replace("_", " ")}


def _day(day: date) -> str:
    # In English the day comes first, for readers on both sides of the sea.
    pattern = "EEEE, d MMMM y" if _locale().language == "en" else "full"
    return str(format_date(day, format=pattern, locale=_locale()))


ROUTES: Final[Mapping[str, MailRoute]] = {
    "payout.accepted": MailRoute(recipients=_of_payout, render=_sent),
    "payout.returned": MailRoute(recipients=_of_payout, render=_returned),
    "bank_account.added": MailRoute(recipients=_of_account, render=_account_changed),
    "bank_account.changed": MailRoute(recipients=_of_account, render=_account_changed),
    "window.closing": MailRoute(recipients=_reminded, render=_closing),
}
