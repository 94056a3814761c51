"""Towns in which everything is there that is out of the ordinary about owners and money.

A household is told once, as events; the reference reads its own facts from the same telling, one
for one, and draws no conclusion. Nothing is decided here. Most households are tidy; the others have
several irregularities, so that each kind is in 2 to 5 households of a hundred and meets the others.

The same seed is the same town, and a household is the same in towns of every size.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import groupby
from typing import Any, NamedTuple

from attrs import evolve

import reference_grader as reference
from crm_core.kernel.dates import start_of_day
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.recorded import Actor, Commit, Envelope, StreamAppend, Tip
from crm_core.kernel.sealed import Personal
from crm_core.kernel.word import Word
from crm_core.opinions import OPINIONS
from crm_core.opinions.commands import SOURCES
from crm_core.opinions.events import OpinionRecorded, OpinionWithdrawn
from crm_core.owners import HOUSEHOLD
from crm_core.owners.events import (
    ConductConfirmed,
    DebtorAgreed,
    DebtorReleased,
    HouseholdRegistered,
    InterestRecorded,
    MemberAdded,
    RoleEnded,
)
from crm_core.payments import ACCOUNT
from crm_core.payments.events import (
    ChargeCancelled,
    ChargeCorrected,
    ChargeDisputed,
    ChargeRaised,
    ChargeWaived,
    CreditRefunded,
    DisputeDecided,
    DisputeWithdrawn,
    LateChargeClaimed,
    Part,
    PaymentMovedIn,
    PaymentMovedOut,
    PaymentReceived,
    PaymentReversed,
    PurchaseMade,
    PurchaseRefunded,
    WaiverTakenBack,
)
from crm_core.requests import REQUEST
from crm_core.requests.commands import ReceiveRequest
from crm_core.requests.events import (
    DuplicateUndone,
    MarkedDuplicate,
    Reclassified,
    RequestMerged,
    RequestReceived,
)
from crm_core.requests.sla import DEFAULT_SLA, SlaPolicy
from crm_core.slices import catalog, shipped
from crm_core.testing.towns.chance import Chance

YEAR = 2011
"""The year that is graded; dealings begin the year before and go on a little after it."""

IRREGULAR, OF_THOSE = 420, 75
"""How many of a thousand households are irregular, and how many of those have a kind."""

_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)
_FIRST, _LAST = date(YEAR - 1, 1, 1), date(YEAR + 1, 3, 31)
_EFFECTIVE = {kind.cls: kind.effective for kind in catalog().types}
_LATE_POLICY = PolicyRef("0" * 64, "late-charge-daily", 1)


class Told(NamedTuple):
    """An event of a household, and when the company came to know it."""

    recorded: datetime
    number: int
    event: Any


class Bill:
    """A charge that was told."""

    def __init__(self, number: str, due: date, fen: int, known: datetime) -> None:
        self.number, self.due, self.fen, self.known = number, due, fen, known
        self.left = fen
        """What of it nobody has taken off, or given up, yet."""
        self.taken = False
        """Whether an irregularity says how it is paid."""


class Home:
    """One household while it is made up.

    Args:
        kinds: Which irregularities it has.
    """

    def __init__(self, seed: int, number: int) -> None:
        self.id = f"V{number:07}"
        self.chance = chance = Chance(seed, number, 14)
        self.kinds: set[str] = set()
        self.told: list[Told] = []
        self.bills: list[Bill] = []
        self.owners = ["A"]
        self.sold: list[date] = []
        self.known: dict[str, datetime] = {}
        self.since: dict[str, date] = {}
        self.tenant: str | None = None
        self._numbers = 0
        self.irregular = chance.hits(IRREGULAR)
        chosen = [k for k in KINDS if self.irregular and chance.hits(OF_THOSE)]
        registered = start_of_day(date(YEAR - 2, 10, 1))
        self._told_at(
            registered, HouseholdRegistered(self.id, "Anhe", "1", "1", self.id, "person", None, "x")
        )
        if any(kind in _ABOUT_OWNERS for kind in chosen) or chance.hits(100):
            self.add("A", "owner", date(YEAR - 3, 5, 1), at=registered + _HOUR)
        for kind in [k for k in chosen if k in _ABOUT_OWNERS]:
            self.happens(kind)
        self._bills()
        for kind in [k for k in chosen if k not in _ABOUT_OWNERS]:
            self.happens(kind)
        self._rest()

    def happens(self, kind: str) -> None:
        """Tell of an irregularity, once."""
        if kind not in self.kinds:
            self.kinds.add(kind)
            KINDS[kind](self)

    # --- telling ---------------------------------------------------------------------------

    def _told_at(self, at: datetime, event: Any) -> datetime:
        self.told.append(Told(at, len(self.told), event))
        return at

    def tell(self, event: Any, day: date, after: datetime | None = None) -> datetime:
        """Tell of what has that day; it is known after what it follows from."""
        chance = self.chance
        at = start_of_day(day) + (9 + chance.below(9)) * _HOUR
        if self.irregular and chance.hits(60):
            self.kinds.add("known_late")
            at += chance.between(20, 200) * _DAY
        elif chance.below(4) == 0:
            at += chance.between(1, 6) * _DAY
        if after is not None and at <= after:
            at = after + _HOUR
        return self._told_at(at, event)

    def number(self, letter: str) -> str:
        self._numbers += 1
        return f"{letter}{self._numbers}"

    def member(self, name: str) -> str:
        return f"{self.id}#{name}"

    def word(self) -> Word:
        return Word(self.member("A"), "letter", "a letter")

    # --- owners ----------------------------------------------------------------------------

    def add(
        self, name: str, role: str, since: date, *, at: datetime | None = None, late: int = 0
    ) -> datetime:
        member = self.member(name)
        event = MemberAdded(
            self.id, member, role, since, Personal(member, "Ou"), None, "x", "person"
        )
        if at is not None:
            known = self._told_at(at, event)
        else:
            known = self.tell(event, since + late * _DAY)
        self.known[name], self.since[name] = known, since
        return known

    def end(self, name: str, role: str, until: date, *, late: int = 0) -> datetime:
        event = RoleEnded(self.id, self.member(name), role, until, "moved", "x")
        return self.tell(event, until + late * _DAY, self.known[name])

    def sell(self, to: str, on: date, *, last: date | None = None, late: int = 0) -> None:
        """All owners leave, and another comes."""
        on = max([on, *(self.since[name] + 10 * _DAY for name in self.owners)])
        for name in self.owners:
            role = "co_owner" if name in ("B", "D") else "owner"
            until = on - _DAY if last is None else max(last, self.since[name])
            self.end(name, role, until, late=late)
        self.add(to, "owner", on, late=late)
        self.owners = [to]
        self.sold.append(on)

    # --- charges and money -----------------------------------------------------------------

    def raise_bill(
        self, due: date, fen: int, *, kind: str = "management_fee", debtor: str | None = None
    ) -> Bill:
        number = self.number("C")
        event = ChargeRaised(
            number, kind, str(due.year), fen, due, None if debtor is None else self.member(debtor)
        )
        bill = Bill(number, due, fen, self.tell(event, due - self.chance.between(0, 40) * _DAY))
        self.bills.append(bill)
        return bill

    def pay(
        self,
        fen: int,
        on: date,
        *,
        charge: str | None = None,
        parts: Iterable[tuple[str, int]] = (),
        payer: str | None = None,
        number: str | None = None,
        after: datetime | None = None,
    ) -> tuple[str, datetime]:
        number = number or self.number("P")
        event = PaymentReceived(
            number,
            fen,
            on,
            "transfer",
            charge,
            tuple(Part(*part) for part in parts),
            None if payer is None else self.member(payer),
        )
        return number, self.tell(event, on, after)

    def reverse(self, payment: str, on: date, after: datetime) -> datetime:
        return self.tell(PaymentReversed(payment, on, "bounced"), on, after)

    def refund(self, fen: int, on: date, *, payee: str | None = None) -> None:
        who = None if payee is None else self.member(payee)
        self.tell(CreditRefunded(self.number("R"), fen, on, "asked", "S1", "M1", who), on)

    def waive(self, bill: Bill, on: date, *, write_off: bool) -> tuple[str, datetime]:
        number, fen = self.number("W"), self.part(bill)
        event = ChargeWaived(number, bill.number, fen, on, write_off, "told", "S1", "M1")
        return number, self.tell(event, on, bill.known)

    def a_bill(self, within: tuple[date, date] | None = None) -> Bill:
        """A bill whose payment nothing says yet; in the end any."""
        first, last = within or (_FIRST, date(YEAR, 12, 31))
        every = [bill for bill in self.bills if bill.left]
        some = [bill for bill in every if first <= bill.due <= last] or every
        found: Bill = self.chance.one_of([bill for bill in some if not bill.taken] or some)
        found.taken = True
        return found

    def soon(self, day: date, least: int = 0, most: int = 60) -> date:
        return day + self.chance.between(least, most) * _DAY

    def some_day(self, least: date = _FIRST, most: date = date(YEAR, 12, 31)) -> date:
        return least + self.chance.below(max((most - least).days, 0) + 1) * _DAY

    def part(self, bill: Bill) -> int:
        """Something is taken off a bill that is still there of it."""
        fen = self.share(bill.left)
        bill.left -= fen
        return fen

    def share(self, fen: int) -> int:
        """A part of an amount, sometimes all of it."""
        return fen if self.chance.below(4) == 0 else max(1, fen * self.chance.between(1, 9) // 10)

    def _bills(self) -> None:
        fen = 10_000 + 100 * self.chance.below(400)
        for year in (YEAR - 1, YEAR):
            for quarter in range(4):
                self.raise_bill(date(year, 3 * quarter + 1, 1 + self.chance.below(5)), fen)
        self.raise_bill(date(YEAR + 1, 1, 1), fen)

    def _rest(self) -> None:
        """What every household has: payments, purchases, requests."""
        chance = self.chance
        unnamed = chance.hits(250)
        for bill in self.bills:
            if bill.taken:
                continue
            how = chance.below(100) + (35 if self.irregular else 0)
            if how >= 120:
                continue
            on = self.soon(bill.due, -20, 5) if how < 75 else self.soon(bill.due, 10, 250)
            fen = bill.fen if chance.below(12) or how < 75 else self.share(bill.fen)
            charge = None if unnamed else bill.number
            self.pay(fen, on, charge=charge, after=bill.known if charge else None)
        for _ in range(chance.below(4)):
            on, fen = self.some_day(), 100 * chance.between(100, 9_000)
            kind = PurchaseRefunded if chance.below(8) == 0 else PurchaseMade
            self.tell(kind(self.number("B"), "gym", fen, on), on)
        for _ in range(chance.below(4 + 3 * self.irregular)):
            self._request()

    def _request(self) -> None:
        received = start_of_day(self.some_day()) + self.chance.one_of((0, 9, 14, 23)) * _HOUR
        kind = self.chance.one_of(("repair", "complaint", "enquiry"))
        number = f"{self.id}-{self.number('Q')}"
        event = evolve(
            _a_request(), request=number, household=self.id, kind=kind, received_at=received
        )
        self._told_at(received, event)

    # --- matters ---------------------------------------------------------------------------

    def raise_matter(
        self, kind: str | None = None, *, on: date | None = None, follows: str | None = None
    ) -> tuple[str, datetime]:
        """A request of any kind, and when it came in."""
        kind = kind or self.chance.one_of(_MATTERS)
        day = on or self.some_day(date(YEAR - 1, 11, 1))
        received = start_of_day(day) + self.chance.one_of((0, 9, 14, 23)) * _HOUR
        number = f"{self.id}-{self.number('Q')}"
        event = evolve(
            _a_request(),
            request=number,
            household=self.id,
            kind=kind,
            received_at=received,
            follows=follows,
        )
        return number, self._told_at(received, event)

    def call_duplicate(self, request: str, of: str, after: datetime) -> datetime:
        """It is said to be the same as another; sometimes that is undone, and perhaps said anew."""
        day = self.soon(after.date(), 0, 90)
        known = self.tell(MarkedDuplicate(request, of, "the same"), day, after)
        if self.chance.below(4) == 0:
            merged = RequestMerged(
                counts_from=None,
                entered_by="S1",
                evidence=None,
                request=request,
                into=of,
                merged_at=known,
            )
            self._told_at(known, merged)
        if self.chance.below(5) == 0:
            undone = DuplicateUndone(request, of, "another matter", known)
            known = self.tell(undone, self.soon(known.date(), 0, 60), known)
            if self.chance.below(3) == 0:
                known = self.tell(
                    MarkedDuplicate(request, of, "the same"), self.soon(known.date()), known
                )
        return known

    # --- as the log and the reference read it --------------------------------------------------

    def in_order(self) -> list[Told]:
        """As it was entered: as it came to be known, or by kind where it was taken over."""
        if "taken_over" in self.kinds:
            return sorted(self.told, key=lambda one: (_RANK.get(type(one.event), 9), one.recorded))
        return sorted(self.told)


@cache
def _a_request() -> RequestReceived:
    """What the decider makes of a request."""
    policy = shipped().find(SlaPolicy, DEFAULT_SLA, date(YEAR, 1, 1))
    command = ReceiveRequest(
        request="Q1",
        household="V1",
        channel="phone",
        kind="complaint",
        trade="cleaning",
        severity="general",
        summary="",
        received_at=datetime(YEAR, 1, 1, tzinfo=UTC),
        first_asked="S1",
        policy=policy,
        by=Actor("S1", "specialist"),
        imported=False,
    )
    decided = REQUEST.decider.decide(command, REQUEST.decider.initial)
    return next(event for event in decided if isinstance(event, RequestReceived))


# --- what is out of the ordinary: owners --------------------------------------------------------

KINDS: dict[str, Callable[[Home], None]] = {}
_ABOUT_OWNERS: set[str] = set()


def _kind(make: Callable[[Home], None]) -> Callable[[Home], None]:
    KINDS[make.__name__.strip("_")] = make
    return make


def _of_owners(make: Callable[[Home], None]) -> Callable[[Home], None]:
    _ABOUT_OWNERS.add(make.__name__.strip("_"))
    return _kind(make)


@_of_owners
def co_owner_joins(home: Home) -> None:
    """Somebody becomes an owner beside the other."""
    since = home.some_day(date(YEAR - 1, 1, 1), date(YEAR, 6, 30))
    home.add("B", "co_owner", since)
    home.owners.append("B")


@_of_owners
def co_owner_leaves(home: Home) -> None:
    """One of two owners goes, either of them."""
    since, until = home.some_day(most=date(YEAR - 1, 6, 30)), home.some_day(date(YEAR - 1, 9, 1))
    home.add("D", "co_owner", since)
    if home.chance.below(2) or "B" in home.owners:
        home.end("D", "co_owner", until)
    else:
        home.end("A", "owner", until)
        home.owners = [*home.owners[1:], "D"]


@_of_owners
def sold(home: Home) -> None:
    """The household changes hands."""
    home.sell("N1", home.some_day(date(YEAR - 1, 3, 1), date(YEAR, 12, 31)))


@_of_owners
def sold_twice_a_year(home: Home) -> None:
    """It changes hands twice in the year that is graded."""
    first = home.some_day(max([date(YEAR, 1, 10), *home.sold]), date(YEAR, 12, 1))
    home.sell("N2", first + 3 * _DAY)
    home.sell("N3", home.soon(first, 5, 150))


@_of_owners
def sold_known_late(home: Home) -> None:
    """The office hears of a sale weeks or months later."""
    day = home.some_day(max([date(YEAR, 1, 10), *home.sold]), date(YEAR, 12, 10))
    home.sell("N4", day + 7 * _DAY, late=home.chance.between(30, 200))


@_of_owners
def sold_with_a_gap(home: Home) -> None:
    """Nobody owns it for a while, or both on one day."""
    day = home.some_day(max([date(YEAR - 1, 8, 1), *home.sold]), date(YEAR, 12, 20)) + 6 * _DAY
    last = max([home.soon(day, -40, -2), *home.sold])
    home.sell("N5", day, last=day if home.chance.below(2) else last)


@_of_owners
def tenant_by_contract(home: Home) -> None:
    """A tenant owes by contract, until its end, or until they move out."""
    since = home.some_day(date(YEAR - 1, 2, 1), date(YEAR, 9, 1))
    until = home.soon(since, 30, 300)
    known = home.add("T", "tenant", since - 5 * _DAY)
    home.tenant = "T"
    agreed = until if home.chance.below(2) else None
    event = DebtorAgreed(home.id, "G1", home.member("T"), since, agreed, "a contract")
    known = home.tell(event, since, known)
    if agreed is None and home.chance.below(2):
        home.end("T", "tenant", until)


@_of_owners
def tenant_released(home: Home) -> None:
    """A tenant owes no longer; later another does, or the same again."""
    since = home.some_day(date(YEAR - 1, 1, 10), date(YEAR - 1, 6, 1))
    known = home.add("U", "tenant", since)
    event = DebtorAgreed(home.id, "G2", home.member("U"), since, None, "a contract")
    known = home.tell(event, since, known)
    until = home.soon(since, 10, 120)
    known = home.tell(DebtorReleased(home.id, "G2", until, "agreed"), until, known)
    if "tenant_by_contract" not in home.kinds:
        again = home.soon(until, 1, 90)
        member = "U" if home.chance.below(2) else "U2"
        if member == "U2":
            known = home.add("U2", "tenant", again)
        event = DebtorAgreed(home.id, "G3", home.member(member), again, None, "a contract")
        known = home.tell(event, again, known)
        over = home.soon(again, 10, 200)
        home.tell(DebtorReleased(home.id, "G3", over, "agreed"), over, known)


# --- money --------------------------------------------------------------------------------------


@_kind
def bounce(home: Home) -> None:
    """A payment bounces, and sometimes comes again."""
    bill = home.a_bill()
    payment, known = home.pay(bill.fen, on := home.soon(bill.due), charge=_or_none(home, bill))
    over = home.soon(on, 1, 90)
    home.reverse(payment, over, known)
    if home.chance.below(2):
        home.pay(bill.fen, home.soon(over), charge=bill.number, after=bill.known)


@_kind
def bounce_after_refund(home: Home) -> None:
    """Money is paid back, and then it turns out not to have come."""
    on = home.some_day(most=date(YEAR, 9, 1))
    fen = 100 * home.chance.between(50, 600)
    payment, known = home.pay(fen, on, payer=_somebody(home))
    back = home.soon(on, 3, 20)
    home.refund(home.share(fen), back)
    home.reverse(payment, home.soon(back, 5, 60), known)
    if home.chance.below(3) == 0:
        home.pay(fen, home.soon(back, 60, 200))


@_kind
def refunded(home: Home) -> None:
    """What was paid too much is paid back, in part or whole."""
    bill = home.a_bill()
    more = 100 * home.chance.between(10, 300)
    home.pay(bill.fen + more, on := home.soon(bill.due, -5, 20), charge=bill.number)
    home.refund(home.share(more), home.soon(on, 1, 80))


@_kind
def paid_too_much(home: Home) -> None:
    """A bill is paid with more than it asks for, or twice."""
    bill = home.a_bill()
    home.pay(bill.fen * 2, home.soon(bill.due), charge=bill.number)


@_kind
def paid_ahead(home: Home) -> None:
    """Money names a bill that is due months later, while others are open."""
    bill = home.a_bill((date(YEAR - 1, 6, 1), date(YEAR, 12, 31)))
    fen = bill.fen if home.chance.below(2) else bill.fen + 5_000
    home.pay(fen, home.soon(bill.due, -160, -20), charge=bill.number)


@_kind
def several_charges(home: Home) -> None:
    """One transfer for several bills, with or without a rest."""
    bills = list(
        {bill.number: bill for bill in (home.a_bill(), home.a_bill(), home.a_bill())}.values()
    )
    parts = [(bill.number, home.share(bill.fen)) for bill in bills]
    rest = home.chance.one_of((0, 0, 5_000))
    day = home.soon(max(bill.due for bill in bills), -60, 60)
    fen = sum(fen for _, fen in parts) + rest
    payment, known = home.pay(fen, day, parts=parts, payer=_somebody(home))
    if home.chance.below(5) == 0:
        home.reverse(payment, home.soon(day, 1, 60), known)


@_kind
def waived(home: Home) -> None:
    """A bill is waived, in part or whole, before or after it was paid."""
    bill = home.a_bill()
    if home.chance.below(2):
        home.pay(home.share(bill.fen), home.soon(bill.due, 0, 100), charge=_or_none(home, bill))
    home.waive(bill, home.soon(bill.due, -5, 100), write_off=False)


@_kind
def written_off_then_paid(home: Home) -> None:
    """What was given up is paid after all, named or not, in part or with more."""
    bill = home.a_bill()
    off = home.soon(bill.due, 20, 200)
    home.waive(bill, off, write_off=True)
    fen = home.chance.one_of((home.share(bill.fen), bill.fen, bill.fen + 3_000))
    home.pay(fen, home.soon(off, -20, 120), charge=_or_none(home, bill))


@_kind
def waiver_taken_back(home: Home) -> None:
    """A waiver, or a write-off, counts no more."""
    bill = home.a_bill()
    on = home.soon(bill.due, 0, 100)
    number, known = home.waive(bill, on, write_off=home.chance.below(2) == 0)
    over = home.soon(on, 0, 150)
    home.tell(WaiverTakenBack(number, over, "a mistake", "M1"), over, known)
    if home.chance.below(2):
        home.pay(home.share(bill.fen), home.soon(on, -20, 200), charge=_or_none(home, bill))


@_kind
def cancelled(home: Home) -> None:
    """A bill was a mistake; what was paid on it is credit."""
    bill = home.a_bill()
    _about(home, bill)
    on = home.soon(bill.due, -20, 150)
    home.tell(ChargeCancelled(bill.number, on, "a mistake"), on, _last(home))
    bill.left = 0


@_kind
def raised_again(home: Home) -> None:
    """A cancelled number is raised again; what was said of the old one is void."""
    bill = home.a_bill()
    _about(home, bill)
    on = home.soon(bill.due, -20, 100)
    known = home.tell(ChargeCancelled(bill.number, on, "a mistake"), on, _last(home))
    due = home.soon(bill.due, -30, 60)
    bill.left = bill.fen = home.share(bill.fen)
    event = ChargeRaised(bill.number, "management_fee", "again", bill.fen, due, None)
    bill.known, bill.due = home.tell(event, on, known), due
    _about(home, bill)
    if home.chance.below(2):
        home.pay(bill.fen, home.soon(due), charge=bill.number)


@_kind
def received_again(home: Home) -> None:
    """A bounced payment comes again under its number."""
    bill = home.a_bill()
    on = home.soon(bill.due, -10, 60)
    payment, known = home.pay(bill.fen, on, charge=bill.number)
    known = home.reverse(payment, over := home.soon(on, 1, 40), known)
    again = home.soon(over, -20, 40)
    _, known = home.pay(
        home.share(bill.fen), again, charge=_or_none(home, bill), number=payment, after=known
    )
    if home.chance.below(3) == 0:
        home.reverse(payment, home.soon(again, 1, 60), known)


@_kind
def zero_bill(home: Home) -> None:
    """A bill of nothing."""
    home.raise_bill(home.some_day(), 0).taken = True


@_kind
def negative_bill(home: Home) -> None:
    """A negative bill corrects another, in part or whole; sometimes it was a mistake itself."""
    bill = home.a_bill()
    number, fen = home.number("N"), home.part(bill)
    due = home.soon(bill.due, -10, 120)
    event = ChargeCorrected(number, bill.number, "management_fee", "less", fen, due)
    known = home.tell(event, due, bill.known)
    if home.chance.below(4) == 0:
        on = home.soon(due, 0, 60)
        known = home.tell(ChargeCancelled(number, on, "a mistake"), on, known)
        if home.chance.below(2):
            home.tell(evolve(event, amount_fen=max(1, fen // 2)), on, known)
    if home.chance.below(3):
        home.pay(bill.fen, home.soon(bill.due), charge=_or_none(home, bill))


@_kind
def dispute_rejected(home: Home) -> None:
    """A dispute without success."""
    _dispute(home, lambda number, fen, on: DisputeDecided(number, 0, on, "checked", "S1", "M1"))


@_kind
def dispute_upheld(home: Home) -> None:
    """A part of what was disputed was never owed."""

    def end(number: str, fen: int, on: date) -> Any:
        return DisputeDecided(number, max(1, fen // 3), on, "checked", "S1", "M1")

    _dispute(home, end)


@_kind
def dispute_upheld_whole(home: Home) -> None:
    """All that was disputed was never owed."""
    _dispute(home, lambda number, fen, on: DisputeDecided(number, fen, on, "checked", "S1", "M1"))


@_kind
def dispute_withdrawn(home: Home) -> None:
    """The household contests no longer."""
    _dispute(home, lambda number, fen, on: DisputeWithdrawn(number, on, "settled", home.word()))


@_kind
def dispute_open(home: Home) -> None:
    """Nobody has decided yet."""
    _dispute(home, None)


def _dispute(home: Home, end: Callable[[str, int, date], Any] | None) -> None:
    bill = home.a_bill()
    number, fen = home.number("D"), home.part(bill)
    on = home.soon(bill.due, -10, 90)
    known = home.tell(
        ChargeDisputed(number, bill.number, fen, on, "too much", home.word()), on, bill.known
    )
    if end is not None:
        over = home.soon(on, 0, 150)
        home.tell(end(number, fen, over), over, known)
    if home.chance.below(3) == 0:
        home.pay(home.share(bill.fen), home.soon(bill.due, 0, 150), charge=_or_none(home, bill))


@_kind
def late_charge(home: Home) -> None:
    """A late charge is asked for; paid, waived, cancelled, or none of that."""
    bill = home.a_bill()
    on = home.soon(bill.due, 30, 200)
    number, fen = home.number("L"), 10 * home.chance.between(10, 900)
    claimed = LateChargeClaimed(number, bill.number, fen, on, on + 10 * _DAY, _LATE_POLICY, "S1")
    known = home.tell(claimed, on, bill.known)
    late = Bill(number, on + 10 * _DAY, fen, known)
    how = home.chance.below(5)
    if how == 0:
        home.pay(home.share(fen), home.soon(on, 0, 60), charge=number, after=known)
    elif how == 1:
        home.waive(late, home.soon(on, 0, 60), write_off=home.chance.below(2) == 0)
    elif how == 2:
        known = home.tell(ChargeCancelled(number, on, "a mistake"), on, known)
        if home.chance.below(2):
            home.tell(evolve(claimed, amount_fen=max(1, fen // 2)), on, known)
    if home.chance.below(2):
        fen = home.share(bill.fen + fen)
        home.pay(fen, home.soon(bill.due, 1, 250), charge=_or_none(home, bill))


@_kind
def enforcement_costs(home: Home) -> None:
    """Costs of enforcement are asked for."""
    bill = home.raise_bill(
        home.some_day(), 100 * home.chance.between(10, 300), kind="enforcement_costs"
    )
    bill.taken = home.chance.below(2) == 0


@_kind
def payment_moved_away(home: Home) -> None:
    """A payment belongs to another household; sometimes it comes back."""
    bill = home.a_bill()
    on = home.soon(bill.due, -5, 60)
    number, known = home.pay(bill.fen, on, charge=bill.number)
    away = PaymentMovedOut(number, "V9", bill.fen, on, "transfer", "a mistake")
    known = home.tell(away, home.soon(on, 1, 60), known)
    if home.chance.below(2):
        back = PaymentMovedIn(
            number, "V9", bill.fen, on, "transfer", bill.number, "a mistake", (), None
        )
        known = home.tell(back, home.soon(on, 60, 120), known)
        if home.chance.below(3) == 0:
            home.reverse(number, home.soon(on, 60, 120), known)


@_kind
def payment_moved_here(home: Home) -> None:
    """A payment that was booked to another household."""
    bill = home.a_bill()
    on = home.soon(bill.due, -5, 60)
    number = home.number("P")
    here = PaymentMovedIn(number, "V9", bill.fen, on, "transfer", None, "a mistake", (), None)
    home.tell(here, home.soon(on, 1, 60))


# --- money and owners ----------------------------------------------------------------------------


def _change_of_owners(home: Home) -> tuple[str, str, date]:
    """Seller, buyer and the day of a sale; one takes place if none has."""
    if not home.sold:
        if not any(isinstance(one.event, MemberAdded) for one in home.told):
            home.add("A", "owner", date(YEAR - 3, 5, 1), at=min(home.told).recorded + _HOUR)
        home.happens("sold")
    seller = home.chance.one_of(("A", "A", *(["B"] if "co_owner_joins" in home.kinds else [])))
    return seller, home.owners[0], home.sold[-1]


@_kind
def named_debtor(home: Home) -> None:
    """A bill says who owes it, though somebody else owns the household when it is due."""
    seller, buyer, on = _change_of_owners(home)
    for debtor in (seller, home.chance.one_of((buyer, home.tenant or buyer, "A"))):
        bill = home.raise_bill(
            home.soon(on, -90, 90), 100 * home.chance.between(50, 300), debtor=debtor
        )
        bill.taken = home.chance.below(2) == 0


@_kind
def named_payer(home: Home) -> None:
    """Money says who paid it, whoever owns the household on that day."""
    seller, buyer, on = _change_of_owners(home)
    for payer in (seller, buyer, home.tenant or "X"):
        bill = home.a_bill()
        charge = bill.number if home.chance.below(3) == 0 else None
        home.pay(bill.fen, home.soon(on, -120, 120), charge=charge, payer=payer)


@_kind
def buyer_pays_the_sellers_bill(home: Home) -> None:
    """The buyer settles what the seller left, and sometimes more."""
    _, buyer, on = _change_of_owners(home)
    bill = home.a_bill((_FIRST, on - _DAY))
    fen = home.chance.one_of((bill.fen, bill.fen + 4_000, home.share(bill.fen)))
    payer = buyer if home.chance.below(2) else None
    home.pay(fen, home.soon(on, 1, 90), charge=bill.number, payer=payer)


@_kind
def seller_pays_after_the_sale(home: Home) -> None:
    """The seller pays when the household is sold: old bills, no bill, or the buyer's."""
    seller, _, on = _change_of_owners(home)
    for _ in range(1 + home.chance.below(2)):
        bill = home.a_bill()
        charge = _or_none(home, bill)
        fen = home.chance.one_of((bill.fen, bill.fen * 3, home.share(bill.fen)))
        home.pay(fen, home.soon(on, 1, 150), charge=charge, payer=seller)


@_kind
def both_pay_one_bill(home: Home) -> None:
    """Seller and buyer pay the same bill; what it does not need stays with each."""
    seller, buyer, on = _change_of_owners(home)
    bill = home.a_bill()
    days = [home.soon(on, -20, 60), home.soon(on, -20, 60)]
    if home.chance.below(3) == 0:
        # Which of them the bill needs must not hang on who was entered first.
        days[1] = days[0]
    known = [
        home.pay(home.share(bill.fen), day, charge=bill.number, payer=payer)
        for payer, day in zip((seller, buyer), days, strict=True)
    ]
    if home.chance.below(3) == 0:
        number, after = known[0]
        home.reverse(number, home.soon(days[0], 1, 60), after)
    if home.chance.below(3) == 0 and bill.left:
        home.waive(bill, home.soon(on), write_off=home.chance.below(2) == 0)


@_kind
def seller_is_paid_back(home: Home) -> None:
    """The seller's credit is paid back after the sale, and sometimes it bounces."""
    seller, _, on = _change_of_owners(home)
    fen = 100 * home.chance.between(50, 500)
    payment, known = home.pay(fen, paid := home.soon(on, -60, 20), payer=seller)
    home.refund(home.share(fen), home.soon(on, 21, 80), payee=seller)
    if home.chance.below(2):
        home.reverse(payment, home.soon(paid, 1, 150), known)


@_kind
def interest_or_conduct(home: Home) -> None:
    """An interest, or a confirmed disturbance: of whoever was there then."""
    on = home.some_day()
    if home.chance.below(2):
        home.tell(InterestRecorded(home.id, "gym", on, home.word(), "x"), on)
    else:
        home.tell(ConductConfirmed(home.id, "disturbance", on, "a note", "M1"), on)


# --- matters --------------------------------------------------------------------------------------

_MATTERS = ("repair", "complaint", "complaint", "enquiry", "suggestion", "praise", "other")


@_kind
def many_matters(home: Home) -> None:
    """They raise much: complaints, or praise and suggestions, around the number that counts."""
    mostly = home.chance.one_of(("complaint", "complaint", "praise", "suggestion"))
    for _ in range(home.chance.between(2, 6)):
        home.raise_matter(mostly if home.chance.below(4) else None)


@_kind
def called_duplicates(home: Home) -> None:
    """Some are called duplicates: of each other, in chains and circles, or of the neighbour's."""
    matters = [home.raise_matter() for _ in range(home.chance.between(2, 5))]
    others = [number for number, _ in matters] + [f"{home.id}-N1"]
    for number, known in matters:
        if home.chance.below(3):
            of = home.chance.one_of([other for other in others if other != number])
            home.call_duplicate(number, of, known)


@_kind
def followed_up(home: Home) -> None:
    """A request is about the outcome of another, however long ago; or of one that is not theirs."""
    number, known = home.raise_matter()
    for _ in range(home.chance.between(1, 2)):
        day = home.soon(known.date(), 0, 200)
        earlier = number if home.chance.below(6) else f"{home.id}-N2"
        number, known = home.raise_matter(on=day, follows=earlier)
    if home.chance.below(3) == 0:
        home.call_duplicate(number, home.raise_matter()[0], known)


@_kind
def put_right(home: Home) -> None:
    """What a request is was put right, perhaps twice, perhaps after the year."""
    for _ in range(home.chance.between(1, 3)):
        number, known = home.raise_matter()
        for _ in range(home.chance.between(1, 2)):
            request = _a_request()
            event = Reclassified(
                counts_from=None,
                entered_by="S1",
                evidence=None,
                request=number,
                kind=home.chance.one_of(_MATTERS),
                trade=request.trade,
                severity=request.severity,
                reason="a mistake",
                targets=request.targets,
                reclassified_at=known,
                clocks=(),
            )
            known = home.tell(event, home.soon(known.date(), 0, 150), known)


@_kind
def heard_elsewhere(home: Home) -> None:
    """A forum, a survey or a meeting: about a request, or about none, and sometimes withdrawn."""
    chance = home.chance
    about = f"{home.id}-N3"
    if chance.below(2):
        about, _ = home.raise_matter(chance.one_of(("repair", "complaint", "suggestion")))
    for _ in range(chance.between(1, 4)):
        on = home.some_day(date(YEAR - 1, 11, 1), date(YEAR + 1, 1, 20))
        number = home.number("O")
        heard = OpinionRecorded(
            opinion=number,
            household=home.id,
            source=chance.one_of(SOURCES),
            member=home.member(chance.one_of(home.owners)),
            on=on,
            about=about if chance.below(3) == 0 else None,
            reference=number,
            recorded_by="S1",
        )
        known = home.tell(heard, on)
        if chance.below(4) == 0:
            over = home.soon(known.date(), 0, 90)
            home.tell(OpinionWithdrawn(number, home.id, over, "another's", "S1"), over, known)


@_kind
def bought_much(home: Home) -> None:
    """They buy about what makes a layer, about as much as the year before, or a little more."""
    chance = home.chance
    before = 100 * chance.one_of((chance.between(70_00, 100_00), chance.between(140_00, 200_00)))
    now = before * chance.between(95, 125) // 100
    for year, fen in ((YEAR - 1, before), (YEAR, now)):
        on = home.some_day(date(year, 1, 1), date(year, 12, 31))
        home.tell(PurchaseMade(home.number("B"), "renovation", fen, on), on)
    if chance.below(3) == 0:
        on = home.some_day(date(YEAR, 1, 1))
        home.tell(InterestRecorded(home.id, "gym", on, home.word(), "x"), on)


@_kind
def taken_over(home: Home) -> None:
    """Its records stand in the log by kind, whatever the order in which they became known."""
    if home.kinds & _NUMBERS_AGAIN:
        home.kinds.discard("taken_over")


_NUMBERS_AGAIN = {
    "raised_again", "received_again", "cancelled", "payment_moved_away", "late_charge",
    "negative_bill",
}  # fmt: skip
_RANK = {
    kind: rank
    for rank, kinds in enumerate(
        (
            (HouseholdRegistered,),
            (MemberAdded,),
            (RoleEnded, DebtorAgreed),
            (ChargeRaised, DebtorReleased),
            (PaymentReceived, PaymentMovedIn),
            (ChargeCorrected, ChargeWaived, ChargeDisputed, LateChargeClaimed, PaymentReversed),
        )
    )
    for kind in kinds
}
"""The order of the records of an older system."""


def _or_none(home: Home, bill: Bill) -> str | None:
    """The bill, or, a third of the time, none."""
    return None if home.chance.below(3) == 0 else bill.number


def _somebody(home: Home) -> str | None:
    return home.chance.one_of((None, *home.owners)) if home.sold else None


def _last(home: Home) -> datetime:
    """When the last thing was told."""
    return max(one.recorded for one in home.told)


def _about(home: Home, bill: Bill) -> None:
    """Something or other is said of a bill."""
    chance = home.chance
    if chance.below(2):
        home.pay(home.share(bill.fen), home.soon(bill.due, -20, 60), charge=bill.number)
    if chance.below(3) == 0:
        write_off = chance.below(2) == 0
        home.waive(bill, home.soon(bill.due), write_off=write_off)
    if chance.below(3) == 0 and bill.left:
        number, on, fen = home.number("D"), home.soon(bill.due), home.part(bill)
        disputed = ChargeDisputed(number, bill.number, fen, on, "too much", home.word())
        known = home.tell(disputed, on, bill.known)
        if chance.below(2):
            over = home.soon(on)
            home.tell(DisputeDecided(number, fen // 2, over, "so", "S1", "M1"), over, known)
    if chance.below(4) == 0:
        on = home.soon(bill.due, 1, 60)
        late = LateChargeClaimed(home.number("L"), bill.number, 900, on, on, _LATE_POLICY, "S1")
        home.tell(late, on, bill.known)
    if chance.below(4) == 0 and bill.left:
        fen = home.part(bill)
        less = ChargeCorrected(home.number("N"), bill.number, "other", "x", fen, bill.due)
        home.tell(less, bill.due, bill.known)


# --- towns ---------------------------------------------------------------------------------------


def homes(seed: int, first: int, last: int) -> Iterator[Home]:
    """Households from one number to another."""
    for number in range(first, last + 1):
        yield Home(seed, number)


def commit_of(home: Home) -> Commit:
    """All events of a household, for the log."""
    id_ = f"told-{home.id}"
    # One append for every run of a stream: the order of the log is that in which it was told.
    appends: list[StreamAppend] = []
    versions: Counter[str] = Counter()
    told = enumerate(home.in_order())
    for stream, run in groupby(told, key=lambda one: _stream(home, one[1].event)):
        envelopes = tuple(_envelope(id_, nth, one) for nth, one in run)
        appends.append(StreamAppend(stream, Tip(versions[stream]), home.id, envelopes))
        versions[stream] += len(envelopes)
    return Commit(id_, "", tuple(appends))


def _envelope(command: str, nth: int, one: Told) -> Envelope[Any]:
    field = _EFFECTIVE[type(one.event)]
    return Envelope(
        actor="specialist:S1",
        command=command,
        data=one.event,
        effective=(field and getattr(one.event, field)) or one.recorded.date(),
        recorded=one.recorded,
        nth=nth,
    )


_FILE = (
    HouseholdRegistered, MemberAdded, RoleEnded, DebtorAgreed, DebtorReleased, InterestRecorded,
    ConductConfirmed,
)  # fmt: skip
_ABOUT_REQUESTS = (
    RequestReceived, MarkedDuplicate, RequestMerged, DuplicateUndone, Reclassified,
)  # fmt: skip


def _stream(home: Home, event: Any) -> str:
    if isinstance(event, _FILE):
        return HOUSEHOLD.stream(home.id)
    if isinstance(event, _ABOUT_REQUESTS):
        return REQUEST.stream(event.request)
    if isinstance(event, OpinionRecorded | OpinionWithdrawn):
        return OPINIONS.stream(home.id)
    return ACCOUNT.stream(home.id)


def reference_of(home: Home, known: datetime) -> reference.Household:
    """The same household as the reference reads it.

    Interests and conduct, which have no instant there, are left out if they were not known.
    """
    facts: dict[str, list[Any]] = {}
    kinds: dict[str, list[tuple[str, datetime]]] = {}
    marks: dict[str, list[tuple[str | None, datetime]]] = {}
    for number, one in enumerate(home.in_order(), 1):
        at = one.recorded
        match one.event:
            case Reclassified() as e:
                kinds.setdefault(e.request, []).append((e.kind, at))
            case MarkedDuplicate() as e:
                marks.setdefault(e.request, []).append((e.of, at))
            case DuplicateUndone() as e:
                marks.setdefault(e.request, []).append((None, at))
        for name, fact in _facts(one.event, at, number, known):
            facts.setdefault(name, []).append(fact)
    facts["requests"] = [
        replace(one, kinds=tuple(kinds.get(one.number, ())), marks=tuple(marks.get(one.number, ())))
        for one in facts.get("requests", ())
    ]
    return reference.Household(home.id, **{name: tuple(some) for name, some in facts.items()})


def _facts(e: Any, at: datetime, entered: int, known: datetime) -> Iterator[tuple[str, Any]]:
    r = reference
    match e:
        case ChargeRaised():
            yield "charges", r.Charge(e.charge, e.due, e.amount_fen, at, e.debtor, e.kind, entered)
        case ChargeCorrected():
            yield "corrections", r.Correction(e.charge, e.of, e.amount_fen, at, entered)
        case ChargeCancelled():
            yield "cancellations", r.Cancellation(e.charge, at, entered)
        case PaymentReceived() | PaymentMovedIn():
            parts = tuple((part.charge, part.amount_fen) for part in e.parts)
            payment = r.Payment(
                e.payment, e.amount_fen, e.paid_on, at, e.charge, parts, e.payer, entered
            )
            yield "payments", payment
        case PaymentReversed():
            yield "reversals", r.Reversal(e.payment, e.on, at, entered)
        case PaymentMovedOut():
            yield "reversals", r.Reversal(e.payment, e.paid_on, at, entered)
        case CreditRefunded():
            yield "refunds", r.Refund(e.amount_fen, e.on, at, e.payee, entered)
        case ChargeWaived():
            waiver = r.Waiver(e.charge, e.amount_fen, e.on, at, e.waiver, e.write_off, entered)
            yield "waivers", waiver
        case WaiverTakenBack():
            yield "taken_back", r.TakenBack(e.waiver, e.on, at, entered)
        case ChargeDisputed():
            yield "disputes", r.Dispute(e.dispute, e.charge, e.amount_fen, e.on, at, entered)
        case DisputeDecided():
            yield "dispute_ends", r.DisputeEnd(e.dispute, e.upheld_fen, e.on, at, entered)
        case DisputeWithdrawn():
            yield "dispute_ends", r.DisputeEnd(e.dispute, 0, e.on, at, entered)
        case LateChargeClaimed():
            yield "late_charges", r.LateCharge(e.charge, e.of, e.amount_fen, at, e.due, entered)
        case MemberAdded():
            yield "roles", r.Role(e.member, e.role, e.since, at, entered)
        case RoleEnded():
            yield "role_ends", r.RoleEnd(e.member, e.role, e.until, at, entered)
        case DebtorAgreed():
            yield "agreements", r.Agreement(e.agreement, e.member, e.since, e.until, at, entered)
        case DebtorReleased():
            yield "releases", r.Release(e.agreement, e.until, at, entered)
        case PurchaseMade():
            yield "purchases", r.Purchase(e.amount_fen, e.on, at)
        case PurchaseRefunded():
            yield "purchases", r.Purchase(-e.amount_fen, e.on, at)
        case RequestReceived():
            yield "requests", r.Request(e.request, e.kind, e.received_at, follows=e.follows)
        case InterestRecorded() if at <= known:
            yield "interests", e.on
        case ConductConfirmed() if at <= known:
            yield "confirmed_conduct", e.on
        case OpinionRecorded():
            yield "opinions", r.Opinion(e.opinion, e.source, e.on, at, e.member, e.about, entered)
        case OpinionWithdrawn():
            yield "opinion_withdrawals", r.OpinionWithdrawal(e.opinion, at, entered)
