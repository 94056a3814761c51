"""Whole towns from a seed: households with years of dealings, as many as are wanted, and quickly.

    town = Town(seed=7, households=10_000)
    with open_crm("sqlite:///town.db") as crm:
        fill(crm.log, town)
        crm.grade(2011, known=known_at(2011))
        planted = plant_errors(crm, seed=7, count=37)
        assert {(f.household, f.year) for f in crm.replay().differing} == {...}

Every event is what a decider made of a command, so the facade would have written the same streams;
what a decider refuses is left out. What one member of staff proposes another decides at once. Most
facts come to be known within days, some months late, some long before their day. Some households
were taken over from an older system: their records stand in the log by kind, whatever the order in
which they had come to be known.

The same town is the same on every machine: chance is an own generator (splitmix64) over the seed
and the number of the household, in whole numbers. Memory is that of a block of households.

Small histories that shrink are in `crm_core.testing.dealings`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

from attrs import evolve, field, frozen

from crm_core.crm import CRM
from crm_core.gradings.decide import GRADING
from crm_core.gradings.events import DECIDED, GradingDecided
from crm_core.gradings.policy import LAYERS
from crm_core.kernel.commands import as_said, given_by
from crm_core.kernel.dates import ESTATE_ZONE, local_date, start_of_day
from crm_core.kernel.decider import Refusal
from crm_core.kernel.recorded import SYSTEM, Actor, Commit, Envelope, StreamAppend, Tip
from crm_core.kernel.sealed import Personal
from crm_core.kernel.sentences import Malformed
from crm_core.kernel.word import Word
from crm_core.owners import HOUSEHOLD
from crm_core.owners.commands import (
    AddMember,
    ConfirmConduct,
    RecordInterest,
    RegisterHousehold,
    owner_id,
)
from crm_core.payments import ACCOUNT
from crm_core.payments.commands import (
    AcceptMovedPayment,
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
from crm_core.payments.credit import GRADES
from crm_core.payments.late import LateChargePolicy
from crm_core.ports import EventLog
from crm_core.requests import REQUEST
from crm_core.requests.commands import MarkDuplicate, ReceiveRequest
from crm_core.requests.sla import DEFAULT_SLA, SlaPolicy
from crm_core.slices import catalog, shipped

__all__ = ["Planted", "Shares", "Told", "Town", "fill", "known_at", "plant_errors"]

CLERK, MANAGER = Actor("town-clerk", "specialist"), Actor("town-manager", "manager")
"""Who enters and proposes, and who decides."""

LATE_CHARGES = "late-charge-daily"

GRADE_ENDS = (1, 30, 31, 90, 91, 180, 181, 365, 366)
"""Days since a due date on which a credit grade begins or ends (PAY-04)."""

TURNING_FEN = (799_999, 800_000, 999_999, 1_000_000, 1_599_999, 1_600_000, 1_999_999, 2_000_000)
"""Purchases on either side of what a layer asks for (GRD-03)."""


@frozen
class Shares:
    """How many of a thousand.

    Args:
        cancelled: Charges raised by mistake.
        companies: Households that are companies.
        conduct: Years of a household with a confirmed bad record or disturbance.
        disputed: Years with a charge in dispute: open, upheld, upheld in part, rejected, withdrawn.
        duplicates: Years with requests that are called duplicates, in chains and circles too.
        imported: Households taken over from an older system after their first year.
        in_part: Charges paid in two parts.
        interested: Years with an interest.
        known_late: Facts that come to be known one to six months late.
        late: Charges paid after their due date.
        late_charges: Years in which a late charge is asked for.
        loud: Years with many requests.
        moved: Payments that belong to the neighbour.
        newcomers: Households that move in after the first year.
        purchase_refunds: Purchases that are given back, in part or whole.
        reversed: Payments that bounce.
        too_much: Charges paid more than in full; half of the rest is refunded.
        uncharged: Years without any charge.
        unnamed: Households whose payments name no charge.
        unpaid: Charges never paid.
        waived: Years in which a charge is waived or written off.
    """

    cancelled: int = 6
    companies: int = 40
    conduct: int = 10
    disputed: int = 30
    duplicates: int = 40
    imported: int = 200
    in_part: int = 40
    interested: int = 60
    known_late: int = 60
    late: int = 200
    late_charges: int = 25
    loud: int = 60
    moved: int = 8
    newcomers: int = 30
    purchase_refunds: int = 60
    reversed: int = 12
    too_much: int = 20
    uncharged: int = 10
    unnamed: int = 250
    unpaid: int = 8
    waived: int = 15


REGULAR = Shares(
    cancelled=0, conduct=0, disputed=0, duplicates=0, imported=0, in_part=0, interested=0,
    known_late=0, late_charges=0, loud=0, moved=0, newcomers=0, purchase_refunds=0, reversed=0,
    too_much=0, uncharged=0, unpaid=0, waived=0,
)  # fmt: skip
"""Nothing out of the ordinary but payments that are late."""


def _not_negative(_town: object, _name: object, households: int) -> None:
    if households < 0:
        raise Malformed("town_below_zero", households=households)


@frozen
class Town:
    """Which town.

    Args:
        seed: Another seed, another town.
        households: How many; the first ones of a larger town are those of a smaller one, as far
            as they come in pairs of neighbours.
        years: Calendar years of dealings.
        first_year: The first of them.
        facts_a_year: About how many facts a household has in a year; with its yearly grading one
            event more. What is out of the ordinary may make it a few more.
        shares: What is out of the ordinary, and how often.
        block: Households whose facts stand in the log in the order in which they were known, one
            block behind the other.
    """

    seed: int = 1
    households: int = field(default=1000, validator=_not_negative)
    years: int = 3
    first_year: int = 2011
    facts_a_year: int = 11
    shares: Shares = Shares()
    block: int = 100

    def household(self, number: int) -> str:
        """Id of a household, by its number from 1."""
        return f"V{number:07}"

    def blocks(self) -> Iterator[list[Told]]:
        """All that is told, in the order of the log, a block of households at a time."""
        pairs = ((n, min(n + 1, self.households)) for n in range(1, self.households + 1, 2))
        while some := list(islice(pairs, max(self.block // 2, 1))):
            told: list[tuple[datetime, int, Told]] = []
            for first, last in some:
                for one in _Pair(self, first, last).told():
                    # Each comes with its place already; what it follows from stands before it.
                    told.append((one.placed, len(told), one))
            told.sort()
            yield [one for _, _, one in told]

    def told(self) -> Iterator[Told]:
        """All that is told, in the order of the log."""
        for block in self.blocks():
            yield from block


class Told(NamedTuple):
    """A command that was accepted, and what it appends.

    Args:
        decided: As it was decided, with what is looked up for it.
        by: Who gives it.
        at: When the company came to know it.
        placed: What the order of the log follows.
        reaction: Whether it follows from the one before by itself.
        commit: What is appended.
    """

    decided: Any
    by: Actor
    at: datetime
    placed: datetime
    reaction: bool
    commit: Commit

    @property
    def command(self) -> Any:
        """As `CRM.do` takes it, which looks up the rest."""
        return as_said(self.decided)


def fill(log: EventLog, town: Town) -> int:
    """Append the whole town to a log, a block in one transaction; how many events."""
    events = 0
    for block in town.blocks():
        log.append(one.commit for one in block)
        events += sum(len(append.events) for one in block for append in one.commit.appends)
    return events


def known_at(year: int) -> datetime:
    """An instant at which a year is usually graded: a fortnight after its end."""
    return start_of_day(date(year + 1, 1, 15))


# --- chance ------------------------------------------------------------------------------------

_MASK = (1 << 64) - 1


def _mixed(value: int) -> int:
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


class _Chance:
    """splitmix64: small, quick, and the same everywhere."""

    __slots__ = ("_state",)

    def __init__(self, *path: int) -> None:
        self._state = 0
        for part in path:
            self._state = _mixed((self._state + part + 0x9E3779B97F4A7C15) & _MASK)

    def below(self, limit: int) -> int:
        """A whole number from 0 up to but not including `limit`."""
        self._state = state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        # `_mixed`, spelt out: this is called many times for each event.
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
        return ((state ^ (state >> 31)) * limit) >> 64

    def between(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return low + self.below(high - low + 1)

    def one_of(self, values: Any) -> Any:
        return values[self.below(len(values))]

    def hits(self, share: int) -> bool:
        """True as often as so many of a thousand."""
        return share > 0 and self.below(1000) < share


# --- a pair of neighbours ----------------------------------------------------------------------

_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)

_midnight = lru_cache(maxsize=20_000)(start_of_day)

_FILE, _CHARGES, _PAYMENTS, _CORRECTIONS, _CLAIMS, _DECISIONS, _REST, _LAST = range(8)
"""Order of the records of an older system."""

_KINDS = ("repair", "repair", "repair", "complaint", "enquiry", "suggestion", "praise", "other")
_MATTERS = ("complaint", "complaint", "enquiry", "suggestion", "other")
_SERVICES = ("cleaning", "gym", "laundry", "repairs_at_home", "child_care")


class _Item(NamedTuple):
    """A command before anybody decided about it."""

    placed: datetime
    rank: int
    number: int
    at: datetime
    command: Any
    by: Actor


class _Pair:
    """Two neighbours, or the last household alone: what is made up for them."""

    def __init__(self, town: Town, first: int, last: int) -> None:
        self._town = town
        self._numbers = range(first, last + 1)
        self._chance = _Chance(town.seed, first)
        self._items: list[_Item] = []
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
        return _Decided(self._items).told()

    def _tell(self, rank: int, at: datetime, command: Any, by: Actor = CLERK) -> datetime:
        placed = self._taken_over
        if placed is None or at > placed:
            # What is told from then on stands in the order in which it is known.
            self._items.append(_Item(at, _LAST, len(self._items), at, command, by))
        else:
            self._items.append(_Item(placed, rank, len(self._items), at, command, by))
        return at

    def _word(self, home: _Home, on: date) -> Word:
        """What the owner says in a letter; whoever says nothing needs no entry in the file."""
        member = owner_id(home.id)
        if not home.has_owner:
            home.has_owner = True
            since = home.registered.date()
            added = AddMember(home.id, member, "owner", since, Personal(member, "Ouyang Xiu"))
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
            home, "Anhe", str(floor // 400 + 1), str(floor // 100 % 4 + 1),
            f"{floor % 100 + 1:02}{door + 1:02}", kind, moved_in=moved_in,
        )  # fmt: skip
        # The file is there before anything is booked.
        opened = self._tell(_FILE, _midnight(date(begins - 1, 10, 1)), register)
        # A few are late most of the time, most hardly ever.
        late = shares.late // 4 if chance.below(100) < 75 else 3 * shares.late
        fee_fen = 10_000 + 100 * chance.below(400)
        made = _Home(home, opened, chance.hits(shares.unnamed), late, fee_fen)
        for year in range(begins, town.first_year + town.years):
            # The file and its place are facts of the first year.
            self._year(made, year, town.facts_a_year - 2 * (year == begins))

    def _year(self, home: _Home, year: int, budget: int) -> None:
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

    def _charges(self, home: _Home, year: int) -> list[_Charge]:
        """The charges of a year, each with what becomes of it."""
        facts = self._town.facts_a_year
        times = next(n for n in (12, 6, 4, 3, 2, 1) if 2 * n + 3 <= facts or n == 1)
        charges = []
        for nth in range(times):
            month = nth * (12 // times) + 1 + home.fee_fen // 100 % (12 // times)
            due = date(year, month, 28 if home.fee_fen // 1000 % 3 else 1)
            period = f"{year}-{month:02}" if times == 12 else f"{year}-{nth + 1}/{times}"
            charge = _Charge(home.next("C"), home.fee_fen * (12 // times), due, due)
            raised = RaiseCharge(
                home.id, charge.number, "management_fee", period, charge.amount_fen, due
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

    def _pay(self, home: _Home, charge: _Charge) -> None:
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
                refund = ProposeRefund(home.id, number, chance.between(1, more), on, "asked for it")
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

    def _payment(self, home: _Home, charge: _Charge, fen: int, paid_on: date) -> datetime:
        """Money that comes in, and stays, bounces, or goes to whom it belongs."""
        chance, shares = self._chance, self._town.shares
        number = home.next("P")
        named = None if home.unnamed else charge.number
        method = chance.one_of(("wechat", "alipay", "transfer", "cash"))
        paid = ReceivePayment(home.id, number, fen, paid_on, method, named, charge_follows=True)
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

    def _dispute(self, home: _Home, charge: _Charge) -> None:
        chance = self._chance
        number = home.next("D")
        whole = chance.below(2) == 0
        fen = charge.amount_fen if whole else chance.between(1, charge.amount_fen)
        on = charge.due + chance.between(-5, 60) * _DAY
        word = self._word(home, on)
        disputed = DisputeCharge(home.id, number, charge.number, fen, on, "not as agreed", word)
        at = self._tell(_CLAIMS, self._known(max(on, charge.due)), disputed)
        end = on + chance.between(0, 200) * _DAY
        known = max(at, self._known(end))
        match chance.below(5):
            case 0:
                pass  # nobody has decided yet
            case 1:
                word = self._word(home, end)
                withdrawn = WithdrawDispute(home.id, number, end, "explained", word)
                self._tell(_DECISIONS, known, withdrawn)
            case how:
                upheld = (0, fen, chance.between(0, fen))[how - 2]
                proposed = ProposeDisputeDecision(home.id, number, upheld, end, "looked into")
                self._tell(_DECISIONS, known, proposed)
                decided = DecideDispute(home.id, number, True, end)
                self._tell(_DECISIONS, known, decided, MANAGER)

    def _waiver(self, home: _Home, charge: _Charge) -> None:
        chance = self._chance
        on = charge.due + chance.between(-10, 30) * _DAY
        fen = chance.between(1, charge.amount_fen)
        number = home.next("W")
        waiver = ProposeWaiver(
            home.id, number, charge.number, fen, on, "hardship", write_off=chance.below(2) == 0
        )
        known = self._tell(_CLAIMS, self._known(max(on, charge.due)), waiver)
        self._tell(_CLAIMS, known, DecideWaiver(home.id, number, True, on), MANAGER)

    def _late_charge(self, home: _Home, charge: _Charge) -> None:
        chance = self._chance
        on = charge.due + chance.between(15, 200) * _DAY
        number = home.next("L")
        claim = ClaimLateCharge(
            home.id, number, charge.number, on, on + 30 * _DAY, LATE_CHARGES, policy=self._late
        )
        at = self._tell(_DECISIONS, self._known(on), claim, MANAGER)
        if chance.below(2):
            paid_on = on + chance.between(0, 60) * _DAY
            fen = chance.between(1, 50_00)
            paid = ReceivePayment(home.id, home.next("P"), fen, paid_on, "cash", number)
            self._tell(_LAST, max(at, self._known(paid_on)), paid)

    # --- purchases and requests ------------------------------------------------------------

    def _purchase(self, home: _Home, year: int) -> None:
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
        bought = RecordPurchase(home.id, home.next("B"), service, fen, on)
        at = self._tell(_REST, self._known(on), bought)
        if chance.hits(self._town.shares.purchase_refunds):
            back = on + chance.between(0, 40) * _DAY
            refund = RecordPurchase(home.id, home.next("B"), service, -chance.between(1, fen), back)
            self._tell(_REST, max(at, self._known(back)), refund)

    def _request(self, home: _Home, year: int, kinds: tuple[str, ...]) -> tuple[str, datetime]:
        chance = self._chance
        number = f"{home.id}-{home.next('R')}"
        received = _midnight(self._day(year)) + chance.one_of((0, 9, 14, 23)) * _HOUR
        asked = ReceiveRequest(
            number, home.id, "phone", chance.one_of(kinds), "cleaning", "general", "",
            received, "S1", policy=self._sla,
        )  # fmt: skip
        at = received
        if chance.hits(self._town.shares.known_late):
            at += chance.between(1, 90) * _DAY
        return number, self._tell(_REST, at, asked)

    def _duplicates(self, home: _Home, year: int) -> None:
        """A chain of requests about one matter, which at times leads back to where it began."""
        chance = self._chance
        told = [self._request(home, year, _MATTERS) for _ in range(chance.between(2, 3))]
        pairs = list(zip(told[1:], told, strict=False))
        if chance.below(3) == 0:
            pairs.append((told[0], told[-1]))
        for (number, first), (of, second) in pairs:
            at = max(first, second) + chance.between(0, 40) * _DAY
            self._tell(_LAST, at, MarkDuplicate(number, of, "the same matter"))


class _Home:
    """A household, whether its file names an owner, and which numbers it has used."""

    def __init__(
        self, household: str, registered: datetime, unnamed: bool, late: int, fee_fen: int
    ) -> None:
        self.id = household
        self.registered = registered
        self.has_owner = False
        self.unnamed = unnamed
        self.late = late
        self.fee_fen = fee_fen
        self._used: dict[str, int] = {}

    def next(self, kind: str) -> str:
        number = self._used[kind] = self._used.get(kind, 0) + 1
        # A payment may come to stand in the neighbour's account.
        return f"{kind}{number}-{self.id}" if kind == "P" else f"{kind}{number}"


class _Charge:
    """A charge, and when it was paid."""

    __slots__ = ("amount_fen", "due", "number", "paid_on")

    def __init__(self, number: str, amount_fen: int, due: date, paid_on: date) -> None:
        self.number = number
        self.amount_fen = amount_fen
        self.due = due
        self.paid_on = paid_on


def _entered(item: _Item) -> tuple[datetime, int, int]:
    return item[:3]


def _days_late(charge: _Charge) -> int:
    return (charge.paid_on - charge.due).days


# --- deciding ----------------------------------------------------------------------------------

_EFFECTIVE = {kind.cls: kind.effective for kind in catalog().types}
_NAMES = {actor: str(actor) for actor in (CLERK, MANAGER, SYSTEM)}
_AGGREGATES = {
    command: aggregate
    for aggregate in (HOUSEHOLD, ACCOUNT, REQUEST)
    for command in aggregate.commands
}


class _Decided:
    """What deciders make of the commands, one after the other."""

    def __init__(self, items: list[_Item]) -> None:
        self._items = items
        self._states: dict[str, tuple[Any, int, tuple[Any, ...]]] = {}

    def told(self) -> Iterator[Told]:
        for item in self._items:
            command = item.command
            if type(command) is MovePayment:
                yield from self._moved(item, command)
                continue
            one = self._decide(item, command)
            if one is not None:
                yield one

    def _moved(self, item: _Item, command: MovePayment) -> Iterator[Told]:
        """What leaves one account enters the other, if it is taken there."""
        # Numbers of payments occur once in a town, so the other account takes it if there is one.
        known = HOUSEHOLD.stream(command.to_household) in self._states
        out = self._decide(item, command) if known else None
        if out is None:
            return
        yield out
        event = out.commit.appends[0].events[0].data
        entering = AcceptMovedPayment(
            event.to_household, event.payment, command.household, event.amount_fen,
            event.paid_on, event.method, event.reason,
        )  # fmt: skip
        taken = self._decide(item, entering, reaction=True)
        assert taken is not None
        yield taken

    def _decide(self, item: _Item, command: Any, *, reaction: bool = False) -> Told | None:
        # What follows by itself is given by nobody in person.
        by = SYSTEM if reaction else item.by
        command = given_by(command, by)
        aggregate = _AGGREGATES[type(command)]
        stream = aggregate.stream(aggregate.id_of(command))
        decider = aggregate.decider
        state, version, unfolded = self._states.get(stream) or (decider.initial, 0, ())
        for event in unfolded:
            state = decider.evolve(state, event)
        decided = decider.decide(command, state)
        if isinstance(decided, Refusal) or not decided:
            return None
        # Of most streams nobody asks again what they came to.
        self._states[stream] = (state, version + len(decided), decided)
        at = item.at
        id_ = f"{stream}:{version + 1}"
        household = aggregate.household_of(command) or getattr(state, "household", "")
        appends = [_append(stream, version, household, by, id_, 0, decided, at)]
        nth = len(decided)
        for claim in aggregate.claims(command):
            appends.append(_append(claim.stream, 0, household, by, id_, nth, (claim.event,), at))
            nth += 1
        return Told(command, by, at, item.placed, reaction, Commit(id_, "", tuple(appends)))


def _append(
    stream: str,
    version: int,
    household: str,
    by: Actor,
    command: str,
    nth: int,
    events: Any,
    at: datetime,
) -> StreamAppend:
    envelopes = []
    actor = _NAMES[by]
    for event in events:
        name = _EFFECTIVE[type(event)]
        effective = None if name is None else getattr(event, name)
        day = effective or local_date(at, ESTATE_ZONE)
        envelopes.append(Envelope(actor, command, event, day, at, nth))
        nth += 1
    # The log knows the digest of what it is about to write; here only the version counts.
    tip = Tip(version, "?") if version else Tip()
    return StreamAppend(stream, tip, household, tuple(envelopes))


# --- planted errors ----------------------------------------------------------------------------

ERRORS = ("purchases", "credit", "layer", "evidence", "criterion")
"""What can be wrong in a grading that was written past the decider."""


@frozen
class Planted:
    """A wrong grading that stands in the log.

    Args:
        household: Of whom.
        year: For which year.
        run: The run it claims to be of; there is no such run.
        error: What is wrong: one of `ERRORS`.
    """

    household: str
    year: int
    run: str
    error: str


def plant_errors(crm: CRM, seed: int, count: int) -> list[Planted]:
    """Write copies of recorded gradings with something wrong in each, past all deciders.

    Args:
        count: How many; fewer if there are not so many gradings.

    Returns:
        What was planted, in the order of the log: a replay must find these and no others.
    """
    chance = _Chance(seed, count)
    chosen: list[GradingDecided] = []
    for number, recorded in enumerate(crm.log.feed(names=[DECIDED])):
        if number < count:
            chosen.append(recorded.event)
        elif (place := chance.below(number + 1)) < count:
            chosen[place] = recorded.event
    planted = []
    for number, grading in enumerate(chosen, 1):
        error, wrong = _wrong(grading, ERRORS[number % len(ERRORS)], chance)
        run = f"planted-{seed}-{number}"
        stream = GRADING.stream(grading.household)
        tip = crm.log.tips([stream])[stream]
        event = evolve(wrong, run=run)
        at = grading.cutoff_known
        envelope = Envelope("system:forger", run, event, event.period_end, at)
        append = StreamAppend(stream, tip, grading.household, (envelope,))
        crm.log.append([Commit(run, "", (append,))])
        planted.append(Planted(grading.household, grading.year, run, error))
    return planted


def _wrong(grading: GradingDecided, error: str, chance: _Chance) -> tuple[str, GradingDecided]:
    """The grading with one thing wrong, and what that is."""
    facts, evidence, outcome = grading.facts, grading.evidence, grading.outcome
    if error == "evidence":
        for name in ("credit", "purchases", "attention", "previous_purchases"):
            positions = list(getattr(evidence, name))
            if positions:
                positions.pop(chance.below(len(positions)))
                left = evolve(evidence, **{name: tuple(positions)})
                return error, evolve(grading, evidence=left)
        error = "purchases"
    if error == "credit":
        grade = GRADES[(GRADES.index(facts.credit) + 1 + chance.below(5)) % len(GRADES)]
        return error, evolve(grading, facts=evolve(facts, credit=grade))
    if error == "layer":
        layer = chance.one_of([one for one in LAYERS if one != outcome.layer])
        return error, evolve(grading, outcome=evolve(outcome, layer=layer))
    if error == "criterion":
        criteria = list(outcome.criteria)
        place = chance.below(len(criteria))
        criteria[place] = evolve(criteria[place], met=not criteria[place].met)
        return error, evolve(grading, outcome=evolve(outcome, criteria=tuple(criteria)))
    fen = facts.purchases_fen + chance.one_of((-1, 1, 10_000_00))
    return error, evolve(grading, facts=evolve(facts, purchases_fen=fen))
