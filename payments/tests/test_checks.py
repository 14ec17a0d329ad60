"""The checker is able to fail: each invariant is broken past the constraints, and seen."""

import json
from dataclasses import dataclass
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.groups import FINANCE
from accounts.models import IdempotencyRecord
from accounts.principals import SYSTEM, Principal
from accounts.services import create_user
from contracts.models import Contract, PrepaymentShare, Stage, UsageRecord
from contracts.tests.cast import NOW, signed_contract, stage_named
from events import guards
from events.anchors import export_anchor
from events.journal import seal, sequence_events
from events.models import Event, EventPosition, Seal
from kernel.ids import new_id
from payments import checks, tasks
from payments.invariants import INVARIANTS
from payments.models import (
    Account,
    Allocation,
    BankFile,
    Break,
    Payment,
    Payout,
    ProviderEvent,
    Reconciliation,
    SandboxRefund,
    Transfer,
)
from payments.services import (
    cancel_payout,
    charge_back_payment,
    confirm_step,
    issue_credit,
    record_usage,
    replace_payout,
)
from payments.services.sending import claim_next
from payments.tests.scenes import captured_payment, fault, ready_payout, settle


@dataclass
class World:
    contract: Contract
    payment: Payment
    settled: Payout
    failed: Payout
    returned: Payout
    cancelled: Payout
    ready: Payout
    other: Contract


@pytest.fixture
def world(cast, contract):
    """A little of everything, as far along as it goes; clean."""
    now = timezone.now() - timedelta(minutes=2)
    flo = Principal(
        user=create_user(email="flo@company.example", name="Flo", is_staff=True, groups=[FINANCE])
    )
    payment = captured_payment(contract, amount="600.00", at=now)
    captured_payment(contract, "P1", "300.00", at=now)
    lost = captured_payment(contract, amount="100.00", at=now)
    usage = {
        "source": "gateway", "external_id": "1", "contract": str(contract.pk), "meter": "api_calls",
        "quantity": "100", "occurred_at": "2026-06-01T07:00:00Z",
    }  # fmt: skip
    record_usage(principal=SYSTEM, records=[usage], now=now)
    ready_payout(lost, "30.00", at=now)
    settled = ready_payout(payment, "50.00", at=now)
    settle(now)
    charge_back_payment(principal=SYSTEM, payment_id=lost.pk, now=now)
    returned = ready_payout(payment, "20.00", at=now)
    fault("return_later", code="account_closed")
    settle(now)
    step = replace_payout(principal=cast.as_finn, payout_id=returned.pk, reason="New account.", now=now)
    failed = confirm_step(principal=flo, step_id=step.pk, now=now)
    fault("refuse", code="account_closed")
    settle(now)
    cancelled = ready_payout(payment, "10.00", at=now)
    cancel_payout(principal=cast.as_finn, payout_id=cancelled.pk, reason="A mistake.", now=now)
    issue_credit(
        request_id=new_id(),
        payment=payment,
        target_stage=stage_named(contract, "S2"),
        amount_minor=900,
        now=now,
    )
    ready = ready_payout(payment, "5.00", at=now)
    assert list(checks.find_violations(timezone.now())) == []
    return World(
        contract=contract, payment=payment, settled=settled, failed=failed,
        returned=returned, cancelled=cancelled, ready=ready, other=signed_contract(cast),
    )  # fmt: skip


def _change(rows, **values):
    assert rows.update(**values)


def _delete(rows):
    assert rows._raw_delete(rows.db)


def _payout(payout):
    return Payout.objects.filter(pk=payout.pk)


def _lease_of_a_dead_worker(world):
    claim_next(timezone.now())
    _change(_payout(world.ready), lease_until=timezone.now() - timedelta(minutes=6))


def _second_line(world):
    SandboxRefund.objects.create(
        key=str(world.settled.pk).upper(), amount_minor=5000, currency="EUR", created_at=NOW, ends_at=NOW
    )


def _difference(kind):
    return lambda w: Break.objects.create(kind=kind, amount_minor=1, currency="EUR", found_at=NOW)


def _forgotten_call(world):
    IdempotencyRecord.objects.create(principal="erp", key="k", fingerprint="f", created_at=NOW)


def _forgotten_event(world):
    ProviderEvent.objects.create(
        provider="stripe",
        external_id="evt_1",
        type="x",
        body=b"{}",
        received_at=timezone.now() - timedelta(hours=2),
        next_attempt_at=timezone.now(),
    )


def _wrong_way(world):
    """A capture as if the money had gone out."""
    booked = TRANSFERS.get(key=f"capture:{world.payment.pk}")
    _change(TRANSFERS.filter(pk=booked.pk), debit_id=booked.credit_id, credit_id=booked.debit_id)


def _rewritten_event(world):
    sequence_events()
    seal(now=timezone.now())
    _change(Event.objects.filter(subject_id=world.settled.pk, type="payout.settled"), data={"amount": "1.00"})


def _unread_book(world):
    Reconciliation.objects.create(
        rail="sandbox", since=NOW, started_at=timezone.now() - timedelta(days=2, minutes=1)
    )


def _bank_file(**changes):
    """A file of no payouts, three days old unless changed."""
    given = {
        "payouts_count": 0,
        "total_minor": 0,
        "created_at": timezone.now() - timedelta(days=3),
        **changes,
    }

    def plant(_):
        fay = create_user(email="fay@company.example", name="Fay", is_staff=True)
        BankFile.objects.create(
            message_id="RP1",
            content_sealed="x",
            sha256="x",
            execution_on=NOW.date(),
            currency="EUR",
            created_by=fay,
            **given,
        )

    return plant


TRANSFERS = Transfer.objects.all()
PLANTS = {
    "more goes back than was paid, and no break explains it": lambda w: _delete(Break.objects.all()),
    "the counters of a payment differ from its payouts and credits": lambda w: _change(
        Payment.objects.filter(pk=w.payment.pk), reserved_minor=2501
    ),
    "a payment is charged back by its status or by its counter, not by both": lambda w: _change(
        Payment.objects.filter(pk=w.payment.pk), charged_back_minor=1
    ),
    "a request has more than one chain of payouts or credit": lambda w: _change(
        _payout(w.failed), request_id=w.settled.request_id
    ),
    "a payout is not in the currency or for the client of its payment": lambda w: _change(
        _payout(w.ready), currency="USD"
    ),
    "a successor differs from the payout it replaces": lambda w: _change(
        _payout(w.failed), amount_minor=1999
    ),
    "a payout was replaced although it was paid or is still on its way": lambda w: _change(
        _payout(w.returned), state="settled"
    ),
    "debits and credits of a currency differ": lambda w: _change(
        Account.objects.filter(code="received:EUR"), currency="USD"
    ),
    "a transfer is not in the currency of its payment": lambda w: _change(TRANSFERS, currency="USD"),
    "a transfer does not name what caused it": lambda w: _change(
        TRANSFERS.filter(key=f"payout:{w.settled.pk}"), key=f"payout:{w.ready.pk}"
    ),
    "a captured payment or a chargeback is not booked with its amount, or booked without reason": lambda w: (
        _delete(TRANSFERS.filter(key=f"capture:{w.payment.pk}"))
    ),
    "a paid payout is not booked exactly once with its amount": lambda w: _change(
        TRANSFERS.filter(key=f"payout:{w.settled.pk}"), amount_minor=4999
    ),
    "a payout is owed without being booked so with its amount": lambda w: _delete(
        TRANSFERS.filter(key=f"reserve:{w.ready.pk}")
    ),
    "a payout is booked as paid but is not": lambda w: _change(_payout(w.settled), state="unknown"),
    "a payout is booked as returned, released or owed but is not": lambda w: _change(
        _payout(w.cancelled), state="failed"
    ),
    "a payout is stuck": _lease_of_a_dead_worker,
    "the sender does not find a payout that is ready": lambda w: _change(_payout(w.ready), rail="stripe"),
    "a call was kept without its answer": _forgotten_call,
    "a provider event was not worked off in its time": _forgotten_event,
    "a provider holds more than one line of a payout, or one that is not ours or not as ordered": (
        _difference("theirs_only")
    ),
    "a provider does not know a payout that we call paid": _difference("ours_only"),
    "the sandbox holds more than one line of a payout": _second_line,
    "a line of the sandbox is not ours, or not as ordered": lambda w: _change(
        SandboxRefund.objects.filter(key=w.settled.pk.hex), amount_minor=5001
    ),
    "the sandbox does not know a payout that we call paid": lambda w: _delete(SandboxRefund.objects.all()),
    "a provider's book was not read to its end for two days": _unread_book,
    "the journal is not as it was written": _rewritten_event,
    "the ledger owes another sum than the payments have set aside": lambda w: _change(
        TRANSFERS.filter(key=f"reserve:{w.ready.pk}"), amount_minor=501
    ),
    "the usage kept with a payment is not that of its records": lambda w: _change(
        Payment.objects.filter(pk=w.payment.pk), usage_rest_femto=1
    ),
    "a payment is not in the currency or for the client of its contract, or for a stage of it": lambda w: (
        _change(Payment.objects.filter(pk=w.payment.pk), currency="USD")
    ),
    "a transfer runs between other accounts than its cause says": _wrong_way,
    "a payment is parted among stages of another contract": lambda w: _change(
        Allocation.objects.filter(payment=w.payment), stage_id=stage_named(w.other, "S1").pk
    ),
    "nobody said what became of a bank file": lambda w: _bank_file(
        created_at=timezone.now() - timedelta(days=5)
    )(w),
    "the payouts of a bank file are not those that it orders": _bank_file(total_minor=1),
    "the stages do not sum to the contract": lambda w: _change(Contract.objects.all(), total_minor=1),
    "the shares do not sum to the prepayment": lambda w: _change(
        PrepaymentShare.objects.all(), amount_minor=1
    ),
    "the allocations do not sum to the payment": lambda w: _change(Allocation.objects.all(), amount_minor=1),
    "a usage record belongs to a payment that cannot have it": lambda w: _change(
        UsageRecord.objects.all(), payment_id=new_id()
    ),
    "a stage is not paid as counted, or beyond its amount": lambda w: _change(
        Stage.objects.filter(contract=w.contract, code="S2"), covered_minor=899
    ),
}


def test_a_violation_is_planted_for_every_invariant_of_this_room():
    assert sorted(PLANTS) == sorted(check.title for check in INVARIANTS)


@pytest.mark.parametrize("title", PLANTS)
def test_a_planted_violation_is_reported(world, title):
    with guards.lifted(operations=("INSERT", "UPDATE", "DELETE")):
        PLANTS[title](world)

    (check,) = [one for one in INVARIANTS if one.title == title]
    found = {(violation.id, violation.title) for violation in checks.violations_of(check, timezone.now())}
    assert found == {(check.id, title)}


def test_a_part_of_the_journal_that_was_cut_off_is_missed_by_what_was_kept_outside(world, settings, tmp_path):
    settings.ANCHOR_FILE = tmp_path / "anchors.jsonl"
    sequence_events()
    seal(now=timezone.now())
    export_anchor(file=settings.ANCHOR_FILE, addresses=())
    (check,) = [one for one in INVARIANTS if one.id == "I09"]
    assert checks.violations_of(check, timezone.now()) == []

    with guards.lifted():
        _delete(Seal.objects.all())
        _delete(EventPosition.objects.all())

    found = [violation.detail for violation in checks.violations_of(check, timezone.now())]
    assert [detail for detail in found if detail.startswith("the anchored seal of positions")]


def test_an_anchor_that_cannot_be_read_is_told(world, settings, tmp_path):
    settings.ANCHOR_FILE = tmp_path / "anchors.jsonl"
    settings.ANCHOR_FILE.write_text("what?\n")
    (check,) = [one for one in INVARIANTS if one.id == "I09"]

    assert "cannot be read" in checks.violations_of(check, timezone.now())[0].detail


def test_what_is_checked_every_few_minutes_reads_what_is_open_only(world):
    light = {check.id for check in checks.registered(cost=checks.Cost.LIGHT)}

    assert light == {"I12", "I14", "I15", "I16", "I20"}
    assert not any(check.safety for check in INVARIANTS if check.cost == checks.Cost.DEEP)


def test_an_alarm_is_sent_once_while_it_stays_the_same(world, settings, mailoutbox):
    settings.ALARM_EMAIL = ["money@company.example"]
    _lease_of_a_dead_worker(world)

    for _ in range(2):
        assert [one["id"] for one in tasks.check_money()] == ["I12"]

    (message,) = mailoutbox
    assert message.to == ["money@company.example"]
    assert f"I12 a payout is stuck: {world.ready.pk}" in message.body


def test_the_nightly_check_asks_everything(world):
    with guards.lifted(operations=("UPDATE",)):
        _rewritten_event(world)

    assert [one["id"] for one in tasks.check_all_money()] == ["I09"]


def _run(*arguments):
    out, err = StringIO(), StringIO()
    try:
        call_command("check_money", *arguments, stdout=out, stderr=err)
    except SystemExit as end:
        return end.code, out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def test_check_money_is_silent_and_succeeds_when_all_is_well(world):
    code, out, err = _run()

    assert (code, out) == (0, "")
    assert "0 violations" in err


def test_check_money_names_each_violation_and_fails(world):
    with guards.lifted(operations=("UPDATE",)):
        Payment.objects.filter(pk=world.payment.pk).update(reserved_minor=7)

    code, out, _ = _run()
    _, as_json, _ = _run("--json")

    assert code == 1
    assert out.startswith("I02 the counters of a payment differ")
    assert world.payment.number in out
    assert json.loads(as_json.splitlines()[0])["id"] == "I02"


def test_what_is_late_is_no_matter_of_safety(world):
    _lease_of_a_dead_worker(world)

    assert _run()[0] == 1
    assert _run("--safety")[0] == 0


def test_the_safety_invariants_are_those_that_hold_the_sender():
    safe = {check.id for check in INVARIANTS if check.safety}

    assert safe == {"I01", "I02", "I03", "I04", "I05", "I06", "I07", "I08", "I13", "I14", "I17", "I18"}


def test_ids_look_alike_on_every_database(world):
    with guards.lifted(operations=("UPDATE",)):
        _change(_payout(world.ready), currency="USD")

    subjects = {violation.subject for violation in checks.find_violations(timezone.now())}

    assert str(world.ready.pk) in subjects
