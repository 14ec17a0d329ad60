"""Review: taking a case up, asking for information, and the client's way out."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.principals import SYSTEM, Principal
from kernel.states import move
from refunds.models import Message, RefundRequest
from refunds.selectors.access import lock_request
from refunds.selectors.actions import (
    require,
    why_not_request_information,
    why_not_start_review,
    why_not_withdraw,
)
from refunds.selectors.standing import standing_of
from refunds.services.cases import INFORMATION_DAYS, days_later, evaluate, keep_answer, lock_case, tell
from refunds.services.inputs import BODY_MAX, read_text
from refunds.services.reopening import reopen_stranded
from refunds.states import REQUEST

REMINDED_DAYS_BEFORE = 2


@transaction.atomic
def start_review(*, principal: Principal, request_id: UUID, now: datetime) -> RefundRequest:
    """
    Take an application into review, or go on with it when the client's time to answer is over.

    :raises NotFoundOrHidden: no such request for this principal
    :raises NotPermitted: not a Reviewer or Approver
    :raises FourEyesViolated: the person is a member of the client
    :raises StaleState: it is not waiting for a review, or the client still has time to answer
    """
    request = lock_case(principal, request_id)
    require(why_not_start_review, standing_of(principal, request, now=now))
    waited_for = request.state
    assert principal.user is not None, "the rule lets in people only"
    reviewer_id = request.reviewer_id or principal.user.pk
    move(request, waited_for, "in_review", table=REQUEST, reviewer_id=reviewer_id, information_due_on=None)
    keep_answer(request, evaluate(request, now), now)
    tell("refund_request.review_started", request, principal, now, before=waited_for)
    return request


@transaction.atomic
def request_information(*, principal: Principal, request_id: UUID, question: str, now: datetime) -> Message:
    """
    Ask the client a question; they have seven local days (in the zone of the terms) to answer.

    :raises NotFoundOrHidden: no such request for this principal
    :raises NotPermitted: not a Reviewer or Approver
    :raises FourEyesViolated: the person is a member of the client
    :raises StaleState: the request is not in review
    :raises InvalidInput: no question
    """
    request = lock_case(principal, request_id)
    require(why_not_request_information, standing_of(principal, request, now=now))
    body = read_text("question", question, BODY_MAX)
    message = request.messages.create(author=principal.user, by_staff=True, body=body, at=now)
    due_on = days_later(now, INFORMATION_DAYS, zone_of_request(request))
    changes = {"information_due_on": due_on, "information_reminded_at": None}
    move(request, "in_review", "information_requested", table=REQUEST, **changes)
    tell("refund_request.information_requested", request, principal, now, message=message.pk, due_on=due_on)
    return message


@transaction.atomic
def withdraw_request(*, principal: Principal, request_id: UUID, now: datetime) -> RefundRequest:
    """
    Withdraw an application that has not been answered yet.

    :raises NotFoundOrHidden: no such request for this principal
    :raises NotPermitted: not an owner or requester of the client, nor the client's system
    :raises StaleState: it has been answered or withdrawn already
    """
    request = lock_case(principal, request_id)
    require(why_not_withdraw, standing_of(principal, request, now=now))
    move(request, request.state, "withdrawn", table=REQUEST, decided_at=now)
    tell("refund_request.withdrawn", request, principal, now)
    reopen_stranded(request.payment, now=now)
    return request


def due_reminders(now: datetime, batch_max: int) -> list[UUID]:
    """Name requests whose client may have to be reminded of an open question soon."""
    latest = days_later(now, REMINDED_DAYS_BEFORE + 1, "UTC")
    rows = RefundRequest.objects.filter(
        state="information_requested", information_reminded_at__isnull=True, information_due_on__lte=latest
    )
    return list(rows.order_by("information_due_on").values_list("pk", flat=True)[:batch_max])


@transaction.atomic
def remind_of_question(*, request_id: UUID, now: datetime) -> bool:
    """Remind the client of an open question, once, from two days before its date on; say if it was done."""
    request = lock_request(request_id)
    due_on = request.information_due_on
    if request.state != "information_requested" or due_on is None or request.information_reminded_at:
        return False
    if days_later(now, REMINDED_DAYS_BEFORE, zone_of_request(request)) < due_on:
        return False
    request.information_reminded_at = now
    request.save(update_fields=["information_reminded_at"])
    tell("refund_request.information_reminded", request, SYSTEM, now, due_on=due_on)
    return True


def zone_of_request(request: RefundRequest) -> str:
    """Give the zone of the terms that govern the request's payment; they were frozen at capture."""
    terms = request.payment.terms
    assert terms is not None, "only captured payments take applications"
    return terms.time_zone
