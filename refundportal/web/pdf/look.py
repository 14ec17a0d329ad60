"""How a letter looks: paper, ink and type as on the client pages, in points (1/72 inch)."""

from typing import Final

from reportlab.lib.colors import Color, HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm

from refundportal.web.pdf.fonts import SANS, SERIF

PAGE_WIDTH, PAGE_HEIGHT = A4
MARGIN_SIDE: Final = 25 * mm
MARGIN_TOP: Final = 22 * mm
MARGIN_BOTTOM: Final = 26 * mm
WIDTH: Final = PAGE_WIDTH - 2 * MARGIN_SIDE
MEASURE: Final = 128 * mm
"""How wide running text is: about 68 characters."""
AMOUNT_WIDTH: Final = 52 * mm
"""Room for an amount of twelve digits with its currency."""

INK: Final[Color] = HexColor(0x1C1E22)
INK_SOFT: Final[Color] = HexColor(0x565A63)
HAIRLINE: Final[Color] = HexColor(0xC9C4B8)
ACCENT: Final[Color] = HexColor(0x0C5363)
SECTION_ROOM: Final = 110
"""So much must fit below the title of a section, else it begins on the next page."""
HAIR: Final = 0.4
RULE: Final = 0.9

_BESIDE: Final = WIDTH - MEASURE

BODY: Final = ParagraphStyle(
    "body",
    fontName=SERIF.regular,
    fontSize=10.5,
    leading=15,
    textColor=INK,
    spaceAfter=6,
    rightIndent=_BESIDE,
)
WORDMARK: Final = ParagraphStyle(
    "wordmark", BODY, fontName=SERIF.bold, fontSize=12.5, leading=16, rightIndent=0
)
SUBJECT: Final = ParagraphStyle(
    "subject", BODY, fontName=SERIF.bold, fontSize=16, leading=20.5, spaceBefore=20, spaceAfter=10
)
SECTION: Final = ParagraphStyle(
    "section",
    BODY,
    fontName=SERIF.bold,
    fontSize=12.5,
    leading=16,
    spaceBefore=18,
    spaceAfter=6,
)
ADDRESS: Final = ParagraphStyle("address", BODY, spaceBefore=26, spaceAfter=18, leading=14.5)
SMALL: Final = ParagraphStyle(
    "small",
    fontName=SANS.regular,
    fontSize=8.5,
    leading=12,
    textColor=INK_SOFT,
    spaceAfter=3,
    rightIndent=_BESIDE,
)
CLAUSE: Final = ParagraphStyle(
    "clause",
    SMALL,
    leftIndent=18,
    bulletIndent=0,
    bulletFontName=SANS.bold,
    bulletFontSize=8.5,
    bulletColor=INK_SOFT,
)
CELL: Final = ParagraphStyle("cell", fontName=SANS.regular, fontSize=9.5, leading=13.5, textColor=INK)
CELL_SMALL: Final = ParagraphStyle("cell-small", CELL, fontSize=8.5, leading=12, textColor=INK_SOFT)
CELL_STRONG: Final = ParagraphStyle("cell-strong", CELL, fontName=SANS.bold, fontSize=10.5, leading=14.5)
HEAD: Final = ParagraphStyle("head", CELL, fontSize=8, leading=11, textColor=INK_SOFT)
RIGHT: Final = ParagraphStyle("right", CELL, alignment=TA_RIGHT)
RIGHT_SMALL: Final = ParagraphStyle("right-small", CELL_SMALL, alignment=TA_RIGHT)
RIGHT_STRONG: Final = ParagraphStyle("right-strong", CELL_STRONG, alignment=TA_RIGHT)
RIGHT_HEAD: Final = ParagraphStyle("right-head", HEAD, alignment=TA_RIGHT)
