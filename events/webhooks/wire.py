"""
One POST to a receiver: within so many seconds in all, to a checked address, with no redirect followed.

The address that was checked is the one connected to, so a name that changes its answer gains nothing;
TLS is verified against the name. Nothing of the environment (proxies) is used.
"""

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Final

import httpcore
import httpx

from events.webhooks.targets import Network, Target, TargetRefused, literal, refuse_address

LIMIT_S: Final = 15
CONNECT_LIMIT_S: Final = 5
BODY_LIMIT_S: Final = 2
BODY_MAX: Final = 16 * 1024
ADDRESSES_MAX: Final = 4

Resolve = Callable[[str, int, float], Sequence[str]]


class NotReached(Exception):
    """No answer came; the text is a code, sometimes with a reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a receiver answered; its body is not kept."""

    status: int
    retry_after: str = ""


class Deadline:
    """The end of an attempt, by the clock that only goes forward."""

    def __init__(self, limit_s: float) -> None:
        self._end = time.monotonic() + limit_s

    def shorten(self, limit_s: float) -> None:
        self._end = min(self._end, time.monotonic() + limit_s)

    def left(self, most_s: float = LIMIT_S) -> float:
        """
        Give the seconds left, at most `most_s`.

        :raises httpcore.ReadTimeout: none are left
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("the time is over")
        return min(left, most_s)


def post(
    target: Target,
    *,
    headers: Mapping[str, str],
    body: bytes,
    networks: Sequence[Network],
    resolve: Resolve | None = None,
    limit_s: float = LIMIT_S,
) -> Answer:
    """
    Send one message and read the answer's head.

    :raises NotReached: the target is refused, or no answer came in time
    """
    deadline = Deadline(limit_s)
    backend = _CheckedBackend(target, networks, deadline, resolve or look_up)
    try:
        with httpcore.ConnectionPool(
            ssl_context=tls_context() if target.scheme == "https" else None,
            max_keepalive_connections=0,
            retries=0,
            http1=True,
            http2=False,
            network_backend=backend,
        ) as pool:
            return _ask(pool, target, headers, body, deadline)
    except TargetRefused as refusal:
        raise NotReached(f"target_refused: {refusal}") from None
    except httpcore.TimeoutException:
        raise NotReached("timed_out") from None
    except httpcore.ProtocolError:
        raise NotReached("no_http_answer") from None
    except httpcore.NetworkError as error:
        raise NotReached(_network_fault(error)) from None


def _ask(
    pool: httpcore.ConnectionPool,
    target: Target,
    headers: Mapping[str, str],
    body: bytes,
    deadline: Deadline,
) -> Answer:
    url = httpcore.URL(
        scheme=target.scheme.encode(), host=_bracketed(target.host), port=target.port, target=target.path
    )
    with pool.stream("POST", url, headers=list(headers.items()), content=body) as response:
        deadline.shorten(BODY_LIMIT_S)
        _read_a_little(response)
        given = {name.lower(): value for name, value in response.headers}
        retry_after = given.get(b"retry-after", b"").decode("latin-1")
        return Answer(status=response.status, retry_after=retry_after)


def _read_a_little(response: httpcore.Response) -> None:
    """Take some of the body, so that an honest receiver sees its answer read; the status stands already."""
    count = 0
    try:
        for chunk in response.iter_stream():
            count += len(chunk)
            if count > BODY_MAX:
                return
    except (httpcore.TimeoutException, httpcore.ProtocolError, httpcore.NetworkError):
        return


def _network_fault(error: Exception) -> str:
    cause = error.__cause__ or error.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"certificate_refused: {cause.verify_message}"
    return "tls_failed" if isinstance(cause, ssl.SSLError) else "connection_failed"


def _bracketed(host: str) -> bytes:
    return f"[{host}]".encode() if ":" in host else host.encode()


@lru_cache(maxsize=1)
def tls_context() -> ssl.SSLContext:
    """Verify as browsers do; a company's own authority is named by SSL_CERT_FILE."""
    return httpx.create_ssl_context()


class _CheckedBackend(httpcore.NetworkBackend):
    """Connects to checked addresses only, and within the time."""

    def __init__(
        self, target: Target, networks: Sequence[Network], deadline: Deadline, resolve: Resolve
    ) -> None:
        self._target, self._networks, self._deadline = target, networks, deadline
        self._resolve = resolve

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        found = self._resolve(self._target.host, self._target.port_number, self._deadline.left())
        # All of them must be allowed: a name that also points inside is not trusted at all.
        for address in found:
            refuse_address(ip_address(address), self._target, self._networks)
        return self._first_that_answers(found[:ADDRESSES_MAX])

    def _first_that_answers(self, addresses: Sequence[str]) -> httpcore.NetworkStream:
        last: Exception = httpcore.ConnectError("the name has no address")
        for address in addresses:
            try:
                stream = httpcore.SyncBackend().connect_tcp(
                    address,
                    self._target.port_number,
                    timeout=self._deadline.left(CONNECT_LIMIT_S),
                    socket_options=[],
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
            else:
                return _TimedStream(stream, self._deadline)
        raise last


class _TimedStream(httpcore.NetworkStream):
    """A stream whose every step ends at the one deadline, however slowly the other side drips."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        encrypted = self._stream.start_tls(ssl_context, server_hostname, self._deadline.left())
        return _TimedStream(encrypted, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def look_up(host: str, port: int, timeout_s: float) -> Sequence[str]:
    """
    Resolve a name to all its addresses within so many seconds; the system's own call knows no limit.

    :raises NotReached: there is no such name, or nobody said so in time
    """
    if literal(host) is not None:
        return [host]
    answer: SimpleQueue[Sequence[str]] = SimpleQueue()
    Thread(target=lambda: answer.put(_system_look_up(host, port)), daemon=True).start()
    try:
        found = answer.get(timeout=timeout_s)
    except Empty:
        raise NotReached("name_not_resolved") from None
    if not found:
        raise NotReached("name_not_resolved")
    return found


def _system_look_up(host: str, port: int) -> Sequence[str]:
    try:
        rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(address[0]) for _, _, _, _, address in rows))
