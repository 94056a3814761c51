"""What a key file must be before it is used, and how one is made (decision record 0048)."""

from __future__ import annotations

import mmap
import os
import sqlite3
import stat
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import Lock
from uuid import uuid4

from crm_adapters.keys.suites import DEFAULT, SUITES
from crm_core.errors import KeyFileRefused, NotALog, StoreUnreachable
from crm_core.kernel.values import define

KEYS = "CREATE TABLE crm_keys (subject TEXT PRIMARY KEY, key BLOB, suite TEXT) WITHOUT ROWID"
"""A person's key, or nothing where it was destroyed, and the suite that its row is of."""

SETTINGS = "CREATE TABLE crm_vault (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID"
"""What holds for the whole vault: `suite`, and `master` where it is protected."""

TABLES = (KEYS, SETTINGS)
"""All that is in the file of a vault."""

_SCHEMA = [("table", sql.split()[2], sql.split()[2], sql) for sql in TABLES]

_OTHERS = stat.S_IRWXG | stat.S_IRWXO

HEADER_BYTES = 100
"""The header of an SQLite file."""

COUNTER = 24 // 4
"""Its file change counter: which number of four bytes it is in the header."""


def _look(path: Path) -> KeyFileRefused | None:
    """Look at the file, and at its journal, without opening either.

    Returns:
        Why it must not be used, if others own one of them or may use it.

    Raises:
        FileNotFoundError: there is none.
        KeyFileRefused: one of them is no regular file, and may wait for somebody when opened.
    """
    trouble = _look_at(path)
    with suppress(FileNotFoundError):
        trouble = _look_at(path.with_name(f"{path.name}-journal")) or trouble
    return trouble


def _look_at(file: Path) -> KeyFileRefused | None:
    found, told = file.lstat(), str(file)
    if stat.S_ISLNK(found.st_mode):
        raise KeyFileRefused("key_file_link", file=told)
    if not stat.S_ISREG(found.st_mode):
        raise KeyFileRefused("key_file_kind", file=told)
    if hasattr(os, "geteuid"):
        if found.st_uid not in (os.geteuid(), 0):
            return KeyFileRefused("key_file_owner", file=told, owner=found.st_uid)
        if found.st_mode & _OTHERS:
            mode = f"{stat.S_IMODE(found.st_mode):04o}"
            return KeyFileRefused("key_file_mode", file=told, mode=mode)
    return None


def connect(path: Path, seconds: float, *, reading: bool = False) -> sqlite3.Connection:
    """The key file, opened: for reading only where it cannot be written.

    What is no vault stays as it is, to the byte.

    Args:
        seconds: How long to wait for another process.
        reading: For reading only, whatever may be done.

    Raises:
        FileNotFoundError: there is none.
        KeyFileRefused: it is no regular file, or others own it or may use it.
        NotALog: there is something else in it, or a part of it is missing.
        sqlite3.Error, OSError: it cannot be opened.
    """
    trouble = _look(path)
    # Not even a journal is rolled back that others may have put there.
    written = not reading and trouble is None and os.access(path, os.W_OK)
    try:
        return _connected(path, seconds, trouble, written=written)
    except sqlite3.OperationalError as error:
        if trouble is None:
            raise
        raise trouble from error


def _connected(
    path: Path, seconds: float, trouble: KeyFileRefused | None, *, written: bool
) -> sqlite3.Connection:
    file = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={'rw' if written else 'ro'}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=seconds,
    )
    try:
        # What is no vault is told first: nobody wants to hear how to make it a safe one.
        _check_whole(file, path)
        if trouble is not None:
            raise trouble
        if written:
            # A deleted key must not stay readable in the file's free pages.
            file.execute("PRAGMA secure_delete = ON")
            file.execute("PRAGMA journal_mode = TRUNCATE")
            file.execute("PRAGMA synchronous = FULL")
            # What `VACUUM` puts aside holds keys: it must not become a file.
            file.execute("PRAGMA temp_store = MEMORY")
        [(mode,)] = file.execute("PRAGMA journal_mode").fetchall()
        if mode == "wal":
            # Changes would not be counted in the header.
            raise StoreUnreachable("vault_unusable", vault=str(path), reason=mode)
    except BaseException:
        file.close()
        raise
    return file


def _check_whole(file: sqlite3.Connection, path: Path) -> None:
    # In one transaction, in which nobody else changes it.
    file.execute("BEGIN")
    found = file.execute(
        "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name"
    ).fetchall()
    [(pages,)] = file.execute("PRAGMA page_count").fetchall()
    [(size,)] = file.execute("PRAGMA page_size").fetchall()
    there = path.stat().st_size
    file.execute("COMMIT")
    if found != _SCHEMA or there < pages * size:
        raise NotALog("not_a_vault", vault=str(path))


def settings_of(file: sqlite3.Connection, vault: str) -> dict[str, str]:
    """What holds for the whole vault.

    Raises:
        NotALog: it is nothing that we write.
        sqlite3.Error: it cannot be read.
    """
    found: dict[str, str] = dict(file.execute("SELECT name, value FROM crm_vault").fetchall())
    known = found.keys() <= {"suite", "master"} and found.get("suite", DEFAULT.name) in SUITES
    if not known or not all(type(value) is str for value in found.values()):
        raise NotALog("not_a_vault", vault=vault)
    return found


def keep_settings(file: sqlite3.Connection, settings: Mapping[str, str]) -> None:
    """Let them hold for the whole vault."""
    file.executemany("INSERT OR REPLACE INTO crm_vault VALUES (?, ?)", [*settings.items()])


@contextmanager
def errors(vault: str) -> Iterator[None]:
    """What SQLite and the system raise, as our own errors that name the vault."""
    try:
        yield
    except UnicodeDecodeError as error:  # a schema that is no text
        raise NotALog("not_a_vault", vault=vault) from error
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _NO_DATABASE:
            raise NotALog("not_a_vault", vault=vault) from error
        raise StoreUnreachable("vault_unusable", vault=vault, reason=str(error)) from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise StoreUnreachable("vault_unusable", vault=vault, reason=reason) from error


@contextmanager
def errors_but_missing(vault: str) -> Iterator[None]:
    """The same, but for a file that is not there."""
    try:
        with errors(vault):
            yield
    except StoreUnreachable as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise error.__cause__ from None
        raise


_NO_DATABASE = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)


def make(
    path: Path,
    settings: Mapping[str, str] | None = None,
    copy: sqlite3.Connection | None = None,
) -> None:
    """Make the file of a vault without keys, whole or not at all; one that is there stays.

    Args:
        settings: What holds for the whole vault from its beginning.
        copy: Another vault, all of which is to be in it.

    Raises:
        OSError, sqlite3.Error: it cannot be made.
    """
    draft = path.with_name(f".{path.name}-{uuid4().hex}")
    try:
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        with closing(sqlite3.connect(draft, isolation_level=None)) as file:
            file.execute("PRAGMA synchronous = FULL")
            if copy is not None:
                copy.backup(file)
            else:
                for table in TABLES:
                    file.execute(table)
                keep_settings(file, settings or {})
        try:
            # Never in the place of another: that one may hold keys.
            os.link(draft, path)
        except FileExistsError:
            return
        except OSError:
            # Where files cannot have two names.
            if not path.exists():
                draft.rename(path)
        _keep_name(path.parent)
    finally:
        for left in (draft, draft.with_name(f"{draft.name}-journal")):
            with suppress(FileNotFoundError):
                left.unlink()


def _keep_name(folder: Path) -> None:
    """The name must be on the disk before a key is: else both may be gone after a power cut."""
    if os.name != "posix":
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


@define
class Header:
    """The header of a key file, as it is at this moment.

    One for a file in a process, however many vaults are open on it: closing a descriptor gives up
    every lock that the process has on its file, also those of SQLite.

    Args:
        numbers: Its bytes as numbers of four; `COUNTER` of them changes with the file.
    """

    numbers: memoryview
    _at: tuple[int, int]
    _number: int
    _map: mmap.mmap
    _users: int = 1

    @classmethod
    def of(cls, path: Path) -> Header:
        """The header of a file that SQLite has open.

        Raises:
            OSError: it cannot be read.
        """
        with _turn:
            found = path.stat()
            at = found.st_dev, found.st_ino
            header = _headers.get(at)
            if header is not None:
                header._users += 1
                return header
            number = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
            opened = os.fstat(number)
            mapped = mmap.mmap(number, HEADER_BYTES, access=mmap.ACCESS_READ)
            at = opened.st_dev, opened.st_ino
            header = _headers[at] = cls(memoryview(mapped).cast("I"), at, number, mapped)
            return header

    def is_of(self, path: Path) -> bool:
        """Whether the file of that name is still the one this is the header of."""
        try:
            found = path.lstat()
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == self._at

    def close(self) -> None:
        """Give it back, after what SQLite had open."""
        with _turn:
            self._users -= 1
            if not self._users:
                del _headers[self._at]
                self.numbers.release()
                self._map.close()
                os.close(self._number)


_turn = Lock()
_headers: dict[tuple[int, int], Header] = {}
