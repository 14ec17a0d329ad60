"""
A payment to ask about, and how far its case has come; each test changes only what it is about.

Alice paid 1,000.00 EUR for stage S1 on Monday, 1 June 2026, ten o'clock in Berlin (`NOW`); her window ends
with Thursday. `LATER` is an hour after the payment.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

from accounts.groups import REVIEWER
from accounts.models import User
from accounts.principals import Principal
from accounts.services import create_user
from contracts.models import Contract, Document, Stage
from contracts.services import add_document
from contracts.tests.cast import NOW, Cast, delivered_stage, make_cast, signed_contract, stage_named
from kernel.money import Money
from payments.models import Payment
from payments.services.capture import capture_payment
from payments.services.payments import record_payment
from refunds import services
from refunds.models import Decision, RefundRequest

LATER = NOW + timedelta(hours=1)
TEXT = b"What was agreed, and what was found.\n"


@dataclass(frozen=True, slots=True)
class Scene:
    """The cast, a signed contract, and the payment of its stage S1."""

    cast: Cast
    contract: Contract
    payment: Payment

    @property
    def stage(self) -> Stage:
        return stage_named(self.contract, "S1")


def paid(
    cast: Cast,
    contract: Contract,
    code: str = "S1",
    amount: str | None = None,
    *,
    method: str = "bank",
    rail: str | None = None,
    provider_reference: str = "",
    at: datetime = NOW,
) -> Payment:
    """A captured payment of a stage: of all of it unless an amount is given."""
    stage = stage_named(contract, code)
    money = Money(stage.amount_minor, contract.currency)
    payment = record_payment(
        principal=cast.as_finn,
        stage_id=stage.pk,
        amount=money if amount is None else Money.parse(amount, contract.currency),
        method=method,
        rail=rail,
        provider_reference=provider_reference,
        now=at,
    )
    return capture_payment(principal=cast.as_finn, payment_id=payment.pk, now=at)


def make_scene(
    *, kind: str = "business", is_delivered: bool = False, rail: str | None = None, **fields: Any
) -> Scene:
    """The default scene; with `is_delivered` S1 was delivered the day before it was paid."""
    cast = make_cast(kind=kind)
    contract = signed_contract(cast, **fields)
    if is_delivered:
        delivered_stage(cast, contract, "S1")
    return Scene(cast, contract, paid(cast, contract, rail=rail))


def another_reviewer(name: str = "rosa", *groups: str) -> Principal:
    """One more of the staff who reviews."""
    person: User = create_user(
        email=f"{name}@company.example", name=name.title(), is_staff=True, groups=list(groups or (REVIEWER,))
    )
    return Principal(user=person)


def applied(scene: Scene, *, now: datetime = LATER, **fields: Any) -> RefundRequest:
    """Alice's application; other fields as of `apply_for_refund`."""
    given = {
        "principal": scene.cast.as_alice,
        "payment_id": scene.payment.pk,
        "reason": "not_as_agreed",
        "statement": "Orders get lost.",
        "now": now,
    }
    return services.apply_for_refund(**{**given, **fields})


def in_review(scene: Scene, *, now: datetime = LATER, **fields: Any) -> RefundRequest:
    """Alice's application, taken up by Rita."""
    request = applied(scene, now=now, **fields)
    return services.start_review(principal=scene.cast.as_rita, request_id=request.pk, now=now)


def proposed(scene: Scene, *, now: datetime = LATER, **fields: Any) -> RefundRequest:
    """Alice's application with Rita's proposal."""
    request = in_review(scene, now=now, **fields)
    services.propose_answer(principal=scene.cast.as_rita, request_id=request.pk, now=now)
    return again(request)


def approved(scene: Scene, *, now: datetime = LATER, **fields: Any) -> RefundRequest:
    """Alice's application, proposed by Rita and approved by Arno."""
    request = proposed(scene, now=now, **fields)
    approve(scene, request, now=now)
    return again(request)


def approve(
    scene: Scene, request: RefundRequest, principal: Principal | None = None, *, now=LATER
) -> Decision:
    return services.approve_request(principal=principal or scene.cast.as_arno, request_id=request.pk, now=now)


def again(request: RefundRequest) -> RefundRequest:
    """The request as the database has it now."""
    return RefundRequest.objects.get(pk=request.pk)


def evidence(scene: Scene, *, kind: str = "evidence", now: datetime = LATER) -> Document:
    """A document of the contract that proves something."""
    return add_document(
        principal=scene.cast.as_rita,
        contract_id=scene.contract.pk,
        kind=kind,
        title=f"{kind} of the day",
        file=BytesIO(TEXT),
        file_name="note.txt",
        now=now,
    )


def eur(text: str) -> Money:
    return Money.parse(text, "EUR")
