from collections.abc import Iterator
from typing import Any

import pytest

from accounts.principals import Principal
from contracts.models import Contract, Stage
from contracts.tests.cast import NOW, Cast, make_cast, signed_contract, stage_named
from payments import checks, gateways, hooks
from payments.gateways.stripe import StripeGateway, StripeReader
from payments.invariants import INVARIANTS
from payments.models import Payment, Payout
from payments.services import confirm_bank_file, make_bank_file, provider_events, stripe_events
from payments.tests.bank_book import account_of, another_of_finance, bank_payment, bank_payouts
from payments.tests.hearing import PATIENT
from payments.tests.scenes import LATER
from tests.fake_stripe.book import Book
from tests.fake_stripe.running import fake_stripe


@pytest.fixture(autouse=True)
def _this_room_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Payouts of these tests have no requests: leave the invariants and hooks of the room above aside."""
    monkeypatch.setattr(checks, "_registered", {})
    checks.register(*INVARIANTS)
    monkeypatch.setattr(hooks, "_cancelled", [])
    monkeypatch.setattr(hooks, "_open_requests", [])


@pytest.fixture
def cast(db: None) -> Cast:
    return make_cast()


@pytest.fixture
def contract(cast: Cast) -> Contract:
    """A signed contract: prepayment P1 of 300 (200 for S1, 100 for S2), S1 of 1000, S2 of 500 EUR."""
    return signed_contract(cast)


@pytest.fixture
def stage(contract: Contract) -> Stage:
    return stage_named(contract, "S1")


@pytest.fixture
def stripe(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Book]:
    """A Stripe of our own to which the rail of this test speaks, with little patience."""
    monkeypatch.setitem(gateways._GATEWAYS, "stripe", StripeGateway(PATIENT))
    for room in (provider_events, stripe_events):
        monkeypatch.setattr(room, "READER", StripeReader(PATIENT))
    with fake_stripe(NOW, settings) as book:
        yield book


@pytest.fixture
def flo(cast: Cast) -> Principal:
    """A second person in Finance."""
    return another_of_finance()


@pytest.fixture
def payment(cast: Cast, contract: Contract) -> Payment:
    """Bank money of a client whose account is known."""
    account_of(cast)
    return bank_payment(contract)


@pytest.fixture
def payouts(cast: Cast, payment: Payment, flo: Principal) -> list[Payout]:
    """Two payouts in a file that was uploaded."""
    made = bank_payouts(payment)
    file = make_bank_file(principal=cast.as_finn, now=NOW)
    confirm_bank_file(principal=flo, file_id=file.pk, now=LATER)
    return made
