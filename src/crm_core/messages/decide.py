"""Decisions about messages: whether, when and to whom (OUT-01)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Any

import attrs

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.canonical import digest_of
from crm_core.kernel.dates import local_date
from crm_core.kernel.decider import Decider, Decision, Evolve, Refusal, by_command, by_event
from crm_core.kernel.growing import EMPTY, NOTHING
from crm_core.kernel.recorded import HOUSEHOLD_ROLES
from crm_core.kernel.refusals import unknown
from crm_core.messages.commands import (
    FAILURES,
    RECEIPT_LENGTH_MAX,
    ChangePreference,
    Known,
    QueueMessage,
    RecordFailure,
    RecordSent,
    ReleaseMessage,
    WithholdRefused,
)
from crm_core.messages.events import (
    DeliveryFailed,
    MessageDeferred,
    MessageQueued,
    MessageReleased,
    MessageSent,
    MessageWithheld,
    PreferenceChanged,
)
from crm_core.messages.policy import WORK
from crm_core.messages.state import ANY, PERSONALISATION, Messages, Step, allowed
from crm_core.messages.template import LANGUAGES, Template

ERASED = "erased"
"""Why nothing is told to somebody any more who was erased."""


def message_id(cause: str, template: str, recipient: str) -> str:
    """The id of a message: the same cause, template and recipient are the same message."""
    return digest_of([cause, template, recipient])[:32]


# --- what follows from a command -------------------------------------------------------------


def queue(command: QueueMessage, state: Messages, of: frozenset[str] | None = None) -> Decision:
    """The message, waiting to be sent, or withheld at once.

    Args:
        of: The purposes that it may have; by default all that households are told things for.
    """
    known, template = command.known, _template(command)
    policy = known.policy
    allowed = policy.purposes.keys() - {WORK} if of is None else of
    refusal = (
        _unfit(command, template, known, allowed)
        or _foreign(command, known)
        or _unfilled(command, template)
    )
    if refusal is not None:
        return refusal
    if not command.recipient and (command.cause, template.ref.name) in state.about:
        # Told before, perhaps to somebody who has moved out since: once is enough.
        return ()
    first = next((m for m in known.members if m not in known.erased), "")
    recipient = command.recipient or first or next(iter(known.members), "")
    message = message_id(command.cause, template.ref.name, recipient)
    if message in state.queued:
        return ()
    channel = command.channel or policy.channel
    purpose = policy.purposes[template.purpose]
    happened = command.happened_at or known.at
    queued = MessageQueued(
        message=message,
        cause=command.cause,
        template=template.ref,
        neutral=known.neutral.ref if known.neutral is not None else None,
        policy=policy.ref,
        purpose=template.purpose,
        channel=channel,
        language=command.language or policy.language,
        recipient=recipient,
        parameters=tuple(sorted(command.parameters, key=lambda parameter: parameter.name)),
        not_before=_open_from(template.purpose, known)[0],
        expires_at=happened + timedelta(hours=purpose.valid_hours),
    )
    reason = _forbidden(queued, state, known) if recipient else "no_recipient"
    reason = ERASED if recipient in known.erased else reason
    if reason is None and queued.not_before >= queued.expires_at:
        reason = "expired"
    if reason is not None:
        return (queued, MessageWithheld(message, reason))
    return (queued,)


def _open_from(purpose: str, known: Known) -> tuple[datetime, str]:
    """From when on it may be sent, and what it waits for until then."""
    if known.duty_from is not None:
        return known.duty_from, "off_duty"
    return known.policy.open_from(known.at, purpose, known.zone), "quiet_hours"


def _unfit(
    command: QueueMessage, template: Template, known: Known, allowed: Collection[str]
) -> Refusal | None:
    """Why the message cannot be made of this template at all."""
    policy = known.policy
    if not command.cause:
        return Refusal("cause_missing", "OUT-01")
    channel, language = command.channel or policy.channel, command.language or policy.language
    if template.purpose not in policy.purposes:
        return unknown("purpose", template.purpose, tuple(policy.purposes), rule="OUT-01")
    if template.purpose not in allowed:
        return Refusal(
            "template_of_others", "OUT-01", {"purpose": template.purpose, "accepted": [*allowed]}
        )
    if channel not in policy.channels:
        return unknown("channel", channel, policy.channels, rule="OUT-01")
    if language not in LANGUAGES:
        return unknown("language", language, LANGUAGES, rule="OUT-01")
    if template.personalised and (known.neutral is None or not known.neutral.is_twin_of(template)):
        return Refusal(
            "twin_unfit", "OUT-01", {"neutral": template.neutral, "template": str(template.ref)}
        )
    return None


def _foreign(command: QueueMessage, known: Known) -> Refusal | None:
    if not command.recipient or command.recipient in known.members:
        return None
    return Refusal(
        "recipient_not_of_household",
        "OUT-01",
        {"recipient": command.recipient, "household": command.household},
    )


def _unfilled(command: QueueMessage, template: Template) -> Refusal | None:
    """Why the parameters do not fill the template; their values are not repeated."""
    given: set[str] = set()
    for parameter in command.parameters:
        name = parameter.name
        if type(name) is not str or name not in template.parameters:
            return unknown("parameter", str(name), tuple(template.parameters), rule="OUT-01")
        if name in given:
            return Refusal("parameter_twice", "OUT-01", {"parameter": name})
        given.add(name)
        fault = template.fault(name, parameter.value)
        if fault is not None:
            details = {"parameter": name, "why": [fault.within()]}
            return Refusal("parameter_malformed", "OUT-01", details)
    missing = sorted(template.parameters.keys() - given)
    if missing:
        return Refusal("parameter_missing", "OUT-01", {"parameter": missing[0]})
    return None


def release(command: Any, state: Messages) -> Decision:
    """An attempt begins, or why it does not."""
    known, message = command.known, command.message
    queued = state.queued.get(message)
    if queued is None:
        return _no_message(message)
    status = state.status(message)
    if not status.ended and queued.recipient in known.erased:
        # At once, whenever it would be due: it is as good as gone (PRV-04).
        return (MessageWithheld(message, ERASED),)
    if status.ended or known.at < status.next_at:
        return ()
    policy = known.policy
    if status.name == "sending" and known.at >= queued.expires_at:
        # Nobody knows whether the interrupted attempt reached anyone, so it is not `withheld`.
        return (DeliveryFailed(message, status.attempts, "unknown_outcome", None),)
    reason = None if queued.recipient in known.members else _gone(queued)
    reason = reason or _forbidden(queued, state, known)
    if reason is None and known.at >= queued.expires_at:
        # The last reason it had to wait is the reason it was never sent.
        reason = status.reason if status.reason == "over_cap" else "expired"
    if reason is not None:
        return (MessageWithheld(message, reason),)
    day = local_date(known.at, known.zone)
    wait = _wait(queued, state, known)
    if wait is not None:
        return (wait,)
    files = (state, *known.elsewhere)
    refused = allowed(files, queued.recipient, PERSONALISATION, queued.channel) is False
    return (
        MessageReleased(
            message=message,
            attempt=status.attempts + 1,
            template=queued.neutral if refused and queued.neutral is not None else queued.template,
            day=day,
            leased_until=known.at + policy.lease,
        ),
    )


def _gone(queued: MessageQueued) -> str:
    """Why nobody is told who has nothing to do with the matter any more."""
    return "not_on_the_staff" if queued.purpose == WORK else "recipient_not_of_household"


def _wait(
    queued: MessageQueued, state: Messages, known: Known
) -> MessageDeferred | MessageWithheld | None:
    """Why the message cannot be sent at this hour, and until when; None if it can."""
    policy, at, message = known.policy, known.at, queued.message
    purpose = policy.purposes.get(queued.purpose)
    assert purpose is not None, "INVARIANT: a purpose that is gone has been withheld before"
    until, reason = _open_from(queued.purpose, known)
    day = local_date(at, known.zone)
    capped = purpose.capped and (day, message) not in state.counted
    told = sum(file.told_on(day) for file in (state, *known.elsewhere))
    if until == at and capped and told >= policy.per_day:
        until, reason = policy.open_next_day(at, queued.purpose, known.zone), "over_cap"
    if until == at:
        return None
    if until >= queued.expires_at:
        return MessageWithheld(message, "over_cap" if reason == "over_cap" else "expired")
    return MessageDeferred(message, reason, until)


def record_sent(command: Any, state: Messages) -> Decision:
    """It left the house."""
    known, message = command.known, command.message
    refusal = _not_begun(message, command.attempt, state)
    if refusal is not None:
        return refusal
    if len(command.receipt) > RECEIPT_LENGTH_MAX or not command.receipt.isprintable():
        return Refusal("receipt_malformed", "OUT-01", {"most": RECEIPT_LENGTH_MAX})
    if message in state.sent:
        return ()
    # Also of a message that was withheld or given up meanwhile: what left the house has left it.
    day = local_date(known.at, known.zone)
    return (MessageSent(message, command.attempt, day, command.receipt),)


def record_failure(command: Any, state: Messages) -> Decision:
    """It did not; whether another attempt is made."""
    known, message = command.known, command.message
    refusal = _not_begun(message, command.attempt, state)
    if refusal is not None:
        return refusal
    if command.reason not in FAILURES:
        return unknown("failure", command.reason, FAILURES, rule="OUT-01")
    status = state.status(message)
    if status.ended or status.name != "sending" or status.attempts != command.attempt:
        return ()
    retry_at = None
    if command.transient and status.failures + 1 < known.policy.attempts:
        retry_at = known.at + known.policy.delays[status.failures]
        if retry_at >= state.queued[message].expires_at:
            retry_at = None
    return (DeliveryFailed(message, command.attempt, command.reason, retry_at),)


def _change_preference(command: ChangePreference, state: Messages) -> Decision:
    policy = command.known.policy
    about, channel = command.about, command.channel or None
    if command.member not in command.known.members:
        return Refusal(
            "unknown_member",
            "OUT-01",
            {"member": command.member, "household": command.household},
        )
    known_abouts = (*policy.purposes, ANY, PERSONALISATION)
    if about not in known_abouts:
        return unknown("purpose", about, known_abouts, rule="OUT-01")
    if channel is not None and channel not in policy.channels:
        return unknown("channel", channel, policy.channels, rule="OUT-01")
    if about in policy.purposes and policy.purposes[about].basis == "required":
        return Refusal("purpose_required", "OUT-01", {"purpose": about})
    refusal = _not_theirs(command)
    if refusal is not None:
        return refusal
    changed = PreferenceChanged(
        member=command.member,
        about=about,
        channel=channel,
        allowed=command.allowed,
        word=command.word,
    )
    if _says_nothing_new(changed, state):
        return ()
    return (changed, *_called_back(command.member, _preferred(state, changed), command.known))


def _withhold_refused(command: WithholdRefused, state: Messages) -> Decision:
    """What waits for who withdrew their consent is not sent; what the service owes them is."""
    return tuple(
        withheld
        for withheld in _called_back(command.member, state, command.known)
        if state.queued[withheld.message].purpose == command.purpose
    )


def _called_back(member: str, state: Messages, known: Known) -> Iterator[MessageWithheld]:
    """What waits for a member and must not reach them."""
    for message, queued in state.queued.items():
        status = state.status(message)
        # One that is being sent right now cannot be called back; its next attempt can.
        if queued.recipient == member and status.name == "waiting":
            reason = _forbidden(queued, state, known)
            if reason is not None:
                yield MessageWithheld(message, reason)


def _not_theirs(command: ChangePreference) -> Refusal | None:
    """Why it is not the member who says so, if so: nobody agrees or refuses for another."""
    themselves = command.by.role in HOUSEHOLD_ROLES
    if themselves and command.by.id != command.member:
        return Refusal("preference_of_another", "OUT-01", {"member": command.member})
    if command.word is None:
        if command.allowed and not themselves:
            return Refusal("evidence_missing", "OUT-01")
        return None
    if command.word.member != command.member:
        details = {"member": command.member, "said_by": command.word.member}
        return Refusal("word_of_another", "OUT-01", details)
    return None


def _says_nothing_new(changed: PreferenceChanged, state: Messages) -> bool:
    same = None
    for earlier in state.preferences:
        if earlier.member == changed.member:
            same = earlier
    return same is not None and attrs.evolve(same, word=changed.word) == changed


def _forbidden(queued: MessageQueued, state: Messages, known: Known) -> str | None:
    """Why the recipient must not get the message, or None.

    A consent that was withdrawn or has ended bars a purpose whatever preferences say (PRV-05).
    """
    policy, asked = known.policy, (queued.recipient, queued.purpose)
    purpose = policy.purposes.get(queued.purpose)
    if purpose is None or queued.channel not in policy.channels:
        return "purpose_ended"
    if purpose.basis == "required":
        return None
    if asked in known.barred:
        return "consent_ended"
    files = (state, *known.elsewhere)
    said = allowed(files, queued.recipient, queued.purpose, queued.channel)
    if said is False:
        return "opted_out"
    if asked in known.agreed:
        return None
    return "no_consent" if purpose.basis == "opt_in" and said is None else None


_DECIDE: dict[type, Any] = {
    QueueMessage: queue,
    ReleaseMessage: release,
    RecordSent: record_sent,
    RecordFailure: record_failure,
    ChangePreference: _change_preference,
    WithholdRefused: _withhold_refused,
}


# --- what follows from an event --------------------------------------------------------------


def _queued(state: Messages, e: MessageQueued) -> Messages:
    return attrs.evolve(
        state,
        queued=state.queued.add(e.message, e),
        about=state.about.add((e.cause, e.template.name), e.message),
    )


def _stepped(state: Messages, e: Step) -> Messages:
    ordinal = sum(1 for _ in state.steps_of(e.message))
    return attrs.evolve(state, steps=state.steps.add((e.message, ordinal), e))


def _released(state: Messages, e: MessageReleased) -> Messages:
    state = _stepped(state, e)
    if (e.day, e.message) in state.counted:
        return state
    return attrs.evolve(
        state,
        taken=state.taken.add((e.day, state.told_on(e.day)), e.message),
        counted=state.counted.add((e.day, e.message), e.attempt),
    )


def _sent(state: Messages, e: MessageSent) -> Messages:
    return attrs.evolve(_stepped(state, e), sent=state.sent.add(e.message, e.attempt))


def _preferred(state: Messages, e: PreferenceChanged) -> Messages:
    return attrs.evolve(state, preferences=state.preferences.append(e))


evolve: Evolve = by_event(
    {
        MessageQueued: _queued,
        MessageReleased: _released,
        MessageDeferred: _stepped,
        MessageSent: _sent,
        DeliveryFailed: _stepped,
        MessageWithheld: _stepped,
        PreferenceChanged: _preferred,
    }
)


def _household(command: Any) -> str:
    return command.household  # type: ignore[no-any-return]


MESSAGES = Aggregate(
    Decider(
        "messages",
        Messages(
            queued=EMPTY,
            about=EMPTY,
            steps=EMPTY,
            sent=EMPTY,
            taken=EMPTY,
            counted=EMPTY,
            preferences=NOTHING,
        ),
        by_command(_DECIDE),
        evolve,
    ),
    tuple(_DECIDE),
    _household,
    _household,
    inside=frozenset({WithholdRefused}),
)


# --- refusals --------------------------------------------------------------------------------


def _template(command: QueueMessage) -> Template:
    template = command.known.template
    assert template is not None, "INVARIANT: of a message its template is looked up"
    return template


def _no_message(message: str) -> Refusal:
    return Refusal("unknown_message", "OUT-01", {"message": message})


def _not_begun(message: str, attempt: int, state: Messages) -> Refusal | None:
    if message not in state.queued:
        return _no_message(message)
    if not 1 <= attempt <= state.status(message).attempts:
        return Refusal("unknown_attempt", "OUT-01", {"attempt": attempt})
    return None
