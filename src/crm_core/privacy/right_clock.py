"""Which cases the clock looks at, and on whose list they stand (PRV-09)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs

from crm_core.kernel.commands import act_of
from crm_core.kernel.dates import instant_text
from crm_core.kernel.projection import Projection, Put, Rows
from crm_core.kernel.recorded import Recorded
from crm_core.kernel.ticking import DueCommand, Look, Source
from crm_core.kernel.values import frozen
from crm_core.kernel.worklists import SETTLED, Asker, Task, Worklist
from crm_core.privacy.commands import PlaceLegalHold
from crm_core.privacy.rights import (
    EVENTS,
    RIGHT,
    FulfilRight,
    RightAsked,
    RightCase,
    RightClockTold,
    RightFulfilled,
    RightRefused,
    RightWithdrawn,
    TellRightClock,
)
from crm_core.privacy.rights_policy import DELETE
from crm_core.privacy.state import Erasures


@frozen
class KnownCase:
    """A case, and whether it waits for an answer."""

    case: str
    is_over: bool


def _known(rows: Rows[KnownCase], recorded: Recorded[Any]) -> tuple[Put[KnownCase], ...]:
    event = recorded.event
    ended = isinstance(event, RightFulfilled | RightRefused | RightWithdrawn)
    # Cases that wait are few, and each is looked at by every tick.
    return (Put(event.case, KnownCase(event.case, ended), SETTLED if ended else ""),)


CASES = Projection(
    name="privacy.cases",
    version=1,
    row=KnownCase,
    names=frozenset(kind.stored for kind in EVENTS),
    apply=_known,
)
"""All cases, those that wait for an answer first."""


def _due(row: KnownCase, look: Look) -> Iterable[DueCommand]:
    state: RightCase = look.sight.state(RIGHT, row.case)
    if state.deadline is None:
        return
    due_at = state.deadline.due_at
    for at, step in state.steps():
        id = f"tick:right:{row.case}:{instant_text(due_at)}:{step}"
        yield DueCommand(id, TellRightClock(row.case, step, due_at), at)


CLOCK = Source("rights", CASES, _due)


def _to_answer(row: KnownCase, asker: Asker) -> Iterable[Task]:
    """Cases that wait, for whoever may answer them and is not who asked; of a deletion that is
    owed to who asked the erasure, too.
    """
    if row.is_over:
        return
    command = FulfilRight(row.case, asker.now, "", "")
    if not asker.may(command):
        return
    state: RightCase = asker.state_of(command)
    asked, deadline = state.asked, state.deadline
    if asked is None or deadline is None:
        return
    waits = Task(
        what="right",
        subject=row.case,
        household=asked.household,
        act=act_of(FulfilRight),
        since=asked.asked_at,
        due_at=deadline.due_at,
        because="role",
        details={"kind": asked.kind},
    )
    yield waits
    if asked.kind == DELETE and state.proved and not _is_erased(asked.member, asker):
        yield attrs.evolve(
            waits,
            what="erasure",
            subject=asked.member,
            act="erase-person",
            details={"case": row.case},
        )


def _is_erased(person: str, asker: Asker) -> bool:
    erasures: Erasures = asker.state_of(PlaceLegalHold("", "", asker.now.date(), ""))
    return person in erasures.erased


WORKLIST = Worklist(CASES, _to_answer)
"""Cases that wait for an answer, the most urgent first."""

__all__ = ["CASES", "CLOCK", "WORKLIST", "KnownCase", "RightAsked", "RightClockTold"]
