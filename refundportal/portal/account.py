"""The visitor's own account: name, language, reminders, and the way to password, codes, keys and sessions."""

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from contracts.models import Membership
from refundportal.portal.access import Visit, page

CLIENTS_MAX = 50


class ProfileForm(forms.ModelForm):
    """How others of the same client see a person, and how we write to them."""

    language = forms.ChoiceField(
        label=_("Language"),
        choices=settings.LANGUAGES,
        help_text=_(
            "Of pages and e-mails, of dates and of figures. What has no translation yet is in English."
        ),
    )
    wants_reminders = forms.BooleanField(
        label=_("Remind me by e-mail a day before a window closes"),
        required=False,
        help_text=_("What concerns your applications and your money is always written to you."),
    )

    class Meta:
        model = User
        fields = ("name", "language", "wants_reminders")


@page
def account(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Show and change the visitor's name, language and reminders; show for which clients they act."""
    user = visit.principal.user
    form = ProfileForm(request.POST or None, instance=user)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _t("Your settings have been changed."))
        return redirect("account")
    memberships = Membership.objects.filter(user=user).select_related("client").order_by("client__name")
    context = {"form": form, "memberships": memberships[:CLIENTS_MAX], "email": user.email if user else ""}
    return render(request, "portal/account.html", context)
