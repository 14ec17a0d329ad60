"""Who sees what. The only way to a request, question or file is through the one who asks."""

import re
from typing import Final
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.models import User
from accounts.principals import Principal
from contracts.models import Document
from contracts.selectors import clients_of
from kernel.errors import Fault, InvalidInput, NotFoundOrHidden
from payments.models import Payment
from payments.selectors import payments_of
from refunds.models import ApplicationDraft, Attachment, Decision, Enquiry, Message, RefundRequest

_NUMBER: Final = re.compile(r"RR-[0-9]{4}-[0-9]{1,12}")
_WITH_ITS_CASE: Final = ("payment__terms", "payment__stage", "contract", "client", "target_stage__contract")


def requests_of(principal: Principal) -> QuerySet[RefundRequest]:
    """Give the requests that a principal may see."""
    return RefundRequest.objects.filter(client__in=clients_of(principal))


def request_of(principal: Principal, request_id: UUID) -> RefundRequest:
    """
    Give one request with its payment, terms, contract and client.

    :raises NotFoundOrHidden: no such request for this principal
    """
    found = requests_of(principal).select_related(*_WITH_ITS_CASE).filter(pk=request_id).first()
    return _or_hidden(found)


def request_by_number(principal: Principal, number: str) -> RefundRequest:
    """
    Give one request by the number that people use (`RR-2026-000123`).

    :raises NotFoundOrHidden: no such request for this principal
    """
    if not _NUMBER.fullmatch(number):
        return _or_hidden(None)
    found = requests_of(principal).select_related(*_WITH_ITS_CASE).filter(number=number).first()
    return _or_hidden(found)


def _or_hidden(found: RefundRequest | None) -> RefundRequest:
    if found is None:
        raise NotFoundOrHidden("There is no such application.")
    return found


def payment_to_ask_about(principal: Principal, payment_id: UUID) -> Payment:
    """
    Give one payment with everything that an evaluation needs of it. One query.

    :raises NotFoundOrHidden: no such payment for this principal
    """
    rows = payments_of(principal).select_related("terms", "client", "contract", "stage")
    found = rows.filter(pk=payment_id).first()
    if found is None:
        raise NotFoundOrHidden("There is no such payment.")
    return found


def lock_request(request_id: UUID) -> RefundRequest:
    """Lock a request's row until the end of the transaction; client, contract and payment come before."""
    return RefundRequest.objects.select_for_update(no_key=True).get(pk=request_id)


def evidence_of(contract_id: UUID, document_id: UUID | None) -> Document | None:
    """
    Give a document of a contract that stands as evidence; None gives none.

    :raises InvalidInput: the contract has no such document
    """
    if document_id is None:
        return None
    found = Document.objects.filter(pk=document_id, contract_id=contract_id).first()
    if found is None:
        fault = Fault(path="evidence", message="must be a document of this contract", code="not_found")
        raise InvalidInput("The evidence is no document of this contract.", faults=[fault])
    return found


def current_decision(request_id: UUID) -> Decision | None:
    """Give the decision of a request that stands: the last one."""
    return Decision.objects.filter(request_id=request_id).order_by("-number").first()


def messages_of(principal: Principal, request_id: UUID) -> QuerySet[Message]:
    """Give the thread of a request; internal notes are for staff alone."""
    rows = Message.objects.filter(request_id=request_id).select_related("author")
    return rows if principal.is_staff else rows.filter(is_internal=False)


def attachments_of(principal: Principal) -> QuerySet[Attachment]:
    """Give the files that a principal may open: of their requests, and of their own drafts."""
    of_requests = Q(request__in=requests_of(principal))
    if not principal.is_staff:
        of_requests &= Q(message__isnull=True) | Q(message__is_internal=False)
    return Attachment.objects.filter(of_requests | Q(draft__user=principal.user, draft__isnull=False))


def attachment_of(principal: Principal, attachment_id: UUID) -> Attachment:
    """
    :raises NotFoundOrHidden: no such file for this principal
    """
    found = attachments_of(principal).filter(pk=attachment_id).first()
    if found is None:
        raise NotFoundOrHidden("There is no such file.")
    return found


def draft_of(user: User, payment_id: UUID) -> ApplicationDraft | None:
    """Give what a person has typed so far about a payment."""
    rows = ApplicationDraft.objects.filter(user=user, payment_id=payment_id)
    return rows.prefetch_related("attachments").first()


def enquiries_of(principal: Principal) -> QuerySet[Enquiry]:
    """Give the questions that a principal may see."""
    return Enquiry.objects.filter(client__in=clients_of(principal))


def enquiry_of(principal: Principal, enquiry_id: UUID) -> Enquiry:
    """
    :raises NotFoundOrHidden: no such question for this principal
    """
    found = enquiries_of(principal).select_related("client", "request").filter(pk=enquiry_id).first()
    if found is None:
        raise NotFoundOrHidden("There is no such question.")
    return found
