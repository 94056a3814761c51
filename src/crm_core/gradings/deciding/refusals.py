"""Refusals that several decisions about a grading share."""

from __future__ import annotations

from typing import Protocol

from crm_core.gradings.events import GradingDecided
from crm_core.gradings.state import Gradings
from crm_core.kernel.decider import Refusal
from crm_core.kernel.recorded import Actor


class OfYear(Protocol):
    """A command about a household's year."""

    @property
    def household(self) -> str:
        """Whose grading it is about."""
        ...

    @property
    def year(self) -> int:
        """Of which year."""
        ...

    @property
    def run(self) -> str | None:
        """Run of the grading that holds."""
        ...


def graded(command: OfYear, state: Gradings) -> GradingDecided | Refusal:
    """The grading that holds for the year, or why there is none.

    Trials are nobody's to decide about (GRD-17).
    """
    if command.run is None:
        return Refusal("year_without_record", "GRD-17", {"year": command.year})
    grading = state.by_run.get(command.run)
    if grading is None:
        details = {"household": command.household, "year": command.year}
        return Refusal("unknown_grading", "GRD-06", details)
    return grading


def contested() -> Refusal:
    """While a review is open nothing else is decided."""
    return Refusal("grading_contested", "GRD-13")


def other_role(by: Actor, roles: tuple[str, ...], rule: str, sentence: str, **more: str) -> Refusal:
    """What it takes depends on the grading: who may at all, the authority policy says."""
    details = {"role": by.role, "accepted": list(roles), **more}
    return Refusal("role_insufficient", rule, details, sentence)
