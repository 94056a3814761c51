"""The runner: takes a consumer's events batch by batch, and never past one it has not handled.

A worker reads where a build stands, computes what a page of the feed changes, and commits rows,
place reached and parked events in one short transaction, on condition that the build still stands
where it was seen. If another worker was first, it throws its work away and goes on from there.
So any number of workers may share a view, and each event takes effect once (decision record 0017).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import attrs
import msgspec
from attrs import field

from crm_adapters.projections.store import Change, Checkpoint, Place, Row, ViewStore
from crm_core.errors import Failed, OtherPast, described, is_of_the_store
from crm_core.kernel.projection import Consumer, Parked, Projection, Put, Remove
from crm_core.kernel.recorded import Recorded, Unreadable
from crm_core.kernel.values import define
from crm_core.ports import Clock, EventLog

Task = Projection[Any] | Consumer
Taken = Recorded[Any] | Unreadable

BATCH_EVENTS = 2000
"""Events of a view's batch: enough that a commit's flush is shared, few enough to be quick."""

HANDLED_EVENTS = 200
"""Events of a consumer's batch: what may be handled twice after an interruption."""

HOLD = timedelta(seconds=60)
"""How long a worker has a consumer to itself: what acts outside is not done by two at once."""

WORK = timedelta(seconds=10)
"""After so long a batch ends early, well before others may think that the worker has died."""

CACHED_ROWS = 50_000
"""Rows kept from batch to batch; more than any batch reads."""

_encode = msgspec.json.Encoder(order="sorted").encode


class Runner:
    """Runs batches of one log into one store of views.

    Args:
        batch: Events taken at a time.
    """

    def __init__(
        self, log: EventLog, store: ViewStore, clock: Clock, *, batch: int = BATCH_EVENTS
    ) -> None:
        self.log = log
        self.store = store
        self.clock = clock
        self.batch = batch

    # --- going on -------------------------------------------------------------------------

    def advance(
        self,
        task: Task,
        place: Place,
        upto: int,
        *,
        stop: Callable[[], bool] | None = None,
        changed: Callable[[str], object] | None = None,
    ) -> bool:
        """Go on until position `upto`; whether it was reached.

        It is not where somebody else holds the consumer, where the build is gone, or on `stop`.

        Args:
            changed: Told the key of each row that was written or taken away.

        Raises:
            OtherPast: the log is not the one that was followed so far.
        """
        cache = Cache(changed=changed)
        if isinstance(task, Consumer) and task.check is not None:
            task.check()
        while True:
            seen = self.store.checkpoint(place)
            if seen is None or seen.state == "retired":
                return False
            self.check(seen)
            if seen.position >= upto:
                return True
            if stop is not None and stop():
                return False
            if not self.step(task, seen, cache):
                return False

    def step(self, task: Task, seen: Checkpoint, cache: Cache) -> bool:
        """One batch; False if another worker has the consumer, or nothing more is settled."""
        if isinstance(task, Projection):
            batch = Applied(self, task, seen, cache)
            page = self.log.settled(after=seen.position, names=task.names, limit=self.batch)
            for taken in page.events:
                batch.take(taken)
            batch.commit(page.reached)
            return page.reached > seen.position
        limit = min(self.batch, HANDLED_EVENTS)
        page = self.log.settled(after=seen.position, names=task.names, limit=limit)
        if not page.events:
            self.store.commit(self.change(seen, page.reached, {}))
            return page.reached > seen.position
        held = self.hold(seen)
        if held is None:
            return False
        # Nothing is handed over that was read of another log.
        self.check(seen)
        handled = Handled(self, task, held)
        position, until = seen.position, self.clock.now() + WORK
        try:
            for taken in page.events:
                handled.take(taken)
                position = taken.position
                if self.clock.now() > until:
                    break
            else:
                position = page.reached
        finally:
            # Whatever ended it: what was handled was handled.
            handled.commit(position)
        return True

    def check(self, seen: Checkpoint) -> None:
        """Whether the event at the place reached is still the one that was seen there.

        Raises:
            OtherPast: it is another, or there is none any more.
        """
        found = self.log.identity(seen.position) if seen.mark else ""
        if found != seen.mark:
            raise OtherPast(seen.place.consumer, seen.position, seen.mark, found or "")

    def change(
        self,
        seen: Checkpoint,
        position: int,
        rows: Mapping[str, Row | None],
        parked: Sequence[Parked] = (),
        unparked: Sequence[int] = (),
    ) -> Change:
        """What a batch changes, with the identity of the event that was reached.

        Raises:
            OtherPast: the log was exchanged while the batch was read.
        """
        mark = seen.mark
        if position != seen.position:
            mark = self.log.identity(position) or ""
            self.check(seen)
        return Change(seen, position, rows, parked, unparked, mark)

    def hold(self, seen: Checkpoint) -> Checkpoint | None:
        """The consumer for oneself, for a while; None if another worker has it."""
        now = self.clock.now()
        if seen.held_until is not None and seen.held_until > now:
            return None
        return self.store.hold(seen, now + HOLD)

    # --- trying again ---------------------------------------------------------------------

    def retry(self, task: Task, place: Place) -> int:
        """Try parked events, each stream in order up to the first that fails again.

        Returns:
            How many took effect.
        """
        count = 0
        for stream in self.store.parked_streams(place):
            more = True
            while more:
                more, done = self._retry(task, place, stream)
                count += done
        return count

    def _retry(self, task: Task, place: Place, stream: str) -> tuple[bool, int]:
        """One batch of a stream: whether to go on with it, and how many events took effect."""
        seen = self.store.checkpoint(place)
        if seen is None:
            return False, 0
        self.check(seen)
        limit = HANDLED_EVENTS if isinstance(task, Consumer) else self.batch
        parked = self.store.parked(place, stream=stream, limit=limit)
        if not parked:
            return False, 0
        batch: Batch
        if isinstance(task, Projection):
            batch = Applied(self, task, seen, Cache(), {})
        else:
            held = self.hold(seen)
            if held is None:
                return False, 0
            batch = Handled(self, task, held, {})
        until = self.clock.now() + WORK
        try:
            for one in parked:
                if not batch.again(one, self._parked_event(one)) or self.clock.now() > until:
                    break
        finally:
            committed = batch.commit(seen.position)
        if not committed:
            return True, 0
        return not batch.parked, len(batch.unparked)

    def _parked_event(self, parked: Parked) -> Taken:
        page = self.log.settled(after=parked.position - 1, limit=1)
        for taken in page.events:
            if taken.position == parked.position:
                return taken
        error = f"there is no event at position {parked.position} any more"
        return Unreadable(parked.position, parked.stream, parked.version, parked.name, "", error)


@define
class Cache:
    """Rows as read or written, good for as long as nobody else changes the build.

    Texts, not objects: what a projection gets does not depend on where a batch began.

    Args:
        changed: Told the key of each row that was written or taken away, once it is.
    """

    revision: int = -1
    rows: dict[str, str | None] = field(factory=dict)
    changed: Callable[[str], object] | None = None

    def at(self, revision: int) -> dict[str, str | None]:
        """The rows that hold at a revision."""
        if self.revision != revision or len(self.rows) > CACHED_ROWS:
            self.rows = {}
        self.revision = revision
        return self.rows


class Batch:
    """Events on their way into one change of a build."""

    def __init__(
        self,
        runner: Runner,
        seen: Checkpoint,
        waiting: dict[str, int] | None,
    ) -> None:
        self.runner = runner
        self.seen = seen
        self.now = runner.clock.now()
        self.rows: dict[str, Row | None] = {}
        self.parked: list[Parked] = []
        self.unparked: list[int] = []
        # Streams with a parked event, and where the first one stands.
        self.waiting = runner.store.parked_streams(seen.place) if waiting is None else waiting

    def take(self, taken: Taken) -> None:
        """An event of the feed: handle it or park it, never neither."""
        first = self.waiting.get(taken.stream)
        if first is not None:
            self._park(taken, f"waits behind position {first}", 0)
            return
        error = self._attempt(taken)
        if error is not None:
            self.waiting[taken.stream] = taken.position
            self._park(taken, error, 1)

    def again(self, parked: Parked, taken: Taken) -> bool:
        """A parked event once more; whether it took effect."""
        error = self._attempt(taken)
        if error is None:
            self.unparked.append(parked.position)
            return True
        last = self.runner.clock.now()
        self.parked.append(attrs.evolve(parked, error=error, tries=parked.tries + 1, last_at=last))
        return False

    def commit(self, position: int) -> bool:
        """Rows, place and parked events in one transaction; False if another was first."""
        runner = self.runner
        change = runner.change(self.seen, position, self.rows, self.parked, self.unparked)
        return runner.store.commit(change)

    def _attempt(self, taken: Taken) -> str | None:
        """Handle one event; what is wrong if it cannot be."""
        if isinstance(taken, Unreadable):
            return taken.error
        try:
            self.handle(taken)
        except Exception as error:  # whatever a handler raises parks its event
            if is_of_the_store(error):
                # A store does not answer: that is no fault of the event.
                raise
            return described(error)
        return None

    def handle(self, recorded: Recorded[Any]) -> None:
        """Let one event take effect."""
        raise NotImplementedError

    def _park(self, taken: Taken, error: str, tries: int) -> None:
        now = self.now
        one = Parked(
            position=taken.position,
            stream=taken.stream,
            version=taken.version,
            name=taken.name,
            error=error,
            tries=tries,
            first_at=now,
            last_at=now,
        )
        self.parked.append(one)


class Applied(Batch):
    """A batch of a projection."""

    def __init__(
        self,
        runner: Runner,
        view: Projection[Any],
        seen: Checkpoint,
        cache: Cache,
        waiting: dict[str, int] | None = None,
    ) -> None:
        super().__init__(runner, seen, waiting)
        self._view = view
        self._cache = cache
        self._known = cache.at(seen.revision)
        self._decoder = decoder_of(view.row)
        self._trouble: Failed | None = None

    def get(self, key: str) -> Any:
        """The row as it stands before the event at hand: what `apply` sees."""
        text = self._known.get(key, "")
        if text == "":
            try:
                text = self._known[key] = self.runner.store.row(self.seen.place, key)
            except Failed as error:
                self._trouble = error
                raise
        return None if text is None else self._decoder.decode(text)

    def handle(self, recorded: Recorded[Any]) -> None:
        try:
            changes = self._staged(self._view.apply(self, recorded))
        finally:
            # Trouble of the store is none of the event's, even where `apply` made light of it.
            if self._trouble is not None:
                raise self._trouble
        for key, row in changes.items():
            self.rows[key] = row
            self._known[key] = None if row is None else row.data

    def commit(self, position: int) -> bool:
        committed = super().commit(position)
        # What was read and written holds from now on at the next revision, or not at all.
        self._cache.revision = self.seen.revision + 1 if committed else -1
        if committed and self._cache.changed is not None:
            for key in self.rows:
                self._cache.changed(key)
        return committed

    def _staged(self, changes: Iterable[Put[Any] | Remove]) -> dict[str, Row | None]:
        """All changes of one event, as they will be written, or an exception and none."""
        staged: dict[str, Row | None] = {}
        for change in changes:
            if not change.key:
                # A scan begins behind the empty key.
                raise ValueError("a row without a key")
            check_text(change.key)
            if isinstance(change, Remove):
                staged[change.key] = None
                continue
            if type(change.row) is not self._view.row:
                raise TypeError(type(change.row).__name__)
            check_text(change.order)
            staged[change.key] = Row(change.order, encoded(change.row))
        return staged


class Handled(Batch):
    """A batch of a consumer that acts outside the views."""

    def __init__(
        self,
        runner: Runner,
        consumer: Consumer,
        seen: Checkpoint,
        waiting: dict[str, int] | None = None,
    ) -> None:
        super().__init__(runner, seen, waiting)
        self._handle = consumer.handle

    def handle(self, recorded: Recorded[Any]) -> None:
        self._handle(recorded)


def decoder_of(row: type) -> msgspec.json.Decoder[Any]:
    """Reads the rows of a view."""
    return msgspec.json.Decoder(row)


def encoded(row: Any) -> str:
    """The canonical text of a row."""
    return _encode(row).decode()


def check_text(text: str) -> None:
    """Refuse keys that some database could not keep.

    Raises:
        ValueError: there is a NUL or half of a surrogate pair in it.
    """
    if "\0" in text:
        raise ValueError("a NUL in a key or order")
    text.encode()
