"""Files that are written for somebody: whole or not at all, and in the place of nothing else.

All writing of files goes through here (decision record 0050). What lies there already is told by
its device and inode, never by how its name is spelled.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import Protocol, TextIO
from urllib.parse import quote

from crm_core.errors import Invalid
from crm_core.kernel.values import frozen

SIDES = ("", "-wal", "-shm", "-journal", "-turn", "-owner")
"""Endings of the files that belong to an SQLite file, its own among them."""


class Noting(Protocol):
    """Notes which files were written that may tell of persons (PRV-04)."""

    def note(self, paths: Sequence[Path], kind: str, about: Sequence[str]) -> None:
        """Note files before they stand under their names.

        Args:
            kind: What sort of file it is.
            about: Ids of households and persons that it is about; none where it may be anybody.
        """
        ...

    def forget(self, *paths: Path) -> None:
        """Take files out that are no more."""
        ...


@frozen
class Kept:
    """What no output may replace, and where it is noted what was written.

    Args:
        files: Files, whether they are there yet or not.
        folders: Folders of which nothing may be replaced that lies in them.
        register: Notes files that may tell of persons; None where there is nothing to note for.
        erased: The file of the tombstones; None where there is none.
        mark: What `mark_of` said of it before anything was read that is to be written.
    """

    files: Sequence[Path] = ()
    folders: Sequence[Path] = ()
    register: Noting | None = None
    erased: Path | None = None
    mark: tuple[int, int] | None = None

    def begin(self, drafts: Sequence[Path], kind: str, about: Sequence[str]) -> None:
        """Note drafts before anything stands in them: a process may end before it is done."""
        self.note(drafts, kind, about)

    def end(self, drafts: Sequence[Path], kind: str) -> None:
        """They are no more."""
        if kind and self.register is not None:
            self.register.forget(*drafts)

    def check(self, path: Path, kind: str, where: str) -> None:
        """Look whether what was read can be written still.

        Raises:
            Invalid: somebody was erased since, who may be told of in it.
        """
        if kind and self.erased is not None and mark_of(self.erased) != self.mark:
            raise _erased(path, where)

    def note(self, paths: Sequence[Path], kind: str, about: Sequence[str]) -> None:
        """Note files of a kind that may tell of persons."""
        if kind and self.register is not None:
            self.register.note(paths, kind, about)

    def holds(self, path: Path) -> bool:
        """Whether it is one of them, by whatever name."""
        wanted = _Identity.of(path)
        if any(_Identity.of(file) == wanted for file in self.files):
            return True
        above = {_Identity.of(folder) for folder in path.absolute().parents}
        return any(_Identity.of(folder) in above for folder in self.folders)


@frozen
class _Identity:
    """A file, whatever it is called: where it is not there, its folder's identity and its name."""

    device: int
    inode: int
    name: str = ""

    @classmethod
    def of(cls, path: Path) -> _Identity:
        with suppress(OSError):
            found = path.stat()
            return cls(found.st_dev, found.st_ino)
        with suppress(OSError):
            folder = path.parent.stat()
            return cls(folder.st_dev, folder.st_ino, path.name)
        return cls(0, 0, str(path.absolute()))


NOTHING = Kept()


def mark_of(path: Path) -> tuple[int, int] | None:
    """What tells one state of a file that only grows from another; nothing where it is not."""
    with suppress(OSError):
        found = path.stat()
        return found.st_ino, found.st_size
    return None


def is_draft(path: Path) -> bool:
    """Whether it is a file that was to be given another name when it was whole."""
    return path.name.startswith(_DRAFT[0]) and path.name.endswith(_DRAFT[1])


_DRAFT = ".crm-", ".part"


def _draft_of(path: Path) -> Path:
    # Beside its place, because a rename is atomic within one file system only.
    return path.with_name(token_hex(8).join(_DRAFT))


def _erased(path: Path, where: str) -> Invalid:
    return Invalid.one("erased_meanwhile", where, path=str(path))


def _put(draft: Path, path: Path, kept: Kept, kind: str, where: str) -> None:
    """Give a whole draft its name, unless an erasure has taken it away meanwhile."""
    with _still_there(path, kept, kind, where):
        # Something else may lie there by now.
        draft.replace(check_output(path, kept, where))


@contextmanager
def _still_there(path: Path, kept: Kept, kind: str, where: str) -> Iterator[None]:
    """Who finds a draft gone is told that an erasure took it."""
    try:
        yield
    except FileNotFoundError as error:
        if kind and kept.register is not None and path.parent.is_dir():
            raise _erased(path, where) from error
        raise


def sides(path: Path) -> list[Path]:
    """An SQLite file and what SQLite and we put beside it."""
    return [path.with_name(path.name + ending) for ending in SIDES]


def check_output(path: Path, kept: Kept = NOTHING, where: str = "") -> Path:
    """The path, if a file may be written there: it is new, or a regular file of our own.

    Args:
        kept: What may not be replaced.
        where: The option that names the path.

    Raises:
        Invalid: something else lies there.
    """
    if kept.holds(path):
        raise Invalid.one("output_kept", where, path=str(path))
    try:
        found = path.lstat()
    except FileNotFoundError:
        return path
    except OSError:
        # Writing it says what is wrong with its folder.
        return path
    if not stat.S_ISREG(found.st_mode):
        raise Invalid.one("output_no_file", where, path=str(path))
    if found.st_uid != os.geteuid():
        raise Invalid.one("output_of_another", where, path=str(path))
    if _is_database(path):
        raise Invalid.one("output_database", where, path=str(path))
    return path


def _is_database(path: Path) -> bool:
    """Whether it is an SQLite file: another log, or the keys of one.

    SQLite looks for itself: a file that we close loses all locks that it holds for this process.
    """
    place = f"file:{quote(os.fsencode(path.absolute()))}?mode=ro&immutable=1"
    with suppress(sqlite3.Error), closing(sqlite3.connect(place, uri=True)) as file:
        [(version,)] = file.execute("PRAGMA schema_version")
        return bool(version)
    return False


@contextmanager
def written(
    *paths: Path,
    private: bool = False,
    kept: Kept = NOTHING,
    where: str = "",
    kind: str = "",
    about: Sequence[str] = (),
) -> Iterator[list[TextIO]]:
    """Files to be written, UTF-8 with line ends as they are given; `.buffer` takes bytes.

    They stand under their names, all of them and on the disk, when the block has ended well. Until
    then, and for whoever reads meanwhile, everything is as it was.

    Args:
        private: Readable by the owner only: personal data are in them.
        kept: What may not be replaced.
        where: The option that names the path.

    Raises:
        Invalid: something lies there that may not be replaced.
        OSError: a file cannot be written.
    """
    with ExitStack() as drafts:
        files: list[TextIO] = []
        for path in paths:
            check_output(path, kept, where)
        names = [_draft_of(path) for path in paths]
        kept.begin(names, kind, about)
        drafts.callback(kept.end, names, kind)
        for path, draft in zip(paths, names, strict=True):
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            opened = os.open(draft, flags, 0o600 if private else 0o666)
            drafts.callback(draft.unlink, missing_ok=True)
            if not private:
                _keep_mode(opened, path)
            files.append(drafts.enter_context(os.fdopen(opened, "w", encoding="utf-8", newline="")))
        yield files
        for file in files:
            file.flush()
            os.fsync(file.fileno())
        for path in paths:
            kept.check(path, kind, where)
        # Before, so that no file is there of which an erasure does not know.
        kept.note(paths, kind, about)
        for path, draft in zip(paths, names, strict=True):
            _put(draft, path, kept, kind, where)


def written_whole(
    path: Path,
    content: bytes,
    *,
    private: bool = False,
    kept: Kept = NOTHING,
    where: str = "",
    kind: str = "",
    about: Sequence[str] = (),
) -> None:
    """Put the content there at once; see `written`."""
    with written(path, private=private, kept=kept, where=where, kind=kind, about=about) as [file]:
        file.buffer.write(content)


@contextmanager
def drafted(path: Path, *, kept: Kept = NOTHING, where: str = "", kind: str = "") -> Iterator[Path]:
    """A new file beside the path, for what writes files by itself; it is given the name at the end.

    It is readable by the owner only. Raises as `written`.
    """
    check_output(path, kept, where)
    draft = _draft_of(path)
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    kept.begin([draft], kind, ())
    try:
        os.close(os.open(draft, flags, 0o600))
        yield draft
        with _still_there(path, kept, kind, where):
            opened = os.open(draft, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
        kept.check(path, kind, where)
        kept.note([path], kind, ())
        _put(draft, path, kept, kind, where)
    finally:
        for beside in sides(draft):
            beside.unlink(missing_ok=True)
        kept.end([draft], kind)


def _keep_mode(opened: int, path: Path) -> None:
    """Whoever may not read the file that is replaced may not read what replaces it."""
    with suppress(FileNotFoundError):
        os.fchmod(opened, stat.S_IMODE(path.lstat().st_mode) & 0o777)
