"""Uplift for proven creditworthiness (资信程度), GRD-05: what it needs and what proves it.

A charge is the promise of an amount by a day. It is kept if the charge is paid in full by its due
day, and broken if it is still unpaid so many days later; what lies between is neither. A promise
to pay what is overdue (PAY-09) stands beside it: kept or broken, as the account shows.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from crm_core.gradings.policy import GRADES
from crm_core.kernel.dates import add_months
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
from crm_core.owners.facts import TENURES, tenures
from crm_core.payments.facts import (
    BROKEN,
    KEPT,
    REFUND,
    Charge,
    Epochs,
    Ledger,
    PaymentPromised,
    allocate,
    ledgers,
    said_in,
)
from crm_core.payments.facts import promises as promises_to_pay

DEFAULT_UPLIFT = "uplift-cn-default"


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
            wrong(name, "above_zero_expected")
            for name in ("kept_promises", "months", "broken_after_days")
            if getattr(contents, name) <= 0
        ]
        if contents.never_from not in GRADES.values:
            faults.append(wrong("never_from", "not_a_grade", value=contents.never_from))
        if contents.kind != "uplift":
            faults.append(wrong("kind", "unknown_kind", kind=contents.kind, needed="uplift"))
        if faults:
            raise PolicyFault(faults)
        ref = PolicyRef(digest_of_table(data), contents.policy.name, contents.policy.version)
        return cls(
            header=contents.policy,
            ref=ref,
            kept_promises=contents.kept_promises,
            months=contents.months,
            broken_after_days=contents.broken_after_days,
            never_from=contents.never_from,
        )


@frozen
class Promises:
    """Log positions of charges and promises to pay, oldest first: kept, and broken."""

    kept: tuple[int, ...]
    broken: tuple[int, ...]


def promises(
    facts: Iterable[tuple[Any, int]], on: date, policy: UpliftPolicy, by: Epochs = ()
) -> Promises:
    """The promises of the months before a day, as far as they are kept or broken by then.

    They are those of the tenure of the day (PAY-16).

    A promise to pay counts on the day of its last instalment, or of the one that was not covered.
    Where nothing was overdue it promised nothing, so that no money proves two things at once.

    Args:
        by: By which policies the money of the account is allocated (PAY-02).
        facts: Events of the account and of tenures with their positions, in the order of the log.
    """
    facts = list(facts)
    held = tenures([event for event, _ in facts if type(event) in TENURES])
    mine = held.index(on)
    ledger = ledgers(facts, held, by)[mine]
    first = add_months(on, -policy.months)
    kept, broken = list[tuple[date, int]](), list[tuple[date, int]]()
    for charge in ledger.charges:
        if first < charge.due <= on and charge.kind != REFUND:
            if _is_paid(ledger, charge.number, charge.due):
                kept.append((charge.due, charge.position))
            elif _is_broken(ledger, charge, on, policy.broken_after_days):
                broken.append((charge.due, charge.position))
    positions = {e.promise: position for e, position in facts if type(e) is PaymentPromised}
    said = said_in((event for event, _ in facts), held, mine)
    for one in promises_to_pay(said, on):
        promise = one.promise
        day = one.broken_on or promise.instalments[-1].due
        if not first < day <= on or not _is_overdue(ledger, promise.on):
            continue
        if one.status == KEPT:
            kept.append((day, positions[promise.promise]))
        # What was waived or came into dispute since the promise need not be paid.
        elif one.status == BROKEN and _is_overdue(ledger, day):
            broken.append((day, positions[promise.promise]))
    return Promises(_positions(kept), _positions(broken))


def _positions(found: list[tuple[date, int]]) -> tuple[int, ...]:
    return tuple(position for _, position in sorted(found))


def _is_paid(ledger: Ledger, number: str, on: date) -> bool:
    return all(charge.number != number for charge, _ in allocate(ledger, on).unpaid)


def _is_broken(ledger: Ledger, charge: Charge, on: date, after_days: int) -> bool:
    """Whether it was open that long after its due day; while in dispute it does not age (PAY-06).

    Afterwards it has its whole age again, so the days on which disputes end are looked at too.
    """
    late = charge.due + timedelta(days=after_days)
    ends = (d.end for d in ledger.disputes if d.charge == charge.number and d.end is not None)
    return any(
        late <= day < on
        and any(open_.number == charge.number for open_, _ in allocate(ledger, day).undisputed())
        for day in (late, *ends)
    )


def _is_overdue(ledger: Ledger, on: date) -> bool:
    """Whether anything that is not in dispute was overdue when a day ended."""
    return any(charge.due < on for charge, _ in allocate(ledger, on).undisputed())
