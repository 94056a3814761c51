"""Which official notices a request counts by, and where it counted without one (REQ-11).

A year whose notice is not at hand is counted by the regular week, and what was counted in it is
provisional. Nothing is refused for want of a notice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta

from crm_core.kernel.public_holidays import HolidayNotice
from crm_core.kernel.values import frozen
from crm_core.requests.sla import SlaPolicy
from crm_core.requests.state import Request, notices_at
from crm_core.requests.verdicts import Pinned, calendar_counted, verdict_of

WARNED_AHEAD = timedelta(days=60)
"""How long before a year begins its notice must be at hand (REQ-11)."""


# --- which notices count -------------------------------------------------------------------------


def counting(
    in_force: Iterable[HolidayNotice], policies: Iterable[SlaPolicy], received_at: datetime
) -> tuple[HolidayNotice, ...]:
    """Of the notices in force those that a request received then can ever count by.

    They are those of its year and later, as far as the policies keep public holidays at all. What
    was received in the first hours of a year may fall into a shift of the year before.
    """
    first = (received_at - timedelta(days=2)).year
    countries = {country for policy in policies for country in policy.countries}
    return tuple(n for n in in_force if n.country in countries and n.year >= first)


def ought_to_count(
    pinned: Iterable[HolidayNotice], in_force: Iterable[HolidayNotice]
) -> tuple[HolidayNotice, ...]:
    """The notices that a request ought to count by now.

    One that it pins stays until another for the same year is in force: a host that has lost a file
    takes no knowledge away from a request.
    """
    found = {(n.country, n.year): n for n in pinned}
    found |= {(n.country, n.year): n for n in in_force}
    return tuple(found[key] for key in sorted(found))


def years_without(country: str, in_force: Iterable[HolidayNotice], today: date) -> tuple[int, ...]:
    """The years that need a notice by now and have none.

    They are this year, the next one from 60 days before it begins, and all since the first notice:
    what was open in them may be open still.
    """
    there = {notice.year for notice in in_force if notice.country == country}
    first = min((*there, today.year))
    last = (today + WARNED_AHEAD).year
    return tuple(year for year in range(first, last + 1) if year not in there)


# --- what would be different now -----------------------------------------------------------------


@frozen
class Provisional:
    """A verdict over a year whose notice was not at hand (REQ-11).

    Args:
        years: The years that were counted without one.
        kept: The verdict as it stands.
        late_seconds: Seconds over, or to spare, as it stands.
        would_be_due_at: When it would have been due by the notices in force now.
        would_be_kept: What the verdict would be by them.
        still: The years that are without a notice now.
    """

    request: str
    household: str
    clock: str
    years: tuple[int, ...]
    due_at: datetime
    kept: bool | None
    late_seconds: int
    would_be_due_at: datetime
    would_be_kept: bool | None
    would_be_late_seconds: int
    still: tuple[int, ...]

    @property
    def differs(self) -> bool:
        """Whether the notices in force would decide otherwise, or by another measure."""
        return (self.due_at, self.kept) != (self.would_be_due_at, self.would_be_kept)


def provisional(
    state: Request, pinned: Pinned, in_force: Iterable[HolidayNotice]
) -> Iterator[Provisional]:
    """The provisional verdicts of clocks that have stopped, with what they would be now."""
    notices = tuple(in_force)
    for clock in state.clocks():
        if clock.stopped_at is None:
            continue
        at = clock.stopped_at
        calendar = calendar_counted(clock, state, pinned)
        verdict = verdict_of(clock, at, state, at, calendar)
        if not verdict.provisional:
            continue
        policy = pinned(clock.policy, notices_at(state, clock.set.started_at))
        counts = ought_to_count(policy.notices, counting(notices, (policy,), state.received_at))
        then = verdict_of(clock, at, state, at, calendar.under(counts))
        yield Provisional(
            request=state.request,
            household=state.household,
            clock=clock.name,
            years=verdict.provisional,
            due_at=verdict.due_at,
            kept=verdict.kept,
            late_seconds=verdict.late_seconds,
            would_be_due_at=then.due_at,
            would_be_kept=then.kept,
            would_be_late_seconds=then.late_seconds,
            still=then.provisional,
        )
