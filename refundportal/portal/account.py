"""The visitor's own account: name, and the way to password, codes and keys."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from accounts.models import User
from contracts.models import Membership
from refundportal.portal.access import Visit, page

CLIENTS_MAX = 50


class NameForm(forms.ModelForm):
    """The name by which others of the same client see a person."""

    class Meta:
        model = User
        fields = ("name",)


@page
def account(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Show and change the visitor's name; show for which clients they act."""
    user = visit.principal.user
    form = NameForm(request.POST or None, instance=user)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Your name has been changed."))
        return redirect("account")
    memberships = Membership.objects.filter(user=user).select_related("client").order_by("client__name")
    context = {"form": form, "memberships": memberships[:CLIENTS_MAX], "email": user.email if user else ""}
    return render(request, "portal/account.html", context)
