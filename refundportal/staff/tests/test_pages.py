"""The pages of the staff site open, and what they cost does not grow with what there is."""

import re
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

import pytest

from contracts.tests.cast import NOW, administrator
from payments.models import Payout
from payments.services import record_usage
from refundportal.staff.tests.desk import Desk, list_of, page_of, queries_of, words
from refunds.models import Enquiry, RefundRequest
from refunds.services import (
    ask_question,
    assess,
    exclude_usage,
    post_message,
    record_hidden_defect,
    record_statutory_check,
)
from refunds.services.files import Upload
from refunds.tests.scene import (
    LATER,
    Scene,
    applied,
    approved,
    evidence,
    in_review,
    make_scene,
    paid,
    proposed,
)

LISTS = (
    "refunds_refundrequest",
    "refunds_enquiry",
    "contracts_contract",
    "contracts_client",
    "contracts_document",
    "payments_payment",
    "payments_payout",
    "payments_transfer",
    "payments_account",
    "events_event",
    "accounts_user",
    "refunds_trial",
)


def enquiry_of(scene: Scene) -> Enquiry:
    return ask_question(
        principal=scene.cast.as_alice,
        client_id=scene.cast.client.pk,
        subject="Window",
        body="When does it end?",
        now=NOW,
    )


def more_of_everything(scene: Scene) -> None:
    """Two more payments, each with an application that waits."""
    for code in ("P1", "S2"):
        payment = paid(scene.cast, scene.contract, code)
        applied(Scene(scene.cast, scene.contract, payment))


def test_every_list_opens_in_a_bounded_number_of_queries(scene: Scene):
    approved(scene)
    evidence(scene)
    enquiry_of(scene)
    desk = Desk(scene.cast.ada)
    before = {name: queries_of(desk, list_of(name)) for name in LISTS}

    more_of_everything(scene)
    after = {name: queries_of(desk, list_of(name)) for name in LISTS}

    assert after == before
    assert max(after.values()) <= 12


@pytest.mark.parametrize("name", ["rita", "arno", "finn", "ada"])
def test_the_case_page_opens_for_every_group(delivered: Scene, name: str):
    request = in_review(delivered)

    answer = Desk(getattr(delivered.cast, name)).open(request)

    assert answer.status_code == 200
    assert "Orders get lost." in words(answer)


def used(scene: Scene) -> None:
    """A call that the client's software reported."""
    record = {
        "source": "meter",
        "external_id": "1",
        "contract": str(scene.contract.pk),
        "meter": "api_calls",
        "quantity": "1",
        "occurred_at": NOW.isoformat(),
    }
    record_usage(principal=scene.cast.as_erp, records=[record], now=NOW)


def established(scene: Scene, request: RefundRequest, now: datetime = LATER) -> None:
    """Whatever reviewers can establish in a case, each with a reason and a document."""
    said: dict[str, Any] = {
        "principal": scene.cast.as_rita,
        "request_id": request.pk,
        "evidence_id": evidence(scene, now=now).pk,
        "reason": "Looked at.",
        "now": now,
    }
    assess(stage_id=scene.stage.pk, values={"AC-1": "1/2", "AC-2": "0"}, **said)
    record_hidden_defect(stage_id=scene.stage.pk, holds=True, **said)
    record_statutory_check(holds=True, **said)
    exclude_usage(records=[("meter", "1")], excluded=True, **said)


def talked(scene: Scene, request: RefundRequest, now: datetime = LATER) -> None:
    """A note with a file."""
    post_message(
        principal=scene.cast.as_rita,
        request_id=request.pk,
        body="Look.",
        is_internal=True,
        attachments=[Upload(BytesIO(b"text"), "note.txt")],
        now=now,
    )


def test_the_case_page_costs_the_same_however_much_was_said_and_established(db, clock):
    scene = make_scene(kind="consumer", is_delivered=True)
    used(scene)
    request = in_review(scene)
    desk = Desk(scene.cast.arno)
    before = queries_of(desk, page_of(request))

    for minutes in range(3):
        established(scene, request, LATER + timedelta(minutes=minutes))
        talked(scene, request, LATER + timedelta(minutes=minutes))
    page = desk.open(request)

    assert queries_of(desk, page_of(request)) == before < 25
    said = words(page)
    assert said.count("There is a hidden defect. Looked at. Rita") == 3
    assert said.count("The law gives a longer period. Looked at. Rita") == 3
    assert said.count("Company usage excluded: meter:1 Looked at. Rita") == 3
    assert said.count("note.txt") == 3


def test_what_is_not_decided_yet_is_never_shown_as_a_refund(delivered: Scene):
    request = in_review(delivered)
    desk = Desk(delivered.cast.ada)

    said = "The application is being examined. Refund at most: 1,000.00 EUR"
    assert said in words(desk.open(request))
    assert said in words(desk.get(list_of("refunds_refundrequest")))


@pytest.mark.parametrize("so_far", [in_review, proposed, approved])
def test_the_case_page_asks_less_than_25_times_in_every_state(scene: Scene, so_far):
    request = so_far(scene)

    assert queries_of(Desk(scene.cast.arno), page_of(request)) < 25


def test_records_of_money_and_agreement_open(scene: Scene):
    request = approved(scene)
    payout = Payout.objects.get(request_id=request.pk)
    desk = Desk(scene.cast.finn)

    for row, most in (
        (scene.contract, 19),
        (scene.payment, 16),
        (payout, 12),
        (scene.cast.client, 9),
        (enquiry_of(scene), 8),
    ):
        assert queries_of(desk, page_of(row)) <= most, row


def test_the_journal_of_a_record_names_who_did_what(scene: Scene):
    request = proposed(scene)

    said = words(Desk(scene.cast.ada).get(page_of(request).replace("/change/", "/history/")))

    assert "Answer proposed" in said
    assert "Rita (our review team)" in said


def test_the_letter_is_the_acknowledgement_until_there_is_an_answer(scene: Scene):
    request = proposed(scene)
    address = page_of(request).replace("/change/", "/letter/")
    desk = Desk(scene.cast.rita)

    assert "We have received your application" in words(desk.get(address))

    Desk(scene.cast.arno).do(request, "approve", proposal=str(request.proposals.get().pk))
    assert "Our answer to your application" in words(desk.get(address))


def test_the_first_page_counts_what_waits_and_leads_to_its_list(scene: Scene, clock):
    request = proposed(scene)
    desk = Desk(scene.cast.rita)
    said = words(desk.get("/admin/"))

    assert "1 wait for the second person" in said
    assert "0 overdue" in said
    assert request.number in words(desk.get(list_of("refunds_refundrequest") + "?standing=second"))

    clock.move_to(LATER + timedelta(days=30))
    desk = Desk(scene.cast.rita)
    assert "1 overdue" in words(desk.get("/admin/"))
    assert request.number in words(desk.get(list_of("refunds_refundrequest") + "?standing=overdue"))
    assert request.number in words(desk.get(list_of("refunds_refundrequest") + "?age=14"))


def test_the_first_page_costs_the_same_with_many_applications(scene: Scene):
    applied(scene)
    desk = Desk(scene.cast.rita)
    before = queries_of(desk, "/admin/")

    more_of_everything(scene)

    assert queries_of(desk, "/admin/") == before <= 13


def test_windows_that_close_soon_lead_to_their_payments(scene: Scene, clock):
    clock.move_to(scene.payment.deadline - timedelta(hours=5))
    desk = Desk(scene.cast.finn)

    assert "1 windows close within 24 hours" in words(desk.get("/admin/"))
    assert scene.payment.number in words(desk.get(list_of("payments_payment") + "?window=closing"))

    clock.move_to(scene.payment.deadline)
    desk = Desk(scene.cast.finn)
    assert scene.payment.number not in words(desk.get(list_of("payments_payment") + "?window=closing"))


def test_a_page_that_lies_in_no_place_has_a_heading_too(scene: Scene):
    boss = administrator().user

    pages = [Desk(boss).get("/admin/"), Desk(scene.cast.rita).get("/admin/refunds/")]

    heads = [re.findall(r"(?s)<h1>(.*?)</h1>", page.content.decode()) for page in pages]
    assert heads == [["Today"], ["Refunds administration"]]
