"""Two files of one household become one, with a trace and a way back (OWN-09)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_adapters import open_crm
from crm_core import Actor, Personal, Refused
from crm_core.crm import CRM
from crm_core.kernel.dates import start_of_day
from crm_core.kernel.word import Word
from crm_core.messages.commands import ChangePreference
from crm_core.owners import (
    MERGES,
    AddMember,
    DecideChange,
    EndRole,
    Household,
    MergeHousehold,
    RegisterHousehold,
    ReportChange,
    TransferOwnership,
    UndoMerge,
)
from crm_core.owners.redirects import HouseholdMerged, MergeUndone, redirects
from crm_core.payments import RaiseCharge, ReceivePayment
from crm_core.payments.commands import RecordPurchase
from crm_core.requests import MarkDuplicate, ReceiveRequest
from crm_core.testing import given as past

CLERK = Actor("S17", "specialist")
MANAGER = Actor("S3", "manager")
ONE, TWO, THREE = "V00001", "V00002", "V00003"
ENTERED = datetime(2010, 1, 5, 4, tzinfo=UTC)


def at(day: date) -> datetime:
    return start_of_day(day)


@pytest.fixture
def crm() -> Iterator[CRM]:
    with open_crm("memory:") as opened:
        for number, household in enumerate((ONE, TWO, THREE), start=1):
            owner = Personal(f"{household}#owner", "张伟")
            place = ("星河小区", f"{number}号楼", "2单元", "301")
            opened.do(RegisterHousehold(household, *place, owner=owner), by=CLERK, at=ENTERED)
        yield opened


def charge(crm: CRM, household: str, number: str, due: date, fen: int = 10_000) -> None:
    command = RaiseCharge(household, number, "management_fee", "2011", fen, due)
    crm.do(command, by=CLERK, at=max(ENTERED, at(due)))


def merge(crm: CRM, household: str, into: str, on: date, known: date | None = None) -> None:
    command = MergeHousehold(household, into, on, "same flat, typed twice")
    crm.do(command, by=MANAGER, at=at(known or on))


def undo(crm: CRM, household: str, known: date) -> None:
    crm.do(UndoMerge(household, "two flats after all"), by=MANAGER, at=at(known))


def owing(crm: CRM, on: date, known: date | None = None) -> dict[str, int]:
    instant = None if known is None else at(known)
    return {one.household: one.overdue_fen for one in crm.accounts.credit(on, known=instant)}


# --- accounts ------------------------------------------------------------------------------------


@pytest.mark.rule("OWN-09")
@pytest.mark.parametrize("engine", ["events", "frames"])
def test_accounts_count_for_the_surviving_file_from_the_day_of_the_merge(
    crm: CRM, engine: str
) -> None:
    charge(crm, ONE, "2011", date(2011, 1, 31), 10_000)
    charge(crm, TWO, "2011", date(2011, 2, 28), 700)
    merge(crm, TWO, ONE, date(2011, 6, 1))

    def credit(on: date) -> dict[str, int]:
        return {
            one.household: one.overdue_fen
            for one in crm.accounts.credit(on, engine=engine, households=[ONE, TWO])
        }

    assert credit(date(2011, 5, 31)) == {ONE: 10_000, TWO: 700}
    assert credit(date(2011, 6, 1)) == {ONE: 10_700}
    arrears = list(crm.accounts.arrears(date(2011, 6, 1), engine=engine))
    assert [(one.household, one.aged.overdue_fen) for one in arrears] == [(ONE, 10_700)]


@pytest.mark.rule("OWN-09")
def test_the_same_number_in_both_accounts_is_two_charges(crm: CRM) -> None:
    charge(crm, ONE, "2011", date(2011, 1, 31))
    charge(crm, TWO, "2011", date(2011, 1, 31))
    crm.do(
        ReceivePayment(TWO, "P1", 10_000, date(2011, 2, 1), "cash", charge="2011"),
        by=CLERK,
        at=at(date(2011, 2, 1)),
    )
    merge(crm, TWO, ONE, date(2011, 6, 1))
    unpaid = crm.accounts.statement(TWO, date(2011, 6, 1))["unpaid"]
    assert [row["charge"] for row in unpaid] == ["2011"]
    assert owing(crm, date(2011, 6, 1)) == {ONE: 10_000, THREE: 0}


@pytest.mark.rule("OWN-09")
def test_lists_and_purchases_are_those_of_the_surviving_file(crm: CRM) -> None:
    charge(crm, TWO, "2011", date(2011, 1, 31), 700)
    crm.do(
        RecordPurchase(TWO, "U1", "保洁", 5_000, date(2011, 3, 1)),
        by=CLERK,
        at=at(date(2011, 3, 1)),
    )
    merge(crm, TWO, ONE, date(2011, 6, 1))
    day = date(2011, 6, 1)
    assert [row.household for row in crm.accounts.owing(day)] == [ONE]
    assert [household for household, _ in crm.accounts.limitation(day)] == [ONE]
    bought = dict(crm.accounts.purchases(2011))
    assert {one: found.purchases_fen for one, found in bought.items()} == {ONE: 5_000}
    rows = list(crm.accounts.credit_table(day))
    assert [row.household for row in rows] == [ONE, THREE]
    found = crm.accounts.changes(TWO, date(2011, 1, 1), day)
    assert [change.after for change in found] == ["B1", "B2", "B3"]


@pytest.mark.rule("OWN-09")
def test_what_was_known_before_the_merge_stays_as_it_was_known(crm: CRM) -> None:
    charge(crm, TWO, "2011", date(2011, 1, 31), 700)
    merge(crm, TWO, ONE, date(2011, 3, 1), known=date(2011, 6, 1))
    day = date(2011, 4, 1)
    assert owing(crm, day, known=date(2011, 5, 1)) == {ONE: 0, TWO: 700, THREE: 0}
    assert owing(crm, day) == {ONE: 700, THREE: 0}


@pytest.mark.rule("OWN-09")
def test_a_merge_that_is_undone_leaves_each_file_what_was_recorded_for_it(crm: CRM) -> None:
    """Also what came in while they were one."""
    merge(crm, TWO, ONE, date(2011, 1, 1))
    charge(crm, TWO, "2011", date(2011, 2, 1), 700)
    charge(crm, ONE, "2011", date(2011, 2, 1), 10_000)
    undo(crm, TWO, date(2011, 6, 1))
    day = date(2011, 7, 1)
    assert owing(crm, day) == {ONE: 10_000, TWO: 700, THREE: 0}
    assert owing(crm, day, known=date(2011, 5, 1)) == {ONE: 10_700, THREE: 0}


@pytest.mark.rule("OWN-09")
def test_files_are_merged_in_chains_and_parted_again(crm: CRM) -> None:
    charge(crm, THREE, "2011", date(2011, 1, 31), 50)
    charge(crm, TWO, "2011", date(2011, 1, 31), 700)
    merge(crm, THREE, TWO, date(2011, 3, 1))
    merge(crm, TWO, ONE, date(2011, 4, 1))
    assert owing(crm, date(2011, 3, 1)) == {ONE: 0, TWO: 750}
    assert owing(crm, date(2011, 4, 1)) == {ONE: 750}
    undo(crm, THREE, date(2011, 5, 1))
    assert owing(crm, date(2011, 4, 1)) == {ONE: 700, THREE: 50}


@pytest.mark.rule("OWN-09")
@pytest.mark.rule("PAY-16")
def test_whose_the_household_was_is_said_by_the_surviving_file_alone(crm: CRM) -> None:
    """A sale that only the second file tells of begins no tenure, or arrears would be nobody's."""
    charge(crm, ONE, "2011", date(2011, 1, 31))
    buyer = Personal("P1", "李娜")
    sold = TransferOwnership(TWO, "P1", date(2011, 3, 1), buyer, reason="transfer of ownership")
    crm.do(sold, by=CLERK, at=at(date(2011, 3, 1)))
    merge(crm, TWO, ONE, date(2011, 6, 1))
    found = crm.accounts.statement(ONE, date(2011, 6, 1))
    assert (found["tenure"], found["debtors"]) == ("first", [f"{ONE}#owner"])
    assert owing(crm, date(2011, 6, 1)) == {ONE: 10_000, THREE: 0}


# --- gradings ------------------------------------------------------------------------------------


def graded(crm: CRM, year: int, engine: str = "events") -> dict[str, int]:
    return {
        one.household: one.facts.purchases_fen for one in crm.grade(year, engine=engine).gradings
    }


@pytest.mark.rule("OWN-09")
@pytest.mark.rule("GRD-08")
def test_recorded_gradings_stay_replay_and_are_listed_as_affected(crm: CRM) -> None:
    for household, fen in ((ONE, 500_000), (TWO, 900_000)):
        charge(crm, household, "2011", date(2011, 1, 31), 100)
        crm.do(
            RecordPurchase(household, "U1", "保洁", fen, date(2011, 3, 1)),
            by=CLERK,
            at=at(date(2011, 3, 1)),
        )
    before = graded(crm, 2011)
    assert before == {ONE: 500_000, TWO: 900_000, THREE: 0}
    run = crm.gradings.named(2011)
    assert list(crm.gradings.affected()) == []
    merge(crm, TWO, ONE, date(2011, 6, 1), known=date(2012, 6, 1))

    recorded = crm.gradings.grades(2011, run=run)
    assert {one.household for one in recorded.gradings} == {ONE, TWO, THREE}
    for engine in ("events", "frames"):
        assert crm.replay(engine=engine).differing == ()
    [position] = [
        one.position for one in crm.history(TWO) if isinstance(one.event, HouseholdMerged)
    ]
    found = {one.household: one for one in crm.gradings.affected()}
    assert found[TWO].merged_into == ONE
    assert found[TWO].because == (position,)
    assert [now.grading.household for now in crm.gradings.directory()] == [ONE, THREE]
    again = crm.grade(2011)
    assert {one.household: one.facts.purchases_fen for one in again.gradings} == {
        ONE: 1_400_000,
        THREE: 0,
    }
    for engine in ("events", "frames"):
        assert crm.replay(engine=engine).differing == ()


@pytest.mark.rule("OWN-09")
def test_a_year_that_was_over_before_the_merge_is_graded_by_two_files(crm: CRM) -> None:
    crm.do(
        RecordPurchase(TWO, "U1", "保洁", 900, date(2011, 3, 1)),
        by=CLERK,
        at=at(date(2011, 3, 1)),
    )
    merge(crm, TWO, ONE, date(2012, 2, 1))
    assert graded(crm, 2011) == {ONE: 0, TWO: 900, THREE: 0}
    assert graded(crm, 2012, "frames") == {ONE: 0, THREE: 0}


# --- members, requests, messages -----------------------------------------------------------------


@pytest.mark.rule("OWN-09")
def test_members_of_a_merged_file_are_members_of_the_surviving_one(crm: CRM) -> None:
    def refuse(household: str) -> None:
        word = Word(f"{TWO}#owner", "phone", "call 1")
        command = ChangePreference(household, f"{TWO}#owner", "any", False, word)
        crm.do(command, by=CLERK)

    with pytest.raises(Refused) as refused:
        refuse(ONE)
    assert refused.value.reason == "not_a_member"
    merge(crm, TWO, ONE, date(2011, 1, 1))
    refuse(ONE)
    opened = crm.reveal(ONE, f"{TWO}#owner", "name", by=CLERK, purpose="case 1")
    assert opened == "张伟"


@pytest.mark.rule("OWN-09")
@pytest.mark.rule("REQ-08")
@pytest.mark.case("K07")
@pytest.mark.case("K06")
def test_a_request_can_be_a_duplicate_of_one_of_a_file_that_was_merged(crm: CRM) -> None:
    for number, household in (("R1", ONE), ("R2", TWO)):
        command = ReceiveRequest(
            number,
            household,
            "phone",
            "complaint",
            "engineering",
            "general",
            "noise",
            at(date(2011, 3, 1)),
            "S17",
        )
        crm.do(command, by=CLERK, at=at(date(2011, 3, 1)))
    with pytest.raises(Refused):
        crm.do(MarkDuplicate("R2", "R1", "the same"), by=CLERK, at=at(date(2011, 3, 2)))
    merge(crm, TWO, ONE, date(2011, 3, 3))
    crm.do(MarkDuplicate("R2", "R1", "the same"), by=CLERK, at=at(date(2011, 3, 4)))
    assert [
        (one.household, one.facts.complaints) for one in crm.gradings.preview(2011).gradings
    ] == [(ONE, 1), (THREE, 0)]


@pytest.mark.rule("OWN-09")
def test_a_file_that_was_merged_names_the_surviving_one(crm: CRM) -> None:
    """Its accounts go on, its roles can end, and nothing new is entered in it."""
    merge(crm, TWO, ONE, date(2011, 1, 1))
    person = Personal("P1", "李娜")
    with pytest.raises(Refused) as refused:
        crm.do(AddMember(TWO, "P1", "tenant", date(2011, 2, 1), person), by=CLERK)
    assert (refused.value.reason, refused.value.details) == (
        "household_merged",
        {"household": TWO, "into": ONE},
    )
    charge(crm, TWO, "2011", date(2011, 2, 1))
    crm.do(EndRole(TWO, f"{TWO}#owner", "owner", date(2011, 3, 1), "sold"), by=CLERK)
    with pytest.raises(Refused) as refused:
        crm.do(RegisterHousehold("V9", "星河小区", "2号楼", "2单元", "301"), by=CLERK)
    assert (refused.value.reason, refused.value.details) == ("place_taken", {"household": ONE})
    file = crm.owners.file(TWO, by=CLERK, purpose="case 1")
    assert file is not None
    assert (file.household, file.merged) == (ONE, (TWO,))
    assert [one.member for one in file.family] == [f"{ONE}#owner", f"{TWO}#owner"]


@pytest.mark.rule("OWN-09")
@pytest.mark.rule("OUT-01")
def test_who_sold_the_flat_is_not_written_to_because_a_second_file_names_them(crm: CRM) -> None:
    merge(crm, TWO, ONE, date(2011, 1, 1))
    streams = _streams(crm)
    assert streams.holding(TWO, date(2011, 2, 1)) == [f"{ONE}#owner", f"{TWO}#owner"]
    buyer = Personal("P1", "李娜")
    crm.do(
        TransferOwnership(ONE, "P1", date(2011, 3, 1), buyer, reason="transfer of ownership"),
        by=CLERK,
    )
    streams = _streams(crm)
    assert streams.holding(TWO, date(2011, 2, 1)) == [f"{ONE}#owner", f"{TWO}#owner"]
    assert streams.holding(TWO, date(2011, 3, 1)) == ["P1"]


@pytest.mark.rule("OWN-09")
def test_what_waits_for_a_merged_file_waits_for_the_surviving_one(crm: CRM) -> None:
    owner = f"{TWO}#owner"
    value = Personal(owner, "engineer")
    report = ReportChange(TWO, "C1", owner, "post", value, date(2011, 1, 1), "told me")
    crm.do(report, by=Actor("S40", "security"))
    assert [(task.subject, task.household) for task in crm.todo(by=CLERK)] == [("C1", TWO)]
    merge(crm, TWO, ONE, date(2011, 2, 1))
    [task] = crm.todo(by=CLERK)
    assert (task.household, task.details["file"]) == (ONE, TWO)
    crm.do(DecideChange(TWO, "C1", True, "seen"), by=CLERK)
    assert crm.todo(by=CLERK) == []
    file = crm.owners.file(ONE, by=CLERK, purpose="case 1")
    assert file is not None
    assert [one.value for one in file.items() if one.item == "post"] == ["engineer"]


def _streams(crm: CRM) -> Any:
    from crm_core.application.streams import Streams

    return Streams(crm.log, crm.host.texts)


# --- what cannot be merged -----------------------------------------------------------------------

MERGED = HouseholdMerged(TWO, ONE, "S3", date(2011, 1, 1), "twice")


@pytest.mark.rule("OWN-09")
@pytest.mark.case("K07")
@pytest.mark.parametrize(
    ("before", "command", "reason"),
    [
        ((), MergeHousehold(ONE, ONE, date(2011, 1, 1), "x"), "merged_with_itself"),
        ((MERGED,), MergeHousehold(ONE, TWO, date(2011, 1, 1), "x"), "household_merged"),
        ((MERGED,), MergeHousehold(THREE, TWO, date(2011, 1, 1), "x"), "household_merged"),
        ((MERGED,), MergeHousehold(TWO, THREE, date(2011, 1, 1), "x"), "merged_already"),
        ((), MergeHousehold(TWO, ONE, date(2011, 1, 1), " "), "reason_missing"),
        ((), UndoMerge(TWO, "x"), "not_merged"),
        ((MERGED,), UndoMerge(TWO, ""), "reason_missing"),
        ((MERGED, MergeUndone(TWO, ONE, "x", "S3")), UndoMerge(TWO, "x"), "not_merged"),
    ],
)
def test_circles_nothing_and_what_is_merged_already_are_refused(
    before: tuple[Any, ...], command: Any, reason: str
) -> None:
    rule = "LOG-06" if reason == "reason_missing" else "OWN-09"
    past(MERGES, *before).when(attrs.evolve(command, by=MANAGER)).refused(reason, rule)


@pytest.mark.rule("OWN-09")
@pytest.mark.case("K07")
def test_a_merge_with_a_file_that_does_not_exist_is_refused(crm: CRM) -> None:
    for command in (
        MergeHousehold(ONE, "V9", date(2011, 1, 1), "x"),
        MergeHousehold("V9", ONE, date(2011, 1, 1), "x"),
    ):
        with pytest.raises(Refused) as refused:
            crm.do(command, by=MANAGER)
        assert refused.value.reason == "unknown_household"
    assert crm.get(Household, "V9", by=CLERK) is None


HOUSEHOLDS = ("A", "B", "C", "D")
TOLD = st.one_of(
    st.builds(
        HouseholdMerged,
        household=st.sampled_from(HOUSEHOLDS),
        into=st.sampled_from(HOUSEHOLDS),
        merged_by=st.just("S3"),
        on=st.dates(date(2011, 1, 1), date(2011, 1, 5)),
        reason=st.just("x"),
    ),
    st.builds(
        MergeUndone,
        household=st.sampled_from(HOUSEHOLDS),
        into=st.just("A"),
        reason=st.just("x"),
        undone_by=st.just("S3"),
    ),
)


@pytest.mark.rule("OWN-09")
@given(st.lists(TOLD, max_size=10), st.none() | st.dates(date(2011, 1, 1), date(2011, 1, 6)))
def test_whatever_is_known_of_merges_every_file_counts_once(
    told: list[HouseholdMerged | MergeUndone], on: date | None
) -> None:
    """Also where some of it is not known yet, so that what was refused for it seems to stand."""
    found = redirects(told, on)
    groups = [found.group(one) for one in HOUSEHOLDS]
    assert {group[0] for group in groups} == {found.survivor(one) for one in HOUSEHOLDS}
    for one, group in zip(HOUSEHOLDS, groups, strict=True):
        assert one in group
        assert found.survivor(group[0]) == group[0]
        assert set(group[1:]) == set(found.groups().get(group[0], ()))
    assert sum(len(group) for group in set(groups)) == len(HOUSEHOLDS)
