"""
The money of an approved refund: reserved, sent as a payout or given as a credit, released.

Called inside the transaction that approves or takes back a request; the payment's row is locked.
`create_payout` and `issue_credit` set the money aside themselves.
"""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F

from accounts.models import User
from accounts.principals import Principal
from accounts.rights import require_finance
from contracts.models import Stage
from contracts.selectors import is_member
from events.actors import SYSTEM_ACTOR, Actor
from kernel.errors import DomainError, NotPermitted
from kernel.money import CurrencyMismatch, Money
from kernel.states import move
from payments import hooks, ledger
from payments.models import Method, Payment, PaymentStatus, Payout, PayoutState
from payments.selectors import lock_payment, lock_payout, payout_of
from payments.services.bank_accounts import destination_of
from payments.services.capture import allocate
from payments.services.coverage import cover_stage
from payments.services.journal import tell_payment, tell_payout
from payments.services.payments import check_reason, number_of_payment
from payments.states import PAYMENT, PAYOUT


class RefundExceedsPayment(DomainError):
    """The payment holds less than this refund."""

    code = "refund_exceeds_payment"
    kind = "conflict"
    title = "Not so much is left of this payment."


def reserve_refund(*, payment: Payment, amount_minor: int) -> None:
    """
    Set an amount (minor units) of a payment aside for a refund, in the counters; the payment is locked.

    :raises RefundExceedsPayment: less is left after refunds, reservations and chargebacks
    """
    if amount_minor <= 0:
        raise RefundExceedsPayment(payment=payment.pk)
    room = F("amount_minor") - F("charged_back_minor") - F("reserved_minor") - F("refunded_minor")
    changed = (
        Payment.objects.annotate(room=room)
        .filter(pk=payment.pk, room__gte=amount_minor)
        .update(reserved_minor=F("reserved_minor") + amount_minor)
    )
    if not changed:
        raise RefundExceedsPayment(payment=payment.pk)
    refresh_counters(payment)


def release_refund(*, payment: Payment, amount_minor: int) -> None:
    """Give an amount (minor units) that was set aside free again, in the counters; the payment is locked."""
    _count(payment, reserved=-amount_minor)


def count_as_refunded(*, payment: Payment, amount_minor: int) -> None:
    """Turn an amount (minor units) that was set aside into a refunded one; the payment is locked."""
    _count(payment, reserved=-amount_minor, refunded=amount_minor)


def count_as_reserved(*, payment: Payment, amount_minor: int) -> None:
    """Set a refunded amount (minor units) that came back aside again; the payment is locked."""
    _count(payment, reserved=amount_minor, refunded=-amount_minor)


def _count(payment: Payment, *, reserved: int = 0, refunded: int = 0) -> None:
    Payment.objects.filter(pk=payment.pk).update(
        reserved_minor=F("reserved_minor") + reserved, refunded_minor=F("refunded_minor") + refunded
    )
    refresh_counters(payment)


def refresh_counters(payment: Payment) -> None:
    """Read a payment's counters again after they were changed in the database."""
    payment.refresh_from_db(fields=["reserved_minor", "refunded_minor"])


@transaction.atomic
def create_payout(
    *,
    request_id: UUID,
    payment: Payment,
    amount_minor: int,
    created_by: User | None,
    now: datetime,
) -> Payout:
    """
    Reserve an approved refund (minor units), book it as owed, and make its payout, ready to be sent.

    Where money goes through a bank it goes to the client's account, and waits while that was just changed.
    The client's row is locked. No event of its own: it is part of the approval.

    :raises RefundExceedsPayment: less is left of the payment
    """
    reserve_refund(payment=payment, amount_minor=amount_minor)
    destination = destination_of(client_id=payment.client_id, rail=payment.rail, now=now)
    payout = Payout(
        request_id=request_id,
        payment=payment,
        client_id=payment.client_id,
        amount_minor=amount_minor,
        currency=payment.currency,
        rail=payment.rail,
        destination_id=destination.account_id,
        not_before=destination.not_before,
        created_at=now,
        created_by=created_by,
    )
    payout.save(force_insert=True)
    ledger.book_reserve(payout, now)
    return payout


@transaction.atomic
def issue_credit(
    *,
    request_id: UUID,
    payment: Payment,
    target_stage: Stage,
    amount_minor: int,
    now: datetime,
    actor: Actor = SYSTEM_ACTOR,
) -> Payment:
    """
    Give a refund (minor units) as a credit towards a stage of the same client: a payment without a window.

    The target's contract is locked before the payment.

    :raises CurrencyMismatch: the target's contract is in another currency
    :raises PaymentAboveStage: the target stage owes less
    :raises RefundExceedsPayment: less is left of the payment
    """
    contract = target_stage.contract
    if contract.currency != payment.currency:
        raise CurrencyMismatch(f"The credit is in {payment.currency}, the contract in {contract.currency}.")
    reserve_refund(payment=payment, amount_minor=amount_minor)
    cover_stage(target_stage.pk, Money(amount_minor, payment.currency))
    credit = Payment(
        number=number_of_payment(now),
        client_id=payment.client_id,
        contract=contract,
        stage=target_stage,
        amount_minor=amount_minor,
        currency=payment.currency,
        method=Method.CREDIT,
        rail=payment.rail,
        created_at=now,
        credit_of_request_id=request_id,
    )
    credit.save(force_insert=True)
    move(
        credit, PaymentStatus.PENDING, PaymentStatus.CAPTURED, table=PAYMENT, field="status", captured_at=now
    )
    allocate(credit)
    ledger.book_credit(payment, credit, request_id, now)
    count_as_refunded(payment=payment, amount_minor=amount_minor)
    tell_payment("credit.issued", credit, actor, now, request=request_id, source_payment=payment.pk)
    return credit


@transaction.atomic
def cancel_payout(*, principal: Principal, payout_id: UUID, reason: str, now: datetime) -> Payout:
    """
    Cancel a payout that was not sent: its money is free again and its request goes back to review.

    :raises NotFoundOrHidden: no such payout for this principal
    :raises NotPermitted: cancelling is for Finance
    :raises InvalidInput: no reason
    :raises StaleState: it is on its way already
    """
    found = payout_of(principal, payout_id)
    person = require_finance(principal)
    if is_member(person, found.client_id):
        raise NotPermitted("Nobody moves money of a client they belong to.")
    check_reason(reason, needed=True)
    payment = lock_payment(found.payment_id)
    payout = lock_payout(payout_id)
    cancel_ready(payout=payout, payment=payment, principal=principal, reason=reason, now=now)
    return payout


def cancel_ready(
    *, payout: Payout, payment: Payment, principal: Principal, reason: str, now: datetime
) -> None:
    """
    Cancel a payout that is ready, free its money and tell the rooms above; the payment is locked.

    :raises StaleState: it is on its way already
    """
    move(payout, PayoutState.READY, PayoutState.CANCELLED, table=PAYOUT, note=reason, ended_at=now)
    payout.payment = payment
    release_refund(payment=payment, amount_minor=payout.amount_minor)
    ledger.book_release(payout, now)
    tell_payout("payout.cancelled", payout, principal.actor, now)
    hooks.payout_cancelled(payout=payout, principal=principal, reason=reason, now=now)
