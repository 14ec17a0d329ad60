from datetime import datetime

import pytest

from contracts.models import UsageRecord
from contracts.tests.cast import draft_contract, signed_contract, stage_named
from payments.models import Payment
from refundportal.api.tests.job import ago, apply, delivered_contract, pay, use

MISSING = "00000000-0000-7000-8000-000000000000"


def new_payment(contract, stage="S1", **fields):
    return {
        "stage": str(stage_named(contract, stage).pk),
        "amount": {"amount": "1000.00", "currency": "EUR"},
        "method": "bank",
        **fields,
    }


def test_a_captured_payment_shows_its_deadline_and_the_terms_that_govern_it(cast, erp):
    contract = signed_contract(cast)

    payment = pay(erp, contract)

    assert payment["status"] == "captured"
    assert payment["amount"] == {"amount": "1000.00", "currency": "EUR"}
    assert datetime.fromisoformat(payment["deadline"]) == datetime.fromisoformat(payment["deadline_local"])
    assert payment["deadline_local"][10:19] == "T00:00:00"
    assert (payment["time_zone"], payment["terms_version"]) == ("Europe/Berlin", 1)
    assert payment["allocations"][0]["code"] == "S1"
    assert erp.get(f"payments/{payment['id']}/").json() == payment


@pytest.mark.parametrize(
    ("amount", "pointer"),
    [
        ({"amount": "10.001", "currency": "EUR"}, "/amount/amount"),
        ({"amount": "10", "currency": "EURO"}, "/amount/currency"),
        ({"amount": "10", "currency": "eur"}, "/amount/currency"),
        ({"amount": 10, "currency": "EUR"}, "/amount/amount"),
        ({"amount": "1e3", "currency": "EUR"}, "/amount/amount"),
        ({"amount": "NaN", "currency": "EUR"}, "/amount/amount"),
        ({"amount": "1,00", "currency": "EUR"}, "/amount/amount"),
        ({"amount": "١٠", "currency": "EUR"}, "/amount/amount"),
        ({"amount": "1" * 19, "currency": "EUR"}, "/amount/amount"),
        ({"amount": "10.00"}, "/amount/currency"),
        ({"amount": "10.00", "currency": "EUR", "minor": 5}, "/amount/minor"),
        ("10.00", "/amount"),
        (None, "/amount"),
        ({"amount": "0.00", "currency": "EUR"}, "/amount"),
        ({"amount": "-1.00", "currency": "EUR"}, "/amount"),
        ({"amount": "999999999999999999.00", "currency": "EUR"}, "/amount"),
    ],
)
def test_an_amount_that_is_none_is_refused_where_it_stands(cast, erp, amount, pointer):
    answer = erp.post("payments/", new_payment(signed_contract(cast), amount=amount))

    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert not Payment.objects.exists()


@pytest.mark.parametrize(
    ("amount", "pointers"),
    [
        ({"amount": "10.001", "currency": "EUR", "minor": 5}, {"/amount/amount", "/amount/minor"}),
        ({"amount": "x", "currency": "EURO"}, {"/amount/amount", "/amount/currency"}),
        ({"amount": "x", "currency": 1}, {"/amount/amount", "/amount/currency"}),
        ({"amount": "x"}, {"/amount/amount", "/amount/currency"}),
        ({"currency": "EURO", "minor": 5}, {"/amount/amount", "/amount/currency", "/amount/minor"}),
        ({"amount": "1.123456", "currency": "EURO"}, {"/amount/currency"}),
    ],
)
def test_all_faults_of_an_amount_are_told_at_once(cast, erp, amount, pointers):
    answer = erp.post("payments/", new_payment(signed_contract(cast), amount=amount))

    assert answer.status_code == 400
    assert {error["pointer"] for error in answer.json()["errors"]} == pointers


@pytest.mark.parametrize(
    ("currency", "amount", "status"), [("JPY", "1000.0", 400), ("JPY", "1000", 201), ("KWD", "1.2345", 400)]
)
def test_a_currency_decides_how_many_decimals_an_amount_may_have(cast, erp, currency, amount, status):
    stages = [{"code": "S1", "title": "Desk", "kind": "work", "amount": "1000"}]
    contract = signed_contract(cast, currency=currency, stages=stages, meters=[])

    answer = erp.post("payments/", new_payment(contract, amount={"amount": amount, "currency": currency}))

    assert answer.status_code == status


def test_a_payment_above_what_its_stage_owes_is_refused(cast, erp):
    contract = signed_contract(cast)
    pay(erp, contract, amount="600.00", capture=False)

    answer = erp.post("payments/", new_payment(contract, amount={"amount": "400.01", "currency": "EUR"}))

    assert (answer.status_code, answer.json()["code"]) == (422, "payment_above_stage")
    assert answer.json()["errors"][0]["pointer"] == "/amount"
    assert Payment.objects.count() == 1


def test_a_payment_in_another_currency_than_the_contract_is_refused(cast, erp):
    amount = {"amount": "10.00", "currency": "USD"}

    answer = erp.post("payments/", new_payment(signed_contract(cast), amount=amount))

    assert (answer.status_code, answer.json()["code"]) == (400, "currency_mismatch")
    assert answer.json()["errors"][0]["pointer"] == "/amount/currency"


def test_nothing_is_paid_before_the_signature(cast, erp):
    answer = erp.post("payments/", new_payment(draft_contract(cast)))

    assert (answer.status_code, answer.json()["code"]) == (422, "contract_not_signed")


@pytest.mark.parametrize(
    ("captured_at", "code"),
    [({"hours": -1}, "captured_in_the_future"), ({"hours": 25}, "captured_too_far_back")],
)
def test_money_is_confirmed_neither_in_the_future_nor_long_ago(cast, erp, captured_at, code):
    payment = pay(erp, signed_contract(cast), capture=False)

    answer = erp.post(f"payments/{payment['id']}/capture/", {"captured_at": ago(**captured_at)})

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert answer.json()["errors"][0]["pointer"] == "/captured_at"
    assert erp.get(f"payments/{payment['id']}/").json()["status"] == "pending"


@pytest.mark.parametrize(
    "instant", ["2026-06-02", "2026-06-02T14:05:00", 1, None, "2026-06-02T24:61:00Z", ""]
)
def test_an_instant_without_offset_or_sense_is_refused(cast, erp, instant):
    payment = pay(erp, signed_contract(cast), capture=False)

    answer = erp.post(f"payments/{payment['id']}/capture/", {"captured_at": instant})

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/captured_at")


@pytest.mark.parametrize(("act", "status"), [("fail", "failed"), ("void", "voided")])
def test_a_payment_whose_money_will_not_come_frees_its_stage(cast, erp, act, status):
    contract = signed_contract(cast)
    payment = pay(erp, contract, capture=False)

    answer = erp.post(f"payments/{payment['id']}/{act}/", {"reason": "No money on the account"})

    assert (answer.status_code, answer.json()["status"]) == (200, status)
    assert pay(erp, contract)["status"] == "captured"


def test_a_dispute_is_noted_and_holds_the_refund(cast, erp):
    payment = pay(erp, delivered_contract(cast))

    answer = erp.post(f"payments/{payment['id']}/dispute/", {"reason": "Letter of the bank"})

    assert (answer.status_code, answer.json()["status"]) == (200, "disputed")
    assert erp.get(f"payments/{payment['id']}/refund-quote/").json()["outcome"] == "on_hold"


def test_a_quote_is_the_answer_of_the_policy_with_a_fingerprint(cast, erp):
    contract = delivered_contract(cast)
    payment = pay(erp, contract)

    answer = erp.get(f"payments/{payment['id']}/refund-quote/").json()

    assert (answer["outcome"], answer["reasons"]) == ("needs_review", ["conformity_pending"])
    assert (answer["refund"], answer["refund_at_most"], answer["currency"]) == ("0.00", "1000.00", "EUR")
    assert answer["deadline"] == payment["deadline_local"]
    assert len(answer["facts_fingerprint"]) == 64


def test_time_passing_alone_leaves_the_fingerprint_of_a_quote(cast, erp):
    payment = pay(erp, delivered_contract(cast))
    path = f"payments/{payment['id']}/refund-quote/"

    first, second = erp.get(path).json(), erp.get(path).json()

    assert first["facts_fingerprint"] == second["facts_fingerprint"]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"amount": "1.001"}, 400, "invalid_amount"),
        ({"amount": "x"}, 400, "invalid_amount"),
        ({"remedy": "gift"}, 400, "invalid_input"),
        ({"colour": "red"}, 400, "invalid_input"),
        ({"target_stage": "x"}, 400, "invalid_input"),
        ({"amount": "100.00"}, 200, None),
    ],
)
def test_a_quote_takes_an_amount_in_the_currency_of_the_payment_and_nothing_strange(
    cast, erp, query, status, code
):
    payment = pay(erp, delivered_contract(cast))

    answer = erp.get(f"payments/{payment['id']}/refund-quote/", query)

    assert (answer.status_code, answer.json().get("code")) == (status, code)
    if status == 400:
        assert [fault["parameter"] for fault in answer.json()["errors"]] == list(query)


def test_an_exchange_says_what_remains_due(cast, erp):
    contract = signed_contract(cast)
    payment = pay(erp, contract, stage="S1", amount="400.00")
    target = stage_named(contract, "S2")

    query = {"remedy": "exchange", "target_stage": str(target.pk)}
    answer = erp.get(f"payments/{payment['id']}/refund-quote/", query).json()

    assert (answer["refund"], answer["difference_due"]) == ("400.00", "100.00")


def test_usage_counts_once_and_reduces_the_quote(cast, erp):
    contract = signed_contract(cast)
    payment = pay(erp, contract)

    first = use(erp, contract, "a", "b", quantity="400", stage=None)
    again = use(erp, contract, "b", "c", quantity="400", stage=None)

    assert first.json() == {"created": 2, "duplicates": 0}
    assert again.json() == {"created": 1, "duplicates": 1}
    assert erp.get(f"payments/{payment['id']}/refund-quote/").json()["refund"] == "985.00"


def test_the_same_id_with_other_content_is_named_and_nothing_is_stored(cast, erp):
    contract = signed_contract(cast)
    use(erp, contract, "a", quantity="1")

    answer = use(erp, contract, "b", "a", quantity="2")

    assert (answer.status_code, answer.json()["code"]) == (409, "usage_conflict")
    assert '"a"' in str(answer.content) or "external_id" in answer.json() or "a" in answer.json()["detail"]
    assert UsageRecord.objects.count() == 1


def test_faults_of_all_records_are_told_at_once_and_nothing_is_stored(cast, erp):
    contract = str(signed_contract(cast).pk)
    records = [
        {"source": "g", "external_id": "1", "contract": contract, "meter": "api_calls", "quantity": "1,5"},
        {"source": "g", "external_id": "2", "contract": contract, "meter": "teapots", "price": "1"},
        "nothing",
    ]

    answer = erp.post("usage-records/", {"records": records})

    pointers = {error["pointer"].split("/")[2] for error in answer.json()["errors"]}
    assert (answer.status_code, pointers) == (400, {"0", "1", "2"})
    assert not UsageRecord.objects.exists()


@pytest.mark.parametrize(
    "body", [[], {}, {"records": {}}, {"records": [], "more": 1}, {"records": [{}] * 1001}, {"records": None}]
)
def test_a_batch_is_an_object_with_a_list_of_records(cast, erp, body):
    answer = erp.post("usage-records/", body)

    assert answer.status_code == 400
    assert answer.json()["errors"]


def test_usage_is_shown_in_totals_by_meter_and_stage(cast, erp):
    contract = signed_contract(cast)
    use(erp, contract, "a", "b", quantity="2.5")
    use(erp, contract, "c", quantity="-1", stage=None)

    answer = erp.get(f"contracts/{contract.pk}/usage/").json()

    assert sorted(
        (row["stage"] or "", row["records"], row["quantity"], row["value"]) for row in answer["totals"]
    ) == [
        ("", 1, "-1", "-0.0125"),
        ("S1", 2, "5", "0.0625"),
    ]


def test_a_payment_is_found_by_its_number_and_by_nothing_strange(cast, erp):
    payment = pay(erp, signed_contract(cast))

    found = erp.get("payments/", {"number": payment["number"], "status": "captured"}).json()["results"]
    strange = erp.get("payments/", {"nummer": payment["number"], "page_size": "501", "cursor": "x"})

    assert [row["id"] for row in found] == [payment["id"]]
    assert strange.status_code == 400
    assert {error["parameter"] for error in strange.json()["errors"]} == {"nummer", "page_size", "cursor"}


def test_rows_are_found_by_the_numbers_that_people_use(cast, erp, stranger):
    contract = delivered_contract(cast)
    payment = pay(erp, contract)
    case = apply(erp, payment)
    by_contract, by_payment = {"contract": contract.number}, {"payment": payment["number"]}

    found = [
        [row["id"] for row in erp.get(path, query).json()["results"]]
        for path, query in (
            ("payments/", by_contract),
            ("refund-requests/", by_contract),
            ("refund-requests/", by_payment),
            ("refund-requests/", {"payment": "P-2026-999999"}),
        )
    ]

    assert found == [[payment["id"]], [case["id"]], [case["id"]], []]
    for path, query in (("payouts/", {"request": case["number"]}), ("enquiries/", by_contract)):
        assert erp.get(path, query).json()["results"] == []
    assert stranger.get("payments/", by_contract).json()["results"] == []
    assert erp.get("payments/", {"contract": "C-26-1"}).status_code == 400


def test_a_payment_that_has_not_come_has_no_deadline_in_any_zone(cast, erp):
    payment = pay(erp, signed_contract(cast), capture=False)

    assert (payment["deadline"], payment["deadline_local"]) == (None, None)
