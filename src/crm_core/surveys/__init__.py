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
from crm_core.surveys.forum import (
    FORUM,
    CheckForum,
    EndWatch,
    ExplainMiss,
    Forum,
    MissForumDay,
    RecordPost,
    TurnPost,
    WatchForum,
    WithdrawPost,
)
from crm_core.surveys.forum_days import DECISIONS, FORUM_CHECKS, FORUM_DAYS
from crm_core.surveys.forum_events import FORUM_EVENTS
from crm_core.surveys.lookups import LOOK_UPS
from crm_core.surveys.meetings import (
    MEETING,
    MEETING_EVENTS,
    HoldOwnersMeeting,
    Meeting,
    RecordAttendance,
    WithdrawAttendance,
)
from crm_core.surveys.notices import STAFF_NOTICES
from crm_core.surveys.policy import KIND as POLICY
from crm_core.surveys.policy import SurveyPolicy
from crm_core.surveys.publications import (
    PUBLICATION,
    PUBLICATION_EVENTS,
    SPENDING,
    DecidePublication,
    DraftPublication,
    Publication,
    RecordOutlay,
    Spending,
    WithdrawOutlay,
    WithdrawPublication,
)
from crm_core.surveys.questionnaire import KIND as QUESTIONNAIRE
from crm_core.surveys.questionnaire import Questionnaire
from crm_core.surveys.rounds import ESTATES_TO_ASK
from crm_core.surveys.state import Survey
from crm_core.surveys.views import CLOSING, OPEN_SURVEYS

EVENTS = (*SURVEY_EVENTS, *FORUM_EVENTS, *MEETING_EVENTS, *PUBLICATION_EVENTS)

SLICE = Slice(
    name="surveys",
    package=__name__,
    events=EVENTS,
    aggregates=(SURVEY, ANSWERS, FORUM, MEETING, SPENDING, PUBLICATION),
    readable={
        Forum: FORUM,
        Meeting: MEETING,
        Publication: PUBLICATION,
        Spending: SPENDING,
        Survey: SURVEY,
    },
    acts=(
        Act(OpenSurvey, LEADERS),
        Act(ReachHousehold, DESK),
        Act("take-slip", (*DESK, *HOUSEHOLDERS)),
        Act("cast-answer", (*DESK, *HOUSEHOLDERS)),
        Act(AnswerByName, (*DESK, *HOUSEHOLDERS)),
        Act(WithdrawAnswer, LEADERS),
        Act(CancelSurvey, MANAGEMENT),
        Act("see-surveys", (*DESK, "auditor")),
        Act(WatchForum, LEADERS),
        Act(EndWatch, LEADERS),
        Act(CheckForum, DESK),
        Act(ExplainMiss, LEADERS),
        Act(RecordPost, DESK),
        Act(TurnPost, DESK),
        Act(WithdrawPost, LEADERS),
        Act(HoldOwnersMeeting, DESK),
        Act(RecordAttendance, DESK),
        Act(WithdrawAttendance, LEADERS),
        Act(RecordOutlay, ("finance",)),
        Act(WithdrawOutlay, ("finance", *MANAGEMENT)),
        Act("draft-publication", (*LEADERS, "finance")),
        Act(DecidePublication, MANAGEMENT),
        Act(WithdrawPublication, MANAGEMENT),
    ),
    look_ups=LOOK_UPS,
    policies=(
        PolicyKind(POLICY, SurveyPolicy, SurveyPolicy.parse),
        PolicyKind(QUESTIONNAIRE, Questionnaire, Questionnaire.parse, adoptable=True),
    ),
    shipped=("policies",),
    staff_notices=STAFF_NOTICES,
    clock=(CLOSING, FORUM_DAYS),
    worklists=(OPEN_SURVEYS, ESTATES_TO_ASK, FORUM_CHECKS, DECISIONS),
    data_map="data-map.toml",
)

__all__ = [
    "ANSWERS",
    "EVENTS",
    "FORUM",
    "MEETING",
    "PUBLICATION",
    "SLICE",
    "SPENDING",
    "SURVEY",
    "AnswerByName",
    "CancelSurvey",
    "CheckForum",
    "CloseSurvey",
    "CountAnswers",
    "DecidePublication",
    "DraftPublication",
    "EndWatch",
    "ExplainMiss",
    "Forum",
    "HoldOwnersMeeting",
    "Meeting",
    "MissForumDay",
    "OpenSurvey",
    "Publication",
    "Questionnaire",
    "ReachHousehold",
    "RecordAttendance",
    "RecordOutlay",
    "RecordPost",
    "Spending",
    "Survey",
    "SurveyPolicy",
    "TakePart",
    "TurnPost",
    "WatchForum",
    "WithdrawAnswer",
    "WithdrawAttendance",
    "WithdrawOutlay",
    "WithdrawPost",
    "WithdrawPublication",
]
