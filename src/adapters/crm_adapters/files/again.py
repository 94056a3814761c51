"""What was imported, made void, and may come again: another command, known since (IMP-01).

The same row again is the same command, so that repeating an import adds nothing. Once an import is
undone the row is free to come again: under the next generation of its id. Nothing of a household
is then known earlier than what was made void there last; else both would stand side by side for
whoever looks at an earlier knowledge.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from attrs import field

from crm_core.application.imports import UNDOING
from crm_core.imports import IMPORTS
from crm_core.imports.register import WHOLE
from crm_core.kernel.values import define
from crm_core.ports import EventLog

CORRECTING = "correct:"
"""How the ids of the commands begin that make void what a corrected row replaces."""


@define
class Again:
    """What was made void of some households.

    Args:
        undone: Ids of commands that an undo made void.
        since: For each household when something of it was made void last.
    """

    undone: set[str] = field(factory=set)
    since: dict[str, datetime] = field(factory=dict)

    def id(self, command_id: str, taken: Collection[str] = ()) -> str:
        """The id of a row's command, in the generation that is free or stands.

        Args:
            taken: Ids that are known and cannot be used, where the row is to come again anyway.
        """
        times, found = 1, command_id
        while found in self.undone or found in taken:
            times += 1
            found = f"{command_id}~{times}"
        return found

    def known(self, household: str, recorded: datetime) -> datetime:
        """When a fact of a household counts as known that is said to have been known then."""
        return max(recorded, self.since.get(household, recorded))


def made_void(log: EventLog, households: Iterable[str]) -> Again:
    """What was made void of these households; costs nothing where nothing ever was."""
    register, _ = log.fold(IMPORTS.stream(WHOLE), IMPORTS.decider.evolve, IMPORTS.decider.initial)
    again = Again()
    if not register.undone and all(one.corrects is None for one in register.recorded):
        return again
    for household, events in log.by_household(households=sorted(set(households))):
        for recorded in events:
            command = recorded.envelope.command
            if command.startswith(UNDOING):
                again.undone.add(command.removeprefix(UNDOING))
            elif not command.startswith(CORRECTING):
                continue
            before = again.since.get(household, recorded.recorded)
            again.since[household] = max(before, recorded.recorded)
    return again
