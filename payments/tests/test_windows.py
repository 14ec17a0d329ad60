"""Windows that close soon are told once, a day before."""

from datetime import timedelta

import pytest

from accounts.principals import SYSTEM
from contracts.tests.cast import NOW, signed_contract
from events.models import Event
from payments import hooks
from payments.services import charge_back_payment, warn_closing_windows
from payments.tests.scenes import captured_payment, ready_payout


@pytest.fixture
def payment(contract):
    return captured_payment(contract)


def warned():
    return list(Event.objects.filter(type="window.closing").values_list("subject_id", flat=True))


@pytest.mark.parametrize(("seconds", "is_told"), [(-1, False), (0, True), (86399, True), (86400, False)])
def test_a_closing_window_is_told_from_a_day_before_until_the_deadline(payment, seconds, is_told):
    now = payment.deadline - timedelta(days=1) + timedelta(seconds=seconds)

    warn_closing_windows(now=now)

    assert warned() == ([payment.pk] if is_told else [])


def test_it_is_told_once(payment):
    for hours in (24, 23, 1):
        warn_closing_windows(now=payment.deadline - timedelta(hours=hours))

    assert warned() == [payment.pk]
    payment.refresh_from_db()
    assert payment.window_warned_at == payment.deadline - timedelta(hours=24)


def test_a_short_window_is_told_at_capture(cast):
    contract = signed_contract(cast, terms={"window_days": 0})
    payment = captured_payment(contract)
    assert payment.deadline - NOW < timedelta(hours=24)

    warn_closing_windows(now=NOW)

    assert warned() == [payment.pk]


def test_it_is_not_told_while_a_request_is_open_but_after_it_was_withdrawn(payment, monkeypatch):
    open_for = {payment.pk}
    monkeypatch.setattr(hooks, "_open_requests", [lambda ids: open_for & set(ids)])

    assert warn_closing_windows(now=payment.deadline - timedelta(hours=20)) == 0
    open_for.clear()
    assert warn_closing_windows(now=payment.deadline - timedelta(hours=10)) == 1


def test_it_is_not_told_where_nothing_is_left_to_refund(contract):
    refunded, lost = captured_payment(contract, amount="400.00"), captured_payment(contract, amount="300.00")
    ready_payout(refunded, "400.00")
    charge_back_payment(principal=SYSTEM, payment_id=lost.pk, now=NOW)

    assert warn_closing_windows(now=refunded.deadline - timedelta(hours=1)) == 0


def test_at_most_so_many_are_told_at_once(contract):
    payments = [captured_payment(contract, amount="1.00") for _ in range(3)]
    now = payments[0].deadline - timedelta(hours=1)

    assert [warn_closing_windows(now=now, batch_max=2) for _ in range(3)] == [2, 1, 0]
