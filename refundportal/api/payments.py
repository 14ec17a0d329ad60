"""Payments: recorded, captured, failed, voided, disputed; and what a refund of one would be now."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet, prefetch_related_objects
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.principals import Principal
from accounts.scopes import PAYMENTS_READ, PAYMENTS_WRITE, REFUNDS_READ
from kernel.money import InvalidAmount, Money
from payments.models import Allocation, Method, Payment, PaymentStatus, Rail
from payments.selectors import payment_of, payments_of
from payments.services import capture_payment, dispute_payment, fail_payment, record_payment, void_payment
from refundportal.api.handler import QueryFaults
from refundportal.api.interchange import AnswerBody
from refundportal.api.schema import documented
from refundportal.api.views import ApiView, ListView, PageQuery, created, only, shown
from refundportal.web.idempotency import idempotent
from refundportal.web.serializers import (
    AmountField,
    DayField,
    IdField,
    InstantField,
    LocalInstantField,
    ReferenceField,
    StrictSerializer,
    TextField,
)
from refunds.policy.codes import Remedy
from refunds.selectors import quote, remember_quote


class AllocationBody(serializers.Serializer[Allocation]):
    """The part of a payment that belongs to a stage of work."""

    stage = serializers.UUIDField(source="stage_id")
    code = serializers.CharField(source="stage.code")
    amount = AmountField(minor="amount_minor", currency="payment.currency")


class PaymentRow(serializers.Serializer[Payment]):
    """A payment; `deadline` is the first instant that is too late for an application."""

    id = serializers.UUIDField()
    number = serializers.CharField()
    client = serializers.UUIDField(source="client_id")
    contract = serializers.UUIDField(source="contract_id")
    stage = serializers.UUIDField(source="stage_id")
    amount = AmountField(minor="amount_minor")
    method = serializers.ChoiceField(Method.values)
    rail = serializers.ChoiceField(Rail.values)
    status = serializers.ChoiceField(PaymentStatus.values)
    status_reason = serializers.CharField()
    reference = serializers.CharField()
    provider_reference = serializers.CharField()
    value_date = serializers.DateField(allow_null=True)
    created_at = InstantField()
    captured_at = InstantField(allow_null=True)
    deadline = InstantField(allow_null=True)
    deadline_local = LocalInstantField(source="deadline_text", allow_null=True)
    time_zone = serializers.CharField(source="terms.time_zone", default=None, allow_null=True)
    terms_version = serializers.IntegerField(source="terms.version", default=None, allow_null=True)
    reserved = AmountField(minor="reserved_minor")
    refunded = AmountField(minor="refunded_minor")
    charged_back = AmountField(minor="charged_back_minor")
    imported = serializers.BooleanField()


class PaymentBody(PaymentRow):
    """A payment with the work it pays for."""

    allocations = AllocationBody(many=True)


class PaymentQuery(PageQuery):
    client = IdField(required=False)
    contract = ReferenceField(prefix="C", required=False)
    stage = IdField(required=False)
    number = TextField(required=False, max_length=20)
    status = serializers.ChoiceField(PaymentStatus.values, required=False)
    method = serializers.ChoiceField(Method.values, required=False)
    provider_reference = TextField(required=False, max_length=140)
    captured_from = InstantField(required=False)
    captured_before = InstantField(required=False)


class NewPayment(StrictSerializer):
    """A payment of a stage that is expected or announced."""

    stage = IdField(source="stage_id")
    amount = AmountField()
    method = serializers.ChoiceField([Method.BANK.value, Method.CARD.value, Method.CASH.value])
    rail = serializers.ChoiceField(Rail.values, required=False, help_text="How money would go back.")
    reference = TextField(required=False, allow_blank=True, max_length=140)
    provider_reference = TextField(required=False, allow_blank=True, max_length=140)
    value_date = DayField(required=False, allow_null=True)


class Capture(StrictSerializer):
    """When the money was confirmed (default: now; at most one day back)."""

    captured_at = InstantField(required=False)
    value_date = DayField(required=False, allow_null=True)


class Because(StrictSerializer):
    """Why, in words that stay inside the company."""

    reason = TextField(required=False, allow_blank=True, max_length=500)


class QuoteQuery(StrictSerializer):
    amount = TextField(required=False, max_length=40, help_text="A decimal text in the payment's currency.")
    remedy = serializers.ChoiceField([remedy.value for remedy in Remedy], required=False)
    target_stage = IdField(required=False)


class QuoteBody(AnswerBody):
    """What an application would be answered now; send the fingerprint with the application."""

    facts_fingerprint = serializers.CharField()
    difference_due = serializers.CharField(
        required=False, help_text="Of an exchange: what the target stage still owes after the credit."
    )


class PaymentsView(ListView):
    """The payments this caller may see."""

    scopes = {"GET": PAYMENTS_READ, "POST": PAYMENTS_WRITE}

    @documented(query=PaymentQuery, page_of=PaymentRow, summary="List payments")
    def get(self, request: Request) -> Response:
        query = self.query(PaymentQuery)
        rows = only(
            payment_rows(self.principal),
            query,
            client="client_id",
            contract="contract_id",
            stage="stage_id",
            number="number",
            status="status",
            method="method",
            provider_reference="provider_reference",
            captured_from="captured_at__gte",
            captured_before="captured_at__lt",
        )
        return self.page(rows, query, PaymentRow)

    @documented(body=NewPayment, answer=PaymentBody, status=201, summary="Record a payment")
    @idempotent
    def post(self, request: Request) -> Response:
        payment = record_payment(principal=self.principal, now=self.now, **self.body(NewPayment))
        return created(show_payment(self.principal, payment.pk), "api-payment", payment.pk)


class PaymentView(ApiView):
    """One payment."""

    scopes = {"GET": PAYMENTS_READ}

    @documented(answer=PaymentBody, summary="Read a payment")
    def get(self, request: Request, payment_id: UUID) -> Response:
        return shown(self._show(payment_id))

    def _show(self, payment_id: UUID) -> dict[str, Any]:
        return show_payment(self.principal, payment_id)


class PaymentAct(PaymentView):
    """Something that happens to a payment."""

    scopes = {"POST": PAYMENTS_WRITE}
    http_method_names = ["post"]


class CaptureView(PaymentAct):
    @documented(body=Capture, answer=PaymentBody, summary="Confirm that the money arrived")
    @idempotent
    def post(self, request: Request, payment_id: UUID) -> Response:
        body = self.body(Capture)
        self.match(lambda: self._show(payment_id))
        capture_payment(principal=self.principal, payment_id=payment_id, now=self.now, **body)
        return shown(self._show(payment_id))


class FailView(PaymentAct):
    @documented(body=Because, answer=PaymentBody, summary="Note that the money will not come")
    @idempotent
    def post(self, request: Request, payment_id: UUID) -> Response:
        body = self.body(Because)
        self.match(lambda: self._show(payment_id))
        fail_payment(principal=self.principal, payment_id=payment_id, now=self.now, **body)
        return shown(self._show(payment_id))


class VoidView(PaymentAct):
    @documented(body=Because, answer=PaymentBody, summary="Take a recorded payment back")
    @idempotent
    def post(self, request: Request, payment_id: UUID) -> Response:
        body = self.body(Because)
        self.match(lambda: self._show(payment_id))
        void_payment(principal=self.principal, payment_id=payment_id, now=self.now, **body)
        return shown(self._show(payment_id))


class DisputeView(PaymentAct):
    @documented(body=Because, answer=PaymentBody, summary="Note that a chargeback is open")
    @idempotent
    def post(self, request: Request, payment_id: UUID) -> Response:
        body = self.body(Because)
        self.match(lambda: self._show(payment_id))
        dispute_payment(principal=self.principal, payment_id=payment_id, now=self.now, **body)
        return shown(self._show(payment_id))


class QuoteView(ApiView):
    """The answer to an application for this payment, if it came now. Nothing is stored."""

    scopes = {"GET": REFUNDS_READ}

    @documented(
        query=QuoteQuery, answer=QuoteBody, refusals=(409, 422), summary="Ask what a refund would be now"
    )
    def get(self, request: Request, payment_id: UUID) -> Response:
        query = self.query(QuoteQuery)
        quoted = quote(
            principal=self.principal,
            payment_id=payment_id,
            amount=self._amount(query, payment_id),
            remedy=query.get("remedy", Remedy.REFUND.value),
            target_stage_id=query.get("target_stage"),
            now=self.now,
        )
        written = quoted.answer_json
        remember_quote(quoted, written)
        answer = {**written, "facts_fingerprint": quoted.fingerprint}
        if quoted.target_stage is not None:
            owed = quoted.target_stage.amount_minor - quoted.target_stage.covered_minor
            credit = quoted.answer.refund
            answer["difference_due"] = Money(owed - credit.minor, credit.currency).text
        return Response(answer)

    def _amount(self, query: dict[str, Any], payment_id: UUID) -> Money | None:
        """Read the amount in the payment's currency, which says how many decimals it may have."""
        if "amount" not in query:
            return None
        try:
            return Money.parse(query["amount"], payment_of(self.principal, payment_id).currency)
        except InvalidAmount as error:
            raise QueryFaults.of("amount", error) from None


def payment_rows(principal: Principal) -> QuerySet[Payment]:
    """The payments of this caller with what is shown of them."""
    return payments_of(principal).select_related("terms")


def show_payment(principal: Principal, payment_id: UUID) -> dict[str, Any]:
    """Show a payment with its allocations."""
    payment = payment_of(principal, payment_id)
    prefetch_related_objects([payment], "terms", "allocations__stage")
    return PaymentBody(payment).data
