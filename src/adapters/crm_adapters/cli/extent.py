"""How much there is to do: the totals that progress is told with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from crm_core.crm import CRM
from crm_core.gradings.events import RunCompleted
from crm_core.imports.register import ImportRecorded
from crm_core.owners.events import HouseholdRegistered


def households_of(opened: CRM) -> int:
    """How many households were registered: about as many gradings as a run will have."""
    return sum(1 for _ in _every(opened, HouseholdRegistered))


def gradings_of(opened: CRM, year: int | None) -> int:
    """How many gradings the complete runs of a year have, or of all years."""
    done = _every(opened, RunCompleted)
    return sum(run.gradings for run in done if year in (None, run.year))


def brought_by(opened: CRM, number: str) -> int | None:
    """How many events an import brought: about as many as its undo makes void."""
    imports = (one for one in _every(opened, ImportRecorded) if one.number == number)
    return next((one.events for one in imports), None)


def _every(opened: CRM, kind: type[Any]) -> Iterator[Any]:
    names = [one.stored for one in opened.registry.catalog.types if one.cls is kind]
    return (recorded.event for recorded in opened.log.feed(names=names))
