"""Payments before their money arrived."""

from datetime import timedelta

import pytest
from django.db import IntegrityError

from accounts.principals import SYSTEM
from contracts.models import Stage
from contracts.tests.cast import NOW, draft_contract, signed_contract, stage_named
from events.models import Event
from kernel.errors import InvalidInput, NotFoundOrHidden, NotPermitted, StaleState
from kernel.money import CurrencyMismatch, Money
from payments.models import Payment
from payments.services import authorise_payment, capture_payment, fail_payment, record_payment, void_payment
from payments.services.coverage import PaymentAboveStage
from payments.services.payments import ContractNotSigned, ProviderReferenceKnown
from payments.tests.scenes import LATER, eur, pending_payment, violated


def test_a_recorded_payment_waits_for_its_money_and_counts_for_its_stage(cast, contract):
    stage = stage_named(contract, "S1")

    payment = record_payment(
        principal=cast.as_finn,
        stage_id=stage.pk,
        amount=eur("400.00"),
        method="bank",
        reference="INV 7",
        now=NOW,
    )

    assert (payment.status, payment.amount_minor, payment.currency) == ("pending", 40000, "EUR")
    assert (payment.client_id, payment.contract_id) == (contract.client_id, contract.pk)
    assert payment.number.startswith("P-2026-")
    assert payment.recorded_by_id == cast.finn.pk
    assert Stage.objects.get(pk=stage.pk).covered_minor == 40000
    event = Event.objects.get(type="payment.recorded")
    assert (event.actor_kind, event.actor_id, event.data["amount"]) == ("staff", cast.finn.pk, "400.00")
    assert violated() == []


def test_the_year_of_a_payment_number_is_that_of_the_company_zone(contract):
    last_night = NOW.replace(year=2026, month=12, day=31, hour=23, minute=30)

    payment = pending_payment(contract, now=last_night)

    assert payment.number == "P-2027-000001"


@pytest.mark.parametrize(("amount", "is_taken"), [("1000.00", True), ("1000.01", False)])
def test_a_payment_is_taken_up_to_what_the_stage_owes(contract, amount, is_taken):
    if is_taken:
        assert pending_payment(contract, amount=amount)
        return
    with pytest.raises(PaymentAboveStage) as refusal:
        pending_payment(contract, amount=amount)
    assert refusal.value.code == "payment_above_stage"
    assert refusal.value.data["still_due"] == "1000.00"
    assert not Payment.objects.exists()


def test_parts_of_a_stage_are_taken_until_it_is_paid(contract):
    pending_payment(contract, amount="999.99")

    with pytest.raises(PaymentAboveStage):
        pending_payment(contract, amount="0.02")
    pending_payment(contract, amount="0.01")

    assert stage_named(contract, "S1").covered_minor == 100000


def test_the_database_itself_refuses_a_stage_paid_beyond_its_amount(contract):
    with pytest.raises(IntegrityError, match="a_stage_is_not_paid_beyond_its_amount"):
        Stage.objects.filter(contract=contract, code="S1").update(covered_minor=100001)


def test_a_payment_in_another_currency_is_refused(contract):
    with pytest.raises(CurrencyMismatch) as refusal:
        record_payment(
            principal=SYSTEM,
            stage_id=stage_named(contract, "S1").pk,
            amount=Money(100, "USD"),
            method="bank",
            now=NOW,
        )

    assert refusal.value.code == "currency_mismatch"
    assert not Payment.objects.exists()


def test_nothing_is_paid_before_the_contract_is_signed(cast):
    contract = draft_contract(cast)

    with pytest.raises(ContractNotSigned) as refusal:
        pending_payment(contract)

    assert refusal.value.code == "contract_not_signed"


def test_all_faults_of_a_payment_are_told_at_once(contract):
    with pytest.raises(InvalidInput) as refusal:
        pending_payment(contract, amount="0.00", method="credit", rail="pigeon", reference="x" * 141)

    assert [fault.path for fault in refusal.value.faults] == ["amount", "method", "rail", "reference"]


@pytest.mark.parametrize("amount", ["-1.00", "0.00"])
def test_an_amount_that_is_not_above_zero_is_refused(contract, amount):
    with pytest.raises(InvalidInput):
        pending_payment(contract, amount=amount)


def test_a_provider_reference_names_one_payment(contract):
    pending_payment(contract, amount="1.00", provider_reference="pi_1")

    with pytest.raises(ProviderReferenceKnown):
        pending_payment(contract, amount="1.00", provider_reference="pi_1")

    assert Payment.objects.count() == 1
    assert stage_named(contract, "S1").covered_minor == 100


@pytest.mark.parametrize("person", ["as_alice", "as_bea", "as_rita", "as_arno", "as_ada"])
def test_only_finance_and_systems_record_money(cast, contract, person):
    with pytest.raises(NotPermitted):
        record_payment(
            principal=getattr(cast, person),
            stage_id=stage_named(contract, "S1").pk,
            amount=eur("1.00"),
            method="bank",
            now=NOW,
        )


def test_a_stage_of_another_client_does_not_exist_for_mallory_and_for_systems_without_a_grant(cast, contract):
    foreign = signed_contract(cast, client=cast.other_client)

    for principal, stage in (
        (cast.as_mallory, stage_named(contract, "S1")),
        (cast.as_erp, stage_named(foreign, "S1")),
    ):
        with pytest.raises(NotFoundOrHidden):
            record_payment(principal=principal, stage_id=stage.pk, amount=eur("1.00"), method="bank", now=NOW)
    assert not Payment.objects.exists()


def test_a_system_records_for_the_clients_granted_to_it(cast, contract):
    payment = record_payment(
        principal=cast.as_erp,
        stage_id=stage_named(contract, "S1").pk,
        amount=eur("1.00"),
        method="card",
        now=NOW,
    )

    assert Event.objects.get(subject_id=payment.pk).actor_kind == "api"


@pytest.mark.parametrize(("end", "status"), [(fail_payment, "failed"), (void_payment, "voided")])
@pytest.mark.parametrize("authorised", [False, True])
def test_a_payment_without_money_is_owed_again(cast, contract, end, status, authorised):
    payment = pending_payment(contract)
    if authorised:
        authorise_payment(principal=cast.as_finn, payment_id=payment.pk, now=LATER)

    end(principal=cast.as_finn, payment_id=payment.pk, reason="The card was declined.", now=LATER)

    payment.refresh_from_db()
    assert (payment.status, payment.status_reason) == (status, "The card was declined.")
    assert stage_named(contract, "S1").covered_minor == 0
    assert Event.objects.filter(type=f"payment.{status}", subject_id=payment.pk).count() == 1
    assert "declined" not in str(Event.objects.get(type=f"payment.{status}").data)
    assert violated() == []


@pytest.mark.parametrize("act", [authorise_payment, fail_payment, void_payment, capture_payment])
def test_a_payment_that_ended_stays_as_it_is(cast, contract, act):
    payment = pending_payment(contract)
    void_payment(principal=SYSTEM, payment_id=payment.pk, now=NOW)

    with pytest.raises(StaleState):
        act(principal=cast.as_finn, payment_id=payment.pk, now=LATER)

    assert stage_named(contract, "S1").covered_minor == 0


@pytest.mark.parametrize("act", [authorise_payment, fail_payment, void_payment, capture_payment])
def test_mallory_and_alice_do_not_move_a_payment(cast, contract, act):
    payment = pending_payment(contract)

    with pytest.raises(NotFoundOrHidden):
        act(principal=cast.as_mallory, payment_id=payment.pk, now=LATER)
    with pytest.raises(NotPermitted):
        act(principal=cast.as_alice, payment_id=payment.pk, now=LATER)

    payment.refresh_from_db()
    assert payment.status == "pending"


def test_an_old_instant_is_kept_as_the_door_took_it(contract):
    payment = pending_payment(contract, now=NOW - timedelta(seconds=5))

    assert payment.created_at == NOW - timedelta(seconds=5)


@pytest.mark.parametrize(
    ("method", "rail"), [("card", "stripe"), ("bank", "bank_file"), ("cash", "bank_file")]
)
def test_what_did_not_come_by_card_does_not_go_back_by_card(contract, settings, method, rail):
    settings.PAYOUT_RAILS = ["stripe", "bank_file", "manual"]

    assert pending_payment(contract, method=method, provider_reference=f"pi_{method}").rail == rail
