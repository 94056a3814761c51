"""Clauses of the contract: what an account has agreed on, from when until when (PAY-02, PAY-08).

A late charge needs one, and so does another way to allocate money than the estate's. A clause is
what the contract says and no decision of the company: staff record it with the member who agreed
and the document. It binds the account, whoever owes on it, until it is ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from attrs import evolve

from crm_core.kernel.decider import Decision, Refusal
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.refusals import no_reason, unknown
from crm_core.kernel.slice import Sight
from crm_core.kernel.values import frozen
from crm_core.payments.allocation_policy import (
    OLDEST_FIRST,
    Agreed,
    AllocationPolicy,
    Epochs,
    epochs,
)
from crm_core.payments.answers import exists, missing, reference
from crm_core.payments.commands import AgreeClause, ApproveRate, EndClause
from crm_core.payments.events import ClauseAgreed, ClauseEnded, RateApproved
from crm_core.payments.late import (
    Above,
    Days,
    LateCharge,
    LateChargePolicy,
    late_charges,
    within,
)
from crm_core.payments.ledger import LATE_CHARGE, Ledger
from crm_core.payments.state import Account

ALLOCATION = "allocation"

SUBJECTS = (LATE_CHARGE, ALLOCATION)
"""What a clause can be about."""


@frozen
class Clause:
    """A clause of the contract as it stands.

    Args:
        number: Its number.
        subject: One of `SUBJECTS`.
        policy_name: The policy that it agrees on.
        first: First day it holds.
        last: Last day it holds; before the first if it never held.
        agreed: The event that recorded it.
        approved: First day on which a rate above its ceiling may be claimed by it, if that was
            approved.
    """

    number: str
    subject: str
    policy_name: str
    first: date
    last: date
    agreed: ClauseAgreed
    approved: date | None = None

    def meets(self, first: date, last: date) -> bool:
        """Whether it holds on any of those days."""
        return max(self.first, first) <= min(self.last, last)


def clauses(facts: Iterable[Any], subject: str | None = None) -> tuple[Clause, ...]:
    """All clauses of an account, of one subject or of every, by their first day.

    Args:
        facts: Events of the account, in the order of the log.
    """
    found: dict[str, Clause] = {}
    for event in facts:
        match event:
            case ClauseAgreed():
                found[event.clause] = Clause(
                    number=event.clause,
                    subject=event.subject,
                    policy_name=event.policy_name,
                    first=event.on,
                    last=date.max if event.until is None else event.until,
                    agreed=event,
                )
            case ClauseEnded() if event.clause in found:
                found[event.clause] = evolve(found[event.clause], last=event.until)
            case RateApproved() if event.clause in found:
                found[event.clause] = evolve(found[event.clause], approved=event.on)
            case _:
                pass
    wanted = (c for c in found.values() if subject in (None, c.subject))
    return tuple(sorted(wanted, key=lambda clause: (clause.first, clause.number)))


def clause_on(facts: Iterable[Any], subject: str, day: date) -> Clause | None:
    """The clause of a subject that holds on a day; at most one does."""
    return next((one for one in clauses(facts, subject) if one.first <= day <= one.last), None)


def late_clauses(
    facts: Iterable[Any], due: date, on: date, policy_name: str | None = None
) -> tuple[Clause, ...]:
    """The clauses by which a charge can be late until a day: all of one policy, by their first day.

    Those of the latest policy, unless one is named; none if no clause holds on any of these days.
    """
    bearing = [c for c in clauses(facts, LATE_CHARGE) if c.meets(due + timedelta(days=1), on)]
    if not bearing:
        return ()
    wanted = bearing[-1].policy_name if policy_name is None else policy_name
    return tuple(clause for clause in bearing if clause.policy_name == wanted)


def agreed_days(found: Sequence[Clause]) -> tuple[Days, ...]:
    """The days on which any of some clauses holds; those of one subject never overlap."""
    return tuple((clause.first, clause.last) for clause in found)


def unapproved(
    late: LateCharge, policy: LateChargePolicy, found: Sequence[Clause], on: date
) -> tuple[Clause, Above] | None:
    """The clause whose rate is above its ceiling without an approval, and where, if one is.

    Args:
        found: The clauses that a late charge is computed by.
        on: The day on which it is asked for.
    """
    for clause in found:
        if clause.approved is None or on < clause.approved:
            above = policy.above(within(late.bearing, agreed_days([clause])))
            if above is not None:
                return clause, above
    return None


def agreed_late_charges(
    facts: Iterable[Any], ledger: Ledger, on: date, find: Callable[[str], LateChargePolicy]
) -> Iterator[tuple[str, LateCharge]]:
    """The late charges that could be asked for on a day, each with the policy that is agreed on.

    Args:
        facts: Events of the account, in the order of the log.
        ledger: What they come to.
        find: Finds the policy that a clause names.
    """
    found = clauses(facts, LATE_CHARGE)
    names = dict.fromkeys(clause.policy_name for clause in found)
    for name in names:
        policy, agreed = find(name), [clause for clause in found if clause.policy_name == name]
        for late in late_charges(ledger, on, policy, agreed_days(agreed)):
            if unapproved(late, policy, agreed, on) is None:
                yield name, late


@frozen
class Allocations:
    """The allocation policies at hand: by which the money of an account is allocated (PAY-02).

    Args:
        policies: Those that were adopted among them.
    """

    policies: tuple[AllocationPolicy, ...] = ()

    def of(self, estate: str, facts: Iterable[Any]) -> Epochs:
        """The policies of an account in an estate, one after the other.

        Args:
            facts: Events of the account, in the order of the log.
        """
        if not self.policies:
            return ()
        told = [event for event in facts if type(event) in _CLAUSES]
        agreed = [
            Agreed(clause.first, clause.last, clause.policy_name)
            for clause in clauses(told, ALLOCATION)
        ]
        return epochs(self.policies, estate, agreed) if agreed else self._usual(estate)

    def differs(self, estate: str) -> bool:
        """Whether money in an estate is allocated by another policy than oldest first, ever."""
        return any(epoch.policy.method != OLDEST_FIRST for epoch in self._usual(estate))

    def _usual(self, estate: str) -> Epochs:
        return _usual(self.policies, estate)


_CLAUSES = (ClauseAgreed, ClauseEnded, RateApproved)


def others(epochs: Epochs) -> tuple[PolicyRef, ...]:
    """What is pinned of an account's policies: all of them, if one is not oldest first."""
    if all(epoch.policy.method == OLDEST_FIRST for epoch in epochs):
        return ()
    return tuple(dict.fromkeys(epoch.policy.ref for epoch in epochs))


USUAL = Allocations()
"""No policy at hand: all money is allocated oldest first."""


def epochs_of(household: str, account: Account, sight: Sight) -> Epochs:
    """By which policies the money of an account is allocated (PAY-02)."""
    found = Allocations(sight.every(AllocationPolicy))
    return found.of(sight.estate(household), account.facts.values())


@lru_cache(maxsize=256)
def _usual(policies: tuple[AllocationPolicy, ...], estate: str) -> Epochs:
    return epochs(policies, estate)


# --- decisions -------------------------------------------------------------------------------


def agree_clause(command: AgreeClause, state: Account) -> Decision:
    """What the contract says is put on record; of one subject there is one clause a day."""
    if reference("clause", command.clause) in state.references:
        return exists("clause", command.clause)
    if command.subject not in SUBJECTS:
        return unknown("clause_subject", command.subject, SUBJECTS, rule="PAY-08")
    if command.policy_name not in command.known_policies:
        return unknown("clause_policy", command.policy_name, command.known_policies, rule="PAY-08")
    if not command.document.strip():
        return Refusal("document_missing", "PAY-08", sentence="document_missing_clause")
    last = date.max if command.until is None else command.until
    if last < command.on:
        return _ends_early(command.clause, command.on, last)
    for other in clauses(state.facts.values(), command.subject):
        if other.meets(command.on, last):
            return Refusal("clause_overlaps", "PAY-08", {"clause": other.number})
    return (
        ClauseAgreed(
            clause=command.clause,
            subject=command.subject,
            policy_name=command.policy_name,
            on=command.on,
            until=command.until,
            document=command.document,
            word=command.word,
            entered_by=command.by.id,
        ),
    )


def end_clause(command: EndClause, state: Account) -> Decision:
    """A clause holds until a day and no longer; ended before its first day, it never held."""
    clause = _clause(command.clause, state)
    if clause is None:
        return missing("clause", command.clause)
    if not command.reason.strip():
        return no_reason("LOG-06")
    if clause.last <= command.until:
        return Refusal(
            "clause_over", "PAY-08", {"clause": clause.number, "until": clause.last.isoformat()}
        )
    return (ClauseEnded(command.clause, command.until, command.reason),)


def approve_rate(command: ApproveRate, state: Account) -> Decision:
    """Somebody who may lets the rate of a clause stand above its ceiling, and says why."""
    clause = _clause(command.clause, state)
    if clause is None or clause.subject != LATE_CHARGE:
        return missing("clause", command.clause)
    if not command.reason.strip():
        return no_reason("LOG-06")
    if clause.approved is not None:
        return Refusal("rate_approved", "PAY-08", {"clause": clause.number})
    return (RateApproved(command.clause, command.on, command.reason, command.by.id),)


def _clause(number: str, state: Account) -> Clause | None:
    return next((c for c in clauses(state.facts.values()) if c.number == number), None)


def _ends_early(number: str, on: date, until: date) -> Refusal:
    days = {"on": on.isoformat(), "until": until.isoformat()}
    return Refusal("clause_ends_early", "PAY-08", {"clause": number, **days})
