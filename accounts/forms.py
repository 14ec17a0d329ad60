"""The forms of signing in: the library's fields, in our words and without words inside of the fields."""

from typing import Any, ClassVar

from allauth.account import forms as account
from allauth.mfa.base import forms as second_factor
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import AddWebAuthnForm, EditWebAuthnForm
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Words = dict[str, Promise | str]
NEW_PASSWORD = _("At least 10 characters. A sentence is easy to remember and hard to guess.")
CODE_OR_SPARE_CODE = _("Six digits from the app on your phone; or one of your spare codes.")


class InOurWords:
    """Give fields the labels and the help of a form, by their names."""

    labels: ClassVar[Words] = {}
    help_texts: ClassVar[Words] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():  # type: ignore[attr-defined]
            field.widget.attrs.pop("placeholder", None)
            field.label = self.labels.get(name, field.label)
            field.help_text = self.help_texts.get(name, field.help_text)


class SignInForm(InOurWords, account.LoginForm):
    labels: ClassVar[Words] = {"login": _("E-mail address"), "remember": _("Stay signed in on this device")}


class AskForCodeForm(InOurWords, account.RequestLoginCodeForm):
    labels: ClassVar[Words] = {"email": _("E-mail address")}


class CodeForm(InOurWords, account.ConfirmLoginCodeForm):
    labels: ClassVar[Words] = {"code": _("The code of the e-mail")}


class ForgottenForm(InOurWords, account.ResetPasswordForm):
    labels: ClassVar[Words] = {"email": _("E-mail address")}


class _NewPassword(InOurWords):
    labels: ClassVar[Words] = {
        "oldpassword": _("Your password now"),
        "password1": _("The new password"),
        "password2": _("The new password once more"),
    }
    help_texts: ClassVar[Words] = {"password1": NEW_PASSWORD}


class NewPasswordForm(_NewPassword, account.ResetPasswordKeyForm):
    """After the link of an e-mail."""


class ChangePasswordForm(_NewPassword, account.ChangePasswordForm):
    """By somebody who knows the password of now."""


class FirstPasswordForm(_NewPassword, account.SetPasswordForm):
    """By somebody who had none."""


class ReauthenticateForm(InOurWords, account.ReauthenticateForm):
    labels: ClassVar[Words] = {"password": _("Password")}


class _AppCode(InOurWords):
    labels: ClassVar[Words] = {"code": _("Code")}
    help_texts: ClassVar[Words] = {"code": CODE_OR_SPARE_CODE}


class SecondFactorForm(_AppCode, second_factor.AuthenticateForm):
    """When signing in."""


class ReauthenticateByCodeForm(_AppCode, second_factor.ReauthenticateForm):
    """Before something that matters."""


class AppForm(InOurWords, ActivateTOTPForm):
    labels: ClassVar[Words] = {"code": _("The code that the app shows")}


class AddKeyForm(InOurWords, AddWebAuthnForm):
    labels: ClassVar[Words] = {
        "name": _("Name of the key"),
        "passwordless": _("Sign in with this key alone, without a password"),
    }
    help_texts: ClassVar[Words] = {
        "name": _("So that you know later which one it is."),
        "passwordless": _(
            "This makes it a passkey. It asks for your finger, your face or a PIN each time. "
            "Otherwise the key is asked for after your password."
        ),
    }


class RenameKeyForm(InOurWords, EditWebAuthnForm):
    labels: ClassVar[Words] = {"name": _("Name of the key")}
