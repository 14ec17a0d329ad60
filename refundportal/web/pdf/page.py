"""The sheet of paper: margins, the foot with number, time and page, and what the file says of itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from io import BytesIO
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _
from reportlab.lib.utils import TimeStamp
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, PageTemplate, Paragraph

from refundportal.web.pdf.fonts import SANS, marked, register_fonts
from refundportal.web.pdf.look import (
    HAIR,
    HAIRLINE,
    MARGIN_BOTTOM,
    MARGIN_SIDE,
    MARGIN_TOP,
    PAGE_HEIGHT,
    PAGE_WIDTH,
    RIGHT_SMALL,
    SMALL,
    WIDTH,
)

_FOOT_GAP = 14
_PAGE_NUMBER_WIDTH = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What stands at the foot of every page and in the properties of the file."""

    title: str
    company: str
    foot: str
    at: datetime
    """When the letter was written: the file gives this as its own date, whenever it is made."""


class NumberedCanvas(Canvas):  # type: ignore[misc]
    """Draws the foot of every page once it is known how many there are."""

    def __init__(self, *args: Any, about: About, **options: Any) -> None:
        super().__init__(*args, **options)
        self._about = about
        self._doc._timeStamp = _stamp(about.at)
        self._kept: list[dict[str, Any]] = []

    def showPage(self) -> None:  # noqa: N802 - reportlab's name
        self._kept.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        kept = self._kept
        for number, page in enumerate(kept, start=1):
            self.__dict__.update(page)
            self._draw_foot(number, len(kept))
            super().showPage()
        super().save()

    def _draw_foot(self, number: int, count: int) -> None:
        top = MARGIN_BOTTOM - _FOOT_GAP
        self.setStrokeColor(HAIRLINE)
        self.setLineWidth(HAIR)
        self.line(MARGIN_SIDE, top, PAGE_WIDTH - MARGIN_SIDE, top)
        page = _("Page %(number)s of %(count)s") % {"number": number, "count": count}
        self._place(Paragraph(marked(self._about.foot, SANS), SMALL), MARGIN_SIDE, WIDTH, top)
        right = PAGE_WIDTH - MARGIN_SIDE - _PAGE_NUMBER_WIDTH
        self._place(Paragraph(marked(page, SANS), RIGHT_SMALL), right, _PAGE_NUMBER_WIDTH, top)

    def _place(self, paragraph: Paragraph, left: float, width: float, top: float) -> None:
        _, height = paragraph.wrap(width, MARGIN_BOTTOM)
        paragraph.drawOn(self, left, top - 4 - height)


def _stamp(at: datetime) -> TimeStamp:
    stamp = TimeStamp(invariant=1)
    stamp.YMDhms = at.astimezone(UTC).timetuple()[:6]
    return stamp


def bind(story: Sequence[Flowable], about: About) -> bytes:
    """Set flowables on A4 pages; the same ones always give the same bytes (no clock, no random id)."""
    register_fonts()
    buffer = BytesIO()
    document = BaseDocTemplate(
        buffer,
        pagesize=(PAGE_WIDTH, PAGE_HEIGHT),
        leftMargin=MARGIN_SIDE,
        rightMargin=MARGIN_SIDE,
        topMargin=MARGIN_TOP,
        bottomMargin=MARGIN_BOTTOM,
        title=about.title,
        author=about.company,
        creator=about.company,
        subject=about.foot,
        lang=get_language() or "en",
        displayDocTitle=1,
        invariant=1,
    )
    body = PAGE_HEIGHT - MARGIN_TOP - MARGIN_BOTTOM
    frame = Frame(
        MARGIN_SIDE, MARGIN_BOTTOM, WIDTH, body, leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0
    )
    document.addPageTemplates([PageTemplate(id="page", frames=[frame])])
    document.build(list(story), canvasmaker=partial(NumberedCanvas, about=about))
    return buffer.getvalue()
