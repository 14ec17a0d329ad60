"""Applications: applying, withdrawing, the conversation and the decision."""

from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.scopes import REFUNDS_DECIDE, REFUNDS_READ, REFUNDS_WRITE
from kernel.errors import Fault, InvalidInput, NotFoundOrHidden
from refundportal.api.access import require_scope
from refundportal.api.parsers import FileParser
from refundportal.api.request_bodies import (
    AttachmentBody,
    DecisionBody,
    MessageBody,
    NewAttachment,
    NewMessage,
    NewRequest,
    RequestDetail,
    RequestRow,
    show_new_request,
    show_request,
)
from refundportal.api.schema import documented
from refundportal.api.views import ApiView, ListView, PageQuery, created, only, shown
from refundportal.web.idempotency import idempotent
from refundportal.web.serializers import IdField, InstantField, Nothing, ReferenceField, TextField
from refunds.models import RefundRequest, Remedy, RequestState
from refunds.selectors import current_decision, messages_of, request_of, requests_of
from refunds.services import (
    add_attachment,
    apply_for_refund,
    post_message,
    record_application,
    withdraw_request,
)

_RECEPTION = ("received_via", "received_at", "evidence_id")


class RequestQuery(PageQuery):
    client = IdField(required=False)
    contract = ReferenceField(prefix="C", required=False)
    payment = ReferenceField(prefix="P", required=False)
    number = TextField(required=False, max_length=20)
    state = serializers.ChoiceField(RequestState.values, required=False)
    remedy = serializers.ChoiceField(Remedy.values, required=False)
    submitted_from = InstantField(required=False)
    submitted_before = InstantField(required=False)


class RequestsView(ListView):
    """The applications this caller may see."""

    scopes = {"GET": REFUNDS_READ, "POST": REFUNDS_WRITE}

    @documented(query=RequestQuery, page_of=RequestRow, summary="List applications")
    def get(self, request: Request) -> Response:
        query = self.query(RequestQuery)
        rows = only(
            requests_of(self.principal),
            query,
            client="client_id",
            contract="contract_id",
            payment="payment_id",
            number="number",
            state="state",
            remedy="remedy",
            submitted_from="submitted_at__gte",
            submitted_before="submitted_at__lt",
        )
        return self.page(rows, query, RequestRow)

    @documented(body=NewRequest, answer=RequestDetail, status=201, summary="Apply for a refund")
    @idempotent
    def post(self, request: Request) -> Response:
        body = self.body(NewRequest)
        made = self._record(body) if any(name in body for name in _RECEPTION) else self._apply(body)
        return created(show_new_request(made), "api-request", made.pk)

    def _apply(self, body: dict[str, Any]) -> RefundRequest:
        return apply_for_refund(principal=self.principal, now=self.now, **body)

    def _record(self, body: dict[str, Any]) -> RefundRequest:
        require_scope(self.request, REFUNDS_DECIDE)
        missing = [name for name in ("received_via", "received_at") if name not in body]
        if missing:
            raise InvalidInput(
                faults=[Fault(path=name, message="is missing", code="required") for name in missing]
            )
        body.pop("expected_fingerprint", None)
        return record_application(
            principal=self.principal, evidence_id=body.pop("evidence_id", None), now=self.now, **body
        )


class RequestView(ApiView):
    """One application."""

    scopes = {"GET": REFUNDS_READ}

    @documented(answer=RequestDetail, summary="Read an application")
    def get(self, request: Request, request_id: UUID) -> Response:
        return shown(self._show(request_id))

    def _show(self, request_id: UUID) -> dict[str, Any]:
        return show_request(self.principal, request_id)


class WithdrawView(RequestView):
    """The client's way out, as long as there is no answer."""

    scopes = {"POST": REFUNDS_WRITE}
    http_method_names = ["post"]

    @documented(body=Nothing, answer=RequestDetail, summary="Withdraw an application")
    @idempotent
    def post(self, request: Request, request_id: UUID) -> Response:
        self.body(Nothing)
        self.match(lambda: self._show(request_id))
        withdraw_request(principal=self.principal, request_id=request_id, now=self.now)
        return shown(self._show(request_id))


class MessagesView(ListView):
    """The conversation on an application."""

    scopes = {"GET": REFUNDS_READ, "POST": REFUNDS_WRITE}

    @documented(query=PageQuery, page_of=MessageBody, summary="List the messages on an application")
    def get(self, request: Request, request_id: UUID) -> Response:
        case = request_of(self.principal, request_id)
        rows = messages_of(self.principal, case.pk)
        return self.page(rows, self.query(PageQuery), MessageBody)

    @documented(body=NewMessage, answer=MessageBody, status=201, summary="Write a message on an application")
    @idempotent
    def post(self, request: Request, request_id: UUID) -> Response:
        message = post_message(
            principal=self.principal, request_id=request_id, now=self.now, **self.body(NewMessage)
        )
        return shown(MessageBody(message).data, status=201)


class AttachmentsView(ApiView):
    """The files of an application."""

    scopes = {"POST": REFUNDS_WRITE}
    parser_classes = [FileParser]

    @documented(
        body=NewAttachment,
        media_type="multipart/form-data",
        answer=AttachmentBody,
        status=201,
        summary="Add a file to an application",
    )
    @idempotent
    def post(self, request: Request, request_id: UUID) -> Response:
        file = self.body(NewAttachment)["file"]
        attachment = add_attachment(
            principal=self.principal, request_id=request_id, file=file, file_name=file.name, now=self.now
        )
        return shown(AttachmentBody(attachment).data, status=201)


class DecisionView(ApiView):
    """The decision of an application, once there is one."""

    scopes = {"GET": REFUNDS_READ}

    @documented(answer=DecisionBody, summary="Read the decision")
    def get(self, request: Request, request_id: UUID) -> Response:
        decision = current_decision(request_of(self.principal, request_id).pk)
        if decision is None:
            raise NotFoundOrHidden("There is no decision yet.")
        return shown(DecisionBody(decision).data)
