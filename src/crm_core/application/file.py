"""The file of a household put together for a reader, and how households are found (OWN-01, PRV-01).

Place, names and gradings meet in it: who sees a grading only under a household number sees none
beside a place.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from attrs import frozen

from crm_core.application.access import Access, Look
from crm_core.application.accounts import Accounts
from crm_core.application.checking import utc
from crm_core.application.gradings import Gradings
from crm_core.application.host import Host
from crm_core.application.requests import Requests
from crm_core.errors import Failed, Invalid
from crm_core.gradings.views import grading_row
from crm_core.kernel.dates import instant_text, local_date, start_of_day
from crm_core.kernel.history import as_of
from crm_core.kernel.recorded import Actor, Recorded
from crm_core.kernel.sealed import PersonalValue, Place, Plain, Sealed, Withheld
from crm_core.kernel.text import fold_width
from crm_core.owners import HOUSEHOLD
from crm_core.owners.state import Household
from crm_core.owners.views import DIRECTORY, DirectoryLine, household_file
from crm_core.requests import REQUEST
from crm_core.requests.state import Request
from crm_core.requests.views import request_view

ACCOUNT = ("credit", "overdue_days", "overdue_fen", "advance_fen", "unpaid")
"""What of a statement stands in the file of a household."""

SEALED = "sealed"
"""What stands for a personal value that nobody asked for."""

_FIELDS = {"name": "name", "phone": "contact"}
"""Fields of members with their class of data."""

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


class Files:
    """Puts files together.

    Args:
        host: Ports.
        access: Knows who may see what.
        accounts, gradings, requests: What is known of a household besides its members.
    """

    def __init__(
        self,
        host: Host,
        access: Access,
        accounts: Accounts,
        gradings: Gradings,
        requests: Requests,
    ) -> None:
        self._host, self._access = host, access
        self._accounts, self._gradings, self._requests = accounts, gradings, requests

    # --- one file ------------------------------------------------------------------------

    def file(
        self,
        household: str,
        *,
        by: Actor | None,
        purpose: str | None,
        on: date | None,
        known: datetime | None,
    ) -> dict[str, Any]:
        """See `Owners.file`."""
        look = self._access.look(by, purpose, "owners.file")
        known = utc(known, "known")
        events = list(self._host.log.read(HOUSEHOLD.stream(household)))
        state = as_of(HOUSEHOLD.decider, events, on=on, known=known)
        if not isinstance(state, Household):
            when = {} if on is None else {"on": on.isoformat()}
            sentence = "household_unknown_on" if on else ""
            raise Invalid.one("household_unknown", sentence=sentence, household=household, **when)
        now = self._host.clock.now()
        day = on or local_date(now, self._host.zone)
        account = self._accounts.statement(household, day, known=known)
        told = self._told(household, on, known, day, now)
        place = look.answer("place", household).granted
        reveal = _Revealing(look, household, events)
        return {
            **look.plain(household_file(state, reveal), "owners.file", household),
            "on": day.isoformat(),
            "known": None if known is None else instant_text(known),
            "account": look.plain(
                {name: account[name] for name in ACCOUNT}, "accounts.statement", household
            ),
            "requests": {
                "received": len(told),
                "open": [
                    look.plain(one, "requests.view", household)
                    for one in told
                    if one["status"] != "closed"
                ],
            },
            "gradings": [
                look.plain(one, "gradings.row", household, joined=place)
                for one in self._graded(household, on, known)
            ],
        }

    def _told(
        self,
        household: str,
        on: date | None,
        known: datetime | None,
        day: date,
        now: datetime,
    ) -> list[dict[str, Any]]:
        """The requests of the household, as they stood."""
        pages = self._host.log.by_household(households=[household])
        numbers = {
            e.stream.partition("/")[2]
            for _, events in pages
            for e in events
            if e.stream.startswith("request/") and (known is None or e.recorded <= known)
        }
        end = min(start_of_day(day + timedelta(days=1), self._host.zone), known or now, now)
        states = [
            as_of(REQUEST.decider, self._host.log.read(REQUEST.stream(n)), on=on, known=known)
            for n in sorted(numbers)
        ]
        return [
            request_view(state, end, self._requests.pinned)
            for state in states
            if isinstance(state, Request)
        ]

    def _graded(
        self, household: str, on: date | None, known: datetime | None
    ) -> list[dict[str, Any]]:
        return [
            {"year": now.grading.year, "run": now.grading.run, **grading_row(now.grading, now)}
            for now in self._gradings.history(household, on=on, known=known)
        ]

    # --- finding -------------------------------------------------------------------------

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
            name = named.get(line.household)
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

    def _named(self, look: Look, words: list[str]) -> dict[str, Any]:
        """By household the name that has all the words in it; for whoever may see such names.

        Every name is opened here to be compared, and those that do not match go no further: what
        is shown, and written down, are the others.
        """
        found: dict[str, Any] = {}
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
            if not look.answer("name", household).granted:
                continue
            opened = self._host.vault.open(value, place)
            if isinstance(opened, Plain) and all(
                word in fold_width(opened.text).casefold() for word in words
            ):
                found[household] = look.open(value, place, "name", household, member).text  # type: ignore[union-attr]
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


class _Revealing:
    """Shows the personal values of a file: opened for a purpose, as last told.

    Args:
        look: Whose question it is.
        household: Of which household.
        events: All that is known of its members.
    """

    def __init__(self, look: Look, household: str, events: list[Recorded[Any]]) -> None:
        self._look, self._household = look, household
        # What is opened is what was told last; an earlier name or number stays sealed.
        self._latest: dict[tuple[str, str], tuple[Sealed, Place]] = {}
        for recorded in events:
            for field in _FIELDS:
                value = getattr(recorded.event, field, None)
                if isinstance(value, Sealed):
                    place = Place(recorded.stream, recorded.version, field)
                    self._latest[value.subject, field] = value, place
        self._tokens = {value.token: (value, place) for value, place in self._latest.values()}
        self._opened: dict[str, Any] = {}

    def __call__(self, value: PersonalValue | None) -> Any:
        if not isinstance(value, Sealed):
            return value
        if self._look.code is None or value.token not in self._tokens:
            return SEALED
        if value.token not in self._opened:
            self._opened[value.token] = self._open(*self._tokens[value.token])
        return self._opened[value.token]

    def _open(self, value: Sealed, place: Place) -> Any:
        data = _FIELDS[place.field]
        answer = self._look.answer(data, self._household)
        if not answer.granted:
            self._look.deny((place.field,), answer.reason, self._household, value.subject)
            return Withheld(answer.reason)
        try:
            found = self._look.open(value, place, data, self._household, value.subject)
        except Failed:
            return Withheld("read_log")
        return found.text if isinstance(found, Plain) else Withheld(found.code)
