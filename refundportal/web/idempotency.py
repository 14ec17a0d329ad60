"""The header `Idempotency-Key`: the same call again gets the first answer again."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial, wraps
from typing import Any, Final

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.idempotency import StoredAnswer, run_once
from accounts.principals import Principal
from kernel.errors import DomainError, InvalidInput

_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
_KEPT_HEADERS: Final = ("Content-Type", "ETag", "Location", "Retry-After")


class IdempotencyKeyMissing(InvalidInput):
    """A call that moves money or opens a case must be safe to repeat."""

    code = "idempotency_key_missing"
    title = "This call needs the header Idempotency-Key, so that it can safely be repeated."


class InvalidIdempotencyKey(InvalidInput):
    """A key that is no key."""

    code = "idempotency_key_invalid"
    title = "An Idempotency-Key has 1 to 255 visible ASCII characters."


def idempotent(handler: Callable[..., Response]) -> Callable[..., HttpResponse]:
    """Require the key on a view's method and answer a call once: a repetition gets the stored bytes."""

    @wraps(handler)
    def answer_once(view: Any, request: Request, **kwargs: Any) -> HttpResponse:
        key = key_of(request.headers)
        fingerprint = fingerprint_of(request)
        answer = run_once(
            principal=principal_name(view.principal),
            key=key,
            fingerprint=fingerprint,
            work=partial(_work, view, handler, request, **kwargs),
            refusal=partial(_refusal, view),
            now=view.now,
        )
        response = HttpResponse(answer.body, status=answer.status, headers=dict(answer.headers))
        if answer.replayed:
            response.headers["Idempotent-Replayed"] = "true"
        return response

    answer_once.idempotent = True  # type: ignore[attr-defined]
    return answer_once


def key_of(headers: Mapping[str, str]) -> str:
    """
    Take the key from the headers.

    :raises IdempotencyKeyMissing: there is none
    :raises InvalidIdempotencyKey: not 1 to 255 visible ASCII characters
    """
    key = headers.get("Idempotency-Key")
    if key is None or key == "":
        raise IdempotencyKeyMissing()
    if _KEY.fullmatch(key) is None:
        raise InvalidIdempotencyKey()
    return key


def principal_name(principal: Principal) -> str:
    """Name the caller to whom keys belong: two callers may use the same key."""
    actor = principal.actor
    return f"{actor.kind}:{actor.id}"


def fingerprint_of(request: Request) -> str:
    """
    Hash method, address and body in canonical form: the order of fields and white space do not matter.

    A number with a point is marked by NUL, which no text of a body holds: 1.5 and "1.5" are two bodies.
    """
    canonical = json.dumps(
        [request.method, request.path, _canonical(request)],
        sort_keys=True,
        separators=(",", ":"),
        default=lambda number: f"\x00{number}",
    )
    return hashlib.sha256(canonical.encode()).hexdigest()


def _canonical(request: Request) -> Any:
    files: Mapping[str, Any] = getattr(request, "FILES", {})
    if not files:
        return request.data
    form: Any = request.data
    return {
        "fields": {name: value for name, value in form.items() if name not in files},
        "files": {name: list(_file_marks(file)) for name, file in files.items()},
    }


def _file_marks(file: UploadedFile) -> Iterator[str]:
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    yield from (str(file.name), digest.hexdigest())


def _work(view: APIView, handler: Callable[..., Response], request: Request, **kwargs: Any) -> StoredAnswer:
    """A malformed body is an answer too; it is found before anything is done. May be called again."""
    for file in request.FILES.values():
        file.seek(0)
    try:
        response = handler(view, request, **kwargs)
    except ValidationError as error:
        response = view.handle_exception(error)
    return _stored(view, response)


def _refusal(view: APIView, error: DomainError) -> StoredAnswer:
    return _stored(view, view.handle_exception(error))


def _stored(view: Any, response: Response) -> StoredAnswer:
    """Render an answer now, so that its bytes can be kept."""
    view.finalize_response(view.request, response, *view.args, **view.kwargs).render()
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    return StoredAnswer(status=response.status_code, headers=headers, body=response.content)
