"""Everything about the eventsourcing library that depends on its version, in one place.

In 9.5 importing its persistence module replaces a function inside the standard library's
`dataclasses` for the whole process, so only the recorders and the store import this module,
and nothing imports those unless it is asked for (decision record 0002).

It works with 9.5 and with the pre-releases of 10. There most exceptions stand in another module,
`Tracking` names its first field otherwise, ids are text, and stored events carry a UUID and
metadata. For these our tables have no columns: they stand before the state, in the same text,
behind a character with which no other text begins (decision record 0070). What 10 has stored 9.5
refuses to read, because it has no place for them.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    InfrastructureFactory,
    IntegrityError,
    Notification,
    ProcessRecorder,
    StoredEvent,
    Subscription,
    Tracking,
    TrackingRecorder,
)
from eventsourcing.utils import Environment, EnvType, resolve_topic, strtobool

from crm_core.kernel.values import frozen

LATER = "metadata" in StoredEvent.__dataclass_fields__
"""Whether it is version 10."""

if TYPE_CHECKING:
    from eventsourcing.persistence import (
        DatabaseError,
        DataError,
        InfrastructureFactoryError,
        NotSupportedError,
        OperationalError,
        PersistenceError,
        ProgrammingError,
    )
else:
    _errors = import_module("eventsourcing.errors" if LATER else "eventsourcing.persistence")
    DatabaseError = _errors.DatabaseError
    DataError = _errors.DataError
    InfrastructureFactoryError = _errors.InfrastructureFactoryError
    NotSupportedError = _errors.NotSupportedError
    OperationalError = _errors.OperationalError
    PersistenceError = _errors.PersistenceError
    ProgrammingError = _errors.ProgrammingError

IdType = Literal["uuid", "text"]

ID_TYPE: IdType = "text" if LATER else "uuid"
"""How the library names aggregates unless it is told otherwise."""

__all__ = [
    "ID_TYPE",
    "LATER",
    "PROJECTOR",
    "AggregateRecorder",
    "ApplicationRecorder",
    "DataError",
    "DatabaseError",
    "EnvType",
    "Environment",
    "IdType",
    "InfrastructureFactory",
    "InfrastructureFactoryError",
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
    "applications",
    "beside_state",
    "insert_bytes_max",
    "make_notification",
    "make_stored_event",
    "resolve_topic",
    "stored_text",
    "strtobool",
    "tracked",
    "unfit_for_logs",
]

_TRACKING_FIELD = (
    "application_name" if "application_name" in Tracking.__dataclass_fields__ else "context_name"
)


_HEAD_START, _HEAD_END = "\x1e", "\n"
"""Around what stands before a state; JSON, the library's own states, begins with neither."""


def stored_text(event: StoredEvent) -> str:
    """The text that is kept of an event: its state, mostly as it is."""
    later: Any = event
    head: dict[str, Any] = {}
    if LATER and (later.metadata or later.uuid.int):
        head = {"metadata": later.metadata, "uuid": str(later.uuid)}
    try:
        state = event.state.decode()
    except UnicodeDecodeError:
        state = _HEAD_START
    if state.startswith(_HEAD_START) or "\0" in state:
        # Compressed, sealed, or otherwise no text.
        head["base64"] = True
        state = b64encode(event.state).decode()
    return f"{_HEAD_START}{json.dumps(head)}{_HEAD_END}{state}" if head else state


def _kept(text: str) -> dict[str, Any]:
    """State, and in version 10 the UUID and the metadata, of a text that was kept."""
    if not text.startswith(_HEAD_START):
        return {"state": text.encode()}
    said, _, state = text.removeprefix(_HEAD_START).partition(_HEAD_END)
    head = json.loads(said)
    found: dict[str, Any] = {"state": b64decode(state) if "base64" in head else state.encode()}
    if "uuid" in head:
        if not LATER:
            raise ProgrammingError(
                "the event was stored by version 10 of eventsourcing, with metadata, and this is 9"
            )
        found |= {"uuid": UUID(head["uuid"]), "metadata": head["metadata"]}
    return found


PROJECTOR = "projector" if LATER else "projector_func"
"""How the library's repository names what folds events."""


@frozen
class Fact:
    """An event of a stream as 9.5 asks for it, with the names that 10 gives to its own."""

    originator_id: str
    originator_version: int
    decision: Any


def applications() -> tuple[Any, Any, type[Exception]]:
    """The library's classes of an application, of an event, and of an aggregate not found."""
    module = import_module("eventsourcing.application")
    if LATER:
        return module.AggregatesApplication, module.AggregateEvent, module.AggregateNotFoundError
    return module.Application, Fact, module.AggregateNotFoundError


def beside_state(event: Any) -> dict[str, Any]:
    """What an event has beside its state: in 10 its UUID and its metadata."""
    return {"uuid": event.uuid, "metadata": event.metadata} if LATER else {}


def make_stored_event(
    originator_id: UUID | str, originator_version: int, topic: str, text: str
) -> StoredEvent:
    """A stored event of what was kept, by the library's constructor."""
    return StoredEvent(
        originator_id=originator_id,
        originator_version=originator_version,
        topic=topic,
        **_kept(text),
    )


def make_notification(
    position: int, originator_id: UUID | str, originator_version: int, topic: str, text: str
) -> Notification:
    """A stored event with its position, by the library's constructor."""
    return Notification(
        id=position,
        originator_id=originator_id,
        originator_version=originator_version,
        topic=topic,
        **_kept(text),
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
