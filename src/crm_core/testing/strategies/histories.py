"""Histories: pasts that can really have happened, for every event was decided."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import attrs
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
    run = partial(_run, decider_of(subject))
    chosen = st.lists(commands, max_size=max_size)
    if opening is None:
        return chosen.map(run)
    first = opening.map(lambda made: made if isinstance(made, tuple) else (made,))
    opened = st.builds(lambda before, rest: [*before, *rest], first, chosen)
    return st.one_of(opened, opened, opened, chosen).map(run)


@st.composite
def guided(
    draw: st.DrawFn,
    subject: Aggregate | AnyDecider,
    commands: SearchStrategy[Any],
    *,
    opening: SearchStrategy[Any] | None = None,
    max_size: int = 8,
    tries: int = 6,
) -> History:
    """Histories of which many commands were accepted, where commands drawn blindly seldom are.

    At each step commands are drawn until one is accepted; the last one stands where none was. A
    refusal that says which values are accepted in place of the one that was given is taken at its
    word: the command is given again with one of these.

    Args:
        commands: Commands for that stream.
        opening: First commands of most histories, as in `histories`.
        max_size: Most commands besides.
        tries: Most that are given for one step.
    """
    decider = decider_of(subject)
    opened = draw(opening) if opening is not None and draw(st.integers(0, 3)) else ()
    chosen: list[Any] = list(opened) if isinstance(opened, tuple) else [opened]
    state = decider.fold(_run(decider, chosen).events)
    for _ in range(draw(st.integers(0, max_size))):
        command = draw(commands)
        for _ in range(tries):
            decided = decider.decide(command, state)
            if not isinstance(decided, Refusal):
                state = decider.fold(decided, state)
                break
            command = _corrected(draw, command, decided) or draw(commands)
        chosen.append(command)
    return _run(decider, chosen)


def _corrected(draw: st.DrawFn, command: Any, refusal: Refusal) -> Any:
    """The command with an accepted value where the refusal says which are; else None."""
    wrong, accepted = refusal.details.get("value"), refusal.details.get("accepted")
    if wrong is None or not accepted:
        return None
    for field in attrs.fields(type(command)):
        held = getattr(command, field.name)
        if held == wrong:
            return attrs.evolve(command, **{field.name: draw(st.sampled_from(accepted))})
        if isinstance(held, tuple) and wrong in held:
            mended = (draw(st.sampled_from(accepted)) if one == wrong else one for one in held)
            return attrs.evolve(command, **{field.name: tuple(dict.fromkeys(mended))})
    return None


def _run(decider: AnyDecider, chosen: list[Any]) -> History:
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
