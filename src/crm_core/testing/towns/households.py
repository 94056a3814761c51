"""Two neighbours, and what is made up for them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from crm_core.kernel.dates import start_of_day
from crm_core.kernel.recorded import Actor
from crm_core.kernel.sealed import Personal
from crm_core.kernel.word import Word
from crm_core.owners.commands import (
    AddMember,
    ConfirmConduct,
    RecordInterest,
    RegisterHousehold,
    owner_id,
)
from crm_core.payments.commands import (
    AgreeClause,
    ApproveRate,
    CancelCharge,
    ClaimLateCharge,
    DecideDispute,
    DecideRefund,
    DecideWaiver,
    DisputeCharge,
    MovePayment,
    ProposeDisputeDecision,
    ProposeRefund,
    ProposeWaiver,
    RaiseCharge,
    ReceivePayment,
    RecordPurchase,
    ReversePayment,
    WithdrawDispute,
)
from crm_core.payments.late import LateChargePolicy
from crm_core.requests.commands import (
    MarkDuplicate,
    MergeDuplicate,
    ReceiveRequest,
    Reclassify,
    UndoDuplicate,
)
from crm_core.requests.sla import DEFAULT_SLA, SlaPolicy
from crm_core.slices import shipped
from crm_core.testing.strategies.values import GRADE_ENDS, TURNING_FEN
from crm_core.testing.towns.chance import Chance
from crm_core.testing.towns.deciding import CLERK, DIRECTOR, MANAGER, Decided, Item, Told
from crm_core.testing.towns.plan import Plan

LATE_CHARGES = "late-charge-daily"

_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)

_midnight = lru_cache(maxsize=20_000)(start_of_day)

_FILE, _CHARGES, _PAYMENTS, _CORRECTIONS, _CLAIMS, _DECISIONS, _REST, _LAST = range(8)
"""Order of the records of an older system."""

_KINDS = ("repair", "repair", "repair", "complaint", "enquiry", "suggestion", "praise", "other")
_MATTERS = ("complaint", "complaint", "enquiry", "suggestion", "other")
_SERVICES = ("cleaning", "gym", "laundry", "repairs_at_home", "child_care")


class Pair:
    """Two neighbours, or the last household alone: what is made up for them."""

    def __init__(self, town: Plan, first: int, last: int) -> None:
        self._town = town
        self._numbers = range(first, last + 1)
        self._chance = Chance(town.seed, first)
        self._items: list[Item] = []
        self._taken_over: datetime | None = None
        late = shipped().find(LateChargePolicy, LATE_CHARGES, date(town.first_year, 1, 1))
        self._late: LateChargePolicy = late
        self._sla: SlaPolicy = shipped().find(SlaPolicy, DEFAULT_SLA, date(town.first_year, 1, 1))

    def told(self) -> Iterator[Told]:
        """Everything about both, in the order in which it is entered."""
        town = self._town
        if self._chance.hits(town.shares.imported):
            self._taken_over = _midnight(date(town.first_year + 1, 1, 1)) + 9 * _HOUR
        for number in self._numbers:
            self._household(number)
        self._items.sort(key=_entered)
        return Decided(self._items).told()

    def _tell(self, rank: int, at: datetime, command: Any, by: Actor = CLERK) -> datetime:
        placed = self._taken_over
        if placed is None or at > placed:
            # What is told from then on stands in the order in which it is known.
            placed, rank = at, _LAST
        self._items.append(
            Item(placed=placed, rank=rank, number=len(self._items), at=at, command=command, by=by)
        )
        return at

    def _word(self, home: Home, on: date) -> Word:
        """What the owner says in a letter; whoever says nothing needs no entry in the file."""
        member = owner_id(home.id)
        if not home.has_owner:
            home.has_owner = True
            since = home.registered.date()
            added = AddMember(
                household=home.id,
                member=member,
                role="owner",
                since=since,
                name=Personal(member, "Ouyang Xiu"),
            )
            self._tell(_FILE, home.registered, added)
        return Word(member, "letter", f"letter {on}")

    def _known(self, day: date) -> datetime:
        """When a fact of that day comes to be known."""
        chance = self._chance
        hours = 9 + chance.below(9)
        if chance.hits(self._town.shares.known_late):
            hours += 24 * chance.between(20, 180)
        elif chance.below(4) == 0:
            hours += 24 * chance.between(1, 6)
        return _midnight(day) + hours * _HOUR

    def _day(self, year: int) -> date:
        return date(year, 1, 1) + self._chance.below(365) * _DAY

    # --- one household -------------------------------------------------------------------

    def _household(self, number: int) -> None:
        town, chance, shares = self._town, self._chance, self._town.shares
        home = town.household(number)
        after = 0
        if town.years > 1 and chance.hits(shares.newcomers):
            after = chance.between(1, town.years - 1)
        begins = town.first_year + after
        moved_in = date(begins, 1, 1) - chance.between(0, 60) * _DAY
        kind = "company" if chance.hits(shares.companies) else "person"
        floor, door = divmod(number, 4)
        register = RegisterHousehold(
            household=home,
            estate="Anhe",
            building=str(floor // 400 + 1),
            unit=str(floor // 100 % 4 + 1),
            room=f"{floor % 100 + 1:02}{door + 1:02}",
            kind=kind,
            moved_in=moved_in,
        )
        # The file is there before anything is booked.
        opened = self._tell(_FILE, _midnight(date(begins - 1, 10, 1)), register)
        # A few are late most of the time, most hardly ever.
        late = shares.late // 4 if chance.below(100) < 75 else 3 * shares.late
        fee_fen = 10_000 + 100 * chance.below(400)
        made = Home(
            household=home,
            registered=opened,
            unnamed=chance.hits(shares.unnamed),
            late=late,
            fee_fen=fee_fen,
        )
        for year in range(begins, town.first_year + town.years):
            # The file and its place are facts of the first year.
            self._year(made, year, town.facts_a_year - 2 * (year == begins))

    def _year(self, home: Home, year: int, budget: int) -> None:
        chance, shares = self._chance, self._town.shares
        before = len(self._items)
        charges = []
        if not chance.hits(shares.uncharged):
            charges = self._charges(home, year)
        if charges:
            if chance.hits(shares.disputed):
                self._dispute(home, chance.one_of(charges))
            if chance.hits(shares.waived):
                self._waiver(home, max(charges, key=_days_late))
            if chance.hits(shares.late_charges):
                self._late_charge(home, max(charges, key=_days_late))
        if chance.hits(shares.conduct):
            on = self._day(year)
            kind = chance.one_of(("bad_record", "disturbance"))
            conduct = ConfirmConduct(home.id, kind, on, f"note {on}")
            self._tell(_REST, self._known(on), conduct, MANAGER)
        if chance.hits(shares.interested):
            on = self._day(year)
            service = chance.one_of(_SERVICES)
            interest = RecordInterest(home.id, service, on, self._word(home, on))
            self._tell(_REST, self._known(on), interest)
        loud = chance.hits(shares.loud)
        if loud:
            for _ in range(chance.between(3, 6)):
                self._request(home, year, _MATTERS)
        if chance.hits(shares.duplicates):
            self._duplicates(home, year)
        while len(self._items) - before < budget:
            if chance.below(100) < 45:
                self._purchase(home, year)
            else:
                self._request(home, year, _KINDS)

    # --- charges and money ---------------------------------------------------------------

    def _charges(self, home: Home, year: int) -> list[Charge]:
        """The charges of a year, each with what becomes of it."""
        facts = self._town.facts_a_year
        times = next(n for n in (12, 6, 4, 3, 2, 1) if 2 * n + 3 <= facts or n == 1)
        charges = []
        for nth in range(times):
            month = nth * (12 // times) + 1 + home.fee_fen // 100 % (12 // times)
            due = date(year, month, 28 if home.fee_fen // 1000 % 3 else 1)
            period = f"{year}-{month:02}" if times == 12 else f"{year}-{nth + 1}/{times}"
            charge = Charge(home.next("C"), home.fee_fen * (12 // times), due, due)
            raised = RaiseCharge(
                household=home.id,
                charge=charge.number,
                kind="management_fee",
                period=period,
                amount_fen=charge.amount_fen,
                due=due,
            )
            first = self._known(due - 27 * _DAY)
            charges.append(charge)
            self._tell(_CHARGES, first, raised)
            if self._chance.hits(self._town.shares.cancelled):
                at = first + self._chance.between(1, 90) * _DAY
                cancel = CancelCharge(home.id, charge.number, due, "raised by mistake")
                self._tell(_CORRECTIONS, at, cancel)
            self._pay(home, charge)
        return charges

    def _pay(self, home: Home, charge: Charge) -> None:
        chance, shares = self._chance, self._town.shares
        fate = chance.below(1000)
        if fate < shares.unpaid:
            charge.paid_on = charge.due + 400 * _DAY
            return
        fate -= shares.unpaid
        after = self._days_late() if chance.hits(home.late) else -chance.below(26)
        charge.paid_on = paid_on = charge.due + after * _DAY
        if fate < shares.in_part and charge.amount_fen > 1:
            part = chance.between(1, charge.amount_fen - 1)
            self._payment(home, charge, part, paid_on)
            charge.paid_on = paid_on + chance.between(1, 120) * _DAY
            self._payment(home, charge, charge.amount_fen - part, charge.paid_on)
        elif fate < shares.in_part + shares.too_much:
            more = chance.between(1, charge.amount_fen)
            at = self._payment(home, charge, charge.amount_fen + more, paid_on)
            if chance.below(2):
                on = paid_on + chance.between(0, 60) * _DAY
                number = home.next("F")
                refund = ProposeRefund(
                    household=home.id,
                    refund=number,
                    amount_fen=chance.between(1, more),
                    on=on,
                    reason="asked for it",
                )
                known = self._tell(_CLAIMS, max(at, self._known(on)), refund)
                self._tell(_CLAIMS, known, DecideRefund(home.id, number, True, on), MANAGER)
        else:
            self._payment(home, charge, charge.amount_fen, paid_on)

    def _days_late(self) -> int:
        chance = self._chance
        how = chance.below(100)
        if how < 15:
            return int(chance.one_of(GRADE_ENDS))
        if how < 60:
            return chance.between(1, 30)
        if how < 85:
            return chance.between(31, 90)
        return chance.between(91, 180) if how < 95 else chance.between(181, 420)

    def _payment(self, home: Home, charge: Charge, fen: int, paid_on: date) -> datetime:
        """Money that comes in, and stays, bounces, or goes to whom it belongs."""
        chance, shares = self._chance, self._town.shares
        number = home.next("P")
        named = None if home.unnamed else charge.number
        method = chance.one_of(("wechat", "alipay", "transfer", "cash"))
        paid = ReceivePayment(
            household=home.id,
            payment=number,
            amount_fen=fen,
            paid_on=paid_on,
            method=method,
            charge=named,
            charge_follows=True,
        )
        at = self._tell(_PAYMENTS, self._known(paid_on), paid)
        fate = chance.below(1000)
        if fate < shares.reversed:
            on = paid_on + chance.between(0, 40) * _DAY
            bounced = ReversePayment(home.id, number, on, "bounced")
            self._tell(_CORRECTIONS, max(at, self._known(on)), bounced)
        elif fate < shares.reversed + shares.moved and len(self._numbers) > 1:
            [to] = [h for h in map(self._town.household, self._numbers) if h != home.id]
            moved = MovePayment(home.id, number, to, "wrong household")
            self._tell(_CORRECTIONS, at + chance.between(0, 60) * _DAY, moved)
        return at

    # --- what the household and the company say about charges ------------------------------

    def _dispute(self, home: Home, charge: Charge) -> None:
        chance = self._chance
        number = home.next("D")
        whole = chance.below(2) == 0
        fen = charge.amount_fen if whole else chance.between(1, charge.amount_fen)
        on = charge.due + chance.between(-5, 60) * _DAY
        word = self._word(home, on)
        disputed = DisputeCharge(
            household=home.id,
            dispute=number,
            charge=charge.number,
            amount_fen=fen,
            on=on,
            reason="not as agreed",
            word=word,
        )
        at = self._tell(_CLAIMS, self._known(max(on, charge.due)), disputed)
        end = on + chance.between(0, 200) * _DAY
        known = max(at, self._known(end))
        match chance.below(5):
            case 0:
                pass  # nobody has decided yet
            case 1:
                word = self._word(home, end)
                withdrawn = WithdrawDispute(
                    household=home.id, dispute=number, on=end, reason="explained", word=word
                )
                self._tell(_DECISIONS, known, withdrawn)
            case how:
                upheld = (0, fen, chance.between(0, fen))[how - 2]
                proposed = ProposeDisputeDecision(
                    household=home.id,
                    dispute=number,
                    upheld_fen=upheld,
                    on=end,
                    reason="looked into",
                )
                self._tell(_DECISIONS, known, proposed)
                decided = DecideDispute(home.id, number, True, end)
                self._tell(_DECISIONS, known, decided, MANAGER)

    def _waiver(self, home: Home, charge: Charge) -> None:
        chance = self._chance
        on = charge.due + chance.between(-10, 30) * _DAY
        fen = chance.between(1, charge.amount_fen)
        number = home.next("W")
        waiver = ProposeWaiver(
            household=home.id,
            waiver=number,
            charge=charge.number,
            amount_fen=fen,
            on=on,
            reason="hardship",
            write_off=chance.below(2) == 0,
        )
        known = self._tell(_CLAIMS, self._known(max(on, charge.due)), waiver)
        self._tell(_CLAIMS, known, DecideWaiver(home.id, number, True, on), MANAGER)

    def _clause(self, home: Home) -> None:
        """The contract agrees on late charges from the beginning, whatever courts think of it."""
        if home.has_clause:
            return
        home.has_clause = True
        on = date(self._town.first_year - 1, 1, 1)
        agreed = AgreeClause(
            household=home.id,
            clause="K1",
            subject="late_charge",
            policy_name=LATE_CHARGES,
            on=on,
            document="contract",
            word=self._word(home, on),
            known_policies=(LATE_CHARGES,),
        )
        self._tell(_CHARGES, home.registered, agreed)
        approved = ApproveRate(household=home.id, clause="K1", on=on, reason="as agreed")
        self._tell(_CHARGES, home.registered, approved, DIRECTOR)

    def _late_charge(self, home: Home, charge: Charge) -> None:
        chance = self._chance
        self._clause(home)
        on = charge.due + chance.between(15, 200) * _DAY
        number = home.next("L")
        claim = ClaimLateCharge(
            household=home.id,
            charge=number,
            of=charge.number,
            on=on,
            due=on + 30 * _DAY,
            policy_name=LATE_CHARGES,
            policy=self._late,
        )
        at = self._tell(_DECISIONS, self._known(on), claim, MANAGER)
        if chance.below(2):
            paid_on = on + chance.between(0, 60) * _DAY
            fen = chance.between(1, 50_00)
            paid = ReceivePayment(
                household=home.id,
                payment=home.next("P"),
                amount_fen=fen,
                paid_on=paid_on,
                method="cash",
                charge=number,
            )
            self._tell(_LAST, max(at, self._known(paid_on)), paid)

    # --- purchases and requests ------------------------------------------------------------

    def _purchase(self, home: Home, year: int) -> None:
        chance = self._chance
        how = chance.below(100)
        if how < 6:
            fen = int(chance.one_of(TURNING_FEN))
        elif how < 12:
            fen = chance.between(500_000, 2_500_000)
        else:
            fen = chance.between(10_00, 3_000_00)
        on = self._day(year)
        service = chance.one_of(_SERVICES)
        bought = RecordPurchase(
            household=home.id, purchase=home.next("B"), service=service, amount_fen=fen, on=on
        )
        at = self._tell(_REST, self._known(on), bought)
        if chance.hits(self._town.shares.purchase_refunds):
            back = on + chance.between(0, 40) * _DAY
            refund = RecordPurchase(
                household=home.id,
                purchase=home.next("B"),
                service=service,
                amount_fen=-chance.between(1, fen),
                on=back,
            )
            self._tell(_REST, max(at, self._known(back)), refund)

    def _request(self, home: Home, year: int, kinds: tuple[str, ...]) -> tuple[str, datetime]:
        chance = self._chance
        number = f"{home.id}-{home.next('R')}"
        received = _midnight(self._day(year)) + chance.one_of((0, 9, 14, 23)) * _HOUR
        asked = ReceiveRequest(
            request=number,
            household=home.id,
            channel="phone",
            kind=chance.one_of(kinds),
            trade="cleaning",
            severity="general",
            summary="",
            received_at=received,
            first_asked="S1",
            policy=self._sla,
        )
        at = received
        if chance.hits(self._town.shares.known_late):
            at += chance.between(1, 90) * _DAY
        told = self._tell(_REST, at, asked)
        if chance.hits(self._town.shares.reclassified):
            later = at + chance.between(0, 60) * _DAY
            again = Reclassify(
                request=number,
                reason="heard again",
                reclassified_at=later,
                kind=chance.one_of(_KINDS),
                policy=self._sla,
            )
            self._tell(_LAST, later, again)
        return number, told

    def _duplicates(self, home: Home, year: int) -> None:
        """A chain of requests about one matter; some go on in the other, some were none."""
        chance = self._chance
        told = [self._request(home, year, _MATTERS) for _ in range(chance.between(2, 3))]
        for (number, first), (of, second) in zip(told[1:], told, strict=False):
            at = max(first, second) + chance.between(0, 40) * _DAY
            said: Any = MarkDuplicate(number, of, "the same matter")
            if chance.below(2) == 0:
                said = MergeDuplicate(number, of, "the same matter", at, policy=self._sla)
            self._tell(_LAST, at, said)
            if chance.below(4) == 0:
                later = at + chance.between(0, 90) * _DAY
                undone = UndoDuplicate(number, "another matter", later, policy=self._sla)
                self._tell(_LAST, later, undone)


class Home:
    """A household, what its file and its contract say so far, and which numbers it has used."""

    def __init__(
        self, household: str, registered: datetime, unnamed: bool, late: int, fee_fen: int
    ) -> None:
        self.id = household
        self.registered = registered
        self.has_owner = self.has_clause = False
        self.unnamed = unnamed
        self.late = late
        self.fee_fen = fee_fen
        self._used: dict[str, int] = {}

    def next(self, kind: str) -> str:
        number = self._used[kind] = self._used.get(kind, 0) + 1
        # A payment may come to stand in the neighbour's account.
        return f"{kind}{number}-{self.id}" if kind == "P" else f"{kind}{number}"


class Charge:
    """A charge, and when it was paid."""

    __slots__ = ("amount_fen", "due", "number", "paid_on")

    def __init__(self, number: str, amount_fen: int, due: date, paid_on: date) -> None:
        self.number: str = number
        self.amount_fen: int = amount_fen
        self.due: date = due
        self.paid_on: date = paid_on


def _entered(item: Item) -> tuple[datetime, int, int]:
    return item[:3]


def _days_late(charge: Charge) -> int:
    return (charge.paid_on - charge.due).days
