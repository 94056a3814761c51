"""eventsourcing: one aggregate a household, and its recorded gradings decided again from it.

Written as its users would: events apply themselves to the aggregate, the repository loads it, and
plain functions compute the facts, the type and the layer. What it decides is what crm-core decides;
evidence, criteria and stored bytes, which crm-core compares too, are not asked of it.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import fields
from datetime import date, datetime, timedelta
from itertools import islice
from time import perf_counter
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from eventsourcing.application import Repository
from eventsourcing.domain import Aggregate

from contenders import library, work
from crm_adapters import open_crm
from crm_core.gradings.events import DECIDED
from crm_core.gradings.facts import EVENT_NAMES
from crm_core.kernel.sealed import Sealed
from crm_core.owners.facts import REGISTERED

ZONE = ZoneInfo("Asia/Shanghai")
DAY = timedelta(days=1)

GRADES = ("A", "B1", "B2", "B3", "B4", "B5")
LAST_DAYS = (0, 30, 90, 180, 365)
B2, B3 = 2, 3

IMPORTANT_FROM = {"cautious": 2_000_000, "lively": 1_600_000, "ordinary": 1_600_000}
MAIN_FROM = {"cautious": 1_000_000, "lively": 800_000, "ordinary": 800_000}


class HouseholdFile(Aggregate):
    """Everything about a household that a grading looks at."""

    class Registered(Aggregate.Created):
        household: str

    class ChargeRaised(Aggregate.Event):
        charge: str
        kind: str
        period: str
        amount_fen: int
        due: date

        def apply(self, aggregate: Any) -> None:
            aggregate.charges[self.charge] = (self.due, self.amount_fen, self.timestamp)

    class ChargeCancelled(Aggregate.Event):
        charge: str
        on: date
        reason: str

        def apply(self, aggregate: Any) -> None:
            aggregate.cancelled[self.charge] = self.timestamp

    class PaymentReceived(Aggregate.Event):
        payment: str
        amount_fen: int
        paid_on: date
        method: str
        charge: str | None

        def apply(self, aggregate: Any) -> None:
            aggregate.payments[self.payment] = (self.amount_fen, self.charge)
            aggregate.money.append((self.paid_on, self.amount_fen, self.charge, self.timestamp))

    class PaymentMovedIn(Aggregate.Event):
        payment: str
        from_household: str
        amount_fen: int
        paid_on: date
        method: str
        charge: str | None
        reason: str

        def apply(self, aggregate: Any) -> None:
            aggregate.payments[self.payment] = (self.amount_fen, self.charge)
            aggregate.money.append((self.paid_on, self.amount_fen, self.charge, self.timestamp))

    class PaymentReversed(Aggregate.Event):
        payment: str
        on: date
        reason: str

        def apply(self, aggregate: Any) -> None:
            fen, charge = aggregate.payments[self.payment]
            aggregate.money.append((self.on, -fen, charge, self.timestamp))

    class PaymentMovedOut(Aggregate.Event):
        payment: str
        to_household: str
        amount_fen: int
        paid_on: date
        method: str
        reason: str

        def apply(self, aggregate: Any) -> None:
            fen, charge = aggregate.payments[self.payment]
            aggregate.money.append((self.paid_on, -fen, charge, self.timestamp))

    class CreditRefunded(Aggregate.Event):
        refund: str
        amount_fen: int
        on: date
        reason: str
        proposed_by: str
        approved_by: str

        def apply(self, aggregate: Any) -> None:
            aggregate.money.append((self.on, -self.amount_fen, None, self.timestamp))

    class ChargeWaived(Aggregate.Event):
        waiver: str
        charge: str
        amount_fen: int
        on: date
        write_off: bool
        reason: str
        proposed_by: str
        approved_by: str

        def apply(self, aggregate: Any) -> None:
            told = (self.on, self.amount_fen, self.charge, self.write_off, self.timestamp)
            aggregate.waivers.append(told)

    class PurchaseMade(Aggregate.Event):
        purchase: str
        service: str
        amount_fen: int
        on: date

        def apply(self, aggregate: Any) -> None:
            aggregate.purchases.append((self.on, self.amount_fen, self.timestamp))

    class PurchaseRefunded(Aggregate.Event):
        purchase: str
        service: str
        amount_fen: int
        on: date

        def apply(self, aggregate: Any) -> None:
            aggregate.purchases.append((self.on, -self.amount_fen, self.timestamp))

    class ChargeDisputed(Aggregate.Event):
        dispute: str
        charge: str
        amount_fen: int
        on: date
        reason: str
        word: str

        def apply(self, aggregate: Any) -> None:
            aggregate.disputes[self.dispute] = (
                self.charge, self.amount_fen, self.on, self.timestamp,
            )  # fmt: skip

    class DisputeDecided(Aggregate.Event):
        dispute: str
        upheld_fen: int
        on: date
        reason: str
        proposed_by: str
        approved_by: str

        def apply(self, aggregate: Any) -> None:
            aggregate.ends[self.dispute] = (self.on, self.upheld_fen, self.timestamp)

    class DisputeWithdrawn(Aggregate.Event):
        dispute: str
        on: date
        reason: str
        word: str

        def apply(self, aggregate: Any) -> None:
            aggregate.ends[self.dispute] = (self.on, 0, self.timestamp)

    class LateChargeClaimed(Aggregate.Event):
        charge: str
        of: str
        amount_fen: int
        on: date
        due: date
        claimed_by: str

        def apply(self, aggregate: Any) -> None:
            aggregate.late[self.charge] = (self.of, self.amount_fen, self.timestamp)

    class MemberAdded(Aggregate.Event):
        member: str
        role: str
        since: date
        source: str

        def apply(self, aggregate: Any) -> None:
            aggregate.roles.append((self.member, self.role, self.since, self.timestamp))

    class ClauseAgreed(Aggregate.Event):
        clause: str
        subject: str
        policy_name: str
        on: date
        document: str
        word: str

        def apply(self, aggregate: Any) -> None:
            aggregate.clauses.append((self.subject, self.policy_name, self.on, self.timestamp))

    class InterestRecorded(Aggregate.Event):
        service: str
        on: date
        word: str
        source: str

        def apply(self, aggregate: Any) -> None:
            aggregate.interests.append((self.on, self.timestamp))

    class ConductConfirmed(Aggregate.Event):
        kind: str
        on: date
        evidence: str
        confirmed_by: str

        def apply(self, aggregate: Any) -> None:
            aggregate.conduct.append((self.on, self.timestamp))

    class RequestReceived(Aggregate.Event):
        request: str
        channel: str
        kind: str
        trade: str
        severity: str
        summary: str
        owner: str
        received_at: datetime
        follows: str | None

        def apply(self, aggregate: Any) -> None:
            told = (self.kind, self.received_at, self.follows, self.timestamp)
            aggregate.requests[self.request] = told

    class Reclassified(Aggregate.Event):
        request: str
        kind: str
        trade: str
        severity: str
        reason: str

        def apply(self, aggregate: Any) -> None:
            aggregate.kinds.append((self.request, self.kind, self.timestamp))

    class MarkedDuplicate(Aggregate.Event):
        request: str
        of: str
        reason: str

        def apply(self, aggregate: Any) -> None:
            aggregate.marks.append((self.request, self.of, self.timestamp))

    class DuplicateUndone(Aggregate.Event):
        request: str
        of: str
        reason: str

        def apply(self, aggregate: Any) -> None:
            aggregate.marks.append((self.request, None, self.timestamp))

    class GradingDecided(Aggregate.Event):
        run: str
        year: int
        cutoff_known: datetime
        attention: int
        b2_entries: int
        charges_due: int
        complaints: int
        conduct: int
        credit: str
        interests: int
        overdue_days: int
        overdue_fen: int
        previous_purchases_fen: int
        purchases_fen: int
        worst_credit: str
        kind: str
        layer: str

        def apply(self, aggregate: Any) -> None:
            aggregate.gradings.append(self)

    def __init__(self, household: str) -> None:
        self.household = household
        self.charges: dict[str, Any] = {}
        self.cancelled: dict[str, datetime] = {}
        self.payments: dict[str, Any] = {}
        self.money: list[Any] = []
        self.waivers: list[Any] = []
        self.purchases: list[Any] = []
        self.disputes: dict[str, Any] = {}
        self.ends: dict[str, Any] = {}
        self.late: dict[str, Any] = {}
        self.interests: list[Any] = []
        self.roles: list[Any] = []
        self.clauses: list[Any] = []
        self.conduct: list[Any] = []
        self.requests: dict[str, Any] = {}
        self.kinds: list[Any] = []
        self.marks: list[Any] = []
        self.gradings: list[Any] = []


# --- facts, type and layer ---------------------------------------------------------------------


class Facts(NamedTuple):
    """What a grading looks at."""

    attention: int
    b2_entries: int
    charges_due: int
    complaints: int
    conduct: int
    credit: str
    interests: int
    overdue_days: int
    overdue_fen: int
    previous_purchases_fen: int
    purchases_fen: int
    worst_credit: str


class Account:
    """An account as known at an instant."""

    def __init__(self, file: Any, known: datetime) -> None:
        ends = {n: end for n, end in file.ends.items() if end[2] <= known}
        upheld: dict[str, int] = {}
        self.disputes = []
        for number, (charge, fen, on, at) in file.disputes.items():
            if at <= known:
                end, off, _ = ends.get(number, (date.max, 0, at))
                upheld[charge] = upheld.get(charge, 0) + off
                self.disputes.append((charge, fen - off, on, end))
        self.charges = sorted(
            (due, number, fen - upheld.get(number, 0))
            for number, (due, fen, at) in file.charges.items()
            # What was upheld in full was never owed.
            if at <= known and fen > upheld.get(number, 0) and not self._void(file, number, known)
        )
        numbers = {number for _, number, _ in self.charges}
        self.late = {
            number: fen
            for number, (of, fen, at) in file.late.items()
            if at <= known and of in numbers and not self._void(file, number, known)
        }
        self.money = sorted((m[:3] for m in file.money if m[3] <= known), key=lambda m: m[0])
        self.waivers = [w[:4] for w in file.waivers if w[4] <= known]

    def _void(self, file: Any, number: str, known: datetime) -> bool:
        return number in file.cancelled and file.cancelled[number] <= known

    def overdue(self, day: date) -> list[tuple[date, int]]:
        """Due date and amount of what is unpaid and undisputed on a day, oldest first."""
        asked = {number: fen for _, number, fen in self.charges} | self.late
        given_up: dict[str, int] = {}
        for on, fen, number, write_off in self.waivers:
            if on <= day and number in asked:
                if write_off:
                    given_up[number] = given_up.get(number, 0) + fen
                else:
                    asked[number] = max(0, asked[number] - fen)
        named: dict[str, int] = {}
        pool = 0
        for on, fen, number in self.money:
            if on > day:
                break
            if number in asked:
                named[number] = named.get(number, 0) + fen
            else:
                pool += fen
        for number, fen in named.items():
            settled = min(fen, asked[number])
            asked[number] -= settled
            pool += fen - settled
        # What stays owed is given up; money for the charge that comes later is no credit.
        for number, fen in given_up.items():
            asked[number] = max(0, asked[number] - fen)
        disputed: dict[str, int] = {}
        for number, fen, start, end in self.disputes:
            if start <= day < end:
                disputed[number] = disputed.get(number, 0) + fen
        left = []
        for due, number, _ in self.charges:
            fen = asked[number]
            if disputed:
                fen -= min(fen, disputed.get(number, 0))
            settled = min(fen, max(pool, 0))
            pool -= settled
            if fen > settled:
                left.append((due, fen - settled))
        return left

    def turns(self, first: date, last: date) -> list[date]:
        """Days of a window on which something may become paid, owed or disputed."""
        days = {first}
        days.update(on for on, _, _ in self.money if first < on <= last)
        days.update(on for on, *_ in self.waivers if first < on <= last)
        for _, _, start, end in self.disputes:
            days.update(day for day in (start, end) if first < day <= last)
        return sorted(days)


def rank(left: list[tuple[date, int]], day: date) -> int:
    """The place of the credit grade on a day, of what was unpaid since before."""
    days = (day - left[0][0]).days if left else 0
    return next((place for place, last in enumerate(LAST_DAYS) if days <= last), 5)


def facts(file: Any, year: int, known: datetime) -> Facts:
    """The facts of a year as known at an instant."""
    account = Account(file, known)
    first, last = date(year, 1, 1), date(year, 12, 31)
    before = rank(account.overdue(first - DAY), first - DAY)
    worst = entered = 0
    left: list[tuple[date, int]] = []
    turns = account.turns(first, last)
    for start, end in zip(turns, [*(turn - DAY for turn in turns[1:]), last], strict=True):
        left = account.overdue(start)
        now, then = rank(left, start), rank(left, end)
        entered += (before < B2 <= now) + (now < B2 <= then)
        worst = max(worst, then)
        before = then
    owed = [(due, fen) for due, fen in left if due < last]
    bought = {year: 0, year - 1: 0}
    for on, fen, at in file.purchases:
        if at <= known and on.year in bought:
            bought[on.year] += fen
    matters = attention(file, year, known)
    return Facts(
        attention=len(matters),
        b2_entries=entered,
        charges_due=sum(first <= due <= last for due, _, _ in account.charges),
        complaints=matters.count("complaint"),
        conduct=sum(at <= known and on.year == year for on, at in file.conduct),
        credit=GRADES[before],
        interests=sum(at <= known and on.year == year for on, at in file.interests),
        overdue_days=(last - owed[0][0]).days if owed else 0,
        overdue_fen=sum(fen for _, fen in owed),
        previous_purchases_fen=bought[year - 1],
        purchases_fen=bought[year],
        worst_credit=GRADES[worst],
    )


def attention(file: Any, year: int, known: datetime) -> list[str]:
    """What the matters raised are, but repairs: duplicates and what follows once, by a head."""
    kinds = {request: kind for request, (kind, _, _, at) in file.requests.items() if at <= known}
    kinds |= {request: kind for request, kind, at in file.kinds if at <= known and request in kinds}
    asked = [
        request
        for request, (_, received, _, at) in file.requests.items()
        if at <= known and received.astimezone(ZONE).year == year and kinds[request] != "repair"
    ]
    follows = {
        request: other
        for request, (_, _, other, at) in file.requests.items()
        if at <= known and other is not None
    }
    marked: dict[str, str] = {}
    for request, other, at in file.marks:
        if at <= known:
            marked.pop(request, None)
            if other is not None:
                marked[request] = other
    of: dict[str, str] = {}
    for request, other in (follows | marked).items():
        end = other
        while end != request and end in of:
            end = of[end]
        if end != request:
            of[request] = other
    matters: dict[str, str] = {}
    for request in sorted(asked, key=lambda one: file.requests[one][1]):
        head = request
        while head in of:
            head = of[head]
        matters.setdefault(head, kinds[head if head in asked else request])
    return list(matters.values())


def decide(found: Facts) -> tuple[str, str]:
    """Type and layer."""
    fen = found.purchases_fen
    high = found.interests or (fen > 0 and fen * 100 >= found.previous_purchases_fen * 110)
    loud = found.attention >= 4
    worst = GRADES.index(found.worst_credit)
    if high:
        kind = "lively" if loud else "cautious"
    else:
        hard = worst >= B3 or found.b2_entries >= 2 or found.conduct
        angry = found.complaints >= 4 and fen < MAIN_FROM["ordinary"]
        kind = "problem" if angry and hard else "ordinary"
    if not found.charges_due:
        return kind, "insufficient"
    good = kind != "problem"
    if found.credit == "A" and good and worst < B2 and reaches(found, kind, IMPORTANT_FROM):
        return kind, "important"
    if found.credit == "A" and good and reaches(found, kind, MAIN_FROM):
        return kind, "main"
    if found.credit in ("A", "B1") and good and (fen > 0 or found.attention):
        return kind, "ordinary"
    return kind, "small"


def reaches(found: Facts, kind: str, needed: dict[str, int]) -> bool:
    """Whether the purchases do, or fewer of them would have, as those of an ordinary customer."""
    fen, fewest = found.purchases_fen, needed["ordinary"]
    grown = fen >= fewest and found.previous_purchases_fen * 110 > fewest * 100
    return fen >= needed[kind] or (kind == "cautious" and grown)


# --- the contender -----------------------------------------------------------------------------


class Contender(library.Contender):
    """What it can be asked for."""

    def copy_town(self, url: str, of: str, households: int, gradings: bool = True) -> int:
        """Put the first households of a log of crm-core into its own store; how many events."""
        store = self._store(url)
        count = 0
        names = {*EVENT_NAMES, REGISTERED, DECIDED} if gradings else {*EVENT_NAMES, REGISTERED}
        with open_crm(of, create=True) as crm:
            told = crm.log.by_household(names=names)
            for number, (_, recorded) in enumerate(islice(told, households), 1):
                # The file stands first here, wherever it stood in the log.
                recorded.sort(key=lambda one: one.name != REGISTERED)
                store.put(list(events(number, recorded)))
                count += len(recorded)
        return count

    def gather(self, url: str, households: int, year: int, known: str) -> float:
        """Facts, type and layer of a year, of everybody."""
        repository: Repository[Any] = Repository(self._store(url))
        at = datetime.fromisoformat(known)
        gc.collect()
        started = perf_counter()
        for number in range(1, households + 1):
            facts(repository.get(work.identity(number)), year, at)
        return perf_counter() - started

    def replay(self, url: str, households: int, planted: list[list[Any]]) -> float:
        """Every recorded grading decided again; what differs must be what was planted."""
        repository: Repository[Any] = Repository(self._store(url))
        gc.collect()
        found = []
        started = perf_counter()
        for number in range(1, households + 1):
            file: Any = repository.get(work.identity(number))
            for grading in file.gradings:
                again = facts(file, grading.year, grading.cutoff_known)
                recorded = tuple(getattr(grading, name) for name in Facts._fields)
                if recorded != again or (grading.kind, grading.layer) != decide(again):
                    found.append([file.household, grading.year, grading.run])
        seconds = perf_counter() - started
        assert sorted(found) == sorted(planted), f"{found} differ, not {planted}"
        return seconds

    def read(self, url: str, households: int) -> float:
        """Load everybody and decide nothing."""
        repository: Repository[Any] = Repository(self._store(url))
        gc.collect()
        started = perf_counter()
        for number in range(1, households + 1):
            repository.get(work.identity(number))
        return perf_counter() - started


def events(number: int, recorded: list[Any]) -> Iterator[Any]:
    """A household's events as this library keeps them: the same fields under the same names."""
    identity = work.identity(number)
    for version, one in enumerate(recorded, 1):
        event, at = one.event, one.recorded
        name = type(event).__name__
        if name == "HouseholdRegistered":
            yield HouseholdFile.Registered(
                originator_topic=f"{HouseholdFile.__module__}:HouseholdFile",
                originator_id=identity,
                originator_version=1,
                timestamp=at,
                household=one.household,
            )
            continue
        cls = getattr(HouseholdFile, name)
        if name == "GradingDecided":
            values = {field: getattr(event.facts, field) for field in Facts._fields}
            values |= {"run": event.run, "year": event.year, "cutoff_known": event.cutoff_known}
            values |= {"kind": event.outcome.type, "layer": event.outcome.layer}
        else:
            own = (field.name for field in fields(cls))
            values = {field: _kept(getattr(event, field)) for field in own if hasattr(event, field)}
            word = values.get("word")
            if word is not None:
                values["word"] = f"{word.member} {word.channel} {_kept(word.reference)}"
        yield cls(originator_id=identity, originator_version=version, timestamp=at, **values)


def _kept(value: Any) -> Any:
    """What is sealed is kept as it is stored: text of the same length."""
    return value.token if isinstance(value, Sealed) else value
