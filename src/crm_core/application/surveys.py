"""Surveys where log and urn meet: slips, anonymous answers, and what they say (SUR-01 to SUR-03).

Who takes a slip stands in the log, what is answered lies in the urn, and no argument, event or line
of this program has both (decision record 0063). `CRM.care.surveys` is one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from crm_core.application.access import Access
from crm_core.application.adopted import book_with_adopted, every, pinned
from crm_core.application.authority import acting
from crm_core.application.checking import circumstance
from crm_core.application.desk import Desk, Given
from crm_core.application.host import Host, present_day
from crm_core.application.streams import Streams
from crm_core.application.work import Planned
from crm_core.errors import Invalid, Refused
from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.canonical import canonical
from crm_core.kernel.decider import Refusal
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.recorded import SYSTEM, Actor, Cutoff
from crm_core.kernel.sealed import Withheld
from crm_core.kernel.values import frozen
from crm_core.ports import Urn
from crm_core.surveys import ANSWERS, SURVEY
from crm_core.surveys.commands import CountAnswers, TakePart
from crm_core.surveys.decide import filled_in
from crm_core.surveys.events import AnswersCounted, SurveyOpened
from crm_core.surveys.policy import SurveyPolicy
from crm_core.surveys.questionnaire import Filled, Marked, Questionnaire, Written
from crm_core.surveys.state import Answers, Survey
from crm_core.surveys.statistics import WHOLE, Result, Share, result
from crm_core.surveys.views import SURVEYS, SurveyRow

PAGE_ROWS = 1000


@frozen
class SurveyResult:
    """What a survey came to.

    Args:
        questionnaire: Name and version of what was asked.
        policy: Of what it was counted by.
        named: Whether it was answered by name.
        households: How many there were to be asked.
        reached: Of those, how many were reached.
        took_part: How many took a slip, or answered by name.
        withheld: Answers that were too few to be told of, and were destroyed.
        unused: Slips that nobody used.
        surplus: Answers beyond the slips that were taken: somebody else put them there.
        reach: `reached` of `households`, in ten-thousandths; no sample, so no interval.
        returned: Answers of `reached`, likewise.
        said: What the answers say.
        met: Whether targets of the policy were met: `reached`, `returned`, `satisfied`; None where
            that cannot be told.
    """

    survey: str
    estate: str
    questionnaire: str
    policy: str
    named: bool
    households: int
    reached: int
    took_part: int
    withheld: int
    unused: int
    surplus: int
    reach: Share
    returned: Share
    said: Result
    met: dict[str, bool | None]


@frozen
class Ballot:
    """An answer to be cast.

    Args:
        slip: The slip it is given with.
        answers: `ITEM=ANSWER` each.
        seconds: How long it took, if that is known.
    """

    slip: str
    answers: tuple[str, ...]
    seconds: int | None = None


class Surveys:
    """Questions about surveys.

    Args:
        host: Ports and policies.
        desk: Knows who may, and records.
        access: Knows who may see what was written.
    """

    def __init__(self, host: Host, desk: Desk, access: Access) -> None:
        self._host, self._desk, self._access = host, desk, access

    # --- taking part -----------------------------------------------------------------------

    def take_slip(self, survey: str, household: str, channel: str, *, by: Actor) -> str:
        """A slip for a household, with which one anonymous answer can be cast (SUR-02).

        It is shown once and kept nowhere: one that is lost cannot be replaced, since nobody can
        tell whether it was used.

        Args:
            by: Who hands it out; an owner or user takes their own household's.

        Raises:
            Refused: the household took one, or cannot; it is not for `by`.
        """
        [slip] = self.take_slips(survey, [household], channel, by=by)
        return slip

    def take_slips(
        self, survey: str, households: Sequence[str], channel: str, *, by: Actor
    ) -> list[str]:
        """Slips for several households, in their order: for all of them, or for none."""
        by = acting(by)
        self._desk.may(by, "take-slip")
        host, today = self._host, present_day(self._host)
        streams = Streams(host.log, self._desk.texts)
        commands = [TakePart(survey, home, channel, today) for home in households]
        for command in commands:
            refused = self._desk.authority().refuses_command(
                by, command, command.household, streams.members
            )
            if refused is not None:
                raise Refused(refused)
        if self._opened(survey) is None:
            raise Refused(_unknown(survey))
        for command in commands:
            self._desk.rehearse(command, by=by)
        # Before it is recorded, so that nobody has taken part whose slip was never made; what
        # nobody is told of nobody can use.
        slips = host.urns.issue(survey, len(commands))
        try:
            now = host.clock.now()
            planned = [Planned(one, host.ids.new(), now) for one in commands]
            self._desk.batch(planned, by=by, inside=True)
        except BaseException:
            host.urns.withdraw(survey, slips)
            raise
        return [f"{survey}.{slip}" for slip in slips]

    def cast(
        self, slip: str, answers: Iterable[str], *, seconds: int | None = None, by: Actor
    ) -> None:
        """Cast an answer that nobody's name is on; nothing of who casts it is kept (SUR-02).

        Args:
            slip: As it was taken.
            answers: `ITEM=ANSWER` each; choices by their codes, several joined by `+`.
            seconds: How long it took, if that is known.

        Raises:
            Refused: the slip is used or none, the survey is not open, or it is no answer.
        """
        self.cast_all([Ballot(slip, tuple(answers), seconds)], by=by)

    def cast_all(self, ballots: Sequence[Ballot], *, by: Actor) -> int:
        """Cast several answers, all of one survey: all of them, or none; how many.

        They should not come in the order in which their slips were taken.
        """
        self._desk.may(by, "cast-answer")
        surveys = {one.slip.rpartition(".")[0] for one in ballots}
        if len(surveys) != 1:
            raise Invalid.one("ballots_mixed", "slip")
        [survey] = surveys
        asked, policy = self._casting(survey)
        filled = []
        for one in ballots:
            for said in one.answers:
                circumstance(said, "answers")
            found = filled_in(asked, policy, one.answers, one.seconds)
            if isinstance(found, Refusal):
                raise Refused(found)
            filled.append((one.slip.rpartition(".")[2], _kept(found, asked)))
        strange = self._host.urns.cast(survey, filled)
        if strange:
            # Which slip it is stays with who has it: it would be a name for the answer.
            details = {"survey": survey, "number": len(strange)}
            raise Refused(Refusal("slip_not_open", "SUR-02", details))
        return len(filled)

    def _casting(self, survey: str) -> tuple[Questionnaire, SurveyPolicy]:
        opened = self._opened(survey)
        if opened is None:
            raise Refused(_unknown(survey))
        if not opened.opens_on <= present_day(self._host) <= opened.closes_on:
            details = {"first": opened.opens_on.isoformat(), "last": opened.closes_on.isoformat()}
            raise Refused(Refusal("survey_not_open", "SUR-01", details))
        return self._asked(opened.questionnaire), self._policy(opened.policy)

    # --- what is asked ---------------------------------------------------------------------

    def questionnaire(self, survey: str) -> Questionnaire:
        """What a survey asks; also by the name of the questionnaire, as it would be asked today.

        Raises:
            Invalid: there is no such survey or questionnaire.
        """
        opened = self._opened(survey)
        if opened is not None:
            return self._asked(opened.questionnaire)
        host = self._host
        book = book_with_adopted(host.log, host.registry, host.policies, survey.partition("/")[0])
        return book.find(Questionnaire, survey, present_day(host))

    def listed(self) -> list[SurveyRow]:
        """All surveys, open ones first."""
        self._host.views.catch_up(SURVEYS)
        return list(_rows(self._host))

    # --- what they say ---------------------------------------------------------------------

    def result(self, survey: str, *, by: Actor, cutoff: Cutoff | None = None) -> SurveyResult:
        """What a survey that is closed came to (SUR-01, SUR-03).

        Args:
            cutoff: As known then; by default as known now.

        Raises:
            Refused: it is open, given up or unknown, or it is not for `by`.
        """
        self._desk.may(by, "see-surveys")
        state, opened = self._over(survey, cutoff)
        filled, withheld, unused = self._filled(state, opened, cutoff)
        policy = self._policy(opened.policy)
        said = result(filled, self._asked(opened.questionnaire), policy)
        part = (
            {one.household for one in state.standing()}
            if opened.named
            else {household for household, _ in state.took_part.items()}
        )
        reached = part | {household for household, _ in state.reached.items()}
        reach = _share(len(reached), opened.households)
        returned = _share(len(filled) + withheld, len(reached))
        return SurveyResult(
            survey=survey,
            estate=opened.estate,
            questionnaire=str(opened.questionnaire),
            policy=str(opened.policy),
            named=opened.named,
            households=opened.households,
            reached=len(reached),
            took_part=len(part),
            withheld=withheld,
            unused=unused,
            surplus=max(0, len(filled) + withheld - len(part)),
            reach=reach,
            returned=returned,
            said=said,
            met={
                "reached": _met(reach.value, policy.targets.reached_per_mille),
                "returned": _met(returned.value, policy.targets.returned_per_mille),
                "satisfied": _met(said.satisfied.value, policy.targets.satisfied_per_mille),
            },
        )

    def comments(
        self, survey: str, *, by: Actor, purpose: str | None = None
    ) -> dict[str, list[str]]:
        """What was written, by question, sorted: never by whom, nor beside other answers.

        Raises:
            As `result`; and Refused where `by` may not see texts for that purpose (PRV-01).
        """
        self._desk.may(by, "see-surveys")
        self._access.look(by, purpose, "care.surveys.comments").check("text", "comments", "")
        state, opened = self._over(survey)
        items = [one.item for one in self._asked(opened.questionnaire).written]
        if opened.named:
            texts = [(zip(items, one.texts, strict=True)) for one in state.standing()]
            said = [(item, text) for one in texts for item, text in one]
        else:
            said = [(c.item, c.text) for urn in self._urns(survey) for c in urn.comments]
        return {item: sorted(_plain(t) for one, t in said if one == item and t) for item in items}

    def _over(self, survey: str, cutoff: Cutoff | None = None) -> tuple[Survey, SurveyOpened]:
        state = _survey_of(self._host, self._desk, survey, cutoff)
        if state.opened is None:
            raise Refused(_unknown(survey))
        if state.cancelled is not None:
            raise Refused(Refusal("survey_cancelled", "SUR-01", {"survey": survey}))
        if state.closed is None:
            # Who sees how it goes while it goes can tell the answers of one day from another's.
            details = {"survey": survey}
            raise Refused(Refusal("survey_open", "SUR-02", details, "survey_not_closed"))
        return state, state.opened

    def _filled(
        self, state: Survey, opened: SurveyOpened, cutoff: Cutoff | None
    ) -> tuple[list[Filled], int, int]:
        """The answers there are, how many were withheld, and how many slips were not used."""
        if opened.named:
            found = [
                Filled(one.marks, tuple(map(_plain, one.texts)), one.seconds)
                for one in state.standing()
            ]
            return found, 0, 0
        urns = self._urns(opened.survey, cutoff)
        found = [
            Filled(one.marks, tuple("…" if wrote else "" for wrote in one.wrote), one.seconds)
            for urn in urns
            for one in urn.answers
        ]
        return found, sum(one.withheld for one in urns), sum(one.unused for one in urns)

    def _urns(self, survey: str, cutoff: Cutoff | None = None) -> list[AnswersCounted]:
        answers: Answers = _state_of(self._host, self._desk, ANSWERS, survey, cutoff)
        return list(answers.counted.values())

    # --- streams and policies --------------------------------------------------------------

    def _state(self, survey: str) -> Survey:
        return _survey_of(self._host, self._desk, survey)

    def _opened(self, survey: str) -> SurveyOpened | None:
        state = self._state(survey)
        return None if state.cancelled is not None else state.opened

    def _asked(self, ref: PolicyRef) -> Questionnaire:
        return _pinned(self._host, Questionnaire, ref)  # type: ignore[no-any-return]

    def _policy(self, ref: PolicyRef) -> SurveyPolicy:
        return _pinned(self._host, SurveyPolicy, ref)  # type: ignore[no-any-return]


# --- urns ----------------------------------------------------------------------------------------


def count_answers(host: Host, desk: Desk, now: datetime) -> int:
    """Empty the urn of every survey that is over into the log; how many events that gave.

    An urn is emptied into one event: whatever interrupts it, its answers are counted once and then
    destroyed (0063).
    """
    count = 0
    for survey in host.urns.surveys():
        state = _survey_of(host, desk, survey)
        over = state.cancelled is not None or state.closed is not None
        if state.opened is None or not over:
            continue
        urn = host.urns.emptied(survey)
        if urn is not None and state.cancelled is None:
            count += _count(host, desk, state.opened, urn, now)
        host.urns.destroy(survey)
    return count


def _count(host: Host, desk: Desk, opened: SurveyOpened, urn: Urn, now: datetime) -> int:
    survey, decider = opened.survey, ANSWERS.decider
    answers: Answers
    answers, _ = host.log.fold(ANSWERS.stream(survey), decider.evolve, decider.initial)
    if urn.name in answers.counted or not (urn.said or urn.unused):
        # It was interrupted between counting and destroying, or nobody ever had a slip of it.
        return 0
    marked, written = _emptied(urn)
    few = len(marked) < _pinned(host, SurveyPolicy, opened.policy).cell_min
    command = CountAnswers(
        survey=survey,
        urn=urn.name,
        answers=() if few else marked,
        comments=() if few else written,
        withheld=len(marked) if few else 0,
        unused=urn.unused,
    )
    given = Given(SYSTEM, inside=True, id=f"urn:{urn.name}:{survey}", at=now)
    return len(desk.do(command, given).events)


def _pinned(host: Host, kind: Any, ref: PolicyRef) -> Any:
    return pinned(
        host.policies, kind, ref, lambda: every(host.log, host.registry, host.policies, kind)
    )


def _survey_of(host: Host, desk: Desk, survey: str, cutoff: Cutoff | None = None) -> Survey:
    circumstance(survey, "survey", _checked)
    state: Survey = _state_of(host, desk, SURVEY, survey, cutoff)
    return state


def _state_of(
    host: Host, desk: Desk, aggregate: Aggregate, survey: str, cutoff: Cutoff | None
) -> Any:
    """A stream of a survey as it stands, or as it was known at a cut-off, its texts opened."""
    stream, decider, texts = aggregate.stream(survey), aggregate.decider, desk.texts.event
    if cutoff is None:
        return host.log.fold(stream, decider.evolve, decider.initial, opened=texts)[0]
    state = decider.initial
    for recorded in host.log.read(stream):
        if cutoff.sees(recorded):
            state = decider.evolve(state, texts(stream, recorded.version, recorded.event))
    return state


def _checked(text: str) -> str:
    if not text or "/" in text:
        raise Refused(_unknown(text))
    return text


def _kept(filled: Filled, asked: Questionnaire) -> tuple[str, ...]:
    """What lies in the urn of an answer: what was written apart from all else."""
    wrote = [bool(text) for text in filled.texts]
    seconds = -1 if filled.seconds is None else filled.seconds
    marked = {"marks": list(filled.marks), "seconds": seconds, "wrote": wrote}
    written = [
        {"item": item.item, "text": text}
        for item, text in zip(asked.written, filled.texts, strict=True)
        if text
    ]
    return tuple(canonical(one).decode() for one in (marked, *written))


def _emptied(urn: Urn) -> tuple[tuple[Marked, ...], tuple[Written, ...]]:
    """The answers and the comments in an urn, each sorted by what they say."""
    said = [json.loads(one) for one in urn.said]
    marked = [
        Marked(tuple(one["marks"]), tuple(one["wrote"]), one["seconds"])
        for one in said
        if "marks" in one
    ]
    written = [Written(one["item"], one["text"]) for one in said if "text" in one]
    return tuple(sorted(marked)), tuple(sorted(written))


def _plain(text: Any) -> str:
    """A text that does not open any more was one all the same."""
    return "…" if isinstance(text, Withheld) else str(text)


def _unknown(survey: str) -> Refusal:
    return Refusal("unknown_survey", "SUR-01", {"survey": survey})


def _share(part: int, whole: int) -> Share:
    value = None if not whole else (2 * part * WHOLE + whole) // (2 * whole)
    return Share(part, whole, value)


def _met(value: int | None, per_mille: int) -> bool | None:
    return None if value is None else value * 1000 >= per_mille * WHOLE


def _rows(host: Host) -> Iterator[SurveyRow]:
    after = ("", "")
    while rows := host.views.scan(SURVEYS, after=after, limit=PAGE_ROWS):
        for order, key, row in rows:
            yield row
            after = (order, key)
