"""Policies that were adopted in the log (GRD-11)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar, cast

from crm_core.application.host import Host
from crm_core.errors import PolicyDigestMismatch, UnknownPolicy
from crm_core.gradings.adoption import ADOPTION, POLICY_KIND, Version, versions
from crm_core.kernel.policy import Policy, PolicyRef
from crm_core.kernel.registry import Registry
from crm_core.payments.allocation_policy import AllocationPolicy
from crm_core.payments.clauses import Allocations
from crm_core.policies import PolicyBook
from crm_core.ports import EventLog

P = TypeVar("P", bound=Policy)

NOT_FACTS = "gradings."
"""Events whose names begin so do not move a cut-off (decision record 0015)."""


def adoptions(name: str) -> str:
    """The stream of what is drafted and adopted under the name of a policy."""
    return ADOPTION.stream(name.partition("/")[0])


def adopted(log: EventLog, name: str) -> dict[int, Version]:
    """The versions of a policy that the log knows, by number.

    Args:
        name: Name, or name/version.
    """
    stream = adoptions(name)
    state, _ = log.fold(stream, ADOPTION.decider.evolve, ADOPTION.decider.initial)
    return versions(state)


def book_with_adopted(log: EventLog, registry: Registry, book: PolicyBook, name: str) -> PolicyBook:
    """The book, with the versions of that name that were adopted in the log.

    Raises:
        PolicyDigestMismatch: the book has one of them with other contents.
    """
    for version in adopted(log, name).values():
        if version.usable:
            book = book.add(version.policy(registry.parse))
    return book


def pinned(book: PolicyBook, kind: type[P], ref: PolicyRef, others: Callable[[], Iterable[P]]) -> P:
    """The very policy that a record pins: of the book, or among others.

    Raises:
        UnknownPolicy, PolicyDigestMismatch: it is not at hand.
    """
    try:
        return book.pinned(kind, ref)
    except (PolicyDigestMismatch, UnknownPolicy):
        for policy in others():
            if policy.ref == ref:
                return policy
        raise


def allocations_at_hand(host: Host) -> Allocations:
    """The allocation policies at hand, those adopted in the log among them (PAY-02)."""
    return Allocations(every(host.log, host.registry, host.policies, AllocationPolicy))


def every(log: EventLog, registry: Registry, book: PolicyBook, kind: type[P]) -> tuple[P, ...]:
    """All policies of a kind: those of the book, and those that were adopted in the log.

    Of what can be adopted, a host's own book need not repeat what comes with the package. One that
    was adopted and later came with the package under the same name stands there twice: whoever pins
    it pins its digest too.
    """
    own = book.every(kind)
    if not any(one.cls is kind and one.adoptable for one in registry.policy_kinds.values()):
        return tuple(own)
    there = {policy.ref for policy in own}
    brought = registry.shipped_of(kind)
    found = [*own, *(policy for policy in brought if policy.ref not in there)]
    return (*found, *adopted_of(log, registry, kind))


def adopted_of(log: EventLog, registry: Registry, kind: type[P]) -> tuple[P, ...]:
    """The policies of a kind that were adopted in the log and can be used."""
    found: list[P] = []
    for one in registry.policy_kinds.values():
        if one.cls is kind and one.adoptable:
            decider = POLICY_KIND.decider
            listed, _ = log.fold(POLICY_KIND.stream(one.kind), decider.evolve, decider.initial)
            found += [
                cast("P", version.policy(one.parse))
                for name in listed.names
                for version in adopted(log, name).values()
                if version.usable
            ]
    return tuple(found)
