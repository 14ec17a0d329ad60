"""Usage: each report once, to the payment it belongs to."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from uuid import UUID

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.models import Meter, UsageRecord
from contracts.tests.cast import METERS, NOW, STAGES, draft_contract, signed_contract, stage_named
from events.models import Event
from kernel.errors import InvalidInput, NotPermitted
from kernel.ids import new_id
from payments.models import Payment
from payments.services import charge_back_payment, issue_credit, record_usage
from payments.services.usage import UsageConflict
from payments.tests.scenes import LATER, captured_payment, violated


def calls(contract, quantity="100", stage=None, *, name=None, **fields):
    record = {
        "source": "gateway", "external_id": name or str(new_id()), "contract": str(contract.pk),
        "meter": "api_calls", "quantity": quantity, "occurred_at": "2026-06-01T07:00:00Z", **fields,
    }  # fmt: skip
    return record if stage is None else {**record, "stage": stage}


def hosting(contract, **fields):
    return {
        "source": "hosting", "external_id": str(new_id()), "contract": str(contract.pk), "meter": "hosting",
        "start": "2026-06-01T00:00:00Z", "end": "2026-07-01T00:00:00Z", **fields,
    }  # fmt: skip


def record(cast, *records, now=NOW):
    return record_usage(principal=cast.as_erp, records=list(records), now=now)


def bearers(*names):
    rows = dict(UsageRecord.objects.values_list("external_id", "payment_id"))
    return [rows[name] for name in names]


def value_of(payment):
    payment.refresh_from_db()
    return Fraction(payment.usage_micro, 10**6) + Fraction(payment.usage_rest_femto, 10**15)


def test_a_batch_is_recorded_with_the_prices_of_the_contract(cast, contract):
    payment = captured_payment(contract)

    result = record(cast, calls(contract, "2.5", "S1", name="a"), hosting(contract))

    assert (result.created, result.duplicates) == (2, 0)
    row = UsageRecord.objects.get(external_id="a")
    assert (row.quantity_micro, row.price_nano, row.kind) == (2500000, 12500000, "metered")
    assert (row.recorded_at, row.payment_id) == (NOW, payment.pk)
    assert row.occurred_at == datetime(2026, 6, 1, 7, tzinfo=UTC)
    assert value_of(payment) == Fraction("2.5") * Fraction("0.0125") + 30
    event = Event.objects.get(type="usage.recorded")
    assert (event.subject_id, event.data["created"], event.actor_kind) == (contract.pk, 2, "api")


def test_the_same_report_counts_once(cast, contract):
    payment = captured_payment(contract)
    one = calls(contract)

    first, again = record(cast, one, one), record(cast, one, calls(contract))

    assert (first.created, first.duplicates) == (1, 1)
    assert (again.created, again.duplicates) == (1, 1)
    assert value_of(payment) == 2 * Fraction("1.25")


@pytest.mark.parametrize(
    "change", [{"quantity": "101"}, {"stage": "S1"}, {"occurred_at": "2026-06-01T07:00:01Z"}]
)
@pytest.mark.parametrize("in_one_batch", [True, False])
def test_the_same_id_for_another_report_is_a_conflict_that_names_it(cast, contract, change, in_one_batch):
    one = calls(contract, name="n-1")
    if not in_one_batch:
        record(cast, one)

    with pytest.raises(UsageConflict) as refusal:
        record(cast, *([one] if in_one_batch else []), calls(contract), {**one, **change})

    assert refusal.value.data == {"source": "gateway", "external_id": "n-1"}
    assert UsageRecord.objects.count() == (0 if in_one_batch else 1)


def test_the_same_id_at_another_source_is_another_report(cast, contract):
    one = calls(contract, name="n-1")

    assert record(cast, one, {**one, "source": "other"}).created == 2


def test_every_fault_of_every_record_is_told_with_its_path(cast, contract):
    draft = draft_contract(cast)
    foreign = signed_contract(cast, client=cast.other_client)
    batch = [
        calls(contract, "1.0000001"),
        calls(contract, 5, "S9"),
        calls(contract, occurred_at="2026-06-01T08:00:01Z", unit="x"),
        {**hosting(contract, end="2026-06-01T00:00:00Z"), "quantity": "1"},
        calls(foreign),
        calls(draft),
        calls(contract, meter="nothing"),
        calls(contract, stage="P1"),
        {"source": "", "meter": "api_calls"},
        "nothing",
        calls(contract, "1e3"),
    ]

    with pytest.raises(InvalidInput) as refusal:
        record(cast, *batch)

    assert [fault.path for fault in refusal.value.faults] == [
        "records[0].quantity",
        "records[1].quantity", "records[1].stage",
        "records[2].occurred_at", "records[2].unit",
        "records[3].end", "records[3].quantity",
        "records[4].contract",
        "records[5].contract",
        "records[6].meter",
        "records[7].stage",
        "records[8].source", "records[8].external_id", "records[8].contract",
        "records[9]",
        "records[10].quantity",
    ]  # fmt: skip
    assert not UsageRecord.objects.exists()


def test_usage_up_to_now_is_taken_and_later_usage_is_not(cast, contract):
    assert record(cast, calls(contract, occurred_at="2026-06-01T08:00:00Z")).created == 1
    with pytest.raises(InvalidInput):
        record(cast, hosting(contract, start="2026-06-01T08:00:00.000001Z"))


@pytest.mark.parametrize("records", [[], [{}] * 1001])
def test_a_batch_has_one_to_a_thousand_records(cast, contract, records):
    with pytest.raises(InvalidInput) as refusal:
        record(cast, *records)

    assert [fault.path for fault in refusal.value.faults] == ["records"]


def test_clients_and_finance_do_not_record_usage(cast, contract):
    for person in (cast.as_alice, cast.as_mallory, cast.as_finn):
        with pytest.raises(NotPermitted):
            record_usage(principal=person, records=[calls(contract)], now=NOW)


def test_a_stages_usage_goes_to_its_oldest_payment_with_room_else_to_the_last(cast, contract):
    first = captured_payment(contract, amount="10.00")
    second = captured_payment(contract, amount="5.00", at=NOW + timedelta(minutes=1))
    other = captured_payment(contract, "S2", "500.00", at=NOW - timedelta(hours=1))

    now = NOW + timedelta(hours=1)
    record(cast, *(calls(contract, "799", "S1", name=f"u{n}") for n in range(2)), now=now)
    record(cast, *(calls(contract, "400", "S1", name=f"u{n}") for n in range(2, 5)), now=now)

    assert bearers("u0", "u1", "u2", "u3", "u4") == [first.pk, first.pk, second.pk, second.pk, second.pk]
    assert value_of(first) == Fraction("19.975")
    assert value_of(second) == 15
    assert value_of(other) == 0
    assert violated() == []


def test_a_payment_is_full_when_its_usage_reaches_its_amount(cast, contract):
    first = captured_payment(contract, amount="1.25")
    second = captured_payment(contract, amount="5.00", at=NOW + timedelta(minutes=1))

    record(
        cast,
        calls(contract, "99.9999", name="a"),
        calls(contract, "0.0001", name="b"),
        calls(contract, name="c"),
    )

    assert bearers("a", "b", "c") == [first.pk, first.pk, second.pk]


def test_usage_without_a_stage_goes_over_the_payments_of_the_contract(cast, contract):
    prepayment = captured_payment(contract, "P1", "300.00")
    stage = captured_payment(contract, "S2", "500.00", at=NOW + timedelta(minutes=1))

    record(cast, *(hosting(contract, external_id=f"h{n}") for n in range(12)))

    assert bearers("h0", "h9", "h10", "h11") == [prepayment.pk, prepayment.pk, stage.pk, stage.pk]


def test_a_prepayment_bears_usage_of_the_work_it_prepays(cast, contract):
    prepayment = captured_payment(contract, "P1", "300.00")

    record(cast, calls(contract, stage="S2", name="a"))

    assert bearers("a") == [prepayment.pk]


def test_a_credit_never_bears_usage(cast, contract):
    source = captured_payment(contract)
    issue_credit(
        request_id=new_id(),
        payment=source,
        target_stage=stage_named(contract, "S2"),
        amount_minor=50000,
        now=NOW,
    )

    record(cast, calls(contract, stage="S2", name="a"), calls(contract, name="b"))

    assert bearers("a", "b") == [None, source.pk]


def test_usage_before_any_payment_waits_for_the_next_capture(cast, contract):
    record(cast, calls(contract, stage="S1", name="s1"), calls(contract, stage="S2", name="s2"))
    record(cast, calls(contract, "-40", "S1", name="fix"), hosting(contract, external_id="h"))
    assert bearers("s1", "s2", "fix", "h") == [None] * 4

    payment = captured_payment(contract)

    assert bearers("s1", "s2", "fix", "h") == [payment.pk, None, payment.pk, payment.pk]
    assert value_of(payment) == Fraction("0.75") + 30
    second = captured_payment(contract, "S2", "500.00")
    assert bearers("s2") == [second.pk]


def test_a_negative_record_follows_the_latest_of_its_meter_and_stage(cast, contract):
    first = captured_payment(contract, amount="1.00")
    record(cast, calls(contract, "400", "S1", name="old"))
    second = captured_payment(contract, amount="50.00", at=NOW + timedelta(minutes=1))
    later = NOW + timedelta(hours=1)
    record(cast, calls(contract, "100", "S1", name="new"), now=later)

    record(cast, calls(contract, "-10", "S1", name="fix"), now=later)
    record(cast, calls(contract, "-1", name="elsewhere"), now=later)

    assert bearers("old", "new", "fix") == [first.pk, second.pk, second.pk]
    assert bearers("elsewhere") == [second.pk]
    assert value_of(second) == Fraction("0.0125") * (100 - 10 - 1)


def test_a_negative_record_follows_its_predecessor_to_a_payment_that_was_charged_back(cast, contract):
    first = captured_payment(contract)
    record(cast, calls(contract, "100", "S1", name="a"))
    charge_back_payment(principal=cast.as_finn, payment_id=first.pk, now=LATER)
    captured_payment(contract)

    record(cast, calls(contract, "-40", "S1", name="b"))

    assert bearers("a", "b") == [first.pk, first.pk]
    assert value_of(first) == Fraction("0.75")
    assert violated() == []


def test_a_negative_record_follows_its_predecessor_within_a_batch(cast, contract):
    first = captured_payment(contract, amount="1.00")
    second = captured_payment(contract, amount="5.00", at=NOW + timedelta(minutes=1))

    record(cast, calls(contract, "400", "S1", name="a"), calls(contract, "-400", "S1", name="b"))
    record(cast, calls(contract, "80", "S1", name="c"), calls(contract, "1", "S1", name="d"))

    assert bearers("a", "b", "c", "d") == [first.pk, first.pk, first.pk, second.pk]


def test_the_assignment_is_stored_and_never_changed(cast, contract):
    payment = captured_payment(contract)
    record(cast, calls(contract, name="a"))

    with pytest.raises(IntegrityError), transaction.atomic():
        UsageRecord.objects.filter(external_id="a").update(payment_id=new_id())
    assert bearers("a") == [payment.pk]


def test_the_number_of_statements_does_not_grow_with_the_batch(cast, contract):
    captured_payment(contract)
    record(cast, calls(contract, stage="S1"), calls(contract))
    counts = []
    for size in (2, 500):
        batch = [calls(contract, "-1" if n % 7 == 1 else "3", "S1" if n % 2 else None) for n in range(size)]
        with CaptureQueriesContext(connection) as queries:
            record(cast, *batch)
        counts.append(len(queries))

    assert counts[0] == counts[1] <= 16


def test_a_batch_of_several_contracts_is_taken_together(cast, contract):
    other = signed_contract(cast)
    first, second = captured_payment(contract), captured_payment(other)

    record(cast, calls(contract, name="a"), calls(other, name="b"))

    assert bearers("a", "b") == [first.pk, second.pk]
    assert Event.objects.filter(type="usage.recorded").count() == 2


def test_a_quantity_beyond_what_is_kept_is_refused(cast, contract):
    with pytest.raises(InvalidInput):
        record(cast, calls(contract, "1000000000000"))
    dear = signed_contract(cast, stages=STAGES, meters=[{**METERS[0], "price": "999999.5"}])
    with pytest.raises(InvalidInput) as refusal:
        record(cast, calls(dear, "999999999.9"))
    assert "too large" in refusal.value.faults[0].message


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    quantities=st.lists(st.integers(min_value=-(10**9), max_value=10**9), min_size=1, max_size=12),
    cut=st.integers(min_value=0, max_value=12),
)
def test_the_kept_total_is_the_exact_sum_of_the_records(cast, contract, quantities, cut):
    payment = Payment.objects.filter(contract=contract).first() or captured_payment(contract)
    texts = [f"{'-' if q < 0 else ''}{abs(q) // 10**6}.{abs(q) % 10**6:06d}" for q in quantities]
    batch = [calls(contract, text, "S1") for text in texts]

    for part in (batch[:cut], batch[cut:]):
        if part:
            record(cast, *part)

    price = Fraction(Meter.objects.get(contract=contract, code="api_calls").price_nano, 10**9)
    rows = UsageRecord.objects.filter(payment_id=payment.pk)
    assert value_of(payment) == sum(Fraction(row.quantity_micro, 10**6) * price for row in rows)
    assert 0 <= payment.usage_rest_femto < 10**9


def test_a_record_of_a_system_that_sees_nothing_is_refused_like_one_that_does_not_exist(cast, contract):
    missing = {**calls(contract), "contract": str(UUID(int=7))}
    foreign = calls(signed_contract(cast, client=cast.other_client))

    said = []
    for one in (missing, foreign):
        with pytest.raises(InvalidInput) as refusal:
            record(cast, one)
        said.append(refusal.value.faults)

    assert said[0] == said[1]
