"""Consent per member and purpose: given, withdrawn, and what may be done on a day (PRV-05).

What is said counts from when it was said, however late it comes to be known: of several statements
the one said last holds, and of two said at the same instant the withdrawal. A withdrawal stops the
use and never the service, and takes nothing back that was done before (PIPL, art. 15, 16).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import attrs

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.catalog import EventType
from crm_core.kernel.commands import DayAhead, Id, looked_up
from crm_core.kernel.decider import Decider, Decision, Refusal, by_command, by_event
from crm_core.kernel.growing import NOTHING, GrowingList
from crm_core.kernel.recorded import HOUSEHOLD_ROLES, Actor
from crm_core.kernel.refusals import unknown
from crm_core.kernel.sealed import Text
from crm_core.kernel.values import define, frozen
from crm_core.kernel.word import Word
from crm_core.privacy.consent_texts import ConsentTexts
from crm_core.privacy.purposes import CONSENT, THIRD_PARTY, Purpose, PurposesPolicy

# --- events ----------------------------------------------------------------------------------


@frozen
class ConsentGiven:
    """A member agreed to a purpose, having been shown a text (PIPL, art. 14).

    Args:
        entered_by: Who entered it: the member, or a member of staff.
        guardian: Who agreed for a child under fourteen; empty for who agreed in person (art. 31).
        kind: Whether it is an ordinary consent, or a separate one for a third party or for
            sensitive data.
        minor_until: The last day before the child is fourteen.
        on: The day on which it was said.
        receiver: Who outside the company receives data; empty where nobody does.
        receiver_told: What was told of them: name, contact, what for, which data (art. 23).
        text_digest: The text that was shown.
        until: The last day for which it was given, if it was limited.
        word: What the member of staff was told; None for who acted in person.
    """

    entered_by: str
    guardian: str
    household: str
    kind: str
    member: str
    minor_until: date | None
    on: date
    purpose: str
    receiver: str
    receiver_told: Text
    said_at: datetime
    text_digest: str
    text_version: int
    until: date | None
    word: Word | None


@frozen
class ConsentWithdrawn:
    """A member withdrew a consent, or objected to a purpose that needs none (PIPL, art. 15, 24).

    Args:
        entered_by: Who entered it: the member, or a member of staff.
        word: What the member of staff was told, where that is on record: a withdrawal needs none.
    """

    entered_by: str
    household: str
    member: str
    on: date
    purpose: str
    receiver: str
    said_at: datetime
    word: Word | None


EVENTS = (
    EventType("privacy.consent_given", 1, ConsentGiven, "on"),
    EventType("privacy.consent_withdrawn", 1, ConsentWithdrawn, "on"),
)

Statement = ConsentGiven | ConsentWithdrawn


# --- state -----------------------------------------------------------------------------------


@define
class Consents:
    """What the members of a household agreed to and withdrew, in the order it was entered."""

    said: GrowingList[Statement] = NOTHING

    def about(self, member: str, purpose: str, receiver: str = "") -> Iterator[Statement]:
        """What a member said about a purpose and one receiver; a withdrawal that names nobody is
        one from all of them.
        """
        for said in self.said:
            if (said.member, said.purpose) == (member, purpose) and (
                said.receiver == receiver
                or (not said.receiver and isinstance(said, ConsentWithdrawn))
            ):
                yield said

    def guardians(self, member: str, purpose: str) -> frozenset[str]:
        """Who agreed to a purpose for a child."""
        return frozenset(
            said.guardian
            for said in self.said
            if isinstance(said, ConsentGiven)
            and said.guardian
            and (said.member, said.purpose) == (member, purpose)
        )

    def holding(self, member: str, purpose: str, on: date, receiver: str = "") -> Statement | None:
        """What holds at the end of a day of what a member said; None if nothing was said."""
        said = [s for s in self.about(member, purpose, receiver) if s.on <= on]
        return max(said, key=_order, default=None)


def _order(said: Statement) -> tuple[datetime, bool]:
    return said.said_at, isinstance(said, ConsentWithdrawn)


# --- what may be done ------------------------------------------------------------------------


@frozen
class Use:
    """Whether a purpose may be pursued with a member's data on a day, and why.

    Args:
        basis: What carries the purpose; empty if it is on no list.
        reason: Code: `basis` or `consent` where it may; else why it may not.
    """

    allowed: bool
    basis: str
    reason: str


def may_use(
    purpose: str,
    member: str,
    on: date,
    *,
    consents: Consents,
    texts: ConsentTexts,
    policy: PurposesPolicy,
    receiver: str = "",
) -> Use:
    """Whether a purpose may be pursued with a member's data on a day (PRV-05).

    Args:
        consents: What the household's members said.
        texts: The texts of this purpose.
        policy: The closed list.
        receiver: Who receives data, where it is handed over.
    """
    listed = policy.purposes.get(purpose)
    if listed is None:
        return Use(allowed=False, basis="", reason="unknown_purpose")
    said = consents.holding(member, purpose, on, receiver)
    if listed.basis != CONSENT:
        reason = _objecting(said, on) if listed.refusable else ""
        return Use(not reason, listed.basis, reason or "basis")
    reason = _lacking(said, listed, on, texts)
    return Use(not reason, listed.basis, reason or "consent")


def _objecting(said: Statement | None, on: date) -> str:
    """Why what needs no consent is not wanted on that day; an empty text if nobody said so."""
    if isinstance(said, ConsentWithdrawn):
        return "objected"
    # Who allows it up to a day has said what holds behind it.
    return "expired" if said is not None and said.until is not None and said.until < on else ""


def _lacking(said: Statement | None, listed: Purpose, on: date, texts: ConsentTexts) -> str:
    """Why what was said carries no use on that day; an empty text if it does."""
    if said is None:
        return "no_consent"
    if isinstance(said, ConsentWithdrawn):
        return "withdrawn"
    if said.until is not None and said.until < on:
        return "expired"
    if said.minor_until is not None and said.minor_until < on:
        # From fourteen on the person agrees, and nobody for them (PIPL, art. 31).
        return "of_age"
    if said.text_version < texts.least(on):
        return "text_changed"
    return "" if said.kind == listed.consent else "not_separate"


# --- commands --------------------------------------------------------------------------------


@frozen
class Heard:
    """What the library looks up for a statement.

    Args:
        on: The day on which it was said, in the estate's zone.
        members: Who had a part in the household on that day.
        ever: Who ever had one.
        policy: The purposes in force on that day.
        texts: The texts of the purpose.
    """

    on: date
    members: frozenset[str]
    ever: frozenset[str]
    policy: PurposesPolicy
    texts: ConsentTexts


@frozen
class GiveConsent:
    """Keep that a member agreed to a purpose, in person or on their word.

    Args:
        version: The version of the text that they were shown.
        word: What a member of staff was told: of the member, or of the guardian of a child.
        receiver: Number of who receives data, for a purpose that hands it over.
        receiver_told: What the member was told of the receiver.
        until: The last day for which they agree, if they said so.
        minor_until: The last day before the member is fourteen, where a guardian agrees.
    """

    household: str
    member: str
    purpose: Id
    version: int
    said_at: datetime
    word: Word | None = None
    receiver: Id = ""
    receiver_told: str = ""
    until: DayAhead | None = None
    minor_until: DayAhead | None = None
    by: Actor = looked_up()
    heard: Heard = looked_up()


@frozen
class WithdrawConsent:
    """Keep that a member withdrew a consent, or objects to a purpose; it holds at once.

    Args:
        word: What a member of staff was told, where it is on record.
        receiver: As it was agreed to; empty for all there are.
    """

    household: str
    member: str
    purpose: Id
    said_at: datetime
    word: Word | None = None
    receiver: Id = ""
    by: Actor = looked_up()
    heard: Heard = looked_up()


# --- decisions -------------------------------------------------------------------------------


def _give(command: GiveConsent, state: Consents) -> Decision:
    heard = command.heard
    listed = heard.policy.purposes.get(command.purpose)
    if listed is None:
        return unknown("purpose", command.purpose, tuple(heard.policy.purposes), rule="PRV-05")
    if not listed.can_be_refused:
        details = {"purpose": command.purpose, "basis": listed.basis}
        return Refusal("consent_not_needed", "PRV-05", details)
    if command.member not in heard.members:
        details = {"member": command.member, "household": command.household}
        return Refusal("no_member_then", "PRV-05", details)
    refused = (
        _unfit_speaker(command) or _unfit_text(command, listed) or _unfit_kind(command, listed)
    )
    if refused is not None:
        return refused
    text = heard.texts.versions.get(command.version)
    given = ConsentGiven(
        entered_by=command.by.id,
        guardian="" if command.minor_until is None else _speaker(command),
        household=command.household,
        kind=listed.consent,
        member=command.member,
        minor_until=command.minor_until,
        on=heard.on,
        purpose=command.purpose,
        receiver=command.receiver,
        receiver_told=command.receiver_told,
        said_at=command.said_at,
        text_digest="" if text is None else text.digest,
        text_version=command.version,
        until=command.until,
        word=command.word,
    )
    return () if _said_before(given, state) else (given,)


def _unfit_speaker(command: GiveConsent) -> Refusal | None:
    """Why nobody agreed who could have, if so."""
    speaker = _speaker(command)
    if not speaker:
        return Refusal("evidence_missing", "PRV-05")
    if command.minor_until is None:
        if speaker != command.member:
            details = {"member": command.member, "said_by": speaker}
            return Refusal("word_of_another", "PRV-05", details)
        return None
    if speaker == command.member:
        return Refusal("guardian_missing", "PRV-05", {"member": command.member})
    if speaker not in command.heard.members:
        details = {"member": speaker, "household": command.household}
        return Refusal("no_member_then", "PRV-05", details)
    if command.minor_until < command.heard.on:
        return Refusal("not_a_minor", "PRV-05", {"until": command.minor_until.isoformat()})
    return None


def _unfit_text(command: GiveConsent, listed: Purpose) -> Refusal | None:
    """Why they cannot have been shown that text on that day, if so."""
    texts, version = command.heard.texts, command.version
    if listed.basis != CONSENT:
        # Who lifts an objection agrees to nothing that has a text.
        if version:
            return Refusal("text_of_no_use", "PRV-05", {"purpose": command.purpose})
        return None
    if version not in texts.versions:
        known = [str(one) for one in texts.versions]
        details = {"purpose": command.purpose, "version": version, "known": known}
        return Refusal("unknown_text", "PRV-05", details, "unknown_text" if known else "no_text")
    if not texts.shown(version, command.heard.on):
        details = {"version": version, "on": command.heard.on.isoformat()}
        return Refusal("text_not_shown", "PRV-05", details)
    return None


def _unfit_kind(command: GiveConsent, listed: Purpose) -> Refusal | None:
    """Why it is not the kind of consent that the purpose needs, if so."""
    hands_over = listed.consent == THIRD_PARTY
    if hands_over and not command.receiver:
        return Refusal("receiver_missing", "PRV-05", {"purpose": command.purpose})
    if command.receiver and not hands_over:
        return Refusal("receiver_of_no_use", "PRV-05", {"purpose": command.purpose})
    if bool(command.receiver) != bool(command.receiver_told.strip()):
        return Refusal("receiver_untold", "PRV-05")
    if command.until is not None and command.until < command.heard.on:
        return Refusal("until_past", "PRV-05", {"until": command.until.isoformat()})
    return None


def _withdraw(command: WithdrawConsent, state: Consents) -> Decision:
    heard = command.heard
    listed = heard.policy.purposes.get(command.purpose)
    before = [*state.about(command.member, command.purpose, command.receiver)]
    if not before:
        # What was agreed to under another list can be withdrawn all the same.
        if listed is None:
            return unknown("purpose", command.purpose, tuple(heard.policy.purposes), rule="PRV-05")
        if not listed.can_be_refused:
            details = {"purpose": command.purpose, "basis": listed.basis}
            return Refusal("purpose_not_refusable", "PRV-05", details)
    if command.member not in heard.ever:
        details = {"member": command.member, "household": command.household}
        return Refusal("unknown_member", "PRV-05", details)
    speaker = _speaker(command)
    theirs = {"", command.member, *state.guardians(command.member, command.purpose)}
    if speaker not in theirs:
        details = {"member": command.member, "said_by": speaker}
        return Refusal("word_of_another", "PRV-05", details)
    withdrawn = ConsentWithdrawn(
        entered_by=command.by.id,
        household=command.household,
        member=command.member,
        on=heard.on,
        purpose=command.purpose,
        receiver=command.receiver,
        said_at=command.said_at,
        word=command.word,
    )
    return () if _said_before(withdrawn, state) else (withdrawn,)


def _speaker(command: GiveConsent | WithdrawConsent) -> str:
    """Who said it: who acts in person, or whose word was entered; empty if nobody's was."""
    if command.by.role in HOUSEHOLD_ROLES:
        return command.by.id
    return "" if command.word is None else command.word.member


def _said_before(said: Statement, state: Consents) -> bool:
    """Whether the very same was entered before, by whomever.

    What is only of the same effect is kept: a statement in between may still come to be known.
    """
    return any(
        type(one) is type(said) and _content(one) == _content(said)
        for one in state.about(said.member, said.purpose, said.receiver)
    )


def _content(said: Statement) -> tuple[Any, ...]:
    """What it says, but for texts that people typed and who entered it."""
    if isinstance(said, ConsentWithdrawn):
        return (said.said_at,)
    return said.said_at, said.text_digest, said.until, said.minor_until, said.guardian


_DECIDE: dict[type, Any] = {GiveConsent: _give, WithdrawConsent: _withdraw}


def _said(state: Consents, event: Statement) -> Consents:
    return attrs.evolve(state, said=state.said.append(event))


CONSENTS = Aggregate(
    Decider(
        "consents",
        Consents(),
        by_command(_DECIDE),
        by_event({ConsentGiven: _said, ConsentWithdrawn: _said}),
    ),
    tuple(_DECIDE),
    lambda command: command.household,
    lambda command: command.household,
)
