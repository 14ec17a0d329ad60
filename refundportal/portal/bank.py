"""
The bank account of a client: shown by its last four signs, entered and changed by its owners.

Before a change people show once more that it is they: by password, code or passkey; who has none of these
and signs in with codes by e-mail, by a sign-in of the last minutes.
"""

import json
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from contracts.models import Client, Role
from contracts.selectors import client_of, role_of
from events.vault import UnreadableSecret, open_secret, seal_secret
from kernel.errors import DomainError, NotPermitted
from payments.iban import WRITTEN_MAX, InvalidIban, parse_iban
from payments.models import BankAccount, PayoutState
from payments.selectors import current_bank_account, payouts_of
from payments.services.bank_accounts import BANK_RAILS, COOLING, HOLDER_MAX, save_bank_account
from refundportal.portal.access import Visit, page
from refundportal.web.recently import has_shown_who, place_to_show_who, place_to_sign_in_again
from refunds.models import RefundRequest, Remedy, RequestState

_TYPED: Final = "bank_account_typed"
"""Where the session keeps, sealed, what was typed before people had to show again who they are."""

_WHY_NOT: Final = {
    "form": _("An IBAN begins with two letters, then only letters and digits follow."),
    "country": _("There are no IBANs of this country."),
    "length": _("This IBAN is too long or too short for its country."),
    "check_digits": _("This IBAN has a slip: a sign is wrong, or two are swapped. Please compare it."),
}
_WITHOUT_BANK: Final = (RequestState.REJECTED, RequestState.WITHDRAWN)


class BankAccountForm(forms.Form):
    """Whose account, and which."""

    holder = forms.CharField(
        label=_("Account holder"),
        help_text=_("The name as your bank knows it."),
        max_length=HOLDER_MAX,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    iban = forms.CharField(
        label=_("IBAN"),
        help_text=_("With or without spaces. It is kept encrypted; only our Finance team can read it."),
        max_length=WRITTEN_MAX,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "characters"}
        ),
    )

    @sensitive_variables()
    def clean_iban(self) -> str:
        try:
            return parse_iban(self.cleaned_data["iban"])
        except InvalidIban as refusal:
            raise forms.ValidationError(_WHY_NOT[refusal.why]) from None


@dataclass(frozen=True, slots=True)
class BankNotice:
    """What the page of an application says about the account that its money goes to."""

    client_id: UUID
    account: BankAccount | None
    is_waiting: bool
    may_change: bool


def bank_notice(visit: Visit, found: RefundRequest) -> BankNotice | None:
    """Say where the money of an application goes; None if no bank account is needed for it."""
    if found.payment.rail not in BANK_RAILS or found.remedy != Remedy.REFUND or found.state in _WITHOUT_BANK:
        return None
    account = current_bank_account(found.client_id)
    return BankNotice(
        client_id=found.client_id,
        account=account,
        is_waiting=account is not None and account.usable_from > visit.now,
        may_change=_may_change(visit, found.client_id),
    )


@page
def bank(request: HttpRequest, visit: Visit, client_id: UUID) -> HttpResponse:
    """Show the account of a client, since when it can be used, and what waits for it."""
    client = client_of(visit.principal, client_id)
    visit.require_to_act_for(client.pk)
    account = current_bank_account(client.pk)
    waiting = payouts_of(visit.principal).filter(
        client=client, rail__in=BANK_RAILS, state=PayoutState.READY, not_before__gt=visit.now
    )
    context = {
        "client": client,
        "account": account,
        "is_waiting": account is not None and account.usable_from > visit.now,
        "has_waiting_payouts": waiting.exists(),
        "may_change": _may_change(visit, client.pk),
    }
    return render(request, "portal/bank.html", context)


@sensitive_post_parameters("iban")
@page
def bank_change(request: HttpRequest, visit: Visit, client_id: UUID) -> HttpResponse:
    """Enter or change the account of a client, after the visitor has shown again who they are."""
    client = client_of(visit.principal, client_id)
    if not _may_change(visit, client.pk):
        raise NotPermitted(_t("Only an owner of the client may change its bank account."))
    account = current_bank_account(client.pk)
    shown = {"client": client, "account": account, "cooling_days": COOLING.days}
    if not has_shown_who(request):
        return _ask_who(request, shown)
    form = BankAccountForm(request.POST if request.method == "POST" else None, initial=_typed_before(request))
    if request.method == "POST" and form.is_valid() and _save(visit, client, form):
        _confirm(request, visit, client)
        return redirect("bank", client.pk)
    return render(request, "portal/bank_change.html", {**shown, "form": form})


def _may_change(visit: Visit, client_id: UUID) -> bool:
    return not visit.principal.is_staff and role_of(visit.principal.user, client_id) == Role.OWNER


@sensitive_variables()
def _save(visit: Visit, client: Client, form: BankAccountForm) -> bool:
    try:
        save_bank_account(
            principal=visit.principal,
            client_id=client.pk,
            holder=form.cleaned_data["holder"],
            iban=form.cleaned_data["iban"],
            now=visit.now,
        )
    except DomainError as refusal:
        faults = refusal.faults
        form.add_error(faults[0].path if faults else None, _words(refusal))
        return False
    return True


def _words(refusal: DomainError) -> str:
    if refusal.code == "too_many_bank_accounts":
        return _t(
            "The account has been changed several times today. Please try again tomorrow, or write to us."
        )
    return _t("Please write the name as your bank knows it, without special signs.")


def _confirm(request: HttpRequest, visit: Visit, client: Client) -> None:
    account = current_bank_account(client.pk)
    if account is not None and account.usable_from > visit.now:
        messages.success(
            request, _t("The account is kept. For your safety it is not used before the day below.")
        )
    else:
        messages.success(request, _t("The account is kept."))


def _ask_who(request: HttpRequest, shown: dict[str, Any]) -> HttpResponse:
    """Lead to where people show who they are, and back; what they typed is kept, sealed."""
    if request.method == "POST":
        typed = {name: request.POST.get(name, "")[: WRITTEN_MAX * 2] for name in ("holder", "iban")}
        request.session[_TYPED] = seal_secret(json.dumps(typed))
    if place := place_to_show_who(request):
        return redirect(place)
    sign_in = place_to_sign_in_again(request)
    return render(request, "portal/bank_sign_in.html", {**shown, "sign_in": sign_in})


@sensitive_variables()
def _typed_before(request: HttpRequest) -> dict[str, str]:
    """Give back, once, what was typed before people had to show again who they are."""
    sealed = request.session.pop(_TYPED, None)
    if sealed is None or request.method == "POST":
        return {}
    try:
        typed: dict[str, str] = json.loads(open_secret(sealed))
    except UnreadableSecret:
        return {}
    return typed
