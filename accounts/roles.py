"""
Staff groups given and taken. Those over money need two people, neither of them the one it is about.

An administrator is active staff with `is_superuser`: they look after accounts and have, by that, no right
over a case or a cent.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from django.contrib.auth.models import Group
from django.db import transaction

from accounts.groups import APPROVER, FINANCE, GROUP_NAMES
from accounts.models import RoleChange, User
from accounts.principals import Principal
from accounts.rights import may_administer, person_of, require_administrator
from events.services import record_event
from kernel.errors import DomainError, Fault, InvalidInput, NotFoundOrHidden, NotPermitted, StaleState

OF_MONEY: Final = frozenset({APPROVER, FINANCE})
"""Groups that nobody gives or takes alone."""
REASON_MAX: Final = 500


class AboutOneself(DomainError):
    """Somebody has a hand in their own rights."""

    code = "about_oneself"
    kind = "forbidden"
    title = "Nobody has a hand in their own rights."


class RoleChangeOpen(DomainError):
    """Another change of this person's groups waits for its second person."""

    code = "role_change_open"
    kind = "conflict"
    title = "Another change for this person waits for its second person."


@transaction.atomic
def change_role(
    *, principal: Principal, user_id: UUID, group: str, gives: bool, reason: str, now: datetime
) -> RoleChange:
    """
    Give a person a staff group, or take it: at once, or for a second person to confirm if it is `OF_MONEY`.

    :raises NotFoundOrHidden: no such person on the staff
    :raises NotPermitted: the principal is no administrator
    :raises AboutOneself: it is about the principal
    :raises InvalidInput: no such group, no reason
    :raises StaleState: the person is in the group already, or not in it
    :raises RoleChangeOpen: another change for this person waits
    """
    person = require_administrator(principal)
    user = _staff(user_id)
    if user.pk == person.pk:
        raise AboutOneself
    if faults := _faults(group, reason):
        raise InvalidInput(faults=faults)
    _require_change(user, group, gives)
    if RoleChange.objects.filter(user=user, confirmed_at=None, withdrawn_at=None).exists():
        raise RoleChangeOpen
    change = RoleChange(
        user=user,
        role=group,
        gives=gives,
        reason=reason.strip(),
        proposed_by=person,
        proposed_at=now,
        is_alone=group not in OF_MONEY,
    )
    if change.is_alone:
        change.confirmed_by, change.confirmed_at = person, now
    change.save(force_insert=True)
    if change.is_alone:
        _carry_out(change, principal, now)
    else:
        _tell("user.role_proposed", change, principal, now)
    return change


@transaction.atomic
def confirm_role_change(*, principal: Principal, change_id: UUID, now: datetime) -> RoleChange:
    """
    Carry a proposed change out. Another administrator does it, or somebody who has the same group.

    :raises NotFoundOrHidden: no such change
    :raises NotPermitted: neither an administrator nor of that group, or who proposed it
    :raises AboutOneself: it is about the principal
    :raises StaleState: it does not wait any more, or would change nothing
    """
    person = person_of(principal)
    change = _open(change_id)
    if person.pk == change.user_id:
        raise AboutOneself
    if not (may_administer(principal) or person.groups.filter(name=change.role).exists()):
        raise NotPermitted("An administrator confirms this, or somebody who has the same group.")
    if person.pk == change.proposed_by_id:
        raise NotPermitted("A second person confirms this.")
    _require_change(change.user, change.role, change.gives)
    change.confirmed_by, change.confirmed_at = person, now
    change.save(update_fields=["confirmed_by", "confirmed_at"])
    _carry_out(change, principal, now)
    return change


@transaction.atomic
def withdraw_role_change(*, principal: Principal, change_id: UUID, now: datetime) -> RoleChange:
    """
    Take a proposed change back.

    :raises NotFoundOrHidden: no such change
    :raises NotPermitted: the principal is no administrator
    :raises StaleState: it does not wait any more
    """
    require_administrator(principal)
    change = _open(change_id)
    change.withdrawn_at = now
    change.save(update_fields=["withdrawn_at"])
    _tell("user.role_withdrawn", change, principal, now)
    return change


def _staff(user_id: UUID) -> User:
    user = User.objects.select_for_update().filter(pk=user_id, is_staff=True, is_active=True).first()
    if user is None:
        raise NotFoundOrHidden
    return user


def _open(change_id: UUID) -> RoleChange:
    found = RoleChange.objects.filter(pk=change_id).values_list("user_id", flat=True).first()
    if found is None:
        raise NotFoundOrHidden
    _staff(found)
    change = RoleChange.objects.select_related("user").get(pk=change_id)
    if change.confirmed_at or change.withdrawn_at:
        raise StaleState("This change was confirmed or taken back already.")
    return change


def _faults(group: str, reason: str) -> list[Fault]:
    faults = []
    if group not in GROUP_NAMES:
        faults.append(Fault(path="group", message=f"must be one of {', '.join(GROUP_NAMES)}", code="unknown"))
    if not reason.strip() or len(reason) > REASON_MAX or "\0" in reason:
        faults.append(Fault(path="reason", message=f"must be a text of 1 to {REASON_MAX} characters"))
    return faults


def _require_change(user: User, group: str, gives: bool) -> None:
    if user.groups.filter(name=group).exists() == gives:
        raise StaleState("This person has the group already." if gives else "This person has not this group.")


def _carry_out(change: RoleChange, principal: Principal, now: datetime) -> None:
    group = Group.objects.get(name=change.role)
    if change.gives:
        change.user.groups.add(group)
    else:
        change.user.groups.remove(group)
    _tell("user.role_changed", change, principal, now)


def _tell(type: str, change: RoleChange, principal: Principal, now: datetime) -> None:
    record_event(
        type=type,
        subject_type="user",
        subject_id=change.user_id,
        client_id=None,
        actor=principal.actor,
        at=now,
        data={"change": change.pk, "group": change.role, "gives": change.gives},
    )
