"""Establishing facts: each by whom, when, why and with which evidence; then the case is evaluated again."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.models import User
from accounts.principals import Principal
from contracts.models import Assessment, Delivery, UsageRecord
from contracts.selectors import deliveries_at
from contracts.services import assess_delivery
from kernel.errors import Fault, InvalidInput
from refunds.models import HiddenDefect, RefundRequest, StatutoryCheck, UsageExclusion
from refunds.selectors.access import evidence_of
from refunds.selectors.actions import Rule, require, why_not_check_statute, why_not_establish
from refunds.selectors.standing import standing_of
from refunds.services.cases import brief, evaluate, keep_answer, lock_case, tell
from refunds.services.inputs import read_text, text_fault

EXCLUDED_AT_ONCE_MAX = 1000


@transaction.atomic
def record_statutory_check(
    *,
    principal: Principal,
    request_id: UUID,
    holds: bool,
    reason: str,
    evidence_id: UUID | None = None,
    now: datetime,
) -> StatutoryCheck:
    """
    Record whether the law gives this consumer's application a longer period than the contract.

    :raises NotFoundOrHidden: no such request for this principal
    :raises NotPermitted: not a Reviewer or Approver
    :raises FourEyesViolated: the person is a member of the client
    :raises NothingToEstablish: the client is a business
    :raises StaleState: the request is not in review
    :raises InvalidInput: no reason, or evidence that is no document of the contract
    """
    request, common = _begin(why_not_check_statute, principal, request_id, reason, evidence_id, now)
    fact = StatutoryCheck.objects.create(request=request, holds=_yes_or_no("holds", holds), **common)
    _re_evaluate(request, principal, now, fact="statutory_check", id=fact.pk, holds=fact.holds)
    return fact


@transaction.atomic
def record_hidden_defect(
    *,
    principal: Principal,
    request_id: UUID,
    stage_id: UUID,
    holds: bool = True,
    reason: str,
    evidence_id: UUID | None = None,
    now: datetime,
) -> HiddenDefect:
    """
    Record whether the delivery of a stage has a defect that could not be seen when it was accepted.

    :raises InvalidInput: the stage is not of this case, or nothing was delivered before the application
    :raises NotFoundOrHidden: and the other refusals of `record_statutory_check`
    """
    request, common = _begin(why_not_establish, principal, request_id, reason, evidence_id, now)
    delivery = _delivery_of_case(request, stage_id)
    fact = HiddenDefect.objects.create(
        request=request, delivery=delivery, holds=_yes_or_no("holds", holds), **common
    )
    _re_evaluate(
        request, principal, now, fact="hidden_defect", id=fact.pk, delivery=delivery.pk, holds=fact.holds
    )
    return fact


@transaction.atomic
def exclude_usage(
    *,
    principal: Principal,
    request_id: UUID,
    records: Sequence[tuple[str, str]],
    excluded: bool = True,
    reason: str,
    evidence_id: UUID | None = None,
    now: datetime,
) -> list[UsageExclusion]:
    """
    Exclude usage records, named by source and external id, as the company's own use (or include them again).

    :raises InvalidInput: a record that is not of this payment, none, or more than 1,000 at once
    :raises NotFoundOrHidden: and the other refusals of `record_statutory_check`
    """
    request, common = _begin(why_not_establish, principal, request_id, reason, evidence_id, now)
    rows = _usage_of_case(request, records)
    value = _yes_or_no("excluded", excluded)
    facts = UsageExclusion.objects.bulk_create(
        UsageExclusion(request=request, usage_record=row, excluded=value, **common) for row in rows
    )
    ids = [fact.pk for fact in facts]
    _re_evaluate(request, principal, now, fact="usage_exclusion", ids=ids, excluded=value)
    return facts


@transaction.atomic
def assess(
    *,
    principal: Principal,
    request_id: UUID,
    stage_id: UUID,
    values: Mapping[str, Any],
    reason: str,
    evidence_id: UUID | None = None,
    now: datetime,
) -> Assessment:
    """
    Assess the delivery that this case uses, item by item (decimal or `n/d` texts, None: cannot be tested).

    :raises InvalidInput: the stage is not of this case, nothing was delivered, or every fault of the values
    :raises NotFoundOrHidden: and the other refusals of `record_statutory_check`
    """
    request, _ = _begin(why_not_establish, principal, request_id, reason, evidence_id, now)
    delivery = _delivery_of_case(request, stage_id)
    assessment = assess_delivery(
        principal=principal,
        delivery_id=delivery.pk,
        values=values,
        reason=reason,
        evidence_id=evidence_id,
        now=now,
    )
    _re_evaluate(
        request, principal, now, fact="assessment", id=assessment.pk, delivery=delivery.pk, stage=stage_id
    )
    return assessment


def _begin(
    rule: Rule,
    principal: Principal,
    request_id: UUID,
    reason: str,
    evidence_id: UUID | None,
    now: datetime,
) -> tuple[RefundRequest, dict[str, Any]]:
    """Lock the case, ask the rule, and read what every established fact has."""
    request = lock_case(principal, request_id)
    require(rule, standing_of(principal, request, now=now))
    person: User | None = principal.user
    evidence = evidence_of(request.contract_id, evidence_id)
    return request, {"by": person, "at": now, "reason": read_text("reason", reason), "evidence": evidence}


def _re_evaluate(request: RefundRequest, principal: Principal, now: datetime, **data: Any) -> None:
    """Evaluate the case again and tell the journal what the fact changed."""
    before = brief(request.answer)
    keep_answer(request, evaluate(request, now), now)
    tell(
        "refund_request.fact_established",
        request,
        principal,
        now,
        before=before,
        after=brief(request.answer),
        **data,
    )


def _delivery_of_case(request: RefundRequest, stage_id: UUID) -> Delivery:
    if not request.payment.allocations.filter(stage_id=stage_id).exists():
        raise _fault("stage", "must be a stage that this payment pays for", "not_found")
    delivery = deliveries_at([stage_id], request.submitted_at).get(stage_id)
    if delivery is None:
        raise _fault("stage", "nothing of it was delivered when the application arrived", "not_delivered")
    return delivery


def _usage_of_case(request: RefundRequest, records: Sequence[tuple[str, str]]) -> list[UsageRecord]:
    """Find the records by source and external id, in the order named; one query per source."""
    if not 0 < len(records) <= EXCLUDED_AT_ONCE_MAX:
        raise _fault("records", f"must name 1 to {EXCLUDED_AT_ONCE_MAX} usage records", "out_of_range")
    by_source: dict[str, list[str]] = {}
    for source, external_id in records:
        if not text_fault("source", source, 60) and not text_fault("external_id", external_id, 120):
            by_source.setdefault(source, []).append(external_id)
    found = {
        (row.source, row.external_id): row
        for source, ids in by_source.items()
        for row in UsageRecord.objects.filter(
            payment_id=request.payment_id, source=source, external_id__in=ids
        )
    }
    faults = [
        Fault(path=f"records[{place}]", message="is no usage record of this payment", code="not_found")
        for place, name in enumerate(records)
        if tuple(name) not in found
    ]
    if faults:
        raise InvalidInput("Some usage records are not of this payment.", faults=faults)
    return [found[name] for name in dict.fromkeys((source, external_id) for source, external_id in records)]


def _yes_or_no(path: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _fault(path, "must be true or false", "invalid")
    return value


def _fault(path: str, message: str, code: str) -> InvalidInput:
    return InvalidInput(f"{path}: {message}", faults=[Fault(path=path, message=message, code=code)])
