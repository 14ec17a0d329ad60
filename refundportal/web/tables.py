"""Tables as CSV files that spreadsheets open: written row by row, and no cell is a formula."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from django.http import StreamingHttpResponse

from kernel.exact import is_decimal

_STARTS_A_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


class _Line:
    """What the writer of the csv module writes to: it hands the line on."""

    def write(self, text: str) -> str:
        return text


def safe_cell(value: Any) -> str:
    """
    Write a cell so that no spreadsheet takes it for a formula: those signs are led by an apostrophe.

    Source: OWASP, CSV injection. A plain decimal number stays one, negative or not.
    """
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_STARTS_A_FORMULA) and not is_decimal(text) else text


def csv_file(name: str, head: Sequence[Any], rows: Iterable[Sequence[Any]]) -> StreamingHttpResponse:
    """Give a table as a download in UTF-8 with a mark of it (RFC 4180); memory stays flat."""
    response = StreamingHttpResponse(_lines(head, rows), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _lines(head: Sequence[Any], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield "\ufeff" + writer.writerow([safe_cell(value) for value in head])
    for row in rows:
        yield writer.writerow([safe_cell(value) for value in row])
