"""The conversation: messages on an application, and questions that get an answer by a date."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.principals import Principal
from accounts.rights import may_review
from contracts.models import Client
from contracts.selectors import client_of, contract_of, role_of
from events.services import record_event
from kernel.errors import Fault, InvalidInput, NotPermitted
from kernel.states import move
from refunds.models import Enquiry, EnquiryState, Message
from refunds.selectors.access import enquiries_of, enquiry_of, request_of
from refunds.selectors.actions import require, why_not_write, why_not_write_internally
from refunds.selectors.standing import standing_of
from refunds.services.cases import days_later, evaluate, keep_answer, lock_case, tell
from refunds.services.files import Upload, attach, stored
from refunds.services.inputs import BODY_MAX, read_text
from refunds.states import REQUEST

ANSWER_DAYS = 7


def post_message(
    *,
    principal: Principal,
    request_id: UUID,
    body: str,
    is_internal: bool = False,
    attachments: Sequence[Upload] = (),
    now: datetime,
) -> Message:
    """
    Write into the thread of an application; internal notes are staff's alone.

    What the client writes while information is asked for brings the case back to review.

    :raises NotFoundOrHidden: no such request for this principal
    :raises NotPermitted: the principal may only read
    :raises InvalidInput: no text
    :raises FileRefused: a file that is not kept
    """
    text = read_text("body", body, BODY_MAX)
    with stored(attachments) as files, transaction.atomic():
        request = lock_case(principal, request_id)
        rule = why_not_write_internally if is_internal else why_not_write
        require(rule, standing_of(principal, request, now=now))
        message = request.messages.create(
            author=principal.user, by_staff=principal.is_staff, is_internal=is_internal, body=text, at=now
        )
        tell(
            "message.posted",
            request,
            principal,
            now,
            message=message.pk,
            by_staff=message.by_staff,
            is_internal=is_internal,
        )
        attach(files, request=request, message=message, principal=principal, now=now)
        if request.state == "information_requested" and not message.by_staff:
            move(request, "information_requested", "in_review", table=REQUEST, information_due_on=None)
            keep_answer(request, evaluate(request, now), now)
            tell("refund_request.information_received", request, principal, now, message=message.pk)
        return message


answer_information = post_message
"""The client's answer to a question is a message like any other."""


@transaction.atomic
def ask_question(
    *,
    principal: Principal,
    client_id: UUID,
    subject: str,
    body: str,
    contract_id: UUID | None = None,
    request_id: UUID | None = None,
    now: datetime,
) -> Enquiry:
    """
    Ask about the policy, a contract or an application; the answer is due within seven company days.

    :raises NotFoundOrHidden: no such client, contract or request for this principal
    :raises InvalidInput: no subject or text, or a contract or request of another client
    """
    client = client_of(principal, client_id)
    _require_asker(principal, client)
    contract = None if contract_id is None else contract_of(principal, contract_id)
    request = None if request_id is None else request_of(principal, request_id)
    for path, row in (("contract", contract), ("request", request)):
        if row is not None and row.client_id != client.pk:
            fault = Fault(path=path, message="belongs to another client", code="not_found")
            raise InvalidInput("The question names something of another client.", faults=[fault])
    enquiry = Enquiry.objects.create(
        client=client,
        contract=contract,
        request=request,
        subject=read_text("subject", subject, 200),
        asked_by=principal.user,
        asked_at=now,
        answer_due_on=days_later(now, ANSWER_DAYS, settings.COMPANY_TIME_ZONE),
    )
    text = read_text("body", body, BODY_MAX)
    enquiry.messages.create(author=principal.user, by_staff=False, body=text, at=now)
    _tell("enquiry.asked", enquiry, principal, now)
    return enquiry


@transaction.atomic
def ask_again(*, principal: Principal, enquiry_id: UUID, body: str, now: datetime) -> Message:
    """
    Go on with a question; one that was answered is open again, with a new date.

    :raises NotFoundOrHidden: no such question for this principal
    :raises NotPermitted: the principal may not write for this client
    :raises InvalidInput: no text
    """
    enquiry = _locked(principal, enquiry_id)
    _require_asker(principal, enquiry.client)
    message = _write(enquiry, principal, body, by_staff=False, now=now)
    enquiry.state = EnquiryState.OPEN
    enquiry.answer_due_on = days_later(now, ANSWER_DAYS, settings.COMPANY_TIME_ZONE)
    enquiry.save(update_fields=["state", "answer_due_on"])
    _tell("enquiry.asked", enquiry, principal, now)
    return message


@transaction.atomic
def answer_question(*, principal: Principal, enquiry_id: UUID, body: str, now: datetime) -> Message:
    """
    Answer a client's question.

    :raises NotFoundOrHidden: no such question for this principal
    :raises NotPermitted: not a Reviewer or Approver
    :raises InvalidInput: no text
    """
    enquiry = _locked(principal, enquiry_id)
    if not may_review(principal):
        raise NotPermitted(_("Only a Reviewer or an Approver may answer."))
    message = _write(enquiry, principal, body, by_staff=True, now=now)
    enquiry.state, enquiry.answered_at = EnquiryState.ANSWERED, now
    enquiry.save(update_fields=["state", "answered_at"])
    _tell("enquiry.answered", enquiry, principal, now)
    return message


def _require_asker(principal: Principal, client: Client) -> None:
    """Every member of the client may ask, and its systems; staff answer."""
    if principal.api_client is None and (principal.is_staff or role_of(principal.user, client) is None):
        raise NotPermitted(_("Only members of the client may ask."))


def _locked(principal: Principal, enquiry_id: UUID) -> Enquiry:
    enquiry = enquiry_of(principal, enquiry_id)
    enquiries_of(principal).select_for_update(no_key=True).get(pk=enquiry_id)
    return enquiry


def _write(enquiry: Enquiry, principal: Principal, body: str, *, by_staff: bool, now: datetime) -> Message:
    text = read_text("body", body, BODY_MAX)
    message: Message = enquiry.messages.create(author=principal.user, by_staff=by_staff, body=text, at=now)
    return message


def _tell(type: str, enquiry: Enquiry, principal: Principal, now: datetime) -> None:
    record_event(
        type=type,
        subject_type="enquiry",
        subject_id=enquiry.pk,
        client_id=enquiry.client_id,
        actor=principal.actor,
        at=now,
        data={"contract": enquiry.contract_id, "request": enquiry.request_id},
    )
