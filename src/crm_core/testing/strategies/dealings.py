"""Whole estates with their histories, from one household to a few.

    @given(estates(2011))
    def test_a_year_is_graded_once(estate):
        with open_crm("memory:") as crm:
            play(crm, estate)
            assert crm.grade(2011) == crm.grade(2011)

Everything has an effective day and an instant at which it came to be known. Most is entered soon;
some late, some long before its day, and half of the estates are entered out of the order in which
things came to be known, as by an import of older records. Days lean towards those on which rules
turn: the ends of the year, and the ends of credit grades counted from a due date.

Each command is given by somebody who may give it: what a clerk proposes a manager decides, mostly
at once and in favour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from attrs import evolve
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from crm_core.application.present import happenings
from crm_core.crm import CRM
from crm_core.errors import Refused
from crm_core.kernel.commands import fields_said
from crm_core.kernel.dates import start_of_day
from crm_core.kernel.recorded import Actor
from crm_core.kernel.sealed import Personal
from crm_core.kernel.values import frozen
from crm_core.kernel.word import Word
from crm_core.opinions.commands import SOURCES, RecordOpinion, WithdrawOpinion
from crm_core.owners.commands import AddMember, ConfirmConduct, RecordInterest, RegisterHousehold
from crm_core.owners.merging import MergeHousehold, UndoMerge
from crm_core.payments.commands import (
    AgreeClause,
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
from crm_core.requests.commands import (
    KINDS,
    MarkDuplicate,
    MergeDuplicate,
    ReceiveRequest,
    Reclassify,
    UndoDuplicate,
)
from crm_core.requests.incidents import GatherRequest, OpenIncident
from crm_core.testing.strategies.values import (
    CLERK,
    GRADE_ENDS,
    MANAGER,
    SELDOM,
    TURNING_FEN,
    days_around,
    ends_of,
)

T = TypeVar("T")

_DECISIONS = st.sampled_from([*["at once"] * 7, "later", "rejected", "never"])


@frozen
class Entry:
    """A command, when the company came to know what it says, and who gives it."""

    command: Any
    at: datetime
    by: Actor = CLERK

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        """In one line and without what is looked up: estates are long, and Hypothesis shows all."""
        kind: type = type(self.command)
        said = ", ".join(f"{name}={getattr(self.command, name)}" for name in fields_said(kind))
        printer.text(f"{self.at:%Y-%m-%d %H:%M} {self.by}: {kind.__name__}({said})")


@frozen
class Estate:
    """Some households and what happened to them.

    Args:
        year: The calendar year it leans towards.
        households: Ids of the households, sorted.
        entries: Commands in the order in which they are entered; some may be refused.
    """

    year: int
    households: tuple[str, ...]
    entries: tuple[Entry, ...]


def play(crm: CRM, estate: Estate) -> list[Entry]:
    """Run every entry under a command id of its own; returns those that were not refused.

    Estates of years to come can be played too: meanwhile the clock of the CRM stands behind all
    that happens in them, if it does not anyway.
    """
    accepted = []
    clock = crm.clock
    crm.host.clock = _Behind(max([clock.now(), *map(_latest, estate.entries)]))
    try:
        for number, entry in enumerate(estate.entries):
            try:
                crm.do(entry.command, by=entry.by, id=f"entry-{number}", at=entry.at)
            except Refused:
                continue
            accepted.append(entry)
    finally:
        crm.host.clock = clock
    return accepted


@frozen
class _Behind:
    """A clock that stands."""

    instant: datetime

    def now(self) -> datetime:
        return self.instant


def _latest(entry: Entry) -> datetime:
    """The latest instant at which anything of an entry happened."""
    happened = (day for _, day in happenings(entry.command, ""))
    instants = (day if isinstance(day, datetime) else start_of_day(day) for day in happened)
    return max([entry.at, *instants])


@st.composite
def merging_estates(draw: DrawFn, year: int) -> Estate:
    """Estates some of whose files are found to be second ones of a household, rightly or not.

    Merges come at any time, for any day that had passed, in chains, again after they were undone,
    and some of them cannot be.
    """
    estate = draw(estates(year).filter(lambda one: len(one.households) > 1))
    known = [entry.at for entry in estate.entries]
    entries = list(estate.entries)
    for _ in range(draw(st.integers(1, 4))):
        household, into = draw(st.permutations(estate.households))[:2]
        at = draw(st.sampled_from(known)) + timedelta(hours=draw(st.integers(0, 400)))
        on = at.date() - timedelta(days=draw(st.sampled_from((1, 30, 200, 700))))
        merge = MergeHousehold(household, into, on, "the same flat twice")
        entries.append(Entry(merge, at, MANAGER))
        if draw(st.booleans()):
            undone = at + timedelta(hours=draw(st.integers(0, 3000)))
            entries.append(Entry(UndoMerge(household, "two flats"), undone, MANAGER))
    if draw(st.booleans()):
        entries.sort(key=lambda entry: entry.at)
    return evolve(estate, entries=tuple(entries))


def knowledge(year: int) -> SearchStrategy[datetime]:
    """Instants at which a grading of the year might have been made, hindsight included."""
    first = start_of_day(date(year, 1, 1))
    over = start_of_day(date(year + 1, 1, 1))
    return st.one_of(
        st.sampled_from([over - timedelta(seconds=1), over, over + timedelta(days=5)]),
        st.integers(0, 366 * 24).map(lambda hours: first + timedelta(hours=hours)),
        st.integers(1, 200).map(lambda late: over + timedelta(days=late)),
        st.just(over + timedelta(days=3000)),
    )


def _soon(day: date) -> SearchStrategy[datetime]:
    """When a fact of that day came to be known: mostly that day or the next, at times much later
    or long before.
    """
    start = start_of_day(day)
    hours = st.one_of(
        st.sampled_from([0, 10, 24, 24 * 6]),
        st.integers(0, 72),
        st.integers(24 * -40, 24 * 200),
    )
    return hours.map(lambda late: start + timedelta(hours=late))


def _later(instant: datetime) -> SearchStrategy[datetime]:
    return st.one_of(
        st.just(instant), st.integers(0, 24 * 60).map(lambda late: instant + timedelta(hours=late))
    )


@st.composite
def estates(draw: DrawFn, year: int, *, households_max: int = 4, claims: bool = True) -> Estate:
    """Estates of one to `households_max` households, around one calendar year.

    Args:
        claims: Whether households dispute charges and are asked for late charges.
    """
    count = draw(st.integers(1, households_max))
    households = tuple(f"V{number}" for number in range(1, count + 1))
    opened = start_of_day(date(year - 3, 1, 1))
    files: list[Entry] = []
    told: list[Entry] = []
    for number, home in enumerate(households, 1):
        others = [other for other in households if other != home]
        member = f"resident-{number}"
        files += [
            Entry(
                RegisterHousehold(
                    household=home, estate="Anhe", building="1", unit="1", room=f"{number}01"
                ),
                opened,
            ),
            Entry(_resident(home, member, date(year - 3, 1, 1)), opened),
        ]
        told.extend(_Told(draw, year, home, member, others, claims).entries())
    if draw(st.booleans()):
        # Entered as it came to be known; otherwise household by household, as from old files.
        told.sort(key=lambda entry: entry.at)
    return Estate(year, households, (*files, *told))


def _resident(home: str, member: str, since: date) -> AddMember:
    """Somebody of the household, whose word it is."""
    return AddMember(
        household=home,
        member=member,
        role="owner",
        since=since,
        name=Personal(member, "Ouyang Xiu"),
    )


class _Told:
    """One household's history while it is being made up."""

    def __init__(
        self, draw: DrawFn, year: int, home: str, member: str, others: list[str], claims: bool
    ) -> None:
        self._draw = draw
        self._year = year
        self._home = home
        self._member = member
        self._others = others
        self._claims = claims
        self._days = days_around(year)

    def entries(self) -> Iterable[Entry]:
        """What happened, what comes of something else behind it."""
        charges = self._several("C", 6, self._charge)
        payments = self._several("P", 7, lambda number: self._payment(number, charges))
        yield from charges
        yield from payments
        waivers = self._several("W", 2, lambda number: self._waiver(number, charges))
        yield from waivers
        for entry in waivers:
            yield from self._decision(entry, DecideWaiver, entry.command.waiver)
        for entry in charges:
            if self._seldom():
                yield self._cancellation(entry)
        for entry in payments:
            if self._seldom():
                yield self._reversal(entry)
            elif self._others and self._seldom():
                yield from self._moves(entry)
        for entry in self._several("F", 2, self._refund):
            yield entry
            yield from self._decision(entry, DecideRefund, entry.command.refund)
        if self._claims:
            disputes = self._several("D", 3, lambda number: self._dispute(number, charges))
            yield from disputes
            for entry in disputes:
                yield from self._end(entry)
            late = self._several("L", 2, lambda number: self._late_charge(number, charges))
            if late:
                yield self._clause()
            yield from late
            for entry in late:
                yield from self._late_payment(entry)
        yield from self._several("B", 4, self._purchase)
        requests = self._several("R", 7, self._request)
        yield from requests
        for entry in requests:
            if self._seldom():
                yield self._reclassified(entry)
        yield from self._duplicates(requests)
        opinions = self._several("O", 3, lambda number: self._opinion(number, requests))
        yield from opinions
        for entry in opinions:
            if self._seldom():
                yield self._withdrawn(entry)
        yield from self._several("I", 1, self._interest)
        yield from self._several("N", 1, self._conduct)

    # --- charges and money ---------------------------------------------------------------

    def _charge(self, number: str) -> Entry:
        in_the_year = st.dates(*ends_of(self._year))
        due = self._any(st.one_of(in_the_year, in_the_year, self._days))
        amount = self._any(st.one_of(st.sampled_from([1, 100_00, 127_00]), st.integers(1, 400_00)))
        command = RaiseCharge(
            household=self._home,
            charge=number,
            kind="management_fee",
            period=f"{due:%Y-%m}",
            amount_fen=amount,
            due=due,
        )
        return Entry(command, self._known(due))

    def _payment(self, number: str, charges: list[Entry]) -> Entry:
        charge = self._one_of(charges)
        if charge is None:
            command = ReceivePayment(
                household=self._home,
                payment=number,
                amount_fen=self._any(st.integers(1, 500_00)),
                paid_on=self._day(),
                method="transfer",
            )
            return Entry(command, self._known(command.paid_on))
        raised = charge.command
        whole = raised.amount_fen
        amount = self._any(
            st.one_of(
                st.just(whole),  # in full, mostly
                st.just(whole),
                st.integers(1, whole),  # in part
                st.integers(whole, 3 * whole),  # too much
            )
        )
        after = self._any(
            st.one_of(st.sampled_from((0, *GRADE_ENDS)), st.integers(-5, 60), st.integers(-30, 420))
        )
        paid_on = raised.due + timedelta(days=after)
        named = raised.charge if self._any(st.booleans()) else None
        command = ReceivePayment(
            household=self._home,
            payment=number,
            amount_fen=amount,
            paid_on=paid_on,
            method="wechat",
            charge=named,
            charge_follows=True,
        )
        return Entry(command, self._known(paid_on))

    def _cancellation(self, charge: Entry) -> Entry:
        raised = charge.command
        command = CancelCharge(self._home, raised.charge, raised.due, "raised by mistake")
        return Entry(command, self._any(_later(charge.at)))

    def _reversal(self, payment: Entry) -> Entry:
        paid = payment.command
        on = paid.paid_on + timedelta(days=self._any(st.integers(0, 200)))
        command = ReversePayment(self._home, paid.payment, on, "bounced")
        return Entry(command, max(payment.at, self._known(on)))

    def _moves(self, payment: Entry) -> Iterable[Entry]:
        """Where it belongs, and at times from there to yet another household, or back."""
        number, at, here = payment.command.payment, payment.at, self._home
        for _ in range(self._any(st.integers(1, 2))):
            to = self._any(st.sampled_from([h for h in (self._home, *self._others) if h != here]))
            at = self._any(_later(at))
            yield Entry(MovePayment(here, number, to, "wrong household"), at)
            here = to

    def _waiver(self, number: str, charges: list[Entry]) -> Entry | None:
        charge = self._one_of(charges)
        if charge is None:
            return None
        raised = charge.command
        on = raised.due + timedelta(days=self._any(st.integers(-10, 300)))
        amount = self._any(st.one_of(st.just(1), st.integers(1, raised.amount_fen)))
        command = ProposeWaiver(
            household=self._home,
            waiver=number,
            charge=raised.charge,
            amount_fen=amount,
            on=on,
            reason="hardship",
            write_off=self._any(st.booleans()),
        )
        return Entry(command, self._known(on))

    def _refund(self, number: str) -> Entry:
        on = self._day()
        amount = self._any(st.one_of(st.integers(1, 100), st.integers(1, 300_00)))
        command = ProposeRefund(
            household=self._home, refund=number, amount_fen=amount, on=on, reason="asked for it"
        )
        return Entry(command, self._known(on))

    def _decision(self, proposal: Entry, kind: type, number: str) -> Iterable[Entry]:
        """Somebody else decides at once, later, or against it; or nobody does."""
        how = self._any(_DECISIONS)
        on, at = proposal.command.on, proposal.at
        if how == "later":
            late = timedelta(days=self._any(st.integers(0, 60)))
            on, at = on + late, at + late
        if how != "never":
            told = kind(self._home, number, how != "rejected", on, "looked into")
            yield Entry(told, at, MANAGER)

    def _purchase(self, number: str) -> Entry:
        on = self._day()
        amount = self._any(
            st.one_of(
                st.sampled_from((1, *TURNING_FEN)),
                st.integers(1, 2_500_000),
                st.sampled_from([-1, -100_00]),
                st.integers(-500_000, -1),
            )
        )
        return Entry(
            RecordPurchase(
                household=self._home, purchase=number, service="cleaning", amount_fen=amount, on=on
            ),
            self._known(on),
        )

    # --- claims --------------------------------------------------------------------------

    def _dispute(self, number: str, charges: list[Entry]) -> Entry | None:
        charge = self._one_of(charges)
        if charge is None:
            return None
        raised = charge.command
        on = raised.due + timedelta(days=self._any(st.integers(-10, 200)))
        whole = raised.amount_fen
        amount = self._any(st.one_of(st.just(whole), st.integers(1, whole)))
        command = DisputeCharge(
            household=self._home,
            dispute=number,
            charge=raised.charge,
            amount_fen=amount,
            on=on,
            reason="not as agreed",
            word=self._word(number),
        )
        return Entry(command, max(charge.at, self._known(on)))

    def _end(self, dispute: Entry) -> Iterable[Entry]:
        """Nobody decides, or it is withdrawn, rejected, or upheld in part or whole."""
        disputed = dispute.command
        on = disputed.on + timedelta(days=self._any(st.integers(0, 250)))
        at = max(dispute.at, self._known(on))
        upheld = self._any(
            st.one_of(
                st.sampled_from([None, -1, 0, disputed.amount_fen]),
                st.integers(1, disputed.amount_fen),
            )
        )
        if upheld is None:
            return
        if upheld < 0:
            word = self._word(disputed.dispute)
            yield Entry(
                WithdrawDispute(
                    household=self._home,
                    dispute=disputed.dispute,
                    on=on,
                    reason="explained",
                    word=word,
                ),
                at,
            )
            return
        proposed = ProposeDisputeDecision(
            household=self._home,
            dispute=disputed.dispute,
            upheld_fen=upheld,
            on=on,
            reason="looked into",
        )
        yield (entry := Entry(proposed, at))
        yield from self._decision(entry, DecideDispute, disputed.dispute)

    def _clause(self) -> Entry:
        """The contract has always agreed on late charges; it is known as the story begins."""
        command = AgreeClause(
            household=self._home,
            clause="K1",
            subject="late_charge",
            policy_name="late-charge-daily",
            on=date(self._year - 5, 1, 1),
            document="contract",
            word=self._word("contract"),
        )
        return Entry(command, start_of_day(date(self._year - 3, 1, 1)))

    def _late_charge(self, number: str, charges: list[Entry]) -> Entry | None:
        charge = self._one_of(charges)
        if charge is None:
            return None
        raised = charge.command
        on = raised.due + timedelta(days=self._any(st.integers(1, 400)))
        due = on + timedelta(days=self._any(st.integers(0, 30)))
        command = ClaimLateCharge(
            household=self._home,
            charge=number,
            of=raised.charge,
            on=on,
            due=due,
        )
        return Entry(command, max(charge.at, self._known(on)), MANAGER)

    def _late_payment(self, claim: Entry) -> Iterable[Entry]:
        """Money for a late charge: what is too much of it settles principal."""
        if self._any(st.booleans()):
            claimed = claim.command
            on = claimed.on + timedelta(days=self._any(st.integers(0, 90)))
            amount = self._any(st.one_of(st.just(1), st.integers(1, 200_00)))
            number = f"P{claimed.charge}"
            command = ReceivePayment(
                household=self._home,
                payment=number,
                amount_fen=amount,
                paid_on=on,
                method="cash",
                charge=claimed.charge,
                charge_follows=True,
            )
            yield Entry(command, max(claim.at, self._known(on)))

    # --- requests and the rest -----------------------------------------------------------

    def _request(self, number: str) -> Entry:
        first = int(number.rpartition("-")[2]) == 1
        day = self._any(st.one_of(self._days, st.dates(*ends_of(self._year))))
        hour = self._any(st.sampled_from([0, 9, 23]))
        received = start_of_day(day) + timedelta(hours=hour)
        command = ReceiveRequest(
            request=f"{self._home}-{number}",
            household=self._home,
            channel="phone",
            kind=self._any(st.sampled_from(KINDS)),
            trade="cleaning",
            severity="general",
            summary="",
            received_at=received,
            first_asked="S1",
            follows=None if first or not self._seldom() else f"{self._home}-R{self._home[1:]}-1",
        )
        return Entry(command, self._any(_later(received)))

    def _reclassified(self, request: Entry) -> Entry:
        at = self._any(_later(request.at))
        command = Reclassify(
            request=request.command.request,
            reason="heard again",
            reclassified_at=max(at, request.command.received_at),
            kind=self._any(st.sampled_from(KINDS)),
        )
        return Entry(command, at)

    def _duplicates(self, requests: list[Entry]) -> Iterable[Entry]:
        """Of the one before, in chains; of a later one; of one that a neighbour made."""
        pairs = [pair for pair in zip(requests[1:], requests, strict=False) if self._seldom()]
        if len(requests) > 1 and not pairs and self._seldom():
            pairs.append((requests[0], requests[-1]))
        for request, other in pairs:
            known = max(request.at, other.at)
            yield from self._duplicate(request, other.command.request, known)
        if requests and self._others and self._seldom():
            yield from self._of_a_neighbour(requests[-1])

    def _of_a_neighbour(self, request: Entry) -> Iterable[Entry]:
        """What many raise is gathered; that is no matter of the neighbour's alone."""
        there = self._any(st.sampled_from(self._others))
        other, at = f"{there}-R{there[1:]}-1", self._any(_later(request.at))
        incident = f"I{self._home[1:]}"
        opened = OpenIncident(
            incident=incident, place="Anhe", trade="cleaning", summary="flood", opened_at=at
        )
        yield Entry(opened, at)
        for number in (other, request.command.request):
            yield Entry(GatherRequest(incident, number, at), at)
        yield from self._duplicate(request, other, at)

    def _duplicate(self, request: Entry, of: str, known: datetime) -> Iterable[Entry]:
        """It is marked or merged, and at times that is undone; it may be said again."""
        number, at = request.command.request, self._any(_later(known))
        for _ in range(self._any(st.sampled_from((1, 1, 1, 2)))):
            merged_at = max(at, request.command.received_at)
            if self._any(st.booleans()):
                yield Entry(MergeDuplicate(number, of, "the same matter", merged_at), at)
            else:
                yield Entry(MarkDuplicate(number, of, "the same matter"), at)
            if not self._any(st.booleans()):
                break
            at = self._any(_later(at))
            yield Entry(UndoDuplicate(number, "another matter", max(at, merged_at)), at)

    def _opinion(self, number: str, requests: list[Entry]) -> Entry:
        on = self._day()
        about = self._one_of(requests) if self._seldom() else None
        command = RecordOpinion(
            household=self._home,
            opinion=number,
            source=self._any(st.sampled_from(SOURCES)),
            member=self._member,
            on=on,
            reference="thread 7",
            about=None if about is None else about.command.request,
        )
        return Entry(command, self._known(on))

    def _withdrawn(self, opinion: Entry) -> Entry:
        recorded = opinion.command
        at = self._any(_later(opinion.at))
        command = WithdrawOpinion(self._home, recorded.opinion, recorded.on, "of another household")
        return Entry(command, at)

    def _interest(self, number: str) -> Entry:
        on = self._day()
        return Entry(RecordInterest(self._home, "gym", on, self._word(number)), self._known(on))

    def _conduct(self, number: str) -> Entry:
        on = self._day()
        command = ConfirmConduct(self._home, "disturbance", on, f"note {number}")
        return Entry(command, self._known(on), MANAGER)

    def _word(self, number: str) -> Word:
        return Word(self._member, "letter", f"letter {number}")

    # --- drawing -------------------------------------------------------------------------

    def _any(self, strategy: SearchStrategy[T]) -> T:
        return self._draw(strategy)

    def _one_of(self, entries: list[Entry]) -> Entry | None:
        return self._any(st.sampled_from([None, *entries, *entries]))

    def _day(self) -> date:
        return self._any(self._days)

    def _known(self, day: date) -> datetime:
        return self._any(_soon(day))

    def _seldom(self) -> bool:
        return self._any(SELDOM)

    def _several(self, kind: str, most: int, make: Callable[[str], Entry | None]) -> list[Entry]:
        """Up to `most` entries; what is numbered is numbered across households."""
        count = self._any(st.integers(0, most))
        made = (make(f"{kind}{self._home[1:]}-{n}") for n in range(1, count + 1))
        return [entry for entry in made if entry is not None]
