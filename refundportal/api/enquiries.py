"""Questions about the policy, a contract or an application."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.scopes import REFUNDS_READ, REFUNDS_WRITE
from refundportal.api.request_bodies import MessageBody
from refundportal.api.schema import documented
from refundportal.api.views import ListView, PageQuery, only, shown
from refundportal.web.serializers import IdField, InstantField, ReferenceField, StrictSerializer, TextField
from refunds.models import Enquiry, EnquiryState
from refunds.selectors import enquiries_of
from refunds.services import ask_question


class EnquiryBody(serializers.Serializer[Enquiry]):
    """A question with its thread; the answer is due by a date."""

    id = serializers.UUIDField()
    client = serializers.UUIDField(source="client_id")
    contract = serializers.UUIDField(source="contract_id", allow_null=True)
    request = serializers.UUIDField(source="request_id", allow_null=True)
    subject = serializers.CharField()
    state = serializers.ChoiceField(EnquiryState.values)
    asked_at = InstantField()
    answer_due_on = serializers.DateField()
    answered_at = InstantField(allow_null=True)
    messages = MessageBody(many=True)


class NewEnquiry(StrictSerializer):
    client = IdField(source="client_id")
    contract = IdField(source="contract_id", required=False, allow_null=True)
    request = IdField(source="request_id", required=False, allow_null=True)
    subject = TextField(max_length=200)
    body = TextField(max_length=8000)


class EnquiryQuery(PageQuery):
    client = IdField(required=False)
    contract = ReferenceField(prefix="C", required=False)
    request = ReferenceField(prefix="RR", required=False)
    state = serializers.ChoiceField(EnquiryState.values, required=False)


class EnquiriesView(ListView):
    """The questions this caller may see."""

    scopes = {"GET": REFUNDS_READ, "POST": REFUNDS_WRITE}

    @documented(query=EnquiryQuery, page_of=EnquiryBody, summary="List questions")
    def get(self, request: Request) -> Response:
        query = self.query(EnquiryQuery)
        rows = only(
            enquiries_of(self.principal).prefetch_related("messages"),
            query,
            client="client_id",
            contract="contract_id",
            request="request_id",
            state="state",
        )
        return self.page(rows, query, EnquiryBody)

    @documented(body=NewEnquiry, answer=EnquiryBody, status=201, summary="Ask a question")
    def post(self, request: Request) -> Response:
        body: dict[str, Any] = self.body(NewEnquiry)
        enquiry = ask_question(principal=self.principal, now=self.now, **body)
        return shown(EnquiryBody(enquiry).data, status=201)
