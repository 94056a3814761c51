"""What follows from a list of slices: catalog, routing, roles, policies, views, clock (0036)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeVar

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.authority import DEFAULT_AUTHORITY, AuthorityPolicy, table_of
from crm_core.kernel.catalog import Catalog
from crm_core.kernel.concerned import Concerned
from crm_core.kernel.data_map import Classified, around, by_class, of_envelope, of_slice
from crm_core.kernel.naming import Naming
from crm_core.kernel.policy import Policy, PolicyFault, read_toml, wrong
from crm_core.kernel.projection import Projection
from crm_core.kernel.public_holidays import COUNTRIES, HolidayNotice, shipped_notices
from crm_core.kernel.sentences import Malformed, also_in
from crm_core.kernel.slice import (
    Act,
    LookUp,
    Notice,
    PolicyKind,
    Reaction,
    Slice,
    StaffNotices,
)
from crm_core.kernel.ticking import Source
from crm_core.kernel.worklists import Worklist

P = TypeVar("P")

_KIND = re.compile(r"""(?m)^kind = ["']([\w-]+)["']""")
"""Where a file says of which kind its policy is; a file that says it otherwise is read whole."""


class Registry:
    """All that follows from the slices, in the order in which they are listed.

    Args:
        slices: What the library is made of, with those of a host behind.

    Raises:
        Malformed: something is declared twice or not at all, or by a slice that it is none of.
    """

    def __init__(self, slices: Iterable[Slice]) -> None:
        self.slices: Mapping[str, Slice] = _once("slice", ((one.name, one) for one in slices))
        each = self.slices.values()
        for one in each:
            if one.sentences:
                also_in(one.package, one.sentences)
        self.aggregates: tuple[Aggregate, ...] = tuple(a for s in each for a in s.aggregates)
        self.acts: Mapping[str, Act] = _once("act", ((a.name, a) for s in each for a in s.acts))
        _once("stream", ((a.decider.name, a) for a in self.aggregates))
        self.by_command: Mapping[type, Aggregate] = _once(
            "command", ((c, a) for a in self.aggregates for c in a.commands)
        )
        self.by_state: Mapping[type, Aggregate] = _once(
            "readable", (pair for s in each for pair in s.readable.items())
        )
        self.reactions: Mapping[type, Reaction] = _once(
            "reaction", (pair for s in each for pair in s.reactions.items())
        )
        self.notices: Mapping[type, Callable[[Any], Notice]] = _once(
            "notice", (pair for s in each for pair in s.notices.items())
        )
        self.staff_notices: Mapping[type, StaffNotices] = _once(
            "notice", (pair for s in each for pair in s.staff_notices.items())
        )
        self.look_ups: Mapping[type, LookUp] = _once(
            "look_up", (pair for s in each for pair in s.look_ups.items())
        )
        self.projections: tuple[Projection[Any], ...] = tuple(
            _once("projection", ((view.name, view) for s in each for view in views_of(s))).values()
        )
        self.worklists: tuple[Worklist, ...] = tuple(w for s in each for w in s.worklists)
        self.clock: tuple[Source, ...] = tuple(
            _once("source", ((source.name, source) for s in each for source in s.clock)).values()
        )
        self.policy_kinds: Mapping[str, PolicyKind] = _once(
            "policy_kind", ((kind.kind, kind) for s in each for kind in s.policies)
        )
        self._shipped: dict[type, tuple[Any, ...]] = {}
        self.catalog: Catalog = Catalog(kind for s in each for kind in s.events)
        self._check_acts()
        for one in each:
            _check_own(one)

    def _check_acts(self) -> None:
        """Every command is an act of somebody, or of the library alone; never both, never none."""
        given = {act.what for act in self.acts.values() if isinstance(act.what, type)}
        inside = {c for aggregate in self.aggregates for c in aggregate.inside}
        for command in {*given, *self.by_command}:
            if command not in self.by_command:
                raise Malformed("command_untaken", command=command.__name__)
            if (command in given) == (command in inside):
                raise Malformed("act_undeclared", command=command.__name__)

    @cached_property
    def effective(self) -> Mapping[type, str | None]:
        """For each event the field with the day it is true from, if it has one."""
        return {kind.cls: kind.effective for kind in self.catalog.types}

    @cached_property
    def act_names(self) -> Mapping[type, str]:
        """What each command that somebody can give is called."""
        return {a.what: a.name for a in self.acts.values() if isinstance(a.what, type)}

    @cached_property
    def leading(self) -> frozenset[str]:
        """Stored names of the events that lead to commands, all versions of them."""
        return frozenset(
            name
            for kind in self.catalog.types
            if kind.cls in self.reactions
            for name in (f"{kind.name}/{version}" for version in range(1, kind.version + 1))
        )

    def slice_of(self, command: type) -> str:
        """The name of the slice that takes a command."""
        aggregate = self.by_command[command]
        return next(name for name, one in self.slices.items() if aggregate in one.aggregates)

    # --- policies ------------------------------------------------------------------------

    def parse(self, text: str) -> Policy:
        """The policy in TOML text, by its `kind`.

        Raises:
            PolicyFault: the text is not a policy of a kind that there is.
        """
        return _of(text, self.policy_kinds).parse(text)

    def adoptable(self, text: str) -> Policy:
        """The policy in TOML text that somebody wants to adopt (GRD-11).

        Raises:
            PolicyFault: the text is not a policy of a kind that can be adopted.
        """
        kinds = {name: kind for name, kind in self.policy_kinds.items() if kind.adoptable}
        return _of(text, kinds).parse(text)

    @cached_property
    def shipped(self) -> tuple[Policy, ...]:
        """The policies that come with the slices, and who may do what in them.

        Reading a package's own data counts as reading code, not as I/O (decision record 0008).
        """
        return tuple(policy for cls in self.shipped_kinds for policy in self.shipped_of(cls))

    @cached_property
    def shipped_kinds(self) -> tuple[type[Any], ...]:
        """The classes of those policies."""
        named = (one.cls for one in self.policy_kinds.values())
        return tuple(dict.fromkeys((AuthorityPolicy, *named)))

    def shipped_of(self, cls: type[P]) -> tuple[P, ...]:
        """Those of one kind; each kind is read once, when it is first asked for."""
        found = self._shipped.get(cls)
        if found is None:
            found = self._shipped[cls] = tuple(self._read(cls))
        return found

    def _read(self, cls: type) -> Iterator[Any]:
        if cls is AuthorityPolicy:
            yield AuthorityPolicy.parse(self.authority)
        if cls is HolidayNotice:
            for country in COUNTRIES:
                yield from shipped_notices(country)
        for kind in self.policy_kinds.values():
            if kind.cls is cls:
                yield from map(kind.parse, self._texts_by_kind.get(kind.kind, ()))

    @cached_property
    def _texts_by_kind(self) -> Mapping[str, Sequence[str]]:
        """The shipped files, by what each says that it is, without reading the rest of them.

        Raises:
            PolicyFault: a file is of no kind that there is.
        """
        found: dict[str, list[str]] = {}
        for text in self.policy_texts():
            said = _KIND.search(text)
            kind = said[1] if said is not None else _of(text, self.policy_kinds).kind
            if kind not in self.policy_kinds:
                _of(text, self.policy_kinds)
            found.setdefault(kind, []).append(text)
        return found

    def policy_texts(self) -> Iterator[str]:
        """The files of policies that come with the slices, each as TOML text."""
        from importlib.resources import files  # Slow to load, and not every program reads them.

        for one in self.slices.values():
            beside = (one.sentences, one.data_map)
            for folder in one.shipped:
                found = files(one.package).joinpath(folder) if folder else files(one.package)
                for file in sorted(found.iterdir(), key=lambda f: f.name):
                    if file.name.endswith(".toml") and file.name not in beside:
                        yield file.read_text(encoding="utf-8")

    @cached_property
    def data_map(self) -> tuple[Classified, ...]:
        """Every field that is kept, with what it is and about whom (PRV-02); read once.

        Raises:
            Malformed: a slice has a field without a class, or a class without a field.
        """
        return (*of_envelope(), *(row for one in self.slices.values() for row in _map_of(one)))

    @cached_property
    def classes(self) -> Mapping[type, Mapping[str, str]]:
        """Of each event, row and value in them: the class of data of each field (PRV-01)."""
        found = around()
        for one in self.slices.values():
            found.update(by_class(_text_of_map(one), *_listed_in(one)))
        return found

    @cached_property
    def naming(self) -> Naming:
        """Whom every event names, by the data map (PRV-09)."""
        return Naming(self.catalog, self.data_map)

    @cached_property
    def concerned(self) -> Concerned:
        """Whom the texts of every event are about (PRV-02)."""
        return Concerned(self.naming, self.data_map)

    @cached_property
    def authority(self) -> str:
        """The table that holds where no other was adopted, as TOML: the roles as declared."""
        rows = {
            one.name: [(act.name, act.roles) for act in one.acts if act.roles]
            for one in self.slices.values()
        }
        imports = [act.name for act in self.acts.values() if act.importable]
        return table_of(DEFAULT_AUTHORITY, imports, rows)


def views_of(one: Slice) -> tuple[Projection[Any], ...]:
    """The views that a slice keeps, those of its work lists among them."""
    return (*one.projections, *(worklist.view for worklist in one.worklists))


def _map_of(one: Slice) -> tuple[Classified, ...]:
    return of_slice(one.name, _text_of_map(one), *_listed_in(one))


def _text_of_map(one: Slice) -> str:
    from importlib.resources import files  # Slow to load, and few programs ask.

    text = one.data_map
    if text and "\n" not in text:
        text = files(one.package).joinpath(one.data_map).read_text(encoding="utf-8")
    return text


def _listed_in(one: Slice) -> tuple[dict[str, tuple[str, type]], Sequence[Any], tuple[type, ...]]:
    """What its data map tells of: its events by name without a version, its views, its states."""
    events = {kind.name: (kind.stored, kind.cls) for kind in one.events}
    return events, views_of(one), tuple(one.readable)


def _of(text: str, kinds: Mapping[str, PolicyKind]) -> PolicyKind:
    """Of which of these kinds a policy says it is.

    Raises:
        PolicyFault: of none of them.
    """
    kind = read_toml(text).get("kind")
    if not isinstance(kind, str) or kind not in kinds:
        raise PolicyFault([wrong("kind", "unknown_kind", kind=kind, needed=", ".join(kinds))])
    return kinds[kind]


def _check_own(one: Slice) -> None:
    """What a slice records and shows has its name, and it looks things up for its own commands.

    Otherwise a host's slice could complete the library's commands in its own way, or record facts
    under the name of another slice.

    Raises:
        Malformed: it declares what is not its own.
    """
    names = [kind.name for kind in one.events] + [view.name for view in views_of(one)]
    for name in names:
        if not name.startswith(f"{one.name}."):
            raise Malformed("declared_elsewhere", slice=one.name, name=name)
    commands = {command for aggregate in one.aggregates for command in aggregate.commands}
    for command in one.look_ups:
        if command not in commands:
            raise Malformed("declared_elsewhere", slice=one.name, name=command.__name__)


def _once(what: str, pairs: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
    """What is declared by its name or class.

    Raises:
        Malformed: something is declared twice.
    """
    found: dict[Any, Any] = {}
    for name, value in pairs:
        if name in found:
            shown = name if isinstance(name, str) else name.__name__
            raise Malformed("declared_twice", what=what, name=shown)
        found[name] = value
    return found
