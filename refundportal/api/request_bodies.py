"""How applications, their answers and their conversation look in JSON."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.principals import Principal
from kernel.money import Money
from payments.models import Payout, PayoutState
from refundportal.api.interchange import AnswerBody, FactsBody
from refundportal.api.views import many_shown
from refundportal.web.serializers import (
    AmountField,
    IdField,
    InstantField,
    LocalInstantField,
    StrictSerializer,
    TextField,
    TruthField,
    many,
)
from refunds.models import (
    Attachment,
    Decision,
    Message,
    ReasonGiven,
    ReceivedVia,
    RefundRequest,
    Remedy,
    RequestState,
)
from refunds.selectors import GivenBack, given_back, request_of


class RequestRow(serializers.Serializer[RefundRequest]):
    """An application in a list; `amount` is what was asked for (null: everything)."""

    id = serializers.UUIDField()
    number = serializers.CharField()
    client = serializers.UUIDField(source="client_id")
    contract = serializers.UUIDField(source="contract_id")
    payment = serializers.UUIDField(source="payment_id")
    state = serializers.ChoiceField(RequestState.values)
    reason = serializers.ChoiceField(ReasonGiven.values)
    amount = serializers.SerializerMethodField()
    remedy = serializers.ChoiceField(Remedy.values)
    target_stage = serializers.UUIDField(source="target_stage_id", allow_null=True)
    submitted_at = InstantField()
    received_via = serializers.ChoiceField(ReceivedVia.values)
    recorded_at = InstantField()
    answer_due_on = serializers.DateField()
    information_due_on = serializers.DateField(allow_null=True)
    decided_at = InstantField(allow_null=True)

    @extend_schema_field(AmountField(allow_null=True))
    def get_amount(self, request: RefundRequest) -> dict[str, str] | None:
        if request.amount_minor is None:
            return None
        return {"amount": Money(request.amount_minor, request.currency).text, "currency": request.currency}


class ObjectionBody(serializers.Serializer[Any]):
    """What is not as agreed, by acceptance item."""

    stage = serializers.CharField()
    item = serializers.CharField()
    text = serializers.CharField()


class RequestPayoutBody(serializers.Serializer[Payout]):
    """A payout of this application."""

    id = serializers.UUIDField()
    state = serializers.ChoiceField(PayoutState.values)
    amount = AmountField(minor="amount_minor")


class RequestBody(RequestRow):
    """An application with the answer so far; its decision, once there is one, has its own address."""

    statement = serializers.CharField()
    objections = ObjectionBody(many=True)
    deadline = InstantField(source="payment.deadline", allow_null=True)
    deadline_local = LocalInstantField(source="payment.deadline_text", allow_null=True)
    time_zone = serializers.CharField(source="payment.terms.time_zone", default=None, allow_null=True)
    answer = serializers.SerializerMethodField()
    evaluated_at = InstantField()

    @extend_schema_field(AnswerBody)
    def get_answer(self, request: RefundRequest) -> dict[str, Any]:
        return dict(request.answer)


class RequestDetail(RequestBody):
    """
    An application with the way its money goes back.

    `payout_state` is the state of the last payout, `credited`, or null while nothing is on its way.
    """

    payout_state = serializers.CharField(allow_null=True)
    payouts = RequestPayoutBody(many=True)
    credit = serializers.UUIDField(allow_null=True, help_text="The payment that holds the exchange credit.")


class DecisionBody(serializers.Serializer[Decision]):
    """The company's answer as it was stored: facts (with the terms), answer and people. It never changes."""

    request = serializers.UUIDField(source="request_id")
    number = serializers.IntegerField()
    decided_at = InstantField()
    policy_version = serializers.CharField()
    proposed_by = serializers.UUIDField(source="proposed_by_id", allow_null=True)
    approved_by = serializers.UUIDField(source="approved_by_id", allow_null=True)
    facts = serializers.SerializerMethodField()
    answer = serializers.SerializerMethodField()

    @extend_schema_field(FactsBody)
    def get_facts(self, decision: Decision) -> dict[str, Any]:
        return dict(decision.facts)

    @extend_schema_field(AnswerBody)
    def get_answer(self, decision: Decision) -> dict[str, Any]:
        return dict(decision.answer)


class MessageBody(serializers.Serializer[Message]):
    """One message; internal ones are seen by staff only."""

    id = serializers.UUIDField()
    author = serializers.UUIDField(source="author_id", allow_null=True)
    by_staff = serializers.BooleanField()
    is_internal = serializers.BooleanField()
    body = serializers.CharField()
    at = InstantField()


class AttachmentBody(serializers.Serializer[Attachment]):
    """A file of an application, immutable."""

    id = serializers.UUIDField()
    message = serializers.UUIDField(source="message_id", allow_null=True)
    file_name = serializers.CharField()
    content_type = serializers.CharField()
    size_bytes = serializers.IntegerField()
    sha256 = serializers.CharField()
    uploaded_at = InstantField()


class NewObjection(StrictSerializer):
    stage = TextField(max_length=40)
    item = TextField(max_length=40)
    text = TextField(max_length=4000)


class NewRequest(StrictSerializer):
    """
    An application.

    Staff who record one that was received otherwise name how (`received_via`), when (`received_at`) and
    the document that shows it (`evidence`); that needs the scope `refunds:decide`.
    """

    payment = IdField(source="payment_id")
    reason = serializers.ChoiceField(ReasonGiven.values)
    statement = TextField(max_length=4000)
    objections = many(NewObjection, required=False, max_length=200)
    amount = AmountField(required=False, allow_null=True, help_text="Default: everything.")
    remedy = serializers.ChoiceField(Remedy.values, required=False)
    target_stage = IdField(source="target_stage_id", required=False, allow_null=True)
    expected_fingerprint = TextField(required=False, max_length=64, help_text="From the quote you have seen.")
    received_via = serializers.ChoiceField(
        [ReceivedVia.PHONE.value, ReceivedVia.LETTER.value, ReceivedVia.EMAIL.value], required=False
    )
    received_at = InstantField(required=False)
    evidence = IdField(source="evidence_id", required=False)


class NewMessage(StrictSerializer):
    body = TextField(max_length=8000)
    is_internal = TruthField(required=False)


class NewAttachment(StrictSerializer):
    file = serializers.FileField(max_length=255)


def show_request(principal: Principal, request_id: UUID) -> dict[str, Any]:
    """Show an application as this caller sees it: two queries."""
    case = request_of(principal, request_id)
    return _shown(case, given_back(case))


def show_new_request(made: RefundRequest) -> dict[str, Any]:
    """Show an application as its service has just made it, without reading it: no money went back."""
    return _shown(made, GivenBack(payouts=(), credit=None))


def _shown(case: RefundRequest, back: GivenBack) -> dict[str, Any]:
    return {
        **RequestBody(case).data,
        "payout_state": back.state,
        "payouts": many_shown(RequestPayoutBody, back.payouts),
        "credit": None if back.credit is None else str(back.credit.pk),
    }
