"""Exports: lists with places, names or grades that left the library, each with its number (PRV-10).

A slice in one file: event, state, command, decision.
"""

from __future__ import annotations

from typing import Any

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.catalog import EventType
from crm_core.kernel.commands import Id, looked_up
from crm_core.kernel.decider import Decider, Decision, Refusal, by_command, by_event
from crm_core.kernel.recorded import Actor
from crm_core.kernel.roles import DESK
from crm_core.kernel.slice import Act, Slice
from crm_core.kernel.values import define, frozen


@frozen
class ListTaken:
    """A list left the library; its purpose stands in the envelope.

    Args:
        export: Its number, which its watermark shows.
        what: What kind of list it is, e.g. `arrears`.
        rows: How many rows it has.
        fields: The fields in it that lead to the door or the person, or that grade.
        rows_max: How many it could have had.
    """

    export: str
    what: str
    rows: int
    fields: tuple[str, ...]
    rows_max: int
    taken_by: str


@define
class NotTaken:
    """No list has that number."""


@define
class Export:
    """A list that left the library."""

    taken: ListTaken


@frozen
class TakeList:
    """Let a list leave the library; the library itself says so when it writes one."""

    export: Id
    what: str
    rows: int
    fields: tuple[str, ...]
    rows_max: int
    by: Actor = looked_up()


def _take(command: TakeList, state: NotTaken | Export) -> Decision:
    if isinstance(state, Export):
        return ()
    if command.rows > command.rows_max:
        details = {"role": command.by.role, "most": command.rows_max, "rows": command.rows}
        return Refusal("export_too_large", "PRV-10", details)
    return (
        ListTaken(
            export=command.export,
            what=command.what,
            rows=command.rows,
            fields=tuple(sorted(command.fields)),
            rows_max=command.rows_max,
            taken_by=command.by.id,
        ),
    )


EVENTS = (EventType("exports.list_taken", 1, ListTaken),)

_DECIDE: dict[type, Any] = {TakeList: _take}

EXPORT = Aggregate(
    Decider(
        "export",
        NotTaken(),
        by_command(_DECIDE),
        by_event({ListTaken: lambda _state, e: Export(e)}),
    ),
    tuple(_DECIDE),
    lambda command: command.export,
    lambda _: "",
    needs_file=False,
    inside=frozenset(_DECIDE),
)

SLICE = Slice(
    name="exports",
    package=__name__,
    events=EVENTS,
    aggregates=(EXPORT,),
    readable={Export: EXPORT},
    acts=(Act("export-list", (*DESK, "finance", "custodian")),),
    data_map="data-map.toml",
)

__all__ = ["EVENTS", "EXPORT", "SLICE", "Export", "ListTaken", "TakeList"]
