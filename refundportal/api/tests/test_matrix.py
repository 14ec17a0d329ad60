"""Every route, every scope, one's own clients and somebody else's."""

import json
import re
from dataclasses import replace
from uuid import uuid4

import pytest
from django.apps import apps
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.scopes import SCOPES
from contracts.models import ClientGrant, Stage
from contracts.tests.cast import stage_named
from events.journal import sequence_events
from payments.models import Payout
from refundportal.api.tests.caller import Caller, api_client, token_for
from refundportal.api.tests.job import apply, assess, delivered_contract, pay, use, webhook_of
from refundportal.api.tests.operations import OPERATIONS, Ids, standing
from refunds.services import approve_request

ALL = frozenset(SCOPES)
ROOMS = ("events", "contracts", "payments", "refunds")
UUID_TEXT = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def call(operation, token, ids, *, more=None, query=""):
    """Make one call; `more` is put into the body."""
    headers = {"Idempotency-Key": uuid4().hex}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    address = operation.path(ids) + query
    if operation.method == "GET":
        return Client().get(address, headers=headers)
    content = {**operation.content(ids), **(more or {})}
    if operation.is_form:
        return Client().post(address, content, headers=headers)
    return Client().generic(
        operation.method, address, json.dumps(content), content_type="application/json", headers=headers
    )


@pytest.fixture
def ids(cast, erp):
    """A case of Alice's client, decided and about to be paid."""
    contract = delivered_contract(cast)
    payment = pay(erp, contract)
    use(erp, contract, "a", stage=None)
    case = apply(erp, payment)
    rita = Caller("refunds:decide", all_clients=True, staff_user=cast.rita)
    rita.post(f"refund-requests/{case['id']}/start-review/")
    assess(rita, case, contract, {"AC-1": "1", "AC-2": "0", "AC-3": "0"})
    rita.post(f"refund-requests/{case['id']}/propose/")
    approve_request(principal=cast.as_arno, request_id=case["id"], now=timezone.now())
    erp.post("enquiries/", {"client": str(cast.client.pk), "subject": "S", "body": "Why?"})
    sequence_events(batch_max=1000)
    return Ids(
        client_id=cast.client.pk,
        contract_id=contract.pk,
        stage_id=stage_named(contract, "S1").pk,
        payment_id=payment["id"],
        request_id=case["id"],
        payout_id=Payout.objects.get().pk,
        **webhook_of(erp.api_client),
    )


@pytest.fixture
def stranger_token(cast):
    """A system with every scope, bound to staff, that acts for Mallory's client only."""
    return token_for(api_client(*ALL, staff_user=cast.rita, clients=[cast.other_client]))


@pytest.fixture(autouse=True)
def no_limits(settings, monkeypatch):
    limits = {"client": 10**6, "anybody": 10**6, "bad_token": 10**6}
    monkeypatch.setitem(settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES", limits)


def rows():
    """How many rows every table of the rooms holds, but for the grants that the tests themselves make."""
    models = [model for room in ROOMS for model in apps.get_app_config(room).get_models()]
    return {model: model._default_manager.count() for model in models if model is not ClientGrant}


def named(faults):
    return "\n".join(faults)


def test_every_route_is_in_the_table():
    listed = [(operation.name, operation.method) for operation in OPERATIONS]

    assert set(listed) == standing()
    assert len(listed) == len(set(listed))


def test_every_scope_opens_something():
    assert {operation.scope for operation in OPERATIONS} == {"", *ALL}


def test_without_a_token_nothing_is_answered_but_the_policy(ids):
    before = rows()

    statuses = {(o.name, o.method): call(o, None, ids).status_code for o in OPERATIONS}

    assert {key for key, status in statuses.items() if status != 401} == {("api-policy", "GET")}
    assert rows() == before


def test_every_scope_but_the_right_one_opens_nothing(cast, ids):
    before, faults = rows(), []
    for operation in OPERATIONS:
        if operation.scope:
            token = token_for(
                api_client(*(ALL - {operation.scope}), staff_user=cast.rita, clients=[cast.client])
            )
            answer = call(operation, token, ids)
            if (answer.status_code, answer.json().get("code")) != (403, "insufficient_scope"):
                faults.append(f"{operation.method} {operation.name}: {answer.status_code} {answer.content}")

    assert not faults, named(faults)
    assert rows() == before


def test_the_right_scope_alone_opens_ones_own(cast, ids):
    faults = []
    for operation in OPERATIONS:
        staff = cast.rita if operation.scope == "refunds:decide" else None
        scopes = [operation.scope] if operation.scope else ["policy:evaluate"]
        system = api_client(*scopes, staff_user=staff, clients=[cast.client])
        point = transaction.savepoint()
        own = replace(ids, **webhook_of(system)) if operation.scope == "webhooks:manage" else ids
        answer = call(operation, token_for(system), own)
        transaction.savepoint_rollback(point)
        refused_by_scope = answer.status_code == 403 and answer.json()["code"] != "not_permitted"
        if answer.status_code in (401, 404, 405) or answer.status_code >= 500 or refused_by_scope:
            faults.append(f"{operation.method} {operation.name}: {answer.status_code} {answer.content}")

    assert not faults, named(faults)


def test_somebody_elses_looks_like_nothing_byte_for_byte(cast, ids, stranger_token):
    before, faults = rows(), []
    for operation in OPERATIONS:
        nothing = Ids.of_nothing()
        if not operation.takes and operation.content(ids) == operation.content(nothing):
            continue
        foreign, missing = call(operation, stranger_token, ids), call(operation, stranger_token, nothing)
        same = foreign.content == missing.content and foreign.status_code == missing.status_code
        if (
            not same
            or foreign.status_code not in (404, 400)
            or (operation.takes and foreign.status_code != 404)
        ):
            told = f"{foreign.status_code} {foreign.content} / {missing.content}"
            faults.append(f"{operation.method} {operation.name}: {told}")

    assert not faults, named(faults)
    assert rows() == before


def test_no_list_and_no_filter_shows_anything_of_somebody_else(cast, ids, stranger_token):
    own = {str(value) for value in ids} | {
        str(key) for key in Stage.objects.filter(contract_id=ids.contract_id).values_list("pk", flat=True)
    }
    filters = ["", *(f"?{name}={value}" for name, value in _filters(ids))]
    faults = []
    for operation in OPERATIONS:
        if operation.method == "GET" and operation.scope and not operation.takes:
            for query in filters:
                answer = call(operation, stranger_token, ids, query=query)
                seen = set(UUID_TEXT.findall(json.dumps(answer.json().get("results", []))))
                if seen & own or answer.status_code not in (200, 400):
                    faults.append(f"{operation.name}{query}: {answer.status_code} {seen & own}")

    assert not faults, named(faults)


def _filters(ids):
    for name in ("client", "contract", "stage", "payment", "request"):
        yield name, getattr(ids, f"{name}_id")


def test_every_write_refuses_a_field_it_does_not_know(cast, ids):
    everything = token_for(api_client(*ALL, staff_user=cast.rita, clients=[cast.client]))
    before, faults = rows(), []
    for operation in OPERATIONS:
        if operation.method != "GET":
            answer = call(operation, everything, ids, more={"approved_by": str(cast.rita.pk)})
            pointers = {error.get("pointer") for error in answer.json().get("errors", [])}
            if answer.status_code != 400 or "/approved_by" not in pointers:
                faults.append(f"{operation.method} {operation.name}: {answer.status_code} {answer.content}")

    assert not faults, named(faults)
    assert rows() == before


def test_every_write_survives_a_body_that_is_no_object(cast, ids):
    everything = token_for(api_client(*ALL, staff_user=cast.rita, clients=[cast.client]))
    before, faults = rows(), []
    for operation in OPERATIONS:
        for body in ("[]", '"x"', "7", "null", "true", "{", '[{"a": 1}]'):
            if operation.method != "GET" and not operation.is_form:
                headers = {"Idempotency-Key": uuid4().hex, "Authorization": f"Bearer {everything}"}
                answer = Client().generic(
                    operation.method,
                    operation.path(ids),
                    body,
                    content_type="application/json",
                    headers=headers,
                )
                if answer.status_code != 400 or answer["Content-Type"] != "application/problem+json":
                    faults.append(f"{operation.method} {operation.name} {body}: {answer.status_code}")

    assert not faults, named(faults)
    assert rows() == before


def test_the_document_is_public_and_its_page_runs_no_script_of_others(client):
    page = client.get(reverse("api-docs"))

    assert client.get(reverse("api-schema")).status_code == 200
    assert page.status_code == 200
    assert not re.search(rb"(?:src|href)=\"https?://", page.content)
