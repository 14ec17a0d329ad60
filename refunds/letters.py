"""
Letters: the acknowledgement and the decision, as one view model for screen, PDF, e-mail and API.

They are renderings of the stored answer: no figure is computed here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from django.conf import settings
from django.utils.translation import gettext as _

from kernel.days import local_date, zone_of
from refunds.arithmetic import exact_words
from refunds.models import Decision, RefundRequest, Remedy
from refunds.statement import Names, Statement, names_in, statement_of
from refunds.wording import (
    CODES,
    DETAILS,
    RULES,
    clause_words,
    day_words,
    exact_instant_words,
    instant_words,
    money_words,
    outcome_words,
    words_for,
)

_MONEY: Final = frozenset(
    {"amount", "refunded", "remaining", "requested", "asked", "due", "left", "retained", "entitlement"}
)
_EXACT: Final = frozenset({"kept", "value"})
_INSTANTS: Final = frozenset({"captured_at", "submitted_at", "deadline"})
_DAYS: Final = frozenset({"purchase_day", "last_day"})
_CODED: Final = frozenset({"status", "client_type", "remedy", "rounding"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingLine:
    """What one rule found, in words: `verdict` is yes, no, or that it does not arise."""

    rule: str
    words: str
    clause: str
    clause_words: str
    holds: bool | None
    verdict: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One letter, ready to be set: who, what about, in which words, with the whole calculation."""

    kind: str
    """`acknowledgement` or `decision`."""
    number: str
    received: str
    """When the application arrived, to the second, with the zone."""
    company: str
    addressee: tuple[str, ...]
    at: datetime
    """The instant of the letter; `dated` says it in words."""
    dated: str
    subject: str
    references: tuple[tuple[str, str], ...]
    paragraphs: tuple[str, ...]
    statement: Statement
    findings: tuple[FindingLine, ...]
    closing: tuple[str, ...]
    policy_version: str


def acknowledgement_of(request: RefundRequest, names: Names | None = None) -> Letter:
    """
    Write the durable record of an application: its number, when it arrived, how things stood, what follows.

    Expects the request with payment, terms, contract and client. Three queries, none if `names` are given.
    """
    return _letter(
        request,
        request.receipt_answer,
        kind="acknowledgement",
        on=request.recorded_at,
        subject=_("We have received your application %(number)s") % {"number": request.number},
        paragraphs=tuple(_received(request)),
        closing=tuple(_what_follows(request)),
        names=names,
        version=request.receipt_answer["policy_version"],
    )


def decision_letter_of(decision: Decision, request: RefundRequest, names: Names | None = None) -> Letter:
    """
    Write the letter of a decision, from the answer that is stored with it.

    Expects the request with payment, terms, contract and client. Three queries, none if `names` are given.
    """
    return _letter(
        request,
        decision.answer,
        kind="decision",
        on=decision.decided_at,
        subject=_("Our answer to your application %(number)s: %(outcome)s")
        % {"number": request.number, "outcome": outcome_words(decision.outcome)},
        paragraphs=tuple(_decided(decision, request)),
        closing=tuple(_how_to_go_on(decision, request)),
        names=names,
        version=decision.policy_version,
    )


def _letter(
    request: RefundRequest,
    answer: Mapping[str, Any],
    *,
    kind: str,
    on: datetime,
    subject: str,
    paragraphs: tuple[str, ...],
    closing: tuple[str, ...],
    names: Names | None,
    version: str,
) -> Letter:
    zone = _zone(answer)
    client = request.client
    received = exact_instant_words(request.submitted_at, zone)
    return Letter(
        kind=kind,
        number=request.number,
        received=received,
        company=settings.COMPANY_NAME,
        addressee=(client.name, *client.address.splitlines()),
        at=on,
        dated=day_words(local_date(on, zone_of(zone))),
        subject=subject,
        references=(
            (_("Application"), request.number),
            (_("Payment"), request.payment.number),
            (_("Contract"), f"{request.contract.number} {request.contract.title}"),
            (_("Received"), received),
            *(((_("Answered"), exact_instant_words(on, zone)),) if kind == "decision" else ()),
        ),
        paragraphs=paragraphs,
        statement=statement_of(answer, names if names is not None else names_in(request.contract)),
        findings=tuple(finding_lines(answer)),
        closing=closing,
        policy_version=version,
    )


def _zone(answer: Mapping[str, Any]) -> str:
    """Give the zone of the terms, as the stored answer names it."""
    for finding in answer["findings"]:
        if finding["rule"] == "window":
            return str(finding["detail"]["time_zone"])
    return str(settings.COMPANY_TIME_ZONE)


def _received(request: RefundRequest) -> Iterator[str]:
    zone = _zone(request.receipt_answer)
    yield _("Your application arrived on %(instant)s.") % {
        "instant": instant_words(request.submitted_at, zone)
    }
    if request.remedy == Remedy.EXCHANGE:
        yield _("You ask for a credit towards another stage.")
    if request.amount_minor is None:
        yield _("You ask for all that can be given back of this payment.")
    else:
        asked = _detail(request.receipt_answer, "amount_in_range")["requested"]
        yield _("You ask for %(amount)s of this payment.") % {"amount": money_words(asked, request.currency)}


def _what_follows(request: RefundRequest) -> Iterator[str]:
    if request.state == "rejected":
        yield _("The facts already give a clear answer: the letter follows at once.")
        return
    yield _("Our review team examines the facts, and a second person checks the answer before it is sent.")
    yield _("You have our answer by %(day)s.") % {"day": day_words(request.answer_due_on)}
    yield _("What is shown here is how things stood at receipt. It is not the answer yet.")


def _decided(decision: Decision, request: RefundRequest) -> Iterator[str]:
    zone = _zone(decision.answer)
    yield _("Your application of %(instant)s has been answered.") % {
        "instant": instant_words(request.submitted_at, zone)
    }
    if decision.refund_minor:
        amount = money_words(decision.answer["refund"], decision.currency)
        if request.remedy == Remedy.EXCHANGE:
            yield _("You get a credit of %(amount)s towards the stage you chose.") % {"amount": amount}
        else:
            yield _("You get %(amount)s back.") % {"amount": amount}
    yield from statement_of(decision.answer).reasons


def _how_to_go_on(decision: Decision, request: RefundRequest) -> Iterator[str]:
    if decision.refund_minor and request.remedy != Remedy.EXCHANGE:
        yield _("The money goes back the way it came. Banks take 1 to 3 working days.")
    if decision.approved_by_id is None:
        yield _("The facts gave this answer directly by the policy; nobody had to judge them.")
    else:
        yield _("One person of our staff proposed this answer and another one checked it.")
    yield _("Do you see it differently, or is something unclear? Write to us: every question gets an answer.")


def _detail(answer: Mapping[str, Any], rule: str) -> Mapping[str, Any]:
    for finding in answer["findings"]:
        if finding["rule"] == rule:
            detail: Mapping[str, Any] = finding["detail"]
            return detail
    return {}


def finding_lines(answer: Mapping[str, Any]) -> Iterator[FindingLine]:
    """Say every finding of a stored answer with the facts it looked at; for the calculation sheet."""
    currency, zone = answer["currency"], _zone(answer)
    for finding in answer["findings"]:
        yield FindingLine(
            rule=finding["rule"],
            words=words_for(RULES, finding["rule"]),
            clause=finding["clause"],
            clause_words=clause_words(finding["clause"]),
            holds=finding["holds"],
            verdict=_verdict(finding["holds"]),
            facts=tuple(_facts(finding["detail"], currency, zone)),
        )


def _verdict(holds: bool | None) -> str:
    if holds is None:
        return _("does not arise")
    return _("yes") if holds else _("no")


def _facts(detail: Mapping[str, Any], currency: str, zone: str) -> Iterator[tuple[str, str]]:
    """Say the plain facts of a finding; what is empty, or explained line by line elsewhere, is left out."""
    for name, value in detail.items():
        if name in DETAILS and value not in (None, [], ""):
            yield words_for(DETAILS, name), _fact(name, value, currency, zone)


def _fact(name: str, value: Any, currency: str, zone: str) -> str:
    if name in _MONEY:
        return money_words(value, currency)
    if name in _EXACT:
        return exact_words(value, currency)
    if name in _INSTANTS:
        return instant_words(datetime.fromisoformat(value), zone)
    if name in _DAYS:
        return day_words(date.fromisoformat(value))
    if name in _CODED:
        return words_for(CODES, value)
    return ", ".join(value) if isinstance(value, list) else str(value)
