"""Questions about return visits: which are due, what is said, draws, coverage (VIS-01 to VIS-04).

`CRM.care.visits` is one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, Unpack

from attrs import evolve, field

from crm_core.application.access import HOST
from crm_core.application.access import Asked as Who
from crm_core.application.authority import acting
from crm_core.application.checking import utc
from crm_core.application.desk import Desk, Receipt
from crm_core.application.framing import Asked, frame, seed_at
from crm_core.application.gradings import Gradings
from crm_core.application.host import Host, present_day
from crm_core.application.owners import Owners
from crm_core.application.segmenting import CELL_MIN
from crm_core.application.sight import WorkSight
from crm_core.application.studies import Studies
from crm_core.application.visiting import call_of
from crm_core.errors import Invalid, Refused
from crm_core.gradings.engines.merged import merges_seen
from crm_core.gradings.policy import LAYERS
from crm_core.gradings.uses import Use
from crm_core.kernel.dates import Period, local_date
from crm_core.kernel.decider import Refusal
from crm_core.kernel.recorded import Actor
from crm_core.kernel.sealed import Plain
from crm_core.kernel.sentences import Lang, say
from crm_core.kernel.values import define, frozen
from crm_core.owners.views import DIRECTORY
from crm_core.visits import DRAW, DRAWING, VISITS
from crm_core.visits.commands import Call
from crm_core.visits.draws import DrawVisits, VisitsDrawn
from crm_core.visits.lots import digest_of_frame, drawn
from crm_core.visits.policy import (
    CONTENTS,
    DEFAULT_VISITS,
    METHODS,
    ROUND,
    VisitPolicy,
)
from crm_core.visits.state import CALLED_OFF, GIVEN_UP, LAPSED, MADE, OPEN, Visit, Visits
from crm_core.visits.views import LINES, VisitLine

PAGE_ROWS = 1000
YEAR_DAYS = 365
"""A period of so many days or more is held to what the policy asks of a year."""


# --- what is answered ----------------------------------------------------------------------------


@frozen
class Said:
    """What whoever calls says, and whether they may call now (VIS-04).

    Args:
        member: Who is called; empty where nobody may be.
        address: The form of address that was used last, or the neutral one.
        barred: Who may not be called for this.
        may_call: Whether it may be now; `because` has why not.
        next_at: When it may be at the earliest, or is to be tried next.
        attempts_left: How often somebody may be tried.
        lines: What is said, in order.
    """

    visit: str
    household: str
    member: str
    address: str
    barred: tuple[str, ...]
    may_call: bool
    because: tuple[str, ...]
    next_at: datetime
    attempts_left: int
    lines: tuple[str, ...]


@frozen
class Redrawn:
    """A draw that was drawn again from the log.

    Args:
        seed_found: Whether the seed is the digest of the event that the draw names.
        frame_same: Whether the same households took part.
        households_same: Whether the same are drawn, in the same order.
        households: Those that are drawn.
    """

    draw: str
    seed_found: bool
    frame_same: bool
    households_same: bool
    households: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether all is as it was recorded."""
        return self.seed_found and self.frame_same and self.households_same


@define
class Covered:
    """How far the visits of a row, or of a method, of a period were made (VIS-04).

    Args:
        called_for: Visits that were due in the period.
        must: Those of them that had to be made; `must_made` those that were.
        in_time: Made by the last instant; `late` after it.
        missed: Not made by the last instant; `waiting` still in time.
        required_percent: What the policy asks for at least.
        opinions: How many said what; None of all of them where fewer than `CELL_MIN` said one.
    """

    row: str
    required_percent: int
    called_for: int = 0
    must: int = 0
    must_made: int = 0
    made: int = 0
    in_time: int = 0
    late: int = 0
    given_up: int = 0
    missed: int = 0
    waiting: int = 0
    opinions: dict[str, int | None] = field(factory=lambda: dict.fromkeys("ABC", 0))

    @property
    def percent(self) -> int | None:
        """How many in a hundred were made, rounded down; None where none was called for."""
        return self.made * 100 // self.called_for if self.called_for else None

    @property
    def met(self) -> bool | None:
        """Whether it is as many as the policy asks for, and all that had to be.

        None where none was called for, or some can still be made in time.
        """
        if not self.called_for:
            return None
        enough = self.made * 100 >= self.required_percent * self.called_for
        if enough and self.must_made == self.must:
            return True
        return None if self.waiting else False


@frozen
class Rounds:
    """How many of all households were visited in a period.

    Args:
        required_percent: What the policy asks for of a year; None where the period is no year.
    """

    households: int
    visited: int
    required_percent: int | None

    @property
    def percent(self) -> int | None:
        """How many in a hundred, rounded down; None where there are no households."""
        return self.visited * 100 // self.households if self.households else None

    @property
    def met(self) -> bool | None:
        """Whether it is as many as the policy asks for; None where it asks for nothing."""
        if self.required_percent is None or not self.households:
            return None
        return self.visited * 100 >= self.required_percent * self.households


@frozen
class Coverage:
    """What was made of what was called for, by row and over all households."""

    rows: tuple[Covered, ...]
    rounds: Rounds


# --- the questions -------------------------------------------------------------------------------


class ReturnVisits:
    """Questions about return visits, and draws.

    Args:
        host: Ports and policies.
        desk: Where draws are recorded.
        owners: Opens names, for a stated purpose.
        gradings: Whose layers visits may go by (GRD-14).
    """

    def __init__(self, host: Host, desk: Desk, owners: Owners, gradings: Gradings) -> None:
        self._host, self._desk, self._owners = host, desk, owners
        self._studies = Studies(host, desk, gradings)

    def due(
        self,
        *,
        by: Actor,
        now: datetime | None = None,
        estate: str = "",
        optional: bool = False,
        purpose: str | None = None,
    ) -> list[VisitLine]:
        """Visits that are to be made now, those first that are to be tried first.

        Args:
            by: Who asks; visits about their own work are not among them.
            optional: Whether also those on which no lot fell.
        """
        by = acting(by)
        self._desk.may(by, "todo")
        ids = self._desk.authority().known(by).ids
        at = utc(now, "now") or self._host.clock.now()
        return [
            line
            for line in self._lines(estate)
            if line.status == OPEN
            and line.next_at <= at < line.lapses_at
            and (line.must or optional)
            and ids.isdisjoint(line.hands)
        ]

    def of(self, household: str, *, by: Actor, purpose: str | None = None) -> list[VisitLine]:
        """All visits of a household, in the order in which what called for them happened.

        Raises:
            Refused: `by` does not work here.
        """
        self._desk.may(acting(by), "todo")
        found = [line for line in self._lines("") if line.household == household]
        return sorted(found, key=lambda line: (line.since, line.visit))

    def script(
        self,
        household: str,
        visit: str,
        *,
        by: Actor,
        lang: Lang = "zh",
        now: datetime | None = None,
    ) -> Said:
        """What whoever calls says, and whether they may call now (VIS-04).

        The name of who is called is opened for this call, and for nothing else.

        Raises:
            Refused: it is not for `by`, or about their own work.
            Invalid: there is no such visit.
        """
        by = acting(by)
        self._desk.may(by, "record-visit")
        at = utc(now, "now") or self._host.clock.now()
        sight = self._sight(at)
        state: Visits = sight.state(VISITS, household)
        found = state.visit(visit)
        if found is None:
            raise Invalid.one("visit_unknown", visit=visit, household=household)
        day = local_date(at, sight.zone)
        call = call_of(household, found, day, sight)
        if not self._desk.authority().known(by).ids.isdisjoint(call.hands | set(found.hands)):
            raise Refused(Refusal("own_work", "VIS-04", {"visit": visit}))
        members = [one for one in sight.streams.holding(household, day) if one not in call.barred]
        member = next((one for one in members if one in call.members), "")
        address = state.address_of(member) or "neutral"
        because = _why_not(found, call, state, at, member)
        return Said(
            visit=visit,
            household=household,
            member=member,
            address=address,
            barred=tuple(sorted(call.barred)),
            may_call=not because,
            because=because,
            next_at=found.appointed_at or call.hours.roll(max(at, found.next_at)),
            attempts_left=max(call.policy.attempts - found.attempts, 0),
            lines=self._spoken(found, call, sight, by, member, address, lang),
        )

    def _spoken(
        self,
        visit: Visit,
        call: Call,
        sight: WorkSight,
        by: Actor,
        member: str,
        address: str,
        lang: Lang,
    ) -> tuple[str, ...]:
        policy, home = call.policy, visit.scheduled.household
        script, forms = policy.script[lang], policy.addresses[lang]
        form = forms.get(address) or next(iter(forms.values()))
        name = self._name(home, member, by, lang)
        lines = [
            script.greeting.format(
                address=form.format(name=name), caller=by.id, estate=sight.estate(home)
            ),
            script.convenient,
            script.contents[visit.scheduled.content],
        ]
        hands = sorted((call.hands | set(visit.hands)) - call.left)
        if policy.row(visit.scheduled.row).leaves_contact and hands:
            lines.append(script.contact.format(worker=", ".join(hands)))
        return (*lines, script.closing)

    def _name(self, household: str, member: str, by: Actor, lang: Lang) -> str:
        if not member:
            return ""
        purpose = "return_visit"
        found = self._owners.opened(household, member, "name", by=by, purpose=purpose)
        if found is None:
            return ""
        return found.text if isinstance(found, Plain) else say("values", found.code, lang)

    # --- draws -----------------------------------------------------------------------------

    def draw(
        self,
        draw: str,
        method: str,
        size: int,
        *,
        by: Actor,
        on: date | None = None,
        content: str = "",
        estate: str = "",
        code: str = "",
        layer: str = "",
    ) -> Receipt:
        """Draw households to be visited: who takes part and the seed are found in the log (VIS-02).

        Args:
            draw: Its number.
            method: One of `crm_core.visits.policy.METHODS`.
            size: How many.
            on: The day as of which; by default today.
            content: What they are visited for; by default what the policy says of the method.
            estate: Only of this estate.
            code: Only households whose numbers begin so.
            layer: Only of this class, as far as visits may go by it (GRD-14).

        Raises:
            Refused: it is not for `by`, or there are not so many.
            Invalid: there is no such method, content or layer, or the day is still to come.
        """
        by = acting(by)
        self._desk.may(by, DRAWING)
        for name, value, accepted in (
            ("method", method, METHODS),
            ("content", content, ("", *CONTENTS)),
            ("layer", layer, ("", *LAYERS)),
        ):
            if value not in accepted:
                raise Invalid.one("not_one_of", name, value=value, accepted=accepted)
        today = present_day(self._host)
        day = on or today
        if day > today:
            raise Invalid.one("day_ahead", "on", today=today.isoformat())
        policy = self._host.policies.find(VisitPolicy, DEFAULT_VISITS, day)
        asked = Asked(
            method=method, on=day, estate=estate, code=code, position=self._host.log.head()
        )
        command = DrawVisits(
            draw=draw,
            method=method,
            size=size,
            content=content or policy.selections[method].content,
            on=day,
            estate=estate,
            code=code,
            layer=layer,
            frame=self._framed(asked, policy, layer, None),
            seed=seed_at(self._host.log, asked.position),
            seed_position=asked.position,
            policy=policy.ref,
        )
        return self._desk.within(command, by=by)

    def redraw(self, draw: str, **_asked: Unpack[Who]) -> Redrawn:
        """Draw again what was drawn, from the log as it was then; nothing is recorded.

        Raises:
            Invalid: there is no such draw.
        """
        event, known = self._found(draw)
        sight = self._sight(self._host.clock.now())
        policy = sight.pinned(VisitPolicy, event.policy)
        asked = Asked(
            method=event.method,
            on=event.on,
            estate=event.estate,
            code=event.code,
            position=event.seed_position,
        )
        found = self._framed(asked, policy, event.layer, known)
        seed = seed_at(self._host.log, event.seed_position)
        households = drawn(seed, found, len(event.households))
        same = found == event.frame and digest_of_frame(found) == event.frame_digest
        return Redrawn(
            draw=draw,
            seed_found=seed == event.seed,
            frame_same=same,
            households_same=households == event.households,
            households=households,
        )

    def drawn(self, draw: str, **_asked: Unpack[Who]) -> VisitsDrawn:
        """A draw as it was recorded.

        Raises:
            Invalid: there is no such draw.
        """
        return self._found(draw)[0]

    def _found(self, draw: str) -> tuple[VisitsDrawn, datetime]:
        for recorded in self._host.log.read(DRAW.stream(draw)):
            if isinstance(recorded.event, VisitsDrawn):
                return recorded.event, recorded.recorded
        raise Invalid.one("draw_unknown", draw=draw)

    def _framed(
        self, asked: Asked, policy: VisitPolicy, layer: str, known: datetime | None
    ) -> tuple[str, ...]:
        found = frame(asked, policy, self._sight(self._host.clock.now()))
        if not layer:
            return found
        use = Use.VISIT_FREQUENCY
        return tuple(
            one
            for one in found
            if self._studies.influence(one, use, on=asked.on, known=known).layer == layer
        )

    # --- coverage --------------------------------------------------------------------------

    def coverage(
        self,
        period: Period,
        *,
        by: Actor | None = None,
        now: datetime | None = None,
        estate: str = "",
    ) -> Coverage:
        """How far the visits that were due in a period were made, against the policy (VIS-04).

        What was called off before it was due is not held against anybody; what was called off
        afterwards was missed.

        Args:
            by: Who asks; the host's account by default.
            estate: Only of this estate.

        Raises:
            Refused: `by` does not work here.
        """
        self._desk.may(HOST if by is None else acting(by), "todo")
        at = utc(now, "now") or self._host.clock.now()
        policy = self._host.policies.find(VisitPolicy, DEFAULT_VISITS, period.end)
        rows = {name: Covered(name, row.share) for name, row in policy.rows.items()}
        visited: set[str] = set()
        for line in self._lines(estate):
            if line.visited_at is not None and self._within(line.visited_at, period):
                visited.add(line.household)
            off = line.status == CALLED_OFF and (line.over_at or at) < line.latest_at
            if off or not self._within(line.due_at, period):
                continue
            row = rows.setdefault(line.row, Covered(line.row, 100))
            _count(row, line, at)
        order = {name: n for n, name in enumerate((*policy.rows, *METHODS))}
        found = sorted(rows.values(), key=lambda row: (order.get(row.row, len(order)), row.row))
        rounds = self._rounds(visited, period, policy, estate)
        return Coverage(tuple(map(_suppressed, found)), rounds)

    def _rounds(
        self, visited: set[str], period: Period, policy: VisitPolicy, estate: str
    ) -> Rounds:
        merges = merges_seen(self._host.log, period.end)
        here = {one for one in self._directory(estate) if one not in merges.into}
        year = (period.end - period.start).days + 1 >= YEAR_DAYS
        found = {merges.survivor(one) for one in visited}
        return Rounds(
            households=len(here),
            visited=len(found & here),
            required_percent=policy.selections[ROUND].percent if year else None,
        )

    def _within(self, at: datetime, period: Period) -> bool:
        return period.start <= local_date(at, self._host.zone) <= period.end

    # --- what they are read from --------------------------------------------------------------

    def _sight(self, at: datetime) -> WorkSight:
        sight: Any = self._desk.look(at).sight
        return sight  # type: ignore[no-any-return]

    def _lines(self, estate: str) -> Iterator[VisitLine]:
        views = self._host.views
        views.catch_up(LINES)
        views.catch_up(DIRECTORY)
        after = ("", "")
        while rows := views.scan(LINES, after=after, limit=PAGE_ROWS):
            for _, _, line in rows:
                if not estate or self._estate(line.household) == estate:
                    yield line
            after = rows[-1][0], rows[-1][1]

    def _estate(self, household: str) -> str:
        line = self._host.views.get(DIRECTORY, household)
        return "" if line is None else line.estate

    def _directory(self, estate: str) -> Iterator[str]:
        views, after = self._host.views, ("", "")
        views.catch_up(DIRECTORY)
        while rows := views.scan(DIRECTORY, after=after, limit=PAGE_ROWS):
            for _, key, line in rows:
                if estate in ("", line.estate):
                    yield key
            after = rows[-1][0], rows[-1][1]


def _why_not(visit: Visit, call: Call, state: Visits, at: datetime, member: str) -> tuple[str, ...]:
    """Codes of all that speaks against calling now."""
    row = call.policy.row(visit.scheduled.row)
    agreed = visit.appointed_at is not None and abs(at - visit.appointed_at) <= call.policy.agreed
    found = []
    if visit.status != OPEN:
        found.append(visit.status)
    if not member:
        found.append("do_not_call")
    if at < visit.from_at:
        found.append("too_early")
    if not agreed and not call.hours.working(at):
        found.append("outside_hours")
    if (
        not agreed
        and row.rest
        and any(
            abs(at - call_at) < call.policy.rest
            for call_at in (*(one for one, _ in state.calls()), *call.elsewhere)
        )
    ):
        found.append("called_lately")
    return tuple(found)


def _count(row: Covered, line: VisitLine, at: datetime) -> None:
    row.called_for += 1
    row.must += line.must
    if line.status == MADE and line.visited_at is not None:
        row.made += 1
        row.must_made += line.must
        if line.visited_at <= line.latest_at:
            row.in_time += 1
        else:
            row.late += 1
        if line.opinion is not None:
            row.opinions[line.opinion] = (row.opinions[line.opinion] or 0) + 1
    elif line.status == GIVEN_UP and line.why != LAPSED:
        row.given_up += 1
    elif line.status == OPEN and at < line.latest_at:
        row.waiting += 1
    else:
        row.missed += 1


def _suppressed(row: Covered) -> Covered:
    """A row of which nobody sees what few said (PRV-01): what is hidden must not follow from the
    others, so all of it is.
    """
    few = any(0 < (said or 0) < CELL_MIN for said in row.opinions.values())
    return evolve(row, opinions=dict.fromkeys(row.opinions)) if few else row
