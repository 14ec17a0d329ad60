"""Versions of resources: the ETag is a hash of what is shown, so it changes exactly when that changes."""

import hashlib
import json
import re
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from kernel.errors import InvalidInput, StaleState

_TAGS = re.compile(r'\s*(?:W/)?"[\x21\x23-\x7e]*"\s*(?:,\s*(?:W/)?"[\x21\x23-\x7e]*"\s*)*')
_TAG = re.compile(r'(W/)?("[\x21\x23-\x7e]*")')


class PreconditionFailed(StaleState):
    """The resource is no longer the one the caller has seen (`If-Match`)."""

    code = "precondition_failed"
    title = "The resource has changed since you read it."


class InvalidEntityTag(InvalidInput):
    """An `If-Match` that is neither `*` nor a list of entity tags (RFC 9110, section 8.8.3)."""

    code = "invalid_if_match"
    title = "If-Match must be * or a list of entity tags."


def etag_of(shown: Any) -> str:
    """Make the strong entity tag of a representation (anything that becomes JSON)."""
    canonical = json.dumps(shown, sort_keys=True, separators=(",", ":"), cls=DjangoJSONEncoder)
    return f'"{hashlib.sha256(canonical.encode()).hexdigest()[:32]}"'


def require_match(if_match: str, etag: str) -> None:
    """
    Compare the header `If-Match` with the present tag; weak tags never match (RFC 9110, section 13.1.1).

    :raises InvalidEntityTag: the header is malformed
    :raises PreconditionFailed: none of its tags is the present one
    """
    if if_match.strip() == "*":
        return
    if _TAGS.fullmatch(if_match) is None:
        raise InvalidEntityTag()
    if not any(tag == etag and not weak for weak, tag in _TAG.findall(if_match)):
        raise PreconditionFailed(etag=etag)
