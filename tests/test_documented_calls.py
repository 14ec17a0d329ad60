"""Every line with curl that the documentation shows is run, in its order, at a portal as it is served."""

import re
import subprocess

import pytest
from django.conf import global_settings

from accounts.scopes import SCOPES
from accounts.services import create_api_client
from contracts.tests.cast import make_cast
from events.models import WebhookEndpoint
from payments.models import Payment, Payout
from tests import served

DOCUMENTS = ("docs/api.md", "docs/events.md")
BLOCK = re.compile(r"^```sh\n(.+?)^```$", re.MULTILINE | re.DOTALL)
TABLE_ROW = re.compile(r"^\| [0-9, ]+ \| (.+?) \|", re.MULTILINE)


def text_of(name):
    return (served.ROOT / name).read_text(encoding="utf-8")


def blocks():
    return [block for name in DOCUMENTS for block in BLOCK.findall(text_of(name))]


def test_every_line_with_curl_stands_where_it_is_run():
    places = [served.ROOT / "README.md", *sorted((served.ROOT / "docs").glob("*.md"))]
    found = [
        (place.name, line)
        for place in places
        for line in BLOCK.sub("", place.read_text(encoding="utf-8")).splitlines()
        if re.match(r"\s*(\S+=)?\$?\(?curl\b", line)
    ]

    assert found == []
    assert sum("curl" in block for block in blocks()) >= 3


@pytest.mark.postgresql
@pytest.mark.needs("bash", "curl", "jq", "openssl")
@pytest.mark.django_db(transaction=True)
def test_the_calls_of_the_documentation_lead_to_a_paid_refund(settings, tmp_path):
    settings.PASSWORD_HASHERS = global_settings.PASSWORD_HASHERS  # the served portal knows no other
    cast = make_cast()
    erp, secret = create_api_client(name="erp", scopes=SCOPES, staff_user=cast.rita)
    arno, arnos_secret = create_api_client(
        name="arno", scopes=["refunds:decide", "refunds:read"], all_clients=True, staff_user=cast.arno
    )
    variables = served.environment_of_this_run(API_APPROVAL="yes")

    with served.embedded(variables) as portal:
        script = "\n".join(["set -euo pipefail", *blocks()]).replace("http://localhost:8000", portal.url)
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=tmp_path,
            env={
                "PATH": variables["PATH"],
                "CLIENT_ID": erp.oauth_client_id,
                "CLIENT_SECRET": secret,
                "APPROVER_ID": arno.oauth_client_id,
                "APPROVER_SECRET": arnos_secret,
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr + portal.log.read_text()[-2000:]
    assert "idempotent-replayed: true" in done.stdout.lower()
    # As proposed, and as evaluated again from the decision's facts.
    assert len(re.findall(r'"365\.63"$', done.stdout, re.MULTILINE)) == 2
    told = text_of("docs/api.md").partition("```\n/status unknown_field")[2].partition("```")[0]
    shown = "\n".join(re.findall(r"^(/\S+ [a-z_]+)$", done.stdout, re.MULTILINE))
    assert shown == f"/status unknown_field{told}".strip()
    assert [(one.amount_minor, one.refunded_minor) for one in Payment.objects.all()] == [(100000, 36563)]
    assert [one.state for one in Payout.objects.all()] == ["settled"]
    assert WebhookEndpoint.objects.get().types == ["payment.captured", "payout.settled"]


def test_the_codes_of_the_table_of_refusals_are_those_of_the_code():
    named = {
        code for row in TABLE_ROW.findall(text_of("docs/api.md")) for code in re.findall(r"`([a-z_]+)`", row)
    }
    by_the_framework = {
        "not_authenticated",
        "unsupported_media_type",
        "throttled",
        "internal_server_error",
    }
    sources = "".join(
        path.read_text(encoding="utf-8")
        for room in ("accounts", "contracts", "kernel", "payments", "refunds", "refundportal")
        for path in (served.ROOT / room).rglob("*.py")
        if "tests" not in path.parts
    )

    assert len(named) > 20
    assert {code for code in named - by_the_framework if f'"{code}"' not in sources} == set()
