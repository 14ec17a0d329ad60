"""One parser reads contracts for every door; it finds all faults of a document at once."""

import copy

import pytest

from contracts.drafts import parse_contract
from contracts.policy.terms import Rounding
from contracts.tests.cast import METERS, STAGES
from kernel.errors import InvalidInput

CLIENT = "018f0000-0000-7000-8000-000000000001"


def raw_contract(**changes):
    raw = {
        "client": CLIENT,
        "title": "Order desk",
        "currency": "EUR",
        "total": "1800.00",
        "terms": {"window_days": 5, "rounding": "half_up"},
        "stages": copy.deepcopy(STAGES),
        "meters": copy.deepcopy(METERS),
    }
    return {**raw, **changes}


def paths_of(raw):
    with pytest.raises(InvalidInput) as caught:
        parse_contract(raw, default_time_zone="Europe/Berlin")
    return [fault.path for fault in caught.value.faults]


def messages_of(raw):
    with pytest.raises(InvalidInput) as caught:
        parse_contract(raw, default_time_zone="Europe/Berlin")
    return {fault.path: fault.message for fault in caught.value.faults}


def test_a_contract_is_read_whole():
    draft = parse_contract(raw_contract(), default_time_zone="Europe/Berlin")

    assert (str(draft.client_id), draft.total_minor, draft.payment_days) == (CLIENT, 180000, 14)
    assert (draft.terms.window_days, draft.terms.time_zone) == (5, "Europe/Berlin")
    assert draft.terms.rounding is Rounding.HALF_UP
    prepayment, order_desk, _ = draft.stages
    assert prepayment.shares == (("S1", 20000), ("S2", 10000))
    assert [item.weight_micro for item in order_desk.items] == [5_000_000, 3_000_000, 2_000_000]
    assert [meter.price_nano for meter in draft.meters] == [12_500_000, 30_000_000_000]


def test_shares_are_parted_by_largest_remainder_so_that_nothing_is_lost():
    stages = [
        {"code": "P", "title": "Prepayment", "kind": "prepayment", "amount": "100.00"},
        *({"code": f"S{n}", "title": "Work", "kind": "work", "amount": "50.00"} for n in (1, 2, 3)),
    ]

    draft = parse_contract(raw_contract(stages=stages, total="250.00"), default_time_zone="Europe/Berlin")

    assert draft.stages[0].shares == (("S1", 3334), ("S2", 3333), ("S3", 3333))


@pytest.mark.parametrize(
    ("changes", "paths"),
    [
        ({"currency": "EURO"}, ["currency"]),
        ({"currency": "eur"}, ["currency"]),
        ({"currency": "XAU"}, ["currency"]),
        ({"total": "1800.001"}, ["total"]),
        ({"total": "1799.99"}, ["total"]),
        ({"total": 1800}, ["total"]),
        ({"client": "Acme"}, ["client"]),
        ({"title": "  "}, ["title"]),
        ({"title": "a\u0000b"}, ["title"]),
        ({"title": "half a pair \ud800"}, ["title"]),
        ({"title": "x" * 201}, ["title"]),
        ({"title": "two\nlines"}, ["title"]),
        ({"payment_days": 14.0}, ["payment_days"]),
        ({"payment_days": True}, ["payment_days"]),
        ({"payment_days": -1}, ["payment_days"]),
        ({"stages": []}, ["stages"]),
        ({"stages": "all"}, ["stages"]),
        ({"stages": [7]}, ["stages[0]"]),
        ({"meters": {}}, ["meters"]),
        ({"discount": "10"}, ["discount"]),
        ({"discount": None}, ["discount"]),
        ({"title": None}, ["title"]),
        ({"terms": {"window_days": 366}}, ["terms.window_days"]),
        ({"terms": {"windw_days": 3}}, ["terms.windw_days"]),
        ({"terms": {"deemed_acceptance_days": 3}}, ["terms.deemed_acceptance_days"]),
        ({"terms": {"roll_to_working_day": True, "day_rule": "elapsed"}}, ["terms.roll_to_working_day"]),
        ({"terms": []}, ["terms"]),
    ],
)
def test_a_fault_is_named_with_its_path(changes, paths):
    assert paths_of(raw_contract(**changes)) == paths


def change_stage(place, **changes):
    raw = raw_contract()
    raw["stages"][place] = {**raw["stages"][place], **changes}
    return raw


@pytest.mark.parametrize(
    ("place", "changes", "paths"),
    [
        (1, {"amount": "1000.005"}, ["stages[1].amount"]),
        (1, {"amount": 1000.0}, ["stages[1].amount"]),
        (1, {"amount": "-1.00"}, ["stages[1].amount"]),
        (1, {"amount": "1e3"}, ["stages[1].amount"]),
        (1, {"amount": "10000000000000.01"}, ["stages[1].amount"]),
        (1, {"kind": "gift"}, ["stages[1].kind"]),
        (2, {"code": "S1"}, ["stages[2].code"]),
        (1, {"code": "S 1"}, ["stages[1].code"]),
        (1, {"code": "-"}, ["stages[1].code"]),
        (0, {"items": [{"code": "A", "statement": "b", "weight": "1"}]}, ["stages[0].items"]),
        (1, {"shares": {}}, ["stages[1].shares"]),
        (0, {"shares": {"S1": "100.00", "S2": "199.99"}}, ["stages[0].shares"]),
        (0, {"shares": {"S1": "300.00", "S9": "0.00"}}, ["stages[0].shares.S9"]),
        (0, {"shares": {"S1": "300.001"}}, ["stages[0].shares.S1"]),
        (0, {"shares": ["S1"]}, ["stages[0].shares"]),
        (1, {"paid": "0.00"}, ["stages[1].paid"]),
    ],
)
def test_a_fault_of_a_stage_is_named_with_its_path(place, changes, paths):
    assert paths_of(change_stage(place, **changes)) == paths


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"weight": "0"}, "weight"),
        ({"weight": "-1"}, "weight"),
        ({"weight": 5}, "weight"),
        ({"weight": "0.0000001"}, "weight"),
        ({"statement": ""}, "statement"),
        ({"code": "AC-1"}, "code"),
        ({"fulfilled": "1"}, "fulfilled"),
    ],
)
def test_a_fault_of_an_acceptance_item_is_named_with_its_path(changes, field):
    raw = raw_contract()
    raw["stages"][1]["items"][2].update(changes)

    assert paths_of(raw) == [f"stages[1].items[2].{field}"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"price": "-0.01"}, "price"),
        ({"price": "0.0000000001"}, "price"),
        ({"price": 30}, "price"),
        ({"kind": "counted"}, "kind"),
        ({"code": "api_calls"}, "code"),
    ],
)
def test_a_fault_of_a_meter_is_named_with_its_path(changes, field):
    raw = raw_contract()
    raw["meters"][1].update(changes)

    assert paths_of(raw) == [f"meters[1].{field}"]


def test_all_faults_are_found_at_once_in_the_order_of_the_document():
    raw = raw_contract(currency="EUR", total="1.234", discount="1")
    raw["terms"] = {"rounding": "up", "deemed_acceptance_days": 1}
    raw["stages"][0]["amount"] = "0.123"
    raw["stages"][1]["items"][0]["weight"] = "0"
    del raw["stages"][1]["items"][1]["statement"]
    del raw["title"]

    assert paths_of(raw) == [
        "total",
        "terms.rounding",
        "terms.deemed_acceptance_days",
        "stages[0].amount",
        "stages[1].items[0].weight",
        "stages[1].items[1].statement",
        "discount",
        "title",
    ]


def test_messages_say_what_is_expected():
    raw = raw_contract(total="1799.99")

    assert messages_of(raw) == {"total": "must be the sum of the stages, 1800.00"}


def test_stages_that_sum_to_nothing_are_no_contract():
    stages = [{"code": "S1", "title": "Free", "kind": "work", "amount": "0.00"}]

    assert paths_of(raw_contract(stages=stages, total="0.00")) == ["stages"]


def test_a_prepayment_without_work_prepays_nothing():
    stages = [{"code": "P1", "title": "Prepayment", "kind": "prepayment", "amount": "10.00"}]

    assert paths_of(raw_contract(stages=stages, total="10.00")) == ["stages[0]"]


@pytest.mark.parametrize(
    ("currency", "amount", "minor"), [("JPY", "1000", 1000), ("KWD", "1.234", 1234), ("EUR", "1.2", 120)]
)
def test_amounts_have_the_decimals_of_their_currency(currency, amount, minor):
    stages = [{"code": "S1", "title": "Work", "kind": "work", "amount": amount}]
    raw = raw_contract(currency=currency, stages=stages, total=amount)

    assert parse_contract(raw, default_time_zone="Europe/Berlin").total_minor == minor


@pytest.mark.parametrize(("currency", "amount"), [("JPY", "1000.0"), ("KWD", "1.2345"), ("EUR", "1.200")])
def test_more_decimals_than_the_currency_has_are_refused(currency, amount):
    stages = [{"code": "S1", "title": "Work", "kind": "work", "amount": amount}]

    assert "stages[0].amount" in paths_of(raw_contract(currency=currency, stages=stages, total="1"))


@pytest.mark.parametrize("raw", [None, [], "x", 1, True])
def test_what_is_no_object_is_no_contract(raw):
    assert paths_of(raw) == [""]
