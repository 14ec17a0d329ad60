"""
What calls of the REST API cost: `python -m benchmarks.bench_api [--rounds N] [--dry-run]` (`make bench-api`).

gunicorn serves the portal, with the anchors beside it (`benchmarks/anchors.py`), on a private PostgreSQL
server with fsync on. Each pair runs in turn (A B A B); a wrong status or a wrong count makes the run void.
"""

import argparse
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import psycopg2

from benchmarks.bench_policy import write_section
from tests import cluster, served

TICKS = os.sysconf("SC_CLK_TCK")
CALLS = 24
BATCHES = 4
CLIENTS = 8
HOT = 10
EXPLAINED = """\
`make bench-api` writes this section. gunicorn (one worker, so that CPU time is that of one process; eight
threads) serves the portal on a private PostgreSQL server with fsync on. Each line is a pair, run in turn
(A B A B) against the same server; the ratio is that of calls per second, the median of {rounds} rounds beside
the least and the greatest. CPU is milliseconds of the worker for each call, ours and the anchor's. A wrong
status or a wrong count makes a run void. The anchors (`benchmarks/anchors.py`) stand behind the same token:
a one-row POST of the REST framework, a quote as one would write it first with the ORM and bare arithmetic,
`many=True` with `bulk_create`, and one hand-written INSERT ... ON CONFLICT that looks at nothing. Ratios hold
better on a busy machine than milliseconds, which do not; what p95 says is mostly who else was at work.

How many statements a call may take stands in `refundportal/api/tests/test_queries.py`: a quote 4 and one for
the token, an application 22 with its savepoints, a batch of usage 16, one of which writes all its records."""

_keys = count()


class Call(NamedTuple):
    """One call and the statuses that are right for it."""

    method: str
    path: str
    body: Any = None
    right: tuple[int, ...] = (200, 201)
    key: str = ""


class Cost(NamedTuple):
    """What a block of calls took: seconds on the clock, CPU seconds of the workers, each call's own time."""

    clock_s: float
    cpu_s: float
    each_s: list[float]
    statuses: Counter[int]


@dataclass
class Bench:
    """A served portal with its data."""

    portal: served.Served
    data: dict[str, Any]
    database_url: str
    lines: list[str] = field(default_factory=list)

    def run(self, calls: Sequence[Call], clients: int = 1) -> Cost:
        """Make the calls, each client its part of them over one connection."""
        parts = [calls[number::clients] for number in range(clients)]
        cpu, begun = self._cpu_s(), time.perf_counter()
        with ThreadPoolExecutor(clients) as pool:
            done = [one for part in pool.map(self._make, parts) for one in part]
        taken = time.perf_counter() - begun
        return Cost(taken, self._cpu_s() - cpu, [s for s, _ in done], Counter(status for _, status in done))

    def _make(self, calls: Sequence[Call]) -> list[tuple[float, int]]:
        place = urlsplit(self.portal.url)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
        with closing(connection):
            return [self._call(connection, call) for call in calls]

    def _call(self, connection: http.client.HTTPConnection, call: Call) -> tuple[float, int]:
        headers = {"Authorization": f"Bearer {self.data['token']}", "Content-Type": "application/json"}
        if call.method == "POST":
            headers["Idempotency-Key"] = call.key or f"bench-{next(_keys)}"
        body = None if call.body is None else json.dumps(call.body)
        begun = time.perf_counter()
        connection.request(call.method, call.path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        if answer.status not in call.right:
            raise SystemExit(f"void: {call.method} {call.path} answered {answer.status}: {content[:600]!r}")
        return time.perf_counter() - begun, answer.status

    def _cpu_s(self) -> float:
        """CPU time of the workers so far."""
        ticks = 0
        for worker in self.portal.workers():
            fields = Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / TICKS

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Ask or tell the database, beside the portal."""
        with (
            closing(psycopg2.connect(self.database_url)) as connection,
            connection,
            connection.cursor() as at,
        ):
            at.execute(statement)
            return at.fetchall() if at.description else []

    def withdraw_all(self) -> None:
        """Let every payment be asked about again."""
        self.sql(
            "UPDATE refunds_refundrequest SET state = 'withdrawn' "
            "WHERE state IN ('submitted', 'in_review', 'proposed', 'information_requested')"
        )


Block = Callable[[], Sequence[Call]]


def compare(
    bench: Bench, name: str, ours: Block, anchor: Block, rounds: int, *, clients: int = 1, least: float
) -> None:
    """Run both in turn and write the line of the pair."""
    bench.run(ours(), clients), bench.withdraw_all(), bench.run(anchor(), clients), bench.withdraw_all()
    ratios, own, other = [], [], []
    for _ in range(rounds):
        mine = bench.run(blocks := ours(), clients)
        bench.withdraw_all()
        theirs = bench.run(others := anchor(), clients)
        bench.withdraw_all()
        own.append((mine.cpu_s / len(blocks), mine.clock_s / len(blocks), mine.each_s))
        other.append((theirs.cpu_s / len(others), theirs.clock_s / len(others), theirs.each_s))
        ratios.append(own[-1][1] and other[-1][1] / own[-1][1])
    cpu = [statistics.median(one[0] for one in taken) * 1000 for taken in (own, other)]
    p95 = statistics.quantiles([s for _, _, each in own for s in each], n=20)[-1] * 1000
    ratio = statistics.median(ratios)
    mark = "met" if ratio >= least else "**missed**"
    line = (
        f"| {name} | {ratio:.2f} | {min(ratios):.2f} | {max(ratios):.2f} | {least:.2f} ({mark}) "
        f"| {cpu[0]:.2f} | {cpu[1]:.2f} | {cpu[1] / cpu[0]:.2f} | {p95:.0f} |"
    )
    print(line, flush=True)
    bench.lines.append(line)


def quotes(bench: Bench, address: str) -> Block:
    return lambda: [Call("GET", address.format(payment)) for payment in bench.data["payments"][:CALLS]]


def applications(
    bench: Bench, payments: Sequence[str], *, right: tuple[int, ...] = (201,), path: str, times: int = 1
) -> Block:
    def make() -> list[Call]:
        return [
            Call(
                "POST",
                path,
                {"payment": one, "reason": "not_as_agreed", "statement": "Orders cannot be printed."},
                right,
            )
            for _ in range(times)
            for one in payments
        ]

    return make


def batches(bench: Bench, path: str, size: int, meter: str, *, again: bool = False) -> Block:
    """Batches of usage of all contracts; `again` sends the same ones each time."""
    data = bench.data

    def record(number: int, name: str) -> dict[str, str]:
        place = number % len(data["contracts"])
        return {
            "source": "bench",
            "external_id": name,
            "contract": data["contracts"][place],
            "meter": data["meters"][place] if meter == "id" else meter,
            "quantity": "12",
            "occurred_at": data["occurred_at"],
        }

    def make() -> list[Call]:
        return [
            Call(
                "POST",
                path,
                {
                    "records": [
                        record(n, f"{size}-{batch}-{n}" if again else f"{next(_keys)}") for n in range(size)
                    ]
                },
            )
            for batch in range(BATCHES)
        ]

    return make


def measure(bench: Bench, rounds: int, trials: int) -> None:
    """W3, W4, W5 and W7 of the project's measures."""
    payments = bench.data["payments"]
    api, note = "/api/v1/refund-requests/", "/anchor/one-row/"
    spread = applications(bench, payments[:CALLS], path=api)
    one_row = applications(bench, payments[:CALLS], path=note)
    compare(
        bench, "W3 GET refund-quote / quote by the ORM", quotes(bench, "/api/v1/payments/{}/refund-quote/"),
        quotes(bench, "/anchor/quote/{}/"), rounds, least=0.80,
    )  # fmt: skip
    compare(bench, "W4 POST refund-requests / one-row POST", spread, one_row, rounds, least=0.45)
    many = [payments[number % len(payments)] for number in range(CLIENTS * 8)]
    compare(
        bench, "W4 the same, eight clients", applications(bench, many, path=api),
        applications(bench, many, path=note), rounds, clients=CLIENTS, least=0.45,
    )  # fmt: skip
    hot = applications(bench, payments[:HOT], path=api, times=len(many) // HOT, right=(201, 409, 422))
    compare(
        bench, "W5 eight clients on ten payments / on 64", hot, applications(bench, many, path=api),
        rounds, clients=CLIENTS, least=0.85,
    )  # fmt: skip
    first = [call._replace(key=f"replay-{number}") for number, call in enumerate(spread())]
    bench.run(first)
    bench.withdraw_all()
    compare(bench, "W5 a key again / a new application", lambda: first, spread, rounds, least=1.3)
    use, bulk, raw = "/api/v1/usage-records/", "/anchor/bulk-create/", "/anchor/raw-insert/"
    for size in (100, 1000):
        compare(
            bench, f"W7 usage, batches of {size:,} / many=True and bulk_create",
            batches(bench, use, size, "api_calls"), batches(bench, bulk, size, "id"), rounds, least=1.7,
        )  # fmt: skip
    compare(
        bench, "W7 usage, batches of 1,000 / hand-written INSERT", batches(bench, use, 1000, "api_calls"),
        batches(bench, raw, 1000, "id"), rounds, least=0.90,
    )  # fmt: skip
    again = batches(bench, use, 1000, "api_calls", again=True)
    bench.run(again())
    compare(
        bench, "W7 usage again, batches of 1,000 / as many new ones", again,
        batches(bench, use, 1000, "api_calls"), rounds, least=1.0,
    )  # fmt: skip
    bench.lines.append("\n" + race(bench, trials))


def race(bench: Bench, trials: int) -> str:
    """Eight at once on one payment, over and over: one gets in, the others are told."""
    found: Counter[int] = Counter()
    for number in range(trials):
        payment = bench.data["payments"][number % len(bench.data["payments"])]
        block = applications(bench, [payment] * CLIENTS, path="/api/v1/refund-requests/", right=(201, 422))
        statuses = bench.run(block(), CLIENTS).statuses
        if statuses[201] != 1:
            raise SystemExit(f"void: eight at once on one payment were answered {statuses}")
        found += statuses
        bench.withdraw_all()
    over = bench.sql(
        "SELECT count(*) FROM payments_payment WHERE reserved_minor + refunded_minor > amount_minor"
    )
    deadlocks = bench.sql("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    told = ", ".join(f"{number:,} x {status}" for status, number in sorted(found.items()))
    line = (
        f"Eight at once on one payment, {trials:,} times: {told}; each time exactly one was let in. "
        f"Refunds above a payment: {over[0][0]}. Deadlocks in the whole run: {deadlocks[0][0]}."
    )
    print(line, flush=True)
    return line


@contextmanager
def prepared() -> Iterator[Bench]:
    """Serve a portal with its data until the block ends."""
    folder = Path(tempfile.mkdtemp(prefix="portal-bench-"))
    url = cluster.start()
    variables = served.environment(folder, url)
    served.manage(variables, "migrate", "--verbosity", "0")
    made = subprocess.run(
        [sys.executable, "-m", "benchmarks.api_data"],
        cwd=served.ROOT,
        env=variables,
        check=True,
        stdout=subprocess.PIPE,
    )
    with served.serve(variables, application="benchmarks.anchored", workers=1) as portal:
        yield Bench(portal, json.loads(made.stdout), url)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--trials", type=int, default=200, help="of eight at once on one payment")
    parser.add_argument("--dry-run", action="store_true", help="do not write docs/performance.md")
    options = parser.parse_args()
    with prepared() as bench:
        measure(bench, options.rounds, options.trials)
        table = [
            "| work / anchor | ratio | least | greatest | target | CPU ms | anchor's | CPU ratio | p95 ms |",
            "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
            *bench.lines,
        ]
    if not options.dry_run:
        write_section("The REST API", EXPLAINED.format(rounds=options.rounds) + "\n\n" + "\n".join(table))


if __name__ == "__main__":
    main()
