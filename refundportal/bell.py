"""
The bell: tells the worker that there is something to do.

What is to be done is a row; a bell that nobody hears costs one beat, never a refund.
"""

import threading
import time
from typing import Final

import structlog
from celery import Task
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError

log = structlog.get_logger(__name__)

# After a failure the broker is left alone this long, so that no request waits for it again and again.
PAUSE_S: Final = 5


class _Broker:
    """Remembers whether the broker answered lately."""

    def __init__(self) -> None:
        self.quiet_until = 0.0

    def send(self, task: Task) -> None:
        if time.monotonic() < self.quiet_until:
            return
        try:
            task.delay()
        except (OperationalError, OSError) as error:
            self.quiet_until = time.monotonic() + PAUSE_S
            log.error("bell_unheard", task=task.name, error=str(error))


class Rope:
    """Between the doors and the beat thread of one process: the names rung since the last look."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._changed = threading.Condition()

    def pull(self, name: str = "") -> None:
        """Wake who waits; without a name nothing is asked of them but to look up."""
        with self._changed:
            self._names.add(name)
            self._changed.notify_all()

    def wait(self, timeout_s: float) -> frozenset[str]:
        """Wait at most so long and take the names rung."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._names), max(timeout_s, 0))
            names, self._names = frozenset(self._names), set()
        return names


broker: Final = _Broker()
rope: Final = Rope()


def ring(task: Task) -> None:
    """
    Ask for a task to run as soon as the present transaction is committed.

    Never fails a request: a broker that is down is logged, and the next beat finds the row.
    """
    transaction.on_commit(lambda: _ring_now(task), robust=True)


def _ring_now(task: Task) -> None:
    if settings.PRODUCTION:
        broker.send(task)
    else:
        rope.pull(task.name)
