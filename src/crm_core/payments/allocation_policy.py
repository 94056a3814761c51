"""Allocation policies: which money settles which charge, as data with a day from which it holds.

An estate has one on every day: the latest policy that names it, else the default. A clause of the
contract replaces it for one account. A payment is allocated by the policy of its day (PAY-02), so a
change of policy never moves what was paid before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from crm_core.kernel.policy import (
    Header,
    PolicyFault,
    PolicyRef,
    digest_of_table,
    read_toml,
    structure,
    wrong,
)
from crm_core.kernel.values import define, frozen

DEFAULT_ALLOCATION = "allocation-cn-default"

OLDEST_FIRST, CIVIL_CODE = "oldest_first", "civil_code"
METHODS = (OLDEST_FIRST, CIVIL_CODE)
"""How money that names no charge is allocated: as contracts agree, or by articles 560 and 561 of
the Civil Code to the letter."""

_DAY = timedelta(days=1)


@frozen
class _Contents:
    """The file of an allocation policy."""

    kind: str
    policy: Header
    method: str
    source: str
    estates: tuple[str, ...] = ()
    heavier: tuple[str, ...] = ()


@define(frozen=True)
class AllocationPolicy:
    """How money that names no charge settles charges.

    Args:
        method: One of `METHODS`.
        source: The clause or the articles it follows.
        estates: The estates it is for; none means that it is for whoever names it.
        heavier: Kinds of charges whose debt weighs more, the heaviest first (Civil Code, art. 560).
    """

    header: Header
    ref: PolicyRef
    method: str
    source: str
    estates: tuple[str, ...]
    heavier: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> AllocationPolicy:
        """The policy in TOML text.

        Raises:
            PolicyFault: the text is not such a policy.
        """
        data = read_toml(text)
        contents = structure(data, _Contents)
        faults = []
        if contents.kind != "allocation":
            faults.append(wrong("kind", "unknown_kind", kind=contents.kind, needed="allocation"))
        if contents.method not in METHODS:
            faults.append(wrong("method", "one_of_expected", accepted=METHODS))
        if contents.heavier and contents.method != CIVIL_CODE:
            faults.append(wrong("heavier", "one_of_expected", accepted=()))
        if faults:
            raise PolicyFault(faults)
        ref = PolicyRef(digest_of_table(data), contents.policy.name, contents.policy.version)
        return cls(
            header=contents.policy,
            ref=ref,
            method=contents.method,
            source=contents.source,
            estates=contents.estates,
            heavier=contents.heavier,
        )


@frozen
class Epoch:
    """From a day on money is allocated by a policy."""

    first: date
    policy: AllocationPolicy


Epochs = tuple[Epoch, ...]
"""The policies of an account, one after the other; the first from the first of all days."""


@frozen
class Agreed:
    """A clause of an account's contract: from a day until another one it names a policy."""

    first: date
    last: date
    policy_name: str


def epochs(
    policies: Sequence[AllocationPolicy], estate: str, agreed: Iterable[Agreed] = ()
) -> Epochs:
    """By which policy the money of an account is allocated, from which day on.

    Args:
        policies: All that are at hand; those without approval or period are left out.
        estate: The estate that the household is in.
        agreed: What its contract says.
    """
    active = [policy for policy in policies if not policy.header.missing()]
    agreed = sorted(agreed, key=lambda clause: clause.first)
    turns = {date.min}
    for policy in active:
        if policy.header.effective_from is not None:
            turns.add(policy.header.effective_from)
        if policy.header.effective_to is not None:
            turns.add(policy.header.effective_to + _DAY)
    for clause in agreed:
        turns.add(clause.first)
        if clause.last < date.max:
            turns.add(clause.last + _DAY)
    found: list[Epoch] = []
    for day in sorted(turns):
        now = _on(day, active, estate, agreed)
        if now is not None and (not found or found[-1].policy.ref != now.ref):
            found.append(Epoch(day if found else date.min, now))
    return tuple(found)


def _on(
    day: date, policies: list[AllocationPolicy], estate: str, agreed: list[Agreed]
) -> AllocationPolicy | None:
    """The policy of a day: the contract's, else the estate's, else the default."""
    clause = next((one for one in agreed if one.first <= day <= one.last), None)
    in_force = [policy for policy in policies if policy.header.covers(day)]
    if clause is not None:
        name, _, version = clause.policy_name.partition("/")
        named = [
            policy
            for policy in in_force
            if policy.ref.name == name and version in ("", str(policy.ref.version))
        ]
        if named:
            return max(named, key=_newest)
    own = [policy for policy in in_force if estate in policy.estates]
    general = [policy for policy in in_force if policy.ref.name == DEFAULT_ALLOCATION]
    return max(own or general, key=_newest, default=None)


def _newest(policy: AllocationPolicy) -> tuple[date, int, str]:
    # INVARIANT: one without a first day is not in force.
    assert policy.header.effective_from is not None
    return policy.header.effective_from, policy.ref.version, policy.ref.name
