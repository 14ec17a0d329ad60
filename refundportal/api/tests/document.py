"""The OpenAPI document, held against what is really answered."""

import re
from functools import lru_cache

from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator


@lru_cache(maxsize=1)
def document():
    """The document as the running code gives it."""
    return SchemaGenerator(urlconf="refundportal.api.tests.urls").get_schema(request=None, public=True)


@lru_cache(maxsize=1)
def _operations():
    return [
        (
            re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path)),
            {name.upper(): item for name, item in methods.items()},
        )
        for path, methods in document()["paths"].items()
    ]


def operation_of(method, path):
    """What the document says of an operation, its refusals written out; None if it does not know it."""
    for pattern, methods in _operations():
        if pattern.fullmatch(path) and method in methods:
            return methods[method]
    return None


def check_answer(method, path, answer):
    """Fail unless the document foresees this status, this content type and this body."""
    operation = operation_of(method, path)
    if operation is None:
        return
    status = str(answer.status_code)
    assert status in operation["responses"], f"{method} {path} answers {status}, which is not documented"
    content = _resolved(operation["responses"][status]).get("content", {})
    kind = answer["Content-Type"].split(";")[0]
    assert kind in content, f"{method} {path} answers {kind}, documented is {sorted(content)}"
    if kind.endswith("json"):
        faults = faults_of(content[kind]["schema"], answer.json())
        assert not faults, faults


def _resolved(response):
    name = response.get("$ref", "").rpartition("/")[2]
    return document()["components"]["responses"][name] if name else response


def faults_of(schema, body):
    """What is wrong with a body by a schema of the document."""
    whole = {**schema, "components": document()["components"]}
    return [f"{error.json_path}: {error.message}" for error in Draft202012Validator(whole).iter_errors(body)]
