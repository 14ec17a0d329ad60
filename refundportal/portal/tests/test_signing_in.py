"""Signing in and all that belongs to it: every page and e-mail of the library in our look and our words."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from allauth.urls import urlpatterns
from django.core import mail
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, reverse

from accounts.adapter import AccountAdapter
from accounts.models import User
from accounts.services import create_user
from refundportal.portal.tests.keys import with_key
from refundportal.portal.tests.visiting import Visitor, words
from refundportal.web.tests.signing_in import signed_in_just_now
from refunds.tests.scene import LATER, Scene

PASSWORD = "correct horse battery"
NEW = "A sentence is easy to remember"
SECRET = "JBSWY3DPEHPK3PXP"
LIBRARY = re.compile(
    r"(?i)passwordless|password-free|two-factor|authenticator|reauthenticate|recovery code|security key|token"
    r"|sign.?up|user account|verif|\bemail\b|confirm access|alternative options|sites?\b|example\.com"
    r"|initiated|master key|spam|thank you for using|log(?:ged)? (?:in|out)|invalid|unable"
)
"""What the library says and we do not."""
NO_PAGE = {
    "mfa_download_recovery_codes": "a file",
    "mfa_login_webauthn": "answers scripts only",
    "account_email": "closed",
}

BARE = {
    "account/base_entrance.html",
    "account/base_manage.html",
    "mfa/webauthn/snippets/login_script.html",
}
"""Templates of the library without a word."""


@dataclass
class Seen:
    """The pages that were looked at, by the name of their address."""

    pages: dict[str, list[HttpResponse]] = field(default_factory=dict)

    def add(self, answer: HttpResponse) -> HttpResponse:
        assert answer.status_code in (200, 429), (answer.status_code, answer.headers.get("Location"))
        self.pages.setdefault(answer.resolver_match.url_name, []).append(answer)
        return answer


def names_in(patterns: list) -> Iterator[str]:
    for one in patterns:
        if isinstance(one, URLPattern):
            yield one.name
        else:
            yield from names_in(one.url_patterns)


def code_now() -> str:
    return format_hotp_value(hotp_value(SECRET, int(time.time()) // 30))


def with_second_factor(user: User) -> Authenticator:
    """Give somebody an app, spare codes and a key."""
    TOTP.activate(user, SECRET)
    RecoveryCodes.activate(user)
    return with_key(user)


@pytest.fixture
def alice(scene: Scene) -> User:
    scene.cast.alice.set_password(PASSWORD)
    scene.cast.alice.save()
    return scene.cast.alice


def at_the_doorstep(seen: Seen, alice: User) -> None:
    guest, login = Client(), {"login": alice.email, "password": PASSWORD}
    for name in ("account_login", "account_signup", "account_request_login_code", "account_reset_password"):
        seen.add(guest.get(reverse(name)))
    seen.add(guest.post(reverse("account_login"), {**login, "password": "wrong"}))
    seen.add(guest.post(reverse("account_request_login_code"), {"email": alice.email}, follow=True))
    seen.add(guest.post(reverse("account_confirm_login_code"), {"code": "wrong"}))
    seen.add(guest.post(reverse("account_reset_password"), {"email": alice.email}, follow=True))
    (link,) = re.findall(r"http://\S+(/account/password/reset/key/\S+)", mail.outbox[-1].body)
    page = seen.add(guest.get(link, follow=True))
    seen.add(guest.post(page.request["PATH_INFO"], {"password1": "1", "password2": "2"}))
    seen.add(guest.post(page.request["PATH_INFO"], {"password1": NEW, "password2": NEW}, follow=True))
    seen.add(guest.get(link, follow=True))
    seen.add(guest.get(reverse("account_inactive")))
    seen.add(guest.get(reverse("account_email_verification_sent")))


def with_an_address_of_her_own(seen: Seen) -> None:
    create_user(email="eva@acme.example", name="Eva", password=PASSWORD, email_verified=False)
    eva, login = Client(), {"login": "eva@acme.example", "password": PASSWORD}
    seen.add(eva.post(reverse("account_login"), login, follow=True))
    key = EmailConfirmationHMAC(EmailAddress.objects.get(email="eva@acme.example")).key
    for one in (key, "old"):
        seen.add(eva.get(reverse("account_confirm_email", args=[one])))
    seen.add(eva.post(reverse("account_confirm_email", args=[key]), follow=True))


def inside(seen: Seen, alice: User) -> None:
    visitor = signed_in_just_now(Visitor(alice), alice, how="password")
    for name in ("account_logout", "account_change_password", "mfa_index", "mfa_list_webauthn"):
        seen.add(visitor.get(reverse(name)))
    for name in ("mfa_activate_totp", "mfa_add_webauthn", "account_reset_password", "usersessions_list"):
        seen.add(visitor.get(reverse(name)))
    typed = {"oldpassword": "wrong", "password1": NEW, "password2": "other"}
    seen.add(visitor.post(reverse("account_change_password"), typed))
    seen.add(visitor.post(reverse("mfa_activate_totp"), {"code": "wrong"}))
    typed = {"oldpassword": NEW, "password1": PASSWORD, "password2": PASSWORD}
    assert visitor.post(reverse("account_change_password"), typed)["Location"] == reverse("account")


def with_all_factors(seen: Seen, alice: User) -> None:
    key = with_second_factor(alice)
    visitor = signed_in_just_now(Visitor(alice), alice, how="password")
    for name in ("mfa_index", "mfa_list_webauthn", "mfa_deactivate_totp"):
        seen.add(visitor.get(reverse(name)))
    for name in ("mfa_view_recovery_codes", "mfa_generate_recovery_codes"):
        seen.add(visitor.get(reverse(name)))
    for name in ("account_reauthenticate", "mfa_reauthenticate", "mfa_reauthenticate_webauthn"):
        seen.add(visitor.get(reverse(name)))
    for name in ("account_reauthenticate", "mfa_reauthenticate"):
        seen.add(visitor.post(reverse(name), {"password": "wrong", "code": "wrong"}))
    for name in ("mfa_edit_webauthn", "mfa_remove_webauthn"):
        seen.add(visitor.get(reverse(name, args=[key.pk])))
    seen.add(visitor.post(reverse("mfa_generate_recovery_codes"), follow=True))
    guest = Client()
    guest_login = {"login": alice.email, "password": PASSWORD}
    seen.add(guest.post(reverse("account_login"), guest_login, follow=True))
    seen.add(guest.post(reverse("mfa_authenticate"), {"code": "wrong"}))
    seen.add(guest.post(reverse("mfa_authenticate"), {"credential": "{}"}))
    assert guest.post(reverse("mfa_authenticate"), {"code": code_now()})["Location"] == "/"
    seen.add(visitor.post(reverse("mfa_remove_webauthn", args=[key.pk]), follow=True))
    seen.add(visitor.post(reverse("mfa_deactivate_totp"), follow=True))


def without_a_password(seen: Seen, alice: User) -> None:
    alice.set_unusable_password()
    alice.save()
    visitor = signed_in_just_now(Visitor(alice), alice)
    seen.add(visitor.get(reverse("account_set_password")))
    visitor.post(reverse("account_set_password"), {"password1": NEW, "password2": NEW})


def after_too_many_tries(seen: Seen, alice: User) -> None:
    guest, login = Client(), {"login": alice.email, "password": "wrong"}
    for _ in range(11):
        answer = guest.post(reverse("account_login"), login)
    seen.add(answer)
    for _ in range(21):
        answer = guest.post(reverse("account_reset_password"), {"email": "x@acme.example"})
    assert seen.add(answer).status_code == 429


@pytest.fixture
def seen(alice: User) -> Seen:
    """Every page that the library has, looked at."""
    found = Seen()
    for part in (at_the_doorstep, inside, with_all_factors, without_a_password, after_too_many_tries):
        alice.refresh_from_db()
        part(found, alice)
    with_an_address_of_her_own(found)
    return found


def test_every_page_and_e_mail_of_the_library_speaks_our_words(seen: Seen):
    assert set(names_in(urlpatterns)) - set(seen.pages) == set(NO_PAGE)

    odd = {}
    for name, pages in seen.pages.items():
        for page in pages:
            assert "portal/base.html" in [template.name for template in page.templates], name
            if said := LIBRARY.findall(words(page)):
                odd[name] = said
    assert odd == {}
    found = {
        template.name
        for pages in seen.pages.values()
        for page in pages
        for template in page.templates
        if "site-packages/allauth/" in str(template.origin)
    }
    assert found <= BARE
    said = [f"{one.subject}\n{one.body}" for one in mail.outbox]
    assert [LIBRARY.findall(re.sub(r"https?://\S+", "", one)) for one in said] == [[]] * len(said)
    assert len({one.subject for one in mail.outbox}) >= 6


@pytest.mark.parametrize("is_fresh", [True, False])
def test_a_first_password_is_for_who_has_just_signed_in(alice: User, is_fresh):
    """Else whoever finds a screen unlocked chooses one, and shows with it that they are Alice."""
    alice.set_unusable_password()
    alice.save()
    signed_in_at = time.time() - (0 if is_fresh else 3600)
    visitor = signed_in_just_now(Visitor(alice), alice, at=signed_in_at)

    visitor.post(reverse("account_set_password"), {"password1": NEW, "password2": NEW})

    alice.refresh_from_db()
    assert alice.has_usable_password() is is_fresh


@pytest.mark.parametrize("is_fresh", [True, False])
@pytest.mark.parametrize("name", ["mfa_activate_totp", "mfa_add_webauthn"])
def test_a_first_factor_is_for_who_has_just_signed_in(alice: User, name, is_fresh):
    """The library asks nothing of who has neither a password nor a factor; a factor opens what matters."""
    alice.set_unusable_password()
    alice.save()
    signed_in_at = time.time() - (0 if is_fresh else 3600)
    visitor = signed_in_just_now(Visitor(alice), alice, at=signed_in_at)

    answer = visitor.get(reverse(name))

    assert answer.status_code == (200 if is_fresh else 302)
    assert is_fresh or answer["Location"] == reverse("account")


def test_nobody_adds_an_e_mail_address_alone(alice: User):
    visitor = signed_in_just_now(Visitor(alice), alice, how="password")

    answer = visitor.post(reverse("account_email"), {"email": "mallory@pike.example", "action_add": ""})

    assert answer["Location"] == reverse("account")
    assert not EmailAddress.objects.filter(email="mallory@pike.example").exists()


def test_an_e_mail_is_in_the_language_of_whom_it_goes_to(alice: User):
    alice.language = "de"
    alice.save()
    context = {"timestamp": LATER, "ip": "127.0.0.1", "user_agent": "A browser"}

    message = AccountAdapter().render_mail("account/email/password_changed", alice.email, context)

    assert "Juni 2026" in message.body
