"""Difficulties that customers have: learned, given to a person as a task, advised on, solved."""

from __future__ import annotations

from datetime import date
from typing import Any

import attrs

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.authority import Own
from crm_core.kernel.catalog import EventType
from crm_core.kernel.commands import DayAhead, Id, looked_up
from crm_core.kernel.decider import Decider, Decision, Refusal, by_command, by_event
from crm_core.kernel.growing import NOTHING, GrowingList
from crm_core.kernel.recorded import Actor
from crm_core.kernel.refusals import no_reason
from crm_core.kernel.sealed import Text
from crm_core.kernel.values import define, frozen
from crm_core.kernel.word import Word

# --- events ----------------------------------------------------------------------------------


@frozen
class DifficultyLearned:
    """A customer has a difficulty, and somebody is to help, until a day (PLN-04)."""

    difficulty: str
    household: str
    on: date
    what: Text
    word: Word
    person: str
    due: date
    learned_by: str


@frozen
class DifficultyReassigned:
    """Another person is to help, or until another day; for a reason."""

    difficulty: str
    household: str
    on: date
    person: str
    due: date
    reason: Text
    assigned_by: str


@frozen
class AdviceGiven:
    """Advice was given, and is noted; the difficulty may be solved by it."""

    difficulty: str
    household: str
    on: date
    advice: Text
    solved: bool
    advised_by: str


@frozen
class DifficultyOverdue:
    """The day passed and it was not solved; recorded by the clock, once for each day set."""

    difficulty: str
    household: str
    person: str
    due: date


EVENTS = (
    EventType("plans.difficulty_learned", 1, DifficultyLearned, "on"),
    EventType("plans.difficulty_reassigned", 1, DifficultyReassigned, "on"),
    EventType("plans.advice_given", 1, AdviceGiven, "on"),
    EventType("plans.difficulty_overdue", 1, DifficultyOverdue, "due"),
)


# --- state -----------------------------------------------------------------------------------


@define
class Difficulty:
    """A difficulty as it stands.

    Args:
        learned: How it was learned; None if it never was.
        person: Who is to help.
        persons: Everybody who ever was, each where they were last.
        due: Until when.
        advice: What was advised, in order.
        solved: Whether it is solved.
        late: The days that passed.
    """

    household: str = ""
    learned: DifficultyLearned | None = None
    person: str = ""
    persons: tuple[str, ...] = ()
    due: date | None = None
    advice: GrowingList[AdviceGiven] = NOTHING
    solved: bool = False
    late: tuple[date, ...] = ()


# --- commands --------------------------------------------------------------------------------


@frozen
class LearnDifficulty:
    """Record a difficulty that a customer told of, and who is to help until when."""

    difficulty: str
    household: str
    what: str
    word: Word
    person: Id
    due: DayAhead
    on: date
    by: Actor = looked_up()
    strangers: tuple[str, ...] = looked_up()


@frozen
class ReassignDifficulty:
    """Let another person help, or until another day, for a reason."""

    difficulty: str
    person: Id
    due: DayAhead
    on: date
    reason: str
    by: Actor = looked_up()
    strangers: tuple[str, ...] = looked_up()


@frozen
class GiveAdvice:
    """Note the advice that was given, and whether it solved the difficulty; who is to help does."""

    difficulty: str
    advice: str
    solved: bool
    on: date
    by: Actor = looked_up()


@frozen
class TellDifficultyDue:
    """Keep that a difficulty was not solved in time; the clock does."""

    difficulty: str
    due: date
    gone: str = looked_up()


# --- decisions -------------------------------------------------------------------------------


def _learn(command: LearnDifficulty, state: Difficulty) -> Decision:
    if state.learned is not None:
        return Refusal("difficulty_exists", "PLN-04", {"difficulty": command.difficulty})
    if not command.what.strip():
        return Refusal("note_missing", "PLN-04", sentence="note_missing_difficulty")
    refused = _unfit(command)
    if refused is not None:
        return refused
    return (
        DifficultyLearned(
            difficulty=command.difficulty,
            household=command.household,
            on=command.on,
            what=command.what,
            word=command.word,
            person=command.person,
            due=command.due,
            learned_by=command.by.id,
        ),
    )


def _unfit(command: LearnDifficulty | ReassignDifficulty) -> Refusal | None:
    if not command.person:
        return Refusal("note_missing", "PLN-04", sentence="note_missing_person")
    if command.strangers:
        return Refusal("unknown_staff", "PLN-04", {"staff": command.strangers[0]})
    if command.due < command.on:
        return Refusal("difficulty_backwards", "PLN-04")
    return None


def _reassign(command: ReassignDifficulty, state: Difficulty) -> Decision:
    refused = _not_open(command, state) or _unfit(command)
    if refused is not None:
        return refused
    if (command.person, command.due) == (state.person, state.due):
        return ()
    if not command.reason.strip():
        return no_reason("PLN-04", "reassigning")
    return (
        DifficultyReassigned(
            difficulty=command.difficulty,
            household=state.household,
            on=command.on,
            person=command.person,
            due=command.due,
            reason=command.reason,
            assigned_by=command.by.id,
        ),
    )


def _advise(command: GiveAdvice, state: Difficulty) -> Decision:
    refused = _not_open(command, state)
    if refused is not None:
        return refused
    if command.by.id != state.person:
        return Refusal("not_their_task", "PLN-04", {"task": command.difficulty})
    if not command.advice.strip():
        return Refusal("note_missing", "PLN-04", sentence="note_missing_advice")
    return (
        AdviceGiven(
            difficulty=command.difficulty,
            household=state.household,
            on=command.on,
            advice=command.advice,
            solved=command.solved,
            advised_by=command.by.id,
        ),
    )


def _not_open(command: ReassignDifficulty | GiveAdvice, state: Difficulty) -> Refusal | None:
    if state.learned is None:
        return Refusal("unknown_difficulty", "PLN-04", {"difficulty": command.difficulty})
    if state.solved:
        return Refusal("difficulty_solved", "PLN-04", {"difficulty": command.difficulty})
    if command.on < state.learned.on:
        details = {"earliest": state.learned.on.isoformat()}
        return Refusal("too_early", "PLN-04", details, "too_early_plan")
    return None


def _tell(command: TellDifficultyDue, state: Difficulty) -> Decision:
    if state.learned is None or state.solved or state.due != command.due or command.gone:
        return ()
    if command.due in state.late:
        return ()
    return (DifficultyOverdue(command.difficulty, state.household, state.person, command.due),)


_DECIDE: dict[type, Any] = {
    LearnDifficulty: _learn,
    ReassignDifficulty: _reassign,
    GiveAdvice: _advise,
    TellDifficultyDue: _tell,
}


def _learned(state: Difficulty, e: DifficultyLearned) -> Difficulty:
    return attrs.evolve(
        state,
        household=e.household,
        learned=e,
        person=e.person,
        persons=(e.person,),
        due=e.due,
    )


def _reassigned(state: Difficulty, e: DifficultyReassigned) -> Difficulty:
    others = (one for one in state.persons if one != e.person)
    return attrs.evolve(state, person=e.person, persons=(*others, e.person), due=e.due)


def _advised(state: Difficulty, e: AdviceGiven) -> Difficulty:
    return attrs.evolve(state, advice=state.advice.append(e), solved=e.solved)


def _own(command: Any, state: Difficulty) -> Own | None:
    """Nobody gives themselves more time to help (LOG-08)."""
    if not isinstance(command, ReassignDifficulty) or state.due is None:
        return None
    handed_on = command.person != state.person and command.due <= state.due
    return None if handed_on else Own(others=frozenset({state.person}))


DIFFICULTY = Aggregate(
    Decider(
        "difficulty",
        Difficulty(),
        by_command(_DECIDE),
        by_event(
            {
                DifficultyLearned: _learned,
                DifficultyReassigned: _reassigned,
                AdviceGiven: _advised,
                DifficultyOverdue: lambda s, e: attrs.evolve(s, late=(*s.late, e.due)),
            }
        ),
    ),
    tuple(_DECIDE),
    lambda command: command.difficulty,
    lambda command: getattr(command, "household", ""),
    own=_own,
    inside=frozenset({TellDifficultyDue}),
    void_too=True,
    closed_by_merge=frozenset({LearnDifficulty}),
)
