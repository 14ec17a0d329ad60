from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.policy.terms import DayRule, RefundTerms, holiday_calendars
from contracts.policy.window import deadline_of, deadline_text, is_in_time, window_of
from kernel.days import OutsideCalendar, local_date, zone_of


def written(captured_at, **changes):
    """The deadline as it is written."""
    terms = RefundTerms(**{"time_zone": "Europe/Berlin", **changes})
    return deadline_text(deadline_of(terms, at(captured_at)), zone_of(terms.time_zone))


def at(text):
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("captured_at", "changes", "deadline"),
    [
        pytest.param("2026-06-02T14:05:00+02:00", {}, "2026-06-06T00:00:00+02:00", id="three whole days"),
        pytest.param(
            "2026-06-02T00:00:00+02:00", {}, "2026-06-06T00:00:00+02:00", id="first instant of the day"
        ),
        pytest.param("2026-06-02T23:59:59.999999+02:00", {}, "2026-06-06T00:00:00+02:00", id="last instant"),
        pytest.param(
            "2026-06-02T22:00:00+00:00", {}, "2026-06-07T00:00:00+02:00", id="already the next day in Berlin"
        ),
        pytest.param(
            "2026-06-02T14:05:00+02:00", {"window_days": 0}, "2026-06-03T00:00:00+02:00", id="the day itself"
        ),
        pytest.param("2026-02-26T12:00:00+01:00", {}, "2026-03-02T00:00:00+01:00", id="end of February"),
        pytest.param("2028-02-26T12:00:00+01:00", {}, "2028-03-01T00:00:00+01:00", id="leap year"),
        pytest.param("2026-12-30T12:00:00+01:00", {}, "2027-01-03T00:00:00+01:00", id="over new year"),
        pytest.param(
            "2026-03-26T12:00:00+01:00", {}, "2026-03-30T00:00:00+02:00", id="last day has 23 hours"
        ),
        pytest.param(
            "2026-10-22T12:00:00+02:00", {}, "2026-10-26T00:00:00+01:00", id="last day has 25 hours"
        ),
        pytest.param(
            "2026-10-25T02:30:00+02:00", {}, "2026-10-29T00:00:00+01:00", id="captured in the first 2:30"
        ),
        pytest.param(
            "2026-10-25T02:30:00+01:00", {}, "2026-10-29T00:00:00+01:00", id="captured in the second 2:30"
        ),
        pytest.param(
            "2026-09-02T12:00:00-04:00",
            {"time_zone": "America/Santiago"},
            "2026-09-06T01:00:00-03:00",
            id="no midnight",
        ),
        pytest.param(
            "2026-10-28T12:00:00-04:00",
            {"time_zone": "America/Havana"},
            "2026-11-01T00:00:00-04:00",
            id="first of two midnights",
        ),
        pytest.param(
            "2011-12-26T12:00:00-10:00",
            {"time_zone": "Pacific/Apia"},
            "2011-12-31T00:00:00+14:00",
            id="deadline on the day that never was",
        ),
        pytest.param(
            "2011-12-28T12:00:00-10:00",
            {"time_zone": "Pacific/Apia"},
            "2012-01-01T00:00:00+14:00",
            id="a skipped day is counted",
        ),
        pytest.param(
            "1880-05-03T12:00:00+00:00",
            {},
            "1880-05-06T23:06:32+00:00",
            id="offset with seconds: written in UTC",
        ),
        pytest.param(
            "2026-06-02T14:05:00+02:00", {"time_zone": "UTC"}, "2026-06-06T00:00:00+00:00", id="UTC without Z"
        ),
    ],
)
def test_by_calendar_days_the_deadline_is_when_the_day_after_the_last_begins(captured_at, changes, deadline):
    assert written(captured_at, **changes) == deadline


@pytest.mark.parametrize(
    ("captured_at", "days", "deadline"),
    [
        pytest.param("2026-06-02T14:05:00+02:00", 3, "2026-06-05T14:05:00+02:00", id="72 hours"),
        pytest.param(
            "2026-03-27T12:00:00+01:00", 3, "2026-03-30T13:00:00+02:00", id="over the spring change"
        ),
        pytest.param(
            "2026-10-23T12:00:00+02:00", 3, "2026-10-26T11:00:00+01:00", id="over the autumn change"
        ),
        pytest.param(
            "2026-06-02T14:05:00.250000+02:00", 0, "2026-06-02T14:05:00.250000+02:00", id="none at all"
        ),
    ],
)
def test_by_elapsed_time_the_deadline_counts_real_hours(captured_at, days, deadline):
    assert written(captured_at, day_rule=DayRule.ELAPSED, window_days=days) == deadline


@pytest.mark.parametrize(
    ("captured_at", "calendar", "deadline", "passed_over"),
    [
        pytest.param(
            "2026-06-02T10:00:00+02:00", None, "2026-06-06T00:00:00+02:00", (), id="ends on a Friday"
        ),
        pytest.param(
            "2026-06-03T10:00:00+02:00",
            None,
            "2026-06-09T00:00:00+02:00",
            ("2026-06-06", "2026-06-07"),
            id="Saturday: Monday is the last",
        ),
        pytest.param(
            "2026-06-04T10:00:00+02:00",
            None,
            "2026-06-09T00:00:00+02:00",
            ("2026-06-07",),
            id="Sunday: Monday",
        ),
        pytest.param(
            "2026-04-28T10:00:00+02:00",
            "DE",
            "2026-05-05T00:00:00+02:00",
            ("2026-05-01", "2026-05-02", "2026-05-03"),
            id="May Day on a Friday",
        ),
        pytest.param(
            "2026-03-31T10:00:00+02:00",
            "DE",
            "2026-04-08T00:00:00+02:00",
            ("2026-04-03", "2026-04-04", "2026-04-05", "2026-04-06"),
            id="Good Friday to Easter Monday",
        ),
        pytest.param(
            "2027-03-05T10:00:00+01:00", "DE", "2027-03-09T00:00:00+01:00", (), id="8 March is one of no"
        ),
        pytest.param(
            "2027-03-05T10:00:00+01:00",
            "DE-BE",
            "2027-03-10T00:00:00+01:00",
            ("2027-03-08",),
            id="but of Berlin",
        ),
        pytest.param(
            "2026-12-30T10:00:00+01:00",
            "DE",
            "2027-01-05T00:00:00+01:00",
            ("2027-01-02", "2027-01-03"),
            id="into the next year",
        ),
        pytest.param(
            "2027-12-22T10:00:00+01:00",
            "GB-ENG",
            "2027-12-30T00:00:00+01:00",
            ("2027-12-25", "2027-12-26", "2027-12-27", "2027-12-28"),
            id="substitute days of Christmas and Boxing Day",
        ),
    ],
)
def test_rolled_the_last_day_is_a_working_day(captured_at, calendar, deadline, passed_over):
    terms = RefundTerms(time_zone="Europe/Berlin", roll_to_working_day=True, holiday_calendar=calendar)

    window = window_of(terms, at(captured_at))

    assert window.text == deadline
    assert window.passed_over == passed_over


@pytest.mark.filterwarnings("ignore:Requested Holidays:UserWarning")
@pytest.mark.parametrize("year", [1, 2026, 9999])
def test_every_calendar_that_is_offered_can_be_asked_for_any_year(year):
    terms = [
        RefundTerms(time_zone="UTC", roll_to_working_day=True, holiday_calendar=name, window_days=0)
        for name in sorted(holiday_calendars())
    ]

    deadlines = [deadline_of(each, datetime(year, 6, 2, tzinfo=UTC)) for each in terms]

    assert len(deadlines) > 800
    assert all(deadline.year == year for deadline in deadlines)


def test_a_calendar_without_rolling_changes_nothing():
    assert written("2026-04-28T10:00:00+02:00", holiday_calendar="DE") == "2026-05-02T00:00:00+02:00"


def test_a_window_names_its_first_and_last_day():
    window = window_of(RefundTerms(time_zone="Europe/Berlin"), at("2026-06-02T22:30:00+00:00"))

    assert (window.purchase_day, window.last_day) == ("2026-06-03", "2026-06-06")


@pytest.mark.parametrize(("microseconds", "in_time"), [(-1, True), (0, False), (1, False)])
def test_an_application_is_in_time_until_the_deadline_instant(microseconds, in_time):
    deadline = datetime(2026, 6, 5, 22, tzinfo=UTC)

    assert is_in_time(deadline, deadline + timedelta(microseconds=microseconds)) is in_time


@pytest.mark.parametrize(
    ("captured_at", "changes"),
    [
        ("9999-12-28T12:00:00+00:00", {"time_zone": "UTC"}),
        ("9999-12-31T23:00:00+00:00", {"time_zone": "Asia/Tokyo", "window_days": 0}),
        ("9999-12-30T12:00:00+00:00", {"time_zone": "UTC", "day_rule": DayRule.ELAPSED}),
        (
            "9999-12-31T16:00:00+00:00",
            {"time_zone": "Asia/Tokyo", "day_rule": DayRule.ELAPSED, "window_days": 0},
        ),
        ("9999-12-30T12:00:00+00:00", {"time_zone": "Etc/GMT+12", "window_days": 1}),
    ],
)
def test_a_deadline_outside_the_calendar_is_refused(captured_at, changes):
    with pytest.raises(OutsideCalendar):
        deadline_of(RefundTerms(**changes), at(captured_at))


@pytest.mark.parametrize(
    ("captured_at", "changes", "deadline"),
    [
        ("9999-12-27T12:00:00+00:00", {"time_zone": "UTC"}, "9999-12-31T00:00:00+00:00"),
        (
            "9999-12-30T12:00:00+00:00",
            {"time_zone": "Etc/GMT+12", "window_days": 0},
            "9999-12-31T00:00:00-12:00",
        ),
        (
            "0001-01-01T00:00:00+00:00",
            {"time_zone": "Etc/GMT+12", "window_days": 0},
            "0001-01-01T00:00:00-12:00",
        ),
        ("0001-01-01T00:00:00+00:00", {"time_zone": "UTC", "window_days": 0}, "0001-01-02T00:00:00+00:00"),
        pytest.param(
            "0001-01-01T00:00:00+00:00",
            {"time_zone": "Etc/GMT+12", "window_days": 0, "roll_to_working_day": True},
            "0001-01-02T00:00:00-12:00",
            id="rolled off the Sunday before the first day there is",
        ),
    ],
)
def test_the_ends_of_the_calendar_are_within_it(captured_at, changes, deadline):
    assert written(captured_at, **changes) == deadline


zones = st.sampled_from(
    ["Europe/Berlin", "America/Santiago", "America/Havana", "Pacific/Apia", "Asia/Tehran"]
)
instants = st.datetimes(datetime(2000, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))


@settings(max_examples=300, deadline=None)
@given(zones, instants, st.integers(0, 365))
def test_the_last_moment_in_time_is_on_the_last_day_and_the_deadline_is_not(zone, captured_at, days):
    terms = RefundTerms(time_zone=zone, window_days=days)

    deadline = deadline_of(terms, captured_at)

    last = local_date(captured_at, zone_of(zone)) + timedelta(days=days)
    assert local_date(deadline - timedelta(microseconds=1), zone_of(zone)) <= last
    assert local_date(deadline, zone_of(zone)) > last


@settings(max_examples=300, deadline=None)
@given(zones, instants, st.integers(0, 30), st.booleans())
def test_a_day_more_or_a_later_capture_never_ends_the_window_earlier(zone, captured_at, days, roll):
    def deadline(extra=0, later=0):
        terms = RefundTerms(time_zone=zone, window_days=days + extra, roll_to_working_day=roll)
        return deadline_of(terms, captured_at + timedelta(hours=later))

    assert deadline() <= deadline(extra=1)
    assert deadline() <= deadline(later=7)
