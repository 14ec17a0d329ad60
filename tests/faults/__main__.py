"""
Proof under fire: `python -m tests.faults` (or `make faults`).

The crash grid as built and under two naive strategies, on a private PostgreSQL server. What it found goes
to docs/reliability.md; the exit status is 1 if anything was lost or sent twice, or if a naive strategy came
through, since then the proof is blind.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests import served
from tests.faults.report import grid_section, naive_section, write_report
from tests.faults.servers import Databases

SHARDS = 2
"""One part a core."""
PART_LIMIT_S = 3 * 3600


def main() -> int:
    options = _options()
    started = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="portal-faults-"))
    databases = Databases(folder)
    _say(f"seed {options.seed}, {options.repeats} repeats, {folder}")
    sections, faults = {}, []
    if "grid" in options.only:
        built = _parts(
            databases, "grid", "as_built", strategy="as_built", repeats=options.repeats, seed=options.seed
        )
        sections["The crash grid"], found = grid_section(built)
        faults += found
    if "naive" in options.only:
        naive = {
            name: _parts(
                databases,
                "grid",
                name,
                strategy=name,
                repeats=options.naive_repeats,
                seed=options.seed,
                one_in=options.naive_one_in,
            )
            for name in ("new_key", "mark_first")
        }
        sections["The same grid under two naive strategies"], found = naive_section(naive)
        faults += found
    command = f'make faults ARGS="{" ".join(sys.argv[1:])}"' if sys.argv[1:] else "make faults"
    minutes = (time.monotonic() - started) / 60
    ran = f"`{command}` on {datetime.now(UTC):%Y-%m-%d}, seed {options.seed}, {minutes:.0f} minutes."
    for title, text in sections.items():
        _say(f"\n## {title}\n\n{text}")
    if not options.dry_run:
        write_report({title: f"{ran}\n\n{text}" for title, text in sections.items()})
    for fault in faults:
        _say(f"FAULT: {fault}")
    return 1 if faults else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    full = bool(os.environ.get("FULL"))
    parser.add_argument("--repeats", type=int, default=50 if full else 10)
    parser.add_argument("--naive-repeats", type=int, default=10 if full else 2)
    parser.add_argument("--naive-one-in", type=int, default=1, help="only one in so many cells of the grid")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--only", default="grid,naive", type=lambda text: text.split(","))
    parser.add_argument("--dry-run", action="store_true", help="do not write docs/reliability.md")
    return parser.parse_args()


def _parts(databases: Databases, module: str, name: str, **arguments: Any) -> list[dict[str, Any]]:
    """Run the shares of a part at once, each on a database of its own."""
    running = []
    for shard in range(SHARDS):
        variables = databases.copy(f"{name}_{shard}")
        own = databases.folder / f"{name}-{shard}"
        own.mkdir()
        output = own / "result.json"
        given = json.dumps({**arguments, "shard": shard, "shards": SHARDS})
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


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
