"""What commands about households must be told to be decided (LOG-08)."""

from __future__ import annotations

from typing import Any

import attrs

from crm_core.kernel.slice import LookUp, Sight
from crm_core.owners.commands import RegisterHousehold
from crm_core.owners.decide import HOUSEHOLD
from crm_core.owners.events import PlaceClaimed


def with_place(command: RegisterHousehold, _state: Any, sight: Sight) -> RegisterHousehold:
    """Who has the place already (decision record 0012)."""
    [claim] = HOUSEHOLD.claims(command)
    taken = sight.taken(claim)
    if not isinstance(taken, PlaceClaimed):
        return command
    return attrs.evolve(command, taken_by=taken.household)


LOOK_UPS: dict[type, LookUp] = {RegisterHousehold: with_place}
