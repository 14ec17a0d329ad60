import io

import pytest

from contracts.tests.cast import signed_contract, stage_named
from events.models import Event
from payments.models import Payout
from refundportal.api.tests.caller import Caller
from refundportal.api.tests.job import ago, application, apply, assess, delivered_contract, pay, step, use
from refunds.models import Decision, RefundRequest


@pytest.fixture
def contract(cast):
    return delivered_contract(cast)


@pytest.fixture
def payment(erp, contract):
    return pay(erp, contract)


@pytest.fixture
def proposed(erp, rita, contract, payment):
    """A case in which Rita has proposed to give back half."""
    case = apply(erp, payment)
    step(rita, case, "start-review")
    assess(rita, case, contract, {"AC-1": "1", "AC-2": "0", "AC-3": "0"})
    return step(rita, case, "propose")


def test_an_application_is_received_with_its_number_deadline_and_answer_so_far(cast, erp, payment):
    case = apply(erp, payment)

    assert case["number"].startswith("RR-")
    assert (case["state"], case["received_via"], case["amount"]) == ("submitted", "api", None)
    assert (case["deadline"], case["deadline_local"]) == (payment["deadline"], payment["deadline_local"])
    assert (case["answer"]["outcome"], case["answer"]["refund_at_most"]) == ("needs_review", "1000.00")
    assert erp.get(f"refund-requests/{case['id']}/").json() == case


def test_the_whole_case_goes_from_application_to_payout(cast, erp, rita, arno, contract, payment, proposed):
    decided = step(arno, proposed, "approve")

    assert (decided["state"], decided["payout_state"]) == ("approved", "ready")
    decision = erp.get(f"refund-requests/{proposed['id']}/decision/").json()
    assert decision["answer"]["refund"] == "500.00"
    assert decision["answer"]["reasons"] == ["conforming_part_retained"]
    assert decision["facts"]["payment"]["amount"] == "1000.00"
    assert (decision["proposed_by"], decision["approved_by"]) == (str(cast.rita.pk), str(cast.arno.pk))
    payouts = erp.get("payouts/", {"request": proposed["id"]}).json()["results"]
    assert [(row["state"], row["amount"]["amount"]) for row in payouts] == [("ready", "500.00")]
    assert erp.get(f"payouts/{payouts[0]['id']}/").json()["attempts"] == []


def test_a_clear_no_is_an_answer_and_no_error(cast, erp):
    contract = signed_contract(cast)
    payment = pay(erp, contract)
    use(erp, contract, "a", quantity="80000", stage=None)

    case = apply(erp, payment)

    assert (case["state"], case["answer"]["outcome"]) == ("rejected", "no_refund")
    assert case["answer"]["reasons"] == ["value_consumed"]
    decision = erp.get(f"refund-requests/{case['id']}/decision/").json()
    assert (decision["answer"], decision["approved_by"]) == (case["answer"], None)
    assert erp.get(f"refund-requests/{case['id']}/").json() == case


def test_a_second_application_for_the_same_payment_is_not_let_in_but_noted(cast, erp, payment):
    first = apply(erp, payment)

    answer = erp.post("refund-requests/", application(payment))

    assert (answer.status_code, answer.json()["code"]) == (422, "request_already_open")
    assert answer.json()["open_request"] == first["number"]
    assert answer.json()["answer"]["outcome"] == "inadmissible"
    assert RefundRequest.objects.count() == 1
    assert Event.objects.filter(type="refund_request.refused").count() == 1


def test_a_quote_that_has_changed_is_told_with_its_differences(cast, erp, contract, payment):
    quote = erp.get(f"payments/{payment['id']}/refund-quote/").json()
    use(erp, contract, "a", quantity="800", stage=None)
    body = application(payment, expected_fingerprint=quote["facts_fingerprint"])

    answer = erp.post("refund-requests/", body)

    assert (answer.status_code, answer.json()["code"]) == (409, "quote_changed")
    changed = {one["field"]: (one["shown"], one["now"]) for one in answer.json()["differences"]}
    assert changed["refund_at_most"] == ("1000.00", "990.00")
    assert not RefundRequest.objects.exists()
    fresh = body | {"expected_fingerprint": answer.json()["facts_fingerprint"]}
    assert erp.post("refund-requests/", fresh).status_code == 201


@pytest.mark.parametrize(
    ("changes", "pointers"),
    [
        ({"reason": "whim"}, ["/reason"]),
        ({"statement": "  "}, ["/statement"]),
        ({"statement": None, "reason": 5}, ["/reason", "/statement"]),
        ({"state": "approved", "approved_by": "me", "client": "x"}, ["/approved_by", "/client", "/state"]),
        ({"refund": "1000.00"}, ["/refund"]),
        ({"payment": "x"}, ["/payment"]),
        ({"payment": 7}, ["/payment"]),
        ({"objections": [{"stage": "S1", "item": "AC-1"}]}, ["/objections/0/text"]),
        ({"objections": [{"stage": "S1", "item": "AC-9", "text": "x"}]}, ["/objections/0/item"]),
        ({"remedy": "exchange"}, ["/target_stage"]),
        ({"amount": {"amount": "1.001", "currency": "EUR"}}, ["/amount/amount"]),
    ],
)
def test_faults_of_an_application_are_told_at_once_and_nothing_is_stored(
    cast, erp, payment, changes, pointers
):
    answer = erp.post("refund-requests/", application(payment) | changes)

    assert answer.status_code == 400
    assert sorted(error["pointer"] for error in answer.json()["errors"]) == pointers
    assert not RefundRequest.objects.exists()


def test_an_application_for_the_payment_of_somebody_else_looks_like_one_for_none(cast, stranger, payment):
    foreign = stranger.post("refund-requests/", application(payment))
    missing = stranger.post("refund-requests/", application({"id": "00000000-0000-7000-8000-000000000000"}))

    assert foreign.status_code == 404
    assert foreign.content == missing.content
    assert not RefundRequest.objects.exists()


def test_an_application_received_by_letter_is_recorded_by_staff_only(cast, erp, rita, contract, payment):
    file = io.BytesIO(b"We want our money back.\n")
    file.name = "letter.txt"
    evidence = erp.upload(
        f"contracts/{contract.pk}/documents/", {"kind": "evidence", "title": "Letter", "file": file}
    ).json()["id"]
    reception = {"received_via": "letter", "received_at": ago(seconds=0), "evidence": evidence}

    refused = erp.post("refund-requests/", application(payment, **reception))
    half = rita.post("refund-requests/", application(payment, evidence=evidence))
    future = rita.post(
        "refund-requests/", application(payment, **{**reception, "received_at": ago(hours=-1)})
    )
    recorded = rita.post("refund-requests/", application(payment, **reception))

    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")
    assert [error["pointer"] for error in half.json()["errors"]] == ["/received_via", "/received_at"]
    assert (future.status_code, future.json()["errors"][0]["pointer"]) == (400, "/received_at")
    assert (recorded.status_code, recorded.json()["received_via"]) == (201, "letter")


def test_a_client_withdraws_as_long_as_there_is_no_answer(cast, erp, payment):
    case = apply(erp, payment)

    withdrawn = step(erp, case, "withdraw")
    again = erp.post(f"refund-requests/{case['id']}/withdraw/")

    assert withdrawn["state"] == "withdrawn"
    assert (again.status_code, again.json()["code"]) == (409, "state_conflict")


def test_information_is_asked_for_and_given(cast, erp, rita, payment):
    case = apply(erp, payment)
    step(rita, case, "start-review")

    asked = step(rita, case, "request-information", {"question": "Which printer?"})
    step(erp, case, "messages", {"body": "The one in the office."})

    assert asked["state"] == "information_requested"
    assert erp.get(f"refund-requests/{case['id']}/").json()["state"] == "in_review"
    bodies = [row["body"] for row in erp.get(f"refund-requests/{case['id']}/messages/").json()["results"]]
    assert sorted(bodies) == ["The one in the office.", "Which printer?"]


def test_internal_notes_are_seen_by_staff_only(cast, erp, rita, payment):
    case = apply(erp, payment)

    step(rita, case, "messages", {"body": "A difficult one.", "is_internal": True})
    refused = erp.post(f"refund-requests/{case['id']}/messages/", {"body": "Me too", "is_internal": True})

    assert refused.status_code == 403
    assert erp.get(f"refund-requests/{case['id']}/messages/").json()["results"] == []
    assert len(rita.get(f"refund-requests/{case['id']}/messages/").json()["results"]) == 1


def test_a_file_is_added_to_an_application_under_a_key(cast, erp, payment):
    case = apply(erp, payment)
    path = f"refund-requests/{case['id']}/attachments/"

    def send(content, key):
        file = io.BytesIO(content)
        file.name = "screen.txt"
        return erp.upload(path, {"file": file}, key=key)

    first, again, other = send(b"One\n", "f1"), send(b"One\n", "f1"), send(b"Two\n", "f1")

    assert (first.status_code, first.json()["size_bytes"]) == (201, 4)
    assert (again.content, again["Idempotent-Replayed"]) == (first.content, "true")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_facts_are_established_one_by_one_and_change_the_answer(cast, erp, rita, contract, payment):
    use(erp, contract, "own", quantity="8000", stage=None)
    case = apply(erp, payment)
    step(rita, case, "start-review")
    assert erp.get(f"refund-requests/{case['id']}/").json()["answer"]["refund_at_most"] == "900.00"

    records = [{"source": "gateway", "external_id": "own"}]
    after = step(rita, case, "usage-exclusions", {"records": records, "reason": "Our own test"})
    stage = str(stage_named(contract, "S1").pk)
    defect = step(rita, case, "hidden-defects", {"stage": stage, "reason": "Seen in the log"})
    business = rita.post(
        f"refund-requests/{case['id']}/statutory-check/", {"holds": True, "reason": "Distance contract"}
    )
    foreign = rita.post(
        f"refund-requests/{case['id']}/usage-exclusions/",
        {"records": [{"source": "gateway", "external_id": "nobody"}], "reason": "x"},
    )

    assert after["answer"]["refund_at_most"] == "1000.00"
    assert defect["state"] == "in_review"
    assert (business.status_code, business.json()["code"]) == (422, "fact_not_applicable")
    assert (foreign.status_code, foreign.json()["errors"][0]["pointer"]) == (400, "/records/0")


def test_what_is_neither_yes_nor_no_is_not_proposed(cast, erp, rita, payment):
    case = apply(erp, payment)
    step(rita, case, "start-review")

    answer = rita.post(f"refund-requests/{case['id']}/propose/")

    assert (answer.status_code, answer.json()["code"]) == (422, "not_decidable")


def test_approval_over_rest_is_off_unless_the_portal_allows_it(cast, erp, proposed):
    arno = Caller("refunds:decide", all_clients=True, staff_user=cast.arno)

    answer = arno.post(f"refund-requests/{proposed['id']}/approve/")

    assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted")
    assert not Decision.objects.exists()


def test_nobody_approves_what_they_proposed(cast, erp, rita, proposed, settings):
    settings.API_APPROVAL = True

    answer = rita.post(f"refund-requests/{proposed['id']}/approve/")

    assert (answer.status_code, answer.json()["code"]) == (403, "four_eyes_violated")
    assert not Payout.objects.exists()


def test_an_answer_that_changed_goes_back_to_review_although_the_approval_is_refused(
    cast, erp, arno, contract, proposed
):
    use(erp, contract, "late", quantity="800", stage=None)

    answer = arno.post(f"refund-requests/{proposed['id']}/approve/")

    assert (answer.status_code, answer.json()["code"]) == (409, "answer_changed"), answer.content
    assert erp.get(f"refund-requests/{proposed['id']}/").json()["state"] == "in_review"
    assert not Payout.objects.exists()


def test_a_proposal_is_sent_back_with_a_reason(cast, erp, arno, proposed):
    bare = arno.post(f"refund-requests/{proposed['id']}/send-back/")
    back = step(arno, proposed, "send-back", {"reason": "AC-2 was tested on the wrong printer."})

    assert (bare.status_code, bare.json()["errors"][0]["pointer"]) == (400, "/reason")
    assert back["state"] == "in_review"


def test_there_is_no_decision_before_one_is_made(cast, erp, payment):
    case = apply(erp, payment)

    assert erp.get(f"refund-requests/{case['id']}/decision/").status_code == 404


def test_a_question_is_asked_and_listed(cast, erp, contract):
    body = {
        "client": str(cast.client.pk),
        "contract": str(contract.pk),
        "subject": "Window",
        "body": "Until when?",
    }

    asked = erp.post("enquiries/", body)

    assert (asked.status_code, asked.json()["state"]) == (201, "open"), asked.content
    assert erp.get("enquiries/").json()["results"] == [asked.json()]


def test_the_journal_is_read_from_a_position_on(cast, erp, stranger, payment):
    from events.journal import sequence_events

    sequence_events(batch_max=1000)

    first = erp.get("events/", {"page_size": 2}).json()
    rest = erp.get("events/", {"after": first["results"][-1]["position"], "page_size": 500}).json()
    captured = erp.get("events/", {"types": "payment.captured,payment.failed"}).json()["results"]

    positions = [row["position"] for row in first["results"] + rest["results"]]
    assert positions == sorted(set(positions))
    assert first["next"].endswith(f"after={first['results'][-1]['position']}&page_size=2")
    assert rest["next"] is None
    assert {row["client"] for row in first["results"] + rest["results"]} == {str(cast.client.pk)}
    assert [row["subject"] for row in captured] == [payment["id"]]
    assert all(
        row["client"] == str(cast.other_client.pk) for row in stranger.get("events/").json()["results"]
    )
    assert erp.get("events/", {"client": str(cast.other_client.pk)}).json()["results"] == []
