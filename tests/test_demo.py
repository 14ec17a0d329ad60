"""The demonstration: everything is there to be seen, nothing is wrong with it, and it can be run again."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from accounts.models import User
from accounts.principals import Principal
from contracts.models import Contract, ContractState
from events.models import Event
from payments.models import Method, Payment, PaymentStatus, Payout, PayoutState, StatementLine
from payments.references import payment_reference
from refunds.models import Decision, RefundRequest, RequestState, TrialCase
from refunds.services import run_trial, start_trial

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def demo(settings, tmp_path: Path):
    settings.VAR_DIR = tmp_path
    settings.MAIL_FOLDER = tmp_path / "mail"
    settings.PRIVATE_FILES = tmp_path / "private"

    def run() -> str:
        out = StringIO()
        call_command("demo", stdout=out)
        return out.getvalue()

    return run


def _found(model, field: str) -> set[str]:
    return set(model.objects.values_list(field, flat=True))


def _every_payment_carries_what_its_client_was_told() -> None:
    told = Payment.objects.filter(imported=False).exclude(method=Method.CREDIT)
    rows = list(told.select_related("contract", "stage"))
    assert rows
    assert [row for row in rows if row.reference != payment_reference(row.contract, row.stage)] == []


def test_the_demonstration_shows_every_state_and_every_check_is_clean(demo, tmp_path):
    demo()

    assert _found(Payment, "status") == set(PaymentStatus.values)
    assert _found(Payout, "state") == set(PayoutState.values)
    assert _found(StatementLine, "state") == {"open", "set_aside"}
    assert _found(RefundRequest, "state") == set(RequestState.values)
    assert _found(Contract, "state") == set(ContractState.values)
    _every_payment_carries_what_its_client_was_told()
    assert "alice@brandt-joinery.example" in (tmp_path / "sign-in.txt").read_text()
    assert (tmp_path / "sign-in.txt").stat().st_mode & 0o777 == 0o600
    for check in ("check_money", "verify_journal", "replay_decisions"):
        call_command(check, stdout=StringIO(), stderr=StringIO())


@time_machine.travel(datetime(2026, 9, 15, 12, tzinfo=UTC), tick=True)
def test_two_days_instead_of_three_lose_exactly_those_who_applied_on_the_third_day(demo):
    """Counted by hand: by the calendar of the terms' zone, whoever applied three days after the payment."""
    demo()
    rita = Principal(user=User.objects.get(email__startswith="rita@"))
    now = timezone.now()
    trial = start_trial(
        principal=rita, changes={"window_days": 2}, since=now - timedelta(days=400), until=now, now=now
    )
    while run_trial(trial_id=trial.pk, now=now, batch_max=5) == 5:
        pass

    by_hand = set()
    for decision in Decision.objects.select_related("request__payment__terms"):
        request = decision.request
        terms, zone = request.payment.terms, ZoneInfo(request.payment.terms.time_zone)
        bought, applied = (
            at.astimezone(zone).date() for at in (request.payment.captured_at, request.submitted_at)
        )
        if terms.day_rule == "calendar" and (applied - bought).days == 3 <= terms.window_days:
            by_hand.add(request.number)
    found = {case.decision.request.number for case in TrialCase.objects.select_related("decision__request")}
    assert found == by_hand
    assert len(by_hand) == 2


def test_run_again_the_demonstration_adds_nothing(demo):
    demo()
    before = (Contract.objects.count(), Payment.objects.count(), Event.objects.count())

    demo()

    assert (Contract.objects.count(), Payment.objects.count(), Event.objects.count()) == before


def test_the_demonstration_refuses_to_run_in_production_mode(demo, settings):
    settings.PRODUCTION = True

    with pytest.raises(CommandError, match="production"):
        demo()

    assert not Contract.objects.exists()
