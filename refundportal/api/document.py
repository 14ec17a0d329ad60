"""The rest of the OpenAPI document: what all operations share stands once, with examples and links."""

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from accounts.scopes import SCOPES
from refundportal.api.links import links_of
from refundportal.web.problems import CONTENT_TYPE, Problem

TOKEN_URL: Final = "/identity/o/api/token"  # noqa: S105 - an address
EXAMPLES: Final = Path(__file__).with_name("examples.json")
"""Recorded from real calls by refundportal/api/tests/test_examples.py."""

_WAIT: Final = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
_CHALLENGE: Final = {
    "WWW-Authenticate": {"description": "How to sign in (RFC 6750).", "schema": {"type": "string"}}
}
REFUSALS: Final[Mapping[int, tuple[str, Mapping[str, Any]]]] = {
    400: ("Malformed input, with every fault.", {}),
    401: ("No token, or one that is not valid (any more).", _CHALLENGE),
    403: ("Not allowed.", {}),
    404: ("There is no such object for this caller.", {}),
    409: ("In conflict with the present state.", {}),
    412: ("`If-Match` names another version.", {}),
    413: ("The body is too large.", {}),
    415: ("Another content type than the documented one.", {}),
    422: ("Refused by a rule.", {}),
    429: ("Too many calls; `Retry-After` says when.", _WAIT),
    503: ("Busy; try again after `Retry-After`.", _WAIT),
}
_FAULTS: Final = [
    {"pointer": "/amount/currency", "detail": "A text is needed here.", "code": "required"},
    {"pointer": "/approved_by", "detail": "There is no such field.", "code": "unknown_field"},
]
_SAID: Final[Mapping[int, Problem]] = {
    400: Problem(status=400, code="invalid_input", title="The input has faults.", errors=_FAULTS),
    401: Problem(
        status=401,
        code="invalid_token",
        title="Unauthorized.",
        detail="The token is not valid, or no longer.",
    ),
    403: Problem(
        status=403,
        code="insufficient_scope",
        title="Forbidden.",
        detail="This needs the scope refunds:write.",
    ),
    404: Problem(status=404, code="not_found", title="There is no such object."),
    409: Problem(status=409, code="state_conflict", title="The state has changed in the meantime."),
    412: Problem(status=412, code="precondition_failed", title="The resource has changed since you read it."),
    413: Problem(
        status=413,
        code="body_too_large",
        title="Content Too Large.",
        detail="The body is larger than allowed here.",
    ),
    415: Problem(
        status=415,
        code="unsupported_media_type",
        title="Unsupported Media Type.",
        detail='Unsupported media type "text/plain" in request.',
    ),
    422: Problem(
        status=422,
        code="idempotency_key_reused",
        title="This idempotency key belongs to another call.",
    ),
    429: Problem(
        status=429,
        code="throttled",
        title="Too Many Requests.",
        detail="Request was throttled. Expected available in 30 seconds.",
    ),
    503: Problem(
        status=503,
        code="busy",
        title="Somebody else is working on the same thing. Please try again.",
    ),
}


def refusal(status: int) -> dict[str, str]:
    """Refer to a refusal that every operation words alike."""
    return {"$ref": f"#/components/responses/Refusal{status}"}


def complete(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add security, refusals, examples and links (a post-processing hook of drf-spectacular)."""
    components = result["components"]
    _refuse_unknown(components["schemas"])
    components["securitySchemes"] = {"oauth2": security()}
    components["responses"] = {f"Refusal{status}": _response(status) for status in REFUSALS}
    components["examples"] = {name: {"value": value} for name, value in _examples()["answers"].items()}
    for operation in _operations(result):
        _add_examples(operation)
        for status, response in operation["responses"].items():
            if status.startswith("2"):
                _describe_success(response, status, operation)
    return result


def _refuse_unknown(schemas: Mapping[str, dict[str, Any]]) -> None:
    """No body takes a field that is not described."""
    for name, schema in schemas.items():
        if name.endswith("Request") and schema.get("type") == "object":
            schema["additionalProperties"] = False


def security() -> dict[str, Any]:
    """Say how a system signs in."""
    flow = {"tokenUrl": TOKEN_URL, "scopes": dict(SCOPES)}
    words = "Client credentials; the token (one hour) goes into the header `Authorization: Bearer`."
    return {"type": "oauth2", "description": words, "flows": {"clientCredentials": flow}}


def _response(status: int) -> dict[str, Any]:
    description, headers = REFUSALS[status]
    content = {"schema": {"$ref": "#/components/schemas/ProblemBody"}, "example": _SAID[status].as_json()}
    response: dict[str, Any] = {"description": description, "content": {CONTENT_TYPE: content}}
    return response | ({"headers": dict(headers)} if headers else {})


@lru_cache(maxsize=1)
def _examples() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads(EXAMPLES.read_text())
    return found


def _operations(result: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for methods in result["paths"].values():
        yield from methods.values()


def _add_examples(operation: dict[str, Any]) -> None:
    """Show what is sent; what is answered is shown once for every schema."""
    body = _examples()["requests"].get(operation["operationId"])
    for content in operation.get("requestBody", {}).get("content", {}).values():
        if body is not None:
            content["example"] = body


def _describe_success(response: dict[str, Any], status: str, operation: Mapping[str, Any]) -> None:
    response["description"] = response.get("description") or "Done."
    for content in response.get("content", {}).values():
        name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
        if name in _examples()["answers"]:
            content["examples"] = {"recorded": {"$ref": f"#/components/examples/{name}"}}
    if links := links_of(operation["operationId"]):
        response["links"] = links
