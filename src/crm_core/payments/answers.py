"""What decisions about an account have in common: its ledger, proposals, and refusals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from crm_core.kernel.decider import Decision, Refusal
from crm_core.kernel.money import FEN_MAX
from crm_core.kernel.refusals import no_reason
from crm_core.payments.events import ProposalRejected
from crm_core.payments.ledger import Ledger
from crm_core.payments.state import Account

AMOUNT_FEN_MAX = 10**12
"""Largest single amount (ten thousand million yuan): sums of many still fit into 2^53."""

assert AMOUNT_FEN_MAX < FEN_MAX


def ledger(state: Account) -> Ledger:
    """The ledger of everything booked so far."""
    return Ledger.of(placed(state))


def placed(state: Account) -> Iterator[tuple[Any, int]]:
    """Everything booked so far with its place among it: events behind each other are told apart."""
    return ((event, place) for place, event in enumerate(state.facts.values(), 1))


def asked_of(number: str, state: Account) -> int:
    """What a charge or a late charge comes to, without what was never owed of it."""
    book = ledger(state)
    return next((c.amount_fen for c in (*book.charges, *book.late) if c.number == number), 0)


def reference(kind: str, number: str) -> str:
    """A number that comes once among its kind, e.g. `waiver:W1`."""
    return f"{kind}:{number}"


# --- proposals (LOG-08) ----------------------------------------------------------------------


def decided(
    what: str, number: str, command: Any, state: Account, approve: Callable[[Any], Decision]
) -> Decision:
    """What follows from a decision on a proposal: whatever approval brings, or a rejection.

    Args:
        what: Kind of its reference.
        approve: `proposal -> events or refusal`, by the state of now.
    """
    proposal = state.proposed.get(reference(what, number))
    if proposal is None:
        return Refusal("unknown_proposal", "PAY-01", {"number": number}, f"unknown_proposal_{what}")
    if command.approved:
        return approve(proposal)
    if not command.reason.strip():
        return no_reason("LOG-06")
    return (
        ProposalRejected(
            what=what,
            number=number,
            on=command.on,
            reason=command.reason,
            rejected_by=command.by.id,
        ),
    )


# --- refusals --------------------------------------------------------------------------------


def exists(what: str, number: str) -> Refusal:
    """The number is taken."""
    return Refusal(f"{what}_exists", "PAY-01", {what: number})


def missing(what: str, number: str) -> Refusal:
    """There is nothing of that number."""
    return Refusal(f"unknown_{what}", "PAY-01", {what: number})


def out_of_range(fen: int) -> Refusal | None:
    """Why an amount cannot be booked, if it cannot."""
    if 0 < fen <= AMOUNT_FEN_MAX:
        return None
    return Refusal("amount_out_of_range", "PAY-01", {"amount_fen": fen, "most_fen": AMOUNT_FEN_MAX})
