"""An aggregate as a named triple: initial state, decide, evolve (decision record 0003)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar

import attrs
from attrs import field

from crm_core.kernel.sentences import Lang, say
from crm_core.kernel.values import frozen

C = TypeVar("C")
E = TypeVar("E")
S = TypeVar("S")


@frozen
class Refusal:
    """The business says no: a value in the core, the exception `Refused` at `CRM.do`.

    What a person reads of it stands in the catalogue, in `refused-FAMILY.toml`, where the family is
    the first part of the rule: `pay` for `PAY-01`.

    Args:
        code: Stable reason code, e.g. `charge_exists`.
        rule: Id of the rule that refuses, e.g. `PAY-01`.
        details: Machine-readable values behind the sentence: numbers, texts, lists of texts; never
            personal data.
        sentence: Code of its sentence, where the reason has several.
    """

    code: str
    rule: str
    details: dict[str, Any] = field(factory=dict)
    sentence: str = ""

    def told(self, lang: Lang) -> str:
        """What was seen and what would be accepted, in one sentence."""
        family = self.rule.partition("-")[0].lower()
        return say(f"refused-{family}", self.sentence or self.code, lang, **self.details)

    @property
    def message(self) -> str:
        """The sentence in English."""
        return self.told("en")


Decision = tuple[Any, ...] | Refusal
"""What a decider answers: the events that follow, or why none do."""


@frozen
class Decider(Generic[C, E, S]):
    """Pure decision logic of one aggregate.

    `decide` answers a command with the events that follow, or refuses.
    `evolve` never refuses: what happened, happened.
    Time, ids, policies and looked-up facts arrive inside the command.

    Args:
        name: Kind of stream the aggregate lives in (`account` for `account/V00001`).
        initial: State before the first event.
        decide: `(command, state) -> events | Refusal`.
        evolve: `(state, event) -> state`.
    """

    name: str
    initial: S
    decide: Callable[[C, S], tuple[E, ...] | Refusal]
    evolve: Callable[[S, E], S]

    def fold(self, events: Iterable[E], state: S | None = None) -> S:
        """The state after `events`, from `initial` or from a state reached earlier."""
        evolve = self.evolve
        current = self.initial if state is None else state
        for event in events:
            current = evolve(current, event)
        return current


Decide = Callable[[Any, Any], Decision]
"""What a command and a state lead to."""

Evolve = Callable[[Any, Any], Any]
"""The state behind a state and an event."""


def by_command(table: Mapping[type, Decide]) -> Decide:
    """A `decide` that looks the answer up by the command's type.

    INVARIANT (LOG-06): of a command that has to have a reason nothing follows without one, be it
    empty or blanks alone, whatever the rule itself asks for.

    Raises:
        KeyError: the command is none of the table; routing sends it to nobody else.
    """
    reasoned = {kind for kind in table if _needs_reason(kind)}

    def decide(command: Any, state: Any) -> Decision:
        decided = table[type(command)](command, state)
        if type(command) in reasoned and decided and not isinstance(decided, Refusal):
            return decided if command.reason.strip() else Refusal("reason_missing", "LOG-06")
        return decided

    return decide


def _needs_reason(command: type) -> bool:
    """Whether a command has a reason that its giver has to say."""
    found = getattr(attrs.fields(command), "reason", None)
    return found is not None and found.default is attrs.NOTHING


def by_event(table: Mapping[type, Evolve]) -> Evolve:
    """An `evolve` that looks the step up by the event's type.

    A table of types costs half as much as `match` and names every event once.
    An event that is not in the table leaves the state as it is: `evolve` is total.
    """

    def evolve(state: Any, event: Any) -> Any:
        step = table.get(type(event))
        return state if step is None else step(state, event)

    return evolve
