"""What waits for people: entries of their work lists, and who they wait for (REQ-13, LOG-08).

A slice declares its work lists: a view, and what its rows ask of whom. What waits for a decision is
declared by the events that open and settle it (`Waits`, `waiting`), and all else follows: an entry
stands on the list of whoever may take the decision, never on that of who proposed it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Protocol, TypeVar

import attrs
from attrs import field

from crm_core.kernel.commands import act_of
from crm_core.kernel.dates import sortable_text, start_of_day
from crm_core.kernel.projection import Projection, Put, Remove, Rows
from crm_core.kernel.recorded import Recorded
from crm_core.kernel.values import frozen

T = TypeVar("T")

SETTLED = "~"
"""The order of rows that ask nothing of anybody; it sorts behind every instant."""


@frozen
class Task:
    """Something that waits for somebody.

    Args:
        what: Its kind, e.g. `order`, `apology`, `waiver`.
        subject: Number of what it is about: a request, a waiver, a policy.
        household: The household it concerns, or an empty text.
        act: What is to be done, by the name of the act; empty where that is nothing of its own.
        since: Since when it waits.
        due_at: By when it is to be done, if there is such a time.
        because: Why it is theirs: `own`, `department` or `role`.
        details: More about it, e.g. the clock that ran out.
    """

    what: str
    subject: str
    household: str
    act: str
    since: datetime
    due_at: datetime | None
    because: str
    details: Mapping[str, str] = field(factory=dict)


class Asker(Protocol):
    """Who asks what waits for them, and when.

    Args:
        now: The present instant, or another one that is asked about.
        zone: Zone of the estate's days.
    """

    id: str
    role: str
    now: datetime
    zone: str

    @property
    def roles(self) -> frozenset[str]:
        """The role they act in, and every lower one in customer service that nobody holds."""
        ...

    def is_of(self, department: str) -> bool:
        """Whether they are of a department: by their role, or by their trades."""
        ...

    def may(self, command: Any) -> bool:
        """Whether they may give such a command: by their role, and as nothing of their own."""
        ...

    def has_left(self, staff: str) -> bool:
        """Whether somebody was on the staff and is not any more, by the register of it."""
        ...

    def state_of(self, command: Any) -> Any:
        """The state that such a command would be decided on."""
        ...

    def policy(self, kind: type[T], name: str) -> T | None:
        """The policy of that name on the day that is asked about; None where there is none."""
        ...


Tasks = Callable[[Any, Asker], Iterable[Task]]


@frozen
class Worklist:
    """A part of everybody's work list.

    Args:
        view: What there is; rows that ask nothing of anybody stand behind `SETTLED`.
        tasks: What a row asks of who asks.
    """

    view: Projection[Any]
    tasks: Tasks


def end_of_day(day: date, zone: str) -> datetime:
    """The instant at which what is due on a day is late."""
    return start_of_day(day + timedelta(days=1), zone)


# --- what waits for a decision -----------------------------------------------------------------


@frozen
class Open:
    """Something that waits for a decision.

    Args:
        what: Its kind.
        subject: Its number within its stream.
        until: When it is of no interest any more.
    """

    what: str
    subject: str
    household: str
    since: datetime
    until: datetime | None


@frozen
class OpenIn:
    """All that waits in one stream."""

    stream: str
    waiting: tuple[Open, ...]


EVERY = ""
"""As a subject: all of that kind in the stream."""


@frozen
class Waits:
    """A kind of decision that is waited for.

    Args:
        what: Its kind, as people read it on their lists.
        command: The class of the command that decides, or prepares, it.
        opens: What opens it: event class to `(event) -> subject`, or None if that one does not.
        settles: What settles it: event class to `(event) -> subject`, `EVERY`, or None.
        fields: The fields of the command that say which is meant: `(subject, stream id) -> values`.
        allows: `(state, subject, role)`: whether it is for that role, where it is not for all whom
            the act allows, given the state that decides.
        days: How long it is of interest, where nothing settles it.
        due: `(state, subject)`: the last day on which it is in time, if there is one.
        details: `(state, subject)`: more about it.
    """

    what: str
    command: type
    opens: Mapping[type, Callable[[Any], str | None]]
    settles: Mapping[type, Callable[[Any], str | None]]
    fields: Callable[[str, str], Mapping[str, object]]
    allows: Callable[[Any, str, str], bool] | None = None
    days: int | None = None
    due: Callable[[Any, str], date | None] | None = None
    details: Callable[[Any, str], Mapping[str, str]] | None = None


def waiting(
    slice_name: str, names: Mapping[type, str], waits: Iterable[Waits], *, version: int = 1
) -> Worklist:
    """The work list of the decisions that a slice waits for.

    Args:
        names: The stored names of its events, by their class.
    """
    every = tuple(waits)
    kinds = {cls for one in every for cls in (*one.opens, *one.settles)}

    def apply(rows: Rows[OpenIn], recorded: Recorded[Any]) -> Iterable[Put[OpenIn] | Remove]:
        row = rows.get(recorded.stream)
        before = () if row is None else row.waiting
        found = before
        for one in every:
            found = _after(one, found, recorded)
        if found == before:
            return ()
        if not found:
            return (Remove(recorded.stream),)
        order = sortable_text(min(entry.since for entry in found))
        return (Put(recorded.stream, OpenIn(recorded.stream, found), order),)

    by_what = {one.what: one for one in every}

    def tasks(row: OpenIn, asker: Asker) -> Iterable[Task]:
        stream_id = row.stream.partition("/")[2]
        for entry in row.waiting:
            one = by_what[entry.what]
            if entry.until is not None and entry.until <= asker.now:
                continue
            command = _command(one.command, one.fields(entry.subject, stream_id))
            if not asker.may(command):
                continue
            subject, state = entry.subject, asker.state_of(command)
            if one.allows is None or one.allows(state, subject, asker.role):
                due = None if one.due is None else one.due(state, subject)
                yield Task(
                    what=entry.what,
                    subject=subject,
                    household=entry.household,
                    act=act_of(one.command),
                    since=entry.since,
                    due_at=None if due is None else end_of_day(due, asker.zone),
                    because="role",
                    details={} if one.details is None else one.details(state, subject),
                )

    view = Projection(
        name=f"{slice_name}.decisions",
        version=version,
        row=OpenIn,
        names=frozenset(names[cls] for cls in kinds),
        apply=apply,
    )
    return Worklist(view, tasks)


def _after(one: Waits, found: tuple[Open, ...], recorded: Recorded[Any]) -> tuple[Open, ...]:
    event = recorded.event
    settled = one.settles.get(type(event))
    if settled is not None:
        subject = settled(event)
        if subject is not None:
            found = tuple(
                entry
                for entry in found
                if entry.what != one.what or (subject not in (EVERY, entry.subject))
            )
    opened = one.opens.get(type(event))
    subject = None if opened is None else opened(event)
    if subject is None:
        return found
    since = recorded.recorded
    entry = Open(
        what=one.what,
        subject=subject,
        household=recorded.household,
        since=since,
        until=None if one.days is None else since + timedelta(days=one.days),
    )
    others = [e for e in found if (e.what, e.subject) != (entry.what, entry.subject)]
    return (*others, entry)


def _command(kind: type, known: Mapping[str, object]) -> Any:
    """A command that says no more than what it is about: enough to ask whose it is to give."""
    said = {
        f.name: None
        for f in attrs.fields(kind)
        if f.init and f.default is attrs.NOTHING and f.name not in known
    }
    return kind(**said, **known)
