"""Tables of a letter: hairlines, a head that comes again on every page, amounts in one column of figures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.utils.translation import gettext as _
from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import Flowable, Paragraph, Table

from kernel.money import Money
from refundportal.web.pdf.fonts import SANS, SERIF, marked
from refundportal.web.pdf.look import (
    AMOUNT_WIDTH,
    CELL,
    CELL_SMALL,
    CELL_STRONG,
    HAIR,
    HAIRLINE,
    HEAD,
    INK,
    RIGHT,
    RIGHT_HEAD,
    RIGHT_STRONG,
    RULE,
    WIDTH,
)
from refunds.letters import FindingLine
from refunds.statement import Statement, StatementLine
from refunds.wording import money_words

_PAIR_LABEL: Final = 92
KEPT_MAX: Final = 1000
"""So many characters are kept together on one page; more may break."""
_PLAIN: Final[tuple[Any, ...]] = (
    ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ("LEFTPADDING", (0, 0), (0, -1), 0),
    ("RIGHTPADDING", (-1, 0), (-1, -1), 0),
    ("TOPPADDING", (0, 0), (-1, -1), 3.5),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 3.5),
)


def text(words: str, style: ParagraphStyle, *, bullet: str | None = None) -> Paragraph:
    """Set a text in the font of a style, whatever signs it holds; `bullet` hangs before its first line."""
    family = SERIF if style.fontName in (SERIF.regular, SERIF.bold) else SANS
    return Paragraph(marked(words, family), style, bulletText=bullet)


def amount_words(amount: Money) -> str:
    """Write an amount with a true minus."""
    return money_words(amount.text, amount.currency).replace("-", "\N{MINUS SIGN}")


def pairs(rows: Sequence[tuple[str, str]]) -> Table:
    """Set names and values side by side."""
    cells = [[text(name, CELL_SMALL), text(value, CELL)] for name, value in rows]
    style = [*_PLAIN, ("TOPPADDING", (0, 0), (-1, -1), 1), ("BOTTOMPADDING", (0, 0), (-1, -1), 1)]
    return Table(cells, colWidths=[_PAIR_LABEL, WIDTH - _PAIR_LABEL], style=style)


def letterhead(left: Paragraph, right: Paragraph) -> Table:
    """Set the company and the date on one line above a rule."""
    style = [*_PLAIN, ("VALIGN", (0, 0), (-1, -1), "BOTTOM"), ("LINEBELOW", (0, 0), (-1, 0), RULE, INK)]
    return Table([[left, right]], colWidths=[WIDTH * 0.6, WIDTH * 0.4], style=style)


@dataclass(slots=True)
class Rows:
    """Rows of a table as they are gathered, with the lines between them; the first one is its head."""

    cells: list[list[Any]] = field(default_factory=list)
    style: list[Any] = field(default_factory=lambda: [*_PLAIN, ("LINEBELOW", (0, 0), (-1, 0), RULE, INK)])

    def add(self, *cells: Any, rule: float = 0, is_close: bool = False) -> None:
        """Add a row; `rule`: a line above it; `is_close`: it belongs to the row before and stays with it."""
        at = len(self.cells)
        self.cells.append(list(cells))
        if rule:
            self.style.append(("LINEABOVE", (0, at), (-1, at), rule, INK if rule == RULE else HAIRLINE))
        if is_close:
            self.style.append(("TOPPADDING", (0, at), (-1, at), 0))
            self.style.append(("BOTTOMPADDING", (0, at - 1), (-1, at - 1), 1.5))

    def keep(self, first: int, last: int) -> None:
        """Keep rows on one page, unless they are very long."""
        words = sum(len(cell.text) for row in self.cells[first : last + 1] for cell in row if cell)
        if words <= KEPT_MAX:
            self.style.append(("NOSPLIT", (0, first), (-1, last)))

    def table(self, widths: Sequence[float]) -> Table:
        """Set them; the first row comes again on every page."""
        return Table(self.cells, colWidths=list(widths), repeatRows=1, splitInRow=1, style=self.style)


def statement_table(statement: Statement, *, is_detailed: bool = False) -> Flowable:
    """Set a statement: paid, minus each part, equals the refund; with details also how each came about."""
    rows = Rows()
    rows.add(text(_("Calculation"), HEAD), text(_("Amount"), RIGHT_HEAD))
    rows.add(text(_("You paid"), CELL), text(amount_words(statement.paid), RIGHT))
    for line in statement.lines:
        _add_line(rows, line, is_detailed)
    total = text(amount_words(statement.total), RIGHT_STRONG)
    rows.add(text(statement.total_label, CELL_STRONG), total, rule=RULE)
    rows.style.append(("LINEBELOW", (0, -1), (-1, -1), RULE, INK))
    rows.keep(len(rows.cells) - 2, len(rows.cells) - 1)
    return rows.table([WIDTH - AMOUNT_WIDTH, AMOUNT_WIDTH])


def _add_line(rows: Rows, line: StatementLine, is_detailed: bool) -> None:
    first = len(rows.cells)
    rows.add(text(line.label, CELL), text(amount_words(line.amount), RIGHT), rule=HAIR)
    for words in _below(line, is_detailed):
        rows.add(text(words, CELL_SMALL), "", is_close=True)
    if len(rows.cells) > first + 1:
        rows.keep(first, first + 1)


def _below(line: StatementLine, is_detailed: bool) -> Iterator[str]:
    if line.note:
        yield line.note
    if is_detailed:
        yield f"{line.clause}: {line.clause_words}"
        yield from (_fact(name, value) for name, value in line.facts)
        yield from line.arithmetic


def _fact(name: str, value: str) -> str:
    """Say a fact; a name may be a whole sentence."""
    return f"{name.rstrip(' .:')}: {value}"


def findings_table(findings: Sequence[FindingLine]) -> Flowable:
    """Set every rule with what it found and the facts it looked at."""
    rows = Rows()
    rows.add(text(_("Clause"), HEAD), text(_("Rule"), HEAD), text(_("Found"), RIGHT_HEAD))
    for finding in findings:
        first = len(rows.cells)
        rule = 0 if first == 1 else HAIR
        rows.add(
            text(finding.clause, CELL), text(finding.words, CELL), text(finding.verdict, RIGHT), rule=rule
        )
        for name, value in finding.facts:
            rows.add("", text(_fact(name, value), CELL_SMALL), "", is_close=True)
        if finding.facts:
            rows.keep(first, first + 1)
    rows.style.append(("LINEBELOW", (0, -1), (-1, -1), RULE, INK))
    return rows.table([38, WIDTH - 38 - 90, 90])
