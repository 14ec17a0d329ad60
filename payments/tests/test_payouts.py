"""Payouts through the sandbox: three phases, and every way a provider can go wrong."""

from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.tests.cast import NOW
from events.models import Event
from kernel.money import Money
from payments import checks, ledger
from payments.gateways import AnswerKind, GatewayAnswer, PayoutOrder
from payments.gateways.sandbox import SandboxGateway
from payments.models import Break, FaultKind, Payout, PayoutAttempt, SandboxFault, SandboxRefund, Transfer
from payments.services import book_answer, dispute_payment, resolve_dispute, send_due_payouts
from payments.services.doubts import KEY_LIVES
from payments.services.sending import claim_next, due_payouts, send_claim
from payments.tests.scenes import (
    LATER,
    captured_payment,
    fault,
    look_after,
    ready_payout,
    send,
    settle,
    violated,
)


@pytest.fixture
def payment(contract):
    return captured_payment(contract)


@pytest.fixture
def payout(payment):
    return ready_payout(payment, "100.00")


def state_of(payout):
    payout.refresh_from_db()
    return payout.state


def counters_of(payment):
    payment.refresh_from_db()
    return payment.reserved_minor, payment.refunded_minor


def told(payout):
    events = Event.objects.filter(subject_id=payout.pk).order_by("at", "id")
    return [event.type.removeprefix("payout.") for event in events]


def answer(kind, **fields):
    return GatewayAnswer(kind=AnswerKind(kind), **fields)


def test_a_payout_is_sent_and_arrives(payment, payout):
    assert send() == 1
    assert state_of(payout) == "accepted"
    assert counters_of(payment) == (0, 10000)
    look_after(NOW + timedelta(seconds=10))

    assert state_of(payout) == "settled"
    line = SandboxRefund.objects.get()
    assert (line.key, payout.provider_reference) == (payout.pk.hex, str(line.pk))
    assert told(payout) == ["submitted", "accepted", "settled"]
    assert [(row.kind, row.result) for row in PayoutAttempt.objects.all()] == [
        ("submit", "accepted"),
        ("look_up", "settled"),
    ]
    assert ledger.balances()["cash:sandbox:EUR"].text == "900.00"
    assert violated(LATER) == []


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


@pytest.mark.parametrize("kind", ["timeout_done", "timeout_not_done", "error_done", "error_not_done"])
def test_a_lost_answer_is_a_doubt_and_never_a_failure(payment, payout, kind):
    fault(kind)

    send()
    assert state_of(payout) == "unknown"
    assert counters_of(payment) == (10000, 0)
    look_after(NOW + timedelta(minutes=1))

    assert state_of(payout) in ("accepted", "settled")
    assert counters_of(payment) == (0, 10000)
    assert SandboxRefund.objects.count() == 1
    assert violated(LATER) == []


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


@pytest.mark.parametrize(
    ("code", "state"),
    [("account_closed", "failed"), ("declined", "failed"), ("weird_new_code", "unknown"), ("", "unknown")],
)
def test_only_a_listed_code_proves_that_no_money_moved(payment, payout, code, state):
    fault("refuse", code=code)

    send()

    assert state_of(payout) == state
    assert counters_of(payment) == (10000, 0)
    assert violated(LATER) == []


def test_a_payout_that_was_told_to_wait_is_ready_again_later(payout):
    fault("wait")

    assert send() == 1
    assert state_of(payout) == "ready"
    assert payout.not_before == NOW + timedelta(seconds=30)
    assert send(NOW + timedelta(seconds=29)) == 0
    assert send(NOW + timedelta(seconds=30)) == 1

    assert state_of(payout) == "accepted"
    assert told(payout) == ["submitted", "deferred", "submitted", "accepted"]


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


@pytest.mark.parametrize(("kind", "state"), [("fail_later", "failed"), ("return_later", "returned")])
def test_money_that_comes_back_is_owed_again_and_not_resent_by_a_machine(payment, payout, kind, state):
    fault(kind, code="account_closed")

    settle()
    send(LATER)
    look_after(LATER)

    assert state_of(payout) == state
    assert payout.failure_code == "account_closed"
    assert counters_of(payment) == (10000, 0)
    assert ledger.balances()["cash:sandbox:EUR"].text == "1000.00"
    assert ledger.balances()["refunds_payable:EUR"].text == "-100.00"
    assert Payout.objects.count() == 1
    assert [found for found in violated(LATER) if found != "I14"] == []


def test_a_settled_payout_can_still_be_returned_days_later(payment, payout):
    settle()

    book_answer(payout_id=payout.pk, answer=answer("returned", code="closed"), now=NOW + timedelta(days=5))

    assert state_of(payout) == "returned"
    assert counters_of(payment) == (10000, 0)
    assert told(payout)[-1] == "returned"


def test_another_amount_is_never_booked(payment, payout):
    fault("wrong_amount")

    send()

    assert state_of(payout) == "manual"
    assert (payout.failure_code, counters_of(payment)) == ("amount_differs", (10000, 0))
    found = Break.objects.get()
    assert (found.kind, found.detail["theirs"]["amount"]) == ("different", "99.99")
    assert violated(LATER) == ["I14"]


def test_a_contradiction_changes_no_money_and_leaves_one_break(payment, payout):
    fault("refuse", code="declined")
    send()

    for _ in range(3):
        book_answer(payout_id=payout.pk, answer=answer("accepted"), now=LATER)

    assert state_of(payout) == "failed"
    assert counters_of(payment) == (10000, 0)
    assert Break.objects.get().kind == "theirs_only"


def test_a_paid_payout_that_the_provider_does_not_know_becomes_a_break(payout):
    send()
    SandboxRefund.objects.all().delete()

    look_after(NOW + timedelta(seconds=10))

    assert state_of(payout) == "accepted"
    assert Break.objects.get().kind == "ours_only"
    assert violated(LATER) == ["I15"]


def test_the_sandbox_executes_a_key_once(payout):
    order = PayoutOrder(
        key=payout.pk,
        amount=Money(10000, "EUR"),
        request_id=payout.request_id,
        payment_reference="",
        destination_id=None,
    )
    gateway = SandboxGateway()

    answers = {gateway.submit(order, now=NOW).reference for _ in range(3)}

    assert len(answers) == SandboxRefund.objects.count() == 1


def test_a_payment_in_dispute_is_skipped_and_sent_once_it_is_won(cast, payment, payout):
    dispute_payment(principal=cast.as_finn, payment_id=payment.pk, now=NOW)
    assert send() == 0

    resolve_dispute(principal=cast.as_finn, payment_id=payment.pk, now=NOW)

    assert send() == 1


def test_a_payout_in_doubt_is_not_sent_again_while_its_payment_is_disputed(cast, payment, payout):
    fault("timeout_not_done")
    send()
    dispute_payment(principal=cast.as_finn, payment_id=payment.pk, now=NOW)

    look_after(LATER)

    assert state_of(payout) == "unknown"
    assert (payout.attempts_made, SandboxRefund.objects.count()) == (1, 0)


def test_the_oldest_payout_goes_first_and_at_most_so_many(contract, payment):
    payouts = [ready_payout(payment, "1.00") for _ in range(3)]
    assert send_due_payouts(now=NOW, batch_max=2) == 2

    assert [state_of(payout) for payout in payouts] == ["accepted", "accepted", "ready"]


def test_nothing_is_sent_while_a_safety_invariant_is_violated(payment, payout):
    SandboxRefund.objects.create(key="f" * 32, amount_minor=1, currency="EUR", created_at=NOW, ends_at=NOW)

    assert send() == 0
    assert state_of(payout) == "ready"
    SandboxRefund.objects.all().delete()
    assert send() == 1


def test_a_payout_in_doubt_is_looked_up_but_not_sent_again_while_money_is_not_safe(payout, monkeypatch):
    fault("timeout_not_done")
    send()
    monkeypatch.setattr("payments.services.doubts.money_is_safe", lambda now: False)

    look_after(LATER)

    assert state_of(payout) == "unknown"
    assert payout.attempts_made == 1


def test_what_is_late_alarms_but_does_not_stop_the_sender(payment):
    old = ready_payout(payment, "1.00", at=NOW - timedelta(days=2))

    assert violated() == ["I12"]
    assert send() == 1
    assert state_of(old) == "accepted"


def test_a_clean_check_counts_for_a_while_and_a_violation_never(payment, monkeypatch):
    asked = []
    real = checks.find_violations
    monkeypatch.setattr(checks, "find_violations", lambda *a, **k: asked.append(1) or real(*a, **k))

    assert [checks.money_is_safe(NOW) for _ in range(3)] == [True] * 3
    assert len(asked) == 1


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


def test_a_call_that_breaks_leaves_a_doubt_and_the_others_go_on(payment, monkeypatch):
    broken, fine = ready_payout(payment, "1.00"), ready_payout(payment, "2.00")
    real = SandboxGateway.submit

    def submit(self, order, *, now):
        if order.key == broken.pk:
            raise RuntimeError("half an answer")
        return real(self, order, now=now)

    monkeypatch.setattr(SandboxGateway, "submit", submit)

    assert send() == 2

    assert (state_of(broken), state_of(fine)) == ("unknown", "accepted")
    assert PayoutAttempt.objects.get(payout=broken).detail == "RuntimeError"


def test_a_lease_that_ended_is_a_doubt_by_the_clock_of_the_database(payout):
    claim_next(NOW)
    look_after(NOW + timedelta(days=400))
    assert state_of(payout) == "submitting"

    Payout.objects.filter(pk=payout.pk).update(lease_until=NOW - timedelta(days=400))
    look_after(NOW)

    assert state_of(payout) == "accepted"
    assert told(payout) == ["submitted", "unknown", "submitted", "accepted"]
    assert PayoutAttempt.objects.order_by("id").first().ended_at is None


def test_payouts_of_the_manual_rail_go_to_finance(contract):
    payout = ready_payout(captured_payment(contract, rail="manual"), "1.00")
    assert not due_payouts(NOW).exists()

    send()

    assert state_of(payout) == "manual"
    assert SandboxRefund.objects.count() == 0


def test_no_gateway_is_called_inside_a_transaction(payout):
    with transaction.atomic():
        claim = None
        with pytest.raises(RuntimeError, match="durable"):
            claim = claim_next(NOW)
        assert claim is None


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
    for hours in range(1, 30):
        send(now + timedelta(hours=hours))
        look_after(now + timedelta(hours=hours))

    assert state_of(payout) in ("settled", "failed", "returned", "manual")
    assert [found for found in violated(now) if found != "I12"] == []


def test_the_same_answers_in_any_order_and_number_book_once(payment, payout):
    claim = claim_next(NOW)
    send_claim(claim, NOW)

    for kind in ("settled", "accepted", "unknown", "none", "settled", "failed"):
        book_answer(payout_id=payout.pk, answer=answer(kind, code="not_listed"), now=LATER)
        book_answer(payout_id=payout.pk, answer=answer(kind, code="not_listed"), now=LATER)

    assert Transfer.objects.filter(key=f"payout:{payout.pk}").count() == 1
    assert Transfer.objects.filter(key=f"return:{payout.pk}").count() == 1
    assert state_of(payout) == "returned"
