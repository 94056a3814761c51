"""The data map: what every field that is kept is, for what, how long, and about whom (PRV-02).

A slice says in a file of its own, beside its events, of which class each field of its events and of
its views' rows is. A field without a class stops the slice where it is listed, and so does a class
for a field that is not there. Tier, purpose, retention and subject follow from the class, and from
what the event is about.

    about = "household"

    ["owners.member_added"]
    household = ["household"]
    person = ["member"]
    name = ["name"]

    ["Word"]                    # a value with fields of its own, in whichever event it stands
    person = ["member"]

What a class is told as in Chinese and English stands in the family `data-map` of the catalogue of
sentences.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, get_type_hints

import attrs

from crm_core.kernel.hints import classes_in
from crm_core.kernel.policy import PolicyFault, PolicyRef, read_toml
from crm_core.kernel.projection import Projection
from crm_core.kernel.recorded import Envelope, Recorded
from crm_core.kernel.sealed import PersonalValue
from crm_core.kernel.sentences import Malformed
from crm_core.kernel.values import frozen
from crm_core.kernel.word import Word
from crm_core.kernel.worklists import Open

COMPANY, SERVICE, PERSONAL, SENSITIVE = "company", "service", "personal", "sensitive"
STATISTICS = "statistics"
TIERS = (COMPANY, SERVICE, PERSONAL, SENSITIVE, STATISTICS)
"""Who may see it, from everybody to nobody but two (PRV-01). Nothing that is kept is sensitive."""

ABOUT = ("household", "case", "staff", "company")
"""What an event is about: a household, its request, a member of staff, or none of them."""

CONCERNED, MEMBER, STAFF, NOBODY = "concerned", "member", "staff", "nobody"
_SUBJECTS = {"household": "household", "case": "household", "staff": STAFF, "company": NOBODY}

LOG = "log"
"""Retention: as long as the log. It proves the rest, and says nothing of a person once names are
erased."""
MATTER = "matter"
"""Retention: for three years after what it is about has ended (limitation, Civil Code 188)."""
_PERIODS = {"household": "tenure", "case": "case", "staff": "employment", "company": LOG}


@frozen
class DataClass:
    """A class of data.

    Args:
        tier: One of `TIERS`.
        purpose: Code of what it is kept for.
        subject: Whom it is about: `concerned` for whom the event is about.
        kept: `log` or `matter`.
        sealed: Whether it is sealed under a person's key, so that it can be erased.
        typed: Whether people may type whatever they like there.
    """

    name: str
    tier: str
    purpose: str
    subject: str = CONCERNED
    kept: str = MATTER
    sealed: bool = False
    typed: bool = False


_CLASSES = (
    DataClass("household", COMPANY, "joins", kept=LOG),
    DataClass("number", COMPANY, "joins", kept=LOG),
    DataClass("code", COMPANY, "course", kept=LOG),
    DataClass("time", COMPANY, "course", kept=LOG),
    DataClass("policy", COMPANY, "proof", subject=NOBODY, kept=LOG, typed=True),
    DataClass("digest", COMPANY, "proof", subject=NOBODY, kept=LOG),
    DataClass("statistic", STATISTICS, "improving", subject=NOBODY, kept=LOG),
    DataClass("label", SERVICE, "course", typed=True),
    DataClass("place", SERVICE, "reaching", typed=True),
    DataClass("money", SERVICE, "owing"),
    DataClass("opinion", SERVICE, "hearing"),
    DataClass("text", SERVICE, "case", sealed=True, typed=True),
    DataClass("evidence", SERVICE, "proof", sealed=True, typed=True),
    DataClass("purchase", PERSONAL, "grading", typed=True),
    DataClass("grade", PERSONAL, "grading"),
    DataClass("person", SERVICE, "joins", subject=MEMBER, kept=LOG),
    DataClass("name", SERVICE, "reaching", subject=MEMBER, sealed=True, typed=True),
    DataClass("contact", PERSONAL, "reaching", subject=MEMBER, sealed=True, typed=True),
    DataClass("detail", PERSONAL, "hearing", subject=MEMBER, sealed=True, typed=True),
    DataClass("staff", COMPANY, "answering", subject=STAFF),
    DataClass("staff_contact", PERSONAL, "duty", subject=STAFF, sealed=True, typed=True),
)

CLASSES: Mapping[str, DataClass] = {one.name: one for one in _CLASSES}
"""All classes of data by name; a slice adds none."""

EVENT, VIEW, FILE, ENVELOPE = "event", "view", "file", "envelope"

SHARED = (PolicyRef, Word, Open)
"""Values of the kernel that events and rows of any slice hold."""


@frozen
class Classified:
    """A field, and what it is.

    Args:
        slice: Whose it is; empty for what is no slice's.
        kind: `event`, `view`, `file` or `envelope`.
        source: Stored name of the event, name of the view, or of the file.
        field: Its name; behind those of the values it is a part of, if it is of any.
        data: Its class.
        about: What its source is about.
    """

    slice: str
    kind: str
    source: str
    field: str
    data: DataClass
    about: str

    @property
    def subject(self) -> str:
        """Whom it is about: `household`, `member`, `staff` or `nobody`."""
        return _SUBJECTS[self.about] if self.data.subject == CONCERNED else self.data.subject

    @property
    def sealed(self) -> bool:
        """Whether it is sealed where it stands: files that people exchange are plain."""
        return self.data.sealed and self.kind != FILE

    @property
    def retention(self) -> str:
        """Code of how long it is kept: `log`, `tenure`, `case`, `employment`, or `file`."""
        if self.kind == FILE:
            return FILE
        if self.data.kept == LOG:
            return LOG
        return _PERIODS[STAFF if self.data.subject == STAFF else self.about]

    @property
    def ends(self) -> str:
        """What happens then: `erased` with its key, `set_aside` (PIPL, art. 47), `deleted` with
        its file, or `stays`.
        """
        if self.kind == FILE:
            return "deleted"
        if self.sealed:
            return "erased"
        return "stays" if self.retention == LOG else "set_aside"


@frozen
class Table:
    """What a file says of one event, view, file or value: the class of each field."""

    about: str
    classes: Mapping[str, str]


def tables(text: str) -> Mapping[str, Table]:
    """What a data map says, by the name of the event, view, file or value.

    Raises:
        Malformed: it is no data map.
    """
    try:
        said = read_toml(text)
    except PolicyFault as error:
        raise Malformed("data_map_malformed", why=error.within()) from error
    about = said.get("about", "")
    return {name: _table(name, content, about) for name, content in said.items() if name != "about"}


def _table(name: str, content: Any, about: str) -> Table:
    if not isinstance(content, dict):
        raise Malformed("data_class_unknown", name=name, accepted=list(CLASSES))
    about = content.get("about", about)
    if about not in ABOUT:
        raise Malformed("data_about_unknown", name=name, accepted=ABOUT)
    classes: dict[str, str] = {}
    for one, fields in content.items():
        if one == "about":
            continue
        if one not in CLASSES or not isinstance(fields, list):
            raise Malformed("data_class_unknown", name=f"{name}.{one}", accepted=list(CLASSES))
        for field in fields:
            if field in classes:
                raise Malformed("data_class_twice", field=f"{name}.{field}")
            classes[field] = one
    return Table(about, classes)


class Reading:
    """Goes through what there is with what was said of it, and keeps what does not fit.

    Args:
        slice: Whose it is.
        said: What its file says.
    """

    def __init__(self, slice: str, said: Mapping[str, Table]) -> None:
        self._slice, self._said = slice, said
        self._used: set[str] = set()
        self._missing: set[str] = set()
        self._extra: set[str] = set()
        self._unsealed: set[str] = set()

    def fields(self, kind: str, source: str, key: str, cls: type) -> list[Classified]:
        """An event or a row, by its class.

        Args:
            key: What the file names it by.
        """
        table = self._table(key, source)
        if table is None:
            return []
        return list(self._fields(kind, source, cls, key, table, table.about, ""))

    def state(self, cls: type) -> None:
        """What can be read as it stood: some of its fields may be told of."""
        name = cls.__name__
        self._used.add(name)
        said = self._said.get(name)
        if said is not None:
            there = {field.name for field in attrs.fields(cls)}
            self._extra |= {f"{name}.{field}" for field in set(said.classes) - there}

    def done(self) -> None:
        """Nothing was without a class, and none was left over.

        Raises:
            Malformed: something was.
        """
        left = {name for name in self._said if name not in self._used}
        if self._missing:
            raise Malformed("data_unclassified", slice=self._slice, fields=sorted(self._missing))
        if self._extra or left:
            fields = sorted(self._extra | left)
            raise Malformed("data_superfluous", slice=self._slice, fields=fields)
        if self._unsealed:
            raise Malformed("data_unsealed", slice=self._slice, fields=sorted(self._unsealed))

    def _table(self, key: str, source: str) -> Table | None:
        self._used.add(key)
        found = self._said.get(key)
        if found is None:
            self._missing.add(source)
        return found

    def _compare(self, name: str, table: Table, there: Iterable[str]) -> None:
        names = set(there)
        self._missing |= {f"{name}.{field}" for field in names - set(table.classes)}
        self._extra |= {f"{name}.{field}" for field in set(table.classes) - names}

    def _fields(
        self, kind: str, source: str, cls: type, key: str, table: Table, about: str, before: str
    ) -> Iterator[Classified]:
        shapes = _shapes(cls)
        self._compare(key, table, [name for name, (part, _) in shapes.items() if part is None])
        for name, (part, personal) in shapes.items():
            if part is not None:
                within, path = self._value(part), f"{before}{name}."
                if within is not None:
                    yield from self._fields(kind, source, part, part.__name__, within, about, path)
                continue
            given = table.classes.get(name)
            if given is not None and CLASSES[given].sealed != personal:
                self._unsealed.add(f"{key}.{name}")
            if given is not None:
                yield Classified(
                    slice=self._slice,
                    kind=kind,
                    source=source,
                    field=f"{before}{name}",
                    data=CLASSES[given],
                    about=about,
                )

    def _value(self, part: type) -> Table | None:
        name = part.__name__
        if part in SHARED and name not in self._said:
            return _own()[name]
        return self._table(name, name)


@cache
def _shapes(cls: type) -> Mapping[str, tuple[type | None, bool]]:
    """Of each field the value with fields of its own that it holds, if any; and whether a personal
    value may stand there.
    """
    found: dict[str, tuple[type | None, bool]] = {}
    hints = get_type_hints(cls)
    for field in attrs.fields(cls):
        kinds = list(classes_in(hints[field.name]))
        part = next((k for k in kinds if attrs.has(k) and not issubclass(k, PersonalValue)), None)
        found[field.name] = (part, any(issubclass(k, PersonalValue) for k in kinds))
    return found


@cache
def _own() -> Mapping[str, Table]:
    """What the kernel says of its own values, and of what is stored around every event."""
    from importlib.resources import files  # Slow to load, and few programs ask.

    file = files("crm_core.kernel").joinpath("data-map.toml")
    return tables(file.read_text(encoding="utf-8"))


def of_envelope() -> tuple[Classified, ...]:
    """What is stored around every event: its place and its envelope."""
    around = {name: _own()[name] for name in (Recorded.__name__, Envelope.__name__)}
    return tuple(attrs.evolve(row, source=ENVELOPE) for row in _listed(ENVELOPE, around))


def of_slice(
    slice: str,
    text: str,
    events: Mapping[str, tuple[str, type]],
    views: Iterable[Projection[Any]],
    states: Iterable[type] = (),
) -> tuple[Classified, ...]:
    """Every field of the events and views of a slice, as its file says.

    Args:
        text: The file; empty if there is none.
        events: By the name without a version: the stored name and the class.
        states: What can be read as it stood. Nothing keeps it, so it is no part of the map; of
            which class a field is that no event has, stands under the name of its class.

    Raises:
        Malformed: a field has no class, or a class no field.
    """
    reading = Reading(slice, tables(text))
    found: list[Classified] = []
    for name, (stored, cls) in events.items():
        found += reading.fields(EVENT, stored, name, cls)
    for view in views:
        found += reading.fields(VIEW, view.name, view.name, view.row)
    for state in states:
        reading.state(state)
    reading.done()
    return tuple(found)


def by_class(
    text: str,
    events: Mapping[str, tuple[str, type]],
    views: Iterable[Projection[Any]],
    states: Iterable[type] = (),
) -> dict[type, Mapping[str, str]]:
    """The class of data of each field of the events and rows of a slice, and of their values.

    Args:
        text, events, views, states: As for `of_slice`.
    """
    said = {**_own(), **tables(text)}
    found: dict[type, Mapping[str, str]] = {}

    def put(cls: type, key: str) -> None:
        if cls in found or key not in said:
            return
        found[cls] = said[key].classes
        for part, _ in _shapes(cls).values():
            if part is not None:
                put(part, part.__name__)

    for name, (_, cls) in events.items():
        put(cls, name)
    for view in views:
        put(view.row, view.name)
    for state in states:
        put(state, state.__name__)
    return found


def around() -> dict[type, Mapping[str, str]]:
    """The same for what is stored around every event."""
    return {cls: _own()[cls.__name__].classes for cls in (Recorded, Envelope)}


def of_files(text: str) -> tuple[Classified, ...]:
    """Every column of files, as a data map beside who reads and writes them says.

    Raises:
        Malformed: it is no data map.
    """
    return tuple(_listed(FILE, tables(text)))


def _listed(kind: str, said: Mapping[str, Table]) -> Iterator[Classified]:
    for source, table in said.items():
        for name, data in table.classes.items():
            yield Classified(
                slice="",
                kind=kind,
                source=source,
                field=name,
                data=CLASSES[data],
                about=table.about,
            )
