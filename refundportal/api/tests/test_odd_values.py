"""Any value at any place of any body or query gives an answer that the document foresees, never a 500."""

import copy
import json
from uuid import uuid4

import pytest
from django.test import Client

from contracts.tests.cast import STAGES, delivered_stage, signed_contract, stage_named
from refundportal.api.tests.caller import api_client, token_for
from refundportal.api.tests.document import check_answer, document
from refundportal.api.tests.operations import OPERATIONS, Ids
from refundportal.api.tests.test_policy import FACTS

ODD = [
    None,
    True,
    0,
    -1,
    10**30,
    1.5,
    "",
    " ",
    "\u200f\u0007\u202e",
    "😀" * 50,
    "x" * 20_000,
    "1e400",
    "-0.00",
    "9" * 18 + ".99",
    "2026-02-30T25:00:00Z",
    "9999-12-31T23:59:59-12:00",
    "00000000-0000-7000-8000-000000000000",
    [],
    [[]],
    {},
    {"$gt": ""},
]
TURNS = 7
"""Each place takes every seventh value, the next place the next ones: all values meet most operations."""

MORE = {
    "api-evaluate": FACTS,
    "api-payment-capture": {"captured_at": "2026-06-01T00:00:00Z", "value_date": "2026-06-01"},
    "api-stage-deliver": {"delivered_at": "2026-06-01T00:00:00Z", "note": "", "documents": [str(uuid4())]},
    "api-stage-accept": {"accepted_at": "2026-06-01T00:00:00Z", "protocol": str(uuid4())},
    "api-contract-sign": {"document_sha256": "", "terms_version": 1},
    "api-request-messages": {"body": "Hello", "is_internal": False},
    "api-terms": {
        "window_days": 3,
        "day_rule": "calendar",
        "time_zone": "Europe/Berlin",
        "holiday_calendar": "DE",
        "deemed_acceptance_days": 9,
        "rounding": "client",
    },
}
"""Fuller bodies than the shortest ones."""


def places(value, path=()):
    """Every place in a document."""
    yield path
    if isinstance(value, dict):
        for name in value:
            yield from places(value[name], (*path, name))
    elif isinstance(value, list) and value:
        yield from places(value[0], (*path, 0))


def with_odd(body, path, odd):
    if not path:
        return odd
    changed = copy.deepcopy(body)
    node = changed
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = odd
    return changed


@pytest.fixture
def ids(cast):
    contract = signed_contract(cast)
    delivered_stage(cast, contract)
    nothing = vars(Ids.of_nothing())
    stage = stage_named(contract, "S1").pk
    return Ids(**nothing | {"client_id": cast.client.pk, "contract_id": contract.pk, "stage_id": stage})


@pytest.fixture
def headers(cast, settings, monkeypatch):
    limits = {"client": 10**6, "anybody": 10**6, "bad_token": 10**6}
    monkeypatch.setitem(settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES", limits)
    scopes = {operation.scope for operation in OPERATIONS} - {""}
    return {
        "Authorization": f"Bearer {token_for(api_client(*scopes, staff_user=cast.rita, all_clients=True))}"
    }


@pytest.mark.parametrize(
    "operation",
    [one for one in OPERATIONS if one.method != "GET" and not one.is_form],
    ids=lambda one: f"{one.name} {one.method}",
)
def test_no_odd_value_in_a_body_breaks_an_operation(operation, ids, headers):
    client = Client(raise_request_exception=False)
    body = MORE.get(operation.name) or operation.content(ids)
    if operation.name == "api-contracts":
        body = {**body, "stages": [STAGES[0], STAGES[1]], "total": "1300.00", "terms": {}, "payment_days": 3}
    address, faults = operation.path(ids), []

    for number, path in enumerate(places(body)):
        for odd in ODD[number % TURNS :: TURNS]:
            answer = client.generic(
                operation.method,
                address,
                json.dumps(with_odd(body, path, odd)),
                content_type="application/json",
                headers=headers | {"Idempotency-Key": uuid4().hex},
            )
            if answer.status_code >= 500:
                faults.append(f"{path} = {str(odd)[:40]!r}: {answer.status_code}")
            else:
                check_answer(operation.method, address, answer)

    assert not faults, "\n".join(faults)


def queries():
    """Every reading with the names of its parameters."""
    for path, methods in document()["paths"].items():
        parameters = methods.get("get", {}).get("parameters", [])
        if names := [one["name"] for one in parameters if one["in"] == "query"]:
            yield path, names


@pytest.mark.parametrize(("path", "names"), sorted(queries()), ids=str)
def test_no_odd_value_in_a_query_breaks_a_reading(path, names, ids, headers):
    address, client, faults = path.format(**vars(ids)), Client(raise_request_exception=False), []

    for name in names:
        for odd in [*ODD, "\0", "a,b,,", "1" * 400]:
            value = odd if isinstance(odd, str) else json.dumps(odd)
            answer = client.get(address, {name: value}, headers=headers)
            if answer.status_code >= 500:
                faults.append(f"{name}={value[:40]!r}: {answer.status_code}")
            else:
                check_answer("GET", address, answer)

    assert not faults, "\n".join(faults)
