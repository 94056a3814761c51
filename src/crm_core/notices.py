"""Which event leads to which message: pure, one table (OUT-01).

A notice's command id is derived from the event that caused it, so however often it is asked for
the household is told once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from crm_core.events import catalog
from crm_core.kernel.recorded import Recorded
from crm_core.messages.commands import QueueMessage
from crm_core.messages.events import Parameter
from crm_core.messages.template import value_of
from crm_core.payments.events import PaymentReceived
from crm_core.requests.events import CommitmentMade, RequestReceived, WorkReportedDone

Notice = tuple[str, Mapping[str, object]]
"""Name of a template, and what it is filled with."""


def _received(event: RequestReceived) -> Notice:
    answer_by = event.received_at + timedelta(seconds=event.targets.promise_seconds)
    return "request-received", {"request": event.request, "answer_by": answer_by}


def _promised(event: CommitmentMade) -> Notice:
    return "commitment-made", {"request": event.request, "due_at": event.due_at}


def _done(event: WorkReportedDone) -> Notice:
    return "request-done", {"request": event.request, "done_at": event.done_at}


def _paid(event: PaymentReceived) -> Notice:
    return "payment-received", {
        "payment": event.payment,
        "amount": event.amount_fen,
        "paid_on": event.paid_on,
    }


NOTICES: dict[type, Callable[[Any], Notice]] = {
    CommitmentMade: _promised,
    PaymentReceived: _paid,
    RequestReceived: _received,
    WorkReportedDone: _done,
}


def noticed_names() -> list[str]:
    """Stored names of the events that lead to a message."""
    return sorted(catalog().by_class[kind].stored for kind in NOTICES)


def notice(recorded: Recorded[Any]) -> tuple[str, QueueMessage] | None:
    """The message that follows from an event with the id of its command, or None.

    Nobody is told of imported facts: what they say happened long ago, in another system.
    """
    told = NOTICES.get(type(recorded.event))
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
