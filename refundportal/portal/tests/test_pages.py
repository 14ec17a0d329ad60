"""What the pages say, and how much they ask of the database."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from accounts.principals import SYSTEM
from contracts.tests.cast import draft_contract, signed_contract
from events.journal import sequence_events
from payments.services import record_usage
from refundportal.portal.tests.visiting import Visitor, words
from refunds.services import post_message, request_information, withdraw_request
from refunds.tests.scene import LATER, NOW, Scene, again, applied, approved, in_review


@pytest.fixture
def alice(scene: Scene) -> Visitor:
    return Visitor(scene.cast.alice)


def test_the_overview_shows_open_windows_first_with_what_one_would_get(scene: Scene, alice: Visitor):
    shown = words(alice.get("/"))

    assert "Open until the end of Thursday, 4 June 2026, Berlin time" in shown
    assert "3 days 13 hours left" in shown
    assert "If you applied now 1,000.00 EUR" in shown
    assert shown.index("Open windows") < shown.index("Open applications") < shown.index("Contracts")


def test_a_window_with_an_open_application_is_shown_as_that_application(scene: Scene, alice: Visitor):
    request = applied(scene)

    shown = words(alice.get("/"))

    assert "No window is open." in shown
    assert request.number in shown
    assert "You have our answer by Monday, 15 June 2026." in shown


def test_an_empty_account_explains_itself(scene: Scene):
    from accounts.services import create_user

    nobody = create_user(email="new@nowhere.example", name="New")

    assert "you do not act for a client yet" in words(Visitor(nobody).get("/"))


def test_the_contract_marks_what_is_worse_than_the_published_policy(scene: Scene, alice: Visitor):
    contract = signed_contract(scene.cast, title="Hard", terms={"window_days": 1, "rounding": "company"})

    shown = words(alice.get(f"/contracts/{contract.number}/"))

    assert shown.count("differs from our policy") == 2
    assert "until the end of the day after the day of payment. differs from our policy" in shown


def test_the_contract_shows_usage_with_its_exact_value(scene: Scene, alice: Visitor):
    record_usage(
        principal=SYSTEM,
        records=[
            {
                "contract": str(scene.contract.pk),
                "source": "gateway",
                "external_id": "1",
                "meter": "api_calls",
                "quantity": "12345",
                "occurred_at": NOW.isoformat(),
            },
            {
                "contract": str(scene.contract.pk),
                "source": "gateway",
                "external_id": "2",
                "meter": "hosting",
                "start": NOW.isoformat(),
                "end": (NOW + timedelta(hours=4)).isoformat(),
            },
        ],
        now=NOW,
    )

    shown = words(alice.get(f"/contracts/{scene.contract.number}/"))

    assert "API calls Value 154.3125 12,345 · 0.0125 / call" in shown
    assert f"Hosting Value {Decimal(30) / 4:.2f} 1 period · 30.00 / month" in shown


def test_documents_are_shown_with_version_and_hash(scene: Scene, alice: Visitor):
    from refunds.tests.scene import evidence

    document = evidence(scene)

    shown = words(alice.get(f"/contracts/{scene.contract.number}/"))

    assert "version 1" in shown
    assert document.sha256 in shown


def test_a_payment_says_what_would_change_the_figure(delivered: Scene):
    shown = words(Visitor(delivered.cast.alice).get(f"/payments/{delivered.payment.number}/"))

    assert "Refund at most 1,000.00 EUR" in shown
    assert "S1 was delivered, but nobody has examined it yet." in shown
    assert "Apply for a refund" in shown


def test_a_closed_window_is_explained_by_clause_facts_and_what_is_left_to_do(
    scene: Scene, alice: Visitor, clock
):
    clock.move_to(NOW + timedelta(days=9))

    answer = alice.get(f"/payments/{scene.payment.number}/")
    shown = words(answer)

    assert "Closed since the end of Thursday, 4 June 2026, Berlin time" in shown
    assert "Why you cannot apply The window has closed." in shown
    assert "P5 The application must arrive within the window" in shown
    assert "Paid Monday, 1 June 2026, 10:00 (Berlin time)" in shown
    assert "What is still possible" in shown
    assert "/apply/" not in answer.content.decode()


def test_a_payment_that_has_not_arrived_has_no_window_yet(scene: Scene, alice: Visitor):
    from contracts.tests.cast import stage_named
    from kernel.money import Money
    from payments.services import record_payment

    payment = record_payment(
        principal=scene.cast.as_finn,
        stage_id=stage_named(scene.contract, "S2").pk,
        amount=Money.parse("500.00", "EUR"),
        method="bank",
        now=LATER,
    )

    shown = words(alice.get(f"/payments/{payment.number}/"))

    assert "The window opens when your money has arrived." in shown
    assert "This payment has not arrived" in shown


def test_the_page_of_an_application_tells_state_reasons_and_next_step(scene: Scene, alice: Visitor):
    request = in_review(scene)

    shown = words(alice.get(f"/requests/{request.number}/"))

    assert "in review" in shown
    assert "Application received" in shown
    assert "Next: We examine the facts and answer" in shown
    assert "Monday, 15 June 2026" in shown


def test_an_approved_application_shows_letter_and_where_the_money_is(scene: Scene, alice: Visitor):
    request = approved(scene)

    page = words(alice.get(f"/requests/{request.number}/"))
    letter = words(alice.get(f"/requests/{request.number}/letter/"))

    assert "Refund in full: 1,000.00 EUR" in page
    assert "Your money: about to be sent" in page
    assert "You get 1,000.00 EUR back." in letter
    assert "One person of our staff proposed this answer and another one checked it." in letter


def test_there_is_no_letter_before_there_is_an_answer(scene: Scene, alice: Visitor):
    request = in_review(scene)

    assert alice.get(f"/requests/{request.number}/letter/").status_code == 404


def test_a_letter_is_shown_no_longer_when_its_payout_was_stopped(scene: Scene, alice: Visitor):
    from payments.models import Payout
    from payments.services import cancel_payout

    request = approved(scene)
    cancel_payout(principal=scene.cast.as_finn, payout_id=Payout.objects.get().pk, reason="wrong", now=LATER)

    assert again(request).state == "in_review"
    assert alice.get(f"/requests/{request.number}/letter/").status_code == 404


def test_a_message_is_sent_from_the_page_with_its_files(scene: Scene, alice: Visitor):
    from io import BytesIO

    request = in_review(scene)
    file = BytesIO(b"Look.")
    file.name = "proof.txt"

    shown = words(
        alice.fill_in(f"/requests/{request.number}/", {"body": "Here it is.", "evidence": file}, follow=True)
    )

    assert "Your message has been sent." in shown
    assert "Here it is." in shown
    assert "proof.txt" in shown


def test_a_message_with_a_bad_file_is_not_lost(scene: Scene, alice: Visitor):
    from io import BytesIO

    request = in_review(scene)
    file = BytesIO(b"MZ")
    file.name = "bad.exe"

    answer = alice.fill_in(f"/requests/{request.number}/", {"body": "Here it is.", "evidence": file})

    assert "Here it is." in answer.content.decode()
    assert "Only PDF, PNG, JPEG and plain text" in words(answer)
    assert not request.messages.exists()


def test_a_message_that_is_sent_twice_is_written_once(scene: Scene, alice: Visitor):
    request = in_review(scene)
    address, token = f"/requests/{request.number}/", "3b7e2b9e-6c39-4a5e-9d4a-2f2d6f1f0a11"

    for _ in range(2):
        assert alice.post(address, {"body": "Here it is.", "token": token}).status_code == 302
    alice.post(address, {"body": "And this.", "token": "00000000-0000-4000-8000-000000000001"})

    assert sorted(request.messages.values_list("body", flat=True)) == ["And this.", "Here it is."]


def test_internal_notes_are_not_for_clients(scene: Scene, alice: Visitor):
    request = in_review(scene)
    post_message(
        principal=scene.cast.as_rita, request_id=request.pk, body="Looks odd.", is_internal=True, now=LATER
    )

    assert "Looks odd." not in words(alice.get(f"/requests/{request.number}/"))


def test_an_open_question_is_named_with_its_date(scene: Scene, alice: Visitor):
    request = in_review(scene)
    request_information(principal=scene.cast.as_rita, request_id=request.pk, question="Which one?", now=LATER)

    shown = words(alice.get(f"/requests/{request.number}/"))

    assert "Please answer by Monday, 8 June 2026" in shown
    assert "Which one?" in shown


@pytest.mark.parametrize(
    ("day", "words_of_loss"), [(1, "You can apply again"), (5, "you cannot apply for this payment again")]
)
def test_withdrawing_says_what_is_lost(scene: Scene, alice: Visitor, clock, day, words_of_loss):
    request = applied(scene)
    clock.move_to(NOW + timedelta(days=day))

    asked = words(alice.get(f"/requests/{request.number}/withdraw/"))
    alice.post(f"/requests/{request.number}/withdraw/")

    assert words_of_loss in asked
    assert again(request).state == "withdrawn"


def test_what_was_withdrawn_cannot_be_withdrawn_again(scene: Scene, alice: Visitor):
    request = applied(scene)
    withdraw_request(principal=scene.cast.as_alice, request_id=request.pk, now=LATER)

    shown = words(alice.post(f"/requests/{request.number}/withdraw/", follow=True))

    assert "This is not possible now." in shown


def test_lists_go_on_by_key(scene: Scene, alice: Visitor):
    for number in range(52):
        draft_contract(scene.cast, title=f"Contract {number}", meters=[])

    newest = alice.get("/contracts/").content.decode()
    [onward] = re.findall(r'href="(\?at=[^"]+)" rel="next"', newest)
    oldest = alice.get(f"/contracts/{onward}").content.decode()

    shown = [re.findall(r"C-2026-\d{4}", page) for page in (newest, oldest)]
    assert [len(set(page)) for page in shown] == [50, 3]
    assert len(set(shown[0] + shown[1])) == 53


def test_the_worked_examples_are_computed_by_the_engine(db):
    shown = words(Client().get("/policy/"))

    assert "Refund 156.20 EUR" in shown
    assert "Refund 400.00 EUR" in shown
    assert "The application came after the end of the window." in shown
    assert "(5 × 100 % + 3 × 50 %) ÷ (5 + 3) = 81.25 %" in shown


def test_a_name_is_changed_by_its_owner(scene: Scene, alice: Visitor):
    alice.post("/you/", {"name": "Alice A.", "language": "en"})

    scene.cast.alice.refresh_from_db()
    assert scene.cast.alice.name == "Alice A."


def test_signing_in_says_the_same_about_every_wrong_guess(scene: Scene):
    guesses = [
        {"login": "alice@acme.example", "password": "x"},
        {"login": "no@body.example", "password": "x"},
    ]

    answers = [words(Client().post("/account/login/", guess)) for guess in guesses]

    assert answers[0] == answers[1]
    assert "is not right" in answers[0]
    assert "Nothing that you typed is lost" not in answers[0]  # the password is


def test_nobody_signs_up_alone(db):
    assert "by invitation" in words(Client().get("/account/signup/")).lower()


@pytest.mark.parametrize(
    "address",
    ["/account/login/", "/account/login/code/", "/account/password/reset/", "/policy/"],
)
def test_pages_before_signing_in_are_in_the_same_look(db, address):
    body = Client().get(address).content.decode()

    assert 'class="masthead"' in body
    assert "<script>" not in body
    assert " style=" not in body


def test_the_timeline_speaks_to_the_client_as_you_and_of_the_client_to_staff(scene: Scene):
    request = applied(scene)
    sequence_events()
    address = f"/requests/{request.number}/"

    hers, ours = (words(Visitor(person).get(address)) for person in (scene.cast.alice, scene.cast.rita))

    assert "you · Monday, 1 June 2026" in hers
    assert "client · Monday, 1 June 2026" not in hers
    assert "client · Monday, 1 June 2026" in ours


def test_a_long_thread_goes_on_by_key_and_shows_the_newest_first_of_all(scene: Scene, alice: Visitor, clock):
    asked = in_review(scene)
    for number in range(52):
        clock.shift(1)
        post_message(
            principal=scene.cast.as_alice, request_id=asked.pk, body=f"Line {number:02}.", now=timezone.now()
        )
    address = f"/requests/{asked.number}/"

    newest = alice.get(address)
    older = alice.get(address, {"at": newest.context["thread"].next.text})

    assert words(newest).index("Line 50.") < words(newest).index("Line 51.")
    assert ("Line 01." in words(newest), "Line 01." in words(older)) == (False, True)
