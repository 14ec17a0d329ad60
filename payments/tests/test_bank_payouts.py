"""Payouts that go through a bank: to which account, and what waits when it was just changed."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction

from contracts.tests.cast import NOW, signed_contract
from payments.models import BankAccount, Payment, Payout, PayoutState, Rail
from payments.services import (
    bank_files,
    confirm_step,
    make_bank_file,
    replace_payout,
    resolve_manual,
    save_bank_account,
)
from payments.services.bank_accounts import COOLING
from payments.services.bank_files import hand_over_unfit_payouts
from payments.tests.bank_book import bank_payment
from payments.tests.scenes import LATER, captured_payment, ready_payout, send, state_of, violated

BERLIN, VIENNA, LONDON = "DE89370400440532013000", "AT611904300234573201", "GB29NWBK60161331926819"


def save(cast, iban=BERLIN, *, now=NOW) -> BankAccount:
    return save_bank_account(
        principal=cast.as_alice, client_id=cast.client.pk, holder="Acme Ltd", iban=iban, now=now
    )


@pytest.fixture
def by_bank(contract) -> Payment:
    """A payment that is given back by hand, through a bank."""
    return captured_payment(contract, rail=Rail.MANUAL)


def again(payout: Payout) -> Payout:
    return Payout.objects.get(pk=payout.pk)


def test_a_payout_through_a_bank_goes_to_the_account_of_the_moment(cast, by_bank):
    account = save(cast)

    payout = ready_payout(by_bank)

    assert (payout.destination_id, payout.not_before) == (account.pk, None)


def test_a_payout_that_goes_back_the_way_it_came_needs_no_account(cast, contract):
    save(cast)
    save(cast, VIENNA)

    payout = ready_payout(captured_payment(contract))

    assert payout.rail == Rail.SANDBOX
    assert (payout.destination_id, payout.not_before) == (None, None)


def test_a_payout_waits_for_an_account_that_was_just_changed(cast, by_bank):
    save(cast, now=NOW - timedelta(days=9))
    changed = save(cast, VIENNA)
    payout = ready_payout(by_bank, at=LATER)

    send(changed.usable_from - timedelta(seconds=1))
    before = again(payout).state
    send(changed.usable_from)

    assert payout.not_before == changed.usable_from
    assert (before, again(payout).state) == (PayoutState.READY, PayoutState.MANUAL)
    assert again(payout).destination_id == changed.pk


def test_a_change_just_before_the_payout_holds_the_payout(cast, by_bank):
    save(cast)
    payout = ready_payout(by_bank)

    changed = save(cast, VIENNA, now=LATER)
    send(LATER)

    payout = again(payout)
    assert (payout.state, payout.destination_id) == (PayoutState.READY, changed.pk)
    assert payout.not_before == LATER + COOLING


def test_a_payout_that_waits_for_its_account_is_not_stuck(cast, by_bank):
    save(cast)
    ready_payout(by_bank)
    changed = save(cast, VIENNA, now=LATER)

    assert violated(LATER + timedelta(days=2)) == []
    assert violated(changed.usable_from + timedelta(days=2)) == ["I12"]


def test_a_payout_told_to_wait_beyond_its_account_is_reported(cast, by_bank):
    changed = save(cast)
    Payout.objects.filter(pk=ready_payout(by_bank).pk).update(
        not_before=changed.usable_from + timedelta(days=4)
    )

    assert violated() == ["I16"]


def test_a_payout_that_finance_holds_keeps_its_account(cast, by_bank):
    first = save(cast)
    payout = ready_payout(by_bank)
    send()

    changed = save(cast, VIENNA, now=LATER)

    assert (again(payout).state, again(payout).destination_id) == (PayoutState.MANUAL, first.pk)
    with pytest.raises(DatabaseError), transaction.atomic():
        Payout.objects.filter(pk=payout.pk).update(destination=changed)


def test_a_payout_that_finance_holds_without_an_account_gets_the_first_one(cast, by_bank):
    payout = ready_payout(by_bank)
    send()

    account = save(cast, now=LATER)

    assert (again(payout).state, again(payout).destination_id) == (PayoutState.MANUAL, account.pk)


def test_an_account_leads_no_payout_of_another_client(cast, by_bank):
    payout = ready_payout(by_bank)

    save_bank_account(
        principal=cast.as_mallory, client_id=cast.other_client.pk, holder="M", iban=LONDON, now=LATER
    )

    assert again(payout).destination_id is None


def test_a_successor_goes_to_the_account_of_the_moment_and_waits_for_it(cast, by_bank):
    save(cast)
    payout = ready_payout(by_bank)
    send()
    failed = resolve_manual(
        principal=cast.as_finn,
        payout_id=payout.pk,
        accepted=False,
        reason="Refused.",
        evidence_reference="Letter of the bank",
        now=NOW,
    )
    confirm_step(principal=cast.as_arno, step_id=failed.pk, now=NOW)
    changed = save(cast, VIENNA, now=LATER)
    step = replace_payout(principal=cast.as_finn, payout_id=payout.pk, reason="Closed.", now=LATER)

    successor = confirm_step(principal=cast.as_arno, step_id=step.pk, now=LATER)

    assert successor.destination_id == changed.pk
    assert successor.not_before == changed.usable_from


def test_a_payout_whose_account_changes_while_it_is_read_is_left_out(cast, payment, monkeypatch):
    """PostgreSQL gives such a row as it is after the change, without the account that it was joined with."""
    stays = ready_payout(payment)
    changes = ready_payout(bank_payment(signed_contract(cast, client=cast.other_client)))
    rows = Payout.objects.filter(state="ready").select_related("payment", "destination", "client")
    monkeypatch.setattr(bank_files, "payouts_for_the_bank", lambda now: rows.order_by("id"))

    file = make_bank_file(principal=cast.as_finn, now=LATER)

    assert [payout.pk for payout in file.payouts.all()] == [stays.pk]
    assert (hand_over_unfit_payouts(now=LATER), state_of(changes)) == (0, "ready")
