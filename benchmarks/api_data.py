"""Prints what the benchmark of the API calls: a token, and payments that can be asked about."""

import json
import sys
from datetime import timedelta
from typing import Any

import django

PAYMENTS = 80
PER_CONTRACT = 20
ITEMS = 3
USES = 40


def furnish() -> dict[str, Any]:
    """Enter contracts of twenty delivered stages, each paid for; one of their meters was used."""
    from django.utils import timezone

    from contracts.tests.cast import make_cast
    from refundportal.api.tests.caller import token_for

    now = timezone.now()
    cast = make_cast(now=now - timedelta(days=30))
    _make_tables()
    contracts, payments = [], []
    for number in range(PAYMENTS // PER_CONTRACT):
        contract = _contract(cast, now)
        contracts.append(contract)
        payments += _pay(cast, contract, now)
        _use(cast, contract, number, now)
    return {
        "token": token_for(cast.erp, lasts=timedelta(hours=12)),
        "payments": payments,
        "contracts": [str(contract.pk) for contract in contracts],
        "meters": [str(contract.meters.get(code="api_calls").pk) for contract in contracts],
        "occurred_at": (now - timedelta(minutes=1)).isoformat(),
    }


def _contract(cast: Any, now: Any) -> Any:
    from contracts.tests.cast import delivered_stage, signed_contract

    items = [{"code": f"AC-{n}", "statement": "It works.", "weight": "1"} for n in range(ITEMS)]
    stages = [
        {"code": f"S{n}", "title": "Work", "kind": "work", "amount": "100.00", "items": items}
        for n in range(PER_CONTRACT)
    ]
    contract = signed_contract(cast, stages=stages, now=now - timedelta(days=2))
    for stage in stages:
        delivered_stage(cast, contract, stage["code"], at=now - timedelta(hours=6))
    return contract


def _pay(cast: Any, contract: Any, now: Any) -> list[str]:
    from kernel.money import Money
    from payments.services import capture_payment, record_payment

    found = []
    for stage in contract.stages.all():
        payment = record_payment(
            principal=cast.as_erp, stage_id=stage.pk, amount=Money(10_000, "EUR"), method="bank", now=now
        )
        capture_payment(principal=cast.as_erp, payment_id=payment.pk, now=now)
        found.append(str(payment.pk))
    return found


def _use(cast: Any, contract: Any, number: int, now: Any) -> None:
    from payments.services import record_usage

    records = [
        {
            "source": "gateway",
            "external_id": f"before-{number}-{use}",
            "contract": str(contract.pk),
            "meter": "api_calls",
            "stage": f"S{use % PER_CONTRACT}",
            "quantity": "10",
            "occurred_at": (now - timedelta(minutes=1)).isoformat(),
        }
        for use in range(USES)
    ]
    record_usage(principal=cast.as_erp, records=records, now=now)


def _make_tables() -> None:
    """The anchors' table: one row for each call, with what any table of the kind would have."""
    from django.db import connection

    from benchmarks.anchors import Note

    with connection.schema_editor() as editor:
        editor.create_model(Note)


if __name__ == "__main__":
    django.setup()
    json.dump(furnish(), sys.stdout)
