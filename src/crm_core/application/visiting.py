"""What calls for a return visit, by all that other slices know (VIS-01), and what a call keeps to.

A household's visits are a function of what is known of it: of its requests, its file, its consents,
and of the policy of the day. So whatever comes late, is taken back, merged or sold is looked at in
the same way, and nothing is called for twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from attrs import evolve

from crm_core.application.records import records_since
from crm_core.application.sight import WorkSight
from crm_core.errors import UnknownPolicy
from crm_core.gradings import GRADING
from crm_core.gradings.policy import GradingPolicy
from crm_core.gradings.review import correction, standing
from crm_core.gradings.state import Gradings
from crm_core.gradings.uses import Use, influence
from crm_core.kernel.canonical import digest_of
from crm_core.kernel.dates import local_date, start_of_day
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.public_holidays import HolidayNotice, in_force
from crm_core.kernel.recorded import Recorded
from crm_core.kernel.sealed import typed
from crm_core.kernel.tenures import FIRST
from crm_core.kernel.text import ID_LENGTH_MAX
from crm_core.kernel.values import frozen
from crm_core.privacy import ERASING, Erasures
from crm_core.privacy.decide import WHOLE as COMPANY
from crm_core.privacy.lookups import usable
from crm_core.requests import REQUEST, Closed, Merged, Request
from crm_core.requests.clocks import CLOSING
from crm_core.requests.commands import ReceiveRequest
from crm_core.requests.deciding.closing import at_work
from crm_core.requests.events import (
    IMPORT,
    ArrivedOnSite,
    OrderDispatched,
    RequestReopened,
    WorkReportedDone,
)
from crm_core.requests.parts import BREACHED
from crm_core.requests.state import Open, Paused
from crm_core.staff import REGISTER
from crm_core.staff.register import WHOLE, Register
from crm_core.surveys import SURVEY as SURVEY_STREAM
from crm_core.surveys import Questionnaire, Survey, SurveyPolicy
from crm_core.surveys.statistics import is_dissatisfied
from crm_core.visits import DRAW, VISITS
from crm_core.visits.commands import (
    CONTRACTED,
    INSTALLED,
    SERVED,
    SURVEYED,
    AppointVisit,
    ArrangeVisits,
    Call,
    NoteVisitAttempt,
    Occasion,
    RecordVisit,
)
from crm_core.visits.events import OccasionRecorded, VisitMade
from crm_core.visits.lots import falls_on
from crm_core.visits.policy import (
    CLOSED,
    DEFAULT_VISITS,
    HAND_OVER,
    MOVED_IN,
    ORDERED,
    OVERDUE,
    RECEIVED,
    SERVICE_END,
    SERVICE_MIDDLE,
    SURVEY,
    Row,
    VisitPolicy,
)
from crm_core.visits.state import OPEN, Visit, Visits

MATTER, FILE, TENURE, ERASED, REFUSED, NOBODY, DRAWN = (
    "matter",
    "file",
    "tenure",
    "erased",
    "refused",
    "nobody",
    "draw",
)
"""Why nothing calls for a visit any more."""


@frozen
class _Called:
    """Something that calls for visits: a trigger, when it was, and what it is about.

    Args:
        subject: What tells it from all others of its trigger.
        always: Whether the visit is made whatever the lot says, given the row.
    """

    trigger: str
    subject: str
    since: datetime
    request: str | None = None
    occasion: str | None = None
    kind: str = ""
    channel: str = ""
    hands: tuple[str, ...] = ()
    always: Callable[[Row], bool] = lambda _row: False


# --- what is called for --------------------------------------------------------------------------


def with_occasions(command: ArrangeVisits, state: Visits, sight: WorkSight) -> ArrangeVisits:
    """What calls for visits of a household today, and why open ones are called for no more."""
    home, at = command.household, sight.at
    open_visits = list(state.open())
    why = _closed_to_us(home, sight)
    if why:
        gone = {visit.visit: why for visit in open_visits}
        return evolve(command, occasions=(), gone=gone, known_at=at)
    found: dict[str, Occasion] = {}
    gone = {}
    numbers = [*command.requests, *(v.scheduled.request for v in open_visits)]
    arranging = _Arranging(home, state, sight)
    for called in (
        *_of_requests([number for number in dict.fromkeys(numbers) if number], home, sight),
        *_of_file(home, sight),
        *_of_occasions(home, sight),
        *_of_answers([*command.surveys, *_surveys_of(open_visits)], home, sight),
    ):
        for visit, occasion in arranging.called_for(called):
            if isinstance(occasion, str):
                gone[visit] = occasion
            elif occasion is not None:
                found[visit] = occasion
    draws = [*command.draws, *(v.scheduled.draw for v in open_visits)]
    for draw in dict.fromkeys(one for one in draws if one):
        visit, drawn = arranging.drawn(draw)
        if isinstance(drawn, str):
            gone[visit] = drawn
        else:
            found[visit] = drawn
    return evolve(command, occasions=tuple(found.values()), gone=gone, known_at=at)


def _closed_to_us(home: str, sight: WorkSight) -> str:
    """Why nobody of a file is visited at all; empty where somebody is."""
    streams = sight.streams
    if streams.file(home) is None or streams.survivor(home) != home:
        return FILE
    holding = streams.holding(home, local_date(sight.at, sight.zone))
    if not holding:
        return NOBODY
    return "" if _not_erased(holding, sight) else ERASED


def _not_erased(persons: Iterable[str], sight: WorkSight) -> list[str]:
    erasures: Erasures = sight.state(ERASING, COMPANY)
    return [one for one in persons if one not in erasures.erased]


class _Arranging:
    """What it takes to say of whatever calls for a visit whether it is to be made, and when.

    Args:
        home: The household.
        state: Its visits so far.
    """

    def __init__(self, home: str, state: Visits, sight: WorkSight) -> None:
        self._home, self._state, self._sight = home, state, sight
        self._today = local_date(sight.at, sight.zone)
        self._tenures = sight.tenures(home)
        self._members = _not_erased(sight.streams.holding(home, self._today), sight)
        self._refused: dict[str, bool] = {}

    def called_for(self, called: _Called) -> Iterator[tuple[str, Occasion | str | None]]:
        """Of each row that it falls under the visit, and what is to be made, or why nothing is."""
        policy = policy_on(self._sight, local_date(called.since, self._sight.zone))
        if policy is None:
            return
        for row in policy.rows.values():
            if _falls_under(row, called):
                visit = visit_number(row.name, called.subject)
                yield visit, self._wanted(visit, row, row.content, called, policy, None)

    def drawn(self, draw: str) -> tuple[str, Occasion | str]:
        """The visit that a draw brings, or why it brings none any more."""
        visit = visit_number("draw", draw)
        state = self._sight.state(DRAW, draw)
        drawn = state.drawn
        if drawn is None or state.off:
            return visit, DRAWN
        policy = self._sight.pinned(VisitPolicy, drawn.policy)
        called = _Called("", draw, start_of_day(drawn.on, self._sight.zone))
        row = evolve(policy.drawn, name=drawn.method)
        found = self._wanted(visit, row, drawn.content, called, policy, draw)
        return visit, MATTER if found is None else found

    def _wanted(
        self,
        visit: str,
        row: Row,
        content: str,
        called: _Called,
        policy: VisitPolicy,
        draw: str | None,
    ) -> Occasion | str | None:
        sight, since = self._sight, called.since
        day = local_date(since, sight.zone)
        if self._tenures.index(min(day, self._today)) != self._tenures.index(self._today):
            # What others had done, or asked for, is none of who has the household now (PAY-16).
            return TENURE
        if self._nobody_may_be_called(row.purpose):
            return REFUSED
        before = self._state.visit(visit)
        calls = policy.under(_notices(sight))
        due_at = row.due.last(since, calls, sight.zone)
        latest_at = max(due_at, row.latest.last(since, calls, sight.zone))
        lapses_at = latest_at + policy.lapse
        if (before is None or before.status != OPEN) and lapses_at <= sight.at:
            # Long over when it came to be known: nobody is called about it any more.
            return None
        must, seed = self._must(visit, row, called, before)
        return Occasion(
            visit=visit,
            row=row.name,
            content=content,
            purpose=row.purpose,
            means=row.means,
            request=called.request,
            occasion=called.occasion,
            draw=draw,
            since=since,
            from_at=row.first.first(since, calls, sight.zone),
            due_at=due_at,
            latest_at=latest_at,
            lapses_at=lapses_at,
            must=must,
            seed=seed,
            hands=called.hands,
            policy=policy.ref,
        )

    def _must(
        self, visit: str, row: Row, called: _Called, before: Visit | None
    ) -> tuple[bool, str]:
        """Whether the visit has to be made, and the seed of its lot, if one is asked.

        The lot is drawn once: what was called off and is called for again keeps it.
        """
        if before is not None and before.scheduled.seed:
            return before.must, before.scheduled.seed
        share = row.share
        if row.share_by_layer:
            layer = layer_for_visits(self._home, self._sight)
            share = row.share_by_layer.get(layer, share)
        if share >= 100 or called.always(row):
            return True, ""
        log = self._sight.log
        seed = log.identity(log.head()) or ""
        return falls_on(seed, f"{self._home} {visit}", share), seed

    def _nobody_may_be_called(self, purpose: str) -> bool:
        """Whether everybody there refused that their data be used for it (PRV-05)."""
        if purpose not in self._refused:
            self._refused[purpose] = not any(
                usable(self._sight, self._home, member, purpose, self._today).allowed
                for member in self._members
            )
        return self._refused[purpose]


def _falls_under(row: Row, called: _Called) -> bool:
    return (
        row.trigger == called.trigger
        and (not row.kinds or called.kind in row.kinds)
        and (not row.channels or called.channel in row.channels)
    )


def visit_number(row: str, subject: str) -> str:
    """Number of a visit: the same however often it is worked out."""
    number = f"{row}:{subject}"
    return number if len(number) <= ID_LENGTH_MAX else digest_of(number)[:32]


def policy_on(sight: WorkSight, day: date) -> VisitPolicy | None:
    """The policy of a day; None where a host has none."""
    try:
        return sight.policy(VisitPolicy, DEFAULT_VISITS, day)
    except UnknownPolicy:
        return None


def _notices(sight: WorkSight) -> tuple[HolidayNotice, ...]:
    return in_force(sight.every(HolidayNotice), local_date(sight.at, sight.zone))


# --- of requests ---------------------------------------------------------------------------------


def _of_requests(numbers: Iterable[str], home: str, sight: WorkSight) -> Iterator[_Called]:
    for number in numbers:
        state = sight.state(REQUEST, number)
        if not isinstance(state, Request) or not sight.same_household(state.household, home):
            continue
        # A duplicate goes on in the other request, which has its own visits (REQ-08).
        if not isinstance(state, Merged) and state.duplicate_of is None:
            yield from _of_request(state)


def _of_request(state: Request) -> Iterator[_Called]:
    about = _Called(
        trigger="",
        subject=state.request,
        since=state.received_at,
        request=state.request,
        kind=state.kind,
        channel=state.received.channel,
        hands=hands_of(state),
        always=lambda row: _always(row, state),
    )
    if not isinstance(state, Closed) or state.kind != "complaint":
        yield evolve(about, trigger=RECEIVED)
    if isinstance(state, Open | Paused):
        yield from _while_it_lasts(about, state)
    if isinstance(state, Closed) and state.closed_at is not None:
        yield evolve(about, trigger=CLOSED, subject=_again(state), since=state.closed_at)


def _again(state: Request) -> str:
    """What tells the course of a request from the one before it was opened again."""
    return f"{state.request}:{state.reopened}" if state.reopened else state.request


def _while_it_lasts(about: _Called, state: Request) -> Iterator[_Called]:
    """Once the work is done nobody is told any more that it is to be done, or late."""
    ordered: list[datetime] = []
    for entry in state.entries:
        if isinstance(entry, RequestReopened):
            ordered = []
        elif isinstance(entry, OrderDispatched):
            ordered.append(entry.dispatched_at)
    if ordered and state.ordered:
        yield evolve(about, trigger=ORDERED, subject=_again(state), since=min(ordered))
    running = {clock.name for clock in state.running if clock.kind == CLOSING}
    for step in state.taken:
        if step.what == BREACHED and step.clock in running:
            subject = f"{state.request}:{step.clock}"
            yield evolve(about, trigger=OVERDUE, subject=subject, since=step.at)


def _always(row: Row, state: Request) -> bool:
    """Whether a request is visited whatever the lot says: it is urgent, or speaks of leaks, say."""
    said = (state.received.summary, state.received.spot)
    text = " ".join(one for one in said if isinstance(one, str)).casefold()
    return state.severity in row.always_severities or any(
        word.casefold() in text for word in row.always_words
    )


def hands_of(state: Any) -> tuple[str, ...]:
    """Ids of whoever did the work of a request, at any time: they do not visit (VIS-04)."""
    if not isinstance(state, Request):
        return ()
    found = set(at_work(state))
    for entry in state.entries:
        if isinstance(entry, ArrivedOnSite):
            found.add(entry.arrived_by)
        elif isinstance(entry, WorkReportedDone):
            found.add(entry.done_by)
    return tuple(sorted(found - {IMPORT, ""}))


# --- of files, occasions -------------------------------------------------------------------------


def _of_file(home: str, sight: WorkSight) -> Iterator[_Called]:
    """The household moved in, or another one took it over."""
    began = _began(home, sight)
    if began is not None:
        since = start_of_day(began, sight.zone)
        for trigger in (HAND_OVER, MOVED_IN):
            yield _Called(trigger, f"in-{began.isoformat()}", since)


def _began(home: str, sight: WorkSight) -> date | None:
    """The day on which the tenure of today began; None where nobody knows."""
    tenure = sight.tenures(home).on(local_date(sight.at, sight.zone))
    if tenure.key == FIRST:
        file = sight.streams.file(home)
        return None if file is None else file.moved_in
    return date.fromisoformat(tenure.key.removeprefix("tenant-"))


_TRIGGER = {INSTALLED: HAND_OVER, CONTRACTED: MOVED_IN, SURVEYED: SURVEY}


def _of_occasions(home: str, sight: WorkSight) -> Iterator[_Called]:
    for one in sight.streams.merges().group(home):
        state: Visits = sight.state(VISITS, one)
        for occasion in state.standing():
            subject = f"of-{occasion.occasion}" if one == home else f"of-{one}-{occasion.occasion}"
            for trigger, on in _days_of(occasion):
                since = start_of_day(on, sight.zone)
                yield _Called(trigger, subject, since, occasion=occasion.occasion)


def _days_of(occasion: OccasionRecorded) -> Iterator[tuple[str, date]]:
    if occasion.kind == SERVED:
        until = occasion.until or occasion.on
        middle = occasion.on + timedelta(days=(until - occasion.on).days // 2)
        yield SERVICE_MIDDLE, middle
        yield SERVICE_END, until
    else:
        yield _TRIGGER[occasion.kind], occasion.on


# --- of surveys by name --------------------------------------------------------------------------


def _surveys_of(visits: Iterable[Visit]) -> list[str]:
    """What open visits are about that may be a survey; another occasion of that number is none."""
    return [one.scheduled.occasion for one in visits if one.scheduled.occasion]


def _of_answers(surveys: Iterable[str], home: str, sight: WorkSight) -> Iterator[_Called]:
    """Answers by name of who is dissatisfied; of anonymous ones nobody knows whose they are."""
    for survey in dict.fromkeys(surveys):
        state: Survey = sight.state(SURVEY_STREAM, survey)
        for one in sight.streams.merges().group(home):
            answer = state.answer(one)
            if state.opened is None or answer is None:
                continue
            policy = sight.pinned(SurveyPolicy, state.opened.policy)
            asked = sight.pinned(Questionnaire, state.opened.questionnaire)
            if is_dissatisfied(answer.marks, asked, policy):
                subject = f"by-{survey}" if one == home else f"by-{one}-{survey}"
                since = start_of_day(answer.on, sight.zone)
                yield _Called(SURVEY, subject, since, occasion=survey)


# --- by the layer --------------------------------------------------------------------------------


def layer_for_visits(household: str, sight: WorkSight) -> str:
    """The layer to go by when households are visited, and nothing else of a grading (GRD-14)."""
    state: Gradings = sight.state(GRADING, household)
    today = local_date(sight.at, sight.zone)
    years = [grading.year for grading in state.by_run.values()]
    held = []
    if years:
        records = records_since(sight.log, min(years), today)
        for year in sorted(records.by_year):
            run = records.by_year[year]
            if run in state.by_run:
                held.append((correction(state, state.by_run[run]) or run, year))
    standings = [
        standing(state, run, _graded_by(sight), today, expired=records.has_later(year, today))
        for run, year in held[-2:]
    ]
    key = sight.tenures(household).on(today).key
    theirs = [one.grading.tenure == key for one in standings]
    now = standings[-1] if standings else None
    before = standings[-2] if len(standings) > 1 and theirs[0] else None
    found = influence(
        household, Use.VISIT_FREQUENCY, now, before, same_tenure=not theirs or theirs[-1]
    )
    return found.layer or ""


def _graded_by(sight: WorkSight) -> Callable[[PolicyRef], GradingPolicy]:
    return lambda ref: sight.pinned(GradingPolicy, ref)


# --- what a call keeps to ------------------------------------------------------------------------


_CALLED_AT: Mapping[type, str] = {
    AppointVisit: "said_at",
    NoteVisitAttempt: "attempted_at",
    RecordVisit: "visited_at",
}


def with_call(command: Any, state: Visits, sight: WorkSight) -> Any:
    """Who belongs to the household then, may be called and is free to call (VIS-04)."""
    visit = state.visit(command.visit)
    if visit is None:
        return command
    kind: type = type(command)
    day = local_date(getattr(command, _CALLED_AT[kind]), sight.zone)
    return evolve(command, call=call_of(command.household, visit, day, sight, command))


def call_of(household: str, visit: Visit, day: date, sight: WorkSight, command: Any = None) -> Call:
    """What is to be known of a call on a day."""
    scheduled = visit.scheduled
    policy = sight.pinned(VisitPolicy, scheduled.policy)
    members = _not_erased(sight.streams.holding(household, day), sight)
    request = None if scheduled.request is None else sight.state(REQUEST, scheduled.request)
    register: Register = sight.state(REGISTER, WHOLE)
    known = request if isinstance(request, Request) else None
    member = getattr(command, "member", "")
    hands = frozenset(hands_of(request))
    left = [one for one in hands | set(visit.hands) if register.left(one, day)]
    return Call(
        policy=policy,
        hours=policy.under(_notices(sight)),
        members=frozenset(members),
        barred=frozenset(
            one
            for one in members
            if not usable(sight, household, one, scheduled.purpose, day).allowed
        ),
        staff=register.is_staff(member),
        hands=hands,
        left=frozenset(left),
        elsewhere=tuple(_called_elsewhere(household, sight)),
        trade="service" if known is None else known.trade,
        severity="general" if known is None else known.severity,
        place="" if known is None else known.received.place,
    )


def _called_elsewhere(household: str, sight: WorkSight) -> Iterator[datetime]:
    """When somebody was called by visits of files that are of the same household (OWN-09)."""
    for one in sight.streams.merges().group(household):
        if one != household:
            other: Visits = sight.state(VISITS, one)
            yield from (at for at, _ in other.calls())


# --- what follows --------------------------------------------------------------------------------


def dissatisfied(recorded: Recorded[VisitMade]) -> tuple[Any, ...]:
    """Who is not satisfied at a visit has made a request (VIS-04)."""
    made = recorded.event
    if made.successor is None:
        return ()
    return (
        ReceiveRequest(
            request=made.successor,
            household=made.household,
            channel=made.means,
            kind="complaint",
            trade=made.trade,
            severity=made.severity,
            summary=typed(made.words),
            received_at=made.visited_at,
            first_asked=made.visited_by,
            place=made.place,
            follows=made.request,
            asked_by=made.member,
        ),
    )
