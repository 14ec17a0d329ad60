"""Payments: the list, and the page of one with its window, its answer and its money."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from kernel.money import Money
from payments.models import Method, Payment, PaymentStatus, Transfer
from payments.selectors import payment_of, payments_of
from refundportal.staff import shown
from refundportal.staff.acts import ActingAdmin
from refundportal.staff.answers import Arrived
from refundportal.staff.lists import Currency
from refundportal.staff.payment_acts import (
    Authorise,
    Capture,
    ChargeBack,
    Dispute,
    Fail,
    RecordApplication,
    ResolveDispute,
    Void,
)
from refundportal.staff.site import site
from refundportal.staff.visits import Visit, visit_of
from refundportal.web.rail import clock_of
from refunds.models import RefundRequest
from refunds.selectors import quote
from refunds.statement import names_in, statement_of

STATES = {
    "pending": ("hourglass", "soft"),
    "authorised": ("hourglass", ""),
    "captured": ("circle-check", "good"),
    "disputed": ("octagon-alert", "warn"),
    "charged_back": ("rotate-ccw", "stop"),
    "failed": ("circle-x", "soft"),
    "voided": ("undo-2", "soft"),
}
ROWS_SHOWN = 50


class Window(admin.SimpleListFilter):
    """Whether clients can still apply."""

    title = _("Window")
    parameter_name = "window"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("open", _("open")), ("closing", _("closes within 24 hours"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        now = visit_of(request).now
        if self.value() not in ("open", "closing"):
            return queryset
        rows = queryset.filter(status=PaymentStatus.CAPTURED, deadline__gt=now)
        return rows if self.value() == "open" else rows.filter(deadline__lte=now + timedelta(days=1))


@admin.register(Payment, site=site)
class PaymentAdmin(ActingAdmin):
    """Payments are recorded at their contract; what becomes of them are acts of Finance."""

    list_display = (
        "number",
        "client",
        "stage_shown",
        "amount_shown",
        "status_shown",
        "captured_shown",
        "deadline_shown",
    )
    list_filter = ("status", Window, Arrived, "method", "rail", Currency, "imported")
    list_select_related = ("client", "contract", "stage")
    search_fields = (
        "number__startswith",
        "provider_reference__istartswith",
        "reference__istartswith",
        "contract__number__startswith",
        "client__name__icontains",
        "client__email__icontains",
    )
    search_help_text = _("Number, reference, client or e-mail address")
    page_template = "staff/payment.html"
    acts = (
        Capture,
        Authorise,
        Fail,
        Void,
        Dispute,
        ResolveDispute,
        ChargeBack,
        RecordApplication,
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return payments_of(visit_of(request).principal)

    def read(self, visit: Visit, row_id: UUID) -> Payment:
        return payment_of(visit.principal, row_id)

    def page(self, request: HttpRequest, visit: Visit, row: Payment) -> dict[str, Any]:
        transfers = Transfer.objects.filter(payment=row).select_related("debit", "credit").order_by("-id")
        return {
            "state_sign": STATES[row.status],
            "amount": Money(row.amount_minor, row.currency),
            "reserved": Money(row.reserved_minor, row.currency),
            "refunded": Money(row.refunded_minor, row.currency),
            "charged_back": Money(row.charged_back_minor, row.currency),
            "zone": row.terms.time_zone if row.terms else "",
            "clock": clock_of(row, visit.now),
            "statement": _statement(visit, row),
            "allocations": _parts(row),
            "payouts": _payouts(row),
            "transfers": [(one, Money(one.amount_minor, one.currency)) for one in transfers[:ROWS_SHOWN]],
            "requests": RefundRequest.objects.filter(payment=row).order_by("-id")[:ROWS_SHOWN],
        }

    @admin.display(description=_("stage"))
    def stage_shown(self, row: Payment) -> str:
        return f"{row.contract.number} {row.stage.code}"

    @admin.display(description=_("amount"))
    def amount_shown(self, row: Payment) -> str | SafeString:
        return shown.amount(row.amount_minor, row.currency)

    @admin.display(description=_("status"))
    def status_shown(self, row: Payment) -> SafeString:
        return shown.tagged(row.get_status_display(), *STATES[row.status])

    @admin.display(description=_("arrived"))
    def captured_shown(self, row: Payment) -> str:
        return shown.instant(row.captured_at)

    @admin.display(description=_("window until"))
    def deadline_shown(self, row: Payment) -> str:
        return shown.instant(row.deadline)


def _statement(visit: Visit, row: Payment) -> Any:
    """Show the answer that an application now would get; a credit takes none."""
    if row.method == Method.CREDIT or row.captured_at is None:
        return None
    quoted = quote(principal=visit.principal, payment_id=row.pk, now=visit.now)
    return statement_of(quoted.answer_json, names_in(row.contract))


def _parts(row: Payment) -> list[tuple[Any, Money]]:
    parts = row.allocations.select_related("stage").order_by("stage__position")
    return [(part.stage, Money(part.amount_minor, row.currency)) for part in parts]


def _payouts(row: Payment) -> list[tuple[Any, Money]]:
    rows = row.payouts.order_by("created_at", "id")[:ROWS_SHOWN]
    return [(payout, Money(payout.amount_minor, payout.currency)) for payout in rows]
