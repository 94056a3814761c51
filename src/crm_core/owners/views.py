"""A household's file as people read it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import attrs

from crm_core.kernel.projection import Projection, Put, Remove, Rows
from crm_core.kernel.recorded import Recorded
from crm_core.kernel.sealed import PersonalValue
from crm_core.kernel.values import frozen
from crm_core.owners.events import (
    HouseholdRegistered,
    HouseholdVoided,
    MemberAdded,
    RoleEnded,
    RoleEndVoided,
    RoleVoided,
)
from crm_core.owners.state import Household

Reveal = Callable[[PersonalValue | None], str | None]


def household_file(state: Household, reveal: Reveal) -> dict[str, Any]:
    """The file as plain data.

    Args:
        reveal: What a personal value shows to this reader: its text, or what stands for it.
    """
    members = state.members()
    return {
        "household": state.household,
        "estate": state.estate,
        "building": state.building,
        "unit": state.unit,
        "room": state.room,
        "kind": state.kind,
        "moved_in": state.moved_in.isoformat() if state.moved_in else None,
        "source": state.source,
        "roles": [
            {
                "member": role.member,
                "kind": members[role.member].kind,
                "role": role.role,
                "since": role.since.isoformat(),
                "until": role.until.isoformat() if role.until else None,
                "source": role.source,
                "name": reveal(members[role.member].name),
                "phone": reveal(members[role.member].phone),
            }
            for role in state.roles()
        ],
        "interests": [
            {"service": service, "on": on.isoformat()} for service, on in state.interests
        ],
        "conduct": [{"kind": kind, "on": on.isoformat()} for kind, on in state.conduct],
    }


@frozen
class DirectoryLine:
    """A household in the directory; nothing in it is a personal value.

    Args:
        kind: `person` or `company`.
        members: How many people hold a role that has not been ended.
        held: Their roles as (member, role, first day), sorted.
    """

    household: str
    estate: str
    building: str
    unit: str
    room: str
    kind: str
    members: int = 0
    held: tuple[tuple[str, str, str], ...] = ()


Event = HouseholdRegistered | HouseholdVoided | MemberAdded | RoleEnded | RoleEndVoided | RoleVoided


def _directory(
    rows: Rows[DirectoryLine], recorded: Recorded[Event]
) -> Iterator[Put[DirectoryLine] | Remove]:
    event = recorded.event
    line = rows.get(event.household)
    if isinstance(event, HouseholdVoided):
        if line is not None:
            yield Remove(line.household)
        return
    if isinstance(event, HouseholdRegistered):
        place = (event.estate, event.building, event.unit, event.room)
        line = DirectoryLine(event.household, *place, event.kind)
    elif line is not None:
        held = _held(line.held, event)
        members = len({member for member, _, _ in held})
        line = attrs.evolve(line, members=members, held=tuple(sorted(held)))
    if line is not None:
        place = (line.estate, line.building, line.unit, line.room)
        yield Put(line.household, line, "/".join(place))


def _held(
    held: Iterable[tuple[str, str, str]],
    event: MemberAdded | RoleEnded | RoleEndVoided | RoleVoided,
) -> set[tuple[str, str, str]]:
    if isinstance(event, RoleEnded):
        # One that was over before is told with its end, beside one that goes on.
        until = event.until.isoformat()
        return {one for one in held if one[:2] != (event.member, event.role) or one[2] > until}
    role = (event.member, event.role, event.since.isoformat())
    going_on = isinstance(event, MemberAdded | RoleEndVoided)
    return {*held, role} if going_on else {*held} - {role}


DIRECTORY = Projection(
    name="owners.directory",
    version=1,
    row=DirectoryLine,
    names=(
        "owners.household_registered/1",
        "owners.household_voided/1",
        "owners.member_added/1",
        "owners.role_end_voided/1",
        "owners.role_ended/1",
        "owners.role_voided/1",
    ),
    apply=_directory,
)
"""Households with place, kind and number of members; in order of places."""
