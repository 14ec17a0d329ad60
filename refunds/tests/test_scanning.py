"""The scanner: nobody opens a file before it was called clean, and a silent scanner opens nothing."""

import socket
import struct
import threading
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO

import pytest
from django.db import IntegrityError, transaction

from events.models import Event
from refunds import services
from refunds.models import Attachment
from refunds.scanner import ScannerDown, scan
from refunds.tests.scene import LATER, in_review

# The test file of the European Institute for Computer Antivirus Research, taken apart here so that this
# file is not one itself.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


class FakeClamd(threading.Thread):
    """A clamd that knows INSTREAM and one signature; `answer` makes it say something else."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()
        self.answer: bytes | None = None
        self.streams: list[bytes] = []

    def run(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                self._serve(connection)

    def _serve(self, connection: socket.socket) -> None:
        stream = connection.makefile("rb")
        assert stream.read(10) == b"zINSTREAM\0"
        content = b""
        while (size := struct.unpack(">I", stream.read(4))[0]) > 0:
            content += stream.read(size)
        self.streams.append(content)
        found = b"stream: Eicar-Test-Signature FOUND\0" if EICAR in content else b"stream: OK\0"
        connection.sendall(self.answer if self.answer is not None else found)


@pytest.fixture
def clamd(settings) -> Iterator[FakeClamd]:
    fake = FakeClamd()
    fake.start()
    settings.CLAMD_ADDRESS = fake.address
    yield fake
    fake.listener.close()


def added(scene, content: bytes) -> Attachment:
    return services.add_attachment(
        principal=scene.cast.as_alice, request_id=in_review(scene).pk, file=BytesIO(content),
        file_name="a.txt", now=LATER,
    )  # fmt: skip


def scanned(attachment: Attachment, at=LATER) -> str:
    services.scan_due(now=at, batch_max=10)
    attachment.refresh_from_db()
    return attachment.scan_state


def test_without_a_scanner_files_are_open_at_once(scene):
    file = added(scene, b"Look.")

    assert (file.scan_state, file.may_be_opened) == ("unscanned", True)
    assert services.scan_due(now=LATER, batch_max=10) == 0


def test_a_file_waits_until_the_scanner_called_it_clean(scene, clamd):
    content = b"Look. " * 50_000
    file = added(scene, content)
    assert (file.scan_state, file.may_be_opened) == ("waiting", False)

    assert scanned(file) == "clean"

    assert file.may_be_opened
    assert clamd.streams == [content]
    assert scanned(file) == "clean"
    assert len(clamd.streams) == 1


def test_what_the_scanner_finds_is_kept_under_lock_and_told(scene, clamd):
    file = added(scene, EICAR)

    assert scanned(file) == "infected"

    assert (file.scan_found, file.may_be_opened) == ("Eicar-Test-Signature", False)
    assert Event.objects.get(type="attachment.quarantined").data["attachment"] == str(file.pk)
    with pytest.raises(IntegrityError), transaction.atomic():
        Attachment.objects.filter(pk=file.pk).update(scan_state="clean")


@pytest.mark.parametrize(
    "answer",
    [b"", b"stream: ", b"INSTREAM size limit exceeded. ERROR\0", b"stream: OK and more\0", b"\xff\0"],
)
def test_an_answer_that_is_not_clear_opens_nothing(scene, clamd, answer):
    clamd.answer = answer
    file = added(scene, b"Look.")

    assert scanned(file) == "waiting"

    assert (file.scan_attempts, file.scan_after) == (1, LATER + timedelta(seconds=30))
    clamd.answer = None
    assert scanned(file, LATER + timedelta(seconds=29)) == "waiting"
    assert scanned(file, LATER + timedelta(seconds=30)) == "clean"


def test_while_the_scanner_is_down_files_stay_closed_and_are_asked_about_again(scene, clamd):
    # Closing alone would let the thread that waits for a caller take one more.
    clamd.listener.shutdown(socket.SHUT_RDWR)
    clamd.listener.close()
    file = added(scene, b"Look.")

    for minutes in (0, 1, 10, 100):
        assert scanned(file, LATER + timedelta(minutes=minutes)) == "waiting"

    assert file.scan_attempts == 4
    assert not file.may_be_opened


def test_a_scanner_on_a_socket_that_does_not_exist_is_down(settings, tmp_path):
    settings.CLAMD_ADDRESS = str(tmp_path / "clamd.sock")

    with pytest.raises(ScannerDown):
        scan(BytesIO(b"Look."))
