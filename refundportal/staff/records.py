"""Records that are only read: the ledger, the journal."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from events.models import Event
from payments.models import Account, Transfer
from refundportal.staff import shown
from refundportal.staff.journal import what_of
from refundportal.staff.lists import Currency, StaffAdmin
from refundportal.staff.site import site


@admin.register(Transfer, site=site)
class TransferAdmin(StaffAdmin):
    """The ledger: one row per movement, never changed."""

    list_display = ("id", "at_shown", "debit", "credit", "amount_shown", "payment", "key")
    list_filter = ("debit", "credit", Currency)
    list_select_related = ("debit", "credit", "payment")
    search_fields = ("key__istartswith", "payment__number__startswith")
    search_help_text = _("Key or payment")
    fields = readonly_fields = (
        "id",
        "key",
        "at_shown",
        "debit",
        "credit",
        "amount_shown",
        "payment",
        "payout",
        "request_id",
    )

    @admin.display(description=_("at"))
    def at_shown(self, row: Transfer) -> str:
        return shown.instant(row.at)

    @admin.display(description=_("amount"))
    def amount_shown(self, row: Transfer) -> str | SafeString:
        return shown.amount(row.amount_minor, row.currency)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("payout")


@admin.register(Account, site=site)
class AccountAdmin(StaffAdmin):
    """The accounts of the ledger."""

    list_display = ("code", "currency")
    list_filter = ("currency",)
    fields = readonly_fields = ("code", "currency")


@admin.register(Event, site=site)
class EventAdmin(StaffAdmin):
    """The journal: what happened, who did it, when."""

    list_display = ("at_shown", "what", "type", "actor_kind", "subject_type", "subject_id")
    list_filter = ("actor_kind",)
    search_fields = ("type__istartswith",)
    search_help_text = _("Type, such as refund_request.approved")
    fields = readonly_fields = (
        "at_shown",
        "type",
        "subject_type",
        "subject_id",
        "client_id",
        "actor_kind",
        "actor_id",
        "data",
    )

    @admin.display(description=_("at"))
    def at_shown(self, row: Event) -> str:
        return shown.instant(row.at)

    @admin.display(description=_("what"))
    def what(self, row: Event) -> str:
        return what_of(row)
