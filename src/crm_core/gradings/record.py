"""The run of record: which run of a year holds (GRD-17). It is derived, and stored nowhere.

The first timely run under the policy in force to be complete holds, until a director lets another
one take its place. Every other run is a trial.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from attrs import Factory

from crm_core.errors import DecisionMismatch
from crm_core.gradings.events import RunStarted
from crm_core.gradings.state import Year
from crm_core.kernel.dates import Period
from crm_core.kernel.values import frozen

OF_RECORD = "of_record"
TRIAL = "trial"


def is_timely(run: RunStarted) -> bool:
    """Whether it began after the year's end, under the policy in force, and saw all that was known.

    A fact that was in the log when it began, and was recorded by the year's end, and lies beyond
    its cut-off, makes it a look back with less than was known.
    """
    return (
        not run.trial
        and run.started_at >= run.year_ended
        and run.policy == run.in_force
        and run.unseen == 0
    )


def run_of_record(year: Year) -> str | None:
    """The run that holds; None where the year has none.

    The first timely one is the first to be complete: one that was interrupted holds back no other,
    and one that ends later puts nothing aside.

    Raises:
        DecisionMismatch: a run is complete that was never started.
    """
    if year.replaced:
        *_, last = year.replaced
        return last.run
    for run in year.completed:
        started = year.runs.get(run)
        if started is None:
            raise DecisionMismatch("run_never_started", run=run)
        if is_timely(started):
            return run
    return None


def standing_of(year: Year, run: str) -> str:
    """`of_record` or `trial`."""
    return OF_RECORD if run_of_record(year) == run else TRIAL


def trials(year: Year) -> tuple[str, ...]:
    """The complete runs that do not hold, in the order in which they began."""
    held = run_of_record(year)
    return tuple(run for run in year.runs if run in year.completed and run != held)


def under_way(year: Year, like: RunStarted) -> str | None:
    """A run that is not complete and was begun as this one, but for its cut-off (GRD-12).

    Who asks with the knowledge of an instant, asks for that and no other.
    """
    return next((run for run in _alike(year, like) if run not in year.completed), None)


def joined(year: Year, asked: RunStarted) -> str:
    """The run that whoever asked for one takes part in, once it was begun: theirs, or one like it
    that went on at that time.
    """
    if asked.run in year.runs:
        return asked.run
    going_on = under_way(year, asked)
    # It was going on when it was asked for, and has been completed since.
    return going_on or _alike(year, asked)[-1]


def _alike(year: Year, like: RunStarted) -> list[str]:
    if like.as_of:
        return []
    return [run for run, started in year.runs.items() if _pins(started) == _pins(like)]


def _pins(run: RunStarted) -> tuple[object, ...]:
    return run.as_of, run.trial, run.policy, run.credit_policy, run.reading


@frozen
class Records:
    """The runs of record of all years.

    Args:
        by_year: Those years that have one.
    """

    by_year: Mapping[int, str] = Factory(dict)

    def has_later(self, year: int, day: date) -> bool:
        """Whether a later year has one by a day: then what holds until then has expired (GRD-05).

        That of a year counts from its last day on, as its gradings do.
        """
        return any(one > year and Period.of_year(one).end <= day for one in self.by_year)
