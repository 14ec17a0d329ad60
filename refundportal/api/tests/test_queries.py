"""What an answer costs: so many statements, however many rows there are."""

from contextlib import contextmanager

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from contracts.tests.cast import METERS, delivered_stage, signed_contract, stage_named
from events.journal import sequence_events
from events.models import Delivery
from payments.models import Payout
from refundportal.api.tests.caller import Caller
from refundportal.api.tests.job import apply, assess, pay, use, webhook_of
from refundportal.api.tests.operations import OPERATIONS, Ids

SCOPES = (
    "contracts:read",
    "contracts:write",
    "payments:read",
    "payments:write",
    "usage:write",
    "refunds:read",
    "refunds:write",
    "refunds:decide",
    "events:read",
    "webhooks:manage",
)
READS = {
    "api-policy": 1,
    "api-clients": 2,
    "api-client": 2,
    "api-contracts": 2,
    "api-contract": 8,
    "api-terms": 3,
    "api-documents": 3,
    "api-usage": 3,
    "api-stage": 6,
    "api-assessments": 5,
    "api-payments": 2,
    "api-payment": 5,
    "api-quote": 5,
    "api-requests": 2,
    "api-request": 3,
    "api-request-messages": 3,
    "api-decision": 3,
    "api-decision-pdf": 6,
    "api-payouts": 2,
    "api-payout": 3,
    "api-events": 2,
    "api-webhook-endpoints": 2,
    "api-webhook-endpoint": 2,
    "api-webhook-deliveries": 4,
    "api-enquiries": 3,
}
"""The most statements a reading takes, the one for the token among them."""


@pytest.fixture
def rita(cast):
    return Caller(*SCOPES, staff_user=cast.rita, clients=[cast.client])


@pytest.fixture
def arno(cast, settings):
    settings.API_APPROVAL = True
    return Caller(*SCOPES, staff_user=cast.arno, clients=[cast.client])


def contract_with(cast, stages):
    """A contract with so many stages of work, each with several items; the first is delivered."""
    items = [{"code": f"AC-{n}", "statement": "It works.", "weight": "1"} for n in range(stages)]
    work = [
        {"code": f"S{n + 1}", "title": "Work", "kind": "work", "amount": "100.00", "items": items}
        for n in range(stages)
    ]
    prepayment = {"code": "P1", "title": "Prepayment", "kind": "prepayment", "amount": "90.00"}
    meters = [{**METERS[0]}, *({**METERS[0], "code": f"m{n}"} for n in range(stages))]
    contract = signed_contract(cast, stages=[prepayment, *work], meters=meters)
    delivered_stage(cast, contract)
    return contract


def decided_case(cast, rita, arno, *, stages):
    """A case with everything that can be shown, decided; its prepayment of many stages is captured too."""
    contract = contract_with(cast, stages)
    pay(rita, contract, stage="P1", amount="90.00")
    payment = pay(rita, contract, amount="100.00")
    assert use(rita, contract, *(f"{contract.pk}-{n}" for n in range(stages))).status_code == 200
    case = apply(rita, payment)
    for number in range(stages):
        rita.post(f"refund-requests/{case['id']}/messages/", {"body": f"{number}"})
        rita.post("enquiries/", {"client": str(cast.client.pk), "subject": "S", "body": "Why?"})
        rita.post(f"contracts/{contract.pk}/terms/", {"window_days": number + 5})
    rita.post(f"refund-requests/{case['id']}/start-review/")
    assess(rita, case, contract, {f"AC-{n}": "0" for n in range(stages)})
    rita.post(f"refund-requests/{case['id']}/propose/")
    arno.post(f"refund-requests/{case['id']}/approve/")
    sequence_events(batch_max=10_000)
    webhook = webhook_of(rita.api_client)
    for delivery in Delivery.objects.filter(endpoint=webhook["endpoint_id"]):
        for _ in range(stages):
            delivery.log.create(started_at=timezone.now(), duration_ms=1)
    return Ids(
        client_id=cast.client.pk,
        contract_id=contract.pk,
        stage_id=stage_named(contract, "S1").pk,
        payment_id=payment["id"],
        request_id=case["id"],
        payout_id=Payout.objects.get(request_id=case["id"]).pk,
        **webhook,
    )


def counts(caller, ids):
    """How many statements each reading takes."""
    found = {}
    for operation in OPERATIONS:
        if operation.method == "GET":
            with CaptureQueriesContext(
                connection,
            ) as queries:
                answer = caller.get(operation.path(ids).removeprefix("/api/v1/"))
            assert answer.status_code == 200, (operation.name, answer.content)
            found[operation.name] = len(queries)
    return found


def test_no_reading_costs_more_when_there_is_more_to_read(cast, rita, arno):
    few = counts(rita, decided_case(cast, rita, arno, stages=2))
    for _ in range(2):
        decided_case(cast, rita, arno, stages=2)

    many = counts(rita, decided_case(cast, rita, arno, stages=7))

    assert many == few
    assert set(many) == set(READS)
    assert {name: number for name, number in many.items() if number > READS[name]} == {}


@contextmanager
def at_most(number):
    with CaptureQueriesContext(connection) as queries:
        yield
    assert len(queries) <= number, "\n".join(query["sql"][:160] for query in queries)


@pytest.mark.parametrize("stages", [2, 12])
def test_no_step_of_the_job_costs_more_in_a_large_contract(cast, rita, arno, stages):
    contract = contract_with(cast, stages)
    with at_most(26):
        payment = pay(rita, contract, amount="100.00", capture=False)
    with at_most(32):
        rita.post(f"payments/{payment['id']}/capture/")
    with at_most(16):
        use(rita, contract, *(f"u{n}" for n in range(stages * 20)))
    with at_most(22):
        case = apply(rita, payment)
    with at_most(30):
        rita.post(f"refund-requests/{case['id']}/start-review/")
    with at_most(36):
        assess(rita, case, contract, {f"AC-{n}": "0" for n in range(stages)})
    with at_most(30):
        rita.post(f"refund-requests/{case['id']}/propose/")
    with at_most(50):
        assert arno.post(f"refund-requests/{case['id']}/approve/").status_code == 200


def test_a_batch_of_usage_is_one_statement_and_asking_again_writes_nothing(cast, rita):
    contract = contract_with(cast, 2)
    pay(rita, contract, amount="100.00")
    ids = [f"u{number}" for number in range(300)]

    with CaptureQueriesContext(connection) as first:
        assert use(rita, contract, *ids).json() == {"created": 300, "duplicates": 0}
    with CaptureQueriesContext(connection) as again:
        assert use(rita, contract, *ids).json() == {"created": 0, "duplicates": 300}

    assert len(writes(first)) == 1
    assert writes(again) == []


def writes(queries):
    """The statements that write usage."""
    return [
        query["sql"][:80] for query in queries if query["sql"].startswith("INSERT INTO contracts_usagerecord")
    ]
