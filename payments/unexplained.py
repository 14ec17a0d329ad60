"""
Payouts of a payment from which money went that no payout explains: no machine sends them.

A restored backup forgets what was approved after it: approved anew, it would be paid again under a new key.
And a payout that we call failed or cancelled explains no money that moved. So Finance and a second person say
first what became of it, whether or not the difference was cleared; a successor that two people made of such a
payout goes out.
"""

from typing import Final

from django.db.models import Exists, OuterRef, Q, QuerySet

from payments.models import Break, BreakKind, Payout, PayoutState

UNEXPLAINED: Final = "unexplained_money"
"""The code under which such a payout is with Finance."""

_ENDED_UNPAID: Final = Payout.objects.filter(
    pk=OuterRef("payout_id"), state__in=(PayoutState.FAILED, PayoutState.CANCELLED)
)
_LINES: Final = Exists(
    Break.objects.filter(
        Q(payout_id=None) | Exists(_ENDED_UNPAID),
        kind=BreakKind.THEIRS_ONLY,
        payment_id=OuterRef("payment_id"),
    )
)
_LOOKED_AT: Final = Q(replaces__failure_code=UNEXPLAINED)


def without_unexplained(payouts: QuerySet[Payout]) -> QuerySet[Payout]:
    """Leave out payouts of a payment with money that no payout explains."""
    return payouts.filter(~_LINES | _LOOKED_AT)


def only_unexplained(payouts: QuerySet[Payout]) -> QuerySet[Payout]:
    """Give the payouts that `without_unexplained` leaves out."""
    return payouts.filter(_LINES).exclude(_LOOKED_AT)
