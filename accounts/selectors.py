"""Finding out who is calling."""

from dataclasses import dataclass
from uuid import UUID

from allauth.idp.oidc.adapter import get_adapter
from allauth.idp.oidc.models import Token
from django.utils import timezone

from accounts.models import ApiClient, User
from kernel.errors import NotFoundOrHidden


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearer:
    """Who a token speaks for, and what it may do: the token's scopes that the client still has."""

    api_client: ApiClient
    scopes: frozenset[str]


def bearer_of(token: str) -> Bearer | None:
    """
    Find the API client behind a bearer token; None if the token gives no access (any more).

    The client's active flag, its scopes and the person it counts as are read at every call, so that
    switching off works at once. One query.
    """
    found = (
        Token.objects.filter(
            type=Token.Type.ACCESS_TOKEN,
            hash=get_adapter().hash_token(token),
            expires_at__gt=timezone.now(),
            client__api_client__is_active=True,
        )
        .select_related("client__api_client__staff_user")
        .first()
    )
    if found is None or found.client is None:
        return None
    api_client: ApiClient = found.client.api_client
    api_client.oauth_client = found.client
    if api_client.staff_user and not _may_act(api_client.staff_user):
        return None
    return Bearer(api_client=api_client, scopes=frozenset(found.get_scopes()) & api_client.scopes)


def _may_act(staff_user: User) -> bool:
    return staff_user.is_active and staff_user.is_staff


def active_user(user_id: UUID) -> User:
    """
    Find a person who may sign in.

    :raises NotFoundOrHidden: nobody, or somebody who has been switched off
    """
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None:
        raise NotFoundOrHidden
    return user


def user_with_email(email: str) -> User | None:
    """Find a person by e-mail address, however it is spelled in upper and lower case."""
    return User.objects.filter(email=email.strip().lower()).first()
