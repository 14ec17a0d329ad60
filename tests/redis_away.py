"""
Take the broker away from a portal in production mode: `python -m tests.redis_away` (or `make faults-redis`).

A worker and a beat of Celery work off a Redis of their own, on a private PostgreSQL server. While events are
written, Redis is killed (SIGKILL), stays away, comes back empty, and is flushed. The exit status is 1 unless
the receiver of webhooks heard of every event. Needs redis-server.
"""

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests import cluster, served
from tests.production import environment

if TYPE_CHECKING:
    from events.tests.receivers import Receiver

EVENTS_EACH = 100
AWAY_S = 10
LIMIT_S = 240


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=EVENTS_EACH, help="in each of the four parts")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="portal-redis-"))
    port = _free_port()
    variables = environment(
        DATABASE_URL=cluster.start(),
        REDIS_URL=f"redis://127.0.0.1:{port}/0",
        WEBHOOK_NETWORKS="127.0.0.0/8",
        VAR_DIR=str(folder),
        LOG_LEVEL="WARNING",
        DJANGO_SETTINGS_MODULE="refundportal.settings",
    )
    served.manage(variables, "migrate", "--verbosity", "0")
    os.environ.update(variables)
    return _run(options.events, port, variables, folder)


def _run(count: int, port: int, variables: dict[str, str], folder: Path) -> int:
    import django

    django.setup()
    from events.tests.receivers import receiver

    begun = time.monotonic()
    with ExitStack() as stack:
        erp = stack.enter_context(receiver())
        client_id = _enter(erp.url)
        redis = _redis(port, folder)
        for part in ("worker", "beat"):
            stack.enter_context(_celery(part, variables, folder))
        written = _write(count, client_id)
        redis.kill()
        redis.wait(10)
        _say("Redis is killed")
        written += _write(count, client_id)
        time.sleep(AWAY_S)
        redis = _redis(port, folder)
        stack.callback(redis.wait, 10)
        stack.callback(redis.terminate)
        _say(f"Redis is back after {AWAY_S} s, empty")
        written += _write(count, client_id)
        subprocess.run(["redis-cli", "-p", str(port), "FLUSHALL"], check=True, stdout=subprocess.DEVNULL)
        _say("Redis is flushed")
        written += _write(count, client_id)
        return _judge(written, erp, begun)


def _judge(written: list[str], erp: "Receiver", begun: float) -> int:
    """Wait until the receiver has heard of everything, for so long; tell what is missing."""
    end = time.monotonic() + LIMIT_S
    heard: Counter[str] = Counter()
    while time.monotonic() < end and not set(written) <= heard.keys():
        time.sleep(0.5)
        heard = Counter(headers["webhook-id"] for headers, _ in list(erp.calls))
    missing = set(written) - heard.keys()
    again = sum(heard[one] - 1 for one in written if one in heard)
    _say(
        f"{len(written)} events were written, {len(written) - len(missing)} heard of, {again} told again, "
        f"{len(missing)} lost; {time.monotonic() - begun:.0f} s"
    )
    return 1 if missing else 0


def _enter(url: str) -> object:
    """Enter a client, a system that acts for it, and the system's receiver."""
    from django.utils import timezone

    from accounts.principals import SYSTEM
    from accounts.scopes import EVENTS_READ
    from accounts.services import create_api_client
    from contracts.services import create_client, grant_client
    from events.actors import Actor
    from events.webhooks.services import create_endpoint

    now = timezone.now()
    client = create_client(
        principal=SYSTEM, kind="business", name="Acme", email="office@acme.example", now=now
    )
    system, _ = create_api_client(name="erp", scopes=[EVENTS_READ, "webhooks:manage"])
    grant_client(api_client=system, client_id=client.pk, now=now)
    create_endpoint(
        api_client_id=system.pk, actor=Actor("api", system.pk), url=url, types=["payment.captured"], now=now
    )
    return client.pk


def _write(count: int, client_id: object) -> list[str]:
    """Write events, each in a transaction of its own; give their ids."""
    from events.tests.journal import an_event

    found = []
    for _ in range(count):
        found.append(str(an_event(client_id=client_id).pk))
        time.sleep(0.02)
    return found


def _redis(port: int, folder: Path) -> subprocess.Popen[bytes]:
    """Start a Redis that keeps nothing."""
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with (folder / "redis.log").open("ab") as log:
        return subprocess.Popen(["redis-server", *options, "--dir", str(folder)], stdout=log, stderr=log)


@contextmanager
def _celery(part: str, variables: dict[str, str], folder: Path) -> Iterator[None]:
    options = {
        "worker": ["--concurrency", "2", "--loglevel", "WARNING"],
        "beat": ["--schedule", str(folder / "beat"), "--loglevel", "WARNING"],
    }[part]
    with (folder / f"{part}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "refundportal", part, *options],
            cwd=served.ROOT,
            env=variables,
            stdout=log,
            stderr=log,
        )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
