"""Incidents, inspections, statistics, early warning and improvement, over a log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from typing import Any

import attrs
import pytest
from asking import (
    CLERK,
    DAY,
    HOUR,
    M2,
    MANAGER,
    MINUTE,
    RECEIVE,
    S1,
    S2,
    START,
    given,
    giver,
    register,
    verdict,
    word,
)

from crm_adapters import open_crm
from crm_core import CRM, Actor, Invalid, Period, Refused, Request
from crm_core.kernel.decider import Refusal
from crm_core.requests import (
    FINDING,
    INCIDENT,
    PLAN,
    WARNING,
    Apologise,
    ConfirmClosing,
    Done,
    HandOver,
    MakeCommitment,
    Paused,
    PauseRequest,
    Reclassify,
    Reopen,
    ReportDone,
)
from crm_core.requests.early_warning import RaiseWarning, WarningRaised
from crm_core.requests.improvement import (
    DecideImprovement,
    EndImprovement,
    ImprovementApproved,
    ImprovementProposed,
    ImprovementRejected,
    ProposeImprovement,
    SuperviseExecution,
)
from crm_core.requests.incidents import (
    AnswerIncident,
    GatherRequest,
    Incident,
    IncidentOpened,
    OpenIncident,
    ResolveIncident,
)
from crm_core.requests.inspections import FindingRecorded, RecordFinding
from crm_core.requests.statistics import COUNTS

OPEN = OpenIncident("I1", "星河 1", "engineering", "停水", START)
ANSWER = AnswerIncident("I1", "water is back at noon", START + 8 * MINUTE)
RESOLVE = ResolveIncident("I1", "pipe mended", START + 20 * MINUTE)
PROPOSE = ProposeImprovement(
    "P1",
    "check valves every week",
    "volume",
    "trade",
    "engineering",
    date(2011, 3, 1),
    date(2011, 3, 10),
    date(2011, 3, 11),
    date(2011, 3, 20),
    -500,
    "S1",
    "M1",
)
APPROVE = DecideImprovement("P1", True, date(2011, 3, 11))
LOOK = SuperviseExecution("P1", date(2011, 3, 12), True, "list is signed")
END = EndImprovement("P1", date(2011, 3, 21), "half as many")
FIND = RecordFinding("F1", "1 栋大堂", "cleaning", "general", "wet floor", START)


@pytest.fixture
def crm() -> Iterator[CRM]:
    with open_crm("memory:") as opened:
        for home, building in (("V1", "1"), ("V2", "1"), ("V3", "2")):
            register(opened, home, "星河", building, "1", home)
        yield opened


def do(crm: CRM, *commands: Any, by: Actor | None = None) -> Any:
    for command in commands:
        receipt = crm.do(command, by=by or giver(command), at=START + DAY)
    return receipt


def on_its_day(crm: CRM, *commands: Any, by: Actor) -> None:
    """What is done about a plan, each at noon of the day it is said to be done on."""
    for command in commands:
        crm.do(command, by=by, at=datetime.combine(command.on, time(4), UTC))


def receive(request: str, home: str = "V1", **changes: Any) -> Any:
    return attrs.evolve(RECEIVE, request=request, household=home, **changes)


def state(crm: CRM, request: str) -> Any:
    return crm.get(Request, request)


# --- REQ-17: incidents ---------------------------------------------------------------------------


@pytest.mark.rule("REQ-17")
def test_answers_and_closings_fan_out_and_each_request_keeps_its_own_verdict(crm: CRM) -> None:
    """Asked 25 minutes before the water came back, and 5: one is late under 20, one is not."""
    do(crm, receive("R1"), receive("R2", "V2", received_at=START - 15 * MINUTE), OPEN)
    for request in ("R1", "R2"):
        do(crm, GatherRequest("I1", request, START + 2 * MINUTE))
    do(crm, ANSWER, RESOLVE)
    for request, kept in (("R1", True), ("R2", False)):
        found = state(crm, request)
        assert isinstance(found, Done)
        assert found.incident == "I1"
        assert verdict(found, "closing-1").kept is kept
        names = [e.name for e in crm.history(f"request/{request}")]
        assert "requests.progress_noted/1" in names
    incident = crm.get(Incident, "I1")
    assert incident is not None
    assert list(incident.requests) == ["R1", "R2"]


@pytest.mark.rule("REQ-17")
def test_who_asks_late_hears_what_the_others_were_told(crm: CRM) -> None:
    do(crm, receive("R1"), OPEN, ANSWER)
    do(crm, GatherRequest("I1", "R1", START + 10 * MINUTE))
    [noted] = [e.event for e in crm.history("request/R1") if "progress" in e.name]
    assert (noted.note, noted.customer_told) == (ANSWER.note, True)


@pytest.mark.rule("REQ-17")
def test_a_request_that_went_its_own_way_is_left_alone(crm: CRM) -> None:
    do(crm, receive("R1"), receive("R2", "V2"), OPEN)
    for request in ("R1", "R2"):
        do(crm, GatherRequest("I1", request, START + 2 * MINUTE))
    do(crm, ReportDone("R1", START + 5 * MINUTE))
    do(crm, PauseRequest("R2", "customer_absent", START + 6 * MINUTE, START + DAY))
    assert isinstance(state(crm, "R2"), Paused)
    do(crm, RESOLVE)
    assert state(crm, "R1").done_at == START + 5 * MINUTE
    assert isinstance(state(crm, "R2"), Done)


@pytest.mark.rule("REQ-17")
def test_what_cannot_follow_is_not_gathered(crm: CRM) -> None:
    do(crm, receive("R1"), ReportDone("R1", START), OPEN)
    gather = GatherRequest("I1", "R1", START + MINUTE)
    for request in ("R1", "R9"):
        with pytest.raises(Refused) as refused:
            do(crm, attrs.evolve(gather, request=request))
        assert refused.value.reason == "request_not_open"
    done = Refusal("request_not_open", "REQ-08", {"status": "done"}, "request_not_open_done")
    opened = IncidentOpened("I1", "星河 1", "engineering", "停水", START, "S1")
    there = attrs.evolve(gather, refused_there=done)
    given(INCIDENT, opened).when(there).refused("request_not_open", "REQ-08")
    given(INCIDENT, opened).when(gather, gather).state(lambda i: len(i.requests) == 1)
    given(INCIDENT, opened).when(OPEN).refused("incident_exists", "REQ-17")
    unknown = attrs.evolve(OPEN, trade="piracy")
    given(INCIDENT).when(unknown).refused("unknown_trade", "REQ-01")
    for command in (gather, ANSWER, RESOLVE):
        given(INCIDENT).when(command).refused("incident_not_open", "REQ-17")
        given(INCIDENT, opened).when(RESOLVE, command).refused("incident_not_open", "REQ-17")
    early = attrs.evolve(RESOLVE, resolved_at=START - MINUTE)
    given(INCIDENT, opened).when(early).refused("too_early", "REQ-17")
    silent = attrs.evolve(ANSWER, note="")
    given(INCIDENT, opened).when(silent).refused("note_missing", "REQ-17")


# --- REQ-20: inspections -------------------------------------------------------------------------


@pytest.mark.rule("REQ-20")
def test_a_finding_on_a_round_can_open_a_request(crm: CRM) -> None:
    do(crm, attrs.evolve(FIND, request="R7"), attrs.evolve(FIND, finding="F2"), by=S1)
    opened = state(crm, "R7")
    assert (opened.received.channel, opened.owner, opened.received.place) == (
        "inspection",
        "S1",
        "1 栋大堂",
    )
    assert [e.name for e in crm.history("finding/F2")] == ["requests.finding_recorded/1"]
    do(crm, attrs.evolve(FIND, finding="F3", household="V1", request="R8"))
    assert state(crm, "R8").household == "V1"


@pytest.mark.rule("REQ-20")
def test_a_finding_is_recorded_once_with_its_place_and_who_found_it() -> None:
    recorded = FindingRecorded(
        "F1", "", "1 栋大堂", "cleaning", "general", "wet floor", START, "S1", None
    )
    given(FINDING).when(attrs.evolve(FIND, by=S1)).then(recorded)
    given(FINDING, recorded).when(FIND).refused("finding_exists", "REQ-20")
    given(FINDING).when(attrs.evolve(FIND, place="")).refused("place_missing", "REQ-20")
    given(FINDING).when(attrs.evolve(FIND, trade="piracy")).refused("unknown_trade")
    given(FINDING).when(attrs.evolve(FIND, severity="mild")).refused("unknown_severity")


@pytest.mark.rule("REQ-20")
def test_a_finding_opens_no_request_that_is_there_and_was_not_found_tomorrow(crm: CRM) -> None:
    do(crm, receive("R7"))
    for changes, reason in (
        ({"request": "R7"}, "request_exists"),
        ({"found_at": START + DAY + MINUTE}, "not_yet"),
    ):
        with pytest.raises(Refused) as refused:
            do(crm, attrs.evolve(FIND, **changes), by=S1)
        assert refused.value.reason == reason
    do(crm, attrs.evolve(FIND, request="R8", found_at=START + DAY), by=S1)
    assert state(crm, "R8").owner == "S1"


# --- REQ-18: statistics and plans ----------------------------------------------------------------


def busy_day(crm: CRM) -> None:
    do(
        crm,
        receive("R1"),
        receive("R2", "V2", trade="cleaning", kind="complaint", first_asked="S2"),
        receive("R3", "V3"),
        HandOver("R3", "S5", "shift ended"),
        MakeCommitment("R1", "fixed", START + HOUR, START + MINUTE),
        ReportDone("R1", START + 10 * MINUTE),
        ConfirmClosing("R1", START + HOUR, "satisfied", word("V1")),
    )
    do(crm, MakeCommitment("R2", "swept", START + 5 * MINUTE, START + MINUTE), by=S2)
    do(
        crm,
        Reclassify("R2", "no complaint", START + 2 * MINUTE, kind="enquiry"),
        ReportDone("R2", START + 40 * MINUTE),
    )
    do(crm, Apologise("R2", "sorry", "no broom", "today", START + 41 * MINUTE), by=S2)
    do(
        crm,
        ConfirmClosing("R2", START + HOUR, "dissatisfied", word("V2"), "still wet"),
        ReportDone("R3", START + 31 * MINUTE),
        Reopen("R3", START + 2 * HOUR, "leaks again"),
    )


@pytest.mark.rule("REQ-18", "REQ-10")
def test_a_period_is_counted_by_trade_kind_place_and_staff(crm: CRM) -> None:
    busy_day(crm)
    day = Period(date(2011, 3, 1), date(2011, 3, 1))
    rows = crm.requests.statistics(day).rows

    def row(dimension: str, value: str) -> dict[str, int]:
        return {name: n for name, n in rows[dimension][value].items() if n}

    assert row("trade", "engineering") == {
        "received": 2,
        "done_in_time": 1,
        "done_late": 1,
        "satisfied": 1,
        "reopened": 1,
        "promises_kept": 1,
    }
    assert row("trade", "cleaning") == {
        "received": 2,
        "done_late": 1,
        "dissatisfied": 1,
        "promises_broken": 1,
        "apologies": 1,
    }
    assert row("kind", "complaint") == {"received": 1}, "the other was put right since"
    assert row("kind", "enquiry")["dissatisfied"] == 1
    assert row("place", "星河 1")["received"] == 3
    assert row("place", "星河 2") == {"received": 1, "done_late": 1, "reopened": 1}
    assert row("staff", "S5") == {"done_late": 1, "reopened": 1}
    assert row("staff", "S2") == {
        "received": 2,
        "done_late": 1,
        "dissatisfied": 1,
        "promises_broken": 1,
        "apologies": 1,
    }
    assert row("staff", "S17")["promises_kept"] == 1
    for dimension in rows.values():
        assert sum(r["received"] for r in dimension.values()) == 4, "with the one that followed"
        assert all(tuple(r) == COUNTS for r in dimension.values())
    before = Period(date(2011, 2, 1), date(2011, 2, 28))
    assert crm.requests.statistics(before).rows == {name: {} for name in rows}


@pytest.mark.rule("REQ-18")
def test_a_frozen_period_gives_the_same_numbers_after_what_came_later(crm: CRM) -> None:
    busy_day(crm)
    day = Period(date(2011, 3, 1), date(2011, 3, 1))
    first = crm.requests.statistics(day)
    crm.do(receive("R9"), by=CLERK, at=START + 2 * DAY)
    assert crm.requests.statistics(day).rows != first.rows
    assert crm.requests.statistics(day, known=first.cutoff.known) == first


@pytest.mark.rule("REQ-18")
def test_what_came_to_be_known_later_is_not_counted_even_where_it_was_entered_before(
    crm: CRM,
) -> None:
    day = Period(date(2011, 3, 1), date(2011, 3, 1))
    crm.do(receive("R1"), by=CLERK, at=START + 3 * DAY)
    crm.do(receive("R2"), by=CLERK, at=START + DAY)
    rows = crm.requests.statistics(day, known=START + 2 * DAY).rows
    assert rows["trade"]["engineering"]["received"] == 1
    assert crm.requests.statistics(day).rows["trade"]["engineering"]["received"] == 2


@pytest.mark.rule("REQ-18")
def test_the_effect_of_a_plan_is_computed_from_later_events(crm: CRM) -> None:
    do(crm, PROPOSE)
    on_its_day(crm, APPROVE, by=MANAGER)
    assert crm.requests.effect("P1").before is not None or crm.requests.effect("P1").reached is None
    for n in range(10):
        do(crm, receive(f"B{n}", received_at=START + n * DAY))
    assert crm.requests.effect("P1").reached is True, "nothing has come in since"
    for n in range(5):
        do(crm, receive(f"A{n}", received_at=START + (10 + n) * DAY))
    found = crm.requests.effect("P1")
    assert (found.before, found.after, found.change_per_mille, found.reached) == (
        1000,
        500,
        -500,
        True,
    )
    do(crm, receive("A9", received_at=START + 16 * DAY))
    do(crm, receive("C9", trade="cleaning", received_at=START + 16 * DAY))
    assert (crm.requests.effect("P1").change_per_mille, crm.requests.effect("P1").reached) == (
        -400,
        False,
    )
    with pytest.raises(Invalid) as invalid:
        crm.requests.effect("P9")
    assert [fault.code for fault in invalid.value.faults] == ["plan_unknown"]


@pytest.mark.rule("REQ-18")
def test_a_share_is_measured_of_what_was_done(crm: CRM) -> None:
    do(crm, attrs.evolve(PROPOSE, metric="late_share"))
    for n, late in enumerate((10, 40, 40, 10)):
        at = START + n * DAY
        do(crm, receive(f"B{n}", received_at=at), ReportDone(f"B{n}", at + late * MINUTE))
    at = START + 12 * DAY
    do(crm, receive("A1", received_at=at), ReportDone("A1", at + MINUTE))
    found = crm.requests.effect("P1")
    assert (found.before, found.after, found.change_per_mille) == (500, 0, -1000)


@pytest.mark.rule("REQ-18")
def test_a_plan_names_what_it_moves_and_who_is_to_supervise_it() -> None:
    for changed, code in (
        ({"metric": "mood"}, "metric_unknown"),
        ({"dimension": "weather"}, "metric_unknown"),
        ({"measure": ""}, "effect_missing"),
        ({"change_per_mille": 0}, "effect_missing"),
        ({"baseline_end": PROPOSE.runs_from}, "plan_backwards"),
        ({"baseline_start": date(2011, 3, 11)}, "plan_backwards"),
        ({"runs_to": date(2011, 3, 10)}, "plan_backwards"),
        ({"supervisor": "S1"}, "supervisor_missing"),
        ({"responsible": ""}, "supervisor_missing"),
    ):
        given(PLAN).when(attrs.evolve(PROPOSE, **changed)).refused(code, "REQ-18")
    proposed = given(PLAN).when(PROPOSE).events
    assert [(type(e), e.proposed_by) for e in proposed] == [(ImprovementProposed, CLERK.id)]
    given(PLAN, *proposed).when(PROPOSE).refused("plan_exists", "REQ-18")


@pytest.mark.rule("REQ-18", "LOG-08")
def test_a_plan_is_decided_once_and_rejected_for_a_reason() -> None:
    approve = attrs.evolve(APPROVE, by=M2)
    reject = attrs.evolve(approve, approved=False, reason="too dear")
    given(PLAN).when(approve).refused("plan_not_proposed", "REQ-18")
    approved = ImprovementApproved("P1", APPROVE.on, "M2")
    rejected = ImprovementRejected("P1", APPROVE.on, "too dear", "M2")
    proposed = given(PLAN).when(PROPOSE).events
    given(PLAN, *proposed).when(approve).then(approved)
    given(PLAN, *proposed).when(reject).then(rejected)
    given(PLAN, *proposed).when(attrs.evolve(reject, reason="")).refused("reason_missing", "REQ-18")
    for decided in (approved, rejected):
        for again in (approve, reject):
            given(PLAN, *proposed, decided).when(again).refused("plan_decided", "REQ-18")
        given(PLAN, *proposed, decided).when(PROPOSE).refused("plan_exists", "REQ-18")
    given(PLAN, *proposed).when(attrs.evolve(approve, on=PROPOSE.runs_to)).state(
        lambda p: p.approved
    )
    after_its_run = date(2011, 3, 21)
    given(PLAN, *proposed).when(attrs.evolve(approve, on=after_its_run)).refused(
        "plan_over", "REQ-18"
    )
    given(PLAN, *proposed).when(attrs.evolve(reject, on=after_its_run)).state(lambda p: p.rejected)


@pytest.mark.rule("REQ-18", "LOG-08")
def test_a_plan_that_is_approved_is_supervised_and_ended_by_its_supervisor() -> None:
    look, end = (attrs.evolve(command, by=MANAGER) for command in (LOOK, END))
    proposed = given(PLAN).when(PROPOSE).events
    running = (*proposed, ImprovementApproved("P1", APPROVE.on, "M2"))
    given(PLAN, *running).when(look, end).state(
        lambda p: (p.ended.conclusion, p.ended.ended_by) == ("half as many", "M1")
    ).state(lambda p: [look.supervised_by for look in p.supervised] == ["M1"])
    given(PLAN, *running).when(end).refused("never_supervised", "REQ-18")
    rejected = ImprovementRejected("P1", APPROVE.on, "too dear", "M2")
    for past in ((), proposed, (*proposed, rejected)):
        for command in (look, end):
            given(PLAN, *past).when(command).refused("plan_not_running", "REQ-18")
    given(PLAN, *running).when(look, end, look).refused("plan_not_running", "REQ-18")
    for command in (look, end):
        for other in (S1, M2, CLERK):
            given(PLAN, *running).when(attrs.evolve(command, by=other)).refused(
                "not_the_supervisor", "REQ-18"
            )
    given(PLAN, *running).when(attrs.evolve(look, note="")).refused("note_missing", "REQ-18")
    silent = attrs.evolve(end, conclusion="")
    given(PLAN, *running).when(look, silent).refused("note_missing", "REQ-18")
    early = attrs.evolve(look, on=date(2011, 3, 10))
    given(PLAN, *running).when(early).refused("too_early", "REQ-18")
    late = (*proposed, ImprovementApproved("P1", date(2011, 3, 13), "M2"))
    given(PLAN, *late).when(look).refused("too_early", "REQ-18")


@pytest.mark.rule("REQ-18", "LOG-08")
def test_a_plan_takes_somebody_else_at_every_step(crm: CRM) -> None:
    """S17 proposes, M2 approves, S1 carries it out, M1 supervises it and says what came of it."""

    def refused(command: Any, by: Actor) -> tuple[str, str]:
        with pytest.raises(Refused) as found:
            on_its_day(crm, command, by=by)
        return found.value.reason, found.value.rule

    do(crm, PROPOSE)
    for lower in (CLERK, S1, Actor("B3", "supervisor")):
        assert refused(APPROVE, lower) == ("role_insufficient", "LOG-08")
    assert refused(APPROVE, Actor("S17", "director")) == ("own_proposal", "LOG-08")
    assert refused(APPROVE, Actor("S1", "manager")) == ("own_matter", "LOG-08")
    assert refused(LOOK, MANAGER) == ("plan_not_running", "REQ-18")
    on_its_day(crm, APPROVE, by=M2)
    for command in (LOOK, END):
        for other in (Actor("S1", "supervisor"), M2, Actor("D1", "director")):
            assert refused(command, other) == ("not_the_supervisor", "REQ-18")
    on_its_day(crm, LOOK, END, by=MANAGER)
    assert [(e.name, e.envelope.actor) for e in crm.history("improvement/P1")] == [
        ("requests.improvement_proposed/1", "specialist:S17"),
        ("requests.improvement_approved/1", "manager:M2"),
        ("requests.execution_supervised/1", "manager:M1"),
        ("requests.improvement_ended/1", "manager:M1"),
    ]


@pytest.mark.rule("REQ-18", "LOG-08")
def test_a_rejected_plan_is_proposed_anew_under_another_number(crm: CRM) -> None:
    do(crm, PROPOSE)
    on_its_day(crm, attrs.evolve(APPROVE, approved=False, reason="too dear"), by=M2)
    with pytest.raises(Refused, match="plan_exists"):
        do(crm, attrs.evolve(PROPOSE, measure="check valves every month"))
    do(crm, attrs.evolve(PROPOSE, plan="P2", measure="check valves every month"))
    on_its_day(crm, attrs.evolve(APPROVE, plan="P2"), by=M2)


# --- REQ-19: early warning -----------------------------------------------------------------------


@pytest.mark.rule("REQ-19")
def test_more_than_twice_the_usual_number_is_a_warning_with_its_events(crm: CRM) -> None:
    """One a week before, so two; five in the week is above it and enough."""
    for week in range(1, 9):
        at = START - week * 7 * DAY
        do(crm, receive(f"B{week}", received_at=at))
    for n in range(4):
        do(crm, receive(f"N{n}", received_at=START - n * HOUR))
    on = date(2011, 3, 1)
    assert crm.requests.warnings(on) == []
    do(crm, receive("N5", "V2", received_at=START))
    do(crm, receive("X1", "V3", received_at=START))
    [found] = crm.requests.warnings(on)
    assert (found.place, found.trade, found.measure) == ("星河 1", "engineering", "volume")
    assert (found.count, found.usual_per_mille) == (5, 1000)
    numbers = {e.position: e.event.request for e in crm.log.feed() if hasattr(e.event, "request")}
    assert [numbers[p] for p in found.positions] == ["N0", "N1", "N2", "N3", "N5"]
    crm.requests.warn(on)
    crm.requests.warn(on)
    assert [e.name for e in crm.log.feed()].count("requests.warning_raised/1") == 1


@pytest.mark.rule("REQ-19")
def test_what_is_usual_is_no_warning_however_many(crm: CRM) -> None:
    for week in range(9):
        for n in range(6):
            do(crm, receive(f"B{week}-{n}", received_at=START - week * 7 * DAY))
    assert crm.requests.warnings(date(2011, 3, 1)) == []


@pytest.mark.rule("REQ-19")
def test_what_was_usual_long_ago_is_usual_no_more(crm: CRM) -> None:
    """Sixty requests lie more than eight weeks back."""
    for n in range(60):
        do(crm, receive(f"B{n}", received_at=START - 70 * DAY))
    for n in range(5):
        do(crm, receive(f"N{n}"))
    [found] = crm.requests.warnings(date(2011, 3, 1))
    assert (found.count, found.usual_per_mille) == (5, 0)


@pytest.mark.rule("REQ-19")
def test_dissatisfied_customers_are_a_warning_of_their_own(crm: CRM) -> None:
    for n in range(5):
        do(crm, receive(f"N{n}"), ReportDone(f"N{n}", START))
        do(crm, ConfirmClosing(f"N{n}", START + HOUR, "dissatisfied", word("V1"), "still wet"))
    measures = {w.measure for w in crm.requests.warnings(date(2011, 3, 1))}
    assert measures == {"dissatisfaction", "volume"}


@pytest.mark.rule("REQ-19")
def test_a_warning_without_events_is_none() -> None:
    start = date(2011, 3, 1)
    empty = RaiseWarning("x", "cleaning", "volume", start, start, 5, 0, ())
    given(WARNING).when(empty).refused("warning_without_events", "REQ-19")
    mood = attrs.evolve(empty, measure="mood", positions=(1,))
    given(WARNING).when(mood).refused("warning_without_events", "REQ-19")
    full = attrs.evolve(empty, positions=(1, 2))
    assert [type(e) for e in given(WARNING).when(full, full).events] == [WarningRaised]


# --- REQ-08: a new request follows dissatisfaction -----------------------------------------------


@pytest.mark.rule("REQ-08")
def test_who_is_not_satisfied_has_a_new_request_at_once(crm: CRM) -> None:
    do(crm, receive("R1"), ReportDone("R1", START))
    do(crm, ConfirmClosing("R1", START + HOUR, "dissatisfied", word("V1"), "still wet"))
    follow = state(crm, "R1-2")
    assert (follow.received.follows, follow.kind, follow.owner) == ("R1", "complaint", "S17")
    assert follow.received_at == START + HOUR
