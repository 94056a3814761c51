"""That the graded list (客户分级目录) of a year was compiled: the step between grade and plan.

The list itself is computed from the run of record (GRD-16); what is kept is that somebody compiled
it, from which run, and how many households it names.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import attrs

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.catalog import EventType
from crm_core.kernel.commands import looked_up
from crm_core.kernel.decider import Decider, Decision, Refusal, by_command, by_event
from crm_core.kernel.recorded import Actor
from crm_core.kernel.values import define, frozen


@frozen
class ListCompiled:
    """The graded list of a year was compiled (编制名册)."""

    year: int
    run: str
    households: int
    on: date
    compiled_by: str


EVENTS = (EventType("plans.list_compiled", 1, ListCompiled, "on"),)


@define
class GradedList:
    """The list of a year: how it was compiled last; None if it never was."""

    compiled: ListCompiled | None = None


@frozen
class CompileList:
    """Compile the graded list of a year from its run of record; a supervisor does.

    Args:
        run: The run of record; empty if the year has none.
        households: How many households it graded.
    """

    year: int
    on: date
    by: Actor = looked_up()
    run: str = looked_up()
    households: int = looked_up()


def _compile(command: CompileList, state: GradedList) -> Decision:
    if not command.run:
        return Refusal("no_run_of_record", "PLN-01", {"year": command.year})
    if command.on <= date(command.year, 12, 31):
        details = {"earliest": date(command.year + 1, 1, 1).isoformat()}
        return Refusal("too_early", "PLN-01", details, "too_early_plan")
    if state.compiled is not None and state.compiled.run == command.run:
        return ()
    return (ListCompiled(command.year, command.run, command.households, command.on, command.by.id),)


_DECIDE: dict[type, Any] = {CompileList: _compile}

LIST = Aggregate(
    Decider(
        "graded-list",
        GradedList(),
        by_command(_DECIDE),
        by_event({ListCompiled: lambda s, e: attrs.evolve(s, compiled=e)}),
    ),
    tuple(_DECIDE),
    lambda command: str(command.year),
    lambda _: "",
    needs_file=False,
)
