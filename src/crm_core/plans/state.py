"""A maintenance plan as it stands."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from attrs import evolve, field

from crm_core.kernel.growing import EMPTY, NOTHING, GrowingList, GrowingMap
from crm_core.kernel.values import define, frozen
from crm_core.plans.events import (
    EvaluationGuided,
    FeedbackHeard,
    PlanApproved,
    PlanArchived,
    PlanDrafted,
    PlanEnded,
    PlanEvaluated,
    PlanImproved,
    PlanOpened,
    PlanReported,
    PlanStopped,
    PlanSummarised,
    ReportChecked,
    SpendingRecorded,
    SpendingWithdrawn,
)

OPEN, DRAFTED, RETURNED, PASSED, IN_FORCE, STOPPED, OVER, ARCHIVED, DROPPED = (
    "open",
    "drafted",
    "returned",
    "passed",
    "in_force",
    "stopped",
    "over",
    "archived",
    "dropped",
)
"""Where a plan stands; of one in force of which another version is drafted it is `in_force`."""

NEW, DONE, CHECKED, CANCELLED = "new", "done", "checked", "cancelled"
"""Where a task stands."""

_DAY = timedelta(days=1)


@frozen
class PlanTask:
    """A task as it stands.

    Args:
        status: `new` until its person says it is done, and again if it is to be done again.
        persons: Everybody who ever had it, each where they had it last.
        done_by: Who said it is done.
        done_on: On which day.
        late: The deadlines that passed.
    """

    task: str
    measure: str
    person: str
    due: date
    since: date
    status: str = NEW
    persons: tuple[str, ...] = ()
    done_by: str = ""
    done_on: date | None = None
    late: tuple[date, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether anything is left to be done about it."""
        return self.status in (NEW, DONE)


@define
class MaintenancePlan:
    """A maintenance plan as it stands.

    Args:
        household: Whom it is for; empty for a layer's.
        opened: How it was begun; None if it never was.
        hands: Whoever had a part in what it says: who began, suggested, drafted, or is named to
            carry out a measure or a task, in any version and under any role.
        reviewers: Whoever passed or returned a version.
        version: The number of the last version.
        step_on: The day of the last step of drafting and deciding.
        pending: The last version, while it is not decided.
        pending_is: `drafted`, `returned` or `passed`.
        helped: Whoever suggested something, the first included.
        in_force: The version that is carried out.
        approved: How it was approved; of the last version that was.
        since: The day from which any version was in force.
        tasks: Each task by its number and how often it had changed; the last one holds.
        spent_fen: What was spent, without what was withdrawn.
        last_report: The day of the last report.
        missed: The days on which a report was due and none came.
        not_evaluated: Years of which the clock told that nobody evaluated them in time.
        spending_moved: Whether money was recorded or withdrawn since the last summary.
    """

    household: str = ""
    opened: PlanOpened | None = None
    hands: frozenset[str] = frozenset()
    reviewers: frozenset[str] = frozenset()
    helped: frozenset[str] = frozenset()
    version: int = 0
    step_on: date | None = None
    pending: PlanDrafted | None = None
    pending_is: str = ""
    in_force: PlanDrafted | None = None
    approved: PlanApproved | None = None
    since: date | None = None
    tasks: GrowingMap[tuple[str, int], PlanTask] = EMPTY
    task_numbers: GrowingMap[str, int] = EMPTY
    feedback: GrowingMap[str, FeedbackHeard] = EMPTY
    reports: GrowingMap[str, PlanReported] = EMPTY
    checked: GrowingMap[str, ReportChecked] = EMPTY
    last_report: date | None = None
    missed: frozenset[date] = frozenset()
    spent: GrowingMap[str, SpendingRecorded] = EMPTY
    withdrawn: GrowingMap[str, SpendingWithdrawn] = EMPTY
    spent_fen: int = 0
    spending_moved: bool = False
    ended: PlanEnded | None = None
    stopped: PlanStopped | None = None
    stops: int = 0
    dropped: bool = False
    evaluated: GrowingMap[int, PlanEvaluated] = EMPTY
    guided: GrowingMap[int, EvaluationGuided] = EMPTY
    improved: GrowingMap[int, PlanImproved] = EMPTY
    summaries: GrowingList[PlanSummarised] = NOTHING
    not_evaluated: frozenset[int] = field(factory=frozenset)
    archived: PlanArchived | None = None

    def task(self, number: str) -> PlanTask | None:
        """A task as it stands, if there is one."""
        found, nth = None, 0
        while (one := self.tasks.get((number, nth))) is not None:
            found, nth = one, nth + 1
        return found

    def changed(self, task: PlanTask) -> MaintenancePlan:
        """The plan with a task as it stands from now on."""
        nth = 0
        while (task.task, nth) in self.tasks:
            nth += 1
        return evolve(
            self,
            tasks=self.tasks.add((task.task, nth), task),
            task_numbers=self.task_numbers.add(task.task, len(self.task_numbers)),
        )

    def all_tasks(self) -> Iterator[PlanTask]:
        """Every task as it stands, in the order in which they were assigned."""
        for number in self.task_numbers:
            found = self.task(number)
            assert found is not None, "INVARIANT: a number is that of a task"
            yield found

    def summary(self, year: int) -> PlanSummarised | None:
        """The last summary of a year."""
        found = None
        for one in self.summaries:
            if one.year == year:
                found = one
        return found

    @property
    def budget_fen(self) -> int:
        """What may be spent: the budget of the version in force."""
        return 0 if self.in_force is None else self.in_force.budget_fen

    def spent_on(self, measure: str) -> int:
        """What was spent on a measure, in fen, without what was withdrawn."""
        return sum(
            one.amount_fen
            for number, one in self.spent.items()
            if one.measure == measure and number not in self.withdrawn
        )

    @property
    def worked_on(self) -> date | None:
        """The last day on which anything is on record that was done for it."""
        spent = (one.on for key, one in self.spent.items() if key not in self.withdrawn)
        done = (task.done_on for task in self.all_tasks() if task.done_on is not None)
        heard = (one.on for one in self.feedback.values())
        reported = () if self.last_report is None else (self.last_report,)
        return max((*spent, *done, *heard, *reported), default=None)

    @property
    def last_day(self) -> date | None:
        """The last day of what is in force; that on which it was ended, or stopped, if it was."""
        if self.in_force is None:
            return None
        early = [one.on for one in (self.ended, self.stopped) if one is not None]
        return min([self.in_force.runs_to, *early])

    def is_over(self, day: date) -> bool:
        """Whether nothing is carried out any more on a day."""
        last = self.last_day
        return last is not None and (
            day > last or self.ended is not None or self.stopped is not None
        )

    def years(self) -> range:
        """The years in which it was in force, each of which is evaluated and summarised."""
        last = self.last_day
        if self.since is None or last is None:
            return range(0)
        return range(self.since.year, max(last, self.since).year + 1)

    def year_is_over_from(self, year: int) -> date:
        """The first day on which a year of the plan can be evaluated."""
        last, end = self.last_day, date(year, 12, 31)
        assert last is not None, "INVARIANT: a plan in force has a last day"
        if last > end:
            return end + _DAY
        early = self.ended is not None or self.stopped is not None
        return last if early else last + _DAY

    def stands(self, day: date) -> str:
        """Where the plan stands on a day that is not past: one of the words above."""
        if self.archived is not None:
            return ARCHIVED
        if self.in_force is not None:
            if self.stopped is not None:
                return STOPPED
            return OVER if self.is_over(day) else IN_FORCE
        if self.dropped:
            return DROPPED
        return self.pending_is or OPEN
