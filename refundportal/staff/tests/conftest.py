from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine

from refunds.tests.scene import LATER, Scene, make_scene


@pytest.fixture(autouse=True)
def private_files(settings, tmp_path: Path) -> Path:
    settings.PRIVATE_FILES = tmp_path / "private"
    return settings.PRIVATE_FILES


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """The server's clock: it stands an hour after Alice applied until `clock.move_to` sets it."""
    with time_machine.travel(LATER + timedelta(hours=1), tick=False) as traveller:
        yield traveller


@pytest.fixture
def scene(db: None, clock: time_machine.Traveller) -> Scene:
    """Nothing delivered yet: the answer is a refund in full."""
    return make_scene()


@pytest.fixture
def delivered(db: None, clock: time_machine.Traveller) -> Scene:
    """S1 was delivered and nobody has examined it yet."""
    return make_scene(is_delivered=True)


@pytest.fixture
def consumer(db: None, clock: time_machine.Traveller) -> Scene:
    """Like `scene`, but Alice's client is a consumer."""
    return make_scene(kind="consumer")
