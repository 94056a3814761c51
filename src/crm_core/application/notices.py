"""What follows from an event as a message; the tables stand in the slices (OUT-01).

A notice's command id is derived from the event that caused it, so however often it is asked for
each recipient is told once.
"""

from __future__ import annotations

from typing import Any

from crm_core.kernel.recorded import Recorded
from crm_core.kernel.registry import Registry
from crm_core.kernel.slice import Notice, Reading, StaffNotice
from crm_core.messages.commands import QueueMessage
from crm_core.messages.events import Parameter
from crm_core.messages.staff import TellStaff
from crm_core.messages.template import value_of


def noticed_names(registry: Registry) -> list[str]:
    """Stored names of the events that lead to a message."""
    kinds = {*registry.notices, *registry.staff_notices}
    return sorted(registry.catalog.by_class[kind].stored for kind in kinds)


def notice(registry: Registry, recorded: Recorded[Any]) -> tuple[str, QueueMessage] | None:
    """The message to its household that follows from an event with its command's id, or None.

    Nobody is told of imported facts: what they say happened long ago, in another system. Nor of
    what turns out late to have been due long before.
    """
    noticed = registry.notices.get(type(recorded.event))
    if noticed is None or _is_no_news(recorded) or not recorded.household:
        return None
    told = noticed(recorded.event)
    cause = recorded.envelope.event_id
    command = QueueMessage(
        recorded.household,
        cause,
        told.template,
        _parameters(told),
        happened_at=_happened(told, recorded),
    )
    return f"{cause}>{told.template}", command


def staff_notices(
    registry: Registry, recorded: Recorded[Any], reading: Reading
) -> tuple[StaffNotice, ...]:
    """What staff are told of an event, and who of them; nothing of what an import brings."""
    noticed = registry.staff_notices.get(type(recorded.event))
    if noticed is None or _is_no_news(recorded):
        return ()
    return noticed(recorded.event, reading)


def telling(recorded: Recorded[Any], told: StaffNotice, staff: str) -> tuple[str, TellStaff]:
    """The message to one member of staff, with its command's id."""
    cause = recorded.envelope.event_id
    command = TellStaff(
        staff=staff,
        cause=cause,
        template=told.template,
        parameters=_parameters(told),
        happened_at=_happened(told, recorded),
    )
    return f"{cause}>{told.template}>{staff}", command


def _is_no_news(recorded: Recorded[Any]) -> bool:
    return recorded.envelope.imported is not None or getattr(recorded.event, "late", False)


def _parameters(told: Notice | StaffNotice) -> tuple[Parameter, ...]:
    return tuple(Parameter(name, value_of(value)) for name, value in sorted(told.values.items()))


def _happened(told: Notice | StaffNotice, recorded: Recorded[Any]) -> Any:
    """What comes to be known late is as old as it is; nothing has happened before it was known."""
    return min(told.happened_at or recorded.recorded, recorded.recorded)
