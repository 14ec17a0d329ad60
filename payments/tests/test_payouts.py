"""Payouts through the sandbox: three phases, and every way a provider can go wrong."""

from datetime import timedelta

import pytest
from django.db import transaction

from contracts.tests.cast import NOW
from kernel.money import Money
from payments import checks, ledger
from payments.gateways import PayoutOrder
from payments.gateways.sandbox import SandboxGateway
from payments.models import Break, Payout, PayoutAttempt, SandboxRefund, Transfer
from payments.services import book_answer, dispute_payment, leave_break, resolve_dispute, send_due_payouts
from payments.services.sending import claim_next, due_payouts, send_claim
from payments.tests.scenes import (
    LATER,
    answer,
    captured_payment,
    counters_of,
    eur,
    fault,
    look_after,
    ready_payout,
    send,
    settle,
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
    for hours in range(1, 21):
        look_after(NOW + timedelta(hours=hours))
    assert (state_of(broken), state_of(fine)) == ("manual", "settled")


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


def test_the_same_answers_in_any_order_and_number_book_once(payment, payout):
    claim = claim_next(NOW)
    send_claim(claim, NOW)

    for kind in ("settled", "accepted", "unknown", "none", "settled", "failed"):
        book_answer(payout_id=payout.pk, answer=answer(kind, code="not_listed"), now=LATER)
        book_answer(payout_id=payout.pk, answer=answer(kind, code="not_listed"), now=LATER)

    assert Transfer.objects.filter(key=f"payout:{payout.pk}").count() == 1
    assert Transfer.objects.filter(key=f"return:{payout.pk}").count() == 1
    assert state_of(payout) == "returned"


def test_a_difference_found_while_the_money_is_checked_is_not_covered_by_that_check(payment, monkeypatch):
    """The check reads the books before the difference is there, and ends after it was told."""
    real = checks.find_violations

    def slow(now, **more):
        found = list(real(now, **more))
        if not Break.objects.exists():
            leave_break(kind="different", amount=eur("1.00"), now=NOW)
        return found

    monkeypatch.setattr(checks, "find_violations", slow)
    monkeypatch.setattr(checks.transaction, "on_commit", lambda work: work())

    checks.money_is_safe(NOW)

    assert not checks.money_is_safe(NOW)
