"""Whatever order Stripe's messages come in, twice or late: what they end in is the same."""

import os
import random
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.tests.cast import NOW, make_cast, signed_contract, stage_named
from payments.models import Payment, ProviderEvent, Transfer
from payments.services import work_provider_events
from payments.tests.hearing import LATER, keep

pytestmark = pytest.mark.django_db(transaction=True)

AGAIN = timedelta(minutes=1)
ROUNDS = 6
PAID_AT = NOW + timedelta(minutes=2)
EXAMPLES = 200 if os.environ.get("FULL") else 5


@pytest.fixture
def stage(db):
    return stage_named(signed_contract(make_cast()), "S1")


def lived_through(stripe, stage):
    """A payment that is paid, refunded in part, disputed and lost; give every message about it."""
    before, stripe.clock = len(stripe.events), NOW
    intent = stripe.intend(1000, stage=str(stage.pk))
    stripe.goes(intent, "processing")
    stripe.clock = PAID_AT
    stripe.goes(intent, "succeeded")
    stripe.clock = LATER
    refund = stripe.refund(f"key-{intent['id']}", {"payment_intent": intent["id"], "amount": "100"})[1]
    stripe.ends(refund, "failed", "expired_or_canceled_card")
    stripe.closes(stripe.dispute(intent, 400), "lost")
    return intent, stripe.events[before:]


def ends_as(intent):
    payment = Payment.objects.get(provider_reference=intent["id"])
    transfers = Transfer.objects.filter(payment=payment).order_by("key").values_list("key", "amount_minor")
    return (
        payment.status,
        payment.charged_back_minor,
        payment.captured_at,
        [(key.partition(":")[0], amount) for key, amount in transfers],
    )


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chance=st.randoms(use_true_random=False), twice=st.booleans(), late=st.integers(0, 3))
def test_every_order_of_messages_ends_the_same(stripe, stage, chance: random.Random, twice, late):
    """Some come twice, some only after the others were worked off; a captured payment ends charged back."""
    intent, events = lived_through(stripe, stage)
    told = events * 2 if twice else list(events)
    chance.shuffle(told)
    at = LATER

    for part in (told[late:], told[:late]):
        for event in part:
            keep(event, LATER)
        for _ in range(ROUNDS):
            at += AGAIN
            work_provider_events(now=at)
            at += timedelta(hours=4)

    assert ends_as(intent) == (
        "charged_back", 400, PAID_AT, [("capture", 1000), ("chargeback", 400)],
    )  # fmt: skip
    assert not ProviderEvent.objects.filter(worked_at=None).exists()
