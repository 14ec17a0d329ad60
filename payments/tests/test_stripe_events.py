"""Events of Stripe that cannot be worked off, and those that never came."""

from datetime import timedelta

import pytest
import time_machine

from contracts.tests.cast import NOW, stage_named
from kernel.errors import NotPermitted
from payments import services, tasks
from payments.models import Payment, ProviderEvent, Reconciliation
from payments.services import provider_events, stripe_events
from payments.tests.hearing import LATER, hear, keep
from payments.tests.scenes import violated

pytestmark = pytest.mark.django_db(transaction=True)


def poison(stripe, stage, kind):
    intent = stripe.paid(100000, stage=str(stage.pk))
    change = {
        "unknown status": {"status": "teleported"},
        "other mode": {"livemode": True},
        "more than the stage": {"amount_received": 100001},
        "other currency": {"currency": "usd"},
        "no amount": {"amount_received": None},
    }[kind]
    intent.update(change)
    return stripe.events[-1]


@pytest.mark.parametrize(
    "kind", ["unknown status", "other mode", "more than the stage", "other currency", "no amount"]
)
def test_what_cannot_be_true_is_tried_again_given_up_and_left_to_finance(stripe, stage, kind):
    event = poison(stripe, stage, kind)
    keep(event)
    at, tries = LATER, 0
    while ProviderEvent.objects.filter(given_up_at=None).exists() and tries < 20:
        tries += services.work_provider_events(now=at)
        at += timedelta(hours=5)

    row = ProviderEvent.objects.get()
    assert (tries, row.attempts) == (provider_events.TRIES_MAX, provider_events.TRIES_MAX)
    assert row.last_error
    assert not Payment.objects.filter(status="captured").exists()
    assert "I20" in violated(at)


def test_a_poisoned_event_does_not_hold_up_the_others(stripe, contract, stage):
    event = poison(stripe, stage, "unknown status")
    other = stripe.paid(50000, stage=str(stage_named(contract, "S2").pk))

    hear(event, *stripe.events[2:])

    assert Payment.objects.get().provider_reference == other["id"]


def test_a_program_fault_in_one_event_does_not_hold_up_the_others(stripe, stage, monkeypatch):
    def broken(told, now):
        raise ZeroDivisionError

    monkeypatch.setitem(stripe_events._WORK, "hologram", broken)
    bad = stripe.told("hologram.created", {"object": "hologram", "id": "ho_1"})
    stripe.paid(100000, stage=str(stage.pk))

    outcomes = hear(bad, *stripe.events[1:])

    assert outcomes[0].startswith("ZeroDivisionError")
    assert outcomes[-1] == "captured"


def test_while_stripe_is_silent_nothing_counts_against_an_event(stripe, stage):
    intent = stripe.paid(100000, stage=str(stage.pk))
    event = stripe.events[-1]
    for minute in range(12):
        stripe.tell(intent["id"], retrieve="503")
        hear(event, at=LATER + timedelta(minutes=5 * minute))
    row = ProviderEvent.objects.get()
    assert (row.attempts, row.worked_at) == (0, None)

    assert hear(event, at=LATER + timedelta(days=2)) == ["captured"]


def test_finance_lets_an_event_be_tried_again_or_sets_it_aside(stripe, stage, cast):
    event = poison(stripe, stage, "unknown status")
    hear(event)
    row = ProviderEvent.objects.get()
    with pytest.raises(NotPermitted):
        services.try_event_again(principal=cast.as_arno, event_id=row.pk, now=LATER)
    stripe.things[event["data"]["object"]["id"]]["status"] = "succeeded"

    services.try_event_again(principal=cast.as_finn, event_id=row.pk, now=LATER)
    services.work_provider_events(now=LATER)

    row.refresh_from_db()
    assert row.outcome == "captured"


def test_an_event_set_aside_stays_with_who_did_it_and_why(stripe, stage, cast):
    hear(poison(stripe, stage, "unknown status"))
    row = ProviderEvent.objects.get()

    services.set_event_aside(principal=cast.as_finn, event_id=row.pk, note="A test of the shop.", now=LATER)

    row.refresh_from_db()
    assert (row.outcome, row.set_aside_by, row.note) == ("set_aside", cast.finn, "A test of the shop.")
    assert services.work_provider_events(now=LATER + timedelta(days=1)) == 0
    assert violated(LATER + timedelta(days=1)) == []


def test_events_that_never_arrived_are_fetched(stripe, stage):
    intent = stripe.paid(100000, stage=str(stage.pk))
    for _ in range(120):
        stripe.paid(100)

    assert services.keep_missed_events(now=LATER) == 121
    assert services.keep_missed_events(now=LATER) == 0
    services.work_provider_events(now=LATER, batch_max=300)

    assert Payment.objects.get().provider_reference == intent["id"]


def test_events_of_the_other_mode_are_not_fetched(stripe, stage):
    stripe.livemode = True
    stripe.paid(100000, stage=str(stage.pk))

    assert services.keep_missed_events(now=LATER) == 0


def test_nothing_is_fetched_while_stripe_is_silent(stripe, stage, settings):
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"

    assert services.keep_missed_events(now=LATER) == 0


def test_an_event_that_comes_after_a_restore_does_not_hide_those_that_the_backup_lacks(
    stripe, stage, settings
):
    """Stripe delivered a payment's event before the restore and will not do so again."""
    settings.PAYOUT_RAILS = ["stripe"]
    stripe.clock = NOW
    intent = stripe.paid(100000, stage=str(stage.pk))
    restored = NOW + timedelta(hours=6)
    Reconciliation.objects.create(
        rail="stripe", since=NOW, started_at=NOW, ended_at=NOW, database="before the restore"
    )
    stripe.clock = restored
    stripe.paid(100)
    keep(stripe.events[-1], restored)

    with time_machine.travel(restored, tick=False):
        tasks.reconcile_rails()
    services.work_provider_events(now=restored, batch_max=300)

    assert Payment.objects.get().provider_reference == intent["id"]


def test_a_listed_event_that_is_none_holds_up_no_other(stripe, stage):
    stripe.paid(100000, stage=str(stage.pk))
    stripe.told("refund.updated", {"object": "refund", "id": "re_1"})["livemode"] = None

    assert services.keep_missed_events(now=LATER) == 1
