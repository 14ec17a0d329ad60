"""
Payouts of a payment from which money went that no payout explains: no machine sends them.

A restored backup forgets what was approved after it: approved anew, it would be paid again under a new key.
So Finance and a second person say first what became of it, whether or not the difference was cleared; a
successor that two people made of such a payout goes out.
"""

from typing import Final

from django.db.models import Exists, OuterRef, Q, QuerySet

from payments.models import Break, BreakKind, Payout

UNEXPLAINED: Final = "unexplained_money"
"""The code under which such a payout is with Finance."""

_LINES: Final = Exists(
    Break.objects.filter(kind=BreakKind.THEIRS_ONLY, payout_id=None, payment_id=OuterRef("payment_id"))
)
_LOOKED_AT: Final = Q(replaces__failure_code=UNEXPLAINED)


def without_unexplained(payouts: QuerySet[Payout]) -> QuerySet[Payout]:
    """Leave out payouts of a payment with money that no payout explains."""
    return payouts.filter(~_LINES | _LOOKED_AT)


def only_unexplained(payouts: QuerySet[Payout]) -> QuerySet[Payout]:
    """Give the payouts that `without_unexplained` leaves out."""
    return payouts.filter(_LINES).exclude(_LOOKED_AT)
