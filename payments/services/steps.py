"""Steps with a payout that take evidence and two people: one of Finance proposes, another one confirms."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.groups import is_approver, is_finance
from accounts.models import User
from accounts.principals import Principal
from accounts.rights import person_of, require_finance
from contracts.models import Document
from contracts.selectors import document_of, is_member, lock_client
from kernel.days import local_date, zone_of
from kernel.errors import DomainError, Fault, InvalidInput, NotPermitted, StaleState
from kernel.states import move
from payments import ledger
from payments.models import (
    Break,
    BreakKind,
    Payment,
    Payout,
    PayoutState,
    PayoutStep,
    Rail,
    StatementLine,
    StepKind,
)
from payments.models.payments import PaymentStatus
from payments.selectors import line_of, lock_payment, lock_payout, lock_step, payout_of
from payments.services.journal import tell_payout
from payments.services.payments import TEXT_MAX, check_reason
from payments.services.refunds import cancel_ready, count_as_refunded, count_as_reserved
from payments.services.short_returns import book_short_return, lock_line_of, require_short_return
from payments.services.successors import succeed
from payments.states import PAYOUT

_RESOLUTIONS: Final = (StepKind.MARK_ACCEPTED, StepKind.MARK_FAILED)


class SecondPersonNeeded(DomainError):
    """Nobody confirms what they proposed themselves."""

    code = "second_person_needed"
    kind = "forbidden"
    title = "A second person confirms this."


class StepOpen(DomainError):
    """Another step waits for its second person."""

    code = "step_open"
    kind = "conflict"
    title = "Another step with this payout waits for its second person."


class DifferenceOpen(DomainError):
    """The provider says otherwise: that has to be cleared first."""

    code = "difference_open"
    kind = "conflict"
    title = "The provider's book says otherwise: clear that difference first."


class PaymentNotRefundable(DomainError):
    """The payment is in dispute or was charged back: nothing more of it is sent."""

    code = "payment_not_refundable"
    title = "The payment is in dispute or was charged back: nothing of it can be sent."


@transaction.atomic
def resolve_manual(
    *,
    principal: Principal,
    payout_id: UUID,
    accepted: bool,
    reason: str,
    evidence_reference: str = "",
    evidence_id: UUID | None = None,
    value_date: date | None = None,
    now: datetime,
) -> PayoutStep:
    """
    Propose what became of a payout that is with Finance: it was sent, or it was not. Evidence is needed.

    "Not sent" may also be said of a transfer in an uploaded file that should have been executed days ago and
    is on no statement: the bank refused it.

    `value_date` is the day on which the bank moved the money, where it did.

    :raises NotFoundOrHidden, NotPermitted:
    :raises InvalidInput: no reason or no evidence, or a date that cannot be
    :raises StaleState: the payout is not with Finance
    :raises DifferenceOpen: it shall be "not sent", and the provider says that it was
    :raises StepOpen: another step waits for its second person
    """
    kind = StepKind.MARK_ACCEPTED if accepted else StepKind.MARK_FAILED
    if not evidence_reference.strip() and evidence_id is None:
        raise InvalidInput(
            faults=[
                Fault(path="evidence_reference", message="must name the proof, or attach it as a document")
            ]
        )
    evidence = None if evidence_id is None else document_of(principal, evidence_id)
    _check_value_date(value_date, accepted, now)
    return _propose(principal, payout_id, kind, reason, now, evidence_reference, evidence, value_date)


def _check_value_date(value_date: date | None, accepted: bool, now: datetime) -> None:
    if value_date is None:
        return
    message = ""
    if not accepted:
        message = "must be empty for money that was not sent"
    elif value_date > local_date(now, zone_of(settings.COMPANY_TIME_ZONE)):
        message = "must not lie in the future"
    if message:
        raise InvalidInput(faults=[Fault(path="value_date", message=message)])


@transaction.atomic
def return_less_fee(
    *, principal: Principal, payout_id: UUID, line_id: UUID, reason: str, now: datetime
) -> PayoutStep:
    """
    Propose that a payout came back with a line of a statement that holds less: a bank on the way kept a fee.

    Confirmed, all of it is owed again and the fee is a cost of the company. Nobody types an amount.

    :raises NotFoundOrHidden, NotPermitted:
    :raises InvalidInput: no reason
    :raises StaleState: the payout is not out, or the line is not money that came back less a fee
    :raises StepOpen: another step waits for its second person
    """
    line = line_of(principal, line_id)
    return _propose(principal, payout_id, StepKind.MARK_RETURNED, reason, now, line=line)


@transaction.atomic
def replace_payout(*, principal: Principal, payout_id: UUID, reason: str, now: datetime) -> PayoutStep:
    """
    Propose to send a failed or returned payout again, as a successor with a key of its own.

    :raises NotFoundOrHidden, NotPermitted:
    :raises InvalidInput: no reason
    :raises StaleState: the payout neither failed nor was returned, or has a successor
    :raises StepOpen: another step waits for its second person
    """
    return _propose(principal, payout_id, StepKind.REPLACE, reason, now)


@transaction.atomic
def give_up_payout(*, principal: Principal, payout_id: UUID, reason: str, now: datetime) -> PayoutStep:
    """
    Propose to send a failed or returned payout no more, because its payment was charged back meanwhile.

    Confirmed, its money is free again and its request goes back to review.

    :raises NotFoundOrHidden, NotPermitted:
    :raises InvalidInput: no reason
    :raises StaleState: it did not end badly, has a successor, or its payment was not charged back
    :raises StepOpen: another step waits for its second person
    """
    return _propose(principal, payout_id, StepKind.GIVE_UP, reason, now)


def _propose(
    principal: Principal,
    payout_id: UUID,
    kind: StepKind,
    reason: str,
    now: datetime,
    evidence_reference: str = "",
    evidence: Document | None = None,
    value_date: date | None = None,
    line: StatementLine | None = None,
) -> PayoutStep:
    payout_of(principal, payout_id)
    person = require_finance(principal)
    check_reason(reason, needed=True)
    if len(evidence_reference) > TEXT_MAX or "\0" in evidence_reference:
        message = f"must be a text of at most {TEXT_MAX} characters"
        raise InvalidInput(faults=[Fault(path="evidence_reference", message=message)])
    payout = lock_payout(payout_id)
    _require_not_member(person, payout)
    _require_possible(payout, kind, line)
    if PayoutStep.objects.filter(payout=payout, confirmed_at=None, withdrawn_at=None).exists():
        raise StepOpen
    step = PayoutStep.objects.create(
        payout=payout,
        kind=kind,
        reason=reason,
        evidence_reference=evidence_reference,
        evidence=evidence,
        value_date=value_date,
        line=line,
        proposed_by=person,
        proposed_at=now,
    )
    tell_payout("payout.step_proposed", payout, principal.actor, now, step=step.pk, kind=kind.value)
    return step


def _require_possible(payout: Payout, kind: StepKind, line: StatementLine | None) -> None:
    """
    :raises StaleState: the payout is in no state for such a step
    :raises DifferenceOpen: the provider says otherwise
    """
    if line is not None:
        require_short_return(payout, line)
        return
    if kind in _RESOLUTIONS:
        _require_manual(payout, kind)
        return
    if payout.state not in (PayoutState.FAILED, PayoutState.RETURNED):
        raise StaleState(_("Only a payout that failed or was returned is sent again, or given up."))
    if Payout.objects.filter(replaces=payout).exists():
        raise StaleState(_("This payout has a successor already."))
    if kind == StepKind.GIVE_UP and payout.payment.status != PaymentStatus.CHARGED_BACK:
        raise StaleState(_("A payout is given up only after its payment was charged back."))


def _require_manual(payout: Payout, kind: StepKind) -> None:
    """
    :raises StaleState: the payout is not with Finance
    :raises DifferenceOpen: it shall be "not sent", and the provider says that it was
    """
    if kind == StepKind.MARK_FAILED and is_missing_at_the_bank(payout):
        return
    if payout.state != PayoutState.MANUAL:
        raise StaleState(_("Only a payout that is with Finance is resolved by people."))
    theirs = Break.objects.filter(payout_id=payout.pk, kind=BreakKind.THEIRS_ONLY, resolved_at=None)
    if kind == StepKind.MARK_FAILED and theirs.exists():
        raise DifferenceOpen


def is_missing_at_the_bank(payout: Payout) -> bool:
    """Tell whether a transfer was to be executed days ago and is on no statement: an open difference."""
    if payout.state != PayoutState.ACCEPTED or payout.rail != Rail.BANK_FILE:
        return False
    rows = Break.objects.filter(payout_id=payout.pk, kind=BreakKind.OURS_ONLY, resolved_at=None)
    return rows.exists()


def _require_not_member(person: User, payout: Payout) -> None:
    if is_member(person, payout.client_id):
        raise NotPermitted("Nobody moves money of a client they belong to.")


@transaction.atomic
def confirm_step(*, principal: Principal, step_id: UUID, now: datetime) -> Payout:
    """
    Confirm a step as the second person and do it; give the payout, or its successor.

    :raises NotFoundOrHidden: no such step
    :raises NotPermitted: the second person is one of Finance or an Approver, and no member of the client
    :raises SecondPersonNeeded: it is the person who proposed it
    :raises StaleState: it was confirmed or withdrawn, or the payout has moved on
    :raises PaymentNotRefundable: a successor for a payment in dispute or charged back
    """
    person = person_of(principal)
    if not (is_finance(person) or is_approver(person)):
        raise NotPermitted("The second person is one of Finance, or an Approver.")
    line = lock_line_of(step_id)
    payment = _lock_payment_of(step_id)
    step = lock_step(step_id)
    assert payment is not None, "a step has a payout, and a payout a payment"
    _require_open(step)
    if step.proposed_by_id == person.pk:
        raise SecondPersonNeeded
    payout = lock_payout(step.payout_id)
    payout.payment = payment
    _require_not_member(person, payout)
    _require_possible(payout, StepKind(step.kind), line)
    step.confirmed_by, step.confirmed_at = person, now
    step.save(update_fields=["confirmed_by", "confirmed_at"])
    return _DO[StepKind(step.kind)](payout, payment, step, principal, now)


def _lock_payment_of(step_id: UUID) -> Payment | None:
    """Lock the client (whose bank account must not change meanwhile) and the payment of a step."""
    payout = Payout.objects.filter(steps=step_id).first()
    if payout is None:
        return None
    lock_client(payout.client_id)
    return lock_payment(payout.payment_id)


def _require_open(step: PayoutStep) -> None:
    if step.confirmed_at is not None or step.withdrawn_at is not None:
        raise StaleState(_("This step was confirmed or withdrawn already."))


@transaction.atomic
def withdraw_step(*, principal: Principal, step_id: UUID, now: datetime) -> PayoutStep:
    """
    Take a step back that waits for its second person.

    :raises NotFoundOrHidden: no such step
    :raises NotPermitted: withdrawing is for Finance
    :raises StaleState: it was confirmed or withdrawn
    """
    require_finance(principal)
    step = lock_step(step_id)
    _require_open(step)
    step.withdrawn_at = now
    step.save(update_fields=["withdrawn_at"])
    tell_payout("payout.step_withdrawn", step.payout, principal.actor, now, step=step.pk)
    return step


def _mark_accepted(
    payout: Payout, payment: Payment, step: PayoutStep, principal: Principal, now: datetime
) -> Payout:
    """It was sent: book it. It also counts as arrived; if it comes back, the statement says so."""
    move(
        payout, PayoutState.MANUAL, PayoutState.ACCEPTED, table=PAYOUT,
        accepted_at=now, confirmed_by=step.confirmed_by, failure_code="",
        provider_reference=step.evidence_reference or payout.provider_reference,
    )  # fmt: skip
    ledger.book_payout(payout, now)
    count_as_refunded(payment=payment, amount_minor=payout.amount_minor)
    tell_payout("payout.accepted", payout, principal.actor, now, step=step.pk)
    return payout


def _mark_failed(
    payout: Payout, payment: Payment, step: PayoutStep, principal: Principal, now: datetime
) -> Payout:
    """It was not sent; what was booked of a transfer that the bank never executed is taken back."""
    if payout.state == PayoutState.ACCEPTED:
        ledger.book_return(payout, now)
        count_as_reserved(payment=payment, amount_minor=payout.amount_minor)
    move(
        payout, payout.state, PayoutState.FAILED, table=PAYOUT,
        failure_code=payout.failure_code or "never_executed", ended_at=now, confirmed_by=step.confirmed_by,
    )  # fmt: skip
    tell_payout("payout.failed", payout, principal.actor, now, step=step.pk, code=payout.failure_code)
    return payout


def _replace(
    payout: Payout, payment: Payment, step: PayoutStep, principal: Principal, now: datetime
) -> Payout:
    """Make the successor; the money stays reserved, so nothing is booked."""
    if payment.status != PaymentStatus.CAPTURED:
        raise PaymentNotRefundable
    return _succeed_by(step, payout, payment, principal, now)


def _give_up(
    payout: Payout, payment: Payment, step: PayoutStep, principal: Principal, now: datetime
) -> Payout:
    """Stop the chain with a successor that is cancelled at once: its money is free, its request in review."""
    successor = _succeed_by(step, payout, payment, principal, now)
    cancel_ready(
        payout=successor, payment=payment, principal=principal, reason="payment_charged_back", now=now
    )
    return successor


def _succeed_by(
    step: PayoutStep, payout: Payout, payment: Payment, principal: Principal, now: datetime
) -> Payout:
    return succeed(
        payout, payment, proposed_by=step.proposed_by, confirmed_by=step.confirmed_by,
        principal=principal, now=now, step=step.pk,
    )  # fmt: skip


_DO: Final[dict[StepKind, Callable[[Payout, Payment, PayoutStep, Principal, datetime], Payout]]] = {
    StepKind.MARK_ACCEPTED: _mark_accepted,
    StepKind.MARK_FAILED: _mark_failed,
    StepKind.MARK_RETURNED: book_short_return,
    StepKind.REPLACE: _replace,
    StepKind.GIVE_UP: _give_up,
}
