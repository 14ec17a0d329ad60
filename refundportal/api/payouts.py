"""Payouts: money on its way back."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.scopes import REFUNDS_READ
from payments.models import Payout, PayoutAttempt, PayoutState, Rail
from payments.selectors import payout_of, payouts_of
from refundportal.api.schema import documented
from refundportal.api.views import ApiView, ListView, PageQuery, only, shown
from refundportal.web.serializers import AmountField, IdField, InstantField, PublicNumber, ReferenceField
from refunds.selectors import requests_of


class AttemptBody(serializers.Serializer[PayoutAttempt]):
    """One call to the provider; without an end no answer was read."""

    kind = serializers.CharField()
    started_at = InstantField()
    ended_at = InstantField(allow_null=True)
    result = serializers.CharField()
    code = serializers.CharField()


class PayoutRow(serializers.Serializer[Payout]):
    """One sending of one refund; `replaces` is the payout it follows."""

    id = serializers.UUIDField()
    request = serializers.UUIDField(source="request_id")
    payment = serializers.UUIDField(source="payment_id")
    client = serializers.UUIDField(source="client_id")
    amount = AmountField(minor="amount_minor")
    rail = serializers.ChoiceField(Rail.values)
    state = serializers.ChoiceField(PayoutState.values)
    replaces = serializers.UUIDField(source="replaces_id", allow_null=True)
    attempts_made = serializers.IntegerField()
    provider_reference = serializers.CharField()
    failure_code = serializers.CharField()
    created_at = InstantField()
    accepted_at = InstantField(allow_null=True)
    settled_at = InstantField(allow_null=True)
    ended_at = InstantField(allow_null=True)


class PayoutBody(PayoutRow):
    """A payout with every try to send it."""

    attempts = AttemptBody(many=True)


class PayoutQuery(PageQuery):
    client = IdField(required=False)
    payment = ReferenceField(prefix="P", required=False)
    request = ReferenceField(prefix="RR", required=False)
    state = serializers.ChoiceField(PayoutState.values, required=False)
    created_from = InstantField(required=False)
    created_before = InstantField(required=False)


class PayoutsView(ListView):
    """The payouts this caller may see."""

    scopes = {"GET": REFUNDS_READ}

    @documented(query=PayoutQuery, page_of=PayoutRow, summary="List payouts")
    def get(self, request: Request) -> Response:
        query = self.query(PayoutQuery)
        rows = only(
            self._rows(query),
            query,
            client="client_id",
            payment="payment_id",
            state="state",
            created_from="created_at__gte",
            created_before="created_at__lt",
        )
        return self.page(rows, query, PayoutRow)

    def _rows(self, query: dict[str, Any]) -> QuerySet[Payout]:
        """A payout knows its application by id only."""
        rows, request = payouts_of(self.principal), query.get("request")
        if isinstance(request, PublicNumber):
            return rows.filter(request_id__in=requests_of(self.principal).filter(number=request).values("pk"))
        return rows if request is None else rows.filter(request_id=request)


class PayoutView(ApiView):
    """One payout."""

    scopes = {"GET": REFUNDS_READ}

    @documented(answer=PayoutBody, summary="Read a payout")
    def get(self, request: Request, payout_id: UUID) -> Response:
        data: dict[str, Any] = PayoutBody(payout_of(self.principal, payout_id)).data
        return shown(data)
