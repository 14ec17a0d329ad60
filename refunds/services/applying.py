"""Applying: lock, gather, decide, write down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings

from accounts.models import User
from accounts.principals import Principal
from accounts.rights import require_reviewer
from contracts.models import Document, Stage
from contracts.selectors import lock_contract, role_of
from events.numbers import next_number
from events.services import record_event
from kernel.days import local_date, zone_of
from kernel.errors import Fault, InvalidInput
from kernel.ids import new_id
from kernel.money import Money
from kernel.states import move
from payments.models import Payment
from payments.selectors import lock_payment
from refunds.errors import FourEyesViolated, Inadmissible, QuoteChanged
from refunds.models import ReceivedVia, RefundRequest
from refunds.policy.codes import Outcome, Reason
from refunds.policy.decide import decide
from refunds.policy.interchange import fingerprint
from refunds.selectors.access import evidence_of, payment_to_ask_about
from refunds.selectors.actions import why_not_apply
from refunds.selectors.facts import gather_facts
from refunds.selectors.quotes import (
    amount_in,
    credit_of,
    differences,
    recall_quote,
    refuse_credit,
    refuse_unsuitable_stage,
    target_stage_of,
)
from refunds.services.cases import Evaluation, brief, days_later, leaving_a_trace, tell, with_its_case
from refunds.services.deciding import write_decision
from refunds.services.files import Upload, attach, attach_draft, stored
from refunds.services.inputs import check_application
from refunds.statement import columns_of
from refunds.states import REQUEST, REQUEST_OPEN
from refunds.wording import reason_words

RECORDABLE = (ReceivedVia.PHONE, ReceivedVia.LETTER, ReceivedVia.EMAIL)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Application:
    """An application as it came in, however it came in. `amount_minor` None: everything."""

    payment: Payment
    reason: str
    statement: str
    objections: Sequence[Mapping[str, str]]
    amount_minor: int | None
    remedy: str
    target: Stage | None
    submitted_at: datetime
    received_via: str
    evidence: Document | None
    applicant: User | None
    recorded_by: User | None


@leaving_a_trace
def apply_for_refund(
    *,
    principal: Principal,
    payment_id: UUID,
    reason: str,
    statement: str,
    objections: Sequence[Mapping[str, str]] = (),
    amount: Money | None = None,
    remedy: str = "refund",
    target_stage_id: UUID | None = None,
    expected_fingerprint: str | None = None,
    attachments: Sequence[Upload] = (),
    now: datetime,
    received_via: str = ReceivedVia.PORTAL,
) -> RefundRequest:
    """
    Apply for a refund (or an exchange) of one payment; `now` is when the application reached the company.

    A clear no is answered at once (state `rejected`, with its decision); everything else awaits review.
    Files of the person's draft for this payment come along; the draft ends.

    :raises NotFoundOrHidden: no such payment for this principal
    :raises NotPermitted: not an owner or requester of the client, nor the client's system
    :raises InvalidInput: every fault of what was typed
    :raises CreditNotRefundable: the payment is an exchange credit
    :raises CurrencyMismatch: the amount is in another currency than the payment
    :raises TargetStageUnsuitable: the credit cannot go to that stage
    :raises QuoteChanged: the answer is no longer the one with `expected_fingerprint`
    :raises Inadmissible: the policy does not let it in; an event is kept
    """
    payment = payment_to_ask_about(principal, payment_id)
    refusal = why_not_apply(principal, payment)
    if refusal is not None:
        raise refusal
    application = _read(
        principal=principal,
        payment=payment,
        reason=reason,
        statement=statement,
        objections=objections,
        amount=amount,
        remedy=remedy,
        target_stage_id=target_stage_id,
        submitted_at=now,
        received_via=ReceivedVia.API if principal.api_client is not None else received_via,
        applicant=principal.user if principal.is_person else None,
        recorded_by=None if principal.is_person else principal.user,
    )
    with stored(attachments) as files:
        request = _submit(principal, application, now, expected_fingerprint)
        if principal.is_person and principal.user is not None:
            attach_draft(principal.user, request, principal, now)
        attach(files, request=request, principal=principal, now=now)
    return request


@leaving_a_trace
def record_application(
    *,
    principal: Principal,
    payment_id: UUID,
    received_via: str,
    received_at: datetime,
    evidence_id: UUID | None,
    reason: str,
    statement: str,
    objections: Sequence[Mapping[str, str]] = (),
    amount: Money | None = None,
    remedy: str = "refund",
    target_stage_id: UUID | None = None,
    attachments: Sequence[Upload] = (),
    now: datetime,
) -> RefundRequest:
    """
    Record an application that arrived by phone, letter or e-mail at `received_at`, with its evidence.

    :raises NotFoundOrHidden: no such payment for this principal
    :raises NotPermitted: not a Reviewer or Approver
    :raises FourEyesViolated: the person is a member of the client
    :raises InvalidInput: every fault of what was typed, an instant in the future, no evidence
    :raises CreditNotRefundable: and the other refusals of `apply_for_refund`
    """
    payment = payment_to_ask_about(principal, payment_id)
    person = require_reviewer(principal)
    if role_of(person, payment.client_id) is not None:
        raise FourEyesViolated(
            "You are a member of this client: somebody else records it.", because=["member"]
        )
    _check_reception(received_via, received_at, evidence_id, now)
    application = _read(
        principal=principal,
        payment=payment,
        reason=reason,
        statement=statement,
        objections=objections,
        amount=amount,
        remedy=remedy,
        target_stage_id=target_stage_id,
        submitted_at=received_at,
        received_via=received_via,
        applicant=None,
        recorded_by=person,
    )
    application = replace(application, evidence=evidence_of(payment.contract_id, evidence_id))
    with stored(attachments) as files:
        request = _submit(principal, application, now, None)
        attach(files, request=request, principal=principal, now=now)
    return request


def _check_reception(
    received_via: str, received_at: datetime, evidence_id: UUID | None, now: datetime
) -> None:
    faults = []
    if received_via not in RECORDABLE:
        faults.append(Fault(path="received_via", message=f"must be one of {', '.join(RECORDABLE)}"))
    if received_at > now:
        faults.append(Fault(path="received_at", message="must not lie in the future", code="in_the_future"))
    if evidence_id is None:
        faults.append(Fault(path="evidence", message="a document shows how it was received", code="required"))
    if faults:
        raise InvalidInput("The reception has faults.", faults=faults)


def _read(
    *,
    principal: Principal,
    payment: Payment,
    amount: Money | None,
    target_stage_id: UUID | None,
    **typed: Any,
) -> _Application:
    """Check what was typed and find the stage it names."""
    refuse_credit(payment)
    check_application(
        contract_id=payment.contract_id,
        reason=typed["reason"],
        statement=typed["statement"],
        objections=typed["objections"],
        remedy=typed["remedy"],
        has_target=target_stage_id is not None,
    )
    target = None if target_stage_id is None else target_stage_of(principal, target_stage_id)
    amount_minor = amount_in(payment.currency, amount)
    return _Application(payment=payment, amount_minor=amount_minor, target=target, evidence=None, **typed)


def _submit(
    principal: Principal, application: _Application, now: datetime, expected_fingerprint: str | None
) -> RefundRequest:
    """Lock, gather, decide; then nothing can say no and it is written down."""
    lock_contract(application.payment.contract_id)
    payment = with_its_case(lock_payment(application.payment.pk), application.payment)
    payment.client = application.payment.client
    evaluation = _evaluate(payment, application, now)
    # The policy speaks of a dispute before it speaks of another request; a payment has one open request.
    if evaluation.answer.outcome is Outcome.INADMISSIBLE or evaluation.facts.request.another_open:
        raise _refusal(principal, payment, application, evaluation, now)
    _refuse_changed_quote(payment, evaluation, expected_fingerprint)
    if application.target is not None:
        refuse_unsuitable_stage(application.target, payment, credit_of(evaluation.answer))
    request = _create(payment, application, evaluation, now)
    tell(
        "refund_request.submitted",
        request,
        principal,
        now,
        received_via=request.received_via,
        remedy=request.remedy,
        **brief(request.answer),
    )
    if evaluation.answer.outcome is Outcome.NO_REFUND:
        move(request, "submitted", "rejected", table=REQUEST, decided_at=now)
        decision = write_decision(request, replace_id(evaluation, request), now=now)
        tell(
            "refund_request.rejected", request, principal, now, decision=decision.pk, **brief(request.answer)
        )
    return request


def _evaluate(payment: Payment, application: _Application, now: datetime) -> Evaluation:
    facts = gather_facts(
        payment,
        submitted_at=application.submitted_at,
        decided_at=now,
        amount_minor=application.amount_minor,
        remedy=application.remedy,
    )
    return Evaluation(facts, decide(facts))


def replace_id(evaluation: Evaluation, request: RefundRequest) -> Evaluation:
    """Name the evaluation after the request, which had no number yet when the facts were gathered."""
    return Evaluation(replace(evaluation.facts, id=request.number), evaluation.answer)


def _refuse_changed_quote(payment: Payment, evaluation: Evaluation, expected: str | None) -> None:
    if expected is None:
        return
    found = fingerprint(evaluation.facts, evaluation.answer)
    if found == expected:
        return
    answer = evaluation.answer_json
    shown = recall_quote(payment.pk, expected)
    raise QuoteChanged(
        "The facts have changed since the answer you were shown. Please look at the new one.",
        differences=differences(shown, answer),
        answer=answer,
        facts_fingerprint=found,
    )


def _refusal(
    principal: Principal, payment: Payment, application: _Application, evaluation: Evaluation, now: datetime
) -> Inadmissible:
    """Make the refusal, with the event that stays although nothing else does."""
    answer = evaluation.answer_json
    is_let_in = evaluation.answer.outcome is not Outcome.INADMISSIBLE
    reason = Reason.REQUEST_ALREADY_OPEN.value if is_let_in else answer["reasons"][0]
    data: dict[str, Any] = {}
    if reason == Reason.REQUEST_ALREADY_OPEN:
        data["open_request"] = _open_request_number(payment)
    refusal = Inadmissible(reason_words(reason), answer=answer, reason=reason, **data)
    refused_id = new_id()

    def keep_event() -> None:
        record_event(
            type="refund_request.refused",
            subject_type="payment",
            subject_id=payment.pk,
            client_id=payment.client_id,
            actor=principal.actor,
            at=now,
            data={
                "refusal": refused_id,
                "received_via": application.received_via,
                **brief(answer),
                "reasons": refusal.data["reasons"],
            },
        )

    refusal.aftermath = keep_event
    return refusal


def _open_request_number(payment: Payment) -> str | None:
    rows = RefundRequest.objects.filter(payment=payment, state__in=REQUEST_OPEN)
    return rows.values_list("number", flat=True).first()


def _create(
    payment: Payment, application: _Application, evaluation: Evaluation, now: datetime
) -> RefundRequest:
    year = local_date(now, zone_of(settings.COMPANY_TIME_ZONE)).year
    number = next_number("RR", year)
    terms = evaluation.facts.terms
    answer = {**evaluation.answer_json, "id": number}
    request = RefundRequest(
        number=number,
        payment=payment,
        contract_id=payment.contract_id,
        client_id=payment.client_id,
        reason=application.reason,
        statement=application.statement.strip(),
        objections=[dict(one) for one in application.objections],
        amount_minor=application.amount_minor,
        currency=payment.currency,
        remedy=application.remedy,
        target_stage=application.target,
        submitted_at=application.submitted_at,
        received_via=application.received_via,
        received_evidence=application.evidence,
        recorded_at=now,
        applicant=application.applicant,
        recorded_by=application.recorded_by,
        answer_due_on=days_later(application.submitted_at, terms.decision_days, terms.time_zone),
        receipt_answer=answer,
        answer=answer,
        **columns_of(answer),
        evaluated_at=now,
    )
    request.save(force_insert=True)
    return request
