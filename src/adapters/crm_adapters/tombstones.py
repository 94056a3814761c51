"""Tombstones: who was erased, in a file that is neither the log nor the keys (decision 0055).

Whoever puts back a log, or keys, of before an erasure finds here that it was, before anything is
opened. In the file stand ids, and nothing that is said of anybody: a line for each erasure and one
for each that all followed of. A line is bound to all before it by a chain of digests that begins
with the tenant.

Lines are only ever added, by one process at a time, and are on the disk before a key is destroyed.
One that was cut off by a crash says nothing, and the next one takes its place.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, LOCK_NB, flock
from hashlib import sha256
from pathlib import Path
from typing import Any

from attrs import evolve

from crm_core.errors import KeyFileRefused, StoreUnreachable, TombstonesTampered
from crm_core.ports import Tombstone

_OTHERS = stat.S_IRWXG | stat.S_IRWXO

ERASED, SETTLED = "erased", "settled"
"""Kinds of lines."""


class FileTombstones:
    """In a file, readable and writable by its owner only; it is made with the first erasure.

    Args:
        path: The file.
        tenant: Whose they are.
    """

    def __init__(self, path: Path, tenant: str = "") -> None:
        self.path, self._tenant = path, tenant
        self._seen: tuple[Any, tuple[Tombstone, ...]] | None = None

    def read(self) -> Sequence[Tombstone]:
        with self._errors():
            found = self._look()
            if found is None:
                return ()
            mark = found.st_ino, found.st_size, found.st_mtime_ns
            if self._seen is None or self._seen[0] != mark:
                lines, _, _ = self._lines(self.path.read_bytes())
                self._seen = mark, _stones(lines)
            return self._seen[1]

    def add(self, stone: Tombstone) -> None:
        if all(known.digest != stone.digest for known in self.read()):
            self._append(
                {
                    "digest": stone.digest,
                    "household": stone.household,
                    "keys": list(stone.keys),
                    "kind": ERASED,
                    "settled": stone.settled,
                    "version": stone.version,
                }
            )

    def settle(self, digest: str) -> None:
        self._append({"digest": digest, "kind": SETTLED})

    @contextmanager
    def turn(self, *, wait: bool = True) -> Iterator[bool]:
        with self._errors():
            number = self._opened(self.path.with_name(f"{self.path.name}-turn"))
        try:
            try:
                flock(number, LOCK_EX if wait else LOCK_EX | LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True
        finally:
            os.close(number)

    # --- the file --------------------------------------------------------------------------

    def _append(self, said: dict[str, Any]) -> None:
        with self._errors():
            self._look()
            made = not self.path.exists()
            number = self._opened(self.path)
            try:
                flock(number, LOCK_EX)
                content = _content(number)
                _, chain, whole = self._lines(content)
                # A line that was cut off is none, and must not become the beginning of this one.
                os.ftruncate(number, whole)
                os.lseek(number, whole, os.SEEK_SET)
                line = json.dumps(said, ensure_ascii=False, sort_keys=True)
                _write(number, f"{_chained(chain, line)} {line}\n".encode())
                os.fsync(number)
            finally:
                os.close(number)
            if made:
                _keep_name(self.path.parent)

    def _lines(self, content: bytes) -> tuple[list[dict[str, Any]], str, int]:
        """What the lines say, the end of their chain, and where the last whole one ends."""
        said: list[dict[str, Any]] = []
        chain, at = sha256(f"crm-erased\n{self._tenant}".encode()).hexdigest(), 0
        while (end := content.find(b"\n", at)) >= 0:
            digest, _, line = content[at:end].decode(errors="replace").partition(" ")
            chain = _chained(chain, line)
            if digest != chain:
                raise TombstonesTampered(
                    "tombstones_tampered", file=str(self.path), line=len(said) + 1
                )
            said.append(json.loads(line))
            at = end + 1
        return said, chain, at

    def _opened(self, path: Path) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(path, flags, 0o600)

    def _look(self) -> os.stat_result | None:
        """The file, if it is there and nobody else may use it."""
        try:
            found = self.path.lstat()
        except FileNotFoundError:
            return None
        told = str(self.path)
        if stat.S_ISLNK(found.st_mode):
            raise KeyFileRefused("key_file_link", file=told)
        if not stat.S_ISREG(found.st_mode):
            raise KeyFileRefused("key_file_kind", file=told)
        if found.st_uid not in (os.geteuid(), 0):
            raise KeyFileRefused("key_file_owner", file=told, owner=found.st_uid)
        if found.st_mode & _OTHERS:
            mode = f"{stat.S_IMODE(found.st_mode):04o}"
            raise KeyFileRefused("key_file_mode", file=told, mode=mode)
        return found

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            told = {"file": str(self.path), "reason": (error.strerror or str(error)).lower()}
            raise StoreUnreachable("tombstones_unusable", **told) from error


def _stones(lines: Sequence[dict[str, Any]]) -> tuple[Tombstone, ...]:
    stones: dict[str, Tombstone] = {}
    for said in lines:
        digest = said["digest"]
        if said["kind"] == ERASED:
            stones[digest] = Tombstone(
                household=said["household"],
                keys=tuple(said["keys"]),
                version=said["version"],
                digest=digest,
                settled=said["settled"],
            )
        elif digest in stones:
            stones[digest] = evolve(stones[digest], settled=True)
    return tuple(stones.values())


def _chained(chain: str, line: str) -> str:
    return sha256(f"{chain}\n{line}".encode()).hexdigest()


def _content(number: int) -> bytes:
    found = b""
    while part := os.pread(number, 1 << 20, len(found)):
        found += part
    return found


def _write(number: int, content: bytes) -> None:
    while content:
        content = content[os.write(number, content) :]


def _keep_name(folder: Path) -> None:
    """The name is on the disk before a key is destroyed."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            os.fsync(opened)
    finally:
        os.close(opened)
