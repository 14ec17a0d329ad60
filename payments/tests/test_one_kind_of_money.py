"""What is written past the services is refused too: another currency, another client, counters made up."""

import pytest
from django.db import IntegrityError, transaction

from accounts.principals import SYSTEM
from contracts.models import Contract
from contracts.tests.cast import signed_contract, stage_named
from kernel.ids import new_id
from kernel.money import Money
from payments.models import Account, Allocation, Payment, Payout, Transfer
from payments.services import charge_back_payment, dispute_payment
from payments.services.coverage import PaymentAboveStage
from payments.tests.scenes import (
    LATER,
    captured_payment,
    eur,
    pending_payment,
    ready_payout,
    settle,
    violated,
)


def copy_of(row, **changes):
    """Write a row of the same values, except for its key and what is named."""
    names = [field.attname for field in row._meta.concrete_fields if not field.primary_key]
    values = {name: getattr(row, name) for name in names}
    if row._meta.pk.get_internal_type() == "UUIDField":
        values["id"] = new_id()
    return type(row).objects.create(**{**values, **changes})


def refused(match, act, *arguments, **changes):
    with pytest.raises(IntegrityError, match=match), transaction.atomic():
        act(*arguments, **changes)


@pytest.fixture
def other(cast):
    """Another contract, of another client, in dollars."""
    return signed_contract(cast, client=cast.other_client, currency="USD")


@pytest.mark.parametrize("of", ["currency", "client_id", "stage_id", "contract_id"])
def test_a_payment_is_of_its_contract(contract, other, of):
    payment = pending_payment(contract)
    wrong = {
        "currency": "USD",
        "client_id": other.client_id,
        "stage_id": stage_named(other, "S1").pk,
        "contract_id": other.pk,
    }

    refused("a payment is for a stage of its contract", copy_of, payment, number="P-1", **{of: wrong[of]})

    assert copy_of(payment, number="P-2").currency == "EUR"


@pytest.mark.parametrize("of", ["currency", "client_id"])
def test_a_payout_is_of_its_payment(contract, other, of):
    payout = ready_payout(captured_payment(contract))
    wrong = {"currency": "USD", "client_id": other.client_id}

    refused("a payout is of its payment", copy_of, payout, request_id=new_id(), **{of: wrong[of]})

    assert copy_of(payout, request_id=new_id()).state == "ready"


@pytest.mark.parametrize("of", ["currency", "debit_id", "credit_id", "payment_id"])
def test_a_transfer_is_in_one_currency(contract, other, of):
    captured_payment(contract)
    dollars = captured_payment(other)
    row = Transfer.objects.filter(currency="EUR").get()
    wrong = {
        "currency": "USD",
        "debit_id": Account.objects.get(code="cash:sandbox:USD").pk,
        "credit_id": Account.objects.get(code="received:USD").pk,
        "payment_id": dollars.pk,
    }

    refused("a transfer is in the currency", copy_of, row, key="x", **{of: wrong[of]})

    assert copy_of(row, key="y").currency == "EUR"


def test_a_payment_is_parted_among_stages_of_its_contract(contract, other):
    captured_payment(contract)
    row = Allocation.objects.get()

    refused("among stages of its contract", copy_of, row, stage_id=stage_named(other, "S1").pk)

    assert copy_of(row, stage_id=stage_named(contract, "S2").pk)


@pytest.mark.parametrize("counter", ["reserved_minor", "refunded_minor", "charged_back_minor"])
def test_a_new_payment_has_given_nothing_back(contract, counter):
    payment = pending_payment(contract)

    refused("nothing of a new payment went back yet", copy_of, payment, number="P-1", **{counter: 1})


def test_an_amount_is_charged_back_when_a_dispute_is_lost_and_only_then(cast, contract):
    payment = captured_payment(contract)
    rows = Payment.objects.filter(pk=payment.pk)

    refused("when a dispute is lost, and never again", rows.update, charged_back_minor=1)
    dispute_payment(principal=cast.as_finn, payment_id=payment.pk, now=LATER)
    refused("lost something", rows.update, status="charged_back")
    charge_back_payment(principal=cast.as_finn, payment_id=payment.pk, amount=eur("1.00"), now=LATER)
    refused("when a dispute is lost, and never again", rows.update, charged_back_minor=200)
    refused("never again|lost something", rows.update, charged_back_minor=0)


def test_a_signed_contract_is_worth_the_sum_of_its_stages(contract):
    rows = Contract.objects.filter(pk=contract.pk)

    refused("worth the sum of its stages", rows.update, total_minor=1)

    assert rows.update(title=contract.title)


def test_of_a_part_that_was_charged_back_no_more_than_that_part_is_paid_again(cast, contract):
    payment = captured_payment(contract)
    charge_back_payment(principal=cast.as_finn, payment_id=payment.pk, amount=Money(60000, "EUR"), now=LATER)

    with pytest.raises(PaymentAboveStage):
        captured_payment(contract, amount="600.01", at=LATER)
    captured_payment(contract, amount="600.00", at=LATER)

    assert violated() == []


def test_the_guards_let_everything_through_that_the_services_do(cast, contract):
    payment = captured_payment(contract)
    ready_payout(payment)
    settle()
    charge_back_payment(principal=SYSTEM, payment_id=payment.pk, now=LATER)

    assert Payout.objects.get().state == "settled"
    assert violated() == []


def test_a_card_payment_through_stripe_carries_stripes_name(contract, settings):
    settings.PAYOUT_RAILS = ["stripe", "sandbox"]
    payment = pending_payment(contract, "S2", "100.00", method="card", provider_reference="pi_1")

    refused("the name that Stripe gave it", copy_of, payment, number="P-1", provider_reference="")

    assert copy_of(payment, number="P-2", provider_reference="pi_2").rail == "stripe"


def test_the_rail_of_a_payment_is_fixed_once_its_money_arrived(contract):
    """The ledger holds the money under the rail, and a refund leaves by it."""
    expected = pending_payment(contract, "S2", "100.00")
    arrived = captured_payment(contract)

    assert Payment.objects.filter(pk=expected.pk).update(rail="manual") == 1
    refused(
        "the rail of a payment whose money arrived",
        Payment.objects.filter(pk=arrived.pk).update,
        rail="manual",
    )
