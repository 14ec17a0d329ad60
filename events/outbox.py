"""
The outbox: what is to be told stands in rows; this sends what is due and writes down how it went.

A delivery is told at least once. An e-mail has the same Message-ID at every attempt, so that a reader's
mailbox holds it once.
"""

import random
from collections.abc import Iterable
from datetime import datetime, timedelta
from email.utils import parseaddr
from typing import Any, Final
from uuid import UUID

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.core.validators import validate_email
from django.db import OperationalError, transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import translation

from events.mail import Mail, Recipient, route_of
from events.models import Channel, Delivery, DeliveryState, Event
from events.states import DELIVERY
from kernel.errors import NotFoundOrHidden
from kernel.states import move

log = structlog.get_logger(__name__)

DELAYS: Final = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""How long before each attempt; after the last one a delivery is given up."""

LEASE: Final = timedelta(minutes=2)
"""How long an attempt may take before another worker takes over; longer than the mail server's time limit."""

UNADDRESSED: Final = ""
"""The target of a delivery whose recipients could not be found yet."""


class NobodyRenders(Exception):
    """A delivery waits for an event type that no room has a text for."""


def lay_out_mail(event: Event) -> None:
    """
    Write one delivery per recipient of an event; doing it again adds nothing.

    Where the recipients cannot be found, one delivery without a target waits to try that again, so
    that one fault never holds up the journal.
    """
    try:
        with transaction.atomic():
            _address(event)
    except OperationalError:
        raise  # the database is busy: the whole batch comes again
    except Exception as error:
        log.exception("recipients_not_found", event_id=str(event.pk), event_type=event.type)
        _write_deliveries(event, [Recipient(user_id=None, email=UNADDRESSED, language="en")], _told(error))


def _address(event: Event) -> None:
    route = route_of(event.type)
    if route is None:
        raise NobodyRenders(event.type)
    _write_deliveries(event, [recipient for recipient in route.recipients(event) if recipient.email])


def _write_deliveries(event: Event, recipients: Iterable[Recipient], error: str = "") -> None:
    by_address = {recipient.email.casefold(): recipient for recipient in recipients}
    Delivery.objects.bulk_create(
        [
            Delivery(
                event=event,
                channel=Channel.EMAIL,
                target=recipient.email,
                recipient_id=recipient.user_id,
                language=recipient.language,
                next_attempt_at=event.at,
                last_error=error,
            )
            for recipient in by_address.values()
        ],
        ignore_conflicts=True,
    )


def deliver_due(*, now: datetime, batch_max: int = 50) -> int:
    """Attempt the deliveries that are due, at most `batch_max`; returns how many were attempted."""
    attempted = 0
    while attempted < batch_max and (delivery := _claim(now)) is not None:
        _attempt(delivery, now)
        attempted += 1
    return attempted


def _claim(now: datetime) -> Delivery | None:
    """Take one due delivery under a lease by the database's clock, so that no other worker sends it."""
    due = Delivery.objects.filter(
        Q(lease_until__isnull=True) | Q(lease_until__lt=Now()),
        channel=Channel.EMAIL,
        state=DeliveryState.PENDING,
        next_attempt_at__lte=now,
    )
    if not due.exists():
        return None  # nothing to lock
    with transaction.atomic():
        locked = due.select_for_update(skip_locked=True, no_key=True)
        delivery = locked.order_by("next_attempt_at", "id").first()
        if delivery is None:
            return None
        Delivery.objects.filter(pk=delivery.pk).update(attempts=F("attempts") + 1, lease_until=Now() + LEASE)
        delivery.attempts += 1
    return delivery


def _attempt(delivery: Delivery, now: datetime) -> None:
    if delivery.attempts > len(DELAYS):
        _write_down(delivery, state=DeliveryState.DEAD, last_error="the last attempt never ended")
        return
    try:
        _carry_out(delivery)
    except Exception as error:
        log.warning("delivery_failed", delivery_id=str(delivery.pk), attempt=delivery.attempts, exc_info=True)
        _write_failure(delivery, _told(error), now)
    else:
        _write_down(delivery, state=DeliveryState.DELIVERED, delivered_at=now, last_error="")


def _carry_out(delivery: Delivery) -> None:
    if delivery.target == UNADDRESSED:
        with transaction.atomic():
            _address(delivery.event)
    else:
        _send(delivery)


def _write_failure(delivery: Delivery, error: str, now: datetime) -> None:
    if delivery.attempts >= len(DELAYS):
        _write_down(delivery, state=DeliveryState.DEAD, last_error=error)
        return
    delay = DELAYS[delivery.attempts] * random.uniform(1, 1.1)  # noqa: S311 - so that not all come back at once
    _write_down(delivery, next_attempt_at=now + delay, last_error=error)


def _write_down(delivery: Delivery, **result: Any) -> None:
    """Write how an attempt went, unless its lease ended and another attempt has begun."""
    mine = Delivery.objects.filter(pk=delivery.pk, state=DeliveryState.PENDING, attempts=delivery.attempts)
    mine.update(lease_until=None, **result)


def _told(error: Exception) -> str:
    return _one_line(f"{type(error).__name__}: {error}")[:500]


def _send(delivery: Delivery) -> None:
    route = route_of(delivery.event.type)
    if route is None:
        raise NobodyRenders(delivery.event.type)
    validate_email(delivery.target)
    recipient = Recipient(user_id=delivery.recipient_id, email=delivery.target, language=delivery.language)
    with translation.override(delivery.language):
        mail = route.render(delivery.event, recipient)
    _message(delivery, mail).send()


def _message(delivery: Delivery, mail: Mail) -> EmailMultiAlternatives:
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    message = EmailMultiAlternatives(
        subject=_one_line(mail.subject),
        body=mail.text,
        to=[delivery.target],
        headers={
            "Message-ID": f"<{delivery.pk}@{domain}>",
            "Auto-Submitted": "auto-generated",
            "Content-Language": delivery.language,
        },
    )
    if mail.html:
        message.attach_alternative(mail.html, "text/html")
    for file in mail.attachments:
        message.attach(_one_line(file.file_name), file.content, file.content_type)
    return message


def _one_line(text: str) -> str:
    """Keep a text from beginning a new header: no line ends, no control characters."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def resend(*, delivery_id: UUID, now: datetime) -> None:
    """
    Try a delivery again that was given up.

    :raises NotFoundOrHidden: no such delivery
    :raises StaleState: it was not given up
    """
    delivery = Delivery.objects.filter(pk=delivery_id).first()
    if delivery is None:
        raise NotFoundOrHidden()
    move(delivery, DeliveryState.DEAD, DeliveryState.PENDING, table=DELIVERY, attempts=0, next_attempt_at=now)
