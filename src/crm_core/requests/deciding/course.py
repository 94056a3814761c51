"""A request in the course of time: the one place where time passes, and what it brings about.

Pauses end, promises break, targets are warned of, breached and escalated, customers are to be
asked, and nobody's answer closes. Every command goes through it, and so does the clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from crm_core.kernel.policy import PolicyRef
from crm_core.requests import clocks as timing
from crm_core.requests.clocks import (
    APOLOGY,
    ARRIVAL,
    ATTEMPT,
    CLOSE,
    CLOSING,
    COMMITMENT,
    CONFIRMATION,
    PASSED,
    PROGRESS,
    WORK,
    Clock,
    ClockSet,
    Pause,
)
from crm_core.requests.events import (
    ClockBreached,
    ClockWarned,
    ClosedUnanswered,
    CommitmentBroken,
    CommitmentKept,
    ConfirmationDue,
    Escalated,
    PauseEnded,
)
from crm_core.requests.evolve import evolve
from crm_core.requests.sla import BREACH, SlaPolicy
from crm_core.requests.state import (
    Closed,
    Done,
    Merged,
    Request,
    notices_at,
    pause_of,
    pauses_of,
)


class Policies:
    """The policies that a request was or is held to, by the notices that it counts by (REQ-11)."""

    def __init__(self, policies: Iterable[SlaPolicy]) -> None:
        self._laid = {(p.ref, frozenset(n.ref for n in p.notices)): p for p in policies}
        self._found: dict[tuple[PolicyRef, tuple[PolicyRef, ...]], SlaPolicy] = {}

    def by(self, ref: PolicyRef, notices: tuple[PolicyRef, ...]) -> SlaPolicy:
        """A policy by these notices, as far as its calendars keep public holidays at all."""
        key = ref, notices
        if key not in self._found:
            known = frozenset(notices)
            laid = [counted for one, counted in self._laid if one == ref and counted <= known]
            self._found[key] = self._laid[ref, max(laid, key=len)]
        return self._found[key]


class Course:
    """A request in the course of time: what has happened so far, and where that led."""

    def __init__(self, state: Request, policies: Policies) -> None:
        self.state: Request = state
        self.policies = policies
        self.events: list[Any] = []

    @property
    def request(self) -> str:
        """Its number."""
        return self.state.request

    @property
    def policy(self) -> SlaPolicy:
        """What it is held to now; see `counting` for what its clocks run on."""
        return self.counting(self.state.noticed[-1].since)

    def counting(self, started_at: datetime) -> SlaPolicy:
        """The same, by the official notices that count for a clock that starts then (REQ-11)."""
        return self.policies.by(self.state.policy, notices_at(self.state, started_at))

    def counts_anew(self) -> None:
        """The clocks of the receipt by other notices than were known then (REQ-11)."""
        at = self.state.received_at
        if self.state.received.notices != notices_at(self.state, at):
            policy = self.counting(at)
            self.state.running = tuple(
                Clock(timing.start(clock.name, at, clock.set.seconds, policy), clock.policy)
                for clock in self.state.running
            )

    def happens(self, event: Any) -> None:
        """Add an event, and go on from what it leads to."""
        self.events.append(event)
        self.state = evolve(self.state, event)

    # --- time ------------------------------------------------------------------------------------

    def passes(self, until: datetime) -> Course:
        """What falls due before an instant has happened; a pause has ended at its expected end."""
        while True:
            pause, step = pause_of(self.state), self._next()
            ends = None if pause is None or pause.expected_end > until else pause.expected_end
            at = None if step is None else step.next_at
            if step is not None and at is not None and at < (until if ends is None else ends):
                _STEPS.get(step.step.partition("_")[0], _escalates)(self, step, at)
            elif ends is not None:
                self.ends_pause(ends)
            else:
                return self

    def _next(self) -> ClockSet | None:
        """The clock whose step falls due first; in a pause those of the work stand still."""
        pause = pause_of(self.state)
        found: ClockSet | None = None
        for clock in self.state.running:
            at = clock.set.next_at
            if at is None or (pause is not None and _stands(clock, at, pause)):
                continue
            if found is None or (at, clock.name) < (found.next_at, found.clock):
                found = clock.set
        return found

    def ends_pause(self, at: datetime) -> None:
        """The pause ends; the clocks of the work go on from where they stood."""
        self.happens(PauseEnded(self.request, at, self.gone_on(at)))

    def gone_on(self, at: datetime) -> tuple[ClockSet, ...]:
        """The clocks of the work as they go on when the pause ends."""
        pauses = self.pauses(at)
        return tuple(
            timing.again(clock.set, self._held_to(clock), pauses)
            for clock in self.state.running
            if clock.kind in WORK
        )

    def breaks_promise(self, at: datetime, why: str) -> None:
        """The promise is broken, and an apology is owed (REQ-09)."""
        promise = self.state.promise
        assert promise is not None
        clock = clock_named(self.state, promise.clock)
        assert clock is not None
        apology = timing.start(
            self.name(APOLOGY), at, self.state.targets.apology_seconds, self.counting(at)
        )
        passed = timing.with_step(clock.set, None, "")
        self.happens(
            CommitmentBroken(
                request=self.request,
                promised_by=promise.by,
                clock=promise.clock,
                due_at=clock.set.due_at,
                broken_at=at,
                why=why,
                late=False,
                clocks=(passed, apology) if why == PASSED else (apology,),
            )
        )

    def promised_for(self, at: datetime) -> datetime | None:
        """The time of the promise that is outstanding, as it stands at that instant."""
        promise = self.state.promise
        clock = None if promise is None else clock_named(self.state, promise.clock)
        if clock is None:
            return None
        calendar = timing.calendar_of(clock.kind, clock.set.basis, self._held_to(clock))
        return timing.due_of(clock.set, calendar, self.pauses(at))

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
                    late=False,
                )
            )

    def closes_unanswered(self, at: datetime) -> None:
        """The customer was asked in vain for long enough (REQ-08)."""
        self.happens(ClosedUnanswered(self.request, at, self.state.attempts, late=False))

    # --- clocks ----------------------------------------------------------------------------------

    def name(self, kind: str) -> str:
        """Name of the next clock of a kind."""
        return f"{kind}-{self.state.counts.get(kind, 0) + 1}"

    def pauses(self, at: datetime) -> tuple[Pause, ...]:
        """The pauses, as if one that lasts ended at that instant (REQ-12)."""
        return timing.as_ended(pauses_of(self.state), at)

    def silence(self, at: datetime, agreed: ClockSet | None = None) -> tuple[ClockSet, ...]:
        """The clock of the silence that begins when the customer has heard something (REQ-07).

        Args:
            agreed: The closing clock as it is set by what they heard, if it is.
        """
        if isinstance(self.state, Closed | Done | Merged):
            return ()
        progress = self.policy.progress
        closing, pauses = self.state.clock(CLOSING), self.pauses(at)
        seconds = progress.seconds_max
        if closing is not None:
            held = agreed or closing.set
            calendar = timing.calendar_of(CLOSING, held.basis, self._held_to(closing))
            left = held.seconds - timing.counted(calendar, held.started_at, at, pauses)
            seconds = max(left, 0) * progress.percent // 100
        bounded = min(max(seconds, progress.seconds_min), progress.seconds_max)
        return (timing.start(self.name(PROGRESS), at, bounded, self.counting(at), pauses=pauses),)

    def arrival(self, at: datetime) -> tuple[ClockSet, ...]:
        """The clock of arrival, if it has not been started yet (REQ-05)."""
        if self.state.counts.get(ARRIVAL):
            return ()
        seconds = self.state.targets.arrival_seconds
        pauses = self.pauses(at)
        return (timing.start(self.name(ARRIVAL), at, seconds, self.counting(at), pauses=pauses),)

    def commitment(self, at: datetime, due_at: datetime) -> ClockSet:
        """The clock of a promise: nothing falls due on it but that its time has passed."""
        return timing.start(self.name(COMMITMENT), at, 0, self.counting(at), agreed=due_at)

    def set_anew(
        self,
        clock: Clock,
        at: datetime,
        *,
        seconds: int = 0,
        agreed: datetime | None = None,
        policy: PolicyRef | None = None,
    ) -> ClockSet:
        """A clock under another target, or agreed: from its own start, so nothing is lost."""
        started_at = clock.set.started_at
        return timing.start(
            clock.name,
            started_at,
            seconds,
            self.policies.by(policy or self.state.policy, notices_at(self.state, started_at)),
            at=at,
            pauses=self.pauses(at),
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
            policy=self.counting(done_at),
        )

    def _held_to(self, clock: Clock) -> SlaPolicy:
        return self.policies.by(clock.policy, notices_at(self.state, clock.set.started_at))

    def after_step(self, clock: ClockSet, at: datetime) -> ClockSet:
        """The clock with the step behind the one that it has come to."""
        held_to = clock_named(self.state, clock.clock)
        assert held_to is not None
        return timing.after_step(clock, self._held_to(held_to), self.pauses(at))


# --- steps ---------------------------------------------------------------------------------------


def _warns(course: Course, clock: ClockSet, at: datetime) -> None:
    course.happens(
        ClockWarned(
            request=course.request,
            clock=clock.clock,
            percent=timing.percent_of(clock.step),
            at=at,
            late=False,
            clocks=(course.after_step(clock, at),),
        )
    )


def _breaches(course: Course, clock: ClockSet, at: datetime) -> None:
    breached = timing.with_step(clock, clock.next_at, BREACH)
    course.happens(
        ClockBreached(
            request=course.request,
            clock=clock.clock,
            at=at,
            told=course.policy.escalation.roles[0],
            late=False,
            clocks=(course.after_step(breached, at),),
        )
    )


def _escalates(course: Course, clock: ClockSet, at: datetime) -> None:
    percent = timing.percent_of(clock.step)
    escalation = course.policy.escalation
    level = (percent - 100) // escalation.step_percent
    course.happens(
        Escalated(
            request=course.request,
            clock=clock.clock,
            percent=percent,
            at=at,
            told=escalation.roles[min(level, len(escalation.roles) - 1)],
            late=False,
            clocks=(course.after_step(clock, at),),
        )
    )


def _passes(course: Course, clock: ClockSet, at: datetime) -> None:
    promise = course.state.promise
    assert promise is not None, "INVARIANT: the time of a promise passes while it is outstanding"
    assert promise.clock == clock.clock, "INVARIANT: one promise is outstanding at a time"
    course.breaks_promise(at, PASSED)


def _asks(course: Course, clock: ClockSet, at: datetime) -> None:
    attempt = int(clock.step.removeprefix(ATTEMPT))
    policy = course.counting(clock.started_at)
    after = timing.attempted(clock, policy, course.state.targets.confirm_attempts)
    due = ConfirmationDue(
        request=course.request, attempt=attempt, due_at=at, late=False, clocks=(after,)
    )
    course.happens(due)


def _closes(course: Course, clock: ClockSet, at: datetime) -> None:
    """Asked in vain for long enough; else the staff have not asked, and that is a breach."""
    state = course.state
    if state.attempts >= state.targets.confirm_attempts and not state.duties:
        course.closes_unanswered(at)
    else:
        _breaches(course, clock, at)


_STEPS: dict[str, Callable[[Course, ClockSet, datetime], None]] = {
    "warn": _warns,
    BREACH: _breaches,
    PASSED: _passes,
    ATTEMPT.rstrip("_"): _asks,
    CLOSE: _closes,
}
"""What follows from a step, by the first word of its name; all others escalate."""


def _stands(clock: Clock, at: datetime, pause: Pause) -> bool:
    """Whether a step waits for the end of a pause; one that was reached when it began does not.

    But a target that is just used up is exceeded only when the clock goes on.
    """
    if clock.kind not in WORK:
        return False
    return at > pause.since or timing.percent_of(clock.set.step) == 100


# --- what the state says -------------------------------------------------------------------------


def clock_named(state: Request, name: str) -> Clock | None:
    """The running clock of that name."""
    for clock in state.running:
        if clock.set.clock == name:
            return clock
    return None


def finished_at(state: Request) -> datetime:
    """When the work was done; when the request came in, if nobody said so."""
    return state.done_at or state.received_at
