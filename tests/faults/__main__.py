"""
Proof under fire: `python -m tests.faults` (or `make faults`).

Runs the sections of tests/faults/sections.py on a private PostgreSQL server. What they found goes to
docs/reliability.md; the exit status is 1 if one of them has a fault to tell.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from tests.faults.report import write_report
from tests.faults.running import Run
from tests.faults.sections import SECTIONS
from tests.faults.servers import Databases


def main() -> int:
    options = _options()
    folder = Path(tempfile.mkdtemp(prefix="portal-faults-"))
    _say(f"seed {options.seed}, {folder}")
    run = Run(options=options, databases=Databases(folder))
    faults = []
    for section in SECTIONS:
        if section.name not in options.only:
            continue
        started = time.monotonic()
        text, found = section.prove(run)
        told = f"{_how_it_ran(options.seed, time.monotonic() - started)}\n\n{text}"
        _say(f"\n## {section.title}\n\n{told}")
        if not options.dry_run:
            write_report({section.title: told})
        faults += [f"{section.name}: {fault}" for fault in found]
    for fault in faults:
        _say(f"FAULT: {fault}")
    return 1 if faults else 0


def _options() -> argparse.Namespace:
    names = [section.name for section in SECTIONS]
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default=names, type=_some_of(names), help=f"some of {','.join(names)}")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--dry-run", action="store_true", help="do not write docs/reliability.md")
    full = bool(os.environ.get("FULL"))
    for section in SECTIONS:
        for option, (here, at_length) in section.options.items():
            parser.add_argument(option, type=int, default=at_length if full else here)
    return parser.parse_args()


def _some_of(names: list[str]) -> Callable[[str], list[str]]:
    def chosen(text: str) -> list[str]:
        """:raises argparse.ArgumentTypeError: a section that does not exist"""
        if unknown := set(text.split(",")) - set(names):
            raise argparse.ArgumentTypeError(f"no section {', '.join(sorted(unknown))}")
        return text.split(",")

    return chosen


def _how_it_ran(seed: int, seconds: float) -> str:
    command = f'make faults ARGS="{" ".join(sys.argv[1:])}"' if sys.argv[1:] else "make faults"
    return f"`{command}` on {datetime.now(UTC):%Y-%m-%d}, seed {seed}, {seconds / 60:.0f} minutes."


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
