"""Confidentiality undertakings and training: without them nobody sees personal values (PRV-07)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import attrs
from attrs import define, field, frozen

from crm_core.kernel.access import TRAINING, UNDERTAKING
from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.authority import Own
from crm_core.kernel.catalog import EventType
from crm_core.kernel.commands import DayAhead, Id, looked_up
from crm_core.kernel.decider import Decider, Decision, Refusal, by_command, by_event
from crm_core.kernel.recorded import Actor
from crm_core.kernel.refusals import no_reason, unknown
from crm_core.kernel.sealed import Text

WHOLE = "company"
"""The one register's id."""

KINDS = (UNDERTAKING, TRAINING)
"""What a member of staff needs, each in force on the day they look."""


@frozen
class UndertakingSigned:
    """A member of staff has undertaken to keep what they see to themselves; `until` is its last
    day.
    """

    staff: str
    undertaking: str
    since: date
    until: date
    entered_by: str


@frozen
class TrainingCompleted:
    """A member of staff was trained in the protection of personal data; it counts until a day."""

    staff: str
    topic: Text
    since: date
    until: date
    entered_by: str


@frozen
class ClearanceEnded:
    """An undertaking, or what was learnt, counts no more from a day on."""

    staff: str
    kind: str
    on: date
    reason: Text
    entered_by: str


EVENTS = (
    EventType("staff.undertaking_signed", 1, UndertakingSigned, "since"),
    EventType("staff.training_completed", 1, TrainingCompleted, "since"),
    EventType("staff.clearance_ended", 1, ClearanceEnded, "on"),
)


@frozen
class Clearance:
    """That something is in force for somebody, from a first to a last day."""

    since: date
    until: date


@define
class Undertakings:
    """What is in force for whom.

    Args:
        latest: By member of staff and kind what was entered last.
        ended: By the same since when it counts no more.
    """

    # A company has few people and they sign seldom: copying costs nothing.
    latest: Mapping[tuple[str, str], Clearance] = field(factory=dict)
    ended: Mapping[tuple[str, str], date] = field(factory=dict)

    def in_force(self, staff: str, kind: str, on: date) -> bool:
        """Whether it is in force for somebody on a day."""
        found = self.latest.get((staff, kind))
        if found is None or not found.since <= on <= found.until:
            return False
        ended = self.ended.get((staff, kind))
        return ended is None or ended < found.since or on < ended

    def lacking(self, staff: str, on: date) -> str:
        """What they lack on a day to see personal values: a kind, or nothing."""
        return next((kind for kind in KINDS if not self.in_force(staff, kind, on)), "")


@frozen
class RecordUndertaking:
    """Enter that a member of staff signed the undertaking, and until when it holds."""

    staff: str
    undertaking: Id
    since: date
    until: DayAhead
    by: Actor = looked_up()
    stranger: bool = looked_up()


@frozen
class RecordTraining:
    """Enter that a member of staff was trained, in what, and until when that counts."""

    staff: str
    topic: str
    since: date
    until: DayAhead
    by: Actor = looked_up()
    stranger: bool = looked_up()


@frozen
class EndClearance:
    """Say that an undertaking, or training, counts no more."""

    staff: str
    kind: str
    on: date
    reason: str
    by: Actor = looked_up()


def _unfit(command: RecordUndertaking | RecordTraining) -> Refusal | None:
    if command.stranger:
        return Refusal("unknown_staff", "PRV-07", {"staff": command.staff})
    if command.until < command.since:
        details = {"since": command.since.isoformat(), "until": command.until.isoformat()}
        return Refusal("clearance_ends_before_it_begins", "PRV-07", details)
    return None


def _sign(command: RecordUndertaking, _state: Undertakings) -> Decision:
    refused = _unfit(command)
    if refused is not None:
        return refused
    if not command.undertaking:
        return Refusal("document_missing", "PRV-07")
    return (
        UndertakingSigned(
            staff=command.staff,
            undertaking=command.undertaking,
            since=command.since,
            until=command.until,
            entered_by=command.by.id,
        ),
    )


def _train(command: RecordTraining, _state: Undertakings) -> Decision:
    refused = _unfit(command)
    if refused is not None:
        return refused
    if not command.topic:
        return Refusal("topic_missing", "PRV-07")
    return (
        TrainingCompleted(
            staff=command.staff,
            topic=command.topic,
            since=command.since,
            until=command.until,
            entered_by=command.by.id,
        ),
    )


def _end(command: EndClearance, state: Undertakings) -> Decision:
    if command.kind not in KINDS:
        return unknown("clearance", command.kind, KINDS, rule="PRV-07")
    if not state.in_force(command.staff, command.kind, command.on):
        details = {"staff": command.staff, "kind": command.kind, "on": command.on.isoformat()}
        return Refusal("clearance_not_in_force", "PRV-07", details)
    if not command.reason:
        return no_reason("PRV-07")
    return (
        ClearanceEnded(
            staff=command.staff,
            kind=command.kind,
            on=command.on,
            reason=command.reason,
            entered_by=command.by.id,
        ),
    )


_DECIDE: dict[type, Any] = {
    RecordUndertaking: _sign,
    RecordTraining: _train,
    EndClearance: _end,
}


def _entered(kind: str) -> Any:
    return lambda state, e: attrs.evolve(
        state, latest={**state.latest, (e.staff, kind): Clearance(e.since, e.until)}
    )


UNDERTAKINGS = Aggregate(
    Decider(
        "undertakings",
        Undertakings(),
        by_command(_DECIDE),
        by_event(
            {
                UndertakingSigned: _entered(UNDERTAKING),
                TrainingCompleted: _entered(TRAINING),
                ClearanceEnded: lambda state, e: attrs.evolve(
                    state, ended={**state.ended, (e.staff, e.kind): e.on}
                ),
            }
        ),
    ),
    tuple(_DECIDE),
    lambda _: WHOLE,
    lambda _: "",
    needs_file=False,
    # Nobody vouches for themselves.
    own=lambda command, _state: Own(others=frozenset({command.staff})),
)
