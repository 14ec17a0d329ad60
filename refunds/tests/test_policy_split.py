"""Parts are rounded by largest remainder, exactly, however long the numbers are."""

from fractions import Fraction
from math import ceil, floor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refunds.policy.amount import Part, split
from refunds.policy.codes import LineKind

WORK, USAGE = LineKind.CONFORMING_WORK, LineKind.USAGE


def by_fractions(parts, amount, retained):
    """The same, plainly: scale down, take whole units, give what is left to the largest remainders."""
    values = [Fraction(part.over, part.under) for part in parts]
    total = sum(values)
    if total > amount:
        values = [value * amount / total for value in values]
    given = [floor(value) for value in values]
    ranked = sorted(
        range(len(parts)),
        key=lambda index: (given[index] - values[index], parts[index].kind != WORK, parts[index].name),
    )
    for index in ranked[: retained - sum(given)]:
        given[index] += 1
    return given


def amounts(parts, amount, retained):
    total = sum((Fraction(part.over, part.under) for part in parts), Fraction(0))
    return [minor for _, _, minor in split(parts, *total.as_integer_ratio(), amount, retained)]


numbers = st.tuples(
    st.integers(1, 10**9), st.sampled_from([1, 2, 3, 7, 10, 2**70, 2**70 + 1, 3**60, 10**40 + 7])
)
named = st.lists(
    st.tuples(st.sampled_from([WORK, USAGE]), st.sampled_from("abcdefgh"), numbers),
    max_size=8,
    unique_by=lambda x: x[:2],
)


@settings(max_examples=500, deadline=None)
@given(named, st.integers(1, 10**9), st.booleans())
def test_parts_are_split_as_plain_fractions_split_them(drawn, amount, up):
    parts = [Part(kind, name, *number) for kind, name, number in drawn]
    total = min(Fraction(amount), sum((Fraction(*number) for _, _, number in drawn), Fraction(0)))
    retained = ceil(total) if up else floor(total)

    found = amounts(parts, amount, retained)

    assert found == by_fractions(parts, amount, retained)
    assert sum(found) == retained


@pytest.mark.parametrize(("more", "winner"), [("a", [1, 0]), ("b", [0, 1])])
def test_remainders_that_differ_beyond_their_first_bits_are_still_told_apart(more, winner):
    """Both are nearly a half; one is larger by 2 ** -200, over another denominator."""
    over = {name: (2**199 + (name == more)) * factor for name, factor in (("a", 3), ("b", 5))}
    parts = [Part(USAGE, "a", over["a"], 3 * 2**200), Part(USAGE, "b", over["b"], 5 * 2**200)]

    assert amounts(parts, 100, 1) == winner


def test_equal_remainders_go_to_work_then_by_name_in_code_point_order():
    names = [(USAGE, "A"), (WORK, "ä"), (WORK, "b"), (WORK, "Z"), (USAGE, "a")]
    parts = [Part(kind, name, 2 + index, 4 + 2 * index) for index, (kind, name) in enumerate(names)]

    assert amounts(parts, 100, 2) == [0, 0, 1, 1, 0]
    assert amounts(parts, 100, 3) == [0, 1, 1, 1, 0]


def test_a_payment_of_nothing_keeps_no_parts():
    assert split([Part(USAGE, "calls", 7, 2)], 7, 2, 0, 0) == ()
