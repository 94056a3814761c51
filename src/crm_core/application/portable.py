"""What of an event goes into the export about one person or household, and what is left out.

An event of the subject's own goes whole: others who are named in it appear under names that hold
in this export only, and what is sealed about them is left out. Of an event that is somebody
else's, and names the subject, goes what names them and nothing else (PRV-09, 0053).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any

import attrs
from attrs import field

from crm_core.kernel.dates import instant_text
from crm_core.kernel.naming import (
    DEPARTMENTS,
    Field,
    Naming,
    actor_named,
    items,
    named,
)
from crm_core.kernel.recorded import Recorded
from crm_core.kernel.sealed import Opened, PersonalValue, Place, Plain, Sealed
from crm_core.kernel.sealing import PURPOSE
from crm_core.kernel.subjects import persons_in
from crm_core.kernel.values import define, frozen

TOLD = frozenset({"parameters"})
"""What a message is filled with: whatever it is about, and not whom it goes to."""

STATES = ("plain", "erased", "key_missing", "tampered", "withheld")
"""What can have become of a personal value; `withheld` is another person's."""


@frozen
class Entry:
    """An event as it stands in an export.

    Args:
        position: Place in the log.
        stream: Its stream; None where that is somebody else's.
        version: Place in the stream, likewise.
        digest: Its digest, by which it can be proved.
        effective: The day it is true from.
        recorded: When the company knew.
        imported: Moment of import, for imported facts.
        actor: `role:id` of who caused it.
        purpose: What it was done for, where that was said.
        whole: Whether it is the subject's own, and not only names them.
        standing: Of a grading: `of_record` or `trial`.
        left_out: Fields with a value that is not shown.
        data: Its fields as stored; a personal value as `state` and `text`.
    """

    position: int
    stream: str | None
    version: int | None
    name: str
    digest: str
    effective: str
    recorded: str
    imported: str | None
    actor: str
    purpose: dict[str, Any] | None
    whole: bool
    standing: str | None
    left_out: tuple[str, ...]
    data: dict[str, Any]


@define
class Others:
    """Names for others, which say of two places that they mean the same one, and nothing else."""

    _given: dict[tuple[str, str], str] = field(factory=dict)
    _counts: dict[str, int] = field(factory=dict)

    def name(self, kind: str, identity: str) -> str:
        """`person-1`, `household-2`, `request-3`, in the order in which they come."""
        found = self._given.get((kind, identity))
        if found is None:
            number = self._counts[kind] = self._counts.get(kind, 0) + 1
            found = self._given[kind, identity] = f"{kind}-{number}"
        return found


@define
class Subject:
    """Who an export is about.

    Args:
        persons: Ids of those whose values are opened and whose ids are shown.
        households: All files of their household; none for a member of staff.
        lived: Whether what is said of the household on a day is theirs.
        naming: Whom events name.
        requests: Numbers of their requests.
        positions: Their own events.
    """

    persons: frozenset[str]
    households: frozenset[str]
    lived: Callable[[date], bool]
    naming: Naming
    requests: set[str] = field(factory=set)
    positions: set[int] = field(factory=set)

    def owns(self, kind: str, one: Any, day: date) -> bool:
        """Whether what is named is the subject, or theirs."""
        match kind:
            case "person":
                return one in self.persons
            case "request":
                return one in self.requests
            case "position":
                return one in self.positions
        return one in self.households and self.lived(day)

    def named_in(self, recorded: Recorded[Any]) -> bool:
        """Whether an event names the subject or what is theirs."""
        if actor_named(recorded.envelope.actor) in self.persons:
            return True
        day = recorded.effective
        return any(self.owns(kind, one, day) for kind, one in self.naming.named(recorded))


@define
class Writer:
    """Makes entries of events.

    Args:
        subject: Who it is about.
        open: Opens a sealed value.
        is_request: Whether a number is that of a request.
        states: How often a personal value came to be in each of `STATES`.
    """

    subject: Subject
    open: Callable[[Sealed, Place], Opened]
    is_request: Callable[[str], bool]
    others: Others = field(factory=Others)
    states: dict[str, int] = field(factory=lambda: dict.fromkeys(STATES, 0))
    _at: Recorded[Any] = field(init=False)
    _left: list[str] = field(init=False)

    def entry(self, recorded: Recorded[Any], *, whole: bool, standing: str | None = None) -> Entry:
        """The entry of an event.

        Args:
            whole: Whether it is the subject's own.
        """
        self._at, self._left = recorded, []
        envelope, event = recorded.envelope, recorded.event
        fields = self.subject.naming.fields(type(event))
        data = self._whole(fields, event) if whole else self._part(fields, event)
        return Entry(
            position=recorded.position,
            stream=recorded.stream if whole else None,
            version=recorded.version if whole else None,
            name=recorded.name,
            digest=recorded.digest,
            effective=recorded.effective.isoformat(),
            recorded=instant_text(envelope.recorded),
            imported=None if envelope.imported is None else instant_text(envelope.imported),
            actor=self._actor(envelope.actor),
            purpose=self._purpose(envelope.purpose) if whole else None,
            whole=whole,
            standing=standing,
            left_out=tuple(dict.fromkeys(self._left)),
            data=data,
        )

    def _actor(self, actor: str) -> str:
        role, _, identity = actor.partition(":")
        return actor if role == "system" else f"{role}:{self._person(identity)}"

    def _person(self, identity: str) -> str:
        known = identity in self.subject.persons or identity in DEPARTMENTS
        return identity if known else self.others.name("person", identity)

    # --- whole ---------------------------------------------------------------------------

    def _whole(self, fields: tuple[Field, ...], value: Any, within: str = "") -> dict[str, Any]:
        shown: dict[str, Any] = {}
        for one in fields:
            held = getattr(value, one.name)
            if one.name in TOLD and not self._at.household and held:
                self._left.append(_named_in(within + one.name))
                continue
            several = [
                self._shown(one, item, f"{within}{one.name}{at}") for at, item in _places(one, held)
            ]
            if one.several:
                # What is nobody's to see has no place in the list either.
                shown[one.name] = [item for item in several if item is not _NOTHING]
                if len(shown[one.name]) < len(several):
                    self._left.append(_named_in(within + one.name))
            else:
                shown[one.name] = several[0] if several else None
        return shown

    def _shown(self, one: Field, item: Any, place: str) -> Any:
        if isinstance(item, PersonalValue):
            return self._opened(item, place)
        if one.inner:
            return self._whole(one.inner, item, f"{place}.")
        match one.kind:
            case "person":
                return self._person(item)
            case "household":
                own = item in self.subject.households or not item
                return item if own else self.others.name("household", item)
            case "request":
                own = item in self.subject.requests or not self.is_request(item)
                return item if own else self.others.name("request", item)
            case "position":
                return item if item in self.subject.positions else _NOTHING
        return plain(item)

    def _purpose(self, value: Any) -> Any:
        return value if value is None else self._opened(value, PURPOSE)

    def _opened(self, value: PersonalValue, place: str) -> dict[str, Any]:
        """A sealed value, and of whom; what is about others alone is theirs.

        What is about nobody is the household's, whose event it stands in.
        """
        persons = persons_in(value.subject)
        named = [self._person(one) for one in persons]
        shown: dict[str, Any] = {"persons": named} if len(named) != 1 else {"person": named[0]}
        others = bool(persons) and self.subject.persons.isdisjoint(persons)
        if others or not isinstance(value, Sealed):
            self.states["withheld"] += 1
            return {"state": "withheld", **shown}
        opened = self.open(value, Place(self._at.stream, self._at.version, place))
        if isinstance(opened, Plain):
            self.states["plain"] += 1
            return {"state": "plain", **shown, "text": opened.text}
        self.states[opened.code] += 1
        return {"state": opened.code, **shown}

    # --- in part -------------------------------------------------------------------------

    def _part(self, fields: tuple[Field, ...], value: Any, within: str = "") -> dict[str, Any]:
        shown: dict[str, Any] = {}
        for one in fields:
            value_of = getattr(value, one.name)
            held = items(value_of)
            found = (
                [
                    self._mine(one, item, f"{within}{one.name}{at}")
                    for at, item in _places(one, value_of)
                ]
                if one.naming
                else []
            )
            kept = [item for item in found if item is not _NOTHING]
            if kept:
                shown[one.name] = kept if one.several else kept[0]
            if len(kept) < len(held):
                self._left.append(_named_in(within + one.name))
        return shown

    def _mine(self, one: Field, item: Any, place: str) -> Any:
        """What of a value is the subject's; a part that names nobody else goes whole."""
        day = self._at.effective
        if isinstance(item, PersonalValue):
            own = not self.subject.persons.isdisjoint(persons_in(item.subject))
            return self._opened(item, place) if own else _NOTHING
        if not one.inner:
            own = one.kind is not None and self.subject.owns(one.kind, item, day)
            return item if own else _NOTHING
        ids = list(named(one.inner, item))
        if ids and all(self.subject.owns(kind, found, day) for kind, found in ids):
            return self._whole(one.inner, item, f"{place}.")
        before = len(self._left)
        shown = self._part(one.inner, item, f"{place}.")
        if not shown:
            # Said once, of the whole of it.
            del self._left[before:]
        return shown or _NOTHING


def _named_in(place: str) -> str:
    """What a field is called by within an event, whichever of several values it stands in."""
    return ".".join(part for part in place.split(".") if not part.isdigit())


def _places(one: Field, held: Any) -> Iterator[tuple[str, Any]]:
    """The values of a field, each with what its place is told by behind the field's name."""
    for number, item in enumerate(items(held)):
        yield (f".{number}" if one.several else ""), item


_NOTHING = object()
_PLAIN = frozenset({bool, int, str, type(None)})


def plain(value: Any) -> Any:
    """A value as data that every program reads, instants and days as they are stored."""
    if type(value) in _PLAIN:
        return value
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if attrs.has(type(value)):
        kind: type = type(value)
        return {one.name: plain(getattr(value, one.name)) for one in attrs.fields(kind)}
    return value
