"""Laws that every decider and every codec keeps, checked on generated histories.

    def test_a_household_keeps_the_laws():
        check_decider(HOUSEHOLD, owner_commands(), opening=owner_openings())

Each check is one run of Hypothesis under the profile of the caller.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
from hypothesis import given, note, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from crm_core.gradings.criteria import assess
from crm_core.gradings.facts import Facts
from crm_core.gradings.policy import INSUFFICIENT, GradingPolicy
from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.decider import Refusal, by_command
from crm_core.kernel.rules import Condition
from crm_core.kernel.sealed import Personal
from crm_core.payments.credit import GRADES
from crm_core.testing.scenario import AnyDecider, decider_of
from crm_core.testing.strategies import History, any_events, histories
from crm_core.testing.strategies.gradings import facts

_TELLING = 6
"""A personal text shorter than this may stand in a message by accident."""


def check_decider(
    subject: Aggregate | AnyDecider,
    commands: SearchStrategy[Any],
    *,
    opening: SearchStrategy[Any] | None = None,
    foreign: SearchStrategy[Any] | None = None,
    max_examples: int | None = None,
) -> None:
    """Check the laws of a decider (decision record 0003).

    - `decide` answers every command on every reachable state, twice the same, with events or a
      refusal that names its code and rule and shows no personal value;
    - replay: folding a history at once, or in two parts at any place, gives the same state, and
      deciding on a state that was replayed gives the same as on the one that grew;
    - `evolve` is total, and events of other slices change nothing;
    - states are values: no later event changes an earlier state.

    Args:
        subject: An aggregate, or a decider alone.
        commands: Commands for one stream of it.
        opening: First commands of most histories (see `histories`).
        foreign: Events that `evolve` must survive; those of the whole catalog by default.
        max_examples: How many histories, if not as many as the caller's profile says.

    Raises:
        AssertionError: a law is broken; Hypothesis shows the smallest history that breaks it.
    """
    decider = decider_of(subject)
    events = any_events(stored=False) if foreign is None else foreign

    @settings(max_examples=max_examples or settings().max_examples)
    @given(histories(decider, commands, opening=opening), commands, st.lists(events, max_size=3))
    def laws(history: History, command: Any, others: list[Any]) -> None:
        check_decisions(decider, history, command)
        check_replay(decider, history)
        check_values(decider, history, others)

    laws()


def check_decisions(decider: AnyDecider, history: History, command: Any) -> None:
    """`decide` answers, and answers the same again, wherever a history has come to."""
    for step in history.steps:
        _check_decision(decider, step.command, step.state, step.decided)
    for state in _states(decider, history.events):
        _check_decision(decider, command, state, decider.decide(command, state))


def check_replay(decider: AnyDecider, history: History) -> None:
    """A snapshot is worth a replay, and a replay is worth the life that was lived."""
    events = history.events
    whole = decider.fold(events)
    for split in range(len(events) + 1):
        snapshot = decider.fold(events[:split])
        assert decider.fold(events[split:], snapshot) == whole, f"replay differs from {split} on"
    seen: list[Any] = []
    for step in history.steps:
        replayed = decider.fold(seen)
        assert replayed == step.state, "replay gives another state"
        assert decider.decide(step.command, replayed) == step.decided, "replay decides otherwise"
        if not isinstance(step.decided, Refusal):
            seen.extend(step.decided)


def check_values(decider: AnyDecider, history: History, others: list[Any]) -> None:
    """`evolve` takes any event, ignores those of other slices, and changes no earlier state."""
    states = _states(decider, history.events)
    before = [repr(state) for state in states]
    for state in states:
        # Every state grows its own way: shared storage must not show it to the others.
        for event in others:
            evolved = decider.evolve(state, event)
            if _is_foreign(decider, event):
                assert evolved == state, f"`{type(event).__name__}` of another slice changes it"
        decider.fold(others, state)
        decider.fold(history.events, state)
    for index, state in enumerate(states):
        assert repr(state) == before[index], f"the state after {index} events changed later"
        again = decider.fold(history.events[:index])
        assert state == again, f"the state after {index} events is another when folded again"


def check_codec(
    encode: Callable[[Any], bytes],
    decode: Callable[[bytes, type], Any],
    events: SearchStrategy[Any],
) -> None:
    """Check that a codec loses nothing, adds nothing, and always writes the same bytes.

    Args:
        encode: The bytes of an event.
        decode: The event of a class behind bytes.
        events: Events as they are stored.
    """

    @given(events)
    def identity(event: Any) -> None:
        data = encode(event)
        note(data.decode(errors="replace"))
        assert encode(event) == data, "the same event gives other bytes"
        found = decode(data, type(event))
        assert type(found) is type(event), "an event of another class comes back"
        assert found == event, "another event comes back"
        assert encode(found) == data, "what came back gives other bytes"

    identity()


def check_monotone(policy: GradingPolicy, *, max_examples: int = 5_000) -> None:
    """Check that a good fact never lowers a layer under a grading policy (GRD-15, 0042).

    Good facts: more purchases, an interest more, a matter raised more that is no complaint. Facts
    lean towards those on which the policy itself turns: rows of its tables that are fulfilled just
    so, or just not.

    Raises:
        AssertionError: it does; Hypothesis shows the smallest facts of which it is so.
    """
    ranks = {layer: number for number, layer in enumerate((*policy.layers, INSUFFICIENT))}
    turns = sorted(_amounts(policy))
    edge = st.sampled_from([fen + beside for fen in turns or [0] for beside in (-1, 0, 1)])

    @settings(max_examples=max_examples)
    @given(
        _at_a_row(policy), st.none() | edge, st.just(1) | edge | st.integers(1, 30_000_00), _good
    )
    def law(seen: Facts, fen: int | None, more: int, good: str) -> None:
        seen = attrs.evolve(seen, charges_due=1)
        seen = seen if fen is None else attrs.evolve(seen, purchases_fen=fen)
        by = max(more, 1) if good == "purchases_fen" else 1
        better = attrs.evolve(seen, **{good: getattr(seen, good) + by})
        before, after = (assess(one, policy).layer for one in (seen, better))
        assert ranks[after] <= ranks[before], f"{by} more of `{good}`: {before} becomes {after}"

    law()


_FACTS = frozenset(attrs.fields_dict(Facts))

_good = st.sampled_from(("purchases_fen", "interests", "attention"))


@st.composite
def _at_a_row(draw: st.DrawFn, policy: GradingPolicy) -> Facts:
    """Facts that fulfil a row of each of some tables of the policy just so, or just not."""
    seen = draw(facts())
    if draw(st.booleans()):
        # Most layers ask for it.
        seen = attrs.evolve(seen, credit=GRADES[0], worst_credit=GRADES[0])
    tables = [rows for table in policy.tables if (rows := [row for row in table.rows if row.when])]
    for rows in draw(st.permutations(tables)) if draw(st.booleans()) else reversed(tables):
        row = draw(st.sampled_from(rows))
        for condition in row.when:
            if {condition.fact, condition.of} - {None} <= _FACTS:
                value = draw(_turning(condition, seen))
                seen = attrs.evolve(seen, **{condition.fact: value})
    return seen


def _turning(condition: Condition, seen: Facts) -> st.SearchStrategy[Any]:
    """Values of a fact at which a condition turns."""
    wanted = condition.threshold
    if isinstance(wanted, tuple):
        return st.sampled_from(wanted)
    if type(wanted) is not int:
        return st.just(wanted)
    at = wanted
    if condition.of is not None:
        at = -(-getattr(seen, condition.of) * wanted // 100)
    return st.sampled_from([max(0, at + beside) for beside in (-1, 0, 1)])


def _amounts(policy: GradingPolicy) -> set[int]:
    """The amounts in a policy at which something turns."""
    return {
        condition.threshold
        for table in policy.tables
        for row in table.rows
        for condition in row.when
        if condition.fact == "purchases_fen" and type(condition.threshold) is int
    }


def _states(decider: AnyDecider, events: tuple[Any, ...]) -> list[Any]:
    """The state before the first event, and the one after each."""
    states = [decider.initial]
    for event in events:
        states.append(decider.evolve(states[-1], event))
    return states


def _check_decision(decider: AnyDecider, command: Any, state: Any, decided: Any) -> None:
    assert decider.decide(command, state) == decided, "deciding again gives something else"
    if not isinstance(decided, Refusal):
        assert isinstance(decided, tuple), "events come as a tuple"
        return
    named = all((decided.code, decided.rule, decided.message))
    assert named, "a refusal has a code, a rule and a message"
    shown = f"{decided.message} {decided.told('zh')} {decided.details}"
    for value in _personal(command):
        text = value.reveal()
        if len(text) >= _TELLING and text not in repr(command):
            assert text not in shown, "a refusal shows a personal value"


def _personal(value: Any) -> list[Personal]:
    if isinstance(value, Personal):
        return [value]
    if attrs.has(type(value)):
        fields = attrs.fields(type(value))
        return [one for field in fields for one in _personal(getattr(value, field.name))]
    return []


def _is_foreign(decider: AnyDecider, event: Any) -> bool:
    """Whether an event comes from another package than the decider's logic, of ours: slice."""
    home = decider.decide.__module__
    if home == by_command.__module__:
        # Whoever routes by a table has the kernel's `decide`; the state is the slice's own.
        home = type(decider.initial).__module__
    return _package(type(event).__module__) != _package(home)


def _package(module: str) -> str:
    """The package of a module; of the library the slice, whatever folder of it the module is in."""
    package = module.rpartition(".")[0]
    return ".".join(package.split(".")[:2]) if package.startswith("crm_core.") else package
