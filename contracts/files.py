"""
Private files: original bytes under random names, outside of everything that is served.

What a file is follows from its content; the name it was given must agree. Kept are PDF, PNG, JPEG and
plain text in UTF-8.
"""

import hashlib
import os
import re
import secrets
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import IO, Final, Protocol

import puremagic
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from PIL import Image, UnidentifiedImageError

from kernel.errors import DomainError

SIZE_MAX: Final = 10 * 1024 * 1024
PIXELS_MAX: Final = 50_000_000
NAME_MAX: Final = 255
TYPES: Final = {
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".txt": "text/plain",
}
"""Allowed endings of names, and what the content must then be."""

_CHUNK: Final = 64 * 1024
_STORED_NAME: Final = re.compile(r"[0-9a-f]{2}/[0-9a-f]{32}(\.part)?")
_CONTROLS: Final = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_TEXT_CONTROLS: Final = {"\n", "\r", "\t", "\f", "\ufeff"}


class FileRefused(DomainError):
    """A file that is not kept."""

    code = "file_refused"
    kind = "invalid"
    title = "This file cannot be kept."


class FileTooLarge(FileRefused):
    """A file beyond ten megabytes."""

    code = "file_too_large"
    title = "A file may have at most 10 MB."


class FileTypeRefused(FileRefused):
    """Content that is not on the list, or that is not what the name says."""

    code = "file_type_refused"
    title = "Only PDF, PNG, JPEG and plain text (UTF-8) can be kept, with a name that says which."


class Readable(Protocol):
    """Anything that gives bytes piece by piece: an upload, an open file."""

    def read(self, size: int = -1, /) -> bytes: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file as it was stored; `stored_as` is its name under the private folder."""

    stored_as: str
    file_name: str
    content_type: str
    size_bytes: int
    sha256: str


def store_file(file: Readable, file_name: str, *, size_max: int = SIZE_MAX) -> StoredFile:
    """
    Check a file and store its bytes durably under a random name.

    :raises FileTooLarge: more than `size_max` bytes
    :raises FileTypeRefused: not of an allowed type by content, or named otherwise
    :raises FileRefused: empty
    """
    content = _read(file, size_max)
    clean = clean_name(file_name)
    content_type = type_of(content, clean)
    key = secrets.token_hex(16)
    stored_as = f"{key[:2]}/{key}"
    _write(_path(stored_as), content)
    return StoredFile(
        stored_as=stored_as,
        file_name=clean,
        content_type=content_type,
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def open_file(stored_as: str) -> IO[bytes]:
    """
    Open a stored file for reading.

    :raises FileNotFoundError: there is no such file
    """
    return _path(stored_as).open("rb")


def remove_file(stored_as: str) -> None:
    """Remove a stored file whose row was never written; one that is gone already is no fault."""
    _path(stored_as).unlink(missing_ok=True)


def stored_files(older_than: datetime) -> Iterator[str]:
    """Give the names of files last written before an instant, unfinished ones too."""
    for path in Path(settings.PRIVATE_FILES).glob("[0-9a-f][0-9a-f]/*"):
        if path.stat().st_mtime_ns < int(older_than.timestamp()) * 10**9:
            yield f"{path.parent.name}/{path.name}"


def clean_name(name: str) -> str:
    """Give a file's own name without folders, control characters and tricks of direction; it may be shown."""
    last = re.split(r"[/\\]", name)[-1]
    shown = "".join(sign for sign in last if unicodedata.category(sign) not in _CONTROLS).strip(" .")
    stem, dot, ending = shown.rpartition(".")
    if dot and len(shown) > NAME_MAX:
        shown = f"{stem[: NAME_MAX - len(ending) - 1]}.{ending}"
    return shown[:NAME_MAX] or "file"


def type_of(content: bytes, name: str) -> str:
    """
    Say what a file is: by its content, if its name agrees.

    :raises FileTypeRefused: it is nothing that is kept
    """
    named = TYPES.get(Path(name).suffix.lower())
    if named is None or named != _type_by_content(content):
        raise FileTypeRefused
    if named.startswith("image/"):
        _check_image(content)
    return named


def _type_by_content(content: bytes) -> str | None:
    try:
        found = {str(match.mime_type) for match in puremagic.magic_string(content[:_CHUNK])}
    except (puremagic.PureError, ValueError):
        found = set()
    starts = {b"%PDF-": "application/pdf", b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}
    for start, content_type in starts.items():
        if content.startswith(start):
            return content_type if content_type in found else None
    return "text/plain" if _is_text(content) else None


def _is_text(content: bytes) -> bool:
    """UTF-8 without control characters other than those of a page."""
    try:
        decoded = content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return all(sign in _TEXT_CONTROLS or unicodedata.category(sign) != "Cc" for sign in decoded)


def _check_image(content: bytes) -> None:
    """Look at the head of an image only: it must be one, and not of a size that floods memory."""
    try:
        with Image.open(BytesIO(content), formats=["PNG", "JPEG"]) as image:
            width, height = image.size
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError):
        raise FileTypeRefused from None
    if width * height > PIXELS_MAX:
        raise FileTypeRefused("An image may have at most 50 million pixels.")


def _read(file: Readable, size_max: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    for piece in _pieces(file):
        size += len(piece)
        if size > size_max:
            raise FileTooLarge(size_max=size_max)
        pieces.append(piece)
    if not size:
        raise FileRefused("The file is empty.")
    return b"".join(pieces)


def _pieces(file: Readable) -> Iterable[bytes]:
    if isinstance(file, UploadedFile):
        return file.chunks(_CHUNK)
    return iter(lambda: file.read(_CHUNK), b"")


def _write(path: Path, content: bytes) -> None:
    """Write durably: the bytes and their place in the folder have reached the disk when this returns."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    try:
        with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _path(stored_as: str) -> Path:
    if not _STORED_NAME.fullmatch(stored_as):
        raise FileNotFoundError(stored_as)
    return Path(settings.PRIVATE_FILES) / stored_as
