"""Strategies for commands to an account, and for whole estates with their histories.

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

Histories of a single stream are in `crm_core.testing.strategies`.

Needs hypothesis.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from attrs import frozen
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from crm_core.crm import CRM
from crm_core.errors import Refused
from crm_core.kernel.commands import fields_said
from crm_core.kernel.dates import start_of_day
from crm_core.kernel.decider import Refusal
from crm_core.kernel.recorded import Actor
from crm_core.kernel.sealed import Personal
from crm_core.kernel.word import Word
from crm_core.owners.commands import (
    AddMember,
    ConfirmConduct,
    RecordInterest,
    RegisterHousehold,
)
from crm_core.payments import COLLECTION
from crm_core.payments.collection import (
    DEFAULT_COLLECTION,
    EVIDENCE,
    REASONS,
    ROLES,
    CollectionPolicy,
    Dues,
    Upcoming,
)
from crm_core.payments.commands import (
    AcceptMovedPayment,
    AcknowledgeDebt,
    AdvanceCollection,
    CancelCharge,
    CheckDefects,
    ClaimLateCharge,
    CompleteStep,
    DecideDispute,
    DecideHold,
    DecideInstalments,
    DecideRefund,
    DecideStep,
    DecideWaiver,
    DisputeCharge,
    MovePayment,
    PromisePayment,
    ProposeDisputeDecision,
    ProposeHold,
    ProposeInstalments,
    ProposeRefund,
    ProposeStep,
    ProposeWaiver,
    RaiseCharge,
    ReceivePayment,
    RecordPurchase,
    ReleaseHold,
    ReversePayment,
    SkipStep,
    WithdrawDispute,
)
from crm_core.payments.credit import GRADES
from crm_core.payments.events import Instalment, Proof
from crm_core.payments.late import LateChargePolicy
from crm_core.requests.commands import KINDS, MarkDuplicate, ReceiveRequest
from crm_core.slices import shipped

__all__ = [
    "Entry",
    "Estate",
    "account_commands",
    "account_openings",
    "account_stories",
    "collection_commands",
    "collection_stories",
    "estates",
    "knowledge",
    "play",
]

T = TypeVar("T")

GRADE_ENDS = (0, 1, 30, 31, 90, 91, 180, 181, 365, 366)
"""Days since a due date on which a credit grade begins or ends (PAY-04)."""

TURNING_FEN = (
    1,
    799_999,
    800_000,
    999_999,
    1_000_000,
    1_599_999,
    1_600_000,
    1_999_999,
    2_000_000,
)
"""Purchases of a year on either side of what a layer asks for (GRD-03)."""


CLERK, MANAGER = Actor("S1", "specialist"), Actor("M1", "manager")
"""Who enters and proposes, and who decides."""


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
    """Run every entry under a command id of its own; returns those that were not refused."""
    accepted = []
    for number, entry in enumerate(estate.entries):
        try:
            crm.do(entry.command, by=entry.by, id=f"entry-{number}", at=entry.at)
        except Refused:
            continue
        accepted.append(entry)
    return accepted


# --- one account -----------------------------------------------------------------------------


def account_commands(household: str = "V1", year: int = 2011) -> SearchStrategy[Any]:
    """Commands to one account, with numbers from small pools so that they often meet.

    Every kind is there, and so is every way of being refused. What is looked up stands in them, as
    for any decider.
    """
    home = st.just(household)
    charge = st.sampled_from(["C1", "C2", "C3"])
    payment = st.sampled_from(["P1", "P2", "P3", "P4"])
    number = st.sampled_from(["N1", "N1", "N2", "N3"])
    amount = st.one_of(
        st.sampled_from([100_00, 1, 50_00, 150_00]), st.integers(1, 300_00), st.integers(-1, 0)
    )
    on = _days_around(year)
    reason = _mostly("mistake", "")
    charges = account_openings(
        household,
        year,
        kind=st.sampled_from([*["management_fee"] * 4, *["parking"] * 5, "gift"]),
        amount=amount,
    )
    payments = st.builds(
        ReceivePayment,
        household=home,
        payment=payment,
        amount_fen=amount,
        paid_on=on,
        method=_mostly("cash", "shells"),
        charge=st.one_of(st.none(), charge, charge, st.just("L1")),
        charge_follows=st.booleans(),
    )
    return st.one_of(
        charges,
        charges,
        payments,
        payments,
        st.builds(CancelCharge, home, charge, on, reason),
        st.builds(ReversePayment, home, payment, on, reason),
        st.builds(
            MovePayment,
            household=home,
            payment=payment,
            to_household=_mostly("V2", household),
            reason=reason,
            refused_there=st.none() | st.just(_THERE),
        ),
        st.builds(
            AcceptMovedPayment,
            household=home,
            payment=payment,
            from_household=st.just("V2"),
            amount_fen=st.integers(1, 300_00),
            paid_on=on,
            method=st.just("cash"),
            reason=st.just("mistake"),
        ),
        *_proposals(home, charge, number, amount, on, reason),
        st.builds(
            RecordPurchase,
            household=home,
            purchase=number,
            service=st.just("cleaning"),
            amount_fen=st.one_of(amount, amount.map(lambda fen: -fen)),
            on=on,
        ),
        *_claims(home, charge, number, amount, on, reason),
    )


def _proposals(
    home: SearchStrategy[str],
    charge: SearchStrategy[str],
    number: SearchStrategy[str],
    amount: SearchStrategy[int],
    on: SearchStrategy[date],
    reason: SearchStrategy[str],
) -> list[SearchStrategy[Any]]:
    """Refunds and waivers."""
    refund = st.builds(ProposeRefund, home, number, amount, on, reason, by=_CLERKS)
    waiver = st.builds(
        ProposeWaiver, home, number, charge, amount, on, reason, st.booleans(), by=_CLERKS
    )
    decisions = [_decided(kind, home, number, on) for kind in (DecideRefund, DecideWaiver)]
    return [refund, waiver, *decisions]


def _decided(
    kind: type, home: SearchStrategy[str], number: SearchStrategy[Any], on: SearchStrategy[date]
) -> SearchStrategy[Any]:
    """Decisions, most of them in favour; why is not always said."""
    approved = st.sampled_from([True, True, True, False])
    return st.builds(kind, home, number, approved, on, _mostly("looked into", ""), by=_DECIDERS)


def _claims(
    home: SearchStrategy[str],
    charge: SearchStrategy[str],
    number: SearchStrategy[str],
    amount: SearchStrategy[int],
    on: SearchStrategy[date],
    reason: SearchStrategy[str],
) -> list[SearchStrategy[Any]]:
    """Disputes, promises, late charges and acknowledgements."""
    part = st.builds(Instalment, amount_fen=amount, due=on)
    parts = st.lists(part, max_size=3).map(lambda p: tuple(sorted(p, key=lambda one: one.due)))
    policy = shipped().find(LateChargePolicy, "late-charge-daily", date(2011, 1, 1))
    upheld = st.one_of(st.just(0), amount)
    word = home.map(lambda household: Word(f"{household}#owner", "letter", "letter 7"))
    promise = {
        "household": home,
        "promise": number,
        "instalments": parts,
        "on": on,
        "reason": reason,
        "word": word,
        "replaces": st.none() | number,
        "by": _CLERKS,
    }
    return [
        st.builds(DisputeCharge, home, number, charge, amount, on, reason, word),
        st.builds(ProposeDisputeDecision, home, number, upheld, on, reason, by=_CLERKS),
        _decided(DecideDispute, home, number, on),
        st.builds(WithdrawDispute, home, number, on, reason, word),
        st.builds(PromisePayment, **promise),
        st.builds(ProposeInstalments, **promise),
        _decided(DecideInstalments, home, number, on),
        st.builds(
            ClaimLateCharge,
            household=home,
            charge=st.sampled_from(["L1", "L2", "C1"]),
            of=charge,
            on=on,
            due=on,
            policy_name=st.just(policy.ref.name),
            policy=st.just(policy),
            by=_DECIDERS,
        ),
        st.builds(
            AcknowledgeDebt,
            household=home,
            acknowledgement=number,
            charges=st.lists(charge, max_size=2, unique=True).map(tuple),
            on=on,
            document=_mostly("letter 7", ""),
            word=word,
        ),
    ]


def collection_commands(household: str = "V1", year: int = 2011) -> SearchStrategy[Any]:
    """Commands to the collection of one household's arrears, by the shipped ladder.

    Every kind is there, and so is every way of being refused. What is looked up stands in them, as
    for any decider.
    """
    home = st.just(household)
    policy = shipped().find(CollectionPolicy, DEFAULT_COLLECTION, date(year, 1, 1))
    on = st.one_of(st.dates(*_ends(year)), st.dates(date(year, 1, 1), date(year, 3, 1)))
    step = st.sampled_from([1, 1, 1, 2, 2, 3, 4, 5])
    hold = st.sampled_from(["H1", "H1", "H2"])
    reason = _mostly("told so", "")
    role = st.sampled_from([*ROLES, "manager", "director", "director", "guest"])
    someone = st.builds(Actor, st.sampled_from(["M1", "M2"]), role)
    proof = st.one_of(
        st.sampled_from([*EVIDENCE, "rumour"]).map(
            lambda kind: Proof(kind, REASONS[0] if kind == "reason_code" else f"{kind} 7")
        ),
        st.just(Proof("reason_code", "none of your business")),
    )
    found = st.builds(
        Dues,
        grade=st.sampled_from([*GRADES, "B2", "B3", "B4", "B5", "B5"]),
        charges=st.sampled_from([("C1",), ("C1", "C2")]),
        upcoming=st.sampled_from([(), (Upcoming("C9", date(year, 2, 1)),)]),
        promised=_SELDOM,
    )
    advance = st.builds(
        AdvanceCollection,
        household=home,
        on=on,
        dues=found,
        policy=st.just(policy),
        present_day=st.sampled_from([*[date(year + 1, 1, 1)] * 9, date(year, 2, 1)]),
    )
    decide_step = st.builds(
        DecideStep, home, step, st.sampled_from([True, True, False]), on, reason, by=someone
    )
    acts = [
        st.builds(ProposeStep, home, step, on, by=_CLERKS),
        decide_step,
        st.builds(
            CompleteStep,
            household=home,
            step=step,
            on=on,
            proofs=st.one_of(
                st.just(_WHOLE), st.just(_WHOLE), st.lists(proof, max_size=2).map(tuple)
            ),
            by=st.one_of(_CLERKS, _DECIDERS),
        ),
    ]
    return st.one_of(
        advance,
        advance,
        *acts,
        *acts,
        st.builds(SkipStep, home, step, on, reason, by=_DECIDERS),
        st.builds(CheckDefects, home, on, st.integers(-1, 1), reason, by=_CLERKS),
        st.builds(ProposeHold, home, hold, on, on, reason, by=_CLERKS),
        _decided(DecideHold, home, hold, on),
        st.builds(ReleaseHold, home, hold, on, reason),
    )


@st.composite
def account_stories(draw: DrawFn, household: str = "V1", year: int = 2011) -> tuple[Any, ...]:
    """What one person proposes about an account and another decides, with what is behind it.

    Mostly it is approved, and all of it accepted on an account that has nothing of those numbers.
    """
    charge = draw(account_openings(household, year))
    clerk, decider = draw(_CLERKS), draw(_DECIDERS)
    on = draw(_days_around(year))
    later = on + timedelta(days=draw(st.sampled_from([0, 0, 1, 30])))
    fen = draw(st.integers(1, charge.amount_fen))
    approved = draw(st.sampled_from([True, True, True, False]))
    word = Word(f"{household}#owner", "letter", "letter 7")
    behind: Any = charge
    proposal: Any
    match draw(st.sampled_from(["refund", "waiver", "dispute", "instalments"])):
        case "refund":
            kind: type = DecideRefund
            behind = ReceivePayment(household, "P1", charge.amount_fen, on, "cash")
            proposal = ProposeRefund(household, "N1", fen, on, "moved away", by=clerk)
        case "waiver":
            kind = DecideWaiver
            proposal = ProposeWaiver(
                household, "N1", charge.charge, fen, on, "hardship", draw(_TRUTH), by=clerk
            )
        case "dispute":
            kind = DecideDispute
            upheld = draw(st.integers(0, fen))
            proposal = (
                DisputeCharge(household, "N1", charge.charge, fen, on, "no lift", word),
                ProposeDisputeDecision(household, "N1", upheld, later, "looked into", by=clerk),
            )
        case _:
            kind = DecideInstalments
            days = [on + timedelta(days=n) for n in sorted(draw(_SOME_DAYS))]
            parts = tuple(Instalment(fen, due) for due in days)
            proposal = ProposeInstalments(household, "N1", parts, on, "short", word, by=clerk)
    proposals = proposal if isinstance(proposal, tuple) else (proposal,)
    decision = kind(household, "N1", approved, later, "looked into", by=decider)
    return (behind, *proposals, decision)


@st.composite
def collection_stories(draw: DrawFn, household: str = "V1", year: int = 2011) -> tuple[Any, ...]:
    """A case that is climbed for some steps: each is proposed, decided and done as it needs."""
    policy = shipped().find(CollectionPolicy, DEFAULT_COLLECTION, date(year, 1, 1))
    clerk, decider = draw(_CLERKS), Actor("D1", "director")
    decide, evolve = COLLECTION.decider.decide, COLLECTION.decider.evolve
    on, state = draw(st.dates(date(year, 1, 1), date(year, 2, 1))), COLLECTION.decider.initial
    grade = draw(st.sampled_from(GRADES[1:]))
    told: list[Any] = []

    def tell(command: Any) -> None:
        nonlocal state
        told.append(command)
        decided = decide(command, state)
        if not isinstance(decided, Refusal):
            for event in decided:
                state = evolve(state, event)

    for _ in range(draw(st.integers(1, 5))):
        owing = Dues(grade, ("C1",))
        tell(AdvanceCollection(household, on, dues=owing, policy=policy, present_day=on))
        for step in state.open_steps():
            tell(CheckDefects(household, on, 0, "round 7", by=clerk))
            if step.approver is not None:
                approved = draw(st.sampled_from([True, True, True, False]))
                tell(ProposeStep(household, step.step, on, by=clerk))
                tell(DecideStep(household, step.step, approved, on, "looked into", by=decider))
            tell(CompleteStep(household, step.step, on, _WHOLE, by=clerk))
        on += timedelta(days=draw(st.integers(1, 40)))
    return tuple(told)


def account_openings(
    household: str = "V1",
    year: int = 2011,
    *,
    kind: SearchStrategy[str] | None = None,
    amount: SearchStrategy[int] | None = None,
) -> SearchStrategy[Any]:
    """Charges that are accepted, if kind and amount are left as they are."""
    return st.builds(
        RaiseCharge,
        household=st.just(household),
        charge=st.sampled_from(["C1", "C2", "C3"]),
        kind=st.just("management_fee") if kind is None else kind,
        period=st.just(f"{year}-01"),
        amount_fen=st.integers(1, 300_00) if amount is None else amount,
        due=_days_around(year),
    )


_WHOLE = tuple(
    Proof(kind, REASONS[0] if kind == "reason_code" else f"{kind} 7") for kind in EVIDENCE
)
_THERE = Refusal("payment_exists", "PAY-01", {"payment": "P1"}, "payment_exists_there")
_CLERKS = st.sampled_from([CLERK, Actor("S2", "specialist")])
_DECIDERS = st.sampled_from([MANAGER, Actor("D1", "director")])


def _mostly(accepted: str, refused: str) -> SearchStrategy[str]:
    return st.sampled_from([*[accepted] * 9, refused])


# --- days and instants -----------------------------------------------------------------------


def _days_around(year: int) -> SearchStrategy[date]:
    """Days from two years before the year until three months after it, and often its ends."""
    ends = [
        date(year - 1, 1, 1),
        date(year - 1, 12, 31),
        date(year, 1, 1),
        date(year, 2, 28),
        date(year, 12, 30),
        date(year, 12, 31),
        date(year + 1, 1, 1),
    ]
    return st.one_of(
        st.sampled_from(ends),
        st.dates(date(year, 1, 1), date(year, 12, 31)),
        st.dates(date(year - 2, 1, 1), date(year + 1, 3, 31)),
    )


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


# --- whole households ------------------------------------------------------------------------


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
            Entry(RegisterHousehold(home, "Anhe", "1", "1", f"{number}01"), opened),
            Entry(_resident(home, member, date(year - 3, 1, 1)), opened),
        ]
        told.extend(_Told(draw, year, home, member, others, claims).entries())
    if draw(st.booleans()):
        # Entered as it came to be known; otherwise household by household, as from old files.
        told.sort(key=lambda entry: entry.at)
    return Estate(year, households, (*files, *told))


def _resident(home: str, member: str, since: date) -> AddMember:
    """Somebody of the household, whose word it is."""
    return AddMember(home, member, "owner", since, Personal(member, "Ouyang Xiu"))


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
        self._days = _days_around(year)

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
            yield from late
            for entry in late:
                yield from self._late_payment(entry)
        yield from self._several("B", 4, self._purchase)
        requests = self._several("R", 7, self._request)
        yield from requests
        for entry, other in zip(requests[1:], requests, strict=False):
            if self._seldom():
                yield self._duplicate(entry, other)
        if len(requests) > 1 and self._seldom():
            # Where all of them were called so, they are called so in a circle.
            yield self._duplicate(requests[0], requests[-1])
        yield from self._several("I", 1, self._interest)
        yield from self._several("N", 1, self._conduct)

    # --- charges and money ---------------------------------------------------------------

    def _charge(self, number: str) -> Entry:
        in_the_year = st.dates(*_ends(self._year))
        due = self._any(st.one_of(in_the_year, in_the_year, self._days))
        amount = self._any(st.one_of(st.sampled_from([1, 100_00, 127_00]), st.integers(1, 400_00)))
        command = RaiseCharge(self._home, number, "management_fee", f"{due:%Y-%m}", amount, due)
        return Entry(command, self._known(due))

    def _payment(self, number: str, charges: list[Entry]) -> Entry:
        charge = self._one_of(charges)
        if charge is None:
            command = ReceivePayment(
                self._home, number, self._any(st.integers(1, 500_00)), self._day(), "transfer"
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
            st.one_of(st.sampled_from(GRADE_ENDS), st.integers(-5, 60), st.integers(-30, 420))
        )
        paid_on = raised.due + timedelta(days=after)
        named = raised.charge if self._any(st.booleans()) else None
        command = ReceivePayment(
            self._home, number, amount, paid_on, "wechat", named, charge_follows=True
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
            self._home, number, raised.charge, amount, on, "hardship", self._any(_TRUTH)
        )
        return Entry(command, self._known(on))

    def _refund(self, number: str) -> Entry:
        on = self._day()
        amount = self._any(st.one_of(st.integers(1, 100), st.integers(1, 300_00)))
        command = ProposeRefund(self._home, number, amount, on, "asked for it")
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
                st.sampled_from(TURNING_FEN),
                st.integers(1, 2_500_000),
                st.sampled_from([-1, -100_00]),
                st.integers(-500_000, -1),
            )
        )
        return Entry(RecordPurchase(self._home, number, "cleaning", amount, on), self._known(on))

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
            self._home, number, raised.charge, amount, on, "not as agreed", self._word(number)
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
            yield Entry(WithdrawDispute(self._home, disputed.dispute, on, "explained", word), at)
            return
        proposed = ProposeDisputeDecision(self._home, disputed.dispute, upheld, on, "looked into")
        yield (entry := Entry(proposed, at))
        yield from self._decision(entry, DecideDispute, disputed.dispute)

    def _late_charge(self, number: str, charges: list[Entry]) -> Entry | None:
        charge = self._one_of(charges)
        if charge is None:
            return None
        raised = charge.command
        on = raised.due + timedelta(days=self._any(st.integers(1, 400)))
        due = on + timedelta(days=self._any(st.integers(0, 30)))
        command = ClaimLateCharge(self._home, number, raised.charge, on, due, "late-charge-daily")
        return Entry(command, max(charge.at, self._known(on)), MANAGER)

    def _late_payment(self, claim: Entry) -> Iterable[Entry]:
        """Money for a late charge: what is too much of it settles principal."""
        if self._any(st.booleans()):
            claimed = claim.command
            on = claimed.on + timedelta(days=self._any(st.integers(0, 90)))
            amount = self._any(st.one_of(st.just(1), st.integers(1, 200_00)))
            number = f"P{claimed.charge}"
            command = ReceivePayment(
                self._home, number, amount, on, "cash", claimed.charge, charge_follows=True
            )
            yield Entry(command, max(claim.at, self._known(on)))

    # --- requests and the rest -----------------------------------------------------------

    def _request(self, number: str) -> Entry:
        day = self._any(st.one_of(self._days, st.dates(*_ends(self._year))))
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
        )
        return Entry(command, self._any(_later(received)))

    def _duplicate(self, request: Entry, of: Entry) -> Entry:
        command = MarkDuplicate(request.command.request, of.command.request, "the same matter")
        return Entry(command, self._any(_later(max(request.at, of.at))))

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
        return self._any(_SELDOM)

    def _several(self, kind: str, most: int, make: Callable[[str], Entry | None]) -> list[Entry]:
        """Up to `most` entries; what is numbered is numbered across households."""
        count = self._any(st.integers(0, most))
        made = (make(f"{kind}{self._home[1:]}-{n}") for n in range(1, count + 1))
        return [entry for entry in made if entry is not None]


_TRUTH = st.booleans()
_SOME_DAYS = st.lists(st.integers(0, 200), min_size=2, max_size=3, unique=True)
_DECISIONS = st.sampled_from([*["at once"] * 7, "later", "rejected", "never"])
_SELDOM = st.sampled_from([False, False, False, True])


def _ends(year: int) -> tuple[date, date]:
    return date(year, 1, 1), date(year, 12, 31)
