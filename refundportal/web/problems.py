"""Refusals told to machines: problem details (RFC 9457) with stable codes and a pointer to every fault."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpResponse

from kernel.errors import DomainError, Fault
from kernel.money import Money

CONTENT_TYPE: Final = "application/problem+json"
STATUS_BY_KIND: Final[Mapping[str, int]] = {
    "invalid": 400,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "refused": 422,
}
"""How a refusal is said in HTTP, by its kind."""

BAD_INPUT_TITLE: Final = "The input has faults."
_STATUS_BY_CODE: Final[Mapping[str, int]] = {"idempotency_key_reused": 422, "precondition_failed": 412}
_STANDARD: Final = frozenset({"type", "title", "status", "detail", "code", "errors"})
_STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One refusal; `errors` name each fault, `more` are further members, `headers` go with the answer."""

    status: int
    code: str
    title: str
    detail: str = ""
    errors: Sequence[Mapping[str, str]] = ()
    more: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Give the members of the answer (RFC 9457, section 3)."""
        members: dict[str, Any] = {
            "type": f"urn:refundportal:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail or self.title,
            "code": self.code,
        }
        if self.errors:
            members["errors"] = [dict(error) for error in self.errors]
        members.update({name: plain(value) for name, value in self.more.items() if name not in _STANDARD})
        return members


def problem_of(error: DomainError) -> Problem:
    """Say a refusal of the rules in HTTP."""
    more = dict(error.data)
    headers = {}
    if "retry_after" in more:
        headers["Retry-After"] = str(more.pop("retry_after"))
    return Problem(
        status=_STATUS_BY_CODE.get(error.code, STATUS_BY_KIND[error.kind]),
        code=error.code,
        title=str(error.title),
        detail=str(error.detail),
        errors=[fault_json(fault) for fault in error.faults],
        more=more,
        headers=headers,
    )


def problem_of_status(status: int) -> Problem:
    """Say a bare status in words, where nothing more is known."""
    phrase = HTTPStatus(status).phrase
    return Problem(status=status, code=re.sub(r"[^a-z]+", "_", phrase.lower()), title=f"{phrase}.")


def problem_response(problem: Problem) -> HttpResponse:
    """Make the answer, outside of the REST framework."""
    body = json.dumps(problem.as_json(), cls=DjangoJSONEncoder, ensure_ascii=False)
    return HttpResponse(body, status=problem.status, content_type=CONTENT_TYPE, headers=dict(problem.headers))


def fault_json(fault: Fault) -> dict[str, str]:
    """Say one fault of a body with its JSON pointer (RFC 6901)."""
    where = pointer(map(str, fault.steps)) if fault.steps else pointer_of(fault.path)
    return {"pointer": where, "detail": str(fault.message), "code": fault.code}


def pointer_of(path: str) -> str:
    """Write `work[0].items[1].weight` as `/work/0/items/1/weight`."""
    return pointer(match[1] or match[2] for match in _STEP.finditer(path))


def pointer(steps: Iterator[str] | Sequence[str]) -> str:
    """Write steps as a JSON pointer (RFC 6901); half a surrogate pair, which cannot be sent, becomes `?`."""
    text = "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)
    return text.encode("utf-8", "replace").decode()


def plain(value: Any) -> Any:
    """Turn a value of the domain into plain JSON; amounts become amount and currency."""
    if isinstance(value, Money):
        return {"amount": value.text, "currency": value.currency}
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return value if value is None or isinstance(value, bool | int | str) else str(value)
