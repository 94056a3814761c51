"""Questions about staff: who is told of what, and how they are reached. `CRM.staff` is one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from crm_core.application.access import Access, stated
from crm_core.application.authority import acting
from crm_core.application.host import Host, present_day
from crm_core.application.notices import staff_notices, telling
from crm_core.application.sight import WorkSight
from crm_core.application.streams import Streams
from crm_core.errors import Refused
from crm_core.kernel.dates import local_date
from crm_core.kernel.recorded import Actor, Recorded
from crm_core.kernel.roles import DESK
from crm_core.kernel.sealed import Opened, Place, Sealed
from crm_core.kernel.slice import StaffNotice
from crm_core.messages.staff import TellStaff
from crm_core.staff import REGISTER, ROSTER
from crm_core.staff.register import WHOLE, Register


class Staff:
    """Questions about staff.

    Args:
        host: Ports, slices.
        access: Knows who may see what.
    """

    def __init__(self, host: Host, access: Access) -> None:
        self._host, self._access = host, access

    def contact(self, staff: str, *, by: Actor, purpose: str) -> Opened | None:
        """How a member of staff is reached, as last told; None where nothing ever was (OUT-01).

        Raises:
            Refused: it is not for `by` to see.
            Invalid: no purpose is stated.
            Failed: the read log cannot be written.
        """
        by, purpose = acting(by), stated(purpose)
        look = self._access.look(by, purpose, "staff.contact")
        try:
            self._access.desk.may(by, "reach-staff")
        except Refused as refused:
            look.deny(("contact",), refused.reason, "", staff)
            raise
        stream = REGISTER.stream(WHOLE)
        found: tuple[Sealed, Place] | None = None
        for recorded in self._host.log.read(stream):
            of_them = getattr(recorded.event, "staff", None) == staff
            value = getattr(recorded.event, "contact", None) if of_them else None
            if isinstance(value, Sealed):
                found = value, Place(stream, recorded.version, "contact")
        return None if found is None else look.open(*found, "staff_contact", "", staff)

    def told_of(self, recorded: Recorded[Any]) -> list[tuple[str, TellStaff]]:
        """The messages to staff that follow from an event, each with its command's id (OUT-01).

        Nobody is told of what they did themselves. Without a register nobody can be reached.
        """
        host = self._host
        if type(recorded.event) not in host.registry.staff_notices:
            return []
        sight = WorkSight(
            streams=Streams(host.log, self._access.desk.texts),
            log=host.log,
            registry=host.registry,
            policies=host.policies,
            zone=host.zone,
            day=present_day(host),
        )
        who_did = recorded.envelope.actor.partition(":")[2]
        found: dict[str, tuple[str, TellStaff]] = {}
        for told in staff_notices(host.registry, recorded, sight):
            for staff in recipients(sight, told, recorded.recorded):
                if staff != who_did:
                    found.setdefault(staff, telling(recorded, told, staff))
        return list(found.values())


def recipients(sight: WorkSight, told: StaffNotice, at: datetime) -> tuple[str, ...]:
    """Who is told: whose work it is, of a department or role those on duty, else all of them.

    Where nobody is left, whoever leads hears of it: a role passes on to the next one above.
    """
    register: Register = sight.state(REGISTER, WHOLE)
    day = local_date(at, sight.zone)
    if not register.in_force(day):
        return ()
    people: tuple[str, ...]
    if told.person:
        people, line = (told.person,) if register.employs(told.person, day) else (), ""
    elif told.department:
        of_trade = register.operators(told.department, day)
        people, line = (*of_trade, *register.holders(told.department, day)), told.department
    else:
        people, line = register.holders(told.role, day), told.role
    if not people:
        return _leading(register, told.role, at, sight)
    on_duty = sight.state(ROSTER, line).on_duty(at) if line else ()
    return tuple(sorted(set(people) & set(on_duty) or set(people)))


def _leading(register: Register, role: str, at: datetime, sight: WorkSight) -> tuple[str, ...]:
    """The holders of the next role above that anybody holds."""
    day = local_date(at, sight.zone)
    above = DESK[DESK.index(role) + 1 :] if role in DESK else DESK[1:]
    for higher in above:
        people = register.holders(higher, day)
        if people:
            on_duty = sight.state(ROSTER, higher).on_duty(at)
            return tuple(sorted(set(people) & set(on_duty) or set(people)))
    return ()
