"""Reconciliation: our payouts against the provider's book, and nothing sent twice after a restore."""

from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from contracts.tests.cast import NOW
from events.models import Event
from kernel.errors import NotPermitted
from kernel.ids import new_id
from payments import checks
from payments.gateways.protocol import BookClosed
from payments.gateways.sandbox import SandboxGateway
from payments.models import Break, Payout, PayoutAttempt, Reconciliation, SandboxRefund
from payments.restores import database_identity
from payments.services import (
    cancel_payout,
    charge_back_payment,
    reconcile,
    reconcile_due,
    reconcile_now,
    resolve_break,
)
from payments.services.sending import claim_next
from payments.tests.scenes import (
    LATER,
    captured_payment,
    counters_of,
    fault,
    look_after,
    ready_payout,
    send,
    settle,
    state_of,
    violated,
)

TOMORROW = NOW + timedelta(days=1)


@pytest.fixture
def payment(contract):
    return captured_payment(contract)


def run(at=TOMORROW, **fields):
    return reconcile(rail="sandbox", now=at, **fields)


def breaks():
    return sorted(Break.objects.values_list("kind", flat=True))


def line(key, amount=10000, **fields):
    return SandboxRefund.objects.create(
        key=key, amount_minor=amount, currency="EUR", **{"created_at": NOW, "ends_at": NOW, **fields}
    )


def test_books_that_agree_leave_nothing_behind(payment):
    ready_payout(payment, "100.00")
    fault("refuse", code="account_closed")
    ready_payout(payment, "50.00")
    settle()
    events = Event.objects.count()

    done = run()
    events += 1  # the comparison itself

    assert (done.ended_at, done.lines_read, done.differences, done.error) == (TOMORROW, 1, 0, "")
    assert (breaks(), Event.objects.count()) == ([], events)


def test_what_is_merely_ahead_of_us_is_booked(payment):
    payout = ready_payout(payment, "100.00")
    send()
    assert state_of(payout) == "accepted"

    run()

    assert state_of(payout) == "settled"
    assert violated(TOMORROW) == []


def test_a_line_that_no_payout_of_ours_explains_is_a_difference_and_halts_sending(cast, payment):
    ready_payout(payment, "1.00")
    line("someone else's")

    run()
    run(TOMORROW + timedelta(hours=1))

    found = Break.objects.get()
    assert (found.kind, found.payout_id, found.amount_minor) == ("theirs_only", None, 10000)
    assert Event.objects.filter(type="break.found").count() == 1
    assert send(TOMORROW + timedelta(hours=1)) == 0


def test_a_line_that_names_a_payout_of_another_rail_is_none_of_its(contract):
    payout = ready_payout(captured_payment(contract, rail="manual"), "100.00")
    line(payout.pk)

    run()

    assert (state_of(payout), breaks()) == ("ready", ["theirs_only"])


def test_a_cleared_difference_is_not_found_again(cast, payment):
    theirs = line("someone else's")
    run()
    resolve_break(principal=cast.as_finn, break_id=Break.objects.get().pk, resolution="A test.", now=TOMORROW)

    run(TOMORROW + timedelta(days=1))

    assert Break.objects.count() == 1
    assert theirs.amount_minor == 10000


@pytest.mark.parametrize("key", ["new", "failed", "cancelled"])
def test_money_that_we_think_never_left_is_a_difference(cast, payment, key):
    key = _a_payout_that_never_left(cast, payment) if key == "cancelled" else _one(payment, key)

    line(key.hex)
    run()

    assert breaks() == ["theirs_only"]
    assert counters_of(payment)[1] == 0


def _one(payment, kind):
    if kind == "new":
        return new_id()
    payout = ready_payout(payment, "100.00")
    fault("refuse", code="account_closed")
    send()
    assert state_of(payout) == "failed"
    return payout.pk


def _a_payout_that_never_left(cast, payment):
    payout = ready_payout(payment, "100.00")
    cancel_payout(principal=cast.as_finn, payout_id=payout.pk, reason="Wrong account.", now=LATER)
    return payout.pk


def test_another_amount_is_a_difference(payment):
    payout = ready_payout(payment, "100.00")
    settle()
    SandboxRefund.objects.filter(key=payout.pk.hex).update(amount_minor=9999)

    run()

    assert breaks() == ["different"]
    assert counters_of(payment) == (0, 10000)


@pytest.mark.parametrize(("minutes", "found"), [(29, []), (31, ["ours_only"])])
def test_what_they_lack_is_a_difference_once_their_list_had_time(payment, minutes, found):
    ready_payout(payment, "100.00")
    settle()
    SandboxRefund.objects.all().delete()

    run(NOW + timedelta(minutes=minutes))

    assert breaks() == found
    assert ("I15" in violated(NOW)) is True


def test_money_that_came_back_is_owed_again(payment):
    payout = ready_payout(payment, "100.00")
    settle()
    SandboxRefund.objects.filter(key=payout.pk.hex).update(end="returned", failure_code="account_closed")

    run()

    assert (state_of(payout), counters_of(payment)) == ("returned", (10000, 0))


def test_a_second_line_of_one_payout_is_a_difference(payment, monkeypatch):
    payout = ready_payout(payment, "100.00")
    settle()
    known = SandboxGateway.lines

    def with_a_copy(self, *, since, now):
        for found in known(self, since=since, now=now):
            yield found
            yield type(found)(
                reference="copy", key=found.key, amount=found.amount, kind=found.kind,
                created_at=found.created_at,
            )  # fmt: skip

    monkeypatch.setattr(SandboxGateway, "lines", with_a_copy)

    run()

    found = Break.objects.get()
    assert (found.kind, found.payout_id, found.detail["reference"]) == ("theirs_only", payout.pk, "copy")
    assert "I14" in violated(TOMORROW)


# After a restore


def restored(monkeypatch, name="another database"):
    """Let the database be another one than at the last comparison."""
    for module in ("payments.restores", "payments.services.reconciliation"):
        monkeypatch.setattr(f"{module}.database_identity", lambda: name)


def test_after_a_restore_nothing_is_sent_until_the_book_was_read(payment, monkeypatch):
    assert reconcile_due(now=NOW) == 2  # the sandbox and the bank
    forgotten = ready_payout(payment, "100.00")
    line(forgotten.pk.hex)
    other = ready_payout(payment, "30.00")
    restored(monkeypatch)

    assert send(LATER) == 0
    assert reconcile_due(now=LATER) == 1

    assert state_of(forgotten) == "settled"
    assert PayoutAttempt.objects.filter(payout=forgotten).count() == 1
    assert send(LATER) == 1
    assert state_of(other) == "accepted"
    assert SandboxRefund.objects.filter(key=forgotten.pk.hex).count() == 1
    assert violated(LATER) == []


def test_a_payout_in_doubt_is_not_sent_again_before_the_book_was_read(payment, monkeypatch):
    reconcile_due(now=NOW)
    payout = ready_payout(payment, "100.00")
    fault("timeout_not_done")
    send()
    restored(monkeypatch)

    look_after(LATER)

    assert (state_of(payout), SandboxRefund.objects.count()) == ("unknown", 0)


def test_a_book_that_cannot_be_read_keeps_sending_halted_and_is_tried_again(payment, monkeypatch):
    reconcile_due(now=NOW)
    ready_payout(payment, "100.00")
    restored(monkeypatch)
    with monkeypatch.context() as broken:
        broken.setattr(SandboxGateway, "lines", _closed)
        reconcile_due(now=LATER)
    assert Reconciliation.objects.latest("started_at").error == "page 2 is missing"
    assert send(LATER) == 0

    assert reconcile_due(now=LATER + timedelta(minutes=9)) == 0
    assert reconcile_due(now=LATER + timedelta(minutes=10)) == 1
    assert send(LATER + timedelta(minutes=10)) == 1


def _closed(self, *, since, now):
    yield from ()
    raise BookClosed("page 2 is missing")


def test_a_restore_that_nobody_can_see_is_told_by_hand(payment):
    reconcile_due(now=NOW)
    ready_payout(payment, "100.00")

    run(LATER, after_restore=True)

    assert Reconciliation.objects.latest("started_at").database == database_identity()
    Reconciliation.objects.create(rail="sandbox", since=NOW, started_at=LATER + timedelta(seconds=1))
    assert send(LATER) == 0


def test_it_runs_once_a_day(payment):
    assert reconcile_due(now=NOW) == 2  # the sandbox and the bank
    assert reconcile_due(now=NOW + timedelta(hours=23)) == 0
    assert reconcile_due(now=NOW + timedelta(hours=24)) == 2


def test_the_name_of_the_database_stays_the_same(db):
    assert database_identity() == database_identity()
    assert database_identity().count("/") == (2 if connection.vendor == "postgresql" else 0)


def test_only_finance_asks_for_it(cast, payment):
    for person in (cast.as_rita, cast.as_alice, cast.as_arno):
        with pytest.raises(NotPermitted):
            reconcile_now(principal=person, rail="sandbox", now=NOW)

    done = reconcile_now(principal=cast.as_finn, rail="sandbox", now=NOW)

    assert done.asked_by == cast.finn
    told = Event.objects.get(type="reconciliation.ended")
    assert (told.subject_id, told.actor_id, told.data) == (
        done.pk, cast.finn.pk, {"rail": "sandbox", "lines": 0, "differences": 0},
    )  # fmt: skip


def test_a_difference_that_was_just_found_stops_the_sender_at_once(
    cast, payment, django_capture_on_commit_callbacks
):
    assert checks.money_is_safe(NOW)
    line("someone else's")

    with django_capture_on_commit_callbacks(execute=True):
        run()

    assert not checks.money_is_safe(NOW)


def test_a_payment_that_was_charged_back_and_paid_back_is_named_by_its_difference(cast, payment):
    ready_payout(payment, "100.00")
    settle()
    charge_back_payment(principal=cast.as_finn, payment_id=payment.pk, now=LATER)

    run()

    assert breaks() == ["double_return"]
    assert violated(TOMORROW) == []


def test_the_command_says_what_it_found(payment):
    line("someone else's")
    out = StringIO()

    with time_machine.travel(TOMORROW), pytest.raises(CommandError, match="1 open difference"):
        call_command("reconcile", stdout=out)

    assert "sandbox: 1 line read" in out.getvalue()
    with pytest.raises(CommandError, match="manual"):
        call_command("reconcile", "--rail", "manual")


def test_a_claim_that_is_under_way_is_left_to_its_answer(payment):
    payout = ready_payout(payment, "100.00")
    claim_next(NOW)
    line(payout.pk.hex)

    run()

    assert state_of(payout) in ("settled", "submitting")
    assert Payout.objects.count() == 1
    assert violated(TOMORROW) == []
