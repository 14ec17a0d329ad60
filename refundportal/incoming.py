"""
Messages of providers: who sent them is checked first, then they are kept, and answered at once.

What they lead to is worked off later, from the rows (see `payments.services.provider_events`).
"""

from typing import Final

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from payments import tasks
from payments.gateways.stripe import BadSignature, check_signature
from payments.services import BadEvent, keep_event, read_event
from refundportal.bell import ring

log = structlog.get_logger(__name__)

BODY_MAX: Final = 512 * 1024
"""In bytes; Stripe's largest events are far below."""


@csrf_exempt  # the signature says who sent it
@require_POST
def stripe(request: HttpRequest) -> HttpResponse:
    """
    Keep an event of Stripe's once.

    401 unless signed with one of our secrets within five minutes, 413 if too large, 400 if it is no event or
    of the other mode (live or test): nothing is kept then. Otherwise 200, also if it is known or of no
    interest.
    """
    now = timezone.now()
    if _length(request) > BODY_MAX:
        return _answer(413, "body_too_large")
    try:
        body = request.body
        check_signature(
            body,
            request.headers.get("Stripe-Signature", ""),
            secrets=settings.STRIPE_WEBHOOK_SECRETS,
            now=now,
        )
        told = read_event(body, received_at=now)
    except BadSignature as refused:
        log.warning("webhook_refused", provider="stripe", why=str(refused))
        return _answer(401, "bad_signature")
    except (BadEvent, UnreadablePostError) as refused:
        log.warning("webhook_refused", provider="stripe", why=str(refused))
        return _answer(400, "bad_event")
    if told.livemode is not settings.STRIPE_LIVEMODE:
        log.error("webhook_of_the_other_mode", provider="stripe", named=told.id, livemode=told.livemode)
        return _answer(400, "other_mode")
    keep_event(provider="stripe", external_id=told.id, type=told.type, body=body, now=now)
    ring(tasks.work_provider_events)
    return _answer(200, "kept")


def _length(request: HttpRequest) -> int:
    """Give the announced length; more than announced is never read."""
    announced = request.META.get("CONTENT_LENGTH") or ""
    return int(announced) if announced.isascii() and announced.isdigit() else 0


def _answer(status: int, word: str) -> JsonResponse:
    return JsonResponse({"status": word}, status=status)
