"""
What Stripe's answers mean for a payout. Whatever is not listed here is unknown, never failed.

Sources: https://docs.stripe.com/api/refunds/object, https://docs.stripe.com/error-codes,
https://docs.stripe.com/error-low-level, https://docs.stripe.com/api/idempotent_requests.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import stripe
import structlog

from kernel.money import Money
from payments.gateways.protocol import TOO_MANY, AnswerKind, GatewayAnswer
from payments.gateways.stripe.currencies import AmountNotAtStripe, from_stripe

log = structlog.get_logger(__name__)

REFUND_KINDS: Final[Mapping[str, AnswerKind]] = {
    "pending": AnswerKind.ACCEPTED,
    "requires_action": AnswerKind.ACCEPTED,
    "succeeded": AnswerKind.SETTLED,
    "failed": AnswerKind.FAILED,
    "canceled": AnswerKind.FAILED,
}

REFUND_FAILED: Final = "refund_failed"
"""The refund stands in Stripe's book as failed or cancelled: its money lies with the company again."""

NOT_EXECUTED: Final = frozenset(
    {
        "charge_already_refunded",
        "charge_disputed",
        "charge_not_refundable",
        "refund_disputed_payment",
    }
)
"""Refusals of a new refund that prove that none was made."""

NO_BALANCE: Final = frozenset({"balance_insufficient", "insufficient_funds"})
BALANCE_AGAIN_AFTER: Final = timedelta(hours=1)
IN_USE_AGAIN_AFTER: Final = timedelta(seconds=30)
WAIT_MAX_S: Final = 3600
WAIT_USUAL_S: Final = 30


def answer_of_refund(refund: Mapping[str, Any], payout: str) -> GatewayAnswer:
    """
    Read a refund of Stripe's; `payout` is what its metadata must say.

    An object that is not as documented proves nothing: `unknown`.
    """
    try:
        metadata, reference = refund["metadata"] or {}, refund["id"]
        kind = REFUND_KINDS.get(refund["status"])
        amount = amount_of(refund)
        is_refund = refund["object"] == "refund" and isinstance(reference, str)
    except (LookupError, TypeError, AmountNotAtStripe) as error:
        return _alarming("odd_refund", type(error).__name__)
    if not is_refund or metadata.get("payout") != payout:
        return _alarming("odd_refund", "another object")
    if kind is None:
        return _alarming("unknown_status", str(refund["status"])[:100])
    if refund.get("pending_reason") == "insufficient_funds":
        log.error("provider_balance_too_low", rail="stripe", payout=payout)
    return GatewayAnswer(
        kind=kind,
        code=REFUND_FAILED if kind == AnswerKind.FAILED else "",
        reference=reference,
        detail=str(refund.get("failure_reason") or refund.get("pending_reason") or "")[:200],
        amount=amount,
    )


def amount_of(thing: Mapping[str, Any], field: str = "amount") -> Money:
    """
    Read the amount of an object of Stripe's.

    :raises LookupError, TypeError: it has none that is a whole number
    :raises AmountNotAtStripe: it is no whole amount of a known currency
    """
    written, currency = thing[field], thing["currency"]
    if type(written) is not int or not isinstance(currency, str):
        raise TypeError("no amount")
    return from_stripe(written, currency)


def answer_of_error(error: stripe.StripeError, payout: str, now: datetime) -> GatewayAnswer:
    """Read a refusal of a call for a payout, or the lack of an answer."""
    status, code, kind = error.http_status or 0, code_of(error), _type_of(error)
    detail = f"{status or ''} {kind} {code}".strip()
    if status == 429:
        return GatewayAnswer(
            kind=AnswerKind.WAIT, code=code or TOO_MANY, detail=detail, retry_at=now + _told_to_wait(error)
        )
    if status == 409 or code == "idempotency_key_in_use":
        # Somebody's call with this very key is at work: ours, which was given up. It may do something yet.
        again = now + IN_USE_AGAIN_AFTER
        return GatewayAnswer(
            kind=AnswerKind.UNKNOWN, code="idempotency_key_in_use", detail=detail, retry_at=again
        )
    if kind == "idempotency_error":
        log.error("payout_key_has_other_terms", rail="stripe", payout=payout)
        return GatewayAnswer(kind=AnswerKind.MANUAL, code="key_has_other_terms", detail=detail)
    if status == 402 or (400 <= status < 500 and code in NO_BALANCE):
        log.error("provider_balance_too_low", rail="stripe", payout=payout)
        return GatewayAnswer(
            kind=AnswerKind.WAIT, code=code, detail=detail, retry_at=now + BALANCE_AGAIN_AFTER
        )
    if 400 <= status < 500 and code in NOT_EXECUTED:
        return GatewayAnswer(kind=AnswerKind.FAILED, code=code, detail=detail)
    if 400 <= status < 500:
        return _alarming(code or "refused", detail)
    return GatewayAnswer(kind=AnswerKind.UNKNOWN, code=code, detail=detail or str(error.user_message)[:200])


def code_of(error: stripe.StripeError) -> str:
    """Give the code of a refusal; the SDK keeps it for some kinds of errors only."""
    return str(_told(error).get("code") or "")[:60]


def _type_of(error: stripe.StripeError) -> str:
    return str(_told(error).get("type") or "")[:60]


def _told(error: stripe.StripeError) -> Mapping[str, Any]:
    body = error.json_body
    told = body.get("error") if isinstance(body, dict) else None
    return told if isinstance(told, dict) else {}


def _told_to_wait(error: stripe.StripeError) -> timedelta:
    """Read `Retry-After` in seconds; a date, nonsense or nothing is the usual time."""
    text = str((error.headers or {}).get("retry-after", ""))
    seconds = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else WAIT_USUAL_S
    return timedelta(seconds=min(max(seconds, 1), WAIT_MAX_S))


def _alarming(code: str, detail: str) -> GatewayAnswer:
    """Nothing that can be relied on, and nothing that passes by itself."""
    log.error("provider_answer_not_understood", rail="stripe", code=code, detail=detail)
    return GatewayAnswer(kind=AnswerKind.UNKNOWN, code=code[:60], detail=detail)
