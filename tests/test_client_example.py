"""The example client does the whole job at a portal as it is served, and refuses forged webhooks."""

import base64
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import global_settings
from standardwebhooks import Webhook

from accounts.scopes import SCOPES
from accounts.services import create_api_client
from contracts.tests.cast import make_cast
from events.models import WebhookEndpoint
from events.webhooks.message import new_secret
from examples import client
from payments.models import Payout
from tests import served


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_the_example_client_gets_the_money_back_and_hears_of_it(settings):
    settings.PASSWORD_HASHERS = global_settings.PASSWORD_HASHERS  # the served portal knows no other
    cast = make_cast()
    erp, secret = create_api_client(name="erp", scopes=SCOPES, staff_user=cast.rita)
    arno, arnos_secret = create_api_client(
        name="arno", scopes=["refunds:read", "refunds:decide"], all_clients=True, staff_user=cast.arno
    )
    variables = served.environment_of_this_run(API_APPROVAL="yes", WEBHOOK_NETWORKS="127.0.0.0/8")

    with served.embedded(variables) as portal:
        done = subprocess.run(
            [sys.executable, Path(client.__file__)],
            env={
                "BASE_URL": portal.url,
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

    assert done.returncode == 0, done.stdout + done.stderr + portal.log.read_text()[-3000:]
    # 5 of 8 parts work: 625.00 are kept; of 25.00 for use, 3 of 8 parts: 9.375.
    assert "proposed: refund_in_part, 365.63 EUR" in done.stdout
    assert "payout.settled: 365.63 EUR" in done.stdout
    assert [(one.state, one.amount_minor) for one in Payout.objects.all()] == [("settled", 36563)]
    assert not WebhookEndpoint.objects.get().is_active


NOW = 1_800_000_000
BODY = b'{"type": "payout.settled", "data": {"data": {"request": "1"}}}'
SECRET = new_secret()


def signed(secret=SECRET, *, at=NOW, body=BODY, message="m1"):
    """The headers that a sender gives who signs by the library."""
    signature = Webhook(secret).sign(message, datetime.fromtimestamp(at, tz=UTC), body.decode())
    return {"webhook-id": message, "webhook-timestamp": str(at), "webhook-signature": signature}


def test_a_message_signed_by_the_library_is_taken():
    assert client.verify(SECRET, signed(), BODY, now=NOW)
    assert client.verify(SECRET, signed(), BODY, now=NOW + client.TOLERANCE_S)


def test_one_of_two_signatures_is_enough():
    headers = signed()
    headers["webhook-signature"] = (
        signed(new_secret())["webhook-signature"] + " " + headers["webhook-signature"]
    )

    assert client.verify(SECRET, headers, BODY, now=NOW)


@pytest.mark.parametrize(
    ("headers", "body", "now"),
    [
        (signed(new_secret()), BODY, NOW),
        (signed(), BODY + b" ", NOW),
        (signed(), BODY, NOW + client.TOLERANCE_S + 1),
        (signed(), BODY, NOW - client.TOLERANCE_S - 1),
        (signed() | {"webhook-id": "m2"}, BODY, NOW),
        (signed() | {"webhook-timestamp": str(NOW + 1)}, BODY, NOW),
        (signed() | {"webhook-timestamp": "soon"}, BODY, NOW),
        (signed() | {"webhook-signature": "v1," + base64.b64encode(b"x" * 32).decode()}, BODY, NOW),
        (signed() | {"webhook-signature": ""}, BODY, NOW),
        ({}, BODY, NOW),
    ],
)
def test_a_forged_changed_or_old_message_is_refused(headers, body, now):
    assert not client.verify(SECRET, headers, body, now=now)


def test_a_message_that_comes_twice_is_read_once():
    inbox = client.Inbox()
    inbox.secret = SECRET
    headers = signed(at=int(time.time()))

    assert [inbox.take(headers, BODY), inbox.take(headers, BODY), inbox.take({}, BODY)] == [204, 204, 401]
    assert inbox._events.qsize() == 1
