from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest

from contracts.policy.facts import MeteredUsage, TimedUsage
from contracts.policy.usage import StageAllowance, value_usage

APPLIED = datetime(2026, 6, 4, 7, tzinfo=UTC)
DECIDED = datetime(2026, 6, 5, 8, tzinfo=UTC)
TICK = timedelta(microseconds=1)
HOUR = timedelta(hours=1)


def metered(quantity, unit_price="1", **facts):
    return MeteredUsage(
        **{
            "meter": "calls",
            "quantity": Fraction(quantity),
            "unit_price": Fraction(unit_price),
            "occurred_at": APPLIED - HOUR,
            "recorded_at": DECIDED - HOUR,
            **facts,
        }
    )


def timed(price, start, end, **facts):
    return TimedUsage(
        **{
            "meter": "hosting",
            "price": Fraction(price),
            "start": start,
            "end": end,
            "recorded_at": start,
            **facts,
        }
    )


def value(*records, scale=100, **allowances):
    """What counts, in minor units. Allowances: stage=(amount, conforming share)."""
    limits = {
        stage: StageAllowance(amount, *Fraction(share).as_integer_ratio())
        for stage, (amount, share) in allowances.items()
    }
    usage = value_usage(records, limits, at=APPLIED, decided_at=DECIDED, scale=scale)
    return Fraction(usage.over, usage.under)


def test_metered_use_is_quantity_times_price_and_nothing_is_rounded():
    assert value(metered("12345", "0.0125")) == Fraction("15431.25")
    assert value(metered("1", "0.000000000000000001")) == Fraction(1, 10**16)


@pytest.mark.parametrize(("scale", "minor"), [(1, 7), (100, 700), (1000, 7000), (10_000, 70_000)])
def test_prices_are_in_major_units_whatever_the_currency(scale, minor):
    assert value(metered("7"), scale=scale) == minor


@pytest.mark.parametrize(("occurred_at", "counts"), [(APPLIED, True), (APPLIED + TICK, False)])
def test_use_counts_until_the_moment_of_the_application(occurred_at, counts):
    assert bool(value(metered("1", occurred_at=occurred_at))) is counts


@pytest.mark.parametrize(("recorded_at", "counts"), [(DECIDED, True), (DECIDED + TICK, False)])
def test_use_counts_only_if_it_was_recorded_by_the_decision(recorded_at, counts):
    assert bool(value(metered("1", recorded_at=recorded_at))) is counts


def test_use_long_before_the_payment_counts():
    assert value(metered("1", occurred_at=datetime(1, 1, 1, tzinfo=UTC))) == 100


@pytest.mark.parametrize(
    ("start", "end", "minor"),
    [
        pytest.param(APPLIED - HOUR, APPLIED + 2 * HOUR, 1000, id="a third"),
        pytest.param(APPLIED - 3 * HOUR, APPLIED, 3000, id="over just now"),
        pytest.param(APPLIED - 6 * HOUR, APPLIED - 3 * HOUR, 3000, id="over before"),
        pytest.param(APPLIED, APPLIED + HOUR, 0, id="begins just now"),
        pytest.param(APPLIED + TICK, APPLIED + HOUR, 0, id="begins later"),
        pytest.param(APPLIED - TICK, APPLIED + 2 * TICK, 1000, id="three microseconds"),
    ],
)
def test_time_counts_by_the_part_that_has_passed(start, end, minor):
    assert value(timed("30", start, end, recorded_at=DECIDED)) == minor


def test_time_is_real_time_over_a_change_of_clocks():
    start = datetime.fromisoformat("2026-03-29T00:00:00+01:00").astimezone(UTC)
    end = datetime.fromisoformat("2026-03-30T00:00:00+02:00").astimezone(UTC)

    usage = value_usage([timed("23", start, end)], {}, at=start + 11 * HOUR, decided_at=DECIDED, scale=100)

    assert Fraction(usage.over, usage.under) == 1100


def test_corrections_lower_a_meter_but_never_below_nothing():
    assert value(metered("100"), metered("-30")) == 7000
    assert value(metered("-30"), metered("10")) == 0
    assert value(metered("-30"), metered("10", meter="other")) == 1000


def test_use_of_a_stage_counts_as_far_as_the_stage_does_not_conform():
    assert value(metered("100", stage="S1"), S1=(100_000, "3/4")) == 2500
    assert value(metered("100", stage="S1"), S1=(100_000, 1)) == 0
    assert value(metered("100", stage="S1"), S1=(100_000, 0)) == 10_000


def test_use_of_a_stage_is_never_charged_beyond_what_was_paid_for_it():
    assert value(metered("500", stage="S1"), S1=(10_000, 0)) == 10_000
    assert value(metered("500", stage="S1"), S1=(10_000, "1/4")) == 7500
    assert value(metered("500", stage="S1"), S1=(0, 0)) == 0
    assert value(metered("500"), S1=(10_000, 0)) == 50_000


def test_a_negative_sum_of_one_stage_does_not_lower_another():
    records = metered("-70", stage="S1"), metered("40", stage="S2")

    assert value(*records, S1=(50_000, 0), S2=(50_000, 0)) == 4000


def test_meters_keep_the_order_of_their_first_counted_record_and_tell_what_was_left_out():
    records = [
        metered("1", meter="late", occurred_at=APPLIED + HOUR),
        metered("1", meter="b"),
        metered("1", meter="a"),
        metered("1", meter="unknown", recorded_at=DECIDED + HOUR),
        metered("1", meter="b"),
    ]

    usage = value_usage(records, {}, at=APPLIED, decided_at=DECIDED, scale=100)

    assert [(use.meter, len(use.records)) for use in usage.meters] == [("b", 2), ("a", 1)]
    assert (usage.after_application, usage.after_decision) == (1, 1)
