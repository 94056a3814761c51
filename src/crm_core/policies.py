"""The book of policies: those shipped with the package, and those a host adds (GRD-11).

Reading the package's own data counts as reading code, not as I/O (decision record 0008).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from functools import cache
from typing import TypeVar

from crm_core.errors import (
    Fault,
    Invalid,
    PolicyDigestMismatch,
    PolicyInactive,
    UnknownPolicy,
)
from crm_core.gradings.policy import GradingPolicy
from crm_core.gradings.policy_files import parse as parse_of_gradings
from crm_core.gradings.studies.shares import SharesPolicy
from crm_core.gradings.uplift import UpliftPolicy
from crm_core.kernel.authority import AuthorityPolicy
from crm_core.kernel.policy import PolicyFault, PolicyRef
from crm_core.messages.policy import MessagePolicy
from crm_core.messages.template import Template
from crm_core.payments.collection import CollectionPolicy
from crm_core.payments.credit import CreditPolicy
from crm_core.payments.late import LateChargePolicy
from crm_core.requests.sla import SlaPolicy

Policy = (
    AuthorityPolicy
    | CollectionPolicy
    | CreditPolicy
    | GradingPolicy
    | LateChargePolicy
    | MessagePolicy
    | SharesPolicy
    | SlaPolicy
    | Template
    | UpliftPolicy
)
P = TypeVar(
    "P",
    AuthorityPolicy,
    CollectionPolicy,
    CreditPolicy,
    GradingPolicy,
    LateChargePolicy,
    MessagePolicy,
    SharesPolicy,
    SlaPolicy,
    Template,
    UpliftPolicy,
)

DEFAULT_AUTHORITY = "authority-cn-default"
DEFAULT_GRADING = "grade-cn-default"
DEFAULT_COLLECTION = "collection-cn-default"
DEFAULT_CREDIT = "credit-cn-default"
DEFAULT_SHARES = "shares-cn-default"
DEFAULT_SLA = "sla-cn-default"
DEFAULT_UPLIFT = "uplift-cn-default"
DEFAULT_MESSAGES = "messages-cn-default"

_SHIPPED: tuple[tuple[str, str, Callable[[str], Policy]], ...] = (
    ("authority", "", AuthorityPolicy.parse),
    ("gradings/policies", "", parse_of_gradings),
    ("messages/policies", "", MessagePolicy.parse),
    ("messages/templates", "", Template.parse),
    ("payments/policies", "collection-", CollectionPolicy.parse),
    ("payments/policies", "credit-", CreditPolicy.parse),
    ("payments/policies", "late-charge-", LateChargePolicy.parse),
    ("requests/policies", "sla-", SlaPolicy.parse),
)
"""Folder, beginning of the file names, and what reads them."""


class PolicyBook:
    """Policies by name and version.

    Args:
        policies: All that can be used; of one name the highest version in force is the current one.

    Raises:
        PolicyDigestMismatch: a name and version twice with different contents.
    """

    def __init__(self, policies: Iterable[Policy]) -> None:
        self._by_ref: dict[tuple[type, str, int], Policy] = {}
        for policy in policies:
            key = (type(policy), policy.ref.name, policy.ref.version)
            there = self._by_ref.setdefault(key, policy)
            if there.ref.digest != policy.ref.digest:
                raise PolicyDigestMismatch(str(policy.ref), there.ref.digest, policy.ref.digest)

    def add(self, policy: Policy) -> PolicyBook:
        """A book with one more policy."""
        return PolicyBook([*self._by_ref.values(), policy])

    def refs(self) -> list[PolicyRef]:
        """What the book holds, sorted."""
        return sorted((p.ref for p in self._by_ref.values()), key=lambda r: (r.name, r.version))

    def find(self, kind: type[P], name: str, day: date) -> P:
        """The policy of that name (`name` or `name/version`) to be used on a day.

        Of several versions it is the highest that is in force on the day: a version that begins
        tomorrow, or is still a draft, leaves today to the one before it.

        Raises:
            UnknownPolicy: there is none.
            PolicyInactive: it has no approver, assessment or period, or not on that day.
        """
        bare, _, version = name.partition("/")
        named = [
            policy
            for policy in self._by_ref.values()
            if isinstance(policy, kind)
            and policy.ref.name == bare
            and version in ("", str(policy.ref.version))
        ]
        if not named:
            known = sorted({str(p.ref) for p in self._by_ref.values() if isinstance(p, kind)})
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
        found = self._by_ref.get((kind, ref.name, ref.version))
        if found is None:
            raise UnknownPolicy.one("policy_unknown", policy=str(ref))
        if found.ref.digest != ref.digest:
            raise PolicyDigestMismatch(str(ref), ref.digest, found.ref.digest)
        assert isinstance(found, kind)
        return found


@cache
def shipped() -> PolicyBook:
    """The policies that come with the package."""
    from importlib.resources import files  # Slow to load, and not every program reads policies.

    policies = []
    for path, beginning, parse in _SHIPPED:
        folder = files("crm_core").joinpath(path)
        for file in sorted(folder.iterdir(), key=lambda f: f.name):
            if file.name.startswith(beginning) and file.name.endswith(".toml"):
                policies.append(parse(file.read_text(encoding="utf-8")))
    return PolicyBook(policies)


def parse_grading(text: str, where: str) -> GradingPolicy:
    """A grading policy from TOML text.

    Raises:
        Invalid: all faults of the text, each with its path behind `where`.
    """
    try:
        return GradingPolicy.parse(text)
    except PolicyFault as error:
        raise Invalid(
            [
                Fault.of("policy_malformed", malformed, f"{where}:{path}" if path else where)
                for path, malformed in error.faults
            ]
        ) from error
