"""The outer wall: proxies, headers, second factor, figures, logs, mail."""

import io
import ipaddress
import json
import logging

import pytest
import structlog
from allauth.mfa.models import Authenticator
from django.core.mail import EmailMessage
from django.http import HttpResponse

from accounts import services
from refundportal import logs, urls
from refundportal.mail import ConsoleAndFolderBackend
from refundportal.middleware import ProxyMiddleware

PROXIES = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("127.0.0.1"))


def seen_by_the_portal(rf, **meta):
    seen = {}

    def view(request):
        seen.update(request.META)
        return HttpResponse()

    ProxyMiddleware(view)(rf.get("/", **meta))
    return seen


@pytest.mark.parametrize(
    ("remote", "forwarded_for", "caller"),
    [
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, nonsense", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "2001:db8::1", "2001:db8::1"),
        ("", "198.51.100.1", ""),
    ],
)
def test_the_caller_is_the_last_address_that_no_trusted_proxy_vouches_for(
    rf, settings, remote, forwarded_for, caller
):
    settings.TRUSTED_PROXIES = PROXIES

    seen = seen_by_the_portal(rf, REMOTE_ADDR=remote, HTTP_X_FORWARDED_FOR=forwarded_for)

    assert seen["REMOTE_ADDR"] == caller


def test_only_a_trusted_proxy_may_say_that_the_connection_was_encrypted(rf, settings):
    settings.TRUSTED_PROXIES = PROXIES
    headers = {"HTTP_X_FORWARDED_PROTO": "https"}

    assert "HTTP_X_FORWARDED_PROTO" not in seen_by_the_portal(rf, REMOTE_ADDR="203.0.113.9", **headers)
    assert seen_by_the_portal(rf, REMOTE_ADDR="10.0.0.1", **headers)["HTTP_X_FORWARDED_PROTO"] == "https"


@pytest.mark.parametrize("remote", ["203.0.113.9", "10.0.0.1"])
def test_nobody_may_say_under_which_name_the_portal_was_called(rf, settings, remote):
    settings.TRUSTED_PROXIES = PROXIES

    claims = {"HTTP_X_FORWARDED_HOST": "evil.example", "HTTP_FORWARDED": "host=evil.example"}
    seen = seen_by_the_portal(rf, REMOTE_ADDR=remote, **claims)

    assert not claims.keys() & seen.keys()


@pytest.mark.parametrize(
    ("remote", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("203.0.113.9", {}, 404),
        ("127.0.0.1", {"HTTP_X_FORWARDED_FOR": "203.0.113.9"}, 404),
        ("127.0.0.1", {"HTTP_X_FORWARDED_PROTO": "https"}, 404),
    ],
)
@pytest.mark.django_db
def test_figures_are_for_the_inside_only(client, remote, headers, status):
    assert client.get("/metrics", REMOTE_ADDR=remote, **headers).status_code == status


@pytest.mark.django_db
def test_pages_are_kept_out_of_caches_and_send_a_strict_policy(client):
    answer = client.get("/account/login/")

    assert answer["Cache-Control"].startswith(("private", "max-age=0"))
    assert "no-store" in answer["Cache-Control"]
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("path", ["/admin/", "/admin/login/"])
@pytest.mark.django_db
def test_staff_pages_may_evaluate_scripts_of_our_own_only(client, path):
    policy = client.get(path)["Content-Security-Policy"]

    assert "script-src 'self' 'unsafe-eval';" in f"{policy};"
    assert "http" not in policy


OUTSIDE_OF_THE_DOORS = {
    "account/": "allauth's pages, tested in test_signing_in.py",
    "account/2fa/totp/activate/": "for who has just signed in, tested there",
    "account/2fa/webauthn/add/": "for who has just signed in, tested there",
    "account/email/": "closed, tested there",
    "account/password/set/": "for who has just signed in, tested there",
    "identity/o/api/": "token and revoke, tested with the API",
    "metrics": "for the inside only, see above",
    "webhooks/stripe/": "signed, tested in test_incoming.py",
}
DOORS = {"admin/", "api/v1/", ""}
"""Each has a table of its own, in which every address stands."""


def test_every_address_outside_of_the_doors_is_in_the_table():
    found = [str(one.pattern) for one in urls.urlpatterns]

    assert set(found) == {*OUTSIDE_OF_THE_DOORS, *DOORS}
    assert len(found) == len(set(found))


@pytest.fixture
def rita(client):
    person = services.create_user(email="rita@example.com", name="Rita", is_staff=True)
    client.force_login(person)
    return person


@pytest.mark.django_db
def test_staff_without_a_second_factor_are_sent_to_set_one_up(client, rita, settings):
    settings.STAFF_SECOND_FACTOR = True

    answer = client.get("/admin/")

    assert (answer.status_code, answer["Location"]) == (302, "/account/2fa/")


@pytest.mark.django_db
def test_staff_with_a_second_factor_come_in(client, rita, settings):
    settings.STAFF_SECOND_FACTOR = True
    Authenticator.objects.create(user=rita, type=Authenticator.Type.TOTP, data={})

    assert client.get("/admin/").status_code == 200


@pytest.mark.django_db
def test_a_client_never_comes_into_the_staff_pages(client, settings):
    client.force_login(services.create_user(email="alice@example.com", name="Alice"))

    assert client.get("/admin/").status_code != 200


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("order-4711", True), ("a b", False), ("x" * 129, False), ("line\nbreak", False)],
)
def test_a_request_keeps_its_number_if_it_is_a_plain_one(client, sent, kept):
    number = client.get("/nowhere-of-the-wall/", headers={"X-Request-Id": sent})["X-Request-Id"]

    assert (number == sent) is kept
    assert 1 <= len(number) <= 128


@pytest.fixture
def written(monkeypatch):
    """What the log would show in production."""
    stream = io.StringIO()
    formatter = dict(logs.logging_config(log_format="json", level="INFO")["formatters"]["lines"])
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter.pop("()")(**formatter))
    logger = logging.getLogger("a-room")
    monkeypatch.setattr(logger, "handlers", [handler])
    monkeypatch.setattr(logger, "propagate", False)
    return stream


log = structlog.get_logger("a-room")


def test_a_log_line_is_one_json_object(written):
    log.warning("payout_unknown", payout="p1", attempts=2)

    line = json.loads(written.getvalue())
    assert line["event"] == "payout_unknown"
    assert (line["payout"], line["attempts"], line["level"]) == ("p1", 2, "warning")
    assert line["timestamp"].endswith("Z")


CANARY = "canary-5f1e"


@pytest.mark.parametrize(
    "fields",
    [
        {"password": CANARY},
        {"client_secret": CANARY},
        {"headers": {"Authorization": CANARY, "Cookie": CANARY}},
        {"rows": [{"iban": CANARY}]},
        {"text": f"Bearer {CANARY}"},
    ],
)
def test_a_secret_does_not_reach_the_log(written, fields):
    log.error("something", **fields)

    text = written.getvalue()
    assert CANARY not in text
    assert logs.HIDDEN in text


def test_an_iban_in_a_traceback_does_not_reach_the_log(written):
    try:
        raise ValueError("no bank for DE89370400440532013000")
    except ValueError:
        log.exception("import_failed")

    text = written.getvalue()
    assert "DE893704" not in text
    assert "ValueError" in text


def test_a_request_is_logged_without_its_query_and_keys(rf):
    request = rf.get(f"/account/password/reset/key/{'a' * 64}/?code=1234")

    text = logs.RequestLogMiddleware.format_request(request)

    assert text == f"GET /account/password/reset/key/{logs.HIDDEN}/"


def test_mail_of_the_embedded_run_is_shown_and_kept(settings, tmp_path, capsys):
    settings.MAIL_FOLDER = tmp_path / "mail"

    ConsoleAndFolderBackend().send_messages([EmailMessage("Received", "Körper", to=["alice@example.com"])])

    [file] = settings.MAIL_FOLDER.iterdir()
    assert b"To: alice@example.com" in file.read_bytes()
    assert "To: alice@example.com" in capsys.readouterr().out
