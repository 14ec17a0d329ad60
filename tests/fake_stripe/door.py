"""
The fake's door: HTTP as Stripe speaks it, and as it should not.

`python -m tests.fake_stripe.door` makes a process of it. Its address is the first line of its output;
`/fake/...` is how tests command it.
"""

import json
import re
import socket
import struct
import sys
import time
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from tests.fake_stripe.book import LATE_BY, Book, Refusal, Thing
from tests.fake_stripe.faults import DONE, SILENT

API_KEY: Final = "rk_test_0123456789"
SILENCE_S: Final = 0.6
OF_PATH: Final = {"payment_intents": "payment_intent", "refunds": "refund", "disputes": "dispute"}


class Door(BaseHTTPRequestHandler):
    """Refunds are made; everything else is read."""

    protocol_version = "HTTP/1.1"
    server: "Server"

    @property
    def book(self) -> Book:
        return self.server.book

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.startswith("/fake/"):
            self._say(200, self._command(json.loads(body)))
            return
        self._answer_with(lambda: self._make(unflattened(parse_qsl(body.decode()))))

    def do_GET(self) -> None:
        self._answer_with(self._read)

    def _answer_with(self, work: Any) -> None:
        """Answer as well as the fault allows."""
        try:
            with self.book.lock:
                self.book.calls.append((self.command, self.path, dict(self.headers)))
                self._check_caller()
                self.book.count_call()
                self.book.catch_up()
                fault, status, answer = work()
            if self.book.before_answer is not None:
                self.book.before_answer()
        except Refusal as refusal:
            self._say(refusal.status, refusal.body, **refusal.headers)
            return
        self._say_or_fail(fault, status, answer)

    def _check_caller(self) -> None:
        if self.headers.get("Authorization") != f"Bearer {API_KEY}":
            raise Refusal(401, "", "Invalid API Key provided: rk_test_****")
        if not self.headers.get("Stripe-Version"):
            raise Refusal(400, "", "No version.")

    # Making

    def _make(self, order: Thing) -> tuple[str, int, Thing]:
        if self.path != "/v1/refunds":
            raise Refusal(404, "", f"Unrecognized request URL (POST: {self.path}).")
        payment, key = order.get("payment_intent") or order.get("charge", ""), self.headers["Idempotency-Key"]
        fault = self.book.next_fault(payment, "submit")
        self.book.told_at.setdefault(payment, self.book.now())
        if fault == "late":
            self.book.late.append((self.book.now() + LATE_BY, key, order))
        if fault and fault not in DONE:
            return fault, 0, {}
        status, answer, _ = self.book.refund(key, order)
        if fault == "500_done":
            at, known, _, _ = self.book.keys[key]
            self.book.keys[key] = (at, known, 500, refused("api_error"))
        return fault, status, answer

    # Reading

    def _read(self) -> tuple[str, int, Thing]:
        parts = urlsplit(self.path)
        query = unflattened(parse_qsl(parts.query))
        one = re.fullmatch(r"/v1/(\w+)/(\w+)", parts.path)
        if one:
            return self._read_one(*one.groups())
        fault = ""
        if parts.path == "/v1/refunds":
            payment = query.get("payment_intent") or query.get("charge", "")
            fault = self.book.next_fault(payment, "look_up")
            fault = "503" if self.book.is_silent(payment) else fault
            rows = [row for row in self.book.refunds() if self._is_listed(row)]
        elif parts.path == "/v1/disputes":
            rows = [thing for thing in self.book.things.values() if thing["object"] == "dispute"]
        elif parts.path == "/v1/events":
            kinds = query.pop("types", None)
            rows = [event for event in self.book.events if kinds is None or event["type"] in kinds]
        else:
            raise Refusal(404, "", f"Unrecognized request URL (GET: {parts.path}).")
        return fault, 200, page_of(rows, query, parts.path)

    def _is_listed(self, row: Thing) -> bool:
        return row["created"] <= (self.book.now() - self.book.lag).timestamp()

    def _read_one(self, path: str, name: str) -> tuple[str, int, Thing]:
        found = self.book.things.get(name)
        if found is None or found["object"] != OF_PATH.get(path):
            raise Refusal(404, "resource_missing", f"No such {path}: {name}")
        payment = found.get("payment_intent", name)
        fault = "503" if self.book.is_silent(payment) else self.book.next_fault(payment, "retrieve")
        return fault, 200, found

    # Saying

    def _say_or_fail(self, fault: str, status: int, answer: Thing) -> None:
        if fault in SILENT:
            time.sleep(SILENCE_S)
            self.close_connection = True
        elif fault in ("reset_before", "reset_after"):
            self._reset()
        elif fault == "half_body":
            self._half(answer)
        elif fault == "bad_json":
            self._text(200, '{"id": "re_1", ')
        elif fault == "html_200":
            self._text(200, "<html>Please wait</html>")
        elif fault == "429":
            self._say(429, refused("invalid_request_error", "rate_limit"), **{"Retry-After": "30"})
        elif fault == "409":
            self._say(409, refused("idempotency_error", "idempotency_key_in_use"))
        elif fault == "402":
            self._say(402, refused("invalid_request_error", "balance_insufficient"))
        elif fault:
            self._say(int(fault[:3]), refused("api_error"))
        else:
            self._say(status, answer)

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def _half(self, good: Thing) -> None:
        whole = json.dumps(good).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(whole)))
        self.end_headers()
        self.wfile.write(whole[: len(whole) // 2])
        self.close_connection = True

    def _say(self, status: int, content: Any, **headers: str) -> None:
        self._text(status, json.dumps(content), **headers)

    def _text(self, status: int, text: str, **headers: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Request-Id", "req_1")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    # Commanding a process

    def _command(self, said: Thing) -> Any:
        book = self.book
        with book.lock:
            if "now" in said:
                book.clock = datetime.fromisoformat(said["now"])
            book.per_minute = said.get("per_minute", book.per_minute)
            if "settles_after_s" in said:
                book.settles_after = timedelta(seconds=said["settles_after_s"])
            for payment, faults in said.get("script", {}).items():
                book.script[payment] = faults
            if "paid" in said:
                return book.paid(said["paid"])
            book.catch_up()
            return {"refunds": book.refunds(), "refused": book.refused}

    def log_message(self, format: str, *args: Any) -> None:
        """Be quiet."""


def refused(kind: str, code: str = "") -> Thing:
    return {"error": {"type": kind, "message": code or kind, **({"code": code} if code else {})}}


def page_of(rows: list[Thing], query: Thing, url: str) -> Thing:
    """Give a page of a list, the newest first."""
    least = int(query.get("created", {}).get("gte", 0))
    kept = [row for row in reversed(rows) if row["created"] >= least]
    for name in ("payment_intent", "charge"):
        kept = [row for row in kept if query.get(name) in (None, row.get(name))]
    if after := query.get("starting_after"):
        kept = kept[[row["id"] for row in kept].index(after) + 1 :]
    limit = int(query.get("limit", 10))
    return {"object": "list", "url": url, "has_more": len(kept) > limit, "data": kept[:limit]}


def unflattened(pairs: list[tuple[str, str]]) -> Thing:
    """Read `a[b]=c` and `a[0]=c` as Stripe's forms mean them."""
    found: Thing = {}
    for name, value in pairs:
        outer, _, inner = name.partition("[")
        if not inner:
            found[outer] = value
        elif inner.rstrip("]").isdigit():
            found.setdefault(outer, []).append(value)
        else:
            found.setdefault(outer, {})[inner.rstrip("]")] = value
    return found


class Server(ThreadingHTTPServer):
    """A server that does not mind callers that die."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, book: Book) -> None:
        super().__init__(("127.0.0.1", 0), Door)
        self.book = book

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], (OSError, ValueError)):
            super().handle_error(request, client_address)


if __name__ == "__main__":
    server = Server(Book())
    sys.stdout.write(f"{server.origin}\n")
    sys.stdout.flush()
    server.serve_forever()
