"""Questions for papers: which there are, one as it stood, and whether it still stands so (REP-01).

`CRM.papers` is one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime

from attrs import evolve

from crm_core.application.access import Access
from crm_core.application.checking import utc
from crm_core.application.host import Host, present_day
from crm_core.application.looking import Look
from crm_core.application.papers import PAPERS
from crm_core.application.papers.base import (
    ASSESSMENT,
    EVERYBODY,
    HOUSEHOLD,
    PLAN,
    YEAR,
    Ask,
    Paper,
    Sources,
    is_year,
    stamp,
)
from crm_core.application.papers.gate import Gate
from crm_core.application.papers.model import (
    ADDED,
    APPROVED,
    CHANGED,
    GONE,
    REVIEWED,
    STAMPS,
    Asked,
    Document,
    Line,
    Part,
    Row,
    Section,
    Stamp,
    Value,
)
from crm_core.errors import Invalid
from crm_core.kernel.recorded import Actor
from crm_core.signing import PAPER, PaperApproved, PaperReviewed, Unsigned, number_of

At = Callable[[int], Sources]
"""The questions, over the log as it stood at a position."""


class Papers:
    """Questions for papers.

    Args:
        host: Ports, over the whole log.
        access: Knows who may see what.
        at: Gives the questions over the log of a position.
    """

    def __init__(self, host: Host, access: Access, at: At) -> None:
        self._host, self._access, self._at = host, access, at

    def every(self) -> tuple[Paper, ...]:
        """The papers there are, in the order of the method."""
        return tuple(PAPERS.values())

    def paper(
        self,
        name: str,
        about: str = "",
        *,
        by: Actor,
        purpose: str | None = None,
        on: date | None = None,
        known: datetime | None = None,
        since: date | None = None,
        options: tuple[str, ...] = (),
    ) -> Document:
        """A paper as it stood on a day, as known at an instant, from all that is in the log now.

        Args:
            about: Number of the household or the year it is about, if it is about one.
            by: Who asks; what they may not see is `Withheld`.
            purpose: What for.
            on: The day; by default today.
            known: As known at this instant.
            since: Marks what is otherwise than on this earlier day.
            options: What else is asked for, of those that the paper has.

        Raises:
            Invalid: there is no such paper, household or year, or it has no such option.
            Refused: a member of another household asks, or one asks for a list.
            Failed: the read log cannot be written.
        """
        asked = Asked(
            paper=name,
            about=about,
            on=on or present_day(self._host),
            known=utc(known, "known"),
            since=since,
            options=tuple(sorted(options)),
        )
        return self.made(asked, self._host.log.head(), by=by, purpose=purpose)

    def made(
        self, asked: Asked, position: int, *, by: Actor, purpose: str | None = None
    ) -> Document:
        """A paper from the log up to a position; see `paper`."""
        look = self._access.look(by, purpose, "papers.paper")
        self._check(asked)
        self._may(look, asked)
        sources = self._at(position)
        paper = PAPERS[asked.paper]
        look.listed = paper.is_list
        sections = paper.asked_for(asked.options)
        fields = {field for section in sections for field in section.fields}
        gate = Gate(look, self._host.registry, fields)
        now = _Drawn(paper, Ask(asked, sources, look), gate)
        parts = now.parts()
        if asked.since is not None:
            earlier = evolve(asked, on=asked.since, since=None)
            parts = now.marked(_before(paper, Ask(earlier, sources, look), gate))
        stamps = now.stamps()
        if paper.is_signed:
            stamps = self._signed(Ask(asked, sources, look), now, gate)
        gate.write()
        return Document(
            asked=asked,
            parts=parts,
            stamps=stamps,
            policies=now.policies,
            position=position,
            root=self._host.log.root(position).root,
            zone=self._host.zone,
            made_at=self._host.clock.now(),
            by=str(look.by),
            purpose=look.purpose,
            opened=tuple(sorted(gate.opened)),
            leads=tuple(sorted(gate.leads)) if paper.is_list or len(gate.households) > 1 else (),
            households=len(gate.households),
        )

    def again(
        self, asked: Asked, position: int, root: str, *, by: Actor, purpose: str | None = None
    ) -> Document:
        """The paper that somebody says was made from a log like this one, made again.

        Args:
            position: The last event it was made from.
            root: What all events up to there were bound by.

        Raises:
            Invalid: it was made from another log, or there is no such paper.
        """
        head = self._host.log.head()
        if not 0 <= position <= head or self._host.log.root(position).root != root:
            raise Invalid.one("paper_of_another_log", position=position)
        return self.made(asked, position, by=by, purpose=purpose)

    def _signed(self, ask: Ask, now: _Drawn, gate: Gate) -> tuple[Stamp, ...]:
        """The stamps of a paper that was reviewed as a whole, as long as it says the same.

        What was approved is what stood in it then; a fact that came to be known since makes it
        another paper, which nobody has looked over.
        """
        number = number_of(ask.asked.paper, ask.asked.about, ask.on)
        log = ask.sources.host.log
        told = [one for one in log.read(PAPER.stream(number)) if ask.knew(one)]
        state = PAPER.decider.fold(one.event for one in told)
        if isinstance(state, Unsigned):
            return now.stamps()
        signed = ((REVIEWED, state.reviewed), (APPROVED, state.approved))
        same = {
            position
            for position in {event.position for _, event in signed if event is not None}
            if self._says(ask, position, gate) == now.rows
        }
        return now.stamps(
            *(
                stamp(what, [(ask.day(one), _signer(event)) for one in told if one.event == event])
                for what, event in signed
                if event is not None and event.position in same
            )
        )

    def _says(self, ask: Ask, position: int, gate: Gate) -> _Keyed:
        """The rows of a paper as they were when it was signed."""
        then = evolve(ask, sources=self._at(position))
        return _Drawn(PAPERS[ask.asked.paper], then, gate).rows

    # --- what can be asked for, and by whom ------------------------------------------------

    def _check(self, asked: Asked) -> None:
        paper = PAPERS.get(asked.paper)
        if paper is None:
            raise Invalid.one("paper_unknown", paper=asked.paper, accepted=list(PAPERS))
        if paper.about == EVERYBODY and asked.about:
            raise Invalid.one("paper_about_nobody", paper=asked.paper)
        if paper.about in (ASSESSMENT, PLAN) and not asked.about:
            raise Invalid.one("paper_about_number", paper=asked.paper)
        if paper.about == HOUSEHOLD and not asked.about:
            raise Invalid.one("paper_about_household", paper=asked.paper)
        if paper.about == YEAR and not is_year(asked.about):
            raise Invalid.one("paper_about_year", paper=asked.paper)
        if asked.since is not None and asked.since > asked.on:
            end = asked.on.isoformat()
            raise Invalid.one("paper_since_later", since=asked.since.isoformat(), on=end)
        for option in asked.options:
            if option.partition("=")[0] not in paper.options:
                raise Invalid.one(
                    "paper_option_unknown",
                    paper=asked.paper,
                    option=option,
                    accepted=list(paper.options),
                )

    def _may(self, look: Look, asked: Asked) -> None:
        """Owners and users see papers about their own household, and no list; by its file as it is
        now, so that who moved out since has no part in it.
        """
        look.may_know(asked.about if PAPERS[asked.paper].about == HOUSEHOLD else "")


def _signer(event: PaperReviewed | PaperApproved) -> str:
    return event.reviewed_by if isinstance(event, PaperReviewed) else event.approved_by


# --- rows ----------------------------------------------------------------------------------------

_Key = tuple[Value, ...]
_Keyed = Mapping[str, Mapping[_Key, Row]]


class _Drawn:
    """A paper filled in, and shown to somebody."""

    def __init__(self, paper: Paper, ask: Ask, gate: Gate) -> None:
        self._paper, self._options = paper, ask.asked.options
        self._gate = gate
        filled = paper.fill(ask)
        self.policies = filled.policies
        self._stamps = {one.what: one for one in filled.stamps}
        self._rows = {
            section.name: dict(map(self._keyed(section), filled.lines[section.name]))
            for section in self._sections()
        }

    def _sections(self) -> Iterable[Section]:
        return self._paper.asked_for(self._options)

    def _keyed(self, section: Section) -> Callable[[Line], tuple[_Key, Row]]:
        nth: dict[_Key, int] = {}

        def keyed(line: Line) -> tuple[_Key, Row]:
            key: _Key = tuple(line.values.get(name) for name in section.key)
            # What is told twice in the same words is two rows.
            nth[key] = nth.get(key, 0) + 1
            return (*key, nth[key]), self._row(section, line)

        return keyed

    def _row(self, section: Section, line: Line) -> Row:
        return Row(
            tuple(
                self._gate.show(one, line.values.get(one.name), line.household)
                for one in section.fields
            )
        )

    @property
    def rows(self) -> _Keyed:
        """Rows by section and key."""
        return self._rows

    def stamps(self, *more: Stamp) -> tuple[Stamp, ...]:
        """The three stamps; those of which there is no act are empty."""
        found = {**self._stamps, **{one.what: one for one in more}}
        return tuple(found.get(what, Stamp(what, None, "")) for what in STAMPS)

    def parts(self) -> tuple[Part, ...]:
        """The sections with their rows."""
        return tuple(
            Part(section, tuple(self._rows[section.name].values())) for section in self._sections()
        )

    def marked(self, before: _Keyed) -> tuple[Part, ...]:
        """The sections, each row marked that is otherwise than it was; what is gone comes last."""
        return tuple(
            Part(section, tuple(_marked(section, self._rows[section.name], before[section.name])))
            for section in self._sections()
        )


def _before(paper: Paper, ask: Ask, gate: Gate) -> _Keyed:
    """The rows of an earlier day; none where there was no such household yet."""
    try:
        return _Drawn(paper, ask, gate).rows
    except Invalid as error:
        if error.faults[0].code != "household_unknown":
            raise
        return {section.name: {} for section in paper.sections}


def _marked(section: Section, now: Mapping[_Key, Row], then: Mapping[_Key, Row]) -> Iterator[Row]:
    for key, row in now.items():
        before = then.get(key)
        if before is None:
            yield evolve(row, mark=ADDED)
            continue
        pairs = zip(section.fields, row.cells, before.cells, strict=True)
        changed = tuple(field.name for field, cell, was in pairs if cell != was)
        yield evolve(row, mark=CHANGED, changed=changed) if changed else row
    for key, row in then.items():
        if key not in now:
            yield evolve(row, mark=GONE)
