"""The newest seal kept outside the database, so that a journal whose end was cut off is found."""

import os
from collections.abc import Sequence
from pathlib import Path

from django.core.mail import EmailMessage

from events.models import Seal
from events.selectors import newest_seal
from events.verification import anchor_line


def export_anchor(*, file: Path | None, addresses: Sequence[str]) -> str | None:
    """
    Write the newest seal as one line into a file and to addresses; None if there is no seal yet.

    A seal that is the last line of the file already is not written or sent again.

    :raises OSError: the file cannot be written
    """
    seal = newest_seal()
    if seal is None:
        return None
    line = anchor_line(seal)
    if file is not None:
        if _last_line(file) == line:
            return line
        _append(file, line)
    if addresses:
        _send(seal, line, addresses)
    return line


def _last_line(file: Path) -> str:
    if not file.exists():
        return ""
    with file.open("rb") as stream:
        stream.seek(max(0, file.stat().st_size - 4096))
        lines = stream.read().decode("utf-8", "replace").splitlines()
    return lines[-1] if lines else ""


def _append(file: Path, line: str) -> None:
    with file.open("a", encoding="utf-8") as stream:
        stream.write(line + "\n")
        stream.flush()
        os.fsync(stream.fileno())


def _send(seal: Seal, line: str, addresses: Sequence[str]) -> None:
    EmailMessage(subject=f"Journal sealed up to {seal.last}", body=line + "\n", to=list(addresses)).send()
