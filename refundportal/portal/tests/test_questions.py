"""Questions: asked, answered, gone on with; each client's for itself."""

from datetime import timedelta

import pytest

from refundportal.portal.tests.visiting import Visitor, queries_of, words
from refunds.models import Enquiry
from refunds.services import answer_question, ask_question
from refunds.tests.scene import LATER, Scene, applied


def asked(scene: Scene, number: int = 0, **fields) -> Enquiry:
    given = {"subject": f"Question {number}", "body": "Please explain.", "now": LATER}
    return ask_question(principal=scene.cast.as_alice, client_id=scene.cast.client.pk, **{**given, **fields})


def send(visitor: Visitor, about: object, **typed: str):
    given = {"about": str(about), "subject": "Is Friday a day?", "body": "We closed\nearly."}
    return visitor.fill_in("/questions/ask/", given | typed)


def test_alice_asks_about_the_policy_and_sees_when_she_has_the_answer(scene: Scene):
    alice = Visitor(scene.cast.alice)

    answer = send(alice, scene.cast.client.pk)

    question = Enquiry.objects.get()
    assert answer.headers["Location"] == f"/questions/{question.pk}/"
    assert (question.client, question.contract, question.request) == (scene.cast.client, None, None)
    text = words(alice.get(answer.headers["Location"]))
    assert "Is Friday a day?" in text
    assert "You have our answer by Monday, 8 June 2026." in text
    assert "Alice · Monday, 1 June 2026" in text


def test_a_topic_that_no_text_can_be_is_none(scene: Scene, monkeypatch):
    monkeypatch.setattr("refundportal.portal.questions.OFFERED_MAX", 1)

    assert Visitor(scene.cast.alice).get("/questions/ask/?about=a%00").status_code == 200


def test_a_question_whose_day_is_over_is_called_late(scene: Scene, clock):
    alice, question = Visitor(scene.cast.alice), asked(scene)

    clock.move_to(LATER + timedelta(days=8))

    for address in ("/questions/", f"/questions/{question.pk}/"):
        text = words(alice.get(address))
        assert "Our answer was due by Monday, 8 June 2026. It is late, and we are sorry" in text
        assert "You have our answer by" not in text


def test_a_question_can_be_about_a_contract_or_an_application(scene: Scene):
    alice, request = Visitor(scene.cast.alice), applied(scene)

    send(alice, scene.contract.number)
    send(alice, request.number)

    first, second = Enquiry.objects.get(request=None), Enquiry.objects.get(request=request)
    assert (first.contract, second.contract) == (scene.contract, scene.contract)
    assert f"Application {request.number}" in words(alice.get("/questions/"))


def test_the_page_of_a_contract_leads_to_asking_about_it(scene: Scene):
    alice = Visitor(scene.cast.alice)
    address = f"/questions/ask/?about={scene.contract.number}"

    assert address in alice.get(f"/contracts/{scene.contract.number}/").content.decode()
    assert f'<option value="{scene.contract.number}" selected>' in alice.get(address).content.decode()


def test_an_answer_is_shown_and_alice_goes_on(scene: Scene):
    alice, question = Visitor(scene.cast.alice), asked(scene)
    answer_question(
        principal=scene.cast.as_rita, enquiry_id=question.pk, body="Yes, it is.", now=LATER + timedelta(1)
    )
    address = f"/questions/{question.pk}/"
    answered = words(alice.get(address))

    sent = alice.fill_in(address, {"body": "Even in winter?"})

    question.refresh_from_db()
    assert "Yes, it is." in answered
    assert "Rita" not in answered
    assert (sent.status_code, question.state) == (302, "open")
    assert "Even in winter?" in words(alice.get(address))


@pytest.mark.parametrize("empty", ["subject", "body"])
def test_nothing_that_was_typed_is_lost_when_something_is_missing(scene: Scene, empty):
    answer = send(Visitor(scene.cast.alice), scene.contract.number, **{empty: ""})

    assert "Please look at this again" in words(answer)
    kept = {"subject": "Is Friday a day?", "body": "We closed\nearly."}
    assert all(text in answer.content.decode() for name, text in kept.items() if name != empty)
    assert f'<option value="{scene.contract.number}" selected>' in answer.content.decode()
    assert not Enquiry.objects.exists()


def test_nobody_asks_about_what_is_foreign_and_it_looks_like_what_is_missing(scene: Scene):
    mallory, request = Visitor(scene.cast.mallory), applied(scene)

    answers = [
        words(send(mallory, about))
        for about in (scene.cast.client.pk, scene.contract.number, request.number, "C-2026-9999")
    ]

    assert [text.count("is not one of the available choices") for text in answers] == [2, 2, 2, 2]
    assert not Enquiry.objects.exists()


def test_a_viewer_reads_and_asks_nothing(scene: Scene):
    bea, question = Visitor(scene.cast.bea), asked(scene)
    address = f"/questions/{question.pk}/"

    answers = [
        bea.get("/questions/ask/"),
        send(bea, scene.cast.client.pk),
        bea.post(address, {"body": "And?"}),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert "Send message" not in words(bea.get(address))
    assert "Ask a question" not in words(bea.get("/questions/"))
    assert question.messages.count() == 1


def test_staff_answer_in_their_own_pages(scene: Scene):
    rita, question = Visitor(scene.cast.rita), asked(scene)

    assert rita.post(f"/questions/{question.pk}/", {"body": "No."}).status_code == 403
    assert rita.get("/questions/ask/").status_code == 403
    assert "Question 0" not in words(rita.get("/questions/"))


def test_a_question_needs_the_token_of_its_form(scene: Scene):
    alice = Visitor(scene.cast.alice)
    alice.handler.enforce_csrf_checks = True

    assert send(alice, scene.cast.client.pk).status_code == 403
    assert not Enquiry.objects.exists()


def test_lists_and_threads_go_on_by_key_and_ask_the_same_number_of_queries(scene: Scene, clock):
    alice, first = Visitor(scene.cast.alice), asked(scene)
    address = f"/questions/{first.pk}/"
    few = [queries_of(alice, page) for page in ("/questions/", address, "/questions/ask/")]
    for number in range(1, 52):
        clock.shift(1)
        asked(scene, number)
        first.messages.create(body=f"Message {number}", by_staff=False, at=LATER + timedelta(minutes=number))

    many = [queries_of(alice, page) for page in ("/questions/", address, "/questions/ask/")]
    list_page, thread_page = alice.get("/questions/"), alice.get(address)

    assert few == many == [4, 5, 5]
    assert "Question 0" not in words(list_page)
    older = list_page.context["questions"].next.text
    assert "Question 0" in words(alice.get("/questions/", {"at": older}))
    assert words(thread_page).index("Message 50") < words(thread_page).index("Message 51")
    assert "Please explain." in words(alice.get(address, {"at": thread_page.context["thread"].next.text}))
