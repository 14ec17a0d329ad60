"""Letters as PDF: what they say, that they never change, and that nothing people write breaks them."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO

import pytest
from django.core import mail
from django.utils import translation
from pypdf import PdfReader
from reportlab.pdfbase.pdfmetrics import stringWidth

from events.journal import sequence_events
from events.outbox import deliver_due
from kernel.money import Money
from refundportal.web.pdf import letter_pdf
from refundportal.web.pdf.fonts import SANS, SERIF, marked
from refunds.letters import FindingLine, Letter, acknowledgement_of, decision_letter_of
from refunds.models import Decision, RefundRequest
from refunds.statement import Statement, StatementLine
from refunds.tests.scene import LATER, Scene, applied, approved

LINE = StatementLine(
    label="S1 Order desk",
    note="the part of this work that does what was agreed",
    amount=Money(-50000, "EUR"),
    clause="P2",
    clause_words="Good work is not refundable.",
    facts=(("AC-1 An order is saved.", "weight 5, fulfilled 100 %"),),
    arithmetic=("(5 × 100 %) ÷ (10) = 50 %", "1,000.00 EUR × 50 % = 500.00"),
)
FINDING = FindingLine(
    rule="window",
    words="The application arrived within the window",
    clause="P5",
    clause_words="In time.",
    holds=True,
    verdict="yes",
    facts=(("days of the window", "3"),),
)
STATEMENT = Statement(
    paid=Money(100000, "EUR"),
    lines=(LINE,),
    total=Money(50000, "EUR"),
    total_label="Refund",
    outcome="refund_in_part",
    outcome_words="Refund in part",
    reasons=("We keep the part of the work that does what was agreed.",),
    clauses=(("P2", "Good work is not refundable."),),
)
LETTER = Letter(
    kind="decision",
    number="RR-2026-000001",
    received="Monday, 1 June 2026, 11:00:00 (Berlin time)",
    company="Software Creator",
    addressee=("Acme", "1 Harbour Road"),
    at=datetime(2026, 6, 2, 9, 30, 15, tzinfo=UTC),
    dated="Tuesday, 2 June 2026",
    subject="Our answer to your application RR-2026-000001: Refund in part",
    references=(
        ("Application", "RR-2026-000001"),
        ("Received", "Monday, 1 June 2026, 11:00:00 (Berlin time)"),
    ),
    paragraphs=("You get 500.00\u00a0EUR back.",),
    statement=STATEMENT,
    findings=(FINDING,),
    closing=("Write to us: every question gets an answer.",),
    policy_version="1",
)


def read(content: bytes) -> PdfReader:
    return PdfReader(BytesIO(content), strict=True)


def pages(letter: Letter) -> list[str]:
    """What stands on each page, with plain spaces."""
    found = [page.extract_text() for page in read(letter_pdf(letter)).pages]
    return [re.sub(r"[ \u00a0\n]+", " ", text) for text in found]


def with_lines(*lines: StatementLine) -> Letter:
    return replace(LETTER, statement=replace(STATEMENT, lines=lines))


# What they say


def test_a_letter_says_everything_that_its_view_model_holds():
    text = " ".join(pages(LETTER))

    for part in (
        *LETTER.addressee, LETTER.dated, LETTER.received, LETTER.subject, *LETTER.closing,
        "You get 500.00 EUR back.", "1,000.00 EUR", "\N{MINUS SIGN}500.00 EUR", LINE.note,
        "AC-1 An order is saved: weight 5, fulfilled 100 %", *LINE.arithmetic,
        FINDING.words, "days of the window: 3", "Policy version 1",
    ):  # fmt: skip
        assert part in text


def test_the_calculation_sheet_begins_on_a_page_of_its_own():
    first, second = pages(LETTER)

    assert "Calculation sheet" not in first
    assert second.startswith("Calculation sheet")
    assert LINE.arithmetic[1] in second
    assert LINE.arithmetic[1] not in first


def test_every_page_tells_its_number_the_letter_and_the_exact_time_of_receipt():
    found = pages(with_lines(*[LINE] * 60))

    assert len(found) > 4
    for number, text in enumerate(found, start=1):
        assert f"RR-2026-000001 · Received: {LETTER.received}" in text
        assert f"Page {number} of {len(found)}" in text


def test_the_file_tells_its_title_its_language_and_the_date_of_the_letter():
    with translation.override("de"):
        found = read(letter_pdf(LETTER))

    assert found.metadata.title == LETTER.subject
    assert found.metadata.author == "Software Creator"
    assert found.metadata.creation_date == LETTER.at
    assert found.trailer["/Root"]["/Lang"] == "de"
    assert found.trailer["/Root"]["/ViewerPreferences"]["/DisplayDocTitle"]
    assert {tuple(round(float(side)) for side in page.mediabox[2:]) for page in found.pages} == {(595, 842)}


def test_text_is_set_in_embedded_fonts():
    fonts = {
        font["/BaseFont"]: font
        for page in read(letter_pdf(LETTER)).pages
        for font in (one.get_object() for one in page["/Resources"]["/Font"].values())
    }

    ours = {name: font for name, font in fonts.items() if "Source" in name}
    assert {name.split("+")[1] for name in ours} == {
        "SourceSerifPro-Regular",
        "SourceSerifPro-Semibold",
        "SourceSansPro-Regular",
        "SourceSansPro-Semibold",
    }
    assert all("/FontFile2" in font["/FontDescriptor"] and "/ToUnicode" in font for font in ours.values())


# That they never change


def test_the_same_letter_gives_the_same_bytes_at_any_time(monkeypatch):
    first = letter_pdf(LETTER)
    monkeypatch.setattr("time.time", lambda: 0)

    assert letter_pdf(LETTER) == first
    assert letter_pdf(replace(LETTER, closing=("Otherwise.",))) != first
    assert letter_pdf(LETTER) == first


def test_a_stored_decision_gives_the_same_bytes_again(scene: Scene):
    request = approved(scene)

    def made() -> bytes:
        row = RefundRequest.objects.select_related("payment", "contract", "client").get(pk=request.pk)
        return letter_pdf(decision_letter_of(Decision.objects.get(), row))

    assert made() == made()


def test_the_file_says_what_the_screen_says(delivered: Scene):
    request = applied(delivered)
    row = RefundRequest.objects.select_related("payment", "contract", "client").get(pk=request.pk)
    letter = acknowledgement_of(row)

    text = " ".join(pages(letter)).replace("\N{MINUS SIGN}", "-")

    said = [*letter.paragraphs, *letter.closing, letter.received, *(line.words for line in letter.findings)]
    assert all(part.replace("\u00a0", " ") in text for part in said)
    assert "Monday, 1 June 2026, 11:00:00 (Berlin time)" in text


# What they bear


def test_forty_lines_break_over_pages_with_their_head_on_each():
    lines = [replace(LINE, label=f"Meter {number:02}", amount=Money(-number, "EUR")) for number in range(40)]
    found = pages(with_lines(*lines))

    with_rows = [text for text in found if "Meter " in text]
    assert len(with_rows) >= 4
    assert all("Calculation Amount" in text for text in with_rows)
    for number in range(40):
        assert sum(text.count(f"Meter {number:02}") for text in found) == 2


def test_one_part_with_hundreds_of_sums_breaks_within_itself():
    sums = tuple(f"{number} × 0.0125 = {number}" for number in range(300))
    found = pages(with_lines(replace(LINE, arithmetic=sums)))

    text = " ".join(found)
    assert all(line in text for line in sums)


@pytest.mark.parametrize("name", ["x" * 120, "Long " * 24, "Straße-" * 20, "株式会社" * 30, "a" * 2000])
def test_long_names_wrap(name):
    letter = replace(
        LETTER, addressee=(name,), subject=name, references=((name[:40], name),), company=name[:120],
        statement=replace(STATEMENT, lines=(replace(LINE, label=name, note=name),)),
    )  # fmt: skip

    content = letter_pdf(letter)

    right = max(_right_edges(content))
    assert right <= 595 - 60


def _right_edges(content: bytes) -> list[float]:
    """Where the text of each page begins at the farthest right; all of it must be well within the paper."""
    edges: list[float] = []

    def visit(text, cm, tm, font, size) -> None:
        if text.strip():
            edges.append(cm[4] + tm[4])

    for page in read(content).pages:
        page.extract_text(visitor_text=visit)
    return edges


@pytest.mark.parametrize(
    "name",
    [
        "Łódź Çelik Ğüneş Zażółć gęślą jaźń € ’“”„",
        "Ωμέγα Жанна Ђорђе",
        "株式会社東京ミュージアム 髙橋",
        "简体中文 한국어",
    ],
)
def test_names_of_many_scripts_are_readable_and_can_be_copied(name):
    text = pages(replace(LETTER, addressee=(name,)))[0]

    assert name.replace(" ", "") in text.replace(" ", "")


@pytest.mark.parametrize(
    "name", ["<b>bold</b>", "</font>", "&amp; & <", "<para>", "]]>", "a\0b\x1b", "%(x)s {y}"]
)
def test_names_are_text_and_never_marks(name):
    letter = replace(
        LETTER, addressee=(name,), subject=name, paragraphs=(name,), references=((name, name),), company=name,
        statement=replace(STATEMENT, lines=(replace(LINE, label=name, facts=((name, name),)),)),
    )  # fmt: skip

    text = pages(letter)[0]

    assert name.replace("\0", "").replace("\x1b", "") in text


@pytest.mark.parametrize(
    ("text", "shown"),
    [("عربي", "□□□□"), ("😀", "□"), ("a\u200db\ufe0f", "ab"), ("e\u0301", "é"), ("1\u202f000", "1\u00a0000")],
)
def test_a_sign_that_no_font_has_becomes_a_box_and_what_is_invisible_nothing(text, shown):
    assert marked(text, SERIF) == marked(text, SANS) == shown


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (Money(99999999999999, "EUR"), "999,999,999,999.99 EUR"),
        (Money(123456789012, "JPY"), "123,456,789,012 JPY"),
        (Money(1234567, "KWD"), "1,234.567 KWD"),
    ],
)
def test_amounts_keep_the_digits_of_their_currency_on_one_line(amount, words):
    letter = replace(LETTER, statement=replace(STATEMENT, paid=amount, total=amount))

    content = read(letter_pdf(letter)).pages[0].extract_text()

    assert words in content.replace("\u00a0", " ")


def test_amounts_end_at_the_same_place_so_that_their_points_stand_in_one_column():
    lines = [
        replace(LINE, label="x", note="", amount=Money(-amount, "EUR")) for amount in (1, 12345, 99999999)
    ]
    ends: list[float] = []

    def visit(text, cm, tm, font, size) -> None:
        if text.strip().endswith("EUR") and size == 9.5:
            ends.append(round(cm[4] + tm[4] + stringWidth(text.strip(), SANS.regular, size), 2))

    read(letter_pdf(with_lines(*lines))).pages[0].extract_text(visitor_text=visit)

    assert len(ends) == 4
    assert len(set(ends)) == 1


# Where they go


def test_the_e_mails_of_receipt_and_decision_carry_the_letter_as_a_file(scene: Scene):
    request = approved(scene)

    sequence_events(1000)
    deliver_due(now=LATER)

    files = {
        name: content
        for message in mail.outbox
        for name, content, kind in message.attachments
        if kind == "application/pdf"
    }
    assert set(files) == {f"{request.number}-received.pdf", f"{request.number}-answer.pdf"}
    row = RefundRequest.objects.select_related("payment", "contract", "client").get(pk=request.pk)
    assert files[f"{request.number}-answer.pdf"] == letter_pdf(
        decision_letter_of(Decision.objects.get(), row)
    )
    assert "1,000.00" in read(files[f"{request.number}-received.pdf"]).pages[0].extract_text()


def test_a_file_follows_the_language_of_its_reader(scene: Scene):
    with translation.override("de"):
        request = applied(scene)
        row = RefundRequest.objects.select_related("payment", "contract", "client").get(pk=request.pk)
        text = pages(acknowledgement_of(row))[0]

    assert "1.000,00 EUR" in text
    assert "Montag, 1. Juni 2026, 11:00:00" in text
