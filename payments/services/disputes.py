"""Disputes and chargebacks: the bank of a client takes money back, or wants to."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.principals import Principal
from accounts.rights import require_money
from contracts.selectors import lock_contract
from events.actors import Actor
from kernel.errors import DomainError, Fault, InvalidInput, StaleState
from kernel.money import Money
from kernel.states import move
from payments import ledger
from payments.models import BreakKind, Method, Payment, PaymentStatus, Payout, PayoutState
from payments.selectors import lock_payment, payment_of
from payments.services.breaks import leave_break
from payments.services.coverage import uncover_stage
from payments.services.journal import tell_payment
from payments.services.payments import check_reason, require_not_member
from payments.services.refunds import cancel_ready
from payments.states import PAYMENT


class CreditNotDisputable(DomainError):
    """A credit came from the company itself: no bank stands behind it."""

    code = "credit_not_disputable"
    title = "An exchange credit cannot be disputed or charged back."


@transaction.atomic
def dispute_payment(*, principal: Principal, payment_id: UUID, reason: str = "", now: datetime) -> Payment:
    """
    Note that a chargeback is open. Nothing of this payment is sent meanwhile.

    :raises NotFoundOrHidden, NotPermitted:
    :raises CreditNotDisputable: the payment is a credit
    :raises StaleState: the payment is not captured
    """
    payment_of(principal, payment_id)
    require_money(principal)
    check_reason(reason)
    payment = _lock_real(payment_id)
    _dispute(payment, principal, reason, now)
    return payment


def _lock_real(payment_id: UUID) -> Payment:
    payment = lock_payment(payment_id)
    if payment.method == Method.CREDIT:
        raise CreditNotDisputable
    return payment


def _dispute(payment: Payment, principal: Principal, reason: str, now: datetime) -> None:
    move(
        payment, PaymentStatus.CAPTURED, PaymentStatus.DISPUTED,
        table=PAYMENT, field="status", status_reason=reason,
    )  # fmt: skip
    tell_payment("payment.disputed", payment, principal.actor, now)


@transaction.atomic
def resolve_dispute(*, principal: Principal, payment_id: UUID, reason: str = "", now: datetime) -> Payment:
    """
    Note that a dispute ended for the company: the payment is captured as before.

    :raises NotFoundOrHidden, NotPermitted:
    :raises StaleState: the payment is not in dispute
    """
    found = payment_of(principal, payment_id)
    require_money(principal)
    require_not_member(principal, found.client_id)
    check_reason(reason)
    payment = lock_payment(payment_id)
    move(
        payment, PaymentStatus.DISPUTED, PaymentStatus.CAPTURED,
        table=PAYMENT, field="status", status_reason=reason,
    )  # fmt: skip
    tell_payment("payment.dispute_won", payment, principal.actor, now)
    return payment


@transaction.atomic
def charge_back_payment(
    *,
    principal: Principal,
    payment_id: UUID,
    amount: Money | None = None,
    reason: str = "",
    now: datetime,
) -> Payment:
    """
    Record a lost chargeback (of the whole payment unless an amount is given): it is always recorded.

    Payouts of this payment that were not sent yet are cancelled. What has gone back twice becomes a break of
    the kind `double_return`. A chargeback without a dispute before it opens one at once.

    :raises NotFoundOrHidden, NotPermitted:
    :raises InvalidInput: an amount that is not within the payment
    :raises CreditNotDisputable: the payment is a credit
    :raises StaleState: the payment is neither captured nor in dispute
    """
    found = payment_of(principal, payment_id)
    require_money(principal)
    check_reason(reason)
    lost = Money(found.amount_minor, found.currency) if amount is None else amount
    _check_amount(lost, found)
    lock_contract(found.contract_id)
    payment = _lock_real(payment_id)
    if payment.status == PaymentStatus.CAPTURED:
        _dispute(payment, principal, reason, now)
    if payment.status != PaymentStatus.DISPUTED:
        raise StaleState(
            _("The payment is “%(status)s”.") % {"status": payment.status},
            expected=PaymentStatus.DISPUTED.value,
        )
    move(
        payment, PaymentStatus.DISPUTED, PaymentStatus.CHARGED_BACK, table=PAYMENT, field="status",
        charged_back_minor=lost.minor, status_reason=reason,
    )  # fmt: skip
    uncover_stage(payment.stage_id, lost.minor)
    ledger.book_chargeback(payment, lost, now)
    # The rooms above see the payment as it is now: charged back. One that a sender is just taking is left.
    ready = Payout.objects.select_for_update(no_key=True).filter(payment=payment, state=PayoutState.READY)
    for payout in ready.order_by("id"):
        cancel_ready(
            payout=payout, payment=payment, principal=principal, reason="payment_charged_back", now=now
        )
    excess = _note_excess(payment, principal.actor, now)
    tell_payment("payment.charged_back", payment, principal.actor, now, lost=lost.text, excess=excess.text)
    return payment


def _check_amount(lost: Money, payment: Payment) -> None:
    if lost.currency != payment.currency or not 0 < lost.minor <= payment.amount_minor:
        message = f"must be above zero and at most {Money(payment.amount_minor, payment.currency)}"
        raise InvalidInput(faults=[Fault(path="amount", message=message)])


def _note_excess(payment: Payment, actor: Actor, now: datetime) -> Money:
    """Leave a break for what went, or is going, back twice."""
    given_back = payment.reserved_minor + payment.refunded_minor + payment.charged_back_minor
    excess = Money(max(0, given_back - payment.amount_minor), payment.currency)
    if excess:
        leave_break(kind=BreakKind.DOUBLE_RETURN, payment_id=payment.pk, amount=excess, now=now, actor=actor)
    return excess
