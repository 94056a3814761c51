"""Commands for one request, and histories in which time goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, get_type_hints

import attrs
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from crm_core.kernel.decider import Refusal
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.recorded import Actor
from crm_core.kernel.trades import TRADES
from crm_core.owners import commands as owners
from crm_core.requests import REQUEST, Closed, Done, Merged, Open, Paused, Request
from crm_core.requests import commands as requests
from crm_core.requests.clocks import PAUSE, RESUME, WORK
from crm_core.requests.events import Entry, RequestClosed, entered_at
from crm_core.requests.heads import Head
from crm_core.requests.parts import Assignment, Evidence
from crm_core.requests.rotation import Crew, Rotation
from crm_core.requests.sla import SlaPolicy
from crm_core.requests.state import pause_of
from crm_core.testing.strategies.classes import command_classes, command_of
from crm_core.testing.strategies.histories import History, Step
from crm_core.testing.strategies.policies import sla_text
from crm_core.testing.strategies.values import STAFF, mostly, words


def request_commands(request: str = "R1010", household: str = "V00001") -> SearchStrategy[Any]:
    """Commands for one request, in the days after it was received; some are not accepted."""
    made = commands_at(request, household)
    classes = command_classes(requests)
    # A request that is void is at its end: most histories go on.
    lasting = [cls for cls in classes if cls is not requests.VoidRequest]
    return st.one_of(*(made(cls) for cls in (*lasting * 3, *classes)))


def request_openings(request: str = "R1010", household: str = "V00001") -> SearchStrategy[Any]:
    """Commands that take in a request."""
    accepted = {
        "channel": st.sampled_from(requests.CHANNELS),
        "kind": st.sampled_from(requests.KINDS),
        "trade": st.sampled_from(TRADES),
        "severity": st.sampled_from(requests.SEVERITIES),
        "first_asked": st.just("staff-1"),
        "agreed": words(owners.owner_id(household)),
        "agreed_due_at": st.sampled_from((None, None, _RECEIVED + timedelta(hours=1))),
        "policy": st.just(_SLA),
    }
    return commands_at(request, household, accepted)(requests.ReceiveRequest)


_RECEIVED = datetime(2011, 3, 1, 1, 0, tzinfo=UTC)
"""When generated requests come in: 9:00 of a Tuesday in Shanghai."""

_SLA = SlaPolicy.parse(sla_text(closing="office"))
"""What generated requests are held to until they are re-based."""

_OTHERS = tuple(
    SlaPolicy.parse(sla_text(*numbers))
    for numbers in ((2, 3600, 43200, 600, 1, "24x7"), (3, 1800, 21600, 300, 2, "office"))
)
"""What they are re-based to."""

HELD_TO: Mapping[PolicyRef, SlaPolicy] = {policy.ref: policy for policy in (_SLA, *_OTHERS)}
"""Every policy that generated requests are held to."""


def commands_at(
    request: str,
    household: str,
    accepted: Mapping[str, SearchStrategy[Any]] | None = None,
    now: datetime | None = None,
    known_at: datetime | None = None,
    policies: tuple[SlaPolicy, ...] = (_SLA, *_OTHERS),
) -> Callable[[type], SearchStrategy[Any]]:
    """Commands of any class for one request.

    Args:
        accepted: What is to be accepted of a receipt.
        now: When all of them happen; without it at any time in the days after the receipt.
        known_at: When it becomes known, if not when it happens.
        policies: What the request is held to, and then what it is re-based to.
    """
    start = _RECEIVED
    minutes = (-1, 0, 1, 5, 30, 31, 360, 1440, 2880, 4320)
    near = (
        st.just(now)
        if now is not None
        else st.builds(
            lambda late, odd: start + timedelta(minutes=late, seconds=odd),
            st.sampled_from(minutes),
            st.integers(0, 1),
        )
    )
    later = st.sampled_from((31, 360, 2880, 20160)).map(
        lambda m: (now or start) + timedelta(minutes=m)
    )
    people = mostly(("staff-1", "staff-2"), "")
    numbers = st.sampled_from((request, "R1", "R2"))
    seen = (known_at, now or start, (now or start) - timedelta(hours=2), start)
    evidence = st.builds(
        Evidence,
        st.just("signed_note"),
        mostly(("note 17",), " "),
        st.sampled_from([at for at in seen if at is not None]),
    )
    head = Head(status="open", household=household, place="", incident=None, chain=("R1",))
    common = {
        "request": st.just(request),
        "household": st.just(household),
        "reason": mostly(("asked for", "mistaken"), ""),
        "policy": st.just(policies[0]),
        "held_to": st.just(policies),
        "by": mostly(STAFF, Actor("nobody", "operator")),
        "first_asked": people,
        "to_owner": people,
        "told_by": st.sampled_from(("staff-1", "staff-2")),
        "word": words(owners.owner_id(household)),
        "to": mostly(("staff-2", "engineering"), ""),
        "form": mostly(requests.ASSIGNEE_FORMS, "crowd"),
        "note": mostly(("waiting for the valve",), ""),
        "apology": mostly(("we are sorry",), ""),
        "cause": mostly(("the valve came late",), " "),
        "remedy": mostly(("done tonight, free of charge",), ""),
        "head": mostly((head,), None),
        "of": numbers,
        "into": numbers,
        "incident": st.sampled_from(("I1", "I1", "I2")),
        "due_at": later,
        "expected_end": later,
        "outcome": mostly(("fixed",), " "),
        "evidence": st.none() | evidence,
        **{
            name: near
            for cls in command_classes(requests)
            for name, hint in get_type_hints(cls).items()
            if hint is datetime
            and name not in ("due_at", "expected_end", "received_at", "known_at")
        },
        "known_at": near if known_at is None else st.just(known_at),
    }
    crews = st.builds(
        Crew,
        st.just("engineering"),
        operators=st.none() | st.just(("staff-1", "staff-2", "staff-3")),
        on_duty=st.sampled_from((None, (), ("staff-1", "staff-3"))),
    )
    clocks = st.sampled_from(("closing-1", "promise-1", "commitment-1", "confirmation-1", "pause"))
    own: dict[type, Mapping[str, SearchStrategy[Any]]] = {
        requests.ReceiveRequest: {
            "received_at": st.just(start),
            "channel": mostly(requests.CHANNELS, "smoke"),
            "kind": mostly(requests.KINDS, "riddle"),
            "trade": mostly(TRADES, "piracy"),
            "severity": mostly(requests.SEVERITIES, "mild"),
            "place": st.just("厨房"),
            "agreed_due_at": st.sampled_from((None, None, start, start + timedelta(hours=1))),
            "agreed": st.none() | words(owners.owner_id(household)),
            "follows": st.none(),
            "rings": st.none(),
            **(accepted or {}),
        },
        requests.MakeCommitment: {"form": mostly(requests.PROMISE_FORMS, "hope")},
        requests.Renegotiate: {
            "form": mostly(requests.PROMISE_FORMS, "hope"),
            "word": st.none() | words(owners.owner_id(household)),
        },
        requests.ConfirmClosing: {
            "opinion": mostly(requests.OPINIONS, "fine"),
            "words": mostly(("still wet",), ""),
        },
        requests.AcceptCommitment: {"due_at": st.none() | later},
        requests.Dispatch: {
            "mode": mostly(requests.MODES, "lottery"),
            "crew": crews,
            "rotation": st.builds(Rotation, st.just(3), st.just({"staff-1": 3, "staff-2": 2})),
            "stranger": st.just(False),
        },
        requests.GrabOrder: {"crew": crews},
        requests.PauseRequest: {
            "reason": mostly(("customer_absent", "third_party_utility"), "no staff"),
        },
        requests.Reclassify: {
            "kind": mostly((None, *requests.KINDS), "riddle"),
            "trade": mostly((None, *TRADES), "piracy"),
            "severity": mostly((None, *requests.SEVERITIES), "mild"),
        },
        requests.Apologise: {"new_due_at": st.none() | later},
        requests.Rebase: {"policy": st.sampled_from(policies[1:])},
        requests.ConfirmEntry: {"entry": st.integers(0, 8), "evidence": evidence},
        requests.FollowIncident: {"what": st.sampled_from(("answered", "done"))},
        requests.TakeStep: {
            "clock": clocks,
            "step": st.sampled_from(("warn_50", "breach", "passed", "attempt_1", "resume")),
            "at": near | later,
            "until": st.none() | near | later,
        },
    }
    return lambda cls: command_of(cls, common, own)


LIKELY: Mapping[type, tuple[type, ...]] = {
    Open: (
        requests.MakeCommitment,
        requests.MakeCommitment,
        requests.AcceptCommitment,
        requests.Renegotiate,
        requests.GiveUpCommitment,
        requests.AnswerCustomer,
        requests.Dispatch,
        requests.Dispatch,
        requests.Dispatch,
        requests.GrabOrder,
        requests.RefuseOrder,
        requests.RefuseOrder,
        requests.ReturnOrder,
        requests.ReturnOrder,
        requests.Arrive,
        requests.Arrive,
        requests.Apologise,
        requests.PauseRequest,
        requests.PauseRequest,
        requests.ReportDone,
        requests.ReportDone,
        requests.LinkToIncident,
        requests.FollowIncident,
        requests.Reclassify,
        requests.Rebase,
        requests.MergeDuplicate,
    ),
    Paused: (
        requests.ExtendPause,
        requests.ExtendPause,
        requests.ResumeRequest,
        requests.ResumeRequest,
        requests.ResumeRequest,
        requests.NoteProgress,
        requests.ReportDone,
        requests.Reclassify,
        requests.Rebase,
        requests.MergeDuplicate,
    ),
    Done: (
        requests.NoteFailedAttempt,
        requests.NoteFailedAttempt,
        requests.NoteFailedAttempt,
        requests.NoteFailedAttempt,
        requests.ConfirmClosing,
        requests.ConfirmClosing,
        requests.Apologise,
        requests.Apologise,
        requests.Reopen,
    ),
    Closed: (requests.Reopen,),
    Merged: (requests.UndoDuplicate,),
}
"""What is likely to be asked of a request in a status."""


@st.composite
def request_histories(
    draw: DrawFn, request: str = "R1010", household: str = "V00001", max_size: int = 16
) -> History:
    """Histories of a request in which time goes on, and with it what falls due.

    They go deeper than those of `histories`, whose commands do not know of each other: every third
    command records the next step of a clock, and every fourth says what happened before and comes
    to be known late.
    """
    decider = REQUEST.decider
    command = draw(request_openings(request, household))
    state: Any = decider.initial
    events: list[Any] = []
    steps: list[Step] = []
    now = _RECEIVED
    for _ in range(draw(st.sampled_from((1, 4, max_size, max_size, max_size)))):
        decided = decider.decide(command, state)
        steps.append(Step(command, state, decided))
        if not isinstance(decided, Refusal):
            events.extend(decided)
            state = decider.fold(decided, state)
        due = next_step(state)
        if due is not None and draw(st.integers(0, 2)) == 0:
            command, now = due, max(now, due.at)
            continue
        now += draw(st.sampled_from((0, 1, 4, 20, 360, 1440))) * timedelta(minutes=1)
        command = draw(likely_commands(state, now, request, household, handed_over=True))
        ends = _told_ends(state)
        if ends and draw(st.integers(0, 2)) == 0:
            void = draw(commands_at(request, household, now=now)(requests.VoidClosing))
            command = attrs.evolve(void, closed_at=ends[-1])
    return History(tuple(events), tuple(steps))


def _told_ends(state: Any) -> list[datetime]:
    """The ends that another system told."""
    return [
        entry.closed_at
        for entry in getattr(state, "entries", ())
        if isinstance(entry, RequestClosed) and entry.word is None
    ]


@st.composite
def likely_commands(
    draw: DrawFn,
    state: Any,
    now: datetime,
    request: str = "R1010",
    household: str = "V00001",
    policies: tuple[SlaPolicy, ...] = (_SLA, *_OTHERS),
    *,
    handed_over: bool = False,
) -> Any:
    """Commands that are likely to be given in a status; every fourth comes late.

    Args:
        now: When they are given.
        policies: See `commands_at`.
        handed_over: Whether a hand-over is likely, too.
    """
    at = now
    if draw(st.integers(0, 3)) == 0:
        at -= draw(st.sampled_from((1, 5, 30, 120, 720, 2880))) * timedelta(minutes=1)
        at = max(at, _RECEIVED)
    likely = list(LIKELY.get(type(state), ()))
    if handed_over and requests.PauseRequest in likely:
        at_pause = likely.index(requests.PauseRequest)
        likely[at_pause:at_pause] = [requests.HandOver] * 2
    entered: list[int] = []
    if isinstance(state, Request):
        likely += [requests.Apologise] * (4 if state.duties else 0)
        if state.promise is not None:
            likely += [requests.Renegotiate, requests.AnswerCustomer, requests.GiveUpCommitment]
        entered = [number for number, e in enumerate(state.entries, 1) if _counts_late(e)]
        if entered:
            likely += [requests.ConfirmEntry] * 6
        if state.duplicate_of is not None:
            likely.append(requests.UndoDuplicate)
    made = commands_at(request, household, now=at, known_at=now, policies=policies)
    every = command_classes(requests)
    command = draw(st.sampled_from([*every, *likely * 6]).flatmap(made))
    if not isinstance(state, Request) or draw(st.integers(0, 3)) == 0:
        return command
    return _by_who_can(command, state, entered)


def _by_who_can(command: Any, state: Request, entered: list[int]) -> Any:
    """The command by somebody who can give it: seldom is that the one who was drawn.

    Args:
        entered: Numbers of the entries that do not count from when they say.
    """
    if isinstance(command, requests.RefuseOrder | requests.ReturnOrder):
        return attrs.evolve(command, by=who_has(state.assignment), to="")
    if isinstance(command, requests.Renegotiate) and state.promise:
        by = Actor(state.promise.by, "specialist")
        return attrs.evolve(command, by=by, outcome="fixed", form="outcome", reason="asked for")
    if isinstance(command, requests.GiveUpCommitment) and state.promise:
        return attrs.evolve(command, by=Actor(state.promise.by, "specialist"))
    if isinstance(command, requests.ConfirmEntry) and entered:
        shown = Evidence("signed_note", "note 17", state.received_at)
        by = Actor("staff-9", "specialist")
        return attrs.evolve(command, entry=entered[-1], evidence=shown, by=by)
    return command


def _counts_late(entry: Entry) -> bool:
    return entry.counts_from != entered_at(entry)


def who_has(assignment: Assignment) -> Actor:
    """Somebody who has the order: who was given it, or somebody of the department that was."""
    if assignment.form == "department":
        return Actor("staff-3", assignment.to)
    return Actor(assignment.to, "operator")


def next_step(
    state: Any, held_to: tuple[SlaPolicy, ...] = (_SLA, *_OTHERS)
) -> requests.TakeStep | None:
    """The step that falls due next on a request, as the clock-driven part would record it."""
    if not isinstance(state, Request):
        return None
    paused = pause_of(state)
    ahead = [
        (clock.set.next_at, clock.name, clock.set.step)
        for clock in state.running
        if clock.set.next_at is not None and not (paused and clock.kind in WORK)
    ]
    if paused is not None:
        ahead.append((paused.expected_end, PAUSE, RESUME))
    if not ahead:
        return None
    at, clock, step = min(ahead)
    return requests.TakeStep(state.request, clock, step, at, policy=held_to[0], held_to=held_to)
