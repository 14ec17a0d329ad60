import json

import pytest
from django.test import Client

from refundportal.api.tests.caller import bearer

FACTS = {
    "id": "example-1",
    "terms": {"window_days": 3, "time_zone": "Europe/Berlin"},
    "client_type": "business",
    "payment": {
        "amount": "1000.00",
        "currency": "EUR",
        "status": "captured",
        "captured_at": "2026-06-02T14:05:00+02:00",
        "deadline": None,
        "refunded": "0.00",
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
                {"code": "AC-2", "weight": "5", "fulfilled": "1/2"},
            ],
        }
    ],
}
EVALUATE = "/api/v1/policy/evaluate/"
pytestmark = pytest.mark.django_db


def evaluate(facts, **headers):
    return Client().post(
        EVALUATE, facts, content_type="application/json", headers=headers or bearer("policy:evaluate")
    )


def test_the_policy_is_published_to_everybody():
    answer = Client().get("/api/v1/policy/").json()

    assert answer["version"] == "1"
    assert [clause["id"] for clause in answer["clauses"]] == ["P1", "P2", "P3", "P4", "P5", "P6", "P7"]
    assert answer["default_terms"]["window_days"] == 3
    assert {"code": "window_expired", "clause": "P5"}.items() <= next(
        reason for reason in answer["reasons"] if reason["code"] == "window_expired"
    ).items()


def test_given_facts_get_the_answer_of_the_policy_verbatim():
    answer = evaluate(FACTS)

    assert answer.status_code == 200
    assert answer.json() | {"findings": [], "data_versions": {}} == {
        "id": "example-1",
        "policy_version": "1",
        "deadline": "2026-06-06T00:00:00+02:00",
        "in_time": True,
        "outcome": "refund_in_part",
        "reasons": ["conforming_part_retained"],
        "refund": "250.00",
        "currency": "EUR",
        "entitlement": "250.00",
        "retained": "750.00",
        "conforming_value": "750",
        "usage_value": "0",
        "lines": [{"kind": "conforming_work", "stage": "S1", "amount": "750.00"}],
        "findings": [],
        "data_versions": {},
    }


def test_faults_of_the_facts_are_told_all_at_once_with_their_pointers():
    answer = evaluate(FACTS | {"payment": {**FACTS["payment"], "amount": "1.001", "colour": "red"}, "id": 7})

    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert answer.json()["code"] == "invalid_facts"
    assert [error["pointer"] for error in answer.json()["errors"]] == [
        "/id",
        "/payment/amount",
        "/payment/colour",
    ]


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic eDp5"}]
)
def test_without_a_valid_token_nothing_is_evaluated(headers):
    answer = Client().post(EVALUATE, FACTS, content_type="application/json", headers=headers)

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert answer["Content-Type"] == "application/problem+json"


def test_a_token_for_something_else_does_not_evaluate():
    answer = evaluate(FACTS, **bearer("contracts:read"))

    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")
    assert 'scope="policy:evaluate"' in answer["WWW-Authenticate"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "invalid_facts"),
        (b"[]", 400, "invalid_facts"),
        (b'"text"', 400, "invalid_facts"),
        (b"{", 400, "invalid_json"),
        (b"\xff\xfe", 400, "invalid_json"),
        (b'{"id": NaN}', 400, "invalid_json"),
        (b'{"id": -Infinity}', 400, "invalid_json"),
        (b'{"id": 1e9999999999999999999}', 400, "invalid_json"),
        (b'{"id": [-0.5E-9999999999999999999]}', 400, "invalid_json"),
        (b'{"id": "a", "id": "b"}', 400, "invalid_json"),
        (b'{"id": "\\u0000"}', 400, "invalid_json"),
        (b'{"id": "\\ud800"}', 400, "invalid_json"),
        (b'{"\\udfff": 1}', 400, "invalid_json"),
        (b"[" * 40 + b"]" * 40, 400, "invalid_json"),
        (b"[" * 100_000, 400, "invalid_json"),
        (b'{"id": ' + b"9" * 10_000 + b"}", 400, "invalid_json"),
        (b'{"id": 1e400}', 400, "invalid_facts"),
        (b" " * (5 * 1024 * 1024 + 1), 413, "body_too_large"),
    ],
)
def test_bodies_that_no_honest_client_sends_are_refused(body, status, code):
    answer = Client().generic(
        "POST", EVALUATE, body, content_type="application/json", headers=bearer("policy:evaluate")
    )

    assert (answer.status_code, json.loads(answer.content)["code"]) == (status, code)


def test_only_json_is_read():
    answer = Client().post(EVALUATE, {"id": "x"}, headers=bearer("policy:evaluate"))

    assert (answer.status_code, answer["Content-Type"]) == (415, "application/problem+json")


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [
        ("get", "/api/v1/nothing/", 404),
        ("post", "/api/v1/nothing", 404),
        ("get", "/api/v1/policy", 404),
        ("delete", "/api/v1/policy/", 405),
        ("options", "/api/v1/policy/", 405),
        ("put", "/api/v1/policy/evaluate/", 405),
    ],
)
def test_addresses_and_methods_that_do_not_exist_are_told_as_problems(method, address, status):
    answer = getattr(Client(), method)(address)

    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")


def test_a_forbidden_host_is_told_as_a_problem():
    answer = Client().get("/api/v1/policy/", headers={"Host": "evil.example"})

    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")


def test_a_bug_tells_nothing_of_its_inside(monkeypatch):
    def fail(*_):
        raise RuntimeError("the inside")

    monkeypatch.setattr("refundportal.api.policy.decide", fail)

    answer = Client(raise_request_exception=False).post(
        EVALUATE, FACTS, content_type="application/json", headers=bearer("policy:evaluate")
    )

    assert (answer.status_code, answer["Content-Type"]) == (500, "application/problem+json")
    assert b"inside" not in answer.content


def test_the_number_of_a_request_is_taken_and_given_back():
    answer = Client().get("/api/v1/policy/", headers={"X-Request-Id": "abc-123"})

    assert answer["X-Request-Id"] == "abc-123"


def test_evaluating_needs_one_query_for_the_token_and_none_besides(django_assert_num_queries):
    headers = bearer("policy:evaluate")

    with django_assert_num_queries(1):
        evaluate(FACTS, **headers)


def items_with_denominators(count: int) -> dict:
    """Facts whose exact sum has a denominator of some 40 bits for each of `count` items."""
    first = 10**12
    items = [
        {"code": f"AC-{number}", "weight": f"1/{first + 2 * number + 1}", "fulfilled": "1"}
        for number in range(count)
    ]
    return FACTS | {"work": [FACTS["work"][0] | {"items": items}]}


def test_facts_that_would_be_summed_for_minutes_are_refused_over_the_web():
    answer = evaluate(items_with_denominators(4_000))

    assert answer.status_code == 422
    assert answer.json()["code"] == "facts_too_fine"


def test_a_thousand_different_fractions_are_answered():
    assert evaluate(items_with_denominators(1_000)).status_code == 200


def test_ten_thousand_items_in_decimals_are_answered():
    items = [{"code": f"AC-{n}", "weight": f"{n + 1}.25", "fulfilled": "0.5"} for n in range(10_000)]

    answer = evaluate(FACTS | {"work": [FACTS["work"][0] | {"items": items}]})

    assert answer.status_code == 200
