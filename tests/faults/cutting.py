"""A wire to PostgreSQL that is cut during COMMIT: the caller cannot know how the transaction ended."""

import random
import socket
import struct
import threading
from contextlib import suppress

_COMMIT = b"Q" + struct.pack("!I", 4 + len(b"COMMIT\0")) + b"COMMIT\0"


class Cutter:
    """
    A TCP proxy on a free port of 127.0.0.1.

    While `share` is above 0, so large a share of the commits is cut: half of them before the server hears of
    them, half after it has answered.
    """

    def __init__(self, port: int, rng: random.Random) -> None:
        self._to, self._rng = port, rng
        self.share = 0.0
        self.cut_before, self.cut_after = 0, 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=[client], daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError), socket.create_connection(("127.0.0.1", self._to)) as server:
            silent = threading.Event()
            back = threading.Thread(target=self._answers, args=[server, client, silent], daemon=True)
            back.start()
            while data := client.recv(65536):
                if data.endswith(_COMMIT) and self._rng.random() < self.share:
                    self._cut(data, server, silent)
                    break
                server.sendall(data)
            _hang_up(server, client)
            back.join(10)

    def _cut(self, data: bytes, server: socket.socket, silent: threading.Event) -> None:
        if self._rng.random() < 0.5:
            self.cut_before += 1
            return
        self.cut_after += 1
        silent.set()
        server.sendall(data)
        silent.committed.wait(10)  # type: ignore[attr-defined]

    def _answers(self, server: socket.socket, client: socket.socket, silent: threading.Event) -> None:
        """Carry the server's answers back; after a cut nobody hears them any more."""
        silent.committed = threading.Event()  # type: ignore[attr-defined]
        with suppress(OSError):
            while data := server.recv(65536):
                if silent.is_set():
                    silent.committed.set()  # type: ignore[attr-defined]
                else:
                    client.sendall(data)
        _hang_up(server, client)


def _hang_up(*sockets: socket.socket) -> None:
    for one in sockets:
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
