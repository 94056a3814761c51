"""What the core asks of the world; `crm_core.testing` has a contract suite for each port.

Ports speak of the kernel only, so that whoever needs a store or a clock sees no slice. What a
grading asks of its facts engine is in `crm_core.gradings.engines.port`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol, TypeVar, runtime_checkable

from attrs import field

from crm_core.kernel.projection import BuildStatus, Consumer, Parked, Projection
from crm_core.kernel.recorded import Appended, Commit, Cutoff, KnownEvent, Recorded, Settled, Tip
from crm_core.kernel.sealed import Opened, Personal, Place, Sealed
from crm_core.kernel.ticking import ParkedRow
from crm_core.kernel.values import frozen

EVENTS = "events"
"""The engine for facts that is always there, and the reference of all others."""

R = TypeVar("R")

NO_HEADS: Mapping[str, type] = {}

Progress = Callable[[int], None]
"""Told how many more are done."""


def silent(_count: int) -> None:
    """Progress that nobody watches."""


@frozen
class ChainFault:
    """The first thing that is wrong with the stored history.

    Args:
        position: Where, or 0 if it is nowhere in the history.
        stream: In which stream, or an empty text.
        kind: Of an event: `digest`, `version`, `position` or `malformed`. Of what lies around the
            events: `command` (the row of a command says otherwise than its events), `index` (an
            index, or a table's own order, leads elsewhere), `pages` (the database itself finds
            damage), `schema` (something is there that no log has, or is missing, or is another),
            `tenant` (rows that belong to nobody), `type` (a value of another kind than the
            column's), `tile` (what is kept of 256 events says otherwise than they do; the position
            is that of the last of them), `view` (a view says otherwise than the events).
        object: Name of the table, index, trigger, command, tenant or view, where it is about one.
    """

    position: int
    stream: str
    kind: str
    object: str = ""


@frozen
class Verification:
    """Result of reading every stored byte again (LOG-04's chain; root per RFC 9162).

    Args:
        unchecked: What was not looked at: `commands` where the store keeps none, `pages` (how the
            database lays things out), `schema` and `tenants` where it may not be asked, `views`.
    """

    events: int
    first_fault: ChainFault | None
    root: str
    unchecked: tuple[str, ...] = ()

    @property
    def intact(self) -> bool:
        return self.first_fault is None


@frozen
class Root:
    """What all events up to a position are bound by.

    Args:
        events: How many there are.
        root: Of the RFC 9162 tree over them, as hex.
    """

    events: int
    root: str


@frozen
class Frontier:
    """How far the log is final: nothing will ever be written at or before `position`.

    Args:
        position: Of the last event that is final; 0 if there is none.
        behind: Events that are committed but stand behind a transaction that is still open.
        seconds: How long the oldest open transaction that holds them back has been open; None if
            nothing is held back or the store does not tell.
    """

    position: int
    behind: int
    seconds: float | None


class Listener(Protocol):
    """Waits for news of a store; what it says is a hint, and a lost hint costs one wait."""

    def wait(self, seconds: float) -> bool:
        """Whether something may have been appended; at the latest after `seconds`."""
        ...

    def close(self) -> None:
        """Stop listening."""
        ...


@runtime_checkable
class EventLog(Protocol):
    """An append-only history of streams, in one order of positions."""

    def append(self, commits: Iterable[Commit]) -> list[Appended]:
        """Append all commits in one transaction, or nothing.

        A commit whose command id was appended before adds nothing and returns the first result.

        Raises:
            Conflict: a stream does not end where its commit says.
            CommandReused: a known command id with another digest.
            CommitUnknown: the store failed while committing.
        """
        ...

    def read(self, stream: str, *, after: int = 0) -> Iterator[Recorded[Any]]:
        """Events of one stream behind version `after`, in order."""
        ...

    def fold(
        self,
        stream: str,
        evolve: Callable[[Any, Any], Any],
        state: Any,
        *,
        opened: Callable[[str, int, Any], Any] | None = None,
    ) -> tuple[Any, Tip]:
        """The state of a stream from its first event on, and its end.

        The same as folding `read`, without the envelopes that a fold does not look at.

        Args:
            opened: What is folded in the place of an event of a stream and a version.
        """
        ...

    def tips(self, streams: Collection[str]) -> dict[str, Tip]:
        """Ends of those of the streams that have events."""
        ...

    def feed(
        self, *, after: int = 0, upto: int | None = None, names: Collection[str] | None = None
    ) -> Iterator[Recorded[Any]]:
        """All events behind position `after`, in order of position; only `names` if given.

        Args:
            upto: Last position to be read; by default `head()`. Behind the head it shows what is
                committed by now, which need not be all there will be.
        """
        ...

    def settled(
        self, *, after: int = 0, names: Collection[str] | None = None, limit: int = 1000
    ) -> Settled:
        """A page of the feed behind position `after` for those who must not miss anything.

        Known events that are not among `names` are left out; unknown ones never are, because
        nobody can tell what they would have meant. Nothing raises for a damaged or unknown event.

        Args:
            limit: Of events on the page.

        Raises:
            Invalid: one of the names is not that of an event, so nobody would ever hear of it.
        """
        ...

    def digests(
        self, *, after: int = 0, upto: int | None = None, names: Collection[str] | None = None
    ) -> Iterator[tuple[int, str, str]]:
        """Position, household and digest, as stored, of the events that `feed` would give."""
        ...

    def identity(self, position: int) -> str | None:
        """The digest of the event at a position, readable or not; None if there is no event.

        Who follows the log keeps it with the position reached, and knows by it whether it is still
        the same log with the same past.
        """
        ...

    def count(self, *, after: int = 0) -> int:
        """How many events stand behind position `after`."""
        ...

    def by_household(
        self,
        *,
        upto: int | None = None,
        names: Collection[str] | None = None,
        households: Sequence[str] | None = None,
    ) -> Iterator[tuple[str, list[Recorded[Any]]]]:
        """Events of one household after another, households sorted, each in order of position."""
        ...

    def facts(
        self,
        *,
        upto: int | None = None,
        names: Collection[str] | None = None,
        households: Sequence[str] | None = None,
        heads: Mapping[str, type] = NO_HEADS,
        within: tuple[str, str | None] = ("", None),
    ) -> Iterator[tuple[str, list[KnownEvent]]]:
        """The same as `by_household`, but only what a fold looks at: a third of the work.

        Args:
            within: Only households from the first on, and before the second if there is one.
            heads: For these names the event is a `Verbatim`, its head of the class given: one that
                has some of the fields of the event.
        """
        ...

    def outcomes(self, commands: Collection[str]) -> dict[str, Appended]:
        """What was appended for those of the command ids that are known."""
        ...

    def empty(self) -> bool:
        """Whether there are no events at all."""
        ...

    def head(self) -> int:
        """Position of the last event that is final; 0 for an empty log.

        Nothing will be written at or before it: a reader who has read so far has missed nothing.
        Positions grow, but need not be contiguous.
        """
        ...

    def frontier(self) -> Frontier:
        """How far the log is final, and what is held back."""
        ...

    def listen(self) -> Listener:
        """Someone to wait with for the next append."""
        ...

    def cutoff(self, known: datetime | None, *, without: str) -> Cutoff:
        """The cut-off at which everything known by then is seen (GRD-12).

        Args:
            known: Knowledge instant; None for that of the latest fact.
            without: Events whose names begin so are no facts and do not move the cut-off.

        Returns:
            Position of the last fact seen, and the instant.
        """
        ...

    def unseen(self, cutoff: Cutoff, by: datetime, *, without: str) -> int:
        """How many facts of the log lie beyond a cut-off and were recorded by an instant (GRD-17).

        Args:
            without: As for `cutoff`.
        """
        ...

    def root(self, position: int | None = None) -> Root:
        """The root of the tree over all events at or before a position (LOG-04).

        It takes no longer for a longer log, and checks nothing: that is what `verify` is for.

        Args:
            position: By default `head()`, and never behind it.
        """
        ...

    def canonical(self, event: Any) -> bytes:
        """The bytes of an event as they are stored."""
        ...

    def verify(self, *, deep: bool = False) -> Verification:
        """Read every stored byte as readers do, and check it (LOG-04).

        Chain, versions, order, the rows of commands, and what the store can be asked besides:
        kinds of values, indexes, foreign triggers and tables.

        Args:
            deep: Have the database check its own pages, too.
        """
        ...

    def close(self) -> None:
        """Give back what the log holds open."""
        ...


class Views(Protocol):
    """Rows of projections, and consumers, kept up with the log (LOG-05).

    Any number of workers on any machines may keep up the same view: each event takes effect once.
    """

    def catch_up(
        self,
        view: Projection[Any] | Consumer,
        *,
        stop: Callable[[], bool] | None = None,
        changed: Callable[[str], object] | None = None,
    ) -> int:
        """Apply what the feed holds behind the place reached; the place reached now.

        Before each batch the event at the place reached is compared with what it was.

        Events that cannot be applied are parked with their stream, visibly; others proceed. A
        build that has caught up becomes the live one.

        Args:
            stop: Asked after each batch; True ends it there.
            changed: Told the key of each row of the live build that was written or taken away.

        Raises:
            OtherPast: the log is not the one that was followed so far; nothing was applied.
        """
        ...

    def get(self, view: Projection[R], key: str) -> R | None:
        """The row of that key as of the place reached, or None.

        Raises:
            ViewNotReady: the first build of this version has not caught up yet.
        """
        ...

    def named(self, view: Projection[R], keys: Sequence[str]) -> dict[str, R]:
        """Those of the named rows that there are as of the place reached, by key.

        Raises:
            ViewNotReady: the first build of this version has not caught up yet.
        """
        ...

    def scan(
        self,
        view: Projection[R],
        *,
        upto: str | None = None,
        after: tuple[str, str] = ("", ""),
        limit: int = 1000,
    ) -> Sequence[tuple[str, str, R]]:
        """Rows as (order, key, row), sorted by order and key.

        Args:
            upto: Only rows whose order is not behind this one.
            after: Order and key of the last row of the page before.

        Raises:
            ViewNotReady: the first build of this version has not caught up yet.
        """
        ...

    def put_off(self, view: Projection[R], orders: Mapping[str, tuple[R, str]]) -> bool:
        """Scan rows by another order until an event writes them again; whether it was done.

        It is not where another worker was first, which does no harm: they are only scanned earlier.

        Args:
            orders: By key a row as it was seen, and its new order; one that is no more as it was
                seen stays as it is.
        """
        ...

    def rebuild(self, view: Projection[Any] | Consumer) -> int:
        """Begin a new build beside the live one, which readers go on seeing; its number.

        A consumer begins anew only where it has followed another past of the log; else it would do
        everything again.

        `catch_up` carries it on, after an interruption too, and makes it live once it has caught
        up and has no more parked events than the live one. An unfinished build is given up.
        """
        ...

    def retry(self, view: Projection[Any] | Consumer) -> int:
        """Try parked events again, each stream in order; how many took effect now."""
        ...

    def status(self) -> Sequence[BuildStatus]:
        """Every consumer and build, sorted."""
        ...

    def parked(
        self, consumer: str, version: int, build: int, *, after: int = 0, limit: int = 1000
    ) -> Sequence[Parked]:
        """What a build has parked behind position `after`, in order of position."""
        ...

    def parked_rows(self, source: str | None = None) -> Sequence[ParkedRow]:
        """Rows of a source of the clock, or of all, that could not be served, sorted (REQ-13)."""
        ...

    def park_rows(
        self, source: str, rows: Iterable[ParkedRow], served: Iterable[ParkedRow]
    ) -> None:
        """Keep rows of a source as parked, and release those that were served."""
        ...

    def basis(self, source: str) -> str:
        """What the rows of a source were put off by; an empty text if none ever was."""
        ...

    def keep_basis(self, source: str, basis: str) -> None:
        """Keep what the rows of a source are put off by."""
        ...

    def prune(self, views: Iterable[Projection[Any]]) -> int:
        """Drop builds of versions older than the given ones of the same name; how many."""
        ...

    def close(self) -> None:
        """Give back what the views hold open."""
        ...


@frozen
class Tombstone:
    """What stands of an erasure outside the log and the keys (decision record 0055).

    Args:
        household: The household it was in; empty for a member of staff, and where the keys alone
            knew of it.
        keys: Ids of the keys that are destroyed.
        version: Version of the event that says so, in the one stream of all erasures; 0 where the
            keys alone knew of it.
        digest: Its digest.
        settled: Whether all that follows has been done.
    """

    household: str
    keys: tuple[str, ...]
    version: int
    digest: str
    settled: bool = False


@frozen
class Urn:
    """An urn as it is emptied.

    Args:
        name: Its name; every host has its own.
        said: Answers, and what was written in them, each for itself: sorted, so that their order
            says nothing that they do not say themselves.
        unused: How many slips nobody used.
    """

    name: str
    said: tuple[str, ...]
    unused: int


class Urns(Protocol):
    """Where answers lie that nobody's name is on, until their survey is over (SUR-02, 0063).

    It is neither the log nor the keys, and in no backup of them. What lies in it follows from which
    slips are open and what was answered alone: not from when, by whom or in which order.
    """

    def issue(self, survey: str, number: int = 1) -> Sequence[str]:
        """New slips that can be used once; nobody else can know or guess them.

        Raises:
            StoreUnreachable: they cannot be kept, so they are none.
        """
        ...

    def withdraw(self, survey: str, slips: Collection[str]) -> None:
        """Take slips back that nobody has used."""
        ...

    def cast(self, survey: str, filled: Sequence[tuple[str, Sequence[str]]]) -> Sequence[int]:
        """Put answers in, each for its slip, which is used up: all of them, or none.

        Args:
            filled: Slips, each with what is said for it; what is said lies there each for itself.

        Returns:
            The places of those whose slip is not open, in which case nothing was put in.
        """
        ...

    def surveys(self) -> Sequence[str]:
        """The surveys that something is here of."""
        ...

    def emptied(self, survey: str) -> Urn | None:
        """What lies here of a survey; from now on nothing comes to it. None if nothing ever did."""
        ...

    def destroy(self, survey: str) -> None:
        """Forget all of a survey."""
        ...


class Tombstones(Protocol):
    """Remembers who was erased when log and keys are put back from before it (PRV-04)."""

    def read(self) -> Sequence[Tombstone]:
        """All of them, in the order in which they were added.

        Raises:
            TombstonesTampered: they are not what was written.
        """
        ...

    def add(self, stone: Tombstone) -> None:
        """Keep one more; it is on the disk when this returns."""
        ...

    def settle(self, digest: str) -> None:
        """Keep that all that follows from an erasure has been done."""
        ...

    def turn(self, *, wait: bool = True) -> AbstractContextManager[bool]:
        """Whether it is one's turn to erase: one process does at a time.

        Args:
            wait: For whoever has the turn; without it the answer may be no.
        """
        ...


@frozen
class Trace:
    """Something that may tell of an erased person, and what became of it.

    Args:
        kind: `message`, `columns`, `database`, or what sort of file it is.
        name: Its number, or its path.
        outcome: `withheld`, `deleted`, `rewritten`, `cleared`, `not_found`, `left` or `failed`.
    """

    kind: str
    name: str
    outcome: str


class Traces(Protocol):
    """What was written besides log and keys, as far as it can be reached (PRV-04)."""

    def look(self, stone: Tombstone, values: Collection[str] | None) -> Sequence[Trace]:
        """What `purge` would do, as it would tell it."""
        ...

    def purge(self, stone: Tombstone, values: Collection[str] | None) -> Sequence[Trace]:
        """Take away whatever tells of them; what others wrote of others stays.

        Args:
            values: Their personal values in plain text; None where they can be opened no more.
        """
        ...


class KeyVault(Protocol):
    """Keeps one key per person; sealing and opening happen here, keys never leave.

    A value about several (`kernel.subjects`) is under a key that HKDF (RFC 5869) makes of the keys
    of all of them, for the place it stands in: nothing more is kept, and whoever of them is erased
    closes it.
    """

    def seal(self, value: Personal, place: Place) -> Sealed:
        """The value sealed under its person's key (made if there is none) for that place.

        Raises:
            PersonErased: the key of one of those it is about was destroyed.
        """
        ...

    def open(self, value: Sealed, place: Place) -> Opened:
        """The value opened, or why not: erased, key missing, and tampered are different."""
        ...

    def fingerprint(self, value: Personal) -> str:
        """A keyed digest of the value: equal values of one person are equal, nothing else shows."""
        ...

    def erase(self, *subjects: str) -> None:
        """Destroy these keys for ever, all at once, and remember that they were destroyed."""
        ...

    def keep_erased(self, subjects: Collection[str]) -> frozenset[str]:
        """Let them stay erased, whatever keys have been put back; destroy those that have been.

        Where nothing can be written, the keys that are there are not used.

        Returns:
            Whose keys had come back.
        """
        ...

    def erased(self) -> frozenset[str]:
        """Whose keys were destroyed, as the keys themselves say; none is opened for it."""
        ...

    def is_erased(self, subject: str) -> bool:
        """Whether the key of a person, or of a household by its number, was destroyed."""
        ...

    def holds(self, subject: str) -> bool:
        """Whether there is a key of a person, or of a household by its number; makes none."""
        ...

    def flush(self) -> None:
        """Make new keys durable. Events sealed under them are appended only afterwards."""
        ...

    def close(self) -> None:
        """Give back what the vault holds open."""
        ...


@frozen
class Outgoing:
    """A message as a channel sends it.

    Args:
        id: Stable: the same message has it at every attempt, and no other message ever.
        channel: The channel it was meant for: `sms`, `email`, ...
        purpose: What it is for.
        language: `zh` or `en`.
        address: Where to; known only while it is being sent.
        subject: One line.
        body: The text; like the subject it may hold a name, so neither ever shows itself.
    """

    id: str
    channel: str
    purpose: str
    language: str
    address: Personal
    subject: str = field(repr=False)
    body: str = field(repr=False)


class Notifier(Protocol):
    """Sends messages by one channel (OUT-01)."""

    def send(self, outgoing: Outgoing) -> str:
        """Hand the message over; a receipt of one line, without anything personal.

        Sending the same id again is allowed; whether the receiver takes it twice is its affair.

        Raises:
            NotDelivered: it was refused, or the channel cannot be reached, or it is unknown
                whether the message was taken. Nothing else is raised for what a message says or
                what the other side does.
        """
        ...

    def close(self) -> None:
        """Give back what the notifier holds open."""
        ...


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """The present instant, in UTC."""
        ...


class Ids(Protocol):
    """Makes ids for commands that came without one."""

    def new(self) -> str:
        """A new id, never used before."""
        ...
