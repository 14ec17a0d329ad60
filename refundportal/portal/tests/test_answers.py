"""Answers: what clients say to delivered work, and when they have ours."""

from datetime import UTC, datetime, timedelta

import pytest

from contracts.models import AcceptanceItem, Delivery
from refundportal.portal.forms import ObjectionForm
from refundportal.portal.tests.visiting import Visitor, words
from refunds.services import request_information
from refunds.tests.scene import LATER, Scene, applied, approved, in_review


@pytest.fixture
def alice(scene: Scene) -> Visitor:
    return Visitor(scene.cast.alice)


LATE = "Our answer was due by Monday, 15 June 2026. It is late, and we are sorry"


@pytest.mark.parametrize(
    ("hour", "shown", "step"),
    [
        (21, "You have our answer by Monday, 15 June 2026.", "our review team · by Monday, 15 June 2026"),
        (22, LATE, "our review team · was due by Monday, 15 June 2026, is late"),
    ],
)
def test_an_answer_is_promised_until_its_day_is_over_and_then_called_late(
    scene: Scene, clock, hour, shown, step
):
    request = applied(scene)

    clock.move_to(datetime(2026, 6, 15, hour, 59, tzinfo=UTC))
    alice = Visitor(scene.cast.alice)

    for address in ("/", "/requests/"):
        assert shown in words(alice.get(address))
    assert step in words(alice.get(f"/requests/{request.number}/"))


OVER = "The day to answer, Monday, 8 June 2026, is over: we go on with what we know."


@pytest.mark.parametrize(
    ("second", "shown", "not_shown", "step"),
    [
        (59, "Please answer by Monday, 8 June 2026", OVER, "you · by Monday, 8 June 2026"),
        (60, OVER, "Please answer by", "you · until Monday, 8 June 2026, which is over"),
    ],
)
def test_a_question_waits_until_its_day_is_over_and_then_says_so(
    scene: Scene, clock, second, shown, not_shown, step
):
    """The day ends at midnight in Berlin; the beat looks a little later."""
    request = in_review(scene)
    request_information(principal=scene.cast.as_rita, request_id=request.pk, question="Which one?", now=LATER)

    clock.move_to(datetime(2026, 6, 8, 21, 59, tzinfo=UTC) + timedelta(seconds=second))
    alice = Visitor(scene.cast.alice)

    page = f"/requests/{request.number}/"
    for address in ("/", "/requests/", page):
        said = words(alice.get(address))
        assert shown in said
        assert not_shown not in said
    assert step in words(alice.get(page))


def test_what_the_system_does_happens_automatically(scene: Scene, alice: Visitor):
    request = approved(scene)

    assert "Next: We send the money automatically" in words(alice.get(f"/requests/{request.number}/"))


def test_accepting_says_what_is_lost_and_then_accepts(delivered: Scene):
    alice = Visitor(delivered.cast.alice)
    address = f"/contracts/{delivered.contract.number}/stages/S1/accept/"

    asked = words(alice.get(address))
    before = Delivery.objects.get().state
    done = alice.post(address, follow=True)

    assert "What you accept is no longer refundable." in asked
    assert (before, Delivery.objects.get().state) == ("delivered", "accepted")
    assert "You have accepted S1 Order desk." in words(done)


def test_objections_are_taken_item_by_item(delivered: Scene):
    alice = Visitor(delivered.cast.alice)

    alice.post(
        f"/contracts/{delivered.contract.number}/stages/S1/object/",
        {"item_0": "", "item_1": "Nothing comes out.", "item_2": "", "other": "It is slow."},
    )

    assert Delivery.objects.get().objections == [
        {"item": "AC-2", "text": "Nothing comes out."},
        {"item": None, "text": "It is slow."},
    ]


def test_an_objection_without_a_word_is_asked_for_again(delivered: Scene):
    alice = Visitor(delivered.cast.alice)

    answer = alice.post(f"/contracts/{delivered.contract.number}/stages/S1/object/", {"item_0": " "})

    assert "Please say at least once what is wrong." in words(answer)
    assert Delivery.objects.get().state == "delivered"


def test_what_staff_write_into_a_contract_is_text_on_the_pages_of_a_client():
    item = AcceptanceItem(code="AC-1", statement="<b>bold</b>", reference='<form action="/x">')

    shown = str(ObjectionForm(items=[item]))

    assert "See &lt;form action=" in shown
    assert "<form" not in shown
    assert "<b>" not in shown


@pytest.mark.parametrize("page", ["accept", "object"])
def test_who_accepts_twice_is_led_to_the_contract_and_told_so(delivered: Scene, page):
    alice = Visitor(delivered.cast.alice)
    address = f"/contracts/{delivered.contract.number}/stages/S1/"
    alice.post(f"{address}accept/")
    first = Delivery.objects.get()
    alice.get("/")

    again = alice.post(f"{address}{page}/", {"other": "Too late."}, follow=True)

    assert again.redirect_chain == [(f"/contracts/{delivered.contract.number}/", 302)]
    assert "S1 Order desk is accepted already. Nothing was changed." in words(again)
    assert "is accepted already" in words(alice.get(f"{address}{page}/", follow=True))
    assert (Delivery.objects.get().accepted_at, Delivery.objects.get().objections) == (first.accepted_at, [])
    assert Visitor(delivered.cast.bea).get(f"{address}{page}/").status_code == 403
    assert Visitor(delivered.cast.mallory).get(f"{address}{page}/").status_code == 404


def test_objections_sent_twice_have_reached_us_already(delivered: Scene):
    alice = Visitor(delivered.cast.alice)
    address = f"/contracts/{delivered.contract.number}/stages/S1/object/"
    alice.post(address, {"other": "It is slow."})

    again = alice.post(address, {"other": "It is slow."}, follow=True)

    assert "Your objections to S1 Order desk have reached us already." in words(again)
    assert Delivery.objects.get().objections == [{"item": None, "text": "It is slow."}]
