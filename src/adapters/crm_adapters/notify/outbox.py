"""The outbox: what follows from events is queued, what is due is sent, what became of it is kept.

At least once: a process may die after a channel took a message and before that was recorded. The
message then leaves again under the same id, so a receiver that knows ids takes it once. Two
processes may run side by side: an attempt is begun by one of them alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from crm_core.application.notices import notice, noticed_names
from crm_core.crm import CRM
from crm_core.errors import Conflict, CrmError, NotDelivered, Refused
from crm_core.hosting import watched
from crm_core.kernel.dates import local_date
from crm_core.kernel.projection import Consumer
from crm_core.kernel.recorded import Actor, Recorded
from crm_core.kernel.sealed import Erased, Personal, Plain
from crm_core.kernel.values import define
from crm_core.messages import (
    MESSAGES,
    STAFF_MESSAGES,
    MessagePolicy,
    Messages,
    RecordFailure,
    RecordFailureToStaff,
    RecordSent,
    RecordSentToStaff,
    ReleaseMessage,
    ReleaseToStaff,
    Template,
)
from crm_core.messages.events import (
    MessageDeferred,
    MessageQueued,
    MessageReleased,
    MessageWithheld,
)
from crm_core.messages.policy import DEFAULT_MESSAGES
from crm_core.messages.views import DUE, Unsent, due_order
from crm_core.ports import Notifier, Outgoing

PAGE = 100

ANY_CHANNEL = ""
"""Key of the notifier for channels that have none of their own."""

OUTBOX = Actor("outbox", "system")
"""Who sends: the clock and the events decide, and no person."""


def notices(crm: CRM) -> Consumer:
    """A consumer of the log: each event that leads to a message has it queued, once.

    The id of the command is derived from the event, so handling an event again changes nothing.
    What is older than any message stays worth sending is passed over: when messages are switched
    on, nobody waits for news of last year.
    """

    def handle(recorded: Recorded[Any]) -> None:
        if recorded.recorded <= _oldest(crm):
            return
        recorded = crm.host.texts.to_follow(recorded)
        found = notice(crm.registry, recorded)
        envelope = recorded.envelope
        for command_id, command in ([found] if found else []) + crm.staff.told_of(recorded):
            crm.do(
                command,
                by=OUTBOX,
                id=command_id,
                correlation=envelope.correlation,
                causation=envelope.event_id,
            )

    return Consumer("notices", noticed_names(crm.registry), handle)


def _oldest(crm: CRM) -> datetime:
    now = crm.clock.now()
    policy = crm.policies.find(MessagePolicy, DEFAULT_MESSAGES, local_date(now, crm.zone))
    return now - timedelta(hours=max(purpose.valid_hours for purpose in policy.purposes.values()))


@define
class Dispatched:
    """What one round of dispatching did."""

    sent: int = 0
    failed: int = 0
    deferred: int = 0
    withheld: int = 0

    @property
    def total(self) -> int:
        """Messages of which something was decided."""
        return self.sent + self.failed + self.deferred + self.withheld


class Outbox:
    """Sends what is due.

    Args:
        crm: Where messages are decided and recorded, and whose views tell what is due.
        notifiers: By channel; that of `ANY_CHANNEL` serves the others.
    """

    def __init__(self, crm: CRM, notifiers: Mapping[str, Notifier]) -> None:
        self._crm = crm
        self._notifiers = dict(notifiers)

    def dispatch(
        self, done: Dispatched | None = None, *, stop: Callable[[], bool] | None = None
    ) -> Dispatched:
        """Send everything that is due now, one message after another.

        Args:
            done: Counts what is done as it happens; by default it begins at nothing.
            stop: Asked before each message; True ends it there.

        Raises:
            Failed: the store or a key is in trouble; what was recorded stands.
        """
        done = Dispatched() if done is None else done
        self._crm.views.catch_up(DUE)
        upto = due_order(self._crm.clock.now())
        after = ("", "")
        while page := self._crm.views.scan(DUE, upto=upto, after=after, limit=PAGE):
            for order, key, row in page:
                if stop is not None and stop():
                    return done
                after = (order, key)
                self._dispatch(row, done)
        return done

    def _dispatch(self, due: Unsent, done: Dispatched) -> None:
        try:
            released = self._release(due, done)
        except Conflict:
            return  # Others write about this household all the time; the next round comes.
        if released is None:
            return
        try:
            receipt = self._send(due, released)
        except NotDelivered as error:
            self._failed(due, released, error)
            done.failed += 1
            return
        told: dict[str, Any] = {
            "message": due.message,
            "attempt": released.attempt,
            "receipt": receipt,
        }
        sent = (
            RecordSentToStaff(staff=due.staff, **told)
            if due.staff
            else RecordSent(household=due.household, **told)
        )
        self._crm.do(sent, by=OUTBOX, id=f"{due.message}:{released.attempt}:sent")
        done.sent += 1

    def _release(self, due: Unsent, done: Dispatched) -> MessageReleased | None:
        """The attempt that begins now, or None if the message is not to be sent now."""
        command = (
            ReleaseToStaff(due.staff, due.message)
            if due.staff
            else ReleaseMessage(due.household, due.message)
        )
        for event in self._crm.do(command, by=OUTBOX, purpose="notification").events:
            match event:
                case MessageReleased():
                    return event
                case MessageDeferred():
                    done.deferred += 1
                case MessageWithheld():
                    done.withheld += 1
                case _:
                    done.failed += 1
        return None

    def _failed(self, due: Unsent, released: MessageReleased, error: NotDelivered) -> None:
        told: dict[str, Any] = {
            "message": due.message,
            "attempt": released.attempt,
            "reason": error.reason,
            "transient": error.transient,
        }
        failure = (
            RecordFailureToStaff(staff=due.staff, **told)
            if due.staff
            else RecordFailure(household=due.household, **told)
        )
        self._crm.do(failure, by=OUTBOX, id=f"{due.message}:{released.attempt}:failed")

    def _send(self, due: Unsent, released: MessageReleased) -> str:
        queued = self._queued(due)
        notifier = self._notifiers.get(queued.channel) or self._notifiers.get(ANY_CHANNEL)
        if notifier is None:
            raise NotDelivered("channel_unknown", transient=True)
        outgoing = self._outgoing(due, queued, released)
        told = {"channel": queued.channel, "message_purpose": queued.purpose}
        try:
            with watched(self._crm.host.telemetry, "send", attempt=released.attempt, **told):
                return notifier.send(outgoing)
        except NotDelivered:
            raise
        except Exception as error:
            # One notifier's fault must not keep all other messages from leaving; its own words
            # may hold an address, so only that it happened is kept.
            raise NotDelivered("notifier_fault", transient=True) from error

    def _queued(self, due: Unsent) -> MessageQueued:
        box, whose = (STAFF_MESSAGES, due.staff) if due.staff else (MESSAGES, due.household)
        state: Messages
        state, _ = self._crm.log.fold(box.stream(whose), box.decider.evolve, box.decider.initial)
        return state.queued[due.message]

    def _outgoing(self, due: Unsent, queued: MessageQueued, released: MessageReleased) -> Outgoing:
        """The message with what is filled in only now: the address, and the name if it has one."""
        try:
            template = self._crm.policies.pinned(Template, released.template)
        except CrmError:
            # Another version of the host runs here; one that knows the wording may come.
            raise NotDelivered("template_unavailable", transient=True) from None
        name = self._told(due, queued, "name") if template.personalised else ""
        address = self._told(due, queued, "phone")
        quoted = self._quoted(due, queued, template) if template.quotes else {}
        text = template.render(
            queued.language,
            {parameter.name: parameter.value for parameter in queued.parameters},
            self._crm.zone,
            name,
            quoted,
        )
        return Outgoing(
            id=due.message,
            channel=queued.channel,
            purpose=queued.purpose,
            language=queued.language,
            address=Personal(queued.recipient, address),
            subject=text.subject,
            body=text.body,
        )

    def _quoted(self, due: Unsent, queued: MessageQueued, template: Template) -> dict[str, str]:
        """What the event it is about says, for whom that event is a reason for such a message."""
        command, _, nth = queued.cause.rpartition(":")
        done = self._crm.log.outcomes([command]).get(command)
        events = () if done is None else self._crm.log.feed(after=done.first - 1, upto=done.last)
        for recorded in map(self._crm.host.texts.to_follow, events):
            found = notice(self._crm.registry, recorded)
            if (
                str(recorded.envelope.nth) == nth
                and found is not None
                and found[1].household == due.household
                and found[1].template == queued.template.name
            ):
                return {name: str(getattr(recorded.event, name, "")) for name in template.quotes}
        # Whoever queued it by hand named another event, whose words are not for this household.
        raise NotDelivered("cause_unusable", transient=False)

    def _told(self, due: Unsent, queued: MessageQueued, field: str) -> str:
        """Name or address of the recipient, as the file has it at this moment."""
        try:
            opened = (
                self._crm.staff.contact(due.staff, by=OUTBOX, purpose=queued.purpose)
                if due.staff
                else self._crm.owners.opened(
                    due.household, queued.recipient, field, by=OUTBOX, purpose=queued.purpose
                )
            )
        except Refused:
            # A table of the company's own keeps it from whoever sends, and may be mended.
            raise NotDelivered("address_unreadable", transient=True) from None
        if opened is None:
            raise NotDelivered("address_missing", transient=False)
        if isinstance(opened, Plain):
            return opened.text
        # An erased person stays erased; a key file that is not there today may be there tomorrow.
        raise NotDelivered("address_unreadable", transient=not isinstance(opened, Erased))
