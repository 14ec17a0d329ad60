"""
Fuzz the API as it is served: `python -m tests.fuzz` (or `make fuzz`).

gunicorn and a private PostgreSQL server are started, filled with the demonstration, and called by
schemathesis on every operation and along the links between them. The exit status is 1 if the server failed
anywhere, or answered what docs/openapi.yaml does not foresee.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path

from tests import cluster, served

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "ignored_auth",
)


def main() -> int:
    options = _options()
    started = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="portal-fuzz-"))
    variables = prepare(folder, cluster.start())
    status = fuzz(options, variables, folder)
    _say(f"seed {options.seed}; {time.monotonic() - started:.0f} s")
    return status


def prepare(folder: Path, database_url: str) -> dict[str, str]:
    """Fill a database with the demonstration; give the variables of the portal that stands on it."""
    variables = served.environment(folder, database_url, API_APPROVAL="yes")
    served.manage(variables, "migrate", "--verbosity", "0")
    served.manage(variables, "demo")
    served.manage(variables, "collectstatic", "--noinput", "--verbosity", "0")
    ids = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.known"],
        cwd=served.ROOT,
        env=variables,
        check=True,
        capture_output=True,
    )
    (folder / "ids.json").write_bytes(ids.stdout)
    return variables


def fuzz(
    options: argparse.Namespace,
    variables: dict[str, str],
    folder: Path,
    application: str = "tests.fuzz.portal",
) -> int:
    """Serve a prepared portal and call it; give 1 if it failed or answered what is not foreseen."""
    calls = folder / "calls.jsonl"
    calls.write_text("")
    with served.serve(variables, application=application) as portal:
        _say(f"seed {options.seed}, {options.cases} cases per operation, {portal.url}, {folder}")
        status = _run(options, portal, folder)
    _print_summary(calls)
    errors = portal.log.read_text()
    _say(f"schemathesis ended with {status}")
    if "Traceback" in errors:
        _say(f"the server's log, {portal.log}, holds:\n{errors[-6000:]}")
    return 1 if status or "Traceback" in errors else 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=int(os.environ.get("FUZZ_CASES") or 200))
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--phases", default="examples,coverage,fuzzing,stateful")
    parser.add_argument("--only", default="", help="a pattern of operation ids")
    return parser.parse_args()


def _run(options: argparse.Namespace, portal: served.Served, folder: Path) -> int:
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        "run",
        f"{portal.url}/api/v1/schema/?format=json",
        *("--header", f"Authorization:Bearer {portal.token()}"),
        *("--checks", ",".join(CHECKS)),
        *("--max-examples", str(options.cases), "--seed", str(options.seed)),
        *("--phases", options.phases, "--workers", "2"),
        *("--generation-database", "none", "--suppress-health-check", "all", "--no-color"),
        # Texts with NUL are refused wherever they stand; other tests send them.
        *("--generation-allow-x00", "false"),
        "--continue-on-failure",
    ]
    if options.only:
        command += ["--include-operation-id-regex", options.only]
    known: Mapping[str, str] = {
        "FUZZ_IDS": str(folder / "ids.json"),
        "FUZZ_CALLS": str(folder / "calls.jsonl"),
        "SCHEMATHESIS_HOOKS": "tests.fuzz.hooks",
        "PYTHONPATH": str(served.ROOT),
    }
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **known}
    return subprocess.run(command, cwd=folder, env=environment, check=False).returncode


def _print_summary(calls: Path) -> None:
    """Print how often each operation was called, and how it answered."""
    table: dict[str, Counter[str]] = defaultdict(Counter)
    for line in calls.read_text().splitlines():
        call = json.loads(line)
        table[call["operation"]][f"{call['status'] // 100}xx"] += 1
    _say(f"\n{'operation':58}{'calls':>7}{'2xx':>7}{'4xx':>7}{'5xx':>5}")
    total: Counter[str] = Counter()
    for name, counts in sorted(table.items()):
        total += counts
        _say(f"{name:58}{counts.total():7}{counts['2xx']:7}{counts['4xx']:7}{counts['5xx']:5}")
    _say(f"{f'{len(table)} operations':58}{total.total():7}{total['2xx']:7}{total['4xx']:7}{total['5xx']:5}")


if __name__ == "__main__":
    sys.exit(main())
