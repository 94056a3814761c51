"""Road traffic fines as accounts: a mapping from somebody else's process to this library.

    python examples/traffic_fines.py traffic_fines.csv.gz

The log of an Italian town's fines (4TU, doi 10.4121/uuid:270fd440-1057-4fb9-89a9-b699b47990f5) has
bills, postage, penalties, part payments, appeals and hand-overs to collection. Every case becomes
a household with an account:

| activity | becomes |
|---|---|
| Create Fine | a charge, due on its day |
| Send Fine | a charge for the expense |
| Add penalty | a charge for what the penalty adds: its `amount` is the new whole |
| Payment | a payment that names no charge |
| Insert Date Appeal, Appeal to Judge | disputes of everything asked for so far |
| Notify Result Appeal | the disputes are rejected |
| Send for Credit Collection | disputes still open are rejected; the ladder takes its course |

A clerk of the town enters what happens and proposes how a dispute is decided; a magistrate decides
it, for nobody decides what they proposed (LOG-08). So the two take turns.

The file calls a dismissed appeal no more than a code, so no dispute is upheld. The column
`paymentamount` has lost its decimal point: it is reported and never added up;
`payment_amount_repaired` is what was paid.
"""

from __future__ import annotations

import csv
import gzip
import sys
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby, zip_longest
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

from crm_adapters import open_crm
from crm_core import CRM, Actor, Personal, Planned
from crm_core.kernel.dates import start_of_day
from crm_core.kernel.money import fen_from_yuan
from crm_core.kernel.word import Word
from crm_core.kernel.yuan import yuan_from_fen
from crm_core.owners.commands import RegisterHousehold, owner_id
from crm_core.payments.collection.commands import AdvanceCollection
from crm_core.payments.commands import (
    DecideDispute,
    DisputeCharge,
    ProposeDisputeDecision,
    RaiseCharge,
    ReceivePayment,
)

CLERK = Actor("town", "specialist")
MAGISTRATE = Actor("magistrate", "manager")
COLLECTION = "Send for Credit Collection"
APPEALS = ("Insert Date Appeal to Prefecture", "Appeal to Judge")
RESULT = "Notify Result Appeal to Offender"


@frozen
class Damage:
    """A value of `paymentamount` that is not what was paid."""

    case: str
    found: str
    paid_fen: int


@define
class Case:
    """A fine on its way: what was asked for, what was paid, and the commands that say so.

    Args:
        asked_fen: The latest amount, without expenses.
        expense_fen: Expenses.
        paid_fen: Repaired payments.
        sent_on: When it was sent for collection, if it was.
    """

    number: str
    asked_fen: int = 0
    expense_fen: int = 0
    paid_fen: int = 0
    sent_on: date | None = None
    commands: list[tuple[date, Any]] = field(factory=list)
    damage: list[Damage] = field(factory=list)
    _charges: dict[str, int] = field(factory=dict)
    _disputes: list[str] = field(factory=list)
    _disputed: set[str] = field(factory=set)

    @property
    def balance_fen(self) -> int:
        """Amount and expense less what was paid."""
        return self.asked_fen + self.expense_fen - self.paid_fen

    def follow(self, row: dict[str, str]) -> None:
        """Take a line of the log into account."""
        on, what = date.fromisoformat(row["timestamp"]), row["activity"]
        if row["amount"]:
            whole = fen_from_yuan(row["amount"])
            self._charge(on, whole - self.asked_fen)
            self.asked_fen = whole
        if row["expense"]:
            self.expense_fen += fen_from_yuan(row["expense"])
            self._charge(on, fen_from_yuan(row["expense"]))
        if what == "Payment":
            self._pay(on, row)
        elif what in APPEALS:
            self._appeal(on)
        elif what == RESULT:
            self._reject(on)
        elif what == COLLECTION:
            self._reject(on)
            self.sent_on = on
            # The fine is due on its own day, so it is overdue from the next.
            self.commands.append((on, AdvanceCollection(self.number, on)))

    def _charge(self, on: date, fen: int) -> None:
        if fen > 0:
            charge = f"C{len(self._charges) + 1}"
            self._charges[charge] = fen
            self.commands.append(
                (on, RaiseCharge(self.number, charge, "other", f"{on:%Y-%m}", fen, on))
            )

    def _pay(self, on: date, row: dict[str, str]) -> None:
        fen = fen_from_yuan(row["payment_amount_repaired"])
        self.paid_fen += fen
        if row["paymentamount"] and fen_from_yuan(row["paymentamount"]) != fen:
            self.damage.append(Damage(self.number, row["paymentamount"], fen))
        payment = f"P{row['activity_instance_id']}"
        self.commands.append((on, ReceivePayment(self.number, payment, fen, on, "other")))

    def _appeal(self, on: date) -> None:
        for charge, fen in self._charges.items():
            if charge not in self._disputed:
                self._disputed.add(charge)
                dispute = f"D{len(self._disputes) + 1}"
                self._disputes.append(dispute)
                said = Word(owner_id(self.number), "letter", f"appeal of {on}")
                self.commands.append(
                    (on, DisputeCharge(self.number, dispute, charge, fen, on, "appeal", said))
                )

    def _reject(self, on: date) -> None:
        if self._disputed:
            first = len(self._disputes) - len(self._disputed)
            for dispute in self._disputes[first:]:
                rejected = ProposeDisputeDecision(self.number, dispute, 0, on, "appeal decided")
                self.commands.append((on, rejected))
                self.commands.append((on, DecideDispute(self.number, dispute, True, on)))
            self._disputed.clear()


def read(path: Path) -> list[Case]:
    """The cases of the file, in the order in which they begin there."""
    cases: dict[str, Case] = {}
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            cases.setdefault(row["case_id"], Case(row["case_id"])).follow(row)
    return list(cases.values())


def planned(case: Case) -> Iterator[Planned]:
    """Every command of a case, known to the town on its own day."""
    begins = case.commands[0][0]
    # The log names nobody, and whoever is fined is a person of their own.
    owner = Personal(owner_id(case.number), "-")
    file = RegisterHousehold(case.number, "Town", "1", "1", case.number, owner=owner)
    for nth, (on, command) in enumerate([(begins, file), *case.commands]):
        yield Planned(command, f"{case.number}:{nth}", noon(on))


def giver(item: Planned) -> Actor:
    """Who gives a command."""
    return MAGISTRATE if isinstance(item.command, DecideDispute) else CLERK


def noon(on: date) -> datetime:
    """The instant at which the town knew of a day's facts."""
    return start_of_day(on) + timedelta(hours=12)


def play(crm: CRM, cases: Sequence[Case]) -> int:
    """Enter all cases, the two taking turns; how many events they become."""
    turns = [[list(turn) for _, turn in groupby(planned(case), giver)] for case in cases]
    events = 0
    for turn in zip_longest(*turns, fillvalue=()):
        items = [item for part in turn for item in part]
        events += crm.batch(items, by=giver(items[0]))
    return events


def main(path: Path) -> int:
    """Enter the file into a log in memory and tell what came of it."""
    cases = read(path)
    with open_crm("memory:") as crm:
        events = play(crm, cases)
        last = max(on for case in cases for on, _ in case.commands)
        owed = sum(
            found.overdue_fen for *_, found in crm.accounts.arrears(last + timedelta(days=1))
        )
    damaged = [one for case in cases for one in case.damage]
    print(f"{len(cases):,} cases, {events:,} events")
    print(f"{sum(case.sent_on is not None for case in cases):,} cases were sent for collection")
    print(f"{yuan_from_fen(owed)} are overdue and undisputed at the end")
    print(f"{len(damaged):,} values of `paymentamount` are damaged and were not added up, like")
    for one in damaged[:3]:
        print(f"  case {one.case}: `{one.found}` where {yuan_from_fen(one.paid_fen)} were paid")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: traffic_fines.py FILE.csv.gz")
    sys.exit(main(Path(sys.argv[1])))
