"""The file of a household put together for a reader (OWN-01, OWN-03, PRV-01).

Place, names and gradings meet in it: who sees a grading only under a household number sees none
beside a place. What is opened of it is written down in one go, before it is handed out.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import partial
from operator import attrgetter
from typing import Any

from crm_core.application.access import Access
from crm_core.application.accounts import Accounts
from crm_core.application.adopted import allocations_at_hand
from crm_core.application.checking import utc
from crm_core.application.filing import HouseholdFile, Payments, Show, Shown, file_row, filed
from crm_core.application.gradings import Gradings
from crm_core.application.host import Host, present_day
from crm_core.application.looking import Look
from crm_core.application.requests import Requests
from crm_core.application.told import PERSONAL, last_told
from crm_core.errors import Invalid
from crm_core.gradings.engines.merged import merges_seen
from crm_core.gradings.views import grading_row
from crm_core.kernel.dates import instant_text, start_of_day
from crm_core.kernel.history import as_of
from crm_core.kernel.recorded import Actor, Recorded
from crm_core.kernel.sealed import PersonalValue, Place, Sealed
from crm_core.owners import HOUSEHOLD, PROSPECT
from crm_core.owners.facts import tenures
from crm_core.owners.state import Household
from crm_core.owners.views import household_file
from crm_core.payments.books import postings
from crm_core.payments.credit import DEFAULT_CREDIT, CreditPolicy
from crm_core.payments.ledger import ledgers
from crm_core.payments.views import account_view
from crm_core.requests import REQUEST
from crm_core.requests.state import Request
from crm_core.requests.views import request_view

ACCOUNT = ("credit", "overdue_days", "overdue_fen", "advance_fen", "unpaid")
"""What of a statement stands in the file of a household."""

SEALED = "sealed"
"""What stands for a personal value that nobody asked for."""


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
        self._host, self._access, self._texts = host, access, access.desk.texts
        self._accounts, self._gradings, self._requests = accounts, gradings, requests

    # --- the file ------------------------------------------------------------------------

    def file(
        self,
        household: str,
        *,
        by: Actor | None,
        purpose: str | None,
        on: date | None,
        known: datetime | None,
    ) -> HouseholdFile | None:
        """See `Owners.file`."""
        look = self._access.look(by, purpose, "owners.file")
        return self._filed(look, household, on, utc(known, "known"))

    def _filed(
        self, look: Look, household: str, on: date | None, known: datetime | None
    ) -> HouseholdFile | None:
        look.may_know(household)
        make = self._making(look, household, on, known)
        found: HouseholdFile | None = look.show_made(make, household=make.keywords["household"])
        return found

    def opened(
        self, look: Look, household: str, on: date, known: datetime | None
    ) -> HouseholdFile | None:
        """The file with personal values of members as they are shown to somebody, and all else as
        it is: for who asks of each part whether it is shown, and writes down what was.
        """
        made: HouseholdFile | None = self._making(look, household, on, known)()
        return made

    def _making(
        self, look: Look, household: str, on: date | None, known: datetime | None
    ) -> partial[HouseholdFile | None]:
        host, day = self._host, on or present_day(self._host)
        group = merges_seen(host.log, day, known).group(household)
        events = [
            recorded
            for _, told in host.log.by_household(households=sorted(group))
            for recorded in told
            if known is None or recorded.recorded <= known
        ]
        if len(group) > 1:
            events.sort(key=attrgetter("position"))
        events = [*self._before(events, known), *events]
        return partial(
            filed,
            events,
            household=group[0],
            on=day,
            every_day=on is None,
            known=known,
            zone=host.zone,
            show=_shows(look, group),
            account=partial(self._account, day),
        )

    def _before(
        self, events: list[Recorded[Any]], known: datetime | None
    ) -> Iterator[Recorded[Any]]:
        """What was known of members while they were potential customers (OWN-06)."""
        members = {getattr(one.event, "member", None) for one in events}
        streams = [PROSPECT.stream(member) for member in members if member]
        for stream in sorted(self._host.log.tips(streams)) if streams else ():
            for recorded in self._host.log.read(stream):
                # How they joined concerns the household, and stands among its events already.
                if not recorded.household and (known is None or recorded.recorded <= known):
                    yield recorded

    def _account(self, day: date, facts: list[tuple[Any, int]], file: Household) -> Payments:
        """The account of the day's tenure: how it stands, and every movement up to the day."""
        table = self._host.policies.find(CreditPolicy, DEFAULT_CREDIT, day)
        told = [event for event, _ in facts]
        held, by = tenures(told), allocations_at_hand(self._host).of(file.estate, told)
        mine, books = held.index(day), ledgers(facts, held, by)
        moved = postings(facts, held, by, books)
        return Payments(
            **account_view(books[mine], day, table),
            lines=tuple(one for one in moved if one.on <= day and one.tenure == mine),
        )

    # --- on one sheet --------------------------------------------------------------------

    def sheet(
        self,
        household: str,
        *,
        by: Actor | None,
        purpose: str | None,
        on: date | None,
        known: datetime | None,
    ) -> dict[str, Any]:
        """See `Owners.sheet`."""
        look = self._access.look(by, purpose, "owners.sheet")
        known = utc(known, "known")
        file = self._filed(look, household, on, known)
        if file is not None:
            # Of a file that was merged the surviving one is shown (OWN-09).
            household = file.household
        state, latest = (self._state(household, *when) for when in ((on, known), (None, None)))
        if file is None or not isinstance(state, Household):
            when = {} if on is None else {"on": on.isoformat()}
            sentence = "household_unknown_on" if on else ""
            raise Invalid.one("household_unknown", sentence=sentence, household=household, **when)
        now, day = self._host.clock.now(), file.on
        account = self._accounts.statement(household, day, known=known)
        told = self._told(household, on, known, day, now)
        place = look.answer("place", household).granted
        roll = look.show_made(
            lambda: household_file(state, self._reveals(look, household, latest)),
            household=household,
        )
        return {
            **look.plain(roll, "owners.sheet", household),
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
            "file": file_row(file),
        }

    def _state(self, household: str, on: date | None, known: datetime | None) -> Any:
        told = self._texts.each(self._host.log.read(HOUSEHOLD.stream(household)))
        return as_of(HOUSEHOLD.decider, told, on=on, known=known)

    def _reveals(self, look: Look, household: str, latest: Household) -> Any:
        """Opens names and numbers for a purpose, as last told; an earlier one stays sealed."""
        tokens = {
            value.token: (member.member, field)
            for member in latest.members().values()
            for field in PERSONAL
            if isinstance(value := getattr(member, field), Sealed)
        }

        def reveal(value: PersonalValue | None) -> Any:
            if not isinstance(value, Sealed):
                return value
            if look.code is None or value.token not in tokens:
                return SEALED
            member, field = tokens[value.token]
            found = last_told(self._host.log, household, member, field)
            if found is None:
                return SEALED
            return look.part(*found, PERSONAL[field], household, member, field)

        return reveal

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
            as_of(
                REQUEST.decider,
                self._texts.each(self._host.log.read(REQUEST.stream(number))),
                on=on,
                known=known,
            )
            for number in sorted(numbers)
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


def _shows(look: Look, group: tuple[str, ...]) -> Show:
    """How the personal values of a file are shown to somebody."""

    def show(value: PersonalValue | None, place: Place, item: str) -> Shown:
        if not isinstance(value, Sealed):
            return None
        # Of a file that was merged the person is still of that one (OWN-09).
        home = value.subject.partition("#")[0]
        home = home if home in group else group[0]
        return look.part(value, place, PERSONAL.get(item, "detail"), home, value.subject, item)

    return show
