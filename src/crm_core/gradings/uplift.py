"""Uplift for proven creditworthiness (资信程度), GRD-05: what it needs and what proves it.

A charge is the promise of an amount by a day. It is kept if the charge is paid in full by its due
day, and broken if it is still unpaid so many days later; what lies between is neither.
"""

from __future__ import annotations

from datetime import date, timedelta

from attrs import define, frozen

from crm_core.gradings.policy import GRADES
from crm_core.kernel.policy import (
    Header,
    PolicyFault,
    PolicyRef,
    digest_of_table,
    read_toml,
    structure,
)
from crm_core.payments.credit import add_months
from crm_core.payments.ledger import Ledger, allocate


@frozen
class _Contents:
    """The file of an uplift policy."""

    kind: str
    policy: Header
    kept_promises: int
    months: int
    broken_after_days: int
    never_from: str


@define(frozen=True)
class UpliftPolicy:
    """What an uplift needs.

    Args:
        header: Identity and approval.
        ref: Name, version and digest.
        kept_promises: Fewest kept promises.
        months: How far back they count, from the day of the uplift.
        broken_after_days: Days after the due day on which an unpaid charge is a broken promise.
        never_from: The best credit grade from which there is no uplift.
    """

    header: Header
    ref: PolicyRef
    kept_promises: int
    months: int
    broken_after_days: int
    never_from: str

    @classmethod
    def parse(cls, text: str) -> UpliftPolicy:
        """The policy in TOML text.

        Raises:
            PolicyFault: the text is not such a policy; all faults with their paths.
        """
        data = read_toml(text)
        contents = structure(data, _Contents)
        faults = [
            (name, "a number above zero is expected")
            for name in ("kept_promises", "months", "broken_after_days")
            if getattr(contents, name) <= 0
        ]
        if contents.never_from not in GRADES.values:
            faults.append(("never_from", f"`{contents.never_from}` is not a credit grade"))
        if contents.kind != "uplift":
            faults.append(("kind", f"`{contents.kind}` is not `uplift`"))
        if faults:
            raise PolicyFault(faults)
        ref = PolicyRef(digest_of_table(data), contents.policy.name, contents.policy.version)
        return cls(
            contents.policy,
            ref,
            contents.kept_promises,
            contents.months,
            contents.broken_after_days,
            contents.never_from,
        )


@frozen
class Promises:
    """Log positions of charges, oldest due first: paid as promised, and not."""

    kept: tuple[int, ...]
    broken: tuple[int, ...]


def promises(ledger: Ledger, on: date, policy: UpliftPolicy) -> Promises:
    """The promises of the months before a day, as far as they are kept or broken by then."""
    first = add_months(on, -policy.months)
    kept, broken = [], []
    for charge in ledger.charges:
        if not first < charge.due <= on:
            continue
        if _is_paid(ledger, charge.number, charge.due):
            kept.append(charge.position)
            continue
        late = charge.due + timedelta(days=policy.broken_after_days + 1)
        if late <= on and not _is_paid(ledger, charge.number, late - timedelta(days=1)):
            broken.append(charge.position)
    return Promises(tuple(kept), tuple(broken))


def _is_paid(ledger: Ledger, number: str, on: date) -> bool:
    return all(charge.number != number for charge, _ in allocate(ledger, on).unpaid)
