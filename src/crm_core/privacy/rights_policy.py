"""What persons may ask about their data, and by when it is answered, as policy data (PRV-09).

Days are working days of the calendar; an answer is in time until its last one is over.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from crm_core.kernel.calendar_files import working_calendar
from crm_core.kernel.calendars import WorkingCalendar
from crm_core.kernel.dates import local_date, start_of_day
from crm_core.kernel.policy import (
    Header,
    PathFault,
    PolicyFault,
    PolicyRef,
    digest_of_table,
    read_toml,
    structure,
    wrong,
)
from crm_core.kernel.values import define, frozen

KIND = "rights"
DEFAULT_RIGHTS = "rights-cn-default"

KNOW, COPY, CORRECT, DELETE = "know", "copy", "correct", "delete"
OBJECT, EXPLAIN, PORT = "object", "explain", "port"

KINDS = (KNOW, COPY, CORRECT, DELETE, OBJECT, EXPLAIN, PORT)
"""What can be asked: to know what is kept and to have a copy (PIPL, art. 44, 45), to have it
corrected (46), deleted (47), to object to a use (24, 44), to be told why (24, 48), and to have it
moved elsewhere (45)."""

OF_THE_DEAD = (KNOW, COPY, CORRECT, DELETE)
"""What close relatives of a person who has died may ask (PIPL, art. 49)."""

GROUNDS = (
    "identity_unproved",
    "law_requires",
    "legal_hold",
    "rights_of_others",
    "nothing_kept",
    "manifestly_unfounded",
)
"""Why a right may be refused; the reason stands beside it in words."""

_DAYS_MAX = 366
_DAY = timedelta(days=1)


@frozen
class Term:
    """How long an answer may take.

    Args:
        days: Working days behind the day on which it was asked.
        extension_days: By how many of them it may be put off, once.
    """

    days: int
    extension_days: int


@frozen
class _Contents:
    """The file of a policy of rights."""

    kind: str
    policy: Header
    calendar: dict[str, Any]
    warn_days: tuple[int, ...]
    terms: dict[str, Term]


@frozen
class Deadline:
    """By when a case is answered.

    Args:
        due_at: The instant at which its last day is over; in time before it.
        last_day: The last working day of its term.
        warns_at: When it is warned of, the earliest first.
    """

    due_at: datetime
    last_day: date
    warns_at: tuple[datetime, ...]


@define(frozen=True)
class RightsPolicy:
    """Terms of the rights of persons.

    Args:
        header: Identity and approval.
        ref: Name, version and digest.
        calendar: Its working days.
        warn_days: So many working days before its last day a case is warned of, falling.
        terms: By kind of right.
    """

    header: Header
    ref: PolicyRef
    calendar: WorkingCalendar
    warn_days: tuple[int, ...]
    terms: dict[str, Term]

    @classmethod
    def parse(cls, text: str) -> RightsPolicy:
        """The policy in TOML text.

        Raises:
            PolicyFault: the text is not such a policy; all faults with their paths.
        """
        data = read_toml(text)
        contents = structure(data, _Contents)
        faults = _faults(contents)
        calendar = None
        try:
            calendar = working_calendar({"name": "office", **contents.calendar}, "calendar")
        except PolicyFault as error:
            faults += error.faults
        if faults or calendar is None:
            raise PolicyFault(faults)
        header = contents.policy
        return cls(
            header=header,
            ref=PolicyRef(digest_of_table(data), header.name, header.version),
            calendar=calendar,
            warn_days=contents.warn_days,
            terms=contents.terms,
        )

    def deadline(self, after: date, days: int) -> Deadline:
        """The deadline so many working days behind a day, which does not count itself."""
        last = self._working_day(after, days)
        ahead = [self._working_day(last, -before) for before in self.warn_days]
        zone = self.calendar.zone
        return Deadline(
            due_at=start_of_day(last + _DAY, zone),
            last_day=last,
            warns_at=tuple(start_of_day(day, zone) for day in ahead if day > after),
        )

    def _working_day(self, day: date, number: int) -> date:
        """The working day so many behind a day, or before it."""
        step, left = (_DAY if number > 0 else -_DAY), abs(number)
        while left:
            day += step
            left -= bool(self.calendar.hours(day))
        return day

    def day(self, at: datetime) -> date:
        """The day on which an instant falls, in the calendar's zone."""
        return local_date(at, self.calendar.zone)


def _faults(contents: _Contents) -> list[PathFault]:
    faults = []
    if contents.kind != KIND:
        faults.append(wrong("kind", "unknown_kind", kind=contents.kind, needed=KIND))
    faults.extend(wrong(f"terms.{kind}", "missing") for kind in KINDS if kind not in contents.terms)
    for kind, term in contents.terms.items():
        if kind not in KINDS:
            faults.append(wrong(f"terms.{kind}", "not_one_of", value=kind, accepted=KINDS))
        if not 1 <= term.days <= _DAYS_MAX or not 0 <= term.extension_days <= _DAYS_MAX:
            faults.append(wrong(f"terms.{kind}", "days_wanted", most=_DAYS_MAX))
    warn = contents.warn_days
    if list(warn) != sorted({days for days in warn if 0 < days <= _DAYS_MAX}, reverse=True):
        faults.append(wrong("warn_days", "falling_days_expected"))
    return faults
