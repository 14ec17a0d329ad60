from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.policy.conformity import StageState, conformity_of, deemed_acceptance_of, plus, share_of_items
from contracts.policy.facts import ItemFacts, StageFacts
from contracts.policy.terms import ConformityMode, RefundTerms
from kernel.days import OutsideCalendar
from kernel.money import Money

APPLIED = datetime(2026, 6, 10, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
TERMS = RefundTerms(time_zone="Europe/Berlin")
DEEMED = RefundTerms(time_zone="Europe/Berlin", deemed_acceptance_days=5)
# Delivered on 4 June in Berlin: accepted by silence when 10 June begins there.
DELIVERED = datetime(2026, 6, 4, 8, tzinfo=UTC)
DEEMED_AT = datetime(2026, 6, 9, 22, tzinfo=UTC)


def item(weight, fulfilled):
    value = None if fulfilled is None else Fraction(fulfilled)
    return ItemFacts(code=f"{weight}-{fulfilled}", weight=Fraction(weight), fulfilled=value)


HALF = (item(1, 1), item(1, 0))


def found(terms=TERMS, at=APPLIED, **facts):
    """State and share of a stage that was delivered and half fulfilled, changed by what the test is about."""
    stage = StageFacts(
        **{"stage": "S1", "amount": Money(100, "EUR"), "delivered_at": DELIVERED, "items": HALF, **facts}
    )
    conformity = conformity_of(stage, terms, at)
    return conformity.state, Fraction(conformity.over, conformity.under)


def test_delivered_and_assessed_work_counts_by_its_share():
    assert found() == (StageState.ASSESSED, Fraction(1, 2))


@pytest.mark.parametrize(
    ("accepted_at", "state"),
    [
        (APPLIED - SECOND, StageState.ACCEPTED),
        (APPLIED, StageState.ACCEPTED),
        (APPLIED + SECOND, StageState.ASSESSED),
    ],
)
def test_acceptance_counts_until_the_moment_of_the_application(accepted_at, state):
    assert found(accepted_at=accepted_at)[0] is state


def test_accepted_work_conforms_wholly_even_if_it_was_never_marked_as_delivered():
    assert found(accepted_at=APPLIED, delivered_at=None) == (StageState.ACCEPTED, 1)


@pytest.mark.parametrize("delivered_at", [None, APPLIED + SECOND])
def test_work_that_was_not_delivered_by_then_counts_as_nothing(delivered_at):
    assert found(delivered_at=delivered_at) == (StageState.NOT_DELIVERED, 0)


def test_work_delivered_at_the_very_moment_is_delivered():
    assert found(delivered_at=APPLIED)[0] is StageState.ASSESSED


@pytest.mark.parametrize("items", [(), (item(1, None), item(2, None))])
def test_delivered_work_without_any_value_is_pending(items):
    assert found(items=items) == (StageState.PENDING, 0)


def test_the_gate_lets_only_whole_work_through():
    gate = RefundTerms(time_zone="Europe/Berlin", conformity_mode=ConformityMode.GATE)

    assert found(gate) == (StageState.ASSESSED, 0)
    assert found(gate, items=(item(1, 1), item(3, 1))) == (StageState.ASSESSED, 1)
    assert found(gate, items=()) == (StageState.PENDING, 0)


def test_a_hidden_defect_sets_acceptance_and_silence_aside():
    assert found(accepted_at=APPLIED, hidden_defect=True) == (StageState.ASSESSED, Fraction(1, 2))
    assert found(DEEMED, hidden_defect=True) == (StageState.ASSESSED, Fraction(1, 2))
    assert found(accepted_at=APPLIED, hidden_defect=True, items=()) == (StageState.PENDING, 0)


@pytest.mark.parametrize(
    ("at", "state"),
    [(DEEMED_AT - SECOND, StageState.ASSESSED), (DEEMED_AT, StageState.DEEMED_ACCEPTED)],
)
def test_silence_is_acceptance_from_the_day_after_the_days_have_passed(at, state):
    assert found(DEEMED, at=at)[0] is state


@pytest.mark.parametrize(
    ("objected_at", "state"),
    [
        (DEEMED_AT - timedelta(microseconds=1), StageState.ASSESSED),
        (DEEMED_AT, StageState.DEEMED_ACCEPTED),
        (DELIVERED - timedelta(days=1), StageState.ASSESSED),
    ],
)
def test_only_an_objection_before_that_day_breaks_the_silence(objected_at, state):
    assert found(DEEMED, objected_at=objected_at)[0] is state


def test_the_day_of_deemed_acceptance_is_neither_rolled_nor_counted_in_hours():
    rolled = RefundTerms(time_zone="Europe/Berlin", deemed_acceptance_days=5, roll_to_working_day=True)
    friday = datetime(2026, 6, 5, 8, tzinfo=UTC)  # six days later is a Thursday, five a Wednesday

    assert deemed_acceptance_of(friday - timedelta(days=5), rolled) == datetime(2026, 6, 5, 22, tzinfo=UTC)
    assert deemed_acceptance_of(DELIVERED, rolled) == DEEMED_AT


def test_without_a_term_or_a_delivery_there_is_no_deemed_acceptance():
    assert deemed_acceptance_of(DELIVERED, TERMS) is None
    assert deemed_acceptance_of(None, DEEMED) is None


def test_a_day_of_deemed_acceptance_outside_the_calendar_is_refused():
    with pytest.raises(OutsideCalendar):
        deemed_acceptance_of(datetime(9999, 12, 27, tzinfo=UTC), DEEMED)


@pytest.mark.parametrize(
    ("items", "share"),
    [
        ((item(5, 1), item(3, "1/2"), item(2, None)), Fraction(13, 16)),
        ((item("1/3", "1/7"), item("0.5", "0.25")), Fraction(29, 140)),
        ((item(1, 0),), Fraction(0)),
        ((item(7, 1), item(9, 1)), Fraction(1)),
        ((item(1, None),), None),
    ],
)
def test_the_share_is_the_weighted_mean_of_what_was_assessed(items, share):
    over_under = share_of_items(items)

    assert (over_under and Fraction(*over_under)) == share
    assert over_under is None or Fraction(*over_under).as_integer_ratio() == over_under


@given(st.lists(st.tuples(st.integers(-(10**20), 10**20), st.integers(1, 10**20)), max_size=20))
def test_adding_up_ratios_is_exact(ratios):
    over, under = 0, 1
    for other, other_under in ratios:
        over, under = plus(over, under, other, other_under)

    assert Fraction(over, under) == sum(Fraction(*ratio) for ratio in ratios)
