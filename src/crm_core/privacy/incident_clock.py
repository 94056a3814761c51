"""Which leaks the clock looks at, and what they ask of whom (PRV-08)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from crm_core.kernel.commands import act_of
from crm_core.kernel.dates import instant_text
from crm_core.kernel.projection import Projection, Put, Rows
from crm_core.kernel.recorded import Recorded
from crm_core.kernel.ticking import DueCommand, Look, Source
from crm_core.kernel.values import frozen
from crm_core.kernel.worklists import SETTLED, Asker, Task, Waits, Worklist
from crm_core.privacy.incident_events import (
    EVENTS,
    LeakClosed,
    NotificationOrdered,
    SilenceDecided,
    SilenceProposed,
)
from crm_core.privacy.incidents import (
    LEAK,
    DecideSilence,
    Leak,
    TellLeakClock,
    TellOfLeak,
    TellPersons,
)
from crm_core.privacy.leak_policy import PERSONS


@frozen
class KnownLeak:
    """A leak, and whether it is closed."""

    leak: str
    closed: bool


def _known(rows: Rows[KnownLeak], recorded: Recorded[Any]) -> tuple[Put[KnownLeak], ...]:
    event = recorded.event
    before = rows.get(event.leak)
    closed = before is not None and before.closed
    if isinstance(event, LeakClosed | NotificationOrdered):
        closed = isinstance(event, LeakClosed)
    # Leaks that are open are few, and each is looked at by every tick.
    return (Put(event.leak, KnownLeak(event.leak, closed), SETTLED if closed else ""),)


LEAKS = Projection(
    name="privacy.leaks",
    version=1,
    row=KnownLeak,
    names=frozenset(kind.stored for kind in EVENTS),
    apply=_known,
)
"""All leaks, those that are open first."""


def _due(row: KnownLeak, look: Look) -> Iterable[DueCommand]:
    state: Leak = look.sight.state(LEAK, row.leak)
    for at, clock, percent in state.steps():
        # A clock that is set anew runs out at another instant, or has another start.
        id = (
            f"tick:leak:{row.leak}:{clock.duty}:{instant_text(clock.started_at)}"
            f":{instant_text(clock.due_at)}:{percent}"
        )
        yield DueCommand(id, TellLeakClock(row.leak, clock.duty, clock.due_at, percent), at)


CLOCK = Source("leaks", LEAKS, _due)


def _owed(row: KnownLeak, asker: Asker) -> Iterable[Task]:
    """Who is still to be told of a leak, for whoever may say that they were."""
    if row.closed:
        return
    to_persons = TellPersons(leak=row.leak, channel="", number=0, text="", told_at=asker.now)
    state: Leak = asker.state_of(to_persons)
    assert state.opened is not None
    for clock in state.clocks:
        command: TellPersons | TellOfLeak = to_persons
        if clock.duty != PERSONS:
            command = TellOfLeak(
                leak=row.leak, duty=clock.duty, informed="", reference="", told_at=asker.now
            )
        if state.done_at(clock) is None and asker.may(command):
            yield Task(
                what="leak_duty",
                subject=row.leak,
                household="",
                act=act_of(TellPersons if clock.duty == PERSONS else TellOfLeak),
                since=clock.started_at,
                due_at=clock.due_at,
                because="role",
                details={"duty": clock.duty},
            )


WORKLIST = Worklist(LEAKS, _owed)
"""Duties of open leaks, the most urgent first."""

WAITS = Waits(
    what="silence",
    command=DecideSilence,
    opens={SilenceProposed: lambda e: e.leak},
    settles={SilenceDecided: lambda e: e.leak, NotificationOrdered: lambda e: e.leak},
    fields=lambda leak, _: {"leak": leak},
)
"""A proposal to tell the persons nothing, for somebody else than who made it."""

__all__ = ["CLOCK", "LEAKS", "WAITS", "WORKLIST", "KnownLeak"]
