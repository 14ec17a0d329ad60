"""Whether somebody has shown within the last minutes, beyond being signed in, that it is they."""

import time

from allauth.account import app_settings
from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode


def has_shown_who(request: HttpRequest) -> bool:
    """
    Whether the visitor has shown it by password, passkey or code of an app.

    Who has none of these, and signs in with codes by e-mail, has shown it by a sign-in of the last minutes.
    """
    if get_adapter().get_reauthentication_methods(request.user):
        return bool(did_recently_reauthenticate(request))
    signed_in = [record["at"] for record in get_authentication_records(request, request.user)]
    return bool(signed_in) and time.time() - signed_in[-1] < app_settings.REAUTHENTICATION_TIMEOUT


def place_to_show_who(request: HttpRequest) -> str | None:
    """Give the address to show it at, which leads back here; None for who can only sign in once more."""
    methods = get_adapter().get_reauthentication_methods(request.user)
    return f"{methods[0]['url']}?{urlencode({'next': request.path})}" if methods else None


def place_to_sign_in_again(request: HttpRequest) -> str:
    """Give the address to sign in at once more, which leads back here."""
    return f"{reverse('account_login')}?{urlencode({'next': request.path})}"
