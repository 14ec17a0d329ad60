"""What Finance says about a line of a statement that no machine matched; each with its reason."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.principals import Principal
from accounts.rights import require_finance
from contracts.selectors import stage_of
from events.services import record_event
from kernel.errors import DomainError, NotFoundOrHidden, StaleState
from kernel.money import Money
from payments.models import Break, BreakKind, LineState, PayoutState, Rail, StatementLine
from payments.selectors import payment_of, payout_of
from payments.services.breaks import leave_break
from payments.services.matching import EXPECTED, match_payout, record_for, take_payment
from payments.services.payments import check_reason, require_not_member


class AmountDiffers(DomainError):
    """The line has another amount or currency: nothing is booked."""

    code = "amount_differs"
    kind = "conflict"
    title = "The line has another amount or currency, so nothing is booked."


class WrongDirection(DomainError):
    """Money that went is no payment of a client, and the other way round."""

    code = "wrong_direction"
    kind = "conflict"
    title = "This money went the other way."


@transaction.atomic
def match_line_to_payment(
    *, principal: Principal, line_id: UUID, payment_id: UUID, reason: str, now: datetime
) -> StatementLine:
    """
    Say that a line is the money of a payment that is expected: it is captured now.

    :raises NotFoundOrHidden, NotPermitted:
    :raises InvalidInput: no reason
    :raises StaleState: the line is not open, or the payment is not expected any more, or by Stripe
    :raises WrongDirection, AmountDiffers:
    """
    line = _lock_open(principal, line_id, reason)
    payment = payment_of(principal, payment_id)
    require_not_member(principal, payment.client_id)
    _require_credit(line)
    _require_amount(line, Money(payment.amount_minor, payment.currency))
    if payment.status not in EXPECTED:
        raise StaleState(_("The payment is not expected any more."))
    if payment.rail == Rail.STRIPE:
        raise StaleState(
            _("Stripe says whether this payment arrived: take it back first, then match its stage.")
        )
    take_payment(line, payment, principal, now)
    return _end(line, principal, reason, now, payment=payment.pk)


@transaction.atomic
def match_line_to_stage(
    *, principal: Principal, line_id: UUID, stage_id: UUID, reason: str, now: datetime
) -> StatementLine:
    """
    Say that a line pays for a stage: the payment is recorded and captured now.

    :raises NotFoundOrHidden, NotPermitted:
    :raises InvalidInput: no reason
    :raises StaleState: the line is not open
    :raises WrongDirection, PaymentAboveStage, CurrencyMismatch:
    """
    line = _lock_open(principal, line_id, reason)
    stage = stage_of(principal, stage_id)
    require_not_member(principal, stage.contract.client_id)
    _require_credit(line)
    payment = record_for(line, stage, principal, now)
    take_payment(line, payment, principal, now)
    return _end(line, principal, reason, now, payment=payment.pk)


@transaction.atomic
def match_line_to_payout(
    *, principal: Principal, line_id: UUID, payout_id: UUID, reason: str, now: datetime
) -> StatementLine:
    """
    Say that a line is a payout that arrived (money went) or came back (money came): it is booked so.

    :raises NotFoundOrHidden, NotPermitted:
    :raises InvalidInput: no reason
    :raises StaleState: the line is not open, or the payout is in no state for it
    :raises AmountDiffers:
    """
    line = _lock_open(principal, line_id, reason)
    payout = payout_of(principal, payout_id)
    require_not_member(principal, payout.client_id)
    _require_amount(line, Money(payout.amount_minor, payout.currency))
    if payout.rail not in (Rail.BANK_FILE, Rail.MANUAL) or payout.state not in POSSIBLE_STATES:
        raise StaleState(_("The payout is in no state for this."))
    if not match_payout(line, payout, principal=principal, now=now, is_by_hand=True):
        raise StaleState(_("Another line stands for this payout already."))
    return _end(line, principal, reason, now, payout=payout.pk)


POSSIBLE_STATES: Final = (PayoutState.ACCEPTED, PayoutState.SETTLED)
"""
Of a payout that one person matches with a line: two people, or the bank by its key, said before that it left.

So nobody alone calls a payout paid whose file was not confirmed yet.
"""


@transaction.atomic
def set_line_aside(*, principal: Principal, line_id: UUID, reason: str, now: datetime) -> StatementLine:
    """
    Say that a line is other business of the company and no money of this portal.

    :raises NotFoundOrHidden, NotPermitted:
    :raises InvalidInput: no reason
    :raises StaleState: the line is not open
    """
    line = _lock_open(principal, line_id, reason)
    line.state = LineState.SET_ASIDE
    return _end(line, principal, reason, now)


@transaction.atomic
def dispute_line(*, principal: Principal, line_id: UUID, reason: str, now: datetime) -> Break:
    """
    Say that a line is not ours and that nobody knows what it is: it becomes a difference to be cleared.

    Money that went and is not ours halts all sending until then.

    :raises NotFoundOrHidden, NotPermitted:
    :raises InvalidInput: no reason
    :raises StaleState: the line is not open
    """
    line = _lock_open(principal, line_id, reason)
    line.state = LineState.DISPUTED
    _end(line, principal, reason, now)
    return leave_break(
        kind=BreakKind.UNCLAIMED if line.is_credit else BreakKind.THEIRS_ONLY,
        amount=Money(line.amount_minor, line.currency),
        now=now,
        reference=line.external_id,
        actor=principal.actor,
        detail={"rail": line.source},
    )


def _lock_open(principal: Principal, line_id: UUID, reason: str) -> StatementLine:
    require_finance(principal)
    check_reason(reason, needed=True)
    line = StatementLine.objects.select_for_update(no_key=True).filter(pk=line_id).first()
    if line is None:
        raise NotFoundOrHidden("There is no such line.")
    if line.state != LineState.OPEN:
        raise StaleState(_("Somebody has said already what this line is."))
    return line


def _require_credit(line: StatementLine) -> None:
    if not line.is_credit:
        raise WrongDirection


def _require_amount(line: StatementLine, amount: Money) -> None:
    if amount != Money(line.amount_minor, line.currency):
        raise AmountDiffers


def _end(
    line: StatementLine, principal: Principal, reason: str, now: datetime, **about: Any
) -> StatementLine:
    """Write down who said it, when and why."""
    line.decided_by, line.decided_at, line.reason = principal.user, line.decided_at or now, reason
    line.save(update_fields=["state", "decided_by", "decided_at", "reason"])
    record_event(
        type=f"statement_line.{line.state}",
        subject_type="statement_line",
        subject_id=line.pk,
        client_id=None,
        actor=principal.actor,
        at=now,
        data={"statement": line.statement_id, "payment": about.get("payment"), "payout": about.get("payout")},
    )
    return line
