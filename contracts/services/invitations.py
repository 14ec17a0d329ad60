"""Invitations: a link that works once, for seven days, for one e-mail address."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils.crypto import salted_hmac

from accounts.models import User
from accounts.principals import Principal
from accounts.services import create_user
from contracts.drafts import values
from contracts.models import Invitation, Membership
from contracts.selectors import client_of, lock_client, usable_invitation
from contracts.selectors.invitations import token_digest
from contracts.services.acts import require_owner_or_author, tell_client
from contracts.services.members import AlreadyMember, read_role
from kernel.errors import DomainError, Fault, InvalidInput, NotFoundOrHidden, NotPermitted
from kernel.ids import new_id
from kernel.reading import Wrong

VALID_FOR: Final = timedelta(days=7)
OPEN_MAX: Final = 50


class TooManyInvitations(DomainError):
    """A client has more open invitations than anybody needs."""

    code = "too_many_invitations"
    title = "There are too many open invitations. Wait until some are used or have run out."


def invitation_token(invitation_id: UUID) -> str:
    """
    Give the secret of an invitation's link.

    It follows from the invitation's id and the portal's own key, so that the e-mail can be written
    (and written again) later; the database alone, which holds only its hash, does not give it away.
    """
    return salted_hmac("contracts.invitation", str(invitation_id), algorithm="sha256").hexdigest()


@transaction.atomic
def invite_member(
    *, principal: Principal, client_id: UUID, email: str, role: str, now: datetime
) -> Invitation:
    """
    Invite somebody by e-mail; an earlier open invitation to the same address no longer works.

    :raises NotFoundOrHidden: no such client for this principal
    :raises NotPermitted: neither an owner nor staff that does contract work
    :raises AlreadyMember: the address belongs to a member
    :raises TooManyInvitations: more than fifty are open
    """
    client = client_of(principal, client_id)
    require_owner_or_author(principal, client.pk)
    if principal.user is None:
        raise NotPermitted("Only a person may invite.")
    known, address = read_role(role), _read_email(email)
    lock_client(client.pk)
    if Membership.objects.filter(client=client, user__email=address).exists():
        raise AlreadyMember
    waiting = Invitation.objects.filter(client=client, used_at=None, expires_at__gt=now)
    waiting.filter(email=address).update(expires_at=now)
    if waiting.count() >= OPEN_MAX:
        raise TooManyInvitations
    key = new_id()
    invitation = Invitation.objects.create(
        id=key,
        client=client,
        email=address,
        role=known,
        token_sha256=token_digest(invitation_token(key)),
        invited_by=principal.user,
        created_at=now,
        expires_at=now + VALID_FOR,
    )
    tell_client("member.invited", client.pk, principal=principal, now=now, invitation=key, role=known.value)
    return invitation


@transaction.atomic
def withdraw_invitation(*, principal: Principal, client_id: UUID, invitation_id: UUID, now: datetime) -> None:
    """
    Take an open invitation back: its link no longer works.

    :raises NotFoundOrHidden: no such client for this principal, or no such open invitation
    :raises NotPermitted: neither an owner nor staff that does contract work
    """
    client = client_of(principal, client_id)
    require_owner_or_author(principal, client.pk)
    open_one = Invitation.objects.filter(pk=invitation_id, client=client, used_at=None, expires_at__gt=now)
    if not open_one.update(expires_at=now):
        raise NotFoundOrHidden("This invitation does not exist, has been used, or has run out.")
    tell_client(
        "member.invitation_withdrawn", client.pk, principal=principal, now=now, invitation=invitation_id
    )


@transaction.atomic
def accept_invitation(*, principal: Principal, token: str, now: datetime) -> Membership:
    """
    Become a member by an invitation that was sent to one's own e-mail address.

    :raises NotFoundOrHidden: unknown, used, run out, or meant for somebody else
    """
    invitation = usable_invitation(token, now)
    if principal.user is None or not principal.is_person or principal.user.email != invitation.email:
        raise NotFoundOrHidden("This invitation does not exist, has been used, or has run out.")
    return _join(invitation, principal.user, now)


@transaction.atomic
def join_by_invitation(*, token: str, name: str, password: str | None, now: datetime) -> User:
    """
    Enter a new person and make them a member in one step.

    :raises NotFoundOrHidden: unknown, used, or run out
    :raises EmailTaken: the person has an account already and should sign in first
    :raises InvalidInput: no name
    """
    invitation = usable_invitation(token, now)
    user = create_user(
        email=invitation.email, name=name, password=password, language=invitation.client.language
    )
    _join(invitation, user, now)
    return user


def _join(invitation: Invitation, user: User, now: datetime) -> Membership:
    lock_client(invitation.client_id)
    used = Invitation.objects.filter(pk=invitation.pk, used_at=None).update(used_at=now)
    if not used:
        raise NotFoundOrHidden("This invitation does not exist, has been used, or has run out.")
    if Membership.objects.filter(client_id=invitation.client_id, user=user).exists():
        raise AlreadyMember
    membership = Membership.objects.create(
        client_id=invitation.client_id, user=user, role=invitation.role, created_at=now
    )
    tell_client(
        "member.added",
        invitation.client_id,
        principal=Principal(user=user),
        now=now,
        user=user.pk,
        role=str(invitation.role),
        invitation=invitation.pk,
    )
    return membership


def _read_email(email: str) -> str:
    try:
        return values.email(email)
    except Wrong as wrong:
        raise InvalidInput(faults=[Fault(path="email", message=str(wrong))]) from None
