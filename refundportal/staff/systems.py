"""Other systems of the company: what they may do and for whom, and their secrets."""

from typing import Any
from uuid import UUID

from allauth.idp.oidc.models import Token
from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import ApiClient, User
from accounts.scopes import SCOPES
from accounts.systems import (
    enter_system,
    let_system_act,
    renew_secret,
    switch_off_system,
    switch_on_system,
)
from contracts.models import Client, ClientGrant
from contracts.services import grant_client, revoke_client
from kernel.errors import NotFoundOrHidden
from refundportal.staff import shown
from refundportal.staff.acts import Act, ActForm, EnteringAdmin, administrators_only, first_of, refusing
from refundportal.staff.site import site
from refundportal.staff.visits import Visit, may_read_people

ROWS_SHOWN = 100


class SystemForm(ActForm):
    """A system as it is entered."""

    name = forms.CharField(label=_("Name"), max_length=100, help_text=_("As the company calls it."))
    scopes = forms.MultipleChoiceField(
        label=_("What it may do"),
        choices=[(name, f"{name}: {words}") for name, words in SCOPES.items()],
        widget=forms.CheckboxSelectMultiple,
    )
    all_clients = forms.BooleanField(
        label=_("Acts for every client"), required=False, help_text=_("Else for those named afterwards.")
    )
    staff_user = forms.EmailField(
        label=_("Counts as"),
        required=False,
        help_text=_("E-mail address of a member of staff, who lets it in; needed to decide."),
    )

    def clean_staff_user(self) -> User | None:
        email = self.cleaned_data["staff_user"]
        if not email:
            return None
        found = User.objects.filter(email=email.lower(), is_staff=True, is_active=True).first()
        if found is None:
            raise forms.ValidationError(gettext("There is nobody on the staff with this address."))
        return found


class SystemAct(Act[ApiClient]):
    """An act of an administrator on a system."""

    def why_not(self) -> str:
        return administrators_only(self.visit)

    @property
    def who_and_what(self) -> dict[str, Any]:
        return {"principal": self.visit.principal, "system_id": self.row.pk, "now": self.visit.now}


class LetIn(SystemAct):
    name = "let-in"
    title = _("Let it call")
    icon = "check"
    button = _("Let it call")
    asks_who = True
    explanation = _("A system that counts as a person is let in by that person alone: it acts in their name.")

    def why_not(self) -> str:
        row, words = self.row, gettext("Only the person that it counts as may let it in.")
        is_mine = row.staff_user_id == self.visit.user.pk
        may = refusing(not is_mine, words) if row.staff_user_id else administrators_only(self.visit)
        return first_of(refusing(row.is_active, gettext("It may call already.")), may)

    def do(self, form: ActForm) -> str:
        (let_system_act if self.row.staff_user_id else switch_on_system)(**self.who_and_what)
        return gettext("It may call.")


class RenewSecret(SystemAct):
    name = "renew-secret"
    title = _("Give it a new secret")
    icon = "refresh-cw"
    button = _("Make a new secret")
    is_grave = True
    asks_who = True
    explanation = _("The old secret and all its tokens end at once. The new one is shown once.")

    def do(self, form: ActForm) -> str:
        self.row, self.secret = renew_secret(**self.who_and_what)
        return gettext("The new secret")


class SwitchOff(SystemAct):
    name = "switch-off"
    title = _("Stop it")
    icon = "ban"
    button = _("Stop it")
    is_grave = True
    explanation = _("Its tokens end at once, and it gets no new ones.")

    def why_not(self) -> str:
        is_mine = self.row.staff_user_id == self.visit.user.pk
        return first_of(
            "" if is_mine else super().why_not(),
            refusing(not self.row.is_active, gettext("It may not call anyway.")),
        )

    def do(self, form: ActForm) -> str:
        switch_off_system(**self.who_and_what)
        return gettext("It is stopped.")


class GrantForm(ActForm):
    client = forms.EmailField(label=_("Client"), help_text=_("The client's e-mail address."))

    def clean_client(self) -> Client:
        rows = list(Client.objects.filter(email__iexact=self.cleaned_data["client"])[:2])
        if len(rows) != 1:
            raise forms.ValidationError(gettext("There is no client, or more than one, with this address."))
        return rows[0]


class Grant(SystemAct):
    name = "grant"
    title = _("Let it act for a client")
    icon = "users"
    button = _("Let it act for them")
    form_class = GrantForm

    def why_not(self) -> str:
        is_all = refusing(self.row.all_clients, gettext("It acts for every client."))
        return first_of(super().why_not(), is_all)

    def do(self, form: ActForm) -> str:
        grant_client(
            principal=self.visit.principal,
            api_client=self.row,
            client_id=form.cleaned_data["client"].pk,
            now=self.visit.now,
        )
        return gettext("It acts for them from the next call on.")


class Revoke(Grant):
    name = "revoke"
    title = _("Take a client away from it")
    icon = "ban"
    button = _("Take them away")

    def do(self, form: ActForm) -> str:
        revoke_client(
            principal=self.visit.principal,
            api_client=self.row,
            client_id=form.cleaned_data["client"].pk,
            now=self.visit.now,
        )
        return gettext("It acts for them no longer.")


@admin.register(ApiClient, site=site)
class ApiClientAdmin(EnteringAdmin):
    """Systems that call over REST with client credentials."""

    list_display = ("name", "standing_shown", "staff_user", "reach_shown", "since_shown")
    list_filter = ("is_active",)
    list_select_related = ("staff_user",)
    search_fields = ("name__icontains",)
    search_help_text = _("Name")
    page_template = "staff/system.html"
    entry_form = SystemForm
    entry_title = _("Enter a system")
    entry_button = _("Enter it")
    acts = (LetIn, Grant, Revoke, RenewSecret, SwitchOff)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_read_people(request)

    def enter(self, visit: Visit, form: ActForm) -> tuple[ApiClient, str, str]:
        row, secret = enter_system(principal=visit.principal, now=visit.now, **form.cleaned_data)
        return row, gettext("The system is entered"), secret

    def read(self, visit: Visit, row_id: UUID) -> ApiClient:
        found = ApiClient.objects.select_related("oauth_client", "staff_user").filter(pk=row_id).first()
        if found is None:
            raise NotFoundOrHidden
        return found

    def page(self, request: HttpRequest, visit: Visit, row: ApiClient) -> dict[str, Any]:
        grants = ClientGrant.objects.filter(api_client=row)
        live = Token.objects.filter(client_id=row.oauth_client_id, expires_at__gt=visit.now)
        return {
            "scopes": [(name, words) for name, words in SCOPES.items() if name in row.scopes],
            "granted": grants.count(),
            "grants": grants.select_related("client").order_by("client__name")[:ROWS_SHOWN],
            "tokens": live.count(),
        }

    @admin.display(description=_("standing"))
    def standing_shown(self, row: ApiClient) -> SafeString:
        if row.is_active:
            return shown.tagged(gettext("may call"), "check", "good")
        return shown.tagged(gettext("may not call"), "ban", "warn")

    @admin.display(description=_("acts for"))
    def reach_shown(self, row: ApiClient) -> str:
        return gettext("every client") if row.all_clients else gettext("named clients")

    @admin.display(description=_("since"))
    def since_shown(self, row: ApiClient) -> str:
        return shown.instant(row.created_at)
