"""What is recorded of surveys. Names and fields are a storage contract.

Of an anonymous survey two things are recorded that nothing joins: which households took part, as
they do; and, when it is over, all answers at once, in the order of what they say (0063).
"""

from __future__ import annotations

from datetime import date

from crm_core.kernel.catalog import EventType
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.sealed import Text
from crm_core.kernel.values import frozen


@frozen
class SurveyOpened:
    """A survey was opened (SUR-01).

    Args:
        items: Codes of what is asked, in the order of the questionnaire.
        estate: The estate that is asked; empty for all.
        named: Whether it is answered by name; `reason` says why, where it is.
        households: How many households there are to be asked.
        closes_on: The last day.
    """

    survey: str
    questionnaire: PolicyRef
    policy: PolicyRef
    items: tuple[str, ...]
    estate: str
    named: bool
    reason: Text
    channels: tuple[str, ...]
    opens_on: date
    closes_on: date
    households: int
    opened_by: str


@frozen
class HouseholdReached:
    """A household was given the questionnaire, or asked for its answers."""

    survey: str
    household: str
    channel: str
    on: date
    reached_by: str


@frozen
class TookPart:
    """A household took its slip of an anonymous survey; its answer is nowhere with it (SUR-02).

    Neither is whether it answers: a slip is no answer.
    """

    survey: str
    household: str
    channel: str
    on: date


@frozen
class AnsweredByName:
    """A member answered for the household, in a survey by name.

    Args:
        marks: For each item that is marked, in the order of the questionnaire.
        texts: For each item that is written, likewise.
        seconds: How long it took, if that is known.
        opinion: Under which number what was written is heard (GRD-02); empty where nothing was.
        reference: Where it is on record, of what staff entered.
    """

    survey: str
    household: str
    member: str
    channel: str
    on: date
    marks: tuple[str, ...]
    texts: tuple[Text, ...]
    seconds: int | None
    opinion: str
    reference: Text
    entered_by: str


@frozen
class AnswerWithdrawn:
    """An answer by name was entered by mistake; the household may answer again.

    Args:
        member: Whose answer it was.
        opinion: Under which number what was written in it was heard, if anything was.
    """

    survey: str
    household: str
    member: str
    opinion: str
    on: date
    reason: Text
    withdrawn_by: str


@frozen
class SurveyClosed:
    """The last day is over: nobody can take part any more."""

    survey: str
    on: date


@frozen
class SurveyCancelled:
    """The survey was given up; what was cast anonymously is destroyed uncounted."""

    survey: str
    on: date
    reason: Text
    cancelled_by: str


@frozen
class Answer:
    """An answer that nobody's name is on.

    Args:
        marks: As in `AnsweredByName`.
        wrote: For each item that is written, whether something was; what, stands apart.
        seconds: How long it took, if that is known, and no more than makes a difference.
    """

    marks: tuple[str, ...]
    wrote: tuple[bool, ...]
    seconds: int | None


@frozen
class Comment:
    """Something that was written, apart from the answer it came with: it may tell who wrote it."""

    item: str
    text: Text


@frozen
class AnswersCounted:
    """An urn was emptied: all answers in it at once, sorted by what they say (SUR-02, 0063).

    Args:
        urn: Which one; each host has its own.
        answers: In an order that follows from them alone.
        comments: Likewise.
        withheld: How many answers there were, where they were too few to hide behind one another:
            they were destroyed, and nothing of them stands here.
        unused: Slips that nobody used.
    """

    survey: str
    urn: str
    answers: tuple[Answer, ...]
    comments: tuple[Comment, ...]
    withheld: int
    unused: int


SURVEY_EVENTS = (
    EventType("surveys.opened", 1, SurveyOpened, "opens_on"),
    EventType("surveys.household_reached", 1, HouseholdReached, "on"),
    EventType("surveys.took_part", 1, TookPart, "on"),
    EventType("surveys.answered_by_name", 1, AnsweredByName, "on"),
    EventType("surveys.answer_withdrawn", 1, AnswerWithdrawn, "on"),
    EventType("surveys.closed", 1, SurveyClosed, "on"),
    EventType("surveys.cancelled", 1, SurveyCancelled, "on"),
    EventType("surveys.answers_counted", 1, AnswersCounted, large=True),
)
