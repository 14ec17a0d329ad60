"""
The sections of the proof, in the order of docs/reliability.md.

To add one: write a function that takes a `Run` and gives a text and what is wrong, and a line in SECTIONS.
What it does to rows belongs into a module for `Run.parts`, in processes of their own: here is no Django.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tests.faults.bells import broker_section, lost_tasks_section
from tests.faults.life.report import life_section
from tests.faults.report import clocks_section, grid_section, naive_section, races_section
from tests.faults.restarts import restarts_section
from tests.faults.running import Run, Told
from tests.faults.trouble.disk import disk_section
from tests.faults.trouble.messages import messages_section
from tests.faults.trouble.sections import backup_section, outage_section


@dataclass(frozen=True)
class Section:
    """A name for `--only`, a heading, the work, and options: each with its number here and with FULL=1."""

    name: str
    title: str
    prove: Callable[[Run], Told]
    options: Mapping[str, tuple[int, int]] = field(default_factory=dict)


def _grid(run: Run) -> Told:
    return grid_section(_grid_under(run, "as_built", run.options.repeats))


def _naive(run: Run) -> Told:
    repeats = run.options.naive_repeats
    one_in = run.options.naive_one_in
    return naive_section(
        {name: _grid_under(run, name, repeats, one_in) for name in ("new_key", "mark_first")}
    )


def _grid_under(run: Run, strategy: str, repeats: int, one_in: int = 1) -> list[Any]:
    return run.parts("grid", strategy, strategy=strategy, repeats=repeats, seed=run.seed, one_in=one_in)


def _clocks(run: Run) -> Told:
    repeats, one_in = run.options.clock_repeats, run.options.clock_one_in
    return clocks_section(_grid_under(run, "clock_jumps", repeats, one_in))


def _races(run: Run) -> Told:
    options, given = run.options, {"seed": run.seed}
    built = run.parts("races.playing", "races", protected=True, rounds=options.rounds, **given)
    twins = run.parts("races.playing", "twins", protected=False, rounds=options.twin_rounds, **given)
    return races_section(built, twins)


def _life(run: Run) -> Told:
    return life_section(run.parts("life.run", "life", steps=run.options.steps, seed=run.seed))


SECTIONS: Final = (
    Section("grid", "The crash grid", _grid, {"--repeats": (10, 50)}),
    Section(
        "naive",
        "The same grid under two naive strategies",
        _naive,
        {"--naive-repeats": (2, 10), "--naive-one-in": (1, 1)},
    ),
    Section("clocks", "Clocks that jump", _clocks, {"--clock-repeats": (2, 10), "--clock-one-in": (6, 1)}),
    Section("races", "Races", _races, {"--rounds": (200, 1000), "--twin-rounds": (40, 200)}),
    Section(
        "restarts",
        "The database stops, refuses and is cut off",
        restarts_section,
        {"--restarts": (6, 30), "--cuts": (40, 200), "--approvals": (60, 300)},
    ),
    Section("disk", "The disk is full", disk_section, {"--fillings": (4, 20)}),
    Section("life", "Made-up lives", _life, {"--steps": (2_000, 10_000)}),
    Section("lost", "The broker takes tasks for lost", lost_tasks_section, {"--slow-rings": (16, 60)}),
    Section("backup", "A backup is restored", backup_section, {"--forgotten": (10, 50)}),
    Section("messages", "Ten thousand messages a minute", messages_section, {"--told-for-s": (15, 60)}),
    Section(
        "outage",
        "The provider is away for two days",
        outage_section,
        {"--backlog": (500, 2000), "--per-minute": (60, 60)},
    ),
    Section("broker", "The broker is killed, emptied and full", broker_section, {"--rings": (60, 300)}),
)
