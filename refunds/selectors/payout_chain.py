"""Whether a refund has been paid is read from its payouts, never stored twice."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from payments.models import Payment, Payout
from payments.selectors import chain_of
from payments.states import PAYOUT_PAID
from refunds.models import RefundRequest, Remedy
from refunds.states import REQUEST_OPEN

CREDITED = "credited"


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenBack:
    """How the money of a request goes back: its payouts (the oldest first), or its credit."""

    payouts: tuple[Payout, ...]
    credit: Payment | None

    @property
    def state(self) -> str | None:
        """The state of the payout that counts, `credited`, or None while nothing is on its way."""
        if self.credit is not None:
            return CREDITED
        return self.payouts[-1].state if self.payouts else None

    @property
    def is_paid(self) -> bool:
        return self.state in PAYOUT_PAID or self.state == CREDITED


def given_back(request: RefundRequest) -> GivenBack:
    """Find the payouts or the credit of a request. One query."""
    if request.remedy == Remedy.EXCHANGE:
        credit = Payment.objects.filter(credit_of_request_id=request.pk).select_related("stage").first()
        return GivenBack(payouts=(), credit=credit)
    return GivenBack(payouts=tuple(chain_of(request.pk)), credit=None)


def payout_state_of(request: RefundRequest) -> str | None:
    """Say where the money of a request stands: a payout's state, `credited`, or None. One query."""
    return given_back(request).state


def payout_states_of(requests: Collection[RefundRequest]) -> Mapping[UUID, str]:
    """Say where the money of many requests stands; those without any are left out. Two queries."""
    ids = [request.pk for request in requests]
    rows = Payout.objects.filter(request_id__in=ids).order_by("created_at", "id")
    states: dict[UUID, str] = dict(rows.values_list("request_id", "state"))
    credits = Payment.objects.filter(credit_of_request_id__in=ids).values_list(
        "credit_of_request_id", flat=True
    )
    return states | {request_id: CREDITED for request_id in credits if request_id is not None}


def with_open_requests(payment_ids: Collection[UUID]) -> set[UUID]:
    """Of these payments, give those with an open request."""
    rows = RefundRequest.objects.filter(payment__in=payment_ids, state__in=REQUEST_OPEN)
    return set(rows.values_list("payment_id", flat=True))
