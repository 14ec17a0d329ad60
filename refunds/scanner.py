"""
The scanner for malicious files: clamd, asked over its socket by the command INSTREAM (manual page clamd(8)).

A call is bounded in time and in what it reads; whatever is not a clear answer counts as none.
"""

import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Final

from django.conf import settings

TIMEOUT_S: Final = 30
_CHUNK: Final = 64 * 1024
_ANSWER_MAX: Final = 4096


class ScannerDown(Exception):
    """The scanner gave no clear answer; the file is asked about again later."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the scanner says: the name of what it found, empty if the file is clean."""

    found: str


def is_on() -> bool:
    """Whether files are scanned before anybody may open them."""
    return settings.CLAMD_ADDRESS is not None


def scan(content: IO[bytes]) -> Verdict:
    """
    Ask clamd about a file.

    :raises ScannerDown: no connection, no answer in time, or none that can be relied on
    """
    try:
        with _connect() as connection:
            connection.sendall(b"zINSTREAM\0")
            for piece in _pieces(content):
                connection.sendall(struct.pack(">I", len(piece)) + piece)
            connection.sendall(struct.pack(">I", 0))
            answer = _read(connection)
    except OSError as error:
        raise ScannerDown(type(error).__name__) from error
    return _verdict(answer)


def _connect() -> socket.socket:
    address = settings.CLAMD_ADDRESS
    if isinstance(address, str):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(TIMEOUT_S)
        try:
            connection.connect(address)
        except OSError:
            connection.close()
            raise
        return connection
    return socket.create_connection(address, timeout=TIMEOUT_S)


def _pieces(content: IO[bytes]) -> Iterator[bytes]:
    return iter(lambda: content.read(_CHUNK), b"")


def _read(connection: socket.socket) -> bytes:
    """Read the answer: one line that ends with a zero byte."""
    answer = b""
    while not answer.endswith(b"\0"):
        piece = connection.recv(_ANSWER_MAX)
        if not piece or len(answer) > _ANSWER_MAX:
            break
        answer += piece
    return answer.rstrip(b"\0\n")


def _verdict(answer: bytes) -> Verdict:
    if answer == b"stream: OK":
        return Verdict("")
    if answer.startswith(b"stream: ") and answer.endswith(b" FOUND"):
        name = answer.removeprefix(b"stream: ").removesuffix(b" FOUND").decode("ascii", "replace")
        return Verdict(name[:100] or "unnamed")
    raise ScannerDown(answer[:100].decode("ascii", "replace") or "no answer")
