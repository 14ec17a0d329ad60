"""Four systems report usage of the same contracts at the same moment, a thousand records a call."""

import random
from fractions import Fraction
from functools import partial

import pytest
from django.db import connection

from accounts.scopes import USAGE_WRITE
from contracts.models import UsageRecord
from contracts.tests.cast import make_cast, signed_contract
from payments.models import Payment
from payments.tests.races import at_once
from payments.tests.scenes import captured_payment, violated
from refundportal.api.tests.caller import Caller

SYSTEMS = 4
BATCHES = 3
SEED = 20261124

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]


@pytest.fixture
def contracts():
    cast = make_cast()
    made = [signed_contract(cast) for _ in range(5)]
    for contract in made:
        captured_payment(contract, "P1", "300.00")
        captured_payment(contract, "S1")
    return made


def batch_of(source, number, contracts, chance):
    """A thousand records; a tenth of them every system reports, under the source that all of them share."""
    records = [
        {
            "source": "shared" if place % 10 == 0 else source,
            "external_id": f"{number}-{place}",
            "contract": str(contracts[place % len(contracts)].pk),
            "meter": "api_calls",
            "quantity": str(1 + place % 7),
            "occurred_at": "2026-06-01T07:00:00Z",
        }
        for place in range(1000)
    ]
    chance.shuffle(records)
    return {"records": records}


def report(caller, batches):
    answers = [caller.post("usage-records/", batch) for batch in batches]
    return [(answer.status_code, answer.json()) for answer in answers]


def deadlocks():
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return cursor.fetchone()[0]


def test_each_record_counts_once_and_nobody_waits_for_ever(contracts):
    before = deadlocks()
    reports = [
        partial(
            report,
            Caller(USAGE_WRITE, all_clients=True),
            [
                batch_of(f"system-{system}", number, contracts, random.Random(SEED + system))
                for number in range(BATCHES)
            ],
        )
        for system in range(SYSTEMS)
    ]

    first = at_once(*reports, timeout_s=120)
    again = at_once(*reports, timeout_s=120)

    own, shared = SYSTEMS * BATCHES * 900, BATCHES * 100
    assert {status for answers in first for status, _ in answers} == {200}
    assert sum(body["created"] for answers in first for _, body in answers) == own + shared
    assert [body for answers in again for _, body in answers] == [
        {"created": 0, "duplicates": 1000}
    ] * SYSTEMS * BATCHES
    assert UsageRecord.objects.count() == own + shared
    assert value_on_payments() == value_of_records()
    assert violated() == []
    assert deadlocks() == before


def value_on_payments():
    totals = Payment.objects.values_list("usage_micro", "usage_rest_femto")
    return sum(Fraction(micro, 10**6) + Fraction(rest, 10**15) for micro, rest in totals)


def value_of_records():
    rows = UsageRecord.objects.values_list("quantity_micro", "price_nano")
    return sum(Fraction(quantity, 10**6) * Fraction(price, 10**9) for quantity, price in rows)
