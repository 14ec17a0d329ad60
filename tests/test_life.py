"""A sample of the made-up lives that `make faults` lives at length: whatever is done, money stays right."""

import pytest

from tests.faults.life import edges
from tests.faults.life.run import live, tour

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _private_files(settings, tmp_path):
    settings.PRIVATE_FILES = tmp_path / "private"


def test_whatever_is_done_the_invariants_hold():
    tally = live(steps=150, with_seed=20261125, of_a_life=50)

    assert tally.steps >= 150
    assert len(tally.edges) > 10
    assert set(tally.edges) <= edges.all_edges()


def test_every_edge_of_every_state_machine_can_be_gone_along():
    tally = tour()

    assert edges.missing(tally.edges) == []
