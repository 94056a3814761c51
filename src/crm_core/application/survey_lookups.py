"""What commands of care must be told to be decided where it stands elsewhere (LOG-08)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from attrs import evolve

from crm_core.application.adopted import book_with_adopted
from crm_core.application.sight import WorkSight
from crm_core.errors import UnknownPolicy
from crm_core.kernel.commands import given_by
from crm_core.kernel.dates import local_date
from crm_core.kernel.decider import Refusal
from crm_core.kernel.recorded import SYSTEM
from crm_core.owners import HOUSEHOLD
from crm_core.owners.facts import REGISTERED, VOIDED, HouseholdRegistered
from crm_core.requests import REQUEST
from crm_core.requests.commands import ReceiveRequest
from crm_core.requests.lookups import with_policy
from crm_core.staff import REGISTER
from crm_core.staff.lookups import strangers
from crm_core.staff.register import WHOLE, Register
from crm_core.surveys import SURVEY
from crm_core.surveys.commands import AnswerByName, OpenSurvey, ReachHousehold, TakePart
from crm_core.surveys.forum import RecordPost, TurnPost, WatchForum
from crm_core.surveys.meetings import RecordAttendance
from crm_core.surveys.questionnaire import Questionnaire


def households(sight: WorkSight, estate: str, on: date) -> tuple[str, ...]:
    """The households of an estate whose file stands on a day, sorted; of all where it is empty."""
    merges = sight.streams.merges()
    found = []
    for household, facts in sight.log.facts(names={REGISTERED, VOIDED}):
        # A file that was opened by mistake is none, unless it was opened anew (IMP-01).
        _, known, file = facts[-1]
        if (
            isinstance(file, HouseholdRegistered)
            and household not in merges.into
            and local_date(known, sight.zone) <= on
            and estate in ("", file.estate)
        ):
            found.append(household)
    return tuple(sorted(found))


def spoken(command: Any, sight: WorkSight, on: date | None = None) -> Any:
    """Whose word it is: of a member of the household on that day, and none of the staff's."""
    files = [sight.streams.file(one) for one in sight.streams.merges().group(command.household)]
    held = [
        role
        for file in files
        if file is not None
        for role in file.roles()
        if role.member == command.member
    ]
    day = command.on if on is None else on
    then = [r for r in held if r.since <= day and (r.until is None or day <= r.until)]
    register: Register = sight.state(REGISTER, WHOLE)
    return evolve(
        command,
        stranger=not held,
        left=bool(held) and not then,
        on_staff=register.is_staff(command.member),
    )


# --- of surveys ----------------------------------------------------------------------------------


def _with_asked(command: OpenSurvey, _state: Any, sight: WorkSight) -> OpenSurvey:
    """What is asked, an adopted questionnaire perhaps, and of how many households (SUR-01)."""
    name, day = command.questionnaire, command.known_on
    book = book_with_adopted(sight.log, sight.registry, sight.policies, name.partition("/")[0])
    try:
        asks: Questionnaire | None = book.find(Questionnaire, name, day)
    except UnknownPolicy:
        asks = None
    return evolve(command, asks=asks, households=len(households(sight, command.estate, day)))


def _with_files(command: Any, _state: Any, sight: WorkSight) -> Any:
    """All files of the same household, which answers once (OWN-09, SUR-02)."""
    same = tuple(sight.streams.merges().group(command.household))
    opened = _first(SURVEY.stream(command.survey), sight)
    known = [_first(HOUSEHOLD.stream(one), sight) for one in same]
    newer = bool(opened) and all(one > opened for one in known if one)
    return evolve(command, same=same, newer=newer)


def _first(stream: str, sight: WorkSight) -> int:
    """Where a stream begins in the log; 0 where it has not begun."""
    return next((one.position for one in sight.log.read(stream)), 0)


def _with_answerer(command: AnswerByName, state: Any, sight: WorkSight) -> AnswerByName:
    found: AnswerByName = spoken(_with_files(command, state, sight), sight)
    return found


def _with_attending(command: RecordAttendance, _state: Any, sight: WorkSight) -> RecordAttendance:
    found: RecordAttendance = spoken(command, sight)
    return found


def _with_watchers(command: WatchForum, _state: Any, sight: WorkSight) -> WatchForum:
    named = tuple(one for one in (command.watcher, command.stand_in) if one)
    return evolve(command, strangers=strangers(named, command.since, sight))


def _with_author(command: RecordPost, _state: Any, sight: WorkSight) -> RecordPost:
    if not command.member:
        return evolve(command, stranger=False, left=False, on_staff=False)
    # A post is of the day on which it was written.
    found: RecordPost = spoken(command, sight, command.posted_on)
    return found


def _with_request(command: TurnPost, state: Any, sight: WorkSight) -> TurnPost:
    """Whether there can be such a request: what becomes of a post is asked first (SUR-04)."""
    post = state.posts.get(command.post)
    if post is None:
        return command
    asked = ReceiveRequest(
        request=command.request,
        household=command.household,
        channel="forum",
        kind=command.kind,
        trade=command.trade,
        severity=command.severity,
        summary="…",
        received_at=post.seen_at,
        first_asked=post.recorded_by,
        place=command.place,
    )
    there = sight.state(REQUEST, command.request)
    asked = with_policy(given_by(asked, command.by or SYSTEM), there, sight)
    decided = REQUEST.decider.decide(asked, there)
    return evolve(command, refused_there=decided if isinstance(decided, Refusal) else None)


SURVEY_LOOK_UPS: Mapping[type, Callable[[Any, Any, WorkSight], Any]] = {
    AnswerByName: _with_answerer,
    OpenSurvey: _with_asked,
    ReachHousehold: _with_files,
    RecordAttendance: _with_attending,
    RecordPost: _with_author,
    TakePart: _with_files,
    TurnPost: _with_request,
    WatchForum: _with_watchers,
}
"""Commands of care that are told of another slice, and how."""
