"""The steps of staff on an application: the same services as everywhere, and the same four eyes."""

from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.scopes import REFUNDS_DECIDE
from payments.tasks import send_due_payouts
from refundportal.api.request_bodies import RequestDetail, show_request
from refundportal.api.schema import documented
from refundportal.api.views import ApiView, shown
from refundportal.bell import ring
from refundportal.web.idempotency import idempotent
from refundportal.web.serializers import IdField, Nothing, StrictSerializer, TextField, TruthField, many
from refunds.services import (
    approve_request,
    exclude_usage,
    propose_answer,
    record_hidden_defect,
    record_statutory_check,
    request_information,
    send_back,
    start_review,
)
from refunds.services.cases import lock_case_to_decide


class StatutoryCheck(StrictSerializer):
    """Whether the law gives this consumer a longer period."""

    holds = TruthField()
    reason = TextField(max_length=4000)
    evidence = IdField(source="evidence_id", required=False, allow_null=True)


class HiddenDefect(StrictSerializer):
    """Whether a delivery has a defect that could not be seen when it was accepted."""

    stage = IdField(source="stage_id")
    holds = TruthField(required=False)
    reason = TextField(max_length=4000)
    evidence = IdField(source="evidence_id", required=False, allow_null=True)


class NamedUsage(StrictSerializer):
    source = TextField(max_length=60)  # type: ignore[assignment]
    external_id = TextField(max_length=120)


class UsageExclusion(StrictSerializer):
    """Usage that was the company's own, and does not count (or, taken back, counts again)."""

    records = many(NamedUsage, allow_empty=False, max_length=1000)
    excluded = TruthField(required=False)
    reason = TextField(max_length=4000)
    evidence = IdField(source="evidence_id", required=False, allow_null=True)

    def to_internal_value(self, data: Any) -> Any:
        values = super().to_internal_value(data)
        values["records"] = [(record["source"], record["external_id"]) for record in values["records"]]
        return values


class Question(StrictSerializer):
    question = TextField(max_length=8000)


class ProposalNote(StrictSerializer):
    note = TextField(required=False, allow_blank=True, max_length=4000)


class SendingBack(StrictSerializer):
    reason = TextField(max_length=4000)


class StaffStep(ApiView):
    """One step of staff; afterwards the application is shown as it is now."""

    scopes = {"POST": REFUNDS_DECIDE}

    def step(self, request_id: UUID, form: type[StrictSerializer], service: Any) -> Response:
        """Read the body, hold it against what the caller has seen, and do it."""
        body = self.body(form)
        self.match(
            lambda: show_request(self.principal, request_id),
            lock=lambda: lock_case_to_decide(self.principal, request_id),
        )
        service(principal=self.principal, request_id=request_id, now=self.now, **body)
        return shown(show_request(self.principal, request_id))


class StatutoryCheckView(StaffStep):
    @documented(body=StatutoryCheck, answer=RequestDetail, summary="Record the statutory check")
    @idempotent
    def post(self, request: Request, request_id: UUID) -> Response:
        return self.step(request_id, StatutoryCheck, record_statutory_check)


class HiddenDefectView(StaffStep):
    @documented(body=HiddenDefect, answer=RequestDetail, summary="Record a hidden defect")
    @idempotent
    def post(self, request: Request, request_id: UUID) -> Response:
        return self.step(request_id, HiddenDefect, record_hidden_defect)


class UsageExclusionView(StaffStep):
    @documented(body=UsageExclusion, answer=RequestDetail, summary="Exclude the company's own usage")
    @idempotent
    def post(self, request: Request, request_id: UUID) -> Response:
        return self.step(request_id, UsageExclusion, exclude_usage)


class StartReviewView(StaffStep):
    @documented(body=Nothing, answer=RequestDetail, summary="Take an application into review")
    @idempotent
    def post(self, request: Request, request_id: UUID) -> Response:
        return self.step(request_id, Nothing, start_review)


class RequestInformationView(StaffStep):
    @documented(body=Question, answer=RequestDetail, summary="Ask the client a question")
    @idempotent
    def post(self, request: Request, request_id: UUID) -> Response:
        return self.step(request_id, Question, request_information)


class ProposeView(StaffStep):
    @documented(body=ProposalNote, answer=RequestDetail, summary="Propose the answer as it stands")
    @idempotent
    def post(self, request: Request, request_id: UUID) -> Response:
        return self.step(request_id, ProposalNote, propose_answer)


class ApproveView(StaffStep):
    """The second person's yes to a proposed answer; refused unless the portal allows it over REST."""

    @documented(body=Nothing, answer=RequestDetail, summary="Approve the proposed answer")
    @idempotent
    def post(self, request: Request, request_id: UUID) -> Response:
        answer = self.step(request_id, Nothing, approve_request)
        ring(send_due_payouts)
        return answer


class SendBackView(StaffStep):
    @documented(body=SendingBack, answer=RequestDetail, summary="Send a proposed answer back to review")
    @idempotent
    def post(self, request: Request, request_id: UUID) -> Response:
        return self.step(request_id, SendingBack, send_back)
