"""What every paper is declared with: sections, and how its rows are found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from attrs import evolve, field

from crm_core.application.host import Host
from crm_core.application.papers.model import (
    APPROVED,
    REVIEWED,
    TEXT,
    Asked,
    Line,
    Printed,
    Section,
    Stamp,
    Value,
)
from crm_core.application.texts import Texts
from crm_core.errors import Invalid
from crm_core.kernel.dates import EARLIEST_YEAR, LATEST_YEAR, local_date
from crm_core.kernel.recorded import Recorded
from crm_core.kernel.values import frozen

if TYPE_CHECKING:
    from crm_core.application.accounts import Accounts
    from crm_core.application.files import Files
    from crm_core.application.gradings import Gradings
    from crm_core.application.looking import Look

HOUSEHOLD, YEAR, EVERYBODY = "household", "year", "everybody"
ASSESSMENT, PLAN = "assessment", "plan"
"""What a paper can be about."""

_REVIEWED, _APPROVED = "signing.paper_reviewed/1", "signing.paper_approved/1"

SIGNED: Mapping[str, tuple[str, ...]] = {
    REVIEWED: (f"{_REVIEWED}@recorded", f"{_REVIEWED}.reviewed_by"),
    APPROVED: (f"{_APPROVED}@recorded", f"{_APPROVED}.approved_by"),
}
"""Where the stamps come from of a paper that is reviewed and approved as a whole."""


@frozen
class Sources:
    """Where a paper's rows come from, at one position of the log.

    Args:
        host: Ports; its log ends at that position.
    """

    host: Host
    files: Files
    accounts: Accounts
    gradings: Gradings
    texts: Texts


@frozen
class Ask:
    """What a paper is filled from.

    Args:
        asked: What is asked for.
        sources: The log and its questions.
        look: Who asks, and what for; a paper's cells are asked for by `Gate`.
    """

    asked: Asked
    sources: Sources
    look: Look

    @property
    def on(self) -> date:
        """The day it stands on."""
        return self.asked.on

    def seen(self, recorded: Recorded[Any]) -> bool:
        """Whether an event is true on the day, and was known at the instant."""
        return recorded.effective <= self.on and self.knew(recorded)

    def knew(self, recorded: Recorded[Any]) -> bool:
        """Whether an event was known at the instant, of whatever day it is true."""
        known = self.asked.known
        return known is None or recorded.recorded <= known

    def events(
        self, *names: str, households: Iterable[str] | None = None
    ) -> Iterator[Recorded[Any]]:
        """The events of these names that are seen, their texts opened, household by household."""
        chosen = None if households is None else sorted(households)
        log = self.sources.host.log
        for _, told in log.by_household(names=names, households=chosen):
            yield from map(self.sources.texts.opened, filter(self.seen, told))

    def day(self, recorded: Recorded[Any]) -> date:
        """The day on which an event was recorded."""
        return local_date(recorded.recorded, self.sources.host.zone)

    def entered(self, what: str, events: Iterable[Recorded[Any]]) -> Stamp:
        """The stamp of the latest of some events: who entered it, when it became known."""
        last = max(events, key=lambda e: (e.recorded, e.position), default=None)
        if last is None:
            return Stamp(what, None, "")
        return Stamp(what, self.day(last), last.envelope.actor.partition(":")[2])


@frozen
class Filled:
    """The rows of a paper by the name of their section, its stamps, and what it rests on."""

    lines: Mapping[str, Iterable[Line]]
    stamps: Iterable[Stamp] = ()
    policies: tuple[str, ...] = ()


@frozen
class Paper:
    """A paper of the method.

    Args:
        name: Its code, e.g. `credit-table`.
        about: What it is about, one of the words above.
        sections: What it prints.
        stamps: The event fields that say who drafted, reviewed and approved it; what the method
            has no act for is left out.
        fill: Finds its rows.
        options: What can be asked for besides.
        main: The section that is the paper where it is a list; empty where it is a form.
    """

    name: str
    about: str
    sections: tuple[Section, ...]
    fill: Callable[[Ask], Filled]
    stamps: Mapping[str, tuple[str, ...]] = field(factory=dict)
    options: tuple[str, ...] = ()
    main: str = ""

    def asked_for(self, options: Iterable[str]) -> tuple[Section, ...]:
        """The sections, without the fields that nobody asked for."""
        chosen = set(options)
        return tuple(
            evolve(
                section,
                fields=tuple(f for f in section.fields if not f.option or f.option in chosen),
            )
            for section in self.sections
        )

    @property
    def is_signed(self) -> bool:
        """Whether it is reviewed and approved as a whole, as no act of the method does so."""
        return self.stamps.get(APPROVED) == SIGNED[APPROVED]

    @property
    def is_list(self) -> bool:
        """Whether it is a list of households."""
        return bool(self.main)


def printed(name: str, *of: str, kind: str = TEXT, option: str = "", data: str = "") -> Printed:
    """A field; its sources are event fields like `owners.member_added/1.role`."""
    return Printed(name=name, of=of, kind=kind, option=option, data=data)


def typed(text: Any) -> Value:
    """A text that somebody typed, opened or `Withheld`; None where they typed none."""
    return text or None


def line(household: str, /, **values: Value) -> Line:
    """What is known for a row."""
    return Line(household, values)


def stamp(what: str, events: Iterable[tuple[date, str]]) -> Stamp:
    """The stamp of the latest of some acts: the day it was done on, and who did."""
    last = max(events, default=None)
    return Stamp(what, None, "") if last is None else Stamp(what, *last)


def is_year(text: str) -> bool:
    """Whether a text is a year that the library knows."""
    digits = text.isascii() and text.isdigit()
    return digits and EARLIEST_YEAR <= int(text) <= LATEST_YEAR


def file_missing(household: str) -> Invalid:
    """There was no such household then."""
    return Invalid.one("household_unknown", household=household)
