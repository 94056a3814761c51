"""Leaks of personal data: found, told in time, described, answered for (PRV-08; PIPL, art. 57).

A leak has a clock for each of three duties: whoever answers for it in the company, the authority,
and the persons. The last may be left out only by a reasoned decision of two people that harm was
avoided, and the authority may order it all the same.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.authority import Own
from crm_core.kernel.canonical import digest_of
from crm_core.kernel.commands import Id, InstantAhead, looked_up
from crm_core.kernel.data_map import CLASSES
from crm_core.kernel.decider import Decider, Decision, Refusal, by_command, by_event
from crm_core.kernel.growing import NOTHING, GrowingList
from crm_core.kernel.recorded import Actor
from crm_core.kernel.refusals import no_reason, unknown
from crm_core.kernel.values import define, frozen
from crm_core.privacy.incident_events import (
    ITEMS,
    LISTED,
    READ_LOG,
    AffectedDetermined,
    LeakClockTold,
    LeakClosed,
    LeakKindsStated,
    LeakOpened,
    LeakReassessed,
    LeakStated,
    LeakTold,
    NotificationOrdered,
    PersonsTold,
    SilenceDecided,
    SilenceProposed,
)
from crm_core.privacy.leak_policy import (
    AUTHORITY,
    DUTIES,
    INTERNAL,
    PERSONS,
    SEVERITIES,
    DutyClock,
    LeaksPolicy,
)

OVERDUE = 100
"""The percent at which a clock has run out."""


# --- state -----------------------------------------------------------------------------------


@define
class Leak:
    """A leak as it stands.

    Args:
        opened: How it began; None if it never did.
        severity: How bad it is by now.
        clocks: By duty.
        kinds: Classes of data that it is about.
        stated: Items that were put into words.
        affected: Who is affected, as found out last.
        told: When whoever answers for it, and the authority, were told.
        notified: When persons were told.
        proposed: The proposal not to tell them that waits for a decision.
        silence: The decision not to tell them that holds.
        ordered: The latest order of the authority to tell them.
        announced: What the clocks were heard of: (duty, due instant, percent).
        closed: How it was closed, if it is.
    """

    opened: LeakOpened | None = None
    severity: str = ""
    clocks: tuple[DutyClock, ...] = ()
    kinds: tuple[str, ...] = ()
    stated: frozenset[str] = frozenset()
    affected: AffectedDetermined | None = None
    told: GrowingList[LeakTold] = NOTHING
    notified: GrowingList[PersonsTold] = NOTHING
    proposed: SilenceProposed | None = None
    silence: SilenceDecided | None = None
    ordered: NotificationOrdered | None = None
    announced: frozenset[tuple[str, datetime, int]] = frozenset()
    closed: LeakClosed | None = None

    def done_at(self, clock: DutyClock) -> datetime | None:
        """When the duty of a clock was done; None while it is owed."""
        if clock.duty != PERSONS:
            return min((t.told_at for t in self.told if t.duty == clock.duty), default=None)
        found = self.affected
        if self.silence is not None:
            return self.silence.decided_at
        if found is None:
            return None
        if not found.number:
            return found.determined_at
        number = 0
        for one in sorted(self.notified, key=lambda one: one.told_at):
            if one.told_at >= clock.started_at:
                number += one.number
                if number >= found.number:
                    return one.told_at
        return None

    def missing(self) -> list[str]:
        """What is still to be said or done before it can be closed."""
        missing = [] if self.kinds else ["kinds"]
        missing += [item for item in ITEMS if item not in self.stated]
        if self.affected is None:
            missing.append("affected")
        missing += [clock.duty for clock in self.clocks if self.done_at(clock) is None]
        return missing

    def steps(self) -> list[tuple[datetime, DutyClock, int]]:
        """What the clocks that run will be heard of, the earliest first."""
        if self.opened is None or self.closed is not None:
            return []
        found = []
        for clock in self.clocks:
            if self.done_at(clock) is not None:
                continue
            ahead = zip(clock.warns_at, clock.warned_percents, strict=True)
            found += [(at, clock, percent) for at, percent in [*ahead, (clock.due_at, OVERDUE)]]
        news = (
            (at, clock, percent)
            for at, clock, percent in found
            if (clock.duty, clock.due_at, percent) not in self.announced
        )
        return sorted(news, key=lambda step: (step[0], DUTIES.index(step[1].duty)))


# --- commands --------------------------------------------------------------------------------


@frozen
class OpenLeak:
    """Say that personal data leaked, was changed or lost, or may have been.

    Args:
        severity: One of `SEVERITIES`; it can be judged anew.
        discovered_at: From when the clocks run.
        since: From when on it leaked, where that is known to be earlier.
        until: Up to when, if it is over.
    """

    leak: Id
    severity: str
    discovered_at: datetime
    summary: str
    since: datetime | None = None
    until: datetime | None = None
    by: Actor = looked_up()
    policy: LeaksPolicy = looked_up()


@frozen
class StateLeak:
    """Put into words what is told of a leak; the latest words count.

    Args:
        item: One of `ITEMS`.
    """

    leak: str
    item: str
    text: str
    by: Actor = looked_up()


@frozen
class StateLeakKinds:
    """Say which classes of data it is about, all of them.

    Args:
        kinds: Classes of the data map, e.g. `name`, `contact`, `purchase`.
    """

    leak: str
    kinds: tuple[str, ...]
    by: Actor = looked_up()


@frozen
class ReassessLeak:
    """Judge anew how bad it is; its clocks run from its discovery all the same."""

    leak: str
    severity: str
    reason: str
    by: Actor = looked_up()
    policy: LeaksPolicy = looked_up()


@frozen
class ListAffected:
    """Enter who is affected, where a list says so: of a lost file, of a wrong address.

    Args:
        persons: Their ids; only their number and a digest are kept here.
        reference: Where the list came from.
    """

    leak: str
    persons: tuple[str, ...]
    reference: str
    by: Actor = looked_up()
    known_at: datetime = looked_up()


@frozen
class RecordAffected:
    """Keep whom the log of reads says to be affected; the library gives it, having asked."""

    leak: str
    number: int
    digest: str
    since: datetime
    until: datetime
    fields: tuple[str, ...]
    position: int
    by: Actor = looked_up()
    known_at: datetime = looked_up()


@frozen
class TellOfLeak:
    """Keep that whoever answers for it in the company, or the authority, was told.

    Args:
        duty: `internal` or `authority`.
        informed: Who was told.
        reference: Where that is on record.
    """

    leak: str
    duty: str
    informed: str
    reference: str
    told_at: datetime
    by: Actor = looked_up()


@frozen
class TellPersons:
    """Keep that persons who are affected were told.

    Args:
        channel: How: by letter, by a notice in the app.
        number: How many were told.
        text: What they were told.
    """

    leak: str
    channel: str
    number: int
    text: str
    told_at: datetime
    by: Actor = looked_up()


@frozen
class ProposeSilence:
    """Propose not to tell the persons, because harm was effectively avoided."""

    leak: str
    reason: str
    by: Actor = looked_up()


@frozen
class DecideSilence:
    """Agree that the persons need not be told, or not; somebody else than who proposed it does."""

    leak: str
    approved: bool
    reason: str
    by: Actor = looked_up()
    known_at: datetime = looked_up()


@frozen
class RecordOrder:
    """Keep that the authority orders the persons to be told; it opens a closed leak again.

    Args:
        due_at: By when, if the authority says so.
    """

    leak: str
    authority: str
    reference: str
    ordered_at: datetime
    due_at: InstantAhead | None = None
    by: Actor = looked_up()
    policy: LeaksPolicy = looked_up()


@frozen
class TellLeakClock:
    """Record how far a clock has come; the clock itself does."""

    leak: str
    duty: str
    due_at: datetime
    percent: int


@frozen
class CloseLeak:
    """Close a leak of which all is said and done that is owed."""

    leak: str
    closed_at: datetime
    conclusion: str
    by: Actor = looked_up()


# --- decisions -------------------------------------------------------------------------------


def _open(command: OpenLeak, state: Leak) -> Decision:
    if state.opened is not None:
        return Refusal("leak_exists", "PRV-08", {"leak": command.leak})
    if command.severity not in SEVERITIES:
        return unknown("severity", command.severity, SEVERITIES, rule="PRV-08")
    if not command.summary.strip():
        return Refusal("summary_missing", "PRV-08")
    since = command.since or command.discovered_at
    if since > command.discovered_at or (command.until is not None and command.until < since):
        return Refusal("leak_backwards", "PRV-08")
    return (
        LeakOpened(
            clocks=command.policy.clocks(command.severity, command.discovered_at),
            discovered_at=command.discovered_at,
            leak=command.leak,
            opened_by=command.by.id,
            policy=command.policy.ref,
            severity=command.severity,
            since=since,
            summary=command.summary,
            until=command.until,
        ),
    )


def _state(command: StateLeak, state: Leak) -> Decision:
    refused = _not_open(state)
    if refused is not None:
        return refused
    if command.item not in ITEMS:
        return unknown("item", command.item, ITEMS, rule="PRV-08")
    if not command.text.strip():
        return Refusal("words_missing", "PRV-08")
    return (LeakStated(command.item, command.leak, command.by.id, command.text),)


def _state_kinds(command: StateLeakKinds, state: Leak) -> Decision:
    refused = _not_open(state)
    if refused is not None:
        return refused
    strange = [kind for kind in command.kinds if kind not in CLASSES]
    if strange or not command.kinds:
        return unknown("data_class", (strange or [""])[0], tuple(CLASSES), rule="PRV-08")
    kinds = tuple(sorted(set(command.kinds)))
    return () if kinds == state.kinds else (LeakKindsStated(kinds, command.leak, command.by.id),)


def _reassess(command: ReassessLeak, state: Leak) -> Decision:
    refused = _not_open(state)
    if refused is not None:
        return refused
    if command.severity not in SEVERITIES:
        return unknown("severity", command.severity, SEVERITIES, rule="PRV-08")
    if not command.reason.strip():
        return no_reason("PRV-08")
    if command.severity == state.severity:
        return ()
    assert state.opened is not None
    clocks = command.policy.clocks(command.severity, state.opened.discovered_at)
    if state.ordered is not None:
        # What the authority set no judgement of the company's moves.
        clocks = _with_ordered(clocks, state.ordered)
    return (
        LeakReassessed(
            clocks=clocks,
            leak=command.leak,
            policy=command.policy.ref,
            reason=command.reason,
            reassessed_by=command.by.id,
            severity=command.severity,
        ),
    )


def _with_ordered(
    clocks: tuple[DutyClock, ...], ordered: NotificationOrdered
) -> tuple[DutyClock, ...]:
    return (*(clock for clock in clocks if clock.duty != PERSONS), ordered.clock)


def _list_affected(command: ListAffected, state: Leak) -> Decision:
    refused = _not_open(state)
    if refused is not None:
        return refused
    if not command.reference.strip():
        return Refusal("evidence_missing", "PRV-08")
    persons = sorted(set(command.persons))
    digest = digest_of(persons)
    if state.affected is not None and state.affected.digest == digest:
        return ()
    return (
        AffectedDetermined(
            determined_at=command.known_at,
            determined_by=command.by.id,
            digest=digest,
            fields=(),
            leak=command.leak,
            number=len(persons),
            position=0,
            reference=command.reference,
            since=None,
            source=LISTED,
            until=None,
        ),
    )


def _record_affected(command: RecordAffected, state: Leak) -> Decision:
    refused = _not_open(state)
    if refused is not None:
        return refused
    return (
        AffectedDetermined(
            determined_at=command.known_at,
            determined_by=command.by.id,
            digest=command.digest,
            fields=command.fields,
            leak=command.leak,
            number=command.number,
            position=command.position,
            reference="",
            since=command.since,
            source=READ_LOG,
            until=command.until,
        ),
    )


def _tell(command: TellOfLeak, state: Leak) -> Decision:
    refused = _not_open(state) or _too_early(command.told_at, state)
    if refused is not None:
        return refused
    if command.duty not in (INTERNAL, AUTHORITY):
        return unknown("duty", command.duty, (INTERNAL, AUTHORITY), rule="PRV-08")
    if not command.informed.strip() or not command.reference.strip():
        return Refusal("evidence_missing", "PRV-08")
    return (
        LeakTold(
            duty=command.duty,
            informed=command.informed,
            leak=command.leak,
            reference=command.reference,
            told_at=command.told_at,
            told_by=command.by.id,
        ),
    )


def _tell_persons(command: TellPersons, state: Leak) -> Decision:
    refused = _not_open(state) or _too_early(command.told_at, state)
    if refused is not None:
        return refused
    if state.affected is None:
        return Refusal("affected_unknown", "PRV-08")
    if not 1 <= command.number <= state.affected.number:
        return Refusal("number_out_of_range", "PRV-08", {"most": state.affected.number})
    if not command.text.strip() or not command.channel.strip():
        return Refusal("words_missing", "PRV-08")
    return (
        PersonsTold(
            channel=command.channel,
            digest=state.affected.digest,
            leak=command.leak,
            number=command.number,
            text=command.text,
            told_at=command.told_at,
            told_by=command.by.id,
        ),
    )


def _propose_silence(command: ProposeSilence, state: Leak) -> Decision:
    refused = _not_open(state)
    if refused is not None:
        return refused
    if state.ordered is not None:
        return Refusal("notification_ordered", "PRV-08")
    if state.proposed is not None or state.silence is not None:
        return Refusal("silence_proposed", "PRV-08")
    if not command.reason.strip():
        return no_reason("PRV-08")
    return (SilenceProposed(command.leak, command.by.id, command.reason),)


def _decide_silence(command: DecideSilence, state: Leak) -> Decision:
    refused = _not_open(state)
    if refused is not None:
        return refused
    if state.proposed is None:
        return Refusal("silence_not_proposed", "PRV-08")
    if not command.reason.strip():
        return no_reason("PRV-08")
    return (
        SilenceDecided(
            approved=command.approved,
            decided_at=command.known_at,
            decided_by=command.by.id,
            leak=command.leak,
            reason=command.reason,
        ),
    )


def _order(command: RecordOrder, state: Leak) -> Decision:
    if state.opened is None:
        return Refusal("unknown_leak", "PRV-08")
    refused = _too_early(command.ordered_at, state)
    if refused is not None:
        return refused
    if not command.authority.strip() or not command.reference.strip():
        return Refusal("evidence_missing", "PRV-08")
    due_at = command.due_at or command.policy.ordered_by(command.ordered_at)
    if due_at <= command.ordered_at:
        return Refusal("due_backwards", "PRV-08")
    clock = command.policy.clock(PERSONS, command.ordered_at, due_at)
    if clock in state.clocks:
        return ()
    return (
        NotificationOrdered(
            authority=command.authority,
            clock=clock,
            entered_by=command.by.id,
            leak=command.leak,
            ordered_at=command.ordered_at,
            reference=command.reference,
        ),
    )


def _tell_clock(command: TellLeakClock, state: Leak) -> Decision:
    for at, clock, percent in state.steps():
        if (clock.duty, clock.due_at, percent) == (command.duty, command.due_at, command.percent):
            return (
                LeakClockTold(
                    due_at=clock.due_at,
                    duty=clock.duty,
                    leak=command.leak,
                    percent=percent,
                    reached_at=at,
                ),
            )
    return ()


def _close(command: CloseLeak, state: Leak) -> Decision:
    refused = _not_open(state) or _too_early(command.closed_at, state)
    if refused is not None:
        return refused
    missing = state.missing()
    if missing:
        return Refusal("leak_unfinished", "PRV-08", {"missing": missing})
    if not command.conclusion.strip():
        return Refusal("words_missing", "PRV-08")
    return (
        LeakClosed(
            closed_at=command.closed_at,
            closed_by=command.by.id,
            conclusion=command.conclusion,
            leak=command.leak,
        ),
    )


def _not_open(state: Leak) -> Refusal | None:
    if state.opened is None:
        return Refusal("unknown_leak", "PRV-08")
    return None if state.closed is None else Refusal("leak_closed", "PRV-08")


def _too_early(at: datetime, state: Leak) -> Refusal | None:
    """Nothing is done about what nobody has found."""
    if state.opened is None or at >= state.opened.discovered_at:
        return None
    earliest = state.opened.discovered_at.isoformat()
    return Refusal("too_early", "PRV-08", {"earliest": earliest}, "too_early_leak")


def _own(command: Any, state: Leak) -> Own | None:
    """Nobody decides their own proposal to keep silent (LOG-08)."""
    if type(command) is not DecideSilence or state.proposed is None:
        return None
    return Own(state.proposed.proposed_by)


_DECIDE: dict[type, Any] = {
    OpenLeak: _open,
    StateLeak: _state,
    StateLeakKinds: _state_kinds,
    ReassessLeak: _reassess,
    ListAffected: _list_affected,
    RecordAffected: _record_affected,
    TellOfLeak: _tell,
    TellPersons: _tell_persons,
    ProposeSilence: _propose_silence,
    DecideSilence: _decide_silence,
    RecordOrder: _order,
    TellLeakClock: _tell_clock,
    CloseLeak: _close,
}


# --- what follows from an event --------------------------------------------------------------


def _opened(state: Leak, e: LeakOpened) -> Leak:
    return attrs.evolve(state, opened=e, severity=e.severity, clocks=e.clocks)


def _decided(state: Leak, e: SilenceDecided) -> Leak:
    return attrs.evolve(state, proposed=None, silence=e if e.approved else None)


def _ordered(state: Leak, e: NotificationOrdered) -> Leak:
    return attrs.evolve(
        state,
        clocks=_with_ordered(state.clocks, e),
        proposed=None,
        silence=None,
        ordered=e,
        closed=None,
    )


LEAK = Aggregate(
    Decider(
        "leak",
        Leak(),
        by_command(_DECIDE),
        by_event(
            {
                LeakOpened: _opened,
                LeakStated: lambda state, e: attrs.evolve(state, stated=state.stated | {e.item}),
                LeakKindsStated: lambda state, e: attrs.evolve(state, kinds=e.kinds),
                LeakReassessed: lambda state, e: attrs.evolve(
                    state, severity=e.severity, clocks=e.clocks
                ),
                AffectedDetermined: lambda state, e: attrs.evolve(state, affected=e),
                LeakTold: lambda state, e: attrs.evolve(state, told=state.told.append(e)),
                PersonsTold: lambda state, e: attrs.evolve(
                    state, notified=state.notified.append(e)
                ),
                SilenceProposed: lambda state, e: attrs.evolve(state, proposed=e),
                SilenceDecided: _decided,
                NotificationOrdered: _ordered,
                LeakClockTold: lambda state, e: attrs.evolve(
                    state, announced=state.announced | {(e.duty, e.due_at, e.percent)}
                ),
                LeakClosed: lambda state, e: attrs.evolve(state, closed=e),
            }
        ),
    ),
    tuple(_DECIDE),
    lambda command: command.leak,
    lambda _: "",
    needs_file=False,
    own=_own,
    inside=frozenset({RecordAffected, TellLeakClock}),
)
