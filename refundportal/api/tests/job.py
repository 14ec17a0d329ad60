"""The steps of the whole job, as other systems take them."""

from datetime import timedelta

from django.utils import timezone

from contracts.tests.cast import delivered_stage, signed_contract, stage_named
from events.actors import Actor
from events.journal import sequence_events
from events.models import Delivery
from events.webhooks.services import create_endpoint, send_test_event


def ago(**duration):
    return (timezone.now() - timedelta(**duration)).isoformat()


A_MINUTE_AGO = ago(minutes=1)


def delivered_contract(cast, **fields):
    """A signed contract whose stage S1 has been delivered."""
    contract = signed_contract(cast, **fields)
    delivered_stage(cast, contract)
    return contract


def pay(erp, contract, *, stage="S1", amount="1000.00", currency="EUR", capture=True):
    """Record a payment of a stage and, unless told otherwise, capture it; give it as it is shown."""
    body = {
        "stage": str(stage_named(contract, stage).pk),
        "amount": {"amount": amount, "currency": currency},
        "method": "bank",
    }
    answer = erp.post("payments/", body)
    assert answer.status_code == 201, answer.content
    if capture:
        answer = erp.post(f"payments/{answer.json()['id']}/capture/")
        assert answer.status_code == 200, answer.content
    return answer.json()


def use(erp, contract, *ids, quantity="10", stage="S1"):
    """Report metered usage."""
    records = [
        {
            "source": "gateway",
            "external_id": external_id,
            "contract": str(contract.pk),
            "meter": "api_calls",
            "stage": stage,
            "quantity": quantity,
            "occurred_at": A_MINUTE_AGO,
        }
        for external_id in ids
    ]
    return erp.post("usage-records/", {"records": records})


def application(payment, **fields):
    return {
        "payment": payment["id"],
        "reason": "not_as_agreed",
        "statement": "Orders cannot be printed.",
        **fields,
    }


def webhook_of(api_client):
    """An endpoint of this API client and a delivery to it that was given up."""
    own = {"api_client_id": api_client.pk, "actor": Actor("api", api_client.pk), "now": timezone.now()}
    endpoint, _ = create_endpoint(**own, url="https://erp.example.com/hooks")
    event = send_test_event(**own, endpoint_id=endpoint.pk)
    sequence_events(batch_max=1000)
    delivery = Delivery.objects.get(endpoint=endpoint, event=event)
    Delivery.objects.filter(pk=delivery.pk).update(state="dead")
    return {"endpoint_id": endpoint.pk, "delivery_id": delivery.pk}


def apply(erp, payment, **fields):
    """Apply for a refund; give the application as it is shown."""
    answer = erp.post("refund-requests/", application(payment, **fields))
    assert answer.status_code == 201, answer.content
    return answer.json()


def assess(rita, case, contract, values, stage="S1"):
    body = {"request": case["id"], "values": values, "reason": "Tested item by item"}
    answer = rita.post(f"stages/{stage_named(contract, stage).pk}/assessments/", body)
    assert answer.status_code == 201, answer.content
    return answer.json()


def step(caller, case, name, body=None):
    """Take a step on an application; give what is shown afterwards."""
    answer = caller.post(f"refund-requests/{case['id']}/{name}/", body)
    assert answer.status_code in (200, 201), answer.content
    return answer.json()
