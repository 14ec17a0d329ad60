import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.days import (
    OutsideCalendar,
    UnknownZone,
    first_instant_of_day,
    local_date,
    local_ordinal,
    offset_at,
    zone_of,
)

ZONES = [
    *(
        "Europe/Berlin",
        "America/New_York",
        "America/Santiago",
        "America/Havana",
        "Asia/Beirut",
        "Asia/Tehran",
    ),
    *("America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia", "Pacific/Kwajalein", "Africa/Cairo", "UTC"),
    *("Atlantic/Azores", "Asia/Kathmandu", "Pacific/Chatham", "America/Juneau", "Africa/Casablanca"),
]


@pytest.mark.parametrize(
    "name", ["europe/berlin", "Europe/Berlin ", "Europe", "../etc/passwd", "", "Mars/Base", "CEST"]
)
def test_only_the_exact_name_of_a_zone_is_a_zone(name):
    with pytest.raises(UnknownZone):
        zone_of(name)


@pytest.mark.parametrize("name", ["Europe/Berlin", "US/Eastern", "UTC", "Etc/GMT+12", "Asia/Calcutta"])
def test_zones_and_links_are_zones(name):
    assert zone_of(name).key == name


@pytest.mark.parametrize(
    ("zone", "day", "instant"),
    [
        pytest.param("Europe/Berlin", date(2026, 6, 6), "2026-06-05T22:00", id="summer"),
        pytest.param("Europe/Berlin", date(2026, 3, 29), "2026-03-28T23:00", id="day of 23 hours"),
        pytest.param("Europe/Berlin", date(2026, 3, 30), "2026-03-29T22:00", id="after it"),
        pytest.param("Europe/Berlin", date(2026, 10, 26), "2026-10-25T23:00", id="after a day of 25 hours"),
        pytest.param("America/Santiago", date(2026, 9, 6), "2026-09-06T04:00", id="no midnight"),
        pytest.param("Asia/Beirut", date(2026, 3, 29), "2026-03-28T22:00", id="no midnight in Beirut"),
        pytest.param("America/Havana", date(2026, 11, 1), "2026-11-01T04:00", id="first of two midnights"),
        pytest.param(
            "Atlantic/Azores", date(2026, 10, 25), "2026-10-25T00:00", id="first of two in summer time"
        ),
        pytest.param(
            "America/St_Johns", date(2006, 10, 29), "2006-10-29T02:30", id="a minute, then 23:01 again"
        ),
        pytest.param("America/Toronto", date(1919, 3, 31), "1919-03-31T04:30", id="gap from 23:30 to 00:30"),
        pytest.param("Pacific/Apia", date(2011, 12, 30), "2011-12-30T10:00", id="the day that never was"),
        pytest.param("Pacific/Apia", date(2011, 12, 31), "2011-12-30T10:00", id="the day after it"),
        pytest.param("Pacific/Kwajalein", date(1993, 8, 21), "1993-08-21T12:00", id="Kwajalein skips a day"),
        pytest.param("America/Juneau", date(1867, 10, 19), "1867-10-18T08:57:41", id="a day lived twice"),
        pytest.param("Europe/Berlin", date(1850, 1, 1), "1849-12-31T23:06:32", id="local mean time"),
        pytest.param("Asia/Kathmandu", date(2026, 6, 6), "2026-06-05T18:15", id="quarter of an hour"),
        pytest.param("Pacific/Kiritimati", date(2026, 6, 6), "2026-06-05T10:00", id="furthest ahead"),
        pytest.param("Etc/GMT+12", date(2026, 6, 6), "2026-06-06T12:00", id="furthest behind"),
        pytest.param("UTC", date(1, 1, 1), "0001-01-01T00:00", id="first day of all"),
        pytest.param("America/New_York", date(9999, 12, 31), "9999-12-31T05:00", id="last day of all"),
    ],
)
def test_a_day_begins_when_the_clock_first_reaches_midnight(zone, day, instant):
    begun = first_instant_of_day(day, zone_of(zone))

    assert begun == datetime.fromisoformat(instant).replace(tzinfo=UTC)


def test_a_first_day_that_begins_before_the_calendar_is_refused():
    with pytest.raises(OutsideCalendar):
        first_instant_of_day(date(1, 1, 1), zone_of("Europe/Berlin"))


@pytest.mark.parametrize(
    ("zone", "instant", "day"),
    [
        ("Europe/Berlin", "2026-06-02T21:59:59.999999", date(2026, 6, 2)),
        ("Europe/Berlin", "2026-06-02T22:00:00", date(2026, 6, 3)),
        ("America/New_York", "2026-06-03T03:59:59", date(2026, 6, 2)),
        ("Pacific/Kiritimati", "2026-06-02T10:00:00", date(2026, 6, 3)),
    ],
)
def test_the_local_date_is_the_zones_not_utcs(zone, instant, day):
    assert local_date(datetime.fromisoformat(instant).replace(tzinfo=UTC), zone_of(zone)) == day


def test_days_outside_the_calendar_have_ordinals_but_no_dates():
    first, last = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, tzinfo=UTC)

    assert local_ordinal(first, zone_of("America/New_York")) == 0
    assert local_ordinal(last, zone_of("Asia/Tokyo")) == date.max.toordinal() + 1
    assert offset_at(last, zone_of("Asia/Tokyo")) == timedelta(hours=9)
    with pytest.raises(OutsideCalendar):
        local_date(first, zone_of("America/New_York"))


def first_by_looking(day, zone):
    """Look at the clock every minute from the earliest moment that is possible, then every second."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)

    def has_come(moment):
        return moment.astimezone(zone).replace(tzinfo=UTC) >= midnight

    around = [(midnight + timedelta(hours=hours)).astimezone(zone) for hours in range(-48, 49, 3)]
    moment = midnight - max(local.utcoffset() for local in around)
    while not has_come(moment):
        moment += timedelta(minutes=1)
    while has_come(moment - timedelta(seconds=1)):
        moment -= timedelta(seconds=1)
    return moment


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(ZONES), st.dates(date(1850, 1, 1), date(2100, 1, 1)))
def test_a_day_begins_where_looking_at_the_clock_finds_it(zone, day):
    assert first_instant_of_day(day, zone_of(zone)) == first_by_looking(day, zone_of(zone))


@pytest.mark.parametrize("name", ZONES)
def test_days_around_every_change_of_offset_begin_where_looking_finds_it(name):
    zone = zone_of(name)
    days = [date(1860, 1, 1) + timedelta(days=number) for number in range(0, 100_000, 7)]
    offsets = [offset_at(datetime(day.year, day.month, day.day, tzinfo=UTC), zone) for day in days]
    weeks_of_change = [day for day, now, then in zip(days, offsets, offsets[1:], strict=False) if now != then]

    for week in weeks_of_change[:60] + weeks_of_change[-20:]:
        for day in (week + timedelta(days=number) for number in range(8)):
            assert first_instant_of_day(day, zone) == first_by_looking(day, zone), day


def test_zone_data_does_not_come_from_the_machine(tmp_path):
    """A host whose own zone files say that Berlin is UTC changes nothing."""
    (tmp_path / "Europe").mkdir()
    (tmp_path / "Europe" / "Berlin").write_bytes(files("tzdata.zoneinfo").joinpath("UTC").read_bytes())
    script = (
        "from zoneinfo import ZoneInfo; early = ZoneInfo('Europe/Berlin');"
        "from datetime import UTC, datetime; at = datetime(2026, 6, 2, 12, tzinfo=UTC);"
        "from kernel.days import zone_of;"
        "print(at.astimezone(early).hour, at.astimezone(zone_of('Europe/Berlin')).hour)"
    )

    shown = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONTZPATH": str(tmp_path), "PYTHONPATH": ":".join(sys.path)},
    ).stdout

    assert shown.split() == ["12", "14"]
