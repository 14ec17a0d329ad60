"""Reading endpoints and their deliveries: the only way to one is through the API client it belongs to."""

from uuid import UUID

from django.db.models import QuerySet

from events.models import Channel, Delivery, WebhookEndpoint
from kernel.errors import NotFoundOrHidden


def endpoints_of(api_client_id: UUID) -> QuerySet[WebhookEndpoint]:
    """Give the endpoints of an API client, switched off or not."""
    return WebhookEndpoint.objects.filter(api_client_id=api_client_id)


def endpoint_of(api_client_id: UUID, endpoint_id: UUID) -> WebhookEndpoint:
    """
    :raises NotFoundOrHidden: this API client has no such endpoint
    """
    return _one(endpoints_of(api_client_id), endpoint_id)


def lock_endpoint_of(api_client_id: UUID, endpoint_id: UUID) -> WebhookEndpoint:
    """
    Lock an endpoint's row until the end of the transaction.

    :raises NotFoundOrHidden: this API client has no such endpoint
    """
    return _one(endpoints_of(api_client_id).select_for_update(no_key=True), endpoint_id)


def deliveries_of(api_client_id: UUID) -> QuerySet[Delivery]:
    """Give what was, or is to be, sent to the endpoints of an API client, each with its event and log."""
    rows = Delivery.objects.filter(channel=Channel.WEBHOOK, endpoint__api_client_id=api_client_id)
    return rows.select_related("event__position").prefetch_related("log")


def delivery_of(api_client_id: UUID, delivery_id: UUID) -> Delivery:
    """
    :raises NotFoundOrHidden: this API client has no such delivery
    """
    found = deliveries_of(api_client_id).filter(pk=delivery_id).first()
    if found is None:
        raise NotFoundOrHidden
    return found


def _one(rows: QuerySet[WebhookEndpoint], endpoint_id: UUID) -> WebhookEndpoint:
    found = rows.filter(pk=endpoint_id).first()
    if found is None:
        raise NotFoundOrHidden
    return found
