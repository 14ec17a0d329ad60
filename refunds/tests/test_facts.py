"""Facts are gathered completely, exactly, and in a constant number of queries."""

from datetime import timedelta
from fractions import Fraction
from io import BytesIO

import pytest

from contracts.selectors.totals import usage_totals
from contracts.services import (
    accept_delivery,
    add_document,
    assess_delivery,
    deliver_stage,
    object_to_delivery,
)
from contracts.tests.cast import NOW, STAGES, delivered_stage
from payments.models import Payment
from payments.services.usage import record_usage
from refunds import services
from refunds.policy.decide import decide
from refunds.policy.interchange import facts_json, fingerprint
from refunds.selectors import facts as facts_module
from refunds.selectors import gather_facts, quote
from refunds.tests.scene import LATER, TEXT, Scene, applied, eur, in_review, make_scene, paid

pytestmark = pytest.mark.django_db


def facts_of(scene: Scene, at=LATER, *, now=None, request=None) -> dict:
    payment = Payment.objects.select_related("terms", "client").get(pk=scene.payment.pk)
    return facts_json(gather_facts(payment, submitted_at=at, decided_at=now or at, request=request))


def use(scene: Scene, *records: dict, now=LATER) -> None:
    base = {"contract": str(scene.contract.pk), "source": "meters"}
    given = [{**base, "external_id": str(place), **record} for place, record in enumerate(records)]
    record_usage(principal=scene.cast.as_erp, records=given, now=now)


def calls(quantity: str, at=LATER, **fields) -> dict:
    return {"meter": "api_calls", "quantity": quantity, "occurred_at": at.isoformat(), **fields}


@pytest.mark.parametrize("sign", ["", "-"])
def test_quantities_are_summed_exactly_beyond_what_a_column_holds(scene, sign):
    use(scene, calls("1"), *[calls(f"{sign}999999999999.999999") for _ in range(10)])

    (entry,) = facts_of(scene)["usage"]

    assert entry["quantity"] == ("10000000000000.99999" if not sign else "-9999999999998.99999")
    assert usage_totals(scene.contract.pk)[0].quantity == Fraction(entry["quantity"])


def test_facts_name_the_payment_its_terms_and_its_stored_deadline(scene):
    facts = facts_of(scene)

    assert facts["payment"] == {
        "amount": "1000.00",
        "currency": "EUR",
        "status": "captured",
        "captured_at": NOW.isoformat(),
        "deadline": "2026-06-05T00:00:00+02:00",
        "refunded": "0.00",
    }
    assert facts["terms"]["window_days"] == 3
    assert facts["client_type"] == "business"


def test_a_stage_that_was_not_delivered_has_no_items_to_judge(scene):
    (stage,) = facts_of(scene)["work"]

    assert (stage["stage"], stage["amount"], stage["delivered_at"], stage["items"]) == (
        "S1",
        "1000.00",
        None,
        [],
    )


def test_of_several_deliveries_the_last_one_before_the_application_counts(delivered):
    first = delivered.contract.stages.get(code="S1").deliveries.get()
    objections = [{"item": "AC-1", "text": "Lost."}]
    cast = delivered.cast
    object_to_delivery(principal=cast.as_alice, stage_id=first.stage_id, objections=objections, now=LATER)
    second_at = LATER + timedelta(hours=2)
    delivered_again = deliver_stage(principal=cast.as_rita, stage_id=first.stage_id, now=second_at)

    before = facts_of(delivered, second_at - timedelta(microseconds=1))["work"][0]
    after = facts_of(delivered, second_at)["work"][0]

    assert before["delivered_at"] == first.delivered_at.isoformat()
    assert before["objected_at"] == LATER.isoformat()
    assert after["delivered_at"] == delivered_again.delivered_at.isoformat()
    assert after["objected_at"] is None


def test_of_several_assessments_the_latest_value_of_each_item_counts(delivered):
    delivery = delivered.stage.deliveries.get()
    for hours, values in ((1, {"AC-1": "1", "AC-2": "1/2"}), (2, {"AC-2": "1/3"}), (3, {"AC-1": None})):
        assess_delivery(
            principal=delivered.cast.as_rita,
            delivery_id=delivery.pk,
            values=values,
            reason="Tested.",
            now=NOW + timedelta(hours=hours),
        )

    (stage,) = facts_of(delivered)["work"]

    assert [(item["code"], item["weight"], item["fulfilled"]) for item in stage["items"]] == [
        ("AC-1", "5", None),
        ("AC-2", "3", "1/3"),
        ("AC-3", "2", None),
    ]


def test_acceptance_recorded_by_others_counts_only_from_the_moment_it_was_recorded(delivered):
    recorded_at = LATER + timedelta(hours=3)
    cast = delivered.cast
    protocol = add_document(
        principal=cast.as_rita,
        contract_id=delivered.contract.pk,
        kind="protocol",
        title="Protocol",
        file=BytesIO(TEXT),
        file_name="protocol.txt",
        now=LATER,
    )
    accept_delivery(
        principal=cast.as_rita,
        stage_id=delivered.stage.pk,
        accepted_at=NOW,
        protocol_id=protocol.pk,
        now=recorded_at,
    )

    before = facts_of(delivered, recorded_at - timedelta(microseconds=1))["work"][0]
    after = facts_of(delivered, recorded_at)["work"][0]

    assert before["accepted_at"] is None
    assert after["accepted_at"] == NOW.isoformat()


def test_acceptance_by_the_client_counts_by_its_own_instant(delivered):
    accept_delivery(principal=delivered.cast.as_alice, stage_id=delivered.stage.pk, now=LATER)

    assert facts_of(delivered, LATER)["work"][0]["accepted_at"] == LATER.isoformat()


def test_metered_usage_is_one_entry_per_meter_stage_and_price(scene):
    use(scene, calls("10", stage="S1"), calls("2.5", stage="S1"), calls("-1", stage="S1"), calls("4"))

    usage = facts_of(scene)["usage"]

    assert [(one["stage"], one["quantity"], one["unit_price"]) for one in usage] == [
        ("S1", "11.5", "0.0125"),
        (None, "4", "0.0125"),
    ]


def test_metered_usage_after_the_application_or_recorded_after_the_decision_does_not_count(scene):
    at = LATER + timedelta(minutes=1)
    use(scene, calls("10", LATER), calls("5", at), now=at)

    assert facts_of(scene, LATER, now=at)["usage"][0]["quantity"] == "10"
    assert facts_of(scene, at, now=at)["usage"][0]["quantity"] == "15"
    assert facts_of(scene, LATER, now=at - timedelta(microseconds=1))["usage"] == []


def test_every_period_of_time_usage_stands_for_itself_even_if_two_are_alike(scene):
    period = {"meter": "hosting", "start": NOW.isoformat(), "end": (NOW + timedelta(days=30)).isoformat()}
    use(scene, period, period)

    usage = facts_of(scene)["usage"]

    assert [(one["kind"], one["price"]) for one in usage] == [("time", "30")] * 2


def test_periods_that_are_over_are_taken_together_where_there_are_too_many(scene, monkeypatch):
    def hour(place: int, **fields) -> dict:
        start = NOW + timedelta(minutes=place)
        period = {"start": start.isoformat(), "end": (start + timedelta(minutes=30)).isoformat()}
        return {"meter": "hosting", **period, **fields}

    use(scene, hour(0), hour(10), hour(20, stage="S1"), hour(25, stage="S1"), hour(45), calls("3"), now=LATER)
    payment = Payment.objects.select_related("terms", "client").get(pk=scene.payment.pk)
    one_by_one = decide(gather_facts(payment, submitted_at=LATER, decided_at=LATER))
    monkeypatch.setattr(facts_module, "ENTRIES_MAX", 3)

    together = gather_facts(payment, submitted_at=LATER, decided_at=LATER)

    assert len(together.usage) == 4
    assert decide(together).lines == one_by_one.lines
    assert decide(together).usage_value == one_by_one.usage_value


def test_excluded_usage_counts_no_more_until_it_is_included_again(scene):
    use(scene, calls("10"), calls("5"))
    request = in_review(scene)
    name = [("meters", "0")]
    rita = {"principal": scene.cast.as_rita, "request_id": request.pk, "records": name, "reason": "Ours."}

    services.exclude_usage(**rita, now=LATER)
    without = facts_of(scene, request=request)["usage"]
    services.exclude_usage(**rita, excluded=False, now=LATER + timedelta(minutes=1))
    again = facts_of(scene, request=request)["usage"]

    assert without[0]["quantity"] == "5"
    assert again[0]["quantity"] == "15"


def test_established_facts_of_one_request_do_not_count_for_another(scene):
    use(scene, calls("10"))
    request = in_review(scene)
    services.exclude_usage(
        principal=scene.cast.as_rita,
        request_id=request.pk,
        records=[("meters", "0")],
        reason="Ours.",
        now=LATER,
    )

    assert facts_of(scene)["usage"][0]["quantity"] == "10"


def test_an_open_request_of_the_payment_is_a_fact_for_others_and_not_for_itself(scene):
    request = applied(scene)

    assert facts_of(scene)["request"]["another_open"] is True
    assert facts_of(scene, request=request)["request"]["another_open"] is False


def test_a_prepayment_is_parted_among_the_stages_it_prepays():
    scene = make_scene()
    payment = paid(scene.cast, scene.contract, "P1")

    work = facts_of(Scene(scene.cast, scene.contract, payment))["work"]

    assert [(stage["stage"], stage["amount"]) for stage in work] == [("S1", "200.00"), ("S2", "100.00")]


def test_a_payment_that_has_not_arrived_is_evaluated_under_the_terms_in_force(scene):
    from contracts.tests.cast import stage_named
    from payments.services.payments import record_payment

    stage = stage_named(scene.contract, "S2")
    payment = record_payment(
        principal=scene.cast.as_finn, stage_id=stage.pk, amount=eur("500.00"), method="bank", now=LATER
    )

    found = quote(principal=scene.cast.as_alice, payment_id=payment.pk, now=LATER)

    assert found.answer.reasons == ("payment_not_captured",)
    assert found.answer.in_time is None


@pytest.mark.parametrize("size", [1, 12])
def test_gathering_takes_three_queries_whatever_the_size_of_the_contract(size, django_assert_num_queries):
    work = [{**STAGES[1], "code": f"S{place}", "amount": "100.00"} for place in range(1, size + 1)]
    prepayment = {**STAGES[0], "amount": "1000.00"}
    scene = make_scene(stages=[prepayment, *work])
    payment = paid(scene.cast, scene.contract, "P1")
    for place in range(1, size + 1):
        delivered_stage(scene.cast, scene.contract, f"S{place}")
    use(scene, *(calls("1", stage=f"S{place}") for place in range(1, size + 1)))
    payment = Payment.objects.select_related("terms", "client").get(pk=payment.pk)

    with django_assert_num_queries(3):
        facts = gather_facts(payment, submitted_at=LATER, decided_at=LATER)

    assert len(facts.work) == size


def test_a_quote_takes_four_queries_for_a_member_and_for_staff(delivered, django_assert_num_queries):
    for principal in (delivered.cast.as_alice, delivered.cast.as_rita, delivered.cast.as_erp):
        with django_assert_num_queries(4):
            quote(principal=principal, payment_id=delivered.payment.pk, now=LATER)


def test_time_passing_alone_keeps_the_fingerprint_until_the_outcome_changes(scene):
    period = {"meter": "hosting", "start": NOW.isoformat(), "end": (NOW + timedelta(days=30)).isoformat()}
    use(scene, period, calls("10"))

    def print_at(at):
        payment = Payment.objects.select_related("terms", "client").get(pk=scene.payment.pk)
        facts = gather_facts(payment, submitted_at=at, decided_at=at)
        return fingerprint(facts, decide(facts))

    deadline = scene.payment.deadline
    assert print_at(LATER) == print_at(deadline - timedelta(microseconds=1))
    assert print_at(LATER) != print_at(deadline)


def test_new_usage_changes_the_fingerprint(scene):
    before = quote(principal=scene.cast.as_alice, payment_id=scene.payment.pk, now=LATER).fingerprint
    use(scene, calls("10"))

    after = quote(principal=scene.cast.as_alice, payment_id=scene.payment.pk, now=LATER).fingerprint

    assert before != after
