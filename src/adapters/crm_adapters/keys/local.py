"""A key vault in an SQLite file of its own, or in memory (decision record 0007).

AES-256-GCM, a fresh 96-bit nonce for every value, associated data that name the value's place and
person. The file is readable by its owner only; whoever backs up the log must decide on purpose
whether to back up the keys, because an erased key that comes back un-erases a person.
"""

from __future__ import annotations

import hmac
import os
import sqlite3
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from urllib.parse import quote
from weakref import finalize

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from crm_core.errors import Conflict, NotALog, PersonErased, StoreUnreachable
from crm_core.kernel.sealed import (
    Erased,
    KeyMissing,
    Opened,
    Personal,
    Place,
    Plain,
    Sealed,
    Tampered,
)

_NONCE = 12
_SCHEMA = """
CREATE TABLE IF NOT EXISTS crm_keys (subject TEXT PRIMARY KEY, key BLOB) WITHOUT ROWID
"""


class LocalVault:
    """Keys in a file, or in memory when `path` is None. Safe for threads.

    Raises:
        StoreUnreachable: the file cannot be opened.
        NotALog: the file is not a key vault.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._lock = RLock()
        self._ciphers: dict[str, AESGCM | None] = {}
        self._pending: dict[str, bytes] = {}
        self._name = "memory" if path is None else str(path)
        try:
            read_only = path is not None and not _can_write(path)
            if path is None or (read_only and not path.exists()):
                # Where no key can be kept, none is there and none is made.
                place, read_only = ":memory:", False
            else:
                if not path.exists():
                    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
                place = f"file:{quote(os.fsencode(path))}?mode={'ro' if read_only else 'rw'}"
            self._file = sqlite3.connect(
                place,
                uri=place != ":memory:",
                isolation_level=None,
                check_same_thread=False,
                timeout=30,
            )
            if read_only:
                self._file.execute("SELECT 1 FROM crm_keys LIMIT 1")
                return
            # A deleted key must not stay readable in the file's free pages.
            self._file.execute("PRAGMA secure_delete = ON")
            self._file.execute("PRAGMA journal_mode = TRUNCATE")
            self._file.execute("PRAGMA synchronous = FULL")
            # What `VACUUM` puts aside holds keys: it must not become a file.
            self._file.execute("PRAGMA temp_store = MEMORY")
            self._file.execute(_SCHEMA)
        except sqlite3.DatabaseError as error:
            if hasattr(self, "_file"):
                self._file.close()
            if isinstance(error, sqlite3.OperationalError):
                raise _unusable(str(path), error) from error
            raise NotALog("not_a_vault", vault=str(path)) from error
        except OSError as error:
            raise StoreUnreachable("vault_not_made", vault=str(path), reason=str(error)) from error
        if path is None:
            # What is in memory is gone with the vault; nobody need close it.
            finalize(self, self._file.close)

    def seal(self, value: Personal, place: Place) -> Sealed:
        nonce = os.urandom(_NONCE)
        cipher = self._cipher(value.subject, make=True)
        assert cipher is not None
        sealed = cipher.encrypt(nonce, value.reveal().encode(), _associated(value.subject, place))
        return Sealed(value.subject, urlsafe_b64encode(nonce + sealed).decode())

    def open(self, value: Sealed, place: Place) -> Opened:
        with self._lock:
            cipher = self._cipher(value.subject, make=False)
            if cipher is None:
                known = value.subject in self._ciphers
                return Erased() if known else KeyMissing()
        try:
            raw = urlsafe_b64decode(value.token)
            text = cipher.decrypt(raw[:_NONCE], raw[_NONCE:], _associated(value.subject, place))
            return Plain(text.decode())
        except (InvalidTag, ValueError):
            return Tampered()

    def fingerprint(self, value: Personal) -> str:
        with self._lock:
            self._cipher(value.subject, make=True)
            key = self._pending.get(value.subject) or self._stored(value.subject) or b""
        return hmac.new(key, b"fingerprint\n" + value.reveal().encode(), "sha256").hexdigest()

    def erase(self, subject: str) -> None:
        with self._lock, self._errors():
            self._file.execute("INSERT OR REPLACE INTO crm_keys VALUES (?, NULL)", (subject,))
            self._pending.pop(subject, None)
            self._ciphers[subject] = None
            # SQLite overwrites the deleted row, but not the copies that it left behind when it
            # once moved rows between pages. Writing the file anew does.
            self._file.execute("VACUUM")

    def flush(self) -> None:
        if not self._pending:
            return
        with self._lock, self._errors():
            try:
                self._file.execute("BEGIN IMMEDIATE")
                self._file.executemany("INSERT INTO crm_keys VALUES (?, ?)", self._pending.items())
                self._file.execute("COMMIT")
            except sqlite3.IntegrityError as error:
                self._file.execute("ROLLBACK")
                raise self._taken() from error
            except sqlite3.Error:
                if self._file.in_transaction:
                    self._file.execute("ROLLBACK")
                raise
            self._pending.clear()

    def _taken(self) -> Conflict:
        """Forget our keys of persons to whom another process has given, or erased, one.

        Nothing may be appended that was sealed under ours: nobody could open it again.
        """
        taken = [subject for subject in self._pending if self._row(subject) is not None]
        for subject in taken:
            del self._pending[subject]
            self._ciphers.pop(subject, None)
        return Conflict(taken[0], 0, 1, "key_conflict")

    def close(self) -> None:
        with self._lock:
            self._file.close()

    def _cipher(self, subject: str, *, make: bool) -> AESGCM | None:
        with self._lock:
            cipher = self._ciphers.get(subject)
            if cipher is not None:
                return cipher
            row = self._row(subject)
            if row is not None:
                key = row[0]
                if key is None and make:
                    raise PersonErased(subject)
            elif make:
                key = AESGCM.generate_key(256)
                self._pending[subject] = key
            else:
                return None
            cipher = self._ciphers[subject] = None if key is None else AESGCM(key)
            return cipher

    def _row(self, subject: str) -> tuple[bytes | None] | None:
        with self._errors():
            found: tuple[bytes | None] | None = self._file.execute(
                "SELECT key FROM crm_keys WHERE subject = ?", (subject,)
            ).fetchone()
            return found

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise _unusable(self._name, error) from error

    def _stored(self, subject: str) -> bytes | None:
        row = self._row(subject)
        return None if row is None else row[0]


def _can_write(path: Path) -> bool:
    """Whether a file could be written there; a missing folder says so when it is tried."""
    folder = path.parent
    if not folder.is_dir():
        return True
    return os.access(folder, os.W_OK) and (not path.exists() or os.access(path, os.W_OK))


def _unusable(vault: str, error: sqlite3.Error) -> StoreUnreachable:
    return StoreUnreachable("vault_unusable", vault=vault, reason=str(error))


def _associated(subject: str, place: Place) -> bytes:
    return f"{place.stream}\n{place.version}\n{place.field}\n{subject}".encode()
