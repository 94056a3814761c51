"""A household's file as people read it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
        held: Their roles as (member, role), sorted.
    """

    household: str
    estate: str
    building: str
    unit: str
    room: str
    kind: str
    members: int = 0
    held: tuple[tuple[str, str], ...] = ()


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
        held = set(line.held)
        role = (event.member, event.role)
        holds = isinstance(event, MemberAdded | RoleEndVoided)
        held = held | {role} if holds else held - {role}
        members = len({member for member, _ in held})
        line = attrs.evolve(line, members=members, held=tuple(sorted(held)))
    if line is not None:
        place = (line.estate, line.building, line.unit, line.room)
        yield Put(line.household, line, "/".join(place))


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
