"""Given past events, when commands, then events: tests in the words of the business.

    given(HOUSEHOLD).when(register).then(registered)
    given(HOUSEHOLD, registered).when(register).refused("household_exists", "OWN-01")
    given(REQUEST, received, done).when(confirm).state(lambda request: request.opinion)

Commands that follow one another are decided one after the other, each on what the ones before it
have led to. Nothing is looked up: facts and policies stand in the command, as for any decider.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import ndiff
from typing import Any

import attrs

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.decider import Decider, Refusal

AnyDecider = Decider[Any, Any, Any]


def decider_of(subject: Aggregate | AnyDecider) -> AnyDecider:
    """The decider of an aggregate, or the decider itself."""
    return subject.decider if isinstance(subject, Aggregate) else subject


def given(subject: Aggregate | AnyDecider, *events: Any) -> Given:
    """What has happened so far to the aggregate under test.

    Args:
        subject: An aggregate, or a decider alone.
        events: Its past, oldest first; nothing if it is to start from its initial state.
    """
    return Given(decider_of(subject), events)


class Given:
    """An aggregate with a past."""

    def __init__(self, decider: AnyDecider, events: tuple[Any, ...]) -> None:
        self._decider = decider
        self._state = decider.fold(events)

    def when(self, command: Any, *more: Any) -> Outcome:
        """Decide the commands, one after the other.

        Raises:
            AssertionError: a command before the last one is refused.
        """
        __tracebackhide__ = True
        decider, state = self._decider, self._state
        commands = (command, *more)
        found: list[Any] = []
        for number, one in enumerate(commands, 1):
            decided = decider.decide(one, state)
            if isinstance(decided, Refusal):
                if number < len(commands):
                    raise AssertionError(
                        f"command {number} of {len(commands)} was refused:\n{rendered(decided)}"
                    )
                return Outcome(tuple(found), state, decided)
            found.extend(decided)
            state = decider.fold(decided, state)
        return Outcome(tuple(found), state, None)

    def state(self, predicate: Callable[[Any], Any]) -> Given:
        """Claim something about the state that the past has led to."""
        __tracebackhide__ = True
        _claim(predicate, self._state)
        return self


class Outcome:
    """What followed from the commands; every claim returns it, so claims can be chained.

    Args:
        events: Events of all commands, in order.
        after: The state they led to.
        refusal: Why the last command was refused, or None.
    """

    def __init__(self, events: tuple[Any, ...], after: Any, refusal: Refusal | None) -> None:
        self.events = events
        self.after = after
        self.refusal = refusal

    def then(self, *expected: Any) -> Outcome:
        """Claim that exactly these events followed, in this order."""
        __tracebackhide__ = True
        self._not_refused("these events", expected)
        if self.events != expected:
            raise AssertionError("other events followed\n" + difference(expected, self.events))
        return self

    def nothing(self) -> Outcome:
        """Claim that the commands were accepted and changed nothing."""
        __tracebackhide__ = True
        self._not_refused("nothing", ())
        if self.events:
            raise AssertionError("something followed\n" + difference((), self.events))
        return self

    def refused(self, code: str, rule: str | None = None) -> Outcome:
        """Claim that the last command was refused with this reason code, by this rule."""
        __tracebackhide__ = True
        if self.refusal is None:
            raise AssertionError(
                f"`{code}` was expected, but the command was accepted\n"
                + difference((), self.events)
            )
        said = [self.refusal.code, self.refusal.rule]
        wanted = [code, self.refusal.rule if rule is None else rule]
        if said != wanted:
            raise AssertionError(
                f"refused as `{said[0]}` by {said[1]}, not as `{wanted[0]}` by {wanted[1]}:\n"
                + rendered(self.refusal)
            )
        return self

    def state(self, predicate: Callable[[Any], Any]) -> Outcome:
        """Claim something about the state afterwards."""
        __tracebackhide__ = True
        self._not_refused("a new state", ())
        _claim(predicate, self.after)
        return self

    def _not_refused(self, wanted: str, expected: tuple[Any, ...]) -> None:
        __tracebackhide__ = True
        if self.refusal is not None:
            raise AssertionError(
                f"expected {wanted}, but the command was refused:\n"
                + rendered(self.refusal)
                + "".join(f"\n  expected: {type(event).__name__}" for event in expected)
            )


def rendered(value: Any, indent: str = "") -> str:
    """A value with one field a line, so that a difference shows the field and nothing else."""
    deeper = indent + "    "
    if attrs.has(type(value)):
        inside = "".join(
            f"{deeper}{field.name}={rendered(getattr(value, field.name), deeper).lstrip()},\n"
            for field in attrs.fields(type(value))
        )
        name = type(value).__name__
        return f"{indent}{name}(\n{inside}{indent})" if inside else f"{indent}{name}()"
    return f"{indent}{value!r}"


def difference(expected: Iterable[Any], found: Iterable[Any]) -> str:
    """Both lists of events as one text: `-` expected and missing, `+` found and not expected."""
    wanted, there = list(expected), list(found)
    before = [line for event in wanted for line in rendered(event).splitlines()]
    after = [line for event in there for line in rendered(event).splitlines()]
    lines = [line.rstrip() for line in ndiff(before, after) if not line.startswith("?")]
    if before == after:
        # Personal values do not show themselves, not even to explain why a test fails.
        lines.append("  (they differ in a value that does not show itself)")
    return "\n".join(["  (- expected, + found)", *lines])


def _claim(predicate: Callable[[Any], Any], state: Any) -> None:
    __tracebackhide__ = True
    if not predicate(state):
        name = getattr(predicate, "__name__", "the claim")
        raise AssertionError(f"`{name}` is not true of the state:\n{rendered(state)}")
