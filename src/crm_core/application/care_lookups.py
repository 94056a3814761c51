"""What commands about plans and care must be told of other slices (PLN-01 to PLN-04)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from attrs import evolve

from crm_core.application.sight import WorkSight
from crm_core.gradings.decide import YEAR
from crm_core.gradings.record import run_of_record
from crm_core.gradings.state import Year
from crm_core.kernel.commands import fields_looked_up
from crm_core.kernel.dates import add_months, local_date
from crm_core.messages import MESSAGES
from crm_core.messages.policy import DEFAULT_MESSAGES, MessagePolicy
from crm_core.messages.state import Messages, allowed
from crm_core.owners.tenures import OWNING
from crm_core.plans.assessments import ASSESSMENT, Assessment
from crm_core.plans.care import (
    CallBackCare,
    Care,
    ConsultNeeds,
    HandOverGift,
    OfferCare,
    OpenCare,
    OweConsultation,
    Willing,
)
from crm_core.plans.commands import (
    ApprovePlan,
    AssignTask,
    DraftPlan,
    FollowHousehold,
    HearFeedback,
    OpenPlan,
    ReassignTask,
    ReviewPlan,
    SuggestForPlan,
)
from crm_core.plans.difficulties import (
    Difficulty,
    LearnDifficulty,
    ReassignDifficulty,
    TellDifficultyDue,
)
from crm_core.plans.graded_list import LIST, CompileList, GradedList
from crm_core.plans.policy import DEFAULT_CARE, PURPOSES, CarePolicy
from crm_core.plans.state import MaintenancePlan
from crm_core.privacy import ERASING, Erasures
from crm_core.privacy.decide import WHOLE as COMPANY
from crm_core.privacy.lookups import usable
from crm_core.staff.lookups import strangers

# --- whether anybody is there ------------------------------------------------------------------


def gone(sight: WorkSight, household: str, since: date) -> str:
    """Why a household is not there any more as it was on a day; an empty text if it is.

    A file that was merged goes on in the surviving one (OWN-09); who sold it does not.
    """
    if not household:
        return ""
    streams, today = sight.streams, local_date(sight.at, sight.zone)
    if not streams.has_file(household):
        return "void"
    survivor = streams.survivor(household)
    erasures: Erasures = sight.state(ERASING, COMPANY)
    there = streams.holding(survivor, today)
    if erasures.times_of(survivor) and all(member in erasures.erased for member in there):
        return "erased"
    held = sight.tenures(survivor)
    return "" if held.index(since) == held.index(max(since, today)) else "sold"


def _tenure(sight: WorkSight, household: str, day: date) -> tuple[str, date | None]:
    """The key of the tenure of a day, and its first day, as far as anybody knows it."""
    held = sight.tenures(household)
    number = held.index(day)
    first = held.days(number)[0][0]
    if first > date.min:
        return held.on(day).key, first
    file = sight.streams.file(household)
    roles = () if file is None else file.roles()
    begun = [role.since for role in roles if role.role in OWNING and role.since <= day]
    return held.on(day).key, min(begun, default=None)


# --- who may be told ---------------------------------------------------------------------------


def _members(sight: WorkSight, household: str, purpose: str, day: date) -> Iterator[str]:
    """Members who hold a role and may be told something for a purpose (PRV-05, OUT-01)."""
    policy = sight.policy(MessagePolicy, DEFAULT_MESSAGES, day)
    erasures: Erasures = sight.state(ERASING, COMPANY)
    group = sight.streams.merges().group(household)
    files: list[Messages] = [sight.state(MESSAGES, one) for one in group]
    for member in sight.streams.holding(household, day):
        if member in erasures.erased:
            continue
        if not usable(sight, household, member, purpose, day).allowed:
            continue
        if allowed(files, member, purpose, policy.channel) is not False:
            yield member


def _with_willing(command: Any, state: Care, sight: WorkSight) -> Any:
    household, today = command.household, local_date(sight.at, sight.zone)
    day = min(command.on, today) if isinstance(command, ConsultNeeds) else today
    found = sight.streams.survivor(household)
    purpose = _purpose(command, state, sight)
    tenure, since = _tenure(sight, found, day)
    return evolve(
        command,
        willing=Willing(
            day=today,
            gone=_gone(sight, household, found, today),
            holding=tuple(sight.streams.holding(found, today)),
            members=tuple(_members(sight, found, purpose, today)) if purpose else (),
            tenure=tenure,
            tenure_since=since,
        ),
    )


def _gone(sight: WorkSight, household: str, survivor: str, today: date) -> str:
    """Why nobody is there; a file that was merged is cared for as the surviving one."""
    found = gone(sight, household, today)
    return found or ("void" if survivor != household else "")


def _purpose(command: Any, state: Care, sight: WorkSight) -> str:
    """For what the household would be told something; nothing where it has to be asked."""
    if isinstance(command, OfferCare):
        return PURPOSES.get(command.kind, "")
    if isinstance(command, OpenCare):
        policy = sight.policy(CarePolicy, DEFAULT_CARE, sight.present_day)
        occasion = policy.occasion(command.occasion)
        return "" if occasion is None else occasion.purpose
    if isinstance(command, CallBackCare | HandOverGift):
        opened = state.opened.get(command.care)
        return "" if opened is None else PURPOSES[opened.kind]
    return ""


# --- plans -------------------------------------------------------------------------------------


def _with_plan(command: Any, state: MaintenancePlan, sight: WorkSight) -> Any:
    """Whether its household is there, and who of those it names is not on the staff."""
    kind: type = type(command)
    fields, found = fields_looked_up(kind), dict[str, Any]()
    if "gone" in fields:
        since = None if state.opened is None else state.opened.on
        found["gone"] = "" if since is None else gone(sight, state.household, since)
    if "of_another" in fields:
        other = bool(state.household) and state.household != command.household
        found["of_another"] = other and not sight.same_household(state.household, command.household)
    if "known_on" in fields:
        found["known_on"] = local_date(sight.at, sight.zone)
    if isinstance(command, DraftPlan):
        named = dict.fromkeys(one.responsible for one in command.measures if one.responsible)
        found["strangers"] = strangers(named, sight.present_day, sight)
    elif "strangers" in fields:
        named = dict.fromkeys([command.person] if command.person else [])
        found["strangers"] = strangers(named, sight.present_day, sight)
    return evolve(command, **found)


def _with_basis(command: OpenPlan, _state: Any, sight: WorkSight) -> OpenPlan:
    """Whether the assessment, or the list, carries a plan (PLN-01)."""
    if command.layer:
        year = command.list_year
        there = year is not None and _compiled(year, sight)
        return evolve(command, no_basis="" if there else "list_missing")
    return evolve(command, no_basis=_unfit_assessment(command, sight))


def _compiled(year: int, sight: WorkSight) -> bool:
    state: GradedList = sight.state(LIST, str(year))
    return state.compiled is not None


def _unfit_assessment(command: OpenPlan, sight: WorkSight) -> str:
    if not command.assessment:
        return "assessment_missing"
    state: Assessment = sight.state(ASSESSMENT, command.assessment)
    decided = state.decided
    if decided is None or not sight.same_household(state.household, command.household):
        return "assessment_missing"
    policy = sight.policy(CarePolicy, DEFAULT_CARE, sight.present_day)
    # Whatever day is said: a plan is built on what is known of the relation today.
    day = max(command.on, sight.present_day)
    if command.on < decided.on or day >= add_months(decided.on, policy.assessment_months):
        return "assessment_old"
    # What is said of who sold it is nothing to build on with who bought it.
    return "assessment_of_others" if gone(sight, command.household, decided.on) else ""


def _with_run(command: CompileList, _state: Any, sight: WorkSight) -> CompileList:
    year: Year = sight.state(YEAR, str(command.year))
    run = run_of_record(year) or ""
    return evolve(command, run=run, households=year.completed.get(run) or 0)


def _with_helper(command: Any, state: Difficulty, sight: WorkSight) -> Any:
    if isinstance(command, TellDifficultyDue):
        since = None if state.learned is None else state.learned.on
        return evolve(command, gone="" if since is None else gone(sight, state.household, since))
    named = [command.person] if command.person else []
    return evolve(command, strangers=strangers(named, sight.present_day, sight))


CARE_LOOK_UPS: Mapping[type, Callable[[Any, Any, WorkSight], Any]] = {
    **dict.fromkeys(
        (
            ApprovePlan,
            AssignTask,
            DraftPlan,
            FollowHousehold,
            HearFeedback,
            ReassignTask,
            ReviewPlan,
            SuggestForPlan,
        ),
        _with_plan,
    ),
    **dict.fromkeys(
        (CallBackCare, ConsultNeeds, HandOverGift, OfferCare, OpenCare, OweConsultation),
        _with_willing,
    ),
    **dict.fromkeys((LearnDifficulty, ReassignDifficulty, TellDifficultyDue), _with_helper),
    CompileList: _with_run,
    OpenPlan: _with_basis,
}
"""Commands of plans and care that are told of other slices, and how."""
