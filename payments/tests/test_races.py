"""
Races over money. Each has a twin that switches the protection off and has to see the race: otherwise the
test would prove nothing.
"""

import threading
import time
from contextlib import contextmanager
from functools import partial

import pytest
from django.db import transaction
from django.db.models import F, QuerySet

from accounts.principals import SYSTEM
from contracts.models import Contract, UsageRecord
from contracts.tests.cast import NOW, make_cast, signed_contract, stage_named
from events.models import Event
from kernel.errors import DomainError, StaleState
from payments.gateways import AnswerKind, GatewayAnswer
from payments.models import Payment, Payout, PayoutAttempt, SandboxRefund, Transfer
from payments.services import (
    assignment,
    book_answer,
    booking,
    cancel_payout,
    capture,
    capture_payment,
    charge_back_payment,
    coverage,
    record_usage,
    send_due_payouts,
    sending,
    usage,
)
from payments.services.coverage import PaymentAboveStage
from payments.services.sending import claim_next, claim_payout
from payments.tests.races import at_once, errors_of
from payments.tests.scenes import LATER, captured_payment, pending_payment, ready_payout, violated

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]


@pytest.fixture
def cast():
    return make_cast()


@pytest.fixture
def contract(cast):
    return signed_contract(cast)


@pytest.fixture
def payment(contract):
    return captured_payment(contract)


def move_whatever_it_is(row, expected, to, *, table, field="state", **changes):
    """Move a row without looking whether it still is where it was."""
    values = {field: to, **changes}
    type(row).objects.filter(pk=row.pk).update(**values)
    for name, value in values.items():
        setattr(row, name, value)


def slowly(real, seconds=0.01):
    """The same, after a moment in which others may come in between."""

    def work(*args, **kwargs):
        time.sleep(seconds)
        return real(*args, **kwargs)

    return work


# Several workers, one queue


def claimed_by_eight(payment, payouts):
    for _ in range(payouts):
        ready_payout(payment, "1.00")

    def work():
        claimed = []
        while (claim := claim_next(NOW)) is not None:
            claimed.append(claim.order.key)
        return claimed

    results = at_once(*[work] * 8)
    assert errors_of(results) == []
    return [key for keys in results for key in keys]


def test_eight_workers_take_each_payout_once(payment):
    claimed = claimed_by_eight(payment, 120)

    assert len(claimed) == len(set(claimed)) == 120
    assert PayoutAttempt.objects.count() == 120


def test_without_the_lock_workers_take_the_same_payout(payment, monkeypatch):
    monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, **_: rows)
    monkeypatch.setattr(sending, "move", slowly(move_whatever_it_is, 0.005))

    claimed = claimed_by_eight(payment, 40)

    assert len(claimed) > len(set(claimed))


def test_eight_workers_pay_each_payout_once(payment):
    for _ in range(40):
        ready_payout(payment, "1.00")

    results = at_once(*[partial(send_due_payouts, now=NOW)] * 8)

    assert (errors_of(results), sum(results)) == ([], 40)
    assert SandboxRefund.objects.count() == Transfer.objects.filter(key__startswith="payout:").count() == 40
    assert violated() == []


# One payout, three who tell of it


def told_by_three(payment, rounds):
    """Webhook, answer and janitor tell of the same payout at once; give what went wrong."""
    wrong = 0
    kinds = (AnswerKind.ACCEPTED, AnswerKind.SETTLED, AnswerKind.ACCEPTED)
    for _ in range(rounds):
        payout = ready_payout(payment, "1.00")
        claim_next(NOW)
        works = [
            partial(book_answer, payout_id=payout.pk, answer=GatewayAnswer(kind=kind), now=LATER)
            for kind in kinds
        ]
        failed = errors_of(at_once(*works))
        accepted = Event.objects.filter(subject_id=payout.pk, type="payout.accepted").count()
        booked = Transfer.objects.filter(key=f"payout:{payout.pk}").count()
        wrong += bool(failed) or (accepted, booked) != (1, 1)
    return wrong


def test_webhook_answer_and_janitor_book_once(payment):
    assert told_by_three(payment, 40) == 0

    assert set(Payout.objects.values_list("state", flat=True)) == {"settled"}
    payment.refresh_from_db()
    assert (payment.reserved_minor, payment.refunded_minor) == (0, 4000)
    assert violated(LATER) == ["I15"]


def test_without_the_lock_they_book_more_than_once(payment, monkeypatch):
    monkeypatch.setattr(booking, "lock_payment", lambda key: Payment.objects.get(pk=key))
    monkeypatch.setattr(booking, "lock_payout", lambda key: Payout.objects.get(pk=key))
    monkeypatch.setattr(booking, "move", slowly(move_whatever_it_is))

    assert told_by_three(payment, 20) > 0


# A worker and a person


def test_a_payout_is_either_sent_or_cancelled(cast, payment):
    for _ in range(40):
        payout = ready_payout(payment, "1.00")
        cancel = partial(
            cancel_payout, principal=cast.as_finn, payout_id=payout.pk, reason="A mistake.", now=NOW
        )

        sent, cancelled = at_once(partial(send_due_payouts, now=NOW), cancel)

        payout.refresh_from_db()
        if isinstance(cancelled, Exception):
            assert isinstance(cancelled, StaleState)
            assert (payout.state, sent) == ("accepted", 1)
        else:
            assert (payout.state, sent) == ("cancelled", 0)
            assert not SandboxRefund.objects.filter(key=payout.pk.hex).exists()
    assert violated() == []


def test_a_chargeback_is_recorded_while_a_sender_takes_the_payout(cast, payment):
    payout = ready_payout(payment, "10.00")
    taken = threading.Event()

    def take():
        with transaction.atomic():
            claim_payout(Payout.objects.select_for_update(no_key=True).get(pk=payout.pk), NOW)
            taken.set()
            time.sleep(0.5)

    def charge_back():
        taken.wait(10)
        charge_back_payment(principal=cast.as_finn, payment_id=payment.pk, now=LATER)

    assert errors_of(at_once(take, charge_back)) == []
    payment.refresh_from_db()
    payout.refresh_from_db()
    assert (payment.status, payout.state) == ("charged_back", "submitting")


# Usage and a capture


@contextmanager
def _meeting(monkeypatch, patience_s):
    """
    Let both come together in the worst way: usage has looked for its payment, then the capture for usage.

    Each waits so long for the other to come that far; what is locked keeps one of them from it.
    """
    about_to_insert, looked = threading.Event(), threading.Event()
    insert, assign = usage.insert_usage, assignment.assign_waiting_usage

    def insert_late(*given, **named):
        about_to_insert.set()
        looked.wait(patience_s)
        return insert(*given, **named)

    def assign_late(payment):
        about_to_insert.wait(patience_s)
        assign(payment)
        looked.set()

    with monkeypatch.context() as patch:
        patch.setattr(usage, "insert_usage", insert_late)
        patch.setattr(capture, "assign_waiting_usage", assign_late)
        yield


def forgotten_after_races(cast, rounds, monkeypatch, patience_s):
    """Usage is recorded while the first payment is captured; give how many records found no payment."""
    for number in range(rounds):
        contract = signed_contract(cast)
        payment = pending_payment(contract)
        report = {
            "source": "gateway", "external_id": str(number), "contract": str(contract.pk),
            "meter": "api_calls", "quantity": "1", "occurred_at": "2026-06-01T07:00:00Z",
        }  # fmt: skip
        with _meeting(monkeypatch, patience_s):
            results = at_once(
                partial(record_usage, principal=SYSTEM, records=[report], now=NOW),
                partial(capture_payment, principal=SYSTEM, payment_id=payment.pk, now=NOW),
            )
        assert errors_of(results) == []
    return UsageRecord.objects.filter(payment_id=None).count()


def test_usage_recorded_during_a_capture_finds_its_payment(cast, monkeypatch):
    assert forgotten_after_races(cast, 25, monkeypatch, 0.03) == 0

    assert violated() == []


def test_without_the_contracts_lock_usage_is_forgotten(cast, monkeypatch):
    monkeypatch.setattr(
        usage, "_lock_contracts", lambda ids: {row.pk: row for row in Contract.objects.filter(pk__in=ids)}
    )
    monkeypatch.setattr(capture, "lock_contract", lambda key: Contract.objects.get(pk=key))

    assert forgotten_after_races(cast, 1, monkeypatch, 10) == 1


# Payments of one stage


def paid_by_eight(contract):
    return at_once(*[partial(pending_payment, contract, amount="300.00")] * 8)


def test_a_stage_is_never_paid_beyond_its_amount_however_many_pay_at_once(contract):
    results = paid_by_eight(contract)

    assert len(errors_of(results)) == 5
    assert {type(error) for error in errors_of(results)} == {PaymentAboveStage}
    assert stage_named(contract, "S1").covered_minor == 90000
    assert violated() == []


def test_without_the_condition_the_database_itself_refuses(contract, monkeypatch):
    def cover(stage_id, amount):
        type(stage_named(contract, "S1")).objects.filter(pk=stage_id).update(
            covered_minor=F("covered_minor") + amount.minor
        )

    monkeypatch.setattr(coverage, "cover_stage", cover)
    monkeypatch.setattr("payments.services.payments.cover_stage", cover)

    results = paid_by_eight(contract)

    assert len(errors_of(results)) == 5
    assert not any(isinstance(error, DomainError) for error in errors_of(results))
    assert stage_named(contract, "S1").covered_minor == 90000


def test_the_same_report_from_eight_systems_counts_once(cast, contract, payment):
    report = {
        "source": "gateway", "external_id": "1", "contract": str(contract.pk), "meter": "api_calls",
        "quantity": "1", "occurred_at": "2026-06-01T07:00:00Z",
    }  # fmt: skip

    results = at_once(*[partial(record_usage, principal=cast.as_erp, records=[report], now=NOW)] * 8)

    assert errors_of(results) == []
    assert sum(result.created for result in results) == 1
    payment.refresh_from_db()
    assert payment.usage_micro == 12500
