"""The people of a client: who may do what, and that one owner always stays."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.models import User
from accounts.principals import Principal
from contracts.models import Membership, Role
from contracts.selectors import client_of, lock_client
from contracts.services.acts import require_owner_or_author, tell_client
from kernel.errors import DomainError, Fault, InvalidInput, NotFoundOrHidden


class AlreadyMember(DomainError):
    """The person is a member of this client already."""

    code = "already_member"
    kind = "conflict"
    title = "This person is a member already."


class LastOwner(DomainError):
    """A client keeps at least one owner."""

    code = "last_owner"
    title = "The last owner stays: make somebody else an owner first."


def read_role(value: str) -> Role:
    """
    :raises InvalidInput: no such role
    """
    if value not in Role.values:
        message = f"must be one of: {', '.join(Role.values)}"
        raise InvalidInput(faults=[Fault(path="role", message=message)])
    return Role(value)


@transaction.atomic
def add_member(*, principal: Principal, client_id: UUID, user: User, role: str, now: datetime) -> Membership:
    """
    Make a person a member of a client.

    :raises NotFoundOrHidden: no such client for this principal
    :raises NotPermitted: neither an owner nor one who does contract work
    :raises AlreadyMember: the person is one already
    """
    client = client_of(principal, client_id)
    require_owner_or_author(principal, client.pk)
    known = read_role(role)
    client = lock_client(client.pk)
    if Membership.objects.filter(client=client, user=user).exists():
        raise AlreadyMember
    membership = Membership.objects.create(client=client, user=user, role=known, created_at=now)
    tell_client("member.added", client.pk, principal=principal, now=now, user=user.pk, role=known.value)
    return membership


@transaction.atomic
def change_member(
    *, principal: Principal, client_id: UUID, user: User, role: str, now: datetime
) -> Membership:
    """
    Give a member another role.

    :raises NotFoundOrHidden: no such client for this principal, or the person is no member
    :raises NotPermitted: neither an owner nor one who does contract work
    :raises LastOwner: nobody else is an owner
    """
    client = client_of(principal, client_id)
    require_owner_or_author(principal, client.pk)
    known = read_role(role)
    membership = _lock_member(client.pk, user)
    if membership.role != known:
        _keep_an_owner(membership)
        membership.role = known
        membership.save(update_fields=["role"])
        tell_client("member.changed", client.pk, principal=principal, now=now, user=user.pk, role=known.value)
    return membership


@transaction.atomic
def remove_member(*, principal: Principal, client_id: UUID, user: User, now: datetime) -> None:
    """
    End a membership; it counts from the next page on.

    :raises NotFoundOrHidden: no such client for this principal, or the person is no member
    :raises NotPermitted: neither an owner nor one who does contract work
    :raises LastOwner: nobody else is an owner
    """
    client = client_of(principal, client_id)
    require_owner_or_author(principal, client.pk)
    membership = _lock_member(client.pk, user)
    _keep_an_owner(membership)
    membership.delete()
    tell_client("member.removed", client.pk, principal=principal, now=now, user=user.pk)


def _lock_member(client_id: UUID, user: User) -> Membership:
    lock_client(client_id)
    membership = Membership.objects.filter(client_id=client_id, user=user).first()
    if membership is None:
        raise NotFoundOrHidden("This person is not a member.")
    return membership


def _keep_an_owner(membership: Membership) -> None:
    """Called with the client locked, when `membership` stops being what it is."""
    others = Membership.objects.filter(client_id=membership.client_id, role=Role.OWNER, user__is_active=True)
    if membership.role == Role.OWNER and not others.exclude(pk=membership.pk).exists():
        raise LastOwner
