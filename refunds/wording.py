"""
Codes in words: the same for the portal, the admin, the letter and the e-mails, in the reader's language.

Codes are public and never change; these words may. Amounts and instants follow the reader's locale,
amounts with exactly the currency's decimals.
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time
from babel.numbers import format_decimal
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from kernel.currencies import digits_of
from kernel.days import zone_of

Words = Mapping[str, str | Promise]

OUTCOMES: Final[Words] = {
    "inadmissible": _("The application cannot be accepted"),
    "on_hold": _("The application waits"),
    "needs_review": _("The application is being examined"),
    "no_refund": _("No refund"),
    "refund_in_full": _("Refund in full"),
    "refund_in_part": _("Refund in part"),
}

REASONS: Final[Words] = {
    "payment_not_captured": _("This payment has not arrived, so there is nothing to give back."),
    "payment_charged_back": _("Your bank has already taken this payment back."),
    "payment_disputed": _(
        "Your bank is examining an objection to this payment. We answer as soon as it has finished."
    ),
    "nothing_refundable": _("This payment has already been given back in full, or is on its way to you."),
    "request_already_open": _("There is already an open application for this payment."),
    "amount_out_of_range": _(
        "The amount asked for must be above zero and at most what has not been given back."
    ),
    "exchange_not_offered": _("The contract does not offer an exchange; you can ask for money back."),
    "statutory_right_check": _(
        "The application came after the window. We examine whether the law gives you a longer period."
    ),
    "window_expired": _("The application came after the end of the window."),
    "conformity_pending": _("The delivered work has not been examined yet. We examine it item by item."),
    "work_accepted": _("You accepted the work, or it counts as accepted under the contract."),
    "work_conforms": _("The work does what the contract and its technical documentation say."),
    "value_consumed": _("The value of the good work and of the use made of the service reaches the payment."),
    "entitlement_already_refunded": _(
        "What you are entitled to of this payment has already been given back."
    ),
    "full_refund": _("You get the whole payment back."),
    "conforming_part_retained": _("We keep the part of the work that does what was agreed."),
    "usage_deducted": _("We deduct the value of the use made of the service."),
    "earlier_refund_deducted": _("We deduct what was given back before."),
    "as_requested": _("You asked for less than you are entitled to; you get what you asked for."),
}

CLAUSES: Final[Words] = {
    "P1": _(
        "Every client has a contract of their own. Payment is a prepayment and then stage by stage, "
        "following the completed work. The contract holds the terms for payment, work and refunds."
    ),
    "P2": _(
        "A payment for good work that keeps to the contract and its technical documentation is not "
        "refundable."
    ),
    "P3": _("Use already made of the service has a value. A refund is reduced by it."),
    "P4": _("A client who is not satisfied may apply. Every application is examined."),
    "P5": _(
        "The application must arrive within the window, normally 3 days from the date of purchase. After "
        "that there is neither refund nor exchange."
    ),
    "P6": _("The policy is applied consistently and fairly: same facts, same answer."),
    "P7": _("Questions about the policy are welcome and get an answer."),
}

RULES: Final[Words] = {
    "payment_captured": _("The payment has arrived"),
    "payment_not_charged_back": _("The bank has not taken the payment back"),
    "payment_not_disputed": _("The bank is not examining the payment"),
    "something_refundable": _("Something of the payment is left"),
    "no_other_request": _("No other application for this payment is open"),
    "amount_in_range": _("The amount asked for is possible"),
    "exchange_offered": _("The contract offers an exchange"),
    "window": _("The application arrived within the window"),
    "statutory_right": _("The law gives a longer period"),
    "conformity_assessed": _("All delivered work has been examined"),
    "conformity": _("All of the work does what was agreed"),
    "usage": _("Use was made of the service"),
    "entitlement": _("Something is left after what is kept"),
    "earlier_refunds": _("Something is left after earlier refunds"),
    "refund": _("There is something to give back"),
}

DETAILS: Final[Words] = {
    "status": _("payment"),
    "captured_at": _("payment arrived"),
    "amount": _("paid"),
    "refunded": _("given back before"),
    "remaining": _("left of the payment"),
    "requested": _("asked for"),
    "asked": _("asked for"),
    "due": _("due"),
    "left": _("left"),
    "retained": _("kept, rounded"),
    "kept": _("kept, exactly"),
    "entitlement": _("entitlement"),
    "rounding": _("rounding"),
    "submitted_at": _("application arrived"),
    "window_days": _("days of the window"),
    "purchase_day": _("day of purchase"),
    "last_day": _("last day"),
    "deadline": _("end of the window"),
    "client_type": _("client"),
    "remedy": _("wish"),
    "pending": _("still to be examined"),
    "value": _("value, exactly"),
}

CODES: Final[Words] = {
    "pending": _("expected"),
    "authorised": _("authorised"),
    "captured": _("arrived"),
    "disputed": _("being examined by the bank"),
    "charged_back": _("taken back by the bank"),
    "failed": _("failed"),
    "voided": _("called off"),
    "business": _("business"),
    "consumer": _("consumer"),
    "refund": _("money back"),
    "exchange": _("credit towards another stage"),
    "client": _("in the client's favour"),
    "company": _("in the company's favour"),
    "half_up": _("to the nearest, halves up"),
    "half_even": _("to the nearest, halves to even"),
}

REQUEST_STATES: Final[Words] = {
    "submitted": _("received"),
    "in_review": _("in review"),
    "information_requested": _("waiting for your answer"),
    "proposed": _("answer being checked"),
    "approved": _("refund approved"),
    "rejected": _("no refund"),
    "withdrawn": _("withdrawn"),
}

PAYOUT_STATES: Final[Words] = {
    "ready": _("about to be sent"),
    "submitting": _("being sent"),
    "accepted": _("sent; banks take 1 to 3 working days"),
    "settled": _("arrived"),
    "failed": _("could not be sent; we take care of it"),
    "returned": _("came back from the bank; we take care of it"),
    "unknown": _("sent; we are waiting for the confirmation"),
    "manual": _("in the hands of our Finance team"),
    "cancelled": _("stopped; your application is looked at again"),
    "credited": _("credited to the stage you chose"),
}

EVENTS: Final[Words] = {
    "refund_request.submitted": _("Application received"),
    "refund_request.refused": _("Application could not be accepted"),
    "refund_request.review_started": _("Review started"),
    "refund_request.information_requested": _("Information asked for"),
    "refund_request.information_received": _("Information received"),
    "refund_request.information_reminded": _("Reminder of the open question"),
    "refund_request.fact_established": _("Fact established"),
    "refund_request.proposed": _("Answer proposed"),
    "refund_request.sent_back": _("Sent back to review"),
    "refund_request.approved": _("Refund approved"),
    "refund_request.rejected": _("No refund"),
    "refund_request.withdrawn": _("Application withdrawn"),
    "refund_request.reopened": _("Back in review: the payout was stopped"),
    "message.posted": _("Message"),
    "attachment.added": _("File added"),
    "attachment.quarantined": _("A file is kept under lock: the scanner found something in it"),
    "stage.assessed": _("Work assessed"),
    "credit.issued": _("Credit issued"),
    "payout.submitted": _("Payout being sent"),
    "payout.accepted": _("Money sent"),
    "payout.settled": _("Money arrived"),
    "payout.failed": _("Payout failed"),
    "payout.unknown": _("Payout waits for confirmation"),
    "payout.returned": _("Money came back"),
    "payout.manual": _("Payout in the hands of Finance"),
    "payout.cancelled": _("Payout stopped"),
}

WHO: Final[Words] = {
    "client": _("client"),
    "staff": _("our review team"),
    "api": _("connected system"),
    "system": _("automatically"),
}

ACTIONS: Final[Words] = {
    "start_review": _("Start review"),
    "request_information": _("Ask for information"),
    "assess": _("Assess work item by item"),
    "record_hidden_defect": _("Record a hidden defect"),
    "record_statutory_check": _("Record the statutory check"),
    "exclude_usage": _("Exclude company usage"),
    "propose": _("Propose the answer"),
    "approve": _("Approve"),
    "send_back": _("Send back"),
    "withdraw": _("Withdraw the application"),
    "post_message": _("Write a message"),
    "post_internal_message": _("Write an internal note"),
    "add_attachment": _("Add evidence"),
}

DIFFERENCES: Final[Words] = {
    "outcome": _("answer"),
    "reasons": _("reasons"),
    "refund": _("refund"),
    "refund_at_most": _("refund at most"),
    "entitlement": _("entitlement"),
    "retained": _("part kept"),
    "conforming_value": _("value of good work"),
    "usage_value": _("value of use"),
    "lines": _("lines of the calculation"),
}


def words_for(table: Words, code: str) -> str:
    """Say a code in the reader's language; a code that is newer than these words stands for itself."""
    return str(table.get(code, code))


def outcome_words(code: str) -> str:
    return words_for(OUTCOMES, code)


def reason_words(code: str) -> str:
    return words_for(REASONS, code)


def clause_words(code: str) -> str:
    return words_for(CLAUSES, code)


def current_locale() -> Locale:
    """Give the locale of the active language; English where Babel knows no such language."""
    try:
        return Locale.parse(get_language() or "en", sep="-")
    except (UnknownLocaleError, ValueError):
        return Locale("en")


def number_words(text: str, digits: int) -> str:
    """Write a decimal string with exactly so many decimals as the reader's locale does."""
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    return str(format_decimal(Decimal(text), format=pattern, locale=current_locale()))


def money_words(text: str, currency: str) -> str:
    """Write an amount (decimal string) with its currency code, not to be parted: `1,234.50 EUR`."""
    return f"{number_words(text, digits_of(currency))}\u00a0{currency}"


def date_pattern(locale: Locale) -> str:
    """Give the long form of dates; in English the day comes first, for readers on both sides of the sea."""
    return "EEEE, d MMMM y" if locale.language == "en" else "full"


def day_words(day: date) -> str:
    """Write a date with its weekday: `Friday, 5 June 2026`, `Freitag, 5. Juni 2026`."""
    return str(format_date(day, format=date_pattern(current_locale()), locale=current_locale()))


def instant_words(instant: datetime, zone: str) -> str:
    """Write an instant (aware) as a zone's clocks show it: `Friday, 5 June 2026, 14:05 (Berlin time)`."""
    local = instant.astimezone(zone_of(zone))
    time = format_time(local, format="HH:mm", locale=current_locale())
    return f"{day_words(local.date())}, {time} ({zone_words(zone)})"


def exact_instant_words(instant: datetime, zone: str) -> str:
    """Write an instant to the second, as it counts: `Friday, 5 June 2026, 14:05:09 (Berlin time)`."""
    local = instant.astimezone(zone_of(zone))
    time = format_time(local, format="HH:mm:ss", locale=current_locale())
    return f"{day_words(local.date())}, {time} ({zone_words(zone)})"


def zone_words(zone: str) -> str:
    """Name a zone by its city: `Berlin time`."""
    if "/" not in zone:
        return zone
    return gettext("%(city)s time") % {"city": zone.rsplit("/", 1)[1].replace("_", " ")}
