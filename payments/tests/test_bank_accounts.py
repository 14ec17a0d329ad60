"""Where money goes through a bank: who names the account, how it is kept, and what waits for it."""

import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core import mail
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.utils import translation

from contracts.models import Membership
from contracts.services import add_member
from contracts.tests.cast import NOW
from events.journal import sequence_events
from events.models import Event
from events.outbox import deliver_due
from kernel.errors import InvalidInput, NotFoundOrHidden, NotPermitted
from payments.iban import InvalidIban, parse_iban
from payments.models import BankAccount
from payments.services import read_iban, save_bank_account
from payments.services.bank_accounts import COOLING, TooManyBankAccounts, iban_mark
from payments.tests.scenes import LATER

BERLIN, VIENNA, LONDON = "DE89370400440532013000", "AT611904300234573201", "GB29NWBK60161331926819"


def save(cast, iban=BERLIN, *, holder="Acme Ltd", principal=None, now=NOW) -> BankAccount:
    return save_bank_account(
        principal=principal or cast.as_alice, client_id=cast.client.pk, holder=holder, iban=iban, now=now
    )


# IBANs


@pytest.mark.parametrize(
    "written",
    [
        "DE89370400440532013000",
        "de89 3704 0044 0532 0130 00",
        "IBAN: DE89-3704-0044-0532-0130-00",
        " DE89\u00a03704 0044 0532 0130 00\t",
    ],
)
def test_an_iban_is_read_as_people_write_it(written):
    assert parse_iban(written) == BERLIN


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("DE88370400440532013000", "check_digits"),
        ("DE98370400440532013000", "check_digits"),
        ("DE8937040044053201300", "length"),
        ("DE893704004405320130000", "length"),
        ("XX89370400440532013000", "country"),
        ("", "form"),
        ("DE", "form"),
        ("8937 0400", "form"),
        ("ＤＥ89370400440532013000", "form"),
        ("DE89370400440532013०००", "form"),
        ("DE89370400440532013000\0", "form"),
        ("DE89370400440532013000<b>", "form"),
        ("DE" + "8" * 1000, "form"),
    ],
)  # fmt: skip
def test_what_is_no_iban_is_refused_with_its_reason(written, why):
    with pytest.raises(InvalidIban) as refusal:
        parse_iban(written)

    assert refusal.value.why == why
    assert "3704" not in str(refusal.value)


# Keeping them


def test_an_iban_is_encrypted_at_rest_and_shown_by_its_last_four_signs(cast):
    account = save(cast)

    row = BankAccount.objects.filter(pk=account.pk).values().get()
    assert all(BERLIN not in str(value) and "0532" not in str(value) for value in row.values())
    assert str(account) == "•••• 3000"
    assert account.iban_sha256 == iban_mark(BERLIN) != iban_mark(VIENNA)


def test_finance_alone_reads_the_whole_iban(cast):
    account = save(cast)

    assert read_iban(principal=cast.as_finn, account_id=account.pk) == BERLIN
    for other in (cast.as_alice, cast.as_bea, cast.as_rita, cast.as_arno, cast.as_ada, cast.as_erp):
        with pytest.raises(NotPermitted):
            read_iban(principal=other, account_id=account.pk)
    with pytest.raises(NotFoundOrHidden):
        read_iban(principal=cast.as_mallory, account_id=account.pk)


def test_accounts_survive_a_change_of_keys(cast, settings):
    from cryptography.fernet import Fernet

    account, newest = save(cast), Fernet.generate_key().decode()
    settings.FIELD_KEYS = [newest, *settings.FIELD_KEYS]
    call_command("rotate_field_keys", verbosity=0)
    settings.FIELD_KEYS = [newest]

    assert read_iban(principal=cast.as_finn, account_id=account.pk) == BERLIN


# Who may change them


@pytest.mark.parametrize("name", ["as_bea", "as_cem", "as_rita", "as_arno", "as_finn", "as_ada", "as_erp"])
def test_only_an_owner_changes_the_account(cast, name):
    with pytest.raises(NotPermitted):
        save(cast, principal=getattr(cast, name))

    assert not BankAccount.objects.exists()


def test_for_mallory_the_client_does_not_exist(cast):
    with pytest.raises(NotFoundOrHidden) as foreign:
        save(cast, principal=cast.as_mallory)
    with pytest.raises(NotFoundOrHidden) as missing:
        save_bank_account(principal=cast.as_mallory, client_id=uuid4(), holder="M", iban=BERLIN, now=NOW)

    assert str(foreign.value) == str(missing.value)
    assert not BankAccount.objects.exists()


def test_one_of_the_staff_who_is_a_member_too_does_not_change_the_account(cast):
    Membership.objects.create(client=cast.client, user=cast.finn, role="owner", created_at=NOW)

    with pytest.raises(NotPermitted):
        save(cast, principal=cast.as_finn)


@pytest.mark.parametrize("holder", ["", "  ", "x" * 71, "A\0B", "A\x1bB"])
def test_every_fault_is_told_at_once_and_nothing_is_kept(cast, holder):
    with pytest.raises(InvalidInput) as refusal:
        save(cast, "DE00", holder=holder)

    assert [fault.path for fault in refusal.value.faults] == ["holder", "iban"]
    assert not BankAccount.objects.exists()


# Changing them


def test_the_first_account_can_be_used_at_once_and_a_changed_one_after_three_days(cast):
    first = save(cast)
    second = save(cast, VIENNA, now=LATER)

    first.refresh_from_db()
    assert first.usable_from == NOW
    assert first.replaced_at == LATER
    assert second.usable_from == LATER + timedelta(days=3)


def test_the_same_account_again_changes_nothing(cast):
    first = save(cast)

    assert save(cast, "DE89 3704 0044 0532 0130 00", holder=" Acme  Ltd ", now=LATER).pk == first.pk
    assert Event.objects.filter(type__startswith="bank_account.").count() == 1


def test_another_name_for_the_same_account_neither_shortens_nor_begins_the_wait(cast):
    save(cast)
    changed = save(cast, VIENNA, now=LATER)

    named = save(cast, VIENNA, holder="Acme Limited", now=LATER + timedelta(hours=1))

    assert named.usable_from == changed.usable_from
    assert save(cast, VIENNA, holder="Acme", now=LATER + timedelta(days=9)).usable_from == LATER + timedelta(
        days=9
    )


def test_changing_back_waits_as_well(cast):
    save(cast)
    save(cast, VIENNA, now=LATER)

    assert (
        save(cast, BERLIN, now=LATER + timedelta(hours=1)).usable_from == LATER + timedelta(hours=1) + COOLING
    )


def test_an_account_is_changed_five_times_a_day_at_most(cast):
    for number in range(5):
        save(cast, [BERLIN, VIENNA][number % 2], now=NOW + timedelta(minutes=number))

    with pytest.raises(TooManyBankAccounts):
        save(cast, VIENNA, now=NOW + timedelta(hours=23))

    assert save(cast, VIENNA, now=NOW + timedelta(days=1)).iban_last4 == VIENNA[-4:]


@pytest.mark.parametrize(
    "change",
    [
        {"holder": "Mallory"},
        {"iban_last4": "0000"},
        {"usable_from": NOW - timedelta(days=9)},
        {"created_at": LATER},
    ],
)
def test_the_database_itself_keeps_an_account_as_it_was_entered(cast, change):
    account = save(cast)

    with pytest.raises(DatabaseError), transaction.atomic():
        BankAccount.objects.filter(pk=account.pk).update(**change)
    with pytest.raises(DatabaseError), transaction.atomic():
        account.delete()


# Telling


def told(now=LATER):
    sequence_events(1000)
    deliver_due(now=now)
    return {message.to[0]: message for message in mail.outbox if "bank account" in message.subject}


def test_a_change_is_told_to_the_client_its_owners_and_whoever_entered_the_account_before(
    cast, django_user_model
):
    zoe = django_user_model.objects.create_user(email="zoe@acme.example")
    add_member(principal=cast.as_alice, client_id=cast.client.pk, user=zoe, role="owner", now=NOW)
    save(cast)
    told()
    Membership.objects.filter(client=cast.client, user=cast.alice).delete()
    mail.outbox.clear()

    save_bank_account(
        principal=type(cast.as_alice)(user=zoe),
        client_id=cast.client.pk,
        holder="Zoe",
        iban=VIENNA,
        now=LATER,
    )
    messages = told()

    assert set(messages) == {"office@acme.example", "zoe@acme.example", "alice@acme.example"}
    for message in messages.values():
        for text in (message.body, message.alternatives[0][0]):
            assert "•••• 3201" in text
            assert "zoe@acme.example" in text
            assert "Thursday, 4 June 2026, 10:01 (Berlin time)" in text
            assert VIENNA not in text.replace(" ", "")


def test_the_first_account_is_told_too_without_speaking_of_waiting(cast):
    save(cast)

    messages = told()

    assert set(messages) == {"office@acme.example", "alice@acme.example"}
    assert "has been entered" in messages["office@acme.example"].subject
    assert "before" not in messages["office@acme.example"].body


def test_the_journal_holds_no_part_of_the_account(cast):
    save(cast)
    save(cast, VIENNA)

    events = Event.objects.filter(type__startswith="bank_account.").order_by("at", "type")
    assert [event.type for event in events] == ["bank_account.added", "bank_account.changed"]
    assert all("3201" not in str(event.data) and "Acme" not in str(event.data) for event in events)


def test_the_notice_follows_the_language_of_its_reader(cast):
    cast.client.language = "de"
    cast.client.save()
    save(cast)
    save(cast, VIENNA)

    with translation.override("en"):
        message = told()["office@acme.example"]

    assert "Donnerstag, 4. Juni 2026" in message.body


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_two_changes_at_once_leave_one_account_and_both_are_told(cast):
    save(cast)
    start = threading.Barrier(2)

    def change(iban):
        try:
            start.wait()
            save(cast, iban, now=LATER)
        finally:
            connection.close()

    threads = [threading.Thread(target=change, args=[iban]) for iban in (VIENNA, LONDON)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert BankAccount.objects.filter(client=cast.client, replaced_at=None).count() == 1
    assert BankAccount.objects.count() == 3
    assert Event.objects.filter(type="bank_account.changed").count() == 2
