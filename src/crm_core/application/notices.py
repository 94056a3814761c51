"""What follows from an event as a message: pure; the tables stand in the slices (OUT-01).

A notice's command id is derived from the event that caused it, so however often it is asked for
the household is told once.
"""

from __future__ import annotations

from typing import Any

from crm_core.kernel.recorded import Recorded
from crm_core.kernel.registry import Registry
from crm_core.messages.commands import QueueMessage
from crm_core.messages.events import Parameter
from crm_core.messages.template import value_of


def noticed_names(registry: Registry) -> list[str]:
    """Stored names of the events that lead to a message."""
    return sorted(registry.catalog.by_class[kind].stored for kind in registry.notices)


def notice(registry: Registry, recorded: Recorded[Any]) -> tuple[str, QueueMessage] | None:
    """The message that follows from an event with the id of its command, or None.

    Nobody is told of imported facts: what they say happened long ago, in another system.
    """
    told = registry.notices.get(type(recorded.event))
    if told is None or recorded.envelope.imported is not None:
        return None
    template, values = told(recorded.event)
    cause = recorded.envelope.event_id
    command = QueueMessage(
        recorded.household,
        cause,
        template,
        tuple(Parameter(name, value_of(value)) for name, value in sorted(values.items())),
        happened_at=recorded.recorded,
    )
    return f"{cause}>{template}", command
