"""Everything about the eventsourcing library that depends on its version, in one place.

In 9.5 importing its persistence module replaces a function inside the standard library's
`dataclasses` for the whole process, so only the recorders and the store import this module,
and nothing imports those unless it is asked for (decision record 0002).

Written for 9.5. In the pre-releases of version 10 `Tracking` names its first field differently and
stored events take keywords only; both work here. But most exceptions move to another module, and
stored events carry a UUID and metadata, for which our tables have no columns yet: dropping them
without a word would be worse than not being ready.
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
    "insert_bytes_max",
    "make_notification",
    "make_stored_event",
    "tracked",
    "unfit_for_logs",
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


def unfit_for_logs(recorder: Any) -> str | None:
    """Why a log over the recorder would not work, if that can be seen: code of a sentence."""
    holder = getattr(recorder, "datastore", recorder)
    if getattr(holder, "originator_id_type", "text") != "text":
        return "recorder_of_uuids"
    if getattr(holder, "enable_db_functions", False):
        # Tried with 9.5.6: 8 writers, and a reader that followed them missed 9 of 2,392 events.
        return "recorder_without_lock"
    return None


def insert_bytes_max(recorder: Any) -> int | None:
    """The most that one insert may hold, or None.

    The PostgreSQL recorder of 9.5.6 sends in a pipeline, and with psycopg 3.3 an insert of some
    700 kB or more never returned.
    """
    holder = getattr(recorder, "datastore", None)
    return 256 * 1024 if hasattr(holder, "enable_db_functions") else None
