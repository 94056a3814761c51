"""The award for the wronged (委屈奖): who bore a wrong for the company is thanked (REQ-20)."""

from __future__ import annotations

from datetime import date
from typing import Any

import attrs

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.authority import Own
from crm_core.kernel.catalog import EventType
from crm_core.kernel.commands import Id, looked_up
from crm_core.kernel.decider import Decider, Decision, Refusal, by_command, by_event
from crm_core.kernel.growing import EMPTY, GrowingMap
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.recorded import Actor
from crm_core.kernel.refusals import no_reason
from crm_core.kernel.sealed import Text
from crm_core.kernel.values import define, frozen
from crm_core.staff.policy import AwardPolicy


@frozen
class WrongSuffered:
    """A member of staff bore a wrong, at times over a request."""

    staff: str
    case: str
    on: date
    what: Text
    request: str | None
    recorded_by: str


@frozen
class AwardGranted:
    """The wrong was answered with an award, within the caps of the policy."""

    staff: str
    case: str
    on: date
    amount_fen: int
    granted_by: str
    policy: PolicyRef


@frozen
class WrongWithdrawn:
    """The wrong was no wrong; with it goes the award, if one was granted.

    Args:
        withdrawn_by: Who said so: neither who bore it nor who granted the award.
    """

    staff: str
    case: str
    reason: Text
    withdrawn_by: str


EVENTS = (
    EventType("staff.wrong_suffered", 1, WrongSuffered, "on"),
    EventType("staff.award_granted", 1, AwardGranted, "on"),
    EventType("staff.wrong_withdrawn", 1, WrongWithdrawn),
)


@define
class StaffRecord:
    """What is on record of a member of staff.

    Args:
        wrongs: Wrongs borne, by their case.
        awards: Awards granted, by their case.
        withdrawn: Cases that were withdrawn; an award of theirs counts no more.
    """

    wrongs: GrowingMap[str, WrongSuffered] = EMPTY
    awards: GrowingMap[str, AwardGranted] = EMPTY
    withdrawn: GrowingMap[str, WrongWithdrawn] = EMPTY

    def awarded_fen(self, year: int) -> int:
        """What was awarded in a calendar year."""
        return sum(
            award.amount_fen
            for case, award in self.awards.items()
            if award.on.year == year and case not in self.withdrawn
        )


@frozen
class RecordWrong:
    """Record that a member of staff bore a wrong; somebody else does."""

    staff: str
    case: Id
    on: date
    what: str
    request: str | None = None
    by: Actor = looked_up()
    stranger: bool = looked_up()
    request_unknown: bool = looked_up()


@frozen
class GrantAward:
    """Grant the award for it; an amount of nothing is a word of thanks."""

    staff: str
    case: str
    on: date
    amount_fen: int
    by: Actor = looked_up()
    policy: AwardPolicy = looked_up()


@frozen
class WithdrawWrong:
    """Say that a wrong was none; neither who bore it nor who granted its award does."""

    staff: str
    case: str
    reason: str
    by: Actor = looked_up()


def _wrong(command: RecordWrong, state: StaffRecord) -> Decision:
    if command.case in state.wrongs:
        return Refusal("case_exists", "REQ-20", {"case": command.case})
    if not command.what:
        return Refusal("note_missing", "REQ-20", sentence="note_missing_wrong")
    if command.stranger:
        return Refusal("unknown_staff", "REQ-20", {"staff": command.staff})
    if command.request_unknown:
        return Refusal("unknown_request", "REQ-20", {"request": command.request})
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
    if command.case in state.withdrawn:
        return Refusal("case_withdrawn", "REQ-20", {"case": command.case})
    if command.amount_fen < 0:
        details = {"amount_fen": command.amount_fen}
        return Refusal("amount_out_of_range", "REQ-20", details, "amount_out_of_range_award")
    if command.on < wrong.on:
        return Refusal("too_early", "REQ-20", {"from": wrong.on.isoformat()}, "too_early_award")
    refused = _above_cap(command, state)
    if refused is not None:
        return refused
    return (
        AwardGranted(
            staff=command.staff,
            case=command.case,
            on=command.on,
            amount_fen=command.amount_fen,
            granted_by=command.by.id,
            policy=command.policy.ref,
        ),
    )


def _above_cap(command: GrantAward, state: StaffRecord) -> Refusal | None:
    """Why it is too much, if so: for the case, or with what the year has seen."""
    policy = command.policy
    if command.amount_fen > policy.case_cap_fen:
        details = {"cap_fen": policy.case_cap_fen, "policy": str(policy.ref)}
        return Refusal("award_above_cap", "REQ-20", details)
    left = policy.year_cap_fen - state.awarded_fen(command.on.year)
    if command.amount_fen > left:
        details = {"left_fen": max(left, 0), "year": command.on.year, "policy": str(policy.ref)}
        return Refusal("award_above_cap", "REQ-20", details, "award_above_cap_year")
    return None


def _withdraw(command: WithdrawWrong, state: StaffRecord) -> Decision:
    if command.case not in state.wrongs:
        return Refusal("unknown_case", "REQ-20", {"case": command.case})
    if command.case in state.withdrawn:
        return ()
    if not command.reason.strip():
        return no_reason("REQ-20", "withdrawing_wrong")
    return (
        WrongWithdrawn(
            staff=command.staff,
            case=command.case,
            reason=command.reason,
            withdrawn_by=command.by.id,
        ),
    )


def _own(command: Any, state: StaffRecord) -> Own | None:
    """A wrong is recorded and awarded without who bore it, and awarded by who did not record it."""
    if isinstance(command, RecordWrong):
        return Own(others=frozenset({command.staff}))
    if isinstance(command, WithdrawWrong):
        award = state.awards.get(command.case)
        return Own("" if award is None else award.granted_by, frozenset({command.staff}))
    wrong = state.wrongs.get(command.case)
    if wrong is None:
        return None
    # No amount is small enough for who recorded the wrong: whatever a table allows elsewhere.
    return Own(wrong.recorded_by, frozenset({command.staff}))


_DECIDE: dict[type, Any] = {
    RecordWrong: _wrong,
    GrantAward: _grant,
    WithdrawWrong: _withdraw,
}


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
                WrongWithdrawn: lambda state, e: attrs.evolve(
                    state, withdrawn=state.withdrawn.add(e.case, e)
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
