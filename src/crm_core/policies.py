"""The book of policies: those shipped with slices, and those a host adds (GRD-11).

It knows a policy by its class, its name and its version, and no slice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, TypeVar

from crm_core.errors import Fault, Invalid, PolicyDigestMismatch, PolicyInactive, UnknownPolicy
from crm_core.kernel.policy import Policy, PolicyFault, PolicyRef
from crm_core.kernel.registry import Registry

P = TypeVar("P", bound=Policy)

_Key = tuple[type, str, int]
"""Class, name and version."""


class PolicyBook:
    """Policies by class, name and version.

    Args:
        policies: All that can be used; of one name the highest version in force is the current one.
        shipped: Whose shipped policies can be used too, each kind read when it is first needed.

    Raises:
        PolicyDigestMismatch: a name and version twice with different contents.
    """

    def __init__(self, policies: Iterable[Policy] = (), *, shipped: Registry | None = None) -> None:
        self._given, self._shipped = tuple(policies), shipped
        self._kinds: dict[type, dict[_Key, Any]] = {}
        for kind in {type(policy) for policy in self._given}:
            self._of(kind)

    def __reduce__(self) -> tuple[type[PolicyBook], tuple[list[Policy]]]:
        """What another process is given: all that it holds, without what would read it."""
        return PolicyBook, ([*self._of(object).values()],)

    def _of(self, kind: type) -> dict[_Key, Any]:
        """Every policy of a kind, read when it is first needed.

        INVARIANT: what another thread finds here is whole, since it is put here at once.
        """
        found = self._kinds.get(kind)
        if found is None:
            found = {}
            for policy in (*self._brought(kind), *self._given):
                if kind in type(policy).__mro__:
                    key = (type(policy), policy.ref.name, policy.ref.version)
                    there = found.setdefault(key, policy)
                    if there.ref.digest != policy.ref.digest:
                        ref, other = policy.ref, there.ref
                        raise PolicyDigestMismatch(str(ref), other.digest, ref.digest)
            self._kinds[kind] = found
        return found

    def _brought(self, kind: type) -> Iterator[Any]:
        if self._shipped is not None:
            for cls in self._shipped.shipped_kinds:
                if kind in cls.__mro__:
                    yield from self._shipped.shipped_of(cls)

    def add(self, policy: Policy) -> PolicyBook:
        """A book with one more policy."""
        return PolicyBook([*self._given, policy], shipped=self._shipped)

    def refs(self) -> list[PolicyRef]:
        """What the book holds, sorted."""
        return sorted((p.ref for p in self._of(object).values()), key=lambda r: (r.name, r.version))

    def standing(self, day: date) -> list[tuple[str, str, bool]]:
        """What the book holds, each with its digest and whether it is in force on a day, sorted."""
        return sorted(
            (str(p.ref), p.ref.digest, not p.header.missing() and p.header.covers(day))
            for p in self._of(object).values()
        )

    def every(self, kind: type[P]) -> list[P]:
        """All policies of a kind, in the order in which they came."""
        return [*self._of(kind).values()]

    def find(self, kind: type[P], name: str, day: date) -> P:
        """The policy of that name (`name` or `name/version`) to be used on a day.

        Of several versions it is the highest that is in force on the day: a version that begins
        tomorrow, or is still a draft, leaves today to the one before it.

        Raises:
            UnknownPolicy: there is none.
            PolicyInactive: it has no approver, assessment or period, or not on that day.
        """
        bare, _, version = name.partition("/")
        of_kind = self.every(kind)
        named = [
            policy
            for policy in of_kind
            if policy.ref.name == bare and version in ("", str(policy.ref.version))
        ]
        if not named:
            known = sorted({str(policy.ref) for policy in of_kind})
            raise UnknownPolicy.one(
                "policy_unknown", policy=name, known=known, sentence="policy_not_among"
            )
        active = [p for p in named if not p.header.missing() and p.header.covers(day)]
        found = max(active or named, key=lambda policy: policy.ref.version)
        missing = found.header.missing()
        if missing:
            raise PolicyInactive(
                [
                    Fault(
                        "policy_inactive",
                        name,
                        {"policy": str(found.ref)},
                        sentence="policy_incomplete",
                    )
                    for name in missing
                ]
            )
        if not found.header.covers(day):
            raise PolicyInactive.one("policy_inactive", policy=str(found.ref), on=day.isoformat())
        return found

    def pinned(self, kind: type[P], ref: PolicyRef) -> P:
        """The very policy that a record pins.

        Raises:
            UnknownPolicy: the book has no such name and version.
            PolicyDigestMismatch: it has, with other contents.
        """
        found = self._of(kind).get((kind, ref.name, ref.version))
        if found is None:
            raise UnknownPolicy.one("policy_unknown", policy=str(ref))
        if found.ref.digest != ref.digest:
            raise PolicyDigestMismatch(str(ref), ref.digest, found.ref.digest)
        assert isinstance(found, kind)
        return found


def parse_policy(kind: type[P], text: str, where: str) -> P:
    """A policy of a kind from TOML text that somebody names.

    Args:
        kind: Its class, with a method `parse`.
        where: Name of the text, e.g. of its file.

    Raises:
        Invalid: all faults of the text, each with its path behind `where`.
    """
    try:
        return kind.parse(text)  # type: ignore[attr-defined, no-any-return]
    except PolicyFault as error:
        raise malformed(error, where) from error


def malformed(error: PolicyFault, where: str) -> Invalid:
    """What is wrong with a text that somebody names, each fault with its path behind `where`."""
    return Invalid(
        [
            Fault.of("policy_malformed", fault, f"{where}:{path}" if path else where)
            for path, fault in error.faults
        ]
    )
