"""What all services of this room share: locking a case, evaluating it, telling the journal."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

from django.db import transaction

from accounts.principals import Principal
from contracts.models import Stage
from contracts.selectors import lock_client, lock_contract
from events.services import record_event
from kernel.days import local_date, zone_of
from kernel.errors import DomainError
from payments.models import Payment
from payments.selectors import lock_payment
from refunds.models import RefundRequest
from refunds.policy.answer import Answer
from refunds.policy.decide import decide
from refunds.policy.facts import Facts
from refunds.policy.interchange import answer_json, facts_json
from refunds.selectors.access import lock_request, request_of
from refunds.selectors.facts import gather_facts
from refunds.statement import columns_of

P = ParamSpec("P")
R = TypeVar("R")

INFORMATION_DAYS = 7


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Facts and the answer they give."""

    facts: Facts
    answer: Answer

    @property
    def facts_json(self) -> dict[str, Any]:
        return facts_json(self.facts)

    @property
    def answer_json(self) -> dict[str, Any]:
        return answer_json(self.facts.id, self.answer)


def leaving_a_trace(service: Callable[P, R]) -> Callable[P, R]:
    """
    Run a service in one transaction; what its refusal must leave behind is written after the rollback.

    The refusal keeps its `aftermath`: a caller whose own transaction rolls the trace back writes it again.
    """

    @wraps(service)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            with transaction.atomic():
                return service(*args, **kwargs)
        except DomainError as refusal:
            if refusal.aftermath is not None:
                with transaction.atomic():
                    refusal.aftermath()
            raise

    return run


def lock_case(principal: Principal, request_id: UUID) -> RefundRequest:
    """
    Lock a request with its contract and payment, in that order, and give it as it is now.

    :raises NotFoundOrHidden: no such request for this principal
    """
    seen = request_of(principal, request_id)
    lock_contract(seen.contract_id)
    return _locked(seen)


def lock_case_to_decide(principal: Principal, request_id: UUID) -> RefundRequest:
    """
    Lock everything a decision touches: client, contracts, the stage that takes a credit, payment, request.

    :raises NotFoundOrHidden: no such request for this principal
    """
    seen = request_of(principal, request_id)
    seen.client = lock_client(seen.client_id)
    target = seen.target_stage
    for contract_id in sorted({seen.contract_id, *([target.contract_id] if target else [])}):
        lock_contract(contract_id)
    locked_target = None if target is None else lock_stage(target.pk)
    request = _locked(seen)
    if locked_target is not None:
        request.target_stage = locked_target
    return request


def _locked(seen: RefundRequest) -> RefundRequest:
    payment = with_its_case(lock_payment(seen.payment_id), seen.payment)
    payment.client = seen.client
    request = lock_request(seen.pk)
    request.payment, request.client, request.contract = payment, seen.client, seen.contract
    return request


def with_its_case(locked: Payment, seen: Payment) -> Payment:
    """Give a locked payment the rows that were read with it before and never change."""
    if locked.terms_id == seen.terms_id:
        locked.terms = seen.terms
    locked.stage = seen.stage
    return locked


def lock_stage(stage_id: UUID) -> Stage:
    """Lock a stage's row until the end of the transaction; its contract comes before."""
    return (
        Stage.objects.select_for_update(no_key=True, of=("self",)).select_related("contract").get(pk=stage_id)
    )


def evaluate(request: RefundRequest, now: datetime) -> Evaluation:
    """Gather the facts of a request as they are and answer it, with `decided_at = now`."""
    facts = gather_facts(
        request.payment,
        submitted_at=request.submitted_at,
        decided_at=now,
        amount_minor=request.amount_minor,
        remedy=request.remedy,
        request=request,
    )
    return Evaluation(facts, decide(facts))


def keep_answer(request: RefundRequest, evaluation: Evaluation, now: datetime) -> None:
    """Store the answer so far with the request."""
    request.answer = evaluation.answer_json
    request.evaluated_at = now
    columns = {"answer": request.answer, "evaluated_at": now, **columns_of(request.answer)}
    RefundRequest.objects.filter(pk=request.pk).update(**columns)


def tell(type: str, request: RefundRequest, principal: Principal, now: datetime, **data: Any) -> None:
    """Write an event about a request."""
    record_event(
        type=type,
        subject_type="refund_request",
        subject_id=request.pk,
        client_id=request.client_id,
        actor=principal.actor,
        at=now,
        data={"number": request.number, "payment": request.payment_id, **data},
    )


def brief(answer: dict[str, Any]) -> dict[str, Any]:
    """Give what an event says about an answer: codes and amounts."""
    return {name: answer[name] for name in ("outcome", "reasons", "refund", "currency")}


def days_later(now: datetime, days: int, zone: str) -> Any:
    """Give the local date so many days after an instant."""
    return local_date(now, zone_of(zone)) + timedelta(days=days)
