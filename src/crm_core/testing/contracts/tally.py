"""A view for contracts and tests: the notes of each stream, so that no slip stays hidden."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

from crm_core.kernel.projection import BuildStatus, Projection, Put, Remove, Rows
from crm_core.kernel.recorded import Commit, Envelope, Recorded, StreamAppend, Tip
from crm_core.kernel.values import frozen
from crm_core.ports import EventLog, Views
from crm_core.testing.contracts.events import Noted, envelope_of

NOTED = "contract.noted/1"

_numbers = count(1)


@frozen
class Tally:
    """What was noted in a stream: a loss, a repetition or another order shows in it.

    Args:
        trail: The texts, joined in the order in which they came.
        version: Of the last event seen in the stream.
    """

    stream: str
    trail: str = ""
    count: int = 0
    version: int = 0


def tally(rows: Rows[Tally], recorded: Recorded[Noted]) -> Iterator[Put[Tally] | Remove]:
    """`-` takes the row of the stream away; anything else is added to its trail."""
    text = recorded.event.text
    if text == "-":
        yield Remove(recorded.stream)
        return
    row = rows.get(recorded.stream) or Tally(recorded.stream)
    row = Tally(row.stream, f"{row.trail}{text},", row.count + 1, recorded.version)
    yield Put(row.stream, row, f"{row.count:05}")


TALLY = Projection(name="contract.tally", version=1, row=Tally, names=[NOTED], apply=tally)


def note(log: EventLog, stream: str, *texts: str) -> None:
    """Append notes to a stream, each by a command of its own."""
    for text in texts:
        append_one(log, stream, Noted(text))


def append_one(log: EventLog, stream: str, event: Any) -> None:
    """Append an event to a stream by a command of its own."""
    command = f"note-{next(_numbers)}"
    tip = log.tips([stream]).get(stream, Tip())
    events: tuple[Envelope[Any], ...] = (envelope_of(command, event, 0),)
    log.append([Commit(command, "d", (StreamAppend(stream, tip, "", events),))])


class _Plain:
    """Rows of the plainest kind: what every store's must equal."""

    def __init__(self) -> None:
        self.rows: dict[str, tuple[str, Any]] = {}

    def get(self, key: str) -> Any:
        return self.rows[key][1] if key in self.rows else None


def tallied(log: EventLog, view: Projection[Any] = TALLY) -> list[tuple[str, str, Any]]:
    """What a view must hold: one event after the other, in memory, without a runner."""
    plain = _Plain()
    for recorded in log.feed(names=view.names):
        for change in list(view.apply(plain, recorded)):
            if isinstance(change, Put):
                plain.rows[change.key] = (change.order, change.row)
            else:
                plain.rows.pop(change.key, None)
    return sorted((order, key, row) for key, (order, row) in plain.rows.items())


def log_place(log: EventLog, number: int) -> int:
    """Position of the n-th event: not every store counts one by one."""
    return [recorded.position for recorded in log.feed()][number - 1]


def dict_of(rows: list[tuple[str, str, Any]]) -> dict[str, Any]:
    """Rows by their keys."""
    return {key: row for _, key, row in rows}


def scan(views: Views, view: Projection[Any] = TALLY) -> list[tuple[str, str, Any]]:
    """All rows that a view holds."""
    return list(views.scan(view, limit=10_000))


def status_of(views: Views, name: str = TALLY.name) -> list[BuildStatus]:
    """How the builds of a view, or a consumer, stand."""
    return [one for one in views.status() if one.consumer == name]
