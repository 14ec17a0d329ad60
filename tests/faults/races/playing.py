"""Play every race, as built or without protection, and count what went wrong."""

import random
import sys
import time
from contextlib import closing
from typing import Any

from django.db import connection

from tests.faults.races import flows, money, requests
from tests.faults.races.arena import Arena, Race, error_told
from tests.faults.races.protection import dawdling, strip_database

RACES: tuple[Race, ...] = (*flows.RACES, *requests.RACES, *money.RACES)
WRONG_MAX = 5
"""So many wrong rounds are told in words."""


def play(race: Race, arena: Arena, rounds: int, *, protected: bool) -> dict[str, Any]:
    """Play one race and give its count of rounds, anomalies and deadlocks."""
    before = deadlocks()
    wrong: list[str] = []
    with dawdling() if protected else race.off():
        try:
            wrong.extend(race.play(arena, rounds))
        except Exception as error:  # noqa: BLE001 - what ends a race is told; the others are run
            wrong.append(f"ended: {error_told(error)}")
    arena.close()
    sys.stderr.write(f"{race.title}: {len(wrong)} of {rounds}, protected: {protected}\n")
    return {
        "title": race.title,
        "without": race.without,
        "rounds": rounds * race.weight,
        "anomalies": len(wrong),
        "deadlocks": deadlocks() - before,
        "wrong": wrong[:WRONG_MAX],
    }


def deadlocks() -> int:
    """Count the deadlocks that the server broke in this database; closed connections have told theirs."""
    time.sleep(0.3)
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_stat_get_db_deadlocks(oid) FROM pg_database WHERE datname = current_database()"
        )
        return int(cursor.fetchone()[0])


def run(
    *, protected: bool, rounds: int, seed: int, only: str = "", shard: int = 0, shards: int = 1
) -> list[dict[str, Any]]:
    """Play this share of the rounds of every race (or of those whose title has a text in it)."""
    share = rounds // shards + (shard < rounds % shards)
    with closing(Arena(random.Random(f"{seed} races {shard}"))) as arena:
        if not protected:
            strip_database()
        return [play(race, arena, share, protected=protected) for race in RACES if only in race.title]
