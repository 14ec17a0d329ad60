"""Malformed facts: every fault is found, at its place, in the order of the document."""

import re

import pytest

from refunds.policy.interchange import evaluate_json, parse_facts
from refunds.tests.malformed import GONE, changed, leaves, paths_of, sound


def test_the_sound_facts_have_no_fault():
    assert "error" not in evaluate_json(sound(), default_time_zone="Europe/Berlin")


FOLLOWED_BY = {
    "work[0].stage": ["usage[1].stage"],
    "work[1].stage": ["usage[0].stage"],
    "work[0]": ["usage[1].stage"],
    "work[1]": ["usage[0].stage"],
}


@pytest.mark.parametrize("path", list(leaves(sound())))
def test_a_value_that_no_field_takes_is_one_fault_at_its_place(path):
    for value in (1.5, -7, 10**30, ""):
        document = changed((path, value))
        if "error" in evaluate_json(document, default_time_zone="Europe/Berlin"):
            assert paths_of(document) == [path, *FOLLOWED_BY.get(path, [])], value


@pytest.mark.parametrize("path", [path for path in leaves(sound()) if not path.endswith("]")])
def test_a_value_of_the_wrong_kind_is_never_taken(path):
    assert paths_of(changed((path, 1.5)))[0] == path


REQUIRED = {
    *("id", "client_type", "decided_at", "payment.amount", "payment.currency", "payment.status"),
    *("payment.captured_at", "request.submitted_at", "work[].stage", "work[].amount"),
    *("work[].items[].code", "work[].items[].weight", "usage[].kind", "usage[].meter", "usage[].quantity"),
    *("usage[].unit_price", "usage[].occurred_at", "usage[].recorded_at", "usage[].price"),
    *("usage[].start", "usage[].end"),
}


def is_required(path):
    return re.sub(r"[0-9]", "", path) in REQUIRED


FIELDS = [path for path in leaves(sound()) if not path.endswith("]")]


@pytest.mark.parametrize("path", [path for path in FIELDS if is_required(path)])
@pytest.mark.parametrize("value", [GONE, None])
def test_a_required_field_that_is_left_out_or_null_is_missing(path, value):
    assert paths_of(changed((path, value))) == [path, *FOLLOWED_BY.get(path, [])]


@pytest.mark.parametrize("path", [path for path in FIELDS if not is_required(path)])
def test_every_other_field_may_be_left_out(path):
    document = changed((path, GONE))
    if path in ("payment", "request"):
        assert all(found.startswith(f"{path}.") for found in paths_of(document))
    elif path == "work":
        assert paths_of(document) == ["usage[0].stage", "usage[1].stage"]
    else:
        parse_facts(document, default_time_zone="Europe/Berlin")


@pytest.mark.parametrize("path", [path for path in FIELDS if not is_required(path) and "terms." not in path])
def test_null_means_left_out(path):
    left_out, null = changed((path, GONE)), changed((path, None))

    answers = [evaluate_json(document, default_time_zone="Europe/Berlin") for document in (left_out, null)]

    assert answers[0] == answers[1]


@pytest.mark.parametrize("field", list(sound()["terms"]))
def test_in_terms_only_the_calendar_and_deemed_acceptance_may_be_null(field):
    document = changed((f"terms.{field}", None))

    if field in ("holiday_calendar", "deemed_acceptance_days"):
        parse_facts(document, default_time_zone="Europe/Berlin")
    else:
        assert paths_of(document) == [f"terms.{field}"]


@pytest.mark.parametrize(
    "holder", ["", "terms.", "payment.", "request.", "work[0].", "work[0].items[1].", "usage[0]."]
)
@pytest.mark.parametrize("value", [1, None, {"a": 1}])
def test_an_unknown_field_is_a_fault_wherever_it_stands(holder, value):
    assert paths_of(changed((f"{holder}surprise", value))) == [f"{holder}surprise"]


@pytest.mark.parametrize(
    ("changes", "paths"),
    [
        pytest.param([("payment.amount", "1000.001")], ["payment.amount"], id="too many decimals"),
        pytest.param([("payment.amount", "1000.000")], ["payment.amount"], id="decimals counted as written"),
        pytest.param([("payment.amount", "-1.00")], ["payment.amount"], id="negative amount"),
        pytest.param([("payment.amount", "1" * 19)], ["payment.amount"], id="nineteen digits"),
        pytest.param([("payment.amount", "1e3")], ["payment.amount"], id="exponent"),
        pytest.param([("payment.amount", "1000,00")], ["payment.amount"], id="comma"),
        pytest.param([("payment.amount", " 1000.00")], ["payment.amount"], id="space"),
        pytest.param([("payment.amount", "１000.00")], ["payment.amount"], id="digit that is not ASCII"),
        pytest.param([("payment.refunded", "-0.01")], ["payment.refunded"], id="negative refund"),
        pytest.param([("payment.refunded", "0.001")], ["payment.refunded"], id="refund with three decimals"),
        pytest.param([("request.amount", "0.001")], ["request.amount"], id="request with three decimals"),
        pytest.param([("payment.currency", "XAU")], ["payment.currency"], id="gold"),
        pytest.param([("payment.currency", "eur")], ["payment.currency"], id="lower case"),
        pytest.param([("payment.currency", ["EUR"])], ["payment.currency"], id="currency in a list"),
        pytest.param(
            [("payment.currency", "JPY")],
            ["payment.amount", "payment.refunded", "request.amount", "work[0].amount", "work[1].amount"],
            id="no decimals in yen",
        ),
        pytest.param(
            [("payment.currency", "EURO"), ("payment.amount", "ten"), ("work[1].amount", "1.123")],
            ["payment.amount", "payment.currency"],
            id="without a currency only the form of amounts is read",
        ),
        pytest.param([("payment.status", "refunded")], ["payment.status"], id="unknown status"),
        pytest.param(
            [("payment.status", "disputed"), ("payment.captured_at", GONE)], ["payment.captured_at"]
        ),
        pytest.param([("payment.deadline", "2026-06-06")], ["payment.deadline"], id="a bare date"),
        pytest.param([("client_type", "business")], ["request.statutory_right"], id="a right for a business"),
        pytest.param(
            [("client_type", "business"), ("request.statutory_right", False)],
            ["request.statutory_right"],
            id="no right is a right that was looked at",
        ),
        pytest.param(
            [("client_type", "Consumer")], ["client_type"], id="the right waits for the kind of client"
        ),
        pytest.param([("request.remedy", "credit")], ["request.remedy"], id="unknown remedy"),
        pytest.param(
            [("work[1].amount", "599.99")], ["work[0].amount"], id="stages do not sum to the payment"
        ),
        pytest.param(
            [("payment.amount", "1000.01")], ["work[0].amount"], id="payment is not the sum of the stages"
        ),
        pytest.param([("work[1].stage", "S1")], ["work[1].stage", "usage[0].stage"], id="stage named twice"),
        pytest.param([("work[0].items[1].code", "AC-1")], ["work[0].items[1].code"], id="item named twice"),
        pytest.param([("work[0].items[1].weight", "0")], ["work[0].items[1].weight"], id="no weight"),
        pytest.param([("work[0].items[1].weight", "-1")], ["work[0].items[1].weight"], id="negative weight"),
        pytest.param(
            [("work[0].items[1].fulfilled", "1.01")], ["work[0].items[1].fulfilled"], id="more than whole"
        ),
        pytest.param(
            [("work[0].items[1].fulfilled", "3/2")], ["work[0].items[1].fulfilled"], id="three halves"
        ),
        pytest.param(
            [("work[0].items[1].fulfilled", "-0.1")], ["work[0].items[1].fulfilled"], id="less than nothing"
        ),
        pytest.param(
            [("work[0].items[1].fulfilled", "1/0")], ["work[0].items[1].fulfilled"], id="divided by nothing"
        ),
        pytest.param([("usage[0].unit_price", "-1")], ["usage[0].unit_price"], id="negative price"),
        pytest.param([("usage[1].price", "-0.01")], ["usage[1].price"], id="negative price of time"),
        pytest.param([("usage[0].quantity", "1/3")], ["usage[0].quantity"], id="a quantity is a decimal"),
        pytest.param([("usage[0].stage", "S3")], ["usage[0].stage"], id="usage of no stage of the payment"),
        pytest.param([("usage[0].price", "1")], ["usage[0].price"], id="a field of the other kind"),
        pytest.param([("usage[0].price", None)], ["usage[0].price"], id="the same, null"),
        pytest.param([("usage[1].meter", "calls")], ["usage[1].meter"], id="a meter of two kinds"),
        pytest.param([("usage[0].kind", "counted")], ["usage[0].kind"], id="unknown kind"),
        pytest.param(
            [("usage[0].kind", "time")],
            [
                "usage[0].quantity",
                "usage[0].unit_price",
                "usage[0].occurred_at",
                "usage[0].price",
                "usage[0].start",
                "usage[0].end",
            ],
            id="fields of the other kind, and its own missing",
        ),
        pytest.param([("usage[1].end", "2026-06-02T00:00:00Z")], ["usage[1].end"], id="no length"),
        pytest.param(
            [("usage[1].end", "2026-06-02T02:00:00+02:00")], ["usage[1].end"], id="no length, other offset"
        ),
        pytest.param([("work", {})], ["work"], id="stages in no list"),
        pytest.param([("usage", "none")], ["usage"], id="usage in no list"),
        pytest.param([("terms", [])], ["terms"], id="terms in a list"),
        pytest.param([("terms", {}), ("terms.time_zone", "Berlin")], ["terms.time_zone"], id="no zone"),
        pytest.param([("terms.deemed_acceptance_days", 3)], ["terms.deemed_acceptance_days"]),
        pytest.param([("terms.day_rule", "elapsed")], ["terms.roll_to_working_day"]),
        pytest.param([("payment", None)], ["payment.amount", "payment.currency", "payment.status"]),
        pytest.param([("request", GONE)], ["request.submitted_at"]),
        pytest.param(
            [("payment.deadline", GONE), ("payment.captured_at", "9999-12-30T00:00:00Z")],
            ["payment.captured_at"],
            id="deadline outside the calendar",
        ),
        pytest.param(
            [("work[0].delivered_at", "9999-12-30T00:00:00Z")],
            ["work[0].delivered_at"],
            id="deemed acceptance outside the calendar",
        ),
    ],
)
def test_a_fault_stands_at_its_field(changes, paths):
    assert paths_of(changed(*changes)) == paths


@pytest.mark.parametrize(
    "changes",
    [
        [("payment.captured_at", "9999-12-30T00:00:00Z")],  # the deadline is stored, nothing is computed
        [("payment.refunded", "5000.00")],
        [("request.amount", "-5.00")],
        [("payment.amount", "0"), ("work[0].amount", "-0.00"), ("work[1].amount", "0.0")],
        [("work[0].delivered_at", "1999-01-01T00:00:00Z"), ("work[0].accepted_at", "1998-01-01T00:00:00Z")],
        [("decided_at", "1998-01-01T00:00:00Z")],
        [("terms", None)],
        [("terms", {})],
        [("work", []), ("usage", [])],
        [("payment.status", "pending"), ("payment.captured_at", GONE)],
        [("usage[0].quantity", "-999999999999999999.999999999999999999")],
        [("id", "\ud800\u0000 ä")],
    ],
)
def test_what_only_looks_odd_is_no_fault(changes):
    assert "error" not in evaluate_json(changed(*changes), default_time_zone="Europe/Berlin")


def test_lists_have_at_most_ten_thousand_entries():
    items = [{"code": str(number), "weight": "1"} for number in range(10_001)]

    assert paths_of(changed(("work[0].items", items))) == ["work[0].items"]
    assert "error" not in evaluate_json(changed(("work[0].items", items[:-1])), default_time_zone="UTC")


def test_faults_come_in_the_order_of_the_document_missing_fields_after_those_that_are_there():
    document = {
        "usage": [{"meter": 5, "stage": "S9", "extra": None}],
        "decided_at": "now",
        "work": [{"items": [{"weight": "0", "code": "A"}, {"fulfilled": "2", "code": "A"}], "stage": ""}, 7],
        "payment": {"status": "captured", "refunded": 1, "currency": "EUR", "other": 1},
        "terms": {"rounding": "up", "window_days": 3.0},
        "id": 5,
        "request": None,
    }

    assert paths_of(document) == [
        *("usage[0].meter", "usage[0].stage", "usage[0].extra", "usage[0].kind", "usage[0].recorded_at"),
        *("decided_at", "work[0].items[0].weight", "work[0].items[1].fulfilled", "work[0].items[1].code"),
        *("work[0].items[1].weight", "work[0].stage", "work[0].amount", "work[1]"),
        *("payment.refunded", "payment.other", "payment.amount", "payment.captured_at"),
        *("terms.rounding", "terms.window_days", "id", "client_type", "request.submitted_at"),
    ]


def test_an_empty_object_misses_everything_that_is_required():
    assert paths_of({}) == [
        *("id", "client_type", "decided_at", "payment.amount", "payment.currency", "payment.status"),
        "request.submitted_at",
    ]


@pytest.mark.parametrize(("given", "told"), [("x", "x"), (5, None), ("", None), (None, None), (GONE, None)])
def test_an_error_carries_the_id_if_there_is_one(given, told):
    answer = evaluate_json(changed(("id", given), ("client_type", "?")), default_time_zone="UTC")

    assert answer["id"] == told
    assert answer["error"]["code"] == "invalid_facts"
    assert all(error["message"] for error in answer["error"]["errors"])


@pytest.mark.parametrize("document", [[], [{}], "text", 5, 1.5, True, None])
def test_what_is_no_object_is_one_fault_at_the_empty_path(document):
    assert evaluate_json(document, default_time_zone="UTC")["id"] is None
    assert paths_of(document) == [""]
