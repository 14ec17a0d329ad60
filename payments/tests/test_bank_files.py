"""Bank files: what goes into one, that it is made once, and the two people who say what became of it."""

import hashlib
from datetime import date, datetime, timedelta
from io import StringIO
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.models import Role
from contracts.services import add_member
from contracts.tests.cast import NOW, signed_contract
from events.models import Event
from kernel.errors import InvalidInput, NotPermitted, StaleState
from kernel.money import Money
from payments.banking_days import banking_day_before, execution_day, is_banking_day
from payments.gateways import sepa
from payments.models import BankFile, Payment, Payout
from payments.selectors import repeats_of
from payments.services import (
    confirm_bank_file,
    discard_bank_file,
    dispute_payment,
    export_bank_file,
    make_bank_file,
    propose_discard,
    save_bank_account,
    waiting_for_the_bank,
    withdraw_discard,
)
from payments.services.bank_files import (
    NothingForTheBank,
    OtherPayouts,
    fingerprint,
)
from payments.services.steps import SecondPersonNeeded
from payments.tests.bank_book import BERLIN, account_of, another_of_finance, bank_payment, bank_payouts
from payments.tests.scenes import (
    LATER,
    counters_of,
    look_after,
    ready_payout,
    send,
    state_of,
    told,
    violated,
)

ACCOUNT = sepa.OwnAccount(
    name="Software Creator Django LTD", iban="DE02120300000000202051", bic="BYLADEM1001"
)


@pytest.fixture
def flo(cast):
    """A second person in Finance."""
    return another_of_finance()


@pytest.fixture
def payment(cast, contract) -> Payment:
    account_of(cast)
    return bank_payment(contract)


@pytest.fixture
def file(cast, payment) -> BankFile:
    bank_payouts(payment)
    return make_bank_file(principal=cast.as_finn, now=NOW)


def transfer(holder="Acme", minor=100, key=1, remittance="Refund") -> sepa.Transfer:
    return sepa.Transfer(
        key=UUID(int=key), amount=Money(minor, "EUR"), holder=holder, iban=BERLIN, remittance=remittance
    )


def written(*transfers: sepa.Transfer) -> str:
    content = sepa.write_file(
        account=ACCOUNT,
        transfers=transfers,
        execution_on=date(2026, 6, 2),
        local_now=datetime(2026, 6, 1, 10),
    )
    return content.decode()


def test_a_file_orders_each_payout_once_under_its_own_key(cast, payment, file):
    content = export_bank_file(principal=cast.as_finn, file_id=file.pk, now=LATER).decode()

    keys = [payout.pk.hex for payout in Payout.objects.all()]
    assert sorted(keys) == sorted(content.split("<EndToEndId>")[i][:32] for i in (1, 2))
    assert "<CtrlSum>300.00</CtrlSum><InitgPty>" in content
    assert (file.payouts_count, file.total_minor) == (2, 30000)
    assert "<Nm>Joerg Mueller + Soehne</Nm>" in content
    assert {payout.state for payout in Payout.objects.all()} == {"submitting"}
    assert counters_of(payment) == (30000, 0)
    assert violated(LATER + timedelta(hours=20)) == []


def test_the_same_bytes_come_out_every_time(cast, file):
    first, second = (
        export_bank_file(principal=cast.as_finn, file_id=file.pk, now=now) for now in (NOW, LATER)
    )

    assert first == second
    assert hashlib.sha256(first).hexdigest() == file.sha256
    assert BERLIN not in BankFile.objects.get().content_sealed
    assert Event.objects.filter(type="bank_file.exported", actor_id=cast.finn.pk).count() == 2


def test_a_name_follows_from_the_payouts_and_not_from_chance_or_order():
    one, two = UUID(int=1), UUID(int=2)

    assert sepa.message_id_of([one, two]) == sepa.message_id_of([two, one])
    assert sepa.message_id_of([one]) != sepa.message_id_of([one, two])
    assert written(transfer(key=1), transfer(key=2)) == written(transfer(key=2), transfer(key=1))


@settings(max_examples=25, deadline=None)
@given(
    holder=st.text(min_size=1, max_size=70),
    remittance=st.text(max_size=200),
    minor=st.integers(1, 10**11 - 1),
)
def test_whatever_people_are_called_the_file_is_valid_or_refused_before(holder, remittance, minor):
    why = sepa.why_no_transfer(amount=Money(minor, "EUR"), holder=holder, iban=BERLIN)

    if not why:
        content = written(transfer(holder, minor, remittance=remittance))
        assert content.isascii()
        assert f'<InstdAmt Ccy="EUR">{Money(minor, "EUR").text}</InstdAmt>' in content


def test_a_file_that_the_schema_does_not_take_is_refused():
    with pytest.raises(sepa.FileRefused):
        written(transfer(minor=-5))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, ""),
        ({"amount": Money(100, "USD")}, "not_in_euros"),
        ({"amount": Money(10**11, "EUR")}, "amount_too_large"),
        ({"iban": "DE89370400440532013001"}, "iban_invalid"),
        ({"iban": "BR1800360305000010009795493C1"}, "outside_sepa"),
        ({"holder": "🙂"}, "name_unusable"),
        ({"holder": "ß" * 40}, "name_unusable"),
    ],
)
def test_what_no_bank_takes_is_told_apart(changes, why):
    order = {"amount": Money(100, "EUR"), "holder": "Acme", "iban": BERLIN, **changes}

    assert sepa.why_no_transfer(**order) == why


@pytest.mark.parametrize("holder", ["🙂🙂", "ß" * 40])
def test_a_name_that_no_bank_takes_is_refused_when_it_is_entered(cast, holder):
    with pytest.raises(InvalidInput) as caught:
        save_bank_account(
            principal=cast.as_alice, client_id=cast.client.pk, holder=holder, iban=BERLIN, now=NOW
        )

    assert [fault.path for fault in caught.value.faults] == ["holder"]


@pytest.mark.parametrize(
    ("now", "day"),
    [
        ("2026-06-01T13:59", "2026-06-01"),
        ("2026-06-01T14:00", "2026-06-02"),
        ("2026-06-05T15:00", "2026-06-08"),
        ("2026-04-02T15:00", "2026-04-07"),
        ("2026-04-30T18:00", "2026-05-04"),
        ("2026-12-24T18:00", "2026-12-28"),
        ("2026-12-31T18:00", "2027-01-04"),
    ],
)
def test_the_day_of_execution_is_a_banking_day(now, day):
    assert execution_day(datetime.fromisoformat(now)) == date.fromisoformat(day)
    assert is_banking_day(date.fromisoformat(day))


def test_banking_days_are_counted_over_easter():
    assert banking_day_before(date(2026, 4, 8), 3) == date(2026, 4, 1)


def test_an_uploaded_file_is_confirmed_by_a_second_person(cast, payment, file, flo):
    with pytest.raises(SecondPersonNeeded):
        confirm_bank_file(principal=cast.as_finn, file_id=file.pk, now=LATER)

    confirm_bank_file(principal=flo, file_id=file.pk, now=LATER)

    assert {payout.state for payout in Payout.objects.all()} == {"accepted"}
    assert counters_of(payment) == (0, 30000)
    assert violated(LATER) == []
    event = Event.objects.get(type="bank_file.confirmed")
    assert event.actor_id == flo.user.pk
    with pytest.raises(StaleState):
        confirm_bank_file(principal=cast.as_arno, file_id=file.pk, now=LATER)


@pytest.mark.parametrize("name", ["rita", "ada", "alice"])
def test_nobody_else_makes_takes_or_ends_a_file(cast, file, name):
    who = getattr(cast, f"as_{name}")
    for act in (
        lambda: make_bank_file(principal=who, now=NOW),
        lambda: export_bank_file(principal=who, file_id=file.pk, now=NOW),
        lambda: confirm_bank_file(principal=who, file_id=file.pk, now=NOW),
        lambda: propose_discard(principal=who, file_id=file.pk, reason="x", now=NOW),
        lambda: discard_bank_file(principal=who, file_id=file.pk, now=NOW),
        lambda: waiting_for_the_bank(principal=who, now=NOW),
    ):
        with pytest.raises(NotPermitted):
            act()


def test_a_member_of_the_client_neither_gathers_nor_confirms_its_payouts(cast, payment, flo):
    add_member(principal=cast.as_alice, client_id=cast.client.pk, user=cast.finn, role=Role.VIEWER, now=NOW)
    bank_payouts(payment)
    with pytest.raises(NothingForTheBank):
        make_bank_file(principal=cast.as_finn, now=NOW)

    file = make_bank_file(principal=flo, now=NOW)

    with pytest.raises(NotPermitted):
        confirm_bank_file(principal=cast.as_finn, file_id=file.pk, now=LATER)


def test_no_machine_touches_a_payout_in_a_file(cast, file):
    send(LATER)
    look_after(NOW + timedelta(days=3))

    assert {payout.state for payout in Payout.objects.all()} == {"submitting"}


def test_a_payout_is_in_one_file_for_ever(cast, payment, file):
    with pytest.raises(NothingForTheBank):
        make_bank_file(principal=cast.as_finn, now=LATER)
    payout = ready_payout(payment, "50.00")
    other = make_bank_file(principal=cast.as_finn, now=LATER)

    assert payout.pk == other.payouts.get().pk
    with pytest.raises(DatabaseError), transaction.atomic():
        Payout.objects.filter(bank_file=file).update(bank_file=other)


def test_a_discarded_file_leaves_successors_that_no_other_file_ordered(cast, payment, file, flo):
    propose_discard(principal=cast.as_finn, file_id=file.pk, reason="Never uploaded.", now=LATER)
    with pytest.raises(StaleState):
        confirm_bank_file(principal=flo, file_id=file.pk, now=LATER)
    with pytest.raises(SecondPersonNeeded):
        discard_bank_file(principal=cast.as_finn, file_id=file.pk, now=LATER)

    discard_bank_file(principal=flo, file_id=file.pk, now=LATER)

    old, new = Payout.objects.filter(bank_file=file), Payout.objects.filter(replaces__bank_file=file)
    assert {payout.failure_code for payout in old} == {"file_discarded"}
    assert sorted(payout.amount_minor for payout in new) == [10000, 20000]
    assert counters_of(payment) == (30000, 0)
    assert violated(LATER) == []
    with pytest.raises(StaleState):
        export_bank_file(principal=cast.as_finn, file_id=file.pk, now=LATER)
    second = make_bank_file(principal=cast.as_finn, now=LATER)
    assert second.payouts.count() == 2
    assert not {payout.pk for payout in second.payouts.all()} & {payout.pk for payout in old}


def test_a_proposal_to_discard_is_taken_back(cast, file, flo):
    propose_discard(principal=cast.as_finn, file_id=file.pk, reason="Never uploaded.", now=LATER)
    withdraw_discard(principal=flo, file_id=file.pk, now=LATER)

    with pytest.raises(StaleState):
        discard_bank_file(principal=flo, file_id=file.pk, now=LATER)
    confirm_bank_file(principal=flo, file_id=file.pk, now=LATER)


def test_a_payment_in_dispute_gets_no_successor_out_of_a_discarded_file(cast, payment, file, flo):
    Payment.objects.filter(pk=payment.pk).update(status="disputed")
    propose_discard(principal=cast.as_finn, file_id=file.pk, reason="Never uploaded.", now=LATER)

    discard_bank_file(principal=flo, file_id=file.pk, now=LATER)

    assert {payout.state for payout in Payout.objects.all()} == {"failed"}


def test_only_the_file_that_was_shown_is_made(cast, payment):
    ready_payout(payment, "10.00")
    shown = fingerprint(waiting_for_the_bank(principal=cast.as_finn, now=NOW))
    ready_payout(payment, "20.00")

    with pytest.raises(OtherPayouts):
        make_bank_file(principal=cast.as_finn, expected=shown, now=NOW)
    assert not BankFile.objects.exists()


def test_what_is_not_in_euros_goes_to_finance_and_spoils_no_file(cast, payment):
    dollars = bank_payment(signed_contract(cast, currency="USD"))
    strange, good = ready_payout(dollars, "10.00"), ready_payout(payment, "20.00")

    file = make_bank_file(principal=cast.as_finn, now=NOW)
    send(LATER)

    assert [payout.pk for payout in file.payouts.all()] == [good.pk]
    assert state_of(strange) == "manual"
    strange.refresh_from_db()
    assert strange.failure_code == "not_in_euros"


def test_a_payout_without_an_account_waits_and_is_not_stuck(cast, contract):
    payout = ready_payout(bank_payment(contract), "10.00")

    with pytest.raises(NothingForTheBank):
        make_bank_file(principal=cast.as_finn, now=LATER)

    send(LATER)
    assert state_of(payout) == "ready"
    assert violated(NOW + timedelta(days=9)) == []


def test_payouts_and_files_that_nobody_looks_after_are_reported(cast, payment):
    ready_payout(payment, "10.00")
    assert violated(NOW + timedelta(days=3)) == []
    assert violated(NOW + timedelta(days=5)) == ["I12"]

    make_bank_file(principal=cast.as_finn, now=NOW)

    assert violated(NOW + timedelta(days=3)) == []
    assert violated(NOW + timedelta(days=5)) == ["I12"]


def test_a_file_that_orders_other_payouts_than_it_holds_halts_sending(cast, payment, file):
    ready = ready_payout(payment, "10.00")
    Payout.objects.filter(pk=ready.pk).update(bank_file=file)

    assert violated() == ["I14"]


def test_the_same_account_and_amount_within_a_month_is_seen(cast, payment):
    one, two, three = bank_payouts(payment, ["100.00", "100.00", "100.01"])

    found = repeats_of(Payout.objects.select_related("destination"))

    assert {key: [row.pk for row in rows] for key, rows in found.items()} == {
        one.pk: [two.pk],
        two.pk: [one.pk],
    }
    Payout.objects.filter(pk=two.pk).update(created_at=NOW)
    assert three.pk not in found


def test_the_command_writes_the_bytes_that_were_made(cast, file, tmp_path):
    place = tmp_path / "file.xml"
    listed = StringIO()
    call_command("export_bank_file", stdout=listed)

    call_command("export_bank_file", file.message_id, output=str(place), stderr=StringIO())

    assert file.message_id in listed.getvalue()
    assert hashlib.sha256(place.read_bytes()).hexdigest() == file.sha256
    with pytest.raises(CommandError):
        call_command("export_bank_file", "RPNONE")


def test_the_journal_tells_a_payouts_way_through_a_file(cast, file, flo):
    payout = file.payouts.first()
    confirm_bank_file(principal=flo, file_id=file.pk, now=LATER)

    assert told(payout) == ["submitted", "accepted"]
    assert Event.objects.get(type="payout.accepted", subject_id=payout.pk).actor_id == flo.user.pk


def test_a_file_with_money_in_dispute_or_charged_back_is_not_given_out_before_it_was_uploaded(
    cast, payment, file, flo
):
    """It may have been made before the dispute; it is discarded, and what is not in dispute goes out anew."""
    dispute_payment(principal=cast.as_finn, payment_id=payment.pk, now=LATER)

    with pytest.raises(StaleState, match="dispute"):
        export_bank_file(principal=cast.as_finn, file_id=file.pk, now=LATER)

    confirm_bank_file(principal=flo, file_id=file.pk, now=LATER)
    assert export_bank_file(principal=cast.as_finn, file_id=file.pk, now=LATER)
