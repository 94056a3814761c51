"""What the clock has found about the official notices of a country (REQ-11).

Which of them open requests have been made to count by, and for which years one is missing: each of
it is recorded once, whoever looks.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from attrs import evolve

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.catalog import EventType
from crm_core.kernel.commands import looked_up
from crm_core.kernel.dates import local_date
from crm_core.kernel.decider import Decider, Decision, by_command, by_event
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.public_holidays import HolidayNotice, in_force
from crm_core.kernel.slice import LookUp, Sight
from crm_core.kernel.values import define, frozen
from crm_core.requests.calendars import years_without

# --- commands ------------------------------------------------------------------------------------


@frozen
class LookForNotices:
    """Warn of the years that need a notice by now and have none."""

    country: str
    at: datetime
    missing: tuple[int, ...] = looked_up()


@frozen
class TakeUpNotices:
    """Say that all open requests count by the notices in force at an instant."""

    country: str
    at: datetime
    notices: tuple[PolicyRef, ...] = looked_up()


# --- events --------------------------------------------------------------------------------------


@frozen
class NoticeMissing:
    """A year needs an official notice and has none: from its first day on it is provisional."""

    country: str
    year: int
    begins: date
    warned_at: datetime


@frozen
class NoticesTakenUp:
    """Notices that were not in force before: all requests that were open count by them now."""

    country: str
    notices: tuple[PolicyRef, ...]
    taken_up_at: datetime


EVENTS = (
    EventType("requests.notice_missing", 1, NoticeMissing),
    EventType("requests.notices_taken_up", 1, NoticesTakenUp),
)


# --- state and decisions -------------------------------------------------------------------------


@define
class Holidays:
    """The notices of a country.

    Args:
        taken_up: Those that all open requests count by.
        warned: Years that were warned of.
    """

    taken_up: frozenset[PolicyRef] = frozenset()
    warned: frozenset[int] = frozenset()

    def new(self, notices: tuple[PolicyRef, ...]) -> tuple[PolicyRef, ...]:
        """Those among the notices that have not been taken up."""
        return tuple(notice for notice in notices if notice not in self.taken_up)


def _look(command: LookForNotices, state: Holidays) -> Decision:
    return tuple(
        NoticeMissing(command.country, year, date(year, 1, 1), command.at)
        for year in command.missing
        if year not in state.warned
    )


def _take_up(command: TakeUpNotices, state: Holidays) -> Decision:
    new = state.new(command.notices)
    return (NoticesTakenUp(command.country, new, command.at),) if new else ()


def _warned(state: Holidays, e: NoticeMissing) -> Holidays:
    return Holidays(state.taken_up, state.warned | {e.year})


def _taken_up(state: Holidays, e: NoticesTakenUp) -> Holidays:
    return Holidays(state.taken_up | {*e.notices}, state.warned)


_DECIDE: dict[type, Callable[[Any, Holidays], Decision]] = {
    LookForNotices: _look,
    TakeUpNotices: _take_up,
}

HOLIDAYS = Aggregate(
    Decider(
        "holidays",
        Holidays(),
        by_command(_DECIDE),
        by_event({NoticeMissing: _warned, NoticesTakenUp: _taken_up}),
    ),
    tuple(_DECIDE),
    lambda command: command.country,
    lambda command: "",
    needs_file=False,
    inside=frozenset(_DECIDE),
)


# --- look-ups ------------------------------------------------------------------------------------


def _of_country(command: Any, sight: Sight) -> tuple[HolidayNotice, ...]:
    day = local_date(command.at, sight.zone)
    known = in_force(sight.every(HolidayNotice), day)
    return tuple(notice for notice in known if notice.country == command.country)


def _with_missing(command: LookForNotices, _state: Any, sight: Sight) -> LookForNotices:
    known, day = _of_country(command, sight), local_date(command.at, sight.zone)
    return evolve(command, missing=years_without(command.country, known, day))


def _with_notices(command: TakeUpNotices, _state: Any, sight: Sight) -> TakeUpNotices:
    notices = tuple(notice.ref for notice in _of_country(command, sight))
    return evolve(command, notices=notices)


LOOK_UPS: dict[type, LookUp] = {LookForNotices: _with_missing, TakeUpNotices: _with_notices}
