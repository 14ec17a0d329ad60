"""The outer wall: who is really calling, what a browser may do with a page, staff's second factor."""

import ipaddress
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from allauth.mfa.utils import is_mfa_enabled
from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from refundportal.environment import Network

GetResponse = Callable[[HttpRequest], HttpResponseBase]
FORWARDED: Final = (
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_FORWARDED",
)
STAFF_PAGES: Final = "/admin/"


def is_within(address: str, allowed: tuple[Network, ...]) -> bool:
    """Say whether an IP address lies in one of the networks; what is no address lies in none."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in allowed)


class ProxyMiddleware:
    """
    Believe `X-Forwarded-*` from `TRUSTED_PROXIES` only; afterwards REMOTE_ADDR is the caller.

    The caller is the last address in the list that is not a trusted proxy itself.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        meta = request.META
        trusted = is_within(meta.get("REMOTE_ADDR", ""), settings.TRUSTED_PROXIES)
        forwarded_for = meta.get("HTTP_X_FORWARDED_FOR", "")
        proto = meta.get("HTTP_X_FORWARDED_PROTO", "")
        # A stranger between us and the caller: whoever it is, it is not a process of this machine.
        meta["refundportal.behind_a_stranger"] = not trusted and any(name in meta for name in FORWARDED)
        for name in FORWARDED:
            meta.pop(name, None)
        if trusted:
            meta["REMOTE_ADDR"] = _caller(forwarded_for) or meta["REMOTE_ADDR"]
            meta["HTTP_X_FORWARDED_PROTO"] = proto
        return self.get_response(request)


def _caller(forwarded_for: str) -> str | None:
    for part in reversed(forwarded_for.split(",")):
        address = part.strip()
        try:
            ipaddress.ip_address(address)
        except ValueError:
            return None
        if not is_within(address, settings.TRUSTED_PROXIES):
            return address
    return None


class PrivatePagesMiddleware:
    """Keep pages out of every cache unless a view says otherwise, and switch off what no page needs."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "private, no-store")
        response.headers.setdefault(
            "Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()"
        )
        return response


class ContentSecurityPolicyMiddleware(CSPMiddleware):
    """Send the strict policy everywhere; the staff pages' scripts need a little more."""

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        if report_only or not request.path.startswith(STAFF_PAGES):
            return parts
        more = {
            "script-src": ["'self'", "'unsafe-eval'"],
            "style-src": ["'self'", "'unsafe-inline'"],
        }
        return replace(parts, replace={**more, **(parts.replace or {})})


class StaffSecondFactorMiddleware:
    """Send staff without a second factor to the page where they set one up."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if settings.STAFF_SECOND_FACTOR and request.path.startswith(STAFF_PAGES):
            user = request.user
            if user.is_authenticated and not is_mfa_enabled(user):
                messages.info(request, _("Please set up a second factor first: staff pages need one."))
                return redirect(reverse("mfa_index"))
        return self.get_response(request)


class PersonLanguageMiddleware:
    """Shows its pages to whoever is signed in in the language they chose; others see their browser's."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if settings.SESSION_COOKIE_NAME not in request.COOKIES:
            return self.get_response(request)
        language = getattr(request.user, "language", "")
        if not language:
            return self.get_response(request)
        with translation.override(language):
            request.LANGUAGE_CODE = language
            response = self.get_response(request)
        response.headers["Content-Language"] = language
        return response
