import pytest

from contracts.policy.terms import (
    DEFAULT_TERMS,
    ConformityMode,
    DayRule,
    RefundTerms,
    Rounding,
    as_json,
    deviates_from_policy,
    less_favourable_fields,
    parse_terms,
)
from kernel.errors import InvalidInput

ZONE = "Europe/Berlin"


def faults_of(raw):
    with pytest.raises(InvalidInput) as caught:
        parse_terms(raw, ZONE)
    assert all(fault.message for fault in caught.value.faults)
    return [fault.path for fault in caught.value.faults]


def test_terms_that_say_nothing_are_the_published_policy_in_the_companys_zone():
    assert parse_terms({}, "Asia/Tokyo") == RefundTerms(
        window_days=3,
        day_rule=DayRule.CALENDAR,
        time_zone="Asia/Tokyo",
        roll_to_working_day=False,
        holiday_calendar=None,
        conformity_mode=ConformityMode.SHARE,
        deemed_acceptance_days=None,
        rounding=Rounding.CLIENT,
        exchange_allowed=True,
        decision_days=14,
    )


def test_terms_are_written_completely_and_read_back_the_same():
    raw = {
        "window_days": 14,
        "day_rule": "calendar",
        "time_zone": "America/New_York",
        "roll_to_working_day": True,
        "holiday_calendar": "US-NY",
        "conformity_mode": "gate",
        "deemed_acceptance_days": 15,
        "rounding": "half_even",
        "exchange_allowed": False,
        "decision_days": 90,
    }

    terms = parse_terms(raw, ZONE)

    assert as_json(terms) == raw
    assert parse_terms(as_json(terms), ZONE) == terms


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("window_days", value) for value in (-1, 366, 3.0, True, "3", None)),
        *(("day_rule", value) for value in ("Calendar", "working", 1, None, [])),
        *(("time_zone", value) for value in ("europe/berlin", "CEST", "", 1, None, ["Europe/Berlin"])),
        *(("roll_to_working_day", value) for value in (1, "true", None)),
        *(
            ("holiday_calendar", value)
            for value in ("de", "DEU", "XX", "DE-XX", "DE-", "UK", "DE-Augsburg", "", 1, {})
        ),
        *(("conformity_mode", value) for value in ("all", None, 0)),
        *(("deemed_acceptance_days", value) for value in (3, 0, -1, 3651, 4.0, "4", True)),
        *(("rounding", value) for value in ("up", "HALF_UP", None)),
        *(("exchange_allowed", value) for value in (0, "no", None)),
        *(("decision_days", value) for value in (0, 91, "14", 14.0, None)),
        *(("window", value) for value in (3, None)),
    ],
)
def test_a_wrong_value_is_a_fault_at_its_field(field, value):
    assert faults_of({field: value}) == [field]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("window_days", value) for value in (0, 365)),
        *(("deemed_acceptance_days", value) for value in (None, 4, 3650)),
        *(("holiday_calendar", value) for value in (None, "DE", "DE-BE", "GB-SCT", "AT-1", "FR-971")),
        *(("decision_days", value) for value in (1, 90)),
    ],
)
def test_the_limits_themselves_are_allowed(field, value):
    assert getattr(parse_terms({field: value}, ZONE), field) == value


@pytest.mark.parametrize(
    ("raw", "paths"),
    [
        ({"deemed_acceptance_days": 3}, ["deemed_acceptance_days"]),
        ({"window_days": 7, "deemed_acceptance_days": 7}, ["deemed_acceptance_days"]),
        ({"deemed_acceptance_days": 7, "window_days": 7}, ["deemed_acceptance_days"]),
        ({"roll_to_working_day": True, "day_rule": "elapsed"}, ["roll_to_working_day"]),
        ({"day_rule": "elapsed", "roll_to_working_day": True}, ["roll_to_working_day"]),
        ({"window_days": "7", "deemed_acceptance_days": 2}, ["window_days"]),
    ],
)
def test_what_no_contract_can_mean_is_a_fault(raw, paths):
    assert faults_of(raw) == paths


def test_a_calendar_without_rolling_and_no_rolling_with_hours_are_no_contradiction():
    parse_terms({"holiday_calendar": "DE"}, ZONE)
    parse_terms({"day_rule": "elapsed", "roll_to_working_day": False, "holiday_calendar": "DE"}, ZONE)


def test_every_fault_is_told_in_the_order_of_the_document():
    raw = {
        "rounding": "up",
        "surprise": 1,
        "window_days": 400,
        "roll_to_working_day": True,
        "day_rule": "elapsed",
        "decision_days": 0,
    }

    assert faults_of(raw) == ["rounding", "surprise", "window_days", "roll_to_working_day", "decision_days"]


@pytest.mark.parametrize("raw", [None, [], "terms", 3])
def test_terms_are_an_object(raw):
    assert faults_of(raw) == [""]


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({}, ()),
        ({"window_days": 2}, ("window_days",)),
        ({"window_days": 4}, ()),
        ({"day_rule": "elapsed"}, ("day_rule",)),
        ({"day_rule": "elapsed", "window_days": 4}, ("day_rule",)),
        ({"day_rule": "elapsed", "window_days": 5}, ()),
        ({"day_rule": "elapsed", "window_days": 0}, ("window_days", "day_rule")),
        ({"deemed_acceptance_days": 3650}, ("deemed_acceptance_days",)),
        ({"rounding": "half_up"}, ("rounding",)),
        ({"rounding": "half_even"}, ("rounding",)),
        ({"rounding": "company"}, ("rounding",)),
        ({"exchange_allowed": False}, ("exchange_allowed",)),
        ({"decision_days": 15}, ("decision_days",)),
        ({"decision_days": 1}, ()),
        ({"conformity_mode": "gate"}, ()),
        ({"roll_to_working_day": True, "holiday_calendar": "DE"}, ()),
        ({"time_zone": "Pacific/Kiritimati"}, ()),
    ],
)
def test_terms_deviate_where_they_are_less_favourable_than_the_policy(changes, fields):
    terms = parse_terms(changes, ZONE)

    assert less_favourable_fields(terms) == fields
    assert deviates_from_policy(terms) is bool(fields)


def test_the_default_terms_do_not_deviate():
    assert not deviates_from_policy(DEFAULT_TERMS)
