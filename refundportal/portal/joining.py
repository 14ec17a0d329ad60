"""Joining by invitation: a new person chooses a name and a password, one who is known just says yes."""

from contextlib import suppress

from django import forms
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.password_validation import validate_password
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from accounts.models import User
from accounts.principals import Principal
from accounts.services import EmailTaken
from contracts.models import Invitation
from contracts.selectors import usable_invitation
from contracts.services import accept_invitation, join_by_invitation
from contracts.services.members import AlreadyMember
from kernel.errors import NotFoundOrHidden


class JoinForm(forms.Form):
    """What the portal does not know of a new person yet."""

    name = forms.CharField(
        label=_("Your name"),
        help_text=_("Others who act for the same client see it."),
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    password = forms.CharField(
        label=_("Choose a password"),
        help_text=_("At least 10 characters. A sentence is easy to remember and hard to guess."),
        max_length=1000,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: object, email: str, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self._email = email

    @sensitive_variables()
    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        validate_password(password, User(email=self._email, name=self.cleaned_data.get("name", "")))
        return password


@never_cache
@sensitive_post_parameters("password")
def join(request: HttpRequest, token: str) -> HttpResponse:
    """
    Let somebody in by the link of an invitation. Opening the page uses nothing up; the button does.

    Unknown, used and old links get one and the same answer.
    """
    now = timezone.now()
    try:
        invitation = usable_invitation(token, now)
        if request.user.is_authenticated:
            return _join_known(request, request.user, invitation, token)
        return _join_new(request, invitation, token)
    except NotFoundOrHidden:
        return render(request, "portal/join_closed.html", status=404)


def _join_known(request: HttpRequest, user: User, invitation: Invitation, token: str) -> HttpResponse:
    if user.email != invitation.email:
        return render(request, "portal/join_other.html", {"email": user.email}, status=403)
    if request.method == "POST":
        with suppress(AlreadyMember):  # by an earlier invitation: what the person wants is so
            accept_invitation(principal=Principal(user=user), token=token, now=timezone.now())
        return _welcome(request, invitation)
    return render(request, "portal/join.html", {"invitation": invitation})


@sensitive_variables()
def _join_new(request: HttpRequest, invitation: Invitation, token: str) -> HttpResponse:
    form = JoinForm(request.POST or None, email=invitation.email)
    if request.method == "POST" and form.is_valid():
        try:
            user = join_by_invitation(token=token, now=timezone.now(), **form.cleaned_data)
        except EmailTaken:
            form.add_error(None, _t("You have an account already. Please sign in; then one button is left."))
        else:
            login(request, user)
            return _welcome(request, invitation)
    return render(request, "portal/join.html", {"invitation": invitation, "form": form})


def _welcome(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    messages.success(request, _t("Welcome. You now act for %(client)s.") % {"client": invitation.client.name})
    return redirect("home")
