"""
What an event of Stripe's leads to: it only names an object, whose present state is fetched and acted upon.

So events may come twice, late, or in any order. Only the instant of `payment_intent.succeeded` is taken from
the event itself: it says when the money was confirmed, and no object does.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from accounts.principals import SYSTEM
from payments.gateways.protocol import AnswerKind, ProviderLine
from payments.gateways.stripe import Contradiction, IntentFound, ObjectGone, StripeReader
from payments.gateways.stripe.objects import DisputeState, IntentState
from payments.models import Method, Payment, PaymentStatus, Payout, ProviderEvent, Rail
from payments.selectors import lock_payment, lock_payout
from payments.services.capture import capture_payment, provider_capture_instant
from payments.services.disputes import charge_back_payment, dispute_payment, resolve_dispute
from payments.services.payments import authorise_payment, fail_payment, record_payment
from payments.services.reconciliation import GONE_WELL, book_line, leave_theirs

READER: Final = StripeReader()

SUCCEEDED: Final = "payment_intent.succeeded"
TRY_FAILED: Final = "payment_intent.payment_failed"
REFUND_NAME: Final = re.compile(r"(re|pyr)_")
"""How Stripe's name of a refund begins; what people noted as proof is another name."""

_AWAITED: Final = (PaymentStatus.PENDING, PaymentStatus.AUTHORISED)
_ENDED_WITHOUT_MONEY: Final = (PaymentStatus.FAILED, PaymentStatus.VOIDED)

SUBSCRIBED: Final = (
    SUCCEEDED,
    TRY_FAILED,
    "payment_intent.processing",
    "payment_intent.amount_capturable_updated",
    "payment_intent.canceled",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "refund.created",
    "refund.updated",
    "refund.failed",
)
"""What the endpoint at Stripe is to send; everything else is kept and ignored."""


class NotYet(Exception):
    """Something that comes before this event is still to be worked off."""


class BadEvent(ValueError):
    """A message that is no event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is believed of an event: its own name, kind and instant, and which object it is about."""

    id: str
    type: str
    livemode: bool
    created_at: datetime
    object_kind: str
    object_id: str
    received_at: datetime


def read_event(body: bytes, *, received_at: datetime) -> Told:
    """
    Read a message of Stripe's.

    :raises BadEvent: it is no event
    """
    try:
        event = json.loads(body)
        thing = event["data"]["object"]
        told = Told(
            id=event["id"],
            type=event["type"],
            livemode=event["livemode"],
            created_at=datetime.fromtimestamp(event["created"], UTC),
            object_kind=str(thing.get("object", "")),
            object_id=str(thing.get("id", "")),
            received_at=received_at,
        )
    except (
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        OverflowError,
        OSError,
        RecursionError,
    ) as error:
        raise BadEvent(type(error).__name__) from error
    is_named = all(isinstance(text, str) and 0 < len(text) <= 140 for text in (told.id, told.type))
    if event.get("object") != "event" or not is_named or "\0" in told.id + told.type:
        raise BadEvent("not an event")
    if told.livemode not in (True, False):
        raise BadEvent("neither live nor test mode")
    return told


def work_stripe_event(event: ProviderEvent, now: datetime) -> str:
    """
    Do what an event leads to, if it is not done yet; say in a word what that was.

    :raises Unreachable: Stripe does not answer now
    :raises Contradiction, NotYet, DomainError: it cannot be worked off as things are
    """
    told = read_event(bytes(event.body), received_at=event.received_at)
    work = _WORK.get(told.object_kind)
    if work is None or not told.object_id:
        return "ignored"
    try:
        return work(told, now)
    except ObjectGone:
        return "gone"


# Payments


def _work_intent(told: Told, now: datetime) -> str:
    found = READER.intent(told.object_id)
    if found.stage_id is None:
        return "not_ours"
    payment = _payment_of(found)
    if found.state == IntentState.PAID:
        return _capture(found, payment, told, now) if told.type == SUCCEEDED else "paid"
    if found.state == IntentState.PROMISED:
        return _authorise(found, payment, now)
    is_over = found.state == IntentState.GIVEN_UP or told.type == TRY_FAILED
    if is_over and payment is not None and payment.status in _AWAITED:
        fail_payment(principal=SYSTEM, payment_id=payment.pk, reason=found.why, now=now)
        return "failed"
    return "nothing"


def _payment_of(found: IntentFound) -> Payment | None:
    """Find the payment of an intent; one that ended without money is not it any more."""
    names = [name for name in (found.reference, found.charge) if name]
    rows = Payment.objects.filter(rail=Rail.STRIPE, provider_reference__in=names)
    return rows.exclude(status__in=_ENDED_WITHOUT_MONEY).first()


def _record(found: IntentFound, now: datetime) -> Payment:
    """
    Record a payment that was made at Stripe, under the intent's name.

    A second try of an intent whose first one failed here stands under the name of its charge. One that stands
    under the intent's name and has not ended was recorded by somebody else just now: that is refused.

    :raises NotYet: the second try has no charge that names it
    :raises Contradiction: a card payment of the stage was recorded without a name, and may be this one
    """
    assert found.stage_id is not None
    _require_no_nameless(found.stage_id)
    ended = Payment.objects.filter(status__in=_ENDED_WITHOUT_MONEY)
    known = ended.filter(rail=Rail.STRIPE, provider_reference=found.reference).exists()
    if known and not found.charge:
        raise NotYet("the second try of this payment has no charge yet")
    return record_payment(
        principal=SYSTEM,
        stage_id=found.stage_id,
        amount=found.amount,
        method=Method.CARD,
        rail=Rail.STRIPE,
        provider_reference=found.charge if known else found.reference,
        now=now,
    )


def _require_no_nameless(stage_id: UUID) -> None:
    rows = Payment.objects.filter(stage_id=stage_id, rail=Rail.STRIPE, method=Method.CARD)
    nameless = rows.filter(provider_reference="").exclude(status__in=_ENDED_WITHOUT_MONEY).first()
    if nameless is not None:
        raise Contradiction(f"{nameless.number} was recorded without Stripe's name and may be this payment")


def _authorise(found: IntentFound, payment: Payment | None, now: datetime) -> str:
    payment = payment or _record(found, now)
    if payment.status != PaymentStatus.PENDING:
        return "nothing"
    authorise_payment(principal=SYSTEM, payment_id=payment.pk, now=now)
    return "authorised"


def _capture(found: IntentFound, payment: Payment | None, told: Told, now: datetime) -> str:
    payment = payment or _record(found, now)
    if payment.status not in _AWAITED:
        return "nothing"
    if (payment.amount_minor, payment.currency) != (found.amount.minor, found.amount.currency):
        raise Contradiction(f"{payment.number}: {found.amount} arrived, another amount was recorded")
    capture_payment(
        principal=SYSTEM,
        payment_id=payment.pk,
        captured_at=provider_capture_instant(provider_at=told.created_at, received_at=told.received_at),
        received_at=told.received_at,
        now=now,
    )
    return "captured"


# Disputes


def _work_dispute(told: Told, now: datetime) -> str:
    """Bring a payment to where all its disputes together stand."""
    reference = READER.dispute_is_of(told.object_id)
    intent = READER.intent(reference) if reference else None
    if intent is None or intent.stage_id is None:
        return "not_ours"
    payment = _payment_of(intent)
    if payment is None or payment.status in _AWAITED:
        raise NotYet("the payment in dispute is not captured yet")
    found = READER.disputes_of(reference)
    who_and_what: dict[str, Any] = {
        "principal": SYSTEM,
        "payment_id": payment.pk,
        "reason": f"Stripe {told.object_id}",
        "now": now,
    }
    if payment.status == PaymentStatus.CHARGED_BACK:
        if found.state != DisputeState.LOST:
            raise Contradiction(f"{payment.number} was charged back, its dispute is {found.state}")
        if found.lost.minor != payment.charged_back_minor:
            raise Contradiction(f"{payment.number} was charged back, its disputes took {found.lost} in all")
        return "nothing"
    if found.state == DisputeState.LOST:
        charge_back_payment(amount=found.lost, **who_and_what)
        return "charged_back"
    if found.state == DisputeState.OPEN and payment.status == PaymentStatus.CAPTURED:
        dispute_payment(**who_and_what)
        return "disputed"
    if found.state == DisputeState.WON and payment.status == PaymentStatus.DISPUTED:
        resolve_dispute(**who_and_what)
        return "dispute_won"
    return "nothing"


# Refunds


def _work_refund(told: Told, now: datetime) -> str:
    """Book how far a refund is; money that went back by no order of ours is a difference at once."""
    line = READER.refund(told.object_id)
    if line.kind == AnswerKind.UNKNOWN:
        raise Contradiction(f"a refund that cannot be read: {line.code}")
    payout = Payout.objects.filter(pk=line.key, rail=Rail.STRIPE).first() if line.key else None
    if payout is not None:
        return _book_refund(payout, line, now)
    if line.kind == AnswerKind.FAILED:
        return "not_ours"
    leave_theirs(line, rail=Rail.STRIPE.value, now=now)
    return "not_ordered"


@transaction.atomic
def _book_refund(payout: Payout, line: ProviderLine, now: datetime) -> str:
    """Book a refund of a payout, unless it moved the money of that payout a second time."""
    lock_payment(payout.payment_id)
    payout = lock_payout(payout.pk)
    known = payout.provider_reference
    if line.kind in GONE_WELL and REFUND_NAME.match(known) and known != line.reference:
        leave_theirs(line, payout, rail=Rail.STRIPE.value, now=now)
        return "second_time"
    book_line(payout, line, now)
    return line.kind.value


_WORK: Final[dict[str, Callable[[Told, datetime], str]]] = {
    "payment_intent": _work_intent,
    "dispute": _work_dispute,
    "refund": _work_refund,
}
