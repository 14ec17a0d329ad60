"""Reopening: an approved request whose payout was cancelled goes back to review."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import OuterRef, Subquery

from accounts.principals import SYSTEM, Principal
from kernel.states import move
from payments.models import Payment, Payout
from refunds.models import RefundRequest
from refunds.selectors.access import lock_request
from refunds.services.cases import evaluate, keep_answer, tell
from refunds.states import REQUEST, REQUEST_OPEN


def take_back_approval(*, payout: Payout, principal: Principal, reason: str, now: datetime) -> None:
    """What follows a cancelled payout; the payment is locked."""
    reopen_stranded(payout.payment, now=now, principal=principal)


@transaction.atomic
def reopen_stranded(payment: Payment, *, now: datetime, principal: Principal = SYSTEM) -> UUID | None:
    """
    Return to review what was approved for a payment and whose payout was cancelled; say which.

    A payment has one open request at most: while another one is open, the stranded one waits for it.
    The caller holds the payment's lock. Called when a payout was cancelled and whenever a request closes.
    """
    if RefundRequest.objects.filter(payment=payment, state__in=REQUEST_OPEN).exists():
        return None
    last = Payout.objects.filter(request_id=OuterRef("pk")).order_by("-created_at", "-id")
    stranded = (
        RefundRequest.objects.filter(payment=payment, state="approved")
        .annotate(payout_state=Subquery(last.values("state")[:1]))
        .filter(payout_state="cancelled")
        .order_by("id")
        .values_list("pk", flat=True)
        .first()
    )
    if stranded is None:
        return None
    request = lock_request(stranded)
    move(request, "approved", "in_review", table=REQUEST, decided_at=None)
    keep_answer(request, evaluate(request, now), now)
    tell("refund_request.reopened", request, principal, now, because="payout_cancelled")
    return stranded
