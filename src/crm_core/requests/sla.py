"""Clocks and targets of requests as policy data (REQ-02 to REQ-13).

A policy is complete in itself: the hours of its clocks stand in its own file, and its digest covers
them (decision record 0031).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from attrs import evolve, field

from crm_core.kernel.calendar_files import working_calendar
from crm_core.kernel.calendars import ALWAYS, WorkingCalendar
from crm_core.kernel.policy import (
    Header,
    PathFault,
    PolicyFault,
    PolicyRef,
    by_path,
    digest_of_table,
    read_toml,
    structure,
    wrong,
)
from crm_core.kernel.public_holidays import HolidayNotice
from crm_core.kernel.values import define, frozen

DEFAULT_SLA = "sla-cn-default"

OTHER = "other"

FURTHEST_WEEKS = 5200
"""A hundred years: no target, counted in weeks of its calendar, lies further ahead."""

FURTHEST_DAYS = 36_500

ROUND_THE_CLOCK = "24x7"

CLOCKS = ("apology", "arrival", "closing", "confirmation", "progress", "promise")
"""Clocks that a policy gives a calendar; what is agreed runs as agreed, day and night."""

_MEASURED = (
    ("arrival_seconds", ("general", "major")),
    ("close_seconds", ("general", "major")),
    ("promise_seconds", (OTHER,)),
)
"""What a policy must give a target for, so that every request can be held to one."""


@frozen
class Answer:
    """How soon the phone is answered (REQ-02)."""

    rings: int


@frozen
class Apology:
    """How soon an apology is due after a promise was broken (REQ-09)."""

    seconds: int


@frozen
class Confirmation:
    """How long a customer is asked before a request closes as unconfirmed (REQ-08)."""

    attempts: int
    days: int


@frozen
class EarlyWarning:
    """When more than usual is a warning (REQ-19).

    Args:
        window_days: Days that are looked at together.
        usual_windows: How many such windows before them say what is usual.
        percent: Of the usual level; what lies above it is a warning.
        at_least: But fewer events than these never are.
    """

    window_days: int
    usual_windows: int
    percent: int
    at_least: int


@frozen
class Escalation:
    """When whom is told that a clock runs out, in percent of its target (REQ-13).

    Args:
        warn_percents: Warnings before the target has passed.
        roles: Who is told of the breach at 100 %, and who after each further step.
        step_percent: How far the steps lie apart.
    """

    warn_percents: tuple[int, ...]
    roles: tuple[str, ...]
    step_percent: int


@frozen
class Progress:
    """The longest silence towards the customer (REQ-07).

    Args:
        percent: Of what is left of the closing target.
        seconds_max: But never longer than this.
        seconds_min: Nor shorter than this.
    """

    percent: int
    seconds_max: int
    seconds_min: int


@frozen
class PauseReasons:
    """What stops the clocks, by the side it lies on; nothing else does (REQ-12)."""

    customer: tuple[str, ...]
    third_party: tuple[str, ...]


@frozen
class _Contents:
    """The file of an SLA policy."""

    kind: str
    policy: Header
    calendars: dict[str, str]
    answer: Answer
    apology: Apology
    arrival_seconds: dict[str, int]
    close_seconds: dict[str, int]
    confirmation: Confirmation
    early_warning: EarlyWarning
    escalation: Escalation
    pauses: PauseReasons
    progress: Progress
    promise_seconds: dict[str, int]
    hours: dict[str, dict[str, Any]] = field(factory=dict)


@define(frozen=True)
class SlaPolicy:
    """Clocks of the service centre: what each runs on, and how long it may run.

    Args:
        calendars: Calendar of each clock, by the clock's name.
        arrival_seconds: From an accepted promise or an order to arrival on site, by severity.
        close_seconds: From receipt to done, by severity.
        promise_seconds: From receipt to a commitment, by channel; `other` for the rest.
        notices: The official notices that its calendars go by, if it was laid `under` any.
    """

    header: Header
    ref: PolicyRef
    calendars: dict[str, WorkingCalendar]
    answer: Answer
    apology: Apology
    arrival_seconds: dict[str, int]
    close_seconds: dict[str, int]
    confirmation: Confirmation
    early_warning: EarlyWarning
    escalation: Escalation
    pauses: PauseReasons
    progress: Progress
    promise_seconds: dict[str, int]
    steps: tuple[tuple[str, int], ...]
    notices: tuple[HolidayNotice, ...] = ()

    @classmethod
    def parse(cls, text: str) -> SlaPolicy:
        """The policy in TOML text.

        Its calendars have no official notices: every year in which one is needed is provisional
        until the policy is laid `under` those that a request counts by (REQ-11).

        Raises:
            PolicyFault: the text is not such a policy; all faults with their paths.
        """
        data = read_toml(text)
        contents = structure(data, _Contents)
        calendars, faults = _calendars(contents)
        faults.extend(_faults(contents))
        faults.extend(_too_far(contents, calendars))
        if faults:
            raise PolicyFault(sorted(faults, key=by_path))
        ref = PolicyRef(digest_of_table(data), contents.policy.name, contents.policy.version)
        return cls(
            header=contents.policy,
            ref=ref,
            calendars=calendars,
            answer=contents.answer,
            apology=contents.apology,
            arrival_seconds=contents.arrival_seconds,
            close_seconds=contents.close_seconds,
            confirmation=contents.confirmation,
            early_warning=contents.early_warning,
            escalation=contents.escalation,
            pauses=contents.pauses,
            progress=contents.progress,
            promise_seconds=contents.promise_seconds,
            steps=_steps(contents.escalation),
        )

    @property
    def countries(self) -> frozenset[str]:
        """The countries whose public holidays its calendars keep."""
        kept = (calendar.public for calendar in self.calendars.values())
        return frozenset(public.country for public in kept if public is not None)

    def under(self, notices: Iterable[HolidayNotice]) -> SlaPolicy:
        """The same policy, its calendars by these official notices."""
        countries = self.countries
        counting = tuple(notice for notice in notices if notice.country in countries)
        if not counting and not self.notices:
            return self
        calendars = {clock: calendar.under(counting) for clock, calendar in self.calendars.items()}
        return evolve(self, calendars=calendars, notices=counting)

    def targets(self, severity: str, channel: str) -> Targets:
        """What a request of that severity and channel is held to."""
        promise = self.promise_seconds
        return Targets(
            answer_rings=self.answer.rings,
            apology_seconds=self.apology.seconds,
            arrival_seconds=self.arrival_seconds[severity],
            close_seconds=self.close_seconds[severity],
            confirm_attempts=self.confirmation.attempts,
            confirm_days=self.confirmation.days,
            promise_seconds=promise.get(channel, promise[OTHER]),
        )

    def side(self, reason: str) -> str | None:
        """On whose side a reason to pause lies; None if it is none."""
        if reason in self.pauses.customer:
            return "customer"
        return "third_party" if reason in self.pauses.third_party else None


@frozen
class Targets:
    """The targets pinned on one request when it is received (REQ-14)."""

    answer_rings: int
    apology_seconds: int
    arrival_seconds: int
    close_seconds: int
    confirm_attempts: int
    confirm_days: int
    promise_seconds: int


BREACH = "breach"


def _steps(escalation: Escalation) -> tuple[tuple[str, int], ...]:
    """What falls due while a clock runs, with the percent of its target, in order."""
    warnings = [(f"warn_{percent}", percent) for percent in escalation.warn_percents]
    later = [100 + n * escalation.step_percent for n in range(1, len(escalation.roles))]
    return (*warnings, (BREACH, 100), *((f"escalate_{percent}", percent) for percent in later))


def _calendars(
    contents: _Contents,
) -> tuple[dict[str, WorkingCalendar], list[PathFault]]:
    """The calendar of each clock: names are resolved here, and no verdict depends on them."""
    named = contents.calendars
    faults = [wrong(f"calendars.{clock}", "missing") for clock in CLOCKS if clock not in named]
    known = {ROUND_THE_CLOCK: ALWAYS}
    for name, table in contents.hours.items():
        if name in known:
            faults.append(wrong(f"hours.{name}", "day_and_night"))
            continue
        try:
            known[name] = working_calendar({"name": name, **table}, notices=())
        except PolicyFault as error:
            faults += [(f"hours.{name}.{path}", what) for path, what in error.faults]
    found = {}
    for clock, name in named.items():
        if clock not in CLOCKS:
            faults.append(wrong(f"calendars.{clock}", "clock_unknown", accepted=CLOCKS))
        elif name in known:
            found[clock] = known[name]
        elif name not in contents.hours:
            faults.append(wrong(f"calendars.{clock}", "hours_unknown", hours=name))
    return found, faults


def _too_far(contents: _Contents, calendars: dict[str, WorkingCalendar]) -> Iterable[PathFault]:
    """Targets so far ahead that no calendar answers for them."""
    last = _steps(contents.escalation)[-1][1] if contents.escalation.roles else 100
    targets = [
        *(("arrival", f"arrival_seconds.{s}", n) for s, n in contents.arrival_seconds.items()),
        *(("closing", f"close_seconds.{s}", n) for s, n in contents.close_seconds.items()),
        *(("promise", f"promise_seconds.{c}", n) for c, n in contents.promise_seconds.items()),
        ("apology", "apology.seconds", contents.apology.seconds),
        ("progress", "progress.seconds_max", contents.progress.seconds_max),
    ]
    for clock, path, seconds in targets:
        if (
            clock in calendars
            and seconds * last > calendars[clock].week_seconds * 100 * FURTHEST_WEEKS
        ):
            yield wrong(path, "too_far_ahead")
    if contents.confirmation.days > FURTHEST_DAYS:
        yield wrong("confirmation.days", "too_far_ahead")


def _faults(contents: _Contents) -> list[PathFault]:
    faults = []
    if contents.kind != "sla":
        faults.append(wrong("kind", "unknown_kind", kind=contents.kind, needed="sla"))
    for name, needed in _MEASURED:
        seconds: dict[str, int] = getattr(contents, name)
        faults.extend(wrong(f"{name}.{one}", "missing") for one in needed if one not in seconds)
        faults.extend(
            wrong(f"{name}.{one}", "above_zero_expected")
            for one, value in seconds.items()
            if value <= 0
        )
    above_zero: tuple[tuple[str, Any, tuple[str, ...]], ...] = (
        ("answer", contents.answer, ("rings",)),
        ("apology", contents.apology, ("seconds",)),
        ("confirmation", contents.confirmation, ("attempts", "days")),
        (
            "early_warning",
            contents.early_warning,
            ("window_days", "usual_windows", "percent", "at_least"),
        ),
        ("escalation", contents.escalation, ("step_percent",)),
        ("progress", contents.progress, ("percent", "seconds_max", "seconds_min")),
    )
    for name, table, fields in above_zero:
        faults.extend(
            wrong(f"{name}.{field}", "above_zero_expected")
            for field in fields
            if getattr(table, field) <= 0
        )
    warn = contents.escalation.warn_percents
    if list(warn) != sorted({percent for percent in warn if 0 < percent < 100}):
        faults.append(wrong("escalation.warn_percents", "percents_expected"))
    if not contents.escalation.roles:
        faults.append(wrong("escalation.roles", "nobody_told"))
    return faults
