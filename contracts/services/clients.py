"""Clients, and the systems that may act for them."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.models import ApiClient
from accounts.principals import SYSTEM, Principal
from accounts.rights import may_administer, require_author
from contracts.drafts.parties import CLIENT_FIELDS
from contracts.models import Client, ClientGrant
from contracts.selectors import client_of, lock_client
from contracts.services.acts import require_owner_or_author, tell_client
from kernel.errors import InvalidInput, NotPermitted
from kernel.reading import FaultList, read_fields


def _read(raw: dict[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    faults = FaultList(required)
    read = read_fields(raw, CLIENT_FIELDS, required, (), faults)
    if faults:
        raise InvalidInput("The client has faults.", faults=faults.in_order_of(raw))
    return read


@transaction.atomic
def create_client(
    *,
    principal: Principal,
    kind: str,
    name: str,
    email: str,
    language: str = "en",
    address: str = "",
    now: datetime,
) -> Client:
    """
    Enter a party that buys software. A system may act for the clients that it has entered itself.

    :raises NotPermitted: the principal does no contract work
    :raises InvalidInput: every fault of the fields
    """
    require_author(principal)
    raw = {"kind": kind, "name": name, "email": email, "language": language, "address": address}
    client = Client.objects.create(**_read(raw, ("kind", "name", "email")), created_at=now)
    tell_client("client.created", client.pk, principal=principal, now=now, kind=client.kind)
    if principal.api_client is not None and not principal.api_client.all_clients:
        # Who enters a client goes on with it: the only reach that a system gets by itself.
        _grant(principal.api_client, client, principal, now)
    return client


@transaction.atomic
def update_client(
    *,
    principal: Principal,
    client_id: UUID,
    now: datetime,
    check: Callable[[Client], None] | None = None,
    **changes: str,
) -> Client:
    """
    Change a client's name, e-mail address, language or address; what it is (business or consumer) stays.

    `check` looks at the locked row before anything changes, and may raise.

    :raises NotFoundOrHidden: no such client for this principal
    :raises NotPermitted: neither an owner nor one who does contract work
    :raises InvalidInput: every fault of the fields
    """
    client = client_of(principal, client_id)
    require_owner_or_author(principal, client.pk)
    faults = FaultList()
    read = read_fields(
        changes,
        {name: CLIENT_FIELDS[name] for name in CLIENT_FIELDS if name != "kind"},
        (),
        (),
        faults,
        null_is_left_out=False,
    )
    if faults:
        raise InvalidInput("The client has faults.", faults=faults.in_order_of(changes))
    client = lock_client(client.pk)
    if check is not None:
        check(client)
    changed = sorted(name for name, value in read.items() if getattr(client, name) != value)
    if changed:
        for name in changed:
            setattr(client, name, read[name])
        client.save(update_fields=changed)
        tell_client("client.changed", client.pk, principal=principal, now=now, fields=changed)
    return client


@transaction.atomic
def grant_client(
    *, api_client: ApiClient, client_id: UUID, now: datetime, principal: Principal = SYSTEM
) -> ClientGrant:
    """
    Let another system act for a client; granting again changes nothing.

    :raises NotPermitted: neither staff that reviews, nor an administrator, nor the portal itself
    """
    _require_staff(principal)
    return _grant(api_client, client_of(principal, client_id), principal, now)


def _grant(api_client: ApiClient, client: Client, principal: Principal, now: datetime) -> ClientGrant:
    grant, made = ClientGrant.objects.get_or_create(
        api_client=api_client, client=client, defaults={"created_at": now}
    )
    if made:
        tell_client("client.granted", client.pk, principal=principal, now=now, api_client=api_client.pk)
    return grant


@transaction.atomic
def revoke_client(
    *, api_client: ApiClient, client_id: UUID, now: datetime, principal: Principal = SYSTEM
) -> None:
    """
    Take a client away from another system; it counts from the next call on.

    :raises NotPermitted: neither staff that reviews, nor an administrator, nor the portal itself
    """
    _require_staff(principal)
    client = client_of(principal, client_id)
    gone, _ = ClientGrant.objects.filter(api_client=api_client, client=client).delete()
    if gone:
        tell_client("client.revoked", client.pk, principal=principal, now=now, api_client=api_client.pk)


def _require_staff(principal: Principal) -> None:
    """No system may widen its own reach."""
    if principal.api_client is not None:
        raise NotPermitted("Only staff may do this.")
    if not may_administer(principal):
        require_author(principal)
