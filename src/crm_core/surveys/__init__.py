"""Surveys: what owners think, asked without their names, and what that says (调查问卷)."""

from crm_core.kernel.roles import DESK, HOUSEHOLDERS, LEADERS, MANAGEMENT
from crm_core.kernel.slice import Act, PolicyKind, Slice
from crm_core.surveys.commands import (
    AnswerByName,
    CancelSurvey,
    CloseSurvey,
    CountAnswers,
    OpenSurvey,
    ReachHousehold,
    TakePart,
    WithdrawAnswer,
)
from crm_core.surveys.decide import ANSWERS, SURVEY
from crm_core.surveys.events import SURVEY_EVENTS
from crm_core.surveys.lookups import LOOK_UPS
from crm_core.surveys.policy import KIND as POLICY
from crm_core.surveys.policy import SurveyPolicy
from crm_core.surveys.questionnaire import KIND as QUESTIONNAIRE
from crm_core.surveys.questionnaire import Questionnaire
from crm_core.surveys.state import Survey
from crm_core.surveys.views import CLOSING, OPEN_SURVEYS

EVENTS = (*SURVEY_EVENTS,)

SLICE = Slice(
    name="surveys",
    package=__name__,
    events=EVENTS,
    aggregates=(SURVEY, ANSWERS),
    readable={Survey: SURVEY},
    acts=(
        Act(OpenSurvey, LEADERS),
        Act(ReachHousehold, DESK),
        Act("take-slip", (*DESK, *HOUSEHOLDERS)),
        Act("cast-answer", (*DESK, *HOUSEHOLDERS)),
        Act(AnswerByName, (*DESK, *HOUSEHOLDERS)),
        Act(WithdrawAnswer, LEADERS),
        Act(CancelSurvey, MANAGEMENT),
        Act("see-surveys", (*DESK, "auditor")),
    ),
    look_ups=LOOK_UPS,
    policies=(
        PolicyKind(POLICY, SurveyPolicy, SurveyPolicy.parse),
        PolicyKind(QUESTIONNAIRE, Questionnaire, Questionnaire.parse, adoptable=True),
    ),
    shipped=("policies",),
    clock=(CLOSING,),
    worklists=(OPEN_SURVEYS,),
    data_map="data-map.toml",
)

__all__ = [
    "ANSWERS",
    "EVENTS",
    "SLICE",
    "SURVEY",
    "AnswerByName",
    "CancelSurvey",
    "CloseSurvey",
    "CountAnswers",
    "OpenSurvey",
    "Questionnaire",
    "ReachHousehold",
    "Survey",
    "SurveyPolicy",
    "TakePart",
    "WithdrawAnswer",
]
