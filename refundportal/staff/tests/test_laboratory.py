"""The laboratory at the staff door: ask, watch, read side by side, take along; and who may what."""

import csv
import io
from datetime import timedelta

import pytest

from contracts.models import Client
from contracts.tests.cast import NOW
from events.guards import lifted
from refundportal.staff.tests.desk import Desk, list_of, page_of, queries_of, words
from refunds.models import Trial
from refunds.services import run_trial
from refunds.tests.scene import LATER, Scene
from refunds.tests.test_trials import decided_case

NEW = "/admin/refunds/trial/new/"
AFTER = NOW + timedelta(days=10)
PERIOD = {"first": "2026-06-01", "last": "2026-06-30"}


@pytest.fixture
def decided(scene: Scene, clock) -> Scene:
    """Refunds applied for one, two and three days after the payment."""
    for days in (1, 2, 3):
        decided_case(scene, days, f"{10 + days}.00")
    clock.move_to(AFTER)
    return scene


def asked(scene: Scene, **typed: str) -> Trial:
    """A trial as Rita asks for it, run to its end."""
    answer = Desk(scene.cast.rita).post(NEW, {**PERIOD, **typed})
    assert answer.status_code == 302, words(answer)
    trial = Trial.objects.get(pk=answer.headers["Location"].split("/")[-3])
    assert answer.headers["Location"] == page_of(trial)
    run_trial(trial_id=trial.pk, now=AFTER, batch_max=100)
    return Trial.objects.get(pk=trial.pk)


def test_a_trial_is_asked_for_watched_and_read(decided: Scene):
    desk = Desk(decided.cast.rita)
    desk.post(NEW, {**PERIOD, "window_days": "2", "note": "two days"})
    trial = Trial.objects.get()
    assert "0 of 3 decisions so far" in words(desk.open(trial))

    run_trial(trial_id=trial.pk, now=AFTER, batch_max=100)

    said = words(desk.open(trial))
    assert "two days" in said
    assert "1 of 3 decisions differ" in said
    assert "1 13.00 EUR 0.00 EUR −13.00 EUR" in said
    assert "The application arrived within the window: no" in said
    case = words(desk.get(f"/admin/refunds/trial/{trial.pk}/case/{trial.cases.get().pk}/"))
    assert "As decided Refund in full" in case
    assert "In the trial No refund The application came after the end of the window." in case
    assert "The application arrived within the window yes no" in case
    assert "two days" in words(desk.get(list_of("refunds_trial")))


@pytest.mark.parametrize(
    ("typed", "changes"),
    [
        ({}, {}),
        ({"window_days": "0"}, {"window_days": 0}),
        ({"holiday_calendar": "-"}, {"holiday_calendar": None}),
        ({"deemed_acceptance_days": "0"}, {"deemed_acceptance_days": None}),
        ({"roll_to_working_day": "no"}, {"roll_to_working_day": False}),
        ({"exchange_allowed": "yes"}, {"exchange_allowed": True}),
        (same := {"day_rule": "elapsed", "time_zone": "Asia/Tokyo", "conformity_mode": "gate"}, same),
        ({"rounding": "company"}, {"rounding": "company"}),
        ({"decision_days": "7"}, {"decision_days": 7}),
    ],
)
def test_every_term_can_be_another_one_and_what_is_empty_stays(decided: Scene, typed, changes):
    trial = asked(decided, **typed)

    assert trial.changes == changes
    assert (trial.state, trial.done, trial.faulty) == ("done", 3, 0)
    assert Desk(decided.cast.ada).open(trial).status_code == 200


def test_the_days_of_the_period_are_the_companys(decided: Scene):
    trial = asked(decided)

    assert trial.since.isoformat() == "2026-05-31T22:00:00+00:00"
    assert trial.until == AFTER
    assert "Monday, 1 June 2026 to Thursday, 11 June 2026" in words(Desk(decided.cast.ada).open(trial))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"first": ""}, "This field is required."),
        ({"first": "2026-06-02", "last": "2026-06-01"}, "The last day lies before the first."),
        ({"first": "2027-01-01", "last": "2027-01-02"}, "must be after the beginning"),
        ({"time_zone": "Berlin"}, "must be the exact name of an IANA time zone"),
        ({"holiday_calendar": "XX"}, "must be null or an ISO country"),
        ({"window_days": "5", "deemed_acceptance_days": "4"}, "must be more than window_days"),
        ({"window_days": "many"}, "Enter a whole number."),
    ],
)
def test_what_cannot_be_tried_is_said_beside_what_was_typed(decided: Scene, typed, said):
    answer = Desk(decided.cast.rita).post(NEW, {**PERIOD, "note": "mine", **typed})

    assert answer.status_code == 422
    assert said in words(answer)
    assert 'value="mine"' in answer.content.decode()
    assert Trial.objects.count() == 0


def test_who_only_reads_asks_for_nothing_and_calls_nothing_off(decided: Scene):
    trial = asked(decided)
    for name in ("finn", "ada"):
        desk = Desk(getattr(decided.cast, name))
        assert "Only a Reviewer or an Approver may do this." in words(desk.get(NEW))
        assert desk.post(NEW, PERIOD).status_code == 403
        assert desk.do(trial, "cancel").status_code == 403
    assert Trial.objects.count() == 1


def test_a_trial_under_way_is_called_off(decided: Scene):
    desk = Desk(decided.cast.arno)
    desk.post(NEW, PERIOD)
    trial = Trial.objects.get()

    desk.do(trial, "cancel")

    trial.refresh_from_db()
    assert trial.state == "cancelled"
    assert "The trial has ended." in words(desk.open(trial))


def test_the_file_holds_every_case_and_no_formula(decided: Scene):
    with lifted(operations=("UPDATE",)):
        Client.objects.filter(pk=decided.cast.client.pk).update(name='=HYPERLINK("x")')
    trial = asked(decided, window_days="1")

    answer = Desk(decided.cast.finn).get(f"/admin/refunds/trial/{trial.pk}/csv/")

    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    head, *rows = csv.reader(io.StringIO(text))
    lines = [dict(zip(head, row, strict=True)) for row in rows]
    assert [(line["refund_before"], line["refund_after"], line["difference"]) for line in lines] == [
        ("12.00", "0.00", "-12.00"),
        ("13.00", "0.00", "-13.00"),
    ]
    assert {line["client"] for line in lines} == {'\'=HYPERLINK("x")'}
    assert {line["changed_findings"] for line in lines} == {"window:yes>no"}
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")


def test_a_page_of_cases_goes_on_and_costs_the_same(decided: Scene, monkeypatch):
    trial = asked(decided, window_days="0")
    desk = Desk(decided.cast.ada)
    whole = queries_of(desk, page_of(trial))
    monkeypatch.setattr("refundportal.staff.laboratory.CASES_SHOWN", 1)
    numbers = [case.decision.request.number for case in trial.cases.order_by("id")]

    seen, address = [], page_of(trial)
    while address:
        page = desk.get(address)
        seen.extend(line.number for line in page.context["lines"])
        after = page.context["next_after"]
        address = f"{page_of(trial)}?after={after}" if after else ""

    assert seen == numbers
    assert len(numbers) == 3
    assert queries_of(desk, page_of(trial)) == whole <= 9


def test_a_case_of_another_trial_is_not_found(decided: Scene):
    one, other = asked(decided, window_days="2"), asked(decided, window_days="1", note="other")
    desk = Desk(decided.cast.rita)

    address = f"/admin/refunds/trial/{{}}/case/{one.cases.get().pk}/"
    assert desk.get(address.format(one.pk)).status_code == 200
    assert desk.get(address.format(other.pk)).status_code == 404
    assert desk.get(page_of(one) + "?after=%E0%A5%A7x").status_code == 200


def test_the_clock_of_the_test_is_not_what_the_trial_looks_at(decided: Scene, clock):
    clock.move_to(LATER + timedelta(days=400))

    assert asked(decided, window_days="2").differing == 1
