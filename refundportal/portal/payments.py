"""The payment page: how long the window is open, what one would get now, what would change it."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kernel.money import Money
from payments.models import Method, Payment
from payments.selectors import payments_of
from refundportal.portal.access import Visit, one_by_number, page
from refundportal.web.clock import end_words
from refundportal.web.pages import page_of
from refundportal.web.rail import clock_of
from refunds.selectors.access import requests_of
from refunds.selectors.quotes import Quote, quote
from refunds.statement import names_in, statement_of
from refunds.states import REQUEST_OPEN
from refunds.wording import instant_words, money_words

STILL_POSSIBLE: Final[Mapping[str, str | Promise]] = {
    "payment_not_captured": gettext_lazy(
        "As soon as your money has arrived, the window opens and you can apply here. Until then you can "
        "simply stop the payment at your bank."
    ),
    "payment_charged_back": gettext_lazy("Your bank has the money. Please talk to your bank."),
    "nothing_refundable": gettext_lazy(
        "Look at your earlier applications below: they say where the money is."
    ),
    "request_already_open": gettext_lazy("You can add to the application that is open, or withdraw it."),
    "window_expired": gettext_lazy(
        "You can still object to delivered work that you have not accepted, and we mend it. Payments for "
        "other stages have windows of their own."
    ),
}
"""What one can still do, by the reason that stands against an application."""

_OF_STAGE: Final[Mapping[str, str | Promise]] = {
    "pending": gettext_lazy(
        "%(stage)s was delivered, but nobody has examined it yet. What is found to be as agreed is kept, and "
        "the refund becomes lower than this."
    ),
    "not_delivered": gettext_lazy(
        "Nothing of %(stage)s has been delivered. Work that is delivered before you apply is examined first."
    ),
    "assessed": gettext_lazy(
        "%(stage)s was examined. If a new delivery is examined, the part that is kept changes."
    ),
    "accepted": gettext_lazy(
        "You accepted %(stage)s, so it is kept. Only a defect that could not be seen then changes this."
    ),
    "deemed_accepted": gettext_lazy(
        "%(stage)s counts as accepted, so it is kept. Only a defect that could not be seen then changes this."
    ),
}
"""What would change the figure, by how far a stage has come."""

_NOW: Final[Mapping[str, str | Promise]] = {"window_expired": gettext_lazy("The window has closed.")}
"""Reasons whose words speak of an application that there is not."""

_BARRING: Final = frozenset({"window_expired"})


@page
def payment(request: HttpRequest, visit: Visit, number: str) -> HttpResponse:
    """Show one payment, with the answer that an application would get now."""
    rows = payments_of(visit.principal).select_related("terms", "contract__client", "stage")
    found = one_by_number(rows, number)
    earlier = requests_of(visit.principal).filter(payment=found)
    context: dict[str, Any] = {
        "payment": found,
        "amount": Money(found.amount_minor, found.currency),
        "clock": clock_of(found, visit.now),
        "zone": found.terms.time_zone if found.terms else "",
        "requests": page_of(earlier),
    }
    if found.method != Method.CREDIT:
        quoted = quote(principal=visit.principal, payment_id=found.pk, now=visit.now)
        context |= _prospects(visit, found, quoted, context["requests"].rows)
    return render(request, "portal/payment.html", context)


def _prospects(visit: Visit, found: Payment, quoted: Quote, requests: Any) -> dict[str, Any]:
    """Everything the page says about applying now."""
    answer = quoted.answer_json
    reason = answer["reasons"][0] if answer["reasons"] else ""
    barred = answer["outcome"] == "inadmissible" or reason in _BARRING
    statement = statement_of(answer, names_in(found.contract))
    return {
        "statement": statement,
        "may_act": visit.may_act_for(found.client_id),
        "barred": barred,
        "is_consumer_late": reason == "statutory_right_check",
        "open_request": next((row for row in requests if row.state in REQUEST_OPEN), None),
        "why_not": [_NOW[reason]] if reason in _NOW else statement.reasons,
        "still_possible": STILL_POSSIBLE.get(reason, ""),
        "facts": tuple(_facts_against(answer)) if barred else (),
        "changes": tuple(_what_would_change(found, answer)),
    }


def _facts_against(answer: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The facts behind a no, by name and value."""
    found = {finding["rule"]: finding["detail"] for finding in answer["findings"]}
    window, money, currency = found["window"], found["something_refundable"], answer["currency"]
    if window.get("deadline"):
        zone = window["time_zone"]
        yield _("Paid"), instant_words(_at(window["captured_at"]), zone)
        yield _("The window was open until"), end_words(_at(window["deadline"]), zone)
        yield _("Now"), instant_words(_at(window["submitted_at"]), zone)
    if Money.parse(money["refunded"], currency):
        yield _("Given back before"), money_words(money["refunded"], currency)


def _what_would_change(payment: Payment, answer: Mapping[str, Any]) -> Iterator[str]:
    """Say what would raise or lower the figure, from the facts as they are."""
    if answer["outcome"] == "inadmissible":
        return
    found = {finding["rule"]: finding["detail"] for finding in answer["findings"]}
    zone = found["window"]["time_zone"]
    for stage in found["conformity"]["stages"]:
        yield str(_OF_STAGE[stage["state"]]) % {"stage": stage["stage"]}
        if (
            stage["state"] in ("pending", "assessed")
            and stage["deemed_accepted_at"]
            and not stage["objected_at"]
        ):
            yield _("If you do not object, %(stage)s counts as accepted from %(day)s.") % {
                "stage": stage["stage"],
                "day": instant_words(_at(stage["deemed_accepted_at"]), zone),
            }
    if found["usage"]["meters"]:
        yield _("Using the service until you apply lowers the figure.")


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)
