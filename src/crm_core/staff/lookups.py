"""What commands about staff must be told to be decided where it stands in the slice (LOG-08)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

import attrs

from crm_core.kernel.dates import local_date, start_of_day
from crm_core.kernel.slice import LookUp, Sight
from crm_core.staff.awards import GrantAward
from crm_core.staff.duty import PlanCover, ReportGaps
from crm_core.staff.policy import DEFAULT_AWARD, AwardPolicy
from crm_core.staff.register import REGISTER, WHOLE, Register
from crm_core.staff.sanctions import ProposeSanction
from crm_core.staff.undertakings import RecordTraining, RecordUndertaking

_DAY = timedelta(days=1)


def strangers(named: Iterable[str], on: date, sight: Sight) -> tuple[str, ...]:
    """Those of the named who are not on the staff on a day, where there is a register of it."""
    register: Register = sight.state(REGISTER, WHOLE)
    if not register.in_force(on):
        return ()
    return tuple(staff for staff in named if not register.employs(staff, on))


def gone(register: Register, zone: str) -> dict[str, datetime]:
    """Since when who is on the staff no more: the instant behind the last day of the last role."""
    last: dict[str, datetime] = {}
    for staff in {period.staff for period in register.periods}:
        ends = [period.until for period in register.of(staff)]
        known = [until for until in ends if until is not None]
        if len(known) == len(ends):
            last[staff] = start_of_day(max(known) + _DAY, zone)
    return last


def _with_stranger(command: PlanCover, _state: Any, sight: Sight) -> PlanCover:
    day = local_date(command.start, sight.zone)
    return attrs.evolve(command, stranger=bool(strangers((command.staff,), day, sight)))


def _of_staff(
    command: ProposeSanction | RecordTraining | RecordUndertaking, _state: Any, sight: Sight
) -> Any:
    stranger = bool(strangers((command.staff,), sight.present_day, sight))
    return attrs.evolve(command, stranger=stranger)


def _with_left(command: ReportGaps, _state: Any, sight: Sight) -> ReportGaps:
    left = gone(sight.state(REGISTER, WHOLE), sight.zone)
    return attrs.evolve(command, known_at=sight.at, left=tuple(sorted(left.items())))


def _with_caps(command: GrantAward, _state: Any, sight: Sight) -> GrantAward:
    """The caps of the day on which it is granted, whatever day it is said to be for."""
    policy = sight.policy(AwardPolicy, DEFAULT_AWARD, sight.present_day)
    return attrs.evolve(command, policy=policy)


LOOK_UPS: dict[type, LookUp] = {
    GrantAward: _with_caps,
    PlanCover: _with_stranger,
    ProposeSanction: _of_staff,
    RecordTraining: _of_staff,
    RecordUndertaking: _of_staff,
    ReportGaps: _with_left,
}
