"""What waits for whom: work lists over all slices, and how entries come and go (REQ-06, REQ-13)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from asking import CLERK, HOUR, MINUTE, RECEIVE, S18, SECOND, START, SUPERVISOR, register, word
from hypothesis import given as hypothesis_given
from hypothesis import settings

from crm_adapters import open_crm
from crm_core import CRM, Actor, Refused
from crm_core.gradings.events import (
    PolicyApproved,
    PolicyAssessed,
    PolicyDrafted,
    TypeProposed,
)
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.projection import Remove
from crm_core.kernel.recorded import Commit, Envelope, Recorded, StreamAppend, Tip
from crm_core.kernel.worklists import SETTLED
from crm_core.payments import (
    DecideDispute,
    DecideWaiver,
    DisputeCharge,
    ProposeDisputeDecision,
    ProposeRefund,
    ProposeWaiver,
    RaiseCharge,
    ReceivePayment,
    WithdrawDispute,
)
from crm_core.payments.collection.commands import DecideStep, ProposeStep
from crm_core.payments.collection.events import CollectionClosed, StepOpened
from crm_core.requests import (
    REQUEST,
    AcceptCommitment,
    AnswerCustomer,
    Apologise,
    Closed,
    ConfirmClosing,
    Dispatch,
    Done,
    GrabOrder,
    HandOver,
    MakeCommitment,
    Merged,
    MergeDuplicate,
    NoteFailedAttempt,
    Open,
    Paused,
    PauseRequest,
    Reclassify,
    RefuseOrder,
    Reopen,
    ReportDone,
    Request,
    ResumeRequest,
)
from crm_core.requests.clocks import kind_of, percent_of
from crm_core.requests.commands import UndoDuplicate
from crm_core.requests.improvement import DecideImprovement, ProposeImprovement
from crm_core.requests.worklists import WORK_ON_REQUESTS, WorkOnRequest
from crm_core.staff import AssignTrades, EndStaffRole, GrantAward, RecordWrong, RegisterStaff
from crm_core.testing.strategies.histories import History
from crm_core.testing.strategies.requests import request_histories

E4, E5, E6 = (Actor(staff, "operator") for staff in ("E4", "E5", "E6"))
MANAGER, DIRECTOR = Actor("M1", "manager"), Actor("D1", "director")
FINANCE, HOST = Actor("F1", "finance"), Actor("root", "host")
LONG_AGO = date(2010, 1, 1)
TODAY = START.date()
NEXT_WEEK = START + timedelta(days=7)


class Centre:
    """A service centre whose clock is set by hand."""

    def __init__(self, url: str = "memory:") -> None:
        self.crm: CRM = open_crm(url, create=True)
        self.at = START
        centre = self

        class Clock:
            def now(self) -> Any:
                return centre.at

        self.crm.host.clock = Clock()

    def do(self, command: Any, by: Actor = CLERK) -> Any:
        return self.crm.do(command, by=by)

    def tick(self, at: Any) -> None:
        self.at = at
        self.crm.tick(by=HOST)

    def receive(self, request: str = "R1", **changes: Any) -> None:
        command = attrs.evolve(RECEIVE, request=request, household="V1", received_at=self.at)
        self.do(attrs.evolve(command, **changes))

    def staffed(self) -> None:
        people = {"D1": "director", "M1": "manager", "B3": "supervisor", "F1": "finance"}
        people |= {"S17": "specialist", "S18": "specialist"}
        people |= dict.fromkeys(("E4", "E5", "E6"), "operator")
        for staff, role in people.items():
            self.do(RegisterStaff(staff, role, LONG_AGO), DIRECTOR)
        for staff, trades in {"E4": ("engineering",), "E5": ("cleaning",)}.items():
            self.do(AssignTrades(staff, trades, LONG_AGO), DIRECTOR)

    def list_of(self, by: Actor) -> list[tuple[str, str]]:
        """What waits for somebody, and of which number."""
        return [(task.what, task.subject) for task in self.crm.todo(by=by)]


@pytest.fixture
def centre() -> Iterator[Centre]:
    made = Centre()
    register(made.crm, "V1", "星河", "1", "2", "301")
    yield made
    made.crm.close()


# --- orders --------------------------------------------------------------------------------------


@pytest.mark.rule("REQ-06")
def test_an_order_waits_for_its_operator_until_the_work_is_done(centre: Centre) -> None:
    centre.receive()
    centre.do(Dispatch("R1", "E4", "operator", START))
    [task] = centre.crm.todo(by=E4)
    assert (task.what, task.subject, task.household) == ("order", "R1", "V1")
    assert (task.act, task.because) == ("report-done", "own")
    assert (task.since, task.due_at) == (START, START + 30 * MINUTE)
    assert centre.list_of(E5) == []
    centre.do(ReportDone("R1", START + MINUTE), E4)
    assert centre.list_of(E4) == []
    centre.do(Reopen("R1", START + 2 * MINUTE, "leaks again"))
    assert centre.list_of(E4) == [("order", "R1")]


@pytest.mark.rule("REQ-06")
def test_an_order_that_is_given_back_or_goes_elsewhere_waits_there(centre: Centre) -> None:
    centre.receive()
    centre.do(Dispatch("R1", "E4", "operator", START))
    centre.do(RefuseOrder("R1", "no valve", START, to="E5"), E4)
    assert (centre.list_of(E4), centre.list_of(E5)) == ([], [("order", "R1")])
    centre.do(RefuseOrder("R1", "not mine", START), E5)
    assert centre.list_of(E5) == []
    assert centre.list_of(CLERK) == [("request_due", "R1")]
    centre.do(Dispatch("R1", "E6", "operator", START))
    assert centre.list_of(E6) == [("order", "R1")]
    assert "order" not in dict(centre.list_of(CLERK))


@pytest.mark.rule("REQ-06")
def test_an_order_of_a_department_waits_for_its_people_until_one_has_it(centre: Centre) -> None:
    centre.staffed()
    centre.receive()
    centre.do(Dispatch("R1", "engineering", "department", START, "grab"))
    [task] = centre.crm.todo(by=E4)
    assert (task.what, task.act, task.because) == ("order_to_grab", "grab-order", "department")
    # Of another trade, of none, and customer service: nothing to be grabbed by them.
    assert centre.list_of(E5) == centre.list_of(E6) == centre.list_of(S18) == []
    centre.do(GrabOrder("R1", START), E4)
    assert centre.list_of(E4) == [("order", "R1")]
    centre.do(Dispatch("R1", "cleaning", "department", START))
    assert (centre.list_of(E4), centre.list_of(E5)) == ([], [("order", "R1")])


@pytest.mark.rule("REQ-06")
def test_without_a_register_any_operator_sees_what_is_offered(centre: Centre) -> None:
    centre.receive()
    centre.do(Dispatch("R1", "engineering", "department", START, "grab"))
    assert centre.list_of(E6) == [("order_to_grab", "R1")]
    assert centre.list_of(Actor("T1", "engineering")) == [("order_to_grab", "R1")]
    assert centre.list_of(Actor("T1", "security")) == []


# --- requests of one's own -----------------------------------------------------------------------


@pytest.mark.rule("REQ-01", "REQ-04")
def test_a_request_waits_for_its_owner_when_it_is_due_within_a_day(centre: Centre) -> None:
    centre.receive()
    centre.do(AcceptCommitment("R1", word("V1"), START, due_at=NEXT_WEEK))
    assert centre.list_of(CLERK) == []
    centre.at = NEXT_WEEK - timedelta(days=1) - SECOND
    assert centre.list_of(CLERK) == []
    centre.at += SECOND
    assert centre.list_of(CLERK) == [("request_due", "R1")]
    assert [t.due_at for t in centre.crm.todo(by=CLERK)] == [NEXT_WEEK]
    asked = centre.crm.todo(by=CLERK, now=START)
    assert asked == []


@pytest.mark.rule("REQ-01")
def test_a_request_that_is_handed_over_waits_for_the_next_owner(centre: Centre) -> None:
    centre.receive()
    centre.do(HandOver("R1", "S18", "shift ended"))
    assert centre.list_of(CLERK) == []
    assert centre.list_of(S18) == [("request_due", "R1")]


@pytest.mark.rule("REQ-12")
def test_what_waits_for_the_customer_is_not_due(centre: Centre) -> None:
    centre.receive()
    pause = PauseRequest("R1", "customer_absent", START + MINUTE, START + 2 * HOUR)
    centre.do(pause)
    assert centre.list_of(CLERK) == []
    centre.at = START + HOUR
    centre.do(ResumeRequest("R1", START + HOUR))
    [task] = centre.crm.todo(by=CLERK)
    assert task.due_at == START + HOUR + 29 * MINUTE


@pytest.mark.rule("REQ-08")
def test_a_merged_or_closed_request_asks_nothing_of_anybody(centre: Centre) -> None:
    centre.receive()
    centre.receive("R2")
    centre.do(Dispatch("R2", "E4", "operator", START))
    centre.do(MergeDuplicate("R2", "R1", "same leak", START + MINUTE))
    assert centre.list_of(E4) == []
    assert centre.list_of(CLERK) == [("request_due", "R1")]
    centre.do(ReportDone("R1", START + 2 * MINUTE), E4)
    centre.do(ConfirmClosing("R1", START + 3 * MINUTE, "satisfied", word("V1")))
    assert centre.list_of(CLERK) == []


@pytest.mark.rule("REQ-08")
def test_a_confirmation_waits_for_who_may_enter_it(centre: Centre) -> None:
    centre.receive()
    centre.do(ReportDone("R1", START + MINUTE), E4)
    assert centre.list_of(CLERK) == []
    centre.tick(START + 2 * MINUTE)
    assert centre.list_of(CLERK) == [("confirmation", "R1")]
    assert centre.list_of(S18) == centre.list_of(E4) == []
    centre.do(NoteFailedAttempt("R1", START + 2 * MINUTE, "phone"))
    assert centre.list_of(CLERK) == []
    centre.tick(START + timedelta(days=1, minutes=2))
    assert centre.list_of(CLERK) == [("confirmation", "R1")]
    centre.do(ConfirmClosing("R1", centre.at, "satisfied", word("V1")))
    assert centre.list_of(CLERK) == []


@pytest.mark.rule("REQ-08", "LOG-08")
def test_of_their_own_work_others_ask_the_customer(centre: Centre) -> None:
    centre.receive()
    centre.do(ReportDone("R1", START + MINUTE))
    centre.tick(START + 2 * MINUTE)
    assert centre.list_of(CLERK) == []
    [task] = centre.crm.todo(by=S18)
    assert (task.what, task.because) == ("confirmation", "role")


@pytest.mark.rule("REQ-09")
def test_an_apology_waits_for_the_owner_until_it_is_made(centre: Centre) -> None:
    centre.receive()
    centre.do(MakeCommitment("R1", "fixed", START + HOUR, START), E4)
    centre.tick(START + HOUR + SECOND)
    [task] = [t for t in centre.crm.todo(by=CLERK) if t.what == "apology"]
    assert (task.act, task.due_at) == ("apologise", START + 90 * MINUTE)
    assert "apology" not in dict(centre.list_of(E4))
    assert "new_time" not in dict(centre.list_of(CLERK))
    centre.do(Apologise("R1", "sorry", "no valve", "free", START + 61 * MINUTE))
    assert "apology" not in dict(centre.list_of(CLERK))
    # The apology named no new time, so one is owed until somebody promises it.
    [task] = [t for t in centre.crm.todo(by=CLERK) if t.what == "new_time"]
    assert (task.act, task.because) == ("make-commitment", "own")
    centre.do(MakeCommitment("R1", "fixed", START + 3 * HOUR, START + 62 * MINUTE), E4)
    assert "new_time" not in dict(centre.list_of(CLERK))


# --- escalations ---------------------------------------------------------------------------------

# General: a promise within 5 minutes; breached at 09:05, then one role for each further 2:30.
CHAIN = (
    (CLERK, 5 * MINUTE, "100"),
    (SUPERVISOR, 7.5 * MINUTE, "150"),
    (MANAGER, 10 * MINUTE, "200"),
    (DIRECTOR, 12.5 * MINUTE, "250"),
)


@pytest.mark.rule("REQ-13")
def test_a_breach_stands_on_the_list_of_each_role_from_its_step_on(centre: Centre) -> None:
    centre.receive()

    def breaches(by: Actor) -> list[str]:
        return [t.details["percent"] for t in centre.crm.todo(by=by) if t.what == "breach"]

    for number, (_, after, _) in enumerate(CHAIN):
        centre.tick(START + after)
        assert [breaches(by) != [] for by, _, _ in CHAIN] == [n < number for n in range(4)]
        centre.tick(START + after + SECOND)
        assert [breaches(by) for by, _, _ in CHAIN] == [
            [percent] if n <= number else [] for n, (_, _, percent) in enumerate(CHAIN)
        ]
    [task] = [t for t in centre.crm.todo(by=DIRECTOR) if t.what == "breach"]
    assert (task.subject, task.details["clock"], task.because) == ("R1", "promise-1", "role")
    assert breaches(FINANCE) == breaches(E4) == []
    centre.do(AnswerCustomer("R1", START + 13 * MINUTE))
    assert [breaches(by) for by, _, _ in CHAIN] == [[]] * 4


@pytest.mark.case("K07")
@pytest.mark.rule("REQ-08", "REQ-13")
def test_where_a_merge_is_undone_its_breaches_go_on(centre: Centre) -> None:
    centre.receive()
    centre.receive("R2")
    centre.tick(START + 6 * MINUTE)
    assert ("breach", "R2") in centre.list_of(CLERK)
    centre.do(MergeDuplicate("R2", "R1", "same leak", START + 6 * MINUTE))
    assert ("breach", "R2") not in centre.list_of(CLERK)
    centre.do(UndoDuplicate("R2", "another leak", START + 7 * MINUTE))
    assert ("breach", "R2") in centre.list_of(CLERK)
    assert ("request_due", "R2") in centre.list_of(CLERK)


@pytest.mark.rule("REQ-13")
def test_a_clock_that_begins_anew_is_in_breach_no_longer(centre: Centre) -> None:
    centre.receive()
    centre.do(AnswerCustomer("R1", START + MINUTE))
    centre.tick(START + 31 * MINUTE)

    def breached() -> set[str]:
        return {t.details["clock"] for t in centre.crm.todo(by=CLERK) if t.what == "breach"}

    assert "closing-1" in breached()
    centre.do(Reclassify("R1", "the riser broke", START + 32 * MINUTE, severity="major"))
    assert "closing-1" not in breached()


@pytest.mark.rule("REQ-13")
def test_what_was_told_to_a_role_that_nobody_holds_stands_on_the_list_above(
    centre: Centre,
) -> None:
    centre.staffed()
    centre.receive()
    centre.tick(START + 6 * MINUTE)
    assert ("breach", "R1") not in centre.list_of(SUPERVISOR)
    for staff in ("S17", "S18"):
        centre.do(EndStaffRole(staff, "specialist", TODAY - timedelta(days=1), "left"), DIRECTOR)
    assert ("breach", "R1") in centre.list_of(SUPERVISOR)
    assert ("breach", "R1") not in centre.list_of(MANAGER)


# --- decisions -----------------------------------------------------------------------------------


WAIVER = ProposeWaiver("V1", "W1", "C1", 1000, TODAY, "flooded")


@pytest.mark.rule("LOG-08", "REQ-13")
def test_a_proposal_waits_for_who_may_decide_it_and_never_for_who_made_it(centre: Centre) -> None:
    centre.do(RaiseCharge("V1", "C1", "management_fee", "2011-02", 10_000, TODAY), FINANCE)
    centre.do(WAIVER, Actor(MANAGER.id, "finance"))
    assert centre.list_of(MANAGER) == []
    [task] = centre.crm.todo(by=DIRECTOR)
    assert (task.what, task.subject, task.household) == ("waiver", "W1", "V1")
    assert (task.act, task.because) == ("decide-waiver", "role")
    assert centre.list_of(FINANCE) == centre.list_of(SUPERVISOR) == []
    centre.do(DecideWaiver("V1", "W1", True, TODAY), DIRECTOR)
    assert centre.list_of(DIRECTOR) == []


@pytest.mark.rule("LOG-08")
def test_a_rejected_or_withdrawn_matter_waits_no_longer(centre: Centre) -> None:
    centre.do(RaiseCharge("V1", "C1", "management_fee", "2011-02", 10_000, TODAY), FINANCE)
    centre.do(attrs.evolve(WAIVER, write_off=True), FINANCE)
    assert centre.list_of(DIRECTOR) == [("write_off", "W1")]
    centre.do(DecideWaiver("V1", "W1", False, TODAY, "no reason"), DIRECTOR)
    assert centre.list_of(DIRECTOR) == []
    said = word("V1")
    centre.do(DisputeCharge("V1", "D1", "C1", 500, TODAY, "never cleaned", said), FINANCE)
    assert centre.list_of(FINANCE) == [("dispute", "D1")]
    centre.do(ProposeDisputeDecision("V1", "D1", 500, TODAY, "true"), FINANCE)
    assert (centre.list_of(FINANCE), centre.list_of(SUPERVISOR)) == (
        [],
        [("dispute_decision", "D1")],
    )
    centre.do(DecideDispute("V1", "D1", False, TODAY, "look again"), SUPERVISOR)
    assert (centre.list_of(FINANCE), centre.list_of(SUPERVISOR)) == (
        [("dispute", "D1")],
        [("dispute", "D1")],
    )
    centre.do(WithdrawDispute("V1", "D1", TODAY, "mistaken", said), FINANCE)
    assert centre.list_of(FINANCE) == centre.list_of(SUPERVISOR) == []


@pytest.mark.rule("LOG-08")
def test_numbers_of_different_households_are_different_matters(centre: Centre) -> None:
    register(centre.crm, "V2", "星河", "1", "2", "302")
    for home in ("V1", "V2"):
        centre.do(ReceivePayment(home, "P1", 500, TODAY, "wechat"), FINANCE)
        centre.do(ProposeRefund(home, "F1", 500, TODAY, "moving"), FINANCE)
    assert [t.household for t in centre.crm.todo(by=DIRECTOR)] == ["V1", "V2"]


@pytest.mark.rule("LOG-08", "REQ-18", "REQ-20")
def test_awards_and_improvement_plans_wait_for_a_third_person(centre: Centre) -> None:
    centre.do(RecordWrong("E4", "A1", TODAY, "shouted at"), Actor(MANAGER.id, "specialist"))
    assert centre.list_of(MANAGER) == []
    assert centre.list_of(DIRECTOR) == [("award", "A1")]
    assert centre.list_of(Actor("E4", "director")) == []
    centre.do(GrantAward("E4", "A1", TODAY, 0), DIRECTOR)
    plan = ProposeImprovement(
        plan="P1",
        measure="two on duty",
        metric="late_share",
        dimension="trade",
        value="engineering",
        baseline_start=TODAY - timedelta(days=60),
        baseline_end=TODAY - timedelta(days=31),
        runs_from=TODAY,
        runs_to=TODAY + timedelta(days=30),
        change_per_mille=-200,
        responsible=MANAGER.id,
        supervisor="B3",
    )
    centre.do(plan, CLERK)
    assert centre.list_of(MANAGER) == []
    assert centre.list_of(DIRECTOR) == [("improvement", "P1")]
    centre.do(DecideImprovement("P1", True, TODAY), DIRECTOR)
    assert centre.list_of(DIRECTOR) == []


def recorded(centre: Centre, stream: str, *events: Any) -> None:
    """Events as they would stand in the log."""
    crm = centre.crm
    tip = crm.log.tips([stream]).get(stream, Tip())
    command = f"{stream}-{tip.version}"
    envelopes = tuple(
        Envelope("specialist:S17", command, event, TODAY, centre.at, number)
        for number, event in enumerate(events)
    )
    crm.log.append([Commit(command, "", (StreamAppend(stream, tip, "V1", envelopes),))])


@pytest.mark.rule("LOG-08", "PAY-10")
def test_a_step_of_collection_waits_for_who_may_approve_it_and_then_to_be_done(
    centre: Centre,
) -> None:
    opened = StepOpened(
        household="V1",
        step=1,
        grade="B3",
        act="formal_demand",
        needs=(),
        approver="manager",
        respond_days=7,
        charges=("C1",),
        on=TODAY,
        due=TODAY,
        persons=1,
        tenure="first",
    )
    recorded(centre, "collection/V1", opened)
    assert centre.list_of(FINANCE) == [("collection_step_to_propose", "1")]
    centre.do(ProposeStep("V1", 1, TODAY), FINANCE)
    assert centre.list_of(FINANCE) == centre.list_of(SUPERVISOR) == []
    assert centre.list_of(MANAGER) == [("collection_step_to_approve", "1")]
    assert centre.list_of(Actor("F1", "director")) == []
    centre.do(DecideStep("V1", 1, False, TODAY, "too soon"), MANAGER)
    assert centre.list_of(FINANCE) == [("collection_step_to_propose", "1")]
    centre.do(ProposeStep("V1", 1, TODAY), FINANCE)
    centre.do(DecideStep("V1", 1, True, TODAY), MANAGER)
    assert centre.list_of(FINANCE) == [("collection_step", "1")]
    recorded(centre, "collection/V1", CollectionClosed("V1", 1, TODAY, "first"))
    assert centre.list_of(FINANCE) == []


@pytest.mark.rule("LOG-08", "GRD-02", "GRD-11", "GRD-13")
def test_types_reviews_and_policies_wait_for_another_person(centre: Centre) -> None:
    recorded(
        centre,
        "grading/V1",
        TypeProposed("V1", "first", 2011, "2011-1", "cautious", "thrifty", "B3", TODAY),
    )
    assert centre.list_of(SUPERVISOR) == []
    assert centre.list_of(MANAGER) == [("type", "2011/first")]
    policy = PolicyRef("0" * 64, "grade-ours", 2)
    recorded(
        centre,
        "policy/grade-ours",
        PolicyDrafted(policy, "", "fairer", "D1", TODAY),
        PolicyAssessed(policy, "PIA-1", (), 1, 0, 0, "D2", TODAY),
    )
    # Neither who drafted it nor who assessed it approves it.
    assert (
        centre.list_of(DIRECTOR)
        == centre.list_of(Actor("D2", "director"))
        == [("type", "2011/first")]
    )
    assert ("policy_to_approve", "grade-ours/2") in centre.list_of(Actor("D3", "director"))
    recorded(centre, "policy/grade-ours", PolicyApproved(policy, "D3", TODAY))
    assert centre.list_of(MANAGER) == [("policy_to_adopt", "grade-ours/2"), ("type", "2011/first")]


@pytest.mark.rule("REQ-19")
def test_an_early_warning_stands_on_the_list_for_a_week(centre: Centre) -> None:
    for number in range(6):
        centre.receive(f"R{number}")
    assert centre.crm.requests.warn(TODAY, by=HOST)
    [warning] = [t for t in centre.crm.todo(by=SUPERVISOR) if t.what == "early_warning"]
    assert "engineering volume" in warning.subject
    assert centre.list_of(E4) == []
    centre.at = START + timedelta(days=7) - SECOND
    assert "early_warning" in dict(centre.list_of(SUPERVISOR))
    centre.at += SECOND
    assert "early_warning" not in dict(centre.list_of(SUPERVISOR))


# --- who asks ------------------------------------------------------------------------------------


@pytest.mark.rule("LOG-08")
def test_only_who_works_here_has_a_list_and_a_register_says_who_does(centre: Centre) -> None:
    centre.staffed()
    for by in (Actor("V1#owner", "owner"), Actor("A1", "auditor")):
        with pytest.raises(Refused) as refused:
            centre.crm.todo(by=by)
        assert refused.value.reason == "role_insufficient"
    with pytest.raises(Refused) as refused:
        centre.crm.todo(by=Actor("S17", "director"))
    assert refused.value.reason == "role_not_registered"
    assert centre.crm.todo(by=HOST) == []


@pytest.mark.rule("LOG-05", "REQ-13")
def test_a_restart_and_a_list_that_is_built_anew_say_the_same(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'crm.db'}"
    first = Centre(url)
    register(first.crm, "V1", "星河", "1", "2", "301")
    for number in range(4):
        first.receive(f"R{number}")
    first.do(Dispatch("R1", "E4", "operator", START))
    first.do(ReportDone("R2", START + MINUTE), E4)
    first.do(MergeDuplicate("R3", "R0", "same leak", START + MINUTE))
    first.do(RaiseCharge("V1", "C1", "management_fee", "2011-02", 10_000, TODAY), FINANCE)
    first.do(WAIVER, FINANCE)
    first.tick(START + 8 * MINUTE)
    people = (CLERK, E4, SUPERVISOR, DIRECTOR)
    before = [first.crm.todo(by=by) for by in people]
    assert all(before)
    first.crm.close()
    again = Centre(url)
    again.at = START + 8 * MINUTE
    assert [again.crm.todo(by=by) for by in people] == before
    for worklist in again.crm.registry.worklists:
        again.crm.views.rebuild(worklist.view)
    assert WORK_ON_REQUESTS.name in {s.consumer for s in again.crm.views.status()}
    assert [again.crm.todo(by=by) for by in people] == before
    again.crm.close()


# --- the rows and the state say the same ---------------------------------------------------------

BREACHES = {"apology", "arrival", "closing", "progress", "promise", "confirmation"}
STATUS = {Open: "open", Paused: "paused", Done: "done", Closed: "closed", Merged: "merged"}


@pytest.mark.rule("REQ-06", "REQ-13", "LOG-05")
@hypothesis_given(request_histories(household="V1"))
@settings(deadline=None, max_examples=50)
def test_the_rows_say_of_any_history_what_the_request_itself_says(history: History) -> None:
    """Whose it is, who has the order, which apologies are owed, which breaches go on."""
    rows: dict[str, WorkOnRequest] = {}
    for number, event in enumerate(history.events):
        envelope = Envelope("system:x", "c", event, TODAY, START, number)
        recorded = Recorded(number + 1, "request/R1010", number + 1, "", "V1", "", envelope)
        for change in WORK_ON_REQUESTS.apply(rows, recorded):
            if isinstance(change, Remove):
                # It never came in: its request is void.
                del rows[change.key]
                continue
            rows[change.key] = change.row
            assert (change.order == SETTLED) == (change.row.status in ("closed", "merged"))
    state = REQUEST.decider.fold(history.events)
    if not isinstance(state, Request):
        assert rows == {}
        return
    [row] = rows.values()
    assert row.status == STATUS[type(state)]
    assert row.owner == state.owner
    has = state.assignment
    assert (row.assignee, row.form, row.mode) == (has.to, has.form, has.mode)
    if row.status in ("closed", "merged"):
        assert (row.owed, row.told, row.ask_since) == ((), (), None)
        return
    assert [(o.clock, o.due_at) for o in row.owed] == [
        (duty.clock, clock.set.due_at)
        for duty in state.duties
        for clock in state.running
        if clock.name == duty.clock
    ]
    late = {c.name for c in state.running if not c.set.step or percent_of(c.set.step) > 100}
    # A promise that has passed is no breach of a clock; an apology is owed for it instead.
    assert {t.clock for t in row.told} == {n for n in late if kind_of(n) in BREACHES}
    assert row.ask_since is None or isinstance(state, Done)
