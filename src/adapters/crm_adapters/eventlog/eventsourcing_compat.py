"""Everything about the eventsourcing library that depends on its version, in one place.

In 9.5 importing its persistence module replaces a function inside the standard library's
`dataclasses` for the whole process, so only the recorders and the bridge import this module,
and nothing imports those unless it is asked for (decision record 0002).

Of the changes announced in the pre-releases of version 10 two concern us: `Tracking` names its
first field differently, and stored events take keywords only and carry more fields.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    DatabaseError,
    DataError,
    IntegrityError,
    Notification,
    NotSupportedError,
    OperationalError,
    PersistenceError,
    ProcessRecorder,
    ProgrammingError,
    StoredEvent,
    Subscription,
    Tracking,
    TrackingRecorder,
)

__all__ = [
    "AggregateRecorder",
    "ApplicationRecorder",
    "DataError",
    "DatabaseError",
    "IntegrityError",
    "NotSupportedError",
    "Notification",
    "OperationalError",
    "PersistenceError",
    "ProcessRecorder",
    "ProgrammingError",
    "StoredEvent",
    "Subscription",
    "Tracking",
    "TrackingRecorder",
    "make_notification",
    "make_stored_event",
    "takes_text_ids",
    "tracked",
]

_TRACKING_FIELD = (
    "application_name" if "application_name" in Tracking.__dataclass_fields__ else "context_name"
)


def make_stored_event(
    originator_id: UUID | str, originator_version: int, topic: str, state: bytes
) -> StoredEvent:
    """A stored event, by the library's constructor."""
    return StoredEvent(
        originator_id=originator_id,
        originator_version=originator_version,
        topic=topic,
        state=state,
    )


def make_notification(
    position: int, originator_id: UUID | str, originator_version: int, topic: str, state: bytes
) -> Notification:
    """A stored event with its position, by the library's constructor."""
    return Notification(
        id=position,
        originator_id=originator_id,
        originator_version=originator_version,
        topic=topic,
        state=state,
    )


def tracked(tracking: Tracking) -> tuple[str, int]:
    """Which application's events were processed, and up to which position."""
    return getattr(tracking, _TRACKING_FIELD), tracking.notification_id


def takes_text_ids(recorder: Any) -> bool:
    """Whether a recorder stores originator ids as text; True where it does not say."""
    holder = getattr(recorder, "datastore", recorder)
    return getattr(holder, "originator_id_type", "text") == "text"
