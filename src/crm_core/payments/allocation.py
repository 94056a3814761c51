"""Allocation: which money settles which charge, as a function of the facts and not their order.

As of a day D (PAY-02, PAY-03; decision records 0009, 0022 and 0039):

1. money that names a charge settles it, up to what it asks for; what names a charge that is due
   later waits for it, and is credit in advance until then;
2. all other money is one pool, which settles what is due by D: principal oldest due first, the same
   due date by charge number; then what is in dispute on D; then late charges and costs of
   enforcement; and at last what was written off, so that it never turns into credit;
3. what then remains is credit in advance, and settles what falls due next.

That is the default policy, and what contracts agree on. Where another one holds
(`allocation_policy`), money without a name is allocated by the policy of the day on which it came:
by the Civil Code to the letter, in the order in which it came. Nothing is lost: unpaid charges and
money account for every fen (PAY-15).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from itertools import groupby
from typing import Any

from attrs import field

from crm_core.kernel.values import frozen
from crm_core.payments.allocation_policy import OLDEST_FIRST, AllocationPolicy
from crm_core.payments.ledger import (
    COSTS,
    Charge,
    Ledger,
    Settlement,
    asked_on,
    due_by,
    free_on,
    given_on,
    left_over,
    waiting,
)

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
    return Allocation(unpaid, advance, upcoming=upcoming)


def _whole(ledger: Ledger, on: date) -> Allocation:
    """Where there is more: each charge has parts, and the pool settles them in their order."""
    asked = asked_on(ledger, on)
    used, pool = free_on(ledger, on, asked)
    written_off = ledger.given_up_on(on, write_off=True) if ledger.waivers else {}
    contested = ledger.disputed_on(on) if ledger.disputes else {}
    principal = _Parts(ledger.charges, asked, used, written_off, contested, on)
    late = _Parts(ledger.late, asked, used, written_off, {}, on)
    if ledger.epochs:
        pool = _by_epochs(ledger, on, asked, principal, late)
    else:
        pool = _oldest_first(principal, late, pool)
    advance = pool + principal.waiting + late.waiting + waiting(ledger, on)
    pool = _settle(principal.behind, pool)
    _settle(late.behind, pool)
    contested = {c.number: fen for c, fen in zip(principal.due, principal.disputed, strict=True)}
    return Allocation(
        unpaid=principal.unpaid(),
        advance_fen=advance,
        disputed={number: fen for number, fen in contested.items() if fen},
        late=late.unpaid(),
        upcoming=(*principal.upcoming(), *late.upcoming()),
        given_up={**principal.gave_up(), **late.gave_up()},
    )


def _oldest_first(principal: _Parts, late: _Parts, pool: int) -> int:
    """Let the pool settle what is due, as contracts agree; what remains of it."""
    for needs in (principal.plain, principal.disputed, late.plain, principal.given_up):
        pool = _settle(needs, pool)
    return _settle(late.given_up, pool)


# --- one policy after the other ----------------------------------------------------------------


def _by_epochs(
    ledger: Ledger, on: date, asked: Callable[[Charge], int], principal: _Parts, late: _Parts
) -> int:
    """Let money settle what is due by the policy of the day on which it came; what remains."""
    firsts = [epoch.first for epoch in ledger.epochs]
    money: list[list[tuple[date, int]]] = [[] for _ in firsts]
    for day, fen in _less_refunds(_receipts(ledger, on, asked)):
        money[bisect_right(firsts, day) - 1].append((day, fen))
    rest = lacking = 0
    for epoch, received in zip(ledger.epochs, money, strict=True):
        if epoch.policy.method == OLDEST_FIRST:
            pool = lacking + sum(fen for _, fen in received)
            left = _oldest_first(principal, late, pool) if pool > 0 else pool
        else:
            left = _civil_code(received, epoch.policy, lacking, principal, late)
        # What was paid back of money that came under one policy may be missing under the next.
        lacking = min(left, 0)
        rest += max(left, 0)
    rest += lacking
    if rest > 0:
        # What was given up is paid before anything turns into credit.
        rest = _settle(late.given_up, _settle(principal.given_up, rest))
    return rest


def _receipts(
    ledger: Ledger, on: date, asked: Callable[[Charge], int]
) -> Iterator[tuple[date, int]]:
    """Money in force that is free, by the day on which it came; negative where it was paid back."""
    free: dict[int, list[Settlement]] = {}
    named = set[str]()
    standing = {charge.number for charge in (*ledger.charges, *ledger.late)}
    for settlement in ledger.settlements:
        if settlement.effective > on:
            break
        # What names none that stands names none.
        if settlement.charge is None or settlement.charge not in standing:
            free.setdefault(settlement.payment, []).append(settlement)
        else:
            named.add(settlement.charge)
    for parts in free.values():
        yield parts[0].effective, sum(part.amount_fen for part in parts)
    for number in sorted(named):
        for money, fen in left_over(ledger, number, on):
            if money.tenure == ledger.tenure:
                yield money.effective, fen
    for number, there in ledger.abroad:
        for money, fen in left_over(there, number, on):
            if money.tenure == ledger.tenure:
                yield money.effective, fen
    yield from ((debt.due, debt.amount_fen) for debt in ledger.debts if debt.due <= on)


def _less_refunds(receipts: Iterable[tuple[date, int]]) -> list[tuple[date, int]]:
    """Money by its days; what was paid back is taken from what had come last by then."""
    left: list[tuple[date, int]] = []
    for day, fen in sorted(receipts, key=lambda receipt: (receipt[0], -receipt[1])):
        left.append((day, fen))
        while len(left) > 1 and left[-1][1] < 0:
            (_, back), (at, there) = left.pop(), left.pop()
            left.append((at if there > -back else day, there + back))
    return [(day, fen) for day, fen in left if fen]


def _civil_code(
    received: list[tuple[date, int]],
    policy: AllocationPolicy,
    credit: int,
    principal: _Parts,
    late: _Parts,
) -> int:
    """Let money settle what is due when it comes, and credit what falls due after it.

    Costs of enforcement, then interest, then principal (art. 561); of principal the heavier debt
    first, then the earlier due date, the same one in proportion (art. 560). A debt in dispute is
    a debt.
    """
    dues = {charge.due for charge in (*principal.due, *late.due)}
    weights = {kind: place for place, kind in enumerate(policy.heavier)}
    needs: list[tuple[tuple[Any, ...], str, list[int], int]] = []
    for parts, rank in ((late, 0), (principal, 1)):
        for index, charge in enumerate(parts.due):
            weight = weights.get(charge.kind, len(weights))
            order = (rank, weight) if rank else (rank, charge.kind != COSTS)
            for left in (parts.plain, parts.disputed):
                needs.append(((*order, charge.due), charge.number, left, index))
    needs.sort(key=lambda need: need[:2])
    for day in sorted({day for day, _ in received} | dues):
        credit += sum(fen for at, fen in received if at == day)
        if credit <= 0:
            continue
        for _, alike in groupby(needs, key=lambda need: need[0]):
            found = [need for need in alike if need[0][-1] <= day]
            credit = _in_proportion([(left, index) for _, _, left, index in found], credit)
    return credit


def _in_proportion(needs: list[tuple[list[int], int]], money: int) -> int:
    """Let money settle needs in proportion, the odd fen in their order; what remains of it."""
    whole = sum(left[index] for left, index in needs)
    if money >= whole:
        for left, index in needs:
            left[index] = 0
        return money - whole
    shares = [money * left[index] // whole for left, index in needs]
    odd = money - sum(shares)
    for (left, index), share in zip(needs, shares, strict=True):
        more = min(odd, left[index] - share, 1)
        odd -= more
        left[index] -= share + more
    return 0


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
