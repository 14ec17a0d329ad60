"""The same call again: one effect, one answer."""

import pytest

from accounts.models import IdempotencyRecord
from refundportal.api.tests.caller import Caller
from refundportal.api.tests.job import application, apply, assess, delivered_contract, pay, step
from refunds.models import RefundRequest


@pytest.fixture
def contract(cast):
    return delivered_contract(cast)


@pytest.fixture
def payment(erp, contract):
    return pay(erp, contract)


def test_the_same_call_again_gets_the_same_bytes_and_has_one_effect(cast, erp, payment):
    body = application(payment)

    first = erp.post("refund-requests/", body, key="once")
    again = erp.post("refund-requests/", dict(reversed(body.items())), key="once")

    assert (first.status_code, again.status_code) == (201, 201)
    assert (again.content, again["ETag"], again["Location"]) == (
        first.content,
        first["ETag"],
        first["Location"],
    )
    assert "Idempotent-Replayed" not in first
    assert again["Idempotent-Replayed"] == "true"
    assert RefundRequest.objects.count() == 1


def test_a_key_stands_for_one_call(cast, erp, payment):
    erp.post("refund-requests/", application(payment), key="once")

    answer = erp.post("refund-requests/", application(payment, statement="Other words."), key="once")

    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


def test_a_number_and_the_same_digits_as_a_text_are_two_calls(cast, erp, payment):
    amounts = [{"amount": amount, "currency": "EUR"} for amount in (10.5, "10.5")]
    erp.post("refund-requests/", application(payment, amount=amounts[0]), key="once")

    answer = erp.post("refund-requests/", application(payment, amount=amounts[1]), key="once")

    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


def test_two_systems_may_use_the_same_key(cast, erp, payment):
    twin = Caller("refunds:write", "refunds:read", clients=[cast.client])
    first = apply(erp, payment)

    answers = [
        caller.post(f"refund-requests/{first['id']}/messages/", {"body": "x"}, key="k")
        for caller in (erp, twin)
    ]

    assert ["Idempotent-Replayed" in answer for answer in answers] == [False, False]


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("", "idempotency_key_missing"),
        ("a b", "idempotency_key_invalid"),
        ("x" * 256, "idempotency_key_invalid"),
    ],
)
def test_a_key_is_needed_and_must_be_one(cast, erp, payment, key, code):
    answer = erp.post("refund-requests/", application(payment), **{"Idempotency-Key": key})

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert not IdempotencyRecord.objects.filter(key=key).exists()


def test_a_refusal_by_the_rules_is_a_stored_answer(cast, erp, payment):
    case = apply(erp, payment)
    first = erp.post("refund-requests/", application(payment), key="second")
    step(erp, case, "withdraw")

    again = erp.post("refund-requests/", application(payment), key="second")

    assert (again.status_code, again.content) == (422, first.content)
    assert again["Idempotent-Replayed"] == "true"


def test_a_malformed_body_is_a_stored_answer_too(cast, erp, payment):
    first = erp.post("refund-requests/", {"payment": payment["id"]}, key="bad")
    again = erp.post("refund-requests/", {"payment": payment["id"]}, key="bad")
    other = erp.post("refund-requests/", application(payment), key="bad")

    assert (first.status_code, again.status_code, other.status_code) == (400, 400, 422)
    assert again.content == first.content


def test_a_conflict_is_not_stored_so_that_the_call_can_be_made_again(cast, erp, rita, contract, payment):
    case = apply(erp, payment)
    early = rita.post(f"refund-requests/{case['id']}/propose/", key="propose")
    step(rita, case, "start-review")
    assess(rita, case, contract, {"AC-1": "1", "AC-2": "0", "AC-3": "0"})

    late = rita.post(f"refund-requests/{case['id']}/propose/", key="propose")

    assert (early.status_code, late.status_code) == (409, 200)


def test_a_stale_if_match_does_nothing_and_stores_nothing(cast, erp, rita, payment):
    case = apply(erp, payment)
    path = f"refund-requests/{case['id']}/start-review/"

    stale = rita.post(path, key="k", **{"If-Match": '"old"'})
    etag = rita.get(f"refund-requests/{case['id']}/")["ETag"]
    fresh = rita.post(path, key="k", **{"If-Match": etag})

    assert (stale.status_code, fresh.status_code) == (412, 200)
