"""What staff do with contracts, documents, clients' questions and imports."""

import json
from io import BytesIO
from typing import Any

import pytest

from contracts.models import Contract, Document, RefundTerms
from contracts.services import add_document
from contracts.tests.cast import NOW, delivered_stage, draft_contract, stage_named
from refundportal.staff.tests.desk import Desk, act_of, count_events, page_of, words
from refunds.models import Enquiry
from refunds.services import ask_question
from refunds.tests.scene import TEXT, Scene, in_review


def named(content: bytes, name: str) -> BytesIO:
    file = BytesIO(content)
    file.name = name
    return file


def terms(**typed: Any) -> dict[str, Any]:
    return {
        "window_days": "3",
        "day_rule": "calendar",
        "time_zone": "Europe/Berlin",
        "conformity_mode": "share",
        "rounding": "client",
        "exchange_allowed": "on",
        "decision_days": "14",
        **typed,
    }


def test_a_contract_is_signed_worked_on_and_completed(scene: Scene):
    contract = draft_contract(scene.cast, title="A second one")
    rita = Desk(scene.cast.rita)

    assert rita.do(contract, "sign").status_code == 302
    for code in ("S1", "S2"):
        stage = stage_named(contract, code)
        rita.do(contract, "start_stage", stage=str(stage.pk))
        rita.do(contract, "deliver_stage", stage=str(stage.pk), note="All of it.")
    assert rita.do(contract, "complete").status_code == 302

    contract.refresh_from_db()
    assert contract.state == "completed"
    assert stage_named(contract, "S1").deliveries.get().note == "All of it."
    assert "The contract is: completed." in words(rita.open(contract))


def test_a_contract_is_terminated_with_a_reason(scene: Scene):
    rita = Desk(scene.cast.rita)

    assert rita.do(scene.contract, "terminate", reason=" ").status_code == 422
    assert rita.do(scene.contract, "terminate", reason="By both sides.").status_code == 302

    scene.contract.refresh_from_db()
    assert (scene.contract.state, scene.contract.end_reason) == ("terminated", "By both sides.")


def test_terms_are_shown_in_words_before_they_are_published(scene: Scene):
    rita = Desk(scene.cast.rita)

    page = rita.post(act_of(scene.contract, "publish_terms"), terms(window_days="1"))
    assert page.status_code == 200
    assert "until the end of the day after the day of payment" in words(page)
    assert "less than the published policy" in words(page)
    assert RefundTerms.objects.filter(contract=scene.contract).count() == 1

    assert rita.do(scene.contract, "publish_terms", **terms(window_days="1")).status_code == 302
    assert scene.contract.terms_versions.order_by("version").last().window_days == 1


@pytest.mark.parametrize(
    "typed",
    [
        {"time_zone": "Berlin"},
        {"holiday_calendar": "XX"},
        {"window_days": "-1"},
        {"deemed_acceptance_days": "1", "window_days": "3"},
    ],
)
def test_terms_that_cannot_be_are_refused(scene: Scene, typed: dict[str, str]):
    answer = Desk(scene.cast.rita).do(scene.contract, "publish_terms", **terms(**typed))

    assert answer.status_code == 422
    assert scene.contract.terms_versions.count() == 1


def test_terms_that_say_the_same_are_not_published_again(scene: Scene):
    answer = Desk(scene.cast.rita).do(scene.contract, "publish_terms", **terms())

    assert answer.status_code == 409
    assert scene.contract.terms_versions.count() == 1


def test_a_document_is_kept_for_a_case_and_leads_back_to_it(delivered: Scene):
    request = in_review(delivered)
    rita = Desk(delivered.cast.rita)
    back = page_of(request)

    answer = rita.do(
        delivered.contract,
        "add_document",
        query=f"?next={back}",
        kind="evidence",
        title="Test log",
        file=named(TEXT, "log.txt"),
    )

    document = Document.objects.get()
    assert answer.headers["Location"] == back
    assert (document.title, document.uploaded_by) == ("Test log", delivered.cast.rita)
    file = rita.get(f"/admin/contracts/document/{document.pk}/file/")
    assert b"".join(file.streaming_content) == TEXT
    assert "attachment" in file.headers["Content-Disposition"]
    assert "Test log" in rita.look(request, "assess").content.decode()


def test_nobody_is_led_away_from_the_portal(scene: Scene):
    answer = Desk(scene.cast.rita).do(
        scene.contract,
        "add_document",
        query="?next=//evil.example/",
        kind="evidence",
        title="Log",
        file=named(TEXT, "log.txt"),
    )

    assert answer.headers["Location"] == page_of(scene.contract)


def test_a_file_that_is_not_what_it_says_is_refused(scene: Scene):
    answer = Desk(scene.cast.rita).do(
        scene.contract, "add_document", kind="evidence", title="Log", file=named(b"MZ\x00\x01", "log.pdf")
    )

    assert answer.status_code == 422
    assert not Document.objects.exists()


def test_an_acceptance_needs_the_signed_protocol(delivered: Scene):
    rita = Desk(delivered.cast.rita)
    assert "Add the signed protocol first." in words(rita.open(delivered.contract))
    protocol = add_document(
        principal=delivered.cast.as_rita,
        contract_id=delivered.contract.pk,
        kind="protocol",
        title="Protocol",
        file=BytesIO(TEXT),
        file_name="protocol.txt",
        now=NOW,
    )

    answer = rita.do(
        delivered.contract,
        "accept_delivery",
        stage=str(delivered.stage.pk),
        accepted_at="2026-06-01T09:00",
        protocol=str(protocol.pk),
    )

    delivery = delivered.stage.deliveries.get()
    assert answer.status_code == 302
    assert (delivery.state, delivery.accepted_by_client, delivery.acceptance_recorded_by) == (
        "accepted",
        False,
        delivered.cast.rita,
    )


ACTS = (
    "sign",
    "start_stage",
    "deliver_stage",
    "accept_delivery",
    "publish_terms",
    "add_document",
    "terminate",
)


@pytest.mark.parametrize("name", ["finn", "ada"])
def test_whoever_writes_no_contracts_changes_none(scene: Scene, name: str):
    draft = draft_contract(scene.cast, title="A second one")
    stage, events = stage_named(scene.contract, "S1"), count_events()
    delivered_stage(scene.cast, scene.contract, "S2")
    events = count_events()
    desk = Desk(getattr(scene.cast, name))
    typed = {**terms(window_days="9"), "stage": str(stage.pk), "reason": "Because.", "note": "x"}

    for act in ACTS:
        row = draft if act == "sign" else scene.contract
        file = {"kind": "other", "title": "x", "file": named(TEXT, "x.txt")} if act == "add_document" else {}
        assert "Only a Reviewer or an Approver may do this." in words(desk.look(row, act)), act
        assert desk.do(row, act, **typed, **file).status_code in (403, 422), act

    assert count_events() == events
    assert Contract.objects.get(pk=draft.pk).state == "draft"


def entry(**fields: Any) -> dict[str, Any]:
    return {
        "reference": "OLD-1",
        "client": {"kind": "business", "name": "Newcomer", "email": "office@new.example"},
        "title": "Brought along",
        "currency": "EUR",
        "stages": [
            {
                "code": "S1",
                "title": "All",
                "kind": "work",
                "amount": "100.00",
                "items": [{"code": "A", "statement": "It runs.", "weight": "1"}],
            }
        ],
        **fields,
    }


def import_(desk: Desk, content: Any, *, for_good: bool = False) -> Any:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return desk.post(
        "/admin/contracts/contract/import/",
        {"file": named(raw, "contracts.json"), "is_trial": "no" if for_good else "yes"},
    )


def test_an_import_is_tried_first_and_then_stored(scene: Scene):
    rita = Desk(scene.cast.rita)

    tried = import_(rita, [entry()])
    assert "No fault was found. Nothing was stored." in words(tried)
    assert not Contract.objects.filter(reference="OLD-1").exists()

    stored = import_(rita, [entry()], for_good=True)
    assert "1 contracts, 1 new clients" in words(stored)
    assert Contract.objects.get(reference="OLD-1").title == "Brought along"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([entry(currency="EUX")], "contracts[0].currency"),
        (b"{", "This is not JSON"),
        (b"\xff", "not written in UTF-8"),
        (b'{"a": 1, "a": 2}', "JSON"),
    ],
)
def test_an_import_with_a_fault_stores_nothing_and_names_the_place(scene: Scene, content: Any, said: str):
    answer = import_(Desk(scene.cast.rita), content, for_good=True)

    assert answer.status_code == 422
    assert said in words(answer)
    assert Contract.objects.count() == 1


@pytest.mark.parametrize("name", ["finn", "ada"])
def test_whoever_writes_no_contracts_imports_none(scene: Scene, name: str):
    answer = import_(Desk(getattr(scene.cast, name)), [entry()], for_good=True)

    assert answer.status_code == 403
    assert Contract.objects.count() == 1


def test_a_question_gets_its_answer(scene: Scene):
    enquiry = ask_question(
        principal=scene.cast.as_alice,
        client_id=scene.cast.client.pk,
        subject="Window",
        body="When does it end?",
        now=NOW,
    )

    assert Desk(scene.cast.finn).do(enquiry, "answer", body="Tomorrow.").status_code == 403
    assert Desk(scene.cast.rita).do(enquiry, "answer", body="On Thursday.").status_code == 302

    enquiry = Enquiry.objects.get(pk=enquiry.pk)
    assert (enquiry.state, enquiry.messages.last().body) == ("answered", "On Thursday.")
