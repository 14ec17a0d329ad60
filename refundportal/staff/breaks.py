"""Differences between our books and the world outside, and when the books were last compared."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from kernel.money import Money
from payments.models import Break, Payment, Payout, Reconciliation
from payments.selectors import break_of, breaks_of, reconciliation_of, reconciliations_of
from payments.services import reconcile_now, resolve_break, take_break
from payments.services.reconciliation import comparable_rails
from refundportal.staff import shown
from refundportal.staff.acts import Act, ActForm, ActingAdmin, finance_only, first_of, refusing
from refundportal.staff.fields import reason_field
from refundportal.staff.lists import Currency
from refundportal.staff.site import site
from refundportal.staff.visits import Visit, visit_of

KINDS = {
    "double_return": ("copy", _("returned twice: refunded and charged back")),
    "ours_only": ("book", _("only in our books")),
    "theirs_only": ("building-2", _("only in the provider's or the bank's book")),
    "different": ("diff", _("another amount or currency there")),
    "unclaimed": ("hand-coins", _("money that came and fits nothing that was expected")),
}
HALTING = ("theirs_only", "different")


class Standing(admin.SimpleListFilter):
    """Open differences first: the others are history."""

    title = _("Standing")
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("open", _("open")), ("mine", _("open, with me")), ("cleared", _("cleared"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "open":
                return queryset.filter(resolved_at=None)
            case "mine":
                return queryset.filter(resolved_at=None, owner=visit_of(request).user)
            case "cleared":
                return queryset.filter(resolved_at__isnull=False)
        return queryset


class BreakAct(Act[Break]):
    """An act of Finance on a difference that is open."""

    def why_not(self) -> str:
        is_cleared = self.row.resolved_at is not None
        return first_of(finance_only(self.visit), refusing(is_cleared, gettext("It was cleared already.")))

    @property
    def who_and_what(self) -> dict[str, Any]:
        return {"principal": self.visit.principal, "break_id": self.row.pk, "now": self.visit.now}


class Take(BreakAct):
    name = "take"
    title = _("Look after it")
    icon = "hand"
    button = _("Look after it")
    explanation = _("Others see that you are on it.")

    def why_not(self) -> str:
        is_mine = self.row.owner_id == self.visit.user.pk
        return first_of(super().why_not(), refusing(is_mine, gettext("You look after it already.")))

    def do(self, form: ActForm) -> str:
        take_break(**self.who_and_what)
        return gettext("You look after it.")


class ResolutionForm(ActForm):
    resolution = reason_field(
        max_length=500, help_text=_("What it was and what was done about it; it stays with the difference.")
    )


class Resolve(BreakAct):
    name = "resolve"
    title = _("Say how it was cleared")
    icon = "check"
    button = _("It is cleared")
    explanation = _("No money moves. While differences of this kind are open nothing is sent.")
    form_class = ResolutionForm

    def do(self, form: ActForm) -> str:
        resolve_break(resolution=form.cleaned_data["resolution"], **self.who_and_what)
        return gettext("The difference is cleared.")


@admin.register(Break, site=site)
class BreakAdmin(ActingAdmin):
    """Differences come from comparisons; people look after them and say how they were cleared."""

    list_display = ("found_shown", "kind_shown", "amount_shown", "owner_shown", "age_shown", "standing_shown")
    list_filter = (Standing, "kind", Currency)
    list_select_related = ("owner",)
    page_template = "staff/break.html"
    is_called_by_name = False
    acts = (Take, Resolve)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return breaks_of(visit_of(request).principal)

    def read(self, visit: Visit, row_id: UUID) -> Break:
        return break_of(visit.principal, row_id)

    def page(self, request: HttpRequest, visit: Visit, row: Break) -> dict[str, Any]:
        theirs = row.detail.get("theirs")
        return {
            "title": str(KINDS[row.kind][1]),
            "kind_sign": KINDS[row.kind],
            "halts": row.kind in HALTING and row.resolved_at is None,
            "amount": Money(row.amount_minor, row.currency),
            "theirs": Money.parse(theirs["amount"], theirs["currency"]) if theirs else None,
            "payment": row.payment_id and Payment.objects.filter(pk=row.payment_id).first(),
            "payout": row.payout_id and Payout.objects.filter(pk=row.payout_id).first(),
            "age": timesince(row.found_at, row.resolved_at or visit.now, depth=1),
        }

    @admin.display(description=_("found"))
    def found_shown(self, row: Break) -> str:
        return shown.instant(row.found_at)

    @admin.display(description=_("kind"))
    def kind_shown(self, row: Break) -> SafeString:
        return shown.tagged(KINDS[row.kind][1], KINDS[row.kind][0], "stop" if row.kind in HALTING else "warn")

    @admin.display(description=_("amount"))
    def amount_shown(self, row: Break) -> str | SafeString:
        return shown.amount(row.amount_minor, row.currency)

    @admin.display(description=_("with"))
    def owner_shown(self, row: Break) -> str:
        return str(row.owner or "–")

    @admin.display(description=_("open for"))
    def age_shown(self, row: Break) -> str:
        return timesince(row.found_at, row.resolved_at or timezone.now(), depth=1)

    @admin.display(description=_("standing"))
    def standing_shown(self, row: Break) -> SafeString:
        if row.resolved_at is None:
            return shown.tagged(gettext("open"), "circle-dot", "warn")
        return shown.tagged(gettext("cleared"), "check", "good")


class Again(Act[Reconciliation]):
    name = "again"
    title = _("Compare the books now")
    icon = "refresh-cw"
    button = _("Compare now")
    explanation = _(
        "Our payouts of this rail are held against the provider's book. What is only ahead of us is booked, "
        "what differs is left to Finance. Nothing is sent."
    )

    def why_not(self) -> str:
        is_off = self.row.rail not in comparable_rails()
        words = gettext("The rail is switched off.")
        return first_of(finance_only(self.visit), refusing(is_off, words))

    def do(self, form: ActForm) -> str:
        done = reconcile_now(principal=self.visit.principal, rail=self.row.rail, now=self.visit.now)
        self.row = done
        if done.error:
            return gettext("The book could not be read to its end; it is tried again.")
        return gettext("Compared: %(lines)d lines read.") % {"lines": done.lines_read}


@admin.register(Reconciliation, site=site)
class ReconciliationAdmin(ActingAdmin):
    """When our books were held against a provider's; the beat does it daily, and after a restore."""

    list_display = ("started_shown", "rail", "result_shown", "lines_read", "differences", "asked_shown")
    list_filter = ("rail",)
    list_select_related = ("asked_by",)
    page_template = "staff/reconciliation.html"
    is_called_by_name = False
    acts = (Again,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return reconciliations_of(visit_of(request).principal)

    def read(self, visit: Visit, row_id: UUID) -> Reconciliation:
        return reconciliation_of(visit.principal, row_id)

    def page(self, request: HttpRequest, visit: Visit, row: Reconciliation) -> dict[str, Any]:
        title = gettext("Books compared: %(rail)s") % {"rail": row.get_rail_display()}
        return {"title": title, "sign": _sign(row)}

    @admin.display(description=_("began"))
    def started_shown(self, row: Reconciliation) -> str:
        return shown.instant(row.started_at)

    @admin.display(description=_("result"))
    def result_shown(self, row: Reconciliation) -> SafeString:
        name, kind, words = _sign(row)
        return shown.tagged(words, name, kind)

    @admin.display(description=_("asked for by"))
    def asked_shown(self, row: Reconciliation) -> str:
        return str(row.asked_by or gettext("the clock"))


def _sign(row: Reconciliation) -> tuple[str, str, str]:
    """Give the icon, the colour and the word for how a comparison ended."""
    if row.error:
        return "octagon-alert", "stop", gettext("not read to the end")
    if row.ended_at is None:
        return "hourglass", "", gettext("under way")
    if row.differences:
        return "triangle-alert", "warn", gettext("differences are open")
    return "check", "good", gettext("the books agree")
