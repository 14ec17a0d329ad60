"""Worker processes that are killed: each is a process of its own, with a connection of its own."""

import os
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any

from django.core.cache import cache
from django.db import connections


def run(work: Callable[[], Any], *, crash_at: str = "") -> bool:
    """
    Do a work in a process of its own, killed (SIGKILL) at a crash point; tell whether it was killed.

    :raises RuntimeError: it ended otherwise than by its end or by being killed
    """
    connections.close_all()
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os.environ["CRASH_AT"] = crash_at
        _work_and_end(work)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return True
    if status != 0:
        raise RuntimeError(f"a worker ended with {status}")
    return False


def start(work: Callable[[], Any]) -> int:
    """Begin a work in a process of its own and give its number."""
    connections.close_all()
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        _work_and_end(work)
    return child


def wait(process: int) -> int:
    """Wait for the end of a process that was started, and give its status: 0 when all went well."""
    _, status = os.waitpid(process, 0)
    return os.waitstatus_to_exitcode(status)


def _work_and_end(work: Callable[[], Any]) -> None:
    try:
        cache.clear()
        work()
    except BaseException:  # noqa: BLE001 - a process that ends here tells its parent by its status
        traceback.print_exc()
        os._exit(7)
    os._exit(0)
