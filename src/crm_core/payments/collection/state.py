"""The collection of a household's arrears as it stands."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from attrs import field

from crm_core.kernel.growing import EMPTY, GrowingMap
from crm_core.kernel.values import define
from crm_core.payments.acts import StepDone
from crm_core.payments.collection.dues import Upcoming
from crm_core.payments.collection.events import (
    CollectionHeld,
    HoldProposed,
    StepOpened,
    StepProposed,
    StepReported,
)


@define
class Collection:
    """The collection of the arrears of one tenure of a household (PAY-10, PAY-16).

    Args:
        household: Whose arrears; empty before the first case.
        case: Number of the latest case; 0 before the first.
        grade: Credit grade at whose steps the case stands; None while no case is open.
        began: Day on which the latest case was opened.
        since: Day on which the case came to this grade.
        opened: Steps by number; numbers go on from case to case.
        steps: How many steps of this grade the case has been handed.
        last: The latest of them, if there is one.
        approved: Ids of who approved steps, by step.
        reported: Steps that one of two persons reported, and the other has not confirmed yet.
        ended: Steps that were done or skipped, or are void because their case or grade ended.
        done: Steps that were done.
        billed: Days on which bills were handed over, by charge and how many bills its number had
            before.
        demanded: Day by which the household was to answer the latest formal demand of the case.
        checked: Day and number of open defects of the latest look at the company's own service.
        holds: Holds by number.
        released: Holds that were released, and from when.
        asked_for: Numbers of holds that were proposed, whatever became of them.
        proposed: Approvals and holds that nobody has decided yet, by reference, e.g. `step:3`.
        acts: How many events days brought about.
        acted: The latest of these days; the clock looks at none before it.
    """

    household: str = ""
    case: int = 0
    grade: str | None = None
    began: date = date.min
    since: date = date.min
    opened: GrowingMap[int, StepOpened] = field(default=EMPTY)
    steps: int = 0
    last: int | None = None
    approved: GrowingMap[int, str] = field(default=EMPTY)
    reported: Mapping[int, StepReported] = field(factory=dict)
    ended: GrowingMap[int, bool] = field(default=EMPTY)
    done: GrowingMap[int, StepDone] = field(default=EMPTY)
    billed: GrowingMap[tuple[str, int], date] = field(default=EMPTY)
    demanded: date | None = None
    checked: tuple[date, int] | None = None
    holds: GrowingMap[str, CollectionHeld] = field(default=EMPTY)
    released: GrowingMap[str, date] = field(default=EMPTY)
    asked_for: GrowingMap[str, bool] = field(default=EMPTY)
    proposed: Mapping[str, StepProposed | HoldProposed] = field(factory=dict)
    acts: int = 0
    acted: date = date.min

    @property
    def waiting(self) -> bool:
        """Whether people have a step of the case in hand."""
        return self.last is not None and self.last not in self.ended

    def bills(self, charge: str) -> int:
        """How many bills charges of that number had."""
        times = 0
        while (charge, times) in self.billed:
            times += 1
        return times

    def is_billed(self, charge: Upcoming) -> bool:
        """Whether a bill was handed over since a charge is known: once for each is enough."""
        last = self.billed.get((charge.charge, self.bills(charge.charge) - 1))
        return last is not None and last >= charge.known

    def held_on(self, day: date) -> bool:
        """Whether a hold keeps everything still on a day."""
        for number, hold in self.holds.items():
            end = self.released.get(number)
            if hold.on <= day <= hold.until and (end is None or day < end):
                return True
        return False

    def open_steps(self) -> list[StepOpened]:
        """Steps that are to be done, oldest first."""
        return [step for number, step in self.opened.items() if number not in self.ended]
