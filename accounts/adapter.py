"""How signing in behaves here, and what it says."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core.mail import EmailMessage
from django.http import HttpRequest
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from accounts.models import User

WRONG_CODE = _("This code or key is not right, or it has been used or is too old.")


class AccountAdapter(DefaultAccountAdapter):
    """Nobody signs up alone: people come by invitation or are entered by staff."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "account_inactive": _("This account is closed."),
        "email_password_mismatch": _("The e-mail address or the password is not right."),
        "enter_current_password": _("This is not your password."),
        "incorrect_code": WRONG_CODE,
        "incorrect_password": _("This is not your password."),
        "invalid_or_expired_key": _("This link has been used or is too old."),
        "invalid_password_reset": _("This link has been used or is too old."),
        "rate_limited": _("Too many tries. Please wait a little and try again."),
        "too_many_login_attempts": _("Too many tries. Please wait a few minutes and try again."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def render_mail(
        self, template_prefix: str, email: str, context: dict[str, Any], headers: dict[str, str] | None = None
    ) -> EmailMessage:
        """Write in the language of whom the e-mail goes to, not in that of the browser that asked for it."""
        person = User.objects.filter(email=email).first()
        language = person.language if person else translation.get_language()
        with translation.override(language):
            message: EmailMessage = super().render_mail(template_prefix, email, context, headers)
        return message

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("account")

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """Name the ways to show who one is as the pages do."""
        names = {
            "reauthenticate": _t("Use your password"),
            "mfa_reauthenticate": _t("Use a code of the app, or a spare code"),
            "mfa_reauthenticate:webauthn": _t("Use your key"),
        }
        return [
            {**method, "description": names.get(method["id"], method["description"])}
            for method in super().get_reauthentication_methods(user)
        ]


class SecondFactorAdapter(DefaultMFAAdapter):
    """Second factors and passkeys, in our words and in the company's name."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "add_email_blocked": _("Please switch off your second factor before you add an e-mail address."),
        "cannot_delete_authenticator": _("You need a second factor: this one stays."),
        "cannot_generate_recovery_codes": _("Spare codes need a second factor first."),
        "incorrect_code": WRONG_CODE,
        "unverified_email": _("Please confirm your e-mail address first, then come back."),
    }

    def generate_authenticator_name(self, user: Any, type: Authenticator.Type) -> str:
        count = Authenticator.objects.filter(user_id=user.pk, type=type).count()
        return _t("Key %(number)d") % {"number": count + 1}

    def _get_site_name(self) -> str:
        return str(settings.COMPANY_NAME)
