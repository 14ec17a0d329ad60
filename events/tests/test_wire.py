"""One call to a receiver: to the address that was checked, within its time, with nothing followed."""

import ssl
import time
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from events.tests.receivers import LOOPBACK, answering, hanging, receiver
from events.webhooks import wire
from events.webhooks.targets import parse_target


def send(url, *, resolve=None, networks=LOOPBACK, limit_s=5.0, body=b"{}"):
    return wire.post(
        parse_target(url),
        headers={"content-type": "application/json"},
        body=body,
        networks=networks,
        resolve=resolve,
        limit_s=limit_s,
    )


def to_here(host, port, timeout_s):
    return ["127.0.0.1"]


def test_a_receiver_gets_one_post_with_the_body_and_its_own_name():
    with receiver() as erp:
        answer = send(f"http://hooks.example.com:{erp.port}/in?a=1", resolve=to_here, body=b'{"a":1}')

    ((headers, body),) = erp.calls
    assert (answer.status, body) == (204, b'{"a":1}')
    assert headers["host"] == f"hooks.example.com:{erp.port}"
    assert headers["content-type"] == "application/json"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_is_not_followed(status):
    with receiver() as inside, receiver(answering(status, Location=inside.url)) as outside:
        assert send(outside.url).status == status

    assert inside.calls == []


def test_the_environment_names_no_proxy(monkeypatch):
    with receiver() as proxy, receiver() as erp:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{proxy.port}")
        send(erp.url)

    assert (len(erp.calls), proxy.calls) == (1, [])


def test_a_resolver_that_changes_its_answer_gains_nothing():
    """The name is asked once per call, and what was checked is what is connected to."""
    answers = [["127.0.0.1"], ["127.0.0.2"], ["10.0.0.1"]]
    asked = []

    def changing(host, port, timeout_s):
        asked.append(host)
        return answers.pop(0)

    with receiver() as erp:
        first = send(f"http://hooks.example.com:{erp.port}/", resolve=changing)
        with pytest.raises(wire.NotReached, match="connection_failed"):
            send(f"http://hooks.example.com:{erp.port}/", resolve=changing)
        with pytest.raises(wire.NotReached, match=r"target_refused.*10\.0\.0\.1"):
            send(f"http://hooks.example.com:{erp.port}/", resolve=changing)

    assert first.status == 204
    assert len(erp.calls) == 1
    assert asked == ["hooks.example.com"] * 3


def test_the_next_address_is_tried_when_the_first_does_not_answer():
    with receiver() as erp:
        found = ["127.0.0.2", "127.0.0.1"]
        assert send(f"http://hooks.example.com:{erp.port}/", resolve=lambda *_: found).status == 204


def test_who_says_nothing_is_left_after_the_limit():
    began = time.monotonic()

    with receiver(hanging) as erp, pytest.raises(wire.NotReached, match="timed_out"):
        send(erp.url, limit_s=0.5)

    assert 0.4 < time.monotonic() - began < 3


def dripping(text, pause_s):
    """Send some bytes, one at a time, forever."""

    def answer(handler):
        while not handler.server.receiver.released.wait(pause_s):
            handler.wfile.write(text)
            handler.wfile.flush()

    return answer


@pytest.mark.parametrize(
    "text", [b"H", b"HTTP/1.1 100 Continue\r\n\r\n"], ids=["a letter", "interim answers"]
)
def test_who_drips_an_answer_is_left_after_the_limit_as_well(text):
    began = time.monotonic()

    with (
        receiver(dripping(text, 0.1)) as erp,
        pytest.raises(wire.NotReached, match=r"timed_out|no_http_answer"),
    ):
        send(erp.url, limit_s=1)

    assert time.monotonic() - began < 4


def test_a_name_that_nobody_resolves_costs_no_more_than_the_limit(monkeypatch):
    monkeypatch.setattr("socket.getaddrinfo", lambda *args, **kwargs: time.sleep(3) or [])
    began = time.monotonic()

    with pytest.raises(wire.NotReached, match="name_not_resolved"):
        send("https://hooks.example.com/", limit_s=0.3)

    assert time.monotonic() - began < 2


def test_an_endless_body_is_not_read_to_its_end(monkeypatch):
    monkeypatch.setattr(wire, "BODY_LIMIT_S", 30)
    written = []

    def pour(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(10**12))
        handler.end_headers()
        while True:
            handler.wfile.write(b"x" * 65536)
            written.append(65536)

    with receiver(pour) as erp:
        assert send(erp.url).status == 200

    assert sum(written) < 20_000_000


def test_a_body_that_never_ends_does_not_undo_a_status_that_came():
    def stall(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "10")
        handler.end_headers()
        handler.server.receiver.released.wait(30)

    began = time.monotonic()
    with receiver(stall) as erp:
        assert send(erp.url, limit_s=10).status == 200

    assert time.monotonic() - began < 5


@pytest.mark.parametrize("noise", [b"220 smtp ready\r\n", b"HTTP/9.9 hello\r\n\r\n", b"\x15\x03\x01", b""])
def test_what_is_no_http_is_no_answer(noise):
    def speak(handler):
        handler.wfile.write(noise)
        handler.close_connection = True

    with receiver(speak) as erp, pytest.raises(wire.NotReached, match=r"no_http_answer|connection_failed"):
        send(erp.url)


def test_nobody_there_is_told_apart():
    with receiver() as erp:
        port = erp.port

    with pytest.raises(wire.NotReached, match="connection_failed"):
        send(f"http://127.0.0.1:{port}/")


def test_the_time_of_the_last_try_is_kept_from_the_answer():
    with receiver(answering(429, Retry_After="120")) as erp:
        assert send(erp.url) == wire.Answer(status=429, retry_after="120")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """An authority, and a server that it vouches for as hooks.example.com."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    own = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Test authority")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(own)
        .issuer_name(own)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("hooks.example.com")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    file.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return file


@pytest.fixture
def server_tls(certificates):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates)
    return context


@pytest.fixture
def trusted(certificates, monkeypatch):
    monkeypatch.setattr(wire, "tls_context", lambda: ssl.create_default_context(cafile=str(certificates)))


def test_tls_is_verified_against_the_name_though_an_address_is_connected_to(server_tls, trusted):
    with receiver(tls=server_tls) as erp:
        answer = send(f"https://hooks.example.com:{erp.port}/", resolve=to_here)

    assert answer.status == 204


def test_a_certificate_for_another_name_is_refused(server_tls, trusted):
    with receiver(tls=server_tls) as erp, pytest.raises(wire.NotReached, match="certificate_refused"):
        send(f"https://other.example.com:{erp.port}/", resolve=to_here)

    assert erp.calls == []


def test_a_certificate_that_nobody_vouches_for_is_refused(server_tls):
    with receiver(tls=server_tls) as erp, pytest.raises(wire.NotReached, match="certificate_refused"):
        send(f"https://hooks.example.com:{erp.port}/", resolve=to_here)

    assert erp.calls == []
