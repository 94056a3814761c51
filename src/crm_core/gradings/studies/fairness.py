"""Fairness seen from outside: attributes that no grading may see, and who is treated worse.

What is read here, building, kind of household and who lives in it, is for the audit alone: facts,
criteria and policies cannot import this module, and an import contract keeps it so (GRD-15).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from attrs import field

from crm_core.gradings.policy import GRADES, INSUFFICIENT, LAYERS
from crm_core.gradings.review import Standing
from crm_core.kernel.dates import local_date
from crm_core.kernel.recorded import Cutoff, Recorded
from crm_core.kernel.values import define, frozen
from crm_core.kernel.voiding import standing
from crm_core.owners.facts import VOIDS, HouseholdRegistered, MemberAdded, RoleEnded
from crm_core.requests.facts import RECEIVED, RequestReceived
from crm_core.requests.facts import VOID_NAMES as REQUEST_VOID_NAMES
from crm_core.requests.facts import VOIDS as REQUEST_VOIDS

SUPPRESSED_BELOW = 5
"""A count from 1 to 4 could point at a household."""

ATTRIBUTES = ("building", "kind", "occupancy")
"""What shares are shown by; none of it is a fact."""

COMPLAINT_NAMES = frozenset({RECEIVED}) | REQUEST_VOID_NAMES

Attributes = Mapping[str, str]


def attributes(events: Iterable[Recorded[Any]], on: date, cutoff: Cutoff) -> Attributes:
    """The attributes of one household on a day, as known at the cut-off."""
    found = dict.fromkeys(ATTRIBUTES, "unknown")
    tenants: set[tuple[str, date]] = set()
    seen = standing((e.event for e in events if cutoff.sees(e)), VOIDS, lambda event: event)
    for event in seen:
        if isinstance(event, HouseholdRegistered):
            found |= {"building": event.building, "kind": event.kind, "occupancy": "owner"}
        elif isinstance(event, MemberAdded) and event.role == "tenant" and event.since <= on:
            tenants.add((event.member, event.since))
        elif isinstance(event, RoleEnded) and event.role == "tenant" and event.until < on:
            tenants -= {
                held for held in tenants if held[0] == event.member and held[1] <= event.until
            }
    if tenants:
        found["occupancy"] = "tenant"
    return found


# --- shares ----------------------------------------------------------------------------------


@frozen
class Cell:
    """Households of one value of an attribute, counted by what became of them.

    Args:
        value: Of the attribute.
        households: How many; None where it could point at somebody.
        counts: By outcome; None where it could point at somebody, or give away one that could.
    """

    value: str
    households: int | None
    counts: Mapping[str, int | None]

    def as_dict(self) -> dict[str, Any]:
        """The cell as plain data."""
        return {"value": self.value, "households": self.households, "counts": dict(self.counts)}


def by_attribute(
    outcomes: Mapping[str, Sequence[str]],
    attributes: Mapping[str, Attributes],
    columns: Sequence[str],
) -> dict[str, tuple[Cell, ...]]:
    """Outcomes counted by each attribute, small cells suppressed.

    Args:
        outcomes: What became of each household, once or in several years.
        attributes: Of each household.
        columns: The outcomes, in order.
    """
    found = {}
    for name in ATTRIBUTES:
        counted: dict[str, Counter[str]] = {}
        for household, several in outcomes.items():
            value = attributes.get(household, {}).get(name, "unknown")
            counted.setdefault(value, Counter()).update(several)
        found[name] = _suppressed(counted, columns)
    return found


def _suppressed(counted: Mapping[str, Counter[str]], columns: Sequence[str]) -> tuple[Cell, ...]:
    values = sorted(counted)
    # The last column is the total: what is hidden in a row must not follow from the others.
    grid = [[counted[v][c] for c in columns] + [counted[v].total()] for v in values]
    hidden = _Hidden(grid)
    hidden.settle()
    return tuple(
        Cell(
            value,
            hidden.shown(row, len(columns)),
            {column: hidden.shown(row, at) for at, column in enumerate(columns)},
        )
        for row, value in enumerate(values)
    )


@define
class _Hidden:
    """Which counts of a grid are not shown."""

    grid: list[list[int]]
    cells: set[tuple[int, int]] = field(factory=set, init=False)

    def __attrs_post_init__(self) -> None:
        self.cells = {
            (row, at)
            for row, counts in enumerate(self.grid)
            for at, count in enumerate(counts)
            if 0 < count < SUPPRESSED_BELOW
        }

    def shown(self, row: int, at: int) -> int | None:
        return None if (row, at) in self.cells else self.grid[row][at]

    def settle(self) -> None:
        """Hide more until no row and no column has exactly one hidden count.

        The sum of a column is known from the year's summary, and that of a row is its total: one
        hidden count alone would follow from the others.
        """
        rows, width = range(len(self.grid)), range(len(self.grid[0]) if self.grid else 0)
        lines = [[(row, at) for at in width] for row in rows]
        lines += [[(row, at) for row in rows] for at in width]
        changed = True
        while changed:
            changed = False
            for line in lines:
                if sum(cell in self.cells for cell in line) == 1:
                    rest = [cell for cell in line if cell not in self.cells]
                    if rest:
                        self.cells.add(
                            min(rest, key=lambda cell: (self.grid[cell[0]][cell[1]], cell))
                        )
                        changed = True


def distribution(
    standings: Iterable[Standing], attributes: Mapping[str, Attributes]
) -> dict[str, tuple[Cell, ...]]:
    """Layers that hold, by attributes for the audit."""
    outcomes = {now.grading.household: [now.layer] for now in standings}
    return by_attribute(outcomes, attributes, (*LAYERS, INSUFFICIENT))


def override_rates(
    standings: Iterable[Standing], attributes: Mapping[str, Attributes]
) -> dict[str, tuple[Cell, ...]]:
    """Where people decided otherwise than the rule, by attributes for the audit."""
    outcomes = {
        now.grading.household: ["overridden" if now.differs else "as_computed"] for now in standings
    }
    return by_attribute(outcomes, attributes, ("as_computed", "overridden"))


# --- retaliation -----------------------------------------------------------------------------


@frozen
class Suspicion:
    """A worse grade after a complaint, and no arrears that would explain it.

    Args:
        complaints: Log positions of the complaints of the year.
        by_person: Whether a person set the layer, and not the rule.
    """

    household: str
    year: int
    run: str
    layer_before: str
    layer: str
    type_before: str
    type: str
    complaints: tuple[int, ...]
    by_person: bool


def retaliation(
    before: Standing, now: Standing, events: Iterable[Recorded[Any]], zone: str
) -> Suspicion | None:
    """A complaint followed by a worse grade without an arrears cause (GRD-15), if it is one.

    Args:
        before: The household's grading of the year before.
        now: That of the year.
        events: The household's requests.
    """
    then, grading = before.grading, now.grading
    cutoff = Cutoff(grading.cutoff_position, grading.cutoff_known)
    complaints = tuple(
        e.position
        for e in standing(filter(cutoff.sees, events), REQUEST_VOIDS, lambda e: e.event)
        if isinstance(e.event, RequestReceived)
        and e.event.kind == "complaint"
        and then.period_end < local_date(e.event.received_at, zone) <= grading.period_end
    )
    worse = _is_worse(before.layer, now.layer) or "problem" in {now.type} - {before.type}
    arrears = any(
        GRADES.rank(getattr(grading.facts, fact)) > GRADES.rank(getattr(then.facts, fact))
        for fact in ("credit", "worst_credit")
    )
    by_person = _is_worse(grading.outcome.layer, now.layer)
    if not complaints or not worse or (arrears and not by_person):
        return None
    return Suspicion(
        household=grading.household,
        year=grading.year,
        run=grading.run,
        layer_before=before.layer,
        layer=now.layer,
        type_before=before.type,
        type=now.type,
        complaints=complaints,
        by_person=by_person,
    )


def _is_worse(before: str, now: str) -> bool:
    return before in LAYERS and now in LAYERS and LAYERS.index(now) > LAYERS.index(before)
