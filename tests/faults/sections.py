"""
The sections of the proof, in the order of docs/reliability.md.

To add one: write a function that takes a `Run` and gives a text and what is wrong, and a line in SECTIONS.
What it does to rows belongs into a module for `Run.parts`, in processes of their own: here is no Django.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tests import served
from tests.faults.report import grid_section, naive_section
from tests.faults.servers import Databases

SHARDS: Final = 2
"""One part a core."""
PART_LIMIT_S: Final = 3 * 3600
Told = tuple[str, list[str]]
"""The text of a section, and its faults: none when all is well."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of the proof: what was asked for, the seed, and a private PostgreSQL server."""

    options: argparse.Namespace
    databases: Databases

    @property
    def seed(self) -> int:
        return int(self.options.seed)

    def parts(self, module: str, name: str, *, shards: int = SHARDS, **arguments: Any) -> list[Any]:
        """
        Call `tests.faults.<module>.run` with shard, shards and the arguments, each share at once in a process
        and on a database of its own; give what each returned.
        """
        running = []
        for shard in range(shards):
            variables = self.databases.copy(f"{name}_{shard}")
            own = self.databases.folder / f"{name}-{shard}"
            own.mkdir()
            output = own / "result.json"
            given = json.dumps({**arguments, "shard": shard, "shards": shards})
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.part", module, given, str(output)],
                cwd=served.ROOT,
                env={**variables, "VAR_DIR": str(own), "DEBUG_CRASH_POINTS": "yes"},
            )
            running.append((process, output))
        for process, _ in running:
            if process.wait(PART_LIMIT_S):
                raise RuntimeError(f"{module} {name} ended with {process.returncode}")
        return [json.loads(output.read_text()) for _, output in running]


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
    return naive_section({name: _grid_under(run, name, repeats) for name in ("new_key", "mark_first")})


def _grid_under(run: Run, strategy: str, repeats: int) -> list[Any]:
    return run.parts("grid", strategy, strategy=strategy, repeats=repeats, seed=run.seed)


SECTIONS: Final = (
    Section("grid", "The crash grid", _grid, {"--repeats": (10, 50)}),
    Section("naive", "The same grid under two naive strategies", _naive, {"--naive-repeats": (2, 10)}),
)
