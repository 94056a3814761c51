"""A request: who owns it, what was promised, whether it was kept, and when it is closed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import attrs
import pytest
from asking import (
    ACCEPT,
    ACCEPTED,
    CLERK,
    CONFIRM,
    CONFIRMED,
    DAY,
    DONE,
    HOUR,
    LATER,
    MINUTE,
    ONLY_STRICT,
    OPERATOR,
    PROMISE,
    PROMISED,
    REBASE,
    RECEIVE,
    RECEIVED,
    REOPEN,
    REPORT,
    SECOND,
    SLA,
    START,
    STRICT,
    WARNED,
    WORD,
    closings,
    done,
    folded,
    given,
    kinds,
    policy_of,
    register,
    said,
    steps,
    superseded,
    told,
    verdict,
)
from hypothesis import given as hypothesis_given

from crm_adapters import open_crm
from crm_core import Actor, Invalid, Personal, Request, shipped
from crm_core.errors import PolicyInactive
from crm_core.kernel.decider import Refusal
from crm_core.kernel.trades import TRADES
from crm_core.requests import (
    REQUEST,
    Closed,
    CloseImported,
    Done,
    HandOver,
    MarkDuplicate,
    NoteFailedAttempt,
    NotReceived,
    Open,
    ReportDone,
)
from crm_core.requests.commands import CHANNELS, KINDS, SEVERITIES
from crm_core.requests.events import (
    ClosedUnanswered,
    CommitmentAccepted,
    ConfirmationAttemptFailed,
    ConfirmationDue,
    HandedOver,
    MarkedDuplicate,
    PolicyRebased,
    RequestClosed,
    RequestReopened,
    RequestRetold,
    RequestVoided,
    WorkReportedDone,
)
from crm_core.requests.verdicts import Verdict, verdicts
from crm_core.requests.views import request_view
from crm_core.testing import History, check_decider
from crm_core.testing.strategies import (
    request_commands,
    request_histories,
    request_openings,
)
from crm_core.testing.strategies.requests import HELD_TO

UNPROMISED = [f"promise-1 {percent}" for percent in (50, 80, 100, 150, 200, 250)]
"""What time brings where nobody promises anything in the first quarter of an hour."""

# --- REQ-01: what a request has, and who owns it -------------------------------------------------


@pytest.mark.rule("REQ-01", "REQ-14")
def test_a_request_is_received_with_all_it_has_and_is_owned_by_the_person_first_asked() -> None:
    given(REQUEST).when(RECEIVE).then(RECEIVED).state(
        lambda request: isinstance(request, Open)
    ).state(lambda request: request.owner == "S17")


@pytest.mark.parametrize(
    ("field", "known"),
    [("channel", CHANNELS), ("kind", KINDS), ("trade", TRADES), ("severity", SEVERITIES)],
)
@pytest.mark.rule("REQ-01")
def test_channel_kind_trade_and_severity_are_those_of_the_method(
    field: str, known: tuple[str, ...]
) -> None:
    for value in known:
        outcome = given(REQUEST).when(attrs.evolve(RECEIVE, **{field: value}))
        assert getattr(outcome.events[0], field) == value
    for value in ("", "smoke", known[0].upper()):
        given(REQUEST).when(attrs.evolve(RECEIVE, **{field: value})).refused(
            f"unknown_{field}", "REQ-01"
        )


@pytest.mark.rule("REQ-01")
def test_a_request_is_received_once() -> None:
    for past in ([RECEIVED], [RECEIVED, DONE], [RECEIVED, DONE, CONFIRMED]):
        given(REQUEST, *past).when(RECEIVE).refused("request_exists", "REQ-01")


@pytest.mark.rule("REQ-01")
def test_a_request_is_never_without_an_owner() -> None:
    nobody = attrs.evolve(RECEIVE, first_asked="")
    given(REQUEST).when(nobody).refused("owner_missing", "REQ-01")
    to_nobody = HandOver("R1010", "", "shift ended")
    given(REQUEST, RECEIVED).when(to_nobody).refused("owner_missing", "REQ-01")


@pytest.mark.rule("REQ-01")
def test_an_owner_stays_until_the_request_is_handed_over_with_a_reason() -> None:
    hand_over = HandOver("R1010", "S18", "shift ended")
    given(REQUEST, RECEIVED, PROMISED, DONE).state(lambda request: request.owner == "S17")
    given(REQUEST, RECEIVED).when(hand_over).then(
        HandedOver(
            request="R1010",
            from_owner="S17",
            to_owner="S18",
            reason="shift ended",
            **told(START),
        )
    ).state(lambda request: request.owner == "S18")
    given(REQUEST, RECEIVED, DONE).when(hand_over).state(lambda request: request.owner == "S18")
    given(REQUEST, RECEIVED).when(HandOver("R1010", "S17", "shift ended")).nothing()
    given(REQUEST, RECEIVED).when(HandOver("R1010", "S18", "")).refused("reason_missing", "REQ-01")
    given(REQUEST, RECEIVED, DONE, CONFIRMED).when(hand_over).refused("request_not_open", "REQ-08")


@hypothesis_given(request_histories())
@pytest.mark.rule("REQ-01")
def test_whatever_happens_every_received_request_has_an_owner(history: History) -> None:
    state = REQUEST.decider.initial
    for event in history.events:
        state = REQUEST.decider.evolve(state, event)
        # A request that is void never came in: nothing is left to be anybody's.
        assert isinstance(event, RequestVoided) or state.owner


# --- REQ-03: personal promises, made in time -----------------------------------------------------


@pytest.mark.rule("REQ-03")
def test_a_named_person_promises_an_outcome_by_a_time() -> None:
    given(REQUEST, RECEIVED).when(PROMISE).then(WARNED, PROMISED).state(
        lambda request: (request.promise.by, request.promise.clock) == ("S17", "commitment-1")
    )


@pytest.mark.rule("REQ-03")
def test_who_promises_is_who_gives_the_command_and_is_never_nobody() -> None:
    with crm_with_tomorrow() as crm:
        received_at(crm, "R1010", START)
        with pytest.raises(Invalid) as invalid:
            crm.do(PROMISE, by=Actor("", "specialist"), at=START)
        assert [fault.code for fault in invalid.value.faults] == ["actor_malformed"]
        crm.do(PROMISE, by=OPERATOR, at=START)
        found = crm.get(Request, "R1010")
        assert found is not None
        assert found.promise is not None
        assert found.promise.by == OPERATOR.id


@pytest.mark.rule("REQ-03")
def test_a_promise_for_the_past_is_refused() -> None:
    request = given(REQUEST, RECEIVED)
    now = attrs.evolve(PROMISE, due_at=PROMISE.made_at)
    request.when(now).refused("promise_in_the_past", "REQ-03")
    request.when(attrs.evolve(now, due_at=now.made_at + SECOND)).state(lambda r: r.promise)
    before = attrs.evolve(PROMISE, made_at=START - SECOND)
    request.when(before).refused("too_early", "REQ-08")
    request.when(attrs.evolve(PROMISE, made_at=START)).state(lambda r: r.promise)


@pytest.mark.parametrize(
    ("channel", "limit"),
    [(channel, 5 if channel in ("phone", "counter") else 15) for channel in CHANNELS],
)
@pytest.mark.rule("REQ-03")
def test_a_promise_is_made_within_the_limit_of_its_channel(channel: str, limit: int) -> None:
    """Exactly at the limit is within it; one second later is not."""
    receive = attrs.evolve(RECEIVE, channel=channel)
    for late, kept in ((timedelta(0), True), (SECOND, False), (-SECOND, True)):
        made_at = START + limit * MINUTE + late
        outcome = given(REQUEST).when(receive, attrs.evolve(PROMISE, made_at=made_at))
        found = verdict(outcome.after, "promise-1")
        assert found.kept is kept
        assert found.late_seconds == late.total_seconds()
        assert found.due_at == START + limit * MINUTE


@pytest.mark.rule("REQ-03")
def test_the_first_promise_counts_and_work_done_before_it_as_well() -> None:
    second = attrs.evolve(PROMISE, made_at=START + HOUR, due_at=START + 3 * HOUR)
    given(REQUEST, RECEIVED).when(PROMISE, second).refused("promise_outstanding", "REQ-10")
    once = given(REQUEST, RECEIVED).when(PROMISE).after
    assert verdict(once, "promise-1").stopped_at == PROMISE.made_at
    quick = given(REQUEST, RECEIVED).when(attrs.evolve(REPORT, done_at=START + 3 * MINUTE)).after
    assert verdict(quick, "promise-1").kept is True


@pytest.mark.rule("REQ-03")
def test_a_promise_nobody_made_is_open_until_its_limit_and_broken_after_it() -> None:
    state = folded(RECEIVED)
    assert verdict(state, "promise-1", START + 5 * MINUTE).kept is None
    assert verdict(state, "promise-1", START + 5 * MINUTE + SECOND).kept is False
    assert verdict(state, "promise-1", START + 7 * MINUTE).late_seconds == 120


# --- REQ-04: closing targets ---------------------------------------------------------------------


@pytest.mark.parametrize(("severity", "target"), [("general", 30 * MINUTE), ("major", 6 * HOUR)])
@pytest.mark.parametrize(
    ("late", "kept"),
    [(-SECOND, True), (timedelta(0), True), (SECOND, False), (timedelta(microseconds=1), False)],
)
@pytest.mark.rule("REQ-04")
def test_done_exactly_at_the_target_is_kept_and_a_moment_later_is_not(
    severity: str, target: timedelta, late: timedelta, kept: bool
) -> None:
    receive = attrs.evolve(RECEIVE, severity=severity)
    done = attrs.evolve(REPORT, done_at=START + target + late)
    found = verdict(given(REQUEST).when(receive, done).after, "closing-1")
    assert found.kept is kept
    assert found.basis == "target"
    assert found.due_at == START + target
    assert found.late_seconds == late // SECOND


@pytest.mark.rule("REQ-04")
def test_a_running_clock_has_no_verdict_until_it_is_over_time() -> None:
    state = folded(RECEIVED)
    at_the_limit = verdict(state, "closing-1", START + 30 * MINUTE)
    assert (at_the_limit.kept, at_the_limit.late_seconds) == (None, 0)
    after = verdict(state, "closing-1", START + 31 * MINUTE)
    assert (after.kept, after.late_seconds, after.stopped_at) == (False, 60, None)


@pytest.mark.rule("REQ-04")
def test_an_accepted_commitment_replaces_the_target_with_its_evidence() -> None:
    outcome = given(REQUEST, RECEIVED).when(PROMISE, ACCEPT).then(WARNED, PROMISED, ACCEPTED)
    found = verdict(outcome.after, "closing-1")
    assert (found.due_at, found.basis) == (START + 2 * HOUR, "commitment")
    for late, kept in ((timedelta(0), True), (SECOND, False)):
        done = attrs.evolve(REPORT, done_at=START + 2 * HOUR + late)
        after = given(REQUEST, RECEIVED).when(PROMISE, ACCEPT, done).after
        assert verdict(after, "closing-1").kept is kept


@pytest.mark.rule("REQ-04")
def test_a_promise_that_was_not_accepted_replaces_nothing() -> None:
    outcome = given(REQUEST, RECEIVED).when(PROMISE, attrs.evolve(REPORT, done_at=START + HOUR))
    found = verdict(outcome.after, "closing-1")
    assert (found.due_at, found.kept) == (START + 30 * MINUTE, False)


@pytest.mark.rule("REQ-04")
def test_a_shorter_commitment_replaces_the_target_as_well() -> None:
    soon = attrs.evolve(PROMISE, due_at=START + 10 * MINUTE)
    done = attrs.evolve(REPORT, done_at=START + 20 * MINUTE)
    after = given(REQUEST, RECEIVED).when(soon, ACCEPT, done).after
    assert verdict(after, "closing-1").kept is False


@pytest.mark.rule("REQ-04")
def test_an_acceptance_needs_a_promise_or_a_time() -> None:
    given(REQUEST, RECEIVED).when(ACCEPT).refused("no_promise", "REQ-04")
    elsewhere = attrs.evolve(ACCEPT, due_at=START + 5 * HOUR)
    outcome = given(REQUEST, RECEIVED).when(elsewhere)
    assert kinds(outcome) == [CommitmentAccepted]
    assert steps(outcome) == ["promise-1 50", "promise-1 80"]
    assert outcome.events[-1].word == WORD
    assert verdict(outcome.after, "closing-1").due_at == START + 5 * HOUR
    given(REQUEST, RECEIVED, PROMISED).when(elsewhere).refused("promise_outstanding", "REQ-10")
    passed = attrs.evolve(ACCEPT, due_at=ACCEPT.accepted_at)
    given(REQUEST, RECEIVED).when(passed).refused("promise_in_the_past", "REQ-03")


@pytest.mark.rule("REQ-04")
def test_a_time_agreed_when_it_is_received_replaces_the_target_at_once() -> None:
    agreed = attrs.evolve(RECEIVE, agreed_due_at=START + 5 * HOUR, agreed=WORD)
    outcome = given(REQUEST).when(agreed)
    assert outcome.events[0] == RECEIVED
    assert [type(event) for event in outcome.events[1:]] == [CommitmentAccepted]
    assert verdict(outcome.after, "promise-1").kept is True
    found = verdict(outcome.after, "closing-1")
    assert (found.due_at, found.basis) == (START + 5 * HOUR, "commitment")
    silent = attrs.evolve(agreed, agreed=None)
    given(REQUEST).when(silent).refused("evidence_missing", "REQ-04")


# --- REQ-08: done, confirmed, closed -------------------------------------------------------------


@pytest.mark.rule("REQ-08")
def test_work_reported_done_stops_the_clock_and_closes_nothing() -> None:
    outcome = given(REQUEST, RECEIVED).when(REPORT)
    assert said(outcome) == [DONE]
    assert steps(outcome) == [*UNPROMISED, "closing-1 50"]
    outcome.state(lambda request: isinstance(request, Done)).state(
        lambda request: verdict(request, "closing-1").stopped_at == START + 20 * MINUTE
    ).state(lambda request: verdict(request, "closing-1", LATER).kept is True)


@pytest.mark.rule("REQ-08")
def test_the_customer_s_own_word_closes_a_request() -> None:
    asked = ConfirmationDue(
        request="R1010",
        attempt=1,
        due_at=DONE.done_at,
        late=False,
        clocks=(attrs.evolve(DONE.clocks[0], next_at=DONE.done_at + DAY, step="attempt_2"),),
    )
    given(REQUEST, RECEIVED, DONE).when(CONFIRM).then(asked, CONFIRMED).state(
        lambda request: isinstance(request, Closed)
    ).state(lambda request: (request.outcome, request.opinion) == ("confirmed", "satisfied"))
    dissatisfied = attrs.evolve(CONFIRM, opinion="dissatisfied", words="still wet")
    given(REQUEST, RECEIVED, DONE).when(dissatisfied).state(
        lambda request: request.opinion == "dissatisfied"
    )


@pytest.mark.parametrize(
    "past", [[], [RECEIVED], [RECEIVED, PROMISED], [RECEIVED, DONE, CONFIRMED]]
)
@pytest.mark.rule("REQ-08")
def test_nothing_closes_that_was_not_reported_done(past: list[Any]) -> None:
    attempt = NoteFailedAttempt("R1010", START + DAY, "phone")
    code = "request_not_done" if past else "request_not_open"
    given(REQUEST, *past).when(CONFIRM).refused(code, "REQ-08")
    given(REQUEST, *past).when(attempt).refused(code, "REQ-08")


@pytest.mark.parametrize("past", [[], [RECEIVED, DONE], [RECEIVED, DONE, CONFIRMED]])
@pytest.mark.rule("REQ-08")
def test_nothing_is_promised_or_done_in_a_request_that_is_not_open(past: list[Any]) -> None:
    at = START + 90 * MINUTE
    for command in (
        attrs.evolve(PROMISE, made_at=at),
        attrs.evolve(ACCEPT, accepted_at=at),
        attrs.evolve(REPORT, done_at=at),
        attrs.evolve(REBASE, rebased_at=at),
    ):
        given(REQUEST, *past).when(command).refused("request_not_open", "REQ-08")


@pytest.mark.rule("REQ-08")
def test_nothing_happens_before_what_it_follows() -> None:
    early = attrs.evolve(REPORT, done_at=START - SECOND)
    given(REQUEST, RECEIVED).when(early).refused("too_early", "REQ-08")
    given(REQUEST, RECEIVED).when(attrs.evolve(REPORT, done_at=START)).state(
        lambda request: verdict(request, "closing-1").kept is True
    )
    done_at = DONE.done_at
    confirm = attrs.evolve(CONFIRM, confirmed_at=done_at - SECOND)
    given(REQUEST, RECEIVED, DONE).when(confirm).refused("request_not_done", "REQ-08")
    attempt = NoteFailedAttempt("R1010", done_at - SECOND, "phone")
    given(REQUEST, RECEIVED, DONE).when(attempt).refused("request_not_done", "REQ-08")
    two = (attrs.evolve(attempt, attempted_at=START + DAY), attempt)
    given(REQUEST, RECEIVED, DONE).when(*two).refused("request_not_done", "REQ-08")
    imported = CloseImported("R1010", START - SECOND)
    given(REQUEST, RECEIVED).when(imported).refused("too_early", "REQ-08")


def attempts(*after_done: timedelta) -> list[NoteFailedAttempt]:
    return [NoteFailedAttempt("R1010", DONE.done_at + after, "phone") for after in after_done]


@pytest.mark.rule("REQ-08")
def test_three_attempts_in_three_days_close_it_as_unconfirmed() -> None:
    outcome = given(REQUEST, RECEIVED, DONE).when(*attempts(HOUR, DAY, 2 * DAY))
    third = DONE.done_at + 2 * DAY
    assert type(outcome.events[-2]) is ConfirmationAttemptFailed
    assert outcome.events[-1:] == (ClosedUnanswered("R1010", third, 3, late=False),)
    outcome.state(lambda request: (request.outcome, request.opinion) == ("unconfirmed", None))
    outcome.state(lambda request: isinstance(request, Closed))


@pytest.mark.parametrize(
    "after_done",
    [
        (HOUR, DAY),
        (HOUR, 2 * HOUR, 3 * HOUR),
        (HOUR, DAY, 2 * DAY - SECOND),
        (2 * DAY, 3 * DAY),
    ],
)
@pytest.mark.rule("REQ-08")
def test_fewer_attempts_or_all_at_once_do_not_close_it(after_done: tuple[timedelta, ...]) -> None:
    """Ringing three times in a row is not asking three times."""
    outcome = given(REQUEST, RECEIVED, DONE).when(*attempts(*after_done))
    assert isinstance(outcome.after, Done)
    assert outcome.after.attempts == len(after_done)
    assert kinds(outcome).count(ConfirmationAttemptFailed) == len(after_done)
    assert set(kinds(outcome)) == {ConfirmationAttemptFailed, ConfirmationDue}


@pytest.mark.rule("REQ-08")
def test_an_answer_after_two_attempts_is_the_customer_s_word() -> None:
    asked = attempts(HOUR, DAY)
    confirm = attrs.evolve(CONFIRM, confirmed_at=START + 2 * DAY)
    given(REQUEST, RECEIVED, DONE).when(*asked, confirm).state(
        lambda request: (request.outcome, request.opinion) == ("confirmed", "satisfied")
    )


@hypothesis_given(request_histories())
@pytest.mark.rule("REQ-08")
def test_unconfirmed_never_counts_as_satisfied(history: History) -> None:
    """Nor is anything closed but by the customer's word or after enough attempts."""
    for step in history.steps:
        state = step.state
        for event in () if isinstance(step.decided, Refusal) else step.decided:
            if isinstance(event, RequestClosed):
                assert (event.opinion is None) is (event.outcome == "unconfirmed")
            if isinstance(event, ClosedUnanswered) and not event.late:
                assert isinstance(state, Done)
                assert event.attempts == state.attempts >= state.targets.confirm_attempts
            state = REQUEST.decider.evolve(state, event)
        if isinstance(state, Closed):
            assert (state.opinion is None) is (state.outcome == "unconfirmed")


@pytest.mark.rule("REQ-08")
def test_what_another_system_closed_is_unconfirmed() -> None:
    at = START + HOUR
    outcome = given(REQUEST, RECEIVED).when(CloseImported("R1010", at))
    [reported, closed] = said(outcome)
    assert isinstance(reported, WorkReportedDone)
    assert (reported.done_at, reported.done_by, reported.entered_by) == (at, "import", "S17")
    assert closed == RequestClosed(
        request="R1010",
        closed_at=at,
        outcome="unconfirmed",
        opinion=None,
        words="",
        word=None,
        **told(at),
    )
    closing = ["closing-1 50", "closing-1 80", "closing-1 100", "closing-1 150"]
    assert steps(outcome) == [*UNPROMISED, *closing]
    outcome.state(lambda request: verdict(request, "closing-1").kept is False)
    late = CloseImported("R1010", START + HOUR)
    given(REQUEST, RECEIVED, DONE).when(late).state(lambda r: r.outcome == "unconfirmed")
    early = CloseImported("R1010", START)
    given(REQUEST, RECEIVED, DONE).when(early).state(
        lambda r: (type(r), r.closed_at, r.done_by) == (Closed, START, "import")
    )
    given(REQUEST, RECEIVED, DONE, CONFIRMED).when(late).refused("request_not_open", "REQ-08")


# --- REQ-14: the policy is pinned ----------------------------------------------------------------


def crm_with_tomorrow() -> Any:
    """A service centre that has published a stricter policy, in force from 2 March."""
    crm = open_crm("memory:", policies=shipped().add(STRICT))
    register(crm, "V00001", "星河", "1", "2", "301")
    return crm


def received_at(crm: Any, request: str, at: datetime) -> Request:
    command = attrs.evolve(RECEIVE, request=request, received_at=at)
    crm.do(command, by=CLERK, at=at)
    found = crm.get(Request, request)
    assert isinstance(found, Request)
    return found


@pytest.mark.rule("REQ-14")
def test_a_policy_of_tomorrow_touches_neither_today_nor_what_is_open() -> None:
    """The evening before it begins nothing changes; from the first minute of its day it is used."""
    midnight = datetime(2011, 3, 1, 16, 0, tzinfo=UTC)  # 00:00 of 2 March in Shanghai
    with crm_with_tomorrow() as crm:
        today = received_at(crm, "R1", midnight - SECOND)
        tomorrow = received_at(crm, "R2", midnight)
        assert (str(today.policy), today.targets.close_seconds) == ("sla-cn-default/1", 1800)
        assert (str(tomorrow.policy), tomorrow.targets.close_seconds) == ("sla-cn-default/2", 600)
        crm.do(ReportDone("R1", midnight + 20 * MINUTE), by=OPERATOR, at=midnight + HOUR)
        done = crm.get(Request, "R1")
        assert verdict(done, "closing-1").kept is True
        assert verdict(done, "closing-1").policy == "sla-cn-default/1"


@pytest.mark.rule("REQ-14")
def test_what_was_received_is_read_as_it_was_even_where_its_policy_is_gone() -> None:
    """The targets stand in the event: no later book of policies can move them."""
    with crm_with_tomorrow() as crm:
        before = received_at(crm, "R1", START)
        crm.host.policies = ONLY_STRICT
        assert crm.get(Request, "R1") == before
        with pytest.raises(PolicyInactive):
            received_at(crm, "R2", START)


@pytest.mark.rule("REQ-14")
def test_a_rebase_is_an_event_with_a_reason() -> None:
    rebase = REBASE
    outcome = given(REQUEST, RECEIVED).when(rebase)
    [rebased] = said(outcome)
    assert steps(outcome) == ["promise-1 50", "promise-1 80", "promise-1 100"]
    assert isinstance(rebased, PolicyRebased)
    assert (rebased.policy, rebased.reason) == (STRICT.ref, rebase.reason)
    assert rebased.targets == STRICT.targets("general", "phone")
    outcome.state(lambda request: str(request.policy) == "sla-cn-default/2")
    given(REQUEST, RECEIVED).when(attrs.evolve(rebase, reason="")).refused(
        "reason_missing", "REQ-14"
    )
    given(REQUEST, RECEIVED).when(attrs.evolve(rebase, policy=SLA)).nothing()
    given(REQUEST, RECEIVED).when(rebase, rebase).state(lambda r: len(r.superseded) == 2)


@pytest.mark.rule("REQ-14")
def test_the_verdicts_under_the_earlier_policy_stay_readable() -> None:
    """Kept under the first, late under the second: both are told, each with its policy."""
    done = attrs.evolve(REPORT, done_at=START + 20 * MINUTE)
    state = given(REQUEST, RECEIVED).when(PROMISE, attrs.evolve(REBASE, reason="x"), done).after
    found = {
        (v.clock, v.superseded): (v.policy, v.kept, v.stopped_at)
        for v in verdicts(state, LATER, policy_of)
        if v.clock in ("promise-1", "closing-1")
    }
    promised, finished = START + 4 * MINUTE, START + 20 * MINUTE
    assert found == {
        ("promise-1", False): ("sla-cn-default/1", True, promised),
        ("closing-1", True): ("sla-cn-default/1", True, finished),
        ("closing-1", False): ("sla-cn-default/2", False, finished),
    }


@pytest.mark.rule("REQ-14")
def test_a_promise_made_after_a_rebase_is_measured_by_both_policies() -> None:
    rebase = attrs.evolve(REBASE, rebased_at=START + 2 * MINUTE)
    state = given(REQUEST, RECEIVED).when(rebase, PROMISE).after
    assert superseded(state, "promise-1").kept is True
    assert verdict(state, "promise-1").kept is False
    still = superseded(state, "closing-1", START + 29 * MINUTE)
    assert (still.kept, still.stopped_at) == (None, None)


@pytest.mark.rule("REQ-14", "REQ-04")
def test_a_rebase_does_not_move_an_accepted_commitment() -> None:
    rebase = attrs.evolve(REBASE, reason="x")
    state = given(REQUEST, RECEIVED, PROMISED, ACCEPTED).when(rebase).after
    assert verdict(state, "closing-1").due_at == START + 2 * HOUR
    assert verdict(state, "closing-1").basis == "commitment"


# --- REQ-16: reopening ---------------------------------------------------------------------------


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.rule("REQ-16")
def test_reopening_keeps_the_first_verdict_and_starts_a_second_clock(kept: bool) -> None:
    first = done(START + (10 if kept else 40) * MINUTE)
    again = attrs.evolve(REPORT, done_at=REOPEN.reopened_at + 31 * MINUTE)
    outcome = given(REQUEST, RECEIVED, first, CONFIRMED).when(REOPEN)
    assert kinds(outcome) == [RequestReopened]
    outcome.state(lambda request: isinstance(request, Open))
    before = verdict(folded(RECEIVED, first, CONFIRMED), "closing-1")
    assert verdict(outcome.after, "closing-1") == before
    second = verdict(outcome.after, "closing-2", REOPEN.reopened_at)
    assert (second.started_at, second.kept) == (REOPEN.reopened_at, None)
    assert second.due_at == REOPEN.reopened_at + 30 * MINUTE
    after = given(REQUEST, RECEIVED, first, CONFIRMED).when(REOPEN, again).after
    assert verdict(after, "closing-1").kept is kept
    assert verdict(after, "closing-2").kept is False


@pytest.mark.rule("REQ-16")
def test_what_was_promised_before_does_not_bind_what_was_reopened() -> None:
    """A promise of the first time has passed; the second clock is not born overdue."""
    past = (RECEIVED, PROMISED, ACCEPTED, DONE, CONFIRMED)
    late = attrs.evolve(ACCEPT, accepted_at=REOPEN.reopened_at + 2 * MINUTE)
    given(REQUEST, *past).when(REOPEN, late).refused("no_promise", "REQ-04")
    again = given(REQUEST, *past).when(REOPEN, ACCEPT).after
    assert verdict(again, "closing-2").due_at == REOPEN.reopened_at + 30 * MINUTE
    given(REQUEST, *past).when(REOPEN, PROMISE).refused("promise_outstanding", "REQ-10")
    new = attrs.evolve(
        PROMISE, made_at=REOPEN.reopened_at + MINUTE, due_at=REOPEN.reopened_at + HOUR
    )
    after = given(REQUEST, *past).when(REOPEN, new, late).after
    assert verdict(after, "closing-1").due_at == START + 2 * HOUR
    assert verdict(after, "closing-2").due_at == REOPEN.reopened_at + HOUR


@pytest.mark.rule("REQ-16", "REQ-03")
def test_a_promise_after_reopening_does_not_change_the_first_promise_verdict() -> None:
    """Done within three minutes, nothing promised: that wait was over, and stays over."""
    quick = done(START + 3 * MINUTE)
    new = attrs.evolve(
        PROMISE, made_at=REOPEN.reopened_at + MINUTE, due_at=REOPEN.reopened_at + HOUR
    )
    before = verdict(folded(RECEIVED, quick, CONFIRMED), "promise-1")
    after = given(REQUEST, RECEIVED, quick, CONFIRMED).when(REOPEN, new).after
    assert before.kept is True
    assert verdict(after, "promise-1") == before


@pytest.mark.rule("REQ-16")
def test_only_what_was_closed_or_reported_done_is_reopened_and_for_a_reason() -> None:
    given(REQUEST).when(REOPEN).refused("request_not_open", "REQ-08")
    given(REQUEST, RECEIVED).when(REOPEN).refused("request_not_closed", "REQ-16")
    given(REQUEST, RECEIVED, DONE).when(REOPEN).state(lambda r: closings(r) == 2)
    closed = given(REQUEST, RECEIVED, DONE, CONFIRMED)
    closed.when(attrs.evolve(REOPEN, reason="")).refused("reason_missing", "REQ-16")
    closed.when(attrs.evolve(REOPEN, reopened_at=DONE.done_at - SECOND)).refused(
        "request_not_closed", "REQ-16"
    )
    closed.when(attrs.evolve(REOPEN, reopened_at=START + HOUR)).state(lambda r: closings(r) == 2)


@pytest.mark.rule("REQ-16", "REQ-14")
def test_a_rebase_after_reopening_moves_the_second_clock_alone() -> None:
    rebase = attrs.evolve(REBASE, rebased_at=REOPEN.reopened_at)
    after = given(REQUEST, RECEIVED, DONE, CONFIRMED).when(REOPEN, rebase).after
    assert verdict(after, "closing-1").policy == "sla-cn-default/1"
    assert verdict(after, "closing-1").kept is True
    assert verdict(after, "closing-2").policy == "sla-cn-default/2"
    assert verdict(after, "closing-2").due_at == REOPEN.reopened_at + 10 * MINUTE
    assert superseded(after, "closing-2").due_at == REOPEN.reopened_at + 30 * MINUTE


@hypothesis_given(request_histories())
@pytest.mark.rule("REQ-16")
def test_a_verdict_once_given_never_changes(history: History) -> None:
    """Whatever follows, a closing clock that was stopped keeps what it said.

    Only what comes to be known late is told anew.
    """
    given_verdicts: dict[str, Verdict] = {}
    for step in history.steps:
        if isinstance(step.decided, Refusal):
            continue
        state = REQUEST.decider.fold(step.decided, step.state)
        if isinstance(state, NotReceived):
            continue
        now = {v.clock: v for v in verdicts(state, LATER, lambda ref, _: HELD_TO[ref])}
        if any(isinstance(event, RequestRetold) for event in step.decided):
            given_verdicts = {}
        for clock, earlier in given_verdicts.items():
            assert now[clock] == earlier
        given_verdicts |= {
            clock: v
            for clock, v in now.items()
            if v.stopped_at is not None and clock.startswith("closing")
        }
        assert closings(state) == sum(clock.startswith("closing") for clock in now)


# --- duplicates ----------------------------------------------------------------------------------


@pytest.mark.rule("GRD-02")
def test_a_duplicate_is_marked_once_and_not_of_itself() -> None:
    mark = MarkDuplicate("R1010", "R1009", "same leak")
    for past in ([RECEIVED], [RECEIVED, DONE], [RECEIVED, DONE, CONFIRMED]):
        given(REQUEST, *past).when(mark).then(MarkedDuplicate("R1010", "R1009", "same leak")).state(
            lambda request: request.duplicate_of == "R1009"
        )
    given(REQUEST, RECEIVED).when(attrs.evolve(mark, of="R1010")).refused(
        "duplicate_of_itself", "GRD-02"
    )
    given(REQUEST, RECEIVED).when(mark, mark).refused("duplicate_already", "GRD-02")
    given(REQUEST).when(mark).refused("request_not_open", "REQ-08")


# --- views, laws and completeness ----------------------------------------------------------------


def test_a_request_as_people_read_it() -> None:
    state = folded(RECEIVED, PROMISED, ACCEPTED, DONE, CONFIRMED)
    shown = request_view(state, LATER, policy_of)
    assert {name: value for name, value in shown.items() if name != "verdicts"} == {
        "request": "R1010",
        "status": "closed",
        "household": "V00001",
        "channel": "phone",
        "kind": "repair",
        "trade": "engineering",
        "severity": "general",
        "place": "厨房",
        "summary": "水管漏水",
        "owner": "S17",
        "assigned_to": "S17",
        "received_at": "2011-03-01T01:00:00Z",
        "policy": "sla-cn-default/1",
        "duplicate_of": None,
        "incident": None,
        "follows": None,
        "reopened": 0,
        "apology_owed": False,
        "new_time_owed": False,
        "answer": None,
        "outcome": "confirmed",
        "opinion": "satisfied",
        "words": "",
    }
    told = {verdict["clock"]: verdict for verdict in shown["verdicts"]}
    assert told["closing-1"] == {
        "clock": "closing-1",
        "superseded": False,
        "policy": "sla-cn-default/1",
        "basis": "commitment",
        "due_at": "2011-03-01T03:00:00Z",
        "stopped_at": "2011-03-01T01:20:00Z",
        "kept": True,
        "late_seconds": -6000,
        "provisional": False,
        "provisional_years": [],
        "notices": [],
    }
    assert told["promise-1"]["late_seconds"] == -60
    assert set(told) == {
        "closing-1",
        "promise-1",
        "commitment-1",
        "progress-1",
        "progress-2",
        "confirmation-1",
    }


def test_a_request_keeps_the_laws() -> None:
    check_decider(REQUEST, request_commands(), opening=request_openings(), max_examples=120)


@hypothesis_given(request_histories())
def test_what_happens_to_a_request_that_never_came_in_changes_nothing(history: History) -> None:
    assert folded(*history.events[1:]) == NotReceived()


def test_a_request_is_about_a_household_with_a_file() -> None:
    """A command of the request alone finds the household by the request."""
    with crm_with_tomorrow() as crm:
        received_at(crm, "R1", START)
        crm.do(HandOver("R1", "S18", "shift ended"), by=CLERK, at=START)
        assert [e.household for e in crm.history("request/R1")] == ["V00001", "V00001"]
        assert Personal("V00001#owner", "x") not in [e.event for e in crm.history("V00001")]
        assert date(2011, 3, 1) in {e.effective for e in crm.history("request/R1")}
