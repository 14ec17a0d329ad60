"""
What a receiver gets: the event as the feed shows it, signed by the rules of Standard Webhooks.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import json
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from django.views.decorators.debug import sensitive_variables
from standardwebhooks import Webhook

from events.models import Event, WebhookEndpoint
from events.vault import open_secret

SECRET_BYTES: Final = 32
USER_AGENT: Final = "refundportal-webhooks/1"


def new_secret() -> str:
    """Make a secret of an endpoint, as it is shown once: `whsec_` and 32 random bytes in base64."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode("ascii")


def entry_of(event: Event) -> dict[str, Any]:
    """Give an event as an entry of the feed: ids and codes only."""
    return {
        "position": event.position.number,
        "id": str(event.pk),
        "type": event.type,
        "subject_type": event.subject_type,
        "subject": str(event.subject_id),
        "client": _id(event.client_id),
        "actor_kind": event.actor_kind,
        "actor": _id(event.actor_id),
        "at": _instant(event.at),
        "data": event.data,
    }


def body_of(event: Event) -> bytes:
    """Write the body of the message; the same for every attempt and every endpoint."""
    message = {"type": event.type, "timestamp": _instant(event.at), "data": entry_of(event)}
    return json.dumps(message, sort_keys=True, separators=(",", ":")).encode("ascii")


@sensitive_variables()
def headers_of(endpoint: WebhookEndpoint, event: Event, body: bytes, *, now: datetime) -> dict[str, str]:
    """
    Sign a message at the moment of an attempt; while secrets change, with both.

    :raises UnreadableSecret: no key opens the endpoint's secret
    """
    signatures = _signatures(_secrets_of(endpoint, now), str(event.pk), now, body)
    return {
        "content-type": "application/json",
        "user-agent": USER_AGENT,
        "webhook-id": str(event.pk),
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _secrets_of(endpoint: WebhookEndpoint, now: datetime) -> Sequence[str]:
    sealed = [endpoint.secret_encrypted]
    if endpoint.previous_until is not None and now < endpoint.previous_until:
        sealed.append(endpoint.previous_secret_encrypted)
    return [open_secret(text) for text in sealed]


def _signatures(keys: Sequence[str], message_id: str, now: datetime, body: bytes) -> Sequence[str]:
    moment = now.astimezone(UTC)
    return [str(Webhook(key).sign(message_id, moment, body.decode("ascii"))) for key in keys]


def _id(value: object) -> str | None:
    return None if value is None else str(value)


def _instant(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
