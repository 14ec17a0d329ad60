"""One run of the proof: its options, its server, and its parts in processes of their own."""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from tests import served
from tests.faults.servers import Databases

SHARDS: Final = 2
"""One part a core."""
PART_LIMIT_S: Final = 3 * 3600
Told = tuple[str, list[str]]
"""The text of a section, and its faults: none when all is well."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """What was asked for, the seed, and a private PostgreSQL server."""

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
            given = {**arguments, "shard": shard, "shards": shards}
            used = {**variables, "VAR_DIR": str(own), "DEBUG_CRASH_POINTS": "yes"}
            running.append(_start(module, used, own / "result.json", given))
        return [_result_of(process, output, f"{module} {name}") for process, output in running]

    def step(self, module: str, variables: dict[str, str], **arguments: Any) -> Any:
        """Call `tests.faults.<module>.run` with the arguments in a process on a database that is there."""
        return self.begin(module, variables, **arguments)()

    def begin(self, module: str, variables: dict[str, str], **arguments: Any) -> Callable[[], Any]:
        """Begin such a step; what is given waits for its result."""
        output = Path(variables["VAR_DIR"]) / "step.json"
        return partial(_result_of, *_start(module, variables, output, arguments), module)


def _start(
    module: str, variables: dict[str, str], output: Path, arguments: dict[str, Any]
) -> tuple[subprocess.Popen[bytes], Path]:
    given = output.with_suffix(".given")
    given.write_text(json.dumps(arguments))
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.part", module, str(given), str(output)],
        cwd=served.ROOT,
        env=variables,
    )
    return process, output


def _result_of(process: subprocess.Popen[bytes], output: Path, what: str) -> Any:
    if process.wait(PART_LIMIT_S):
        raise RuntimeError(f"{what} ended with {process.returncode}")
    return json.loads(output.read_text())
