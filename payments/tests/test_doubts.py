"""Payouts in doubt: looked up before anything else, sent again only under the same young key."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.tests.cast import NOW
from payments.models import FaultKind, Payout, PayoutAttempt, SandboxFault, SandboxRefund, Transfer
from payments.services import book_answer, dispute_payment
from payments.services.doubts import KEY_LIVES
from payments.services.sending import claim_next
from payments.tests.scenes import (
    LATER,
    answer,
    captured_payment,
    counters_of,
    fault,
    look_after,
    ready_payout,
    send,
    state_of,
    told,
    violated,
)


@pytest.fixture
def payment(contract):
    return captured_payment(contract)


@pytest.fixture
def payout(payment):
    return ready_payout(payment, "100.00")


def test_the_key_is_the_payouts_id_in_every_try(payout):
    fault("timeout_not_done")
    send()
    fault("look_up_lost")
    look_after(NOW + timedelta(seconds=10))
    look_after(NOW + timedelta(minutes=10))

    assert state_of(payout) == "accepted"
    assert payout.attempts_made == 2
    assert SandboxRefund.objects.get().key == payout.pk.hex
    assert payout.key_first_used_at == NOW


def test_a_look_up_comes_before_every_resend(payout):
    fault("timeout_not_done")
    send()

    look_after(NOW + timedelta(minutes=1))

    kinds = list(PayoutAttempt.objects.order_by("id").values_list("kind", "result"))
    assert kinds == [("submit", "unknown"), ("look_up", "none"), ("submit", "accepted")]


def test_a_late_execution_after_a_look_up_that_found_nothing_pays_once(payout):
    fault("late")
    send()

    look_after(NOW + timedelta(seconds=10))
    look_after(NOW + timedelta(hours=1))

    assert state_of(payout) == "settled"
    assert SandboxRefund.objects.count() == 1
    assert Transfer.objects.filter(key__startswith="payout:").count() == 1


@pytest.mark.parametrize(
    ("age", "state", "attempts"),
    [(KEY_LIVES - timedelta(seconds=1), "accepted", 2), (KEY_LIVES, "manual", 1)],
)
def test_a_payout_is_sent_again_only_while_its_key_is_young(payout, age, state, attempts):
    fault("timeout_not_done")
    send()

    look_after(NOW + age)

    assert state_of(payout) == state
    assert payout.attempts_made == attempts


def test_a_doubt_without_any_answer_goes_to_a_person_in_the_end(payout):
    fault("timeout_done")
    fault("look_up_lost", calls=100)
    send()

    for hours in range(1, 30):
        look_after(NOW + timedelta(hours=hours))

    assert state_of(payout) == "manual"
    assert (payout.failure_code, payout.attempts_made) == ("key_too_old", 1)
    assert told(payout)[-1] == "manual"


def test_a_resend_that_is_told_to_wait_stays_in_doubt(payout):
    """The first call may have done it: the payout must not become one that can be cancelled."""
    fault("timeout_done")
    send()
    SandboxRefund.objects.all().delete()
    fault("wait")

    look_after(NOW + timedelta(minutes=1))

    assert state_of(payout) == "unknown"
    assert payout.next_look_up_at == NOW + timedelta(minutes=1, seconds=30)


def test_a_late_answer_to_wait_does_not_undo_a_second_try(payout):
    first = claim_next(NOW)
    Payout.objects.filter(pk=payout.pk).update(lease_until=NOW - timedelta(days=999))
    look_after(NOW + timedelta(seconds=1))
    assert state_of(payout) == "accepted"

    book_answer(
        payout_id=payout.pk, answer=answer("wait", retry_at=LATER), now=LATER, attempt_id=first.attempt_id
    )

    assert state_of(payout) == "accepted"


def test_a_payout_in_doubt_is_not_sent_again_while_its_payment_is_disputed(cast, payment, payout):
    fault("timeout_not_done")
    send()
    dispute_payment(principal=cast.as_finn, payment_id=payment.pk, now=NOW)

    look_after(LATER)

    assert state_of(payout) == "unknown"
    assert (payout.attempts_made, SandboxRefund.objects.count()) == (1, 0)


def test_a_payout_in_doubt_is_looked_up_but_not_sent_again_while_money_is_not_safe(payout, monkeypatch):
    fault("timeout_not_done")
    send()
    monkeypatch.setattr("payments.services.doubts.money_is_safe", lambda now: False)

    look_after(LATER)

    assert state_of(payout) == "unknown"
    assert payout.attempts_made == 1


def test_a_provider_that_is_down_gets_one_new_order_each_half_hour(payment):
    payouts = [ready_payout(payment, "1.00") for _ in range(20)]
    fault("timeout_not_done", calls=100)
    fault("look_up_lost", calls=1000)

    for minutes in range(0, 120, 5):
        now = NOW + timedelta(minutes=minutes)
        look_after(now)
        send(now)

    states = [state_of(payout) for payout in payouts]
    assert 3 <= states.count("unknown") <= 8
    assert states[-10:] == ["ready"] * 10


def test_a_lease_that_ended_is_a_doubt_by_the_clock_of_the_database(payout):
    claim_next(NOW)
    look_after(NOW + timedelta(days=400))
    assert state_of(payout) == "submitting"

    Payout.objects.filter(pk=payout.pk).update(lease_until=NOW - timedelta(days=400))
    look_after(NOW)

    assert state_of(payout) == "accepted"
    assert told(payout) == ["submitted", "unknown", "submitted", "accepted"]
    assert PayoutAttempt.objects.order_by("id").first().ended_at is None


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kinds=st.lists(
        st.sampled_from([kind for kind in FaultKind if kind != FaultKind.WRONG_AMOUNT]), max_size=6
    ),
    minutes=st.lists(st.integers(min_value=0, max_value=120), min_size=1, max_size=6),
)
def test_whatever_goes_wrong_a_payout_is_executed_and_booked_at_most_once(contract, kinds, minutes):
    SandboxFault.objects.all().delete()
    payment = captured_payment(contract, amount="10.00")
    payout = ready_payout(payment, "10.00")
    for kind in kinds:
        fault(kind, code="declined")
    now = NOW
    for step in minutes:
        now += timedelta(minutes=step)
        send(now)
        look_after(now)
        assert SandboxRefund.objects.filter(key=payout.pk.hex).count() <= 1
        assert Transfer.objects.filter(key=f"payout:{payout.pk}").count() <= 1
        assert sum(counters_of(payment)) == 1000
    SandboxFault.objects.all().delete()
    for hours in range(2, 32, 3):
        send(now + timedelta(hours=hours))
        look_after(now + timedelta(hours=hours))

    assert state_of(payout) in ("settled", "failed", "returned", "manual")
    assert [found for found in violated(now) if found != "I12"] == []
