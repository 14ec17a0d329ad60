"""
Other systems of the company: entered, given new secrets and switched off by administrators.

A system that decides counts as a member of staff. That person lets it in themselves, so that nobody can make
a machine out of a colleague.
"""

import secrets
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from allauth.idp.oidc.models import Token
from django.db import transaction

from accounts.models import ApiClient, User
from accounts.principals import Principal
from accounts.rights import person_of, require_administrator
from accounts.services import create_api_client, switch_off_api_client
from events.services import record_event
from kernel.errors import NotFoundOrHidden, NotPermitted, StaleState


@transaction.atomic
def enter_system(
    *,
    principal: Principal,
    name: str,
    scopes: Collection[str],
    all_clients: bool = False,
    staff_user: User | None = None,
    now: datetime,
) -> tuple[ApiClient, str]:
    """
    Enter a system; return it and its secret, which is shown this once.

    With `staff_user` it may not call before that person has let it in.

    :raises NotPermitted: the principal is no administrator
    :raises InvalidInput: no name, no scope or an unknown one, deciding without a person it counts as
    """
    require_administrator(principal)
    system, secret = create_api_client(
        name=name, scopes=scopes, all_clients=all_clients, staff_user=staff_user, is_active=staff_user is None
    )
    _tell("api_client.created", system, principal, now, scopes=sorted(system.scopes), all_clients=all_clients)
    return system, secret


@transaction.atomic
def let_system_act(*, principal: Principal, system_id: UUID, now: datetime) -> ApiClient:
    """
    Let a system count as oneself.

    :raises NotFoundOrHidden: no such system
    :raises NotPermitted: it counts as somebody else
    :raises StaleState: it may call already
    """
    system, person = _locked(system_id), person_of(principal)
    if principal.api_client is not None or system.staff_user_id != person.pk:
        raise NotPermitted("Only the person that a system counts as may let it in.")
    if system.is_active:
        raise StaleState("This system may call already.")
    system.is_active = True
    system.save(update_fields=["is_active"])
    _tell("api_client.let_in", system, principal, now)
    return system


@transaction.atomic
def renew_secret(*, principal: Principal, system_id: UUID, now: datetime) -> tuple[ApiClient, str]:
    """
    Give a system a new secret, shown this once. The old one and all tokens end at once.

    :raises NotFoundOrHidden: no such system
    :raises NotPermitted: the principal is no administrator
    """
    require_administrator(principal)
    system = _locked(system_id)
    secret = secrets.token_urlsafe(32)
    system.oauth_client.set_secret(secret)
    system.oauth_client.save()
    Token.objects.filter(client_id=system.oauth_client_id).delete()
    _tell("api_client.secret_renewed", system, principal, now)
    return system, secret


@transaction.atomic
def switch_off_system(*, principal: Principal, system_id: UUID, now: datetime) -> ApiClient:
    """
    Stop a system at once. An administrator does it, or the person that it counts as.

    :raises NotFoundOrHidden: no such system
    :raises NotPermitted: somebody else
    :raises StaleState: it may not call anyway
    """
    system, person = _locked(system_id), person_of(principal)
    if system.staff_user_id != person.pk:
        require_administrator(principal)
    if not system.is_active:
        raise StaleState("This system may not call anyway.")
    switch_off_api_client(api_client=system)
    _tell("api_client.switched_off", system, principal, now)
    return system


@transaction.atomic
def switch_on_system(*, principal: Principal, system_id: UUID, now: datetime) -> ApiClient:
    """
    Let a system call again that counts as nobody.

    :raises NotFoundOrHidden: no such system
    :raises NotPermitted: the principal is no administrator, or the system counts as a person
    :raises StaleState: it may call already
    """
    require_administrator(principal)
    system = _locked(system_id)
    if system.staff_user_id is not None:
        raise NotPermitted("Only the person that a system counts as may let it in.")
    if system.is_active:
        raise StaleState("This system may call already.")
    system.is_active = True
    system.save(update_fields=["is_active"])
    _tell("api_client.let_in", system, principal, now)
    return system


def _locked(system_id: UUID) -> ApiClient:
    rows = ApiClient.objects.select_for_update(of=("self",)).select_related("oauth_client")
    found: ApiClient | None = rows.filter(pk=system_id).first()
    if found is None:
        raise NotFoundOrHidden
    return found


def _tell(type: str, system: ApiClient, principal: Principal, now: datetime, **data: object) -> None:
    record_event(
        type=type,
        subject_type="api_client",
        subject_id=system.pk,
        client_id=None,
        actor=principal.actor,
        at=now,
        data=data,
    )
