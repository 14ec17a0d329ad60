"""Receivers of webhooks on this machine that behave well, or as told."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from typing import Any

LOOPBACK = (ip_network("127.0.0.0/8"),)


@dataclass
class Receiver:
    """What came in; `answer` decides what goes out."""

    answer: Callable[["Handler"], None]
    calls: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    port: int = 0
    at_once: int = 0
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks"


class Handler(BaseHTTPRequestHandler):
    """Keeps what came in and answers as its receiver says."""

    protocol_version = "HTTP/1.1"
    server: Any

    def do_POST(self) -> None:
        receiver: Receiver = self.server.receiver
        body = self.rfile.read(int(self.headers["content-length"] or 0))
        with receiver.lock:
            receiver.calls.append(({name.lower(): value for name, value in self.headers.items()}, body))
            receiver.at_once += 1
            receiver.most_at_once = max(receiver.most_at_once, receiver.at_once)
        try:
            receiver.answer(self)
        except OSError:
            self.close_connection = True  # nobody listens any more
        finally:
            with receiver.lock:
                receiver.at_once -= 1

    def do_GET(self) -> None:
        self.do_POST()

    def reply(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        return


def answering(status: int, **headers: str) -> Callable[[Handler], None]:
    return lambda handler: handler.reply(status, **headers)


def fine(handler: Handler) -> None:
    handler.reply(204)


def hanging(handler: Handler) -> None:
    """Say nothing until the test lets go, and hang up then."""
    handler.server.receiver.released.wait(30)
    handler.close_connection = True


@contextmanager
def receiver(answer: Callable[[Handler], None] = fine, *, tls: Any = None) -> Iterator[Receiver]:
    """Run a receiver on a free port of this machine."""
    found = Receiver(answer)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.receiver = found
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    found.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        found.released.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
