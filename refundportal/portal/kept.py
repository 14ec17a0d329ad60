"""
What was typed into a form that could not be taken: its sender was not signed in any more, or again meanwhile.

It waits in the session until its page is shown to whom its form was shown (the form says it: `typed_by`), for
an hour at most; somebody else at the same screen does not see it. Only views that say so keep what is typed
for them; passwords, bank accounts and files are never kept this way.
"""

import json
import time
from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from allauth.core import ratelimit
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

KEPT_S: Final = 3600
SIGNS_MAX: Final = 64 * 1024
_TYPED: Final = "typed"
_NOT_TYPED: Final = frozenset({"csrfmiddlewaretoken", "token", "fingerprint", "go", "typed_by"})

View = Callable[..., HttpResponseBase]


def keeps_typed(view: View) -> View:
    """Make a page keep what somebody sends to it who has to sign in first; they go on where they were."""

    @wraps(view)
    def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method == "POST" and not request.user.is_authenticated:
            _keep(request)
            return redirect_to_login(request.path)
        return view(request, *args, **kwargs)

    shown.keeps_typed = True  # type: ignore[attr-defined]  # asked for by `form_refused`
    return shown


def typed_before(request: HttpRequest, *, with_files: bool = False) -> dict[str, str] | None:
    """Give back, once, what was typed for this page before its sender had to sign in; and say so."""
    if request.method != "GET" or _TYPED not in request.session:
        return None
    kept = request.session[_TYPED]
    if kept["path"] != request.path or time.time() - kept["at"] > KEPT_S:
        return None
    if kept.get("by", "") not in ("", str(request.user.pk)):
        return None
    del request.session[_TYPED]
    messages.warning(request, _words(with_files))
    fields: dict[str, str] = kept["fields"]
    return fields


def _words(with_files: bool) -> str:
    said = _(
        "Nothing was sent yet, because you had been signed out in between. What you typed is still here: "
        "please look at it and send it."
    )
    return f"{said} {_('Files have to be chosen again.')}" if with_files else said


def form_refused(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    """
    Answer a form without the right token: 403, and nothing is done.

    Whoever signs in again in another tab gets a new token, and the forms of the first tab have the old one.
    If the browser says that the form is from one of our own pages, what was typed is kept and shown again.
    """
    if _is_ours(request) and _page_keeps_typed(request):
        _keep(request)
        return redirect(request.path)
    return render(request, "403_csrf.html", status=403)


def _is_ours(request: HttpRequest) -> bool:
    ours = {f"{request.scheme}://{request.get_host()}", *settings.CSRF_TRUSTED_ORIGINS}
    return request.META.get("HTTP_ORIGIN") in ours


def _page_keeps_typed(request: HttpRequest) -> bool:
    found = request.resolver_match
    return found is not None and getattr(found.func, "keeps_typed", False)


def _keep(request: HttpRequest) -> None:
    """Keep it, within bounds: whoever sends it need not be known; what is written anew takes no more room."""
    has_room = request.user.is_authenticated or _TYPED in request.session
    if not has_room and not ratelimit.consume(request, action="keep_typed"):
        return
    fields = {name: value for name, value in request.POST.items() if name not in _NOT_TYPED}
    if len(json.dumps(fields)) <= SIGNS_MAX:
        by = request.POST.get("typed_by", "")
        request.session[_TYPED] = {"path": request.path, "at": time.time(), "by": by, "fields": fields}
