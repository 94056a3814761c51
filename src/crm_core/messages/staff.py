"""What a member of staff is told: the work that is theirs (OUT-01, REQ-06, REQ-13).

Nobody refuses to be told of their own work, and no cap holds it back; it waits for the recipient's
duty hours instead of the end of quiet hours. Each member of staff has a stream of their own.
"""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from typing import Any

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.commands import looked_up
from crm_core.kernel.decider import Decider, Decision, Refusal, by_command
from crm_core.kernel.values import frozen
from crm_core.messages.commands import Known, QueueMessage
from crm_core.messages.decide import MESSAGES, queue, record_failure, record_sent, release
from crm_core.messages.events import Parameter
from crm_core.messages.policy import WORK
from crm_core.messages.state import Messages
from crm_core.messages.views import STAFF


@frozen
class TellStaff:
    """Have a member of staff told of work that is theirs.

    Args:
        cause: Id of the event it is about.
        template: Name of the template; its purpose is `work`.
        happened_at: When the cause happened; what is too late to be told is withheld.
    """

    staff: str
    cause: str
    template: str
    parameters: tuple[Parameter, ...] = ()
    happened_at: datetime | None = None
    known: Known = looked_up()


@frozen
class ReleaseToStaff:
    """Begin to send a message to a member of staff, if they are on duty now."""

    staff: str
    message: str
    known: Known = looked_up()


@frozen
class RecordSentToStaff:
    """The channel took the message; `receipt` is its answer, without anything personal."""

    staff: str
    message: str
    attempt: int
    receipt: str
    known: Known = looked_up()


@frozen
class RecordFailureToStaff:
    """An attempt failed; a transient failure is worth another one."""

    staff: str
    message: str
    attempt: int
    reason: str
    transient: bool
    known: Known = looked_up()


def _tell(command: TellStaff, state: Messages) -> Decision:
    if command.staff not in command.known.members:
        return Refusal("unknown_staff", "OUT-01", {"staff": command.staff})
    asked = QueueMessage(
        household="",
        cause=command.cause,
        template=command.template,
        parameters=command.parameters,
        recipient=command.staff,
        happened_at=command.happened_at,
        known=command.known,
    )
    return queue(asked, state, of=frozenset({WORK}))


_DECIDE: dict[type, Any] = {
    TellStaff: _tell,
    ReleaseToStaff: release,
    RecordSentToStaff: record_sent,
    RecordFailureToStaff: record_failure,
}


STAFF_MESSAGES = Aggregate(
    Decider(STAFF, MESSAGES.decider.initial, by_command(_DECIDE), MESSAGES.decider.evolve),
    tuple(_DECIDE),
    lambda command: command.staff,
    lambda _: "",
    needs_file=False,
    # Each stream is of one: what a channel answers is about them.
    asked=lambda state: tuple(islice((one.recipient for one in state.queued.values()), 1)),
)
