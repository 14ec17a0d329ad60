"""A sample of the races of `make faults`: no round may go wrong, and the twins see what they have to."""

import random
from contextlib import closing

import pytest

from tests.faults.races.arena import Arena
from tests.faults.races.playing import RACES, play

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

SEED = 20261125
ROUNDS = 2


def test_in_a_few_rounds_of_every_race_nothing_goes_wrong():
    with closing(Arena(random.Random(SEED))) as arena:
        played = [play(race, arena, ROUNDS, protected=True) for race in RACES]

    assert [race["title"] for race in played if race["anomalies"] or race["deadlocks"]] == []


@pytest.mark.parametrize(
    "title", ["16 calls under one key, with two bodies", "two approvals up to the limit"]
)
def test_a_race_without_its_protection_is_seen(title):
    (race,) = [race for race in RACES if race.title.startswith(title)]

    with closing(Arena(random.Random(SEED))) as arena:
        seen = play(race, arena, 10, protected=False)

    assert seen["anomalies"] > 0
