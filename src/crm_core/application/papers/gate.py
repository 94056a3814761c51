"""Who may see a cell: whoever may see the event field that it comes from (PRV-01, PRV-02).

The class of data of a printed field is that of its sources in the data map, and who sees values of
that class is asked of the access policy, as of any answer (decision 0057). So no paper shows what
its sources do not, and a new field has an answer before anybody thinks of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from attrs import evolve

from crm_core.application.answers import is_nothing
from crm_core.application.looking import Look, OpenedText
from crm_core.application.papers import PAPERS
from crm_core.application.papers.model import Printed, Value
from crm_core.kernel.access import IDENTIFYING, leads, masked
from crm_core.kernel.data_map import CLASSES, EVENT, FILE, MEMBER, TIERS, Classified
from crm_core.kernel.registry import Registry
from crm_core.kernel.sealed import Withheld

ENVELOPE = "@"
"""Stands between an event and a member of its envelope."""

_OF_MEMBERS = frozenset(
    name for name, one in CLASSES.items() if one.sealed and one.subject == MEMBER
)
"""Classes of values that are opened one by one, each of which is kept as its person's."""

ENTERED = Classified(
    slice="", kind=EVENT, source="", field="", data=CLASSES["time"], about="household"
)
"""What stands for a field that only the envelope tells of."""


class Gate:
    """Shows cells to somebody, or says why not.

    Args:
        look: Who looks, and what for.
        registry: Knows of which class each field is.
        fields: What the paper prints: in it place and grade meet.

    Attributes:
        opened: The households of which something is shown that is sealed in the log.
        leads: The fields in which something is shown that leads to the door or the person, that
            people typed about them, or that is personal.
        households: Of whom something is shown that does.
    """

    def __init__(self, look: Look, registry: Registry, fields: Iterable[Printed]) -> None:
        # What is opened for a paper and stands in none of its cells is seen by nobody.
        look.gated = True
        self._look = look
        known = events(registry)
        self._classes = {one: class_of(one, known).data.name for one in fields}
        self._identifying = [name for name in IDENTIFYING if name in self._classes.values()]
        self._joined: dict[str, bool] = {}
        self.opened: set[str] = set()
        self.leads: set[str] = set()
        self.households: set[str] = set()

    def show(self, printed: Printed, value: Value, household: str) -> Value:
        """A cell as they may see it; what is shown is kept for the read log, see `write`.

        Args:
            household: Whose it is; empty for nobody's.
        """
        if isinstance(value, Withheld):
            return value
        data, look = self._classes[printed], self._look
        answer = look.answer(data, household, joined=self._is_joined(household))
        if not answer.granted:
            look.note(data, printed.name, answer, household)
            return Withheld(answer.reason)
        if is_nothing(value):
            return value
        if isinstance(value, OpenedText):
            look.saw_text(value)
            value = str(value)
        elif data not in _OF_MEMBERS:
            look.note(data, printed.name, answer, household)
        if household and CLASSES[data].sealed:
            self.opened.add(household)
        if answer.personal or (household and leads(CLASSES[data])):
            self.leads.add(printed.name)
            self.households.add(household)
        return masked(value) if answer.masked and isinstance(value, str) else value

    def _is_joined(self, household: str) -> bool:
        """Whether place or name of the household stands in the same paper."""
        if household not in self._joined:
            answers = (self._look.answer(data, household) for data in self._identifying)
            self._joined[household] = any(answer.granted for answer in answers)
        return self._joined[household]

    def write(self) -> None:
        """Write down what was shown, before it is.

        Raises:
            Failed: it cannot be kept, so nothing is shown.
        """
        self._look.write()


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
