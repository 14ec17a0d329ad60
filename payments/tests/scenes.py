"""Payments and payouts to act on; other rooms' tests may use them too."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from accounts.principals import SYSTEM
from contracts.models import Contract
from contracts.tests.cast import NOW, stage_named
from events.models import Event
from kernel.ids import new_id
from kernel.money import Money
from payments import checks
from payments.gateways import AnswerKind, GatewayAnswer
from payments.models import Payment, Payout, SandboxFault
from payments.services import (
    capture_payment,
    create_payout,
    look_after_payouts,
    record_payment,
    send_due_payouts,
)

LATER = NOW + timedelta(minutes=1)


def eur(text: str) -> Money:
    return Money.parse(text, "EUR")


def pending_payment(contract: Contract, code: str = "S1", amount: str = "1000.00", **fields: Any) -> Payment:
    return record_payment(
        principal=SYSTEM,
        stage_id=stage_named(contract, code).pk,
        amount=Money.parse(amount, contract.currency),
        **{"method": "bank", "now": NOW, **fields},
    )


def captured_payment(
    contract: Contract, code: str = "S1", amount: str = "1000.00", *, at: datetime = NOW, **fields: Any
) -> Payment:
    payment = pending_payment(contract, code, amount, now=at, **fields)
    return capture_payment(principal=SYSTEM, payment_id=payment.pk, now=at)


def ready_payout(
    payment: Payment, amount: str = "100.00", *, request_id: UUID | None = None, at: datetime = NOW
) -> Payout:
    return create_payout(
        request_id=request_id or new_id(),
        payment=payment,
        amount_minor=Money.parse(amount, payment.currency).minor,
        created_by=None,
        now=at,
    )


def fault(kind: str, *, code: str = "", calls: int = 1) -> SandboxFault:
    return SandboxFault.objects.create(kind=kind, code=code, calls_left=calls)


def send(at: datetime = NOW) -> int:
    return send_due_payouts(now=at)


def look_after(at: datetime) -> int:
    return look_after_payouts(now=at)


def settle(at: datetime = NOW) -> None:
    """Send what is due and look after it until the sandbox is done with it."""
    send(at)
    look_after(at + timedelta(seconds=10))


def violated(now: datetime = NOW) -> list[str]:
    """Name the invariants that are violated, each once."""
    return sorted({found.id for found in checks.find_violations(now)})


def state_of(payout: Payout) -> str:
    payout.refresh_from_db()
    return payout.state


def counters_of(payment: Payment) -> tuple[int, int]:
    payment.refresh_from_db()
    return payment.reserved_minor, payment.refunded_minor


def told(payout: Payout) -> list[str]:
    """Name the events of a payout, in order."""
    events = Event.objects.filter(subject_id=payout.pk).order_by("at", "id")
    return [event.type.removeprefix("payout.") for event in events]


def answer(kind: str, **fields: Any) -> GatewayAnswer:
    return GatewayAnswer(kind=AnswerKind(kind), **fields)
