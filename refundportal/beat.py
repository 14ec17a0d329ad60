"""The beat of the embedded run: a thread that does what Celery's beat and worker do elsewhere."""

import threading
import time
from collections.abc import Mapping
from typing import Final

import structlog
from django.db import close_old_connections

from refundportal.bell import Rope, rope
from refundportal.schedule import SCHEDULE, task_called

log = structlog.get_logger(__name__)

AT_THE_END: Final = ("events.tasks.sequence_events", "events.tasks.seal_journal")
"""What is run once more when the beat stops: a portal that rests for a week leaves no event unsealed."""


class Beat(threading.Thread):
    """Run every task of a schedule when it is due or rung for; a failure is logged, the rest goes on."""

    def __init__(self, schedule: Mapping[str, int] = SCHEDULE, bell: Rope = rope) -> None:
        super().__init__(name="beat", daemon=True)
        # A name that does not exist is a fault of the program: found here, at the start.
        self._tasks = {name: task_called(name) for name in schedule}
        self._schedule = schedule
        self._bell = bell
        self._stopping = False
        self._due = dict.fromkeys(schedule, time.monotonic())

    def run(self) -> None:
        while not self._stopping:
            rung = self._bell.wait(min(self._due.values()) - time.monotonic())
            for name in self._tasks:
                if not self._stopping and (name in rung or self._due[name] <= time.monotonic()):
                    self._run_one(name)
        for name in AT_THE_END:
            if name in self._tasks:
                self._run_one(name)

    def stop(self, timeout_s: float = 20) -> None:
        """Let the task that runs come to its end, and start no other."""
        self._stopping = True
        self._bell.pull()
        self.join(timeout_s)

    def _run_one(self, name: str) -> None:
        close_old_connections()
        try:
            self._tasks[name]()
        except Exception:
            # The outermost loop: whatever one task does, the others keep running.
            log.exception("task_failed", task=name)
        finally:
            close_old_connections()
            self._due[name] = time.monotonic() + self._schedule[name]
