"""The event log: a codec above a store of rows."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from threading import Event
from typing import Any

from crm_adapters.codec import Codec, StoredRow
from crm_adapters.eventlog.store import Batch, RowStore, Writer
from crm_adapters.eventlog.tiles import NO_FACTS
from crm_adapters.eventlog.tree import Tree
from crm_adapters.eventlog.verifying import verify
from crm_core.errors import (
    CommandReused,
    CommitUnknown,
    Conflict,
    Fault,
    Invalid,
    StoreUnreachable,
    UnknownEvent,
    UnreadableEvent,
)
from crm_core.kernel.canonical import DIGEST_END, DIGEST_START
from crm_core.kernel.limits import COMMAND_EVENTS_MAX
from crm_core.kernel.recorded import (
    Appended,
    Commit,
    Cutoff,
    KnownEvent,
    Recorded,
    Settled,
    Tip,
    Unreadable,
)
from crm_core.kernel.sentences import Malformed
from crm_core.kernel.text import check_storable
from crm_core.ports import NO_HEADS, Frontier, Listener, Root, Verification

CHUNK_ROWS = 1000
"""Rows encoded and inserted at a time."""

PAGE_ROWS = 2000
"""Rows read at a time: memory stays flat however long the log is."""

POLL_SECONDS = 0.5
"""How long a follower waits when nothing happens."""

LOOK_SECONDS = 0.005
"""How soon it looks again after something has happened; twice as long each time."""

_NEVER = datetime.min.replace(tzinfo=UTC)


class CodecEventLog:
    """An `EventLog` (see `crm_core.ports`) over any store of rows."""

    def __init__(self, store: RowStore, codec: Codec) -> None:
        self.store = store
        self.codec = codec
        self.tree = Tree(store, codec.recorded)

    @property
    def format_number(self) -> int:
        """The form in which everything in this log is stored."""
        return self.store.format_number

    # --- writing -------------------------------------------------------------------------

    def append(self, commits: Iterable[Commit]) -> list[Appended]:
        """Append all commits in one transaction (LOG-01).

        A sequence of commits may hold known command ids: they add nothing and return their
        first result. An iterator is appended as it comes; a known command in it is a conflict.
        """
        if not isinstance(commits, Sequence):
            return self._append_stream(commits)
        if not commits:
            return []
        chunk = _Chunk(self.codec, self.store.tenant)
        try:
            for commit in commits:
                chunk.add(commit)
            self.codec.vault.flush()
            first = self.store.insert(chunk.batch())
        except Conflict:
            known = self.known(commits)
            rest = [commit for commit in _once(commits) if commit.command not in known]
            if len(rest) == len(commits):
                raise
            for done in self.append(rest):
                known[done.command] = done
            return [known[commit.command] for commit in commits]
        return self._placed(chunk.appended(first))

    def known(self, commits: Sequence[Commit]) -> dict[str, Appended]:
        """Earlier results of those of the commits that were appended before.

        Raises:
            CommandReused: the same id with another digest.
        """
        known = self.store.outcomes([commit.command for commit in commits])
        for commit in commits:
            done = known.get(commit.command)
            if done is not None and done.digest != commit.digest:
                if done.digest:
                    raise CommandReused(commit.command)
                # The store keeps no digests: it can tell the same id, not the same command.
                known[commit.command] = done._replace(digest=commit.digest)
        return known

    def _append_stream(self, commits: Iterable[Commit]) -> list[Appended]:
        done: list[Appended] = []
        with self.store.transaction() as writer:
            chunk = _Chunk(self.codec, self.store.tenant)
            for commit in commits:
                chunk.add(commit)
                if len(chunk.rows) >= CHUNK_ROWS:
                    done.extend(self._insert(writer, chunk))
                    chunk = chunk.next()
            if chunk.commands:
                done.extend(self._insert(writer, chunk))
            # INVARIANT: no event is committed whose key is not durable.
            self.codec.vault.flush()
        return self._placed(done)

    def _insert(self, writer: Writer, chunk: _Chunk) -> list[Appended]:
        return chunk.appended(writer.insert(chunk.batch()))

    def _placed(self, done: list[Appended]) -> list[Appended]:
        """The results; a store that can only guess is asked where it has put them."""
        if self.store.exact or not done:
            return done
        try:
            known = self.store.outcomes([one.command for one in done])
        except StoreUnreachable as error:
            # What was committed must not be called unwritten.
            raise CommitUnknown(done[0].command) from error
        return [known.get(one.command, one) for one in done]

    # --- reading -------------------------------------------------------------------------

    def read(self, stream: str, *, after: int = 0) -> Iterator[Recorded[Any]]:
        storable(stream)
        return map(self.codec.decode, self.store.read(stream, after))

    def fold(
        self,
        stream: str,
        evolve: Callable[[Any, Any], Any],
        state: Any,
        *,
        opened: Callable[[str, int, Any], Any] | None = None,
    ) -> tuple[Any, Tip]:
        storable(stream)
        rows = self.store.bare(stream)
        if not rows:
            return state, Tip()
        try:
            state = self.codec.fold(rows, evolve, state, opened and partial(opened, stream))
        except (UnknownEvent, UnreadableEvent):
            # Reading it with its envelopes tells the position, too.
            deque(self.read(stream), maxlen=0)
            raise
        version, _, text = rows[-1]
        return state, Tip(version, text[DIGEST_START:DIGEST_END])

    def tips(self, streams: Collection[str]) -> dict[str, Tip]:
        storable(*streams)
        return self.store.tips(streams)

    def feed(
        self, *, after: int = 0, upto: int | None = None, names: Collection[str] | None = None
    ) -> Iterator[Recorded[Any]]:
        end = self.head() if upto is None else upto
        while page := self.store.page(after, end, names, PAGE_ROWS):
            yield from map(self.codec.decode, page)
            after = page[-1][0]

    def follow(
        self,
        *,
        after: int = 0,
        names: Collection[str] | None = None,
        poll_seconds: float = POLL_SECONDS,
        stop: Event | None = None,
    ) -> Iterator[Recorded[Any]]:
        """All events behind position `after`, and then new ones as they come, until `stop`.

        Every event once, in order, none missed. News are waited for with the store's listener; if
        its word is lost, the event is seen at the next poll. `stop` is looked at once per poll.
        """
        stop = Event() if stop is None else stop
        listener = self.listen()
        pause = LOOK_SECONDS
        try:
            while not stop.is_set():
                # The end is read first: what comes later is left for the next round.
                end = self.frontier().position
                if end > after:
                    yield from self.feed(after=after, upto=end, names=names)
                    after, pause = end, LOOK_SECONDS
                else:
                    # A word may be old news, or come before what it tells is settled.
                    listener.wait(pause)
                    pause = min(pause * 2, poll_seconds)
        finally:
            listener.close()

    def settled(
        self, *, after: int = 0, names: Collection[str] | None = None, limit: int = 1000
    ) -> Settled:
        end = max(self.head(), after)
        known = self.codec.catalog.names()
        misnamed = sorted(set(names or ()).difference(known))
        if misnamed:
            raise Invalid.one("event_unknown", event=misnamed[0])
        # Not "of these names": that would hide what is not known (LOG-05).
        hidden = [] if names is None else [name for name in known if name not in names]
        rows = self.store.page_without(after, end, hidden, limit)
        reached = rows[-1][0] if len(rows) == limit else end
        return Settled(tuple(map(self._readable, rows)), reached)

    def digests(
        self, *, after: int = 0, upto: int | None = None, names: Collection[str] | None = None
    ) -> Iterator[tuple[int, str, str]]:
        end = self.head() if upto is None else upto
        while page := self.store.page(after, end, names, PAGE_ROWS):
            for row in page:
                yield row[0], row[4], row[5][DIGEST_START:DIGEST_END]
            after = page[-1][0]

    def identity(self, position: int) -> str | None:
        # Of any name, and also where the text can be read by nobody.
        rows = self.store.page_without(position - 1, position, (), 1)
        return str(rows[0][5])[DIGEST_START:DIGEST_END] if rows else None

    def count(self, *, after: int = 0) -> int:
        return self.store.count(after)

    def _readable(self, row: StoredRow) -> Recorded[Any] | Unreadable:
        try:
            return self.codec.decode(row)
        except (UnknownEvent, UnreadableEvent) as error:
            return Unreadable(*row[:5], str(error))
        except Exception as error:  # noqa: BLE001 - an upcaster may fail in any way
            failure = UnreadableEvent(row[0], row[1], type(error).__name__)
            return Unreadable(*row[:5], str(failure))

    def by_household(
        self,
        *,
        upto: int | None = None,
        names: Collection[str] | None = None,
        households: Sequence[str] | None = None,
    ) -> Iterator[tuple[str, list[Recorded[Any]]]]:
        storable(*households or ())
        decode = self.codec.decode
        current, events = "", list[Recorded[Any]]()
        end = self.head() if upto is None else upto
        after = ("", 0)
        while page := self.store.household_page(after, end, names, households, PAGE_ROWS):
            for row in page:
                if row[4] != current:
                    if events:
                        yield current, events
                    current, events = row[4], []
                events.append(decode(row))
            after = (page[-1][4], page[-1][0])
        if events:
            yield current, events

    def facts(
        self,
        *,
        upto: int | None = None,
        names: Collection[str] | None = None,
        households: Sequence[str] | None = None,
        heads: Mapping[str, type] = NO_HEADS,
        within: tuple[str, str | None] = ("", None),
    ) -> Iterator[tuple[str, list[KnownEvent]]]:
        storable(*households or ())
        fact, verbatim = self.codec.fact, self.codec.verbatim
        current, facts = "", list[KnownEvent]()
        end = self.head() if upto is None else upto
        first, before = within
        after = (first, 0)
        while page := self.store.bare_household_page(after, end, names, households, PAGE_ROWS):
            for household, position, name, text in page:
                if household != current:
                    if facts:
                        yield current, facts
                    current, facts = household, []
                    if before is not None and household >= before:
                        return
                try:
                    if name in heads:
                        facts.append(verbatim(position, text, heads[name]))
                    else:
                        facts.append(fact(position, name, text))
                except UnreadableEvent:
                    # Reading it with its envelope tells the stream, too.
                    deque(self.feed(after=position - 1, upto=position), maxlen=0)
                    raise
            after = (page[-1][0], page[-1][1])
        if facts:
            yield current, facts

    def outcomes(self, commands: Collection[str]) -> dict[str, Appended]:
        storable(*commands)
        return self.store.outcomes(commands)

    def empty(self) -> bool:
        return self.store.empty()

    def head(self) -> int:
        return self.store.head()

    def frontier(self) -> Frontier:
        return self.store.frontier()

    def listen(self) -> Listener:
        return self.store.listen()

    def cutoff(self, known: datetime | None, *, without: str) -> Cutoff:
        end = self.head()
        if without == NO_FACTS:
            return self.tree.cutoff(known, end, _NEVER)
        position, latest = 0, _NEVER
        for at, recorded in self._facts(0, end, without):
            if known is None:
                latest = max(latest, recorded)
                position = at
            elif recorded <= known:
                position = at
        return Cutoff(position, latest if known is None else known)

    def unseen(self, cutoff: Cutoff, by: datetime, *, without: str) -> int:
        end = self.head()
        if without == NO_FACTS:
            return self.tree.unseen(cutoff, by, end)
        facts = self._facts(0, end, without)
        return sum(recorded <= by and not cutoff.saw(at, recorded) for at, recorded in facts)

    def _facts(self, after: int, end: int, without: str) -> Iterator[tuple[int, datetime]]:
        """Position and instant of all events but those whose names begin so."""
        recorded_of = self.codec.recorded
        while page := self.store.page(after, end, None, PAGE_ROWS):
            for row in page:
                if not row[3].startswith(without):
                    yield row[0], recorded_of(row)
            after = page[-1][0]

    def root(self, position: int | None = None) -> Root:
        end = self.head()
        return self.tree.root(end if position is None else min(position, end))

    def canonical(self, event: Any) -> bytes:
        return self.codec.encode_event(event)

    def close(self) -> None:
        self.store.close()

    # --- verifying -----------------------------------------------------------------------

    def verify(self, *, root: bool = True, deep: bool = False) -> Verification:
        """Check every stored byte (see `crm_adapters.eventlog.verifying`).

        Args:
            root: False leaves the root out (an empty text) where only the chain is asked for.
        """
        return verify(self.store, root=root, deep=deep)


def storable(*names: str) -> None:
    """Names that every store can hold.

    Raises:
        Invalid: one of them is not such a name.
    """
    try:
        check_storable(*names)
    except Malformed as error:
        raise Invalid([Fault.of("text_unstorable", error)]) from error


def _once(commits: Sequence[Commit]) -> list[Commit]:
    """The first commit of each command id.

    Raises:
        CommandReused: the same id with another digest.
    """
    first: dict[str, Commit] = {}
    for commit in commits:
        if first.setdefault(commit.command, commit).digest != commit.digest:
            raise CommandReused(commit.command)
    return list(first.values())


class _Chunk:
    """Commits on their way into one batch, each stream continuing where the last commit left it."""

    def __init__(self, codec: Codec, tenant: str, tips: dict[str, Tip] | None = None) -> None:
        self._codec, self._tenant = codec, tenant
        self._tips: dict[str, Tip] = {} if tips is None else tips
        self.rows: list[StoredRow] = []
        self._expected: dict[str, int] = {}
        self.commands: list[tuple[str, str, int, int]] = []

    def add(self, commit: Commit) -> None:
        events = sum(len(append.events) for append in commit.appends)
        if events > COMMAND_EVENTS_MAX:
            raise Invalid.one("command_too_large", events=events, most=COMMAND_EVENTS_MAX)
        first = len(self.rows)
        storable(commit.command)
        for append in commit.appends:
            stream = append.stream
            storable(stream, append.household)
            tip = self._tips.get(stream)
            if tip is None:
                tip = append.tip
                self._expected[stream] = tip.version
            elif tip.version != append.tip.version:
                raise Conflict(stream, append.tip.version, tip.version)
            rows, tip = self._codec.encode(
                stream,
                tip,
                append.household,
                append.events,
                tenant=self._tenant,
                # With the first event of a command stands what the command said.
                command_digest=commit.digest if len(self.rows) == first else None,
                about=append.about,
            )
            self._tips[stream] = tip
            self.rows.extend(rows)
        self.commands.append((commit.command, commit.digest, first, len(self.rows) - 1))

    def batch(self) -> Batch:
        return Batch(self.rows, self._expected, self.commands)

    def appended(self, first: int) -> list[Appended]:
        return [
            Appended(command, digest, first + start, first + end)
            for command, digest, start, end in self.commands
        ]

    def next(self) -> _Chunk:
        """An empty chunk that knows where the streams stand by now."""
        return _Chunk(self._codec, self._tenant, self._tips)
