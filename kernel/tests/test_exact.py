from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.exact import decimal_text, parse_decimal, parse_fraction, parse_scaled, ratio_text, whole_text


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", Fraction(0)), ("-0.00", Fraction(0)), ("0.0125", Fraction(1, 80)), ("-7.5", Fraction(-15, 2))],
)
def test_a_decimal_string_is_read_exactly(text, value):
    assert parse_decimal(text) == value


@pytest.mark.parametrize(
    "text",
    ["", "1.", ".1", "1e2", "+1", "1/2", "١", "1\n", "0." + "0" * 19, "1" * 19, "9" * 100_000],
)
def test_what_is_no_decimal_string_is_not_read(text):
    assert parse_decimal(text) is None


@pytest.mark.parametrize(
    ("text", "value"), [("1/3", Fraction(1, 3)), ("4/2", Fraction(2)), ("0.5", Fraction(1, 2))]
)
def test_a_fraction_is_a_decimal_string_or_two_whole_numbers(text, value):
    assert parse_fraction(text) == value


@pytest.mark.parametrize(
    "text", ["1/0", "-1/2", "1/-2", "1 / 2", "1/2/3", "1.5/2", "1/" + "1" * 19, "/2", "1/"]
)
def test_what_is_no_fraction_is_not_read(text):
    assert parse_fraction(text) is None


def test_eighteen_digits_on_either_side_are_read_to_the_last():
    text = "999999999999999999.999999999999999999"

    assert parse_decimal(text) == Fraction(10**36 - 1, 10**18)
    assert parse_scaled(text, 18) == 10**36 - 1


@pytest.mark.parametrize(
    ("over", "under", "text"), [(6, 3, "2"), (6, 4, "3/2"), (0, 7, "0"), (-6, 4, "-3/2"), (5, 1, "5")]
)
def test_a_rational_number_is_written_in_lowest_terms(over, under, text):
    assert ratio_text(over, under) == text


def test_integers_past_the_limit_of_str_are_written_whole():
    assert whole_text(10**6000) == "1" + "0" * 6000
    assert whole_text(-(10**6000) - 7) == "-1" + "0" * 5999 + "7"


@given(st.integers(-(10**18) + 1, 10**18 - 1), st.integers(1, 10**18 - 1))
def test_what_is_written_is_read_back_as_the_same_number(over, under):
    value = Fraction(abs(over), under)

    assert parse_fraction(decimal_text(value)) == value


@given(st.decimals(min_value=-(10**17), max_value=10**17, places=9, allow_nan=False, allow_infinity=False))
def test_decimals_are_written_as_decimals_and_read_back(number):
    value = Fraction(number)

    assert parse_decimal(decimal_text(value)) == value
