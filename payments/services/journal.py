"""Events about money: what every one of them carries."""

from datetime import datetime
from typing import Any

from events.actors import Actor
from events.services import record_event
from kernel.money import Money
from payments.models import Payment, Payout


def tell_payment(type: str, payment: Payment, actor: Actor, at: datetime, **data: Any) -> None:
    """Write an event about a payment: ids and codes only."""
    record_event(
        type=type,
        subject_type="payment",
        subject_id=payment.pk,
        client_id=payment.client_id,
        actor=actor,
        at=at,
        data={
            "number": payment.number,
            "contract": payment.contract_id,
            "stage": payment.stage_id,
            "amount": Money(payment.amount_minor, payment.currency).text,
            "currency": payment.currency,
            **data,
        },
    )


def tell_payout(type: str, payout: Payout, actor: Actor, at: datetime, **data: Any) -> None:
    """Write an event about a payout: ids and codes only."""
    record_event(
        type=type,
        subject_type="payout",
        subject_id=payout.pk,
        client_id=payout.client_id,
        actor=actor,
        at=at,
        data={
            "request": payout.request_id,
            "payment": payout.payment_id,
            "amount": Money(payout.amount_minor, payout.currency).text,
            "currency": payout.currency,
            **data,
        },
    )
