"""Who calls and what the token allows: read anew at every request, so a right withdrawn is gone."""

from collections.abc import Mapping
from typing import Any, Final

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException, AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.principals import Principal
from accounts.selectors import Bearer, bearer_of
from refundportal.api import throttles

PUBLIC: Final = ""
"""In place of a scope: nobody needs a token."""

_CHALLENGE: Final = 'Bearer realm="api"'


class Refusal(APIException):
    """A refusal of the REST framework that carries headers."""

    headers: Mapping[str, str] = {}


class InsufficientScope(Refusal):
    """The token does not carry the scope this act needs (RFC 6750, section 3.1)."""

    status_code = 403
    default_code = "insufficient_scope"

    def __init__(self, scope: str) -> None:
        super().__init__(f"This needs the scope {scope}.")
        self.headers = {"WWW-Authenticate": f'{_CHALLENGE}, error="insufficient_scope", scope="{scope}"'}


class BearerAuthentication(BaseAuthentication):
    """Access tokens from client credentials (RFC 6750), in the header only."""

    def authenticate(self, request: Request) -> tuple[Principal, Bearer] | None:
        scheme, _, token = request.headers.get("Authorization", "").strip().partition(" ")
        if scheme.lower() != "bearer":
            return None
        bearer = bearer_of(token.strip())
        if bearer is None:
            throttles.count_bad_token(request)
            raise AuthenticationFailed("The token is not valid, or no longer.", code="invalid_token")
        return Principal(user=bearer.api_client.staff_user, api_client=bearer.api_client), bearer

    def authenticate_header(self, request: Request) -> str:
        shown_one = request.headers.get("Authorization", "").strip().lower().startswith("bearer ")
        return _CHALLENGE + (', error="invalid_token"' if shown_one else "")


def require_scope(request: Request, scope: str) -> None:
    """
    :raises InsufficientScope: the token does not carry it, or the client has lost it
    """
    bearer: Any = request.auth
    if scope not in bearer.scopes:
        raise InsufficientScope(scope)


class ScopePermission(BasePermission):
    """A view names a scope for each method; a method it does not name is closed."""

    def has_permission(self, request: Request, view: Any) -> bool:
        scopes: Mapping[str, str] = view.scopes
        if request.method not in view.allowed_methods:
            return True  # the framework answers 405
        scope = scopes.get("GET" if request.method == "HEAD" else str(request.method))
        if scope == PUBLIC:
            return True
        if request.auth is None or scope is None:
            return False
        require_scope(request, scope)
        return True
