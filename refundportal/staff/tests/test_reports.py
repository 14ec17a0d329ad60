"""Reports: every figure counts the list it leads to, days are the company's, files hold no formula."""

import csv
import io
from datetime import timedelta

import pytest

from contracts.tests.cast import NOW
from events.guards import lifted
from refundportal.staff.tests.desk import Desk, page_of, queries_of, words
from refundportal.staff.tests.test_dashboard import figures_in, rows_of
from refundportal.web.tables import safe_cell
from refunds.models import RefundRequest
from refunds.services import run_trial, start_trial
from refunds.tests.scene import LATER, Scene, applied, approved, paid

JUNE = "/admin/reports/?first=2026-06-01&last=2026-06-30"


@pytest.fixture
def answered(scene: Scene, clock) -> Scene:
    """A refund of 1,000.00 by Rita and a refusal by the policy alone."""
    approved(scene)
    late = Scene(
        scene.cast,
        scene.contract,
        paid(scene.cast, scene.contract, "P1", "30.00", at=NOW - timedelta(days=9)),
    )
    applied(late, reason="defects")
    clock.move_to(NOW + timedelta(days=40))
    return scene


def test_every_figure_counts_the_list_that_it_leads_to(answered: Scene):
    desk = Desk(answered.cast.ada)

    figures = figures_in(desk.get(JUNE).content.decode())

    assert [(address, number) for address, number in figures if rows_of(desk, address) != number] == []
    assert len(figures) == 2 + 6 * 2 - 1 + 6  # times; six reports of two rows, but one month; the refunds


def test_a_report_says_what_was_answered_by_everything(answered: Scene):
    said = words(Desk(answered.cast.finn).get(JUNE))

    for line in (
        "P4 application 1 1 1,000.00 EUR",
        "P5 window 1 – 0.00 EUR",
        "The work has defects 1 – 0.00 EUR",
        "S1 1 1 1,000.00 EUR",
        "Rita 1 1 1,000.00 EUR",
        "nobody: answered by the policy at once 1 – 0.00 EUR",
        "June 2026 2 1 1,000.00 EUR",
    ):
        assert line in said, line


@pytest.mark.parametrize(
    ("at", "first", "last", "many"),
    [
        ("2026-05-31T21:59:59+00:00", "2026-06-01", "2026-06-01", 0),
        ("2026-05-31T22:00:00+00:00", "2026-06-01", "2026-06-01", 1),
        ("2026-06-01T21:59:59.999999+00:00", "2026-06-01", "2026-06-01", 1),
        ("2026-06-01T22:00:00+00:00", "2026-06-01", "2026-06-01", 0),
        ("2026-10-25T22:59:59+00:00", "2026-10-25", "2026-10-25", 1),  # a day of 25 hours
        ("2026-10-25T23:00:00+00:00", "2026-10-25", "2026-10-25", 0),
    ],
)
def test_a_day_begins_and_ends_by_the_companys_clocks(scene: Scene, at, first, last, many):
    request = approved(scene)
    with lifted(operations=("UPDATE",)):
        RefundRequest.objects.filter(pk=request.pk).update(decided_at=at)
    desk = Desk(scene.cast.rita)

    page = desk.get("/admin/reports/", {"first": first, "last": last})

    assert sum(answered for _words, answered, *_rest in page.context["times"]) == many
    assert rows_of(desk, f"/admin/refunds/refundrequest/?answered={first}..{last}") == many


def test_without_a_period_the_last_months_are_shown(answered: Scene):
    page = Desk(answered.cast.rita).get("/admin/reports/")

    assert 'value="2026-05-01"' in page.content.decode()
    assert "June 2026 2 1 1,000.00 EUR" in words(page)


@pytest.mark.parametrize(
    "query", ["first=2026-06-02&last=2026-06-01", "first=x&last=", "first=0001-01-01&last=9999-12-31"]
)
def test_a_period_that_is_none_is_said(answered: Scene, query: str):
    desk = Desk(answered.cast.rita)

    assert desk.get(f"/admin/reports/?{query}").status_code == 422
    assert desk.get(f"/admin/reports/clause/csv/?{query}").status_code == 404


@pytest.mark.parametrize("by", ["clause", "outcome", "reason", "stage", "reviewer", "month", "times"])
def test_every_report_is_given_as_a_file(answered: Scene, by: str):
    type(answered.cast.rita).objects.filter(pk=answered.cast.rita.pk).update(name="+Rita")

    answer = Desk(answered.cast.ada).get(f"/admin/reports/{by}/csv/?first=2026-06-01&last=2026-06-30")

    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    head, *rows = csv.reader(io.StringIO(text))
    place = head.index("answered")
    assert sum(int(row[place]) for row in rows) == 2
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "@"))]
    assert ("'+Rita" in text) is (by == "reviewer")


def test_there_is_no_report_by_anything_else(answered: Scene):
    assert Desk(answered.cast.ada).get("/admin/reports/password/csv/").status_code == 404


def test_the_last_replay_is_shown(answered: Scene):
    desk = Desk(answered.cast.ada)
    assert "The decisions have not been replayed yet." in words(desk.get(JUNE))
    now = NOW + timedelta(days=20)
    trial = start_trial(
        principal=answered.cast.as_rita, changes={}, since=NOW - timedelta(days=1), until=now, now=now
    )
    run_trial(trial_id=trial.pk, now=now, batch_max=100)

    page = desk.get(JUNE)

    assert "none differs 2 decisions were evaluated again" in words(page)
    assert page_of(trial) in page.content.decode()


def test_reports_cost_the_same_with_more_answers(answered: Scene, clock):
    desk = Desk(answered.cast.ada)
    before = queries_of(desk, JUNE)

    for amount in ("1.00", "2.00", "3.00"):
        late = paid(answered.cast, answered.contract, "P1", amount, at=NOW - timedelta(days=9))
        applied(Scene(answered.cast, answered.contract, late), now=LATER)

    assert queries_of(desk, JUNE) == before <= 15


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"), ("+1", "'+1"), ("-1", "-1"), ("-1.50", "-1.50"), ("-x", "'-x"), ("@A1", "'@A1"),
        ("\t=1", "'\t=1"), ("\r=1", "'\r=1"), ("a=1", "a=1"), (None, ""), (3, "3"),
    ],
)  # fmt: skip
def test_no_cell_is_a_formula(value, cell):
    assert safe_cell(value) == cell
