"""Laws of care beside plans, and a slow model of what may happen with a gift (PLN-04)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given as hypothesis_given

from crm_core.plans import CALENDAR, CARE, DIFFICULTY
from crm_core.plans.care import CareCalledBack, CareOffered, CareOpened, GiftHandedOver
from crm_core.plans.company_care import MeetingHeld, MeetingMissed
from crm_core.plans.difficulties import AdviceGiven, DifficultyOverdue
from crm_core.testing import histories
from crm_core.testing.laws import check_decider
from crm_core.testing.strategies import (
    care_calendar_commands,
    care_commands,
    care_openings,
    difficulty_commands,
    difficulty_openings,
)

CARED = histories(CARE, care_commands(), opening=care_openings(), max_size=20)
DIFFICULTIES = histories(DIFFICULTY, difficulty_commands(), opening=difficulty_openings())


def test_care_keeps_the_laws() -> None:
    check_decider(CARE, care_commands(), opening=care_openings(), max_examples=60)


def test_difficulties_keep_the_laws() -> None:
    opening = difficulty_openings()
    check_decider(DIFFICULTY, difficulty_commands(), opening=opening, max_examples=60)


def test_the_calendar_keeps_the_laws() -> None:
    check_decider(CALENDAR, care_calendar_commands(), max_examples=60)


@pytest.mark.rule("PLN-04")
@hypothesis_given(CARED)
def test_a_gift_is_handed_over_once_in_its_time_and_never_after_it_was_called_back(
    history: Any,
) -> None:
    """The model remembers events alone, and knows none of the states of the library."""
    opened: dict[str, CareOpened] = {}
    gone: dict[str, str] = {}
    for step in history.steps:
        for event in step.decided if isinstance(step.decided, tuple) else ():
            if isinstance(event, CareOpened):
                assert event.care not in opened
                assert event.member in step.command.willing.members
                opened[event.care] = event
            elif isinstance(event, CareOffered):
                assert event.member in step.command.willing.members
                assert event.care not in opened
            elif isinstance(event, CareCalledBack):
                assert event.care in opened
                assert event.care not in gone
                gone[event.care] = event.because
            elif isinstance(event, GiftHandedOver):
                first = opened[event.care]
                assert first.gift_fen > 0
                assert abs(event.on - first.on) <= timedelta(days=30)
                assert gone.get(event.care, "late") == "late"
                gone[event.care] = "handed"


@pytest.mark.rule("PLN-04")
@hypothesis_given(DIFFICULTIES)
def test_a_difficulty_is_solved_by_whose_it_is_and_told_late_once_a_deadline(history: Any) -> None:
    person, late, solved = "", set(), False
    for event in history.events:
        assert not solved
        person = getattr(event, "person", person)
        if isinstance(event, AdviceGiven):
            assert event.advised_by == person
            solved = event.solved
        if isinstance(event, DifficultyOverdue):
            assert event.due not in late
            late.add(event.due)


@pytest.mark.rule("PLN-04")
@hypothesis_given(histories(CALENDAR, care_calendar_commands(), max_size=20))
def test_a_year_has_one_meeting_and_is_missed_without_one_alone(history: Any) -> None:
    held: set[int] = set()
    missed: set[int] = set()
    for event in history.events:
        if isinstance(event, MeetingHeld):
            assert event.year not in held
            held.add(event.year)
        if isinstance(event, MeetingMissed):
            assert event.year not in held | missed
            missed.add(event.year)
