"""Payments before their money arrived: recorded, authorised, failed, voided."""

import re
from datetime import date, datetime
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.principals import Principal
from accounts.rights import require_money
from contracts.models import Contract, ContractState, Stage
from contracts.selectors import is_member, lock_contract, stage_of
from contracts.services.acts import ContractNotSigned
from events.numbers import next_number
from kernel.days import local_date, zone_of
from kernel.errors import DomainError, Fault, InvalidInput, NotPermitted, StaleState
from kernel.money import CurrencyMismatch, Money
from kernel.states import move
from payments.models import Method, Payment, PaymentStatus, Rail
from payments.selectors import lock_payment, lock_stage, payment_of
from payments.services.coverage import cover_stage, uncover_stage
from payments.services.journal import tell_payment
from payments.states import PAYMENT

AMOUNT_MINOR_MAX = 10**17
TEXT_MAX = 140
REASON_MAX = 500
STRIPE_NAME: Final = re.compile(r"(pi|ch|py)_[A-Za-z0-9_]+")
"""How Stripe names a payment: its intent, or its charge."""


class StageRemoved(DomainError):
    """An amendment took this stage out of the contract."""

    code = "stage_removed"
    title = "This stage is no longer part of the contract."


class ProviderReferenceKnown(DomainError):
    """The provider's reference names another payment already."""

    code = "provider_reference_known"
    kind = "conflict"
    title = "There is a payment with this provider reference already."


@transaction.atomic
def record_payment(
    *,
    principal: Principal,
    stage_id: UUID,
    amount: Money,
    method: str,
    rail: str | None = None,
    reference: str = "",
    provider_reference: str = "",
    value_date: date | None = None,
    now: datetime,
    imported: bool = False,
) -> Payment:
    """
    Record a payment that is expected or announced; it counts for the stage, its money has not arrived.

    `rail` is how money would go back (default: the first that is switched on; through Stripe cards only).
    A card payment through Stripe needs Stripe's name of it: without it the webhook would record it again.

    :raises NotFoundOrHidden: no such stage for this principal
    :raises NotPermitted: recording money is for Finance and systems
    :raises InvalidInput: an amount not above zero, an unknown method or rail, texts that are too long
    :raises ContractNotSigned, StageRemoved, CurrencyMismatch, PaymentAboveStage, ProviderReferenceKnown:
    """
    found = stage_of(principal, stage_id)
    require_money(principal)
    rail = rail or _usual_rail(method)
    _check_input(amount, method, rail, reference, provider_reference)
    contract = lock_contract(found.contract_id)
    stage = lock_stage(stage_id)
    _check_contract(contract, stage, amount)
    cover_stage(stage.pk, amount)
    payment = Payment(
        client_id=contract.client_id,
        contract=contract,
        stage=stage,
        amount_minor=amount.minor,
        currency=amount.currency,
        method=method,
        rail=rail,
        reference=reference,
        provider_reference=provider_reference,
        value_date=value_date,
        created_at=now,
        recorded_by_id=principal.user.pk if principal.user else None,
        imported=imported,
    )
    _number_and_store(payment, now)
    tell_payment("payment.recorded", payment, principal.actor, now, method=method)
    return payment


def _usual_rail(method: str) -> str:
    """Name the first rail that can give money of this method back."""
    rails = settings.PAYOUT_RAILS
    return next((rail for rail in rails if rail != Rail.STRIPE or method == Method.CARD), rails[0])


def _check_input(amount: Money, method: str, rail: str, reference: str, provider_reference: str) -> None:
    """Refuse what no payment can say, all faults at once."""
    faults = []
    if not 0 < amount.minor <= AMOUNT_MINOR_MAX:
        faults.append(Fault(path="amount", message="must be above zero and below the largest amount kept"))
    if method not in (Method.BANK, Method.CARD, Method.CASH):
        faults.append(Fault(path="method", message="must be one of: bank, card, cash"))
    if rail not in settings.PAYOUT_RAILS:
        faults.append(Fault(path="rail", message=f"must be one of: {', '.join(settings.PAYOUT_RAILS)}"))
    if rail == Rail.STRIPE and method == Method.CARD and not STRIPE_NAME.fullmatch(provider_reference):
        message = "must be Stripe's name of the payment (pi_… or ch_…): its messages find it by that"
        faults.append(Fault(path="provider_reference", message=message))
    for path, text in (("reference", reference), ("provider_reference", provider_reference)):
        if len(text) > TEXT_MAX or "\0" in text:
            faults.append(Fault(path=path, message=f"must be a text of at most {TEXT_MAX} characters"))
    if faults:
        raise InvalidInput(faults=faults)


def _check_contract(contract: Contract, stage: Stage, amount: Money) -> None:
    if contract.state == ContractState.DRAFT:
        raise ContractNotSigned("Nothing is paid before the contract is signed.", state=contract.state)
    if stage.is_removed:
        raise StageRemoved
    if amount.currency != contract.currency:
        raise CurrencyMismatch(
            f"The contract is in {contract.currency}, the payment in {amount.currency}.",
            faults=[
                Fault(
                    path="amount.currency", message=f"must be {contract.currency}", code=CurrencyMismatch.code
                )
            ],
        )


def _number_and_store(payment: Payment, now: datetime) -> None:
    """Give the payment its number, last of all locks, and write it down."""
    if payment.provider_reference and _is_known(payment):
        raise ProviderReferenceKnown
    payment.number = number_of_payment(now)
    try:
        with transaction.atomic():
            payment.save(force_insert=True)
    except IntegrityError:
        if payment.provider_reference and _is_known(payment):
            raise ProviderReferenceKnown from None
        raise


def _is_known(payment: Payment) -> bool:
    return Payment.objects.filter(rail=payment.rail, provider_reference=payment.provider_reference).exists()


def number_of_payment(now: datetime) -> str:
    """Take the next number of a payment, in the year of the company's zone."""
    return next_number("P", local_date(now, zone_of(settings.COMPANY_TIME_ZONE)).year)


def require_not_member(principal: Principal, client_id: UUID) -> None:
    """
    Let nobody move money of a client they belong to.

    :raises NotPermitted: the person is a member of the client
    """
    if principal.user is not None and is_member(principal.user, client_id):
        raise NotPermitted("Nobody moves money of a client they belong to.")


@transaction.atomic
def authorise_payment(*, principal: Principal, payment_id: UUID, now: datetime) -> Payment:
    """
    Note that provider or bank promised the money.

    :raises NotFoundOrHidden, NotPermitted:
    :raises StaleState: the payment is no longer pending
    """
    payment_of(principal, payment_id)
    require_money(principal)
    payment = lock_payment(payment_id)
    move(payment, PaymentStatus.PENDING, PaymentStatus.AUTHORISED, table=PAYMENT, field="status")
    tell_payment("payment.authorised", payment, principal.actor, now)
    return payment


@transaction.atomic
def fail_payment(*, principal: Principal, payment_id: UUID, reason: str = "", now: datetime) -> Payment:
    """
    Note that the money will not come; the stage owes it again.

    :raises NotFoundOrHidden, NotPermitted:
    :raises StaleState: the payment is neither pending nor authorised
    """
    return _end_without_money(principal, payment_id, PaymentStatus.FAILED, reason, now)


@transaction.atomic
def void_payment(*, principal: Principal, payment_id: UUID, reason: str = "", now: datetime) -> Payment:
    """
    Take a payment back that was recorded by mistake or given up; the stage owes it again.

    :raises NotFoundOrHidden, NotPermitted:
    :raises StaleState: the payment is neither pending nor authorised
    """
    return _end_without_money(principal, payment_id, PaymentStatus.VOIDED, reason, now)


def _end_without_money(
    principal: Principal, payment_id: UUID, to: PaymentStatus, reason: str, now: datetime
) -> Payment:
    found = payment_of(principal, payment_id)
    require_money(principal)
    check_reason(reason)
    lock_contract(found.contract_id)
    payment = lock_payment(payment_id)
    if payment.status not in (PaymentStatus.PENDING, PaymentStatus.AUTHORISED):
        raise StaleState(
            _("The payment is “%(status)s”; its money was confirmed or given up.")
            % {"status": payment.status}
        )
    move(payment, payment.status, to, table=PAYMENT, field="status", status_reason=reason)
    uncover_stage(payment.stage_id, payment.amount_minor)
    tell_payment(f"payment.{to.value}", payment, principal.actor, now)
    return payment


def check_reason(reason: str, *, needed: bool = False) -> None:
    """
    :raises InvalidInput: a reason that is too long, or missing where one is needed
    """
    if len(reason) > REASON_MAX or "\0" in reason:
        raise InvalidInput(
            faults=[Fault(path="reason", message=f"must be a text of at most {REASON_MAX} characters")]
        )
    if needed and not reason.strip():
        raise InvalidInput(faults=[Fault(path="reason", message="must say why")])
