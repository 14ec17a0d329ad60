"""What Stripe tells of payments: captured at its time, once, in any order."""

import itertools
from datetime import timedelta

import pytest

from accounts.principals import SYSTEM
from contracts.tests.cast import NOW, stage_named
from kernel.errors import InvalidInput
from payments import services
from payments.models import Payment, Transfer
from payments.services import stripe_events
from payments.tests.hearing import LATER, captured, hear, keep
from payments.tests.scenes import eur, pending_payment, violated

pytestmark = pytest.mark.django_db(transaction=True)


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


def test_a_process_that_looked_before_another_one_recorded_makes_no_second_payment(
    stripe, stage, monkeypatch
):
    """Both find no payment of the intent; what the slower one does then is tried again and finds it."""
    intent = stripe.intend(50000, stage=str(stage.pk))
    event = stripe.goes(intent, "succeeded")
    real = stripe_events._payment_of
    monkeypatch.setattr(stripe_events, "_payment_of", lambda intent: None)
    services.record_payment(
        principal=SYSTEM, stage_id=stage.pk, amount=eur("500.00"), method="card", rail="stripe",
        provider_reference=intent["id"], now=NOW,
    )  # fmt: skip

    (refused,) = hear(event)

    assert refused.startswith("provider_reference_known")
    assert Payment.objects.get().status == "pending"
    monkeypatch.setattr(stripe_events, "_payment_of", real)
    assert hear(event, at=LATER + timedelta(minutes=1)) == ["captured"]
    assert Payment.objects.get().status == "captured"


def test_a_second_try_without_a_charge_waits_for_its_name(stripe, stage):
    intent = stripe.intend(50000, stage=str(stage.pk))
    hear(stripe.goes(intent, "processing"))
    hear(stripe.goes(intent, "requires_payment_method", last_payment_error={"code": "declined"}))

    (refused,) = hear(stripe.goes(intent, "processing", latest_charge=None))

    assert refused.startswith("NotYet")
    assert Payment.objects.get().status == "failed"


@pytest.mark.parametrize("name", ["", "  ", "in_1", "pi_", "pi 1"])
def test_a_card_payment_is_not_recorded_without_the_name_that_stripe_knows_it_by(stripe, stage, name):
    """Stripe's event would not find it, and the money would be captured twice."""
    with pytest.raises(InvalidInput) as caught:
        services.record_payment(
            principal=SYSTEM, stage_id=stage.pk, amount=eur("500.00"), method="card",
            provider_reference=name, now=NOW,
        )  # fmt: skip

    assert [fault.path for fault in caught.value.faults] == ["provider_reference"]


def test_what_may_be_a_payment_without_a_name_is_left_to_people(stripe, stage):
    """A payment that was recorded before names were asked for."""
    old = pending_payment(stage.contract, amount="400.00", method="card", provider_reference="pi_old")
    Payment.objects.filter(pk=old.pk).update(provider_reference="")
    event = stripe.goes(stripe.intend(40000, stage=str(stage.pk)), "succeeded")

    (refused,) = hear(event)

    assert refused.startswith("Contradiction")
    assert old.number in refused
    services.void_payment(principal=SYSTEM, payment_id=old.pk, now=LATER)
    assert hear(event, at=LATER + timedelta(minutes=1)) == ["captured"]
