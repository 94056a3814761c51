"""What commands about surveys must be told to be decided where it stands in the slice (LOG-08)."""

from __future__ import annotations

from typing import Any

import attrs

from crm_core.kernel.commands import fields_looked_up
from crm_core.kernel.dates import local_date
from crm_core.kernel.slice import LookUp, Sight
from crm_core.surveys.commands import (
    AnswerByName,
    CountAnswers,
    OpenSurvey,
    ReachHousehold,
    TakePart,
)
from crm_core.surveys.decide import SURVEY
from crm_core.surveys.forum import CheckForum, EndWatch, MissForumDay, RecordPost, WatchForum
from crm_core.surveys.policy import DEFAULT_SURVEY, SurveyPolicy
from crm_core.surveys.questionnaire import Questionnaire
from crm_core.surveys.state import Survey


def _opening(command: OpenSurvey, _state: Any, sight: Sight) -> OpenSurvey:
    today = local_date(sight.at, sight.zone)
    policy = sight.policy(SurveyPolicy, DEFAULT_SURVEY, today)
    return attrs.evolve(command, known_on=today, policy=policy)


def _asked(command: Any, state: Survey, sight: Sight) -> Any:
    """Whether the household is one of those that are asked, and by what it is asked."""
    opened = state.opened
    if opened is None:
        return attrs.evolve(command, elsewhere=False)
    found: dict[str, Any] = {
        "elsewhere": opened.estate not in ("", sight.estate(command.household))
    }
    kind: type = type(command)
    if "asks" in fields_looked_up(kind):
        found["asks"] = sight.pinned(Questionnaire, opened.questionnaire)
        found["policy"] = sight.pinned(SurveyPolicy, opened.policy)
    return attrs.evolve(command, **found)


def _counting(command: CountAnswers, _state: Any, sight: Sight) -> CountAnswers:
    survey: Survey = sight.state(SURVEY, command.survey)
    cell_min = 0
    if survey.opened is not None:
        cell_min = sight.pinned(SurveyPolicy, survey.opened.policy).cell_min
    return attrs.evolve(command, closed=survey.closed is not None, cell_min=cell_min)


def _at(command: Any, _state: Any, sight: Sight) -> Any:
    """The instant at which it comes to be known, and where days begin."""
    return attrs.evolve(command, known_at=sight.at, zone=sight.zone)


def _watching(command: WatchForum, state: Any, sight: Sight) -> WatchForum:
    today = local_date(sight.at, sight.zone)
    found: WatchForum = _at(command, state, sight)
    return attrs.evolve(found, policy=sight.policy(SurveyPolicy, DEFAULT_SURVEY, today))


LOOK_UPS: dict[type, LookUp] = {
    **dict.fromkeys((CheckForum, EndWatch, MissForumDay, RecordPost), _at),
    WatchForum: _watching,
    AnswerByName: _asked,
    CountAnswers: _counting,
    OpenSurvey: _opening,
    ReachHousehold: _asked,
    TakePart: _asked,
}
