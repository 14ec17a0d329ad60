"""The rail `stripe`: a refund of a payment, under the id of its payout, found again by its metadata."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import stripe
import structlog

from kernel.money import Money
from payments.crashes import crash_point
from payments.gateways.protocol import AnswerKind, BookClosed, GatewayAnswer, PayoutOrder, ProviderLine
from payments.gateways.stripe.answers import amount_of, answer_of_error, answer_of_refund, code_of
from payments.gateways.stripe.client import PAGE, EndingConnection, stripe_client
from payments.gateways.stripe.currencies import AmountNotAtStripe, to_stripe

log = structlog.get_logger(__name__)

LOOK_UP_ENDS_S: Final = 45
"""After so long no further page is asked for: a look-up ends within the lease, its last call included."""

REFUNDED_BY: Final[Mapping[str, str]] = {"pi": "payment_intent", "ch": "charge", "py": "charge"}
"""What a reference names, by its first letters."""


@dataclass(frozen=True)
class StripeGateway:
    """Stripe behind the protocol of all rails; the account is that of the settings."""

    connection: EndingConnection = field(default_factory=EndingConnection)

    def submit(self, order: PayoutOrder, *, now: datetime) -> GatewayAnswer:
        """Make a refund under the payout's key; the same key again gives the first refund."""
        try:
            paid, amount = _paid(order), to_stripe(order.amount)
        except (AmountNotAtStripe, NoReference) as refused:
            log.error("payout_not_possible", rail="stripe", payout=str(order.key), why=str(refused))
            return GatewayAnswer(kind=AnswerKind.MANUAL, code=refused.code, detail=str(refused))
        params: Any = {
            **paid,
            "amount": amount,
            "metadata": {"payout": str(order.key), "request": str(order.request_id)},
        }
        try:
            refund = self._sdk.v1.refunds.create(params, {"idempotency_key": self.key_of(order)})
        except stripe.StripeError as error:
            return answer_of_error(error, str(order.key), now)
        return answer_of_refund(_plain(refund), str(order.key))

    def key_of(self, order: PayoutOrder) -> str:
        """Name the order to Stripe: the same in every try."""
        return str(order.key)

    def look_up(self, order: PayoutOrder, *, now: datetime) -> GatewayAnswer:
        """Ask what became of the refund of a payout: by Stripe's id, else among those of its payment."""
        crash_point("looking_up")
        payout = str(order.key)
        try:
            if order.provider_reference and (refund := self._named(order.provider_reference)) is not None:
                return answer_of_refund(refund, payout)
            found = self._refunds_of(order)
        except NoReference:
            return GatewayAnswer(kind=AnswerKind.NONE)
        except stripe.StripeError as error:
            return _doubtful(answer_of_error(error, payout, now))
        except (BookClosed, LookupError, TypeError, AttributeError) as closed:
            return GatewayAnswer(kind=AnswerKind.UNKNOWN, detail=f"{type(closed).__name__} {closed}")
        return _one_of(found, payout)

    def lines(self, *, since: datetime, now: datetime) -> Iterator[ProviderLine]:
        """Read all refunds of the account from an instant on."""
        try:
            page = self._sdk.v1.refunds.list({"created": {"gte": int(since.timestamp())}, "limit": PAGE})
            for refund in page.auto_paging_iter():
                yield line_of(_plain(refund))
        except stripe.StripeError as error:
            raise BookClosed(f"Stripe: {error.http_status or ''} {error.user_message}") from error
        except (LookupError, TypeError, ValueError, AttributeError, AmountNotAtStripe) as error:
            raise BookClosed(f"Stripe: a line that cannot be read ({type(error).__name__})") from error

    @property
    def _sdk(self) -> stripe.StripeClient:
        return stripe_client(self.connection)

    def _named(self, reference: str) -> dict[str, Any] | None:
        """Give the refund of this name, or None if Stripe knows none."""
        try:
            return _plain(self._sdk.v1.refunds.retrieve(reference))
        except stripe.InvalidRequestError as error:
            if error.http_status == 404 and code_of(error) == "resource_missing":
                return None
            raise

    def _refunds_of(self, order: PayoutOrder) -> list[dict[str, Any]]:
        """
        Find the refunds that name this payout, among all of its payment.

        :raises NoReference: the payment has no reference at Stripe
        :raises BookClosed: the list did not come to its end in time
        """
        params: Any = {**_paid(order), "limit": PAGE}
        ends = time.monotonic() + LOOK_UP_ENDS_S
        found = []
        while True:
            page = _plain(self._sdk.v1.refunds.list(params))
            rows = page.get("data")
            if not isinstance(rows, list) or page.get("has_more") not in (True, False):
                raise BookClosed("a list that is none")
            found += [row for row in rows if _payout_of(row) == str(order.key)]
            if not page["has_more"]:
                return found
            if not rows or time.monotonic() > ends:
                raise BookClosed("a list without an end")
            params = {**params, "starting_after": rows[-1]["id"]}


class NoReference(Exception):
    """A payment of which Stripe's own name is not known."""

    code = "no_provider_reference"


def _paid(order: PayoutOrder) -> dict[str, str]:
    """
    Say which payment is meant, as a parameter of the API.

    :raises NoReference: it has no reference, or one that names no payment of Stripe's
    """
    kind = REFUNDED_BY.get(order.payment_reference.partition("_")[0])
    if kind is None:
        raise NoReference(f"“{order.payment_reference}” names no payment at Stripe.")
    return {kind: order.payment_reference}


def _one_of(refunds: list[dict[str, Any]], payout: str) -> GatewayAnswer:
    """Answer from the refunds that name a payout: none, one, or (never) more that moved money."""
    answers = [answer_of_refund(refund, payout) for refund in refunds]
    if not answers:
        return GatewayAnswer(kind=AnswerKind.NONE)
    live = [answer for answer in answers if answer.kind != AnswerKind.FAILED]
    if len(live) < 2:
        return (live or answers)[0]
    log.error("provider_holds_a_payout_twice", rail="stripe", payout=payout, lines=len(live))
    if any(answer.amount is None for answer in live):
        return GatewayAnswer(kind=AnswerKind.UNKNOWN, code="held_twice")
    amounts = [answer.amount for answer in live if answer.amount is not None]
    total = sum(amounts[1:], amounts[0])
    return GatewayAnswer(kind=live[0].kind, code="held_twice", reference=live[0].reference, amount=total)


def _doubtful(answer: GatewayAnswer) -> GatewayAnswer:
    """A look-up that was refused says nothing about the payout; when to ask again it may say."""
    if answer.kind == AnswerKind.UNKNOWN:
        return answer
    return GatewayAnswer(
        kind=AnswerKind.UNKNOWN, code=answer.code, detail=answer.detail, retry_at=answer.retry_at
    )


def _payout_of(refund: Any) -> str | None:
    """
    :raises LookupError, TypeError: no refund
    """
    return (refund["metadata"] or {}).get("payout")


def _plain(thing: Any) -> dict[str, Any]:
    """Give an object of the SDK as plain data; what is no object is an empty one."""
    found = thing.to_dict() if hasattr(thing, "to_dict") else thing
    return found if isinstance(found, dict) else {}


def line_of(refund: dict[str, Any]) -> ProviderLine:
    """
    Read a refund as a line of Stripe's book; `key` is None for a stranger's.

    :raises LookupError, TypeError, ValueError, AmountNotAtStripe: it is not as documented
    """
    told = _payout_of(refund)
    amount: Money = amount_of(refund)
    answer = answer_of_refund(refund, told or "") if told else None
    key = _uuid_or_none(told)
    kind = answer.kind if answer else _kind_of_stranger(refund)
    return ProviderLine(
        reference=str(refund["id"]),
        key=key,
        amount=amount,
        kind=kind,
        created_at=datetime.fromtimestamp(refund["created"], UTC),
        code=answer.code if answer else "",
        payment_reference=str(refund.get("payment_intent") or refund.get("charge") or ""),
    )


def _kind_of_stranger(refund: dict[str, Any]) -> AnswerKind:
    """Money that somebody else sent back moved, unless it certainly did not."""
    return AnswerKind.FAILED if refund["status"] in ("failed", "canceled") else AnswerKind.SETTLED


def _uuid_or_none(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
