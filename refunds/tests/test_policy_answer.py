"""What an answer holds beside the decision: findings, public codes, comparison and fingerprint."""

import json
from copy import deepcopy
from fractions import Fraction

import pytest

from contracts.policy.terms import ConformityMode, DayRule, Rounding
from kernel.days import zone_of
from kernel.instants import parse_instant
from refunds.policy import POLICY_VERSION
from refunds.policy.codes import (
    CLAUSE_OF_REASON,
    CLAUSE_OF_RULE,
    ClientType,
    LineKind,
    Outcome,
    PaymentStatus,
    Reason,
    Remedy,
    Rule,
)
from refunds.policy.decide import decide
from refunds.policy.facts import StoredDeadline
from refunds.policy.interchange import answer_json, evaluate_json, fingerprint, parse_facts, same_answer


def example():
    """Half conforming work, metered use of the stage and a month of hosting."""
    return {
        "id": "example",
        "terms": {"time_zone": "Europe/Berlin", "deemed_acceptance_days": 10},
        "client_type": "business",
        "payment": {
            "amount": "1000.00",
            "currency": "EUR",
            "status": "captured",
            "captured_at": "2026-06-02T14:05:00+02:00",
        },
        "request": {"submitted_at": "2026-06-04T09:00:00+02:00"},
        "decided_at": "2026-06-05T10:00:00+02:00",
        "work": [
            {
                "stage": "S1",
                "amount": "1000.00",
                "delivered_at": "2026-06-01T12:00:00+02:00",
                "items": [
                    {"code": "AC-1", "weight": "5", "fulfilled": "1"},
                    {"code": "AC-2", "weight": "3", "fulfilled": "1/2"},
                    {"code": "AC-3", "weight": "2", "fulfilled": None},
                ],
            }
        ],
        "usage": [
            {
                "kind": "metered",
                "meter": "api_calls",
                "quantity": "12345",
                "unit_price": "0.0125",
                "stage": "S1",
                "occurred_at": "2026-06-03T00:00:00Z",
                "recorded_at": "2026-06-03T00:05:00Z",
            },
            {
                "kind": "time",
                "meter": "hosting",
                "price": "30.00",
                "start": "2026-06-02T00:00:00Z",
                "end": "2026-07-02T00:00:00Z",
                "recorded_at": "2026-06-02T00:00:00Z",
            },
        ],
    }


def answered(document):
    facts = parse_facts(document, default_time_zone="UTC")
    return facts, decide(facts)


def details(document):
    """The detail of each finding by its rule."""
    _, answer = answered(document)
    return {finding.rule: finding.detail for finding in answer.findings}


def test_every_rule_has_one_finding_in_every_answer_whichever_row_decides():
    voided = example() | {"payment": example()["payment"] | {"status": "voided"}}

    for document in (example(), voided):
        _, answer = answered(document)
        assert [finding.rule for finding in answer.findings] == list(Rule)
        assert [finding.clause for finding in answer.findings] == [CLAUSE_OF_RULE[rule] for rule in Rule]


def test_the_findings_explain_the_share_of_every_stage():
    (stage,) = details(example())[Rule.CONFORMITY]["stages"]

    assert stage["state"] == "assessed"
    assert stage["deemed_accepted_at"] == "2026-06-11T22:00:00+00:00"
    assert stage["items"][1] == {"code": "AC-2", "weight": "3", "fulfilled": "0.5"}
    assert (stage["share"], stage["value"]) == ("13/16", "1625/2")


def test_the_findings_explain_the_value_of_every_meter():
    calls, hosting = details(example())[Rule.USAGE]["meters"]

    assert calls["entries"] == [{"quantity": "12345", "unit_price": "0.0125", "value": "2469/16"}]
    assert (calls["value"], calls["factor"], calls["counted"]) == ("2469/16", "3/16", "7407/256")
    assert (hosting["value"], hosting["factor"], hosting["counted"]) == ("55/24", "1", "55/24")
    assert Fraction(calls["counted"]) + Fraction(hosting["counted"]) == Fraction("23981/768")


def test_the_findings_explain_the_window():
    window = details(example())[Rule.WINDOW]

    assert window["purchase_day"] == "2026-06-02"
    assert window["last_day"] == "2026-06-05"
    assert window["stored"] is False


def test_the_findings_are_json_and_the_same_whenever_they_are_read():
    _, answer = answered(example())

    once, twice = answer_json("x", answer), answer_json("x", answer)

    assert json.loads(json.dumps(once)) == once == twice


def test_what_bars_a_refund_is_found_though_another_row_decided():
    document = example()
    document["payment"]["status"] = "disputed"
    document["request"] |= {"another_open": True, "amount": "5000", "submitted_at": "2026-07-01T00:00:00Z"}
    _, answer = answered(document)

    holding = {finding.rule: finding.holds for finding in answer.findings}

    assert answer.reasons == (Reason.PAYMENT_DISPUTED,)
    for rule in (Rule.NO_OTHER_REQUEST, Rule.AMOUNT_IN_RANGE, Rule.WINDOW):
        assert holding[rule] is False
    assert holding[Rule.EXCHANGE_OFFERED] is None


def exact_changes():
    """Every way in which one exact part of an answer could differ."""
    written = evaluate_json(example(), default_time_zone="UTC")
    for name in written:
        if name not in ("findings", "data_versions"):
            yield name, written | {name: "other"}
    yield "another line", written | {"lines": written["lines"][:-1]}
    yield "a field more", written | {"refund_at_most": "0.00"}
    yield "a finding less", written | {"findings": written["findings"][:-1]}
    turned = deepcopy(written)
    turned["findings"][3]["holds"] = False
    yield "a finding turned", turned


@pytest.mark.parametrize("again", [pytest.param(again, id=name) for name, again in exact_changes()])
def test_answers_that_differ_in_one_digit_or_code_are_not_the_same(again):
    assert not same_answer(evaluate_json(example(), default_time_zone="UTC"), again)


def test_new_data_and_richer_findings_leave_an_answer_the_same():
    stored = evaluate_json(example(), default_time_zone="UTC")
    again = deepcopy(stored) | {"data_versions": {"tzdata": "2030a", "holidays": "1.0"}}
    again["findings"][7]["detail"] = {"new": "words"}
    again["findings"].append({"rule": "new_rule", "clause": "P7", "holds": True, "detail": {}})

    assert same_answer(stored, again)


def test_a_fingerprint_covers_every_fact_but_the_id_and_the_instants_of_asking():
    def printed(**changes):
        document = example()
        for path, value in changes.items():
            part, _, field = path.partition("__")
            holder = document[part] if field else document
            holder[field or part] = value
        return fingerprint(*answered(document))

    now = printed()

    assert len(now) == 64
    assert int(now, 16)
    assert printed(id="other") == printed(decided_at="2026-06-06T10:00:00+02:00") == now
    assert printed(request__submitted_at="2026-06-04T09:00:00.000001+02:00") == now
    assert printed(request__submitted_at="2026-07-04T09:00:00+02:00") != now  # too late: another outcome
    assert printed(request__amount="5.00") != now
    assert printed(payment__refunded="0.01") != now
    assert printed(usage=[]) != now
    assert printed(client_type="consumer") != now
    assert printed(terms__rounding="company") != now


def test_a_stored_deadline_is_read_with_its_text_or_written_in_its_zone():
    text = "2026-06-06T00:00:00.000+02:00"

    read = StoredDeadline.read(text)

    assert (read.text, read.instant) == (text, parse_instant("2026-06-05T22:00:00Z"))
    assert StoredDeadline.at(read.instant, zone_of("Asia/Tokyo")).text == "2026-06-06T07:00:00+09:00"


@pytest.mark.parametrize(
    ("codes", "names"),
    [
        (Outcome, "inadmissible on_hold needs_review no_refund refund_in_full refund_in_part"),
        (
            Reason,
            "payment_not_captured payment_charged_back payment_disputed nothing_refundable "
            "request_already_open amount_out_of_range exchange_not_offered statutory_right_check "
            "window_expired conformity_pending work_accepted work_conforms value_consumed "
            "entitlement_already_refunded full_refund conforming_part_retained usage_deducted "
            "earlier_refund_deducted as_requested",
        ),
        (PaymentStatus, "pending authorised captured disputed charged_back failed voided"),
        (ClientType, "business consumer"),
        (Remedy, "refund exchange"),
        (LineKind, "conforming_work usage"),
        (DayRule, "calendar elapsed"),
        (ConformityMode, "share gate"),
        (Rounding, "client half_up half_even company"),
    ],
)
def test_public_codes_are_never_renamed(codes, names):
    assert set(names.split()) <= {str(code) for code in codes}


def test_every_code_has_its_clause():
    assert set(CLAUSE_OF_REASON) == set(Reason)
    assert set(CLAUSE_OF_RULE) == set(Rule)
    assert set(CLAUSE_OF_REASON.values()) | set(CLAUSE_OF_RULE.values()) <= {
        f"P{number}" for number in range(1, 8)
    }
    assert POLICY_VERSION == "1"


def test_a_figure_that_nobody_could_read_is_told_nearly_in_the_findings_and_exactly_in_the_answer():
    document = example() | {"work": None}
    document["usage"] = [
        {
            "kind": "time",
            "meter": f"m{number}",
            "price": "1",
            "start": "2026-06-04T00:00:00Z",
            "end": f"2026-06-05T00:00:00.{number:06d}Z",
            "recorded_at": "2026-06-04T00:00:00Z",
        }
        for number in range(1, 60)
    ]

    found = details(document)[Rule.USAGE]["value"]
    exact = evaluate_json(document, default_time_zone="UTC")["usage_value"]

    assert found.startswith("≈ ")
    assert 0 <= Fraction(exact) - Fraction(found.removeprefix("≈ ")) < Fraction(1, 10**12)
