"""What staff do with an application: each act when it may be done, by whom it may not, and forged."""

from io import BytesIO

import pytest

from contracts.models import Assessment
from contracts.tests.cast import NOW
from payments.models import Payout
from payments.services import record_usage
from refundportal.staff.tests.desk import Desk, count_events, hidden, words
from refunds.models import HiddenDefect, StatutoryCheck, UsageExclusion
from refunds.services import post_message
from refunds.tests.scene import LATER, Scene, again, applied, evidence, in_review, proposed


def test_an_application_goes_through_four_hands_until_the_money_is_on_its_way(delivered: Scene, clock):
    """Rita assesses and proposes, Arno sends back, she mends, he approves."""
    request = applied(delivered)
    rita, arno = Desk(delivered.cast.rita), Desk(delivered.cast.arno)

    assert rita.do(request, "start_review").status_code == 302
    found = {"share_0": "50 %", "share_1": "1", "share_2": "1", "reason": "Half of the orders are saved."}
    assert rita.do(request, "assess", **found).status_code == 302
    shown = hidden(rita.look(request, "propose"), "shown")
    assert rita.do(request, "propose", shown=shown, note="See the log.").status_code == 302
    assert arno.do(request, "send_back", reason="Print was not tested.").status_code == 302
    clock.shift(60)
    rita.do(request, "assess", share_1="0", reason="Nothing is printed.")
    shown = hidden(rita.look(request, "propose"), "shown")
    rita.do(request, "propose", shown=shown)
    page = arno.look(request, "approve")
    answer = arno.do(request, "approve", proposal=hidden(page, "proposal"))

    assert answer.status_code == 302
    assert again(request).state == "approved"
    payout = Payout.objects.get(request_id=request.pk)
    assert (payout.amount_minor, payout.currency, payout.state) == (55000, "EUR", "ready")
    decision = request.decisions.get()
    assert (decision.proposed_by, decision.approved_by) == (delivered.cast.rita, delivered.cast.arno)
    assert [note.body for note in request.messages.filter(is_internal=True)] == ["Print was not tested."]
    assert "refund approved" in words(arno.open(request))


def test_a_fact_is_shown_before_it_is_kept(delivered: Scene):
    request = in_review(delivered)
    desk = Desk(delivered.cast.rita)
    events = count_events()
    found = {"share_0": "1/2", "share_1": "1", "share_2": "1", "reason": "Half of the orders are saved."}

    page = desk.post(f"/admin/refunds/refundrequest/{request.pk}/do/assess/", found)

    assert page.status_code == 200
    assert "What would follow" in words(page)
    assert "Refund 250.00 EUR" in words(page)
    assert 'value="1/2"' in page.content.decode()
    assert not Assessment.objects.exists()
    assert (again(request).answer, count_events()) == (request.answer, events)

    assert desk.do(request, "assess", **found).status_code == 302
    assert Assessment.objects.get().reason == "Half of the orders are saved."
    assert again(request).answer["refund"] == "250.00"


def test_while_somebody_types_the_new_answer_is_shown_and_nothing_is_kept(delivered: Scene):
    request = in_review(delivered)
    events, desk = count_events(), Desk(delivered.cast.rita, headers={"HX-Request": "true"})
    typed = {"share_0": "1", "share_1": "1/2", "share_2": "0"}

    live = desk.do(request, "assess", **typed)
    unsound = desk.do(request, "assess", share_0="7")
    other = desk.do(request, "request_information", question="Which orders?")

    assert "With this Refund in part" in words(live)
    assert (live.status_code, unsound.status_code, other.status_code) == (200, 422, 403)
    assert count_events() == events
    assert again(request).answer["outcome"] == "needs_review"


@pytest.mark.parametrize("typed", ["0.5", "0,5", "1/2", "50%", "50 %"])
def test_a_share_is_taken_as_people_write_it(delivered: Scene, typed: str):
    request = in_review(delivered)
    found = {"share_0": typed, "share_1": "1", "share_2": "1", "reason": "Tested."}

    Desk(delivered.cast.rita).do(request, "assess", **found)

    assert again(request).answer["refund"] == "250.00"


@pytest.mark.parametrize("typed", ["1.1", "-1", "half", "1/0", "150 %", "nan"])
def test_what_is_no_share_is_refused_beside_its_field_and_nothing_typed_is_lost(delivered: Scene, typed: str):
    request = in_review(delivered)

    page = Desk(delivered.cast.rita).do(request, "assess", share_0=typed, reason="Tested on Monday.")

    assert page.status_code == 422
    assert "Please write a share from 0 to 1" in words(page)
    assert "Tested on Monday." in page.content.decode()
    assert not Assessment.objects.exists()


def test_an_item_that_cannot_be_tested_is_kept_as_such(delivered: Scene):
    request = in_review(delivered)
    found = {"share_0": "1", "share_1": "1", "untestable_2": "on", "reason": "No data."}

    Desk(delivered.cast.rita).do(request, "assess", **found)

    values = Assessment.objects.get().values.order_by("item__position").values_list("numerator", flat=True)
    assert list(values) == [1, 1, None]


def test_a_consumer_gets_a_statutory_check_with_its_reason_and_evidence(consumer: Scene):
    request = in_review(consumer)
    proof = evidence(consumer)

    answer = Desk(consumer.cast.rita).do(
        request, "record_statutory_check", holds="yes", reason="Distance contract.", evidence=str(proof.pk)
    )

    fact = StatutoryCheck.objects.get()
    assert answer.status_code == 302
    assert (fact.holds, fact.reason, fact.evidence, fact.by) == (
        True,
        "Distance contract.",
        proof,
        consumer.cast.rita,
    )


def test_a_hidden_defect_is_recorded_for_its_stage(delivered: Scene):
    request = in_review(delivered)

    answer = Desk(delivered.cast.rita).do(
        request, "record_hidden_defect", stage=str(delivered.stage.pk), holds="yes", reason="Rounds wrongly."
    )

    assert answer.status_code == 302, words(answer)
    assert HiddenDefect.objects.get().holds is True
    assert "There is a hidden defect." in words(Desk(delivered.cast.rita).open(request))


def usage(scene: Scene) -> None:
    record = {
        "source": "the meter",
        "external_id": "4711",
        "contract": str(scene.contract.pk),
        "meter": "api_calls",
        "quantity": "1000",
        "occurred_at": NOW.isoformat(),
    }
    record_usage(principal=scene.cast.as_erp, records=[record], now=NOW)


def test_usage_of_the_company_is_excluded_from_the_list(scene: Scene):
    usage(scene)
    request = in_review(scene)
    desk = Desk(scene.cast.rita)
    assert again(request).answer["refund"] == "987.50"
    page = desk.look(request, "exclude_usage").content.decode()
    record = page.split('name="records" value="')[1].split('"')[0]

    desk.do(request, "exclude_usage", records=record, excluded="yes", reason="Our own test.")

    assert UsageExclusion.objects.get().usage_record.source == "the meter"
    assert again(request).answer["refund"] == "1000.00"


def test_usage_that_is_not_of_the_payment_is_refused_by_name(scene: Scene):
    request = in_review(scene)

    page = Desk(scene.cast.rita).do(
        request, "exclude_usage", named="meter 4712", excluded="yes", reason="Our own test."
    )

    assert page.status_code == 422
    assert "meter 4712: is no usage record of this payment" in words(page)


def test_a_question_waits_for_the_client(scene: Scene):
    request = in_review(scene)

    Desk(scene.cast.rita).do(request, "request_information", question="Which orders?")

    assert again(request).state == "information_requested"
    assert request.messages.get().body == "Which orders?"


@pytest.mark.parametrize(("act", "is_internal"), [("post_message", False), ("post_internal_message", True)])
def test_messages_and_notes_are_kept_apart_with_their_files(scene: Scene, act: str, is_internal: bool):
    request = in_review(scene)
    file = BytesIO(b"What we found.\n")
    file.name = "found.txt"

    Desk(scene.cast.rita).do(request, act, body="Look at this.", files=file)

    message = request.messages.get()
    assert (message.is_internal, message.by_staff) == (is_internal, True)
    assert message.attachments.get().file_name == "found.txt"


def test_a_file_of_a_case_is_given_as_a_download_to_staff(scene: Scene):
    request = in_review(scene)
    file = BytesIO(b"<script>alert(1)</script>\n")
    file.name = "found.txt"
    desk = Desk(scene.cast.rita)
    desk.do(request, "add_attachment", file=file)

    answer = desk.get(f"/admin/attachment/{request.attachments.get().pk}/")

    assert answer.headers["Content-Disposition"] == 'attachment; filename="found.txt"'
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert b"".join(answer.streaming_content) == b"<script>alert(1)</script>\n"


def test_nobody_proposes_another_answer_than_they_saw(delivered: Scene, clock):
    request = in_review(delivered)
    desk = Desk(delivered.cast.rita)
    desk.do(request, "assess", share_0="1", share_1="1", share_2="0", reason="Not found again.")
    shown = hidden(desk.look(request, "propose"), "shown")
    clock.shift(60)
    desk.do(request, "assess", share_2="1", reason="Found after all.")

    page = desk.do(request, "propose", shown=shown)

    assert page.status_code == 409
    assert "The facts have changed since you looked" in words(page)
    assert (again(request).state, request.proposals.count()) == ("in_review", 0)

    assert desk.do(request, "propose", shown=hidden(page, "shown")).status_code == 302
    assert again(request).state == "proposed"


def test_nobody_approves_another_proposal_than_they_saw(scene: Scene):
    request = proposed(scene)
    arno = Desk(scene.cast.arno)
    seen = hidden(arno.look(request, "approve"), "proposal")
    arno.do(request, "send_back", reason="Once more.")
    rita = Desk(scene.cast.rita)
    rita.do(request, "propose", shown=hidden(rita.look(request, "propose"), "shown"))

    page = arno.do(request, "approve", proposal=seen)

    assert page.status_code == 409
    assert again(request).state == "proposed"


def test_an_answer_that_changed_meanwhile_goes_back_to_review_with_the_difference(scene: Scene):
    request = proposed(scene)
    usage(scene)
    arno = Desk(scene.cast.arno)

    page = arno.do(request, "approve", proposal=hidden(arno.look(request, "approve"), "proposal"))

    assert page.status_code == 409
    assert "refund: 1,000.00 EUR → 987.50 EUR" in words(page)
    assert again(request).state == "in_review"
    assert not Payout.objects.exists()


def test_a_long_thread_shows_the_newest_messages_and_leads_to_the_older_ones(delivered: Scene, clock):
    request = in_review(delivered)
    for number in range(52):
        clock.shift(1)
        post_message(
            principal=delivered.cast.as_alice, request_id=request.pk, body=f"Line {number:02}.", now=LATER
        )

    page = Desk(delivered.cast.rita).open(request)

    assert ("Line 01." in words(page), "Line 51." in words(page)) == (False, True)
    assert 'rel="next"' in page.content.decode()
