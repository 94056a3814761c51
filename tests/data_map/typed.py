"""Which fields of which events hold what somebody typed, found out by typing it.

Every command of the library is given once, on what it needs (`privacy.walk`); before, it is tried
with one text after the other replaced by a sentence that is no id, no code and on no list. Where an
event would say the sentence, people can say anything. A command that is not given there fails.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import attrs

from crm_adapters import open_crm
from crm_core import Actor
from crm_core.application.checking import checked
from crm_core.application.present import present
from crm_core.errors import CrmError
from crm_core.kernel.commands import fields_said
from crm_core.kernel.decider import Refusal
from crm_core.slices import registry
from privacy import walk_service
from privacy.canaries import Canaries
from privacy.singing import EVERYBODY, Choir
from privacy.walk import book, walk

TYPED = "张三 欠 邻居 13800000000"


class Typist(Choir):
    """Tries each command with a sentence first; what events would say of it is kept."""

    def __init__(self, *about: Any) -> None:
        super().__init__(*about)
        self.given: set[type] = set()
        self.found: set[tuple[type, str]] = set()

    def _said(self, command: Any, by: Actor | None) -> Any:
        self.given.add(type(command))
        for actor in (by,) if by else EVERYBODY:
            if self._tried(command, actor):
                for other in _with_sentence(command):
                    for event in self._tried(other, actor):
                        self.found |= {(type(event), path) for path in _holding(event)}
                break
        return super()._said(command, by)

    def _tried(self, command: Any, by: Actor) -> list[Any]:
        """The events that would follow; nothing is recorded."""
        desk = self.crm._desk
        try:
            commit = desk._work().plan(
                checked(command, present(self.crm)), "tried", by, self.clock.now(), told=False
            )
        except (CrmError, ValueError, TypeError, LookupError):
            return []
        if isinstance(commit, Refusal):
            return []
        return [envelope.data for append in commit.appends for envelope in append.events]


def typed_fields(folder: Path) -> set[tuple[type, str]]:
    """Events by their class, and paths of fields that take any sentence.

    Args:
        folder: Where files that are imported are put.
    """
    with open_crm("memory:") as crm, open_crm("memory:", policies=book()) as other:
        typist, timed = Typist(crm, Canaries()), Typist(other, Canaries())
        walk(typist, folder)
        walk_service.clocks(timed)
    inside = {kind for aggregate in registry().aggregates for kind in aggregate.inside}
    missing = {*registry().by_command} - inside - typist.given - timed.given
    # It is brought by imports alone, in bulk, and has no text.
    assert {kind.__name__ for kind in missing} == {"CloseImported"}
    return typist.found | timed.found


def _with_sentence(value: Any, only: Iterable[str] | None = None) -> Iterator[Any]:
    """The value with one text after the other replaced."""
    hints = get_type_hints(type(value))
    for name in fields_said(type(value)) if only is None else only:
        inside = getattr(value, name)
        if str in _arms(hints[name]):
            yield attrs.evolve(value, **{name: TYPED})
        elif get_origin(hints[name]) is tuple:
            for at, item in enumerate(inside or ()):
                for other in [TYPED] if isinstance(item, str) else _with_sentence(item):
                    yield attrs.evolve(value, **{name: (*inside[:at], other, *inside[at + 1 :])})
        elif attrs.has(type(inside)):
            for other in _with_sentence(inside):
                yield attrs.evolve(value, **{name: other})


def _arms(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def _holding(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, str):
        if TYPED in value:
            yield path
    elif isinstance(value, tuple):
        for item in value:
            yield from _holding(item, path)
    elif attrs.has(type(value)):
        for field in attrs.fields(type(value)):
            yield from _holding(
                getattr(value, field.name), f"{path}.{field.name}" if path else field.name
            )
