"""
What a line of a statement is about: one of our payouts, a payment that was expected, or nothing known.

A machine matches only what is named and agrees to the cent; everything else stays open for Finance.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F

from accounts.principals import Principal
from contracts.models import Contract, ContractState, Stage
from kernel.errors import DomainError
from kernel.money import Money
from payments.gateways.protocol import AnswerKind, GatewayAnswer
from payments.models import (
    BreakKind,
    LineState,
    Method,
    Payment,
    PaymentStatus,
    Payout,
    PayoutState,
    Rail,
    StatementLine,
)
from payments.references import is_named, payment_reference
from payments.selectors import lock_payment, lock_payout
from payments.services.bank_accounts import BANK_RAILS
from payments.services.booking import book_answer
from payments.services.breaks import leave_break
from payments.services.capture import capture_payment
from payments.services.payments import record_payment
from payments.services.sending import claim_payout

_KEY: Final = re.compile(r"[0-9a-fA-F]{32}")
EXPECTED: Final = (PaymentStatus.PENDING, PaymentStatus.AUTHORISED)
_PAYMENT_NUMBER: Final = re.compile(r"(?<![A-Z0-9])P[^A-Z0-9]*(\d{4})[^A-Z0-9]*(\d{4,})(?![A-Z0-9])")
_CONTRACT_NUMBER: Final = re.compile(r"(?<![A-Z0-9])C[^A-Z0-9]*(\d{4})[^A-Z0-9]*(\d{4,})(?![0-9])")
"""The code of a stage may follow a contract's number without anything between them."""

_WORDS_MAX: Final = 4
_CANDIDATES_MAX: Final = 1000


def match_by_machine(line: StatementLine, *, principal: Principal, now: datetime) -> str:
    """
    Match a line (open, new) if it is sure; say what was booked: captured, settled, returned, or nothing.

    A line that stays open says why as a code; one that contradicts our books leaves a break for Finance.
    """
    payout = _payout_named(line)
    if _was_seen_before(line):
        return _leave_open(line, "seen_before")
    if payout is not None:
        return match_payout(line, payout, principal=principal, now=now)
    if line.is_credit and not line.is_return:
        return _match_payment(line, principal, now)
    if not line.is_credit:
        _note_forgotten(line, now)
    return _leave_open(line, "unknown_return" if line.is_credit else "unknown_debit")


def _leave_open(line: StatementLine, why: str) -> str:
    line.why_open = why
    line.save(update_fields=["why_open"])
    return ""


def _was_seen_before(line: StatementLine) -> bool:
    """Tell whether another statement holds the same booking: a bank may issue a statement anew."""
    if not line.bank_reference:
        return False
    same = StatementLine.objects.filter(
        source=line.source, bank_reference=line.bank_reference, booked_on=line.booked_on,
        amount_minor=line.amount_minor, is_credit=line.is_credit, end_to_end_id=line.end_to_end_id,
    )  # fmt: skip
    return same.exclude(statement=line.statement_id).exists()


def _note_forgotten(line: StatementLine, now: datetime) -> None:
    """Leave a difference for a refund of a payment of ours under a key that this database never had."""
    if not _KEY.fullmatch(line.end_to_end_id):
        return
    payment = _payment_named(line.reference.upper())
    if payment is not None:
        leave_break(
            kind=BreakKind.THEIRS_ONLY,
            payment_id=payment.pk,
            amount=Money(line.amount_minor, line.currency),
            now=now,
            reference=line.external_id,
            detail={"rail": line.source, "answer": "settled"},
        )


def _payment_named(text: str) -> Payment | None:
    numbers = [f"P-{year}-{number}" for year, number in _PAYMENT_NUMBER.findall(text)]
    return Payment.objects.filter(number__in=numbers).order_by("id").first()


def _payout_named(line: StatementLine) -> Payout | None:
    """Find the payout whose key the line carries."""
    if not _KEY.fullmatch(line.end_to_end_id):
        return None
    return Payout.objects.filter(pk=UUID(line.end_to_end_id), rail__in=BANK_RAILS).first()


def match_payout(
    line: StatementLine, payout: Payout, *, principal: Principal, now: datetime, is_by_hand: bool = False
) -> str:
    """Book a line as a payout that arrived or came back, through the one function that books answers."""
    if line.is_credit and not line.is_return and not is_by_hand:
        return _leave_open(line, "looks_like_return")
    if _is_matched_already(line, payout):
        return _dispute(line, payout, "second_time", now)
    _take_as_sent(payout.pk, now)
    answer = GatewayAnswer(
        kind=AnswerKind.RETURNED if line.is_credit else AnswerKind.SETTLED,
        code=line.return_code,
        reference=line.bank_reference,
        amount=Money(line.amount_minor, line.currency),
        detail="statement",
    )
    booked = book_answer(payout_id=payout.pk, answer=answer, now=now, actor=principal.actor)
    if booked.state == PayoutState.MANUAL and answer.amount == Money(booked.amount_minor, booked.currency):
        return _leave_open(line, "with_finance")
    # Also a line that contradicts our books stands for this payout: a further one is a second time.
    line.matched_payout_id = booked.pk
    if answer.amount != Money(booked.amount_minor, booked.currency):
        return _end(line, LineState.DISPUTED, "amount_differs", now)
    if booked.state not in (PayoutState.SETTLED, PayoutState.RETURNED):
        return _end(line, LineState.DISPUTED, f"payout_{booked.state}", now)
    _end(line, LineState.MATCHED, "", now)
    return "returned" if line.is_credit else "settled"


def _is_matched_already(line: StatementLine, payout: Payout) -> bool:
    same_way = StatementLine.objects.filter(matched_payout_id=payout.pk, is_credit=line.is_credit)
    return same_way.exclude(pk=line.pk).exists()


def _dispute(line: StatementLine, payout: Payout, why: str, now: datetime) -> str:
    """Money of a payout moved a second time: sending stops until people know why."""
    leave_break(
        kind=BreakKind.THEIRS_ONLY,
        payment_id=payout.payment_id,
        payout_id=payout.pk,
        amount=Money(line.amount_minor, line.currency),
        now=now,
        reference=line.external_id,
        detail={"rail": str(payout.rail), "answer": "returned" if line.is_credit else "settled"},
    )
    return _end(line, LineState.DISPUTED, why, now)


def _end(line: StatementLine, state: LineState, why: str, now: datetime) -> str:
    line.state, line.why_open, line.decided_at = state, why, now
    line.save(update_fields=["state", "why_open", "decided_at", "matched_payout_id", "matched_payment_id"])
    return ""


def _take_as_sent(payout_id: UUID, now: datetime) -> None:
    """Take a payout as sent that we hold for unsent although the bank did it: a restored backup forgot it."""
    lock_payment(Payout.objects.values_list("payment_id", flat=True).get(pk=payout_id))
    payout = lock_payout(payout_id)
    if payout.state == PayoutState.READY:
        claim_payout(payout, now)


def _match_payment(line: StatementLine, principal: Principal, now: datetime) -> str:
    """Capture the one payment that is expected with this amount and named by its reference."""
    text = f"{line.reference} {line.end_to_end_id}".upper()
    payments = [row for row in _expected_payments(line) if _names_payment(text, row)]
    stages = [] if payments else list(_due_stages(line, text))
    if len(payments) + len(stages) != 1:
        return _leave_unmatched(line, text, bool(payments or stages), now)
    try:
        with transaction.atomic():
            payment = payments[0] if payments else record_for(line, stages[0], principal, now)
            take_payment(line, payment, principal, now)
    except DomainError as refusal:
        return _leave_open(line, refusal.code[:40])
    return "captured"


def take_payment(line: StatementLine, payment: Payment, principal: Principal, now: datetime) -> None:
    """
    Capture a payment with a line: its window starts now, its value date is the day of booking.

    :raises StaleState: the payment is not expected any more
    """
    capture_payment(principal=principal, payment_id=payment.pk, value_date=line.booked_on, now=now)
    line.matched_payment_id = payment.pk
    _end(line, LineState.MATCHED, "", now)


def record_for(line: StatementLine, stage: Stage, principal: Principal, now: datetime) -> Payment:
    """
    Record the payment that a line makes of a stage.

    :raises DomainError: as of `record_payment`
    """
    rail = Rail.BANK_FILE.value if Rail.BANK_FILE.value in settings.PAYOUT_RAILS else None
    return record_payment(
        principal=principal,
        stage_id=stage.pk,
        amount=Money(line.amount_minor, line.currency),
        method=Method.BANK,
        rail=rail,
        reference=line.reference[:140],
        value_date=line.booked_on,
        now=now,
    )


def _expected_payments(line: StatementLine) -> list[Payment]:
    rows = Payment.objects.filter(
        status__in=EXPECTED, method=Method.BANK, amount_minor=line.amount_minor, currency=line.currency
    )
    return list(rows.order_by("id")[:_CANDIDATES_MAX])


def _names_payment(text: str, payment: Payment) -> bool:
    return is_named(payment.number, text) or is_named(payment.reference, text)


def _due_stages(line: StatementLine, text: str) -> Iterator[Stage]:
    """Give the stages that are due, owe exactly this amount, and are named with their contract."""
    rows = Stage.objects.filter(
        contract__in=_contracts_named(text, line.reference),
        contract__state=ContractState.SIGNED,
        contract__currency=line.currency,
        is_removed=False,
        due_on__isnull=False,
        amount_minor=F("covered_minor") + line.amount_minor,
    )
    for stage in rows.select_related("contract").order_by("contract_id", "position")[:_CANDIDATES_MAX]:
        contract = stage.contract
        names = [payment_reference(contract, stage)]
        names += [f"{contract.reference} {stage.code}"] if contract.reference else []
        if any(is_named(name, text) for name in names):
            yield stage


def _contracts_named(text: str, reference: str) -> list[UUID]:
    """Find contracts by their numbers in a text, or by a few words that are a contract's reference."""
    numbers = [f"C-{year}-{number}" for year, number in _CONTRACT_NUMBER.findall(text)]
    words = reference.split()[:40]
    runs = [
        " ".join(words[start : start + length])
        for start in range(len(words))
        for length in range(1, _WORDS_MAX + 1)
    ]
    found = Contract.objects.filter(number__in=numbers) | Contract.objects.filter(reference__in=runs)
    return list(found.values_list("pk", flat=True)[:50])


def _leave_unmatched(line: StatementLine, text: str, is_ambiguous: bool, now: datetime) -> str:
    """Say why nobody knows what a credit pays; another amount than expected becomes a break at once."""
    if is_ambiguous:
        return _leave_open(line, "ambiguous")
    named = _payment_named(text)
    if named is None:
        return _leave_open(line, "no_reference")
    if named.status not in EXPECTED:
        return _leave_open(line, "paid_already")
    expected = Money(named.amount_minor, named.currency)
    leave_break(
        kind=BreakKind.UNCLAIMED,
        payment_id=named.pk,
        amount=expected,
        now=now,
        reference=line.external_id,
        detail={
            "theirs": {"amount": Money(line.amount_minor, line.currency).text, "currency": line.currency}
        },
    )
    return _leave_open(line, "amount_differs")
