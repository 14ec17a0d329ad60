import pytest

from contracts.models import Contract
from contracts.tests.cast import Cast, make_cast, signed_contract
from payments import checks, hooks
from payments.invariants import INVARIANTS


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
