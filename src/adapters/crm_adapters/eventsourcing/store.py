"""A store of rows over any recorder of the eventsourcing library.

`CodecEventLog(RecorderStore(recorder), codec)` is a whole event log: in their memory, SQLite or
PostgreSQL, or in the stores that the library's extensions open. A row becomes a stored event: the
stream's name is the originator id (a text), the event's name the topic, the stored text the state.

A recorder promises less than our own tables, and this is what is made of it:

- It checks that a version is new, not that it follows the last one. The bridge looks first where
  the streams stand; of two writers that saw the same, the recorder still refuses the second.
- It keeps no command ids. They are read from the stored events, so a repeated command is
  recognised also after a restart. The digest of a command is nowhere in them: an id that comes
  again with another content is refused only by the process that appended the first; another
  process answers it with the first result. A command without events leaves no trace.
- It can lose the acknowledgement of an insert. That is reported as unknown, and the same command
  sent again finds out.
- Positions may have gaps, so a removed row is found only where a later one of its stream is left.
- It has no transaction to write into: the batches of one are kept in memory and inserted at once.
  The library's PostgreSQL recorder takes only so much at once, and more is refused.

Reading begins by going through the whole recorder once, and keeps about a hundred bytes for each
command and ten for each event. For a log that grows large use our own tables.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from threading import RLock

import msgspec

from crm_adapters.codec.rows import StoredRow, bare
from crm_adapters.eventlog.bell import Bell, BellListener
from crm_adapters.eventlog.store import FORMAT, Batch
from crm_adapters.eventlog.tiles import MemoryTiles, Tiles
from crm_adapters.eventsourcing.library import (
    ApplicationRecorder,
    DataError,
    IntegrityError,
    Notification,
    NotSupportedError,
    PersistenceError,
    ProgrammingError,
    StoredEvent,
    insert_bytes_max,
    make_stored_event,
    unfit_for_logs,
)
from crm_core.errors import (
    CommitUnknown,
    Conflict,
    Invalid,
    StoreUnreachable,
    UnreadableEvent,
)
from crm_core.kernel.canonical import DIGEST_END, DIGEST_START
from crm_core.kernel.recorded import Appended, Tip
from crm_core.ports import ChainFault, Frontier, Listener

_PAGE = 1000
_HOUSEHOLD = b',"household":"'
_END = b'"}'


class _Event(msgspec.Struct):
    command: str


class _Stored(msgspec.Struct):
    event: _Event


_decode = msgspec.json.Decoder(_Stored).decode


class RecorderStore:
    """Keeps rows in a recorder, which stays the caller's to close. Safe for threads.

    Args:
        recorder: Any application recorder that takes text as originator ids.

    Raises:
        Invalid: the recorder is known not to do as it is set up.
    """

    tenant = ""
    contiguous = False
    exact = False
    # A recorder keeps no number: what another format wrote, nobody can read.
    format_number = FORMAT

    def __init__(self, recorder: ApplicationRecorder) -> None:
        reason = unfit_for_logs(recorder)
        if reason is not None:
            raise Invalid.one("recorder_unfit", sentence=reason)
        self.recorder = recorder
        self.bell = Bell()
        self.tiles: Tiles = MemoryTiles()
        self._lock = RLock()
        self._digests: dict[str, str] = {}
        # What is known of the recorder's events up to `_seen`.
        self._seen = 0
        self._commands: dict[str, tuple[int, int]] = {}
        self._positions: dict[str, array[int]] = {}
        self._households: dict[str, set[str]] = {}

    # --- writing -----------------------------------------------------------------------------

    def insert(self, batch: Batch) -> int:
        with self._lock:
            self._catch_up()
            self._check(batch)
            return self._insert(batch)

    @contextmanager
    def transaction(self) -> Iterator[_Collector]:
        with self._lock:
            self._catch_up()
            collector = _Collector(self)
            yield collector
            self._catch_up()
            batch = collector.batch()
            self._check(batch)
            self._insert(batch)

    def _check(self, batch: Batch, begun: Collection[str] = ()) -> None:
        """That the batch follows what the recorder holds, and repeats no command or `begun`."""
        for stream, expected in batch.expected.items():
            actual = len(self._positions.get(stream, ()))
            if actual != expected:
                raise Conflict(stream, expected or 0, actual)
        fresh: set[str] = set()
        for command, *_ in batch.commands:
            if command in self._commands or command in begun or command in fresh:
                raise Conflict(command, 0, 1, "command_conflict")
            fresh.add(command)

    def _insert(self, batch: Batch) -> int:
        first = self._seen + 1
        command = batch.commands[0][0] if batch.commands else "?"
        events = [
            make_stored_event(row.stream, row.version, row.name, row.state) for row in batch.rows
        ]
        size, most = sum(len(event.state) for event in events), insert_bytes_max(self.recorder)
        if most is not None and size > most:
            raise Invalid.one("append_too_large", most=most, bytes=size)
        try:
            positions = self.recorder.insert_events(events) if events else ()
        except IntegrityError as error:
            self._catch_up()
            self._check(batch)
            stream, expected = next(iter(batch.expected.items()), ("?", 0))
            raise Conflict(stream, expected or 0, None) from error
        except (DataError, NotSupportedError, ProgrammingError) as error:
            raise StoreUnreachable("recorder_refuses", reason=str(error)) from error
        except PersistenceError as error:
            raise CommitUnknown(command) from error
        first = positions[0] if positions else first
        for command, digest, start, end in batch.commands:
            self._digests[command] = digest
            if end < start:
                self._commands[command] = (first + start, first + end)
        self.bell.ring()
        return first

    # --- reading -----------------------------------------------------------------------------

    def read(self, stream: str, after: int) -> Sequence[StoredRow]:
        with self._lock:
            self._catch_up()
            positions = self._positions.get(stream, ())
        after = max(after, 0)
        with _our_errors():
            events = self.recorder.select_events(stream, gt=after, lte=len(positions))
        return [_row(positions[event.originator_version - 1], event) for event in events]

    def bare(self, stream: str) -> Sequence[tuple[int, str, str]]:
        return [(row.version, row.name, row.state) for row in self.read(stream, 0)]

    def tips(self, streams: Collection[str]) -> dict[str, Tip]:
        found = {}
        with self._lock:
            self._catch_up()
            known = [(s, self._positions[s]) for s in streams if s in self._positions]
            ends = [(stream, len(places), places[-1]) for stream, places in known]
        for stream, version, position in ends:
            with _our_errors():
                last = self.recorder.select_events(stream, gt=version - 1, lte=version)
            if not last:
                raise UnreadableEvent(position, stream, "event_gone")
            digest = last[0].state[DIGEST_START:DIGEST_END].decode("ascii", "replace")
            found[stream] = Tip(version, digest)
        return found

    def page(
        self, after: int, upto: int, names: Collection[str] | None, limit: int
    ) -> Sequence[StoredRow]:
        if (names is not None and not names) or upto <= after:
            return []
        found = self._notifications(after, limit, upto, sorted(names or ()))
        return [_row(event.id, event) for event in found]

    def page_without(
        self, after: int, upto: int, names: Collection[str], limit: int
    ) -> Sequence[StoredRow]:
        found: list[StoredRow] = []
        while len(found) < limit and (page := self.page(after, upto, None, _PAGE)):
            found += [row for row in page if row.name not in names]
            after = page[-1].position
        return found[:limit]

    def count(self, after: int) -> int:
        with self._lock:
            self._catch_up()
            return sum(
                len(places) - bisect_right(places, after) for places in self._positions.values()
            )

    def household_page(
        self,
        after: tuple[str, int],
        upto: int,
        names: Collection[str] | None,
        households: Sequence[str] | None,
        limit: int,
    ) -> Sequence[StoredRow]:
        """One look-up for each stream of a household; its rows are sorted in memory."""
        with self._lock:
            self._catch_up()
            wanted = sorted(self._households.keys() if households is None else set(households))
        found: list[StoredRow] = []
        for household in wanted[bisect_left(wanted, after[0]) :]:
            least = after[1] if household == after[0] else 0
            rows = [
                row
                for stream in sorted(self._households.get(household, ()))
                for row in self.read(stream, 0)
                if row.household == household
                and least < row.position <= upto
                and (names is None or row.name in names)
            ]
            found += sorted(rows)
            if len(found) >= limit:
                break
        return found[:limit]

    def bare_household_page(
        self,
        after: tuple[str, int],
        upto: int,
        names: Collection[str] | None,
        households: Sequence[str] | None,
        limit: int,
    ) -> Sequence[tuple[str, int, str, str]]:
        return bare(self.household_page(after, upto, names, households, limit))

    def outcomes(self, commands: Collection[str]) -> dict[str, Appended]:
        with self._lock:
            self._catch_up()
            return {
                command: Appended(command, self._digests.get(command, ""), *self._commands[command])
                for command in commands
                if command in self._commands
            }

    def empty(self) -> bool:
        return self.head() == 0

    def head(self) -> int:
        with _our_errors():
            return self.recorder.max_notification_id() or 0

    def frontier(self) -> Frontier:
        return Frontier(self.head(), 0, None)

    def listen(self) -> Listener:
        return BellListener(self.bell, self.bell.rung)

    def raw(self) -> Iterator[tuple[int, bytes, int, bytes, bytes, bytes]]:
        after = 0
        while page := self._notifications(after, _PAGE):
            for event in page:
                stream, name = str(event.originator_id).encode(), event.topic.encode()
                household = _household(event.state)
                yield event.id, stream, event.originator_version, name, household, event.state
            after = page[-1].id

    @contextmanager
    def inspect(self, *, deep: bool = False) -> Iterator[_Inspection]:
        yield _Inspection(self)

    def close(self) -> None:
        """Nothing is held open: the recorder is its owner's to close."""

    def _notifications(
        self, after: int, limit: int, upto: int | None = None, names: Sequence[str] = ()
    ) -> Sequence[Notification]:
        with _our_errors():
            return self.recorder.select_notifications(
                after, limit, upto, names, inclusive_of_start=False
            )

    def _catch_up(self) -> None:
        """Learn where the events stand that the recorder has got since."""
        while page := self._notifications(self._seen, _PAGE):
            for event in page:
                stream, position = str(event.originator_id), event.id
                try:
                    command = _decode(event.state).event.command
                    household = _household(event.state).decode()
                except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                    raise UnreadableEvent(position, stream, "command_id_missing") from error
                positions = self._positions.setdefault(stream, array("q"))
                if event.originator_version != len(positions) + 1:
                    raise UnreadableEvent(position, stream, "version_does_not_follow")
                positions.append(position)
                first, _ = self._commands.get(command, (position, position))
                self._commands[command] = (first, position)
                if household:
                    self._households.setdefault(household, set()).add(stream)
                self._seen = position


class _Inspection:
    """What a recorder lets one see: its events."""

    unchecked = ("commands", "pages", "schema", "tenants")

    def __init__(self, store: RecorderStore) -> None:
        self.raw = store.raw

    def commands(self) -> None:
        """A recorder keeps none."""

    def faults(self) -> list[ChainFault]:
        return []


class _Collector:
    """A transaction on its way: batches that are inserted together at its end."""

    def __init__(self, store: RecorderStore) -> None:
        self._store = store
        self._first = store.head() + 1
        self._rows: list[StoredRow] = []
        self._expected: dict[str, int | None] = {}
        self._commands: list[tuple[str, str, int, int]] = []
        self._begun: set[str] = set()

    def insert(self, batch: Batch) -> int:
        """Keep the batch; the answer is a guess, because others may insert before."""
        self._store._check(batch, self._begun)
        offset = len(self._rows)
        self._rows += batch.rows
        for stream, expected in batch.expected.items():
            self._expected.setdefault(stream, expected)
        for command, digest, start, end in batch.commands:
            self._begun.add(command)
            self._commands.append((command, digest, start + offset, end + offset))
        return self._first + offset

    def batch(self) -> Batch:
        """All that was collected."""
        return Batch(self._rows, self._expected, self._commands)


def _row(position: int, event: StoredEvent) -> StoredRow:
    stream = str(event.originator_id)
    try:
        state = event.state.decode()
    except UnicodeDecodeError as error:
        raise UnreadableEvent(position, stream, "UnicodeDecodeError") from error
    household = _household(event.state).decode()
    return StoredRow(position, stream, event.originator_version, event.topic, household, state)


def _household(state: bytes) -> bytes:
    """The household a stored text names at its end."""
    _, found, rest = state.rpartition(_HOUSEHOLD)
    return rest[: -len(_END)] if found and rest.endswith(_END) else b""


@contextmanager
def _our_errors() -> Iterator[None]:
    """The library's exceptions while reading, as ours."""
    try:
        yield
    except PersistenceError as error:
        raise StoreUnreachable("recorder_unreadable", reason=str(error)) from error
