"""Who may see a cell: whoever may see the event field that it comes from (PRV-01, PRV-02).

The class of data of a printed field is that of its sources in the data map. So no paper shows what
its sources do not, and a new field has an answer before anybody thinks of it.
"""

from __future__ import annotations

from collections.abc import Mapping

from crm_core.application.desk import Desk
from crm_core.application.papers.model import Printed, Value
from crm_core.kernel.data_map import EVENT, DataClass
from crm_core.kernel.recorded import Actor
from crm_core.kernel.registry import Registry
from crm_core.kernel.sealed import Withheld

ENVELOPE = "@"
"""Stands between an event and a member of its envelope."""

CLOSED = frozenset({"contact", "detail", "evidence", "name", "place", "text"})
"""Classes that are opened for a stated purpose alone, to who may see personal values."""


class Gate:
    """Shows cells to somebody, or says why not.

    Args:
        desk: Knows who may see personal values.
        registry: Knows of which class each field is.
        by: Who looks.
        purpose: What for.
    """

    def __init__(self, desk: Desk, registry: Registry, by: Actor, purpose: str) -> None:
        self._classes = classes(registry)
        self._reason = ""
        if not purpose:
            self._reason = "purpose_missing"
        else:
            refused = desk.authority().refuses(by, "reveal")
            self._reason = "" if refused is None else refused.code

    def show(self, printed: Printed, value: Value, household: str) -> Value:
        """A cell as they may see it.

        Args:
            household: Whose it is; what is nobody's is no secret.
        """
        if value is None or isinstance(value, Withheld) or not household or not self._reason:
            return value
        closed = any(self._classes[one].name in CLOSED for one in printed.of if ENVELOPE not in one)
        return Withheld(self._reason) if closed else value


def classes(registry: Registry) -> Mapping[str, DataClass]:
    """The class of data of every event field, by `slice.event/1.field`."""
    return {f"{one.source}.{one.field}": one.data for one in registry.data_map if one.kind == EVENT}
