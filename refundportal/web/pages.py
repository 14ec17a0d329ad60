"""Pages by key: a list goes on after the last row seen, so that every page costs what the first one does."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet
from django.http import HttpRequest

from kernel.errors import InvalidInput

Row = TypeVar("Row", bound=Model)
PAGE_SIZE: Final = 50
PAGE_SIZE_MAX: Final = 500


class InvalidCursor(InvalidInput):
    """A cursor that this portal never gave."""

    code = "invalid_cursor"
    title = "This cursor is not one of ours."


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a list that is ordered by id, newest first: after an id come older rows, before it newer."""

    direction: Literal["after", "before"]
    id: UUID

    @property
    def text(self) -> str:
        """The cursor as it stands in an address."""
        return base64.urlsafe_b64encode(self.direction[:1].encode() + self.id.bytes).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """
        Read a cursor.

        :raises InvalidCursor: not a cursor
        """
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise InvalidCursor() from None
        if len(raw) != 17 or raw[:1] not in (b"a", b"b"):
            raise InvalidCursor()
        return cls("after" if raw[:1] == b"a" else "before", UUID(bytes=raw[1:]))


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows, newest first, and where the list goes on in both directions."""

    rows: Sequence[Row]
    next: Cursor | None
    previous: Cursor | None


def page_of(rows: QuerySet[Row], *, cursor: Cursor | None = None, size: int = PAGE_SIZE) -> Page[Row]:
    """Give one page of rows in descending order of id, with one query and no counting."""
    if cursor is not None and cursor.direction == "before":
        found = list(rows.filter(id__gt=cursor.id).order_by("id")[: size + 1])
        shown = found[size - 1 :: -1] if len(found) > size else found[::-1]
        return Page(shown, _at(shown, -1, "after"), _at(shown, 0, "before") if len(found) > size else None)
    if cursor is not None:
        rows = rows.filter(id__lt=cursor.id)
    found = list(rows.order_by("-id")[: size + 1])
    shown = found[:size]
    return Page(
        shown,
        _at(shown, -1, "after") if len(found) > size else None,
        _at(shown, 0, "before") if cursor is not None else None,
    )


def _at(rows: Sequence[Any], index: int, direction: Literal["after", "before"]) -> Cursor | None:
    return Cursor(direction, rows[index].id) if rows else None


def cursor_in(request: HttpRequest, name: str = "at") -> Cursor | None:
    """
    Read where a list goes on.

    :raises InvalidCursor: not a cursor of ours
    """
    text = request.GET.get(name)
    return Cursor.parse(text) if text else None
