"""Open windows: which payments can still be applied for, until when, and what one would get."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, F, OuterRef, QuerySet

from kernel.money import Money
from payments.models import Method, Payment, PaymentStatus
from payments.selectors import payments_of
from refundportal.portal.access import Visit
from refundportal.web.clock import Clock
from refundportal.web.rail import clock_of
from refunds.models import RefundRequest
from refunds.policy.decide import decide
from refunds.selectors.facts import gather_facts
from refunds.states import REQUEST_OPEN

SHOWN_MAX = 3


@dataclass(frozen=True, slots=True)
class Window:
    """A payment whose window is open. `at_most`: work has still to be examined."""

    payment: Payment
    clock: Clock
    expected: Money
    at_most: bool


def open_windows(visit: Visit, clients: QuerySet[Any]) -> tuple[list[Window], int]:
    """
    Give the windows that close first, and how many more are open.

    One query, and the three of its facts for each window that is shown (`SHOWN_MAX` of them at most).
    """
    asked = RefundRequest.objects.filter(payment=OuterRef("pk"), state__in=REQUEST_OPEN)
    rows = (
        payments_of(visit.principal)
        .filter(client__in=clients, status=PaymentStatus.CAPTURED, deadline__gt=visit.now)
        .filter(amount_minor__gt=F("reserved_minor") + F("refunded_minor"))
        .exclude(method=Method.CREDIT)
        .exclude(Exists(asked))
        .select_related("terms", "stage", "contract", "client")
        .order_by("deadline", "id")
    )
    found = list(rows[: SHOWN_MAX + 20])
    return [_window(visit, payment) for payment in found[:SHOWN_MAX]], max(0, len(found) - SHOWN_MAX)


def _window(visit: Visit, payment: Payment) -> Window:
    answer = decide(gather_facts(payment, submitted_at=visit.now, decided_at=visit.now))
    clock = clock_of(payment, visit.now)
    assert clock is not None, "an open window has its deadline and terms"
    at_most = answer.refund_at_most
    return Window(payment, clock, answer.refund if at_most is None else at_most, at_most is not None)
