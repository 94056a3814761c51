"""Histories: pasts that can really have happened, for every event was decided."""

from __future__ import annotations

from typing import Any, NamedTuple

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.decider import Refusal
from crm_core.testing.scenario import AnyDecider, decider_of


class Step(NamedTuple):
    """One command of a history.

    Args:
        command: What was asked.
        state: The state it met.
        decided: What followed.
    """

    command: Any
    state: Any
    decided: tuple[Any, ...] | Refusal

    def __repr__(self) -> str:
        """The command and what followed by name: states fill pages, and follow from these."""
        if isinstance(self.decided, Refusal):
            return f"{self.command} -> {self.decided.code}"
        return f"{self.command} -> {', '.join(type(event).__name__ for event in self.decided)}"


class History(NamedTuple):
    """A past that can really have happened: every event was decided.

    Args:
        events: All events, in order.
        steps: The commands that led to them, the refused ones too.
    """

    events: tuple[Any, ...]
    steps: tuple[Step, ...]

    def __repr__(self) -> str:
        """A line for each command; a failing test prints it."""
        return "\n".join(["History of", *map(repr, self.steps)])


def histories(
    subject: Aggregate | AnyDecider,
    commands: SearchStrategy[Any],
    *,
    opening: SearchStrategy[Any] | None = None,
    max_size: int = 12,
) -> SearchStrategy[History]:
    """Histories of one stream, made by deciding generated commands one after the other.

    Args:
        commands: Commands for that stream, such as `owner_commands()`.
        opening: First commands of most histories, where little is accepted before a certain one;
            a tuple is several, one after the other.
        max_size: Most commands besides.
    """
    decider = decider_of(subject)

    def run(chosen: list[Any]) -> History:
        state = decider.initial
        events: list[Any] = []
        steps: list[Step] = []
        for command in chosen:
            decided = decider.decide(command, state)
            steps.append(Step(command, state, decided))
            if not isinstance(decided, Refusal):
                events.extend(decided)
                state = decider.fold(decided, state)
        return History(tuple(events), tuple(steps))

    chosen = st.lists(commands, max_size=max_size)
    if opening is None:
        return chosen.map(run)
    first = opening.map(lambda made: made if isinstance(made, tuple) else (made,))
    opened = st.builds(lambda before, rest: [*before, *rest], first, chosen)
    return st.one_of(opened, opened, opened, chosen).map(run)
