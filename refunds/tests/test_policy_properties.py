"""What always holds, whatever the facts."""

import json
from copy import deepcopy
from datetime import datetime, timedelta
from fractions import Fraction

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from refunds.policy.decide import decide
from refunds.policy.interchange import (
    answer_json,
    evaluate_json,
    facts_json,
    fingerprint,
    parse_facts,
    same_answer,
)
from refunds.tests.random_facts import DIGITS, money, random_facts

UNDECIDED = {"needs_review", "on_hold"}
always = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


@st.composite
def facts(draw):
    return random_facts(draw(st.randoms(use_true_random=False)), 0)


def answer(raw):
    found = evaluate_json(raw, default_time_zone="UTC")
    assert "error" not in found, found
    return found


def minor(text, raw):
    """An amount in minor units of the payment's currency."""
    return int(Fraction(text or "0") * 10 ** DIGITS[raw["payment"]["currency"]])


def with_changes(raw, **changes):
    """A copy with parts of payment and request changed: `payment__refunded="1.00"`."""
    changed = deepcopy(raw)
    for path, value in changes.items():
        part, _, field = path.partition("__")
        changed[part][field] = value
    return changed


def open_to_refund(raw):
    """The same facts without what bars a refund from the start."""
    opened = with_changes(
        raw,
        payment__status="captured",
        payment__captured_at=raw["payment"]["captured_at"] or raw["request"]["submitted_at"],
        payment__deadline="2100-01-01T00:00:00Z",
        request__another_open=False,
    )
    opened["terms"]["exchange_allowed"] = True
    return opened


# 1. Never more than is left


@always
@given(facts())
def test_a_refund_is_never_more_than_is_left_of_the_payment(raw):
    paid, refunded = (minor(raw["payment"][field], raw) for field in ("amount", "refunded"))
    assume(refunded <= paid)

    refund = minor(answer(raw)["refund"], raw)

    assert 0 <= refund <= paid - refunded


# 2. Rounding for the client gives less than one minor unit


@always
@given(facts())
def test_rounding_for_the_client_gives_away_less_than_one_minor_unit(raw):
    raw["terms"]["rounding"] = "client"
    unit = 10 ** DIGITS[raw["payment"]["currency"]]

    found = answer(raw)

    kept = (Fraction(found["conforming_value"]) + Fraction(found["usage_value"])) * unit
    exact = max(0, minor(raw["payment"]["amount"], raw) - kept)
    assert 0 <= minor(found["entitlement"], raw) - exact < 1


# 3. More work, more usage or an earlier deadline never helps


def assert_never_better(before, after, raw):
    """A decided refund is not above the one before, nor above what was told to be the most."""
    if before["outcome"] not in UNDECIDED and after["outcome"] not in UNDECIDED:
        assert minor(after["refund"], raw) <= minor(before["refund"], raw)
    if "refund_at_most" in before:
        best = after.get("refund_at_most", after["refund"])
        assert minor(best, raw) <= minor(before["refund_at_most"], raw)


@always
@given(facts(), st.data())
def test_more_conforming_work_never_raises_a_refund(raw, data):
    raw = open_to_refund(raw)
    items = [item for stage in raw["work"] for item in stage.get("items", []) if "fulfilled" in item]
    assume(items)
    before = answer(raw)

    for item in items:
        least = Fraction(item["fulfilled"])
        item["fulfilled"] = str(least + (1 - least) * data.draw(st.sampled_from([0, Fraction(1, 7), 1])))

    assert_never_better(before, answer(raw), raw)


@always
@given(facts(), st.data())
def test_no_assessment_gives_more_than_was_told_to_be_the_most(raw, data):
    raw = open_to_refund(raw)
    raw["work"] = raw["work"] or [{"stage": "S1", "amount": raw["payment"]["amount"]}]
    raw["work"][0] |= {"delivered_at": raw["request"]["submitted_at"], "accepted_at": None, "items": []}
    before = answer(raw)
    assume("refund_at_most" in before)

    for stage in raw["work"]:
        if not any(item.get("fulfilled") for item in stage.get("items", [])):
            value = data.draw(st.sampled_from(["0", "1/3", "1"]))
            stage["items"] = [{"code": "X", "weight": "1", "fulfilled": value}]

    assert_never_better(before, answer(raw), raw)


@always
@given(facts(), st.data())
def test_more_usage_never_raises_a_refund(raw, data):
    raw = open_to_refund(raw)
    metered = [record for record in raw["usage"] if record["kind"] == "metered"]
    before = answer(raw)

    more = data.draw(st.sampled_from(["0.1", "1", "1000000"]))
    stage = data.draw(st.sampled_from([None, *(stage["stage"] for stage in raw["work"])]))
    new = {"kind": "metered", "meter": "more", "quantity": more, "unit_price": "0.33", "stage": stage}
    at = raw["request"]["submitted_at"]
    raw["usage"].append(new | {"occurred_at": at, "recorded_at": raw["decided_at"]})
    for record in metered:
        record["quantity"] = str(Fraction(record["quantity"]) + 1) if "." not in record["quantity"] else "5"

    assert_never_better(before, answer(raw), raw)


@always
@given(facts(), st.integers(1, 10**12))
def test_an_earlier_deadline_never_helps(raw, earlier_us):
    assume(raw["payment"]["captured_at"] is not None)
    before = answer(raw)
    deadline = datetime.fromisoformat(before["deadline"]) - timedelta(microseconds=earlier_us)

    after = answer(with_changes(raw, payment__deadline=deadline.isoformat()))

    assert minor(after["refund"], raw) <= minor(before["refund"], raw)


# 4. Paid once


@always
@given(facts())
def test_asking_again_after_being_paid_gives_nothing_more(raw):
    raw = open_to_refund(raw)
    refunded, refund = minor(raw["payment"]["refunded"], raw), minor(answer(raw)["refund"], raw)
    assume(refund and raw["request"]["amount"] is None)
    digits = DIGITS[raw["payment"]["currency"]]

    again = answer(with_changes(raw, payment__refunded=money(refunded + refund, digits)))

    assert minor(again["refund"], raw) == 0


@always
@given(facts(), st.data())
def test_a_total_asked_for_in_parts_sums_to_the_single_refund(raw, data):
    raw = open_to_refund(raw)
    raw["request"]["amount"] = None
    single = minor(answer(raw)["refund"], raw)
    digits, refunded = DIGITS[raw["payment"]["currency"]], minor(raw["payment"]["refunded"], raw)
    assume(single)

    received = 0
    for _ in range(4):
        asked = data.draw(st.integers(1, single))
        part = with_changes(
            raw, payment__refunded=money(refunded + received, digits), request__amount=money(asked, digits)
        )
        received += minor(answer(part)["refund"], raw)
    rest = answer(with_changes(raw, payment__refunded=money(refunded + received, digits)))

    assert received + minor(rest["refund"], raw) == single


# 5. Order changes nothing but the order of lines


def without_order(found):
    lines = sorted(json.dumps(line) for line in found["lines"])
    return {
        **found,
        "lines": lines,
        "findings": [(each["rule"], each["holds"]) for each in found["findings"]],
    }


@always
@given(facts(), st.randoms(use_true_random=False))
def test_the_order_of_items_records_and_stages_changes_nothing_but_the_order_of_lines(raw, random):
    before = answer(raw)

    for stage in raw["work"]:
        random.shuffle(stage.get("items", []))
    random.shuffle(raw["work"])
    random.shuffle(raw["usage"])

    assert without_order(answer(raw)) == without_order(before)


@always
@given(facts())
def test_lines_sum_to_what_is_retained(raw):
    found = answer(raw)

    assert sum(minor(line["amount"], raw) for line in found["lines"]) == minor(found["retained"], raw)


# 6. Being in time depends on the instants and the terms alone


@always
@given(facts(), facts())
def test_being_in_time_depends_on_the_instants_and_the_terms_alone(raw, other):
    changed = deepcopy(other) | {"terms": raw["terms"]}
    for part, field in (
        ("payment", "captured_at"),
        ("payment", "deadline"),
        ("request", "submitted_at"),
    ):
        changed[part][field] = raw[part].get(field)
    changed["payment"]["status"] = raw["payment"]["status"]
    stages = [stage["stage"] for stage in changed["work"]]
    assume(all(record["stage"] in (None, *stages) for record in changed["usage"]))

    before, after = answer(raw), answer(changed)

    assert (after["deadline"], after["in_time"]) == (before["deadline"], before["in_time"])


# 7. The stored facts give the decision again


@always
@given(facts())
def test_stored_facts_give_the_decision_again_to_the_last_digit_and_code(raw):
    read = parse_facts(raw, default_time_zone="Asia/Tokyo")
    stored_facts = json.loads(json.dumps(facts_json(read)))
    stored_answer = json.loads(json.dumps(answer_json(read.id, decide(read))))

    again = parse_facts(stored_facts, default_time_zone="America/New_York")

    assert again == read
    assert facts_json(again) == stored_facts
    assert answer_json(again.id, decide(again)) == stored_answer
    assert same_answer(stored_answer, answer_json(again.id, decide(again)))


@always
@given(facts(), st.integers(1, 10**6))
def test_time_passing_changes_a_fingerprint_only_with_the_outcome(raw, seconds):
    def fingerprinted(document):
        read = parse_facts(document, default_time_zone="UTC")
        found = decide(read)
        return found.outcome, fingerprint(read, found)

    later = deepcopy(raw) | {"id": "later"}
    for part, field in ((later["request"], "submitted_at"), (later, "decided_at")):
        moment = datetime.fromisoformat(part[field]) + timedelta(seconds=seconds)
        part[field] = moment.isoformat()

    (outcome, now), (outcome_later, then) = fingerprinted(raw), fingerprinted(later)

    assert (now == then) is (outcome == outcome_later)
