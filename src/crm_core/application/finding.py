"""How households are found by number, place or name (OWN-01, PRV-01)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from crm_core.application.access import Access
from crm_core.application.host import Host
from crm_core.application.looking import Look
from crm_core.errors import Invalid
from crm_core.kernel.recorded import Actor
from crm_core.kernel.sealed import Place, Plain, Sealed
from crm_core.kernel.text import fold_width
from crm_core.kernel.values import frozen
from crm_core.owners.views import DIRECTORY, DirectoryLine

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
        found: list[Found] = []
        for line in self._lines():
            if not look.knows(line.household):
                continue
            name = None
            if line.household in named:
                value, place, member = named[line.household]
                opened = look.open(value, place, "name", line.household, member)
                name = opened.text if isinstance(opened, Plain) else None
            if name is None and not _matches(look, line, words):
                continue
            shown = look.show(line)
            found.append(
                Found(
                    household=line.household,
                    estate=shown.estate,
                    building=shown.building,
                    unit=shown.unit,
                    room=shown.room,
                    kind=shown.kind,
                    members=shown.members,
                    name=name,
                )
            )
        return found

    def _lines(self) -> Iterator[DirectoryLine]:
        views, after = self._host.views, ("", "")
        views.catch_up(DIRECTORY)
        while rows := views.scan(DIRECTORY, after=after, limit=_PAGE):
            for order, key, line in rows:
                yield line
                after = (order, key)

    def _named(self, look: Look, words: list[str]) -> dict[str, tuple[Sealed, Place, str]]:
        """By household the name that has all the words in it, and whose it is; for whoever may see
        such names.

        Every name is opened here to be compared, and none goes any further: it is opened again, and
        written down, where it is shown.
        """
        found: dict[str, tuple[Sealed, Place, str]] = {}
        names = ("owners.member_added/1", "owners.contact_changed/1")
        latest: dict[tuple[str, str], tuple[Sealed, Place]] = {}
        if look.by.role in _BY_NUMBER:
            return found
        for recorded in self._host.log.feed(names=names):
            value = recorded.event.name
            if isinstance(value, Sealed):
                key = (recorded.household, recorded.event.member)
                latest[key] = value, Place(recorded.stream, recorded.version, "name")
        for (household, member), (value, place) in latest.items():
            # One name of a household is enough, and who said no to the purpose is not looked for.
            if household in found or not look.of_person("name", household, member).granted:
                continue
            opened = self._host.vault.open(value, place)
            if isinstance(opened, Plain) and all(
                word in fold_width(opened.text).casefold() for word in words
            ):
                found[household] = value, place, member
        return found


_BY_NUMBER = ("host", "system", "auditor")
"""Who sees no names, so that none is looked at for them."""


def _matches(look: Look, line: DirectoryLine, words: list[str]) -> bool:
    """Whether a household is called so, or lies there, for somebody who sees where it lies."""
    seen = [line.household]
    if look.answer("place", line.household).granted:
        seen += [line.estate, line.building, line.unit, line.room]
    parts = [fold_width(part).casefold() for part in seen]
    return all(any(word == part or word in part for part in parts) for word in words)
