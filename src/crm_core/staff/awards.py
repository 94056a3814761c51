"""The award for the wronged (委屈奖): who bore a wrong for the company is thanked (REQ-20)."""

from __future__ import annotations

from datetime import date
from typing import Any

import attrs
from attrs import define, frozen

from crm_core.catalog import EventType
from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.decider import Decider, Refusal, dispatch
from crm_core.kernel.growing import EMPTY, GrowingMap

Decision = tuple[Any, ...] | Refusal


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
    approver: str


EVENTS = (
    EventType("staff.wrong_suffered", 1, WrongSuffered, "on"),
    EventType("staff.award_granted", 1, AwardGranted, "on"),
)


@define
class Member:
    """What is on record of a member of staff.

    Args:
        wrongs: Wrongs borne, by their case.
        awards: Awards granted, by their case.
    """

    wrongs: GrowingMap[str, WrongSuffered] = EMPTY
    awards: GrowingMap[str, AwardGranted] = EMPTY


@frozen
class RecordWrong:
    """Record that a member of staff bore a wrong."""

    staff: str
    case: str
    on: date
    what: str
    recorded_by: str
    request: str | None = None


@frozen
class GrantAward:
    """Grant the award for it; an amount of nothing is a word of thanks."""

    staff: str
    case: str
    on: date
    amount_fen: int
    approver: str


def _wrong(command: RecordWrong, state: Member) -> Decision:
    if command.case in state.wrongs:
        return Refusal("case_exists", "REQ-20", f"case `{command.case}` is on record")
    if not command.what:
        return Refusal("note_missing", "REQ-20", "the record says what happened")
    return (
        WrongSuffered(
            command.staff,
            command.case,
            command.on,
            command.what,
            command.request,
            command.recorded_by,
        ),
    )


def _grant(command: GrantAward, state: Member) -> Decision:
    wrong = state.wrongs.get(command.case)
    if wrong is None:
        return Refusal("unknown_case", "REQ-20", f"there is no case `{command.case}`")
    if command.case in state.awards:
        return Refusal("award_granted", "REQ-20", "the award was granted")
    if command.approver in ("", command.staff):
        return Refusal("approver_missing", "REQ-20", "nobody approves their own award")
    if command.amount_fen < 0:
        return Refusal("amount_out_of_range", "REQ-20", "an award is not below nothing")
    if command.on < wrong.on:
        return Refusal("too_early", "REQ-20", f"an award cannot be before {wrong.on}")
    return (
        AwardGranted(command.staff, command.case, command.on, command.amount_fen, command.approver),
    )


_DECIDE: dict[type, Any] = {RecordWrong: _wrong, GrantAward: _grant}


def decide(command: Any, state: Member) -> Decision:
    """Events that follow from the command, or why not."""
    return _DECIDE[type(command)](command, state)  # type: ignore[no-any-return]


STAFF = Aggregate(
    Decider(
        "staff",
        Member(),
        decide,
        dispatch(
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
)
