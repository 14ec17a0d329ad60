from pathlib import Path

import pytest

from contracts.tests.cast import Cast, make_cast
from refundportal.api.tests.caller import Caller

READ_AND_WRITE = (
    "contracts:read",
    "contracts:write",
    "payments:read",
    "payments:write",
    "usage:write",
    "refunds:read",
    "refunds:write",
    "events:read",
    "webhooks:manage",
)

DECIDES = ("contracts:read", "refunds:read", "refunds:write", "refunds:decide")


@pytest.fixture
def cast(db: None) -> Cast:
    return make_cast()


@pytest.fixture
def erp(cast: Cast) -> Caller:
    """The system of Alice's client."""
    return Caller(*READ_AND_WRITE, clients=[cast.client])


@pytest.fixture
def stranger(cast: Cast) -> Caller:
    """A system that may do everything, for Mallory's client only."""
    return Caller(*READ_AND_WRITE, clients=[cast.other_client])


@pytest.fixture
def rita(cast):
    """A system that is bound to Rita."""
    return Caller(*DECIDES, all_clients=True, staff_user=cast.rita)


@pytest.fixture
def arno(cast, settings):
    """A system that is bound to Arno, where the portal allows approval over REST."""
    settings.API_APPROVAL = True
    return Caller(*DECIDES, all_clients=True, staff_user=cast.arno)


@pytest.fixture(autouse=True)
def private_files(settings, tmp_path: Path) -> Path:
    settings.PRIVATE_FILES = tmp_path / "private"
    return settings.PRIVATE_FILES
