from datetime import UTC, datetime

import pytest

from kernel.instants import InvalidInstant, parse_instant


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-06-02T14:05:00+02:00", datetime(2026, 6, 2, 12, 5, tzinfo=UTC)),
        ("2026-06-02T14:05:00Z", datetime(2026, 6, 2, 14, 5, tzinfo=UTC)),
        ("2026-06-02t14:05:00z", datetime(2026, 6, 2, 14, 5, tzinfo=UTC)),
        ("2026-06-02T14:05:00-00:00", datetime(2026, 6, 2, 14, 5, tzinfo=UTC)),
        ("2026-06-02T14:05:00.5Z", datetime(2026, 6, 2, 14, 5, 0, 500_000, tzinfo=UTC)),
        ("2026-06-02T14:05:00.000001+23:59", datetime(2026, 6, 1, 14, 6, 0, 1, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59.999999Z", datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)),
    ],
)
def test_an_instant_is_read_into_utc(text, instant):
    found = parse_instant(text)

    assert found == instant
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "2026-06-02T14:05:00",  # no offset
        "2026-06-02",
        "2026-06-02 14:05:00Z",  # RFC 3339 has a T
        "2026-06-02T14:05Z",
        "2026-06-02T14:05:00+0200",
        "2026-06-02T14:05:00+02",
        "2026-06-02T14:05:00+02:60",
        "2026-06-02T14:05:00+24:00",
        "2026-06-02T14:05:00.Z",
        "2026-06-02T14:05:00,5Z",
        "2026-06-02T14:05:00.1234567Z",  # seven decimals
        "2026-06-30T23:59:60Z",  # leap second
        "2026-06-02T24:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-W23-2T14:05:00Z",
        "0000-12-31T23:00:00-05:00",  # year 0 as written
        "0001-01-01T00:00:00+00:01",  # year 0 in UTC
        "9999-12-31T23:59:00-00:01",  # year 10000 in UTC
        "12026-06-02T14:05:00Z",
        "２026-06-02T14:05:00Z",
        "2026-06-02T14:05:00Z\n",
        "",
    ],
)
def test_what_is_no_instant_is_refused(text):
    with pytest.raises(InvalidInstant):
        parse_instant(text)
