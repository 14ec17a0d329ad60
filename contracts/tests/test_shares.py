"""Parting a sum loses nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.shares import in_proportion

WEIGHTS = st.lists(st.integers(0, 10**15), min_size=1, max_size=20)


@given(total=st.integers(0, 10**15), weights=WEIGHTS)
def test_parts_sum_to_the_whole_and_none_is_a_unit_off_its_share(total, weights):
    parts = in_proportion(total, weights)

    assert sum(parts) == total
    if whole := sum(weights):
        for part, weight in zip(parts, weights, strict=True):
            assert abs(part * whole - total * weight) < whole


@given(total=st.integers(0, 10**6), count=st.integers(1, 12))
def test_without_weights_all_count_alike(total, count):
    parts = in_proportion(total, [0] * count)

    assert max(parts) - min(parts) <= 1


def test_of_equal_remainders_the_earlier_part_takes_the_unit():
    assert in_proportion(100, [1, 1, 1]) == [34, 33, 33]
    assert in_proportion(101, [1, 1, 1]) == [34, 34, 33]


@pytest.mark.parametrize(("total", "weights"), [(1, []), (-1, [1]), (1, [1, -1])])
def test_what_cannot_be_parted_is_refused(total, weights):
    with pytest.raises(ValueError, match="parted"):
        in_proportion(total, weights)
