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


def check_answer(method, path, answer):
    """Fail unless the document foresees this status, this content type and this body."""
    for pattern, methods in _operations():
        if pattern.fullmatch(path) and method in methods:
            responses = methods[method]["responses"]
            status = str(answer.status_code)
            assert status in responses, f"{method} {path} answers {status}, which is not documented"
            content = responses[status].get("content", {})
            kind = answer["Content-Type"].split(";")[0]
            assert kind in content, f"{method} {path} answers {kind}, documented is {sorted(content)}"
            if kind.endswith("json"):
                _check_body(content[kind]["schema"], answer.json())
            return


def _check_body(schema, body):
    whole = {**schema, "components": document()["components"]}
    faults = [
        f"{error.json_path}: {error.message}" for error in Draft202012Validator(whole).iter_errors(body)
    ]
    assert not faults, faults
