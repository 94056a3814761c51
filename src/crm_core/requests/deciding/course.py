"""A request in the course of one command, and what its state says of its times."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from crm_core.kernel.decider import Decision
from crm_core.requests import clocks as timing
from crm_core.requests.clocks import (
    APOLOGY,
    ARRIVAL,
    CLOSE,
    CLOSING,
    COMMITMENT,
    CONFIRMATION,
    PROGRESS,
    WORK,
    Clock,
    ClockSet,
    Pause,
)
from crm_core.requests.events import CommitmentBroken, CommitmentKept, RequestResumed
from crm_core.requests.evolve import evolve
from crm_core.requests.sla import SlaPolicy
from crm_core.requests.state import Request, pause_of

TIME_PASSED = "its time has passed"
"""Why a promise is broken that nobody gave up."""


class Course:
    """A request in the course of one command: what has happened so far, and where that led."""

    def __init__(self, command: Any, state: Request) -> None:
        self.request = state.request
        self.policy: SlaPolicy = command.policy
        self.state: Request = state
        self.events: list[Any] = []

    def happens(self, event: Any) -> None:
        """Add an event, and go on from what it leads to."""
        self.events.append(event)
        self.state = evolve(self.state, event)

    def decided(self) -> Decision:
        """All that has happened."""
        return tuple(self.events)

    def time_passes(self, at: datetime) -> Course:
        """What time alone has brought about by then stands before what is asked for."""
        pause = pause_of(self.state)
        if pause is not None and pause.expected_end <= at:
            # A promise whose time had passed before the pause was broken before it ended.
            self._promise_passes(pause.since)
            self.resumes(pause.expected_end)
        pause = pause_of(self.state)
        self._promise_passes(at if pause is None else min(at, pause.since))
        return self

    def _promise_passes(self, limit: datetime) -> None:
        promise = self.state.promise
        clock = None if promise is None else clock_named(self.state, promise.clock)
        if clock is not None and clock.set.due_at < limit:
            self.breaks_promise(clock.set.due_at, TIME_PASSED, given_up=False)

    def resumes(self, at: datetime) -> None:
        """The pause ends; the clocks of the work go on from where they stood."""
        pause = pause_of(self.state)
        assert pause is not None
        moved = tuple(
            timing.after_pause(clock.set, self.policy, pause.since, at)
            for clock in self.state.running
            if clock.kind in WORK
        )
        self.happens(RequestResumed(self.request, at, moved))

    def breaks_promise(self, broken_at: datetime, reason: str, *, given_up: bool) -> None:
        """The promise is broken, and an apology is owed (REQ-09)."""
        promise = self.state.promise
        assert promise is not None
        clock = clock_named(self.state, promise.clock)
        assert clock is not None
        seconds = self.state.targets.apology_seconds
        apology = timing.start(self.name(APOLOGY), broken_at, seconds, self.policy)
        passed = timing.after_step(clock.set, self.policy, self.pauses)
        self.happens(
            CommitmentBroken(
                request=self.request,
                promised_by=promise.by,
                clock=promise.clock,
                due_at=clock.set.due_at,
                broken_at=broken_at,
                given_up=given_up,
                reason=reason,
                clocks=(passed, apology),
            )
        )

    def keeps_promise(self, at: datetime) -> None:
        """What was promised is there: in time, or it would have been broken before."""
        promise = self.state.promise
        if promise is not None:
            clock = clock_named(self.state, promise.clock)
            assert clock is not None
            self.happens(
                CommitmentKept(
                    request=self.request,
                    promised_by=promise.by,
                    clock=promise.clock,
                    due_at=clock.set.due_at,
                    kept_at=at,
                    lifted="",
                )
            )

    def finds_kept(self, at: datetime) -> None:
        """Promises that were kept, which only came to be known when they were called broken."""
        for duty in self.state.duties:
            clock = clock_named(self.state, duty.commitment)
            if at <= duty.due_at and clock is not None and not clock.broken:
                self.happens(
                    CommitmentKept(
                        request=self.request,
                        promised_by=duty.promised_by,
                        clock=duty.commitment,
                        due_at=duty.due_at,
                        kept_at=at,
                        lifted=duty.clock,
                    )
                )

    def name(self, kind: str) -> str:
        """Name of the next clock of a kind."""
        return f"{kind}-{self.state.counts.get(kind, 0) + 1}"

    @property
    def pauses(self) -> tuple[Pause, ...]:
        """The pauses that are over."""
        return tuple(self.state.pauses)

    def silence(self, at: datetime) -> ClockSet:
        """The clock of the silence that begins when the customer has heard something (REQ-07)."""
        progress = self.policy.progress
        closing = self.state.clock(CLOSING)
        seconds = progress.seconds_max
        if closing is not None:
            calendar = timing.calendar_of(CLOSING, closing.set.basis, self.policy)
            left = timing.elapsed(calendar, at, closing.set.due_at) or closing.set.seconds
            seconds = left * progress.percent // 100
        bounded = min(max(seconds, progress.seconds_min), progress.seconds_max)
        return timing.start(self.name(PROGRESS), at, bounded, self.policy, pauses=self.pauses)

    def arrival(self, at: datetime) -> ClockSet | None:
        """The clock of arrival, if it has not been started yet (REQ-05)."""
        if self.state.counts.get(ARRIVAL):
            return None
        seconds = self.state.targets.arrival_seconds
        return timing.start(self.name(ARRIVAL), at, seconds, self.policy, pauses=self.pauses)

    def commitment(self, at: datetime, due_at: datetime) -> ClockSet:
        """The clock of a promise: nothing falls due on it but that its time has passed."""
        return timing.start(self.name(COMMITMENT), at, 0, self.policy, agreed=due_at)

    def set_anew(
        self, clock: Clock, at: datetime, *, seconds: int = 0, agreed: datetime | None = None
    ) -> ClockSet:
        """A clock under another target, or agreed: from its own start, so nothing is lost."""
        return timing.start(
            clock.name,
            clock.set.started_at,
            seconds,
            self.policy,
            at=at,
            pauses=self.pauses,
            agreed=agreed,
        )

    def asked(self, made: int, at: datetime) -> tuple[ClockSet, ...]:
        """The clock of asking the customer, if it runs, after so many attempts in vain (REQ-08).

        What it says next lies ahead of `at`.
        """
        asking = self.state.clock(CONFIRMATION)
        if asking is None:
            return ()
        found = self._confirmation(asking.name, asking.set.started_at, made)
        if found.step == CLOSE and at > found.due_at:
            found = timing.with_step(found, at, CLOSE)
        return (found,)

    def asking(self, done_at: datetime) -> ClockSet:
        """The clock of asking the customer from when the work is done (REQ-08)."""
        return self._confirmation(self.name(CONFIRMATION), done_at, 0)

    def _confirmation(self, clock: str, done_at: datetime, made: int) -> ClockSet:
        targets = self.state.targets
        return timing.confirmation(
            clock,
            done_at,
            attempts=targets.confirm_attempts,
            made=made,
            days=targets.confirm_days,
            policy=self.policy,
        )


# --- what the state says ---------------------------------------------------------------------


def clock_named(state: Request, name: str) -> Clock | None:
    """The running clock of that name."""
    for clock in state.running:
        if clock.set.clock == name:
            return clock
    return None


def paused_since(state: Request) -> datetime:
    """When the pause began that lasts; when the request came in, if none does."""
    pause = pause_of(state)
    return state.received_at if pause is None else pause.since


def begun(state: Request) -> datetime:
    """Nothing is asked of a request for a time before its closing clock, or its last pause."""
    closing = state.clock(CLOSING)
    started = state.received_at if closing is None else closing.set.started_at
    last = state.pauses.last
    return started if last is None or last.until is None else max(started, last.until)


def finished_at(state: Request) -> datetime:
    """When the work was done; when the request came in, if nobody said so."""
    return state.done_at or state.received_at
