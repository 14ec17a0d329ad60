"""The settings: what they read, what they refuse, and that refusals say what is allowed."""

import json
import os
import re
import runpy
import stat
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from conftest import SETTINGS_FROM_OUTSIDE
from refundportal.environment import (
    Environment,
    OddValue,
    approval_limits,
    company_account,
    origin,
    own_secrets,
    time_zone,
)
from tests import production

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = ROOT / "refundportal" / "settings"


@pytest.fixture
def read_settings(monkeypatch):
    """Read the settings file anew with exactly this environment."""

    def read(environment):
        with monkeypatch.context() as patch:
            for name in set(os.environ) - environment.keys():
                patch.delenv(name)
            for name, value in environment.items():
                patch.setenv(name, value)
            for name in [name for name in sys.modules if name.startswith("refundportal.settings.")]:
                patch.delitem(sys.modules, name)
            return runpy.run_path(str(SETTINGS / "__init__.py"))

    return read


def run_manage(environment, *command):
    """Start a fresh process with exactly this environment."""
    return subprocess.run(
        [sys.executable, "manage.py", *command],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def embedded(tmp_path, **changes):
    return {"PATH": os.environ["PATH"], "VAR_DIR": str(tmp_path / "var"), **changes}


@pytest.mark.parametrize(
    ("iban", "bic", "odd"),
    [
        ("DE02120300000000202052", "BYLADEM1001", "COMPANY_IBAN"),
        ("DE0212030000000020205", "BYLADEM1001", "COMPANY_IBAN"),
        ("BR1800360305000010009795493C1", "BYLADEM1001", "COMPANY_IBAN"),
        ("DE02120300000000202051", "BYLADEM", "COMPANY_BIC"),
        ("DE02120300000000202051", "", "COMPANY_BIC"),
    ],
)
def test_an_odd_account_of_the_company_stops_the_start(iban, bic, odd):
    with pytest.raises(OddValue, match=odd):
        company_account(iban, bic, sample=(), is_needed=False)


def test_the_companys_account_is_read_as_people_write_it_and_needed_for_bank_files():
    written = "DE02 1203 0000 0000 2020 51"

    assert company_account(written, "BYLADEM1001", sample=(), is_needed=True)[0] == "DE02120300000000202051"
    assert company_account("", "", sample=(), is_needed=False) == ("", "")
    with pytest.raises(OddValue, match="bank_file"):
        company_account("", "", sample=(), is_needed=True)


def test_the_embedded_portal_needs_no_variable_at_all(tmp_path):
    process = run_manage(embedded(tmp_path), "check")

    assert process.returncode == 0, process.stderr


def test_production_settings_pass_the_check_for_deployment_without_a_word():
    process = run_manage(production.environment(), "check", "--deploy", "--fail-level", "WARNING")

    assert process.returncode == 0, process.stderr
    assert "no issues (0 silenced)" in process.stdout


EMBEDDED_FAULTS = [
    ("REFUNDPORTAL_MODE", "prod", "embedded or production"),
    ("COMPANY_TIME_ZONE", "Berlin", "IANA zone"),
    ("COMPANY_TIME_ZONE", "europe/berlin", "IANA zone"),
    ("APPROVAL_LIMIT", "1000", '{"EUR": "1000.00"}'),
    ("APPROVAL_LIMIT", '{"EUR": 1000.0}', '{"EUR": "1000.00"}'),
    ("APPROVAL_LIMIT", '{"EUR": "-1"}', '{"EUR": "1000.00"}'),
    ("APPROVAL_LIMIT", '{"eur": "1"}', '{"EUR": "1000.00"}'),
    ("API_APPROVAL", "maybe", "true"),
    ("PAYOUT_RAILS", "sandbox,cheque", "sandbox"),
    ("PAYOUT_RAILS", "manual,manual", "at most once"),
    ("STRIPE_API_KEY", "pk_test_0123456789", "restricted"),
    ("STRIPE_WEBHOOK_SECRETS", "whsec_0123456789abcdef,secret", "whsec_"),
    ("STRIPE_LIVEMODE", "maybe", "true"),
    ("STRIPE_API_BASE", "https://api.stripe.com/v1", "https://api.stripe.com"),
    ("DATABASE_URL", "mysql://root@localhost/portal", "postgres://"),
    ("BASE_URL", "localhost:8000", "https://"),
    ("BASE_URL", "https://example.com/portal", "https://"),
    ("ALLOWED_HOSTS", "*", "names"),
    ("TRUSTED_PROXIES", "proxy.example.com", "10.0.0.0/8"),
    ("WEBHOOK_NETWORKS", "10.0.0.1/8", "10.0.0.0/8"),
    ("LOG_LEVEL", "LOUD", "WARNING"),
    ("LOG_FORMAT", "xml", "json or console"),
    ("DEBUG", "2", "true"),
]


@pytest.mark.parametrize(("name", "value", "allowed"), EMBEDDED_FAULTS)
def test_an_odd_value_stops_the_start_and_says_what_is_allowed(read_settings, tmp_path, name, value, allowed):
    with pytest.raises(OddValue) as stopped:
        read_settings(embedded(tmp_path, **{name: value}))

    assert str(stopped.value).startswith(f"{name}=")
    assert allowed in str(stopped.value)


PRODUCTION_FAULTS = [
    ("SECRET_KEY", "short", "at least 50"),
    ("FIELD_KEYS", "no-key", "Fernet"),
    ("PAYOUT_RAILS", "sandbox", "moves no money"),
    ("PAYOUT_RAILS", "manual,sandbox", "moves no money"),
    ("DEBUG", "yes", "only no"),
    ("BASE_URL", "http://refunds.example.com", "https:// only"),
    ("STAFF_SECOND_FACTOR", "no", "only yes"),
    ("DATABASE_URL", "sqlite:////tmp/portal.sqlite3", "postgres://"),
    ("STRIPE_API_BASE", "http://127.0.0.1:1234", "https:// only"),
    ("SMTP_PORT", "0", "1 to 65535"),
    ("SMTP_SECURITY", "maybe", "starttls"),
]


@pytest.mark.parametrize(("name", "value", "allowed"), PRODUCTION_FAULTS)
def test_production_refuses_what_only_the_embedded_portal_may_do(read_settings, name, value, allowed):
    with pytest.raises(OddValue) as stopped:
        read_settings(production.environment(**{name: value}))

    assert str(stopped.value).startswith(f"{name}=")
    assert allowed in str(stopped.value)


@pytest.mark.parametrize(
    "name", ["SECRET_KEY", "FIELD_KEYS", "DATABASE_URL", "REDIS_URL", "BASE_URL", "SMTP_HOST"]
)
def test_production_starts_with_nothing_made_up(read_settings, name):
    with pytest.raises(ImproperlyConfigured, match=f"^{name} is not set"):
        read_settings(production.environment(**{name: ""}))


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("SECRET_KEY", "kurz-und-geheim"),
        ("FIELD_KEYS", "schluessel-9"),
        ("STRIPE_API_KEY", "sk_prod_canary77"),
        ("STRIPE_WEBHOOK_SECRETS", "canary-77"),
    ],
)
def test_a_secret_with_a_fault_is_not_shown(read_settings, name, secret):
    with pytest.raises(OddValue) as stopped:
        read_settings(production.environment(**{name: secret}))

    assert secret not in str(stopped.value)


def test_the_password_of_a_database_is_not_shown(read_settings, tmp_path):
    with pytest.raises(OddValue) as stopped:
        read_settings(embedded(tmp_path, DATABASE_URL="mysql://root:canary-77@localhost/portal"))

    assert "canary-77" not in str(stopped.value)


def test_private_files_may_not_lie_in_a_served_folder(read_settings, tmp_path):
    with pytest.raises(ImproperlyConfigured, match="PRIVATE_FILES"):
        read_settings(embedded(tmp_path, PRIVATE_FILES=str(tmp_path / "var" / "static" / "private")))


STRIPE = {
    "PAYOUT_RAILS": "stripe",
    "STRIPE_API_KEY": "rk_live_0123456789",
    "STRIPE_WEBHOOK_SECRETS": "whsec_0123456789abcdef",
}


def test_production_pays_out_over_stripe(read_settings):
    settings = read_settings(production.environment(**STRIPE))

    assert settings["PAYOUT_RAILS"] == ["stripe"]
    assert settings["STRIPE_API_BASE"] == "https://api.stripe.com"
    assert settings["STRIPE_LIVEMODE"]


def test_two_signing_secrets_are_good_while_they_are_changed(read_settings):
    both = "whsec_0123456789abcdef, whsec_fedcba9876543210"

    settings = read_settings(production.environment(**{**STRIPE, "STRIPE_WEBHOOK_SECRETS": both}))

    assert settings["STRIPE_WEBHOOK_SECRETS"] == tuple(both.split(", "))


@pytest.mark.parametrize("name", ["STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRETS"])
def test_the_rail_stripe_needs_its_key_and_its_signing_secret(read_settings, name):
    with pytest.raises(ImproperlyConfigured, match=f"^{name} is not set"):
        read_settings(production.environment(**{**STRIPE, name: ""}))


@pytest.mark.parametrize(("key", "livemode"), [("rk_test_0123456789", "yes"), ("sk_live_0123456789", "no")])
def test_a_key_of_the_other_mode_stops_the_start(read_settings, key, livemode):
    changes = {**STRIPE, "STRIPE_API_KEY": key, "STRIPE_LIVEMODE": livemode}

    with pytest.raises(OddValue, match=f"^STRIPE_API_KEY='{key[:8]}...'") as stopped:
        read_settings(production.environment(**changes))

    assert "0123456789" not in str(stopped.value)


def test_own_secrets_are_made_once_and_for_nobody_else_to_read(tmp_path):
    file = tmp_path / "var" / "secrets.json"

    first = own_secrets(file)

    assert own_secrets(file) == first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["secrets.json"]


def test_two_first_starts_at_once_end_up_with_the_same_secrets(tmp_path):
    code = "import json, refundportal.settings as s; print(json.dumps([s.SECRET_KEY, s.FIELD_KEYS]))"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code], env=embedded(tmp_path), cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]

    answers = {process.communicate(timeout=120)[0].strip() for process in processes}

    assert len(answers) == 1
    assert len(json.loads(answers.pop())[0]) >= 50


def test_limits_are_exact_amounts_per_currency():
    assert approval_limits('{"EUR": "1000.10", "JPY": "50000"}') == {
        "EUR": Decimal("1000.10"),
        "JPY": Decimal(50000),
    }


@pytest.mark.parametrize("value", ["UTC", "Asia/Kolkata", "America/Argentina/Buenos_Aires"])
def test_an_exact_zone_name_is_taken(value):
    assert time_zone(value) == value


def test_an_origin_is_taken_without_its_last_slash():
    assert origin("https://refunds.example.com:8443/") == "https://refunds.example.com:8443"


@pytest.mark.parametrize(
    ("text", "value"), [("yes", True), ("TRUE", True), ("0", False), ("Off", False), ("", True)]
)
def test_a_flag_is_yes_or_no_in_the_usual_words(text, value):
    assert Environment({"FLAG": text}).flag("FLAG", True) is value


@pytest.mark.parametrize("text", ["-1", "65536", "1.5", "٣", "1e3"])
def test_a_number_outside_its_range_is_refused(text):
    with pytest.raises(OddValue, match="from 1 to 65535"):
        Environment({"PORT": text}).number("PORT", 25, least=1, most=65535)


def test_a_missing_variable_is_named():
    with pytest.raises(ImproperlyConfigured, match="REDIS_URL is not set"):
        Environment({}).text("REDIS_URL")


def variables_read():
    """Every variable that the settings read."""
    texts = [path.read_text() for path in SETTINGS.glob("*.py")]
    return {name for text in texts for name in re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', text)}


def test_the_readme_names_every_variable_and_no_other():
    rows = re.findall(r"^\| (`[A-Z_`, ]+`) \|", (ROOT / "README.md").read_text(), re.MULTILINE)

    assert {name for row in rows for name in re.findall("[A-Z_]+", row)} == variables_read()


def test_no_variable_from_outside_reaches_the_suite():
    assert variables_read() - {"VAR_DIR"} <= set(SETTINGS_FROM_OUTSIDE)
