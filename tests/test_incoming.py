"""The address at which Stripe tells us something: who may, what is kept, what is answered."""

import json
import time
from datetime import timedelta

import pytest
from django.test import Client

from contracts.tests.cast import NOW
from events.models import Event
from payments.models import ProviderEvent
from refundportal import incoming
from tests.fake_stripe.running import SECRET, signed

pytestmark = pytest.mark.django_db
ADDRESS = "/webhooks/stripe/"
EVENT = {
    "id": "evt_1",
    "object": "event",
    "created": int(NOW.timestamp()),
    "livemode": False,
    "type": "payment_intent.succeeded",
    "data": {"object": {"object": "payment_intent", "id": "pi_1"}},
}


@pytest.fixture(autouse=True)
def stripe_is_on(settings, monkeypatch):
    settings.STRIPE_WEBHOOK_SECRETS = ("whsec_the_next_one_0123456789", SECRET)
    settings.STRIPE_LIVEMODE = False
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)


@pytest.fixture
def rung(monkeypatch):
    """The tasks that were asked for."""
    tasks = []
    monkeypatch.setattr(incoming, "ring", tasks.append)
    return tasks


def send(event=EVENT, *, at=NOW, secret=SECRET, **headers):
    body, signature = signed(event, at, secret)
    return post(body, **{**signature, **headers})


def post(body, **headers):
    headers = {name: value for name, value in headers.items() if value is not None}
    return Client(enforce_csrf_checks=True).post(
        ADDRESS, body, content_type="application/json", headers=headers
    )


def test_a_signed_event_is_kept_as_it_came_and_somebody_is_told(rung):
    answer = send()

    row = ProviderEvent.objects.get()
    assert (answer.status_code, answer.json()) == (200, {"status": "kept"})
    assert "no-store" in answer["Cache-Control"]
    assert (row.external_id, row.type, row.received_at) == ("evt_1", EVENT["type"], NOW)
    assert bytes(row.body) == signed(EVENT, NOW)[0]
    assert [task.name for task in rung] == ["payments.tasks.work_provider_events"]


def test_the_same_event_a_hundred_times_is_kept_once():
    statuses = {send().status_code for _ in range(100)}

    assert statuses == {200}
    assert ProviderEvent.objects.count() == 1


@pytest.mark.parametrize("secret", ["whsec_the_next_one_0123456789", SECRET])
def test_each_secret_is_good_while_they_are_changed(secret):
    assert send(secret=secret).status_code == 200


SIGNATURE = signed(EVENT, NOW)[1]["Stripe-Signature"]
FOREIGN = {
    "no header": {"Stripe-Signature": None},
    "an empty header": {"Stripe-Signature": ""},
    "no timestamp": {"Stripe-Signature": SIGNATURE.split(",")[1]},
    "a changed signature": {"Stripe-Signature": SIGNATURE[:-4] + "0000"},
    "a header that is nonsense": {"Stripe-Signature": "=,=;t=v1\x7f"},
    "a signature beyond ASCII": {"Stripe-Signature": f"{SIGNATURE.split(',')[0]},v1=ü"},
}


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
def test_without_a_good_signature_nothing_is_kept(headers, rung):
    answer = send(**headers)

    assert (answer.status_code, answer.json()) == (401, {"status": "bad_signature"})
    assert not ProviderEvent.objects.exists()
    assert rung == []


@pytest.mark.parametrize("seconds", [301, -301])
def test_an_old_signature_or_one_of_the_future_is_none(seconds):
    assert send(at=NOW - timedelta(seconds=seconds)).status_code == 401
    assert not ProviderEvent.objects.exists()


@pytest.mark.parametrize("secrets", [(), ("whsec_of_another_endpoint_0123",)])
def test_a_secret_that_is_not_ours_signs_nothing(settings, secrets):
    settings.STRIPE_WEBHOOK_SECRETS = secrets

    assert send().status_code == 401


def test_a_changed_byte_is_refused():
    body, header = signed(EVENT, NOW)

    assert post(body.replace(b"pi_1", b"pi_2"), **header).status_code == 401
    assert not ProviderEvent.objects.exists()


@pytest.mark.parametrize("livemode", [True, None, "false", 0])
def test_an_event_of_the_other_mode_is_refused(livemode):
    assert send({**EVENT, "livemode": livemode}).status_code == 400
    assert not ProviderEvent.objects.exists()


NO_EVENTS = [
    [],
    "evt_1",
    None,
    {},
    {**EVENT, "object": "v2.core.event"},
    {**EVENT, "id": ""},
    {**EVENT, "id": 7},
    {**EVENT, "id": "x" * 141},
    {**EVENT, "id": "evt\0"},
    {**EVENT, "type": None},
    {**EVENT, "created": "now"},
    {**EVENT, "created": 10**30},
    {**EVENT, "data": None},
    {**EVENT, "data": {"object": []}},
]


@pytest.mark.parametrize("event", NO_EVENTS, ids=str)
def test_what_is_signed_and_no_event_is_refused(event):
    assert send(event).status_code == 400
    assert not ProviderEvent.objects.exists()


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 100000, b'{"id": NaN'], ids=len)
def test_what_is_signed_and_no_json_is_refused(body):
    import hashlib
    import hmac

    stamp = str(int(NOW.timestamp())).encode()
    right = hmac.new(SECRET.encode(), stamp + b"." + body, hashlib.sha256).hexdigest()

    answer = post(body, **{"Stripe-Signature": f"t={stamp.decode()},v1={right}"})

    assert answer.status_code == 400


def test_a_body_that_is_too_large_is_not_read():
    answer = send({**EVENT, "more": "x" * incoming.BODY_MAX})

    assert answer.status_code == 413
    assert not ProviderEvent.objects.exists()


def test_an_unknown_type_is_kept_and_answered_like_any_other():
    event = {**EVENT, "type": "hologram.projected", "data": {"object": {"object": "hologram", "id": "ho_1"}}}

    assert send(event).status_code == 200
    assert ProviderEvent.objects.count() == 1


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete", "options", "head"])
def test_nothing_but_sending_is_answered(method):
    assert getattr(Client(), method)(ADDRESS).status_code == 405


def test_an_event_is_kept_quickly_and_with_few_questions(django_assert_max_num_queries):
    send()
    with django_assert_max_num_queries(4):
        send({**EVENT, "id": "evt_2"})
    started = time.monotonic()
    for place in range(50):
        send({**EVENT, "id": f"evt_many_{place}"})

    assert (time.monotonic() - started) / 50 < 2
    assert ProviderEvent.objects.count() == 52


def test_keeping_an_event_tells_nobody_of_something_that_did_not_happen_yet():
    send()

    assert not Event.objects.exists()
    assert json.loads(bytes(ProviderEvent.objects.get().body)) == EVENT
