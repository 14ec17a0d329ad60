"""
Contracts in a table (CSV or XLSX): one row per stage, acceptance item or meter, those of a contract together.

A table says less than JSON does: parties, terms, stages, items and meters, not what happened since. It
becomes the JSON of an import, and each fault is led back to its row and column.
"""

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from xml.etree.ElementTree import ParseError

from django.utils.translation import gettext as _
from openpyxl import load_workbook
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException

from contracts.policy.terms import RefundTerms
from kernel.errors import Fault, InvalidInput

ROWS_MAX: Final = 20_000
UNPACKED_MAX: Final = 100 * 1024 * 1024
CELLS_MAX: Final = 6_000_000
"""More than a CSV file of the greatest size can have; a workbook claims them by a few bytes in each row."""
HEADER: Final = 1

CLIENT: Final = {f"client_{name}": name for name in ("name", "email", "kind", "language", "address")}
CONTRACT: Final = ("reference", "title", "summary", "currency", "total", "payment_days", "signed_at")
TERMS: Final = tuple(RefundTerms.__dataclass_fields__)
STAGE: Final = {f"stage_{name}": name for name in ("code", "title", "kind", "amount")}
ITEM: Final = {f"item_{name}": name for name in ("code", "statement", "weight", "reference")}
METER: Final = {f"meter_{name}": name for name in ("code", "title", "kind", "unit", "price")}
COLUMNS: Final = (*CONTRACT[:1], *CLIENT, *CONTRACT[1:], *TERMS, *STAGE, *ITEM, *METER)
_WHOLE: Final = {"payment_days", "window_days", "deemed_acceptance_days", "decision_days"}
_YES_NO: Final = {"roll_to_working_day", "exchange_allowed"}
_NO_WORKBOOK: Final = (
    *(zipfile.BadZipFile, zlib.error, ParseError, InvalidFileException),
    *(KeyError, ValueError, TypeError, OSError, AttributeError, IndexError, RuntimeError),
)
"""What openpyxl, and what it is made of, raises for a file that is none, is torn, or is encrypted."""


@dataclass(slots=True)
class Table:
    """What was read: the contracts as JSON, and where each part of them stood."""

    contracts: list[dict[str, Any]] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)
    """The row (as people count, the header being 1) by the path of a contract, stage, item or meter."""

    def place_of(self, fault: Fault) -> tuple[int, str]:
        """Give the row and the column of a fault; row 0 for what is about the whole file."""
        path, column = fault.path, ""
        while path and path not in self.places:
            path, dot, name = path.rpartition(".")
            column = f"{name}.{column}".rstrip(".") if dot else column
        return self.places.get(path, 0), _column(path, column)


def _column(path: str, name: str) -> str:
    kind = re.sub(r"\[\d+\]$", "", path).rpartition(".")[2]
    before = {"stages": "stage_", "items": "item_", "meters": "meter_"}.get(kind, "")
    if not before and name.startswith(("client.", "terms.")):
        return name.replace("client.", "client_").removeprefix("terms.")
    return before + name


def read_csv(data: bytes) -> list[tuple[Any, ...]]:
    """
    Read rows of text, parted by commas, semicolons or tabs.

    :raises InvalidInput: not UTF-8, or more rows than are taken at once
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInput(_("The file is not written in UTF-8.")) from None
    head = text.partition("\n")[0]
    mark = max(",;\t", key=head.count)
    try:
        return _bounded(tuple(row) for row in csv.reader(io.StringIO(text, newline=""), delimiter=mark))
    except csv.Error as error:
        raise InvalidInput(_("This is no table: %(why)s") % {"why": error}) from error


def read_xlsx(data: bytes) -> list[tuple[Any, ...]]:
    """
    Read the first sheet of a workbook: values, never formulas.

    :raises InvalidInput: no workbook, or larger than it seems
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            if sum(one.file_size for one in packed.infolist()) > UNPACKED_MAX:
                raise InvalidInput(_("The workbook is too large."))
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        sheet: Any = book.worksheets[0]
        # A sheet of one cell may claim a million rows of 16,384: a row is as wide as its last cell instead.
        sheet.reset_dimensions()
        return _bounded(sheet.iter_rows(max_row=ROWS_MAX + HEADER + 1, values_only=True))
    except _NO_WORKBOOK as error:
        raise InvalidInput(_("This is no XLSX workbook.")) from error


def _bounded(rows: Iterator[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    kept: list[tuple[Any, ...]] = []
    cells = 0
    for row in rows:
        cells += len(row)
        if cells > CELLS_MAX:
            raise InvalidInput(_("The workbook is too large."))
        kept.append(_without_empty_end(row))
        if len(kept) > ROWS_MAX + HEADER:
            raise InvalidInput(_("The table may have at most %(most)s rows.") % {"most": ROWS_MAX})
    return kept


def _without_empty_end(row: tuple[Any, ...]) -> tuple[Any, ...]:
    end = len(row)
    while end and row[end - 1] in (None, ""):
        end -= 1
    return row[:end]


def table_of(rows: Sequence[Sequence[Any]]) -> Table:
    """
    Put the rows together into contracts; a new reference begins a contract, an empty one goes on with it.

    :raises InvalidInput: no rows, columns that there are not, or something in a column without a name
    """
    names = [str(name or "").strip().lower() for name in rows[0]] if rows else []
    unknown = [name for name in names if name and name not in COLUMNS]
    if unknown or "reference" not in names:
        missing = [] if "reference" in names else ["reference"]
        faults = [Fault(path=name, message=_("there is no such column")) for name in unknown]
        faults += [Fault(path=name, message=_("this column is missing")) for name in missing]
        raise InvalidInput(faults=faults)
    table, references = Table(), dict[str, int]()
    for number, row in enumerate(rows[HEADER:], HEADER + 1):
        _refuse_unnamed(names, number, row)
        cells = {name: text for name, text in zip(names, map(_text, row), strict=False) if name and text}
        if cells:
            _take(table, references, number, cells)
    if not table.contracts:
        raise InvalidInput(_("The table has no rows."))
    return table


def _refuse_unnamed(names: Sequence[str], number: int, row: Sequence[Any]) -> None:
    """Refuse a row that says something in a column without a name: it would be lost without a word."""
    for place, value in enumerate(row):
        if (place >= len(names) or not names[place]) and _text(value):
            where = _("Column %(column)s, row %(row)s") % {
                "column": get_column_letter(place + 1),
                "row": number,
            }
            raise InvalidInput(faults=[Fault(path=where, message=_("this column has no name"))])


def _text(value: Any) -> str:
    """Write a cell as it would be typed; what a workbook keeps as a number loses no digit that it shows."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        whole = Decimal(repr(value))
        return format(whole.to_integral() if whole == whole.to_integral() else whole, "f")
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value).strip()


def _take(table: Table, references: dict[str, int], number: int, cells: Mapping[str, str]) -> None:
    reference = cells.get("reference", "")
    if reference and reference not in references:
        references[reference] = len(table.contracts)
        table.places[f"contracts[{len(table.contracts)}]"] = number
        table.contracts.append(_begin(cells))
    elif not table.contracts:
        raise InvalidInput(faults=[Fault(path=f"{number}", message=_("the first row needs a reference"))])
    at = references[reference] if reference else len(table.contracts) - 1
    contract, path = table.contracts[at], f"contracts[{at}]"
    if stage := _part(cells, STAGE):
        known = [one.get("code") for one in contract["stages"]]
        if stage.keys() != {"code"} or stage["code"] not in known:
            table.places[f"{path}.stages[{len(known)}]"] = number
            contract["stages"].append(stage)
    if item := _part(cells, ITEM):
        stages = contract["stages"] or [{}]
        place = next((n for n, one in enumerate(stages) if one.get("code") == cells.get("stage_code")), -1)
        place = place if place >= 0 else len(stages) - 1
        items = stages[place].setdefault("items", [])
        table.places[f"{path}.stages[{place}].items[{len(items)}]"] = number
        items.append(item)
    if meter := _part(cells, METER):
        table.places[f"{path}.meters[{len(contract['meters'])}]"] = number
        contract["meters"].append(meter)


def _begin(cells: Mapping[str, str]) -> dict[str, Any]:
    contract: dict[str, Any] = {name: _typed(name, cells[name]) for name in CONTRACT if name in cells}
    terms = {name: _typed(name, cells[name]) for name in TERMS if name in cells}
    return {**contract, "client": _part(cells, CLIENT), "terms": terms, "stages": [], "meters": []}


def _part(cells: Mapping[str, str], columns: Mapping[str, str]) -> dict[str, Any]:
    return {name: cells[column] for column, name in columns.items() if column in cells}


def _typed(name: str, text: str) -> Any:
    if name in _WHOLE and text.isascii() and text.isdecimal():
        return int(text)
    if name in _YES_NO:
        return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}.get(
            text.lower(), text
        )
    return text
