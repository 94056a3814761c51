"""Where an aggregate lives and which commands it takes: what the facade needs to route."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import frozen

from crm_core.kernel.decider import Decider


@frozen
class Claim:
    """A name that only one stream may hold, taken in the same transaction (decision record 0012).

    Args:
        stream: The stream that stands for the name; it has one event, or none.
        event: The event that takes it.
    """

    stream: str
    event: Any


def _no_claims(_command: Any) -> tuple[Claim, ...]:
    return ()


@frozen
class Aggregate:
    """A decider, its commands and the identity of its streams.

    Args:
        decider: The logic; its name is the kind of stream.
        commands: The commands it takes.
        id_of: The id of the stream a command is for.
        household_of: The household a command concerns.
        needs_file: Whether the household's file must exist first.
        claims: Unique names a command takes.
    """

    decider: Decider[Any, Any, Any]
    commands: tuple[type, ...]
    id_of: Callable[[Any], str]
    household_of: Callable[[Any], str]
    needs_file: bool = True
    claims: Callable[[Any], tuple[Claim, ...]] = _no_claims

    def stream(self, identity: str) -> str:
        """The stream's name: `kind/id`."""
        return f"{self.decider.name}/{identity}"
