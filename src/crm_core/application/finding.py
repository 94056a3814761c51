"""How households are found by number, place or name (OWN-01, PRV-01)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from crm_core.application.access import Access
from crm_core.application.host import Host
from crm_core.application.looking import Look
from crm_core.errors import Invalid
from crm_core.kernel.recorded import Actor
from crm_core.kernel.sealed import Place, Plain, Sealed
from crm_core.kernel.text import fold_width
from crm_core.kernel.values import frozen
from crm_core.owners.card.events import ChangeDecided, ChangeProposed
from crm_core.owners.views import DIRECTORY, DirectoryLine
from crm_core.ports import EventLog

_PAGE = 1000


@frozen
class Found:
    """A household that was looked for, as whoever looked may see it.

    Args:
        name: Of the member by whose name it was found; None where it was found otherwise.
    """

    household: str
    estate: Any
    building: Any
    unit: Any
    room: Any
    kind: str
    members: int
    name: Any = None


@frozen
class _Named:
    """A member's name as it stands in the log."""

    household: str
    member: str
    value: Sealed
    place: Place


class Finding:
    """Finds households.

    Args:
        host: Ports.
        access: Knows who may see what.
    """

    def __init__(self, host: Host, access: Access) -> None:
        self._host, self._access = host, access

    def find(self, text: str, *, by: Actor | None, purpose: str | None) -> list[Found]:
        """See `Owners.find`."""
        look = self._access.look(by, purpose, "owners.find")
        words = [fold_width(word).casefold() for word in text.split()]
        if not words:
            raise Invalid.one("nothing_to_find")
        named = self._named(look, words)
        merges = self._access.streams().merges()
        # Of a file that was merged the surviving one is found (OWN-09).
        found: dict[str, _Named | None] = {}
        lines: dict[str, DirectoryLine] = {}
        for line in self._lines():
            survivor = merges.survivor(line.household)
            name = named.get(line.household)
            if name is not None or (look.knows(line.household) and _matches(look, line, words)):
                found[survivor] = name or found.get(survivor)
            if line.household == survivor:
                lines[line.household] = line
        shown = [line for line in lines.values() if line.household in found]
        shown = [line for line in shown if look.knows(line.household)]
        most = look.policy.found_max
        if len(shown) > most:
            # A look for nearly nothing would be an export without its mark (PRV-10).
            raise Invalid.one("found_too_many", found=len(shown), most=most)
        return [self._found(look, line, found[line.household]) for line in shown]

    @staticmethod
    def _found(look: Look, line: DirectoryLine, named: _Named | None) -> Found:
        seen = look.show(line)
        name = None
        if named is not None:
            at = named.household, named.member
            opened = look.open(named.value, named.place, "name", *at, name="name")
            name = opened.text if isinstance(opened, Plain) else None
        return Found(
            household=line.household,
            estate=seen.estate,
            building=seen.building,
            unit=seen.unit,
            room=seen.room,
            kind=seen.kind,
            members=seen.members,
            name=name,
        )

    def _lines(self) -> Iterator[DirectoryLine]:
        views, after = self._host.views, ("", "")
        views.catch_up(DIRECTORY)
        while rows := views.scan(DIRECTORY, after=after, limit=_PAGE):
            for order, key, line in rows:
                yield line
                after = (order, key)

    def _named(self, look: Look, words: list[str]) -> dict[str, _Named]:
        """By household the member whose name has all the words; for whoever may see such names.

        Every name is opened here to be compared, and goes no further: what is shown, and written
        down, are those of the households that are found.
        """
        found: dict[str, _Named] = {}
        if look.by.role in _BY_NUMBER:
            return found
        streams = self._access.streams()
        for one in _latest(self._host.log):
            # One name of a household is enough, and who said no to the purpose is not looked for.
            if one.household in found:
                continue
            if not look.of_person("name", one.household, one.member).granted:
                continue
            opened = self._host.vault.open(one.value, one.place)
            if isinstance(opened, Plain) and _called(fold_width(opened.text).casefold(), words):
                file = streams.file(one.household)
                # Whoever was entered by mistake is nobody's member.
                if file is not None and one.member in file.members():
                    found[one.household] = one
        return found


def _latest(log: EventLog) -> Iterable[_Named]:
    """The name of each member as last told: entered, changed, or proposed and accepted."""
    latest: dict[tuple[str, str], _Named] = {}
    proposed: dict[tuple[str, str], _Named] = {}
    for recorded in log.feed(names=_NAMES):
        event, home = recorded.event, recorded.household
        if isinstance(event, ChangeDecided):
            accepted = proposed.get((home, event.change)) if event.accepted else None
            if accepted is not None:
                latest[home, accepted.member] = accepted
            continue
        field = "value" if isinstance(event, ChangeProposed) else "name"
        value = getattr(event, field)
        if not isinstance(value, Sealed):
            continue
        one = _Named(home, event.member, value, Place(recorded.stream, recorded.version, field))
        if not isinstance(event, ChangeProposed):
            latest[home, event.member] = one
        elif event.item == "name":
            proposed[home, event.change] = one
    return latest.values()


_NAMES = (
    "owners.change_decided/1",
    "owners.change_proposed/1",
    "owners.contact_changed/1",
    "owners.member_added/1",
)

_BY_NUMBER = ("host", "system", "auditor")
"""Who sees no names, so that none is looked at for them."""


def _matches(look: Look, line: DirectoryLine, words: list[str]) -> bool:
    """Whether a household is called so, or lies there, for somebody who sees where it lies."""
    seen = [line.household]
    if look.answer("place", line.household).granted:
        seen += [line.estate, line.building, line.unit, line.room]
    parts = [fold_width(part).casefold() for part in seen]
    return all(any(_in(word, part) for part in parts) for word in words)


def _called(name: str, words: list[str]) -> bool:
    return all(_in(word, name) for word in words)


def _in(word: str, text: str) -> bool:
    """Whether a text has a word; one of a single character is looked for whole.

    In part of a text a single character is nearly everywhere.
    """
    return word == text or (len(word) > 1 and word in text)
