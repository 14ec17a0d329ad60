"""The demonstration: everything is there to be seen, nothing is wrong with it, and it can be run again."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from contracts.models import Contract, ContractState
from events.models import Event
from payments.models import Payment, PaymentStatus, Payout, PayoutState
from refunds.models import RefundRequest, RequestState

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


def test_the_demonstration_shows_every_state_and_every_check_is_clean(demo, tmp_path):
    demo()

    assert _found(Payment, "status") == set(PaymentStatus.values)
    assert _found(Payout, "state") == set(PayoutState.values)
    assert _found(RefundRequest, "state") == set(RequestState.values)
    assert _found(Contract, "state") == set(ContractState.values)
    assert "alice@brandt-joinery.example" in (tmp_path / "sign-in.txt").read_text()
    assert (tmp_path / "sign-in.txt").stat().st_mode & 0o777 == 0o600
    for check in ("check_money", "verify_journal", "replay_decisions"):
        call_command(check, stdout=StringIO(), stderr=StringIO())


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
