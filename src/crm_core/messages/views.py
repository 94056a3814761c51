"""Messages as people and dispatchers look at them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import attrs

from crm_core.kernel.dates import as_utc, instant_text
from crm_core.kernel.projection import Projection, Put, Remove, Rows
from crm_core.kernel.recorded import Recorded
from crm_core.kernel.values import frozen
from crm_core.messages.events import EVENTS
from crm_core.messages.events import DeliveryFailed as Failed
from crm_core.messages.events import MessageDeferred as Deferred
from crm_core.messages.events import MessageQueued as Queued
from crm_core.messages.events import MessageReleased as Released
from crm_core.messages.events import MessageSent as Sent
from crm_core.messages.events import MessageWithheld as Withheld
from crm_core.messages.state import Messages, Status

STAFF = "staff_messages"
"""What the streams of staff are called; all others are those of households."""


def preference_rows(state: Messages) -> list[dict[str, Any]]:
    """What the members of one household agreed to and refused, oldest first."""
    return [attrs.asdict(change) for change in state.preferences]


@frozen
class Unsent:
    """A message that is still to be sent; its order is when to look at it next.

    Args:
        staff: The member of staff whose message it is; empty for a household's.
    """

    household: str
    message: str
    staff: str


def due_order(instant: datetime) -> str:
    """An instant as text that sorts as instants do."""
    return as_utc(instant).isoformat(timespec="microseconds")


def _unsent(rows: Rows[Unsent], recorded: Recorded[Any]) -> Iterable[Put[Unsent] | Remove]:
    event = recorded.event
    match event:
        case Queued(message=message, not_before=at):
            box, _, whose = recorded.stream.partition("/")
            staff = whose if box == STAFF else ""
            return (Put(message, Unsent(recorded.household, message, staff), due_order(at)),)
        case Sent(message=message) | Withheld(message=message):
            return (Remove(message),)
        case Failed(message=message, retry_at=None):
            return (Remove(message),)
        case (
            Released(message=message, leased_until=at)
            | Deferred(message=message, until=at)
            | Failed(message=message, retry_at=at)
        ):
            row = rows.get(message)
            return () if row is None or at is None else (Put(message, row, due_order(at)),)
    return ()


DUE = Projection(
    name="messages.due",
    version=2,
    row=Unsent,
    names=frozenset(kind.stored for kind in EVENTS if kind.name != "messages.preference_changed"),
    apply=_unsent,
)


def message_rows(household: str, state: Messages) -> list[dict[str, Any]]:
    """The messages of a household as plain data, oldest first; the text is not kept anywhere."""
    return [
        _row(household, queued, state.status(message)) for message, queued in state.queued.items()
    ]


def _row(household: str, queued: Queued, status: Status) -> dict[str, Any]:
    return {
        "message": queued.message,
        "household": household,
        "recipient": queued.recipient,
        "template": str(queued.template),
        "purpose": queued.purpose,
        "channel": queued.channel,
        "language": queued.language,
        "cause": queued.cause,
        "status": status.name,
        "reason": status.reason or None,
        "attempts": status.attempts,
        "next_at": None if status.ended else instant_text(status.next_at),
        "receipt": status.receipt or None,
    }
