"""A household's file as people read it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from crm_core.kernel.sealed import PersonalValue
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
