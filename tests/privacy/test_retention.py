"""The clock proposes whom to let go of, and a person decides (PRV-09, L7)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from crm_adapters import open_crm
from crm_core import CRM, Actor, Personal, Planned, Refused
from crm_core.gradings.commands import ContestGrading, DecideReview
from crm_core.kernel.policy import PolicyFault
from crm_core.kernel.recorded import SYSTEM, Commit, Envelope, StreamAppend
from crm_core.kernel.text import place_key
from crm_core.kernel.word import Word
from crm_core.kernel.worklists import Task
from crm_core.owners import AddMember, EndRole, RegisterHousehold, TransferOwnership
from crm_core.owners.commands import VoidHousehold, VoidRole, VoidRoleEnd
from crm_core.owners.prospects import (
    ChangeProspect,
    ConvertProspect,
    NoteProspect,
    RecordProspect,
)
from crm_core.payments import RaiseCharge, ReceivePayment
from crm_core.privacy import DeclineErasure, DeclineStaffErasure, PlaceLegalHold, RetentionPolicy
from crm_core.privacy.commands import ProposeErasure
from crm_core.privacy.policy import DEFAULT_RETENTION
from crm_core.requests import ReceiveRequest
from crm_core.requests.commands import (
    CloseImported,
    MergeDuplicate,
    UndoDuplicate,
    VoidClosing,
    VoidRequest,
)
from crm_core.requests.events import ClosedUnanswered
from crm_core.slices import registry, shipped
from crm_core.staff import EndStaffRole, RegisterStaff
from privacy.forgetting import CLERK, DIRECTOR, KEEPER, LEADER, WHY, At, is_erased

pytestmark = pytest.mark.rule("PRV-09")

IN = date(2010, 3, 1)
OUT = date(2011, 2, 28)
MONEY, SALES = Actor("zhou", "finance"), Actor("qian", "sales")
WORD = Word("V1#owner", "phone", "call 7")
DUE = date(2014, 3, 1)
"""The day behind three years after the last one."""


class Years:
    """A CRM whose years go by."""

    def __init__(self, crm: CRM) -> None:
        self.crm, self.clock = crm, At(IN)
        crm.host.clock = self.clock
        owner = Personal("V1#owner", "name of V1#owner")
        crm.do(RegisterHousehold("V1", "Anhe", "1", "1", "101", owner=owner), by=CLERK)
        crm.do(AddMember("V1", "M7", "tenant", IN, Personal("M7", "name of M7")), by=CLERK)

    def on(self, day: date) -> int:
        """It is that day; how much the clock proposes on it."""
        self.clock.day(day)
        return self.crm.tick(by=CLERK).events["retention"]

    def leaves(self, day: date, member: str = "M7") -> None:
        self.clock.day(day)
        self.crm.do(EndRole("V1", member, "tenant", day, "moved out"), by=CLERK)

    def waiting(self, by: Actor = KEEPER) -> list[Task]:
        return [task for task in self.crm.todo(by=by) if task.what == "erasure"]


@pytest.fixture
def years() -> Iterator[Years]:
    with open_crm("memory:") as crm:
        yield Years(crm)


def test_it_is_proposed_on_the_day_behind_the_last_one_and_once(years: Years) -> None:
    years.leaves(OUT)
    assert years.on(DUE - timedelta(days=1)) == 0
    assert years.on(DUE) == 1
    assert [years.on(DUE + timedelta(days=n)) for n in (0, 1, 400)] == [0, 0, 0]
    [task] = years.waiting()
    assert (task.subject, task.household, task.act) == ("M7", "V1", "erase-person")
    assert task.details == {"ended": OUT.isoformat()}
    assert not is_erased(years.crm, "M7")


def test_who_decides_erases_or_declines_until_another_day(years: Years) -> None:
    years.leaves(OUT)
    years.on(DUE)
    later = DUE + timedelta(days=100)
    years.crm.do(DeclineErasure("V1", "M7", DUE, "a lawsuit is near", later), by=KEEPER)
    assert years.waiting() == []
    assert years.on(later - timedelta(days=1)) == 0
    assert years.on(later) == 1
    years.crm.privacy.erase("V1", "M7", by=KEEPER, purpose=WHY, ground="retention_over")
    assert years.waiting() == []
    assert years.on(later + timedelta(days=5000)) == 0


def test_it_waits_for_whoever_may_erase(years: Years) -> None:
    years.leaves(OUT)
    years.on(DUE)
    for role in ("supervisor", "manager", "director", "custodian"):
        assert len(years.waiting(Actor("x", role))) == 1
    for role in ("specialist", "operator", "finance"):
        assert years.waiting(Actor("x", role)) == []
    assert years.waiting(Actor("M7", "custodian")) == []


def test_who_still_lives_there_is_not_proposed(years: Years) -> None:
    assert years.on(date(2060, 1, 1)) == 0


def test_who_has_come_back_waits_no_longer(years: Years) -> None:
    years.leaves(OUT)
    years.on(DUE)
    again = AddMember("V1", "M7", "tenant", DUE, Personal("M7", "name of M7"))
    years.crm.do(again, by=CLERK)
    assert years.waiting() == []


def test_an_open_request_keeps_them_and_a_closed_one_for_its_own_period(years: Years) -> None:
    received = ReceiveRequest(
        request="R1", household="V1", channel="phone", kind="repair", trade="engineering",
        severity="general", summary="a tap", first_asked="li", received_at=At(OUT).now(),
    )  # fmt: skip
    years.clock.day(OUT + timedelta(days=1))
    years.crm.do(received, by=CLERK)
    years.leaves(OUT)
    assert years.on(DUE) == 0
    closed = date(2014, 6, 10)
    years.clock.day(closed)
    at = years.clock.now()
    years.crm.batch(
        [Planned(CloseImported("R1", at), "c1", at)], by=Actor("x", "host"), imported=at
    )
    assert years.on(date(2017, 6, 10)) == 0
    assert years.on(date(2017, 6, 11)) == 1


def test_who_owes_from_their_time_is_kept_until_it_is_settled(years: Years) -> None:
    """Nobody else's debt keeps them, and what falls due behind them is nobody's of theirs."""
    crm, first = years.crm, date(2010, 4, 30)
    sold = date(2010, 6, 1)
    years.clock.day(sold)
    for number, due in (("C1", first), ("C2", date(2010, 9, 30))):
        crm.do(RaiseCharge("V1", number, "management_fee", due.isoformat()[:7], 100_00, due),
               by=MONEY)  # fmt: skip
    crm.do(
        TransferOwnership(
            "V1",
            "V1#buyer",
            sold,
            Personal("V1#buyer", "name of V1#buyer"),
            reason="transfer of ownership",
        ),
        by=CLERK,
    )
    assert years.on(date(2013, 6, 1)) == 0
    assert years.on(date(2013, 6, 2)) == 0
    years.clock.day(date(2014, 1, 6))
    crm.do(ReceivePayment("V1", "B1", 100_00, date(2014, 1, 6), "transfer", charge="C1"), by=MONEY)
    assert years.on(date(2014, 1, 7)) == 1
    [task] = years.waiting()
    assert task.subject == "V1#owner"


def test_an_objection_to_a_grading_keeps_them_until_it_is_decided(years: Years) -> None:
    crm = years.crm
    years.clock.day(date(2012, 1, 9))
    crm.grade(2011, by=LEADER)
    crm.do(ContestGrading("V1", 2011, "RV1", "wrong", date(2012, 1, 9), WORD), by=CLERK)
    years.leaves(OUT)
    assert years.on(DUE) == 0
    assert years.on(DUE + timedelta(days=1)) == 0
    decided = DUE + timedelta(days=2)
    years.clock.day(decided)
    crm.do(DecideReview("V1", "RV1", "upheld", "it is right", decided), by=Actor("mei", "manager"))
    assert years.on(decided + timedelta(days=1)) == 1


def test_staff_are_proposed_after_their_last_role(years: Years) -> None:
    crm = years.crm
    for actor, role in ((DIRECTOR, "director"), (CLERK, "specialist"), (KEEPER, "custodian")):
        crm.do(RegisterStaff(actor.id, role, IN), by=DIRECTOR)
    crm.do(RegisterStaff("zhao", "operator", IN, Personal("zhao", "phone of zhao")), by=DIRECTOR)
    years.clock.day(OUT)
    crm.do(EndStaffRole("zhao", "operator", OUT, "left"), by=DIRECTOR)
    assert years.on(DUE) == 1
    assert [(task.subject, task.household) for task in years.waiting()] == [("zhao", "")]
    later = DUE + timedelta(days=30)
    crm.do(DeclineStaffErasure("zhao", DUE, "an audit", later), by=KEEPER)
    assert years.waiting() == []
    assert years.on(later) == 1
    crm.privacy.erase_staff("zhao", by=KEEPER, purpose=WHY, ground="retention_over")
    assert years.waiting() == []
    assert is_erased(crm, "zhao")


def test_who_may_become_a_customer_is_proposed_a_year_after_the_last_contact(years: Years) -> None:
    crm, met = years.crm, date(2010, 4, 1)
    years.clock.day(met)
    crm.do(RecordProspect("P1", Personal("P1", "name of P1"), met), by=SALES)
    years.clock.day(date(2010, 9, 30))
    crm.do(NoteProspect("P1", "looked at a flat", date(2010, 9, 30)), by=SALES)
    # What is told late of an earlier day shortens nothing.
    crm.do(ChangeProspect("P1", "contacted", date(2010, 5, 1), "rang back"), by=SALES)
    assert years.on(date(2011, 9, 30)) == 0
    assert years.on(date(2011, 10, 1)) == 1
    assert [(task.subject, task.household) for task in years.waiting()] == [("P1", "")]
    later = date(2012, 1, 1)
    crm.do(DeclineStaffErasure("P1", date(2011, 10, 1), "comes on Monday", later), by=KEEPER)
    assert years.on(later) == 1
    crm.privacy.erase_staff("P1", by=KEEPER, purpose=WHY, ground="retention_over")
    assert years.waiting() == []
    years.clock.day(date(2013, 1, 1))
    crm.do(NoteProspect("P1", "rang once more", date(2013, 1, 1)), by=SALES)
    assert years.on(date(2030, 1, 1)) == 0


def test_who_became_a_member_is_kept_as_one(years: Years) -> None:
    crm = years.crm
    crm.do(RecordProspect("P1", Personal("P1", "name of P1"), IN), by=SALES)
    crm.do(AddMember("V1", "P1", "tenant", IN, Personal("P1", "name of P1")), by=CLERK)
    crm.do(ConvertProspect("P1", "V1", IN), by=SALES)
    assert years.on(date(2012, 1, 1)) == 0
    years.leaves(date(2012, 6, 30), "P1")
    assert years.on(date(2015, 6, 30)) == 0
    assert years.on(date(2015, 7, 1)) == 1
    assert [(task.subject, task.household) for task in years.waiting()] == [("P1", "V1")]


def next_door(years: Years, member: str = "M7") -> None:
    """Somebody of V1 is a tenant of V2, too."""
    owner = Personal("V2#owner", "name of V2#owner")
    years.crm.do(RegisterHousehold("V2", "Anhe", "1", "1", "102", owner=owner), by=CLERK)
    there = AddMember("V2", member, "tenant", IN, Personal(member, f"name of {member}"))
    years.crm.do(there, by=CLERK)


def test_who_still_lives_elsewhere_is_not_proposed_before_they_leave_there_too(
    years: Years,
) -> None:
    """Whoever is erased in one household is erased in all of them."""
    next_door(years)
    years.leaves(OUT)
    assert years.on(date(2020, 1, 1)) == 0
    years.clock.day(date(2020, 6, 30))
    years.crm.do(EndRole("V2", "M7", "tenant", date(2020, 6, 30), "moved out"), by=CLERK)
    assert years.on(date(2023, 6, 30)) == 0
    assert years.on(date(2023, 7, 1)) == 2
    assert {(task.subject, task.household) for task in years.waiting()} == {
        ("M7", "V1"), ("M7", "V2"),
    }  # fmt: skip
    years.crm.privacy.erase("V1", "M7", by=KEEPER, purpose=WHY)
    assert years.waiting() == []
    assert years.on(date(2040, 1, 1)) == 0


def test_a_request_and_a_debt_elsewhere_keep_them_too(years: Years) -> None:
    crm = years.crm
    next_door(years)
    years.clock.day(OUT)
    crm.do(EndRole("V2", "M7", "tenant", OUT, "moved out"), by=CLERK)
    received = ReceiveRequest(
        request="R1", household="V2", channel="phone", kind="repair", trade="engineering",
        severity="general", summary="a tap", first_asked="li", received_at=years.clock.now(),
    )  # fmt: skip
    crm.do(received, by=CLERK)
    years.leaves(OUT)
    assert years.on(DUE) == 0
    closed = date(2015, 1, 5)
    years.clock.day(closed)
    at = years.clock.now()
    crm.batch([Planned(CloseImported("R1", at), "c1", at)], by=Actor("x", "host"), imported=at)
    assert years.on(date(2018, 1, 5)) == 0
    assert years.on(date(2018, 1, 6)) == 2


def test_who_owes_in_another_household_is_kept(years: Years) -> None:
    crm, owner = years.crm, "V2#owner"
    next_door(years)
    years.clock.day(IN)
    crm.do(AddMember("V1", owner, "tenant", IN, Personal(owner, f"name of {owner}")), by=CLERK)
    crm.do(
        RaiseCharge("V2", "C1", "management_fee", "2010-04", 100_00, date(2010, 4, 30)), by=MONEY
    )
    years.leaves(OUT, owner)
    sold = date(2011, 2, 1)
    crm.do(
        TransferOwnership(
            "V2", "V2#b", sold, Personal("V2#b", "name of V2#b"), reason="transfer of ownership"
        ),
        by=CLERK,
    )
    assert years.on(DUE) == 0
    years.clock.day(date(2015, 1, 6))
    crm.do(ReceivePayment("V2", "B1", 100_00, date(2015, 1, 6), "transfer", charge="C1"), by=MONEY)
    assert years.on(date(2015, 1, 7)) == 2


@pytest.mark.parametrize("first", ["staff", "member"])
def test_who_works_here_and_lives_here_is_proposed_when_both_are_over(
    years: Years, first: str
) -> None:
    crm = years.crm
    for actor in (DIRECTOR, CLERK, KEEPER):
        crm.do(RegisterStaff(actor.id, actor.role, IN), by=DIRECTOR)
    crm.do(RegisterStaff("M7", "operator", IN, Personal("M7", "phone of M7")), by=DIRECTOR)
    last = date(2015, 6, 30)
    days = {"staff": OUT, "member": last} if first == "staff" else {"staff": last, "member": OUT}
    for what, day in sorted(days.items(), key=lambda one: one[1]):
        if what == "member":
            years.leaves(day)
            continue
        years.clock.day(day)
        crm.do(EndStaffRole("M7", "operator", day, "left"), by=DIRECTOR)
        assert years.on(date(2015, 1, 1)) == 0
    years.on(last)
    assert years.on(date(2018, 6, 30)) == 0
    assert years.on(date(2018, 7, 1)) == 2
    crm.privacy.erase_staff("M7", by=KEEPER, purpose=WHY)
    assert years.waiting() == []


def undo(years: Years, *commands: Any) -> None:
    """What was imported by mistake is void; the library gives it."""
    for command in commands:
        assert years.crm._desk.within(command, by=SYSTEM).events


def test_whose_end_is_void_lives_on_and_whose_role_is_void_is_kept_for_nothing(
    years: Years,
) -> None:
    years.leaves(OUT)
    undo(years, VoidRoleEnd("V1", "M7", "tenant", OUT, "another flat"))
    assert years.on(date(2020, 1, 1)) == 0
    again = date(2020, 1, 2)
    years.crm.do(AddMember("V1", "M7", "user", again, Personal("M7", "name of M7")), by=CLERK)
    years.leaves(again)
    years.clock.day(again)
    undo(years, VoidRole("V1", "M7", "user", again, "another person"))
    assert years.on(date(2023, 1, 2)) == 0
    assert years.on(date(2023, 1, 3)) == 1


def test_nobody_of_a_file_that_is_void_is_proposed(years: Years) -> None:
    next_door(years)
    undo(years, VoidHousehold("V2", place_key("Anhe", "1", "1", "102"), IN, "no such flat"))
    years.leaves(OUT)
    assert years.on(DUE) == 1
    assert [(task.subject, task.household) for task in years.waiting()] == [("M7", "V1")]


def test_a_request_that_is_void_keeps_nobody(years: Years) -> None:
    years.clock.day(OUT)
    ask(years, "R1")
    years.leaves(OUT)
    assert years.on(DUE) == 0
    years.clock.day(DUE)
    undo(years, VoidRequest("R1", "another estate"))
    assert years.on(DUE + timedelta(days=1)) == 1


def test_a_request_that_goes_on_in_another_is_open_once_and_again_if_they_are_parted(
    years: Years,
) -> None:
    crm = years.crm
    years.clock.day(OUT)
    ask(years, "R1")
    ask(years, "R2")
    years.leaves(OUT)
    years.clock.day(OUT + timedelta(days=1))
    crm.do(MergeDuplicate("R2", "R1", "the same tap", years.clock.now()), by=CLERK)
    undo(years, VoidRequest("R1", "another estate"))
    last = DUE + timedelta(days=1)
    assert years.on(DUE) == 0
    assert years.on(last) == 1
    crm.do(DeclineErasure("V1", "M7", last, "the tap", last + timedelta(days=9)), by=KEEPER)
    parted = UndoDuplicate(request="R2", reason="another tap", undone_at=years.clock.now())
    crm.do(parted, by=CLERK)
    assert years.on(date(2020, 1, 1)) == 0


def test_a_request_whose_closing_is_void_is_open_again(years: Years) -> None:
    crm = years.crm
    years.clock.day(OUT)
    ask(years, "R1")
    years.leaves(OUT)
    at = years.clock.now()
    crm.batch([Planned(CloseImported("R1", at), "c1", at)], by=Actor("x", "host"), imported=at)
    undo(years, VoidClosing(request="R1", closed_at=at, reason="another request"))
    assert years.on(date(2020, 1, 1)) == 0


def test_a_request_that_was_closed_unanswered_is_over(years: Years) -> None:
    """As it stands in the log; how it comes to be is told where requests are."""
    years.clock.day(OUT)
    ask(years, "R1")
    years.leaves(OUT)
    years.clock.day(OUT + timedelta(days=1))
    log, at = years.crm.log, years.clock.now()
    closed = ClosedUnanswered(request="R1", closed_at=at, attempts=3, late=False)
    envelope = Envelope(
        actor="system:crm", command="c1", data=closed, effective=at.date(), recorded=at
    )
    tip = log.tips(["request/R1"])["request/R1"]
    log.append([Commit("c1", "", (StreamAppend("request/R1", tip, "V1", (envelope,)),))])
    assert years.on(DUE) == 0
    assert years.on(DUE + timedelta(days=1)) == 1


def ask(years: Years, number: str) -> None:
    received = ReceiveRequest(
        request=number, household="V1", channel="phone", kind="repair", trade="engineering",
        severity="general", summary="a tap", first_asked="li", received_at=years.clock.now(),
    )  # fmt: skip
    years.crm.do(received, by=CLERK)


def test_what_a_declining_must_say(years: Years) -> None:
    later = DUE + timedelta(days=1)
    years.leaves(OUT)

    def refused(member: str, reason: str, until: date) -> str:
        try:
            years.crm.do(DeclineErasure("V1", member, DUE, reason, until), by=KEEPER)
        except Refused as refusal:
            return refusal.reason
        return ""

    years.clock.day(DUE)
    assert refused("M7", "why", later) == "erasure_not_proposed"
    years.on(DUE)
    assert refused("V1#owner", "why", later) == "erasure_not_proposed"
    assert refused("M7", "", later) == "reason_missing"
    assert refused("M7", "why", DUE) == "kept_too_short"
    assert refused("M7", "why", later) == ""
    assert refused("M7", "why", later) == "erasure_not_proposed"


@pytest.mark.rule("LOG-08")
def test_the_clock_proposes_and_erases_nobody(years: Years) -> None:
    years.leaves(OUT)
    years.on(DUE)
    with pytest.raises(Refused) as refused:
        years.crm.privacy.erase("V1", "M7", by=Actor("crm", "system"), purpose=WHY)
    assert refused.value.reason == "role_insufficient"
    given = ProposeErasure(
        "V1", "V1#owner", OUT, DUE, shipped().find(RetentionPolicy, DEFAULT_RETENTION, DUE)
    )
    with pytest.raises(Refused) as refused:
        years.crm.do(given, by=KEEPER)
    assert refused.value.reason == "given_inside_only"


def test_a_hold_leaves_the_proposal_on_the_list(years: Years) -> None:
    years.leaves(OUT)
    years.crm.do(PlaceLegalHold("V1", "H1", OUT, "lawsuit"), by=KEEPER)
    years.on(DUE)
    assert len(years.waiting()) == 1
    with pytest.raises(Refused) as refused:
        years.crm.privacy.erase("V1", "M7", by=KEEPER, purpose=WHY)
    assert refused.value.reason == "legal_hold"


@pytest.mark.case("L7")
def test_over_decades_everybody_who_left_is_proposed_in_time_and_nobody_else(
    years: Years,
) -> None:
    """Forty years of lodgers, each for a year, and a clock that is looked at monthly."""
    crm, expected = years.crm, dict[str, date]()
    proposed: dict[str, date] = {}
    for year in range(2011, 2051):
        lodger, begin = f"L{year}", date(year, 3, 1)
        years.clock.day(begin)
        crm.do(AddMember("V1", lodger, "tenant", begin, Personal(lodger, "name")), by=CLERK)
        for month in range(3, 15):
            day = date(year + (month - 1) // 12, (month - 1) % 12 + 1, 2)
            years.on(day)
            for task in years.waiting():
                proposed.setdefault(task.subject, day)
                crm.privacy.erase("V1", task.subject, by=KEEPER, purpose=WHY)
        years.leaves(date(year + 1, 2, 20), lodger)
        expected[lodger] = date(year + 4, 3, 2)
    due = {one: day for one, day in expected.items() if day <= date(2051, 2, 2)}
    assert proposed == due
    for one in expected:
        assert is_erased(crm, one) == (one in due)
    assert not is_erased(crm, "V1#owner")
    assert crm.verify().intact


# --- the policy ----------------------------------------------------------------------------------

TEXT = """\
kind = "retention"
tenure_months = 36
case_months = 36
employment_months = 36
contact_months = 12

[policy]
name = "retention-own"
version = 1
effective_from = 2000-01-01
approved_by = "director"
impact_assessment = "PIA-1"
"""


def test_the_policy_is_data_and_every_fault_of_it_is_told() -> None:
    policy = registry().parse(TEXT)
    assert isinstance(policy, RetentionPolicy)
    assert policy.tenure_months == 36
    assert shipped().find(RetentionPolicy, DEFAULT_RETENTION, IN).case_months == 36
    with pytest.raises(PolicyFault) as fault:
        RetentionPolicy.parse(
            TEXT.replace("tenure_months = 36", "tenure_months = 0").replace(
                "case_months = 36", "case_months = 1201"
            )
        )
    assert {path for path, *_ in fault.value.faults} == {"tenure_months", "case_months"}
    with pytest.raises(PolicyFault):
        RetentionPolicy.parse(TEXT.replace('"retention"', '"access"'))
    with pytest.raises(PolicyFault):
        RetentionPolicy.parse(TEXT + "\nmore = 1\n")
