"""What people do about surveys, and what the library does for them (SUR-01, SUR-02)."""

from __future__ import annotations

from datetime import date

from crm_core.kernel.commands import DayAhead, Id, looked_up
from crm_core.kernel.recorded import Actor
from crm_core.kernel.values import frozen
from crm_core.surveys.policy import SurveyPolicy
from crm_core.surveys.questionnaire import DEFAULT_QUESTIONNAIRE, Marked, Questionnaire, Written

CHANNELS = ("paper", "phone", "counter", "app", "wechat", "email", "home_visit")
"""By what a household is asked, and answers."""


@frozen
class OpenSurvey:
    """Open a survey.

    Args:
        estate: The estate that is asked; by default all.
        questionnaire: Its name, or name/version.
        channels: By which households are asked; some of `CHANNELS`.
        named: Whether it is answered by name; it is anonymous otherwise.
        reason: Why it is answered by name, where it is.
        households: The households there are to be asked.
    """

    survey: Id
    opens_on: DayAhead
    closes_on: DayAhead
    estate: str = ""
    questionnaire: str = DEFAULT_QUESTIONNAIRE
    channels: tuple[str, ...] = CHANNELS
    named: bool = False
    reason: str = ""
    by: Actor = looked_up()
    known_on: date = looked_up()
    asks: Questionnaire | None = looked_up()
    policy: SurveyPolicy = looked_up()
    households: int = looked_up()


@frozen
class ReachHousehold:
    """Say that a household was given the questionnaire, or asked for its answers."""

    survey: Id
    household: str
    channel: str
    on: date
    by: Actor = looked_up()
    elsewhere: bool = looked_up()
    same: tuple[str, ...] = looked_up()
    newer: bool = looked_up()


@frozen
class TakePart:
    """Note that a household takes its slip; `CRM.care.surveys` gives it, with the slip."""

    survey: Id
    household: str
    channel: str
    on: date
    elsewhere: bool = looked_up()
    same: tuple[str, ...] = looked_up()
    newer: bool = looked_up()


@frozen
class AnswerByName:
    """Answer a survey by name, for a household.

    Args:
        answers: `ITEM=ANSWER` each; choices by their codes, several joined by `+`.
        seconds: How long it took.
        reference: Where it is on record, of what staff enter: the number of the form, a recording.
        same: The files that are of the same household.
        newer: Whether all of them were registered behind the opening of the survey.
    """

    survey: Id
    household: str
    member: Id
    channel: str
    on: date
    answers: tuple[str, ...]
    seconds: int | None = None
    reference: str = ""
    by: Actor = looked_up()
    asks: Questionnaire | None = looked_up()
    policy: SurveyPolicy | None = looked_up()
    elsewhere: bool = looked_up()
    same: tuple[str, ...] = looked_up()
    newer: bool = looked_up()
    stranger: bool = looked_up()
    left: bool = looked_up()
    on_staff: bool = looked_up()


@frozen
class WithdrawAnswer:
    """Say that an answer by name was entered by mistake: it counts no more."""

    survey: Id
    household: str
    on: date
    reason: str
    by: Actor = looked_up()


@frozen
class CloseSurvey:
    """Note that the last day of a survey is over; the clock does."""

    survey: Id
    on: date


@frozen
class CancelSurvey:
    """Give a survey up: what was cast anonymously is destroyed and never counted."""

    survey: Id
    on: date
    reason: str
    by: Actor = looked_up()


@frozen
class CountAnswers:
    """Empty an urn into the log, once its survey is closed; the library does.

    Args:
        answers: Sorted by what they say.
        comments: What was written, by item, likewise; not beside the answers it came with.
        withheld: How many answers there were, where they are too few to be told of. They are no
            part of the command: what stands for it in the log would tell whether a guess is right.
    """

    survey: Id
    urn: Id
    answers: tuple[Marked, ...]
    comments: tuple[Written, ...]
    withheld: int
    unused: int
    closed: bool = looked_up()
    cell_min: int = looked_up()
