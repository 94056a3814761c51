"""A survey as it stands, and the answers that nobody's name is on."""

from __future__ import annotations

from crm_core.kernel.growing import EMPTY, GrowingMap
from crm_core.kernel.values import define
from crm_core.surveys.events import (
    AnsweredByName,
    AnswersCounted,
    AnswerWithdrawn,
    HouseholdReached,
    SurveyCancelled,
    SurveyClosed,
    SurveyOpened,
    TookPart,
)


@define
class Survey:
    """A survey.

    Args:
        opened: How it was opened; None if it never was.
        reached: Households that were reached, by what they were reached first.
        took_part: Households that took a slip.
        named: Answers by name, by household and how often one of it was withdrawn before.
        withdrawn: Those that were withdrawn.
        closed: That its last day is over.
        cancelled: That it was given up.
    """

    opened: SurveyOpened | None = None
    reached: GrowingMap[str, HouseholdReached] = EMPTY
    took_part: GrowingMap[str, TookPart] = EMPTY
    named: GrowingMap[tuple[str, int], AnsweredByName] = EMPTY
    withdrawn: GrowingMap[tuple[str, int], AnswerWithdrawn] = EMPTY
    closed: SurveyClosed | None = None
    cancelled: SurveyCancelled | None = None

    def latest(self, household: str) -> tuple[str, int]:
        """Where the answer of a household stands, or would stand next."""
        number = 0
        while (household, number) in self.withdrawn:
            number += 1
        return household, number

    def answer(self, household: str) -> AnsweredByName | None:
        """The answer of a household that stands."""
        return self.named.get(self.latest(household))

    def standing(self) -> list[AnsweredByName]:
        """The answers by name that stand, in the order in which they came."""
        return [one for key, one in self.named.items() if key not in self.withdrawn]


@define
class Answers:
    """The answers of an anonymous survey, by the urn they came from."""

    counted: GrowingMap[str, AnswersCounted] = EMPTY
