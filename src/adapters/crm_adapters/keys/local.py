"""A key vault in an SQLite file of its own, or in memory (decision records 0007 and 0048).

AES-256-GCM, a fresh 96-bit nonce for every value, associated data that name the value's place and
person. The file is readable by its owner only; whoever backs up the log must decide on purpose
whether to back up the keys, because an erased key that comes back un-erases a person.

**The key row decides**, at every seal, open and fingerprint. SQLite counts every change of the file
in its header; the vault keeps keys only as long as the counter is the one it read them under. The
header is mapped into memory, so that looking at it costs next to nothing.
"""

from __future__ import annotations

import hmac
import os
import sqlite3
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock, get_ident
from typing import NamedTuple
from weakref import finalize

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from crm_adapters.keys import files
from crm_adapters.keys.files import COUNTER, HEADER_BYTES, TABLE, Header
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

BUSY_SECONDS = 30.0
"""How long to wait for another process that changes the keys."""

_NONCE = 12
_KEY = 32
_ROW = "SELECT key FROM crm_keys WHERE subject = ?"
_URLSAFE = bytes.maketrans(b"+/", b"-_")
_ERASED, _MISSING = Erased(), KeyMissing()

Cipher = Callable[[bytes, bytes, bytes], bytes]


class _Key(NamedTuple):
    """A person's key, and what is made of it."""

    secret: bytes
    encrypt: Cipher
    decrypt: Cipher

    @classmethod
    def of(cls, secret: bytes) -> _Key:
        cipher = AESGCM(secret)
        return cls(secret, cipher.encrypt, cipher.decrypt)


class LocalVault:
    """Keys in a file, or in memory when `path` is None. Safe for threads.

    A file that is not there is made with the first key or erasure, never by looking.

    Raises:
        StoreUnreachable: the file cannot be opened, or there is no such folder.
        KeyFileRefused: it is no regular file of one's own that nobody else may use.
        NotALog: the file is not a key vault, or not all of one.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._lock = RLock()
        # Keys as they were in the file while its counter was at the number beside them; replaced,
        # never emptied, as others may be reading it.
        self._kept: tuple[int, dict[str, _Key]] = 0, {}
        # Keys that are not in the file yet, and which thread has used which of them since it made
        # its keys durable last: what it holds may have been sealed under one that is lost.
        self._pending: dict[str, _Key] = {}
        self._used: dict[int, set[str]] = {}
        self._lost: dict[int, str] = {}
        self._path = path
        self._file: sqlite3.Connection | None = None
        self._header: Header | None = None
        self._give_back: Callable[[], object] = int
        self._numbers = memoryview(bytes(HEADER_BYTES)).cast("I")
        if path is None:
            self._file = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
            self._file.execute(TABLE)
            # What is in memory is gone with the vault; nobody need close it.
            self._give_back = finalize(self, self._file.close)
        elif not self._attach() and not path.parent.is_dir():
            reason = os.strerror(2).lower()
            raise StoreUnreachable("vault_not_made", vault=str(path), reason=reason)

    # --- the port --------------------------------------------------------------------------

    def seal(self, value: Personal, place: Place) -> Sealed:
        subject = value.subject
        counter, keys = self._kept
        key = keys.get(subject) if self._numbers[COUNTER] == counter else None
        if key is None:
            key = self._key_to_use(subject)
        nonce = os.urandom(_NONCE)
        associated = f"{place.stream}\n{place.version}\n{place.field}\n{subject}".encode()
        sealed = key.encrypt(nonce, value.reveal().encode(), associated)
        token = b2a_base64(nonce + sealed, newline=False).translate(_URLSAFE)
        return Sealed(subject, token.decode())

    def open(self, value: Sealed, place: Place) -> Opened:
        subject = value.subject
        counter, keys = self._kept
        key = keys.get(subject) if self._numbers[COUNTER] == counter else None
        if key is None:
            found = self._key_or_why_not(subject)
            if not isinstance(found, _Key):
                return found
            key = found
        associated = f"{place.stream}\n{place.version}\n{place.field}\n{subject}".encode()
        try:
            raw = a2b_base64(value.token.replace("-", "+").replace("_", "/"))
            return Plain(key.decrypt(raw[:_NONCE], raw[_NONCE:], associated).decode())
        except (InvalidTag, ValueError):
            return Tampered()

    def fingerprint(self, value: Personal) -> str:
        subject = value.subject
        counter, keys = self._kept
        key = keys.get(subject) if self._numbers[COUNTER] == counter else None
        if key is None:
            key = self._key_to_use(subject)
        text = b"fingerprint\n" + value.reveal().encode()
        return hmac.digest(key.secret, text, "sha256").hex()

    def erase(self, subject: str) -> None:
        with self._lock, self._errors():
            file = self._made()
            file.execute("INSERT OR REPLACE INTO crm_keys VALUES (?, NULL)", (subject,))
            self._pending.pop(subject, None)
            self._kept = self._numbers[COUNTER], {}
            # SQLite overwrites the deleted row, but not the copies that it left behind when it
            # once moved rows between pages. Writing the file anew does.
            file.execute("VACUUM")

    def flush(self) -> None:
        if not self._pending and not self._lost:
            return
        with self._lock, self._errors():
            me = get_ident()
            while self._pending and me not in self._lost:
                self._write()
            self._used.pop(me, None)
            lost = self._lost.pop(me, None)
            if lost is not None:
                # Nothing may be appended that was sealed under it: nobody could open it again.
                raise Conflict(lost, 0, 1, "key_conflict")

    def close(self) -> None:
        with self._lock:
            self._kept = 0, {}
            self._numbers = memoryview(bytes(HEADER_BYTES)).cast("I")
            if self._file is not None:
                self._file.close()
            self._header = None
            self._give_back()

    # --- keys ------------------------------------------------------------------------------

    def _key_to_use(self, subject: str) -> _Key:
        """The person's key, made if there is none.

        Raises:
            PersonErased: it was destroyed.
        """
        with self._lock:
            found = self._key_or_why_not(subject)
            if isinstance(found, Erased):
                raise PersonErased(subject)
            if isinstance(found, KeyMissing):
                found = self._pending[subject] = _Key.of(AESGCM.generate_key(8 * _KEY))
            if subject in self._pending:
                self._used.setdefault(get_ident(), set()).add(subject)
            return found

    def _key_or_why_not(self, subject: str) -> _Key | Erased | KeyMissing:
        """What the row says; where there is none yet, what is to become it."""
        with self._lock, self._errors():
            row = self._row(subject)
            if row is None:
                return self._pending.get(subject, _MISSING)
            if subject in self._pending:
                self._lose(subject)
            [secret] = row
            if secret is None:
                return _ERASED
            if type(secret) is not bytes or len(secret) != _KEY:
                # INVARIANT: nothing is ever keyed by anything but a person's own key.
                raise NotALog("not_a_vault", vault=self._name)
            key = self._kept[1][subject] = _Key.of(secret)
            return key

    def _row(self, subject: str) -> tuple[bytes | None] | None:
        """The row of a person, read while the counter stood still; keys of before it are gone."""
        if self._file is None and not self._attach():
            return None
        assert self._file is not None
        while True:
            counter = self._numbers[COUNTER]
            rows = self._file.execute(_ROW, (subject,)).fetchall()
            if self._numbers[COUNTER] == counter:
                break
        if self._kept[0] != counter:
            self._kept = counter, {}
        return rows[0] if rows else None

    def _lose(self, subject: str) -> None:
        """Forget our key of a person to whom another process has given, or erased, one."""
        del self._pending[subject]
        for thread, used in self._used.items():
            if subject in used:
                self._lost.setdefault(thread, subject)

    def _write(self) -> None:
        """Write what is pending, or lose the keys for which others were first."""
        file, pending = self._made(), self._pending
        try:
            file.execute("BEGIN IMMEDIATE")
            before = self._counted()
            file.executemany(
                "INSERT INTO crm_keys VALUES (?, ?)",
                [(subject, key.secret) for subject, key in pending.items()],
            )
            file.execute("COMMIT")
        except BaseException as error:
            if file.in_transaction:
                file.execute("ROLLBACK")
            if not isinstance(error, sqlite3.IntegrityError):
                raise
            for subject in [*pending]:
                if self._row(subject) is not None:
                    self._lose(subject)
            return
        counter, keys = self._numbers[COUNTER], self._kept[1]
        # If it was changed by us alone, what we know of it still holds.
        known = keys if before[0] == self._kept[0] and self._counted()[1] == before[1] + 1 else {}
        self._kept = counter, known | pending
        self._pending = {}
        self._used.clear()

    def _counted(self) -> tuple[int, int]:
        """The counter as it is compared, and as the number it stands for."""
        number = self._numbers[COUNTER]
        return number, int.from_bytes(self._numbers[COUNTER : COUNTER + 1].tobytes(), "big")

    # --- the file --------------------------------------------------------------------------

    @property
    def _name(self) -> str:
        return "memory" if self._path is None else str(self._path)

    def _attach(self) -> bool:
        """Open the file, if there is one; whether there is."""
        path = self._path
        assert path is not None
        with self._lock, self._errors():
            try:
                file = files.connect(path, BUSY_SECONDS)
            except FileNotFoundError:
                return False
            try:
                self._header = Header.of(path)
            except BaseException:
                file.close()
                raise
            self._file, self._numbers = file, self._header.numbers
            self._give_back = finalize(self, self._header.close)
            self._kept = self._numbers[COUNTER], {}
            return True

    def _made(self) -> sqlite3.Connection:
        """The file to write to, which is made if there is none."""
        if self._file is None and not self._attach():
            assert self._path is not None
            try:
                files.make(self._path)
            except (OSError, sqlite3.Error) as error:
                told = {"vault": self._name, "reason": str(error)}
                raise StoreUnreachable("vault_not_made", **told) from error
            self._attach()
        if self._path is not None and not (self._header and self._header.is_of(self._path)):
            # What is written to it now nobody would ever find.
            raise StoreUnreachable("vault_exchanged", vault=self._name)
        assert self._file is not None
        return self._file

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            if _is_no_database(error):
                raise NotALog("not_a_vault", vault=self._name) from error
            raise StoreUnreachable("vault_unusable", vault=self._name, reason=str(error)) from error
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise StoreUnreachable("vault_unusable", vault=self._name, reason=reason) from error


def _is_no_database(error: sqlite3.Error) -> bool:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
