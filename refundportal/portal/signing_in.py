"""Pages of the library that behave differently here: another e-mail address, a first password or factor."""

from collections.abc import Callable

from allauth.account.adapter import get_adapter
from allauth.account.views import password_set
from allauth.mfa.totp.views import activate_totp
from allauth.mfa.webauthn.views import add_webauthn
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from accounts.models import User
from refundportal.web.recently import has_shown_who


@login_required
def email(request: HttpRequest) -> HttpResponseBase:
    """
    Lead to the account: nobody changes their e-mail address alone.

    Codes and new passwords go to it: whoever found a screen unlocked would keep the account.
    """
    return redirect("account")


@login_required
def first_password(request: HttpRequest) -> HttpResponseBase:
    """Let somebody without a password choose one, if they have signed in just now; it opens what matters."""
    knows_none = isinstance(request.user, User) and not request.user.has_usable_password()
    if knows_none and not has_shown_who(request):
        messages.warning(
            request, _("Please sign out and sign in again with a code; then you can choose a password.")
        )
        return redirect("account")
    response: HttpResponseBase = password_set(request)
    return response


def first_app(request: HttpRequest) -> HttpResponseBase:
    """Let somebody set up an app."""
    return _add_factor(request, activate_totp)


def first_key(request: HttpRequest) -> HttpResponseBase:
    """Let somebody add a key."""
    return _add_factor(request, add_webauthn)


@login_required
def _add_factor(request: HttpRequest, add: Callable[[HttpRequest], HttpResponseBase]) -> HttpResponseBase:
    """Ask who has neither password nor factor to have signed in just now: the library lets them by."""
    if not get_adapter().get_reauthentication_methods(request.user) and not has_shown_who(request):
        messages.warning(
            request, _("Please sign out and sign in again with a code; then you can add a second factor.")
        )
        return redirect("account")
    return add(request)
