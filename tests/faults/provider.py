"""
A provider that can be told to misbehave: `python -m tests.faults.provider`, a process on 127.0.0.1.

It keeps a book of what it executed and remembers a key for a day, after which the same key executes again.
Time is what the caller says it is (`X-Now`). Its port is the first line of its output.
"""

import json
import socket
import struct
import sys
import threading
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

FAULTS: Final[Mapping[str, str]] = {
    "timeout_done": "time-out, executed",
    "timeout_not_done": "time-out, not executed",
    "reset_before": "connection reset before it was executed",
    "reset_after": "connection reset after it was executed",
    "half_body": "half of the answer, executed",
    "bad_json": "an answer that is no JSON, executed",
    "html_200": "an HTML page with status 200, not executed",
    "500_done": "500, executed",
    "500_not_done": "500, not executed",
    "503": "503, not executed",
    "429": "429 with Retry-After, not executed",
    "409": "409 key in use, executed a little later",
    "late": "time-out, executed ten minutes later",
    "key_forgotten": "time-out, then silence until the key is forgotten",
}
_DONE: Final = ("timeout_done", "reset_after", "half_body", "bad_json", "500_done", "409")
SILENCE_S: Final = 0.6
KEY_LIVES: Final = timedelta(hours=24)
LATE_BY: Final = timedelta(minutes=10)
SETTLES_AFTER: Final = timedelta(seconds=3)


class Book:
    """What the provider executed, the keys it remembers, and what it was told to get wrong."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.lines: list[dict[str, Any]] = []
        self.keys: dict[str, tuple[datetime, dict[str, Any], dict[str, Any]]] = {}
        self.late: list[tuple[datetime, str, dict[str, Any]]] = []
        self.script: dict[str, dict[str, Any]] = {}
        self.told_at: dict[str, datetime] = {}

    def execute(self, key: str, order: dict[str, Any], now: datetime) -> dict[str, Any] | None:
        """Execute an order once per key; None if the key stands for another order."""
        known = self.keys.get(key)
        if known is not None and now - known[0] < KEY_LIVES:
            return known[2] if known[1] == order else None
        line = {"id": f"re_{len(self.lines) + 1}", "at": now.isoformat(), **order}
        self.lines.append(line)
        self.keys[key] = (now, order, line)
        return line

    def catch_up(self, now: datetime) -> None:
        """Execute what was late and is due now."""
        due = [entry for entry in self.late if entry[0] <= now]
        self.late = [entry for entry in self.late if entry[0] > now]
        for at, key, order in due:
            self.execute(key, order, at)

    def next_fault(self, payout: str, at: str) -> str:
        """Take the fault that is meant for this call of a payout, if there is one."""
        script = self.script.get(payout, {})
        return script.pop(at, "")


class Door(BaseHTTPRequestHandler):
    """Orders, look-ups, the book, and the script."""

    protocol_version = "HTTP/1.1"
    book = Book()

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/script":
            with self.book.lock:
                self.book.script.update(body)
            self._say(200, {})
            return
        now, key = self._now(), self.headers["Idempotency-Key"]
        with self.book.lock:
            self.book.catch_up(now)
            fault = self.book.next_fault(body["payout"], "submit")
            self.book.told_at.setdefault(body["payout"], now)
            line = self._what_is_done(fault, key, body, now)
        if line is None and fault in ("", *_DONE):
            self._say(400, {"error": "idempotency_error"})
            return
        self._answer(fault, {**(line or {}), "status": "accepted"})

    def _what_is_done(self, fault: str, key: str, order: dict[str, Any], now: datetime) -> Any:
        if fault == "late":
            self.book.late.append((now + LATE_BY, key, order))
        if fault in ("", *_DONE) or (fault == "key_forgotten" and order["amount"] % 2):
            return self.book.execute(key, order, now)
        return None

    def do_GET(self) -> None:
        with self.book.lock:
            if self.path == "/book":
                self._say(200, {"lines": self.book.lines})
                return
            now, payout = self._now(), self.path.rpartition("=")[2]
            self.book.catch_up(now)
            fault = self.book.next_fault(payout, "look_up")
            silent = self.book.script.get(payout, {}).get("silent")
            if silent and now - self.book.told_at.get(payout, now) < KEY_LIVES:
                fault = "503"
            found = [self._with_status(line, now) for line in self.book.lines if line["payout"] == payout]
        self._answer(fault, {"lines": found})

    def _with_status(self, line: dict[str, Any], now: datetime) -> dict[str, Any]:
        settled = datetime.fromisoformat(line["at"]) + SETTLES_AFTER <= now
        return {**line, "status": "settled" if settled else "accepted"}

    def _now(self) -> datetime:
        return datetime.fromisoformat(self.headers["X-Now"])

    def _answer(self, fault: str, good: dict[str, Any]) -> None:
        """Answer as well as the fault allows."""
        if fault in ("timeout_done", "timeout_not_done", "late", "key_forgotten"):
            time.sleep(SILENCE_S)
            self.close_connection = True
        elif fault in ("reset_before", "reset_after"):
            self._reset()
        elif fault == "half_body":
            self._half(good)
        elif fault in ("bad_json", "html_200"):
            self._text(200, '{"id": "re_1", ' if fault == "bad_json" else "<html>Please wait</html>")
        elif fault:
            retry = {"Retry-After": "30"} if fault == "429" else {}
            self._say(int(fault[:3]), {"error": fault}, **retry)
        else:
            self._say(200, good)

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def _half(self, good: dict[str, Any]) -> None:
        whole = json.dumps(good).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(whole)))
        self.end_headers()
        self.wfile.write(whole[: len(whole) // 2])
        self.close_connection = True

    def _say(self, status: int, content: dict[str, Any], **headers: str) -> None:
        self._text(status, json.dumps(content), **headers)

    def _text(self, status: int, text: str, **headers: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Be quiet."""


class Server(ThreadingHTTPServer):
    """A server that does not mind callers that die."""

    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], (OSError, ValueError)):
            super().handle_error(request, client_address)


if __name__ == "__main__":
    server = Server(("127.0.0.1", 0), Door)
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()
