"""Living so many lives, and telling what they came to."""

from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.faults.life import edges
from tests.faults.life.payouts import Life
from tests.faults.life.tour import go
from tests.faults.life.world import Tally, inhabited

STEPS_OF_A_LIFE = 50


def live(*, steps: int, with_seed: int, kind: str = "business", of_a_life: int = STEPS_OF_A_LIFE) -> Tally:
    """
    Live so many steps in all, of `of_a_life` each; a violated invariant ends it with the shortest way there.

    :raises AssertionError: an invariant is violated
    """
    tally = Tally()
    with inhabited(kind=kind) as people:
        life = type("Life", (Life,), {"people": people, "tally": tally})
        chosen = settings(
            max_examples=max(1, steps // of_a_life),
            stateful_step_count=of_a_life,
            deadline=None,
            database=None,
            report_multiple_bugs=False,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
            verbosity=Verbosity.normal,
        )
        run_state_machine_as_test(seed(with_seed)(life), settings=chosen)
    return tally


def tour(*, kind: str = "business") -> Tally:
    """
    Go the fixed way along every edge.

    :raises AssertionError: an invariant is violated
    """
    with inhabited(kind=kind) as people:
        life: Life = type("Life", (Life,), {"people": people, "tally": Tally()})()
        try:
            go(life)
        finally:
            life.teardown()
    return life.tally


def run(*, steps: int, seed: int, shard: int, shards: int) -> dict[str, Any]:
    """One part of the proof: the fixed way, and its share of the steps; each client is of another kind."""
    kinds = ("business", "consumer")
    fixed = tour(kind=kinds[shard % 2])
    chance = Tally()
    rounds, wanted = 0, steps // shards
    while chance.steps < wanted:
        more = live(
            steps=min(1000, wanted - chance.steps),
            with_seed=seed + 1000 * shard + rounds,
            kind=kinds[(shard + rounds) % 2],
        )
        chance.steps, chance.lives = chance.steps + more.steps, chance.lives + more.lives
        chance.edges += more.edges
        chance.done += more.done
        chance.refused += more.refused
        rounds += 1
    return {
        "steps": chance.steps,
        "steps_of_the_tour": fixed.steps,
        "lives": chance.lives,
        "done": chance.done,
        "refused": chance.refused,
        "edges": [[*edge, fixed.edges[edge], chance.edges[edge]] for edge in sorted(edges.all_edges())],
        "left_out": edges.NOT_OF_THIS_PROOF,
        "seeds": [seed + 1000 * shard + place for place in range(rounds)],
    }
