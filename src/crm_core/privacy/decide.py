"""Decisions about the keys of persons: erasing, holding, proposing (PRV-04, PRV-09)."""

from __future__ import annotations

from datetime import date
from typing import Any

import attrs

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.authority import Own
from crm_core.kernel.decider import Decider, Decision, Refusal, by_command, by_event
from crm_core.kernel.recorded import SYSTEM
from crm_core.kernel.refusals import no_reason, unknown
from crm_core.privacy.commands import (
    GROUNDS,
    DeclineErasure,
    DeclineStaffErasure,
    ErasedFile,
    EraseHousehold,
    EraseMember,
    EraseStaff,
    LiftLegalHold,
    LiftStaffHold,
    PlaceLegalHold,
    PlaceStaffHold,
    ProposeErasure,
    ProposeStaffErasure,
)
from crm_core.privacy.events import (
    ErasureDeclined,
    ErasureProposed,
    HoldLifted,
    HoldPlaced,
    HouseholdErased,
    MemberErased,
    StaffErased,
    StaffErasureDeclined,
    StaffErasureProposed,
    StaffHoldLifted,
    StaffHoldPlaced,
)
from crm_core.privacy.state import Erasures, Hold, Retention

WHOLE = "company"
"""The one id under which all erasures and holds stand: whoever opens a log must find them at once,
and a person is held wherever they are named."""

# --- erasing -----------------------------------------------------------------------------------


def _erase_household(command: EraseHousehold, state: Erasures) -> Decision:
    refused = _unfit(command)
    for file in command.files:
        refused = refused or _held(state.held(file.household, *file.members))
    refused = refused or _held_in_texts(command.shared, state)
    if refused is not None:
        return refused
    left = [file for file in command.files if _is_left(file, state)]
    if not left:
        return Refusal("erased_already", "PRV-04", {"who": command.household})
    return tuple(
        HouseholdErased(
            household=file.household,
            erased_by=command.by.id,
            ground=command.ground,
            keys=tuple(sorted({state.key(file.household), *file.members})),
            members=tuple(sorted(file.members)),
            on=command.on,
            purpose=command.purpose,
        )
        for file in left
    )


def _is_left(file: ErasedFile, state: Erasures) -> bool:
    """Whether there is anything to erase in a file."""
    unerased = any(member not in state.erased for member in file.members)
    return unerased or not file.untouched or not state.times_of(file.household)


def _erase_member(command: EraseMember, state: Erasures) -> Decision:
    household, member = command.file, command.member
    if household is None:
        return _no_member(command.household, member)
    refused = _unfit(command) or _held(state.held(household, member))
    refused = refused or _held_in_texts(command.shared, state)
    if refused is not None:
        return refused
    if member in state.erased:
        return Refusal("erased_already", "PRV-04", {"who": member})
    return (
        MemberErased(
            household=household,
            erased_by=command.by.id,
            ground=command.ground,
            keys=(member,),
            member=member,
            on=command.on,
            purpose=command.purpose,
        ),
    )


def _erase_staff(command: EraseStaff, state: Erasures) -> Decision:
    staff = command.staff
    if command.stranger:
        return Refusal("unknown_staff", "PRV-04", {"staff": staff})
    refused = _unfit(command) or _held(state.held("", staff))
    refused = refused or _held_in_texts(command.shared, state)
    if refused is not None:
        return refused
    if staff in state.erased:
        return Refusal("erased_already", "PRV-04", {"who": staff})
    return (
        StaffErased(
            staff=staff,
            erased_by=command.by.id,
            ground=command.ground,
            keys=(staff,),
            on=command.on,
            purpose=command.purpose,
        ),
    )


def _unfit(command: EraseHousehold | EraseMember | EraseStaff) -> Refusal | None:
    if command.by == SYSTEM:
        # The clock proposes; what cannot be undone a person decides (PRV-09).
        return Refusal("system_erases_nobody", "PRV-04")
    if command.ground not in GROUNDS:
        return unknown("ground", command.ground, GROUNDS, rule="PRV-04")
    if not command.purpose.strip():
        return no_reason("PRV-04", "erasing")
    return None


def _held(hold: Hold | None) -> Refusal | None:
    if hold is None:
        return None
    # Its reason is sealed; whoever asked is told it by `CRM.privacy.erase`.
    return Refusal("legal_hold", "PRV-04", {"hold": hold.hold, "since": hold.on.isoformat()})


def _held_in_texts(shared: tuple[str, ...], state: Erasures) -> Refusal | None:
    """A hold on somebody else, of whom a text would be closed as well (decision record 0062)."""
    return next((_held(state.holds.get(one)) for one in shared), None)


def _no_member(household: str, member: str) -> Refusal:
    return Refusal("unknown_member", "PRV-04", {"household": household, "member": member})


# --- holding -----------------------------------------------------------------------------------


def _place(command: PlaceLegalHold, state: Erasures) -> Decision:
    if command.stranger and command.member is not None:
        return _no_member(command.household, command.member)
    placed = HoldPlaced(
        household=command.household,
        hold=command.hold,
        member=command.member,
        on=command.on,
        placed_by=command.by.id,
        reason=command.reason,
    )
    return _placed(placed, command, state)


def _place_staff(command: PlaceStaffHold, state: Erasures) -> Decision:
    if command.stranger:
        return Refusal("unknown_staff", "PRV-04", {"staff": command.staff})
    placed = StaffHoldPlaced(
        staff=command.staff,
        hold=command.hold,
        on=command.on,
        placed_by=command.by.id,
        reason=command.reason,
    )
    return _placed(placed, command, state)


def _placed(placed: Hold, command: PlaceLegalHold | PlaceStaffHold, state: Erasures) -> Decision:
    if command.hold in state.holds:
        # Not compared with the first: its reason is sealed by now.
        return Refusal("hold_exists", "PRV-04", {"hold": command.hold})
    return (placed,) if command.reason.strip() else no_reason("PRV-04", "holding")


def _lift(command: LiftLegalHold, state: Erasures) -> Decision:
    hold = state.holds.get(command.hold)
    if not isinstance(hold, HoldPlaced) or hold.household != command.household:
        return Refusal("unknown_hold", "PRV-04", {"hold": command.hold})
    lifted = HoldLifted(
        household=command.household,
        hold=command.hold,
        lifted_by=command.by.id,
        on=command.on,
        reason=command.reason,
    )
    return _lifted(lifted, hold, command, state)


def _lift_staff(command: LiftStaffHold, state: Erasures) -> Decision:
    hold = state.holds.get(command.hold)
    if not isinstance(hold, StaffHoldPlaced) or hold.staff != command.staff:
        return Refusal("unknown_hold", "PRV-04", {"hold": command.hold})
    lifted = StaffHoldLifted(
        staff=command.staff,
        hold=command.hold,
        lifted_by=command.by.id,
        on=command.on,
        reason=command.reason,
    )
    return _lifted(lifted, hold, command, state)


def _lifted(
    lifted: HoldLifted | StaffHoldLifted,
    hold: Hold,
    command: LiftLegalHold | LiftStaffHold,
    state: Erasures,
) -> Decision:
    if command.hold in state.lifted:
        return Refusal("hold_lifted", "PRV-04", {"hold": command.hold})
    if not command.reason.strip():
        return no_reason("PRV-04", "lifting")
    if command.on < hold.on:
        return Refusal("too_early", "PRV-04", {"from": hold.on.isoformat()}, "too_early_hold")
    return (lifted,)


# --- proposing ---------------------------------------------------------------------------------


def _propose(command: ProposeErasure, state: Retention) -> Decision:
    if _stands(state, command.member, command.on):
        return ()
    return (
        ErasureProposed(
            household=command.household,
            ended=command.ended,
            member=command.member,
            on=command.on,
            policy=command.policy.ref,
        ),
    )


def _propose_staff(command: ProposeStaffErasure, state: Retention) -> Decision:
    if _stands(state, command.staff, command.on):
        return ()
    return (
        StaffErasureProposed(
            staff=command.staff,
            ended=command.ended,
            on=command.on,
            policy=command.policy.ref,
        ),
    )


def _stands(state: Retention, person: str, on: date) -> bool:
    """Whether a proposal stands, or was declined until later."""
    if person not in state.proposed:
        return False
    until = state.proposed[person]
    return until is None or on < until


def _decline(command: DeclineErasure, state: Retention) -> Decision:
    refused = _undeclinable(command, command.member, state)
    if refused is not None:
        return refused
    return (
        ErasureDeclined(
            household=command.household,
            declined_by=command.by.id,
            member=command.member,
            on=command.on,
            reason=command.reason,
            until=command.until,
        ),
    )


def _decline_staff(command: DeclineStaffErasure, state: Retention) -> Decision:
    refused = _undeclinable(command, command.staff, state)
    if refused is not None:
        return refused
    return (
        StaffErasureDeclined(
            staff=command.staff,
            declined_by=command.by.id,
            on=command.on,
            reason=command.reason,
            until=command.until,
        ),
    )


def _undeclinable(
    command: DeclineErasure | DeclineStaffErasure, person: str, state: Retention
) -> Refusal | None:
    if state.proposed.get(person, command.until) is not None:
        return Refusal("erasure_not_proposed", "PRV-09", {"who": person})
    if not command.reason.strip():
        return no_reason("PRV-09", "declining")
    if command.until <= command.on:
        return Refusal("kept_too_short", "PRV-09", {"on": command.on.isoformat()})
    return None


# --- what follows from an event ----------------------------------------------------------------


def _household_erased(state: Erasures, e: HouseholdErased) -> Erasures:
    erased = state.erased
    for member in e.members:
        if member not in erased:
            erased = erased.add(member, e.on)
    times = state.times.add((e.household, state.times_of(e.household)), e.on)
    return attrs.evolve(state, erased=erased, times=times)


def _placed_hold(state: Erasures, e: Hold) -> Erasures:
    return attrs.evolve(state, holds=state.holds.add(e.hold, e))


def _proposed(state: Retention, person: str, until: date | None) -> Retention:
    return attrs.evolve(state, proposed={**state.proposed, person: until})


def _lifted_hold(state: Erasures, e: HoldLifted | StaffHoldLifted) -> Erasures:
    return attrs.evolve(state, lifted=state.lifted.add(e.hold, e.on))


_ERASURES: dict[type, Any] = {
    HouseholdErased: _household_erased,
    MemberErased: lambda state, e: attrs.evolve(state, erased=state.erased.add(e.member, e.on)),
    StaffErased: lambda state, e: attrs.evolve(state, erased=state.erased.add(e.staff, e.on)),
    HoldPlaced: _placed_hold,
    HoldLifted: _lifted_hold,
    StaffHoldPlaced: _placed_hold,
    StaffHoldLifted: _lifted_hold,
}

_RETENTION: dict[type, Any] = {
    ErasureProposed: lambda state, e: _proposed(state, e.member, None),
    ErasureDeclined: lambda state, e: _proposed(state, e.member, e.until),
    StaffErasureProposed: lambda state, e: _proposed(state, e.staff, None),
    StaffErasureDeclined: lambda state, e: _proposed(state, e.staff, e.until),
}

# --- where it stands ---------------------------------------------------------------------------


def _of_household(command: Any) -> str:
    return getattr(command, "household", "")


def _own(command: Any, _state: Any) -> Own | None:
    """Nobody decides about themselves: not of the staff, and not as a member of a household."""
    person = getattr(command, "staff", None) or getattr(command, "member", None)
    return None if person is None else Own(others=frozenset({person}))


_ERASING: dict[type, Any] = {
    EraseHousehold: _erase_household,
    EraseMember: _erase_member,
    EraseStaff: _erase_staff,
    PlaceLegalHold: _place,
    LiftLegalHold: _lift,
    PlaceStaffHold: _place_staff,
    LiftStaffHold: _lift_staff,
}

ERASING = Aggregate(
    Decider("erasures", Erasures(), by_command(_ERASING), by_event(_ERASURES)),
    tuple(_ERASING),
    lambda _: WHOLE,
    _of_household,
    own=_own,
    # Also who was entered by mistake is erased, and held.
    void_too=True,
    inside=frozenset({EraseHousehold, EraseMember, EraseStaff}),
)
"""One stream for the company (see `WHOLE`)."""

_PROPOSING: dict[type, Any] = {ProposeErasure: _propose, DeclineErasure: _decline}

RETENTION = Aggregate(
    Decider("retention", Retention(), by_command(_PROPOSING), by_event(_RETENTION)),
    tuple(_PROPOSING),
    _of_household,
    _of_household,
    own=_own,
    inside=frozenset({ProposeErasure}),
)

_PROPOSING_STAFF: dict[type, Any] = {
    ProposeStaffErasure: _propose_staff,
    DeclineStaffErasure: _decline_staff,
}

STAFF_RETENTION = Aggregate(
    Decider("staff_retention", Retention(), by_command(_PROPOSING_STAFF), by_event(_RETENTION)),
    tuple(_PROPOSING_STAFF),
    lambda command: command.staff,
    lambda _: "",
    needs_file=False,
    own=_own,
    inside=frozenset({ProposeStaffErasure}),
)
