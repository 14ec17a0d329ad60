"""
What schemathesis calls back: three of four made-up values become ones that exist; every call is counted.

Which value is taken depends on the made-up value alone, so that a seed gives the same calls again.
"""

import json
import os
import random
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import schemathesis

KNOWN: dict[str, list[str]] = json.loads(Path(os.environ["FUZZ_IDS"]).read_text())
CALLS = Path(os.environ["FUZZ_CALLS"])
# gunicorn itself refuses an address of more than 4094 bytes (414): what is to be tried is the portal.
QUERY_MAX = 3000
_lock = threading.Lock()


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Let most calls be about something that is there."""
    headers = case.headers or {}
    if random.Random(str(headers.get("Idempotency-Key"))).random() < 0.9 and "Idempotency-Key" in headers:
        headers["Idempotency-Key"] = uuid4().hex
    _make_known(case.path_parameters)
    _make_known(case.query)
    _make_known(case.body)
    if case.query and len(urlencode(case.query, doseq=True, errors="replace")) > QUERY_MAX:
        case.query.clear()


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    """Write down one line for each call."""
    line = {
        "operation": case.operation.label,
        "status": response.status_code,
        "refusal": _refusal_in(response),
    }
    if response.status_code >= 500:
        line["address"] = case.formatted_path
        line["body"] = repr(case.body)[:2000]
        line["query"] = repr(case.query)[:500]
    with _lock, CALLS.open("a") as file:
        file.write(json.dumps(line) + "\n")


def _refusal_in(response: Any) -> str:
    """The code of a refusal, and the places of its faults."""
    if response.status_code < 400 or b"{" not in response.content[:1]:
        return ""
    body = response.json()
    places = {fault.get("pointer", fault.get("parameter", "")) for fault in body.get("errors", [])}
    return " ".join([str(body.get("code", "")), *sorted(places)])


def _make_known(node: Any) -> None:
    """Put known values into three of four places that have a known name, at any depth."""
    if isinstance(node, list):
        for item in node:
            _make_known(item)
    if not isinstance(node, dict):
        return
    for name, value in node.items():
        known = [one for one in KNOWN.get(name, ()) if type(one) is type(value)]
        if known and value not in known:
            choice = random.Random(f"{name} {value!r}")
            if choice.random() < 0.75:
                node[name] = choice.choice(known)
        else:
            _make_known(value)
