"""
What the API is measured against, behind the same authentication: small views as one would write them first.

They stand in the benchmark's own application, never in the portal.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any
from uuid import UUID

from django.db import connection, models
from django.db.models import Sum
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.scopes import REFUNDS_READ, REFUNDS_WRITE, USAGE_WRITE
from benchmarks.bare import bare_decision
from contracts.models import UsageRecord
from contracts.policy.facts import ItemFacts, MeteredUsage, StageFacts
from contracts.selectors import policy_terms
from kernel.money import Money
from payments.models import Payment
from refunds.policy.codes import ClientType
from refunds.policy.codes import PaymentStatus as Status
from refunds.policy.facts import Facts, PaymentFacts, RequestFacts, StoredDeadline


class Note(models.Model):
    """One row for one call."""

    payment = models.UUIDField()
    reason = models.CharField(max_length=40)
    statement = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "benchmarks"

    def __str__(self) -> str:
        return f"{self.payment} {self.reason}"


class NoteSerializer(serializers.ModelSerializer[Note]):
    class Meta:
        model = Note
        fields = ("id", "payment", "reason", "statement", "created_at")


class OneRow(APIView):
    """The one-row POST: read, write, answer."""

    scopes = {"POST": REFUNDS_WRITE}

    def post(self, request: Request) -> Response:
        given = NoteSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        given.save()
        return Response(given.data, status=201)


class MinimalQuote(APIView):
    """A quote by the ORM as one would write it first: relations followed, bare arithmetic, two figures."""

    scopes = {"GET": REFUNDS_READ}

    def get(self, request: Request, payment_id: UUID) -> Response:
        payment = Payment.objects.select_related("terms", "client").get(pk=payment_id)
        outcome, reason, refund, retained = bare_decision(_facts_of(payment, timezone.now()))
        return Response({"outcome": outcome, "reason": reason, "refund": refund, "retained": retained})


def _facts_of(payment: Payment, now: datetime) -> Facts:
    currency = payment.currency
    work, codes = [], {}
    allocations = payment.allocations.select_related("stage")
    for part in allocations.prefetch_related("stage__deliveries__assessments__values", "stage__items"):
        delivery = max(part.stage.deliveries.all(), key=lambda one: one.number, default=None)
        found = {}
        for assessment in delivery.assessments.all() if delivery else ():
            for value in assessment.values.all():
                found[value.item_id] = Fraction(value.numerator, value.denominator)
        codes[part.stage_id] = part.stage.code
        items = [
            ItemFacts(code=one.code, weight=Fraction(one.weight_micro, 10**6), fulfilled=found.get(one.pk))
            for one in part.stage.items.all()
        ]
        work.append(
            StageFacts(
                stage=part.stage.code,
                amount=Money(part.amount_minor, currency),
                delivered_at=delivery.delivered_at if delivery else None,
                accepted_at=delivery.accepted_at if delivery else None,
                items=tuple(items),
            )
        )
    assert payment.terms is not None
    assert payment.deadline is not None
    return Facts(
        id=payment.number,
        terms=policy_terms(payment.terms),
        client_type=ClientType(payment.client.kind),
        payment=PaymentFacts(
            amount=Money(payment.amount_minor, currency),
            status=Status(payment.status),
            refunded=Money(payment.reserved_minor + payment.refunded_minor, currency),
            captured_at=payment.captured_at,
            deadline=StoredDeadline(payment.deadline, payment.deadline_text),
        ),
        request=RequestFacts(submitted_at=now),
        decided_at=now,
        work=tuple(work),
        usage=tuple(_uses_of(payment, codes, now)),
    )


def _uses_of(payment: Payment, codes: Mapping[UUID, str], now: datetime) -> list[MeteredUsage]:
    rows = UsageRecord.objects.filter(payment_id=payment.pk, occurred_at__lte=now)
    return [
        MeteredUsage(
            meter=row["meter__code"],
            stage=codes.get(row["stage_id"]),
            quantity=Fraction(int(row["quantity"]), 10**6),
            unit_price=Fraction(row["price_nano"], 10**9),
            occurred_at=now,
            recorded_at=now,
        )
        for row in rows.values("meter__code", "stage_id", "price_nano").annotate(
            quantity=Sum("quantity_micro")
        )
    ]


class UseSerializer(serializers.Serializer[Any]):
    source = serializers.CharField(max_length=60)  # type: ignore[assignment]
    external_id = serializers.CharField(max_length=120)
    contract = serializers.UUIDField()
    meter = serializers.UUIDField()
    quantity = serializers.DecimalField(max_digits=18, decimal_places=6)
    occurred_at = serializers.DateTimeField()


class BulkCreate(APIView):
    """Usage by the framework's own means: many=True and bulk_create, without any rule."""

    scopes = {"POST": USAGE_WRITE}

    def post(self, request: Request) -> Response:
        given = UseSerializer(data=request.data["records"], many=True)
        given.is_valid(raise_exception=True)
        now = timezone.now()
        rows = [
            UsageRecord(
                source=one["source"],
                external_id=one["external_id"],
                contract_id=one["contract"],
                meter_id=one["meter"],
                kind="metered",
                quantity_micro=int(one["quantity"] * 10**6),
                price_nano=12_500_000,
                occurred_at=one["occurred_at"],
                recorded_at=now,
            )
            for one in given.validated_data
        ]
        UsageRecord.objects.bulk_create(rows, ignore_conflicts=True)
        return Response({"created": len(rows)})


class RawInsert(APIView):
    """Usage by hand: the body's texts go into one INSERT ... ON CONFLICT, and nothing is looked at."""

    scopes = {"POST": USAGE_WRITE}

    def post(self, request: Request) -> Response:
        records = json.loads(request._request.body)["records"]
        now = timezone.now()
        values: list[Any] = []
        for one in records:
            quantity = int(one["quantity"]) * 10**6
            values += (one["source"], one["external_id"], one["contract"], one["meter"], quantity)
            values += (one["occurred_at"], now)
        row = "(%s, %s, %s, %s, 'metered', %s, 12500000, %s, %s)"
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO contracts_usagerecord (source, external_id, contract_id, meter_id, kind, "
                "quantity_micro, price_nano, occurred_at, recorded_at) "
                f"VALUES {', '.join([row] * len(records))} "
                "ON CONFLICT (source, external_id) DO NOTHING RETURNING id",
                values,
            )
            created = cursor.rowcount
        return Response({"created": created})
