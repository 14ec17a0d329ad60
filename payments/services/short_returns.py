"""Payouts that came back with less than was sent: a bank on the way kept a fee."""

import re
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _

from accounts.principals import Principal
from kernel.errors import StaleState
from kernel.money import Money
from kernel.states import move
from payments import ledger
from payments.models import (
    BreakKind,
    LineState,
    Payment,
    Payout,
    PayoutState,
    PayoutStep,
    Rail,
    StatementLine,
)
from payments.selectors import lines_of
from payments.services.breaks import explain_breaks_of
from payments.services.journal import tell_payout
from payments.services.refunds import count_as_reserved
from payments.states import PAYOUT

OUT: Final = (PayoutState.ACCEPTED, PayoutState.SETTLED)
BY_BANK: Final = (Rail.BANK_FILE, Rail.MANUAL)
LESS_A_FEE: Final = "returned_less_fee"
A_KEY: Final = r"^[0-9a-fA-F]{32}$"
"""How a line names the payout that it is money of: no other one's."""


def require_short_return(payout: Payout, line: StatementLine) -> None:
    """
    Let only pass what came back in part of a payout that is out, and stands for nothing else.

    :raises StaleState: the payout is not out, or the line is not such money
    """
    if payout.state not in OUT or payout.rail not in BY_BANK:
        raise StaleState(_("Only a payout that a bank sent can come back less a fee."))
    is_free = line.state == LineState.OPEN or (
        line.state == LineState.DISPUTED and line.matched_payout_id == payout.pk
    )
    is_its = line.end_to_end_id.lower() == payout.pk.hex or not re.fullmatch(A_KEY, line.end_to_end_id)
    is_less = line.currency == payout.currency and 0 < line.amount_minor < payout.amount_minor
    if not (line.is_credit and is_free and is_its and is_less):
        raise StaleState(_("This line is not money of that payout that came back less a fee."))


def lines_of_a_short_return(principal: Principal, payout: Payout) -> QuerySet[StatementLine]:
    """Give the lines that may be a payout that came back less a fee, those that name it first."""
    names_it = Q(state=LineState.DISPUTED, matched_payout_id=payout.pk)
    is_its = Q(end_to_end_id__iexact=payout.pk.hex) | ~Q(end_to_end_id__regex=A_KEY)
    rows = lines_of(principal).filter(
        Q(state=LineState.OPEN) | names_it, is_its,
        is_credit=True, currency=payout.currency, amount_minor__gt=0, amount_minor__lt=payout.amount_minor,
    )  # fmt: skip
    return rows.order_by(F("matched_payout_id").asc(nulls_last=True), "-booked_on", "id")


def lock_line_of(step_id: UUID) -> StatementLine | None:
    """Lock the line of a step, before its payment as everywhere; None where it names none."""
    return StatementLine.objects.select_for_update(no_key=True).filter(steps=step_id).first()


def book_short_return(
    payout: Payout, payment: Payment, step: PayoutStep, principal: Principal, now: datetime
) -> Payout:
    """All of it is owed again, what is missing is a cost, and the line and its difference are explained."""
    line = step.line
    assert line is not None, "the database keeps the line of such a step"
    fee = Money(payout.amount_minor - line.amount_minor, payout.currency)
    ledger.book_return(payout, now)
    ledger.book_fee(payout, fee, now)
    count_as_reserved(payment=payment, amount_minor=payout.amount_minor)
    move(
        payout, payout.state, PayoutState.RETURNED, table=PAYOUT,
        failure_code=line.return_code or LESS_A_FEE, ended_at=now, next_look_up_at=None,
        confirmed_by=step.confirmed_by,
    )  # fmt: skip
    tell_payout(
        "payout.returned", payout, principal.actor, now, code=payout.failure_code, step=step.pk, fee=fee.text
    )
    line.state, line.matched_payout_id, line.reason = LineState.MATCHED, payout.pk, step.reason
    line.decided_at, line.decided_by = line.decided_at or now, step.confirmed_by
    line.save(update_fields=["state", "matched_payout_id", "reason", "decided_at", "decided_by"])
    explain_breaks_of(payout.pk, BreakKind.DIFFERENT, step=step, actor=principal.actor, now=now)
    return payout
