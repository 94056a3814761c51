"""How fast a leak is told, and to whom, as policy data (PRV-08; PIPL, art. 57).

Clocks run day and night from the instant of discovery, to the minute.
"""

from __future__ import annotations

from datetime import datetime, timedelta

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

KIND = "leaks"
DEFAULT_LEAKS = "leaks-cn-default"

INTERNAL, AUTHORITY, PERSONS = "internal", "authority", "persons"

DUTIES = (INTERNAL, AUTHORITY, PERSONS)
"""Who is told of a leak: who answers for it in the company, the authority, the persons."""

SEVERITIES = ("general", "serious", "grave", "extreme")
"""How bad it is, as the measures on reporting of 1 November 2025 have it: 一般, 较大, 重大,
特别重大."""

_MINUTES_MAX = 366 * 24 * 60


@frozen
class _Clock:
    duty: str
    minutes: int
    severities: tuple[str, ...]


@frozen
class _Contents:
    """The file of a policy of leaks."""

    kind: str
    policy: Header
    warn_percents: tuple[int, ...]
    ordered_minutes: int
    clocks: tuple[_Clock, ...]


@frozen
class DutyClock:
    """By when somebody is told.

    Args:
        due_at: Still in time at that very instant.
        duty: One of `DUTIES`.
        started_at: From when it runs.
        warned_percents: At which shares of its time it is warned of, rising ...
        warns_at: ... and when each of them is reached.
    """

    due_at: datetime
    duty: str
    started_at: datetime
    warned_percents: tuple[int, ...]
    warns_at: tuple[datetime, ...]


@define(frozen=True)
class LeaksPolicy:
    """The clocks of leaks.

    Args:
        header: Identity and approval.
        ref: Name, version and digest.
        minutes: By (duty, severity); what is not named has no clock.
        ordered_minutes: How long there is to tell persons once the authority orders it, where it
            sets no time of its own.
        warn_percents: At which shares of its time a clock is warned of.
    """

    header: Header
    ref: PolicyRef
    minutes: dict[tuple[str, str], int]
    ordered_minutes: int
    warn_percents: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> LeaksPolicy:
        """The policy in TOML text.

        Raises:
            PolicyFault: the text is not such a policy; all faults with their paths.
        """
        data = read_toml(text)
        contents = structure(data, _Contents)
        faults = _faults(contents)
        if faults:
            raise PolicyFault(faults)
        header = contents.policy
        return cls(
            header=header,
            ref=PolicyRef(digest_of_table(data), header.name, header.version),
            minutes={(c.duty, s): c.minutes for c in contents.clocks for s in c.severities},
            ordered_minutes=contents.ordered_minutes,
            warn_percents=contents.warn_percents,
        )

    def clocks(self, severity: str, discovered_at: datetime) -> tuple[DutyClock, ...]:
        """The clocks of a leak of that severity, in the order of `DUTIES`."""
        return tuple(
            self.clock(duty, discovered_at, discovered_at + timedelta(minutes=minutes))
            for duty in DUTIES
            if (minutes := self.minutes.get((duty, severity))) is not None
        )

    def ordered_by(self, ordered_at: datetime) -> datetime:
        """By when persons are told once the authority orders it and sets no time of its own."""
        return ordered_at + timedelta(minutes=self.ordered_minutes)

    def clock(self, duty: str, started_at: datetime, due_at: datetime) -> DutyClock:
        """One clock between two instants, warned of at whole minutes."""
        whole = (due_at - started_at) // timedelta(minutes=1)
        warns = {
            percent: started_at + timedelta(minutes=whole * percent // 100)
            for percent in self.warn_percents
        }
        ahead = {percent: at for percent, at in warns.items() if started_at < at < due_at}
        return DutyClock(
            due_at=due_at,
            duty=duty,
            started_at=started_at,
            warned_percents=tuple(ahead),
            warns_at=tuple(ahead.values()),
        )


def _faults(contents: _Contents) -> list[PathFault]:
    faults = []
    if contents.kind != KIND:
        faults.append(wrong("kind", "unknown_kind", kind=contents.kind, needed=KIND))
    named: set[tuple[str, str]] = set()
    for n, clock in enumerate(contents.clocks):
        path = f"clocks[{n}]"
        if clock.duty not in DUTIES:
            faults.append(wrong(f"{path}.duty", "not_one_of", value=clock.duty, accepted=DUTIES))
        if not 1 <= clock.minutes <= _MINUTES_MAX:
            faults.append(wrong(f"{path}.minutes", "minutes_wanted", most=_MINUTES_MAX))
        for severity in clock.severities:
            if severity not in SEVERITIES:
                faults.append(
                    wrong(f"{path}.severities", "not_one_of", value=severity, accepted=SEVERITIES)
                )
            if (clock.duty, severity) in named:
                faults.append(wrong(f"{path}.severities", "clock_twice", severity=severity))
            named.add((clock.duty, severity))
    if not 1 <= contents.ordered_minutes <= _MINUTES_MAX:
        faults.append(wrong("ordered_minutes", "minutes_wanted", most=_MINUTES_MAX))
    warn = contents.warn_percents
    if list(warn) != sorted({percent for percent in warn if 0 < percent < 100}):
        faults.append(wrong("warn_percents", "percents_expected"))
    missing = [
        severity
        for severity in SEVERITIES
        if not {(AUTHORITY, severity), (PERSONS, severity)} <= named
    ]
    faults.extend(wrong("clocks", "severity_without_clock", severity=s) for s in missing)
    return faults
