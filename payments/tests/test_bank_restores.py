"""After a restore from a backup: no bank file before the bank's book is known again."""

from datetime import date, timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import call_command

from contracts.tests.cast import NOW
from payments.models import Break, Reconciliation
from payments.services import leave_break, make_bank_file, reconcile_due, reconcile_now
from payments.services.bank_files import SendingHalted
from payments.tests.bank_book import TUESDAY, Entry, bank_payouts, paid, statement, take
from payments.tests.scenes import LATER, eur, ready_payout, state_of

FRIDAY, MONDAY, TUESDAYS = date(2026, 5, 29), date(2026, 6, 1), date(2026, 6, 2)


def test_after_a_restore_a_statement_tells_what_was_sent_and_opens_the_way(cast, payment):
    """The backup was made before the file: the payout is ready again although the bank has done it."""
    payout = ready_payout(payment, "10.00")
    Reconciliation.objects.create(rail="bank_file", since=NOW, started_at=NOW, database="before")
    with pytest.raises(SendingHalted):
        make_bank_file(principal=cast.as_finn, now=LATER)
    reconcile_now(principal=cast.as_finn, rail="bank_file", now=LATER)
    with pytest.raises(SendingHalted):
        make_bank_file(principal=cast.as_finn, now=LATER)

    take(cast, statement(name="1", day=date(2026, 6, 1)))
    take(cast, statement(paid(payout)))

    assert state_of(payout) == "settled"
    ready_payout(payment, "20.00")
    assert make_bank_file(principal=cast.as_finn, now=TUESDAY).payouts_count == 1


@pytest.mark.parametrize(
    ("days", "imported_after", "is_lifted"),
    [
        ([(FRIDAY, "1000.00")], timedelta(hours=1), False),
        ([(FRIDAY, "1000.00"), (MONDAY, "1000.00")], timedelta(days=1), True),
        ([(MONDAY, "1000.00")], timedelta(days=2), False),
        ([(TUESDAYS, "1000.00")], timedelta(days=2), False),
        ([(MONDAY, "1000.00"), (TUESDAYS, "900.00")], timedelta(days=2), False),
        ([(MONDAY, "1000.00"), (TUESDAYS, "1000.00")], timedelta(days=2), True),
        ([(TUESDAYS, "1000.00"), (MONDAY, "1000.00")], timedelta(days=2), True),
    ],
    ids=[
        "the banking day before, of before the restore", "the day of the restore", "an old one",
        "one without those before", "one that does not go on from those before", "all of them",
        "all of them, the newest first",
    ],
)  # fmt: skip
def test_a_restored_database_waits_for_all_statements_of_what_it_forgot(
    cast, payment, days, imported_after, is_lifted
):
    """Restored on Monday morning, last compared on Sunday: a file may have gone out until it was seen."""
    ready_payout(payment, "10.00")
    sunday = NOW - timedelta(days=1)
    Reconciliation.objects.create(rail="bank_file", since=sunday, started_at=sunday, database="before")
    reconcile_due(now=NOW)

    for day, opening in days:
        take(cast, statement(name=str(day), day=day, opening=opening), now=NOW + imported_after)

    if is_lifted:
        assert make_bank_file(principal=cast.as_finn, now=NOW + imported_after).payouts_count == 1
    else:
        with pytest.raises(SendingHalted):
            make_bank_file(principal=cast.as_finn, now=NOW + imported_after)


WENT, CAME = Entry(amount="-100.00"), Entry(amount="30.00")


def of_monday_and_tuesday():
    """One statement that begins on Monday and ends on Tuesday."""
    start, opening, rest = statement(WENT, CAME, name="both", day=TUESDAYS).partition(b"<Cd>OPBD</Cd>")
    return start + opening + rest.replace(b"2026-06-02", b"2026-06-01", 1)


@pytest.mark.parametrize(
    "beside",
    [of_monday_and_tuesday(), statement(name="empty", day=MONDAY, opening="900.00")],
    ids=["one of several days", "a second one of a day, which is empty"],
)
def test_a_statement_beside_those_of_each_day_does_not_hold_the_halt(cast, payment, beside):
    """Restored on Monday, known until Friday."""
    ready_payout(payment, "10.00")
    friday = NOW - timedelta(days=3)
    Reconciliation.objects.create(rail="bank_file", since=friday, started_at=friday, database="before")
    reconcile_due(now=NOW)
    wednesday = NOW + timedelta(days=2)

    take(cast, statement(WENT, name="monday", day=MONDAY), now=wednesday)
    take(cast, beside, now=wednesday)
    take(cast, statement(CAME, name="tuesday", day=TUESDAYS, opening="900.00"), now=wednesday)
    with pytest.raises(SendingHalted):
        make_bank_file(principal=cast.as_finn, now=wednesday)
    take(cast, statement(name="friday", day=FRIDAY), now=wednesday)

    assert make_bank_file(principal=cast.as_finn, now=wednesday).payouts_count == 1


def test_a_backup_from_before_the_first_payout_is_known_for_one(cast, payment):
    """What was approved after it is proposed again: no file before the statements show what was sent."""
    reconcile_due(now=NOW)
    Reconciliation.objects.filter(rail="bank_file").update(database="before")
    ready_payout(payment, "10.00")

    with pytest.raises(SendingHalted):
        make_bank_file(principal=cast.as_finn, now=LATER)


def test_the_operator_says_by_hand_that_this_database_was_restored(cast, payment):
    ready_payout(payment, "10.00")

    with time_machine.travel(NOW, tick=False):
        call_command("reconcile", rail="bank_file", after_restore=True, stdout=StringIO())

    with pytest.raises(SendingHalted):
        make_bank_file(principal=cast.as_finn, now=TUESDAY)
    take(cast, statement(name="1", day=date(2026, 6, 1)))
    assert make_bank_file(principal=cast.as_finn, now=TUESDAY).payouts_count == 1


def test_no_file_is_made_while_the_money_is_not_safe_or_after_a_restore(cast, payment):
    bank_payouts(payment)
    found = leave_break(kind="different", amount=eur("1.00"), now=NOW)
    with pytest.raises(SendingHalted):
        make_bank_file(principal=cast.as_finn, now=NOW)
    Break.objects.filter(pk=found.pk).update(resolved_at=NOW)
    Reconciliation.objects.create(rail="bank_file", since=NOW, started_at=NOW, database="another one")

    with pytest.raises(SendingHalted):
        make_bank_file(principal=cast.as_finn, now=NOW)
