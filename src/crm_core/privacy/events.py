"""What was decided about the keys of persons. Names and fields are a storage contract.

An erasure says whose keys are destroyed, by the ids under which values were sealed (`keys`):
whoever opens a log that says so destroys them if they are still there (decision record 0055).
"""

from __future__ import annotations

from datetime import date

from crm_core.kernel.catalog import EventType
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.sealed import Text
from crm_core.kernel.values import frozen


@frozen
class HouseholdErased:
    """Personal values of a household and of all its members, of whatever tenure, are gone (PRV-04).

    Args:
        keys: Ids of the keys: the household's own, and those of the members.
        ground: One of `crm_core.privacy.commands.GROUNDS`.
        purpose: What for, in the words of who erased; it is gone with what it is about.
    """

    household: str
    erased_by: str
    ground: str
    keys: tuple[str, ...]
    members: tuple[str, ...]
    on: date
    purpose: Text


@frozen
class MemberErased:
    """Personal values of one member are gone; those of others are not (PRV-04)."""

    household: str
    erased_by: str
    ground: str
    keys: tuple[str, ...]
    member: str
    on: date
    purpose: Text


@frozen
class StaffErased:
    """How a member of staff was reached, and what was typed about them, is gone (PRV-04)."""

    staff: str
    erased_by: str
    ground: str
    keys: tuple[str, ...]
    on: date
    purpose: Text


@frozen
class HoldPlaced:
    """A household, or a member of it, must be kept: nothing of it may be erased (PRV-04).

    Args:
        hold: Its number; no other hold ever has it.
        member: The member it is about; None for the household with all of them.
    """

    household: str
    hold: str
    member: str | None
    on: date
    placed_by: str
    reason: Text


@frozen
class HoldLifted:
    """Nothing stands against erasing any more, as far as that hold goes."""

    household: str
    hold: str
    lifted_by: str
    on: date
    reason: Text


@frozen
class StaffHoldPlaced:
    """A member of staff must be kept (PRV-04)."""

    staff: str
    hold: str
    on: date
    placed_by: str
    reason: Text


@frozen
class StaffHoldLifted:
    """Nothing stands against erasing that member of staff, as far as that hold goes."""

    staff: str
    hold: str
    lifted_by: str
    on: date
    reason: Text


@frozen
class ErasureProposed:
    """The retention of a member is over: somebody is to decide (PRV-09).

    Args:
        ended: The day on which what they were kept for had ended.
        on: The day behind the last one of their retention.
        policy: The policy that says how long that is.
    """

    household: str
    ended: date
    member: str
    on: date
    policy: PolicyRef


@frozen
class ErasureDeclined:
    """It was decided not to erase a member yet.

    Args:
        until: The day on which it is proposed again.
    """

    household: str
    declined_by: str
    member: str
    on: date
    reason: Text
    until: date


@frozen
class StaffErasureProposed:
    """The retention of who worked here is over: somebody is to decide (PRV-09)."""

    staff: str
    ended: date
    on: date
    policy: PolicyRef


@frozen
class StaffErasureDeclined:
    """It was decided not to erase who worked here yet."""

    staff: str
    declined_by: str
    on: date
    reason: Text
    until: date


ERASURES = (
    EventType("privacy.household_erased", 1, HouseholdErased, effective="on"),
    EventType("privacy.member_erased", 1, MemberErased, effective="on"),
    EventType("privacy.staff_erased", 1, StaffErased, effective="on"),
    EventType("privacy.hold_placed", 1, HoldPlaced, effective="on"),
    EventType("privacy.hold_lifted", 1, HoldLifted, effective="on"),
    EventType("privacy.staff_hold_placed", 1, StaffHoldPlaced, effective="on"),
    EventType("privacy.staff_hold_lifted", 1, StaffHoldLifted, effective="on"),
    EventType("privacy.erasure_proposed", 1, ErasureProposed, effective="on"),
    EventType("privacy.erasure_declined", 1, ErasureDeclined, effective="on"),
    EventType("privacy.staff_erasure_proposed", 1, StaffErasureProposed, effective="on"),
    EventType("privacy.staff_erasure_declined", 1, StaffErasureDeclined, effective="on"),
)
