"""Decisions about surveys (SUR-01, SUR-02)."""

from __future__ import annotations

from typing import Any

import attrs

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.authority import Own
from crm_core.kernel.dates import add_months
from crm_core.kernel.decider import Decider, Decision, Refusal, by_command, by_event
from crm_core.kernel.recorded import HOUSEHOLD_ROLES
from crm_core.kernel.refusals import no_reason, unknown
from crm_core.surveys.commands import (
    CHANNELS,
    AnswerByName,
    CancelSurvey,
    CloseSurvey,
    CountAnswers,
    OpenSurvey,
    ReachHousehold,
    TakePart,
    WithdrawAnswer,
)
from crm_core.surveys.events import (
    Answer,
    AnsweredByName,
    AnswersCounted,
    AnswerWithdrawn,
    Comment,
    HouseholdReached,
    SurveyCancelled,
    SurveyClosed,
    SurveyOpened,
    TookPart,
)
from crm_core.surveys.hearing import heard_as
from crm_core.surveys.policy import SurveyPolicy
from crm_core.surveys.questionnaire import Filled, Marked, Questionnaire, Unfit, fill
from crm_core.surveys.state import Answers, Survey

# --- opening and ending ------------------------------------------------------------------------


def _open(command: OpenSurvey, state: Survey) -> Decision:
    if state.opened is not None:
        return Refusal("survey_exists", "SUR-01", {"survey": command.survey})
    if command.asks is None:
        return Refusal("unknown_questionnaire", "SUR-01", {"questionnaire": command.questionnaire})
    if not command.known_on <= command.opens_on <= command.closes_on:
        # What was answered before it was opened nobody could have known to be of it.
        return Refusal("survey_backwards", "SUR-01", {"today": command.known_on.isoformat()})
    last = add_months(command.opens_on, command.policy.every_months)
    if command.closes_on >= last:
        # It would be due again before anybody knew what it says, and its answers lie there so long.
        return Refusal("survey_too_long", "SUR-01", {"before": last.isoformat()})
    for channel in command.channels:
        if channel not in CHANNELS:
            return unknown("channel", channel, CHANNELS, rule="SUR-01")
    if not command.channels:
        return Refusal("channel_missing", "SUR-01", {"accepted": list(CHANNELS)})
    if command.named and not command.reason.strip():
        return no_reason("SUR-02")
    if command.reason.strip() and not command.named:
        return Refusal("reason_needless", "SUR-02", {"survey": command.survey})
    if not command.households:
        return Refusal("nobody_to_ask", "SUR-01", {"estate": command.estate})
    return (
        SurveyOpened(
            survey=command.survey,
            questionnaire=command.asks.ref,
            policy=command.policy.ref,
            items=tuple(one.item for one in command.asks.items),
            estate=command.estate,
            named=command.named,
            reason=command.reason,
            channels=command.channels,
            opens_on=command.opens_on,
            closes_on=command.closes_on,
            households=command.households,
            opened_by=command.by.id,
        ),
    )


def _close(command: CloseSurvey, state: Survey) -> Decision:
    if state.opened is None or state.closed is not None or state.cancelled is not None:
        return ()
    if command.on <= state.opened.closes_on:
        return Refusal("survey_open", "SUR-01", {"last": state.opened.closes_on.isoformat()})
    return (SurveyClosed(command.survey, command.on),)


def _cancel(command: CancelSurvey, state: Survey) -> Decision:
    if state.opened is None:
        return _unknown(command.survey)
    if state.cancelled is not None:
        return Refusal("survey_cancelled", "SUR-01", {"survey": command.survey})
    if state.closed is not None:
        # Who knows how it went could make it not have been.
        return Refusal("survey_closed", "SUR-01", {"survey": command.survey})
    if not command.reason.strip():
        return no_reason("SUR-01", "cancelling")
    return (SurveyCancelled(command.survey, command.on, command.reason, command.by.id),)


# --- taking part -------------------------------------------------------------------------------


def _reach(command: ReachHousehold, state: Survey) -> Decision:
    refused = _unfit(command, state)
    if refused is not None:
        return refused
    if any(one in state.reached for one in command.same):
        return ()
    return (
        HouseholdReached(
            survey=command.survey,
            household=command.household,
            channel=command.channel,
            on=command.on,
            reached_by=command.by.id,
        ),
    )


def _take_part(command: TakePart, state: Survey) -> Decision:
    refused = _unfit(command, state)
    if refused is not None:
        return refused
    assert state.opened is not None
    if state.opened.named:
        return Refusal("survey_by_name", "SUR-02", {"survey": command.survey})
    if any(one in state.took_part for one in command.same):
        details = {"survey": command.survey, "household": command.household}
        return Refusal("took_part_already", "SUR-02", details)
    return (
        TookPart(
            survey=command.survey,
            household=command.household,
            channel=command.channel,
            on=command.on,
        ),
    )


def _unfit(command: Any, state: Survey) -> Refusal | None:
    """Why a household cannot be asked, or answer, by that channel on that day, if so."""
    opened = state.opened
    if opened is None:
        return _unknown(command.survey)
    if state.cancelled is not None:
        return Refusal("survey_cancelled", "SUR-01", {"survey": command.survey})
    if not opened.opens_on <= command.on <= opened.closes_on:
        details = {"first": opened.opens_on.isoformat(), "last": opened.closes_on.isoformat()}
        return Refusal("survey_not_open", "SUR-01", details)
    if state.closed is not None:
        # Who knows how it went could make it go otherwise, by what is said to be of a day before.
        return Refusal("survey_closed", "SUR-01", {"survey": command.survey})
    if command.channel not in opened.channels:
        return unknown("channel", command.channel, opened.channels, rule="SUR-01")
    if command.elsewhere:
        details = {"household": command.household, "estate": opened.estate}
        return Refusal("household_elsewhere", "SUR-01", details)
    if command.newer:
        # It is none of those that were counted; files are registered by who asks them.
        details = {"household": command.household, "survey": command.survey}
        return Refusal("household_newer", "SUR-02", details)
    return None


def _unknown(survey: str) -> Refusal:
    return Refusal("unknown_survey", "SUR-01", {"survey": survey})


# --- answers by name ---------------------------------------------------------------------------


def _answer(command: AnswerByName, state: Survey) -> Decision:
    refused = _unfit(command, state)
    if refused is not None:
        return refused
    assert state.opened is not None
    if not state.opened.named:
        # A name would stand beside what was promised to be nobody's.
        return Refusal("survey_anonymous", "SUR-02", {"survey": command.survey})
    refused = _whose(command)
    if refused is not None:
        return refused
    assert command.asks is not None
    assert command.policy is not None
    filled = filled_in(command.asks, command.policy, command.answers, command.seconds)
    if isinstance(filled, Refusal):
        return filled
    answered = AnsweredByName(
        survey=command.survey,
        household=command.household,
        member=command.member,
        channel=command.channel,
        on=command.on,
        marks=filled.marks,
        texts=filled.texts,
        seconds=filled.seconds,
        opinion=_opinion(command, state) if any(filled.texts) else "",
        reference=command.reference,
        entered_by=command.by.id,
    )
    for one in command.same:
        if (first := state.answer(one)) is None:
            continue
        if attrs.evolve(answered, entered_by=first.entered_by, opinion=first.opinion) == first:
            return ()
        return Refusal("household_answered", "SUR-01", {"survey": command.survey, "household": one})
    return (answered,)


def _opinion(command: AnswerByName, state: Survey) -> str:
    household, number = state.latest(command.household)
    return heard_as("survey", command.survey, household, number)


def _whose(command: AnswerByName) -> Refusal | None:
    """Why it is no answer of the member's, if so."""
    details = {"member": command.member, "household": command.household}
    if command.by.role in HOUSEHOLD_ROLES:
        if command.by.id != command.member:
            return Refusal("answer_of_another", "SUR-01", details)
    elif command.on_staff or command.member in command.by.ids:
        # Who works here does not enter what they themselves think of the work.
        return Refusal("word_of_staff", "LOG-08", {"member": command.member})
    elif not command.reference.strip():
        return Refusal("evidence_missing", "SUR-01")
    if command.stranger:
        return Refusal("not_a_member", "LOG-08", details)
    if command.left:
        details["on"] = command.on.isoformat()
        return Refusal("not_a_member", "LOG-08", details, "not_a_member_then")
    return None


def filled_in(
    asks: Questionnaire, policy: SurveyPolicy, said: tuple[str, ...], seconds: int | None
) -> Filled | Refusal:
    """An answer as it is kept, or why it is none."""
    if seconds is not None and seconds < 0:
        return Refusal("seconds_below_zero", "SUR-03")
    # More would tell one answer from another, and no rule asks for it.
    enough = policy.careless.seconds_per_item_min * len(asks.items)
    filled = fill(asks, said, None if seconds is None else min(seconds, enough))
    if isinstance(filled, Unfit):
        return _no_answer(filled)
    if not any((*filled.marks, *filled.texts)):
        return Refusal("nothing_answered", "SUR-01")
    return filled


def _no_answer(unfit: Unfit) -> Refusal:
    details = {"item": unfit.item, "accepted": list(unfit.accepted)}
    match unfit.code:
        case "unknown_item":
            return Refusal("unknown_item", "SUR-01", details)
        case "item_twice":
            return Refusal("item_twice", "SUR-01", details)
        case "answer_unfit":
            return Refusal("answer_unfit", "SUR-01", details)
        case _:
            return Refusal("item_malformed", "SUR-01", details)


def _withdraw(command: WithdrawAnswer, state: Survey) -> Decision:
    if state.opened is None:
        return _unknown(command.survey)
    answer = state.answer(command.household)
    if answer is None:
        details = {"survey": command.survey, "household": command.household}
        return Refusal("no_answer", "SUR-01", details)
    if command.on < answer.on:
        return Refusal("too_early", "SUR-01", {"from": answer.on.isoformat()})
    if not command.reason.strip():
        return no_reason("SUR-01", "withdrawing")
    return (
        AnswerWithdrawn(
            survey=command.survey,
            household=command.household,
            member=answer.member,
            opinion=answer.opinion,
            on=command.on,
            reason=command.reason,
            withdrawn_by=command.by.id,
        ),
    )


def _own(command: Any, state: Survey) -> Own | None:
    """Nobody of the staff makes an answer of their own go away."""
    if isinstance(command, WithdrawAnswer):
        answer = state.answer(command.household)
        return None if answer is None else Own(others=frozenset({answer.member}))
    return None


# --- the aggregates ------------------------------------------------------------------------------

_DECIDE: dict[type, Any] = {
    OpenSurvey: _open,
    ReachHousehold: _reach,
    TakePart: _take_part,
    AnswerByName: _answer,
    WithdrawAnswer: _withdraw,
    CloseSurvey: _close,
    CancelSurvey: _cancel,
}


def _named(state: Survey, e: AnsweredByName) -> Survey:
    return attrs.evolve(state, named=state.named.add(state.latest(e.household), e))


def _withdrawn(state: Survey, e: AnswerWithdrawn) -> Survey:
    key = state.latest(e.household)
    return attrs.evolve(state, withdrawn=state.withdrawn.add(key, e))


def _survey(command: Any) -> str:
    return command.survey  # type: ignore[no-any-return]


SURVEY = Aggregate(
    Decider(
        "survey",
        Survey(),
        by_command(_DECIDE),
        by_event(
            {
                SurveyOpened: lambda state, e: attrs.evolve(state, opened=e),
                HouseholdReached: lambda state, e: attrs.evolve(
                    state, reached=state.reached.add(e.household, e)
                ),
                TookPart: lambda state, e: attrs.evolve(
                    state, took_part=state.took_part.add(e.household, e)
                ),
                AnsweredByName: _named,
                AnswerWithdrawn: _withdrawn,
                SurveyClosed: lambda state, e: attrs.evolve(state, closed=e),
                SurveyCancelled: lambda state, e: attrs.evolve(state, cancelled=e),
            }
        ),
    ),
    tuple(_DECIDE),
    _survey,
    lambda command: getattr(command, "household", ""),
    own=_own,
    inside=frozenset({TakePart, CloseSurvey}),
)


def _count(command: CountAnswers, state: Answers) -> Decision:
    if command.urn in state.counted:
        return ()
    if not command.closed:
        return Refusal("survey_open", "SUR-02", {"survey": command.survey}, "survey_not_closed")
    said = (command.answers, command.comments)
    if any(list(each) != sorted(each) for each in said):
        # INVARIANT (SUR-02): the order says nothing that the answers do not say themselves.
        return Refusal("answers_unsorted", "SUR-02", {"survey": command.survey})
    if command.answers and len(command.answers) < command.cell_min:
        details = {"survey": command.survey, "least": command.cell_min}
        return Refusal("answers_too_few", "SUR-02", details)
    return (
        AnswersCounted(
            survey=command.survey,
            urn=command.urn,
            answers=tuple(map(_answer_of, command.answers)),
            comments=tuple(Comment(c.item, c.text) for c in command.comments),
            withheld=command.withheld,
            unused=command.unused,
        ),
    )


def _answer_of(one: Marked) -> Answer:
    return Answer(one.marks, one.wrote, None if one.seconds < 0 else one.seconds)


ANSWERS = Aggregate(
    Decider(
        "answers",
        Answers(),
        by_command({CountAnswers: _count}),
        by_event(
            {
                AnswersCounted: lambda state, e: attrs.evolve(
                    state, counted=state.counted.add(e.urn, e)
                )
            }
        ),
    ),
    (CountAnswers,),
    _survey,
    lambda _: "",
    needs_file=False,
    inside=frozenset({CountAnswers}),
)
