"""What can be asked of a request: who does it, promises, pauses, apologies, and closing."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from asking import (
    ACCEPT,
    CLERK,
    CONFIRM,
    CONFIRMED,
    DAY,
    DONE,
    E5,
    HOUR,
    MINUTE,
    OPERATOR,
    PROMISE,
    PROMISED,
    REBASE,
    RECEIVE,
    RECEIVED,
    REOPEN,
    REPORT,
    S18,
    SECOND,
    SLA,
    START,
    SUPERVISOR,
    WARNED,
    WORD,
    after,
    closings,
    folded,
    given,
    kinds,
    said,
    steps,
    superseded,
    verdict,
)

from crm_core import Actor
from crm_core.kernel.sentences import sentences
from crm_core.requests import (
    REQUEST,
    AnswerCustomer,
    Apologise,
    Arrive,
    Closed,
    CloseImported,
    ConfirmClosing,
    ConfirmEntry,
    Dispatch,
    Done,
    Evidence,
    ExtendPause,
    FollowIncident,
    GiveUpCommitment,
    GrabOrder,
    HandOver,
    LinkToIncident,
    MarkDuplicate,
    Merged,
    MergeDuplicate,
    NoteFailedAttempt,
    NoteProgress,
    Open,
    Paused,
    PauseRequest,
    Reclassify,
    RefuseOrder,
    Renegotiate,
    ReportDone,
    ResumeRequest,
    ReturnOrder,
    SlaPolicy,
    TakeStep,
)
from crm_core.requests.events import (
    Apologised,
    ClosedUnanswered,
    CommitmentBroken,
    CommitmentGivenUp,
    CommitmentKept,
    CommitmentMade,
    CommitmentRenegotiated,
    ConfirmationDue,
    CustomerAnswered,
    CustomerDissatisfied,
    EntryConfirmed,
    MarkedDuplicate,
    OrderDispatched,
    OrderGivenBack,
    PauseEnded,
    ProgressNoted,
    RequestClosed,
    RequestMerged,
    RequestPaused,
    RequestRetold,
    StepLifted,
    WorkReportedDone,
)
from crm_core.requests.state import Assignment, Request
from crm_core.requests.verdicts import answer_verdict, trace, verdicts
from crm_core.testing.strategies import sla_text

PAUSE = PauseRequest("R1010", "customer_absent", START + 10 * MINUTE, START + 3 * HOUR)
AFTER = START + HOUR
"""When the work of `DONE` was done, and nothing is done to it any more."""
RESUME = ResumeRequest("R1010", START + 70 * MINUTE)
SORRY = Apologise(
    "R1010", "we are sorry", "the valve came late", "done tonight", START + 130 * MINUTE
)
TELL = NoteProgress("R1010", "valve ordered", True, START + 6 * MINUTE)
BROKEN = after(
    attrs.evolve(PROMISE, due_at=START + HOUR), attrs.evolve(REPORT, done_at=START + 2 * HOUR)
)
OWING = after(
    attrs.evolve(PROMISE, due_at=START + HOUR),
    TakeStep("R1010", "commitment-1", "passed", START + HOUR),
)

# --- REQ-02: answered in rings -------------------------------------------------------------------


@pytest.mark.parametrize(("rings", "kept"), [(0, True), (2, True), (3, False)])
@pytest.mark.rule("REQ-02")
def test_the_phone_is_answered_within_two_rings(rings: int, kept: bool) -> None:
    state = given(REQUEST).when(attrs.evolve(RECEIVE, rings=rings)).after
    assert answer_verdict(state) == {"rings": rings, "target": 2, "kept": kept}


@pytest.mark.rule("REQ-02")
def test_only_a_phone_rings() -> None:
    assert answer_verdict(given(REQUEST).when(RECEIVE).after) is None
    by_app = attrs.evolve(RECEIVE, channel="app", rings=1)
    given(REQUEST).when(by_app).refused("rings_without_phone", "REQ-02")
    given(REQUEST).when(attrs.evolve(RECEIVE, rings=-1)).refused("rings_without_phone", "REQ-02")


@pytest.mark.rule("REQ-01")
def test_a_request_of_no_household_names_its_place() -> None:
    public = attrs.evolve(RECEIVE, household="")
    given(REQUEST).when(public).state(lambda r: r.received.place == "厨房")
    given(REQUEST).when(attrs.evolve(public, place="")).refused("place_missing", "REQ-01")


# --- REQ-05: arrival -----------------------------------------------------------------------------


@pytest.mark.parametrize(("severity", "limit"), [("general", 30), ("major", 15)])
@pytest.mark.parametrize("by", ["acceptance", "order"])
@pytest.mark.rule("REQ-05")
def test_arrival_is_measured_from_the_accepted_promise_or_the_order(
    severity: str, limit: int, by: str
) -> None:
    receive = attrs.evolve(RECEIVE, severity=severity)
    begin: list[Any] = [Dispatch("R1010", "E4", "operator", START + 5 * MINUTE, on_site=True)]
    if by == "acceptance":
        begin = [PROMISE, attrs.evolve(ACCEPT, on_site=True)]
    for late, kept in ((timedelta(0), True), (SECOND, False)):
        arrive = Arrive("R1010", START + (5 + limit) * MINUTE + late)
        found = verdict(given(REQUEST).when(receive, *begin, arrive).after, "arrival-1")
        assert (found.kept, found.due_at) == (kept, START + (5 + limit) * MINUTE)


@pytest.mark.rule("REQ-05")
def test_who_is_not_expected_does_not_arrive_and_nobody_arrives_twice() -> None:
    arrive = Arrive("R1010", START + 9 * MINUTE)
    order = Dispatch("R1010", "E4", "operator", START + 5 * MINUTE, on_site=True)
    given(REQUEST, RECEIVED).when(arrive).refused("nobody_expected", "REQ-05")
    given(REQUEST, RECEIVED).when(order, arrive, arrive).refused("nobody_expected", "REQ-05")
    again = attrs.evolve(order, to="E5", dispatched_at=START + 6 * MINUTE)
    state = given(REQUEST, RECEIVED).when(order, again, arrive).after
    assert verdict(state, "arrival-1").started_at == START + 5 * MINUTE
    early = attrs.evolve(arrive, arrived_at=START + 4 * MINUTE)
    given(REQUEST, RECEIVED).when(order, early).refused("nobody_expected", "REQ-05")
    by_phone = attrs.evolve(order, on_site=False)
    given(REQUEST, RECEIVED).when(by_phone, arrive).refused("nobody_expected", "REQ-05")


# --- REQ-06: orders ------------------------------------------------------------------------------


@pytest.mark.rule("REQ-06")
def test_an_order_goes_to_a_department_or_straight_to_one_operator() -> None:
    given(REQUEST, RECEIVED).state(lambda r: r.assignment == Assignment("S17"))
    for to, form in (("engineering", "department"), ("E4", "operator")):
        order = Dispatch("R1010", to, form, START + MINUTE)
        given(REQUEST, RECEIVED).when(order).state(
            lambda r, to=to, form=form: r.assignment == Assignment(to, form)
        )
    order = Dispatch("R1010", "E4", "operator", START + MINUTE)
    given(REQUEST, RECEIVED).when(attrs.evolve(order, to="")).refused("assignee_missing", "REQ-06")
    given(REQUEST, RECEIVED).when(attrs.evolve(order, form="crowd")).refused(
        "order_unknown", "REQ-06"
    )
    given(REQUEST, RECEIVED).when(attrs.evolve(order, mode="lottery")).refused("order_unknown")
    given(REQUEST, RECEIVED).when(attrs.evolve(order, mode="grab")).refused("order_unknown")
    early = attrs.evolve(order, dispatched_at=START - SECOND)
    given(REQUEST, RECEIVED).when(early).refused("too_early", "REQ-08")
    order = attrs.evolve(order, dispatched_at=AFTER)
    given(REQUEST, RECEIVED, DONE).when(order).refused("request_not_open", "REQ-08")


@pytest.mark.rule("REQ-06")
def test_the_first_to_grab_an_order_has_it() -> None:
    offered = Dispatch("R1010", "engineering", "department", START + MINUTE, "grab")
    grab = GrabOrder("R1010", START + 2 * MINUTE, by=OPERATOR)
    outcome = given(REQUEST, RECEIVED).when(offered, grab)
    assert kinds(outcome) == [OrderDispatched, OrderDispatched]
    outcome.state(lambda r: r.assignment == Assignment("E4", "operator", "grab"))
    second = attrs.evolve(grab, by=E5)
    given(REQUEST, RECEIVED).when(offered, grab, second).refused("order_taken", "REQ-06")
    given(REQUEST, RECEIVED).when(grab).refused("order_taken", "REQ-06")
    early = attrs.evolve(grab, grabbed_at=START - SECOND)
    given(REQUEST, RECEIVED).when(offered, early).refused("too_early", "REQ-08")
    grab = attrs.evolve(grab, grabbed_at=AFTER)
    given(REQUEST, RECEIVED, DONE).when(grab).refused("request_not_open", "REQ-08")


@pytest.mark.parametrize("command", [RefuseOrder, ReturnOrder])
@pytest.mark.rule("REQ-06")
def test_an_order_is_given_back_for_a_reason_and_is_never_nobody_s(command: Any) -> None:
    order = Dispatch("R1010", "E4", "operator", START + MINUTE)
    back = command("R1010", "not my trade", START + 2 * MINUTE, by=OPERATOR)
    outcome = given(REQUEST, RECEIVED).when(order, back)
    assert type(outcome.events[-1]) is OrderGivenBack
    outcome.state(lambda r: r.assignment == Assignment("S17"))
    elsewhere = attrs.evolve(back, to="security", form="department")
    given(REQUEST, RECEIVED).when(order, elsewhere).state(
        lambda r: r.assignment == Assignment("security", "department")
    )
    request = given(REQUEST, *after(order))
    request.when(attrs.evolve(back, reason="")).refused("reason_missing", "REQ-06")
    request.when(attrs.evolve(back, by=E5)).refused("not_assigned", "REQ-06")
    request.when(attrs.evolve(back, to="E4")).refused("not_assigned", "REQ-06")
    request.when(attrs.evolve(back, to="x", form="crowd")).refused("order_unknown", "REQ-06")
    at = {"RefuseOrder": "refused_at", "ReturnOrder": "returned_at"}[command.__name__]
    request.when(attrs.evolve(back, **{at: START - SECOND})).refused("too_early", "REQ-08")
    own = attrs.evolve(back, by=CLERK)
    given(REQUEST, RECEIVED).when(own).refused("not_assigned", "REQ-06")
    back = attrs.evolve(back, **{at: AFTER})
    given(REQUEST, RECEIVED, DONE).when(back).refused("request_not_open", "REQ-08")


@pytest.mark.parametrize("command", [RefuseOrder, ReturnOrder])
@pytest.mark.rule("REQ-06", "LOG-08")
def test_an_order_of_a_department_is_given_back_by_somebody_of_it(command: Any) -> None:
    order = Dispatch("R1010", "engineering", "department", START + MINUTE)
    back = command("R1010", "no valve", START + 2 * MINUTE, by=Actor("E9", "engineering"))
    request = given(REQUEST, *after(order))
    request.when(back).state(lambda r: r.assignment == Assignment("S17"))
    for other in (Actor("E9", "security"), Actor("engineering", "operator"), CLERK):
        request.when(attrs.evolve(back, by=other)).refused("not_assigned", "REQ-06")


@pytest.mark.rule("REQ-01", "REQ-06")
def test_work_nobody_else_has_goes_with_the_request_when_it_is_handed_over() -> None:
    hand_over = HandOver("R1010", "S18", "shift ended")
    given(REQUEST, RECEIVED).when(hand_over).state(lambda r: r.assignment == Assignment("S18"))
    order = Dispatch("R1010", "E4", "operator", START + MINUTE)
    given(REQUEST, RECEIVED).when(order, hand_over).state(lambda r: r.assignment.to == "E4")


# --- REQ-07: no silence --------------------------------------------------------------------------


@pytest.mark.rule("REQ-07")
def test_only_what_the_customer_was_told_ends_a_silence() -> None:
    """Half of what is left of the closing target, at least 15 minutes."""
    state = given(REQUEST, RECEIVED).when(PROMISE, TELL).after
    first, second = verdict(state, "progress-1"), verdict(state, "progress-2")
    assert (first.started_at, first.stopped_at) == (PROMISE.made_at, TELL.noted_at)
    assert second.due_at == TELL.noted_at + 15 * MINUTE
    quiet = attrs.evolve(TELL, customer_told=False)
    outcome = given(REQUEST, RECEIVED).when(PROMISE, quiet)
    assert type(outcome.events[-1]) is ProgressNoted
    assert outcome.after.counts["progress"] == 1
    assert verdict(outcome.after, "progress-1", START + 19 * MINUTE).kept is None
    assert verdict(outcome.after, "progress-1", START + 20 * MINUTE).kept is False
    given(REQUEST, RECEIVED).when(attrs.evolve(TELL, note="")).refused("note_missing", "REQ-07")
    early = attrs.evolve(TELL, noted_at=START - SECOND)
    given(REQUEST, RECEIVED).when(early).refused("too_early", "REQ-08")
    tell = attrs.evolve(TELL, noted_at=AFTER)
    given(REQUEST, RECEIVED, DONE).when(tell).refused("request_not_open", "REQ-08")


@pytest.mark.rule("REQ-07")
def test_the_silence_of_long_work_is_a_day_of_service_at_most() -> None:
    """Thirteen hours of service a day: told at six past nine, told again by then the next day."""
    long = attrs.evolve(PROMISE, due_at=START + 30 * DAY)
    accept = attrs.evolve(ACCEPT, accepted_at=START + 5 * MINUTE)
    state = given(REQUEST, RECEIVED).when(long, accept, TELL).after
    [progress] = [c for c in state.running if c.kind == "progress"]
    assert progress.set.due_at == TELL.noted_at + DAY


@pytest.mark.rule("REQ-07")
def test_the_silence_stands_still_while_the_customer_is_waited_for() -> None:
    state = given(REQUEST, RECEIVED).when(PROMISE, PAUSE, RESUME).after
    assert verdict(state, "progress-1").due_at == PROMISE.made_at + 75 * MINUTE


@pytest.mark.rule("REQ-07", "REQ-12")
def test_a_silence_that_begins_in_a_pause_is_counted_from_its_end() -> None:
    tell = attrs.evolve(TELL, noted_at=START + 60 * MINUTE)
    state = given(REQUEST, RECEIVED).when(PAUSE, tell, RESUME).after
    assert verdict(state, "progress-1").due_at == RESUME.resumed_at + 15 * MINUTE


# --- REQ-09, REQ-10: promises kept, broken, renegotiated -----------------------------------------


@pytest.mark.rule("REQ-10")
def test_a_promise_is_kept_by_work_done_in_time() -> None:
    outcome = given(REQUEST, RECEIVED).when(PROMISE, attrs.evolve(REPORT, done_at=PROMISE.due_at))
    assert kinds(outcome) == [CommitmentMade, CommitmentKept, WorkReportedDone]
    assert verdict(outcome.after, "commitment-1").kept is True


@pytest.mark.rule("REQ-09", "REQ-10")
def test_a_promise_whose_time_has_passed_is_broken_and_asks_for_an_apology() -> None:
    """Whether or not anybody complains, and whether or not the clock-driven part has run."""
    late = attrs.evolve(REPORT, done_at=PROMISE.due_at + SECOND)
    outcome = given(REQUEST, RECEIVED).when(PROMISE, late)
    assert kinds(outcome) == [CommitmentMade, CommitmentBroken, WorkReportedDone]
    [broken] = [e for e in outcome.events if isinstance(e, CommitmentBroken)]
    assert (broken.promised_by, broken.broken_at) == ("S17", PROMISE.due_at)
    apology = verdict(outcome.after, "apology-1", PROMISE.due_at + 30 * MINUTE)
    assert (apology.due_at, apology.kept) == (PROMISE.due_at + 30 * MINUTE, None)
    assert verdict(outcome.after, "commitment-1").late_seconds == 1


@pytest.mark.rule("REQ-09")
def test_a_request_with_an_open_apology_cannot_close() -> None:
    request = given(REQUEST, *BROKEN)
    confirm = attrs.evolve(CONFIRM, confirmed_at=START + 3 * HOUR)
    request.when(confirm).refused("apology_open", "REQ-09")
    asked = [NoteFailedAttempt("R1010", START + n * DAY, "phone") for n in (1, 2, 3, 4)]
    request.when(*asked).state(lambda r: isinstance(r, Done))
    merge = MergeDuplicate("R1010", "R1", "same", START + 3 * HOUR)
    given(REQUEST, *OWING).when(merge).refused("apology_open", "REQ-09")
    request.when(SORRY, confirm).state(lambda r: isinstance(r, Closed))


@pytest.mark.parametrize("part", ["apology", "cause", "remedy"])
@pytest.mark.rule("REQ-09")
def test_an_apology_has_three_parts(part: str) -> None:
    request = given(REQUEST, *BROKEN)
    assert kinds(request.when(SORRY)) == [ConfirmationDue, Apologised]
    for nothing in ("", "  "):
        request.when(attrs.evolve(SORRY, **{part: nothing})).refused(f"{part}_missing", "REQ-09")


@pytest.mark.rule("REQ-09")
def test_an_apology_is_due_half_an_hour_after_the_promised_time() -> None:
    for late, kept in ((timedelta(0), True), (SECOND, False)):
        sorry = attrs.evolve(SORRY, apologised_at=START + 90 * MINUTE + late)
        state = given(REQUEST, *OWING).when(sorry).after
        assert verdict(state, "apology-1").kept is kept


@pytest.mark.rule("REQ-09")
def test_who_owes_no_apology_cannot_make_one_and_none_comes_before_its_cause() -> None:
    given(REQUEST, RECEIVED).when(SORRY).refused("no_apology_owed", "REQ-09")
    given(REQUEST, RECEIVED, DONE, CONFIRMED).when(SORRY).refused("no_apology_owed", "REQ-09")
    early = attrs.evolve(SORRY, apologised_at=START + 59 * MINUTE)
    given(REQUEST, *BROKEN).when(early).refused("no_apology_owed", "REQ-09")


@pytest.mark.rule("REQ-09")
def test_a_promise_that_cannot_be_kept_is_broken_at_once() -> None:
    give_up = GiveUpCommitment("R1010", START + 30 * MINUTE, "the part is not made any more")
    outcome = given(REQUEST, RECEIVED).when(PROMISE, give_up)
    assert kinds(outcome) == [CommitmentMade, CommitmentGivenUp, CommitmentBroken]
    assert (outcome.events[-1].why, outcome.events[-1].promised_by) == ("given_up", "S17")
    assert verdict(outcome.after, "apology-1").due_at == START + HOUR
    in_time = given(REQUEST, RECEIVED).when(PROMISE, give_up, REPORT_LATER).after
    assert verdict(in_time, "commitment-1").kept is False, "what was given up is not kept"
    given(REQUEST, RECEIVED).when(give_up).refused("no_promise", "REQ-10")
    given(REQUEST, *after(PROMISE)).when(attrs.evolve(give_up, reason="")).refused(
        "reason_missing", "REQ-09"
    )
    early = attrs.evolve(give_up, given_up_at=START)
    given(REQUEST, *after(PROMISE)).when(early).refused("no_promise", "REQ-10")
    given(REQUEST, RECEIVED, DONE).when(give_up).refused("request_not_open", "REQ-08")
    passed = attrs.evolve(give_up, given_up_at=START + 5 * HOUR)
    late = given(REQUEST, *after(PROMISE)).when(passed)
    assert kinds(late) == [CommitmentBroken, CommitmentGivenUp]
    time = TakeStep("R1010", "commitment-1", "passed", PROMISE.due_at)
    [broken] = said(given(REQUEST, *after(PROMISE)).when(time))
    assert (broken.why, broken.broken_at) == ("passed", PROMISE.due_at)
    by_a_colleague = attrs.evolve(give_up, by=E5)
    given(REQUEST, *after(PROMISE)).when(by_a_colleague).refused("promise_of_another", "REQ-10")
    by_a_leader = attrs.evolve(give_up, by=SUPERVISOR)
    [_, broken] = said(given(REQUEST, *after(PROMISE)).when(by_a_leader))
    assert (broken.promised_by, broken.why) == ("S17", "given_up")


REPORT_LATER = ReportDone("R1010", START + 40 * MINUTE)


@pytest.mark.rule("REQ-10")
def test_a_promise_that_is_replaced_with_the_customer_s_word_is_kept() -> None:
    other = Renegotiate(
        "R1010",
        "fixed",
        START + 4 * HOUR,
        PROMISE.due_at,
        "customer prefers the evening",
        word=WORD,
    )
    outcome = given(REQUEST, RECEIVED).when(PROMISE, ACCEPT, other)
    assert kinds(outcome)[2:] == [CommitmentKept, CommitmentRenegotiated]
    assert verdict(outcome.after, "commitment-1").kept is True
    assert verdict(outcome.after, "closing-1").due_at == START + 4 * HOUR
    assert outcome.after.duties == ()
    done = attrs.evolve(REPORT, done_at=START + 4 * HOUR)
    assert verdict(given(REQUEST, RECEIVED).when(PROMISE, other, done).after, "commitment-2").kept


@pytest.mark.rule("REQ-10", "REQ-09")
def test_a_promise_that_staff_alone_move_is_broken_before_its_time() -> None:
    """Nobody asked the customer: an apology is owed, and what they accepted stays agreed."""
    moved = Renegotiate(
        "R1010", "fixed", START + 4 * HOUR, START + HOUR, "the valve is not here yet"
    )
    outcome = given(REQUEST, RECEIVED).when(PROMISE, ACCEPT, moved)
    assert kinds(outcome)[2:] == [CommitmentBroken, CommitmentRenegotiated]
    broken = said(outcome)[2]
    assert (broken.why, broken.broken_at, broken.promised_by) == ("moved", START + HOUR, "S17")
    assert verdict(outcome.after, "commitment-1").kept is False
    assert verdict(outcome.after, "closing-1").due_at == PROMISE.due_at
    assert [duty.promised_by for duty in outcome.after.duties] == ["S17"]
    promised = given(REQUEST, *after(PROMISE))
    promised.when(attrs.evolve(moved, by=E5)).refused("promise_of_another", "REQ-10")
    promised.when(attrs.evolve(moved, by=SUPERVISOR)).state(
        lambda r: (r.promise.by, r.duties[0].promised_by) == ("B3", "S17")
    )


@pytest.mark.rule("REQ-10", "REQ-09")
def test_renegotiating_after_it_was_due_leaves_it_broken() -> None:
    late = Renegotiate("R1010", "fixed", START + 4 * HOUR, PROMISE.due_at + SECOND, "took longer")
    outcome = given(REQUEST, RECEIVED).when(PROMISE, late)
    assert kinds(outcome) == [CommitmentMade, CommitmentBroken, CommitmentRenegotiated]
    assert outcome.events[-1].replaces == ""
    assert len(outcome.after.duties) == 1
    request = given(REQUEST, *after(PROMISE))
    for changed, code in (
        ({"form": "hope"}, "promise_of_nothing"),
        ({"due_at": late.renegotiated_at}, "promise_in_the_past"),
        ({"reason": ""}, "reason_missing"),
        ({"renegotiated_at": START - SECOND}, "too_early"),
    ):
        request.when(attrs.evolve(late, **changed)).refused(code)
    given(REQUEST, RECEIVED).when(late).refused("no_promise", "REQ-10")
    given(REQUEST, RECEIVED, DONE).when(late).refused("request_not_open", "REQ-08")


@pytest.mark.rule("REQ-10", "LOG-08")
def test_what_the_customer_said_to_another_promise_is_kept_with_it() -> None:
    for at, by in ((PROMISE.due_at, CLERK), (PROMISE.due_at + SECOND, E5)):
        asked = Renegotiate("R1010", "fixed", START + 4 * HOUR, at, "took longer", by=by)
        for word in (WORD, None):
            outcome = given(REQUEST, RECEIVED).when(PROMISE, attrs.evolve(asked, word=word))
            promised = outcome.events[-1]
            assert isinstance(promised, CommitmentMade | CommitmentRenegotiated)
            assert (promised.promised_by, promised.word) == (by.id, word)


@pytest.mark.rule("REQ-09", "REQ-10")
def test_work_done_in_time_that_came_to_be_known_late_lifts_the_apology() -> None:
    """At 11:00:01 nobody knew; at 11:05 another enters, with a photo, that it was done at 10:50."""
    step = TakeStep("R1010", "commitment-1", "passed", PROMISE.due_at)
    done_at = PROMISE.due_at - 10 * MINUTE
    photo = Evidence("photo", "IMG 7", done_at)
    outcome = given(REQUEST, *after(PROMISE, step)).when(
        attrs.evolve(REPORT, done_at=done_at, evidence=photo)
    )
    assert kinds(outcome)[0] is WorkReportedDone
    lifted = [e for e in outcome.events if isinstance(e, StepLifted)]
    assert [e.clock for e in lifted if e.what == "promise_broken"] == ["commitment-1"]
    [kept] = [e for e in outcome.events if isinstance(e, CommitmentKept)]
    assert (kept.kept_at, kept.late, kept.promised_by) == (done_at, True, "S17")
    assert kinds(outcome)[-1] is RequestRetold
    assert outcome.after.duties == ()
    assert outcome.after.clock("apology") is None
    assert verdict(outcome.after, "commitment-1").kept is True
    assert verdict(outcome.after, "closing-1").stopped_at == done_at


@pytest.mark.rule("REQ-09", "REQ-10")
def test_what_comes_late_without_evidence_is_kept_and_lifts_nothing() -> None:
    step = TakeStep("R1010", "commitment-1", "passed", PROMISE.due_at)
    known_at = PROMISE.due_at + 5 * MINUTE
    done_at = PROMISE.due_at - 10 * MINUTE
    late = attrs.evolve(REPORT, done_at=done_at, known_at=known_at)
    broken = after(PROMISE, step)
    for evidence in (
        None,
        Evidence("photo", " ", done_at),
        Evidence("photo", "IMG 7", PROMISE.due_at),
    ):
        outcome = given(REQUEST, *broken).when(attrs.evolve(late, evidence=evidence))
        [reported] = said(outcome)
        assert isinstance(reported, WorkReportedDone)
        assert (reported.done_at, reported.counts_from) == (done_at, known_at)
        assert [duty.promised_by for duty in outcome.after.duties] == ["S17"]
        assert verdict(outcome.after, "commitment-1").kept is False
    own = attrs.evolve(late, by=CLERK, evidence=Evidence("photo", "IMG 7", done_at))
    assert given(REQUEST, *broken).when(own).after.duties, "nobody lifts what they broke"


@pytest.mark.rule("REQ-10")
def test_somebody_else_confirms_by_older_evidence_when_it_happened() -> None:
    step = TakeStep("R1010", "commitment-1", "passed", PROMISE.due_at)
    done_at = PROMISE.due_at - 10 * MINUTE
    late = attrs.evolve(REPORT, done_at=done_at, known_at=PROMISE.due_at + 5 * MINUTE, by=CLERK)
    photo = Evidence("photo", "IMG 7", done_at)
    request = given(REQUEST, *after(PROMISE, step, late))
    confirm = ConfirmEntry("R1010", 2, photo, by=S18)
    outcome = request.when(confirm)
    assert outcome.events[0] == EntryConfirmed(
        request="R1010", entry=2, counts_from=done_at, confirmed_by="S18", evidence=photo
    )
    assert outcome.after.duties == ()
    assert verdict(outcome.after, "commitment-1").kept is True
    assert verdict(outcome.after, "closing-1").stopped_at == done_at
    request.when(attrs.evolve(confirm, by=CLERK)).refused("entry_own", "REQ-10")
    for number in (0, 3):
        request.when(attrs.evolve(confirm, entry=number)).refused("entry_unknown", "REQ-10")
    request.when(attrs.evolve(confirm, entry=1)).refused("entry_counts", "REQ-10")
    request.when(confirm, confirm).refused("entry_counts", "REQ-10")
    for shown in (Evidence("photo", "", done_at), Evidence("photo", "IMG 7", PROMISE.due_at)):
        request.when(attrs.evolve(confirm, evidence=shown)).refused(
            "evidence_insufficient", "REQ-10"
        )
    given(REQUEST).when(confirm).refused("request_not_open", "REQ-08")


@pytest.mark.rule("REQ-09", "REQ-10")
def test_who_owns_a_request_confirms_nothing_that_lifts_its_breach() -> None:
    """Done after twenty minutes, entered by the operator two hours later without evidence."""
    breached = after(TakeStep("R1010", "closing-1", "breach", START + 30 * MINUTE))
    late = attrs.evolve(REPORT, known_at=START + 2 * HOUR)
    request = given(REQUEST, *breached, *given(REQUEST, *breached).when(late).events)
    note = Evidence("signed_note", "N 9", START + 20 * MINUTE)
    confirm = ConfirmEntry("R1010", 1, note, by=CLERK)
    request.when(confirm).refused("evidence_insufficient", "REQ-10")
    request.when(attrs.evolve(confirm, by=S18)).state(
        lambda r: verdict(r, "closing-1").kept is True
    )


@pytest.mark.rule("REQ-03", "REQ-10")
def test_an_answer_that_was_promised_is_kept_by_the_answer() -> None:
    promise = attrs.evolve(PROMISE, form="answer", outcome="what the repair costs")
    answer = AnswerCustomer("R1010", START + HOUR)
    outcome = given(REQUEST, RECEIVED).when(promise, answer)
    assert kinds(outcome)[1:] == [CommitmentKept, CustomerAnswered]
    assert outcome.after.promise is None
    outcome = given(REQUEST, RECEIVED).when(PROMISE, answer)
    assert kinds(outcome)[1:] == [CustomerAnswered]
    assert outcome.after.promise is not None, "an answer is not the outcome"
    late = attrs.evolve(answer, answered_at=PROMISE.due_at + SECOND)
    assert kinds(given(REQUEST, *after(promise)).when(late)) == [CommitmentBroken, CustomerAnswered]
    early = attrs.evolve(answer, answered_at=START - SECOND)
    given(REQUEST, RECEIVED).when(early).refused("too_early", "REQ-08")
    given(REQUEST, RECEIVED, DONE).when(answer).refused("request_not_open", "REQ-08")
    given(REQUEST, RECEIVED).when(attrs.evolve(PROMISE, form="hope")).refused(
        "promise_of_nothing", "REQ-03"
    )
    given(REQUEST, RECEIVED).when(attrs.evolve(PROMISE, outcome=" ")).refused(
        "outcome_missing", "REQ-03"
    )
    soon = attrs.evolve(ACCEPT, accepted_at=START - SECOND)
    given(REQUEST, RECEIVED).when(soon).refused("too_early", "REQ-08")


# --- REQ-12: pauses ------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", [*SLA.pauses.customer, *SLA.pauses.third_party])
@pytest.mark.rule("REQ-12")
def test_clocks_stand_still_for_reasons_of_the_customer_or_a_third_party(reason: str) -> None:
    outcome = given(REQUEST, RECEIVED).when(attrs.evolve(PAUSE, reason=reason))
    [paused] = said(outcome)
    assert steps(outcome) == [f"promise-1 {p}" for p in (50, 80, 100, 150)]
    assert isinstance(paused, RequestPaused)
    assert paused.side == ("third_party" if reason.startswith("third") else "customer")
    outcome.state(lambda r: isinstance(r, Paused))
    assert verdict(outcome.after, "closing-1").kept is None, "not even a year later"
    resumed = given(REQUEST, *after(attrs.evolve(PAUSE, reason=reason))).when(RESUME)
    assert verdict(resumed.after, "closing-1").due_at == START + 90 * MINUTE


@pytest.mark.parametrize("reason", ["no staff", "no parts", "", "lunch"])
@pytest.mark.rule("REQ-12")
def test_no_clock_stands_still_for_reasons_of_our_own(reason: str) -> None:
    given(REQUEST, RECEIVED).when(attrs.evolve(PAUSE, reason=reason)).refused(
        "pause_reason_unknown", "REQ-12"
    )


@pytest.mark.rule("REQ-12")
def test_a_pause_ends_at_its_expected_end_at_the_latest() -> None:
    """Whoever forgets to resume gains nothing."""
    late = attrs.evolve(RESUME, resumed_at=START + 9 * HOUR)
    given(REQUEST, *after(PAUSE)).when(late).nothing()
    time = TakeStep("R1010", "pause", "resume", PAUSE.expected_end)
    [ended] = said(given(REQUEST, *after(PAUSE)).when(time))
    assert isinstance(ended, PauseEnded)
    assert ended.ended_at == PAUSE.expected_end
    done = attrs.evolve(REPORT, done_at=START + 9 * HOUR)
    outcome = given(REQUEST, *after(PAUSE)).when(done)
    assert said(outcome)[0] == ended
    assert kinds(outcome) == [PauseEnded, WorkReportedDone]
    found = verdict(outcome.after, "closing-1")
    assert (found.due_at, found.kept) == (PAUSE.expected_end + 20 * MINUTE, False)


@pytest.mark.rule("REQ-12")
def test_a_pause_has_an_expected_end_that_can_be_moved_while_it_lasts() -> None:
    no_end = attrs.evolve(PAUSE, expected_end=PAUSE.paused_at)
    given(REQUEST, RECEIVED).when(no_end).refused("pause_without_end", "REQ-12")
    extend = ExtendPause("R1010", "key on holiday", START + 2 * HOUR, START + 9 * HOUR)
    longer = given(REQUEST, *after(PAUSE, extend))
    resumed = longer.when(attrs.evolve(RESUME, resumed_at=START + 8 * HOUR)).events[0]
    assert resumed.resumed_at == START + 8 * HOUR
    paused = given(REQUEST, *after(PAUSE))
    paused.when(attrs.evolve(extend, reason="")).refused("reason_missing", "REQ-12")
    over = attrs.evolve(extend, extended_at=PAUSE.expected_end)
    paused.when(over).refused("not_paused", "REQ-12")
    early = attrs.evolve(extend, extended_at=START)
    paused.when(early).refused("not_paused", "REQ-12")
    no_end_either = attrs.evolve(extend, expected_end=extend.extended_at)
    paused.when(no_end_either).refused("pause_without_end", "REQ-12")
    given(REQUEST, RECEIVED).when(extend).refused("not_paused", "REQ-12")


@pytest.mark.rule("REQ-12")
def test_what_stands_still_neither_stops_twice_nor_goes_on_twice() -> None:
    given(REQUEST, *after(PAUSE)).when(PAUSE).refused("already_paused", "REQ-12")
    given(REQUEST, RECEIVED).when(RESUME).refused("not_paused", "REQ-12")
    over = attrs.evolve(PAUSE, paused_at=AFTER)
    given(REQUEST, RECEIVED, DONE).when(over).refused("request_not_open", "REQ-08")
    early = attrs.evolve(RESUME, resumed_at=START)
    given(REQUEST, *after(PAUSE)).when(early).refused("not_paused", "REQ-12")
    before = attrs.evolve(PAUSE, paused_at=START - SECOND)
    given(REQUEST, RECEIVED).when(before).refused("too_early", "REQ-08")
    second = attrs.evolve(PAUSE, paused_at=START + 20 * MINUTE)
    given(REQUEST, *after(PAUSE, RESUME)).when(second).refused("already_paused", "REQ-12")
    early_done = attrs.evolve(REPORT, done_at=START + 9 * MINUTE)
    given(REQUEST, *after(PAUSE)).when(early_done).state(
        lambda r: (type(r), r.done_at, tuple(r.pauses)) == (Done, START + 9 * MINUTE, ())
    )


@pytest.mark.rule("REQ-12")
def test_whatever_happens_in_a_pause_leaves_it_as_it_is() -> None:
    """Promises are made, accepted and moved, somebody arrives, the customer is told."""
    at = START + HOUR
    order = Dispatch("R1010", "E4", "operator", START + 5 * MINUTE, on_site=True)
    promise = attrs.evolve(PROMISE, made_at=at, due_at=START + 5 * HOUR)
    moved = Renegotiate("R1010", "x", START + 6 * HOUR, START + 2 * HOUR, "x", word=WORD)
    for past, command in (
        ((order, PAUSE), promise),
        ((order, PAUSE, promise), attrs.evolve(ACCEPT, accepted_at=at)),
        ((order, PAUSE, promise), moved),
        ((order, PAUSE), Arrive("R1010", at)),
        ((order, PAUSE), attrs.evolve(TELL, noted_at=at)),
        ((order, PAUSE), AnswerCustomer("R1010", at)),
    ):
        outcome = given(REQUEST, *after(*past)).when(command)
        assert said(outcome)
        assert isinstance(outcome.after, Paused), command
        assert outcome.after.pause == folded(*after(PAUSE)).pause
    closed = given(REQUEST, *after(PAUSE)).when(CloseImported("R1010", at))
    assert kinds(closed) == [PauseEnded, WorkReportedDone, RequestClosed]
    found = verdict(closed.after, "closing-1")
    assert (found.kept, found.late_seconds) == (True, -20 * 60), "judged as if it ended then"


@pytest.mark.rule("REQ-12")
def test_two_pauses_in_the_same_minute_and_one_over_midnight_both_count_once() -> None:
    first = attrs.evolve(PAUSE, paused_at=START + 600 * SECOND)
    resume = attrs.evolve(RESUME, resumed_at=START + 610 * SECOND)
    again = attrs.evolve(PAUSE, paused_at=START + 620 * SECOND, expected_end=START + 2 * DAY)
    on = attrs.evolve(RESUME, resumed_at=START + DAY)
    state = given(REQUEST, RECEIVED).when(first, resume, again, on).after
    stood = timedelta(seconds=10) + DAY - timedelta(seconds=620)
    assert verdict(state, "closing-1").due_at == START + 30 * MINUTE + stood


@pytest.mark.rule("REQ-12", "REQ-09")
def test_a_promise_whose_time_had_passed_before_the_pause_stays_broken() -> None:
    short = attrs.evolve(PROMISE, due_at=START + 9 * MINUTE)
    outcome = given(REQUEST, *after(short)).when(PAUSE)
    assert kinds(outcome) == [CommitmentBroken, RequestPaused]
    still = given(REQUEST, *after(PROMISE, PAUSE)).when(
        attrs.evolve(TELL, noted_at=START + 2 * HOUR + MINUTE)
    )
    assert kinds(still) == [ProgressNoted], "its time does not pass while clocks stand still"


# --- REQ-12, REQ-14: reclassifying ---------------------------------------------------------------


@pytest.mark.rule("REQ-12", "REQ-14")
def test_reclassifying_keeps_what_was_counted_and_what_was_paused() -> None:
    major = Reclassify("R1010", "many flats", START + 80 * MINUTE, severity="major")
    state = given(REQUEST, RECEIVED).when(PAUSE, RESUME, major).after
    assert verdict(state, "closing-1").due_at == START + 7 * HOUR
    earlier = superseded(state, "closing-1", START + 91 * MINUTE)
    assert (earlier.due_at, earlier.kept) == (START + 90 * MINUTE, False)
    while_paused = attrs.evolve(major, reclassified_at=START + 20 * MINUTE)
    other = given(REQUEST, RECEIVED).when(PAUSE, while_paused, RESUME).after
    assert verdict(other, "closing-1").due_at == START + 7 * HOUR


@pytest.mark.rule("REQ-01", "REQ-12")
def test_reclassifying_needs_a_reason_and_words_that_are_known() -> None:
    change = Reclassify("R1010", "not a repair", START + MINUTE, kind="complaint")
    given(REQUEST, RECEIVED).when(change).state(
        lambda r: (r.kind, r.trade, r.severity) == ("complaint", "engineering", "general")
    )
    given(REQUEST, RECEIVED).when(attrs.evolve(change, kind=None)).nothing()
    given(REQUEST, RECEIVED).when(attrs.evolve(change, reason="")).refused(
        "reason_missing", "REQ-12"
    )
    for field, code in (
        ("kind", "unknown_kind"),
        ("trade", "unknown_trade"),
        ("severity", "unknown_severity"),
    ):
        given(REQUEST, RECEIVED).when(attrs.evolve(change, **{field: "smoke"})).refused(code)
    early = attrs.evolve(change, reclassified_at=START - SECOND)
    given(REQUEST, RECEIVED).when(early).refused("too_early", "REQ-08")
    over = attrs.evolve(change, reclassified_at=AFTER)
    given(REQUEST, RECEIVED, DONE).when(over).refused("request_not_open", "REQ-08")
    early_rebase = attrs.evolve(REBASE, rebased_at=START - SECOND)
    given(REQUEST, RECEIVED).when(early_rebase).refused("too_early", "REQ-08")


@pytest.mark.rule("REQ-13", "REQ-14")
def test_a_clock_that_is_set_anew_after_its_time_is_breached_and_gives_no_warning() -> None:
    late = attrs.evolve(REBASE, rebased_at=START + 20 * MINUTE)
    state = given(REQUEST, RECEIVED).when(late).after
    [closing] = [c for c in state.running if c.kind == "closing"]
    assert (closing.set.step, closing.set.next_at) == ("breach", START + 10 * MINUTE)
    soon = attrs.evolve(REBASE, rebased_at=START + 6 * MINUTE)
    state = given(REQUEST, RECEIVED).when(soon).after
    [closing] = [c for c in state.running if c.kind == "closing"]
    assert (closing.set.step, closing.set.next_at) == ("warn_80", START + 8 * MINUTE)


# --- REQ-08: dissatisfied, and merged ------------------------------------------------------------


@pytest.mark.rule("REQ-08")
def test_a_customer_who_is_not_satisfied_makes_a_new_request() -> None:
    outcome = given(REQUEST, RECEIVED, DONE).when(
        attrs.evolve(CONFIRM, opinion="dissatisfied", words="still wet")
    )
    assert kinds(outcome) == [ConfirmationDue, RequestClosed, CustomerDissatisfied]
    asks = outcome.events[-1]
    assert (asks.successor, asks.owner, asks.household) == ("R1010-2", "S17", "V00001")
    again = ReportDone("R1010", REOPEN.reopened_at + MINUTE)
    no = ConfirmClosing("R1010", REOPEN.reopened_at + HOUR, "dissatisfied", WORD, "still wet")
    second = given(REQUEST, RECEIVED, DONE, CONFIRMED).when(REOPEN, again, no).events[-1]
    assert second.successor == "R1010-3"
    long = attrs.evolve(RECEIVE, request="R" * 64)
    done, deny = (
        attrs.evolve(c, request="R" * 64)
        for c in (REPORT, attrs.evolve(CONFIRM, opinion="dissatisfied", words="still wet"))
    )
    named = given(REQUEST).when(long, done, deny).events[-1].successor
    assert len(named) <= 64


@pytest.mark.rule("GRD-02")
def test_a_duplicate_goes_on_in_the_other_request() -> None:
    merge = MergeDuplicate("R1010", "R1009", "same leak", START + 10 * MINUTE)
    outcome = given(REQUEST, RECEIVED).when(merge)
    assert kinds(outcome) == [RequestMerged, MarkedDuplicate]
    outcome.state(lambda r: isinstance(r, Merged) and r.running == ())
    marked = MarkDuplicate("R1010", "R1009", "same leak")
    assert kinds(given(REQUEST, *after(marked)).when(merge)) == [RequestMerged]
    assert (
        kinds(given(REQUEST, *after(PAUSE)).when(attrs.evolve(merge, merged_at=START + HOUR)))[0]
        is PauseEnded
    )
    given(REQUEST, RECEIVED).when(attrs.evolve(merge, into="R1010")).refused("duplicate_of_itself")
    other = attrs.evolve(marked, of="R1008")
    given(REQUEST, *after(other)).when(merge).refused("duplicate_already", "GRD-02")
    given(REQUEST, RECEIVED, PROMISED).when(merge).refused("promise_outstanding", "REQ-10")
    given(REQUEST, RECEIVED).when(attrs.evolve(merge, merged_at=START - SECOND)).refused(
        "too_early"
    )
    over = attrs.evolve(merge, merged_at=AFTER)
    given(REQUEST, RECEIVED, DONE).when(over).refused("request_not_open", "REQ-08")
    hand_over = HandOver("R1010", "S18", "x")
    given(REQUEST, *after(merge)).when(hand_over).refused("request_not_open", "REQ-08")
    given(REQUEST, *after(merge)).when(REOPEN).refused("request_not_closed", "REQ-16")


# --- REQ-17: following an incident ---------------------------------------------------------------


@pytest.mark.rule("REQ-17")
def test_a_request_follows_the_incident_it_belongs_to_and_no_other() -> None:
    link = LinkToIncident("R1010", "I1")
    told = FollowIncident(
        "R1010", "I1", "answered", "water is back at 12", START + 8 * MINUTE, "S1"
    )
    done = attrs.evolve(told, what="done", at=START + 20 * MINUTE)
    [noted] = said(given(REQUEST, *after(link)).when(told))
    assert (type(noted), noted.noted_by) == (ProgressNoted, "S1")
    outcome = given(REQUEST, *after(link)).when(told, done)
    assert verdict(outcome.after, "closing-1").kept is True
    outcome.state(lambda r: isinstance(r, Done))
    given(REQUEST, RECEIVED).when(told).nothing()
    given(REQUEST, *after(link, REPORT)).when(done).nothing()
    given(REQUEST, *after(link)).when(link).nothing()
    given(REQUEST, *after(link)).when(attrs.evolve(link, incident="I2")).refused(
        "incident_linked", "REQ-17"
    )
    given(REQUEST, RECEIVED, DONE).when(link).refused("request_not_open", "REQ-08")
    paused = given(REQUEST, *after(link, PAUSE)).when(attrs.evolve(done, at=START + HOUR))
    assert kinds(paused) == [PauseEnded, WorkReportedDone]


# --- REQ-13: what time brings --------------------------------------------------------------------


def stepped(*past: Any, until: Any = START + 12 * HOUR) -> tuple[Any, ...]:
    """Everything that the clock brings about by then, in the order in which it falls due."""
    events = past
    while True:
        state = folded(*events)
        ahead = [
            (clock.set.next_at, clock.name, clock.set.step)
            for clock in state.running
            if clock.set.next_at is not None and clock.set.next_at < until
        ]
        if not ahead:
            return events[len(past) :]
        at, name, step = min(ahead)
        events = (*events, *given(REQUEST, *events).when(TakeStep("R1010", name, step, at)).events)


@pytest.mark.rule("REQ-13")
def test_warnings_at_50_and_80_breach_at_100_and_escalation_step_by_step() -> None:
    told = [
        (type(e).__name__, (e.at - START) // MINUTE, getattr(e, "told", ""))
        for e in stepped(RECEIVED)
        if e.clock == "closing-1"
    ]
    assert told == [
        ("ClockWarned", 15, ""),
        ("ClockWarned", 24, ""),
        ("ClockBreached", 30, "specialist"),
        ("Escalated", 45, "supervisor"),
        ("Escalated", 60, "manager"),
        ("Escalated", 75, "director"),
    ]


@pytest.mark.rule("REQ-13", "REQ-11")
def test_warnings_are_counted_in_working_time() -> None:
    """An hour from Friday 17:30 in office hours until 18:00: 80 % is Monday 9:18."""
    office = SlaPolicy.parse(sla_text(general=3600, closing="office"))
    friday = START + 3 * DAY + 8 * HOUR + 30 * MINUTE
    receive = attrs.evolve(RECEIVE, received_at=friday, policy=office)
    [received] = given(REQUEST).when(receive).events
    state = folded(received)
    closing = next(v for v in verdicts(state, friday, lambda *_: office) if v.clock == "closing-1")
    assert closing.due_at == START + 6 * DAY + 30 * MINUTE
    first = TakeStep("R1010", "closing-1", "warn_50", friday + 30 * MINUTE, policy=office)
    after_first = given(REQUEST, received).when(first).after
    [closing] = [c for c in after_first.running if c.kind == "closing"]
    assert (closing.set.step, closing.set.next_at) == ("warn_80", START + 6 * DAY + 18 * MINUTE)


@pytest.mark.rule("REQ-13")
def test_a_step_is_taken_once_and_one_that_has_moved_on_not_at_all() -> None:
    step = TakeStep("R1010", "closing-1", "warn_50", START + 15 * MINUTE)
    taken = given(REQUEST, RECEIVED).when(step)
    assert said(taken) == []
    assert steps(taken) == [
        *(f"promise-1 {p}" for p in (50, 80, 100, 150, 200, 250)),
        "closing-1 50",
    ]
    given(REQUEST, RECEIVED, *taken.events).when(step).nothing()
    given(REQUEST, RECEIVED).when(attrs.evolve(step, at=START)).nothing()
    another = attrs.evolve(step, clock="arrival-1", step="breach")
    given(REQUEST, RECEIVED).when(another).then(*taken.events)
    given(REQUEST, RECEIVED, DONE).when(step).nothing()
    # What was reached in the instant in which the pause began is recorded; the rest stands still.
    assert steps(given(REQUEST, *after(PAUSE)).when(step)) == ["promise-1 200"]
    given(REQUEST).when(step).refused("request_not_open", "REQ-08")
    given(REQUEST, RECEIVED).when(TakeStep("R1010", "pause", "resume", START)).nothing()
    fell_due = TakeStep("R1010", "promise-1", "warn_50", START + 150 * SECOND)
    given(REQUEST, *after(PAUSE)).when(fell_due).nothing()
    given(REQUEST, RECEIVED).when(fell_due).then(WARNED)
    later = attrs.evolve(fell_due, until=START + 15 * MINUTE + SECOND)
    given(REQUEST, RECEIVED).when(later).then(*taken.events)


@pytest.mark.rule("REQ-08", "REQ-13")
def test_the_customer_is_to_be_asked_once_a_day_in_service_hours() -> None:
    """Done at 20:30 in Shanghai; nobody asks, and that is a breach, not a closing."""
    done = attrs.evolve(REPORT, done_at=START + 11 * HOUR + 30 * MINUTE)
    events = stepped(*after(done), until=START + 9 * DAY)
    asked = [(e.attempt, e.due_at - START) for e in events if type(e).__name__ == "ConfirmationDue"]
    evening = 11 * HOUR + 30 * MINUTE
    assert asked == [(1, evening), (2, DAY + evening), (3, 2 * DAY + evening)]
    assert "ClockBreached" in {type(e).__name__ for e in events}
    night = attrs.evolve(REPORT, done_at=START + 14 * HOUR)
    events = stepped(*after(night), until=START + 2 * DAY)
    first = next(e for e in events if hasattr(e, "attempt"))
    assert first.due_at == START + 23 * HOUR, "eight in the morning"


@pytest.mark.rule("REQ-08")
def test_three_attempts_in_one_day_close_it_when_the_three_days_are_over() -> None:
    asked = [NoteFailedAttempt("R1010", DONE.done_at + n * HOUR, "phone") for n in (1, 2, 3)]
    events = stepped(*after(REPORT, *asked), until=START + 9 * DAY)
    [closed] = [e for e in events if isinstance(e, ClosedUnanswered)]
    assert (closed.closed_at, closed.attempts) == (DONE.done_at + 3 * DAY, 3)


@pytest.mark.rule("REQ-09", "REQ-08")
def test_what_waited_for_the_apology_alone_closes_after_it() -> None:
    asked = [NoteFailedAttempt("R1010", START + n * DAY, "phone") for n in (1, 2, 3)]
    waiting = (*BROKEN, *given(REQUEST, *BROKEN).when(*asked).events)
    assert not any(
        isinstance(e, ClosedUnanswered) for e in stepped(*waiting, until=START + 9 * DAY)
    )
    sorry = attrs.evolve(SORRY, apologised_at=START + 5 * DAY)
    then = (*waiting, *given(REQUEST, *waiting).when(sorry).events)
    [closed] = [e for e in stepped(*then, until=START + 9 * DAY) if isinstance(e, ClosedUnanswered)]
    assert closed.closed_at == START + 5 * DAY


# --- REQ-11, REQ-15: calendars and traces --------------------------------------------------------


@pytest.mark.rule("REQ-15")
def test_a_verdict_comes_with_every_stretch_and_why_it_counted() -> None:
    office = SlaPolicy.parse(sla_text(general=4 * 3600, closing="office"))
    receive = attrs.evolve(RECEIVE, policy=office)
    pause = attrs.evolve(PAUSE, paused_at=START + HOUR, policy=office)
    resume = attrs.evolve(RESUME, resumed_at=START + 2 * HOUR, policy=office)
    state: Request = given(REQUEST).when(receive, pause, resume).after
    [closing] = [c for c in state.running if c.kind == "closing"]
    assert closing.set.due_at == START + 6 * HOUR + 30 * MINUTE
    found = trace(closing, state, closing.set.due_at, lambda *_: office)
    assert [
        ((s.start - START) / HOUR, (s.end - START) / HOUR, s.counted, s.why) for s in found
    ] == [
        (0, 1, True, "working hours"),
        (1, 2, False, "paused: customer_absent"),
        (2, 3, True, "working hours"),
        (3, 4.5, False, "outside working hours"),
        (4.5, 6.5, True, "working hours"),
    ]
    assert sum((s.end - s.start for s in found if s.counted), timedelta()) == 4 * HOUR


@pytest.mark.rule("REQ-16")
def test_a_request_can_be_reopened_many_times() -> None:
    events: tuple[Any, ...] = (RECEIVED,)
    for n in range(1, 6):
        done = ReportDone("R1010", START + n * DAY)
        events = (*events, *given(REQUEST, *events).when(done).events)
        again = attrs.evolve(REOPEN, reopened_at=START + n * DAY + HOUR)
        events = (*events, *given(REQUEST, *events).when(again).events)
    state = folded(*events)
    assert (state.reopened, closings(state)) == (5, 6)
    assert isinstance(state, Open)


def test_every_sentence_of_a_refusal_stands_in_the_catalogue() -> None:
    """In both languages; those that are reached are looked at wherever something is refused."""
    folder = Path(__file__).parents[2] / "src" / "crm_core" / "requests"
    source = "".join(p.read_text(encoding="utf-8") for p in folder.rglob("*.py"))
    statuses = ("closed", "done", "merged", "not_received", "open", "paused")
    needed = {f"too_early_{what}" for what in re.findall(r'too_early\("(\w+)"', source)}
    needed |= {f"reason_missing_{d}" for d in re.findall(r'no_reason\("[\w-]+", "(\w+)"', source)}
    needed |= set(re.findall(r'sentence="(\w+)"', source))
    needed |= {f"unknown_{what}" for what in ("channel", "kind", "severity", "trade")}
    known = sentences("refused-req")
    assert len(needed) > 25
    assert needed - set(known) == set()
    for code, never in (
        ("request_not_open", {"open", "paused"}),
        ("not_paused", {"not_received", "paused"}),
        ("request_not_done", {"not_received", "done"}),
    ):
        assert {f"{code}_{s}" for s in set(statuses) - never} <= set(known)
        assert not {f"{code}_{s}" for s in never} & set(known)
    for texts in known.values():
        assert set(texts) == {"zh", "en"}
        assert texts["zh"] != texts["en"]
        assert set(re.findall(r"{\w+", texts["zh"])) == set(re.findall(r"{\w+", texts["en"]))
        assert not texts["en"].endswith(".")


def test_every_reason_to_refuse_is_reached_in_these_tests() -> None:
    folder = Path(__file__).parents[2] / "src" / "crm_core"
    codes = {"reason_missing", *(f"unknown_{w}" for w in ("channel", "kind", "severity", "trade"))}
    for module in (folder / "requests").rglob("*.py"):
        source = module.read_text(encoding="utf-8")
        codes |= set(re.findall(r'Refusal\(\s*f?"(\w+)"', source))
    for module in ("duty", "awards"):
        source = (folder / "staff" / f"{module}.py").read_text(encoding="utf-8")
        codes |= set(re.findall(r'Refusal\(\s*"(\w+)"', source))
    here = "".join(p.read_text(encoding="utf-8") for p in Path(__file__).parent.glob("test_*.py"))
    here += "".join(
        p.read_text(encoding="utf-8") for p in (Path(__file__).parents[1] / "staff").glob("*.py")
    )
    reached = set(re.findall(r'"(\w+)"', here))
    assert codes - reached == set()
    assert {"too_early", "no_promise", "incident_not_open", "shift_empty"} <= codes
