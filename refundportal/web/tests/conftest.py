from pathlib import Path

import pytest

from refunds.tests.scene import Scene, make_scene


@pytest.fixture(autouse=True)
def private_files(settings, tmp_path: Path) -> Path:
    settings.PRIVATE_FILES = tmp_path / "private"
    return settings.PRIVATE_FILES


@pytest.fixture
def scene(db: None) -> Scene:
    """Nothing delivered yet: the answer is a refund in full."""
    return make_scene()


@pytest.fixture
def delivered(db: None) -> Scene:
    """S1 was delivered and nobody has examined it yet."""
    return make_scene(is_delivered=True)
