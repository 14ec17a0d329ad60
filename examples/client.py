"""
The whole job of another system, in one file: from a contract to money that came back.

    python examples/client.py

It needs httpx and, in the environment, the portal's address and credentials (staff make them under
“API clients”; `make run` prints those of the demonstration):

    BASE_URL                        http://localhost:8000
    CLIENT_ID, CLIENT_SECRET        a system with every scope that counts as a reviewer
    APPROVER_ID, APPROVER_SECRET    optional: a system that counts as an approver (API_APPROVAL=yes); without
                                    it somebody approves in the staff pages while this waits

For webhooks to come here the portal must be allowed to call this machine:
WEBHOOK_NETWORKS=127.0.0.0/8 make run
"""

import base64
import hashlib
import hmac
import json
import os
import queue
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

import httpx

TRIES_MAX = 8
TOLERANCE_S = 300
PAYOUT_WITHIN_S = 900
ENDS = ["payout.settled", "payout.failed", "payout.returned", "payout.manual"]
STAGE = {
    "code": "S1",
    "title": "Order desk",
    "kind": "work",
    "amount": "1000.00",
    "items": [
        {"code": "AC-1", "statement": "An order is saved.", "weight": "5"},
        {"code": "AC-2", "statement": "An order is printed.", "weight": "3"},
    ],
}
METER = {"code": "api_calls", "title": "API calls", "kind": "metered", "price": "0.0125"}


class Refused(Exception):
    """The portal said no: problem details (RFC 9457); `problem["code"]` is stable."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(
            f"{status} {problem.get('code')}: {problem.get('detail')} {problem.get('errors', '')}"
        )
        self.status, self.problem = status, problem


class System:
    """A system with its token. A call whose answer was lost is made again: one key, one effect."""

    def __init__(self, base: str, client_id: str, client_secret: str) -> None:
        self._http = httpx.Client(base_url=base, timeout=30)
        self._credentials = {"client_id": client_id, "client_secret": client_secret}
        self._token, self._token_until = "", 0.0

    def get(self, path: str, **query: str) -> Any:
        return self._call("GET", path, params=query)

    def post(self, path: str, body: Any = None, *, key: str = "") -> Any:
        """Post; `key` names the act, so that the same act sent again is answered and not done again."""
        return self._call("POST", path, json=body or {}, headers={"Idempotency-Key": key or uuid4().hex})

    def delete(self, path: str) -> Any:
        return self._call("DELETE", path)

    def _call(self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **given: Any) -> Any:
        for tries in range(1, TRIES_MAX + 1):
            wait_s = min(2**tries, 30)
            try:
                marks = {"Authorization": f"Bearer {self._bearer()}", **(headers or {})}
                answer = self._http.request(method, f"/api/v1/{path}", headers=marks, **given)
            except httpx.TransportError:
                if tries == TRIES_MAX:
                    raise
            else:
                if answer.is_success:
                    return answer.json() if answer.content else None
                problem = _problem_of(answer)
                if tries == TRIES_MAX or not _is_worth_another_try(answer.status_code, problem):
                    raise Refused(answer.status_code, problem)
                wait_s = int(answer.headers.get("Retry-After", wait_s))
            time.sleep(wait_s)
        raise AssertionError("the last try returns or raises")

    def _bearer(self) -> str:
        """Give a token that lasts for another minute at least."""
        if time.monotonic() > self._token_until - 60:
            form = {"grant_type": "client_credentials", **self._credentials}
            answer = self._http.post("/identity/o/api/token", data=form)
            if not answer.is_success:
                raise Refused(answer.status_code, answer.json())
            granted = answer.json()
            self._token, self._token_until = (
                granted["access_token"],
                time.monotonic() + granted["expires_in"],
            )
        return self._token


def _problem_of(answer: httpx.Response) -> Mapping[str, Any]:
    is_problem = answer.headers.get("Content-Type", "").startswith("application/problem+json")
    return answer.json() if is_problem else {"code": "no_problem_document", "detail": answer.text[:200]}


def _is_worth_another_try(status: int, problem: Mapping[str, Any]) -> bool:
    """Too much, busy, a gateway that gave up, or the first call under this key still running."""
    return status in (429, 502, 503, 504) or problem.get("code") == "idempotency_key_in_use"


def verify(secret: str, headers: Mapping[str, str], body: bytes, *, now: float) -> bool:
    """
    Check a message by the rules of Standard Webhooks.

    HMAC-SHA-256 over `id.timestamp.body` with the key that follows `whsec_` in base64; one of the signatures
    fits (there are two while the secret is changed), and the message is at most five minutes old.
    """
    try:
        sent_at = int(headers["webhook-timestamp"])
        signed = b".".join([headers["webhook-id"].encode(), str(sent_at).encode(), body])
        offered = headers["webhook-signature"].split()
    except (KeyError, ValueError):
        return False
    if abs(now - sent_at) > TOLERANCE_S:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    fitting = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(fitting.encode(), one.encode()) for one in offered)


class Inbox:
    """Receives webhooks: checks the signature, drops what it has seen, answers at once, is read later."""

    def __init__(self) -> None:
        self.secret = ""
        self._seen: set[str] = set()
        self._events: queue.Queue[dict[str, Any]] = queue.Queue()

    def take(self, headers: Mapping[str, str], body: bytes) -> int:
        """Give the status to answer with."""
        if not self.secret or not verify(self.secret, headers, body, now=time.time()):
            return 401
        if headers["webhook-id"] not in self._seen:
            self._seen.add(headers["webhook-id"])
            self._events.put(json.loads(body)["data"])
        return 204

    def wait_for(self, **data: str) -> dict[str, Any]:
        """
        Wait for an event whose data say this.

        :raises TimeoutError: none came
        """
        end = time.monotonic() + PAYOUT_WITHIN_S
        while (left := end - time.monotonic()) > 0:
            try:
                event = self._events.get(timeout=left)
            except queue.Empty:
                break
            if data.items() <= event["data"].items():
                return event
        raise TimeoutError(f"nothing was heard of {data} within {PAYOUT_WITHIN_S} s")


@contextmanager
def listening(inbox: Inbox) -> Iterator[str]:
    """Receive webhooks on a free port of this machine; give the address."""

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(inbox.take({name.lower(): text for name, text in self.headers.items()}, body))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing of each call."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def agree(erp: System, order: str) -> tuple[str, str]:
    """Enter a client, write and sign a contract, deliver its stage; give contract and stage."""
    client = erp.post(
        "clients/", {"kind": "business", "name": f"Customer {order}", "email": "it@example.com"}
    )
    terms = {"client": client["id"], "title": "Order desk", "currency": "EUR", "reference": order}
    contract = erp.post("contracts/", {**terms, "stages": [STAGE], "meters": [METER]})
    erp.post(f"contracts/{contract['id']}/sign/")
    stage = contract["stages"][0]["id"]
    erp.post(f"stages/{stage}/start/")
    erp.post(f"stages/{stage}/deliver/", {"note": "Version 1.0"})
    say(f"{contract['number']} signed and delivered")
    return contract["id"], stage


def pay(erp: System, stage: str, order: str) -> str:
    """Record the money and its arrival; the refund window runs from now on."""
    amount = {"amount": "1000.00", "currency": "EUR"}
    payment = erp.post(
        "payments/", {"stage": stage, "amount": amount, "method": "bank"}, key=f"{order}:payment"
    )
    payment = erp.post(f"payments/{payment['id']}/capture/", key=f"{order}:capture")
    say(f"{payment['number']} captured; a refund may be applied for until {payment['deadline_local']}")
    return str(payment["id"])


def use(erp: System, contract: str, order: str) -> None:
    """Report usage; each record counts once per source and external id, however often it is sent."""
    record = {"source": "gateway", "external_id": order, "contract": contract, "meter": "api_calls"}
    record |= {"stage": "S1", "quantity": "2000", "occurred_at": datetime.now(UTC).isoformat()}
    counts = [erp.post("usage-records/", {"records": [record]}) for _ in range(2)]
    say(f"2000 calls reported twice, counted once: {counts}")


def apply(erp: System, payment: str, order: str) -> str:
    """Ask what a refund would be, and apply for just that answer."""
    quote = erp.get(f"payments/{payment}/refund-quote/")
    say(f"the quote: {quote['outcome']}, at most {quote.get('refund_at_most', quote['refund'])} EUR")
    application = {
        "payment": payment,
        "reason": "not_as_agreed",
        "statement": "Orders cannot be printed.",
        "expected_fingerprint": quote["facts_fingerprint"],
    }
    request = erp.post("refund-requests/", application, key=f"{order}:application")
    say(f"{request['number']} received")
    return str(request["id"])


def review(reviewer: System, request: str, stage: str, order: str) -> None:
    """Establish what works and what does not; the policy says what follows."""
    reviewer.post(f"refund-requests/{request}/start-review/", key=f"{order}:review")
    found = {"request": request, "values": {"AC-1": "1", "AC-2": "0"}, "reason": "Tested, item by item"}
    reviewer.post(f"stages/{stage}/assessments/", found)
    proposed = reviewer.post(f"refund-requests/{request}/propose/", key=f"{order}:proposal")
    say(f"proposed: {proposed['answer']['outcome']}, {proposed['answer']['refund']} EUR")


def main() -> None:
    base = os.environ.get("BASE_URL", "http://localhost:8000")
    erp = System(base, os.environ["CLIENT_ID"], os.environ["CLIENT_SECRET"])
    order, inbox = f"order-{uuid4().hex[:12]}", Inbox()
    with listening(inbox) as address:
        endpoint = erp.post("webhook-endpoints/", {"url": address, "types": ENDS})
        inbox.secret = endpoint["secret"]
        try:
            contract, stage = agree(erp, order)
            payment = pay(erp, stage, order)
            use(erp, contract, order)
            request = apply(erp, payment, order)
            review(erp, request, stage, order)
            if approver_id := os.environ.get("APPROVER_ID"):
                approver = System(base, approver_id, os.environ["APPROVER_SECRET"])
                approver.post(f"refund-requests/{request}/approve/", key=f"{order}:approval")
            else:
                say(f"waiting for an approval: {base}/admin/refunds/refundrequest/{request}/change/")
            event = inbox.wait_for(request=request)
        finally:
            erp.delete(f"webhook-endpoints/{endpoint['id']}/")
    decision = erp.get(f"refund-requests/{request}/decision/")
    for line in decision["answer"]["lines"]:
        say(f"kept {line['amount']} EUR: {line['kind']}")
    say(f"{event['type']}: {event['data']['amount']} {event['data']['currency']} of payment {payment}")
    if event["type"] != "payout.settled":
        sys.exit(1)


if __name__ == "__main__":
    main()
