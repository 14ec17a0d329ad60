"""Capture: what governs a payment for ever is frozen."""

from datetime import UTC, date, datetime, timedelta

import pytest

from accounts.principals import SYSTEM
from contracts.models import Role
from contracts.services import add_member, publish_terms
from contracts.tests.cast import METERS, NOW, STAGES, signed_contract
from events.models import Event
from kernel.errors import NotPermitted, StaleState
from payments import ledger
from payments.allocation import allocate_prepayment
from payments.models import Allocation, Transfer
from payments.services import (
    authorise_payment,
    capture_payment,
    dispute_payment,
    provider_capture_instant,
    resolve_dispute,
)
from payments.services.capture import CapturedInTheFuture, CapturedTooFarBack
from payments.tests.scenes import captured_payment, pending_payment, violated


def parts_of(payment):
    rows = Allocation.objects.filter(payment=payment).order_by("stage__position")
    return [(row.stage.code, row.amount_minor) for row in rows.select_related("stage")]


def test_capture_freezes_the_terms_and_the_deadline(cast, contract):
    payment = pending_payment(contract)

    payment = capture_payment(
        principal=cast.as_finn, payment_id=payment.pk, value_date=date(2026, 5, 30), now=NOW
    )

    payment.refresh_from_db()
    assert (payment.status, payment.captured_at) == ("captured", NOW)
    assert payment.terms.version == 1
    assert payment.deadline == datetime(2026, 6, 4, 22, 0, tzinfo=UTC)
    assert payment.deadline_text == "2026-06-05T00:00:00+02:00"
    assert payment.value_date == date(2026, 5, 30)
    event = Event.objects.get(type="payment.captured")
    assert event.data["deadline"] == "2026-06-05T00:00:00+02:00"
    assert violated() == []


def test_later_terms_change_nothing_for_a_captured_payment(cast, contract):
    payment = captured_payment(contract)

    publish_terms(principal=cast.as_rita, contract_id=contract.pk, terms={"window_days": 30}, now=NOW)
    later = captured_payment(contract, "S2", "500.00", at=NOW + timedelta(hours=1))

    payment.refresh_from_db()
    assert (payment.terms.version, payment.deadline_text) == (1, "2026-06-05T00:00:00+02:00")
    assert (later.terms.version, later.deadline_text) == (2, "2026-07-02T00:00:00+02:00")


def test_nobody_says_that_money_of_a_client_they_belong_to_arrived(cast, contract):
    """It would start the window of their own client."""
    payment = pending_payment(contract)
    add_member(principal=SYSTEM, client_id=cast.client.pk, user=cast.finn, role=Role.VIEWER, now=NOW)

    with pytest.raises(NotPermitted):
        capture_payment(principal=cast.as_finn, payment_id=payment.pk, now=NOW)

    disputed = captured_payment(contract, "S2", "500.00")
    dispute_payment(principal=SYSTEM, payment_id=disputed.pk, now=NOW)
    with pytest.raises(NotPermitted):
        resolve_dispute(principal=cast.as_finn, payment_id=disputed.pk, now=NOW)


@pytest.mark.parametrize(
    ("back", "error"),
    [
        (timedelta(microseconds=-1), CapturedInTheFuture),
        (timedelta(0), None),
        (timedelta(days=1), None),
        (timedelta(days=1, microseconds=1), CapturedTooFarBack),
    ],
)
def test_a_capture_may_lie_at_most_a_day_back_and_never_ahead(contract, back, error):
    payment = pending_payment(contract)

    if error is None:
        captured = capture_payment(principal=SYSTEM, payment_id=payment.pk, captured_at=NOW - back, now=NOW)
        assert captured.captured_at == NOW - back
        return
    with pytest.raises(error) as refusal:
        capture_payment(principal=SYSTEM, payment_id=payment.pk, captured_at=NOW - back, now=NOW)
    assert refusal.value.code in ("captured_in_the_future", "captured_too_far_back")
    payment.refresh_from_db()
    assert (payment.status, Transfer.objects.count()) == ("pending", 0)


def test_an_imported_payment_may_lie_further_back_and_is_marked(contract):
    payment = pending_payment(contract)
    long_ago = NOW - timedelta(days=9)

    payment = capture_payment(
        principal=SYSTEM, payment_id=payment.pk, captured_at=long_ago, now=NOW, imported=True
    )

    payment.refresh_from_db()
    assert payment.imported
    assert payment.captured_at == long_ago
    assert payment.deadline < NOW


@pytest.mark.parametrize(
    ("provider_at", "counts"),
    [
        (NOW - timedelta(days=1), NOW - timedelta(days=1)),
        (NOW - timedelta(days=1, seconds=1), NOW),
        (NOW + timedelta(seconds=1), NOW),
    ],
)
def test_the_providers_time_counts_unless_its_message_came_more_than_a_day_later(provider_at, counts):
    assert provider_capture_instant(provider_at=provider_at, received_at=NOW) == counts


def test_an_authorised_payment_is_captured_too_and_once_only(contract):
    payment = pending_payment(contract)
    authorise_payment(principal=SYSTEM, payment_id=payment.pk, now=NOW)

    capture_payment(principal=SYSTEM, payment_id=payment.pk, now=NOW)
    with pytest.raises(StaleState):
        capture_payment(principal=SYSTEM, payment_id=payment.pk, now=NOW)

    assert Event.objects.filter(type="payment.captured").count() == 1
    assert Transfer.objects.get().key == f"capture:{payment.pk}"


def test_a_capture_is_booked_from_received_to_cash(contract):
    captured_payment(contract, amount="250.00")

    assert {code: amount.text for code, amount in ledger.balances().items()} == {
        "cash:sandbox:EUR": "250.00",
        "received:EUR": "-250.00",
    }


def test_a_stage_payment_has_one_part(contract):
    assert parts_of(captured_payment(contract, amount="250.00")) == [("S1", 25000)]


def test_a_prepayment_is_parted_among_the_work_it_prepays(contract):
    assert parts_of(captured_payment(contract, "P1", "300.00")) == [("S1", 20000), ("S2", 10000)]


def test_instalments_of_a_prepayment_bring_each_stage_exactly_its_share(contract):
    payments = [captured_payment(contract, "P1", amount) for amount in ("0.01", "99.98", "0.01", "200.00")]

    parts = [dict(parts_of(payment)) for payment in payments]
    assert [sum(part.values()) for part in parts] == [1, 9998, 1, 20000]
    assert sum(part["S1"] for part in parts) == 20000
    assert sum(part["S2"] for part in parts) == 10000
    assert violated() == []


def test_shares_changed_after_part_was_paid_still_part_the_whole_payment():
    assert allocate_prepayment(100, [("a", 50), ("b", 50)], {"a": 90, "b": 0}) == [("a", 50), ("b", 50)]


@pytest.mark.parametrize("currency", ["JPY", "KWD"])
def test_currencies_without_and_with_three_decimals_keep_their_minor_units(cast, currency):
    amounts = {"JPY": ("1000", 1000), "KWD": ("1.234", 1234)}
    text, minor = amounts[currency]
    stages = [{**STAGES[1], "amount": text}]
    contract = signed_contract(cast, currency=currency, stages=stages, meters=METERS)

    payment = captured_payment(contract, "S1", text)

    assert payment.amount_minor == minor
    assert ledger.balances()[f"received:{currency}"].text == f"-{text}"
