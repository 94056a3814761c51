"""Laws of clocks: in whatever order things happen, time is counted once, and only what counts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest
from asking import (
    CLERK,
    DAY,
    HOUR,
    MINUTE,
    ONLY_STRICT,
    OPERATOR,
    RECEIVE,
    SECOND,
    START,
    STRICT,
    WORD,
    folded,
    looked_up,
    register,
    told,
)
from hypothesis import HealthCheck, settings
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from crm_adapters import open_crm
from crm_core import Actor, Refused, Request, shipped
from crm_core.kernel.calendars import ALWAYS
from crm_core.kernel.decider import Refusal
from crm_core.kernel.projection import Put
from crm_core.kernel.recorded import SYSTEM, Envelope, Recorded
from crm_core.requests import (
    REQUEST,
    Closed,
    Done,
    Merged,
    Open,
    Paused,
    PauseRequest,
    Rebase,
    Reclassify,
    ResumeRequest,
    SlaPolicy,
    commands,
)
from crm_core.requests import events as happened
from crm_core.requests.clocks import WORK, Pause, counted, moved_on, reached_at
from crm_core.requests.evolve import stopped_by
from crm_core.requests.parts import Evidence
from crm_core.requests.verdicts import verdicts
from crm_core.requests.views import DUE_REQUESTS, OPEN, DueRequest
from crm_core.testing import History
from crm_core.testing.strategies import request_histories, sla_text
from crm_core.testing.strategies.classes import command_classes
from crm_core.testing.strategies.requests import HELD_TO, commands_at, likely_commands, next_step

OFFICE = SlaPolicy.parse(sla_text(general=4 * 3600, major=9 * 3600, closing="office"))
OTHER = SlaPolicy.parse(sla_text(2, general=2 * 3600, major=5 * 3600, closing="office"))
CALENDARS = {"24x7": ALWAYS, "office": OFFICE.calendars["closing"]}

minutes = st.integers(0, 6000)
spans = st.lists(st.tuples(st.integers(1, 2000), st.integers(1, 2000)), max_size=4)


def pauses_of(pairs: list[tuple[int, int]]) -> list[Pause]:
    """Pauses one behind the other: each begins so long after the last, and lasts so long."""
    at, found = START, []
    for wait, length in pairs:
        since = at + wait * MINUTE
        at = since + length * MINUTE
        found.append(Pause("customer_absent", "customer", since, at, at))
    return found


@pytest.mark.parametrize("name", CALENDARS)
@hypothesis_given(spans, st.integers(60, 200_000))
@pytest.mark.rule("REQ-11", "REQ-12")
def test_a_clock_has_counted_its_target_exactly_when_it_is_due(
    name: str, pairs: list[tuple[int, int]], seconds: int
) -> None:
    calendar, pauses = CALENDARS[name], pauses_of(pairs)
    due_at = reached_at(calendar, START, seconds, pauses)
    assert counted(calendar, START, due_at, pauses) == seconds
    assert counted(calendar, START, due_at - SECOND, pauses) == seconds - 1


@pytest.mark.parametrize("name", CALENDARS)
@hypothesis_given(spans, st.integers(60, 200_000))
@pytest.mark.rule("REQ-12")
def test_moving_on_pause_by_pause_is_counting_anew(
    name: str, pairs: list[tuple[int, int]], seconds: int
) -> None:
    calendar, at = CALENDARS[name], reached_at(CALENDARS[name], START, seconds, ())
    for pause in pauses_of(pairs):
        assert pause.until is not None
        at = moved_on(calendar, at, START, pause.since, pause.until)
    slow, left = START, seconds
    for pause in pauses_of(pairs):
        assert pause.until is not None
        done = calendar.elapsed(slow, pause.since)
        if done >= left:
            break
        slow, left = pause.until, left - done
    assert at == calendar.add(slow, left)


deeds = st.lists(
    st.tuples(
        st.sampled_from(("pause", "resume", "major", "general", "rebase", "back")),
        st.integers(0, 300),
    ),
    max_size=8,
)


@hypothesis_given(deeds)
@pytest.mark.rule("REQ-12", "REQ-14")
def test_pause_reclassify_rebase_and_resume_in_any_order_keep_elapsed_and_paused_time(
    chosen: list[tuple[str, int]],
) -> None:
    """Whatever was done, the closing clock is due where counting from its start says."""
    at = START
    events = list(_decided(attrs.evolve(RECEIVE, policy=OFFICE), ()))
    policy = OFFICE
    for what, wait in chosen:
        at += wait * MINUTE
        state = folded(*events)
        command: Any = {
            "pause": PauseRequest("R1010", "customer_absent", at, at + 90 * DAY, policy=policy),
            "resume": ResumeRequest("R1010", at, policy=policy),
            "major": Reclassify("R1010", "x", at, severity="major", policy=policy),
            "general": Reclassify("R1010", "x", at, severity="general", policy=policy),
            "rebase": Rebase("R1010", "x", at, policy=OTHER),
            "back": Rebase("R1010", "x", at, policy=OFFICE),
        }[what]
        events += _decided(command, tuple(events))
        policy = OTHER if folded(*events).policy == OTHER.ref else OFFICE
        assert type(state) in (Open, Paused)
    # In a pause a clock that is set anew stands as if the pause had ended then: see where it goes.
    events += _decided(ResumeRequest("R1010", at + MINUTE, policy=policy), tuple(events))
    state = folded(*events)
    assert isinstance(state, Open)
    pauses = list(state.pauses)
    closing = state.clock("closing")
    assert closing is not None
    seconds = policy.close_seconds[state.severity]
    calendar = policy.calendars["closing"]
    assert closing.set.started_at == START
    assert closing.set.due_at == reached_at(calendar, START, seconds, pauses)
    assert counted(calendar, START, closing.set.due_at, pauses) == seconds


def _decided(command: Any, past: tuple[Any, ...]) -> tuple[Any, ...]:
    state = folded(*past)
    decided = REQUEST.decider.decide(_pinned(command), state)
    return () if isinstance(decided, Refusal) else decided


@hypothesis_given(request_histories())
@pytest.mark.rule("REQ-14")
def test_no_event_but_a_rebase_changes_the_policy(history: History) -> None:
    for step in history.steps:
        events = () if isinstance(step.decided, Refusal) else step.decided
        entered = {type(event) for event in events}
        told = entered & {
            *(happened.RequestReceived, happened.PolicyRebased, happened.RequestRetold),
            happened.RequestVoided,
        }
        if not told:
            before, after = step.state, REQUEST.decider.fold(events, step.state)
            assert getattr(after, "policy", None) == getattr(before, "policy", None)


@hypothesis_given(request_histories())
@pytest.mark.rule("REQ-13", "REQ-15")
def test_renaming_calendars_and_statuses_changes_no_verdict(history: History) -> None:
    """Verdicts are read from what was recorded; no name of today takes part in them."""
    before = (
        verdicts(folded(*history.events), START + 9 * DAY, lambda ref, _: HELD_TO[ref])
        if history.events
        else []
    )
    for calendar in {id(c): c for c in OFFICE.calendars.values()}.values():
        renamed = attrs.evolve(calendar, name="another")
        assert renamed.add(START, 3600) == calendar.add(START, 3600)
    again = (
        verdicts(folded(*history.events), START + 9 * DAY, lambda ref, _: HELD_TO[ref])
        if history.events
        else []
    )
    assert again == before


# --- read models ---------------------------------------------------------------------------------


class Kept:
    """Rows in a dict, as a runner would keep them."""

    def __init__(self, view: Any) -> None:
        self.view = view
        self.rows: dict[str, tuple[str, Any]] = {}

    def get(self, key: str) -> Any:
        found = self.rows.get(key)
        return None if found is None else found[1]

    def apply(self, event: Any) -> None:
        name = next(k.stored for k in happened.EVENTS if k.cls is type(event))
        if name not in self.view.names:
            return
        envelope = Envelope("x", "c", event, START.date(), START)
        recorded: Any = Recorded(1, "request/R1010", 1, name, "V00001", "", envelope)
        for change in self.view.apply(self, recorded):
            if isinstance(change, Put):
                self.rows[change.key] = (change.order, change.row)
            else:
                self.rows.pop(change.key, None)


@hypothesis_given(request_histories())
@pytest.mark.rule("LOG-05", "REQ-13")
def test_the_due_row_says_what_the_state_says(history: History) -> None:
    kept = Kept(DUE_REQUESTS)
    for state in decided_one_after_the_other(history, kept):
        found = kept.get("R1010")
        steps = {s.clock: (s.step, s.at) for s in found.steps} if found else {}
        expected = {
            c.name: (c.set.step, c.set.next_at)
            for c in state.running
            if c.set.next_at is not None and not (isinstance(state, Paused) and c.kind in WORK)
        }
        if isinstance(state, Paused):
            expected["pause"] = ("resume", state.pause.expected_end)
        assert steps == expected
        if found:
            assert kept.rows["R1010"][0].startswith(found.first().at.strftime("%Y-%m-%dT%H:%M:%S."))


def decided_one_after_the_other(history: History, kept: Kept) -> Iterator[Request]:
    """The state after each decision, with the rows as they are then: it is recorded at once."""
    for step in history.steps:
        if isinstance(step.decided, Refusal):
            continue
        for event in step.decided:
            kept.apply(event)
        state = REQUEST.decider.fold(step.decided, step.state)
        if isinstance(state, Request):
            yield state


@pytest.mark.rule("LOG-05", "REQ-12")
def test_what_is_set_in_a_pause_falls_due_after_it() -> None:
    tell = commands.NoteProgress("R1010", "on the way", True, START + HOUR)
    kept, events = Kept(DUE_REQUESTS), ()
    for command in (*OPENED, STOPPED, tell):
        events = (*events, *_decided(_pinned(command), events))
    for event in events:
        kept.apply(event)
    assert [step.clock for step in kept.get("R1010").steps] == ["pause"]
    resume = _pinned(ResumeRequest("R1010", START + 2 * HOUR))
    for event in _decided(resume, events):
        kept.apply(event)
    assert {step.clock for step in kept.get("R1010").steps} == {
        "closing-1",
        "progress-1",
        "promise-1",
    }


@hypothesis_given(request_histories())
@pytest.mark.rule("LOG-05")
def test_the_open_row_says_what_the_state_says(history: History) -> None:
    kept = Kept(OPEN)
    for state in decided_one_after_the_other(history, kept):
        row = kept.get("R1010")
        if isinstance(state, Closed | Merged):
            assert row is None
            continue
        assert (row.status, row.owner) == (type(state).__name__.lower(), state.owner)
        assert (row.kind, row.trade, row.severity) == (state.kind, state.trade, state.severity)
        closing = [c for c in state.clocks() if c.kind == "closing"][-1]
        assert row.due_at == closing.set.due_at


# --- a machine that goes everywhere --------------------------------------------------------------

VOIDS = {happened.ClosingVoided, happened.RequestVoided}
"""What an import that is undone brings (`tests/files/test_undo.py`)."""
EVERY_EVENT = {kind.cls for kind in happened.EVENTS} - {happened.CalendarRenewed, *VOIDS}
"""All but these and what a notice brings: no policy here keeps public holidays, those of
`test_years` do.
"""
CLASSES = command_classes(commands)
STATUSES = (Open, Paused, Done, Closed, Merged)

TRANSITIONS = {
    (Open, happened.RequestPaused, Paused),
    (Open, happened.WorkReportedDone, Done),
    (Open, happened.RequestMerged, Merged),
    (Paused, happened.RequestResumed, Open),
    (Paused, happened.PauseEnded, Open),
    (Done, happened.RequestClosed, Closed),
    (Done, happened.ClosedUnanswered, Closed),
    (Done, happened.RequestReopened, Open),
    (Closed, happened.RequestReopened, Open),
}
"""Every way from one status to another, but for what is told anew."""


def pinned(ref: Any, _notices: Any = ()) -> SlaPolicy:
    return OTHER if ref == OTHER.ref else OFFICE


def waits_for_evidence(state: Any) -> list[int]:
    """The numbers of the entries that do not count from when they say."""
    entries = enumerate(getattr(state, "entries", ()), 1)
    return [number for number, entry in entries if entry.counts_from != happened.entered_at(entry)]


seen_events: set[type] = set()
seen_transitions: set[tuple[type, type, type]] = set()


class RequestMachine(RuleBasedStateMachine):
    """One request; time goes on, anything is asked of it, and what must hold always holds."""

    def __init__(self) -> None:
        super().__init__()
        self.state: Any = REQUEST.decider.initial
        self.now = START
        self.verdicts: dict[tuple[str, bool, datetime], Any] = {}

    @initialize(data=st.data())
    def received(self, data: st.DataObject) -> None:
        self.ask(attrs.evolve(RECEIVE, policy=OFFICE))

    def ask(self, command: Any) -> None:
        before = self.state
        rebased = getattr(before, "policy", None) == OTHER.ref
        if not isinstance(command, Rebase | commands.ReceiveRequest) and hasattr(command, "policy"):
            command = attrs.evolve(command, policy=OTHER if rebased else OFFICE)
        decided = REQUEST.decider.decide(command, before)
        if isinstance(decided, Refusal):
            return
        if any(isinstance(e, happened.RequestRetold | happened.RequestVoided) for e in decided):
            # What came late is told anew, and what had not been known is judged anew; of what was
            # void and comes in again, nothing had been judged.
            self.verdicts = {}
        for event in decided:
            was, self.state = type(self.state), REQUEST.decider.evolve(self.state, event)
            seen_events.add(type(event))
            if was is not type(self.state) and not isinstance(event, happened.RequestRetold):
                seen_transitions.add((was, type(event), type(self.state)))

    @rule(wait=st.sampled_from((0, 1, 10, 60, 600, 1500)), data=st.data())
    def anything(self, wait: int, data: st.DataObject) -> None:
        self.now += wait * MINUTE
        self.ask(data.draw(likely_commands(self.state, self.now, policies=(OFFICE, OTHER))))

    @precondition(lambda self: waits_for_evidence(self.state))
    @rule(of=st.integers(0, 2))
    def somebody_else_shows_when(self, of: int) -> None:
        waiting = waits_for_evidence(self.state)
        self.ask(
            commands.ConfirmEntry(
                "R1010",
                waiting[of % len(waiting)],
                Evidence("signed_note", "note 17", self.state.received_at),
                by=Actor("staff-9", "specialist"),
                policy=OFFICE,
                held_to=(OFFICE, OTHER),
                known_at=self.now,
            )
        )

    @precondition(lambda self: isinstance(self.state, Paused))
    @rule()
    def the_reason_is_over(self) -> None:
        self.ask(
            ResumeRequest(
                "R1010", self.now, by=CLERK, policy=OFFICE, held_to=(OFFICE, OTHER),
                known_at=self.now,
            )
        )  # fmt: skip

    @precondition(lambda self: isinstance(self.state, Paused))
    @rule(hours=st.integers(1, 3))
    def it_takes_longer(self, hours: int) -> None:
        self.ask(
            commands.ExtendPause(
                "R1010",
                "not back yet",
                self.now,
                self.now + hours * HOUR,
                by=CLERK,
                policy=OFFICE,
                held_to=(OFFICE, OTHER),
            )
        )

    @precondition(lambda self: getattr(self.state, "clock", lambda _: None)("arrival") is not None)
    @rule()
    def somebody_comes(self) -> None:
        held_to = (OFFICE, OTHER)
        arrive = commands.Arrive("R1010", self.now, by=OPERATOR, policy=OFFICE, held_to=held_to)
        self.ask(arrive)

    @precondition(lambda self: next_step(self.state) is not None)
    @rule()
    def the_clock(self) -> None:
        step = next_step(self.state, held_to=(OFFICE, OTHER))
        assert step is not None
        self.now = max(self.now, step.at)
        before = self.state
        self.ask(step)
        again = next_step(self.state, held_to=(OFFICE, OTHER))
        assert again is None or (again.clock, again.step, again.at) != (
            step.clock,
            step.step,
            step.at,
        ), "a step that is taken is not due again"
        assert self.state != before

    @invariant()
    def somebody_owns_it_and_somebody_does_it(self) -> None:
        if isinstance(self.state, Request):
            assert self.state.owner
            assert self.state.assignment.to

    @invariant()
    def it_is_not_closed_with_an_apology_owed(self) -> None:
        """But where it came to be known afterwards that a promise had been broken (REQ-09)."""
        if isinstance(self.state, Closed | Merged):
            assert not self.state.duties or self.state.retold

    @invariant()
    def every_duty_has_its_clock_and_none_other_runs(self) -> None:
        if isinstance(self.state, Request):
            owed = {duty.clock for duty in self.state.duties}
            assert {c.name for c in self.state.running if c.kind == "apology"} == owed

    @invariant()
    def what_is_over_runs_no_more(self) -> None:
        kinds = {c.kind for c in getattr(self.state, "running", ())}
        if isinstance(self.state, Closed | Merged):
            assert kinds == ({"apology"} if self.state.duties else set())
        elif isinstance(self.state, Done):
            assert not kinds & WORK
        elif isinstance(self.state, Request):
            assert "closing" in kinds

    @invariant()
    def a_verdict_once_given_stays(self) -> None:
        if not isinstance(self.state, Request):
            return
        for verdict in verdicts(self.state, START + 400 * DAY, pinned):
            if verdict.stopped_at is not None:
                key = (verdict.clock, verdict.superseded, verdict.due_at)
                assert self.verdicts.setdefault(key, verdict) == verdict


@pytest.mark.rule("LOG-05", "REQ-16")
def test_what_was_reopened_before_its_closing_was_known_is_open() -> None:
    """A file brings an old closing and, with it, that the customer called again since."""
    closed = commands.CloseImported("R1010", START + 10 * MINUTE, imported=True)
    again = commands.Reopen("R1010", START + 2 * HOUR, "drips again", by=CLERK)
    kept, events = Kept(OPEN), _decided(attrs.evolve(RECEIVE, policy=OFFICE), ())
    while (step := next_step(folded(*events), held_to=(OFFICE, OTHER))).at < START + 8 * HOUR:
        events = (*events, *_decided(step, events))
    for command in (closed, again):
        events = (*events, *_decided(command, events))
    assert next(e for e in events if isinstance(e, happened.RequestReopened)).clocks == ()
    for event in events:
        kept.apply(event)
    closing = [c for c in folded(*events).clocks() if c.kind == "closing"][-1]
    row = kept.get("R1010")
    assert (row.status, row.due_at) == ("open", closing.set.due_at)
    assert closing.set.started_at == START + 2 * HOUR


@pytest.mark.rule("REQ-01", "REQ-09", "REQ-16")
def test_a_request_goes_through_every_transition_and_every_event() -> None:
    for seen in (seen_events, seen_transitions):
        seen.clear()
    run_state_machine_as_test(
        RequestMachine,
        settings=settings(
            max_examples=400,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert EVERY_EVENT - seen_events == set()
    received = (type(REQUEST.decider.initial), happened.RequestReceived, Open)
    seen = {one for one in seen_transitions if one[1] not in VOIDS}
    assert seen - {received} == TRANSITIONS


# --- what is asked of a request in a status in which it cannot be --------------------------------

LATE = START + 2 * DAY
OPENED = (attrs.evolve(RECEIVE, policy=OFFICE),)
PROMISED = commands.MakeCommitment("R1010", "x", START + 9 * DAY, START + MINUTE)
ORDERED = commands.Dispatch("R1010", "E4", "operator", START + MINUTE, on_site=True)
OFFERED = commands.Dispatch("R1010", "engineering", "department", START + MINUTE, "grab")
STOPPED = PauseRequest("R1010", "customer_absent", START + 2 * MINUTE, START + 9 * DAY)
FINISHED = commands.ReportDone("R1010", START + 2 * MINUTE)
OWED = commands.GiveUpCommitment("R1010", START + 2 * MINUTE, "no valve")
YES = commands.ConfirmClosing("R1010", START + 3 * MINUTE, "satisfied", WORD)
AWAY = commands.MergeDuplicate("R1010", "R1", "same", START + 2 * MINUTE)

WAYS: dict[type, tuple[Any, ...]] = {
    Open: (),
    Paused: (STOPPED,),
    Done: (FINISHED,),
    Closed: (FINISHED, YES),
    Merged: (AWAY,),
}
"""What leads to each status."""

ASKED: tuple[tuple[Any, tuple[Any, ...], set[type]], ...] = (
    (RECEIVE, (), set()),
    (attrs.evolve(PROMISED, made_at=LATE), (), {Open, Paused}),
    (commands.AcceptCommitment("R1010", WORD, LATE), (PROMISED,), {Open, Paused}),
    (
        commands.Renegotiate("R1010", "x", START + 8 * DAY, LATE, "later"),
        (PROMISED,),
        {Open, Paused},
    ),
    (commands.GiveUpCommitment("R1010", LATE, "no valve"), (PROMISED,), {Open, Paused}),
    (commands.AnswerCustomer("R1010", LATE), (), {Open, Paused}),
    (commands.HandOver("R1010", "S18", "shift ended"), (), {Open, Paused, Done}),
    (attrs.evolve(ORDERED, dispatched_at=LATE), (), {Open, Paused}),
    (commands.GrabOrder("R1010", LATE), (OFFERED,), {Open, Paused}),
    (commands.RefuseOrder("R1010", "not mine", LATE, by=OPERATOR), (ORDERED,), {Open, Paused}),
    (commands.ReturnOrder("R1010", "not mine", LATE, by=OPERATOR), (ORDERED,), {Open, Paused}),
    (commands.Arrive("R1010", LATE), (ORDERED,), {Open, Paused}),
    (commands.NoteProgress("R1010", "on the way", True, LATE), (), {Open, Paused}),
    (attrs.evolve(STOPPED, paused_at=LATE), (), {Open}),
    (commands.ExtendPause("R1010", "away", LATE, START + 12 * DAY), (), {Paused}),
    (ResumeRequest("R1010", LATE), (), {Paused}),
    (attrs.evolve(FINISHED, done_at=LATE), (), {Open, Paused}),
    (commands.NoteFailedAttempt("R1010", LATE, "phone"), (), {Done}),
    (attrs.evolve(YES, confirmed_at=LATE), (), {Done}),
    (
        commands.Apologise("R1010", "sorry", "valve", "free", LATE),
        (PROMISED, OWED),
        {Open, Paused, Done},
    ),
    (commands.CloseImported("R1010", LATE), (), {Open, Paused, Done}),
    (commands.Reopen("R1010", LATE, "leaks again"), (), {Done, Closed}),
    (Reclassify("R1010", "worse", LATE, severity="major"), (), {Open, Paused}),
    (Rebase("R1010", "agreed", LATE, policy=OTHER), (), {Open, Paused}),
    (commands.MarkDuplicate("R1010", "R1", "same"), (), {Open, Paused, Done, Closed}),
    (attrs.evolve(AWAY, merged_at=LATE), (), {Open, Paused}),
    (commands.UndoDuplicate("R1010", "another leak", LATE), (), {Merged}),
    (commands.LinkToIncident("R1010", "I1"), (), {Open, Paused}),
)
"""Each command with what must have happened before, and the statuses in which it is accepted."""

CODES = {
    commands.Apologise: {"no_apology_owed", "request_not_open"},
    commands.ReceiveRequest: {"request_exists"},
    commands.PauseRequest: {"already_paused", "request_not_open"},
    commands.ExtendPause: {"not_paused"},
    commands.ResumeRequest: {"not_paused"},
    commands.NoteFailedAttempt: {"request_not_done"},
    commands.ConfirmClosing: {"request_not_done"},
    commands.Reopen: {"request_not_closed"},
    commands.MarkDuplicate: {"duplicate_already"},
    commands.UndoDuplicate: {"not_a_duplicate"},
}
"""By which codes it is refused elsewhere; all others because the request is not open."""


@pytest.mark.parametrize("status", WAYS, ids=lambda status: status.__name__.lower())
@pytest.mark.parametrize(
    ("command", "before", "accepted"), ASKED, ids=[type(one[0]).__name__ for one in ASKED]
)
@pytest.mark.rule("REQ-01", "REQ-08", "REQ-12")
def test_what_is_asked_in_the_wrong_status_is_refused_and_in_the_right_one_is_not(
    status: Any, command: Any, before: tuple[Any, ...], accepted: set[type]
) -> None:
    events: tuple[Any, ...] = ()
    # What is owed, or promised, keeps a request from being merged or closed.
    stuck = (status in (Closed, Merged) and OWED in before) or (
        status is Merged and before[:1] == (PROMISED,)
    )
    for past in (*OPENED, *(() if stuck else before), *WAYS[status]):
        events += _decided(_pinned(past), events)
    state = folded(*events)
    assert type(state) is status
    decided = REQUEST.decider.decide(_pinned(command), state)
    if status in accepted:
        assert isinstance(decided, tuple), decided
        assert decided
    else:
        assert isinstance(decided, Refusal)
        assert decided.code in CODES.get(type(command), {"request_not_open"})


def _pinned(command: Any) -> Any:
    """The command with what is looked up for it, of both policies."""
    command = looked_up(command, None, OFFICE)
    if hasattr(command, "held_to"):
        return attrs.evolve(command, held_to=(OFFICE, OTHER))
    return command


def test_every_command_stands_in_the_table_of_statuses() -> None:
    """But those that do nothing where there is nothing to do, and what confirms an entry."""
    never = {
        commands.ConfirmEntry,
        commands.FollowIncident,
        commands.RenewCalendar,
        commands.TakeStep,
        commands.VoidClosing,
        commands.VoidRequest,
    }
    assert {type(one[0]) for one in ASKED} | never == set(CLASSES)


def test_every_command_is_refused_by_a_request_that_never_came_in() -> None:
    """But taking it in, and what is never refused."""
    made = commands_at("R1010", "V00001", now=START)

    @hypothesis_given(
        st.sampled_from([c for c in CLASSES if c is not commands.ReceiveRequest]).flatmap(made)
    )
    def check(command: Any) -> None:
        decided = REQUEST.decider.decide(command, REQUEST.decider.initial)
        nothing = commands.FollowIncident | commands.VoidClosing | commands.VoidRequest
        if isinstance(command, nothing):
            assert decided == ()
        else:
            assert isinstance(decided, Refusal)

    check()


# --- the clock-driven part -----------------------------------------------------------------------


def centre(**options: Any) -> Any:
    crm = open_crm("memory:", **options)
    register(crm, "V1", "星河", "1", "2", "301")
    return crm


def take_in(crm: Any, *numbers: str, at: datetime = START) -> None:
    for number in numbers:
        command = attrs.evolve(RECEIVE, request=number, household="V1", received_at=at)
        crm.do(command, by=CLERK, at=at)


def said(crm: Any, request: str) -> list[tuple[str, bytes]]:
    return [(e.name, crm.log.canonical(e.event)) for e in crm.history(f"request/{request}")]


@hypothesis_given(st.lists(st.integers(1, 400), min_size=1, max_size=8, unique=True))
@pytest.mark.rule("REQ-13", "REQ-09")
def test_however_often_the_clock_is_asked_the_same_events_follow(ticks: list[int]) -> None:
    end = START + 400 * MINUTE
    promise = commands.MakeCommitment("R1", "x", START + 90 * MINUTE, START + MINUTE)
    with centre() as often, centre() as once:
        for crm in (often, once):
            take_in(crm, "R1", "R2")
            crm.do(promise, by=CLERK, at=START + MINUTE)
        for tick in sorted(ticks):
            often.tick(START + tick * MINUTE)
            often.tick(START + tick * MINUTE)
        often.tick(end)
        once.tick(end)
        for request in ("R1", "R2"):
            assert said(often, request) == said(once, request)
        before = once.log.head()
        assert not any(once.tick(end).events.values())
        assert once.log.head() == before


@pytest.mark.rule("REQ-13")
def test_a_target_is_not_breached_at_its_very_end_but_right_after_it() -> None:
    with centre() as crm:
        take_in(crm, "R1")
        crm.tick(START + 30 * MINUTE)
        assert not any("breached" in name and b"closing" in d for name, d in said(crm, "R1"))
        crm.tick(START + 30 * MINUTE + timedelta(microseconds=1))
        assert any("breached" in name and b"closing" in d for name, d in said(crm, "R1"))


@pytest.mark.rule("REQ-09", "REQ-12", "REQ-08")
def test_the_clock_breaks_promises_ends_pauses_and_closes_what_nobody_confirms() -> None:
    with centre() as crm:
        take_in(crm, "R1", "R2", "R3")
        promise = commands.MakeCommitment("R1", "x", START + HOUR, START + MINUTE)
        crm.do(promise, by=CLERK)
        crm.do(PauseRequest("R2", "access_refused", START + MINUTE, START + HOUR), by=CLERK)
        crm.do(commands.ReportDone("R3", START + MINUTE), by=OPERATOR)
        for n in (2, 3, 4):
            attempt = commands.NoteFailedAttempt("R3", START + n * MINUTE, "phone")
            crm.do(attempt, by=CLERK)
        crm.tick(START + 2 * HOUR)
        assert crm.get(Request, "R1").duties
        assert isinstance(crm.get(Request, "R2"), Open)
        crm.tick(START + 4 * DAY)
        closed = crm.get(Request, "R3")
        assert (closed.outcome, closed.opinion) == ("unconfirmed", None)


@pytest.mark.rule("REQ-14")
def test_policy_of_tomorrow_moves_no_step_of_an_open_request() -> None:
    midnight = START + 15 * HOUR  # 00:00 of 2 March in Shanghai
    with centre(policies=shipped().add(STRICT)) as crm, centre() as plain:
        for one in (crm, plain):
            take_in(one, "R1", at=midnight - SECOND)
            one.tick(midnight + DAY)
        assert said(crm, "R1") == said(plain, "R1")
        take_in(crm, "R2", at=midnight)
        assert str(crm.get(Request, "R2").policy) == "sla-cn-default/2"


@pytest.mark.rule("REQ-14")
def test_without_the_pinned_policy_nothing_is_guessed() -> None:
    with centre() as crm:
        take_in(crm, "R1")
        crm.host.policies = ONLY_STRICT
        before = said(crm, "R1")
        assert crm.tick(START + HOUR).parked["requests"] == 2
        assert said(crm, "R1") == before
        crm.host.policies = shipped()
        assert crm.tick(START + HOUR).parked["requests"] == 0
        assert len(said(crm, "R1")) > len(before)


def test_the_clock_costs_with_what_is_due() -> None:
    """Rows are asked for by their instant, a page at a time; what is not due is not looked at."""
    with centre() as crm:
        take_in(crm, "R1")
        take_in(crm, *(f"Q{n}" for n in range(40)), at=START + DAY)
        asked: list[Any] = []
        scan = crm.views.scan

        def watched(view: Any, **how: Any) -> Any:
            rows = scan(view, **how)
            if view is DUE_REQUESTS:
                asked.append(rows)
            return rows

        crm.views.scan = watched
        crm.tick(START + 151 * SECOND)
        assert [len(rows) for rows in asked] == [1, 0]
        row = asked[0][0][2]
        assert isinstance(row, DueRequest)
        assert row.request == "R1"


def test_stopping_is_told_for_every_event_alike() -> None:
    handed_over = happened.HandedOver(
        request="R", from_owner="a", to_owner="b", reason="c", **told(START)
    )
    assert not stopped_by(handed_over).has("closing-1")
    with centre() as crm, pytest.raises(Refused) as refused:
        crm.do(commands.TakeStep("R9", "closing-1", "breach", START), by=SYSTEM)
    assert refused.value.reason == "given_inside_only"
