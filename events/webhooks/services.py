"""What the owner of an endpoint does with it: each act is one transaction with one line in the journal."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from events import outbox
from events.actors import Actor
from events.models import Delivery, Event, WebhookEndpoint
from events.schemas import TYPES
from events.services import record_event
from events.vault import seal_secret
from events.webhooks.layout import TESTED
from events.webhooks.message import new_secret
from events.webhooks.selectors import delivery_of, endpoints_of, lock_endpoint_of
from events.webhooks.targets import TargetRefused, parse_target, refuse_hopeless
from kernel.errors import DomainError, Fault, InvalidInput

ENDPOINTS_MAX: Final = 20
BOTH_SECRETS_FOR: Final = timedelta(hours=24)


class TooManyEndpoints(DomainError):
    """An API client has as many live endpoints as it may have."""

    code = "too_many_endpoints"
    title = f"At most {ENDPOINTS_MAX} endpoints can be switched on at a time."


class EndpointSwitchedOff(DomainError):
    """Nothing is sent to an endpoint that is switched off."""

    code = "endpoint_switched_off"
    title = "The endpoint is switched off. Switch it on first."


@sensitive_variables("secret")
@transaction.atomic
def create_endpoint(
    *, api_client_id: UUID, actor: Actor, url: str, types: Sequence[str] = (), now: datetime
) -> tuple[WebhookEndpoint, str]:
    """
    Add an endpoint for events of some types (none named: all); gives its secret too, once.

    :raises InvalidInput: an address the portal does not send to, or a type there is not
    :raises TooManyEndpoints: there are `ENDPOINTS_MAX` live ones already
    """
    _refuse_faults(url, types)
    _refuse_too_many(api_client_id)
    secret = new_secret()
    endpoint = WebhookEndpoint.objects.create(
        api_client_id=api_client_id,
        url=url,
        types=sorted(set(types)),
        secret_encrypted=seal_secret(secret),
        created_at=now,
    )
    _tell("webhook_endpoint.created", endpoint, actor, now, types=endpoint.types)
    return endpoint, secret


@transaction.atomic
def change_endpoint(
    *,
    api_client_id: UUID,
    endpoint_id: UUID,
    actor: Actor,
    now: datetime,
    url: str | None = None,
    types: Sequence[str] | None = None,
    is_active: bool | None = None,
    check: Callable[[WebhookEndpoint], None] | None = None,
) -> WebhookEndpoint:
    """
    Change an endpoint; None leaves things as they are. Switching on forgets why it was off.

    `check` looks at the locked row before anything changes, and may raise.

    :raises NotFoundOrHidden: this API client has no such endpoint
    :raises InvalidInput: an address the portal does not send to, or a type there is not
    :raises TooManyEndpoints: it would be one live endpoint too many
    """
    endpoint = lock_endpoint_of(api_client_id, endpoint_id)
    if check is not None:
        check(endpoint)
    _refuse_faults(url, types or ())
    before = (endpoint.url, endpoint.types, endpoint.is_active)
    if url is not None and url != endpoint.url:
        endpoint.url, endpoint.failures, endpoint.quiet_until = url, 0, None
    if types is not None:
        endpoint.types = sorted(set(types))
    if is_active and not endpoint.is_active:
        _refuse_too_many(api_client_id)
        endpoint.is_active, endpoint.disabled_reason, endpoint.failures = True, "", 0
    if is_active is False:
        endpoint.is_active, endpoint.disabled_reason = False, endpoint.disabled_reason or "owner"
    if before != (endpoint.url, endpoint.types, endpoint.is_active):
        endpoint.save()
        data = {"types": endpoint.types, "is_active": endpoint.is_active, "moved": before[0] != endpoint.url}
        _tell("webhook_endpoint.changed", endpoint, actor, now, **data)
    return endpoint


@transaction.atomic
def switch_off_endpoint(
    *, api_client_id: UUID, endpoint_id: UUID, actor: Actor, now: datetime
) -> WebhookEndpoint:
    """
    Send nothing more to an endpoint; doing it again changes nothing. What waits for it is given up.

    :raises NotFoundOrHidden: this API client has no such endpoint
    """
    endpoint = lock_endpoint_of(api_client_id, endpoint_id)
    if endpoint.is_active:
        switch_off(endpoint, actor=actor, now=now, because="owner")
    return endpoint


def switch_off(endpoint: WebhookEndpoint, *, actor: Actor, now: datetime, because: str) -> None:
    """Switch off an endpoint whose row is locked; `because` is a code: `owner` or `gone`."""
    endpoint.is_active, endpoint.disabled_reason = False, because
    endpoint.save(update_fields=["is_active", "disabled_reason"])
    _tell("webhook_endpoint.switched_off", endpoint, actor, now, because=because)


@sensitive_variables("secret")
@transaction.atomic
def rotate_secret(
    *, api_client_id: UUID, endpoint_id: UUID, actor: Actor, now: datetime
) -> tuple[WebhookEndpoint, str]:
    """
    Give an endpoint a new secret, shown once; for `BOTH_SECRETS_FOR` messages carry both signatures.

    :raises NotFoundOrHidden: this API client has no such endpoint
    """
    endpoint = lock_endpoint_of(api_client_id, endpoint_id)
    secret = new_secret()
    endpoint.previous_secret_encrypted = endpoint.secret_encrypted
    endpoint.previous_until = now + BOTH_SECRETS_FOR
    endpoint.secret_encrypted = seal_secret(secret)
    endpoint.save(update_fields=["previous_secret_encrypted", "previous_until", "secret_encrypted"])
    _tell("webhook_endpoint.secret_rotated", endpoint, actor, now)
    return endpoint, secret


@transaction.atomic
def send_test_event(*, api_client_id: UUID, endpoint_id: UUID, actor: Actor, now: datetime) -> Event:
    """
    Write an event that is sent to this endpoint alone, whatever types it asked for.

    :raises NotFoundOrHidden: this API client has no such endpoint
    :raises EndpointSwitchedOff: it is switched off
    """
    endpoint = lock_endpoint_of(api_client_id, endpoint_id)
    if not endpoint.is_active:
        raise EndpointSwitchedOff
    return _tell(TESTED, endpoint, actor, now)


@transaction.atomic
def resend(*, api_client_id: UUID, delivery_id: UUID, now: datetime) -> Delivery:
    """
    Try a delivery again that was given up, from the start of its schedule.

    :raises NotFoundOrHidden: this API client has no such delivery
    :raises EndpointSwitchedOff: its endpoint is switched off
    :raises StaleState: it was not given up
    """
    delivery = delivery_of(api_client_id, delivery_id)
    if not endpoints_of(api_client_id).filter(deliveries=delivery, is_active=True).exists():
        raise EndpointSwitchedOff
    outbox.resend(delivery_id=delivery_id, now=now)
    return delivery_of(api_client_id, delivery_id)


def _refuse_faults(url: str | None, types: Sequence[str]) -> None:
    faults = []
    try:
        if url is not None:
            refuse_hopeless(parse_target(url), settings.WEBHOOK_NETWORKS)
    except TargetRefused as refusal:
        faults.append(Fault(path="url", message=str(refusal), code="target_refused"))
    for place, name in enumerate(types):
        if name not in TYPES:
            message = _("There is no such type of event.")
            faults.append(Fault(path=f"types[{place}]", message=message, code="unknown_event_type"))
    if faults:
        raise InvalidInput(faults=faults)


def _refuse_too_many(api_client_id: UUID) -> None:
    if endpoints_of(api_client_id).filter(is_active=True).count() >= ENDPOINTS_MAX:
        raise TooManyEndpoints


def _tell(type: str, endpoint: WebhookEndpoint, actor: Actor, now: datetime, **data: Any) -> Event:
    return record_event(
        type=type,
        subject_type="webhook_endpoint",
        subject_id=endpoint.pk,
        client_id=None,
        actor=actor,
        at=now,
        data={"api_client": endpoint.api_client_id, **data},
    )
