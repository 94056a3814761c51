"""Questions about owners: a household's file, and personal values opened for a stated purpose.

`CRM.owners` answers them.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from crm_core.application.access import Access, stated
from crm_core.application.authority import acting
from crm_core.application.file import Files, Found
from crm_core.application.host import Host
from crm_core.errors import Invalid, Refused
from crm_core.kernel.data_map import CLASSES
from crm_core.kernel.recorded import Actor
from crm_core.kernel.sealed import Opened, Place, Sealed
from crm_core.owners import HOUSEHOLD
from crm_core.owners.state import Household

_PERSONAL = {"name": CLASSES["name"].name, "phone": CLASSES["contact"].name}
"""The fields that can be opened, with their class of data."""


class Owners:
    """Questions about owners.

    Args:
        host: Ports.
        access: Knows who may see what.
        files: Puts files together.
    """

    def __init__(self, host: Host, access: Access, files: Files) -> None:
        self._host, self._access, self._files = host, access, files

    def file(
        self,
        household: str,
        *,
        by: Actor | None = None,
        purpose: str | None = None,
        on: date | None = None,
        known: datetime | None = None,
    ) -> dict[str, Any]:
        """The file of a household as it stands, or as it stood (OWN-01, OWN-10), as plain data.

        Names and numbers are opened for a stated purpose; what `by` may not see is `Withheld`.

        Raises:
            Invalid: it has no file, or had none then.
        """
        return self._files.file(household, by=by, purpose=purpose, on=on, known=known)

    def find(
        self, text: str, *, by: Actor | None = None, purpose: str | None = None
    ) -> list[Found]:
        """Households by number or place, and by name for whoever may see names, in order of places.

        Args:
            text: Words that all occur in the number or place, or in a member's name.

        Raises:
            Invalid: there is no word.
        """
        return self._files.find(text, by=by, purpose=purpose)

    def opened(
        self, household: str, member: str, field: str, *, by: Actor, purpose: str
    ) -> Opened | None:
        """The one place that opens personal values (PRV-03): it finds where the value stands.

        That it is seen, or was refused, is written down first (PRV-06).

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
            Failed: the read log cannot be written.
        """
        by, purpose = acting(by), stated(purpose)
        if field not in _PERSONAL:
            raise Invalid.one("field_unknown", field=field, accepted=tuple(_PERSONAL))
        look = self._access.look(by, purpose, "owners.opened")
        try:
            self._access.desk.may(by, "reveal")
        except Refused as refused:
            look.deny((field,), refused.reason, household, member)
            raise
        found: tuple[Sealed, Place] | None = None
        stream = HOUSEHOLD.stream(household)
        file: Any = HOUSEHOLD.decider.initial
        for recorded in self._host.log.read(stream):
            file = HOUSEHOLD.decider.evolve(file, recorded.event)
            of_member = getattr(recorded.event, "member", None) == member
            value = getattr(recorded.event, field, None) if of_member else None
            if isinstance(value, Sealed):
                found = value, Place(stream, recorded.version, field)
        if not isinstance(file, Household) or member not in file.members():
            # Whoever may see nothing of the household learns nothing of its members either.
            if look.answer(_PERSONAL[field], household).reason == "not_own":
                raise Refused(look.refusal("not_own", household))
            raise Invalid.one("member_unknown", member=member, household=household)
        if found is None:
            answer = look.answer(_PERSONAL[field], household)
            if not answer.granted:
                look.check(_PERSONAL[field], field, household, member)
            return None
        return look.open(*found, _PERSONAL[field], household, member)
