"""Allocation: which money settles which charge, as a function of the facts and not their order.

As of a day D (PAY-02, PAY-03; decision records 0009, 0022 and 0039):

1. money that names a charge settles it, up to what it asks for; what names a charge that is due
   later waits for it, and is credit in advance until then;
2. all other money is one pool, which settles what is due by D: principal oldest due first, the same
   due date by charge number; then what is in dispute on D; then late charges and costs of
   enforcement; and at last what was written off, so that it never turns into credit;
3. what then remains is credit in advance, and settles what falls due next.

Late charges behind principal is what contracts agree on; article 561 of the Civil Code would
otherwise put costs and interest first. Nothing is lost: unpaid charges and money account for every
fen (PAY-15).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

from attrs import field, frozen

from crm_core.payments.ledger import Charge, Ledger, asked_on, due_by, free_on, given_on

Open = tuple[tuple[Charge, int], ...]
"""Charges with what is open of each."""


@frozen
class Allocation:
    """How the charges stand on one day.

    Args:
        unpaid: What is still owed of each charge that is due, oldest due first; settled ones, and
            what was written off, are left out.
        advance_fen: Credit in advance.
        disputed: How much of what is open is in dispute, by charge.
        late: What is still owed of late charges and costs of enforcement that are due.
        upcoming: What the credit does not cover of charges that are due later, soonest first.
        given_up: How much of each charge is waived, or written off and not paid since.
    """

    unpaid: Open
    advance_fen: int
    disputed: Mapping[str, int] = field(factory=dict)
    late: Open = ()
    upcoming: Open = ()
    given_up: Mapping[str, int] = field(factory=dict)

    @property
    def owed_fen(self) -> int:
        """What is owed in all, less credit in advance: the balance of the account (PAY-15)."""
        return sum([fen for _, fen in (*self.unpaid, *self.late)]) - self.advance_fen

    def undisputed(self) -> Open:
        """What is open and ages (PAY-04, PAY-06)."""
        disputed = self.disputed
        if not disputed:
            return self.unpaid
        left = ((c, fen - disputed.get(c.number, 0)) for c, fen in self.unpaid)
        return tuple((charge, fen) for charge, fen in left if fen)

    def open_of(self, number: str) -> int:
        """What is open of a charge, due or not."""
        every = (*self.unpaid, *self.late, *self.upcoming)
        return next((fen for charge, fen in every if charge.number == number), 0)


def allocate(ledger: Ledger, on: date) -> Allocation:
    """How the charges stand at the end of the day `on`."""
    return _plain(ledger, on) if ledger.plain else _whole(ledger, on)


def _plain(ledger: Ledger, on: date) -> Allocation:
    """Where nothing but principal and money is on record."""
    charges = ledger.charges
    given, pool = given_on(ledger, on)
    needs = [charge.amount_fen for charge in charges]
    if given:
        for index, charge in enumerate(charges):
            fen = given.get(charge.number)
            if fen is not None and fen > 0:
                used = min(fen, needs[index])
                needs[index] -= used
                given[charge.number] = fen - used
        pool += sum(given.values())
    due = due_by(charges, on)
    waiting = sum([c.amount_fen - need for c, need in zip(charges[due:], needs[due:], strict=True)])
    behind = needs[due:]
    needs = needs[:due]
    pool = _settle(needs, pool)
    unpaid = tuple([pair for pair in zip(charges[:due], needs, strict=True) if pair[1]])
    advance = pool + waiting
    if behind:
        _settle(behind, pool)
    upcoming = tuple([pair for pair in zip(charges[due:], behind, strict=True) if pair[1]])
    return Allocation(unpaid, advance, {}, (), upcoming)


def _whole(ledger: Ledger, on: date) -> Allocation:
    """Where there is more: each charge has parts, and the pool settles them in their order."""
    asked = asked_on(ledger, on)
    used, pool = free_on(ledger, on, asked)
    written_off = ledger.given_up_on(on, write_off=True) if ledger.waivers else {}
    contested = ledger.disputed_on(on) if ledger.disputes else {}
    principal = _Parts(ledger.charges, asked, used, written_off, contested, on)
    late = _Parts(ledger.late, asked, used, written_off, {}, on)
    for needs in (principal.plain, principal.disputed, late.plain, principal.given_up):
        pool = _settle(needs, pool)
    pool = _settle(late.given_up, pool)
    advance = pool + principal.waiting + late.waiting
    pool = _settle(principal.behind, pool)
    _settle(late.behind, pool)
    return Allocation(
        principal.unpaid(),
        advance,
        {c.number: fen for c, fen in zip(principal.due, principal.disputed, strict=True) if fen},
        late.unpaid(),
        (*principal.upcoming(), *late.upcoming()),
        {**principal.gave_up(), **late.gave_up()},
    )


class _Parts:
    """What charges need beside the money that names them.

    Args:
        plain: What is asked for and not in dispute, of those that are due.
        disputed: What is in dispute.
        given_up: What is written off.
        behind: What those need that are due later.
        waiting: Money that waits for them.
    """

    def __init__(
        self,
        charges: list[Charge],
        asked: Callable[[Charge], int],
        used: Mapping[str, int],
        written_off: Mapping[str, int],
        contested: Mapping[str, int],
        on: date,
    ) -> None:
        split = due_by(charges, on)
        self.due, self.later, self._asked = charges[:split], charges[split:], asked
        needs = [asked(c) - used.get(c.number, 0) for c in self.due]
        off = [min(written_off.get(c.number, 0), n) for c, n in zip(self.due, needs, strict=True)]
        needs = [need - fen for need, fen in zip(needs, off, strict=True)]
        self.disputed = [
            min(contested.get(c.number, 0), n) for c, n in zip(self.due, needs, strict=True)
        ]
        self.plain = [n - fen for n, fen in zip(needs, self.disputed, strict=True)]
        self.given_up = off
        self.waiting = sum([used.get(c.number, 0) for c in self.later])
        self.behind = [
            max(asked(c) - used.get(c.number, 0) - written_off.get(c.number, 0), 0)
            for c in self.later
        ]

    def unpaid(self) -> Open:
        """What is owed of those that are due."""
        fens = [a + b for a, b in zip(self.plain, self.disputed, strict=True)]
        return tuple([pair for pair in zip(self.due, fens, strict=True) if pair[1]])

    def upcoming(self) -> Open:
        """What is open of those that are due later."""
        return tuple([pair for pair in zip(self.later, self.behind, strict=True) if pair[1]])

    def gave_up(self) -> dict[str, int]:
        """What is not asked for any more of those that are due."""
        fens = [
            charge.amount_fen - self._asked(charge) + fen
            for charge, fen in zip(self.due, self.given_up, strict=True)
        ]
        return {charge.number: fen for charge, fen in zip(self.due, fens, strict=True) if fen}


def _settle(needs: list[int], pool: int) -> int:
    """Let the pool settle needs in their order; what remains of it."""
    if pool > 0:
        for index, need in enumerate(needs):
            if need > pool:
                needs[index] = need - pool
                return 0
            pool -= need
            needs[index] = 0
    return pool
