"""Confidentiality undertakings and training: without them nobody sees personal values (PRV-07)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from attrs import field

from crm_core.kernel.access import TRAINING, UNDERTAKING
from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.authority import Own
from crm_core.kernel.catalog import EventType
from crm_core.kernel.commands import DayAhead, Id, looked_up
from crm_core.kernel.decider import Decider, Decision, Refusal, by_command, by_event
from crm_core.kernel.recorded import Actor
from crm_core.kernel.refusals import no_reason, unknown
from crm_core.kernel.sealed import Text
from crm_core.kernel.values import define, frozen

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
        entered: By member of staff and kind, in the order in which it was entered: one that begins
            later, or is entered late, takes nothing from those before it.
    """

    # A company has few people and they sign seldom: copying costs nothing.
    entered: Mapping[tuple[str, str], tuple[Clearance, ...]] = field(factory=dict)

    def in_force(self, staff: str, kind: str, on: date) -> bool:
        """Whether it is in force for somebody on a day."""
        return any(one.since <= on <= one.until for one in self.entered.get((staff, kind), ()))

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
    if not command.reason.strip():
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
    def entered(state: Undertakings, e: UndertakingSigned | TrainingCompleted) -> Undertakings:
        key, one = (e.staff, kind), Clearance(e.since, e.until)
        return Undertakings({**state.entered, key: (*state.entered.get(key, ()), one)})

    return entered


def _ended(state: Undertakings, e: ClearanceEnded) -> Undertakings:
    """What was entered so far ends the day before; who signs anew begins anew, that day too."""
    key, last = (e.staff, e.kind), e.on - timedelta(days=1)
    left = tuple(
        Clearance(one.since, min(one.until, last))
        for one in state.entered.get(key, ())
        if one.since <= last
    )
    return Undertakings({**state.entered, key: left})


UNDERTAKINGS = Aggregate(
    Decider(
        "undertakings",
        Undertakings(),
        by_command(_DECIDE),
        by_event(
            {
                UndertakingSigned: _entered(UNDERTAKING),
                TrainingCompleted: _entered(TRAINING),
                ClearanceEnded: _ended,
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
