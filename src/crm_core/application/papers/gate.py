"""Who may see a cell: whoever may see the event field that it comes from (PRV-01, PRV-02).

The class of data of a printed field is that of its sources in the data map. So no paper shows what
its sources do not, and a new field has an answer before anybody thinks of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import evolve

from crm_core.application.desk import Desk
from crm_core.application.papers import PAPERS
from crm_core.application.papers.model import Printed, Value
from crm_core.kernel.data_map import CLASSES, EVENT, FILE, TIERS, Classified
from crm_core.kernel.recorded import Actor
from crm_core.kernel.registry import Registry
from crm_core.kernel.sealed import Withheld

ENVELOPE = "@"
"""Stands between an event and a member of its envelope."""

CLOSED = frozenset({"contact", "detail", "evidence", "name", "text"})
"""Classes that are opened for a stated purpose alone, to who may see personal values."""

ENTERED = Classified(
    slice="", kind=EVENT, source="", field="", data=CLASSES["time"], about="household"
)
"""What stands for a field that only the envelope tells of."""


class Gate:
    """Shows cells to somebody, or says why not.

    Args:
        desk: Knows who may see personal values.
        registry: Knows of which class each field is.
        by: Who looks.
        purpose: What for.

    Attributes:
        opened: The households of which something was shown that is sealed in the log.
    """

    def __init__(self, desk: Desk, registry: Registry, by: Actor, purpose: str) -> None:
        self._events = events(registry)
        self._closed: dict[Printed, bool] = {}
        self.opened: set[str] = set()
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
        if value is None or isinstance(value, Withheld) or not household:
            return value
        if printed not in self._closed:
            self._closed[printed] = class_of(printed, self._events).data.name in CLOSED
        if not self._closed[printed]:
            return value
        if self._reason:
            return Withheld(self._reason)
        self.opened.add(household)
        return value


def class_of(printed: Printed, known: Mapping[str, Classified]) -> Classified:
    """What a printed field is: the most closed of what it comes from, or what it is said to be.

    Args:
        known: Event fields, as `events` gives them.
    """
    found = max(
        (known[one] for one in printed.of if ENVELOPE not in one),
        key=lambda one: (TIERS.index(one.data.tier), one.data.sealed),
        default=ENTERED,
    )
    return evolve(found, data=CLASSES[printed.data]) if printed.data else found


def events(registry: Registry) -> Mapping[str, Classified]:
    """Every event field by `slice.event/1.field`."""
    return {f"{one.source}.{one.field}": one for one in registry.data_map if one.kind == EVENT}


def printed_fields(registry: Registry) -> Iterator[Classified]:
    """What papers print, for the data map: files that are about what their sources are about."""
    known = events(registry)
    for paper in PAPERS.values():
        for section in paper.sections:
            for field in section.fields:
                found = class_of(field, known)
                yield evolve(
                    found,
                    kind=FILE,
                    source=f"paper/{paper.name}",
                    field=f"{section.name}.{field.name}",
                )
