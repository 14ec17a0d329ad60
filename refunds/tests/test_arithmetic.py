"""Figures for people: all their decimals where they end soon, else nearly, however many digits they have."""

import pytest

from refunds.arithmetic import exact_words, share_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("12.5", "12.50"),
        ("1625/2", "812.50"),
        ("1/3", "≈ 0.333333333"),
        ("123456789012345678901/2000000000000000000", "≈ 61.728394506"),
        ("≈ 0.123456789012", "≈ 0.123456789"),
    ],
)
def test_an_amount_is_written_exactly_or_nearly(text, words):
    assert exact_words(text, "EUR") == words


@pytest.mark.parametrize(("text", "words"), [("3/4", "75\N{NO-BREAK SPACE}%"), ("1/3", "1/3")])
def test_a_share_is_a_percentage_where_that_is_exact(text, words):
    assert share_words(text) == words
