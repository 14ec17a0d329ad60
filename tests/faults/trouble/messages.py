"""The provider tells ten thousand things a minute: each message is kept at once and worked off later."""

import hashlib
import hmac
import json
import statistics
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Lock
from typing import Any, Final

import httpx

from tests import served
from tests.faults.bells import a_provider
from tests.faults.running import Run, Told

PER_MINUTE: Final = 10_000
SENDERS: Final = 8
AGAIN_ONE_IN: Final = 10
KEY, SECRET = "rk_test_0123456789", "whsec_0123456789abcdef0123456789abcdef"


def messages_section(run: Run) -> Told:
    """Tell a served portal as much as comes on the worst day; tell how long each took to be kept."""
    with a_provider() as origin:
        variables = {
            **run.databases.copy("messages"),
            "FAKE_STRIPE": origin,
            "PAYOUT_RAILS": "stripe,manual",
            "STRIPE_API_KEY": KEY,
            "STRIPE_API_BASE": origin,
            "STRIPE_WEBHOOK_SECRETS": SECRET,
            "STRIPE_LIVEMODE": "no",
        }
        with served.serve(variables) as portal:
            told = _tell(portal.url, run.options.told_for_s)
        kept = run.step("trouble.worked_off", variables)
    took = sorted(told["took_ms"])
    asked = f"{PER_MINUTE * run.options.told_for_s // 60} in {run.options.told_for_s} seconds"
    text = (
        f"{len(took)} signed messages to the served portal (gunicorn, two processes), meant to be {asked}: "
        f"they took {told['seconds']:.0f} seconds, {len(took) / told['seconds'] * 60:.0f} a minute; one in "
        f"{AGAIN_ONE_IN} came twice. Kept within {statistics.median(took):.0f} ms (half of them), "
        f"{took[int(len(took) * 0.95)]:.0f} ms (95 %), {took[-1]:.0f} ms (all). Answers other than 200: "
        f"**{told['refused']}**; kept of {told['different']} different ones: **{kept['kept']}**. Worked off "
        f"afterwards by one worker: {kept['worked']} in {kept['seconds']:.0f} seconds; left: {kept['left']}."
    )
    wanted = {
        "each was answered with 200": told["refused"] == 0,
        "each was kept once": kept["kept"] == told["different"],
        "each was worked off": kept["left"] == 0 and kept["worked"] == kept["kept"],
    }
    faults = [f"not so: {name}" for name, holds in wanted.items() if not holds] + kept["wrong"]
    return "\n".join([text, "", *(f"- {fault}" for fault in faults)]).strip(), faults


def _tell(url: str, seconds: int) -> dict[str, Any]:
    """Send at an even pace, by as many senders as it takes."""
    numbers, lock, took, answers = count(), Lock(), [], Counter[int]()
    total, pause = PER_MINUTE * seconds // 60, 60 / PER_MINUTE
    began = time.monotonic()

    def send() -> None:
        with httpx.Client(timeout=30) as client:
            while (number := next(numbers)) < total:
                time.sleep(max(0.0, began + number * pause - time.monotonic()))
                body = _event(number - (number % AGAIN_ONE_IN == 1))
                started = time.monotonic()
                answer = client.post(f"{url}/webhooks/stripe/", content=body, headers=_signed(body))
                with lock:
                    took.append((time.monotonic() - started) * 1000)
                    answers[answer.status_code] += 1

    with ThreadPoolExecutor(SENDERS) as pool:
        for sender in [pool.submit(send) for _ in range(SENDERS)]:
            sender.result()
    return {
        "took_ms": took,
        "seconds": time.monotonic() - began,
        "refused": total - answers[200],
        "different": len({number - (number % AGAIN_ONE_IN == 1) for number in range(total)}),
    }


def _event(number: int) -> bytes:
    """Write an event: one in ten is about a payment, the others about what is not the portal's business."""
    kind, thing = (
        ("customer.updated", "customer") if number % 10 else ("payment_intent.created", "payment_intent")
    )
    event = {
        "id": f"evt_{number:08d}",
        "object": "event",
        "created": int(time.time()),
        "livemode": False,
        "type": kind,
        "data": {"object": {"object": thing, "id": f"xx_{number}", "padding": "x" * 2000}},
    }
    return json.dumps(event).encode()


def _signed(body: bytes) -> dict[str, str]:
    at = int(time.time())
    proof = hmac.new(SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Stripe-Signature": f"t={at},v1={proof}", "Content-Type": "application/json"}
