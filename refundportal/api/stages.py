"""Stages: the work as it is begun, delivered, accepted, objected to and assessed."""

from typing import Any
from uuid import UUID

from django.db.models import prefetch_related_objects
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.scopes import CONTRACTS_READ, CONTRACTS_WRITE, REFUNDS_DECIDE
from contracts.models import Assessment, AssessmentValue
from contracts.selectors import deliveries_at, delivery_of, stage_of
from contracts.services import (
    accept_delivery,
    assess_delivery,
    deliver_stage,
    object_to_delivery,
    start_stage,
)
from kernel.errors import StaleState
from kernel.exact import ratio_text
from refundportal.api.contract_bodies import STAGE_PARTS, DeliveryBody, StageDetail
from refundportal.api.schema import documented
from refundportal.api.views import ApiView, ListView, PageQuery, shown
from refundportal.web.serializers import IdField, InstantField, Nothing, StrictSerializer, TextField, many
from refunds.services import assess


class NothingDelivered(StaleState):
    """Only delivered work can be assessed."""

    code = "nothing_delivered"
    title = "Nothing of this stage has been delivered."


class NewDelivery(StrictSerializer):
    """What was delivered, when (default: now) and with which documents."""

    delivered_at = InstantField(required=False)
    note = TextField(required=False, allow_blank=True, max_length=4000)
    documents = serializers.ListField(child=IdField(), required=False, max_length=100)


class Acceptance(StrictSerializer):
    """Acceptance that the client has declared elsewhere: the signed protocol shows it."""

    accepted_at = InstantField(required=False)
    protocol = IdField(required=False, source="protocol_id", help_text="A document of kind protocol.")


class Objection(StrictSerializer):
    """What is not as agreed, by acceptance item where there is one."""

    item = TextField(required=False, allow_null=True, max_length=40)
    text = TextField(max_length=2000)


class Objections(StrictSerializer):
    """An objection to the last delivery."""

    objections = many(Objection, allow_empty=False, max_length=200)


class ValueBody(serializers.Serializer[AssessmentValue]):
    """How far an item was found fulfilled; null: it cannot be tested."""

    item = serializers.CharField(source="item.code")
    fulfilled = serializers.SerializerMethodField()

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_fulfilled(self, value: AssessmentValue) -> str | None:
        return None if value.numerator is None else ratio_text(value.numerator, value.denominator)


class AssessmentBody(serializers.Serializer[Assessment]):
    """What a reviewer found when testing a delivery."""

    id = serializers.UUIDField()
    delivery = serializers.UUIDField(source="delivery_id")
    by = serializers.UUIDField(source="by_id")
    at = InstantField()
    reason = serializers.CharField()
    evidence = serializers.UUIDField(source="evidence_id", allow_null=True)
    values = ValueBody(many=True)


class NewAssessment(StrictSerializer):
    """What was found: by item a share from 0 to 1 (`1`, `0.5`, `1/3`), or null where it cannot be tested."""

    request = IdField(required=False, help_text="The application this is for: it is evaluated again at once.")
    delivery = IdField(required=False, help_text="Without an application: default is the last delivery.")
    values = serializers.DictField(child=TextField(allow_null=True))
    reason = TextField(max_length=4000)
    evidence = IdField(required=False, allow_null=True)


class StageView(ApiView):
    """One stage with its deliveries."""

    scopes = {"GET": CONTRACTS_READ}

    @documented(answer=StageDetail, summary="Read a stage")
    def get(self, request: Request, stage_id: UUID) -> Response:
        return shown(self._show(stage_id))

    def _show(self, stage_id: UUID) -> dict[str, Any]:
        stage = stage_of(self.principal, stage_id)
        prefetch_related_objects([stage], *STAGE_PARTS, "deliveries")
        return StageDetail(stage).data


class StageAct(StageView):
    """Something that happens to a stage."""

    scopes = {"POST": CONTRACTS_WRITE}
    http_method_names = ["post"]


class StartView(StageAct):
    @documented(body=Nothing, answer=StageDetail, summary="Begin the work of a stage")
    def post(self, request: Request, stage_id: UUID) -> Response:
        self.body(Nothing)
        self.match(lambda: self._show(stage_id))
        start_stage(principal=self.principal, stage_id=stage_id, now=self.now)
        return shown(self._show(stage_id))


class DeliverView(StageAct):
    @documented(body=NewDelivery, answer=DeliveryBody, status=201, summary="Record a delivery")
    def post(self, request: Request, stage_id: UUID) -> Response:
        body = self.body(NewDelivery)
        self.match(lambda: self._show(stage_id))
        delivery = deliver_stage(principal=self.principal, stage_id=stage_id, now=self.now, **body)
        return shown(DeliveryBody(delivery).data, status=201)


class AcceptView(StageAct):
    @documented(body=Acceptance, answer=DeliveryBody, summary="Record the acceptance of the last delivery")
    def post(self, request: Request, stage_id: UUID) -> Response:
        body = self.body(Acceptance)
        self.match(lambda: self._show(stage_id))
        delivery = accept_delivery(principal=self.principal, stage_id=stage_id, now=self.now, **body)
        return shown(DeliveryBody(delivery).data)


class ObjectView(StageAct):
    @documented(body=Objections, answer=DeliveryBody, summary="Record an objection to the last delivery")
    def post(self, request: Request, stage_id: UUID) -> Response:
        body = self.body(Objections)
        self.match(lambda: self._show(stage_id))
        delivery = object_to_delivery(principal=self.principal, stage_id=stage_id, now=self.now, **body)
        return shown(DeliveryBody(delivery).data)


class AssessmentsView(ListView):
    """What was found about the deliveries of a stage."""

    scopes = {"GET": REFUNDS_DECIDE, "POST": REFUNDS_DECIDE}

    @documented(query=PageQuery, page_of=AssessmentBody, summary="List the assessments of a stage")
    def get(self, request: Request, stage_id: UUID) -> Response:
        stage = stage_of(self.principal, stage_id)
        rows = Assessment.objects.filter(delivery__stage=stage).prefetch_related("values__item")
        return self.page(rows, self.query(PageQuery), AssessmentBody)

    @documented(
        body=NewAssessment, answer=AssessmentBody, status=201, summary="Assess a delivery item by item"
    )
    def post(self, request: Request, stage_id: UUID) -> Response:
        body = self.body(NewAssessment)
        found = {"values": body["values"], "reason": body["reason"], "evidence_id": body.get("evidence")}
        if "request" in body:
            assessment = assess(
                principal=self.principal,
                request_id=body["request"],
                stage_id=stage_of(self.principal, stage_id).pk,
                now=self.now,
                **found,
            )
        else:
            delivery_id = self._delivery(stage_id, body.get("delivery"))
            assessment = assess_delivery(
                principal=self.principal, delivery_id=delivery_id, now=self.now, **found
            )
        prefetch_related_objects([assessment], "values__item")
        return shown(AssessmentBody(assessment).data, status=201)

    def _delivery(self, stage_id: UUID, delivery_id: UUID | None) -> UUID:
        """Give the delivery that is named, if it is one of this stage, or the last one."""
        stage = stage_of(self.principal, stage_id)
        if delivery_id is not None:
            delivery = delivery_of(self.principal, delivery_id)
            if delivery.stage_id == stage.pk:
                return delivery.pk
        last = deliveries_at([stage.pk], self.now).get(stage.pk)
        if last is None or delivery_id is not None:
            raise NothingDelivered()
        return last.pk
