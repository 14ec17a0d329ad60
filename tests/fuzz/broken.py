"""A portal with a fault planted in it, to see that the fuzzer finds faults."""

from collections.abc import Callable, Iterable
from typing import Any

from tests.fuzz import portal

FAULTY = {"/api/v1/policy/": "500 Internal Server Error", "/api/v1/clients/": "200 OK"}


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Fail at one address; answer at another what the document does not foresee."""
    status = FAULTY.get(environ["PATH_INFO"])
    if status is None:
        answer: Iterable[bytes] = portal.application(environ, start_response)
        return answer
    start_response(status, [("Content-Type", "application/json")])
    return [b"{}"]
