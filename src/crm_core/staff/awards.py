"""The award for the wronged (委屈奖): who bore a wrong for the company is thanked (REQ-20)."""

from __future__ import annotations

from datetime import date
from typing import Any

import attrs
from attrs import define, frozen

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.authority import Own
from crm_core.kernel.catalog import EventType
from crm_core.kernel.commands import looked_up
from crm_core.kernel.decider import Decider, Decision, Refusal, by_command, by_event
from crm_core.kernel.growing import EMPTY, GrowingMap
from crm_core.kernel.recorded import Actor


@frozen
class WrongSuffered:
    """A member of staff bore a wrong, at times over a request."""

    staff: str
    case: str
    on: date
    what: str
    request: str | None
    recorded_by: str


@frozen
class AwardGranted:
    """The wrong was answered with an award."""

    staff: str
    case: str
    on: date
    amount_fen: int
    granted_by: str


EVENTS = (
    EventType("staff.wrong_suffered", 1, WrongSuffered, "on"),
    EventType("staff.award_granted", 1, AwardGranted, "on"),
)


@define
class StaffRecord:
    """What is on record of a member of staff.

    Args:
        wrongs: Wrongs borne, by their case.
        awards: Awards granted, by their case.
    """

    wrongs: GrowingMap[str, WrongSuffered] = EMPTY
    awards: GrowingMap[str, AwardGranted] = EMPTY


@frozen
class RecordWrong:
    """Record that a member of staff bore a wrong; somebody else does."""

    staff: str
    case: str
    on: date
    what: str
    request: str | None = None
    by: Actor = looked_up()


@frozen
class GrantAward:
    """Grant the award for it; an amount of nothing is a word of thanks."""

    staff: str
    case: str
    on: date
    amount_fen: int
    by: Actor = looked_up()


def _wrong(command: RecordWrong, state: StaffRecord) -> Decision:
    if command.case in state.wrongs:
        return Refusal("case_exists", "REQ-20", {"case": command.case})
    if not command.what:
        return Refusal("note_missing", "REQ-20", sentence="note_missing_wrong")
    return (
        WrongSuffered(
            staff=command.staff,
            case=command.case,
            on=command.on,
            what=command.what,
            request=command.request,
            recorded_by=command.by.id,
        ),
    )


def _grant(command: GrantAward, state: StaffRecord) -> Decision:
    wrong = state.wrongs.get(command.case)
    if wrong is None:
        return Refusal("unknown_case", "REQ-20", {"case": command.case})
    if command.case in state.awards:
        return Refusal("award_granted", "REQ-20", {"case": command.case})
    if command.amount_fen < 0:
        details = {"amount_fen": command.amount_fen}
        return Refusal("amount_out_of_range", "REQ-20", details, "amount_out_of_range_award")
    if command.on < wrong.on:
        return Refusal("too_early", "REQ-20", {"from": wrong.on.isoformat()}, "too_early_award")
    return (
        AwardGranted(
            staff=command.staff,
            case=command.case,
            on=command.on,
            amount_fen=command.amount_fen,
            granted_by=command.by.id,
        ),
    )


def _own(command: Any, state: StaffRecord) -> Own | None:
    """A wrong is recorded and awarded without who bore it, and awarded by who did not record it."""
    if isinstance(command, RecordWrong):
        return Own(others=frozenset({command.staff}))
    wrong = state.wrongs.get(command.case)
    if wrong is None:
        return None
    return Own(wrong.recorded_by, frozenset({command.staff}), command.amount_fen)


_DECIDE: dict[type, Any] = {RecordWrong: _wrong, GrantAward: _grant}


STAFF = Aggregate(
    Decider(
        "staff",
        StaffRecord(),
        by_command(_DECIDE),
        by_event(
            {
                WrongSuffered: lambda state, e: attrs.evolve(
                    state, wrongs=state.wrongs.add(e.case, e)
                ),
                AwardGranted: lambda state, e: attrs.evolve(
                    state, awards=state.awards.add(e.case, e)
                ),
            }
        ),
    ),
    tuple(_DECIDE),
    lambda command: command.staff,
    lambda _: "",
    needs_file=False,
    own=_own,
)
