"""Clocks and targets of requests as policy data (REQ-03, REQ-04, REQ-08)."""

from __future__ import annotations

from attrs import define, frozen

from crm_core.kernel.policy import (
    Header,
    PolicyFault,
    PolicyRef,
    digest_of_table,
    read_toml,
    structure,
)

OTHER = "other"

_MEASURED = (("close_seconds", ("general", "major")), ("promise_seconds", (OTHER,)))
"""What a policy must give a target for, so that every request can be held to one."""


@frozen
class Confirmation:
    """How long a customer is asked before a request closes as unconfirmed."""

    attempts: int
    days: int


@frozen
class _Contents:
    """The file of an SLA policy."""

    kind: str
    calendar: str
    policy: Header
    close_seconds: dict[str, int]
    promise_seconds: dict[str, int]
    confirmation: Confirmation


@define(frozen=True)
class SlaPolicy:
    """Targets in seconds of the 24x7 clock.

    Args:
        close_seconds: From receipt to done, by severity.
        promise_seconds: From receipt to a commitment, by channel; `other` for the rest.
    """

    header: Header
    ref: PolicyRef
    close_seconds: dict[str, int]
    promise_seconds: dict[str, int]
    confirmation: Confirmation

    @classmethod
    def parse(cls, text: str) -> SlaPolicy:
        """The policy in TOML text.

        Raises:
            PolicyFault: the text is not such a policy; all faults with their paths.
        """
        data = read_toml(text)
        contents = structure(data, _Contents)
        faults = _faults(contents)
        if faults:
            raise PolicyFault(faults)
        ref = PolicyRef(digest_of_table(data), contents.policy.name, contents.policy.version)
        return cls(
            contents.policy,
            ref,
            contents.close_seconds,
            contents.promise_seconds,
            contents.confirmation,
        )

    def targets(self, severity: str, channel: str) -> Targets:
        """What a request of that severity and channel is held to."""
        promise = self.promise_seconds
        return Targets(
            self.close_seconds[severity],
            self.confirmation.attempts,
            self.confirmation.days,
            promise.get(channel, promise[OTHER]),
        )


@frozen
class Targets:
    """The targets pinned on one request when it is received (REQ-14)."""

    close_seconds: int
    confirm_attempts: int
    confirm_days: int
    promise_seconds: int


def _faults(contents: _Contents) -> list[tuple[str, str]]:
    faults = [
        (what, f"`{value}` is not `{known}`")
        for what, value, known in (
            ("kind", contents.kind, "sla"),
            ("calendar", contents.calendar, "24x7"),
        )
        if value != known
    ]
    for name, needed in _MEASURED:
        seconds: dict[str, int] = getattr(contents, name)
        faults.extend((f"{name}.{one}", "is missing") for one in needed if one not in seconds)
        faults.extend(
            (f"{name}.{one}", "a number above zero is expected")
            for one, value in seconds.items()
            if value <= 0
        )
    for name in ("attempts", "days"):
        if getattr(contents.confirmation, name) <= 0:
            faults.append((f"confirmation.{name}", "a number above zero is expected"))
    return faults
