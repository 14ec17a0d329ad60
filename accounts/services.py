"""Writing down who may call: people, systems, and forgetting what is past its time."""

import secrets
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from allauth.account.models import EmailAddress
from allauth.idp.oidc.models import Client as OidcClient
from allauth.idp.oidc.models import Token
from django.conf import settings
from django.contrib.auth.models import Group
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Model, QuerySet

from accounts import idempotency
from accounts.groups import GROUP_NAMES
from accounts.models import ApiClient, User
from accounts.principals import Principal
from accounts.rights import require_administrator
from accounts.scopes import REFUNDS_DECIDE, SCOPES
from events.services import record_event
from kernel.errors import DomainError, Fault, InvalidInput, NotFoundOrHidden, NotPermitted

BATCH_MAX: Final = 1000
NAME_MAX: Final = 150


class EmailTaken(DomainError):
    """Somebody has this e-mail address already."""

    code = "email_taken"
    kind = "conflict"
    title = "There is already a person with this e-mail address."


@transaction.atomic
def create_user(
    *,
    email: str,
    name: str,
    password: str | None = None,
    language: str = "en",
    is_staff: bool = False,
    groups: Collection[str] = (),
    email_verified: bool = True,
) -> User:
    """
    Enter a person. Without a password they sign in by a code sent to their e-mail address.

    `email_verified` is true when the address is known to be theirs: entered by staff, or reached by
    an invitation. `groups` are names of `accounts.groups`; they need `is_staff`.

    :raises InvalidInput: no e-mail address, no name, an unknown group, groups without being staff
    :raises EmailTaken: somebody has this address
    """
    email = email.strip().lower()
    if faults := _faults_of_user(email, name, groups, is_staff):
        raise InvalidInput(faults=faults)
    if User.objects.filter(email=email).exists():
        raise EmailTaken
    user = User.objects.create_user(email, password, name=name.strip(), language=language, is_staff=is_staff)
    EmailAddress.objects.create(user=user, email=email, primary=True, verified=email_verified)
    if groups:
        user.groups.set(Group.objects.filter(name__in=groups))
    return user


def _faults_of_user(email: str, name: str, groups: Collection[str], is_staff: bool) -> list[Fault]:
    faults = []
    try:
        validate_email(email)
    except ValidationError:
        faults.append(Fault(path="email", message="This is not an e-mail address."))
    if not name.strip() or len(name) > 200:
        faults.append(Fault(path="name", message="A name has 1 to 200 characters."))
    faults += [
        Fault(path="groups", message=f"There is no staff group “{group}”.", code="unknown")
        for group in groups
        if group not in GROUP_NAMES
    ]
    if groups and not is_staff:
        faults.append(Fault(path="groups", message="Only staff can be in a staff group."))
    return faults


@transaction.atomic
def enter_staff(*, principal: Principal, email: str, name: str, language: str, now: datetime) -> User:
    """
    Enter a member of staff, in no group. They sign in with a code that is sent to their address.

    :raises NotPermitted: the principal is no administrator
    :raises EmailTaken, InvalidInput: see `create_user`
    """
    require_administrator(principal)
    user = create_user(email=email, name=name, language=language, is_staff=True)
    record_event(
        type="user.created",
        subject_type="user",
        subject_id=user.pk,
        client_id=None,
        actor=principal.actor,
        at=now,
        data={"is_staff": True},
    )
    return user


@transaction.atomic
def change_account(
    *, principal: Principal, user_id: UUID, name: str, language: str, is_active: bool, now: datetime
) -> User:
    """
    Change what an administrator looks after: a name, a language, and whether somebody may sign in.

    :raises NotFoundOrHidden: no such person
    :raises NotPermitted: the principal is no administrator, or would lock themselves out
    :raises InvalidInput: a language that is not offered, a name that is too long
    """
    person = require_administrator(principal)
    user = User.objects.select_for_update().filter(pk=user_id).first()
    if user is None:
        raise NotFoundOrHidden
    if user.pk == person.pk and not is_active:
        raise NotPermitted("Nobody locks themselves out.")
    faults = []
    if language not in dict(settings.LANGUAGES):
        faults.append(Fault(path="language", message="This language is not offered.", code="unknown"))
    if len(name) > NAME_MAX or "\0" in name:
        faults.append(Fault(path="name", message=f"A name has at most {NAME_MAX} characters."))
    if faults:
        raise InvalidInput(faults=faults)
    wanted = {"name": name.strip(), "language": language, "is_active": is_active}
    changed = [field for field, value in wanted.items() if getattr(user, field) != value]
    if changed:
        for field in changed:
            setattr(user, field, wanted[field])
        user.save(update_fields=changed)
        record_event(
            type="user.changed",
            subject_type="user",
            subject_id=user.pk,
            client_id=None,
            actor=principal.actor,
            at=now,
            data={"fields": changed, "is_active": is_active},
        )
    return user


@transaction.atomic
def create_api_client(
    *,
    name: str,
    scopes: Iterable[str],
    all_clients: bool = False,
    staff_user: User | None = None,
    is_active: bool = True,
) -> tuple[ApiClient, str]:
    """
    Enter another system of the company; return it and its secret, which is shown this once.

    It gets client credentials only. Its identifier for OAuth is `api_client.oauth_client_id`.

    :raises InvalidInput: no name, an unknown scope, `refunds:decide` without active staff
    """
    scopes = sorted(set(scopes))
    if faults := _faults_of_api_client(name, scopes, staff_user):
        raise InvalidInput(faults=faults)
    secret = secrets.token_urlsafe(32)
    oauth_client = OidcClient(
        name=name.strip(),
        type=OidcClient.Type.CONFIDENTIAL,
        grant_types=OidcClient.GrantType.CLIENT_CREDENTIALS,
        response_types=OidcClient.ResponseType.NONE,
    )
    oauth_client.set_scopes(scopes)
    # Who asks for no scope in particular gets all that the client has.
    oauth_client.default_scopes = oauth_client.scopes
    oauth_client.set_secret(secret)
    oauth_client.save(force_insert=True)
    api_client = ApiClient.objects.create(
        oauth_client=oauth_client,
        name=name.strip(),
        all_clients=all_clients,
        staff_user=staff_user,
        is_active=is_active,
    )
    return api_client, secret


def _faults_of_api_client(name: str, scopes: Collection[str], staff_user: User | None) -> list[Fault]:
    faults = []
    if not name.strip() or len(name) > 100:
        faults.append(Fault(path="name", message="A name has 1 to 100 characters."))
    if not scopes:
        faults.append(Fault(path="scopes", message="Name at least one scope.", code="required"))
    faults += [
        Fault(path="scopes", message=f"There is no scope “{scope}”.", code="unknown")
        for scope in scopes
        if scope not in SCOPES
    ]
    if REFUNDS_DECIDE in scopes and staff_user is None:
        faults.append(
            Fault(path="staff_user", message=f"The scope {REFUNDS_DECIDE} needs a person it counts as.")
        )
    if staff_user is not None and not (staff_user.is_active and staff_user.is_staff):
        faults.append(Fault(path="staff_user", message="This person is not active staff."))
    return faults


@transaction.atomic
def switch_off_api_client(*, api_client: ApiClient) -> None:
    """Stop an API client at once: its tokens are gone, and it gets no new ones."""
    ApiClient.objects.filter(pk=api_client.pk).update(is_active=False)
    Token.objects.filter(client_id=api_client.oauth_client_id).delete()
    api_client.is_active = False


def purge_old_records(*, now: datetime) -> int:
    """Forget answers older than their time, tokens and sessions that have ended; return how many."""
    return sum(
        _delete_in_batches(rows)
        for rows in (
            idempotency.past_their_time(now),
            Token.objects.filter(expires_at__lte=now),
            Session.objects.filter(expire_date__lte=now),
        )
    )


def _delete_in_batches(rows: QuerySet[Any, Model]) -> int:
    """Delete rows a thousand at a time, so that nobody waits long for any of them."""
    model, total = rows.model, 0
    while keys := list(rows.values_list("pk", flat=True)[:BATCH_MAX]):
        total += model._default_manager.filter(pk__in=keys).delete()[0]
    return total
