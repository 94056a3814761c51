"""Clocks and targets of requests as policy data (REQ-03, REQ-04, REQ-08)."""

from __future__ import annotations

from attrs import define, frozen

from crm_core.kernel.policy import Header, PolicyRef, digest_of_table, read_toml, structure

OTHER = "other"


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
            PolicyFault: the text is not such a policy.
        """
        data = read_toml(text)
        contents = structure(data, _Contents)
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
