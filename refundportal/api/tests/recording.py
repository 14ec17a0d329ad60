"""Calls that are written down, to be shown as examples in the OpenAPI document."""

import json
import re

from refundportal.api.tests.caller import Caller
from refundportal.api.tests.document import operation_of

_SECRET = re.compile(r"whsec_[A-Za-z0-9+/=]+")
NO_SECRET = "whsec_" + "c2VjcmV0" * 4


class Recording:
    """What was sent first to each operation, and answered first in each schema."""

    def __init__(self):
        self.requests, self.answers, self.operations = {}, {}, set()

    def note(self, method, path, body, answer):
        operation = operation_of(method, path)
        if answer.status_code >= 300 or operation is None:
            return
        name = operation["operationId"]
        self.operations.add(name)
        if body:
            self.requests.setdefault(name, body)
        content = operation["responses"][str(answer.status_code)].get("content", {})
        for kind, described in content.items():
            schema = described["schema"].get("$ref", "").rpartition("/")[2]
            if schema and kind == "application/json":
                self.answers.setdefault(schema, json.loads(_SECRET.sub(NO_SECRET, answer.content.decode())))

    def caller(self, *scopes, **options):
        """A caller whose calls are written down."""
        return _Recorded(self.note, *scopes, **options)

    def as_json(self):
        return {"requests": self.requests, "answers": self.answers}


class _Recorded(Caller):
    def __init__(self, note, *scopes, **options):
        super().__init__(*scopes, **options)
        self._note = note
        self._sent = None

    def _send(self, method, path, body, headers):
        self._sent = json.loads(body)
        return super()._send(method, path, body, headers)

    def upload(self, path, fields, *, key=None):
        self._sent = {name: getattr(value, "name", value) for name, value in fields.items()}
        return super().upload(path, fields, key=key)

    def _checked(self, method, path, answer):
        answer = super()._checked(method, path, answer)
        sent, self._sent = self._sent, None
        self._note(method, f"/api/v1/{path.partition('?')[0]}", sent, answer)
        return answer


def same_shape(one, other):
    """Whether two examples have the same fields, looking into lists at their first elements."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_shape(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return not one or not other or same_shape(one[0], other[0])
    return one is None or other is None or type(one) is type(other)
