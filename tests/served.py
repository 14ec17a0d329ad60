"""The portal as gunicorn serves it: processes of its own, on a database of its own."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parent.parent
START_LIMIT_S = 240


@dataclass
class Served:
    """A running portal: where it answers, its main process, and the settings of its processes."""

    url: str
    process: subprocess.Popen[bytes]
    environment: dict[str, str]
    log: Path

    def token(self) -> str:
        """Get a token for the demonstration's own system, `erp`."""
        text = (Path(self.environment["VAR_DIR"]) / "sign-in.txt").read_text()
        name, secret = re.search(r"client_id (\S+)\s+client_secret (\S+)", text).groups()  # type: ignore[union-attr]
        answer = httpx.post(
            f"{self.url}/identity/o/api/token",
            data={"grant_type": "client_credentials", "client_id": name, "client_secret": secret},
            timeout=30,
        )
        return str(answer.raise_for_status().json()["access_token"])

    def workers(self) -> list[int]:
        """The processes that answer calls."""
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(number) for number in listed.split()]


def environment(folder: Path, database_url: str, **more: str) -> dict[str, str]:
    """Make the variables of a portal that keeps its things in a folder."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "VAR_DIR": str(folder),
        "DATABASE_URL": database_url,
        "LOG_FORMAT": "json",
        "LOG_LEVEL": "ERROR",
        "PYTHONUNBUFFERED": "1",
        "DJANGO_SETTINGS_MODULE": "refundportal.settings",
        **more,
    }


def environment_of_this_run(**more: str) -> dict[str, str]:
    """Make the variables of a portal on the very database that the running test uses (PostgreSQL)."""
    from django.db import connection

    place = connection.settings_dict
    address = f"postgres://{place['USER']}@{place['HOST']}:{place['PORT']}/{place['NAME']}"
    return environment(Path(os.environ["VAR_DIR"]), address, **more)


def manage(variables: dict[str, str], *command: str) -> str:
    """Run a management command to its end."""
    done = subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=ROOT,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr[-3000:]}")
    return done.stdout


@contextmanager
def serve(
    variables: dict[str, str], *, application: str = "refundportal.wsgi", workers: int = 2
) -> Iterator[Served]:
    """Serve a prepared portal until the block ends."""
    port = _free_port()
    command = [sys.executable, "-m", "gunicorn", application, "--bind", f"127.0.0.1:{port}"]
    options = ["--worker-class", "gthread", "--threads", "8", "--workers", str(workers)]
    with _running([*command, *options, "--timeout", "120", "--no-control-socket"], variables, port) as served:
        yield served


@contextmanager
def embedded(variables: dict[str, str]) -> Iterator[Served]:
    """Serve a prepared portal as `make run` does, with the beat that pays and tells, until the block ends."""
    port = _free_port()
    with _running([sys.executable, "manage.py", "serve", "--port", str(port)], variables, port) as served:
        yield served


@contextmanager
def _running(command: list[str], variables: dict[str, str], port: int) -> Iterator[Served]:
    log = Path(variables["VAR_DIR"]) / f"portal-{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=variables, stdout=output, stderr=output)
    served = Served(f"http://127.0.0.1:{port}", process, variables, log)
    try:
        _wait_until_it_answers(served)
        yield served
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_it_answers(served: Served) -> None:
    end = time.monotonic() + START_LIMIT_S
    while time.monotonic() < end and served.process.poll() is None:
        try:
            if httpx.get(f"{served.url}/readyz", timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise RuntimeError(f"the portal did not start:\n{served.log.read_text()[-3000:]}")
