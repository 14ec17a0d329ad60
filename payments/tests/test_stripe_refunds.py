"""What Stripe tells of disputes and refunds, beside and after what its answers said."""

import itertools
from datetime import timedelta

import pytest
from django.db import connection

from payments import services
from payments.models import Break, Payment, ProviderEvent, Transfer
from payments.tests.hearing import LATER, captured, hear, keep
from payments.tests.scenes import counters_of, look_after, ready_payout, send, state_of, told, violated

pytestmark = pytest.mark.django_db(transaction=True)


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


def test_a_refund_on_its_way_is_looked_up_until_it_arrived(stripe, stage):
    _, payment = captured(stripe, stage)
    payout = ready_payout(payment)
    stripe.new_refund = {"status": "pending", "pending_reason": "insufficient_funds"}
    send(LATER)
    assert state_of(payout) == "accepted"

    stripe.refunds()[0]["status"] = "succeeded"
    look_after(LATER + timedelta(minutes=1))

    assert state_of(payout) == "settled"


def test_a_second_lost_dispute_is_left_to_finance_and_not_forgotten(stripe, stage):
    """A payment is charged back once; what a further dispute took must be seen by somebody."""
    intent, payment = captured(stripe, stage)
    first = stripe.closes(stripe.dispute(intent, 40000), "lost")
    assert hear(first) == ["charged_back"]
    assert hear(stripe.told("charge.dispute.updated", first["data"]["object"])) == ["nothing"]

    (refused,) = hear(stripe.closes(stripe.dispute(intent, 10000), "lost"))

    assert refused.startswith("Contradiction")
    payment.refresh_from_db()
    assert payment.charged_back_minor == 40000


def test_a_refund_that_somebody_made_at_stripe_halts_sending_when_it_is_told(stripe, stage):
    """By hand in Stripe's own pages: no payout of ours orders it."""
    intent, payment = captured(stripe, stage)
    waiting = ready_payout(payment)
    stripe.refund("dashboard", {"payment_intent": intent["id"], "amount": "500"})

    assert hear(stripe.events[-1]) == ["not_ordered"]

    found = Break.objects.get()
    assert (found.kind, found.payment_id, found.amount_minor) == ("theirs_only", payment.pk, 500)
    assert (violated(LATER), send(LATER), state_of(waiting)) == (["I14"], 0, "ready")
    services.reconcile(rail="stripe", now=LATER + timedelta(hours=1))
    assert Break.objects.get() == found


def test_a_second_refund_of_one_payout_halts_sending_when_it_is_told(stripe, stage):
    intent, payment = captured(stripe, stage)
    payout = ready_payout(payment)
    send(LATER)
    order = {"payment_intent": intent["id"], "amount": "10000", "metadata": {"payout": str(payout.pk)}}
    stripe.refund("again", order)

    assert hear(*stripe.events[-2:]) == ["settled", "second_time"]

    found = Break.objects.get()
    assert (found.kind, found.payout_id) == ("theirs_only", payout.pk)
    assert (violated(LATER), counters_of(payment)) == (["I14"], (0, 10000))


def test_a_provider_that_asks_to_wait_gets_one_call_and_no_burst(stripe, stage):
    _, payment = captured(stripe, stage)
    payouts = [ready_payout(payment, "10.00") for _ in range(4)]
    stripe.tell("*", submit="429")
    before = len(stripe.calls)

    send(LATER)
    send(LATER + timedelta(seconds=29))

    assert ({state_of(payout) for payout in payouts}, len(stripe.calls) - before) == ({"ready"}, 1)
    send(LATER + timedelta(seconds=30))
    assert {state_of(payout) for payout in payouts} == {"settled"}
