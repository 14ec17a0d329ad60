"""Who may sign in, and the staff groups: the only source of rights over cases and money."""

from typing import Any
from uuid import UUID

from allauth.mfa.utils import is_mfa_enabled
from django import forms
from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.groups import GROUP_NAMES
from accounts.models import RoleChange, User
from accounts.rights import may_administer
from accounts.roles import OF_MONEY, REASON_MAX, change_role, confirm_role_change, withdraw_role_change
from accounts.services import change_account, enter_staff
from contracts.models import Membership
from kernel.errors import NotFoundOrHidden
from refundportal.staff import shown
from refundportal.staff.acts import Act, ActForm, EnteringAdmin, administrators_only, first_of, refusing
from refundportal.staff.fields import reason_field
from refundportal.staff.site import site
from refundportal.staff.visits import Visit, may_read_people

ROWS_SHOWN = 50


class UserAct(Act[User]):
    """An act of an administrator on a person."""

    def why_not(self) -> str:
        return administrators_only(self.visit)

    @cached_property
    def groups(self) -> set[str]:
        return {group.name for group in self.row.groups.all()}

    @cached_property
    def waiting(self) -> RoleChange | None:
        return waiting_of(self.row)


class AccountForm(ActForm):
    name = forms.CharField(label=_("Name"), max_length=150, required=False)
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)
    is_active = forms.BooleanField(label=_("May sign in"), required=False)


class ChangeAccount(UserAct):
    name = "change"
    title = _("Change name, language and sign-in")
    icon = "user"
    button = _("Keep it")
    explanation = _(
        "Who may no longer sign in is signed out at once. An address is never changed here: whoever has it "
        "can sign in with it."
    )
    form_class = AccountForm

    def form(self, *data: Any) -> ActForm:
        row = self.row
        initial = {"name": row.name, "language": row.language, "is_active": row.is_active}
        return AccountForm(*data) if data else AccountForm(initial=initial)

    def do(self, form: ActForm) -> str:
        change_account(
            principal=self.visit.principal, user_id=self.row.pk, now=self.visit.now, **form.cleaned_data
        )
        return gettext("It is kept.")


class RoleForm(ActForm):
    group = forms.ChoiceField(label=_("Group"))
    reason = reason_field(max_length=REASON_MAX)

    def __init__(self, *args: Any, names: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        group = self.fields["group"]
        assert isinstance(group, forms.ChoiceField), "declared above"
        group.choices = [(name, name) for name in names]


class RoleAct(UserAct):
    """Giving or taking a group."""

    asks_who = True
    gives: bool
    form_class = RoleForm
    explanation = _(
        "Approver and Finance need a second person: another administrator, or somebody who has the group. "
        "Nobody has a hand in their own rights."
    )

    def names(self) -> list[str]:
        return [name for name in GROUP_NAMES if (name in self.groups) is not self.gives]

    def why_not(self) -> str:
        own = self.row.pk == self.visit.user.pk
        return first_of(
            super().why_not(),
            refusing(not self.row.is_staff, gettext("This person is not on the staff.")),
            refusing(own, gettext("Nobody has a hand in their own rights.")),
            refusing(self.waiting is not None, gettext("Another change waits for its second person.")),
            refusing(not self.names(), gettext("There is no group left for this.")),
        )

    def form(self, *data: Any) -> ActForm:
        return RoleForm(*data, names=self.names())

    def do(self, form: ActForm) -> str:
        cleaned = form.cleaned_data
        change_role(
            principal=self.visit.principal,
            user_id=self.row.pk,
            group=cleaned["group"],
            gives=self.gives,
            reason=cleaned["reason"],
            now=self.visit.now,
        )
        if cleaned["group"] in OF_MONEY:
            return gettext("It waits for a second person.")
        return gettext("It is done.")


class GiveRole(RoleAct):
    name = "give-role"
    title = _("Give a group")
    icon = "badge-check"
    button = _("Give it")
    gives = True


class TakeRole(RoleAct):
    name = "take-role"
    title = _("Take a group")
    icon = "ban"
    button = _("Take it")
    is_grave = True
    gives = False


class ChangeForm(ActForm):
    change = forms.UUIDField(widget=forms.HiddenInput)


class WaitingAct(UserAct):
    """An act on the change that waits: on the one that was shown, not on what came after it."""

    form_class = ChangeForm

    def form(self, *data: Any) -> ActForm:
        waiting = self.waiting
        return ChangeForm(*data) if data else ChangeForm(initial={"change": waiting.pk if waiting else ""})

    def nothing_waits(self) -> str:
        return refusing(self.waiting is None, gettext("Nothing waits for a second person."))


class ConfirmRole(WaitingAct):
    name = "confirm-role"
    title = _("Confirm the change of a group")
    icon = "users"
    button = _("Confirm")
    asks_who = True
    explanation = _("You confirm what somebody else proposed, and it is done at once.")

    def why_not(self) -> str:
        waiting, person = self.waiting, self.visit.user
        if waiting is None:
            return self.nothing_waits()
        has_it = any(group.name == waiting.role for group in person.groups.all())
        may = may_administer(self.visit.principal) or has_it
        return first_of(
            refusing(not may, gettext("An administrator confirms this, or somebody who has the same group.")),
            refusing(self.row.pk == person.pk, gettext("Nobody has a hand in their own rights.")),
            refusing(
                waiting.proposed_by_id == person.pk, gettext("You proposed it: somebody else confirms.")
            ),
        )

    def do(self, form: ActForm) -> str:
        confirm_role_change(
            principal=self.visit.principal, change_id=form.cleaned_data["change"], now=self.visit.now
        )
        return gettext("It is done.")


class WithdrawRole(WaitingAct):
    name = "withdraw-role"
    title = _("Take the proposed change back")
    icon = "reply"
    button = _("Take it back")

    def why_not(self) -> str:
        return first_of(super().why_not(), self.nothing_waits())

    def do(self, form: ActForm) -> str:
        withdraw_role_change(
            principal=self.visit.principal, change_id=form.cleaned_data["change"], now=self.visit.now
        )
        return gettext("It is taken back.")


class StaffForm(ActForm):
    email = forms.EmailField(label=_("E-mail address"), max_length=254)
    name = forms.CharField(label=_("Name"), max_length=150)
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)


@admin.register(User, site=site)
class UserAdmin(EnteringAdmin):
    """
    Who may sign in. A superuser looks after accounts and, by that, has no right over a case or a cent.
    """

    list_display = ("email", "name", "is_staff", "is_active", "groups_shown")
    list_filter = ("is_staff", "is_active", "groups")
    search_fields = ("email__icontains", "name__icontains")
    search_help_text = _("Name or e-mail address")
    page_template = "staff/user.html"
    entry_form = StaffForm
    entry_title = _("Enter a member of staff")
    entry_button = _("Enter them")
    acts = (ChangeAccount, GiveRole, TakeRole, ConfirmRole, WithdrawRole)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("groups")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_read_people(request)

    def enter(self, visit: Visit, form: ActForm) -> tuple[User, str, str]:
        person = enter_staff(principal=visit.principal, now=visit.now, **form.cleaned_data)
        return person, gettext("They sign in with a code that is sent to this address."), ""

    def read(self, visit: Visit, row_id: UUID) -> User:
        found = User.objects.prefetch_related("groups").filter(pk=row_id).first()
        if found is None:
            raise NotFoundOrHidden
        return found

    def page(self, request: HttpRequest, visit: Visit, row: User) -> dict[str, Any]:
        changes = RoleChange.objects.filter(user=row).select_related("proposed_by", "confirmed_by")
        return {
            "title": row.email,
            "waiting": waiting_of(row),
            "changes": changes.exclude(confirmed_at=None).order_by("-confirmed_at")[:ROWS_SHOWN],
            "memberships": Membership.objects.filter(user=row).select_related("client")[:ROWS_SHOWN],
            "has_second_factor": is_mfa_enabled(row),
        }

    @admin.display(description=_("groups"))
    def groups_shown(self, row: User) -> str:
        return ", ".join(group.name for group in row.groups.all()) or "–"

    @admin.display(description=_("since"))
    def joined_shown(self, row: User) -> str:
        return shown.instant(row.date_joined)


def waiting_of(row: User) -> RoleChange | None:
    """Give the change of a person's groups that waits for its second person."""
    rows = RoleChange.objects.filter(user=row, confirmed_at=None, withdrawn_at=None)
    return rows.select_related("proposed_by").first()
