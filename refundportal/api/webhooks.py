"""Webhooks: where this system wants to be told of events, and what became of each telling."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiWebhook
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import ApiClient
from accounts.scopes import WEBHOOKS_MANAGE
from events.models import Delivery, DeliveryAttempt, DeliveryState, WebhookEndpoint
from events.tasks import deliver_webhooks, sequence_events
from events.webhooks.selectors import deliveries_of, endpoint_of, endpoints_of
from events.webhooks.services import (
    change_endpoint,
    create_endpoint,
    resend,
    rotate_secret,
    send_test_event,
    switch_off_endpoint,
)
from events.webhooks.targets import URL_MAX
from refundportal.api.schema import documented
from refundportal.api.views import ApiView, ListView, PageQuery, created, only, shown
from refundportal.bell import ring
from refundportal.web.serializers import (
    IdField,
    InstantField,
    Nothing,
    StrictSerializer,
    TextField,
    TruthField,
)

TYPES_MAX = 200


class EndpointBody(serializers.Serializer[WebhookEndpoint]):
    """A receiver. No `types` means all; `previous_until`: until then the secret before is used as well."""

    id = serializers.UUIDField()
    url = serializers.CharField()
    types = serializers.ListField(child=serializers.CharField())
    is_active = serializers.BooleanField()
    disabled_reason = serializers.CharField(help_text="`owner` or `gone` (it answered 410); else empty.")
    failures = serializers.IntegerField(help_text="Attempts that failed in a row.")
    quiet_until = InstantField(allow_null=True)
    previous_until = InstantField(allow_null=True)
    created_at = InstantField()


class EndpointWithSecret(EndpointBody):
    """A receiver with its secret, which is shown this once."""

    secret = serializers.CharField(help_text="`whsec_` and base64, as Standard Webhooks has it.")


class NewEndpoint(StrictSerializer):
    """A receiver to be added."""

    url = TextField(max_length=URL_MAX)
    types = serializers.ListField(
        child=TextField(max_length=80), required=False, max_length=TYPES_MAX, help_text="None: all events."
    )


class EndpointChanges(StrictSerializer):
    """What may change of a receiver; what is left out stays."""

    url = TextField(max_length=URL_MAX, required=False)
    types = serializers.ListField(child=TextField(max_length=80), required=False, max_length=TYPES_MAX)
    is_active = TruthField(required=False)


class CallBody(serializers.Serializer[DeliveryAttempt]):
    """One call to the receiver; without a status no answer came, and `error` says why."""

    started_at = InstantField()
    duration_ms = serializers.IntegerField()
    status = serializers.IntegerField(allow_null=True)
    error = serializers.CharField()


class WebhookDeliveryBody(serializers.Serializer[Delivery]):
    """One event for one receiver, with every call that was made for it."""

    id = serializers.UUIDField()
    endpoint = serializers.UUIDField(source="endpoint_id")
    event = serializers.UUIDField(source="event_id")
    type = serializers.CharField(source="event.type")
    position = serializers.IntegerField(source="event.position.number")
    state = serializers.ChoiceField(DeliveryState.values)
    attempts = serializers.IntegerField(help_text="Since it was laid out, or sent again.")
    next_attempt_at = InstantField(allow_null=True)
    delivered_at = InstantField(allow_null=True)
    last_error = serializers.CharField()
    log = CallBody(many=True)


class DeliveryQuery(PageQuery):
    state = serializers.ChoiceField(DeliveryState.values, required=False)
    event = IdField(required=False)


class TestSent(serializers.Serializer[Any]):
    """The event that was written for the test."""

    event = serializers.UUIDField()


class _OwnView(ApiView):
    """Something of the calling system itself."""

    @property
    def owner(self) -> UUID:
        caller: Any = self.principal.api_client
        api_client: ApiClient = caller
        return api_client.pk

    @property
    def own(self) -> dict[str, Any]:
        """Who acts, on what, when: what every service is told."""
        return {"api_client_id": self.owner, "actor": self.principal.actor, "now": self.now}


class EndpointsView(_OwnView, ListView):
    """The receivers of this system, those switched off too."""

    scopes = {"GET": WEBHOOKS_MANAGE, "POST": WEBHOOKS_MANAGE}

    @documented(query=PageQuery, page_of=EndpointBody, summary="List webhook endpoints")
    def get(self, request: Request) -> Response:
        return self.page(endpoints_of(self.owner), self.query(PageQuery), EndpointBody)

    @documented(body=NewEndpoint, answer=EndpointWithSecret, status=201, summary="Add a webhook endpoint")
    def post(self, request: Request) -> Response:
        endpoint, secret = create_endpoint(**self.own, **self.body(NewEndpoint))
        answer = created(EndpointBody(endpoint).data, "api-webhook-endpoint", endpoint.pk)
        answer.data = {**answer.data, "secret": secret}
        return answer


class EndpointView(_OwnView):
    """One receiver."""

    scopes = {"GET": WEBHOOKS_MANAGE, "PATCH": WEBHOOKS_MANAGE, "DELETE": WEBHOOKS_MANAGE}
    http_method_names = ["get", "head", "patch", "delete"]

    @documented(answer=EndpointBody, summary="Read a webhook endpoint")
    def get(self, request: Request, endpoint_id: UUID) -> Response:
        return shown(self._show(endpoint_id))

    @documented(body=EndpointChanges, answer=EndpointBody, summary="Change a webhook endpoint")
    def patch(self, request: Request, endpoint_id: UUID) -> Response:
        changes = self.body(EndpointChanges)
        seen = self.unchanged(EndpointBody)
        changed = change_endpoint(**self.own, endpoint_id=endpoint_id, check=seen, **changes)
        return shown(EndpointBody(changed).data)

    @documented(answer=EndpointBody, summary="Switch a webhook endpoint off; it stays to be read")
    def delete(self, request: Request, endpoint_id: UUID) -> Response:
        self.body(Nothing)
        self.match(lambda: self._show(endpoint_id))
        return shown(EndpointBody(switch_off_endpoint(**self.own, endpoint_id=endpoint_id)).data)

    def _show(self, endpoint_id: UUID) -> dict[str, Any]:
        return EndpointBody(endpoint_of(self.owner, endpoint_id)).data


class RotateSecretView(_OwnView):
    """A new secret; for 24 hours messages are signed with both."""

    scopes = {"POST": WEBHOOKS_MANAGE}
    http_method_names = ["post"]

    @documented(body=Nothing, answer=EndpointWithSecret, summary="Give an endpoint a new secret")
    def post(self, request: Request, endpoint_id: UUID) -> Response:
        self.body(Nothing)
        self.match(lambda: EndpointBody(endpoint_of(self.owner, endpoint_id)).data)
        endpoint, secret = rotate_secret(**self.own, endpoint_id=endpoint_id)
        answer = shown(EndpointBody(endpoint).data)
        answer.data = {**answer.data, "secret": secret}
        return answer


class SendTestView(_OwnView):
    """A test: an event of type `webhook_endpoint.tested`, for this endpoint alone."""

    scopes = {"POST": WEBHOOKS_MANAGE}
    http_method_names = ["post"]

    @documented(body=Nothing, answer=TestSent, status=202, summary="Send a test event to an endpoint")
    def post(self, request: Request, endpoint_id: UUID) -> Response:
        self.body(Nothing)
        event = send_test_event(**self.own, endpoint_id=endpoint_id)
        ring(sequence_events)
        return Response({"event": str(event.pk)}, status=202)


class DeliveriesView(_OwnView, ListView):
    """What was, or is to be, sent to one receiver."""

    scopes = {"GET": WEBHOOKS_MANAGE}

    @documented(query=DeliveryQuery, page_of=WebhookDeliveryBody, summary="List deliveries to an endpoint")
    def get(self, request: Request, endpoint_id: UUID) -> Response:
        query = self.query(DeliveryQuery)
        rows = deliveries_of(self.owner).filter(endpoint=endpoint_of(self.owner, endpoint_id))
        return self.page(only(rows, query, state="state", event="event_id"), query, WebhookDeliveryBody)


class ResendView(_OwnView):
    """Another try for a delivery that was given up (`dead`)."""

    scopes = {"POST": WEBHOOKS_MANAGE}
    http_method_names = ["post"]

    @documented(body=Nothing, answer=WebhookDeliveryBody, summary="Send a delivery again that was given up")
    def post(self, request: Request, delivery_id: UUID) -> Response:
        self.body(Nothing)
        delivery = resend(api_client_id=self.owner, delivery_id=delivery_id, now=self.now)
        ring(deliver_webhooks)
        return shown(WebhookDeliveryBody(delivery).data)


def _header(name: str, description: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": True,
        "description": description,
        "schema": {"type": "string"},
    }


EVENT = OpenApiWebhook(
    name="event",
    decorator={
        "post": {
            "operationId": "event_received",
            "summary": "An event, at least once, signed by the rules of Standard Webhooks",
            "parameters": [
                _header("webhook-id", "The id of the event, the same at every attempt."),
                _header("webhook-timestamp", "The moment of the attempt, in seconds since 1970."),
                _header(
                    "webhook-signature", "One signature, or two (parted by a space) while secrets change."
                ),
            ],
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {
                        "schema": {
                            "type": "object",
                            "properties": {
                                "type": {"type": "string"},
                                "timestamp": {"type": "string", "format": "date-time"},
                                "data": {"$ref": "#/components/schemas/EventBody"},
                            },
                            "required": ["type", "timestamp", "data"],
                        }
                    }
                },
            },
            "responses": {
                "2XX": {"description": "Received: answered within 15 seconds."},
                "410": {"description": "Gone: the endpoint is switched off."},
                "429": {"description": "Too much: `Retry-After` is respected."},
                "default": {"description": "A failure; it comes again. Redirects are not followed."},
            },
        }
    },
)
