"""
Nobody sets what is not theirs to set: every name that a column has is pushed into every body.

The bodies come from the table of operations, their schemas from the OpenAPI document, the names from the
models; so a new operation, a new object in a body and a new column are tried without anybody thinking of it.
"""

import json
from copy import deepcopy
from hashlib import sha256

import pytest
from django.apps import apps
from django.test import Client

from accounts.models import IdempotencyRecord
from refundportal.api.tests.caller import api_client, token_for
from refundportal.api.tests.document import document, operation_of
from refundportal.api.tests.operations import OPERATIONS
from refundportal.api.tests.test_matrix import ALL, ids, no_limits  # noqa: F401 - fixtures

ROOMS = ("accounts", "events", "contracts", "payments", "refunds")
WRITING = [operation for operation in OPERATIONS if operation.method in ("POST", "PATCH", "DELETE")]


def models():
    for room in ROOMS:
        yield from apps.get_app_config(room).get_models()


def column_names():
    """Every name under which a field of a model is known, in Python and in the database."""
    fields = [field for model in models() for field in model._meta.get_fields() if not field.auto_created]
    return sorted(
        {"id", "pk"}
        | {name for field in fields for name in (field.name, getattr(field, "attname", field.name))}
    )


def contents():
    """What all tables hold; kept answers apart, because a refusal is a stored answer too."""
    marks = {}
    for model in models():
        if model is not IdempotencyRecord:
            rows = sorted(map(repr, model._base_manager.values_list()))
            marks[model._meta.label] = sha256("\n".join(rows).encode()).hexdigest()
    return marks


def resolved(schema):
    """A schema without references; of a choice the one that is an object or a list."""
    while "$ref" in schema:
        schema = document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for choice in schema.get("oneOf", schema.get("anyOf", [])):
        if resolved(choice).get("type") in ("object", "array"):
            return resolved(choice)
    if len(schema.get("allOf", [])) == 1:
        return resolved(schema["allOf"][0])
    return schema


def objects_in(body, schema, place=()):
    """Every object of a body with its place and the names that the document knows there; maps apart."""
    schema = resolved(schema)
    if isinstance(body, dict) and "properties" in schema:
        yield place, body, set(schema["properties"])
        for name, value in body.items():
            yield from objects_in(value, schema["properties"].get(name, {}), (*place, name))
    elif isinstance(body, list):
        for index, value in enumerate(body):
            yield from objects_in(value, schema.get("items", {}), (*place, str(index)))


def schema_of(operation, address):
    content = operation_of(operation.method, address).get("requestBody", {}).get("content", {})
    return next(iter(content.values()))["schema"] if content else {"properties": {}}


def send(operation, address, body, token):
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": sha256(repr(body).encode()).hexdigest()}
    if operation.is_form:
        return Client().post(address, body, headers=headers)
    return Client().generic(
        operation.method, address, json.dumps(body), content_type="application/json", headers=headers
    )


@pytest.fixture
def everything(cast):
    """A system that may do whatever Rita may, for Alice's client."""
    return token_for(api_client(*ALL, staff_user=cast.rita, clients=[cast.client]))


def bodies_of(operation, address, ids):  # noqa: F811
    """The body of the table, and the one that the document gives as an example."""
    content = operation_of(operation.method, address).get("requestBody", {}).get("content", {})
    examples = [kind["example"] for kind in content.values() if "example" in kind and not operation.is_form]
    return [operation.content(ids), *examples]


@pytest.mark.parametrize("operation", WRITING, ids=lambda one: f"{one.method} {one.name}")
def test_no_column_can_be_set_that_the_document_does_not_name(cast, ids, everything, operation):  # noqa: F811
    names, before = column_names(), contents()
    address = operation.path(ids)
    schema = schema_of(operation, address)

    for given in bodies_of(operation, address, ids):
        for place in [place for place, _, _ in objects_in(given, schema)]:
            body = deepcopy(given)
            _, target, known = next(one for one in objects_in(body, schema) if one[0] == place)
            foreign = [name for name in names if name not in known]
            target.update(dict.fromkeys(foreign, "1"))
            answer = send(operation, address, body, everything)

            above = "".join(f"/{step}" for step in place)
            refused = {one.get("pointer") for one in answer.json().get("errors", [])}
            assert answer.status_code == 400, (place, answer.content)
            assert {f"{above}/{name}" for name in foreign} <= refused, place
    assert contents() == before


def places_tried(name, ids):  # noqa: F811
    operation = next(one for one in WRITING if (one.name, one.method) == (name, "POST"))
    address = operation.path(ids)
    return {
        place
        for body in bodies_of(operation, address, ids)
        for place, _, _ in objects_in(body, schema_of(operation, address))
    }


def test_the_names_and_the_places_are_really_found(cast, ids):  # noqa: F811
    assert {"approved_by_id", "reserved_minor", "client_id", "is_superuser", "state", "pk"} <= set(
        column_names()
    )
    assert {(), ("stages", "0"), ("stages", "1", "items", "0")} <= places_tried("api-contracts", ids)
    assert {(), ("payment",), ("work", "0", "items", "1")} <= places_tried("api-evaluate", ids)
    assert {(), ("records", "0")} <= places_tried("api-usage-records", ids)
