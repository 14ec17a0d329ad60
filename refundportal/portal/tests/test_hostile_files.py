"""Files that somebody sends in to do harm: refused, or kept and given out as harmless bytes."""

import struct
import tracemalloc
import zlib
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from contracts.files import NAME_MAX, PIXELS_MAX, SIZE_MAX, FileRefused, store_file
from refundportal.portal.tests.visiting import Visitor
from refunds.models import Attachment, ScanState
from refunds.tests.scene import Scene, in_review

PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
HTML = b"<!doctype html><script>alert(1)</script>"
EXE = b"MZ\x90\x00" + b"\x00" * 60


def picture(kind: str = "PNG", size: tuple[int, int] = (8, 8), **options) -> bytes:
    written = BytesIO()
    Image.new("RGB", size, "red").save(written, kind, **options)
    return written.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_of(width: int, height: int) -> bytes:
    """A small file that unpacks to a huge image."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    packed = zlib.compress(b"\0" * 1_000_000, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def zip_bomb() -> bytes:
    written = BytesIO()
    with ZipFile(written, "w", ZIP_DEFLATED) as archive:
        archive.writestr("zeros", b"\0" * 20_000_000)
    return written.getvalue()


REFUSED = {
    "an empty file": ("a.txt", b""),
    "a program": ("setup.exe", EXE),
    "a program called PDF": ("setup.pdf", EXE),
    "a double ending": ("letter.pdf.exe", PDF),
    "an ending hidden by a NUL": ("letter.exe\x00.pdf", EXE),
    "an ending hidden by spaces": ("letter.pdf          .exe", PDF),
    "an ending turned round": ("letter\u202efdp.exe", PDF),
    "a page": ("page.html", HTML),
    "a page called text with a byte order mark of UTF-16": ("page.txt", "\ufeff<b>".encode("utf-16")),
    "a page called PNG": ("page.png", HTML),
    "a drawing with a script": ("image.svg", b"<svg onload=alert(1)>"),
    "a drawing called PNG": ("image.png", b"<svg onload=alert(1)>"),
    "settings of a web server": (".htaccess", b"AddType text/html .txt"),
    "a name without an ending": ("letter", PDF),
    "an ending alone": (".pdf", PDF),
    "a PDF called text": ("letter.txt", PDF + b"\xe2\xe3"),
    "a PDF called JPEG": ("letter.jpg", PDF),
    "a picture called PDF": ("letter.pdf", picture()),
    "a PNG called JPEG": ("image.jpg", picture()),
    "a page before a PDF": ("letter.pdf", HTML + PDF),
    "an archive": ("many.zip", zip_bomb()),
    "an archive called PDF": ("many.pdf", zip_bomb()),
    "a pixel flood": ("image.png", png_of(50_000, 50_000)),
    "one pixel row too many": ("image.png", png_of(PIXELS_MAX // 1000, 1001)),
    "a PNG without a head": ("image.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 40),
    "a JPEG without a head": ("image.jpg", b"\xff\xd8\xff" + b"\0" * 40),
    "the first bytes of a PNG alone": ("image.png", b"\x89PNG\r\n\x1a\n"),
    "text with a NUL": ("a.txt", b"a\0b"),
    "text in Latin-1": ("a.txt", "Größe".encode("latin-1")),
    "text with an escape sequence": ("a.txt", b"\x1b[2J"),
    "text with a lone surrogate": ("a.txt", b"\xed\xa0\x80"),
    "a byte too many": ("a.txt", b"a" * (SIZE_MAX + 1)),
    "eleven megabytes": ("a.pdf", PDF + b"\n" * 11 * 1024 * 1024),
}


@pytest.mark.parametrize("what", REFUSED)
def test_it_is_refused_and_leaves_nothing(what, private_files):
    name, content = REFUSED[what]

    tracemalloc.start()
    with pytest.raises(FileRefused):
        store_file(BytesIO(content), name)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert not [path for path in private_files.rglob("*") if path.is_file()]
    assert peak < 4 * SIZE_MAX


@pytest.mark.parametrize(
    ("name", "kept_as"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\temp\\..\\letter.txt", "letter.txt"),
        ("a\r\nSet-Cookie: x=1.txt", "aSet-Cookie: x=1.txt"),
        ("\u202etxt.exe.txt", "txt.exe.txt"),
        ("x" * 400 + ".txt", "x" * (NAME_MAX - 4) + ".txt"),
        ("“quoted”; filename=evil.txt", "“quoted”; filename=evil.txt"),
        ("CON.txt", "CON.txt"),
    ],
)
def test_a_name_is_only_shown_and_never_a_path(name, kept_as, private_files):
    kept = store_file(BytesIO(b"Look."), name)

    assert kept.file_name == kept_as
    (path,) = [found for found in private_files.rglob("*") if found.is_file()]
    assert f"{path.parent.name}/{path.name}" == kept.stored_as
    assert path.stat().st_mode & 0o077 == 0


def sent(scene: Scene, name: str, content: bytes) -> Attachment:
    alice, request = Visitor(scene.cast.alice), in_review(scene)
    file = SimpleUploadedFile(name, content, content_type="text/html")
    assert (
        alice.fill_in(f"/requests/{request.number}/", {"body": "See.", "evidence": file}).status_code == 302
    )
    return Attachment.objects.get()


@pytest.mark.parametrize(
    ("name", "content", "content_type"),
    [
        ("polyglot.pdf", PDF + HTML, "application/pdf"),
        ("comment.jpg", picture("JPEG", comment=HTML), "image/jpeg"),
        ("with-a-tail.png", picture() + HTML, "image/png"),
        ("page.txt", HTML, "text/plain"),
    ],
)
def test_what_is_two_things_at_once_goes_out_as_bytes_alone(scene: Scene, name, content, content_type):
    file = sent(scene, name, content)

    answer = Visitor(scene.cast.alice).get(f"/files/{file.pk}/")

    assert b"".join(answer.streaming_content) == content
    assert answer.headers["Content-Type"] == content_type
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["Cache-Control"] == "private, no-store"


def test_a_preview_is_another_picture_without_what_came_along(scene: Scene):
    file = sent(scene, "holiday.jpg", picture("JPEG", size=(2000, 1000), comment=HTML))

    answer = Visitor(scene.cast.alice).get(f"/files/{file.pk}/preview/")

    assert answer.headers["Content-Type"] == "image/jpeg"
    assert b"script" not in answer.content
    with Image.open(BytesIO(answer.content)) as shown:
        assert (shown.size, shown.info.get("comment")) == ((640, 320), None)
    assert Visitor(scene.cast.mallory).get(f"/files/{file.pk}/preview/").status_code == 404


@pytest.mark.parametrize(
    ("name", "content"),
    [("letter.pdf", PDF), ("note.txt", b"Look."), ("big.png", png_of(7000, 7000))],
    ids=["pdf", "text", "49 million pixels"],
)
def test_there_is_no_preview_of_what_is_no_small_image(scene: Scene, name, content):
    file = sent(scene, name, content)

    assert Visitor(scene.cast.alice).get(f"/files/{file.pk}/preview/").status_code == 404


@pytest.mark.parametrize("state", ["waiting", "infected"])
def test_a_file_that_the_scanner_holds_is_opened_by_nobody(scene: Scene, state, settings):
    settings.CLAMD_ADDRESS = ("127.0.0.1", 9)
    file = sent(scene, "image.png", picture())
    if state == "infected":
        Attachment.objects.update(scan_state=ScanState.INFECTED)

    for visitor in (Visitor(scene.cast.alice), Visitor(scene.cast.rita)):
        assert visitor.get(f"/files/{file.pk}/").status_code == 404
        assert visitor.get(f"/files/{file.pk}/preview/").status_code == 404
    page = Visitor(scene.cast.alice).get(f"/requests/{file.request.number}/").content.decode()
    assert ("being checked" if state == "waiting" else "kept under lock") in page
    assert f"/files/{file.pk}/" not in page
