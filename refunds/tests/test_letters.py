"""Letters and e-mails: one stored answer, told the same everywhere, in the reader's language."""

import re

import pytest
from django.utils import translation
from django.utils.html import strip_tags

from contracts.models import Client
from events.journal import sequence_events
from events.mail import route_of
from events.models import Delivery, Event
from refunds import services
from refunds.letters import acknowledgement_of, decision_letter_of
from refunds.models import Decision, RefundRequest
from refunds.policy.codes import Outcome, Reason, Rule
from refunds.tests.scene import LATER, applied, approve, approved, eur, in_review, make_scene
from refunds.tests.test_conversation import asked as question
from refunds.tests.test_established import assessed
from refunds.tests.test_facts import calls, use
from refunds.tests.test_reviewing import asked
from refunds.wording import CLAUSES, OUTCOMES, REASONS, RULES, instant_words, money_words

pytestmark = pytest.mark.django_db


def mail_of(event_type: str):
    event = Event.objects.get(type=event_type)
    route = route_of(event_type)
    recipients = route.recipients(event)
    return recipients, route.render(event, recipients[0])


def plain(html: str) -> str:
    return " ".join(strip_tags(re.sub(r"<(title|head)>.*?</\1>", "", html)).split())


@pytest.fixture
def in_part(delivered):
    """A decision in part: work kept, usage deducted, less asked for."""
    use(delivered, calls("1000", stage="S1"))
    request = in_review(delivered, amount=eur("150.00"))
    assessed(delivered, request, {"AC-1": "1", "AC-2": "1/2"})
    services.propose_answer(principal=delivered.cast.as_rita, request_id=request.pk, now=LATER)
    approve(delivered, request)
    return delivered, RefundRequest.objects.select_related("payment", "contract", "client").get(pk=request.pk)


def test_the_letter_adds_up_to_the_refund(in_part):
    _, request = in_part
    letter = decision_letter_of(Decision.objects.get(), request)

    parts = [line.amount.minor for line in letter.statement.lines]
    assert letter.statement.paid.minor + sum(parts) == letter.statement.total.minor == 15000
    assert [line.label for line in letter.statement.lines] == ["S1 Order desk", "API calls", "Not asked for"]
    assert letter.subject == f"Our answer to your application {request.number}: Refund in part"


def test_every_line_opens_to_its_clause_and_its_arithmetic(in_part):
    _, request = in_part
    work, usage, _ = decision_letter_of(Decision.objects.get(), request).statement.lines

    assert (work.clause, usage.clause) == ("P2", "P3")
    assert any("=" in line for line in work.arithmetic)
    assert usage.arithmetic[0].startswith("1,000 × 0.0125 = 12.50")


def test_a_letter_stays_the_same_whatever_happens_later(in_part):
    scene, request = in_part
    before = decision_letter_of(Decision.objects.get(), request)
    use(scene, calls("5", source="later"), calls("7", source="later"))

    assert decision_letter_of(Decision.objects.get(), request) == before


def test_every_finding_is_told_with_its_rule_and_clause(in_part):
    _, request = in_part
    letter = decision_letter_of(Decision.objects.get(), request)

    assert [line.rule for line in letter.findings] == [rule.value for rule in Rule]
    assert all(line.clause_words and line.words for line in letter.findings)


def test_the_acknowledgement_shows_how_things_stood_at_receipt(delivered):
    request = in_review(delivered)
    row = RefundRequest.objects.select_related("payment", "contract", "client").get(pk=request.pk)
    before = acknowledgement_of(row)
    assessed(delivered, request, {"AC-1": "1"})
    row.refresh_from_db()

    assert acknowledgement_of(row) == before
    assert before.statement.total_label == "Refund at most"


def test_every_code_of_the_policy_has_words():
    assert set(OUTCOMES) == {one.value for one in Outcome}
    assert set(REASONS) == {one.value for one in Reason}
    assert set(RULES) == {one.value for one in Rule}
    assert set(CLAUSES) == {f"P{number}" for number in range(1, 8)}


@pytest.mark.parametrize(
    ("language", "text", "currency", "words"),
    [
        ("en", "1234.50", "EUR", "1,234.50\u00a0EUR"),
        ("de", "1234.50", "EUR", "1.234,50\u00a0EUR"),
        ("en", "1234", "JPY", "1,234\u00a0JPY"),
        ("en", "1.234", "KWD", "1.234\u00a0KWD"),
        ("en", "12.30", "RSD", "12.30\u00a0RSD"),
    ],
)
def test_amounts_follow_the_locale_and_the_digits_of_the_currency(language, text, currency, words):
    with translation.override(language):
        assert money_words(text, currency) == words


def test_an_instant_is_told_with_weekday_and_zone():
    assert instant_words(LATER, "Europe/Berlin") == "Monday, 1 June 2026, 11:00 (Berlin time)"


# E-mails


def test_an_application_is_acknowledged_to_whoever_applied_and_the_owners(scene):
    request = applied(scene, principal=scene.cast.as_cem)

    recipients, mail = mail_of("refund_request.submitted")

    assert {one.email for one in recipients} == {"alice@acme.example", "cem@acme.example"}
    assert request.number in mail.subject
    assert "Monday, 1 June 2026, 11:00 (Berlin time)" in mail.text


@pytest.mark.parametrize("event_type", ["refund_request.submitted", "refund_request.approved"])
def test_both_forms_of_an_e_mail_say_the_same(event_type, scene):
    approved(scene)

    _, mail = mail_of(event_type)

    html = plain(mail.html)
    said = [line.strip() for line in mail.text.splitlines() if line.strip()]
    missing = [line for line in said if not all(part in html for part in line.replace(": ", " ").split())]
    assert missing == [line for line in missing if line.startswith("Open it in the portal")]
    assert "1,000.00\u00a0EUR" in mail.text


def test_the_decision_is_told_as_it_is_stored(in_part):
    _, mail = mail_of("refund_request.approved")

    assert "150.00\u00a0EUR" in mail.text
    assert "The part" not in mail.subject


def test_a_no_at_once_is_told_too(scene):
    applied(scene, now=scene.payment.deadline)

    _, mail = mail_of("refund_request.rejected")

    assert "No refund" in mail.subject
    assert "after the end of the window" in mail.text


def test_a_question_and_its_reminder_name_the_day(scene):
    request = asked(scene)
    services.remind_of_question(request_id=request.pk, now=LATER.replace(day=7))

    for event_type in ("refund_request.information_requested", "refund_request.information_reminded"):
        _, mail = mail_of(event_type)
        assert request.number in mail.subject
        assert "Which orders?" in mail.text
        assert "Monday, 8 June 2026" in mail.html


def test_the_answer_to_a_question_goes_to_whoever_asked(scene):
    asked_by_bea = question(scene)
    services.answer_question(
        principal=scene.cast.as_rita,
        enquiry_id=asked_by_bea.pk,
        body="It is <one>.",
        now=LATER.replace(day=2),
    )

    recipients, mail = mail_of("enquiry.answered")

    assert [one.email for one in recipients] == ["bea@acme.example"]
    assert "It is <one>." in mail.text
    assert "It is &lt;one&gt;." in mail.html


def test_a_client_without_people_is_told_at_its_own_address_in_its_language(scene):
    client = scene.cast.client
    client.memberships.all().delete()
    Client.objects.filter(pk=client.pk).update(language="de")
    applied(scene, principal=scene.cast.as_erp)

    recipients, _ = mail_of("refund_request.submitted")

    assert [(one.email, one.language) for one in recipients] == [("office@acme.example", "de")]


def test_names_and_words_of_people_cannot_break_a_subject_or_a_page(db):
    scene = make_scene(title="Desk <script>alert(1)</script>")
    asked_by_bea = question(scene, subject="Bcc: x\r\n<b>bold</b>")
    services.answer_question(
        principal=scene.cast.as_rita, enquiry_id=asked_by_bea.pk, body="No.", now=LATER.replace(day=2)
    )
    applied(scene)

    _, answer = mail_of("enquiry.answered")
    _, receipt = mail_of("refund_request.submitted")

    assert "\n" not in answer.subject
    assert "\r" not in answer.subject
    assert "<b>" not in answer.html
    assert "<script>" not in receipt.html


def test_the_journal_lays_the_e_mails_out(scene):
    applied(scene)

    sequence_events()

    assert Delivery.objects.filter(event__type="refund_request.submitted").count() == 1
