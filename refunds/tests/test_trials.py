"""The laboratory: what differs under other terms is what a count by hand gives, and nothing else changes."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from contracts.services import publish_terms
from contracts.tests.cast import NOW
from events.guards import lifted
from events.models import Event
from kernel.errors import InvalidInput, NotFoundOrHidden, NotPermitted, StaleState
from payments.models import Payment
from refunds import services, tasks
from refunds.models import Decision, RefundRequest, Trial, TrialCase
from refunds.selectors.trials import decisions_of, last_replay, sums_of, trial_of
from refunds.services import trials
from refunds.tests.scene import LATER, Scene, again, approve, eur, in_review, make_scene, paid
from refunds.tests.test_established import assessed

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
SINCE, UNTIL = NOW - 30 * DAY, NOW + 30 * DAY
AFTER = NOW + 10 * DAY


def decided_case(scene: Scene, days: int, amount: str, *, bought=NOW) -> RefundRequest:
    """A payment of P1 that was applied for so many days later, and approved an hour after that."""
    payment = paid(scene.cast, scene.contract, "P1", amount, at=bought)
    at = bought + days * DAY
    request = in_review(Scene(scene.cast, scene.contract, payment), now=at)
    services.propose_answer(principal=scene.cast.as_rita, request_id=request.pk, now=at)
    approve(scene, request, now=at + timedelta(hours=1))
    return again(request)


@pytest.fixture
def scene():
    """Refunds applied for on the day of payment and one, two and three days later."""
    scene = make_scene()
    for days in (0, 1, 2, 3):
        decided_case(scene, days, f"{10 + days}.00")
    return scene


def tried(scene, changes=None, *, now=AFTER, batch_max=100, **period) -> Trial:
    """A trial from its beginning to its end."""
    trial = services.start_trial(
        principal=scene.cast.as_rita,
        changes=changes or {},
        now=now,
        **{"since": SINCE, "until": UNTIL, **period},
    )
    while services.run_trial(trial_id=trial.pk, now=now, batch_max=batch_max) == batch_max:
        pass
    return Trial.objects.get(pk=trial.pk)


def numbers(trial: Trial) -> list[str]:
    return [case.decision.request.number for case in trial.cases.order_by("id")]


def beyond_by_hand(days: int) -> list[str]:
    """The applications that arrived more days after the day of payment than that, by the calendar alone."""
    berlin = ZoneInfo("Europe/Berlin")
    found = []
    for decision in Decision.objects.select_related("request__payment").order_by("decided_at"):
        request = decision.request
        bought, applied = (
            at.astimezone(berlin).date() for at in (request.payment.captured_at, request.submitted_at)
        )
        found.extend([request.number] if (applied - bought).days > days else [])
    return found


@pytest.mark.parametrize(("days", "expected"), [(0, 3), (1, 2), (2, 1), (3, 0), (4, 0)])
def test_a_shorter_window_loses_exactly_the_applications_that_came_later(scene, days, expected):
    trial = tried(scene, {"window_days": days})

    assert numbers(trial) == beyond_by_hand(days)
    assert (trial.state, trial.done, trial.total, trial.differing) == ("done", 4, 4, expected)


def test_a_case_says_what_it_would_have_been_and_which_findings_changed(scene):
    trial = tried(scene, {"window_days": 2})

    case = trial.cases.get()
    assert (case.before_minor, case.after_minor, case.currency, case.fault) == (1300, 0, "EUR", "")
    assert (case.answer["outcome"], case.answer["reasons"]) == ("no_refund", ["window_expired"])
    assert case.findings == [{"rule": "window", "before": True, "after": False}]
    (found,) = sums_of(trial)
    assert (found.cases, found.before, found.after, found.difference) == (
        1, eur("13.00"), eur("0.00"), eur("-13.00"),
    )  # fmt: skip


def test_a_term_that_is_not_of_the_window_keeps_the_stored_end_of_it(scene):
    payment = Payment.objects.filter(requests__decisions__isnull=False).latest("created_at")
    longer = payment.deadline + 10 * DAY
    with lifted(operations=("UPDATE",)):
        for row in Decision.objects.all():
            row.facts["payment"]["deadline"] = longer.isoformat()
            row.facts["request"]["submitted_at"] = (longer - timedelta(seconds=1)).isoformat()
            row.facts["decided_at"] = longer.isoformat()
            row.save()

    assert tried(scene, {"rounding": "company"}).differing == 0
    assert tried(scene, {"window_days": 3}).differing == 4


@pytest.fixture
def sevenths(delivered):
    """A decision that keeps a seventh of an item: 678.571… of 1,000.00."""
    request = in_review(delivered)
    assessed(delivered, request, {"AC-1": "1", "AC-2": "1/7"})
    services.propose_answer(principal=delivered.cast.as_rita, request_id=request.pk, now=LATER)
    approve(delivered, request)
    return delivered


def test_another_rounding_moves_a_cent_and_no_finding(sevenths):
    trial = tried(sevenths, {"rounding": "half_up", "conformity_mode": "share"})
    other = tried(sevenths, {"rounding": "company"})

    assert trial.differing == 0
    case = other.cases.get()
    assert (case.before_minor, case.after_minor, case.findings) == (32143, 32142, [])


def test_work_that_conforms_in_part_is_not_kept_under_the_other_mode(sevenths):
    trial = tried(sevenths, {"conformity_mode": "gate"})

    case = trial.cases.get()
    assert case.after_minor > case.before_minor


@pytest.mark.parametrize("batch_max", [1, 2, 3, 4, 5])
def test_a_trial_in_pieces_finds_each_case_once(scene, batch_max):
    trial = tried(scene, {"window_days": 0}, batch_max=batch_max)

    assert (trial.state, trial.done, trial.differing) == ("done", 4, 3)
    assert numbers(trial) == beyond_by_hand(0)


def everything() -> tuple:
    """What the decisions, applications, payments and the journal say."""
    return (
        list(Decision.objects.order_by("id").values()),
        list(RefundRequest.objects.order_by("id").values()),
        list(Payment.objects.order_by("id").values()),
        list(Event.objects.order_by("id").values()),
    )


def test_a_trial_changes_nothing(scene):
    before = everything()

    tried(scene, {"window_days": 0})
    services.cancel_trial(principal=scene.cast.as_rita, trial_id=waiting(scene).pk, now=AFTER)

    assert everything() == before
    assert TrialCase.objects.count() == 3


def waiting(scene, changes=None) -> Trial:
    return services.start_trial(
        principal=scene.cast.as_rita, changes=changes or {}, since=SINCE, until=UNTIL, now=AFTER
    )


def test_the_period_takes_its_first_instant_and_not_its_last(scene):
    first, *_rest, last = Decision.objects.order_by("decided_at").values_list("decided_at", flat=True)

    assert tried(scene, {"window_days": 0}, since=first, until=last).done == 3
    assert tried(scene, {"window_days": 0}, since=first + timedelta(microseconds=1)).done == 3


def test_a_decision_that_no_longer_stands_is_replayed_but_not_summed(scene):
    row = Decision.objects.latest("decided_at")
    Decision.objects.bulk_create(
        [Decision(**{**_columns(row), "number": 2, "decided_at": row.decided_at + DAY, "proposal_id": None})]
    )

    assert tried(scene, {"window_days": 2}).done == 4
    assert tried(scene).done == 5


def _columns(row: Decision) -> dict:
    return {field.attname: getattr(row, field.attname) for field in row._meta.fields if field.name != "id"}


def test_a_replay_finds_what_was_changed_and_is_kept(scene):
    assert last_replay(scene.cast.as_ada) is None
    assert tried(scene).differing == 0
    row = Decision.objects.earliest("decided_at")
    row.answer["refund"] = "0.01"
    with lifted(operations=("UPDATE",)):
        row.save()

    trial = tried(scene, now=AFTER + DAY)

    assert last_replay(scene.cast.as_ada) == trial
    assert (trial.differing, trial.faulty) == (1, 0)
    assert trial.cases.get().fault == "its facts give another answer: refund"


def test_terms_that_do_not_go_with_a_contract_are_told_case_by_case(scene):
    publish_terms(
        principal=scene.cast.as_rita,
        contract_id=scene.contract.pk,
        terms={"window_days": 9, "time_zone": "Europe/Berlin"},
        now=NOW + 4 * DAY,
    )
    decided_case(scene, 1, "20.00", bought=NOW + 5 * DAY)

    trial = tried(scene, {"deemed_acceptance_days": 5})

    # Those under three days are evaluated, with no difference; under nine it is no possible term.
    assert (trial.done, trial.differing, trial.faulty) == (5, 1, 1)
    assert trial.cases.get().fault == "terms.deemed_acceptance_days: must be more than window_days"
    assert list(sums_of(trial)) == []


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"window_days": -1}, "window_days"),
        ({"window_days": True}, "window_days"),
        ({"refund": "10.00"}, "refund"),
        ({"window_days": 5, "deemed_acceptance_days": 5}, "deemed_acceptance_days"),
        ({"day_rule": "elapsed", "roll_to_working_day": True}, "roll_to_working_day"),
    ],
)
def test_terms_that_no_contract_can_have_are_refused(scene, changes, path):
    with pytest.raises(InvalidInput) as refusal:
        waiting(scene, changes)

    assert [fault.path for fault in refusal.value.faults] == [path]
    assert Trial.objects.count() == 0


def test_a_period_that_is_none_or_lies_ahead_is_refused(scene):
    for since, until in ((UNTIL, SINCE), (AFTER, UNTIL)):
        with pytest.raises(InvalidInput):
            services.start_trial(
                principal=scene.cast.as_rita, changes={}, since=since, until=until, now=AFTER
            )


def test_a_trial_that_was_called_off_goes_no_further(scene):
    trial = waiting(scene, {"window_days": 0})
    services.run_trial(trial_id=trial.pk, now=AFTER, batch_max=2)

    services.cancel_trial(principal=scene.cast.as_arno, trial_id=trial.pk, now=AFTER)

    assert services.run_trial(trial_id=trial.pk, now=AFTER, batch_max=2) == 0
    trial.refresh_from_db()
    assert (trial.state, trial.done, trial.differing, trial.ended_at) == ("cancelled", 2, 1, AFTER)
    with pytest.raises(StaleState):
        services.cancel_trial(principal=scene.cast.as_rita, trial_id=trial.pk, now=AFTER)


def test_what_another_worker_found_meanwhile_is_not_found_again(scene, monkeypatch):
    trial = waiting(scene, {"window_days": 0})
    real = trials._try

    def slow(row, decision):
        monkeypatch.setattr(trials, "_try", real)
        services.run_trial(trial_id=trial.pk, now=AFTER, batch_max=3)
        return real(row, decision)

    monkeypatch.setattr(trials, "_try", slow)
    services.run_trial(trial_id=trial.pk, now=AFTER, batch_max=3)

    trial.refresh_from_db()
    assert (trial.done, trial.differing, trial.cases.count()) == (3, 2, 2)


def test_only_reviewers_try_terms_and_clients_see_no_trial(scene):
    trial = waiting(scene)
    cast = scene.cast
    for principal in (cast.as_finn, cast.as_ada, cast.as_alice):
        with pytest.raises(NotPermitted):
            services.start_trial(principal=principal, changes={}, since=SINCE, until=UNTIL, now=AFTER)
        with pytest.raises(NotPermitted):
            services.cancel_trial(principal=principal, trial_id=trial.pk, now=AFTER)
    with pytest.raises(NotFoundOrHidden):
        trial_of(cast.as_alice, trial.pk)
    assert trial_of(cast.as_ada, trial.pk) == trial


def test_the_beat_runs_what_waits_and_a_broken_trial_stops_no_other(scene, monkeypatch):
    broken, sound = waiting(scene), waiting(scene, {"window_days": 2})
    real = services.run_trial

    def run(*, trial_id, **fields):
        if trial_id == broken.pk:
            raise RuntimeError("broken")
        return real(trial_id=trial_id, **fields)

    monkeypatch.setattr(services, "run_trial", run)

    assert tasks.run_trials() == 4
    sound.refresh_from_db()
    assert (sound.state, sound.differing) == ("done", 1)
    assert decisions_of(sound).count() == sound.total == 4
