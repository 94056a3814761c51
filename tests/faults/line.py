"""A TCP line between clients and a PostgreSQL server that is cut where a test wants it cut."""

from __future__ import annotations

import socket
import struct
from contextlib import suppress
from pathlib import Path
from threading import Lock, Thread

from attrs import define

ASK, ANSWER = "ask", "answer"
"""The two directions: from the client to the server, and back."""


@define
class Line:
    """One connection that is carried."""

    ends: tuple[socket.socket, socket.socket]
    threads: list[Thread]


class CuttingLine:
    """Carries bytes between clients and a server; armed, it cuts the line in mid-word.

    `carried` counts the bytes of each direction since the last arming, so that a test can learn
    how long an exchange is before it cuts one at a byte of its choice.
    """

    def __init__(self, server: Path) -> None:
        self._server = str(server)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._lock = Lock()
        self.carried = {ASK: 0, ANSWER: 0}
        self.cuts = 0
        self._word = b""
        self._cut_at: tuple[str, int] | None = None
        self._lines: list[Line] = []
        self._closed = False
        self._thread = Thread(target=self._accept)
        self._thread.start()

    def arm(self, direction: str | None = None, byte: int = 0, *, word: bytes = b"") -> None:
        """Cut when so many bytes went that way from now on; None carries everything.

        Args:
            word: Begin to count only where the client says this.
        """
        with self._lock:
            self.carried = {ASK: 0, ANSWER: 0}
            self._word = word
            self._cut_at = None if direction is None else (direction, byte)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._server)
                line = Line((client, server), [])
                for one, other, way in ((client, server, ASK), (server, client, ANSWER)):
                    thread = Thread(target=self._carry, args=(line, one, other, way))
                    line.threads.append(thread)
                with self._lock:
                    self._lines = [old for old in self._lines if self._alive(old)]
                    self._lines.append(line)
                for thread in line.threads:
                    thread.start()

    @staticmethod
    def _alive(line: Line) -> bool:
        if any(thread.is_alive() or thread.ident is None for thread in line.threads):
            return True
        for end in line.ends:
            end.close()
        return False

    def _carry(self, line: Line, one: socket.socket, other: socket.socket, way: str) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                data, cut = self._count(data, way)
                if data:
                    other.sendall(data)
                if cut:
                    # What the server has is processed; the client finds the line dead.
                    line.ends[0].setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                    )
                    break
        for end in line.ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _count(self, data: bytes, way: str) -> tuple[bytes, bool]:
        """What is still carried of the data, and whether the line is cut behind it."""
        with self._lock:
            if self._word and way == ASK and self._word in data:
                self.carried = {ASK: -data.index(self._word), ANSWER: 0}
                self._word = b""
            left = len(data)
            if self._cut_at is not None and self._cut_at[0] == way and not self._word:
                left = max(self._cut_at[1] - self.carried[way], 0)
            cut = left < len(data)
            if cut:
                data = data[:left]
                self._cut_at = None
                self.cuts += 1
            self.carried[way] += len(data)
            return data, cut

    def close(self) -> None:
        for end in (self._listener, *(end for line in self._lines for end in line.ends)):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        for line in self._lines:
            for thread in line.threads:
                thread.join()
            self._alive(line)
