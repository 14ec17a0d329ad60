"""Progress of long commands: one line that changes, only on a terminal."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

EVERY_S = 0.2


class Progress:
    """Counts steps and says so on a terminal, a few times a second; elsewhere it is silent."""

    def __init__(self, stream: Any, *, total: Callable[[], int], what: str) -> None:
        self._stream = stream
        self._shown = bool(stream.isatty())
        self._total = total() if self._shown else 0
        self._what = what
        self._done = 0
        self._next = 0.0

    def __enter__(self) -> "Progress":
        return self

    def step(self) -> None:
        self._done += 1
        if self._shown and time.monotonic() >= self._next:
            self._next = time.monotonic() + EVERY_S
            self._write(f"\r{self._done} of {self._total} {self._what}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            self._write("\r\033[K")

    def _write(self, text: str) -> None:
        self._stream.write(text, ending="")
        self._stream.flush()
