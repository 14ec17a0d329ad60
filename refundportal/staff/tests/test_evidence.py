"""The evidence viewer: a little of each text is read on the page, as text; the rest is downloads."""

from io import BytesIO

import pytest
from PIL import Image

from contracts.files import remove_file, store_file
from refundportal.staff import evidence
from refundportal.staff.tests.desk import Desk, page_of, queries_of, words
from refundportal.web.previews import first_lines
from refunds.models import Attachment
from refunds.services import Upload
from refunds.tests.scene import Scene, applied

PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def shown(content: bytes, **changes) -> tuple[str, bool] | None:
    """The first lines of a text of a file, and whether they are all."""
    kept = store_file(BytesIO(content), "log.txt")
    fields = {"stored_as": kept.stored_as, "content_type": kept.content_type, "size_bytes": kept.size_bytes}
    found = first_lines(Attachment(**{**fields, **changes}))
    return None if found is None else (found.text, found.is_whole)


def with_files(scene: Scene, *files: tuple[str, bytes]):
    return applied(scene, attachments=[Upload(BytesIO(content), name) for name, content in files])


@pytest.mark.parametrize(
    ("content", "text", "is_whole"),
    [
        ("Eins\r\nzwei\rdrei\n", "Eins\nzwei\ndrei", True),
        ("\n".join(map(str, range(12))), "\n".join(map(str, range(12))), True),
        ("\n".join(map(str, range(13))), "\n".join(map(str, range(12))), False),
        ("ü" * 160, "ü" * 160, True),
        ("ü" * 161, "ü" * 160, False),
        ("x" + "€" * 5000, "x" + "€" * 159, False),
        ("\ufeffinvoice\u202efdp.exe\u200b", "invoicefdp.exe", True),
        ("a\tb", "a\tb", True),
    ],
)
def test_the_first_lines_of_a_text_are_few_short_and_plain(content, text, is_whole):
    assert shown(content.encode()) == (text, is_whole)


def test_a_sign_that_the_bound_cuts_in_two_is_left_out():
    lines = "\n".join(["é" * 159] * 40)

    assert shown(("x" + lines).encode())[0].count("\n") == 11


@pytest.mark.parametrize(
    "changes",
    [{"scan_state": "waiting"}, {"scan_state": "infected"}, {"content_type": "application/pdf"}],
)
def test_nothing_is_shown_of_what_may_not_be_opened_or_is_no_text(changes):
    assert shown(b"text", **changes) is None


def test_a_text_is_shown_on_the_page_of_the_case_and_does_nothing_there(scene: Scene):
    request = with_files(scene, ("log.txt", b"<script>alert(1)</script>\n</pre><b>bold</b>\n"))

    page = Desk(scene.cast.rita).open(request)

    html = page.content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\n&lt;/pre&gt;&lt;b&gt;bold&lt;/b&gt;</pre>" in html
    assert "<script>alert" not in html
    assert "The whole text opens as a download." not in words(page)


def test_of_a_long_text_the_page_says_that_it_goes_on(scene: Scene):
    request = with_files(scene, ("log.txt", b"line\n" * 100))

    said = words(Desk(scene.cast.rita).open(request))

    assert said.count("line line") == 6
    assert "These are the first lines. The whole text opens as a download." in said


def test_a_pdf_is_said_to_be_a_download_with_its_name_size_and_hash(scene: Scene):
    picture = BytesIO()
    Image.new("RGB", (8, 8)).save(picture, "PNG")
    request = with_files(scene, ("report.pdf", PDF), ("screen.png", picture.getvalue()))
    desk = Desk(scene.cast.rita)

    said = words(desk.open(request))

    report, screen = (request.attachments.get(file_name=name) for name in ("report.pdf", "screen.png"))
    assert f"report.pdf PDF · {len(PDF)} bytes · opens as a download {report.sha256}" in said
    assert said.count("opens as a download") == 1
    assert f"screen.png PNG · {screen.size_bytes} bytes {screen.sha256}" in said
    assert desk.get(f"/admin/attachment/{report.pk}/").headers["Content-Disposition"].startswith("attachment")


def test_a_file_that_is_gone_breaks_no_page(scene: Scene):
    request = with_files(scene, ("log.txt", b"text"))
    remove_file(request.attachments.get().stored_as)

    assert "log.txt TXT · 4 bytes · opens as a download" in words(Desk(scene.cast.rita).open(request))


def test_a_page_reads_only_so_many_texts_and_asks_no_more_queries(scene: Scene, monkeypatch):
    monkeypatch.setattr(evidence, "TEXTS_READ_MAX", 2)
    request = with_files(scene, *[(f"{n}.txt", b"found") for n in range(3)])
    desk = Desk(scene.cast.rita)

    said = words(desk.open(request))

    assert said.count("opens as a download") == 1
    assert queries_of(desk, page_of(request)) < 25
