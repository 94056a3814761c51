"""The past of every stream of the library, and the states that can come of it.

Slices whose commands only make sense in an order begin with a story of theirs; of the others the
commands are tried out until one is accepted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any, get_type_hints

import hypothesis.strategies as st
from hypothesis.strategies import SearchStrategy

from crm_core.imports.register import RecordUndo
from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.commands import fields_looked_up, fields_named
from crm_core.kernel.recorded import STAFF_ROLES, Actor
from crm_core.kernel.trades import TRADES
from crm_core.messages.staff import ReleaseToStaff, TellStaff
from crm_core.owners.card.commands import (
    ProposeChange,
    RecordItem,
    ReportChange,
    VerifyItem,
    WithdrawItem,
)
from crm_core.owners.sampling import DrawSample
from crm_core.privacy.commands import EraseHousehold, EraseMember, EraseStaff
from crm_core.privacy.consent_texts import PublishConsentText
from crm_core.privacy.purposes import DEFAULT_PURPOSES, PurposesPolicy
from crm_core.privacy.rights import SELF, AskRight
from crm_core.privacy.rights_policy import KINDS as RIGHTS
from crm_core.privacy.rights_policy import OBJECT
from crm_core.requests.early_warning import MEASURES, RaiseWarning
from crm_core.requests.holidays import LookForNotices
from crm_core.requests.improvement import (
    DecideImprovement,
    EndImprovement,
    ProposeImprovement,
    SuperviseExecution,
)
from crm_core.slices import SLICES, shipped
from crm_core.staff.register import LEADING, AssignTrades, RegisterStaff
from crm_core.testing.scenario import decider_of
from crm_core.testing.strategies import classes
from crm_core.testing.strategies.care import (
    care_calendar_commands,
    care_commands,
    care_openings,
    difficulty_commands,
    difficulty_openings,
)
from crm_core.testing.strategies.collection import collection_commands, collection_stories
from crm_core.testing.strategies.forums import (
    forum_commands,
    forum_openings,
    meeting_commands,
    meeting_openings,
    outlay_commands,
    publication_commands,
    publication_openings,
)
from crm_core.testing.strategies.gradings import (
    adoption_commands,
    grading_commands,
    grading_openings,
)
from crm_core.testing.strategies.histories import History, guided
from crm_core.testing.strategies.messages import knowns, message_commands, message_openings
from crm_core.testing.strategies.opinions import opinion_commands, opinion_openings
from crm_core.testing.strategies.owners import owner_commands, owner_openings
from crm_core.testing.strategies.payments import account_commands, account_openings
from crm_core.testing.strategies.plans import (
    assessment_commands,
    assessment_stories,
    plan_commands,
    plan_stories,
)
from crm_core.testing.strategies.requests import request_histories
from crm_core.testing.strategies.surveys import survey_commands, survey_openings
from crm_core.testing.strategies.values import personal
from crm_core.testing.strategies.visits import draw_commands, visit_commands, visit_openings
from crm_core.visits.commands import ArrangeVisits, NoteVisitAttempt, RecordVisit

HOUSEHOLD = "V00001"

_COMMANDS: Mapping[str, Callable[[], SearchStrategy[Any]]] = {
    "account": account_commands,
    "assessment": lambda: assessment_commands(household=HOUSEHOLD),
    "care": lambda: care_commands(HOUSEHOLD),
    "care-calendar": care_calendar_commands,
    "collection": collection_commands,
    "difficulty": lambda: difficulty_commands(household=HOUSEHOLD),
    "forum": forum_commands,
    "grading": lambda: grading_commands(HOUSEHOLD),
    "household": lambda: owner_commands(HOUSEHOLD),
    "meeting": meeting_commands,
    "messages": lambda: message_commands(HOUSEHOLD),
    "opinions": lambda: opinion_commands(HOUSEHOLD),
    "plan": lambda: plan_commands(household=HOUSEHOLD),
    "policy": adoption_commands,
    "publication": publication_commands,
    "spending": outlay_commands,
    "survey": survey_commands,
    "visit-draw": draw_commands,
    "visits": lambda: visit_commands(HOUSEHOLD),
}
"""Commands of a stream that say more than their hints."""

_OPENINGS: Mapping[str, Callable[[], SearchStrategy[Any]]] = {
    "account": account_openings,
    "assessment": lambda: assessment_stories(household=HOUSEHOLD),
    "care": lambda: care_openings(HOUSEHOLD),
    "collection": collection_stories,
    "difficulty": lambda: difficulty_openings(household=HOUSEHOLD),
    "forum": forum_openings,
    "grading": lambda: grading_openings(HOUSEHOLD),
    "household": lambda: owner_openings(HOUSEHOLD),
    "meeting": meeting_openings,
    "messages": lambda: message_openings(HOUSEHOLD),
    "opinions": lambda: opinion_openings(HOUSEHOLD),
    "plan": lambda: plan_stories(household=HOUSEHOLD),
    "publication": publication_openings,
    "survey": survey_openings,
    "visits": lambda: visit_openings(HOUSEHOLD),
}
"""What most pasts of a stream begin with."""

_OF_FEW = ("case", "change", "hold", "household", "leak", "member", "number", "staff")
"""Fields by which one command goes on with what another one began."""

_DAY = date(2012, 3, 1)
_SUPERVISOR = st.just(Actor("M1", "supervisor"))
_PLANNED: Mapping[str, SearchStrategy[Any]] = {
    "known_on": st.just(_DAY),
    "strangers": st.just(()),
    "plan": st.just("P1"),
}

_OF_ONE: Mapping[str, SearchStrategy[Any]] = {
    "hours": st.none(),
    "item": st.sampled_from(("employer", "name")),
    "language": st.none(),
    "member": st.just(HOUSEHOLD),
    "stranger": st.just(False),
    "value": personal(HOUSEHOLD),
}

_APT: Mapping[type, Mapping[str, SearchStrategy[Any]]] = {
    AskRight: {
        "about": st.just(""),
        "by": st.just(Actor(HOUSEHOLD, "owner")),
        "kind": st.sampled_from([kind for kind in RIGHTS if kind != OBJECT]),
        "member": st.just(HOUSEHOLD),
        "outsider": st.just(""),
        "refused_there": st.none(),
        "relation": st.just(SELF),
        "word": st.none(),
    },
    AssignTrades: {"trades": st.just(TRADES[:2])},
    DecideImprovement: {**_PLANNED, "on": st.just(_DAY)},
    **dict.fromkeys((ProposeChange, RecordItem, ReportChange, VerifyItem, WithdrawItem), _OF_ONE),
    DrawSample: {"size": st.integers(1, 3)},
    EndImprovement: {
        **_PLANNED,
        "by": _SUPERVISOR,
        "known_on": st.just(_DAY + timedelta(days=90)),
        "on": st.just(_DAY + timedelta(days=90)),
    },
    EraseHousehold: {"shared": st.just(())},
    EraseMember: {"shared": st.just(())},
    EraseStaff: {"shared": st.just(())},
    LookForNotices: {"missing": st.lists(st.integers(1990, 2100), max_size=3).map(tuple)},
    ProposeImprovement: {
        **_PLANNED,
        "baseline_end": st.just(_DAY - timedelta(days=1)),
        "baseline_start": st.just(_DAY - timedelta(days=30)),
        "change_per_mille": st.integers(-500, -1),
        "dimension": st.just("trade"),
        "metric": st.sampled_from(("late_share", "volume")),
        "responsible": st.just("S1"),
        "runs_from": st.just(_DAY + timedelta(days=1)),
        "runs_to": st.just(_DAY + timedelta(days=60)),
        "supervisor": st.just("M1"),
        "value": st.sampled_from(TRADES),
    },
    PublishConsentText: {
        "policy": st.just(shipped().find(PurposesPolicy, DEFAULT_PURPOSES, _DAY)),
        "purpose": st.sampled_from(("birthday", "marketing")),
        "version": st.integers(1, 2),
    },
    RaiseWarning: {"measure": st.sampled_from(MEASURES)},
    RecordUndo: {"number": st.sampled_from(("1", "2"))},
    RegisterStaff: {"role": st.sampled_from((LEADING, *STAFF_ROLES, *["operator"] * 6))},
    ReleaseToStaff: {"known": knowns()},
    SuperviseExecution: {**_PLANNED, "by": _SUPERVISOR, "on": st.just(_DAY + timedelta(days=30))},
    TellStaff: {"known": knowns()},
}
"""What single commands need to be accepted, where neither hint nor refusal says it."""

_TOLD_A_PICTURE = (ArrangeVisits, NoteVisitAttempt, RecordVisit)
"""Commands that are told a picture of other slices which no field by itself can be drawn for."""


def aggregates() -> tuple[Aggregate, ...]:
    """Every aggregate that takes a command."""
    return tuple(one for part in SLICES for one in part.aggregates if one.commands)


def pasts(aggregate: Aggregate) -> SearchStrategy[History]:
    """Histories of an aggregate of the library, made of its own commands."""
    name = aggregate.decider.name
    if name == "request":
        return request_histories()
    if name in _COMMANDS:
        opening = _OPENINGS[name]() if name in _OPENINGS else None
        return guided(aggregate, _COMMANDS[name](), opening=opening)
    taken = [one for one in aggregate.commands if one not in _TOLD_A_PICTURE]
    return guided(aggregate, st.one_of([looked_up(one) for one in taken]))


def states(aggregate: Aggregate) -> SearchStrategy[Any]:
    """States of an aggregate that can really come about."""
    fold = decider_of(aggregate).fold
    return pasts(aggregate).map(lambda past: fold(past.events))


def looked_up(command: type) -> SearchStrategy[Any]:
    """Commands as a decider takes them: what the library looks up is filled in."""
    hints = get_type_hints(command)
    known = {
        name: _ZONES if name == "zone" else _filled(hints[name])
        for name in fields_looked_up(command)
    }
    # Of few, so that what one command begins another goes on with.
    known |= {name: _of_few(hints[name]) for name in fields_named(command)}
    known |= {name: _FEW for name in _OF_FEW if hints.get(name) is str}
    known |= {name: made for name, made in _APT.get(command, {}).items() if name in hints}
    return classes.instances(command, stored=False, **known)


_ZONES = st.sampled_from(("Asia/Shanghai", "UTC", "America/New_York"))
_FEW = st.sampled_from((HOUSEHOLD, "X1"))


def _of_few(hint: Any) -> SearchStrategy[Any]:
    return classes.from_hint(hint).flatmap(
        lambda one: (
            st.tuples(_FEW)
            if isinstance(one, tuple)
            else _FEW
            if isinstance(one, str)
            else st.just(one)
        )
    )


def _filled(hint: Any) -> SearchStrategy[Any]:
    try:
        return classes.from_hint(hint, stored=False)
    except TypeError:
        return st.none()
