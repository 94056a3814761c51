"""Thanks follow payment (K22), and everybody is asked for what they owe themselves (PAY-16)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import attrs
import pytest
from claiming import WORD
from collecting import obey
from paying import CLERK, FINANCE, MANAGER, day

from crm_adapters.wiring import open_crm
from crm_core.crm import CRM
from crm_core.errors import Refused
from crm_core.kernel.dates import start_of_day
from crm_core.kernel.recorded import Actor
from crm_core.kernel.sealed import Personal
from crm_core.kernel.word import Word
from crm_core.owners.commands import (
    AddMember,
    AgreeDebtor,
    EndRole,
    RegisterHousehold,
    TransferOwnership,
    owner_id,
)
from crm_core.payments import Collection
from crm_core.payments.collection.commands import (
    AdvanceCollection,
    CheckDefects,
    CompleteStep,
    DecideHold,
    ProposeHold,
)
from crm_core.payments.collection.events import (
    CollectionClosed,
    CollectionGradeChanged,
    CollectionHeld,
    CollectionOpened,
    StepOpened,
)
from crm_core.payments.commands import (
    CancelCharge,
    DecideDispute,
    DecideWaiver,
    DisputeCharge,
    MovePayment,
    PromisePayment,
    ProposeDisputeDecision,
    ProposeWaiver,
    RaiseCharge,
    ReceivePayment,
    ReversePayment,
    WithdrawDispute,
)
from crm_core.payments.events import Instalment

DAY = timedelta(days=1)
DUE = day("2011-01-31")


class Clock:
    """Stands still until it is set."""

    def __init__(self, today: date) -> None:
        self.today, self.hours = today, 9

    def now(self) -> datetime:
        return start_of_day(self.today) + timedelta(hours=self.hours)


class Case:
    """A household whose clock is asked on the days that a test names."""

    def __init__(self, crm: CRM) -> None:
        self.crm = crm
        self.clock = crm.host.clock = Clock(day("2011-01-01"))
        owner = Personal(owner_id("V1"), "Ouyang Xiu")
        self.do(RegisterHousehold("V1", "Anhe", "1", "1", "101", owner=owner), CLERK)
        self.do(RegisterHousehold("V2", "Anhe", "1", "1", "102"), CLERK)

    def do(self, command: Any, by: Actor = FINANCE) -> None:
        self.crm.do(command, by=by)

    def on(self, text: str, *commands: Any) -> list[type]:
        """What the clock brings about on a day on which something is done: kinds of events."""
        before = {stream: len(self.said(stream)) for stream in self.streams()}
        self.clock.today, self.clock.hours = day(text), 9
        self.crm.tick()
        for command in commands:
            by = MANAGER if type(command).__name__.startswith("Decide") else CLERK
            self.do(command, by)
        self.clock.hours += 1
        self.crm.tick()
        return [type(event) for s in self.streams() for event in self.said(s)[before.get(s, 0) :]]

    def streams(self) -> list[str]:
        return sorted(s for s in {r.stream for r in self.crm.history("V1")} if "collection" in s)

    def said(self, stream: str) -> list[Any]:
        return [recorded.event for recorded in self.crm.history(stream)]

    def acts(self, stream: str) -> list[tuple[str, tuple[str, ...]]]:
        steps = [event for event in self.said(stream) if isinstance(event, StepOpened)]
        return [(step.act, step.charges) for step in steps]


@pytest.fixture
def case() -> Iterator[Case]:
    with open_crm("memory:") as crm:
        yield Case(crm)


def charge(number: str, due: str, fen: int = 100_00, **other: Any) -> RaiseCharge:
    return RaiseCharge("V1", number, "management_fee", due[:7], fen, day(due), **other)


def pay(fen: int, on: str, number: str = "P1", **other: Any) -> ReceivePayment:
    return ReceivePayment("V1", number, fen, day(on), "cash", **other)


def dispute(fen: int, on: str, number: str = "D1") -> DisputeCharge:
    return DisputeCharge("V1", number, "C1", fen, day(on), "no lift", WORD)


def waive(fen: int, on: str, *, write_off: bool = False) -> list[Any]:
    proposal = ProposeWaiver("V1", "W1", "C1", fen, day(on), "hardship", write_off)
    return [proposal, DecideWaiver("V1", "W1", True, day(on))]


# --- K22: thanks follow payment ---------------------------------------------------------------

ON = "2011-02-10"

UPHELD = [
    dispute(100_00, ON),
    ProposeDisputeDecision("V1", "D1", 100_00, day(ON), "looked into"),
    DecideDispute("V1", "D1", True, day(ON), "looked into"),
]

UNTHANKED: dict[str, list[Any]] = {
    "disputed": [dispute(100_00, ON)],
    "dispute upheld": UPHELD,
    "waived": waive(100_00, ON),
    "written off": waive(100_00, ON, write_off=True),
    "cancelled": [CancelCharge("V1", "C1", day(ON), "raised twice")],
    "corrected": [charge("K1", ON, -100_00, corrects="C1")],
    "moved to who owned then": [
        TransferOwnership(
            "V1",
            "V1#second",
            day("2011-01-20"),
            Personal("V1#second", "Su Shi"),
            reason="transfer of ownership",
        )
    ],
    "paid in part, then waived": [pay(40_00, "2011-02-05"), *waive(60_00, ON)],
    "paid in part, then disputed": [pay(40_00, "2011-02-05"), dispute(60_00, ON)],
}


@pytest.mark.rule("PAY-10")
@pytest.mark.case("K22")
@pytest.mark.parametrize("way", UNTHANKED)
def test_what_closes_a_case_without_money_closes_it_without_thanks(case: Case, way: str) -> None:
    case.do(charge("C1", "2011-01-31"))
    case.on("2011-02-01")
    assert CollectionClosed in case.on(ON, *UNTHANKED[way])
    assert [act for act, _ in case.acts("collection/V1")] == ["bill", "reminder"]
    state = case.crm.get(Collection, "V1")
    assert state is not None
    assert state.grade is None


THANKED: dict[str, list[Any]] = {
    "paid": [pay(100_00, ON)],
    "paid in parts": [pay(40_00, "2011-02-05"), pay(60_00, ON, "P2")],
    "waived in part, then paid": [*waive(40_00, "2011-02-05"), pay(60_00, ON)],
    "waived in part and paid on the spot": [*waive(40_00, ON), pay(60_00, ON)],
    "disputed, withdrawn, then paid": [
        dispute(40_00, "2011-02-05"),
        WithdrawDispute("V1", "D1", day("2011-02-06"), "settled", WORD),
        pay(100_00, ON),
    ],
}


@pytest.mark.rule("PAY-10")
@pytest.mark.case("K22")
@pytest.mark.parametrize("way", THANKED)
def test_who_paid_is_thanked(case: Case, way: str) -> None:
    case.do(charge("C1", "2011-01-31"))
    case.on("2011-02-01")
    case.on(ON, *THANKED[way])
    closed, thanks = case.said("collection/V1")[-2:]
    assert closed == CollectionClosed("V1", 1, day(ON), "first")
    assert (thanks.act, thanks.due) == ("thanks", day(ON) + 7 * DAY)


@pytest.mark.rule("PAY-10")
@pytest.mark.case("K22")
def test_who_pays_on_the_day_the_case_is_opened_is_thanked(case: Case) -> None:
    case.do(charge("C1", "2011-01-31"))
    assert CollectionClosed in case.on("2011-02-01", pay(100_00, "2011-02-01"))
    assert case.acts("collection/V1")[-1][0] == "thanks"


@pytest.mark.rule("PAY-10")
@pytest.mark.case("K22")
def test_money_moved_from_another_account_is_payment(case: Case) -> None:
    case.do(charge("C1", "2011-01-31"))
    case.on("2011-02-01")
    there = ReceivePayment("V2", "P1", 100_00, day(ON), "cash")
    case.on(ON, there, MovePayment("V2", "P1", "V1", "wrong room"))
    assert case.acts("collection/V1")[-1][0] == "thanks"


@pytest.mark.rule("PAY-10")
@pytest.mark.case("K22")
def test_nobody_is_thanked_for_money_that_was_there_before_the_case(case: Case) -> None:
    """The day of the payment lies before the case: it was asked for by mistake."""
    case.do(charge("C1", "2011-01-31"))
    case.on("2011-02-01")
    case.on(ON, pay(100_00, "2011-01-30"))
    assert case.acts("collection/V1")[-1][0] == "reminder"


# --- PAY-16: the collection of a tenure -------------------------------------------------------

SOLD = TransferOwnership(
    "V1",
    "V1#second",
    day("2011-06-16"),
    Personal("V1#second", "Su Shi"),
    reason="transfer of ownership",
)
SELLER, BUYER = "collection/V1", "collection/V1@2011-06-16"


def sold(case: Case) -> None:
    """The seller owes since January, the buyer since July; both ladders are climbed."""
    case.do(charge("C1", "2011-01-31"))
    case.on("2011-02-01")
    case.on("2011-06-16", SOLD)
    case.do(charge("C2", "2011-07-31"))
    case.on("2011-08-01")


@pytest.mark.rule("PAY-10", "PAY-16")
@pytest.mark.case("K27")
def test_a_former_owner_is_asked_for_their_arrears_and_the_new_one_for_none_of_them(
    case: Case,
) -> None:
    sold(case)
    about = {stream: {c for _, cs in case.acts(stream) for c in cs} for stream in case.streams()}
    assert about == {SELLER: {"C1"}, BUYER: {"C2"}}
    opened = {s: [e for e in case.said(s) if isinstance(e, CollectionOpened)] for s in about}
    assert [(e.grade, e.tenure) for e in opened[BUYER]] == [("B1", "2011-06-16")]
    assert [e.on for e in opened[SELLER]] == [DUE + DAY]
    grades = [e.grade for e in case.said(SELLER) if isinstance(e, CollectionGradeChanged)]
    assert grades == ["B2", "B3", "B4"]
    # Each is closed by the money of who owes, and by no other.
    case.on("2011-08-05", pay(100_00, "2011-08-05", payer=owner_id("V1")))
    assert case.acts(SELLER)[-1][0] == "thanks"
    assert not any(isinstance(e, CollectionClosed) for e in case.said(BUYER))
    case.on("2011-08-06", pay(100_00, "2011-08-06", "P2"))
    assert case.acts(BUYER)[-1][0] == "thanks"
    assert case.crm.tick().events["collection"] == 0


@pytest.mark.rule("PAY-10", "PAY-16")
def test_a_transfer_that_becomes_known_late_moves_what_was_asked_of_the_wrong_one(
    case: Case,
) -> None:
    case.do(charge("C1", "2011-07-31"))
    case.on("2011-08-05")
    assert [act for act, _ in case.acts(SELLER)] == ["bill", "reminder"]
    case.on("2011-08-06", SOLD)
    assert case.said(SELLER)[-1] == CollectionClosed("V1", 1, day("2011-08-06"), "first")
    # The buyer is asked from the day on which it is known, and from the first step on.
    opened = next(e for e in case.said(BUYER) if isinstance(e, CollectionOpened))
    assert (opened.on, opened.grade) == (day("2011-08-06"), "B1")


@pytest.mark.rule("PAY-10", "PAY-16")
def test_arrears_of_a_former_owner_that_become_known_later_open_their_case(case: Case) -> None:
    case.on("2011-06-16", SOLD)
    case.on("2011-08-01", charge("C1", "2011-01-31"))
    opened = next(e for e in case.said(SELLER) if isinstance(e, CollectionOpened))
    assert (opened.on, opened.grade) == (day("2011-08-01"), "B4")
    assert case.streams() == [SELLER]
    # A cheque of theirs that bounces then is their debt, too.
    case.on("2011-08-02", pay(100_00, "2011-08-02", payer=owner_id("V1")))
    case.on("2011-09-02", ReversePayment("V1", "P1", day("2011-09-02"), "bounced"))
    assert [e.case for e in case.said(SELLER) if isinstance(e, CollectionOpened)] == [1, 2]


@pytest.mark.rule("PAY-10", "PAY-16")
def test_steps_holds_and_looks_are_those_of_the_tenure_that_they_name(case: Case) -> None:
    sold(case)
    case.on("2011-08-04")
    [reminder] = [e for e in case.said(BUYER) if isinstance(e, StepOpened) and e.act != "bill"]
    obey(case.crm, reminder, day("2011-08-04"))
    hold = ProposeHold("V1", "H1", day("2011-08-04"), day("2011-08-30"), "ill")
    mine = attrs.evolve(hold, tenure="2011-06-16")
    case.do(mine)
    case.do(DecideHold("V1", "H1", True, day("2011-08-04"), tenure="2011-06-16"), MANAGER)
    held = [e for e in case.said(BUYER) if isinstance(e, CollectionHeld)]
    assert [e.tenure for e in held] == ["2011-06-16"]
    before = len(case.said(BUYER))
    case.on("2011-08-20")
    assert len(case.said(BUYER)) == before
    state = case.crm.get(Collection, "V1")
    assert state is not None
    assert not state.held_on(day("2011-08-20"))


@pytest.mark.rule("PAY-10", "PAY-16")
@pytest.mark.parametrize(
    "command",
    [
        AdvanceCollection("V1", DUE, "2011-06-17"),
        CheckDefects("V1", DUE, 0, "round 7", "2011-06-17"),
        ProposeHold("V1", "H1", DUE, DUE, "ill", "2011-06-17"),
    ],
    ids=lambda command: type(command).__name__,
)
def test_nothing_is_asked_of_a_tenure_that_there_is_not(case: Case, command: Any) -> None:
    sold(case)
    with pytest.raises(Refused) as refused:
        case.do(command, CLERK)
    assert refused.value.reason == "unknown_tenure"
    with pytest.raises(Refused) as refused:
        case.do(CompleteStep("V1", 1, DUE, tenure="2011-06-17"), CLERK)
    assert refused.value.reason == "unknown_step"


@pytest.mark.rule("PAY-09", "PAY-10", "PAY-16")
def test_a_promise_keeps_steps_away_from_who_gave_it(case: Case) -> None:
    sold(case)
    word = Word(owner_id("V1"), "phone", "call 8")
    told = PromisePayment(
        "V1", "Z1", (Instalment(100_00, day("2011-09-30")),), day("2011-08-02"), "soon", word
    )
    case.on("2011-08-02", told)
    mine, theirs = len(case.said(BUYER)), len(case.said(SELLER))
    case.on("2011-08-10")
    assert len(case.said(BUYER)) > mine
    assert len(case.said(SELLER)) == theirs


# --- 退租 --------------------------------------------------------------------------------------


def climbed(case: Case, stream: str, until: str) -> list[str]:
    """Every day is a tick, and people do what they are handed."""
    on = case.clock.today
    while on < day(until):
        on += DAY
        case.clock.today = on
        case.crm.tick()
        for home in case.streams():
            tenure = home.partition("@")[2] or "first"
            state = case.crm.get(Collection, home.partition("/")[2])
            assert state is not None
            for step in state.open_steps():
                assert step.tenure == tenure
                obey(case.crm, step, on)
    return [act for act, _ in case.acts(stream)]


@pytest.mark.rule("PAY-10", "PAY-16")
def test_a_lease_is_ended_where_a_tenant_owes_by_contract_and_never_of_an_owner(
    case: Case,
) -> None:
    tenant = Personal("V1#tenant", "Lu You")
    case.do(AddMember("V1", "V1#tenant", "tenant", day("2011-03-01"), tenant), CLERK)
    case.do(AgreeDebtor("V1", "A1", "V1#tenant", day("2011-03-01"), "lease 7"), CLERK)
    case.do(charge("C1", "2011-01-31"))
    case.do(charge("C2", "2011-03-31"))
    owner = climbed(case, "collection/V1", "2012-07-01")
    theirs = [act for act, _ in case.acts("collection/V1@tenant-2011-03-01")]
    assert owner[-2:] == ["formal_demand", "legal_action"]
    assert "lease_ended" not in owner
    assert theirs[-3:] == ["formal_demand", "legal_action", "lease_ended"]


@pytest.mark.rule("PAY-10", "PAY-16")
def test_who_merely_lives_there_as_a_tenant_has_no_lease_ended(case: Case) -> None:
    tenant = Personal("V1#tenant", "Lu You")
    case.do(AddMember("V1", "V1#tenant", "tenant", day("2011-01-01"), tenant), CLERK)
    case.do(charge("C1", "2011-01-31"))
    assert "lease_ended" not in climbed(case, "collection/V1", "2012-05-01")


@pytest.mark.rule("PAY-16")
def test_a_co_owner_who_comes_or_goes_changes_nothing_of_a_case(case: Case) -> None:
    case.do(charge("C1", "2011-01-31"))
    case.on("2011-02-01")
    second = Personal("V1#second", "Su Shi")
    case.do(AddMember("V1", "V1#second", "co_owner", day("2011-02-02"), second), CLERK)
    case.do(EndRole("V1", owner_id("V1"), "owner", day("2011-02-03"), "moved away"), CLERK)
    assert case.on("2011-02-20") == [StepOpened]
    assert case.streams() == ["collection/V1"]


@pytest.mark.rule("PAY-10")
def test_nobody_takes_a_case_back_to_a_day_before_it_went_on(case: Case) -> None:
    """Whoever lets the ladder look at an old day changes nothing of what followed."""
    case.on("2011-01-02", RaiseCharge("V1", "C1", "management_fee", "2011-01", 100_00, DUE))
    case.on("2011-03-10")
    before = case.said("collection/V1")
    case.do(AdvanceCollection("V1", day("2011-02-10")), CLERK)
    assert case.said("collection/V1") == before
    assert before[-1].grade == "B2"
