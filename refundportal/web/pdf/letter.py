"""A letter as PDF: the letter as it reads on the screen, then its calculation sheet."""

from collections.abc import Iterator

from django.utils.translation import gettext as _
from reportlab.platypus import CondPageBreak, Flowable, PageBreak, Paragraph, Spacer

from refundportal.web.pdf.fonts import SERIF, marked
from refundportal.web.pdf.look import (
    ADDRESS,
    BODY,
    CLAUSE,
    RIGHT_SMALL,
    SECTION,
    SECTION_ROOM,
    SMALL,
    SUBJECT,
    WORDMARK,
)
from refundportal.web.pdf.page import About, bind
from refundportal.web.pdf.tables import findings_table, letterhead, pairs, statement_table, text
from refunds.letters import Letter


def letter_pdf(letter: Letter) -> bytes:
    """
    Set a letter with its calculation sheet on A4, in the active language.

    Nothing is computed here. The same letter always gives the same bytes.
    """
    story = [*_letter(letter), PageBreak(), *_sheet(letter)]
    return bind(story, About(title=letter.subject, company=letter.company, foot=_foot(letter), at=letter.at))


def _foot(letter: Letter) -> str:
    """Say which letter a page belongs to, and when the application was received."""
    return f"{letter.number} · " + _("Received: %(instant)s") % {"instant": letter.received}


def _letter(letter: Letter) -> Iterator[Flowable]:
    yield letterhead(text(letter.company, WORDMARK), text(letter.dated, RIGHT_SMALL))
    yield Paragraph("<br/>".join(marked(line, SERIF) for line in letter.addressee), ADDRESS)
    yield pairs(letter.references)
    yield text(letter.subject, SUBJECT)
    yield from (text(paragraph, BODY) for paragraph in letter.paragraphs)
    yield Spacer(0, 8)
    yield statement_table(letter.statement)
    yield Spacer(0, 10)
    yield from (text(words, CLAUSE, bullet=code) for code, words in letter.statement.clauses)
    yield Spacer(0, 8)
    yield from (text(paragraph, BODY) for paragraph in letter.closing)
    yield Spacer(0, 6)
    yield text(letter.company, BODY)


def _sheet(letter: Letter) -> Iterator[Flowable]:
    yield text(_("Calculation sheet"), SUBJECT)
    yield text(_("How every amount came about, and what every rule of the policy found."), BODY)
    yield text(_("Policy version %(version)s") % {"version": letter.policy_version}, SMALL)
    yield from _section(_("The amounts"))
    yield statement_table(letter.statement, is_detailed=True)
    yield from _section(_("The rules"))
    yield findings_table(letter.findings)


def _section(title: str) -> Iterator[Flowable]:
    """Begin a section, on a new page if less than a few lines would fit below its title."""
    yield CondPageBreak(SECTION_ROOM)
    yield text(title, SECTION)
