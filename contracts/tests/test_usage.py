"""The primitive under usage records: many rows in one statement, each counted once."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from contracts.models import UsageRecord
from contracts.selectors import find_usage, usage_frames
from contracts.services import UsageRow, insert_usage
from contracts.tests.cast import NOW, signed_contract
from kernel.ids import new_id

pytestmark = pytest.mark.django_db


@pytest.fixture
def frame(cast):
    contract = signed_contract(cast)
    return usage_frames(cast.as_erp, [contract.pk])[contract.pk]


def counted(frame, external_id="1", **changes):
    meter = frame.meters["api_calls"]
    values = {
        "source": "gateway",
        "external_id": external_id,
        "contract_id": frame.contract.pk,
        "meter_id": meter.pk,
        "stage_id": frame.stages["S1"].pk,
        "kind": "metered",
        "quantity_micro": 1_500_000,
        "price_nano": meter.price_nano,
        "occurred_at": NOW,
        "ends_at": None,
        "recorded_at": NOW + timedelta(minutes=5),
    }
    return UsageRow(**{**values, **changes})


def running(frame, external_id="t1"):
    meter = frame.meters["hosting"]
    return counted(
        frame,
        external_id,
        meter_id=meter.pk,
        stage_id=None,
        kind="time",
        quantity_micro=None,
        price_nano=meter.price_nano,
        ends_at=NOW + timedelta(days=30),
    )


def test_rows_are_written_as_given_and_told_in_order(frame):
    payment = new_id()
    rows = [counted(frame, "b", payment_id=payment), running(frame), counted(frame, "a", quantity_micro=-1)]

    inserted = insert_usage(rows)

    assert [entry.row for entry in inserted] == rows
    stored = UsageRecord.objects.in_bulk([entry.id for entry in inserted])
    for entry in inserted:
        row = stored[entry.id]
        assert {name: getattr(row, name) for name in UsageRow.__slots__} == {
            name: getattr(entry.row, name) for name in UsageRow.__slots__
        }


def test_a_row_counts_once_however_often_it_is_reported(frame):
    first = counted(frame, "1")

    assert len(insert_usage([first, first, counted(frame, "2")])) == 2
    again = insert_usage([first, counted(frame, "3"), counted(frame, "2", quantity_micro=9)])

    assert [entry.row.external_id for entry in again] == ["3"]
    assert UsageRecord.objects.count() == 3
    assert find_usage([("gateway", "2")])["gateway", "2"].quantity_micro == 1_500_000


def test_the_same_id_of_another_source_is_another_record(frame):
    assert len(insert_usage([counted(frame, "1"), counted(frame, "1", source="billing")])) == 2


def test_nothing_is_written_for_nothing():
    assert insert_usage([]) == []


@pytest.mark.parametrize(("count", "statements"), [(1, 1), (1000, 1), (1001, 2)])
def test_a_thousand_rows_are_one_statement(frame, count, statements):
    rows = [counted(frame, str(number)) for number in range(count)]

    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert len(insert_usage(rows)) == count

    assert len(queries) == statements


def test_what_no_record_can_be_is_refused_by_the_database(frame):
    for broken in (
        counted(frame, quantity_micro=None),
        counted(frame, ends_at=NOW + timedelta(days=1)),
        counted(frame, kind="time", quantity_micro=None, ends_at=NOW),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            insert_usage([broken])


def test_what_records_may_name_is_read_in_three_queries_for_any_number_of_contracts(cast):
    contracts = [signed_contract(cast), signed_contract(cast)]
    foreign = signed_contract(cast, client=cast.other_client)

    with CaptureQueriesContext(connection) as queries:
        frames = usage_frames(cast.as_erp, [row.pk for row in (*contracts, foreign)])

    assert len(queries) == 3
    assert set(frames) == {row.pk for row in contracts}
    for contract in contracts:
        assert frames[contract.pk].contract == contract
        assert set(frames[contract.pk].meters) == {"api_calls", "hosting"}
        assert set(frames[contract.pk].stages) == {"P1", "S1", "S2"}


def test_records_are_found_again_by_source_and_id(frame):
    insert_usage([counted(frame, "1"), counted(frame, "2", source="billing")])

    found = find_usage([("gateway", "1"), ("billing", "2"), ("billing", "1"), ("gateway", "9")])

    assert set(found) == {("gateway", "1"), ("billing", "2")}
