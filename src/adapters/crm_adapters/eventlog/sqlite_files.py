"""How an SQLite file is found, made, opened and written (decision record 0051).

Readers open it for reading only: they never move what is in the write-ahead log into the file.
Whoever does that, or writes, waits for its turn, which no two processes ever have at once.

No file is opened here but by SQLite: a file of a process that is closed loses all locks that SQLite
holds on it for the same process.
"""

from __future__ import annotations

import os
import socket
import sqlite3
import stat
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from errno import EACCES, EDQUOT, ENOSPC, EPERM, EROFS
from fcntl import LOCK_EX, LOCK_NB, LOCK_UN, flock
from pathlib import Path
from secrets import token_hex
from threading import RLock
from time import monotonic, sleep
from types import TracebackType
from urllib.parse import quote

from crm_core.errors import NotALog, StoreFull, StoreUnreachable

BUSY_SECONDS = 30.0
"""How long a writer waits for another process that writes."""

TURN, OWNER = "-turn", "-owner"
"""Endings of the file whose lock is the turn, and of the file that names the only process."""

SHARED = "shared"
"""Where this word stands in the file that names the only process, any may open the log."""

RESET_BUG = ((3, 7, 0), (3, 51, 2))
"""First and last version in which two processes that write or checkpoint at once can damage a file
(goals D9)."""

NETWORK = frozenset(
    {"9p", "afs", "beegfs", "ceph", "cifs", "davfs", "fuse.glusterfs", "fuse.s3fs", "fuse.sshfs",
     "glusterfs", "lustre", "ncpfs", "nfs", "nfs4", "smb3", "smbfs"}
)  # fmt: skip
"""Kinds of file systems, by their names in `/proc/mounts`, on which locks of one machine do not
hold on another, or not at all."""

SMALLEST = 512
"""Bytes of the smallest SQLite file that holds anything."""


def has_reset_bug(version: Iterable[int] = sqlite3.sqlite_version_info) -> bool:
    """Whether this SQLite needs turns among all that write or checkpoint."""
    first, last = RESET_BUG
    return first <= tuple(version) <= last


def locks_hold(path: Path, mounts: str | None = None) -> bool:
    """Whether a lock on a file there holds for every process that can open it.

    Args:
        mounts: What `/proc/self/mountinfo` says; read there by default. Where it says nothing, or
            nothing can be read, locks are taken to hold.
    """
    if mounts is None:
        try:
            mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return True
    place, kind = Path(), ""
    for line in mounts.splitlines():
        left, _, right = line.partition(" - ")
        fields = left.split(" ")
        if not right or len(fields) < 5:
            continue
        # Spaces and the like stand there as octal numbers.
        point = Path(fields[4].encode().decode("unicode_escape"))
        if path.is_relative_to(point) and len(point.parts) >= len(place.parts):
            place, kind = point, right.split(" ")[0]
    return kind not in NETWORK


LOCK, ONE, NOTHING = "lock", "one process", "nothing"


def kept_apart(path: Path) -> str:
    """What keeps two processes from writing the file at once: `LOCK`, `ONE` or `NOTHING`."""
    path = Path(os.path.realpath(path))
    if locks_hold(path):
        return LOCK
    return NOTHING if _owner(path.with_name(path.name + OWNER)) == SHARED else ONE


class Turn:
    """The turn to write or to checkpoint: of one thread of one process at a time.

    Args:
        log: The file that is written. The lock is that of a file beside it, which is made when the
            first turn is taken, and left there.
        name: The log, for messages.
    """

    def __init__(self, log: Path, name: str) -> None:
        self._log, self._name = log, name
        self._path = log.with_name(log.name + TURN)
        self._threads = RLock()
        self._depth = 0
        self._file: int | None = None
        self._process = os.getpid()
        self.patience: float = BUSY_SECONDS
        """How many seconds to wait for it."""

    def __enter__(self) -> None:
        if self._process != os.getpid():
            # A fork has the lock of its parent, and would give it back for it.
            raise StoreUnreachable("process_forked", store=self._name)
        self._threads.acquire()
        try:
            if self._depth == 0:
                self._take()
            self._depth += 1
        except BaseException:
            self._threads.release()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._depth -= 1
        if self._depth == 0 and self._file is not None:
            flock(self._file, LOCK_UN)
        self._threads.release()

    def _take(self) -> None:
        try:
            if self._file is None:
                flags = os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
                self._file = os.open(self._path, flags, 0o666)
            deadline = monotonic() + self.patience
            pause = 0.0002
            while True:
                try:
                    flock(self._file, LOCK_EX | LOCK_NB)
                    return
                except BlockingIOError:
                    if monotonic() > deadline:
                        raise StoreUnreachable(
                            "log_busy", store=self._name, seconds=int(BUSY_SECONDS)
                        ) from None
                sleep(pause)
                pause = min(pause * 2, 0.005)
        except OSError as error:
            if error.errno in (EACCES, EPERM, EROFS):
                raise _read_only(self._log, self._name) from error
            raise _unusable(self._path, error) from error

    def close(self) -> None:
        """Give back the file; the next turn opens it anew."""
        with self._threads:
            if self._file is not None:
                os.close(self._file)
                self._file = None


class SqliteFile:
    """One SQLite file, as this process uses it.

    Args:
        path: Where it lies, through links.
        name: The log, for messages.
    """

    def __init__(self, path: Path, name: str) -> None:
        self.path = Path(os.path.realpath(path))
        self.name = name
        self.turn = Turn(self.path, name)
        self.immutable = False
        """Whether nobody can write it meanwhile, and SQLite needs nothing beside it."""
        self._owned = False
        self._refused = False
        self._process = os.getpid()
        self._seen: tuple[int, int, int] | None = None
        self._writer: sqlite3.Connection | None = None

    def _beside(self, ending: str) -> Path:
        return self.path.with_name(self.path.name + ending)

    # --- finding and making ----------------------------------------------------------------

    def exists(self) -> bool:
        """Whether there is a file that may be a log.

        Raises:
            NotALog: what is there cannot be one; it is not opened.
            StoreUnreachable: it cannot be seen.
        """
        try:
            found = self.path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise _unusable(self.path, error) from error
        if not stat.S_ISREG(found.st_mode):
            raise NotALog("log_no_file", database=self.name)
        if found.st_size < SMALLEST:
            raise NotALog("log_no_database", database=self.name)
        return True

    def make(self, fill: Callable[[sqlite3.Connection], None]) -> None:
        """Make the file, whole or not at all; if another process is first, theirs stays.

        Args:
            fill: Makes the tables.
        """
        draft = self.path.with_name(f".crm-{token_hex(8)}.new")
        try:
            os.close(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666))
            with closing(_connect(draft, "rw")) as connection:
                connection.execute("PRAGMA synchronous = FULL")
                fill(connection)
                connection.execute("PRAGMA journal_mode = WAL")
            self._name(draft)
        except OSError as error:
            if error.errno in (ENOSPC, EDQUOT):
                raise StoreFull("store_full", store=self.name) from error
            raise _unusable(self.path, error) from error
        finally:
            for ending in ("", "-wal", "-shm", "-journal"):
                with suppress(OSError):
                    draft.with_name(draft.name + ending).unlink()

    def _name(self, draft: Path) -> None:
        try:
            # Unlike renaming, this never replaces what is there.
            os.link(draft, self.path)
        except FileExistsError:
            return
        except OSError:
            # Where files cannot have two names.
            if not self.path.exists():
                draft.rename(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    # --- opening ---------------------------------------------------------------------------

    @property
    def read_only(self) -> bool:
        """Whether this process cannot write it: by its mode, its folder's, or the medium's."""
        return not (os.access(self.path, os.W_OK) and os.access(self.path.parent, os.W_OK))

    def prepare(self) -> None:
        """Find out how it can be read.

        Raises:
            StoreUnreachable: it cannot; the file that is to blame is named.
        """
        try:
            with closing(_connect(self.path, "ro")) as connection:
                connection.execute("PRAGMA schema_version").fetchone()
            self._claim()
            return
        except sqlite3.OperationalError:
            if not self.read_only or not os.access(self.path, os.R_OK):
                raise
        for beside in (self._beside("-wal"), self._beside("-journal")):
            if _size(beside):
                raise StoreUnreachable("log_side_unread", store=self.name, file=str(beside))
        self.immutable = True
        self._seen = self._state()

    def reader(self) -> sqlite3.Connection:
        """A new connection for reading."""
        return _connect(self.path, "ro", immutable=self.immutable)

    def check_still(self) -> None:
        """That a file which nobody was to write is as it was when it was opened.

        Raises:
            StoreUnreachable: somebody has written it.
        """
        if self._seen is not None and self._seen != self._state():
            raise StoreUnreachable("log_changed", store=self.name)

    def _state(self) -> tuple[int, int, int]:
        found = self.path.stat()
        return found.st_mtime_ns, found.st_size, _size(self._beside("-wal"))

    def writer(self) -> sqlite3.Connection:
        """The one connection of this process that writes; asked for within a turn.

        Raises:
            StoreUnreachable: the file cannot be written.
        """
        if self._writer is None:
            if self.read_only:
                raise _read_only(self.path, self.name)
            self._writer = self._new_writer()
        return self._writer

    def _new_writer(self) -> sqlite3.Connection:
        connection = _connect(self.path, "rw")
        try:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA secure_delete = ON")
            # A copy that was restored may have another.
            connection.execute("PRAGMA journal_mode = WAL")
        except BaseException:
            connection.close()
            raise
        return connection

    def drop_writer(self) -> None:
        """Close the connection that writes; the next one finds the log as it was."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    # --- closing ---------------------------------------------------------------------------

    def close(self) -> None:
        """Close what writes, in turn, and leave no empty side files; readers are closed before."""
        if self._refused or self._process != os.getpid():
            return  # It is nobody's of ours; and what a fork has inherited is its parent's.
        wal = self._beside("-wal")
        with suppress(StoreUnreachable, sqlite3.Error, OSError):
            if self._writer is not None:
                with self.turn:
                    self.drop_writer()
            elif not self.read_only and wal.exists() and not _size(wal):
                # SQLite leaves them to whoever may write; there is nothing in them to checkpoint.
                with self.turn, closing(_connect(self.path, "rw")) as connection:
                    connection.execute("PRAGMA schema_version").fetchone()
        self.turn.close()
        self._give_up()

    def abandon(self) -> None:
        """Close what nobody has closed, when nobody can any more: without waiting for a turn.

        The garbage collector comes at any time, also while this very process has the turn by
        another file of the same log: it would wait for itself. Whoever has the turn has the file
        open, so that nothing is checkpointed by this, and checkpoints when they close.
        """
        self.turn.patience = 0.0
        self.close()
        if self._process == os.getpid():
            with suppress(sqlite3.Error):
                self.drop_writer()

    def refuse(self) -> None:
        """Close what turned out to be no log of ours, and leave nothing beside it."""
        turn = self._beside(TURN)
        there = turn.exists()
        self.close()
        self._refused = True
        if not there:
            turn.unlink(missing_ok=True)

    # --- where locks do not hold -----------------------------------------------------------

    def _claim(self) -> None:
        """Be the only process that has the file open, where turns cannot be had.

        Raises:
            StoreUnreachable: another has it open.
        """
        file = self._beside(OWNER)
        if locks_hold(self.path) or self.read_only or _owner(file) == SHARED:
            return
        if _claimed.get(file, 0) == 0:
            _write_owner(file, self.name)
        _claimed[file] = _claimed.get(file, 0) + 1
        self._owned = True

    def _give_up(self) -> None:
        if self._owned:
            self._owned = False
            file = self._beside(OWNER)
            _claimed[file] -= 1
            if _claimed[file] == 0:
                file.unlink(missing_ok=True)


_claimed: dict[Path, int] = {}
"""How often this process has a file open that nobody else may open."""


def _write_owner(file: Path, name: str) -> None:
    host = socket.gethostname()
    while True:
        try:
            opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        except FileExistsError:
            there, _, number = _owner(file).rpartition(" ")
            if there == host and number.isdigit() and not _alive(int(number)):
                # It ended without closing.
                file.unlink(missing_ok=True)
                continue
            raise StoreUnreachable(
                "log_owned", store=name, file=str(file), host=there or "?", process=number or "?",
                override=SHARED,
            ) from None  # fmt: skip
        except OSError as error:
            raise _unusable(file, error) from error
        with os.fdopen(opened, "w", encoding="utf-8") as out:
            out.write(f"{host} {os.getpid()}")
        return


def _owner(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")[:200].strip()
    except OSError:
        return ""


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _connect(path: Path, mode: str, *, immutable: bool = False) -> sqlite3.Connection:
    """A connection that begins and ends no transaction by itself, and never makes the file."""
    more = "&immutable=1" if immutable else ""
    return sqlite3.connect(
        f"file:{quote(os.fsencode(path))}?mode={mode}{more}",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )


def copy_database(source: sqlite3.Connection, path: Path) -> None:
    """Copy all of it into a file that is there, at one moment, and needs nothing beside it."""
    with closing(_connect(path, "rw")) as copy:
        copy.execute("PRAGMA synchronous = FULL")
        source.backup(copy)
        # The copy says that it has a write-ahead log, like its source.
        copy.execute("PRAGMA journal_mode = DELETE")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _read_only(path: Path, name: str) -> StoreUnreachable:
    return StoreUnreachable("log_read_only", store=name, file=str(path))


def _unusable(path: Path, error: OSError) -> StoreUnreachable:
    return StoreUnreachable("store_unusable", store=str(path), reason=error.strerror or str(error))
