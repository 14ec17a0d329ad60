"""Quotes: the answer an application would get now. Nothing is stored by asking."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from django.core.cache import cache
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.principals import Principal
from contracts.models import ContractState, Stage
from contracts.selectors import stages_of
from kernel.errors import Fault
from kernel.money import CurrencyMismatch, Money
from payments.models import Method, Payment
from refunds.errors import CreditNotRefundable, TargetStageUnsuitable
from refunds.policy.answer import Answer
from refunds.policy.decide import decide
from refunds.policy.facts import Facts
from refunds.policy.interchange import answer_json, fingerprint
from refunds.selectors.access import payment_to_ask_about
from refunds.selectors.facts import gather_facts

ANSWER_FIELDS: Final = (
    "outcome",
    "reasons",
    "refund",
    "refund_at_most",
    "entitlement",
    "retained",
    "conforming_value",
    "usage_value",
    "lines",
)
"""What makes one answer differ from another to the people concerned."""

_REMEMBERED_S: Final = 7 * 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The answer for an application now, with the facts it follows from and their fingerprint."""

    payment: Payment
    target_stage: Stage | None
    facts: Facts
    answer: Answer
    fingerprint: str

    @property
    def answer_json(self) -> dict[str, Any]:
        """The answer as it is exchanged and shown."""
        return answer_json(self.facts.id, self.answer)


def quote(
    *,
    principal: Principal,
    payment_id: UUID,
    amount: Money | None = None,
    remedy: str = "refund",
    target_stage_id: UUID | None = None,
    now: datetime,
) -> Quote:
    """
    Say what an application for this payment would be answered now. Four queries, five with a target stage.

    :raises NotFoundOrHidden: no such payment (or target stage) for this principal
    :raises CreditNotRefundable: the payment is an exchange credit
    :raises CurrencyMismatch: the amount is in another currency than the payment
    :raises TargetStageUnsuitable: the credit cannot go to that stage
    """
    payment = payment_to_ask_about(principal, payment_id)
    return quote_of(
        payment, principal=principal, amount=amount, remedy=remedy, target_stage_id=target_stage_id, now=now
    )


def quote_of(
    payment: Payment,
    *,
    principal: Principal,
    amount: Money | None = None,
    remedy: str = "refund",
    target_stage_id: UUID | None = None,
    now: datetime,
) -> Quote:
    """
    Say it for a payment that was found through this principal, with its terms and client. A query less.

    Raises what `quote` does.
    """
    refuse_credit(payment)
    facts = gather_facts(
        payment,
        submitted_at=now,
        decided_at=now,
        amount_minor=amount_in(payment.currency, amount),
        remedy=remedy,
    )
    answer = decide(facts)
    target = None
    if target_stage_id is not None:
        target = target_stage_of(principal, target_stage_id)
        refuse_unsuitable_stage(target, payment, credit_of(answer))
    return Quote(
        payment=payment,
        target_stage=target,
        facts=facts,
        answer=answer,
        fingerprint=fingerprint(facts, answer),
    )


def amount_in(currency: str, amount: Money | None) -> int | None:
    """
    Give minor units of what was asked for; None means everything.

    :raises CurrencyMismatch: the amount is in another currency
    """
    if amount is None:
        return None
    if amount.currency != currency:
        raise CurrencyMismatch(
            f"The payment is in {currency}, the amount in {amount.currency}.",
            faults=[Fault(path="amount.currency", message=f"must be {currency}", code=CurrencyMismatch.code)],
        )
    return amount.minor


def refuse_credit(payment: Payment) -> None:
    """
    :raises CreditNotRefundable: the payment is an exchange credit
    """
    if payment.method == Method.CREDIT:
        raise CreditNotRefundable(f"{payment.number} is an exchange credit: it has no window and no refund.")


def credit_of(answer: Answer) -> Money:
    """Give the most that this answer can make a credit of."""
    return answer.refund if answer.refund_at_most is None else answer.refund_at_most


def target_stage_of(principal: Principal, stage_id: UUID) -> Stage:
    """
    Give a stage that may take a credit, as far as the principal sees it.

    :raises TargetStageUnsuitable: no such stage for this principal
    """
    found = stages_of(principal).filter(pk=stage_id).first()
    if found is None:
        raise TargetStageUnsuitable(str(_("There is no such stage.")), because="not_found")
    return found


def refuse_unsuitable_stage(stage: Stage, payment: Payment, credit: Money) -> None:
    """
    Check that a stage can take a credit of this amount for this payment.

    :raises TargetStageUnsuitable: because of client, currency, not_signed, removed or owes_too_little
    """
    contract = stage.contract
    owed = Money(stage.amount_minor - stage.covered_minor, contract.currency)
    checks = (
        ("client", contract.client_id == payment.client_id),
        ("currency", contract.currency == payment.currency),
        ("not_signed", contract.state == ContractState.SIGNED),
        ("removed", not stage.is_removed),
        ("owes_too_little", owed.minor >= max(credit.minor, 1)),
    )
    for because, holds in checks:
        if not holds:
            raise TargetStageUnsuitable(
                str(_UNSUITABLE[because]), because=because, owed=owed.text, credit=credit.text
            )


_UNSUITABLE: Final[Mapping[str, Promise]] = {
    "client": _("The stage belongs to another client."),
    "currency": _("The stage is in another currency than the payment."),
    "not_signed": _("The contract of that stage is not a signed one that still runs."),
    "removed": _("That stage is no longer part of its contract."),
    "owes_too_little": _("What is still due for that stage is less than the credit."),
}


def differences(shown: Mapping[str, Any], now: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Name what differs between two answers, field by field: what was shown, and what holds now."""
    return [
        {"field": field, "shown": shown.get(field), "now": now.get(field)}
        for field in ANSWER_FIELDS
        if shown.get(field) != now.get(field)
    ]


def remember_quote(quoted: Quote, written: Mapping[str, Any] | None = None) -> None:
    """
    Keep a quote that was shown, so that a later change can be told field by field; it may get lost.

    :param written: its `answer_json`, if whoever shows it has that already
    """
    answer = quoted.answer_json if written is None else written
    kept = {field: answer.get(field) for field in ANSWER_FIELDS}
    cache.set(_key(quoted.payment.pk, quoted.fingerprint), kept, _REMEMBERED_S)


def recall_quote(payment_id: UUID, shown_fingerprint: str) -> dict[str, Any]:
    """Give the answer of a quote that was shown; empty if nobody remembers it."""
    kept: dict[str, Any] = cache.get(_key(payment_id, shown_fingerprint)) or {}
    return kept


def _key(payment_id: UUID, shown_fingerprint: str) -> str:
    digest = sha256(shown_fingerprint.encode("utf-8", "surrogatepass")).hexdigest()
    return f"quote:{payment_id}:{digest}"
