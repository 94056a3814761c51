"""Rows of events, kept in Parquet files beside the log and never behind it (decision record 0032).

A file holds the rows of the events behind one position up to another. Its name says which two, how
many events they were, a sum of their digests, a mark of what stands in the log there, and a
checksum of its bytes: a file of another log, of another past of this log, or with a damaged byte is
not read. That the log was edited since, the sums tell whoever asks (decision record 0049).

Before rows are read they are brought up to the end of the log. Files are written whole and never
changed, so any number of processes may do so at once; what one of them has merged stays until
nobody can be reading it. A folder of such files can be deleted at any time.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from io import BytesIO
from itertools import islice, zip_longest
from pathlib import Path
from time import time
from typing import Any, NamedTuple, Protocol
from uuid import uuid4
from zlib import crc32

import polars as pl

from crm_core.errors import (
    Failed,
    OtherPast,
    StoreFull,
    StoreUnreachable,
    UnknownEvent,
    UnreadableEvent,
)
from crm_core.kernel.recorded import Recorded
from crm_core.ports import EventLog

EVENTS = 500_000
"""Events whose rows are made at a time: what bounds the memory."""

MERGED_ROWS = 8_000_000
"""Files are not merged into larger ones than this."""

LINGER_SECONDS = 3600.0
"""What was merged stays so long for those who are still reading it."""

STRANGE_SECONDS = 30 * 24 * 3600.0
"""What another log or another version may still need stays so long after it was last used."""

ATTEMPTS = 3
"""How often the rows are brought up while somebody else deletes them."""

_STRIDE = 16

_SUM_BYTES = 16

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

_OURS = re.compile(r"[a-z]+-[0-9a-f]{8}-[0-9a-f-]+\.(draft|parquet)")

_NUMBER = re.compile(r"os error ([0-9]+)")


class KeptFile(NamedTuple):
    """A file with the rows of so many events behind position `after` up to `upto`.

    Args:
        digests: Sum of what `_counted` makes of the events, as hex.
        mark: Of what stands in the log at `upto` and before it.
        checksum: Of the bytes of the file.
    """

    path: Path
    after: int
    upto: int
    events: int
    digests: str
    mark: str
    checksum: str


class KeptFault(NamedTuple):
    """The first kept row that is not what the event at its position says, and its file.

    Where a whole file cannot be read, the position is the first that it should speak of.
    """

    position: int
    file: str


class Compared(NamedTuple):
    """How many kept rows were compared with the log, and what is wrong first."""

    rows: int
    first_fault: KeptFault | None


class Shape(Protocol):
    """What is kept of which events."""

    @property
    def name(self) -> str:
        """What files are called; it changes with the shape of the rows."""
        ...

    @property
    def events(self) -> frozenset[str]:
        """Stored names of the events."""
        ...

    @property
    def untold(self) -> tuple[str, ...]:
        """Columns that are null where they could not be told when the row was made."""
        ...

    def row(self, recorded: Recorded[Any]) -> tuple[Any, ...] | None:
        """What is kept of an event; None for one that says nothing."""
        ...

    def frame(self, rows: Sequence[tuple[Any, ...]], before: pl.LazyFrame | None) -> pl.DataFrame:
        """The rows as they are kept, and sorted so.

        Args:
            before: The kept rows of all events before them; None if there are none.
        """
        ...


class Kept:
    """The rows of a log in one shape.

    Args:
        folder: Where the files lie; it is made when there is something to keep.
    """

    def __init__(self, log: EventLog, shape: Shape, folder: Path) -> None:
        self._log = log
        self._shape = shape
        # Another working folder must not mean other files.
        self._folder = folder.absolute()
        self._name = re.compile(
            re.escape(shape.name)
            + r"-([0-9]{20})-([0-9]{20})-([0-9]+)"
            + r"-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{8})\.parquet"
        )
        self._checked: dict[tuple[str, int, int, int], bool] = {}

    def files(self) -> list[KeptFile]:
        """The files that hold the rows up to the end of the log, brought up to it.

        Raises:
            StoreFull: there is no room for what is missing; what was kept stays.
            StoreUnreachable: it cannot be written, or what is kept cannot be read.
        """
        with self._typed():
            for _ in range(ATTEMPTS - 1):
                with suppress(FileNotFoundError):
                    return self._brought_up()
            return self._brought_up()

    def check(self, files: Iterable[KeptFile]) -> None:
        """Compare the sums of the files with those of the log's stored digests.

        The texts are not read: that they are what their digests say, `EventLog.verify` tells.

        Raises:
            OtherPast: rows were made of other events than stand in the log now.
        """
        for file in files:
            events, digests = 0, 0
            for position, household, digest in self._log.digests(
                after=file.after, upto=file.upto, names=self._shape.events
            ):
                if household:
                    events, digests = events + 1, digests + _counted(position, household, digest)
            if (events, found := _summed(digests)) != (file.events, file.digests):
                sentence = "other_past_of_rows"
                raise OtherPast(str(file.path), file.upto, file.digests, found, sentence)

    def verify(self) -> Compared | None:
        """Compare what is kept with rows made anew from the log; None if nothing is kept of it.

        Nothing is brought up or written.

        Raises:
            StoreUnreachable: what is kept cannot be read.
        """
        with self._typed():
            # A damaged file is left out by whoever reads; here it is what is looked for.
            chain = self._chain(damaged=True)
            rows = 0
            for number, file in enumerate(chain):
                compared, fault = self._compare(file, chain[:number])
                rows += compared
                if fault is not None:
                    return Compared(rows, KeptFault(fault, file.path.name))
            return Compared(rows, None) if chain else None

    # --- bringing up -----------------------------------------------------------------------

    def _brought_up(self) -> list[KeptFile]:
        chain = self._chain()
        head = self._log.head()
        for lot in self._lots(chain[-1].upto if chain else 0, head):
            after = chain[-1].upto if chain else 0
            rows = self._shape.frame(lot.rows, _scan(chain) if chain else None)
            digests = _summed(lot.digests)
            chain.append(self._write(rows, after, lot.upto, lot.events, digests))
            chain = self._merged(chain)
        if chain and chain[-1].upto < head:
            chain[-1] = self._reaching(chain[-1], head)
        self._sweep(chain)
        return chain

    def _lots(self, after: int, upto: int) -> Iterator[_Lot]:
        """The rows of events behind a position up to another, of so many events at a time."""
        if after >= upto:
            return
        feed = self._log.feed(after=after, upto=upto, names=self._shape.events)
        while True:
            seen, events, digests, last = 0, 0, 0, after
            rows: list[tuple[Any, ...]] = []
            for recorded in islice(feed, EVENTS):
                seen, last = seen + 1, recorded.position
                # Nobody reads what concerns no household by households.
                if recorded.household:
                    events += 1
                    digests += _counted(recorded.position, recorded.household, recorded.digest)
                    row = self._shape.row(recorded)
                    if row is not None:
                        rows.append(row)
            if not seen:
                return
            # Behind the last lot there is nothing of this shape up to the end.
            yield _Lot(last if seen == EVENTS else upto, events, digests, rows)

    def _merged(self, chain: list[KeptFile]) -> list[KeptFile]:
        """Few files: a new one is merged with those before it that are not much larger."""
        while len(chain) > 1:
            *rest, one, two = chain
            events = one.events + two.events
            if one.events > 4 * two.events or events > MERGED_ROWS:
                break
            both = pl.concat([pl.read_parquet(file.path, glob=False) for file in (one, two)])
            merged = both.sort(both.columns[0], "position")
            digests = _summed(int(one.digests, 16) + int(two.digests, 16))
            try:
                chain = [*rest, self._write(merged, one.after, two.upto, events, digests)]
            except FileNotFoundError:
                raise
            except OSError:
                # More files are read as well.
                break
        return chain

    def _reaching(self, file: KeptFile, upto: int) -> KeptFile:
        """The same file for a log that has grown by nothing of this shape."""
        longer = self._file(file.after, upto, file.events, file.digests, file.checksum)
        with suppress(FileExistsError):
            try:
                os.link(file.path, longer.path)
            except FileExistsError:
                raise
            except OSError:
                # Where files cannot have two names; a folder that nobody may write stays as it is.
                draft = self._draft()
                try:
                    shutil.copyfile(file.path, draft)
                    draft.replace(longer.path)
                except OSError:
                    with suppress(OSError):
                        draft.unlink()
                    return file
        return longer

    def _write(
        self, rows: pl.DataFrame, after: int, upto: int, events: int, digests: str
    ) -> KeptFile:
        """Write the rows: they are whole under the file's name, or not there."""
        # Polars does not tell why it cannot write a file; the bytes are a fraction of the rows.
        buffer = BytesIO()
        rows.write_parquet(buffer, row_group_size=131_072)
        data = buffer.getbuffer()
        file = self._file(after, upto, events, digests, f"{crc32(data):08x}")
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = self._draft()
        try:
            with draft.open("wb") as written:
                written.write(data)
                written.flush()
                os.fsync(written.fileno())
            draft.replace(file.path)
        except BaseException:
            with suppress(OSError):
                draft.unlink()
            raise
        return file

    def _draft(self) -> Path:
        return self._folder / f"{self._shape.name}-{uuid4().hex}.draft"

    def _file(self, after: int, upto: int, events: int, digests: str, checksum: str) -> KeptFile:
        mark = self._mark(upto)
        # INVARIANT: the log ends behind what was read from it.
        assert mark is not None
        name = f"{self._shape.name}-{after:020}-{upto:020}-{events}-{digests}-{mark}-{checksum}"
        path = self._folder / f"{name}.parquet"
        return KeptFile(path, after, upto, events, digests, mark, checksum)

    # --- what is there ---------------------------------------------------------------------

    def _chain(self, *, damaged: bool = False) -> list[KeptFile]:
        """The files, as they are, that follow each other from the beginning and are of this log.

        Args:
            damaged: Whether damaged files are taken for what they should be; else they are
                removed, as nobody can want them.
        """
        found: dict[int, list[KeptFile]] = {}
        for path in self._folder.glob(f"{self._shape.name}-*.parquet"):
            file = self._named(path)
            if file is not None:
                found.setdefault(file.after, []).append(file)
        chain: list[KeptFile] = []
        while (
            file := self._next(found.get(chain[-1].upto if chain else 0, ()), damaged)
        ) is not None:
            chain.append(file)
            self._use(file)
        return chain

    def _next(self, files: Iterable[KeptFile], damaged: bool) -> KeptFile | None:
        """Of files that begin at the same place, the one of ours that reaches furthest."""
        # There may be many that linger: nothing is looked up of those that reach less far.
        for file in sorted(files, key=lambda one: one.upto, reverse=True):
            if self._is_ours(file) and (damaged or self._is_sound(file, remove=True)):
                return file
        return None

    def _named(self, path: Path) -> KeptFile | None:
        named = self._name.fullmatch(path.name)
        if named is None or int(named[2]) <= int(named[1]):
            return None
        after, upto, events, *marks = named.groups()
        return KeptFile(path, int(after), int(upto), int(events), *marks)

    def _is_ours(self, file: KeptFile) -> bool:
        return self._mark(file.upto) == file.mark

    def _is_sound(self, file: KeptFile, *, remove: bool = False) -> bool:
        """Whether the bytes are those that were written; they are read once.

        Args:
            remove: Whether to remove the file if they are not.
        """
        try:
            stat = file.path.stat()
            # A file may have many names.
            key = file.checksum, stat.st_ino, stat.st_size, stat.st_mtime_ns
            if key not in self._checked:
                self._checked[key] = _checksum(file.path) == file.checksum
        except OSError:
            return False
        sound = self._checked[key]
        if remove and not sound:
            with suppress(OSError):
                file.path.unlink()
        return sound

    def _mark(self, position: int) -> str | None:
        """A mark of the event at a position and of some before it; None if there is no event.

        One event alone may stand at the same place in two pasts of a log.
        """
        last = self._digest(position)
        if last is None:
            return None
        mark, back = sha256(last.encode()), 1
        while back < position:
            mark.update((self._digest(position - back) or "-").encode())
            back *= _STRIDE
        return mark.hexdigest()[:16]

    def _digest(self, position: int) -> str | None:
        """The digest of the event at a position, or None if there is no event."""
        try:
            found = next(self._log.feed(after=position - 1, upto=position), None)
        except (UnknownEvent, UnreadableEvent) as error:
            # An event that says nothing to these rows is nobody's hindrance to read them.
            return str(error)
        return None if found is None else found.digest

    def _use(self, file: KeptFile) -> None:
        """Whoever sweeps sees when a file was last used."""
        with suppress(OSError):
            if time() - file.path.stat().st_mtime > LINGER_SECONDS / 6:
                os.utime(file.path)

    def _sweep(self, chain: Sequence[KeptFile]) -> None:
        """Remove what is no part of the rows any more and nobody can be reading."""
        current = {file.path for file in chain}
        kind = self._shape.name.partition("-")[0]
        for path in self._folder.glob(f"{kind}-*"):
            if path not in current and _OURS.fullmatch(path.name):
                with suppress(OSError):
                    idle = time() - path.stat().st_mtime
                    if idle > STRANGE_SECONDS or (
                        idle > LINGER_SECONDS and self._is_superseded(path, chain)
                    ):
                        path.unlink()

    def _is_superseded(self, path: Path, chain: Sequence[KeptFile]) -> bool:
        """Whether the chain says all that the file does; a draft left behind says nothing."""
        if path.suffix == ".draft":
            return True
        file = self._named(path)
        reached = chain[-1].upto if chain else 0
        return file is not None and file.upto <= reached and self._is_ours(file)

    # --- comparing -------------------------------------------------------------------------

    def _compare(self, file: KeptFile, before: Sequence[KeptFile]) -> tuple[int, int | None]:
        """How many rows of a file are those of the log, and where the first is that is not.

        Args:
            before: The files before it, whose rows were found to be those of the log.
        """
        if not self._is_sound(file):
            return 0, file.after + 1
        kept, position = _scan([file]), pl.col("position")
        compared, events, after = 0, 0, file.after
        try:
            for lot in self._lots(file.after, file.upto):
                earlier = _scan([*before, file]).filter(position <= after)
                some = kept.filter((position > after) & (position <= lot.upto)).collect()
                again = self._shape.frame(lot.rows, earlier)
                fault = _first_difference(some, again, self._shape.untold)
                if fault is not None:
                    return compared, fault
                compared, events, after = compared + len(some), events + lot.events, lot.upto
            elsewhere = kept.filter((position <= file.after) | (position > after))
            [(count, first)] = elsewhere.select(pl.len(), position.min()).collect().rows()
        except (UnknownEvent, UnreadableEvent) as error:
            return compared, error.position or after + 1
        except pl.exceptions.PolarsError:
            # Bytes as they were written, but not by us.
            return compared, after + 1
        if count:
            return compared, first or file.after + 1
        return compared, None if events == file.events else file.after + 1

    # --- trouble ---------------------------------------------------------------------------

    @contextmanager
    def _typed(self) -> Iterator[None]:
        """Trouble with the files as an error of this library."""
        try:
            yield
        except (OSError, pl.exceptions.ComputeError) as error:
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> Failed:
        # Polars says in words what the system said.
        said = _NUMBER.search(str(error))
        number = int(said[1]) if said else getattr(error, "errno", None)
        if number in _FULL:
            return StoreFull("kept_rows_full", folder=str(self._folder))
        reason = type(error).__name__ if number is None else os.strerror(number).lower()
        return StoreUnreachable("kept_rows_unusable", folder=str(self._folder), reason=reason)


class _Lot(NamedTuple):
    """The rows of so many events up to a position."""

    upto: int
    events: int
    digests: int
    rows: list[tuple[Any, ...]]


def _counted(position: int, household: str, digest: str) -> int:
    """What an event adds to the sum of a file.

    Its digest covers stream, version, name and text; the two columns that rows have besides are
    counted with it. Sums can be added, so files can be merged without reading the log.
    """
    told = f"{position}\n{household}\n{digest}".encode()
    return int.from_bytes(sha256(told).digest()[:_SUM_BYTES], "big")


def _summed(digests: int) -> str:
    return f"{digests % (1 << 8 * _SUM_BYTES):0{2 * _SUM_BYTES}x}"


def _scan(files: Sequence[KeptFile]) -> pl.LazyFrame:
    return pl.scan_parquet([file.path for file in files], glob=False)


def _checksum(path: Path) -> str:
    """Enough against damage; whoever forges rows is found by comparing them with the log."""
    checksum = 0
    with path.open("rb") as file:
        while part := file.read(1 << 20):
            checksum = crc32(part, checksum)
    return f"{checksum:08x}"


def _first_difference(one: pl.DataFrame, two: pl.DataFrame, untold: Sequence[str]) -> int | None:
    """The first position at which two frames differ; None if they are equal.

    Args:
        untold: Columns in which a null differs from nothing.
    """
    one, two = one.sort("position"), two.sort("position")
    if one.schema == two.schema and len(one) == len(two):
        told = {name: one[name].is_not_null() & two[name].is_not_null() for name in untold}
        columns = [
            pl.when(pl.Series(both)).then(pl.col(name)).alias(name) for name, both in told.items()
        ]
        one, two = one.with_columns(columns), two.with_columns(columns)
    same = one.schema == two.schema
    if same and one.equals(two):
        return None
    first = one.columns.index("position"), two.columns.index("position")
    for pair in zip_longest(one.iter_rows(), two.iter_rows()):
        if pair[0] != pair[1] or not same:
            told_of = [row[at] for row, at in zip(pair, first, strict=True) if row is not None]
            return int(min(told_of))
    return None
