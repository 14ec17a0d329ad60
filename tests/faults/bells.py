"""Redis is killed, emptied and filled while a worker and a beat of Celery live on it, and doors ring."""

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import psycopg2

from tests import production, served
from tests.brokers import Broker
from tests.faults.running import Run, Told

DRAIN_LIMIT_S = 420
CELERY = [sys.executable, "-m", "celery", "-A", "tests.faults.bell_app"]
_WAITING = (
    "SELECT (SELECT count(*) FROM payments_payout WHERE state NOT IN ('accepted', 'settled'))"
    " + (SELECT count(*) FROM events_eventposition WHERE number IS NULL)"
)


def broker_section(run: Run) -> Told:
    """Let doors ring while Redis comes and goes; tell what became of the payouts and events."""
    broker = Broker()
    try:
        with a_provider() as origin:
            done, found = _under_a_broker(run, broker, origin)
    finally:
        broker.kill()
    faults = [f"an approval failed: {one}" for one in done["failed"]] + found["wrong"] + done["wrong"]
    if not run.options.rings == found["payouts"] == found["right"] == found["lines"]:
        faults.append(f"of {run.options.rings} approvals {found}")
    if found["events"] != found["placed"]:
        faults.append(f"{found['events']} events, {found['placed']} with a position")
    text = (
        f"A worker and a beat of Celery on a private Redis, as in production; {run.options.rings} refunds "
        f"are approved, each rings twice. Meanwhile Redis was {done['disturbed']}. Approvals that failed: "
        f"**{len(done['failed'])}**; the slowest took {done['slowest_s']:.1f} s. Payouts that reached the "
        f"provider once and are booked once: **{found['right']} of {found['payouts']}**; events with their "
        f"place in the journal: {found['placed']} of {found['events']}. `check_money` and `verify_journal` "
        f"are {'clean' if not found['wrong'] else 'not clean'}."
    )
    return "\n".join([text, *(f"- {fault}" for fault in faults)]), faults


def _under_a_broker(run: Run, broker: Broker, origin: str) -> tuple[dict[str, Any], dict[str, Any]]:
    with _portal_on(run, broker, origin, "broker") as variables:
        wait = run.begin("ringing", variables, step="approve", rings=run.options.rings)
        disturbed = _disturb(broker, variables["DATABASE_URL"], run.options.rings)
        done = wait()
        late = _wait_until_all_is_done(variables["DATABASE_URL"])
    found = run.step("ringing", variables, step="compare", approved=done["approved"])
    return {**done, "disturbed": disturbed, "wrong": late}, found


def _disturb(broker: Broker, url: str, rings: int) -> str:
    """Kill, empty and fill the broker in turn, spread over the approvals."""
    killed = emptied = filled = 0
    for place in range(6):
        _wait_for_payouts(url, (place + 1) * rings // 8)
        if place % 3 == 0:
            broker.kill()
            time.sleep(2)
            broker.start()
            killed += 1
        elif place % 3 == 1:
            broker.empty()
            emptied += 1
        else:
            broker.fill()
            time.sleep(3)
            broker.empty()
            filled += 1
    return (
        f"killed (SIGKILL, it came back empty) {killed} times, emptied {emptied} times, full {filled} times"
    )


def _wait_for_payouts(url: str, count: int) -> None:
    end = time.monotonic() + DRAIN_LIMIT_S
    while _ask(url, "SELECT count(*) FROM payments_payout") < count and time.monotonic() < end:
        time.sleep(0.1)


def _wait_until_all_is_done(url: str) -> list[str]:
    end = time.monotonic() + DRAIN_LIMIT_S
    while time.monotonic() < end:
        if not _ask(url, _WAITING):
            return []
        time.sleep(0.5)
    return [f"{_ask(url, _WAITING)} payouts and events still wait after {DRAIN_LIMIT_S} s"]


def _ask(url: str, question: str) -> int:
    with closing(psycopg2.connect(url)) as connection:
        cursor = connection.cursor()
        cursor.execute(question)
        return int(cursor.fetchone()[0])


@contextmanager
def _celery(variables: dict[str, str], own: Path, command: list[str]) -> Iterator[None]:
    """Keep a process of Celery running, as a supervisor does: a full broker makes a worker give up."""
    over = Event()
    watch = Thread(target=_keep_running, args=(variables, own, command, over))
    watch.start()
    try:
        yield
    finally:
        over.set()
        watch.join(60)


def _keep_running(variables: dict[str, str], own: Path, command: list[str], over: Event) -> None:
    while not over.is_set():
        with (own / f"{command[0]}.log").open("ab") as log:
            process = subprocess.Popen(
                [*CELERY, *command], cwd=served.ROOT, env=variables, stdout=log, stderr=log
            )
        while process.poll() is None and not over.wait(0.5):
            pass
        process.terminate()
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


@contextmanager
def _portal_on(run: Run, broker: Broker, origin: str, name: str, **more: str) -> Iterator[dict[str, str]]:
    """Keep a worker and a beat running on a database of their own; give their variables."""
    own = run.databases.folder / name
    own.mkdir()
    variables = {
        **production.environment(
            DATABASE_URL=run.databases.copy(name)["DATABASE_URL"], REDIS_URL=broker.url, VAR_DIR=str(own)
        ),
        "DJANGO_SETTINGS_MODULE": "refundportal.settings",
        "FAKE_STRIPE": origin,
        "LOG_LEVEL": "ERROR",
        **more,
    }
    served.manage(variables, "createcachetable")
    worker = ["worker", "--pool", "threads", "--concurrency", "4", "--without-mingle", "--without-gossip"]
    beat = ["beat", "--schedule", str(own / "schedule")]
    with _celery(variables, own, worker), _celery(variables, own, beat):
        yield variables


def lost_tasks_section(run: Run) -> Told:
    """Let the broker take every task for lost while it is still being done."""
    broker = Broker()
    try:
        with (
            a_provider() as origin,
            _portal_on(run, broker, origin, "lost", VISIBILITY_S="2", SLOW_S="5") as variables,
        ):
            done = run.step("ringing", variables, step="approve", rings=run.options.slow_rings)
            late = _wait_until_all_is_done(variables["DATABASE_URL"])
            found = run.step("ringing", variables, step="compare", approved=done["approved"])
    finally:
        broker.kill()
    begun = Counter((Path(variables["VAR_DIR"]) / "tasks.log").read_text().splitlines())
    again = sum(number - 1 for number in begun.values())
    faults = [f"an approval failed: {one}" for one in done["failed"]] + found["wrong"] + late
    faults += [] if again else ["no task was given twice: this proves nothing"]
    if not run.options.slow_rings == found["payouts"] == found["right"] == found["lines"]:
        faults.append(f"of {run.options.slow_rings} approvals {found}")
    text = (
        "A worker and a beat of Celery on a broker that takes a task for lost after two seconds, while every "
        f"task that sends takes five: {sum(begun.values())} tasks were begun, **{again}** of them once more "
        "while they were at work or had ended. Payouts that reached the provider once and are booked once: "
        f"**{found['right']} of {found['payouts']}**, in {found['lines']} lines."
    )
    return "\n".join([text, "", *(f"- {fault}" for fault in faults)]).strip(), faults


@contextmanager
def a_provider() -> Iterator[str]:
    """Run a fake Stripe in a process of its own and give its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fake_stripe.door"], cwd=served.ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait(10)
