"""Windows that close soon: told once, a day before the deadline."""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F, QuerySet

from events.actors import SYSTEM_ACTOR
from payments import hooks
from payments.models import Payment, PaymentStatus
from payments.services.journal import tell_payment

WARNED_BEFORE: Final = timedelta(hours=24)


def closing_windows(now: datetime) -> QuerySet[Payment]:
    """Give the payments whose window ends within a day and of which something could be refunded still."""
    return Payment.objects.filter(
        status=PaymentStatus.CAPTURED,
        deadline__gt=now,
        deadline__lte=now + WARNED_BEFORE,
        window_warned_at=None,
        amount_minor__gt=F("reserved_minor") + F("refunded_minor"),
    ).order_by("deadline", "id")


def warn_closing_windows(*, now: datetime, batch_max: int = 500) -> int:
    """
    Tell of windows that close soon, each once; give how many.

    Due at the later of capture and a day before the deadline; nobody is told while a request is open.
    """
    due = list(closing_windows(now).values_list("pk", flat=True))
    waiting = hooks.with_open_request(due) if due else set()
    warned = 0
    for payment_id in [key for key in due if key not in waiting][:batch_max]:
        with transaction.atomic():
            rows = closing_windows(now).select_for_update(no_key=True, skip_locked=True)
            payment = rows.filter(pk=payment_id).first()
            if payment is None or hooks.with_open_request([payment_id]):
                continue
            Payment.objects.filter(pk=payment_id).update(window_warned_at=now)
            tell_payment("window.closing", payment, SYSTEM_ACTOR, now, deadline=payment.deadline_text)
            warned += 1
    return warned
