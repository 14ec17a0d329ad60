"""Things that happen at the same moment, and processes that die."""

import os
import signal
import threading
from collections.abc import Callable
from typing import Any

from django.db import connection, connections


def at_once(*works: Callable[[], Any], timeout_s: float = 30) -> list[Any]:
    """Do each work in a thread of its own, all from one start; give results, or what was raised."""
    start = threading.Barrier(len(works))
    results: list[Any] = [None] * len(works)

    def run(place: int, work: Callable[[], Any]) -> None:
        try:
            _wait_long_for_rows()
            start.wait(timeout_s)
            results[place] = work()
        except Exception as error:  # noqa: BLE001 - told to the test
            results[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(place, work)) for place, work in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout_s)
        assert not thread.is_alive(), "a work hangs"
    return results


def _wait_long_for_rows() -> None:
    """A slow machine shall not end a race by its lock time limit."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET lock_timeout = '30s'")


def errors_of(results: list[Any]) -> list[Exception]:
    return [result for result in results if isinstance(result, Exception)]


def dies_at(point: str, work: Callable[[], Any]) -> bool:
    """Do a work in a process of its own that is killed at a crash point; tell whether it was killed there."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        os.environ["CRASH_AT"] = point
        try:
            work()
        finally:
            os._exit(7)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
