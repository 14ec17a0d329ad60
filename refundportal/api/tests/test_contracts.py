import io

import pytest

from contracts.models import Client, Contract
from contracts.services import clients
from contracts.tests.cast import METERS, STAGES, draft_contract, signed_contract, stage_named
from events.models import Event
from refundportal.api.tests.caller import Caller

PDF = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"


def contract_json(cast, **fields):
    return {
        "client": str(cast.client.pk),
        "title": "Order desk",
        "currency": "EUR",
        "stages": STAGES,
        "meters": METERS,
        **fields,
    }


def test_a_contract_is_stored_whole_and_shown_whole(cast, erp):
    answer = erp.post("contracts/", contract_json(cast, total="1800.00"))

    shown = answer.json()
    assert answer.status_code == 201
    assert answer["Location"] == f"/api/v1/contracts/{shown['id']}/"
    assert shown["total"] == {"amount": "1800.00", "currency": "EUR"}
    assert [stage["code"] for stage in shown["stages"]] == ["P1", "S1", "S2"]
    assert shown["stages"][0]["shares"] == [
        {"stage": "S1", "amount": {"amount": "200.00", "currency": "EUR"}},
        {"stage": "S2", "amount": {"amount": "100.00", "currency": "EUR"}},
    ]
    assert [item["weight"] for item in shown["stages"][1]["items"]] == ["5", "3", "2"]
    assert [(meter["code"], meter["price"]) for meter in shown["meters"]] == [
        ("api_calls", "0.0125"),
        ("hosting", "30"),
    ]
    assert shown["terms"]["terms"]["window_days"] == 3
    assert erp.get(f"contracts/{shown['id']}/").json() == shown


def test_all_faults_of_a_contract_are_told_at_once_and_nothing_is_stored(cast, erp):
    stages = [
        {"code": "S1", "title": "Desk", "kind": "work", "amount": "10.001"},
        {"code": "S1", "title": "Desk", "kind": "work", "amount": "1e3"},
    ]
    body = contract_json(cast, stages=stages, state="signed", terms={"window_days": "3"})

    answer = erp.post("contracts/", body)

    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == [
        "/stages/0/amount",
        "/stages/1/amount",
        "/state",
        "/terms/window_days",
    ]
    assert not Contract.objects.exists()


def test_stages_that_do_not_sum_to_the_total_are_refused(cast, erp):
    answer = erp.post("contracts/", contract_json(cast, total="1800.01"))

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/total")
    assert not Contract.objects.exists()


def test_a_contract_for_a_client_of_somebody_else_is_refused_as_if_there_were_none(cast, erp):
    foreign = erp.post("contracts/", contract_json(cast, client=str(cast.other_client.pk)))
    missing = erp.post("contracts/", contract_json(cast, client="00000000-0000-7000-8000-000000000000"))

    assert foreign.status_code == 404
    assert foreign.content == missing.content
    assert not Contract.objects.exists()


def test_signing_moves_the_contract_and_tells_the_journal_which_system_did_it(cast, erp):
    contract = draft_contract(cast)

    answer = erp.post(f"contracts/{contract.pk}/sign/")

    assert (answer.status_code, answer.json()["state"]) == (200, "signed")
    event = Event.objects.get(type="contract.signed")
    assert (event.actor_kind, event.actor_id) == ("api", erp.api_client.pk)


def test_signing_twice_is_a_conflict(cast, erp):
    contract = signed_contract(cast)

    answer = erp.post(f"contracts/{contract.pk}/sign/")

    assert (answer.status_code, answer.json()["code"]) == (409, "state_conflict")


def test_a_state_changes_only_if_it_is_the_one_that_was_seen(cast, erp):
    contract = draft_contract(cast)
    etag = erp.get(f"contracts/{contract.pk}/")["ETag"]
    erp.post(f"contracts/{contract.pk}/terms/", {"window_days": 5})

    stale = erp.post(f"contracts/{contract.pk}/sign/", **{"If-Match": etag})
    fresh = erp.get(f"contracts/{contract.pk}/")["ETag"]
    signed = erp.post(f"contracts/{contract.pk}/sign/", **{"If-Match": f'"x", {fresh}'})

    assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed")
    assert signed.status_code == 200
    assert signed["ETag"] == erp.get(f"contracts/{contract.pk}/")["ETag"]


def test_of_two_changes_to_what_both_have_seen_one_is_made(cast, erp, monkeypatch):
    seen = erp.get(f"clients/{cast.client.pk}/")["ETag"]
    lock = clients.lock_client

    def lock_late(client_id):
        """Somebody else's change is made just before this one gets the row."""
        Client.objects.filter(pk=client_id).update(name="Theirs")
        return lock(client_id)

    monkeypatch.setattr(clients, "lock_client", lock_late)
    answer = erp.patch(f"clients/{cast.client.pk}/", {"name": "Ours"}, **{"If-Match": seen})

    assert (answer.status_code, answer.json()["code"]) == (412, "precondition_failed")
    assert Client.objects.get(pk=cast.client.pk).name != "Ours"


@pytest.mark.parametrize("if_match", ["abc", '"abc', "", '"a" "b"'])
def test_a_malformed_if_match_is_refused(cast, erp, if_match):
    contract = draft_contract(cast)

    answer = erp.post(f"contracts/{contract.pk}/sign/", **{"If-Match": if_match})

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_if_match")


def test_new_terms_are_a_new_version(cast, erp):
    contract = signed_contract(cast)

    answer = erp.post(f"contracts/{contract.pk}/terms/", {"window_days": 1})

    assert (answer.status_code, answer.json()["version"]) == (201, 2)
    assert answer.json()["deviates_from_policy"] is True
    listed = erp.get(f"contracts/{contract.pk}/terms/").json()["results"]
    assert [row["version"] for row in listed] == [2, 1]


def test_terms_that_contradict_themselves_are_refused(cast, erp):
    contract = signed_contract(cast)
    terms = {"day_rule": "elapsed", "roll_to_working_day": True, "deemed_acceptance_days": 2}

    answer = erp.post(f"contracts/{contract.pk}/terms/", terms)

    assert answer.status_code == 400
    assert {error["pointer"] for error in answer.json()["errors"]} == {
        "/roll_to_working_day",
        "/deemed_acceptance_days",
    }


def test_a_document_is_kept_with_its_digest(cast, erp):
    contract = draft_contract(cast)
    file = io.BytesIO(PDF)
    file.name = "contract.pdf"

    answer = erp.upload(
        f"contracts/{contract.pk}/documents/", {"kind": "contract", "title": "Contract", "file": file}
    )

    assert answer.status_code == 201, answer.content
    assert answer.json()["size_bytes"] == len(PDF)
    assert len(answer.json()["sha256"]) == 64
    assert erp.get(f"contracts/{contract.pk}/documents/").json()["results"] == [answer.json()]


def test_a_file_that_is_not_what_its_name_says_is_refused(cast, erp):
    contract = draft_contract(cast)
    file = io.BytesIO(b"<html>")
    file.name = "contract.pdf"

    answer = erp.upload(
        f"contracts/{contract.pk}/documents/", {"kind": "contract", "title": "Contract", "file": file}
    )

    assert (answer.status_code, answer.json()["code"]) == (400, "file_type_refused")


def test_a_form_without_a_file_and_with_a_strange_field_is_refused(cast, erp):
    contract = draft_contract(cast)

    answer = erp.upload(
        f"contracts/{contract.pk}/documents/", {"kind": "secret", "title": "T", "stored_as": "x"}
    )

    assert answer.status_code == 400
    assert {error["pointer"] for error in answer.json()["errors"]} == {"/kind", "/file", "/stored_as"}


def test_the_work_of_a_stage_goes_from_start_to_acceptance_by_protocol(cast, erp):
    contract = signed_contract(cast)
    stage = stage_named(contract, "S1")
    protocol = io.BytesIO(PDF)
    protocol.name = "protocol.pdf"
    uploaded = erp.upload(
        f"contracts/{contract.pk}/documents/", {"kind": "protocol", "title": "Protocol", "file": protocol}
    ).json()

    started = erp.post(f"stages/{stage.pk}/start/")
    delivered = erp.post(f"stages/{stage.pk}/deliver/", {"note": "Version 1"})
    bare = erp.post(f"stages/{stage.pk}/accept/")
    accepted = erp.post(f"stages/{stage.pk}/accept/", {"protocol": uploaded["id"]})

    assert (started.status_code, started.json()["state"]) == (200, "in_progress")
    assert (delivered.status_code, delivered.json()["number"]) == (201, 1)
    assert (bare.status_code, bare.json()["code"]) == (422, "protocol_needed")
    assert (accepted.status_code, accepted.json()["state"]) == (200, "accepted")
    assert accepted.json()["accepted_by_client"] is False
    assert erp.get(f"stages/{stage.pk}/").json()["deliveries"] == [accepted.json()]


def test_an_objection_names_items_of_the_stage(cast, erp):
    stage = stage_named(signed_contract(cast), "S1")
    erp.post(f"stages/{stage.pk}/start/")
    erp.post(f"stages/{stage.pk}/deliver/")

    wrong = erp.post(f"stages/{stage.pk}/object/", {"objections": [{"item": "AC-9", "text": "Missing"}]})
    right = erp.post(f"stages/{stage.pk}/object/", {"objections": [{"item": "AC-1", "text": "Not saved"}]})

    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (400, "/objections/0/item")
    assert (right.status_code, right.json()["state"]) == (200, "objected")


def test_a_reviewer_assesses_item_by_item_through_a_bound_system(cast, erp):
    stage = stage_named(signed_contract(cast), "S1")
    rita = Caller("refunds:decide", all_clients=True, staff_user=cast.rita)
    nothing = rita.post(f"stages/{stage.pk}/assessments/", {"values": {"AC-1": "1"}, "reason": "Tested"})
    erp.post(f"stages/{stage.pk}/start/")
    erp.post(f"stages/{stage.pk}/deliver/")

    answer = rita.post(
        f"stages/{stage.pk}/assessments/",
        {"values": {"AC-1": "1", "AC-2": "2/4", "AC-3": None}, "reason": "Tested"},
    )

    assert (nothing.status_code, nothing.json()["code"]) == (409, "nothing_delivered")
    assert answer.status_code == 201, answer.content
    assert answer.json()["by"] == str(cast.rita.pk)
    assert {value["item"]: value["fulfilled"] for value in answer.json()["values"]} == {
        "AC-1": "1",
        "AC-2": "1/2",
        "AC-3": None,
    }
    assert rita.get(f"stages/{stage.pk}/assessments/").json()["results"] == [answer.json()]


def test_shares_outside_of_zero_and_one_are_refused_with_their_item(cast, erp):
    stage = stage_named(signed_contract(cast), "S1")
    erp.post(f"stages/{stage.pk}/start/")
    erp.post(f"stages/{stage.pk}/deliver/")
    rita = Caller("refunds:decide", all_clients=True, staff_user=cast.rita)

    answer = rita.post(
        f"stages/{stage.pk}/assessments/", {"values": {"AC-1": "1.5", "AC-7": "1"}, "reason": "Tested"}
    )

    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/values/AC-1", "/values/AC-7"]


def test_a_contract_ends_early_for_a_reason(cast, erp):
    contract = signed_contract(cast)

    bare = erp.post(f"contracts/{contract.pk}/terminate/")
    ended = erp.post(f"contracts/{contract.pk}/terminate/", {"reason": "Both sides agree"})

    assert (bare.status_code, bare.json()["errors"][0]["pointer"]) == (400, "/reason")
    assert (ended.status_code, ended.json()["state"]) == (200, "terminated")


def test_a_client_is_entered_and_changed(cast):
    everywhere = Caller("contracts:read", "contracts:write", all_clients=True)

    made = everywhere.post("clients/", {"kind": "consumer", "name": "Dora", "email": "dora@example.com"})
    path = f"clients/{made.json()['id']}/"
    changed = everywhere.patch(path, {"name": "Dora D.", "language": "de"})

    assert made.status_code == 201, made.content
    assert (changed.json()["name"], changed.json()["language"], changed.json()["kind"]) == (
        "Dora D.",
        "de",
        "consumer",
    )
    assert everywhere.get(path).json() == changed.json()


@pytest.mark.parametrize("field", ["id", "created_at", "grants", "memberships", "kind"])
def test_no_field_of_a_client_is_set_by_the_way(cast, erp, field):
    before = Client.objects.values().get(pk=cast.client.pk)

    answer = erp.patch(f"clients/{cast.client.pk}/", {"name": "New", field: "consumer"})

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "unknown_field")
    assert Client.objects.values().get(pk=cast.client.pk) == before


@pytest.mark.parametrize("value", [7, True, None, ["x"], {"a": 1}, ""])
def test_nothing_is_made_a_text_that_is_none(cast, erp, value):
    answer = erp.patch(f"clients/{cast.client.pk}/", {"name": value})

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/name")
