"""When a household may be told something, as policy data (OUT-01)."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta

from crm_core.kernel.dates import local_date, start_of_day, zone
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
from crm_core.messages.template import LANGUAGES

DEFAULT_MESSAGES = "messages-cn-default"

BASES = ("required", "opt_out", "opt_in")
"""Why a purpose may be pursued: the contract or the law asks for the notice and it cannot be
refused; it may until it is refused; or it may only after the person agreed (for advertising:
Advertising Law, art. 43)."""

WORK = "work"
"""The purpose of what staff are told; households are told things for all the others."""

_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_SECONDS_MAX = 30 * 86400
_HOURS_MAX = 366 * 24


@frozen
class Purpose:
    """What a message is for.

    Args:
        basis: One of `BASES`.
        valid_hours: How long after its cause it still makes sense to be told.
        quiet_hours: Whether it waits for the end of quiet hours.
        capped: Whether it waits for the next day when the household was told enough.
    """

    basis: str
    valid_hours: int
    quiet_hours: bool = True
    capped: bool = True


@frozen
class _QuietHours:
    start: str
    end: str


@frozen
class _Delivery:
    delays_seconds: tuple[int, ...]
    lease_seconds: int


@frozen
class _Contents:
    """The file of a message policy."""

    kind: str
    policy: Header
    channel: str
    channels: tuple[str, ...]
    language: str
    per_day: int
    quiet_hours: _QuietHours
    delivery: _Delivery
    purposes: dict[str, Purpose]


@define(frozen=True)
class MessagePolicy:
    """Quiet hours, cap, attempts and purposes.

    Args:
        channel: The channel used when none is asked for.
        language: The language used when none is asked for.
        per_day: Most messages to one household on one day of the estate's zone.
        quiet_from: Quiet hours begin at this time of day ...
        quiet_to: ... and this is the first time of day that is not quiet.
        delays: Waiting time before the second attempt, the third, and so on; one attempt more
            than there are delays.
        lease: How long one attempt may take before another may begin.
    """

    header: Header
    ref: PolicyRef
    channel: str
    channels: tuple[str, ...]
    language: str
    per_day: int
    quiet_from: time
    quiet_to: time
    delays: tuple[timedelta, ...]
    lease: timedelta
    purposes: dict[str, Purpose]

    @classmethod
    def parse(cls, text: str) -> MessagePolicy:
        """The policy in TOML text.

        Raises:
            PolicyFault: the text is not such a policy; all faults with their paths.
        """
        data = read_toml(text)
        contents = structure(data, _Contents)
        faults = _faults(contents)
        if faults:
            raise PolicyFault(faults)
        return cls(
            header=contents.policy,
            ref=PolicyRef(digest_of_table(data), contents.policy.name, contents.policy.version),
            channel=contents.channel,
            channels=contents.channels,
            language=contents.language,
            per_day=contents.per_day,
            quiet_from=time.fromisoformat(contents.quiet_hours.start),
            quiet_to=time.fromisoformat(contents.quiet_hours.end),
            delays=tuple(timedelta(seconds=s) for s in contents.delivery.delays_seconds),
            lease=timedelta(seconds=contents.delivery.lease_seconds),
            purposes=contents.purposes,
        )

    @property
    def attempts(self) -> int:
        """How often delivery is tried."""
        return len(self.delays) + 1

    def is_quiet(self, at: datetime, zone_name: str) -> bool:
        """Whether the clocks of the estate show a quiet hour."""
        now = at.astimezone(zone(zone_name)).time()
        if self.quiet_from < self.quiet_to:
            return self.quiet_from <= now < self.quiet_to
        return now >= self.quiet_from or now < self.quiet_to

    def open_from(self, at: datetime, purpose: str, zone_name: str) -> datetime:
        """The first instant from `at` on that is not quiet for the purpose."""
        if not self.purposes[purpose].quiet_hours or not self.is_quiet(at, zone_name):
            return at
        day = local_date(at, zone_name)
        # The hour before clocks go back comes twice, and the end of quiet hours may lie in it.
        ends = (
            datetime.combine(
                day + timedelta(days=later), self.quiet_to, tzinfo=zone(zone_name)
            ).replace(fold=fold)
            for later in (0, 1)
            for fold in (0, 1)
        )
        return next(
            end
            for end in (one.astimezone(at.tzinfo) for one in ends)
            if end > at and not self.is_quiet(end, zone_name)
        )

    def open_next_day(self, at: datetime, purpose: str, zone_name: str) -> datetime:
        """The first instant of the day after `at` that is not quiet for the purpose."""
        day = local_date(at, zone_name) + timedelta(days=1)
        return self.open_from(start_of_day(day, zone_name), purpose, zone_name)


def _faults(contents: _Contents) -> list[PathFault]:
    faults = []
    if contents.kind != "messages":
        faults.append(wrong("kind", "unknown_kind", kind=contents.kind, needed="messages"))
    if contents.channel not in contents.channels:
        faults.append(
            wrong("channel", "not_one_of", value=contents.channel, accepted=contents.channels)
        )
    if contents.language not in LANGUAGES:
        faults.append(wrong("language", "not_one_of", value=contents.language, accepted=LANGUAGES))
    if contents.per_day < 1:
        faults.append(wrong("per_day", "above_zero_expected"))
    hours = contents.quiet_hours
    faults.extend(
        wrong(f"quiet_hours.{name}", "time_form")
        for name, value in (("start", hours.start), ("end", hours.end))
        if _TIME.fullmatch(value) is None
    )
    if hours.start == hours.end:
        faults.append(wrong("quiet_hours", "always_quiet"))
    delivery = contents.delivery
    faults.extend(
        wrong(f"delivery.{name}", "seconds_expected", most=_SECONDS_MAX)
        for name, value in (
            ("lease_seconds", delivery.lease_seconds),
            *((f"delays_seconds[{n}]", delay) for n, delay in enumerate(delivery.delays_seconds)),
        )
        if not 1 <= value <= _SECONDS_MAX
    )
    if not contents.purposes:
        faults.append(wrong("purposes", "one_at_least_expected"))
    for name, purpose in contents.purposes.items():
        if purpose.basis not in BASES:
            faults.append(
                wrong(f"purposes.{name}.basis", "not_one_of", value=purpose.basis, accepted=BASES)
            )
        if not 1 <= purpose.valid_hours <= _HOURS_MAX:
            faults.append(wrong(f"purposes.{name}.valid_hours", "hours_wanted", most=_HOURS_MAX))
    return faults
