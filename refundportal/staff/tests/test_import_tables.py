"""Contracts that come in a table: CSV and XLSX, tried first, with what became of every row."""

import csv
import io
import zipfile
from typing import Any

import pytest
from openpyxl import Workbook

from contracts.models import Contract
from refundportal.staff.tables import COLUMNS, read_xlsx
from refundportal.staff.tests.desk import Desk, words
from refunds.tests.scene import Scene

HEAD = (
    *("reference", "client_name", "client_email", "client_kind"),
    *("title", "currency", "payment_days", "window_days"),
    *(
        "stage_code",
        "stage_title",
        "stage_kind",
        "stage_amount",
        "item_code",
        "item_statement",
        "item_weight",
    ),
    *("meter_code", "meter_title", "meter_kind", "meter_unit", "meter_price"),
)
OF = ("Newcomer", "office@new.example", "business")
NONE = ("",) * 5
ROWS: list[tuple[Any, ...]] = [
    ("OLD-1", *OF, "Fleet", "EUR", 30, 5, "P1", "Prepayment", "prepayment", "100.00", "", "", "", *NONE),
    (*[""] * 8, "S1", "Vans", "work", 700.5, "AC-1", "A van is booked.", 2.5, *NONE),
    (*[""] * 8, "S1", "", "", "", "AC-2", "A van is returned.", 1, *NONE),
    (*[""] * 15, "km", "Kilometres", "metered", "km", "0.125"),
    ("OLD-2", *OF, "Yard", "JPY", "", "", "S1", "All", "work", 5000, "", "", "", *NONE),
]


def as_csv(rows: Any, mark: str = ",", before: bytes = b"") -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=mark).writerows(rows)
    return before + out.getvalue().encode()


def as_xlsx(rows: Any) -> bytes:
    book, out = Workbook(), io.BytesIO()
    for row in rows:
        book.active.append([None if one == "" else one for one in row])
    book.save(out)
    return out.getvalue()


def send(desk: Desk, name: str, content: bytes, *, for_good: bool = False) -> Any:
    file = io.BytesIO(content)
    file.name = name
    return desk.post(
        "/admin/contracts/contract/import/", {"file": file, "is_trial": "no" if for_good else "yes"}
    )


FILES = [
    ("t.csv", as_csv([HEAD, *ROWS])),
    ("t.CSV", as_csv([HEAD, *ROWS], ";", b"\xef\xbb\xbf")),
    ("t.csv", as_csv([HEAD, *ROWS], "\t")),
    ("t.xlsx", as_xlsx([HEAD, *ROWS])),
]


@pytest.mark.parametrize(("name", "content"), FILES)
def test_a_table_is_tried_and_then_stored_with_what_became_of_each_row(
    scene: Scene, name: str, content: bytes
):
    desk = Desk(scene.cast.rita)

    tried = words(send(desk, name, content))
    assert "No fault was found. Nothing was stored." in tried
    assert "2 OLD-1 Fleet 2 would be stored 6 OLD-2 Yard 1 would be stored" in tried
    assert not Contract.objects.filter(reference__startswith="OLD").exists()

    stored = words(send(desk, name, content, for_good=True))
    fleet, yard = (Contract.objects.get(reference=one) for one in ("OLD-1", "OLD-2"))
    assert f"2 OLD-1 Fleet 2 {fleet.number} 6 OLD-2 Yard 1 {yard.number}" in stored
    assert (fleet.total_minor, fleet.payment_days, yard.total_minor) == (80050, 30, 5000)
    items = fleet.stages.get(code="S1").items
    assert list(items.values_list("code", "weight_micro")) == [("AC-1", 2_500_000), ("AC-2", 1_000_000)]
    assert fleet.meters.get().price_nano == 125_000_000
    assert fleet.terms_versions.get().window_days == 5


@pytest.mark.parametrize(
    ("row", "column", "value", "said"),
    [
        (0, "currency", "EUX", "Row 2, currency: must be an active ISO 4217"),
        (0, "window_days", "many", "Row 2, window_days:"),
        (0, "client_kind", "club", "Row 2, client_kind: must be one of"),
        (1, "stage_amount", "7,5", "Row 3, stage_amount:"),
        (2, "item_weight", "-1", "Row 4, item_weight:"),
        (3, "meter_price", "free", "Row 5, meter_price:"),
    ],
)
def test_a_fault_is_named_by_row_and_column_and_nothing_is_stored(
    scene: Scene, row: int, column: str, value: str, said: str
):
    rows = [list(one) for one in ROWS]
    rows[row][HEAD.index(column)] = value

    answer = send(Desk(scene.cast.rita), "t.csv", as_csv([HEAD, *rows]), for_good=True)

    assert answer.status_code == 422
    assert said in words(answer)
    assert Contract.objects.count() == 1


def bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/worksheets/sheet1.xml", b"\0" * (101 * 1024 * 1024))
    return out.getvalue()


def xlsx_with(place: str, content: bytes) -> bytes:
    """A workbook of which one part is another one."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(as_xlsx([HEAD, *ROWS]))) as whole,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for name in whole.namelist():
            packed.writestr(name, content if name == place else whole.read(name))
    return out.getvalue()


def far_cell(place: str, rows: int = 1) -> bytes:
    """A workbook of a few kilobytes whose last cell is far away, in each of its rows."""
    first = int(place.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    column = place.removesuffix(str(first))
    far = "".join(
        f'<row r="{row}"><c r="{column}{row}"><v>1</v></c></row>' for row in range(first, first + rows)
    )
    sheet = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        f'<dimension ref="A1:{place}"/><sheetData>'
        '<row r="1"><c r="A1" t="inlineStr"><is><t>reference</t></is></c></row>'
        f"{far}</sheetData></worksheet>"
    )
    return xlsx_with("xl/worksheets/sheet1.xml", sheet.encode())


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("t.csv", b"\xff\xfe", "not written in UTF-8"),
        ("t.csv", b"title\nFleet\n", "reference: this column is missing"),
        ("t.csv", b"reference,refund\nA,1\n", "refund: there is no such column"),
        ("t.csv", b"reference,title\n", "The table has no rows."),
        ("t.csv", b"reference,title\n,Fleet\n", "the first row needs a reference"),
        ("t.csv", b"reference\n" + b"A\n" * 20_001, "at most 20000 rows"),
        ("t.xlsx", b"PK\x03\x04 no", "This is no XLSX workbook."),
        ("t.xlsx", as_csv([HEAD]), "This is no XLSX workbook."),
        ("t.xlsx", bomb(), "The workbook is too large."),
        ("t.xlsx", xlsx_with("xl/worksheets/sheet1.xml", b"<worksheet"), "This is no XLSX workbook."),
        ("t.xlsx", xlsx_with("xl/workbook.xml", b""), "This is no XLSX workbook."),
        ("t.xlsx", far_cell("A1048576"), "at most 20000 rows"),
        ("t.xlsx", far_cell("XFD2000"), "Column XFD, row 2000: this column has no name"),
        ("t.xlsx", far_cell("XFD2", rows=400), "The workbook is too large."),
        ("t.xlsx", as_xlsx([[*HEAD, *[""] * 80, "notes"], *ROWS]), "notes: there is no such column"),
        ("t.xlsx", as_xlsx([HEAD, [*ROWS[0], *[""] * 80, "seen"]]), "Column CW, row 2: this column has no"),
        ("t.csv", as_csv([HEAD, [*ROWS[0], "seen"]]), "Column U, row 2: this column has no name"),
    ],
)
def test_what_is_no_table_is_refused_in_words(scene: Scene, name: str, content: bytes, said: str):
    answer = send(Desk(scene.cast.rita), name, content, for_good=True)

    assert answer.status_code == 422
    assert said in words(answer)


def test_a_small_workbook_does_not_become_a_huge_table():
    rows = read_xlsx(far_cell("XFD2000"))

    assert sum(map(len, rows)) <= 20_000


def test_the_page_names_the_columns(scene: Scene):
    said = words(Desk(scene.cast.rita).get("/admin/contracts/contract/import/"))

    assert ", ".join(COLUMNS) in said
