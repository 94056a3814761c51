"""Duplicates: two files of one household become one, with a trace and a way back (OWN-09)."""

from __future__ import annotations

from datetime import date
from typing import Any

import attrs

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.commands import Id, looked_up
from crm_core.kernel.decider import Decider, Decision, Refusal, by_command, by_event
from crm_core.kernel.growing import NOTHING, GrowingList
from crm_core.kernel.recorded import Actor
from crm_core.kernel.refusals import no_reason
from crm_core.kernel.values import frozen
from crm_core.owners.redirects import (
    MERGES_STREAM,
    HouseholdMerged,
    MergeUndone,
    Redirects,
    redirects,
)

WHOLE = MERGES_STREAM.partition("/")[2]
"""Id of the one stream of merges."""

# --- state -----------------------------------------------------------------------------------


@frozen
class Merges:
    """Every merge of the company's files, and what was undone of them."""

    told: GrowingList[HouseholdMerged | MergeUndone] = NOTHING

    def redirects(self, on: date | None = None) -> Redirects:
        """Which file counts for which, on a day or by all that was told."""
        return redirects(self.told, on)

    def merge(self, household: str) -> HouseholdMerged | None:
        """The merge of a file that stands."""
        found: HouseholdMerged | None = None
        for one in self.told:
            if one.household == household:
                found = one if isinstance(one, HouseholdMerged) else None
        return found


# --- commands --------------------------------------------------------------------------------


@frozen
class MergeHousehold:
    """Say that a file is a second one of a household that has another.

    Args:
        household: The duplicate; it redirects from then on.
        into: The file that survives.
        on: The day from which on accounts, requests and members count for the surviving file.
        unknown: One of the two that has no file, if there is one.
    """

    household: Id
    into: Id
    on: date
    reason: str
    by: Actor = looked_up()
    unknown: str | None = looked_up()


@frozen
class UndoMerge:
    """Say that a merge was a mistake: both files are as if they had never been one."""

    household: Id
    reason: str
    by: Actor = looked_up()


# --- what follows ----------------------------------------------------------------------------


def _merge(command: MergeHousehold, state: Merges) -> Decision:
    details = {"household": command.household, "into": command.into}
    if command.household == command.into:
        return Refusal("merged_with_itself", "OWN-09", {"household": command.household})
    if command.unknown is not None:
        return Refusal("unknown_household", "OWN-01", {"household": command.unknown})
    if not command.reason.strip():
        return no_reason("LOG-06")
    standing = state.merge(command.household)
    if standing is not None:
        if (standing.into, standing.on) == (command.into, command.on):
            return ()
        return Refusal("merged_already", "OWN-09", {**details, "into": standing.into})
    survivor = state.redirects().survivor(command.into)
    if survivor != command.into:
        # Also every circle: whoever would close one is on the way to the surviving file.
        return Refusal("household_merged", "OWN-09", {"household": command.into, "into": survivor})
    return (
        HouseholdMerged(
            household=command.household,
            into=command.into,
            merged_by=command.by.id,
            on=command.on,
            reason=command.reason,
        ),
    )


def _undo(command: UndoMerge, state: Merges) -> Decision:
    standing = state.merge(command.household)
    if standing is None:
        return Refusal("not_merged", "OWN-09", {"household": command.household})
    if not command.reason.strip():
        return no_reason("LOG-06")
    return (
        MergeUndone(
            household=command.household,
            into=standing.into,
            reason=command.reason,
            undone_by=command.by.id,
        ),
    )


def _told(state: Merges, event: HouseholdMerged | MergeUndone) -> Merges:
    return attrs.evolve(state, told=state.told.append(event))


_DECIDE: dict[type, Any] = {MergeHousehold: _merge, UndoMerge: _undo}


def _household(command: Any) -> str:
    return command.household  # type: ignore[no-any-return]


MERGES = Aggregate(
    decider=Decider(
        MERGES_STREAM.partition("/")[0],
        Merges(),
        by_command(_DECIDE),
        by_event({HouseholdMerged: _told, MergeUndone: _told}),
    ),
    commands=tuple(_DECIDE),
    id_of=lambda _: WHOLE,
    household_of=_household,
)
