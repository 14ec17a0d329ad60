"""The money of an approved refund: reserved once, sent once, or given as a credit, or released."""

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import example, given, settings
from hypothesis import strategies as st

from accounts.principals import SYSTEM
from contracts.models import Role
from contracts.services import add_member
from contracts.tests.cast import make_cast, signed_contract, stage_named
from events.models import Event
from kernel.errors import InvalidInput, NotFoundOrHidden, NotPermitted, StaleState
from kernel.ids import new_id
from kernel.money import CurrencyMismatch, Money
from payments import hooks, ledger
from payments.models import Payment, Payout, Transfer
from payments.services import cancel_payout, create_payout, issue_credit
from payments.services.coverage import PaymentAboveStage
from payments.services.refunds import RefundExceedsPayment
from payments.tests.scenes import LATER, captured_payment, ready_payout, send, violated


def balances():
    return {code.rsplit(":", 1)[0]: amount.text for code, amount in ledger.balances().items()}


def test_a_payout_is_owed_from_its_approval_on(contract):
    payment = captured_payment(contract)

    payout = ready_payout(payment, "400.00")

    payment.refresh_from_db()
    assert (payment.reserved_minor, payment.refunded_minor) == (40000, 0)
    assert (payout.state, payout.client_id, payout.currency) == ("ready", payment.client_id, "EUR")
    assert balances() == {"cash:sandbox": "1000.00", "received": "-600.00", "refunds_payable": "-400.00"}
    assert Transfer.objects.get(payout=payout).key == f"reserve:{payout.pk}"
    assert violated() == []


@pytest.mark.parametrize(("amount", "is_reserved"), [("600.00", True), ("600.01", False), ("0.00", False)])
def test_no_more_is_reserved_than_is_left(contract, amount, is_reserved):
    payment = captured_payment(contract)
    ready_payout(payment, "400.00")

    if is_reserved:
        ready_payout(payment, amount)
    else:
        with pytest.raises(RefundExceedsPayment), transaction.atomic():
            ready_payout(payment, amount)
    payment.refresh_from_db()
    assert payment.reserved_minor == (100000 if is_reserved else 40000)


def test_the_database_itself_refuses_an_over_refund(contract):
    payment = captured_payment(contract)
    ready_payout(payment, "400.00")

    for counters in ({"reserved_minor": 100001}, {"refunded_minor": 60001}, {"refunded_minor": 1}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Payment.objects.filter(pk=payment.pk).update(**counters)


def test_a_request_has_one_live_payout(contract):
    payment, request_id = captured_payment(contract), new_id()
    ready_payout(payment, "1.00", request_id=request_id)

    with pytest.raises(IntegrityError), transaction.atomic():
        ready_payout(payment, "1.00", request_id=request_id)


def test_a_credit_pays_another_stage_without_a_window(contract):
    source, request_id = captured_payment(contract), new_id()

    credit = issue_credit(
        request_id=request_id,
        payment=source,
        target_stage=stage_named(contract, "S2"),
        amount_minor=40000,
        now=LATER,
    )

    source.refresh_from_db()
    credit.refresh_from_db()
    assert (credit.method, credit.status, credit.captured_at) == ("credit", "captured", LATER)
    assert (credit.deadline, credit.terms, credit.credit_of_request_id) == (None, None, request_id)
    assert (source.reserved_minor, source.refunded_minor) == (0, 40000)
    assert stage_named(contract, "S2").covered_minor == 40000
    assert [part.amount_minor for part in credit.allocations.all()] == [40000]
    assert balances() == {"cash:sandbox": "1000.00", "received": "-1000.00", "refunds_payable": "0.00"}
    event = Event.objects.get(type="credit.issued")
    assert (event.subject_id, event.data["source_payment"]) == (credit.pk, str(source.pk))
    assert violated() == []


def test_a_credit_never_exceeds_what_the_target_owes(contract):
    source = captured_payment(contract)

    with pytest.raises(PaymentAboveStage), transaction.atomic():
        issue_credit(
            request_id=new_id(),
            payment=source,
            target_stage=stage_named(contract, "S2"),
            amount_minor=50001,
            now=LATER,
        )

    source.refresh_from_db()
    assert (source.reserved_minor, source.refunded_minor) == (0, 0)


def test_a_credit_stays_in_its_currency(cast, contract):
    source = captured_payment(contract)
    dollars = signed_contract(cast, currency="USD")

    with pytest.raises(CurrencyMismatch):
        issue_credit(
            request_id=new_id(),
            payment=source,
            target_stage=stage_named(dollars, "S2"),
            amount_minor=1,
            now=LATER,
        )


def test_a_credit_for_a_prepayment_is_parted_too(contract):
    source = captured_payment(contract)

    credit = issue_credit(
        request_id=new_id(),
        payment=source,
        target_stage=stage_named(contract, "P1"),
        amount_minor=30000,
        now=LATER,
    )

    assert sorted(part.amount_minor for part in credit.allocations.all()) == [10000, 20000]


def test_a_cancelled_payout_frees_its_money_and_tells_the_rooms_above(cast, contract, monkeypatch):
    told = []
    monkeypatch.setattr(hooks, "_cancelled", [lambda **what: told.append(what)])
    payment = captured_payment(contract)
    payout = ready_payout(payment, "400.00")

    cancel_payout(principal=cast.as_finn, payout_id=payout.pk, reason="Wrong account.", now=LATER)

    payment.refresh_from_db()
    payout.refresh_from_db()
    assert (payout.state, payout.note, payment.reserved_minor) == ("cancelled", "Wrong account.", 0)
    assert balances() == {"cash:sandbox": "1000.00", "received": "-1000.00", "refunds_payable": "0.00"}
    assert [(what["payout"].pk, what["reason"]) for what in told] == [(payout.pk, "Wrong account.")]
    assert Event.objects.get(type="payout.cancelled").actor_id == cast.finn.pk
    assert violated() == []


def test_a_payout_on_its_way_is_not_cancelled(cast, contract):
    payout = ready_payout(captured_payment(contract))
    send()

    with pytest.raises(StaleState):
        cancel_payout(principal=cast.as_finn, payout_id=payout.pk, reason="Too late.", now=LATER)

    payout.refresh_from_db()
    assert payout.state == "accepted"


def test_only_finance_cancels_and_says_why(cast, contract):
    payout = ready_payout(captured_payment(contract))

    with pytest.raises(NotFoundOrHidden):
        cancel_payout(principal=cast.as_mallory, payout_id=payout.pk, reason="x", now=LATER)
    for person in (cast.as_alice, cast.as_rita, cast.as_arno):
        with pytest.raises(NotPermitted):
            cancel_payout(principal=person, payout_id=payout.pk, reason="x", now=LATER)
    with pytest.raises(InvalidInput):
        cancel_payout(principal=cast.as_finn, payout_id=payout.pk, reason=" ", now=LATER)
    add_member(principal=SYSTEM, client_id=cast.client.pk, user=cast.finn, role=Role.VIEWER, now=LATER)
    with pytest.raises(NotPermitted, match="client they belong to"):
        cancel_payout(principal=cast.as_finn, payout_id=payout.pk, reason="x", now=LATER)
    payout.refresh_from_db()
    assert payout.state == "ready"


def test_a_transfer_is_booked_once_per_key_and_terms(contract):
    payment = captured_payment(contract)
    accounts = {"debit": ledger.cash("sandbox", "EUR"), "credit": ledger.received("EUR")}

    again = {"key": f"capture:{payment.pk}", "payment": payment, "at": LATER, **accounts}
    assert ledger.transfer(amount=Money(100000, "EUR"), **again).at == payment.captured_at
    with pytest.raises(ledger.LedgerKeyReused):
        ledger.transfer(amount=Money(99999, "EUR"), **again)

    assert Transfer.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE payments_transfer SET amount_minor = 1",
        "DELETE FROM payments_transfer",
        "UPDATE payments_allocation SET amount_minor = 1",
        "DELETE FROM payments_payment",
        "UPDATE payments_payment SET amount_minor = 1",
        "UPDATE payments_payment SET deadline = captured_at",
        "UPDATE payments_payment SET deadline_text = 'tomorrow'",
        "UPDATE payments_payment SET status = 'pending'",
        "DELETE FROM payments_payout",
        "UPDATE payments_payout SET amount_minor = 1",
        "UPDATE payments_payout SET state = 'settled'",
        "UPDATE payments_payout SET currency = 'USD'",
        "UPDATE payments_payout SET rail = 'manual'",
    ],
)
def test_the_database_refuses_to_rewrite_money(contract, sql):
    ready_payout(captured_payment(contract))

    with pytest.raises(IntegrityError), connection.cursor() as cursor:
        cursor.execute(sql)

    assert violated() == []


@settings(max_examples=30, deadline=None)
@given(parts=st.lists(st.integers(min_value=-5, max_value=60000), max_size=8))
@example(parts=[-1])
@pytest.mark.django_db
def test_however_many_refunds_are_asked_for_their_sum_stays_within_the_payment(parts):
    with transaction.atomic():
        payment = captured_payment(signed_contract(make_cast()))
        for part in parts:
            try:
                with transaction.atomic():
                    create_payout(
                        request_id=new_id(), payment=payment, amount_minor=part, created_by=None, now=LATER
                    )
            except RefundExceedsPayment:
                continue
        payment.refresh_from_db()
        total = sum(Payout.objects.filter(payment=payment).values_list("amount_minor", flat=True))
        assert payment.reserved_minor == total <= payment.amount_minor
        transaction.set_rollback(True)
