"""Questions about owners: personal values, opened for a stated purpose. `CRM.owners` is one."""

from __future__ import annotations

from typing import Any

from crm_core.application.authority import OF_HOUSEHOLD, acting
from crm_core.application.desk import Desk
from crm_core.application.host import Host, present_day
from crm_core.errors import Invalid, Refused
from crm_core.kernel.decider import Refusal
from crm_core.kernel.recorded import HOUSEHOLD_ROLES, Actor
from crm_core.kernel.sealed import Opened, Place, Sealed
from crm_core.owners import HOUSEHOLD
from crm_core.owners.state import Household

_PERSONAL = ("name", "phone")


class Owners:
    """Questions about owners.

    Args:
        host: Ports.
        desk: Knows who may ask.
    """

    def __init__(self, host: Host, desk: Desk) -> None:
        self._host, self._desk = host, desk

    def opened(
        self, household: str, member: str, field: str, *, by: Actor, purpose: str
    ) -> Opened | None:
        """The one place that opens personal values (PRV-03): it finds where the value stands.

        Args:
            member: Id of the member, e.g. `V00001#owner`.
            field: `name` or `phone`.
            by: Who looks; owners and users see their own household's.
            purpose: What for.

        Returns:
            `Plain`, or why it cannot be opened; None where nothing was ever told.

        Raises:
            Refused: it is not for `by` to see.
            Invalid: no purpose is stated, or there is no such member or field.
        """
        by = acting(by)
        if not purpose:
            raise Invalid.one("purpose_missing")
        if field not in _PERSONAL:
            raise Invalid.one("field_unknown", field=field, accepted=_PERSONAL)
        self._desk.may(by, "reveal")
        found: tuple[Sealed, Place] | None = None
        stream = HOUSEHOLD.stream(household)
        file = HOUSEHOLD.decider.initial
        for recorded in self._host.log.read(stream):
            file = HOUSEHOLD.decider.evolve(file, recorded.event)
            of_member = getattr(recorded.event, "member", None) == member
            value = getattr(recorded.event, field, None) if of_member else None
            if isinstance(value, Sealed):
                found = value, Place(stream, recorded.version, field)
        if by.role in HOUSEHOLD_ROLES and not self._belongs(by, file):
            details = {"role": by.role, "household": household}
            raise Refused(Refusal("not_of_household", "LOG-08", details))
        if not isinstance(file, Household) or member not in file.members():
            raise Invalid.one("member_unknown", member=member, household=household)
        return None if found is None else self._host.vault.open(*found)

    def _belongs(self, by: Actor, file: Any) -> bool:
        """Whether an owner or user has a part in the household today; who moved out has none."""
        today = present_day(self._host)
        return isinstance(file, Household) and any(
            role.member == by.id
            for kind in OF_HOUSEHOLD[by.role]
            for role in file.holding(kind, today)
        )
