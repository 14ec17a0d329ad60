"""PostgreSQL is stopped as in a power cut, refuses writes, or is cut off during COMMIT, under load."""

import random
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import psycopg2

from tests import served
from tests.faults.cutting import Cutter
from tests.faults.load import Load
from tests.faults.running import Run, Told

ACKNOWLEDGED_BETWEEN = 8
"""So many calls are acknowledged between two disturbances."""
DRAIN_LIMIT_S = 300


@dataclass
class Fire:
    """What a run under fire came to."""

    what: str
    disturbed: str
    found: dict[str, Any]
    answers: dict[str, int]
    wrong: list[str] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        payouts, found = self.found["payouts"], self.found
        counts = [f"{found[name]} {name}" for name in ("lost", "twice") if found[name]]
        if not payouts["all"] == payouts["right"] == payouts["lines"]:
            counts.append(f"payouts {payouts}")
        return [f"{self.what}: {one}" for one in (*counts, *self.wrong, *found["wrong"])]


def restarts_section(run: Run) -> Told:
    """Restart the database under load, make it refuse writes, and cut its wire; tell what was lost."""
    fires = [
        under_fire(run, "stopped", "stopped at once (-m immediate) and started again", _restarts),
        under_fire(run, "refusing", "made read-only for a second", _refusals),
        cut_off(run),
    ]
    rows = [
        f"| {fire.disturbed} | {sum(fire.found['acknowledged'].values())} | {fire.found['lost']} | "
        f"{fire.found['twice']} | {fire.answers.get('replayed', 0)} | {_refused(fire)} | "
        f"{fire.found['payouts']['right']} of {fire.found['payouts']['all']} |"
        for fire in fires
    ]
    faults = [fault for fire in fires for fault in fire.faults]
    lines = [
        "Callers over HTTP approve refunds, announce payments and report usage, each call under its key and",
        "again under the same key until it is answered; meanwhile the beat sends payouts. Afterwards every",
        "acknowledged call must be in the database once, every payout at the provider once and booked once,",
        "`check_money` and `verify_journal` clean.",
        "",
        "| PostgreSQL | acknowledged | lost | twice | read back by key | refused or cut | payouts right |",
        "|---|---:|---:|---:|---:|---:|---:|",
        *rows,
        *(f"- {fault}" for fault in faults),
    ]
    return "\n".join(lines), faults


def _refused(fire: Fire) -> int:
    return sum(
        number for what, number in fire.answers.items() if not what.startswith("2") and what != "replayed"
    )


def under_fire(
    run: Run,
    name: str,
    what: str,
    disturb: Callable[[Run, str, Load], str],
    *,
    through: Cutter | None = None,
    tablespace: str = "",
) -> Fire:
    """Serve a portal, let callers call, disturb, wait for all payouts, and compare."""
    approvals = run.options.approvals
    variables = run.databases.copy(f"fire_{name}", tablespace=tablespace)
    ground = run.step("ground", variables, step="prepare", approvals=approvals)
    served_with = {**variables, "API_APPROVAL": "yes", "LOG_LEVEL": "ERROR"}
    if through is not None:
        direct = f":{run.databases.server.port}/"
        served_with["DATABASE_URL"] = variables["DATABASE_URL"].replace(direct, f":{through.port}/")
    with served.embedded(served_with) as portal:
        load = Load(portal.url, ground, random.Random(f"{run.seed} {name}"))
        load.start()
        load.wait_for(4)
        told = disturb(run, f"fire_{name}", load)
        load.stop()
        wrong = [*load.wrong, *_wait_for_payouts(variables["DATABASE_URL"])]
    found = run.step("ground", variables, step="compare", told=load.told, approvals=approvals)
    return Fire(name, f"{what}: {told}", found, dict(load.answers), wrong)


def _restarts(run: Run, database: str, load: Load) -> str:
    for _ in range(run.options.restarts):
        load.wait_for(ACKNOWLEDGED_BETWEEN)
        run.databases.server.stop_at_once()
        time.sleep(0.3)
        run.databases.server.start_again()
    load.wait_for(ACKNOWLEDGED_BETWEEN)
    return f"{run.options.restarts} times"


def _refusals(run: Run, database: str, load: Load) -> str:
    for _ in range(run.options.restarts):
        load.wait_for(ACKNOWLEDGED_BETWEEN)
        _set_read_only(run, database, "on")
        time.sleep(1)
        _set_read_only(run, database, "off")
    load.wait_for(ACKNOWLEDGED_BETWEEN)
    return f"{run.options.restarts} times"


def _set_read_only(run: Run, database: str, value: str) -> None:
    """Refuse writes as a full disk does: in new sessions, so the old ones are ended."""
    with closing(psycopg2.connect(run.databases.server.url)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(f"ALTER DATABASE {database} SET default_transaction_read_only = {value}")
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [database]
        )


def cut_off(run: Run) -> Fire:
    """Cut the wire between portal and database while a transaction is committed."""
    cutter = Cutter(run.databases.server.port, random.Random(f"{run.seed} cuts"))

    def cut(run: Run, database: str, load: Load) -> str:
        cutter.share = 0.1
        end = time.monotonic() + DRAIN_LIMIT_S
        while cutter.cut_before + cutter.cut_after < run.options.cuts and time.monotonic() < end:
            time.sleep(0.05)
        cutter.share = 0.0
        return f"{cutter.cut_before} times before it was heard, {cutter.cut_after} times after it was done"

    with closing(cutter):
        return under_fire(run, "cut", "cut off during COMMIT", cut, through=cutter)


def _wait_for_payouts(url: str) -> list[str]:
    """Wait until every payout has arrived."""
    open_payouts = "SELECT count(*) FROM payments_payout WHERE state NOT IN ('accepted', 'settled')"
    end = time.monotonic() + DRAIN_LIMIT_S
    while time.monotonic() < end:
        with closing(psycopg2.connect(url)) as connection:
            cursor = connection.cursor()
            cursor.execute(open_payouts)
            (waiting,) = cursor.fetchone()
        if not waiting:
            return []
        time.sleep(0.5)
    return [f"{waiting} payouts have not arrived after {DRAIN_LIMIT_S} s"]
