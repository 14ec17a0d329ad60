"""The four pieces and the form field: what they say, to the second and to the last decimal."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django import forms
from django.template.loader import render_to_string
from django.utils import translation

from accounts.principals import SYSTEM
from contracts.models import Stage
from contracts.policy.terms import RefundTerms, parse_terms
from contracts.services import accept_delivery
from contracts.tests.cast import delivered_stage, signed_contract
from kernel.money import Money
from payments.references import payment_reference
from payments.services import import_statement
from payments.tests.bank_book import Entry, statement
from refundportal.portal.tests.visiting import Visitor, words
from refundportal.web.clock import Clock, left_words
from refundportal.web.forms import Choices
from refundportal.web.rail import gather_rail
from refundportal.web.templatetags.portal import exact_instant, money, unbroken
from refundportal.web.terms import terms_in_words
from refunds.policy.interchange import evaluate_json
from refunds.statement import statement_of
from refunds.tests.scene import LATER, NOW, Scene, paid
from refunds.wording import day_words

END = datetime(2026, 6, 4, 22, 0, tzinfo=UTC)
"""The first instant of Friday, 5 June 2026, in Berlin."""


@pytest.mark.parametrize(("seconds", "is_open"), [(-1, True), (0, False), (1, False)])
def test_a_clock_is_open_until_the_instant_of_its_end(seconds, is_open):
    assert Clock(END, "Europe/Berlin", END + timedelta(seconds=seconds)).is_open is is_open


@pytest.mark.parametrize(
    ("ends_at", "zone", "words"),
    [
        (END, "Europe/Berlin", "the end of Thursday, 4 June 2026, Berlin time"),
        (END + timedelta(seconds=1), "Europe/Berlin", "Friday, 5 June 2026, 00:00 (Berlin time)"),
        (END, "America/New_York", "Thursday, 4 June 2026, 18:00 (New York time)"),
        # Midnight is skipped: the day begins at one o'clock.
        (
            datetime(2026, 4, 23, 22, 0, tzinfo=UTC),
            "Africa/Cairo",
            "the end of Thursday, 23 April 2026, Cairo time",
        ),
    ],
)
def test_the_end_is_said_by_the_last_whole_day_where_there_is_one(ends_at, zone, words):
    assert Clock(ends_at, zone, NOW).end == words


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (timedelta(days=1, hours=4, minutes=59), "1 day 4 hours"),
        (timedelta(days=2, minutes=59), "2 days"),
        (timedelta(hours=23, minutes=1, seconds=59), "23 hours 1 minute"),
        (timedelta(seconds=61), "1 minute 1 second"),
        (timedelta(milliseconds=900), "0 seconds"),
        (timedelta(seconds=-5), "0 seconds"),
    ],
)
def test_what_is_left_is_said_in_its_two_largest_units(left, words):
    assert left_words(left) == words


def test_a_clock_hands_the_server_s_time_to_the_page():
    shown = render_to_string("components/_clock.html", {"clock": Clock(END, "Europe/Berlin", NOW)})

    assert f'data-ends="{END.isoformat()}"' in shown
    assert f'data-now="{NOW.isoformat()}"' in shown
    assert "3 days 14 hours left" in shown
    assert 'data-closed="Closed since the end of Thursday, 4 June 2026, Berlin time"' in shown


def test_the_rail_says_of_every_stage_what_is_paid_and_how_far_the_work_is(scene: Scene):
    paid(scene.cast, scene.contract, "P1", "100.00")
    delivered_stage(scene.cast, scene.contract, "S1", at=LATER)
    accept_delivery(principal=scene.cast.as_alice, stage_id=scene.stage.pk, now=LATER)

    rail = gather_rail(scene.contract, LATER)

    assert [(bead.code, bead.standing, [mark.words for mark in bead.marks]) for bead in rail] == [
        ("P1", "part", ["100.00\N{NO-BREAK SPACE}EUR paid"]),
        ("S1", "paid", ["paid", "accepted"]),
        ("S2", "unpaid", ["not due yet", "not begun"]),
    ]
    assert [bead.clock is not None for bead in rail] == [True, True, False]


@pytest.mark.parametrize("stages", [1, 14])
def test_a_rail_is_gathered_with_three_queries(scene: Scene, django_assert_num_queries, stages):
    work = [
        {
            "code": f"S{number}",
            "title": "Work " * 24,
            "kind": "work",
            "amount": "999999999.99",
            "items": [{"code": "AC-1", "statement": "It works.", "weight": "1"}],
        }
        for number in range(stages)
    ]
    contract = signed_contract(scene.cast, stages=work, title="Long")

    with django_assert_num_queries(3):
        rail = gather_rail(contract, NOW)

    assert len(rail) == Stage.objects.filter(contract=contract).count() == stages


def test_default_terms_deviate_nowhere():
    assert [
        sentence for sentence in terms_in_words(RefundTerms(time_zone="Europe/Berlin")) if sentence.deviates
    ] == []


@pytest.mark.parametrize(
    ("raw", "words", "deviates"),
    [
        ({"window_days": 0}, "until the end of the day of payment", True),
        ({"window_days": 5, "day_rule": "elapsed"}, "within 120 hours, counted from the second", False),
        ({"window_days": 3, "day_rule": "elapsed"}, "within 72 hours, counted from the second", True),
        ({"roll_to_working_day": True, "holiday_calendar": "DE-BE"}, "a public holiday (DE-BE)", False),
        ({"deemed_acceptance_days": 10}, "if you do not object within 10 days", True),
        ({"exchange_allowed": False}, "There is no exchange", True),
        ({"rounding": "company"}, "rounded in our favour", True),
        ({"conformity_mode": "gate"}, "kept only if all of it", False),
        ({"decision_days": 15}, "within 15 days. Being late", True),
    ],
)
def test_each_term_is_said_in_a_sentence_and_marked_if_it_is_worse(raw, words, deviates):
    said = terms_in_words(parse_terms(raw, "Europe/Berlin"))

    assert [sentence.deviates for sentence in said if words in sentence.words] == [deviates]


@pytest.mark.parametrize(
    ("amount", "language", "words"),
    [
        (Money(123450, "EUR"), "en", "1,234.50\N{NO-BREAK SPACE}EUR"),
        (Money(123450, "EUR"), "de", "1.234,50\N{NO-BREAK SPACE}EUR"),
        (Money(500000, "JPY"), "en", "500,000\N{NO-BREAK SPACE}JPY"),
        (Money(1234, "KWD"), "en", "1.234\N{NO-BREAK SPACE}KWD"),
        (Money(-5, "RSD"), "en", "\N{MINUS SIGN}0.05\N{NO-BREAK SPACE}RSD"),
        (Money(99999999999999, "EUR"), "en", "999,999,999,999.99\N{NO-BREAK SPACE}EUR"),
    ],
)
def test_amounts_have_the_decimals_of_their_currency_and_the_signs_of_the_language(amount, language, words):
    with translation.override(language):
        assert money(amount) == f'<span class="amount">{words}</span>'


def test_the_moment_of_receipt_is_said_to_the_second():
    assert "Monday, 1 June 2026, 10:00:09 (Berlin time)" in exact_instant(
        NOW + timedelta(seconds=9), "Europe/Berlin"
    )


def test_a_statement_opens_each_line_to_clause_facts_and_arithmetic():
    answer = evaluate_json(
        {
            "id": "1",
            "client_type": "business",
            "decided_at": LATER.isoformat(),
            "payment": {
                "amount": "1000.00",
                "currency": "EUR",
                "status": "captured",
                "captured_at": NOW.isoformat(),
                "refunded": "50.00",
            },
            "request": {"submitted_at": LATER.isoformat(), "amount": "100.00"},
            "work": [
                {
                    "stage": "S1",
                    "amount": "1000.00",
                    "delivered_at": NOW.isoformat(),
                    "items": [
                        {"code": "AC-1", "weight": "3", "fulfilled": "1"},
                        {"code": "AC-2", "weight": "1", "fulfilled": "0"},
                    ],
                }
            ],
        },
        default_time_zone="Europe/Berlin",
    )

    shown = render_to_string("components/_statement.html", {"statement": statement_of(answer)})

    assert shown.count("<details>") == 3
    assert "\N{MINUS SIGN}750.00" in shown
    assert (
        "(3 × 100\N{NO-BREAK SPACE}% + 1 × 0\N{NO-BREAK SPACE}%) ÷ (3 + 1) = 75\N{NO-BREAK SPACE}%" in shown
    )
    assert "<strong>P2</strong>" in shown
    assert "Not asked for" in shown


class _Form(forms.Form):
    name = forms.CharField(help_text="As on the contract.")
    way = forms.ChoiceField(
        choices=[("a", "A"), ("b", "B")], widget=Choices(help_texts={"b": "The other one."})
    )


def test_a_field_has_its_label_above_and_help_and_errors_tied_to_it():
    shown = str(_Form({"name": ""}))

    assert '<label for="id_name">Name' in shown
    assert 'aria-describedby="id_name_helptext id_name_error"' in shown
    assert 'id="id_name_error"' in shown
    assert 'aria-invalid="true"' in shown


def test_errors_stand_in_a_summary_that_takes_the_focus_and_leads_to_the_fields():
    shown = str(_Form({"name": ""}))

    assert shown.index("data-error-summary") < shown.index("id_name")
    assert 'href="#id_name"' in shown
    assert 'tabindex="-1"' in shown


def test_a_form_without_faults_has_no_summary():
    assert "data-error-summary" not in str(_Form())


def test_choices_carry_their_own_help():
    assert "The other one." in str(_Form())


def test_the_contract_says_what_is_due_when_and_with_which_reference(scene: Scene, clock):
    alice, address = Visitor(scene.cast.alice), f"/contracts/{scene.contract.number}/"
    prepayment = scene.contract.stages.get(code="P1")

    before = words(alice.get(address))
    clock.move_to(LATER + timedelta(days=40))
    alice = Visitor(scene.cast.alice)
    overdue = words(alice.get(address))
    paid(scene.cast, scene.contract, "P1", at=LATER + timedelta(days=40))
    after = words(alice.get(address))

    assert f"Reference: {scene.contract.number} P1" in before
    assert f"{day_words(prepayment.due_on)}" in before
    assert "was due on" in overdue
    assert "To pay" not in after


def test_a_payment_with_the_reference_that_the_page_tells_finds_its_stage(scene: Scene):
    page = words(Visitor(scene.cast.alice).get(f"/contracts/{scene.contract.number}/"))
    (told,) = re.findall(r"Reference: (\S+ \S+)", page)

    import_statement(
        principal=SYSTEM, content=statement(Entry(amount="300.00", text=told.lower())), now=LATER
    )

    payment = scene.contract.payments.get(stage__code="P1")
    assert told == payment_reference(scene.contract, payment.stage)
    assert payment.status == "captured"


def test_a_number_in_a_text_stays_on_one_line_and_the_text_is_escaped():
    written = unbroken("<b>RR-2026-000001: a well-known case")

    assert written == '&lt;b&gt;<span class="number">RR-2026-000001</span>: a well-known case'
