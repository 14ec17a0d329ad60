"""What rooms above tell this one: called inside the transaction of the change."""

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Protocol
from uuid import UUID

from accounts.principals import Principal
from payments.models import Payout


class PayoutCancelled(Protocol):
    """Takes back what depended on a payout that was cancelled before it was sent."""

    def __call__(self, *, payout: Payout, principal: Principal, reason: str, now: datetime) -> None: ...


OpenRequests = Callable[[Collection[UUID]], set[UUID]]
"""Of these payments (ids), gives those with an open request."""

_cancelled: list[PayoutCancelled] = []
_open_requests: list[OpenRequests] = []


def on_payout_cancelled(hook: PayoutCancelled) -> None:
    """Register what follows a cancelled payout; registering it again changes nothing."""
    if hook not in _cancelled:
        _cancelled.append(hook)


def on_open_requests(predicate: OpenRequests) -> None:
    """Register who knows which payments have an open request; registering it again changes nothing."""
    if predicate not in _open_requests:
        _open_requests.append(predicate)


def payout_cancelled(*, payout: Payout, principal: Principal, reason: str, now: datetime) -> None:
    """Tell the rooms above that a payout was cancelled; the payment is locked."""
    for hook in _cancelled:
        hook(payout=payout, principal=principal, reason=reason, now=now)


def with_open_request(payment_ids: Collection[UUID]) -> set[UUID]:
    """Give those of the payments (ids) for which a request is open."""
    return set().union(*(predicate(payment_ids) for predicate in _open_requests))
