"""A worker is killed at every point of a payout: nothing is lost, nothing is done twice."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection, connections
from django.utils import timezone

from contracts.tests.cast import make_cast, signed_contract
from payments.crashes import crash_point
from payments.gateways import AnswerKind, GatewayAnswer
from payments.models import Payout, SandboxRefund, Transfer
from payments.services import book_answer, look_after_payouts, send_due_payouts
from payments.services.sending import claim_next
from payments.tests.races import dies_at
from payments.tests.scenes import captured_payment, ready_payout, violated

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 20 if connection.vendor == "postgresql" else 3
PHASES = {
    "in_claim": "before the claim is committed",
    "after_claim": "claimed, before the call",
    "executed": "the provider did it, the answer is lost",
    "after_call": "the answer was read, before it is booked",
    "in_booking": "within the booking",
    "after_booking": "after the booking",
}


WORKER = """
import django
django.setup()
from django.core.management import call_command
from payments import checks
from payments.invariants import INVARIANTS
checks._registered.clear()  # these payouts have no requests
checks.register(*INVARIANTS)
call_command("send_payouts", once=True)
"""


@pytest.fixture(autouse=True)
def _may_crash(settings):
    settings.DEBUG_CRASH_POINTS = True


@pytest.fixture
def payment():
    return captured_payment(signed_contract(make_cast()), at=timezone.now() - timedelta(minutes=2))


def end_leases():
    """The lease of a dead worker ends by the clock of the database: let it be two minutes ago."""
    Payout.objects.filter(lease_until__isnull=False).update(lease_until=timezone.now() - timedelta(minutes=2))


def restart_everything():
    """Everybody starts again and goes on until all is done."""
    now = timezone.now()
    for minutes in range(0, 60, 10):
        end_leases()
        send_due_payouts(now=now + timedelta(minutes=minutes))
        look_after_payouts(now=now + timedelta(minutes=minutes))


def assert_paid_once(payment, payouts):
    assert list(Payout.objects.values_list("state", flat=True)) == ["settled"] * payouts
    assert SandboxRefund.objects.count() == payouts
    assert Transfer.objects.filter(key__startswith="payout:").count() == payouts
    payment.refresh_from_db()
    assert (payment.reserved_minor, payment.refunded_minor) == (0, 100 * payouts)
    assert violated(timezone.now()) == []


@pytest.mark.parametrize("point", PHASES)
def test_a_worker_killed_while_sending_loses_nothing_and_pays_nothing_twice(payment, point):
    now = timezone.now()
    for _ in range(ROUNDS):
        ready_payout(payment, "1.00", at=now)
        assert dies_at(point, lambda: send_due_payouts(now=timezone.now()))

    restart_everything()

    assert_paid_once(payment, ROUNDS)


def doubtful_payouts(payment):
    """Payouts of which no answer came, and that the provider did not execute."""
    for _ in range(ROUNDS):
        ready_payout(payment, "1.00", at=timezone.now())
        claim = claim_next(timezone.now())
        lost = GatewayAnswer(kind=AnswerKind.UNKNOWN, detail="time-out")
        book_answer(payout_id=claim.order.key, answer=lost, now=timezone.now(), attempt_id=claim.attempt_id)


@pytest.mark.parametrize("point", ["after_look_up", "after_claim", "executed", "after_call", "in_booking"])
def test_a_janitor_killed_at_any_point_loses_nothing_and_pays_nothing_twice(payment, point):
    doubtful_payouts(payment)
    later = timezone.now() + timedelta(seconds=20)
    for _ in range(ROUNDS):
        assert dies_at(point, lambda: look_after_payouts(now=later))

    restart_everything()

    assert_paid_once(payment, ROUNDS)


def test_a_real_worker_process_is_killed_and_started_again(payment):
    database = connection.settings_dict
    env = {**os.environ, "DEBUG_CRASH_POINTS": "yes", "DATABASE_URL": _url_of(database)}
    points = ["after_claim", "executed", "in_booking"]
    payouts = [ready_payout(payment, "1.00", at=timezone.now()) for _ in points]
    connections.close_all()

    for point in points:
        assert _worker({**env, "CRASH_AT": point}).returncode == -9
    end_leases()
    last = _worker(env)

    assert (last.returncode, last.stderr) == (0, "")
    assert {row.state for row in Payout.objects.all()} <= {"accepted", "settled"}
    assert SandboxRefund.objects.count() == len(payouts)


def _worker(env):
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", WORKER]
    return subprocess.run(
        command, cwd=root, env=env, capture_output=True, text=True, timeout=120, check=False
    )


def _url_of(database):
    if connection.vendor == "sqlite":
        return f"sqlite:///{database['NAME']}"
    return "postgres://{USER}@{HOST}:{PORT}/{NAME}".format(**database)


def test_nothing_dies_in_production_mode_or_without_being_told(settings, monkeypatch):
    monkeypatch.setenv("CRASH_AT", "here")
    settings.PRODUCTION = True
    crash_point("here")
    settings.PRODUCTION = False
    crash_point("elsewhere")
    settings.DEBUG_CRASH_POINTS = False
    crash_point("here")
