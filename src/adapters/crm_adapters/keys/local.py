"""A key vault in an SQLite file of its own, or in memory (decision records 0007 and 0048).

AES-256-GCM, a fresh 96-bit nonce for every value, associated data that name the value's place and
person. The file is readable by its owner only; whoever backs up the log must decide on purpose
whether to back up the keys, because an erased key that comes back un-erases a person.

**The key row decides**, at every seal, open and fingerprint. SQLite counts every change of the file
in its header; the vault keeps keys only as long as the counter is the one it read them under. The
header is mapped into memory, so that looking at it costs next to nothing.

**Suites and guards** (decision record 0054). A sealed value and a key row each name the suite they
are of; where the vault is protected, a row holds the person's secret wrapped under a master key,
which is read at the first use of a key, and never for an erasure.
"""

from __future__ import annotations

import hmac
import os
import sqlite3
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Collection, Iterable
from contextlib import AbstractContextManager, closing
from pathlib import Path
from threading import RLock, get_ident
from typing import NamedTuple
from weakref import finalize

from cryptography.exceptions import InvalidTag

from crm_adapters.keys import files
from crm_adapters.keys.files import COUNTER, HEADER_BYTES, TABLES, Header
from crm_adapters.keys.guards import Guard, Master, master_of, protected
from crm_adapters.keys.suites import (
    AES,
    DEFAULT,
    NONCE_BYTES,
    SECRET_BYTES,
    SUITES,
    Ciphers,
    Crypt,
    Suite,
)
from crm_core.errors import (
    Conflict,
    Invalid,
    KeysLocked,
    NotALog,
    PersonErased,
    StoreUnreachable,
)
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
from crm_core.kernel.subjects import parts

BUSY_SECONDS = 30.0
"""How long to wait for another process that changes the keys."""

_ROW = "SELECT key, suite FROM crm_keys WHERE subject = ?"
_DESTROY = "INSERT OR REPLACE INTO crm_keys VALUES (?, NULL, NULL)"
_GONE = "SELECT subject FROM crm_keys WHERE key IS NULL"
_LIVING = "SELECT subject, key IS NOT NULL FROM crm_keys WHERE subject IN"
_AT_ONCE = 500
_URLSAFE = bytes.maketrans(b"+/", b"-_")
_ERASED, _MISSING, _TAMPERED = Erased(), KeyMissing(), Tampered()

_ANYWHERE = Place("", 0, "fingerprint")
"""Where no value stands: what compares values of several is bound to no place."""

_Row = tuple[bytes | None, str | None]

Unlock = Callable[[], Guard | None]
"""Says what protects the keys, when it is needed first."""


class _Key(NamedTuple):
    """A person's key, and what is made of it: by the default suite at once, by others when used."""

    secret: bytes
    suite: Suite
    encrypt: Crypt
    decrypt: Crypt
    others: dict[str, Ciphers]

    @classmethod
    def of(cls, secret: bytes, suite: Suite) -> _Key:
        return cls(secret, suite, *AES.under(secret), {})

    def by(self, suite: Suite) -> Ciphers:
        """Authenticated encryption by that suite."""
        found = self.others.get(suite.name)
        if found is None:
            found = self.others[suite.name] = suite.under(self.secret)
        return found


class LocalVault:
    """Keys in a file, or in memory when `path` is None. Safe for threads.

    A file that is not there is made with the first key or erasure, never by looking.

    Args:
        guard: What protects the keys in the file, or a function that says so when a key is needed
            first. A file that is made is protected by it from its beginning; one that is there and
            is not protected is refused then.
        suite: Name of the suite that values and new keys are of; by default the file's own, which
            is `aes-256-gcm` where nothing was said when it was made.

    Raises:
        Invalid: there is no such suite.
        StoreUnreachable: the file cannot be opened, or there is no such folder.
        KeyFileRefused: it is no regular file of one's own that nobody else may use.
        NotALog: the file is not a key vault, or not all of one.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        guard: Guard | Unlock | None = None,
        suite: str | None = None,
    ) -> None:
        if suite is not None and suite not in SUITES:
            raise Invalid.one("suite_unknown", suite=suite, suites=[*SUITES])
        self._lock = RLock()
        self._guard = guard
        self._own_suite = suite
        self._settings: dict[str, str] = {}
        self._suite = SUITES[suite or DEFAULT.name]
        # The master key, and what was kept of it when it was read.
        self._unlocked: tuple[str, Master] | None = None
        # Keys as they were in the file while its counter was at the number beside them; replaced,
        # never emptied, as others may be reading it.
        self._kept: tuple[int, dict[str, _Key]] = 0, {}
        # Keys that are not in the file yet, and which thread has used which of them since it made
        # its keys durable last: what it holds may have been sealed under one that is lost.
        self._pending: dict[str, _Key] = {}
        self._used: dict[int, set[str]] = {}
        self._lost: dict[int, str] = {}
        # Who stays erased even if a file is put back that has a key of theirs.
        self._erased: set[str] = set()
        self._path = path
        self._name = "memory" if path is None else str(path)
        self._file: sqlite3.Connection | None = None
        self._header: Header | None = None
        self._give_back: Callable[[], object] = int
        self._numbers = memoryview(bytes(HEADER_BYTES)).cast("I")
        if path is None:
            self._file = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
            for table in TABLES:
                self._file.execute(table)
            # What is in memory is gone with the vault; nobody need close it.
            self._give_back = finalize(self, self._file.close)
        elif not self._attach() and not path.parent.is_dir():
            reason = os.strerror(2).lower()
            raise StoreUnreachable("vault_not_made", vault=str(path), reason=reason)

    @classmethod
    def copied(cls, path: Path, *, guard: Guard | Unlock | None = None) -> LocalVault:
        """A vault in memory that holds what the file holds now; the file is only read.

        A guard that is given is not needed for a copy that nothing protects.

        Raises:
            FileNotFoundError: there is none.
            StoreUnreachable, KeyFileRefused, NotALog: as for a vault in a file.
        """
        vault = cls(guard=guard)
        vault._name = str(path)
        file = vault._file
        assert file is not None
        with files.errors_but_missing(vault._name), closing(_opened(path)) as source:
            source.backup(file)
            vault._settle(files.settings_of(file, vault._name))
        if "master" not in vault._settings:
            # A copy of before it was protected; nothing is sealed under it.
            vault._guard = None
        return vault

    @property
    def connection(self) -> sqlite3.Connection:
        """What holds the rows, to be copied."""
        assert self._file is not None
        return self._file

    # --- the port --------------------------------------------------------------------------

    def seal(self, value: Personal, place: Place) -> Sealed:
        subject = value.subject
        counter, keys = self._kept
        key = keys.get(subject) if self._numbers[COUNTER] == counter else None
        suite = self._suite
        if key is None:
            key = self._key_to_use(subject) if " " not in subject else self._joint(subject, place)
        if suite is not AES:
            return _sealed(key, suite, value, place)
        nonce = os.urandom(NONCE_BYTES)
        associated = f"{place.stream}\n{place.version}\n{place.field}\n{subject}".encode()
        sealed = key.encrypt(nonce, value.reveal().encode(), associated)
        token = b2a_base64(nonce + sealed, newline=False).translate(_URLSAFE)
        return Sealed(subject, token.decode())

    def open(self, value: Sealed, place: Place) -> Opened:
        subject = value.subject
        counter, keys = self._kept
        key = keys.get(subject) if self._numbers[COUNTER] == counter else None
        if key is None:
            if " " in subject:
                found = self._joint_or_why_not(subject, place, value.token)
            else:
                found = self._key_or_why_not(subject)
            if not isinstance(found, _Key):
                return found
            key = found
        associated = f"{place.stream}\n{place.version}\n{place.field}\n{subject}".encode()
        token, decrypt = value.token, key.decrypt
        if "." in token:
            name, _, token = token.partition(".")
            suite = SUITES.get(name, DEFAULT)
            if suite is DEFAULT:
                return _TAMPERED
            decrypt = key.by(suite).decrypt
            associated += b"\n" + suite.name.encode()
        try:
            raw = a2b_base64(token.replace("-", "+").replace("_", "/"))
            return Plain(decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], associated).decode())
        except (InvalidTag, ValueError):
            return _TAMPERED

    def fingerprint(self, value: Personal) -> str:
        subject = value.subject
        counter, keys = self._kept
        key = keys.get(subject) if self._numbers[COUNTER] == counter else None
        if key is None:
            key = self._key_to_compare(subject)
        text = b"fingerprint\n" + value.reveal().encode()
        if key.suite is AES:
            return hmac.digest(key.secret, text, "sha256").hex()
        # By the suite of the row, which stays: a command that is repeated must be the same.
        return key.suite.keyed_digest(key.secret, text)

    def erase(self, *subjects: str) -> None:
        with self._lock, self._errors():
            file = self._made()
            file.execute("BEGIN IMMEDIATE")
            try:
                # In one transaction: nobody finds a household half gone.
                file.executemany(_DESTROY, [(subject,) for subject in subjects])
                file.execute("COMMIT")
            except BaseException:
                file.execute("ROLLBACK")
                raise
            self._shut(subjects)
            # SQLite overwrites the deleted row, but not the copies that it left behind when it
            # once moved rows between pages. Writing the file anew does.
            file.execute("VACUUM")

    def erased(self) -> frozenset[str]:
        with self._lock, self._errors():
            if self._file is None and not self._attach():
                return frozenset()
            assert self._file is not None
            return frozenset(subject for (subject,) in self._file.execute(_GONE))

    def is_erased(self, subject: str) -> bool:
        counter, keys = self._kept
        if self._numbers[COUNTER] == counter and subject in keys:
            return False
        return isinstance(self._key_or_why_not(subject), Erased)

    def holds(self, subject: str) -> bool:
        return isinstance(self._key_or_why_not(subject), _Key)

    def keep_erased(self, subjects: Collection[str]) -> frozenset[str]:
        with self._lock, self._errors():
            self._shut(subjects)
            if self._file is None and not self._attach():
                # Looking makes no file; what is made of one here begins with what is shut.
                return frozenset()
            assert self._file is not None
            rows: dict[str, bool] = {}
            for first in range(0, len(subjects), _AT_ONCE):
                some = [*subjects][first : first + _AT_ONCE]
                marks = ", ".join("?" * len(some))
                rows |= self._file.execute(f"{_LIVING} ({marks})", some).fetchall()
            living = [one for one in subjects if rows.get(one, True)]
            if living and self._writable():
                self.erase(*living)
            return frozenset(one for one in living if one in rows)

    def _shut(self, subjects: Iterable[str]) -> None:
        """Know nothing any more of keys that are to be gone, whatever the file says."""
        self._erased |= set(subjects)
        for subject in subjects:
            self._pending.pop(subject, None)
        # Nothing is known of the file as it is now: others may have changed it before us.
        self._kept = 0, {}

    def _writable(self) -> bool:
        return self._path is None or os.access(self._path, os.W_OK)

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
            self._unlocked = None
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
            KeysLocked: the keys are protected by something else than the guard.
        """
        with self._lock:
            found = self._key_or_why_not(subject)
            if isinstance(found, Erased):
                raise PersonErased(subject)
            if isinstance(found, Tampered):
                raise NotALog("key_row_tampered", vault=self._name, person=subject)
            if isinstance(found, KeyMissing):
                # Before anything is sealed under it: it must be possible to keep it.
                self._master()
                secret = os.urandom(SECRET_BYTES)
                found = self._pending[subject] = _Key.of(secret, self._suite)
            if subject in self._pending:
                self._used.setdefault(get_ident(), set()).add(subject)
            return found

    def _joint(self, subject: str, place: Place) -> _Key:
        """The key of several for a place; those of them who have none are given one.

        Raises:
            PersonErased: that of one of them was destroyed.
        """
        suite = self._suite
        return _joint([self._known(one) for one in parts(subject)], suite, subject, place)

    def _known(self, subject: str) -> _Key:
        counter, keys = self._kept
        key = keys.get(subject) if self._numbers[COUNTER] == counter else None
        return self._key_to_use(subject) if key is None else key

    def _key_to_compare(self, subject: str) -> _Key:
        """The key that values of one or of several are compared under; nothing moves its suite."""
        keys = [self._known(one) for one in parts(subject)]
        return keys[0] if len(keys) == 1 else _joint(keys, keys[0].suite, subject, _ANYWHERE)

    def _joint_or_why_not(
        self, subject: str, place: Place, token: str
    ) -> _Key | Erased | KeyMissing | Tampered:
        """The key of several for a place, as the suite of the value makes it.

        Where one is erased it is closed for good, whatever became of the others' keys.
        """
        counter, kept = self._kept
        if self._numbers[COUNTER] != counter:
            kept = {}
        found = [kept.get(one) or self._key_or_why_not(one) for one in parts(subject)]
        keys = [one for one in found if isinstance(one, _Key)]
        if len(keys) < len(found):
            answers = [one for one in found if not isinstance(one, _Key)]
            return min(answers, key=lambda one: not isinstance(one, Erased))
        name, dot, _ = token.partition(".")
        suite = SUITES.get(name) if dot else DEFAULT
        return _TAMPERED if suite is None else _joint(keys, suite, subject, place)

    def _key_or_why_not(self, subject: str) -> _Key | Erased | KeyMissing | Tampered:
        """What the row says; where there is none yet, what is to become it."""
        with self._lock, self._errors():
            if subject in self._erased:
                return _ERASED
            row = self._row(subject)
            if row is None:
                return self._pending.get(subject, _MISSING)
            if subject in self._pending:
                self._lose(subject)
            secret, name = row
            if secret is None:
                return _ERASED
            master, suite = self._master(), SUITES.get(str(name))
            if suite is not None and master is not None:
                try:
                    secret = master.unwrap(subject, suite, secret)
                except InvalidTag:
                    return _TAMPERED
            if suite is None or type(secret) is not bytes or len(secret) != SECRET_BYTES:
                # INVARIANT: nothing is ever keyed by anything but a person's own key.
                raise NotALog("not_a_vault", vault=self._name)
            key = self._kept[1][subject] = _Key.of(secret, suite)
            return key

    def _master(self) -> Master | None:
        """The master key; None where the vault is not protected, or there is no file yet.

        Raises:
            KeysLocked: the guard does not open it, or was to and nothing is protected.
        """
        kept = self._settings.get("master")
        if kept is not None and self._unlocked is not None and self._unlocked[0] == kept:
            return self._unlocked[1]
        guard = self._guarding()
        if kept is None:
            if guard is not None and self._file is not None:
                # Whoever could exchange the file could read what is sealed under it from now on.
                raise KeysLocked("keys_unprotected", vault=self._name)
            return None
        master = master_of(kept, guard, self._name)
        self._unlocked = kept, master
        return master

    def _guarding(self) -> Guard | None:
        """What is to protect the keys, said by now."""
        if callable(self._guard):
            self._guard = self._guard()
        return self._guard

    def _settle(self, settings: dict[str, str]) -> None:
        """Take over what holds for the whole vault."""
        if settings != self._settings:
            self._settings = settings
            self._suite = SUITES[self._own_suite or settings.get("suite", DEFAULT.name)]

    def _row(self, subject: str) -> _Row | None:
        """The row of a person, read while the counter stood still; keys of before it are gone."""
        if self._file is None and not self._attach():
            return None
        assert self._file is not None
        settings = self._settings
        while True:
            counter = self._numbers[COUNTER]
            rows = self._file.execute(_ROW, (subject,)).fetchall()
            if self._kept[0] != counter:
                settings = files.settings_of(self._file, self._name)
            if self._numbers[COUNTER] == counter:
                break
        if self._kept[0] != counter:
            self._settle(settings)
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
            self._settle(files.settings_of(file, self._name))
            master = self._master()
            file.executemany(
                "INSERT INTO crm_keys VALUES (?, ?, ?)",
                [_row_of(subject, key, master) for subject, key in pending.items()],
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
            counter = self._numbers[COUNTER]
            self._settle(files.settings_of(file, self._name))
            self._give_back = finalize(self, self._header.close)
            self._kept = counter, {}
            return True

    def _made(self) -> sqlite3.Connection:
        """The file to write to, which is made if there is none."""
        if self._file is None and not self._attach():
            assert self._path is not None
            try:
                files.make(self._path, self._first_settings())
            except (OSError, sqlite3.Error) as error:
                told = {"vault": self._name, "reason": str(error)}
                raise StoreUnreachable("vault_not_made", **told) from error
            self._attach()
        if self._path is not None and not (self._header and self._header.is_of(self._path)):
            # What is written to it now nobody would ever find.
            raise StoreUnreachable("vault_exchanged", vault=self._name)
        assert self._file is not None
        return self._file

    def _first_settings(self) -> dict[str, str]:
        """What is to hold for a vault that is made: it is never unprotected under its name."""
        settings, guard = {"suite": self._suite.name}, self._guarding()
        if guard is not None:
            master = Master()
            settings["master"] = protected(master, guard, self._suite)
            self._unlocked = settings["master"], master
        return settings

    def _errors(self) -> AbstractContextManager[None]:
        return files.errors(self._name)


def _opened(path: Path) -> sqlite3.Connection:
    return files.connect(path, BUSY_SECONDS, reading=True)


def _joint(keys: list[_Key], suite: Suite, subject: str, place: Place) -> _Key:
    """What the keys of all of them make together for one place, by the hash of a suite."""
    where = f"crm-core joint\n{place.stream}\n{place.version}\n{place.field}\n{subject}"
    secret = suite.joint((key.secret for key in keys), where.encode())
    return _Key.of(secret, suite)


def _row_of(subject: str, key: _Key, master: Master | None) -> tuple[str, bytes, str]:
    """What is kept of a person's key."""
    secret = key.secret
    if master is not None:
        secret = master.wrap(subject, key.suite, secret)
    return subject, secret, key.suite.name


def _sealed(key: _Key, suite: Suite, value: Personal, place: Place) -> Sealed:
    """A value sealed by a suite whose name it carries, and is bound to."""
    subject, nonce = value.subject, os.urandom(NONCE_BYTES)
    where = f"{place.stream}\n{place.version}\n{place.field}\n{subject}\n{suite.name}"
    sealed = key.by(suite).encrypt(nonce, value.reveal().encode(), where.encode())
    token = b2a_base64(nonce + sealed, newline=False).translate(_URLSAFE).decode()
    return Sealed(subject, f"{suite.name}.{token}")
