"""Bells: a slice whose rows have several clocks, any of which may fail in any way.

What is wrong with a stroke is said when the bell is set, and mended by a repair; so the clock meets
exceptions of every kind where a slice of somebody else would raise them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

import attrs
from attrs import frozen

from crm_core.errors import StoreUnreachable, UnknownPolicy
from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.catalog import EventType
from crm_core.kernel.dates import instant_text, sortable_text
from crm_core.kernel.decider import Decider, Decision, Refusal, by_command, by_event
from crm_core.kernel.projection import Projection, Put, Remove, Rows
from crm_core.kernel.recorded import Recorded
from crm_core.kernel.roles import WORK
from crm_core.kernel.slice import Act, Slice
from crm_core.kernel.ticking import DueCommand, Look, NothingBefore, Source

WELL, OFF = "", "off"


@frozen
class Stroke:
    """A stroke that a bell is to give.

    Args:
        name: Which of its clocks.
        at: When.
        wrong: What is wrong with it, by a name of `WRONG`.
    """

    name: str
    at: datetime
    wrong: str = WELL


@frozen
class BellSet:
    """A bell was set."""

    bell: str
    strokes: tuple[Stroke, ...]
    looks: str


@frozen
class BellRung:
    """A bell gave a stroke."""

    bell: str
    name: str
    at: datetime
    weight: int


@frozen
class BellRepaired:
    """Whatever was wrong with a bell is mended."""

    bell: str


EVENTS = (
    EventType("bells.set", 1, BellSet),
    EventType("bells.rung", 1, BellRung),
    EventType("bells.repaired", 1, BellRepaired),
)


@frozen
class SetBell:
    """Set a bell; `looks` is what is wrong with its row."""

    bell: str
    strokes: tuple[Stroke, ...]
    looks: str = WELL


@frozen
class RepairBell:
    """Mend all that is wrong with a bell."""

    bell: str


@frozen
class RingBell:
    """Let a bell give a stroke."""

    bell: str
    name: str
    at: datetime


@frozen
class Bell:
    """A bell as it stands."""

    strokes: tuple[Stroke, ...] = ()


def _overflows() -> object:
    return timedelta.max + timedelta.max


def _malformed() -> object:
    raise ValueError("张三 13800000000")


def _unknown_policy() -> object:
    raise UnknownPolicy.one("policy_unknown", policy="bells/1")


def _unreachable() -> object:
    raise StoreUnreachable("store_unusable", store="bells", reason="silent")


def _interrupted() -> object:
    raise KeyboardInterrupt


WRONG: dict[str, Callable[[], object]] = {
    "arithmetic": _overflows,
    "division": lambda: 1 // 0,
    "key": lambda: {}["missing"],
    "value": _malformed,
    "recursion": lambda: _again(0),
    "policy": _unknown_policy,
    "store": _unreachable,
    "interrupt": _interrupted,
}


def _again(n: int) -> int:
    return _again(n + 1)


def _set(command: SetBell, _: Bell) -> Decision:
    return (BellSet(command.bell, command.strokes, command.looks),)


def _ring(command: RingBell, state: Bell) -> Decision:
    stroke = next((s for s in state.strokes if (s.name, s.at) == (command.name, command.at)), None)
    if stroke is None or stroke.wrong == "nothing":
        return ()
    if stroke.wrong == "refused":
        return Refusal("bell_cracked", "BEL-01", {"bell": command.bell})
    if stroke.wrong in WRONG:
        WRONG[stroke.wrong]()
    # An event that cannot be written, where that is what is wrong.
    weight: Any = object() if stroke.wrong == "unwritable" else 1
    return (BellRung(command.bell, command.name, command.at, weight),)


_DECIDE = {
    SetBell: _set,
    RepairBell: lambda command, _: (BellRepaired(command.bell),),
    RingBell: _ring,
}


def _mended(strokes: Iterable[Stroke]) -> tuple[Stroke, ...]:
    return tuple(attrs.evolve(stroke, wrong=WELL) for stroke in strokes)


def _without(strokes: Iterable[Stroke], event: BellRung) -> tuple[Stroke, ...]:
    return tuple(s for s in strokes if (s.name, s.at) != (event.name, event.at))


BELL = Aggregate(
    Decider(
        "bell",
        Bell(),
        by_command(_DECIDE),
        by_event(
            {
                BellSet: lambda _, e: Bell(e.strokes),
                BellRung: lambda state, e: Bell(_without(state.strokes, e)),
                BellRepaired: lambda state, _: Bell(_mended(state.strokes)),
            }
        ),
    ),
    tuple(_DECIDE),
    lambda command: str(command.bell),
    lambda _: "",
    needs_file=False,
    inside=frozenset({RingBell}),
)


@frozen
class Hanging:
    """A bell and its next strokes; its order is that of the earliest."""

    bell: str
    strokes: tuple[Stroke, ...]
    looks: str


def _hanging(rows: Rows[Hanging], recorded: Recorded[Any]) -> tuple[Put[Hanging] | Remove, ...]:
    event = recorded.event
    if isinstance(event, BellSet):
        row = Hanging(event.bell, event.strokes, event.looks)
    else:
        found = rows.get(event.bell)
        assert found is not None
        if isinstance(event, BellRung):
            row = attrs.evolve(found, strokes=_without(found.strokes, event))
        else:
            row = attrs.evolve(found, strokes=_mended(found.strokes), looks=WELL)
    if not row.strokes:
        return (Remove(event.bell),)
    return (Put(event.bell, row, sortable_text(min(s.at for s in row.strokes))),)


HANGING = Projection("bells.hanging", 1, Hanging, tuple(kind.stored for kind in EVENTS), _hanging)

LOOKED_AT: list[str] = []
"""The rows that the clock has looked at, in that order; emptied by whoever counts them."""


def _due(row: Hanging, look: Look) -> Iterable[DueCommand | NothingBefore]:
    LOOKED_AT.append(row.bell)
    if row.looks == OFF:
        # Nothing comes of it before its last stroke.
        ahead = max(s.at for s in row.strokes)
        if look.now <= ahead:
            return (NothingBefore(ahead),)
    elif row.looks:
        WRONG[row.looks]()
    return tuple(
        DueCommand(
            f"tick:{row.bell}:{s.name}:{instant_text(s.at)}", RingBell(row.bell, s.name, s.at), s.at
        )
        for s in sorted(row.strokes, key=lambda s: (s.at, s.name))
    )


SLICE = Slice(
    name="bells",
    package=__name__,
    events=EVENTS,
    aggregates=(BELL,),
    readable={Bell: BELL},
    acts=(Act(SetBell, WORK), Act(RepairBell, WORK)),
    projections=(HANGING,),
    clock=(Source("bells", HANGING, _due),),
    data_map="data-map.toml",
)
