"""
The one thread of a process that sends webhooks.

A task only wakes it, so that no worker, and no beat, ever waits for somebody else's server. What it
was doing when the process died stands in the rows and is taken up when its lease is over.
"""

from threading import Lock, Thread
from typing import Final

import structlog
from django.db import connections

from events.webhooks.sending import Clock, deliver_due

log = structlog.get_logger(__name__)


class Postman:
    """Sends while there is something to send, then goes home until woken again."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._thread: Thread | None = None
        self._called = False

    def wake(self, clock: Clock) -> None:
        """Have everything sent that is due; returns at once."""
        with self._lock:
            self._called = True
            if self._thread is None or not self._thread.is_alive():
                self._thread = Thread(target=self._run, args=[clock], name="postman", daemon=True)
                self._thread.start()

    def rest(self, timeout_s: float) -> bool:
        """Wait until everything was sent; tell whether it was."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout_s)
        return thread is None or not thread.is_alive()

    def _run(self, clock: Clock) -> None:
        try:
            while self._is_called():
                deliver_due(clock=clock)
        except Exception:
            # The outermost loop: the next beat wakes another.
            log.exception("webhooks_not_sent")
            self._go_home()
        finally:
            connections.close_all()

    def _is_called(self) -> bool:
        with self._lock:
            called, self._called = self._called, False
            if not called:
                self._thread = None
            return called

    def _go_home(self) -> None:
        with self._lock:
            self._thread = None


postman: Final = Postman()
