from collections.abc import Iterator
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
    """The server's clock: it stands an hour after Alice paid until `clock.move_to` sets it."""
    with time_machine.travel(LATER, tick=False) as traveller:
        yield traveller


@pytest.fixture
def scene(db: None, clock: time_machine.Traveller) -> Scene:
    """Alice has paid for S1; nothing was delivered."""
    return make_scene()


@pytest.fixture
def delivered(db: None, clock: time_machine.Traveller) -> Scene:
    """S1 was delivered the day before Alice paid; nobody has examined it."""
    return make_scene(is_delivered=True)
