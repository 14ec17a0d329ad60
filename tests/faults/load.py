"""
Careful callers: they call under an idempotency key, and again under the same key until they have an answer.

Each answer that says "done" is noted with the id it gave; afterwards the database must know every one.
"""

import random
import threading
import time
from collections import Counter
from itertools import count
from typing import Any

import httpx

CALLERS = 4
CALL_LIMIT_S = 30
PATIENCE_S = 240
_AGAIN = (409, 429, 500, 502, 503, 504)


class Load:
    """Callers in threads: they approve, announce payments and report usage until told to stop."""

    def __init__(self, url: str, ground: dict[str, Any], rng: random.Random) -> None:
        self._url, self._ground, self._rng = url, ground, rng
        self._to_approve = list(ground["requests"])
        self._numbers = count()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(CALLERS)]
        self.told: list[dict[str, str]] = []
        self.answers: Counter[str] = Counter()
        self.wrong: list[str] = []

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let every caller end with an answer to its last call."""
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE_S + CALL_LIMIT_S)
            if thread.is_alive():
                self.wrong.append("a caller never got an answer")

    def wait_for(self, acknowledged: int, limit_s: float = PATIENCE_S) -> None:
        """Wait until so many more calls were acknowledged."""
        until, end = len(self.told) + acknowledged, time.monotonic() + limit_s
        while len(self.told) < until and not self.wrong:
            if time.monotonic() > end:
                raise RuntimeError(f"no {acknowledged} calls in {limit_s} s: {dict(self.answers)}")
            time.sleep(0.02)

    def _work(self) -> None:
        with httpx.Client(base_url=f"{self._url}/api/v1/", timeout=CALL_LIMIT_S) as client:
            client.headers["Authorization"] = f"Bearer {self._ground['token']}"
            while not self._stop.is_set() or self._to_approve:
                self._call_until_answered(client, *self._next())

    def _next(self) -> tuple[str, str, str, dict[str, Any]]:
        """Give the kind of the next call, its name, its address and its body."""
        with self._lock:
            number, choice = next(self._numbers), self._rng.random()
            if self._to_approve and (choice < 0.4 or self._stop.is_set()):
                request = self._to_approve.pop()
                return "approve", request, f"refund-requests/{request}/approve/", {}
        name = f"load-{number}"
        if choice < 0.7:
            amount = {"amount": "0.01", "currency": "EUR"}
            body = {"stage": self._ground["stage"], "amount": amount, "method": "bank", "reference": name}
            return "pay", name, "payments/", body
        record = {
            "source": "load",
            "external_id": name,
            "contract": self._ground["contract"],
            "meter": "api_calls",
            "quantity": "1",
            "occurred_at": "2026-01-01T00:00:00Z",
        }
        return "use", name, "usage-records/", {"records": [record]}

    def _call_until_answered(
        self, client: httpx.Client, kind: str, name: str, path: str, body: dict[str, Any]
    ) -> None:
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            try:
                answer = client.post(path, json=body, headers={"Idempotency-Key": name})
            except httpx.TransportError as error:
                self._note(type(error).__name__)
                time.sleep(0.1)
                continue
            self._note(str(answer.status_code))
            if answer.is_success:
                replayed = "idempotent-replayed" in answer.headers
                self._note("replayed" if replayed else "")
                found = name if kind == "use" else answer.json()["id"]
                with self._lock:
                    self.told.append({"kind": kind, "key": name, "id": found})
                return
            if answer.status_code not in _AGAIN or answer.json().get("code") == "state_conflict":
                self.wrong.append(f"{kind}: {answer.status_code} {answer.text[:300]}")
                return
            time.sleep(0.1)
        self.wrong.append(f"{kind}: no answer in {PATIENCE_S} s")

    def _note(self, what: str) -> None:
        if what:
            with self._lock:
                self.answers[what] += 1
