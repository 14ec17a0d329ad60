"""Messages of providers: what came of each, and what Finance does about those that could not be done."""

import json
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from payments.models import ProviderEvent
from payments.selectors import provider_event_of, provider_events_of
from payments.services import set_event_aside, try_event_again
from refundportal.staff import shown
from refundportal.staff.acts import Act, ActForm, ActingAdmin, finance_only, first_of, refusing
from refundportal.staff.fields import reason_field
from refundportal.staff.site import site
from refundportal.staff.visits import Visit, visit_of


class Standing(admin.SimpleListFilter):
    """Those that are left to Finance first."""

    title = _("Standing")
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("given_up", _("left to Finance")), ("waiting", _("waiting")), ("done", _("worked off"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "given_up":
                return queryset.filter(worked_at=None, given_up_at__isnull=False)
            case "waiting":
                return queryset.filter(worked_at=None, given_up_at=None)
            case "done":
                return queryset.filter(worked_at__isnull=False)
        return queryset


class MessageAct(Act[ProviderEvent]):
    """An act of Finance on a message that was not worked off."""

    def why_not(self) -> str:
        is_done = self.row.worked_at is not None
        return first_of(finance_only(self.visit), refusing(is_done, gettext("It was worked off already.")))

    @property
    def who_and_what(self) -> dict[str, Any]:
        return {"principal": self.visit.principal, "event_id": self.row.pk, "now": self.visit.now}


class TryAgain(MessageAct):
    name = "again"
    title = _("Work it off again")
    icon = "refresh-cw"
    button = _("Try again")
    explanation = _("What the message names is fetched from the provider within seconds.")

    def do(self, form: ActForm) -> str:
        try_event_again(**self.who_and_what)
        return gettext("It is tried again.")


class AsideForm(ActForm):
    note = reason_field(max_length=500, help_text=_("What it was and what was done about it; it stays here."))


class SetAside(MessageAct):
    name = "set-aside"
    title = _("Set it aside")
    icon = "check"
    button = _("Set aside")
    explanation = _("Nothing is booked. Money that it tells of must have been recorded otherwise.")
    form_class = AsideForm

    def do(self, form: ActForm) -> str:
        set_event_aside(note=form.cleaned_data["note"], **self.who_and_what)
        return gettext("The message is set aside.")


@admin.register(ProviderEvent, site=site)
class ProviderEventAdmin(ActingAdmin):
    """Messages come from providers; nobody writes or removes one."""

    list_display = ("received_shown", "provider", "type", "external_id", "standing_shown", "attempts")
    list_filter = (Standing, "provider")
    search_fields = ("external_id__istartswith", "type__istartswith")
    search_help_text = _("The provider's name of the message, or its type")
    page_template = "staff/message.html"
    is_called_by_name = False
    acts = (TryAgain, SetAside)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return provider_events_of(visit_of(request).principal)

    def read(self, visit: Visit, row_id: UUID) -> ProviderEvent:
        return provider_event_of(visit.principal, row_id)

    def page(self, request: HttpRequest, visit: Visit, row: ProviderEvent) -> dict[str, Any]:
        return {"title": row.type, "sign": _sign(row), "about": _about(row)}

    @admin.display(description=_("received"))
    def received_shown(self, row: ProviderEvent) -> str:
        return shown.instant(row.received_at)

    @admin.display(description=_("standing"))
    def standing_shown(self, row: ProviderEvent) -> SafeString:
        name, kind, words = _sign(row)
        return shown.tagged(words, name, kind)


def _sign(row: ProviderEvent) -> tuple[str, str, str]:
    """Give the icon, the colour and the word for where a message stands."""
    if row.set_aside_by_id:
        return "check", "soft", gettext("set aside")
    if row.worked_at is not None:
        return "check", "good", gettext("worked off")
    if row.given_up_at is not None:
        return "octagon-alert", "stop", gettext("left to Finance")
    return "hourglass", "warn" if row.last_error else "", gettext("waiting")


def _about(row: ProviderEvent) -> str:
    """Give the provider's name of what a message is about, and nothing else of its body."""
    try:
        return str(json.loads(bytes(row.body))["data"]["object"]["id"])[:140]
    except (ValueError, LookupError, TypeError):
        return ""
