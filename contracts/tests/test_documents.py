"""Documents: original bytes, exactly once, of kinds that can be looked at without harm."""

import hashlib
import os
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from contracts import files
from contracts.models import Document
from contracts.selectors import document_of
from contracts.services import add_document
from contracts.services.documents import TooManyDocuments
from contracts.services.leftovers import _models_with_files, sweep_files
from contracts.tests.cast import NOW, draft_contract
from events.models import Event
from kernel.errors import InvalidInput, NotFoundOrHidden, NotPermitted

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n"


def image(kind, size=(4, 3)):
    buffer = BytesIO()
    Image.new("RGB", size).save(buffer, kind)
    return buffer.getvalue()


def add(cast, contract, content=b"We promise.", name="contract.txt", *, who="as_rita", **fields):
    fields = {"kind": "contract", "title": "Contract", **fields}
    return add_document(
        principal=getattr(cast, who),
        contract_id=contract.pk,
        file=BytesIO(content),
        file_name=name,
        now=NOW,
        **fields,
    )


@pytest.mark.django_db
def test_a_document_is_kept_with_its_digest_under_a_random_name(cast, private_files):
    document = add(cast, draft_contract(cast), PDF, "Signed contract.pdf")

    kept = private_files / document.stored_as
    assert kept.read_bytes() == PDF
    assert document.sha256 == hashlib.sha256(PDF).hexdigest()
    assert (document.content_type, document.size_bytes) == ("application/pdf", len(PDF))
    assert "contract" not in document.stored_as
    assert oct(kept.stat().st_mode & 0o777) == "0o600"
    assert files.open_file(document.stored_as).read() == PDF
    assert Event.objects.get(type="document.added").data["sha256"] == document.sha256


@pytest.mark.django_db
def test_a_document_of_the_same_kind_and_title_is_the_next_version(cast):
    contract = draft_contract(cast)

    versions = [
        add(cast, contract, b"one").version,
        add(cast, contract, b"two").version,
        add(cast, contract, b"other", title="Annex").version,
    ]

    assert versions == [1, 2, 1]


@pytest.mark.django_db
@pytest.mark.parametrize("who", ["as_alice", "as_bea", "as_finn"])
def test_only_those_who_do_contract_work_add_documents(cast, who, private_files):
    with pytest.raises(NotPermitted):
        add(cast, draft_contract(cast), who=who)

    assert not private_files.exists()


@pytest.mark.django_db
def test_for_mallory_there_is_neither_contract_nor_document(cast):
    contract = draft_contract(cast)
    document = add(cast, contract)

    with pytest.raises(NotFoundOrHidden):
        add(cast, contract, who="as_mallory")
    with pytest.raises(NotFoundOrHidden):
        document_of(cast.as_mallory, document.pk)
    assert document_of(cast.as_bea, document.pk) == document


@pytest.mark.django_db
@pytest.mark.parametrize("fields", [{"kind": "poem"}, {"title": ""}, {"title": "a\nb"}])
def test_a_document_has_a_kind_and_a_title(cast, fields, private_files):
    with pytest.raises(InvalidInput):
        add(cast, draft_contract(cast), **fields)

    assert not private_files.exists()


@pytest.mark.django_db
def test_when_the_row_cannot_be_written_no_file_is_left_behind(cast, private_files, monkeypatch):
    monkeypatch.setattr("contracts.services.documents.DOCUMENTS_MAX", 0)

    with pytest.raises(TooManyDocuments):
        add(cast, draft_contract(cast))

    assert not [path for path in private_files.rglob("*") if path.is_file()]
    assert not Document.objects.exists()


@pytest.mark.parametrize(
    ("name", "content", "content_type"),
    [
        ("a.pdf", PDF, "application/pdf"),
        ("a.PDF", PDF, "application/pdf"),
        ("a.exe.pdf", PDF, "application/pdf"),
        ("a.png", image("PNG"), "image/png"),
        ("a.jpg", image("JPEG"), "image/jpeg"),
        ("a.jpeg", image("JPEG"), "image/jpeg"),
        ("a.txt", "Grüße, 水沢\r\n\tEnd\f".encode(), "text/plain"),
        ("a.txt", b"\xef\xbb\xbfwith a mark", "text/plain"),
        ("a.txt", b"<html>only text, never shown as a page", "text/plain"),
    ],
)
def test_what_is_kept(name, content, content_type):
    assert files.type_of(content, name) == content_type


HOSTILE = [
    ("a.html", b"<html><script>alert(1)</script></html>"),
    ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
    ("a.pdf.exe", PDF),
    ("a.pdf.html", PDF),
    (".htaccess", b"AddType text/html .txt"),
    (".txt", b"no name"),
    ("pdf", PDF),
    ("a", b"text"),
    ("a.pdf", b"<html>not a page of paper</html>"),
    ("a.pdf", b" %PDF-1.7 late"),
    ("a.pdf", b"MZ\x90\x00\x03"),
    ("a.png", image("JPEG")),
    ("a.jpg", image("PNG")),
    ("a.png", b"\x89PNG\r\n\x1a\n" + b"\x00" * 64),
    ("a.png", b"\x89PNG\r\n\x1a\n<script>"),
    ("a.jpg", b"\xff\xd8\xff<?php system($_GET[0]); ?>"),
    ("a.gif", b"GIF89a"),
    ("a.zip", b"PK\x03\x04"),
    ("a.docx", b"PK\x03\x04"),
    ("a.txt", b"PK\x03\x04\x14\x00\x00\x00"),
    ("a.txt", b"nul \x00 inside"),
    ("a.txt", b"\x1b[31mescape"),
    ("a.txt", b"\xff\xfeU\x00T\x00F\x001\x006\x00"),
    ("a.txt", b"latin \xe4"),
    ("a.txt", PDF),
    ("a.js", b"alert(1)"),
    ("a.txt ", b"\x7fELF\x02\x01\x01"),
    ("a.xml", b"<?xml version='1.0'?>"),
]


@pytest.mark.parametrize(("name", "content"), HOSTILE, ids=range(len(HOSTILE)))
def test_what_is_refused(name, content):
    with pytest.raises(files.FileTypeRefused):
        files.type_of(content, files.clean_name(name) if name.strip() else name)


def test_an_image_that_would_flood_memory_is_refused_by_its_head_alone():
    head = bytearray(image("PNG"))
    head[16:24] = (50_000).to_bytes(4, "big") * 2

    with pytest.raises(files.FileTypeRefused):
        files.type_of(bytes(head), "flood.png")


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\temp\\a.pdf", "a.pdf"),
        ("a\x00.txt", "a.txt"),
        ("a\r\nX-Evil: 1.txt", "aX-Evil: 1.txt"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("  .. ", "file"),
        ("", "file"),
        ("Größe 水.txt", "Größe 水.txt"),
        ("x" * 300 + ".pdf", "x" * 251 + ".pdf"),
    ],
)
def test_a_name_is_cleaned_before_it_is_shown(name, clean):
    assert files.clean_name(name) == clean


@pytest.mark.parametrize(("size", "kept"), [(10, True), (11, False)])
def test_a_file_has_a_largest_size(size, kept):
    content = BytesIO(b"x" * size)

    if kept:
        assert files.store_file(content, "a.txt", size_max=10).size_bytes == 10
    else:
        with pytest.raises(files.FileTooLarge):
            files.store_file(content, "a.txt", size_max=10)


def test_an_upload_is_read_piece_by_piece():
    upload = SimpleUploadedFile("a.txt", b"x" * 200_000)

    assert files.store_file(upload, upload.name).size_bytes == 200_000


def test_an_empty_file_is_refused():
    with pytest.raises(files.FileRefused):
        files.store_file(BytesIO(b""), "a.txt")


@pytest.mark.parametrize("name", ["../secret", "ab/../../x", "/etc/passwd", "", "ab/ABCDEF" + "0" * 26])
def test_nothing_outside_of_the_private_folder_is_opened(name):
    with pytest.raises(FileNotFoundError):
        files.open_file(name)


def test_a_write_that_fails_leaves_nothing_behind(private_files, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(OSError, match="No space"):
        files.store_file(BytesIO(b"text"), "a.txt")

    assert not [path for path in private_files.rglob("*") if path.is_file()]


@pytest.mark.django_db
def test_files_that_no_row_names_are_swept_after_a_day(cast, private_files):
    kept = add(cast, draft_contract(cast)).stored_as
    lost = files.store_file(BytesIO(b"left behind"), "a.txt").stored_as
    unfinished = private_files / f"{lost}.part"
    unfinished.write_bytes(b"half")
    written = datetime.now(UTC)

    assert sweep_files(now=written + timedelta(hours=23)) == 0
    assert sweep_files(now=written + timedelta(hours=25)) == 2

    assert (private_files / kept).exists()
    assert not (private_files / lost).exists()
    assert not unfinished.exists()


@pytest.mark.django_db
def test_files_of_every_room_are_known_to_the_sweep():
    assert {model.__name__ for model in _models_with_files()} >= {"Document", "Attachment"}
