"""What persons ask about their data: asked, proved, answered in time (PRV-09; PIPL, art. 44-50).

A case is asked by a member or a member of staff about themselves, by the guardian of a child, or by
a close relative of somebody who has died. It is fulfilled, or refused with a reason; nobody decides
a case of their own.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import attrs

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.authority import Own
from crm_core.kernel.catalog import EventType
from crm_core.kernel.commands import Id, looked_up
from crm_core.kernel.decider import Decider, Decision, Refusal, by_command, by_event
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.recorded import Actor
from crm_core.kernel.refusals import no_reason, unknown
from crm_core.kernel.sealed import Text
from crm_core.kernel.values import define, frozen
from crm_core.kernel.word import Word
from crm_core.privacy.rights_policy import (
    DELETE,
    GROUNDS,
    KINDS,
    OBJECT,
    OF_THE_DEAD,
    Deadline,
    RightsPolicy,
)

SELF, GUARDIAN, RELATIVE = "self", "guardian", "relative"
RELATIONS = (SELF, GUARDIAN, RELATIVE)
"""Who asks: the person, a guardian of a child, a close relative of somebody who has died."""

AUTOMATIC = "automatic"
"""What is objected to: decisions by rule alone (GRD-13); all else is the name of a purpose."""

IDENTITY = "identity_unproved"

OVERDUE = "overdue"


# --- events ----------------------------------------------------------------------------------


@frozen
class RightAsked:
    """Somebody asked something about the data of a person.

    Args:
        about: What is objected to: `automatic`, or a purpose; empty for other kinds.
        asker: Id of who asked, where they have one here; empty for an outsider.
        at_once: Whether an objection takes effect at once; what nobody can refuse, people answer.
        deadline: By when it is answered.
        detail: What exactly they ask, in their words.
        evidence: Of guardianship, or of kinship and death; empty for who asks for themselves.
        household: The household; empty for a member of staff.
        member: The person whose data it is.
        on: The day on which it was asked.
        outsider: Name of who asks, where they have no id here.
        proved: Whether they acted in person, so that nobody has to look at who they are.
        relation: One of `RELATIONS`.
        word: What the member of staff was told; None for who acted in person.
    """

    about: str
    asked_at: datetime
    asker: str
    at_once: bool
    case: str
    deadline: Deadline
    detail: Text
    entered_by: str
    evidence: Text
    household: str
    kind: str
    member: str
    on: date
    outsider: Text
    policy: PolicyRef
    proved: bool
    relation: str
    word: Word | None


@frozen
class IdentityChecked:
    """Somebody looked at who asks, and whether they may."""

    case: str
    checked_by: str
    confirmed: bool
    how: Text


@frozen
class RightExtended:
    """The answer takes longer, for a reason that the person was told."""

    case: str
    deadline: Deadline
    extended_by: str
    reason: Text


@frozen
class RightFulfilled:
    """What was asked was done.

    Args:
        erasure: Where in the log the erasure stands, of who asked for deletion and was erased.
        fulfilled_at: When.
        how: What was done.
        instead: Why somebody who asked for deletion was not erased, or not in everything.
        reference: Where that is on record: the file that was handed over, the erasure, the change.
    """

    case: str
    erasure: int | None
    fulfilled_at: datetime
    fulfilled_by: str
    how: Text
    instead: Text
    reference: Text


@frozen
class RightRefused:
    """What was asked was not done, and why (PIPL, art. 50).

    Args:
        ground: One of `GROUNDS`.
        reason: The same in words, as the person was told.
    """

    case: str
    declined_by: str
    ground: str
    reason: Text
    refused_at: datetime


@frozen
class RightWithdrawn:
    """Who asked asks no longer."""

    case: str
    entered_by: str
    word: Word | None


@frozen
class RightClockTold:
    """A case is near its last day, or past it.

    Args:
        due_at: When its last day is over.
        reached_at: When this was so.
        step: `warn-1`, `warn-2` and so on, or `overdue`.
    """

    case: str
    due_at: datetime
    reached_at: datetime
    step: str


EVENTS = (
    EventType("privacy.right_asked", 1, RightAsked, "on"),
    EventType("privacy.identity_checked", 1, IdentityChecked),
    EventType("privacy.right_extended", 1, RightExtended),
    EventType("privacy.right_fulfilled", 1, RightFulfilled),
    EventType("privacy.right_refused", 1, RightRefused),
    EventType("privacy.right_withdrawn", 1, RightWithdrawn),
    EventType("privacy.right_clock_told", 1, RightClockTold),
)


# --- state -----------------------------------------------------------------------------------


@define
class RightCase:
    """A case as it stands.

    Args:
        asked: How it began; None if it never did.
        deadline: By when it is answered, put off or not.
        proved: Whether who asks is known to be who they say, and may ask.
        extended: How it was put off, if it was.
        ended: How it was answered, or that it was withdrawn.
        announced: Steps of the clock that were told: (step, due instant).
    """

    asked: RightAsked | None = None
    deadline: Deadline | None = None
    proved: bool = False
    extended: RightExtended | None = None
    ended: RightFulfilled | RightRefused | RightWithdrawn | None = None
    announced: frozenset[tuple[str, datetime]] = frozenset()

    @property
    def household(self) -> str:
        """The household it concerns; empty for a member of staff."""
        return "" if self.asked is None else self.asked.household

    @property
    def in_time(self) -> bool | None:
        """Whether it was answered before its last day was over; None where it was not answered."""
        if self.deadline is None or self.ended is None or isinstance(self.ended, RightWithdrawn):
            return None
        done = self.ended
        at = done.fulfilled_at if isinstance(done, RightFulfilled) else done.refused_at
        return at < self.deadline.due_at

    def steps(self) -> list[tuple[datetime, str]]:
        """What the clock will tell of it, the earliest first."""
        if self.deadline is None or self.ended is not None:
            return []
        due = self.deadline.due_at
        found = [(at, f"warn-{n}") for n, at in enumerate(self.deadline.warns_at, 1)]
        return [
            (at, step) for at, step in [*found, (due, OVERDUE)] if (step, due) not in self.announced
        ]


# --- commands --------------------------------------------------------------------------------


@frozen
class AskRight:
    """Enter what somebody asks about the data of a person.

    Args:
        case: Number of the case.
        household: The household; empty where the person is a member of staff.
        member: The person whose data it is.
        kind: One of `KINDS`.
        detail: What exactly they ask.
        relation: One of `RELATIONS`.
        word: What a member of staff was told, of the member or of a guardian or relative who
            belongs to the household.
        outsider: Name of a guardian or relative who does not belong to it.
        evidence: Of guardianship, or of kinship and death.
        about: What is objected to: `automatic`, or a purpose.
        purposes: Looked up: what can be objected to.
        refusable: Looked up: what of it ends when the person says so.
        refused_there: Looked up: why it cannot be theirs to ask, if it cannot.
    """

    case: Id
    household: str
    member: Id
    kind: str
    asked_at: datetime
    detail: str = ""
    relation: str = SELF
    word: Word | None = None
    outsider: str = ""
    evidence: str = ""
    about: Id = ""
    by: Actor = looked_up()
    policy: RightsPolicy = looked_up()
    purposes: tuple[str, ...] = looked_up()
    refusable: tuple[str, ...] = looked_up()
    refused_there: Refusal | None = looked_up()


@frozen
class CheckIdentity:
    """Keep that who asks was looked at, and whether they are who they say and may ask.

    Args:
        how: By what: a document that was shown, a call back to the number on file.
    """

    case: str
    confirmed: bool
    how: str
    by: Actor = looked_up()


@frozen
class ExtendRight:
    """Put an answer off, once and in time, for a reason that the person is told."""

    case: str
    reason: str
    by: Actor = looked_up()
    policy: RightsPolicy = looked_up()
    known_at: datetime = looked_up()


@frozen
class FulfilRight:
    """Keep that what was asked was done.

    Args:
        how: What was done.
        reference: Where that is on record.
        instead: Why somebody who asked for deletion was not erased: what the law has kept, or what
            was deleted in another way. Without it there is an erasure.
        erasure: Looked up: where in the log the person was erased last, if deletion was asked for.
    """

    case: str
    fulfilled_at: datetime
    how: str
    reference: str
    instead: str = ""
    by: Actor = looked_up()
    erasure: int | None = looked_up()


@frozen
class RefuseRight:
    """Refuse what was asked, for a reason.

    Args:
        ground: One of `GROUNDS`.
        reason: The same in words, as the person is told.
    """

    case: str
    ground: str
    reason: str
    refused_at: datetime
    by: Actor = looked_up()


@frozen
class WithdrawRight:
    """Keep that who asked asks no longer.

    Args:
        word: What a member of staff was told; who asked in person withdraws in person.
    """

    case: str
    word: Word | None = None
    by: Actor = looked_up()


@frozen
class TellRightClock:
    """Record that a case is near its last day, or past it; the clock does."""

    case: str
    step: str
    due_at: datetime


# --- decisions -------------------------------------------------------------------------------


def _ask(command: AskRight, state: RightCase) -> Decision:
    if state.asked is not None:
        return Refusal("case_exists", "PRV-09", {"case": command.case})
    if command.kind not in KINDS:
        return unknown("right", command.kind, KINDS, rule="PRV-09")
    if command.relation not in RELATIONS:
        return unknown("relation", command.relation, RELATIONS, rule="PRV-09")
    refused = _unfit_object(command) or _unfit_asker(command) or command.refused_there
    if refused is not None:
        return refused
    policy, term = command.policy, command.policy.terms[command.kind]
    speaker, on = speaker_of(command), policy.day(command.asked_at)
    return (
        RightAsked(
            about=command.about,
            asked_at=command.asked_at,
            asker=speaker,
            at_once=bool(command.household) and command.about in (AUTOMATIC, *command.refusable),
            case=command.case,
            deadline=policy.deadline(on, term.days),
            detail=command.detail,
            entered_by=command.by.id,
            evidence=command.evidence,
            household=command.household,
            kind=command.kind,
            member=command.member,
            on=on,
            outsider=command.outsider,
            policy=policy.ref,
            proved=command.by.id == command.member and command.relation == SELF,
            relation=command.relation,
            word=command.word,
        ),
    )


def _unfit_object(command: AskRight) -> Refusal | None:
    """Why what is objected to is nothing that can be, if so."""
    if command.kind != OBJECT:
        return Refusal("objects_to_nothing", "PRV-09") if command.about else None
    accepted = (AUTOMATIC, *command.purposes) if command.household else command.purposes
    if command.about not in accepted:
        return unknown("object", command.about, accepted, rule="PRV-09")
    return None


def _unfit_asker(command: AskRight) -> Refusal | None:
    """Why who asks may not, or says too little of who they are, if so."""
    speaker, outsider = speaker_of(command), bool(command.outsider.strip())
    if speaker and outsider:
        return Refusal("asker_twice", "PRV-09")
    if not speaker and not outsider:
        return Refusal("asker_missing", "PRV-09")
    if command.relation == SELF:
        if speaker != command.member:
            details = {"member": command.member, "said_by": speaker}
            return Refusal("word_of_another", "PRV-09", details)
        return None
    if speaker == command.member:
        return Refusal("asks_in_person", "PRV-09", {"member": command.member})
    if not command.evidence.strip():
        return Refusal(
            "evidence_missing", "PRV-09", sentence=f"evidence_missing_{command.relation}"
        )
    if command.relation == RELATIVE and command.kind not in OF_THE_DEAD:
        accepted = {"kind": command.kind, "accepted": list(OF_THE_DEAD)}
        return Refusal("not_of_the_dead", "PRV-09", accepted)
    return None


def speaker_of(command: AskRight) -> str:
    """Id of who asks: whose word was entered, or who acts in person; empty for an outsider."""
    if command.word is not None:
        return command.word.member
    if command.outsider:
        return ""
    # A member of staff who enters nobody's word asks about themselves.
    return command.by.id


def _check(command: CheckIdentity, state: RightCase) -> Decision:
    refused = _not_open(state)
    if refused is not None:
        return refused
    if not command.how.strip():
        return Refusal("evidence_missing", "PRV-09", sentence="evidence_missing_identity")
    return (
        IdentityChecked(
            case=command.case,
            checked_by=command.by.id,
            confirmed=command.confirmed,
            how=command.how,
        ),
    )


def _extend(command: ExtendRight, state: RightCase) -> Decision:
    refused = _not_open(state)
    if refused is not None:
        return refused
    assert state.asked is not None
    assert state.deadline is not None
    days = command.policy.terms[state.asked.kind].extension_days
    if not days:
        return Refusal("never_extended", "PRV-09", {"kind": state.asked.kind})
    if state.extended is not None:
        return Refusal("extended_before", "PRV-09")
    if command.known_at >= state.deadline.due_at:
        return Refusal("too_late", "PRV-09", {"due": state.deadline.last_day.isoformat()})
    if not command.reason.strip():
        return no_reason("PRV-09", "extending")
    return (
        RightExtended(
            case=command.case,
            deadline=command.policy.deadline(state.deadline.last_day, days),
            extended_by=command.by.id,
            reason=command.reason,
        ),
    )


def _fulfil(command: FulfilRight, state: RightCase) -> Decision:
    refused = _not_open(state) or _too_early(command.fulfilled_at, state)
    if refused is not None:
        return refused
    if not state.proved:
        return Refusal("identity_unchecked", "PRV-09")
    if not command.how.strip() or not command.reference.strip():
        return Refusal("evidence_missing", "PRV-09", sentence="evidence_missing_answer")
    asked = state.asked
    assert asked is not None
    if asked.kind == DELETE and command.erasure is None and not command.instead.strip():
        return Refusal("erasure_missing", "PRV-09", {"who": asked.member})
    return (
        RightFulfilled(
            case=command.case,
            erasure=command.erasure,
            fulfilled_at=command.fulfilled_at,
            fulfilled_by=command.by.id,
            how=command.how,
            instead=command.instead,
            reference=command.reference,
        ),
    )


def _refuse(command: RefuseRight, state: RightCase) -> Decision:
    refused = _not_open(state) or _too_early(command.refused_at, state)
    if refused is not None:
        return refused
    if command.ground not in GROUNDS:
        return unknown("ground", command.ground, GROUNDS, rule="PRV-09")
    if not command.reason.strip():
        return no_reason("PRV-09", "refusing")
    if command.ground == IDENTITY and state.proved:
        return Refusal("identity_proved", "PRV-09")
    return (
        RightRefused(
            case=command.case,
            ground=command.ground,
            reason=command.reason,
            refused_at=command.refused_at,
            declined_by=command.by.id,
        ),
    )


def _withdraw(command: WithdrawRight, state: RightCase) -> Decision:
    refused = _not_open(state)
    if refused is not None:
        return refused
    assert state.asked is not None
    speaker = command.by.id if command.word is None else command.word.member
    if state.asked.asker and speaker != state.asked.asker:
        return Refusal("not_the_asker", "PRV-09")
    return (RightWithdrawn(case=command.case, entered_by=command.by.id, word=command.word),)


def _tell_clock(command: TellRightClock, state: RightCase) -> Decision:
    if state.deadline is None or command.due_at != state.deadline.due_at:
        return ()
    return tuple(
        RightClockTold(case=command.case, due_at=command.due_at, reached_at=at, step=step)
        for at, step in state.steps()
        if step == command.step
    )


def _not_open(state: RightCase) -> Refusal | None:
    if state.asked is None:
        return Refusal("unknown_case", "PRV-09")
    return None if state.ended is None else Refusal("case_ended", "PRV-09")


def _too_early(at: datetime, state: RightCase) -> Refusal | None:
    assert state.asked is not None
    if at >= state.asked.asked_at:
        return None
    earliest = state.asked.asked_at.isoformat()
    return Refusal("too_early", "PRV-09", {"earliest": earliest}, "too_early_answer")


_BY_OTHERS = (CheckIdentity, ExtendRight, FulfilRight, RefuseRight)


def _own(command: Any, state: RightCase) -> Own | None:
    """Nobody looks at, puts off or answers what they ask themselves, or what is about them."""
    if type(command) not in _BY_OTHERS or state.asked is None:
        return None
    return Own(others=frozenset({state.asked.member, state.asked.asker} - {""}))


_DECIDE: dict[type, Any] = {
    AskRight: _ask,
    CheckIdentity: _check,
    ExtendRight: _extend,
    FulfilRight: _fulfil,
    RefuseRight: _refuse,
    WithdrawRight: _withdraw,
    TellRightClock: _tell_clock,
}


# --- what follows from an event --------------------------------------------------------------


def _asked(state: RightCase, e: RightAsked) -> RightCase:
    return attrs.evolve(state, asked=e, deadline=e.deadline, proved=e.proved)


def _ended(state: RightCase, e: Any) -> RightCase:
    return attrs.evolve(state, ended=e)


RIGHT = Aggregate(
    Decider(
        "right",
        RightCase(),
        by_command(_DECIDE),
        by_event(
            {
                RightAsked: _asked,
                IdentityChecked: lambda state, e: attrs.evolve(state, proved=e.confirmed),
                RightExtended: lambda state, e: attrs.evolve(
                    state, extended=e, deadline=e.deadline
                ),
                RightFulfilled: _ended,
                RightRefused: _ended,
                RightWithdrawn: _ended,
                RightClockTold: lambda state, e: attrs.evolve(
                    state, announced=state.announced | {(e.step, e.due_at)}
                ),
            }
        ),
    ),
    tuple(_DECIDE),
    lambda command: command.case,
    lambda command: getattr(command, "household", ""),
    own=_own,
    inside=frozenset({TellRightClock}),
)
