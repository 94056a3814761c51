"""What follows from an event as a command: pure; the tables stand in the slices.

A reaction's command id is derived from the event that caused it, so however often it is run it
takes effect once.
"""

from __future__ import annotations

from typing import Any

from crm_core.kernel.recorded import Recorded
from crm_core.kernel.registry import Registry


def react(registry: Registry, recorded: Recorded[Any]) -> tuple[tuple[str, Any], ...]:
    """Commands that follow from an event, each with its id."""
    reaction = registry.reactions.get(type(recorded.event))
    if reaction is None:
        return ()
    cause = recorded.envelope.event_id
    return tuple((f"{cause}>{n}", command) for n, command in enumerate(reaction(recorded)))
