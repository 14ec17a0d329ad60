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
)


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


@pytest.fixture(autouse=True)
def private_files(settings, tmp_path: Path) -> Path:
    settings.PRIVATE_FILES = tmp_path / "private"
    return settings.PRIVATE_FILES
