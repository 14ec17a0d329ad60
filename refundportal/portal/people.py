"""The people of a client: its owners invite others, change what they may do, and remove them."""

from typing import Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from contracts.models import Client, Invitation, Membership, Role
from contracts.selectors import client_of
from contracts.services import change_member, invite_member, remove_member, withdraw_invitation
from contracts.services.invitations import OPEN_MAX, TooManyInvitations
from contracts.services.members import AlreadyMember, LastOwner
from kernel.errors import DomainError, InvalidInput, NotFoundOrHidden
from refundportal.portal.access import Visit, page
from refundportal.web.forms import Choices

SHOWN_MAX: Final = 200

_ROLE_HELP: Final = {
    "owner": _("Does everything: applies, signs contracts, enters the bank account, invites people."),
    "requester": _("Applies for refunds, accepts delivered work or objects to it, and asks questions."),
    "viewer": _("Reads everything and changes nothing."),
}
_REFUSALS: Final[dict[type[DomainError], Promise]] = {
    LastOwner: _("The last owner stays, so that somebody can act. Please make somebody else an owner first."),
    AlreadyMember: _("This person is one of you already."),
    TooManyInvitations: _(
        "There are many open invitations. Please wait until some are used or have run out."
    ),
}


class RoleForm(forms.Form):
    """What a person may do."""

    role = forms.ChoiceField(
        label=_("What may they do?"),
        choices=Role.choices,
        initial=Role.VIEWER,
        widget=Choices(help_texts=_ROLE_HELP),
    )


class InvitationForm(RoleForm):
    """Whom to invite, and for what."""

    email = forms.EmailField(
        label=_("E-mail address"),
        help_text=_("They get a link that works once, for seven days."),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    field_order = ("email", "role")


@page
def people(request: HttpRequest, visit: Visit, client_id: UUID) -> HttpResponse:
    """Show who acts for a client and who is invited; an owner invites on the same page."""
    client = _client(visit, client_id)
    form = InvitationForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _invite(visit, client, form):
        messages.success(
            request, _t("We have invited %(email)s by e-mail.") % {"email": form.cleaned_data["email"]}
        )
        return redirect("people", client.pk)
    members = Membership.objects.filter(client=client).select_related("user")
    invitations = Invitation.objects.filter(client=client, used_at=None, expires_at__gt=visit.now)
    context = {
        "client": client,
        "members": members.order_by("created_at", "id")[:SHOWN_MAX],
        "invitations": invitations.order_by("expires_at", "id")[:OPEN_MAX],
        "form": form,
    }
    return render(request, "portal/people.html", context)


def _client(visit: Visit, client_id: UUID) -> Client:
    """
    :raises NotFoundOrHidden: no such client for this visitor
    :raises NotPermitted: the visitor is no owner of it
    """
    client = client_of(visit.principal, client_id)
    visit.require_owner_of(client.pk)
    return client


def _invite(visit: Visit, client: Client, form: InvitationForm) -> bool:
    try:
        invite_member(
            principal=visit.principal,
            client_id=client.pk,
            email=form.cleaned_data["email"],
            role=form.cleaned_data["role"],
            now=visit.now,
        )
    except (AlreadyMember, TooManyInvitations) as refusal:
        form.add_error("email", str(_REFUSALS[type(refusal)]))
        return False
    except InvalidInput:
        form.add_error("email", _t("We cannot write to this address."))
        return False
    return True


def _member(client: Client, user_id: UUID) -> Membership:
    found = Membership.objects.filter(client=client, user=user_id).select_related("user").first()
    if found is None:
        raise NotFoundOrHidden
    return found


@page
def member(request: HttpRequest, visit: Visit, client_id: UUID, user_id: UUID) -> HttpResponse:
    """Change what a member may do."""
    client = _client(visit, client_id)
    found = _member(client, user_id)
    form = RoleForm(request.POST or None, initial={"role": found.role})
    if request.method == "POST" and form.is_valid():
        try:
            change_member(
                principal=visit.principal,
                client_id=client.pk,
                user=found.user,
                role=form.cleaned_data["role"],
                now=visit.now,
            )
        except LastOwner:
            form.add_error("role", str(_REFUSALS[LastOwner]))
        else:
            messages.success(request, _t("Changed: %(name)s.") % {"name": found.user.name})
            return _back(visit, client)
    return render(request, "portal/member.html", {"client": client, "member": found, "form": form})


@page
def remove(request: HttpRequest, visit: Visit, client_id: UUID, user_id: UUID) -> HttpResponse:
    """Ask before a member is removed, and remove them."""
    client = _client(visit, client_id)
    found = _member(client, user_id)
    if request.method == "POST":
        try:
            remove_member(principal=visit.principal, client_id=client.pk, user=found.user, now=visit.now)
        except LastOwner:
            messages.error(request, str(_REFUSALS[LastOwner]))
        else:
            messages.success(
                request,
                _t("%(name)s no longer acts for %(client)s.")
                % {"name": found.user.name, "client": client.name},
            )
        return _back(visit, client)
    is_self = found.user == visit.principal.user
    return render(
        request, "portal/member_remove.html", {"client": client, "member": found, "is_self": is_self}
    )


@page
def withdraw_link(request: HttpRequest, visit: Visit, client_id: UUID, invitation_id: UUID) -> HttpResponse:
    """Take an open invitation back."""
    client = _client(visit, client_id)
    if request.method != "POST":
        return redirect("people", client.pk)
    withdraw_invitation(
        principal=visit.principal, client_id=client.pk, invitation_id=invitation_id, now=visit.now
    )
    messages.success(request, _t("The invitation is withdrawn: its link no longer works."))
    return redirect("people", client.pk)


def _back(visit: Visit, client: Client) -> HttpResponse:
    """Lead to the people again; who has given up being an owner can no longer see them."""
    if visit.role_for(client.pk) != Role.OWNER:
        return redirect("account")
    return redirect("people", client.pk)
