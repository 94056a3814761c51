"""What the core asks of the program it runs in: patience between attempts, and somebody to watch.

Neither changes what is decided. `crm_adapters.hosting` and `crm_adapters.telemetry` have adapters.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from crm_core.errors import CrmError, Invalid, NotDelivered, Refused
from crm_core.kernel.values import frozen

Attribute = str | int | float | bool
"""A value of an attribute: a word, a number or a truth; never anything that people wrote."""


class Patience(Protocol):
    """How often something is tried again where another writer was first, and how long apart."""

    @property
    def tries(self) -> int:
        """How often it is tried in all; at least once."""
        ...

    def wait(self, tried: int) -> None:
        """Wait before the next attempt.

        Args:
            tried: How often it was tried so far.
        """
        ...


@frozen
class AtOnce:
    """Patience that never waits."""

    tries: int = 8

    def wait(self, tried: int) -> None:
        """Go on at once."""


class Span(Protocol):
    """Something that is going on."""

    def note(self, **attributes: Attribute) -> None:
        """Say more about it; see `Telemetry.span` for what may be said."""
        ...


class Telemetry(Protocol):
    """Is told what goes on, to measure and trace it.

    INVARIANT: it is told words of the library, numbers and outcomes; no id of a household or of a
    person, and nothing that somebody typed.
    """

    def span(self, name: str, **attributes: Attribute) -> AbstractContextManager[Span]:
        """Something begins, and ends with the context.

        Args:
            name: What it is: `do`, `batch`, `tick`, `grade`, `replay`, `catch_up` or `send`.
            attributes: What is known of it by now.
        """
        ...


class _Silent:
    def note(self, **attributes: Attribute) -> None:
        """Nobody listens."""

    def __enter__(self) -> _Silent:
        return self

    def __exit__(self, *_: object) -> None:
        pass


_SILENT = _Silent()


class Unwatched:
    """Telemetry of a program that has none."""

    def span(self, name: str, **attributes: Attribute) -> AbstractContextManager[Span]:
        """Nobody is told."""
        return _SILENT


@contextmanager
def watched(telemetry: Telemetry, name: str, **attributes: Attribute) -> Iterator[Span]:
    """Something that goes on, and how it ends: `outcome` is `done`, or what an error is called."""
    with telemetry.span(name, **attributes) as span:
        try:
            yield span
        except BaseException as error:
            span.note(outcome=outcome_of(error))
            raise
        span.note(outcome="done")


def outcome_of(error: BaseException) -> str:
    """What an error is called, in words of the program alone.

    >>> outcome_of(ValueError("Ouyang Xiu"))
    'ValueError'
    """
    if isinstance(error, Refused):
        return f"{error.code} {error.reason}"
    if isinstance(error, NotDelivered):
        return f"{error.code} {error.reason}"
    if isinstance(error, Invalid):
        return f"{error.code} {error.faults[0].code}" if error.faults else error.code
    return error.code if isinstance(error, CrmError) else type(error).__name__
