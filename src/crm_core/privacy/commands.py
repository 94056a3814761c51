"""What can be asked about the keys of persons, and about how long they are kept."""

from __future__ import annotations

from datetime import date

from crm_core.kernel.commands import DayAhead, Id, looked_up
from crm_core.kernel.recorded import Actor
from crm_core.kernel.values import frozen
from crm_core.privacy.policy import RetentionPolicy

GROUNDS = ("asked", "consent_withdrawn", "purpose_done", "retention_over", "unlawful")
"""Why somebody is erased (PIPL, art. 47); it stays readable when the words that say so are gone."""


@frozen
class ErasedFile:
    """A file of the household that is erased: its own, or one that was merged with it (OWN-09).

    Args:
        members: All who ever held a role in it.
        untouched: Whether nothing was recorded of it since it was erased.
    """

    household: str
    members: tuple[str, ...]
    untouched: bool


@frozen
class EraseHousehold:
    """Let go of a household with all its members; `CRM.privacy.erase` gives it and does the rest.

    Args:
        files: All files of the household, the surviving one first.
        shared: Holds that stand on others with whom they share a text: it would close for those.
    """

    household: str
    on: date
    purpose: str
    ground: str = "asked"
    by: Actor = looked_up()
    files: tuple[ErasedFile, ...] = looked_up()
    shared: tuple[str, ...] = looked_up()


@frozen
class EraseMember:
    """Let go of one member.

    Args:
        file: The file that has such a member, of those that are the household's; None if none has.
        shared: Holds that stand on others with whom they share a text: it would close for those.
    """

    household: str
    member: str
    on: date
    purpose: str
    ground: str = "asked"
    by: Actor = looked_up()
    file: str | None = looked_up()
    shared: tuple[str, ...] = looked_up()


@frozen
class EraseStaff:
    """Let go of how a member of staff is reached, and of what was typed about them.

    Args:
        stranger: Whether nobody of that id was ever on the staff.
        shared: Holds that stand on others with whom they share a text: it would close for those.
    """

    staff: str
    on: date
    purpose: str
    ground: str = "asked"
    by: Actor = looked_up()
    stranger: bool = looked_up()
    shared: tuple[str, ...] = looked_up()


@frozen
class PlaceLegalHold:
    """Say that a household, or a member of it, must be kept: a lawsuit, an order of an authority.

    Args:
        hold: Its number.
        member: The member it is about, if not the household with all of them.
        stranger: Whether the file of the household has no such member.
    """

    household: str
    hold: Id
    on: date
    reason: str
    member: str | None = None
    by: Actor = looked_up()
    stranger: bool = looked_up()


@frozen
class LiftLegalHold:
    """Say that a hold is over."""

    household: str
    hold: str
    on: date
    reason: str
    by: Actor = looked_up()


@frozen
class PlaceStaffHold:
    """Say that a member of staff must be kept.

    Args:
        stranger: Whether nobody of that id was ever on the staff.
    """

    staff: str
    hold: Id
    on: date
    reason: str
    by: Actor = looked_up()
    stranger: bool = looked_up()


@frozen
class LiftStaffHold:
    """Say that a hold on a member of staff is over."""

    staff: str
    hold: str
    on: date
    reason: str
    by: Actor = looked_up()


@frozen
class ProposeErasure:
    """Propose to erase a member whose retention is over; the clock gives it.

    Args:
        ended: The day on which what they were kept for had ended.
        policy: The policy in force.
    """

    household: str
    member: str
    ended: date
    on: date
    policy: RetentionPolicy


@frozen
class DeclineErasure:
    """Decide not to erase a member yet whose erasure was proposed.

    Args:
        until: The day on which it is to be proposed again.
    """

    household: str
    member: str
    on: date
    reason: str
    until: DayAhead
    by: Actor = looked_up()


@frozen
class ProposeStaffErasure:
    """Propose to erase who worked here, or never became a customer; the clock gives it."""

    staff: str
    ended: date
    on: date
    policy: RetentionPolicy


@frozen
class DeclineStaffErasure:
    """Decide not to erase who worked here, or never became a customer, yet."""

    staff: str
    on: date
    reason: str
    until: DayAhead
    by: Actor = looked_up()
