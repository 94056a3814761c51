"""Where an aggregate lives and which commands it takes: what the facade needs to route."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from crm_core.kernel.authority import Own
from crm_core.kernel.decider import Decider
from crm_core.kernel.values import frozen


@frozen
class Claim:
    """A name that only one stream may hold, taken in the same transaction (decision record 0012).

    Args:
        stream: The stream that stands for the name; its last event says whose it is, if anybody's.
        event: The event that takes it, or gives it free.
    """

    stream: str
    event: Any


@frozen
class Beside:
    """An event of another stream that stands or falls with what was decided: one transaction.

    That stream must not have moved on since the command's look-up read it, or all is decided anew.

    Args:
        aggregate: Whose stream it is.
        identity: Which of them.
    """

    aggregate: Aggregate
    identity: str
    event: Any

    @property
    def stream(self) -> str:
        """The stream's name."""
        return self.aggregate.stream(self.identity)


def _no_claims(_command: Any) -> tuple[Claim, ...]:
    return ()


def _nothing_beside(_command: Any, _decided: tuple[Any, ...]) -> tuple[Beside, ...]:
    return ()


def _nobody_asked(_state: Any) -> tuple[str, ...]:
    return ()


def _nobodys(_command: Any, _state: Any) -> Own | None:
    return None


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
        own: Whose own matter a command decides, given the state; None for one that decides nothing
            which needs a second person (LOG-08).
        inside: Commands that the library alone gives, because what they say is computed or follows
            from something recorded.
        asked: Which members asked for it, as far as it is known: what is written about it is
            about them (PRV-02).
        void_too: Whether a file that is void is one as well: what was told of its people is still
            there.
        closed_by_merge: Commands that a file takes no more once it was merged into another one.
        beside: What stands in other streams of the slice with what was decided.
    """

    decider: Decider[Any, Any, Any]
    commands: tuple[type, ...]
    id_of: Callable[[Any], str]
    household_of: Callable[[Any], str]
    needs_file: bool = True
    claims: Callable[[Any], tuple[Claim, ...]] = _no_claims
    own: Callable[[Any, Any], Own | None] = _nobodys
    inside: frozenset[type] = frozenset()
    void_too: bool = False
    closed_by_merge: frozenset[type] = frozenset()
    beside: Callable[[Any, tuple[Any, ...]], tuple[Beside, ...]] = _nothing_beside
    asked: Callable[[Any], tuple[str, ...]] = _nobody_asked

    def stream(self, identity: str) -> str:
        """The stream's name: `kind/id`."""
        return f"{self.decider.name}/{identity}"
