"""Figures over everything: counted in pieces, kept as of an instant, and the same as counting by hand."""

from datetime import UTC, date, datetime, timedelta

import pytest

from accounts.principals import SYSTEM
from contracts.tests.cast import NOW
from events.guards import lifted
from payments.models import Payment
from refunds import services
from refunds.models import RefundRequest, Snapshot
from refunds.selectors.reports import (
    Period,
    answer_times,
    answered_in,
    by_clause,
    month_of,
    months_until,
    report_by,
)
from refunds.selectors.snapshots import last_snapshot
from refunds.services import figures
from refunds.services.figures import EVERY, GIVEN_UP_AFTER
from refunds.tests.scene import LATER, Scene, applied, approved, eur, make_scene, paid

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene():
    """Three open windows: 1,000.00 for S1, and what P1 and S2 cost."""
    scene = make_scene()
    for code in ("P1", "S2"):
        paid(scene.cast, scene.contract, code)
    return scene


def counted(now=LATER, batch_max=100) -> Snapshot:
    """A snapshot from its beginning to its end."""
    while services.count_on(now=now, batch_max=batch_max) == batch_max:
        pass
    return Snapshot.objects.get(ended_at__isnull=False, as_of=now)


def test_money_at_risk_is_what_each_window_would_give_back_and_what_applications_expect(scene):
    applied(scene, now=NOW + timedelta(minutes=1))

    figures = counted().figures

    every = sum(Payment.objects.values_list("amount_minor", flat=True))
    own = scene.payment.amount_minor
    assert figures["windows"] == {"EUR": {"count": 3, "paid": every, "refund": every - own, "faulty": 0}}
    assert figures["requests"] == {"EUR": {"count": 1, "expected": own}}


@pytest.mark.parametrize("batch_max", [1, 2, 3, 4])
def test_counting_in_pieces_counts_each_window_once(scene, batch_max):
    whole = counted().figures["windows"]
    Snapshot.objects.all().delete()

    assert counted(batch_max=batch_max).figures["windows"] == whole


def test_a_piece_evaluates_no_more_than_it_was_told(scene):
    assert services.count_on(now=LATER, batch_max=2) == 2

    half = Snapshot.objects.get()
    assert (half.figures["windows"]["EUR"]["count"], half.ended_at, last_snapshot()) == (2, None, None)


def test_what_another_worker_counted_meanwhile_is_not_counted_again(scene, monkeypatch):
    real = figures.add_windows

    def slow(sums, piece, as_of):
        monkeypatch.setattr(figures, "add_windows", real)
        services.count_on(now=LATER, batch_max=2)
        return real(sums, piece, as_of)

    monkeypatch.setattr(figures, "add_windows", slow)
    services.count_on(now=LATER, batch_max=2)

    assert Snapshot.objects.get().figures["windows"]["EUR"]["count"] == 2


def test_a_window_that_has_ended_is_no_risk(scene):
    assert counted(now=scene.payment.deadline).figures["windows"] == {}


def test_a_snapshot_is_taken_again_when_it_is_old(scene):
    first = counted()

    assert services.count_on(now=LATER + EVERY - timedelta(seconds=1), batch_max=100) == 0
    assert last_snapshot() == first

    second = counted(now=LATER + EVERY)
    assert last_snapshot() == second


def test_one_that_was_left_lying_is_begun_again(scene):
    services.count_on(now=LATER, batch_max=1)

    services.count_on(now=LATER + GIVEN_UP_AFTER, batch_max=100)

    assert last_snapshot().as_of == LATER + GIVEN_UP_AFTER


def answered_at(scene: Scene, code: str, received: datetime, took: timedelta, **columns) -> RefundRequest:
    """An answer as the database would hold it."""
    request = applied(Scene(scene.cast, scene.contract, paid(scene.cast, scene.contract, code, "10.00")))
    RefundRequest.objects.filter(pk=request.pk).update(state="in_review")
    RefundRequest.objects.filter(pk=request.pk).update(state="proposed")
    with lifted(operations=("UPDATE",)):
        RefundRequest.objects.filter(pk=request.pk).update(
            submitted_at=received, decided_at=received + took, **{"state": "approved", **columns}
        )
    return request


@pytest.fixture
def answers():
    """Ten answers of May that took one to ten hours, and one of June by Berlin's clocks alone."""
    scene = make_scene()
    for hours in range(1, 11):
        answered_at(scene, "P1", datetime(2026, 5, 10, tzinfo=UTC), timedelta(hours=hours))
    answered_at(
        scene, "P1", datetime(2026, 5, 30, 22, 30, tzinfo=UTC), timedelta(days=1),
        state="rejected", outcome="no_refund", main_reason="window_expired", reason="defects",
        expected_minor=0,
    )  # fmt: skip
    return scene


MAY, JUNE = month_of(date(2026, 5, 1)), month_of(date(2026, 6, 1))


def test_days_and_months_are_those_of_the_companys_zone(answers):
    months = report_by(answered_in(SYSTEM, Period(first=MAY.first, last=JUNE.last)), "month")

    assert [(row.key, row.answered, row.refunded) for row in months] == [
        ("2026-05-01", 10, 10),
        ("2026-06-01", 1, 0),
    ]
    assert (answered_in(SYSTEM, MAY).count(), answered_in(SYSTEM, JUNE).count()) == (10, 1)
    assert answered_in(SYSTEM, Period(first=date(2026, 5, 31), last=date(2026, 5, 31))).count() == 0


def test_the_median_and_the_95th_percentile_are_by_nearest_rank(answers):
    may, june = answer_times(answered_in(SYSTEM, Period(first=MAY.first, last=JUNE.last)), by_month=True)

    assert (may.answered, may.median, may.most) == (10, timedelta(hours=5), timedelta(hours=10))
    assert (june.answered, june.median, june.most) == (1, timedelta(days=1), timedelta(days=1))
    (both,) = answer_times(answered_in(SYSTEM, Period(first=MAY.first, last=JUNE.last)))
    assert (both.month, both.answered, both.median) == (None, 11, timedelta(hours=6))


def test_a_report_counts_and_sums_by_clause_reason_stage_and_reviewer(answers):
    approved(Scene(answers.cast, answers.contract, answers.payment))
    rows = answered_in(SYSTEM, Period(first=MAY.first, last=JUNE.last))

    clauses = {row.key: (row.answered, row.refunded, row.amount) for row in by_clause(rows)}
    assert clauses == {"P4": (11, 11, eur("1100.00")), "P5": (1, 0, eur("0"))}
    reasons = {row.key: row.answered for row in report_by(rows, "reason")}
    assert reasons == {"not_as_agreed": 11, "defects": 1}
    stages = {row.key: row.amount for row in report_by(rows, "stage")}
    assert stages == {"P1": eur("100.00"), "S1": eur("1000.00")}
    reviewers = [(row.name, row.answered) for row in report_by(rows, "reviewer")]
    assert reviewers == [("", 11), ("Rita", 1)]


def test_nothing_answered_gives_no_times(scene):
    assert answer_times(answered_in(SYSTEM, MAY)) == []


def test_a_year_of_months_begins_eleven_months_ago():
    assert months_until(datetime(2026, 6, 30, 22, 30, tzinfo=UTC), 12) == Period(
        first=date(2025, 8, 1), last=date(2026, 7, 1)
    )
    assert month_of(date(2025, 12, 1)).last == date(2025, 12, 31)
