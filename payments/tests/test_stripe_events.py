"""What Stripe tells: payments, disputes, refunds; twice, late, in any order, and what cannot be true."""

import itertools
import json
from datetime import UTC, datetime, timedelta

import pytest

from accounts.principals import SYSTEM
from contracts.tests.cast import NOW, stage_named
from kernel.errors import NotPermitted
from payments import services
from payments.gateways.stripe import StripeGateway, StripeReader
from payments.gateways.stripe.client import EndingConnection
from payments.models import Break, Payment, ProviderEvent, Transfer
from payments.services import doubts, provider_events, sending, stripe_events
from payments.tests.scenes import counters_of, eur, look_after, ready_payout, send, state_of, told, violated
from tests.fake_stripe.running import fake_stripe

pytestmark = pytest.mark.django_db(transaction=True)
LATER = NOW + timedelta(minutes=5)


@pytest.fixture
def stripe(settings, monkeypatch):
    connection = EndingConnection(connect_ms=2000, silence_ms=400, whole_ms=1500)
    quick = StripeGateway(connection)
    for room in (sending, doubts):
        monkeypatch.setattr(room, "gateway_of", lambda rail: quick)
    monkeypatch.setattr(stripe_events, "READER", StripeReader(connection))
    with fake_stripe(NOW, settings) as book:
        yield book


@pytest.fixture
def stage(contract):
    return stage_named(contract, "S1")


def keep(event, at=LATER):
    """Keep an event as the door does; True if it is new."""
    body = json.dumps(event).encode()
    return services.keep_event(
        provider="stripe", external_id=event["id"], type=event["type"], body=body, now=at
    )


def hear(*events, at=LATER):
    """Keep events and work them off; give what came of each."""
    for event in events:
        keep(event, at)
    services.work_provider_events(now=at)
    rows = {row.external_id: row for row in ProviderEvent.objects.all()}
    return [rows[event["id"]].outcome or rows[event["id"]].last_error for event in events]


def captured(stripe, stage, amount=100000):
    """A payment of a stage that was made at Stripe, told of and captured."""
    intent = stripe.paid(amount, stage=str(stage.pk))
    hear(*stripe.events)
    return intent, Payment.objects.get(provider_reference=intent["id"])


# Payments


def test_a_payment_made_at_stripe_is_captured_at_the_time_of_stripe(stripe, stage):
    _, payment = captured(stripe, stage)

    assert (payment.status, payment.method, payment.rail) == ("captured", "card", "stripe")
    assert (payment.stage, payment.amount_minor) == (stage, 100000)
    assert payment.captured_at == NOW
    assert violated(LATER) == []


@pytest.mark.parametrize(
    ("hours", "counts"), [(24, NOW), (25, NOW + timedelta(hours=25))], ids=["a day late", "later than a day"]
)
def test_what_is_heard_more_than_a_day_later_counts_from_when_it_was_heard(stripe, stage, hours, counts):
    intent = stripe.paid(100000, stage=str(stage.pk))
    received = NOW + timedelta(hours=hours)
    keep(stripe.events[-1], received)

    services.work_provider_events(now=received + timedelta(days=3))

    assert Payment.objects.get(provider_reference=intent["id"]).captured_at == counts


def test_events_in_any_order_and_twice_have_one_effect(stripe, contract):
    outcomes = set()
    codes = itertools.cycle(["S1", "S2"])
    for order in itertools.permutations(range(3)):
        intent = stripe.intend(100, stage=str(stage_named(contract, next(codes)).pk))
        stripe.goes(intent, "processing")
        stripe.goes(intent, "succeeded")
        mine = [event for event in stripe.events if event["data"]["object"]["id"] == intent["id"]]
        hear(*[mine[place] for place in order], *mine)
        payment = Payment.objects.get(provider_reference=intent["id"])
        outcomes.add((payment.status, payment.captured_at))
        assert Transfer.objects.filter(payment=payment).count() == 1

    assert outcomes == {("captured", NOW)}
    assert violated(LATER) == []


def test_a_payment_that_was_recorded_before_is_the_one_that_is_captured(stripe, stage):
    intent = stripe.intend(100000, stage=str(stage.pk))
    recorded = services.record_payment(
        principal=SYSTEM,
        stage_id=stage.pk,
        amount=eur("1000.00"),
        method="card",
        rail="stripe",
        provider_reference=intent["id"],
        now=NOW,
    )
    event = stripe.goes(intent, "succeeded")

    assert hear(event) == ["captured"]
    recorded.refresh_from_db()
    assert recorded.status == "captured"


def test_a_promised_payment_is_authorised_and_a_given_up_one_fails(stripe, stage):
    intent = stripe.intend(100000, stage=str(stage.pk))

    assert hear(stripe.goes(intent, "requires_capture")) == ["authorised"]
    assert hear(stripe.goes(intent, "canceled", cancellation_reason="abandoned")) == ["failed"]
    payment = Payment.objects.get()
    assert (payment.status, payment.status_reason) == ("failed", "abandoned")


def test_a_payment_whose_first_try_failed_may_still_come(stripe, stage):
    intent = stripe.intend(100000, stage=str(stage.pk))
    hear(stripe.goes(intent, "processing"))
    error = {"code": "insufficient_funds"}

    assert hear(stripe.goes(intent, "requires_payment_method", last_payment_error=error)) == ["failed"]
    assert hear(stripe.goes(intent, "succeeded")) == ["captured"]
    assert sorted(Payment.objects.values_list("status", "provider_reference")) == [
        ("captured", intent["latest_charge"]),
        ("failed", intent["id"]),
    ]


def test_what_is_not_ours_is_left_alone(stripe, stage):
    stripe.paid(100000)
    stripe.paid(100000, stage="basement")
    thing = {"object": "customer", "id": "cus_1"}
    stripe.told("customer.created", thing)
    stripe.told("invented.next.year", {"object": "hologram", "id": "ho_1"})

    outcomes = hear(*stripe.events)

    assert set(outcomes) == {"not_ours", "ignored"}
    assert not Payment.objects.exists()


def test_an_object_that_is_gone_ends_its_event(stripe, stage):
    intent = stripe.paid(100000, stage=str(stage.pk))
    del stripe.things[intent["id"]]

    assert hear(stripe.events[-1]) == ["gone"]


# What cannot be worked off


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


# Disputes


def test_a_dispute_stops_refunds_and_a_won_one_lets_them_go(stripe, stage):
    intent, payment = captured(stripe, stage)
    payout = ready_payout(payment)
    dispute = stripe.dispute(intent)
    assert hear(stripe.events[-1]) == ["disputed"]
    assert send(LATER) == 0

    assert hear(stripe.closes(dispute, "won")) == ["dispute_won"]
    send(LATER)

    assert state_of(payout) == "settled" or state_of(payout) == "accepted"


def test_a_lost_dispute_is_a_chargeback_and_cancels_what_is_ready(stripe, stage):
    intent, payment = captured(stripe, stage)
    payout = ready_payout(payment)
    dispute = stripe.dispute(intent, 40000)

    assert hear(stripe.closes(dispute, "lost")) == ["charged_back"]

    payment.refresh_from_db()
    assert (payment.status, payment.charged_back_minor) == ("charged_back", 40000)
    assert state_of(payout) == "cancelled"


def test_a_chargeback_after_a_refund_leaves_a_break(stripe, stage):
    intent, payment = captured(stripe, stage)
    ready_payout(payment, "700.00")
    send(LATER)
    dispute = stripe.dispute(intent, 40000)

    hear(stripe.closes(dispute, "lost"))

    assert Break.objects.get().kind == "double_return"
    assert "I01" not in violated(LATER)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_a_dispute_told_in_any_order_ends_as_it_stands(stripe, stage, order):
    intent = stripe.paid(100000, stage=str(stage.pk))
    succeeded = stripe.events[-1]
    dispute = stripe.dispute(intent)
    opened = stripe.events[-1]
    lost = stripe.closes(dispute, "lost")
    events = [succeeded, opened, lost]

    for step in range(3):
        hear(*[events[place] for place in order], at=LATER + timedelta(hours=step))

    assert Payment.objects.get().status == "charged_back"
    assert not ProviderEvent.objects.filter(worked_at=None).exists()


def test_an_unknown_status_of_a_dispute_changes_nothing(stripe, stage):
    intent, payment = captured(stripe, stage)
    stripe.dispute(intent, status="arbitrated_by_oracle")

    [outcome] = hear(stripe.events[-1])

    assert outcome.startswith("Contradiction")
    payment.refresh_from_db()
    assert payment.status == "captured"


# Refunds


def test_a_refund_that_fails_days_after_it_succeeded_is_owed_again(stripe, stage):
    _, payment = captured(stripe, stage)
    payout = ready_payout(payment)
    send(LATER)
    assert state_of(payout) == "settled"
    [refund] = stripe.refunds()

    stripe.ends(refund, "failed", "expired_or_canceled_card")
    hear(*stripe.events, at=LATER + timedelta(days=5))

    assert state_of(payout) == "returned"
    assert counters_of(payment) == (10000, 0)
    assert "returned" in told(payout)
    assert violated(LATER) == []


def test_a_message_that_comes_before_the_answer_books_once(stripe, stage):
    _, payment = captured(stripe, stage)
    payout = ready_payout(payment)

    def first():
        stripe.before_answer = None
        for event in stripe.events:
            keep(event)
        services.work_provider_events(now=LATER)
        from django.db import connection

        connection.close()

    stripe.before_answer = first
    send(LATER)

    assert state_of(payout) == "settled"
    assert told(payout).count("accepted") == told(payout).count("settled") == 1
    assert Transfer.objects.filter(key=f"payout:{payout.pk}").count() == 1
    assert violated(LATER) == []


@pytest.mark.parametrize("status", ["pending", "succeeded", "failed"])
def test_a_message_finds_a_payout_whose_answer_was_lost(stripe, stage, status):
    intent, payment = captured(stripe, stage)
    payout = ready_payout(payment)
    stripe.new_refund = {"status": status}
    stripe.tell(intent["id"], submit="timeout_done")
    send(LATER)
    assert state_of(payout) == "unknown"

    hear(*stripe.events)

    assert state_of(payout) == {"pending": "accepted", "succeeded": "settled", "failed": "failed"}[status]


def test_another_amount_than_ordered_is_never_booked(stripe, stage):
    intent, payment = captured(stripe, stage)
    payout = ready_payout(payment)
    stripe.tell(intent["id"], submit="timeout_done")
    send(LATER)
    stripe.refunds()[0]["amount"] = 9999

    hear(*stripe.events)

    assert state_of(payout) == "manual"
    assert Break.objects.get().kind == "different"
    assert counters_of(payment) == (10000, 0)


def test_somebody_elses_refund_is_left_to_the_comparison_of_the_books(stripe, stage):
    intent, _ = captured(stripe, stage)
    stripe.refund("dashboard", {"payment_intent": intent["id"], "amount": "500"})

    assert hear(stripe.events[-1]) == ["not_ours"]
    services.reconcile(rail="stripe", now=LATER + timedelta(hours=1))

    assert Break.objects.get().kind == "theirs_only"
    assert "I14" in violated(LATER)


# What did not arrive


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

    assert services.keep_missed_events(now=datetime(2026, 6, 1, tzinfo=UTC)) == 0


def test_a_refund_on_its_way_is_looked_up_until_it_arrived(stripe, stage):
    _, payment = captured(stripe, stage)
    payout = ready_payout(payment)
    stripe.new_refund = {"status": "pending", "pending_reason": "insufficient_funds"}
    send(LATER)
    assert state_of(payout) == "accepted"

    stripe.refunds()[0]["status"] = "succeeded"
    look_after(LATER + timedelta(minutes=1))

    assert state_of(payout) == "settled"
