"""A sample of the made-up lives that `make faults` lives at length: whatever is done, money stays right."""

from unittest.mock import patch

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


@pytest.mark.parametrize(
    ("broken", "seen"),
    [
        ("payments.services.disputes.uncover_stage", "I18 a stage is not paid as counted"),
        ("payments.ledger.book_payout", "I07 a paid payout is not booked"),
        ("payments.services.booking.count_as_reserved", "I02 the counters of a payment differ"),
    ],
)
def test_a_fault_of_the_services_is_seen_on_the_way(broken, seen):
    with patch(broken, lambda *given, **named: None), pytest.raises(AssertionError, match=seen):
        tour()
