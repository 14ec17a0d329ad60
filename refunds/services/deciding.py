"""Deciding: a reviewer proposes the answer as it stands, a second person approves it or sends it back."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from accounts.models import User
from accounts.principals import Principal
from kernel.days import local_date, zone_of
from kernel.money import Money
from kernel.states import move
from payments.services.refunds import create_payout, issue_credit
from refunds.errors import AnswerChanged
from refunds.models import ApprovedAs, Decision, Proposal, RefundRequest
from refunds.policy import POLICY_VERSION
from refunds.selectors.access import current_decision
from refunds.selectors.actions import (
    not_decidable,
    require,
    why_not_approve,
    why_not_propose,
    why_not_send_back,
)
from refunds.selectors.quotes import differences, refuse_unsuitable_stage
from refunds.selectors.standing import Standing, standing_of
from refunds.services.cases import (
    Evaluation,
    brief,
    evaluate,
    keep_answer,
    leaving_a_trace,
    lock_case,
    lock_case_to_decide,
    tell,
)
from refunds.services.inputs import read_text
from refunds.services.reopening import reopen_stranded
from refunds.states import REQUEST


@transaction.atomic
def propose_answer(*, principal: Principal, request_id: UUID, note: str = "", now: datetime) -> Proposal:
    """
    Propose the answer that the facts give now, a yes or a no, for a second person to approve.

    :raises NotFoundOrHidden: no such request for this principal
    :raises NotPermitted: not a Reviewer or Approver
    :raises FourEyesViolated: the person is a member of the client
    :raises StaleState: the request is not in review
    :raises NotDecidable: the facts give neither a yes nor a no
    """
    request = lock_case(principal, request_id)
    evaluation = evaluate(request, now)
    keep_answer(request, evaluation, now)
    require(why_not_propose, standing_of(principal, request, now=now))
    assert principal.user is not None, "the rule lets in people only"
    proposal = Proposal.objects.create(
        request=request,
        number=request.proposals.count() + 1,
        facts=evaluation.facts_json,
        answer=request.answer,
        by=principal.user,
        at=now,
        note=read_text("note", note, needed=False),
    )
    move(
        request, "in_review", "proposed", table=REQUEST, reviewer_id=request.reviewer_id or principal.user.pk
    )
    tell("refund_request.proposed", request, principal, now, proposal=proposal.pk, **brief(request.answer))
    return proposal


@leaving_a_trace
def approve_request(*, principal: Principal, request_id: UUID, now: datetime) -> Decision:
    """
    Approve a proposed answer, as the second person. A yes reserves the money and makes payout or credit.

    The facts are gathered and evaluated again under the locks, with `decided_at = now`.

    :raises NotFoundOrHidden: no such request for this principal
    :raises NotPermitted: not a Reviewer or Approver, or a system while approval by systems is off
    :raises FourEyesViolated: the person proposed, recorded, established or assessed, or belongs to the client
    :raises LimitExceeded: above the limit only an Approver approves
    :raises StaleState: no answer is proposed
    :raises TargetStageUnsuitable: the stage can no longer take the credit
    :raises AnswerChanged: the facts no longer give the proposed answer; the request is back in review
    """
    request = lock_case_to_decide(principal, request_id)
    standing = standing_of(principal, request, now=now)
    require(why_not_approve, standing)
    proposal = request.proposals.order_by("-number")[0]
    evaluation = evaluate(request, now)
    _refuse_changed_answer(principal, request, proposal, evaluation, now)
    refund = evaluation.answer.refund
    if refund and request.target_stage is not None:
        refuse_unsuitable_stage(request.target_stage, request.payment, refund)
    # From here on nothing can say no: the rest only writes down.
    keep_answer(request, evaluation, now)
    outcome = "approved" if refund else "rejected"
    move(request, "proposed", outcome, table=REQUEST, decided_at=now)
    decision = write_decision(request, evaluation, now=now, proposal=proposal, standing=standing)
    if refund:
        _give_back(request, refund, principal, now)
    tell(
        f"refund_request.{outcome}",
        request,
        principal,
        now,
        decision=decision.pk,
        remedy=request.remedy,
        **brief(request.answer),
    )
    reopen_stranded(request.payment, now=now)
    return decision


@transaction.atomic
def send_back(*, principal: Principal, request_id: UUID, reason: str, now: datetime) -> RefundRequest:
    """
    Send a proposed answer back to review, with the reason.

    :raises NotFoundOrHidden: no such request for this principal
    :raises NotPermitted: not a Reviewer or Approver
    :raises FourEyesViolated: the person is a member of the client
    :raises StaleState: no answer is proposed
    :raises InvalidInput: no reason
    """
    request = lock_case(principal, request_id)
    require(why_not_send_back, standing_of(principal, request, now=now))
    text = read_text("reason", reason)
    move(request, "proposed", "in_review", table=REQUEST)
    note = request.messages.create(author=principal.user, by_staff=True, is_internal=True, body=text, at=now)
    tell("refund_request.sent_back", request, principal, now, because="reviewer", message=note.pk)
    return request


def write_decision(
    request: RefundRequest,
    evaluation: Evaluation,
    *,
    now: datetime,
    proposal: Proposal | None = None,
    standing: Standing | None = None,
) -> Decision:
    """Store a decision with the facts and the answer it follows from; without people it was given at once."""
    person: User | None = None if standing is None else standing.principal.user
    last = current_decision(request.pk)
    return Decision.objects.create(
        request=request,
        number=1 if last is None else last.number + 1,
        facts=evaluation.facts_json,
        answer=evaluation.answer_json,
        policy_version=POLICY_VERSION,
        outcome=evaluation.answer.outcome.value,
        refund_minor=evaluation.answer.refund.minor,
        currency=request.currency,
        proposal=proposal,
        proposed_by_id=None if proposal is None else proposal.by_id,
        approved_by=person,
        approved_as=_right_of(standing),
        limit_minor=None if standing is None else standing.limit.minor,
        decided_at=now,
        decided_on=local_date(now, zone_of(settings.COMPANY_TIME_ZONE)),
    )


def _right_of(standing: Standing | None) -> str:
    if standing is None:
        return ""
    return ApprovedAs.APPROVER if standing.is_approver else ApprovedAs.REVIEWER


def _refuse_changed_answer(
    principal: Principal, request: RefundRequest, proposal: Proposal, evaluation: Evaluation, now: datetime
) -> None:
    changed = differences(proposal.answer, evaluation.answer_json)
    if not changed and not_decidable(evaluation.answer.outcome.value) is None:
        return
    refusal = AnswerChanged(
        "The facts no longer give the proposed answer. The application is back in review.",
        differences=changed,
    )
    request_id = request.pk

    def return_to_review() -> None:
        _return_to_review(principal, request_id, proposal.pk, [one["field"] for one in changed], now)

    refusal.aftermath = return_to_review
    raise refusal


def _return_to_review(
    principal: Principal, request_id: UUID, proposal_id: UUID, fields: list[str], now: datetime
) -> None:
    """Return a request whose answer changed to review, unless somebody else has moved it meanwhile."""
    request = lock_case(principal, request_id)
    last = request.proposals.order_by("-number").values_list("pk", flat=True).first()
    if request.state != "proposed" or last != proposal_id:
        return
    keep_answer(request, evaluate(request, now), now)
    move(request, "proposed", "in_review", table=REQUEST)
    tell("refund_request.sent_back", request, principal, now, because="answer_changed", changed=fields)


def _give_back(request: RefundRequest, refund: Money, principal: Principal, now: datetime) -> Any:
    """Reserve the money and make the payout, or the credit, that brings it back."""
    if request.target_stage is not None:
        return issue_credit(
            request_id=request.pk,
            payment=request.payment,
            target_stage=request.target_stage,
            amount_minor=refund.minor,
            now=now,
            actor=principal.actor,
        )
    return create_payout(
        request_id=request.pk,
        payment=request.payment,
        amount_minor=refund.minor,
        created_by=principal.user,
        now=now,
    )
