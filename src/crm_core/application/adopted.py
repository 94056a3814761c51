"""Policies that were adopted in the log (GRD-11)."""

from __future__ import annotations

from crm_core.gradings.adoption import ADOPTION, Version, versions
from crm_core.policies import PolicyBook
from crm_core.ports import EventLog

NOT_FACTS = "gradings."
"""Events whose names begin so do not move a cut-off (decision record 0015)."""


def adopted(log: EventLog, name: str) -> dict[int, Version]:
    """The versions of a policy that the log knows, by number.

    Args:
        name: Name, or name/version.
    """
    stream = ADOPTION.stream(name.partition("/")[0])
    state, _ = log.fold(stream, ADOPTION.decider.evolve, ADOPTION.decider.initial)
    return versions(state)


def book_with_adopted(log: EventLog, book: PolicyBook, name: str) -> PolicyBook:
    """The book, with the versions of that name that were adopted in the log.

    Raises:
        PolicyDigestMismatch: the book has one of them with other contents.
    """
    for version in adopted(log, name).values():
        if version.usable:
            book = book.add(version.policy())
    return book
