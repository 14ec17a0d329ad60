"""The evidence viewer: what is seen of each file on the page of a case, and what only a download shows."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from refundportal.web.previews import FirstLines, first_lines
from refunds.models import Attachment

TEXTS_READ_MAX: Final = 20
"""Beyond it texts are downloads only: a page reads so many files and no more."""

_KINDS: Final = {"application/pdf": "PDF", "image/png": "PNG", "image/jpeg": "JPEG", "text/plain": "TXT"}


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A file and, of a text, its first lines."""

    file: Attachment
    kind: str
    lines: FirstLines | None

    @property
    def is_download_only(self) -> bool:
        """Whether nothing of it is seen on the page."""
        return self.lines is None and not self.file.has_preview


def exhibits_by_message(files: Iterable[Attachment]) -> dict[UUID | None, list[Exhibit]]:
    """Put files on show by the message that they came with; those of the application itself under None."""
    exhibits: dict[UUID | None, list[Exhibit]] = {}
    read = 0
    for file in files:
        lines = first_lines(file) if read < TEXTS_READ_MAX else None
        read += lines is not None
        kind = _KINDS.get(file.content_type, file.content_type)
        exhibits.setdefault(file.message_id, []).append(Exhibit(file, kind, lines))
    return exhibits
