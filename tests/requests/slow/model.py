"""What the rules say of a life, minute by minute, written from the rules alone.

How it works: `Slow` is a request at one minute. `pass_to` lets minute after minute go by: each is
asked of every clock that runs, whether its calendar works then and whether a pause stands in the
way; if not, it is counted, and nothing else ever is. `take` lets something happen at the present
minute. What happens in the very minute in which a target is used up is in time: only the next
minute that would be counted is too many (REQ-15).

The rules, as they are read here:

- REQ-03 The promise limit stops with the first promise or answer.
- REQ-04 What the customer accepts replaces the closing target; it runs day and night, as agreed.
- REQ-05 Arrival runs from the first acceptance or order that says that somebody is to come; a
  further order does not begin it anew.
- REQ-07 A silence begins with the first order, and anew with whatever the customer hears: a
  promise, an acceptance, an answer, a note that says so. How long it may be is reckoned when it
  begins.
- REQ-08 Done stops the closing clock. Closing needs the customer's word, entered by somebody
  other than who did the work, and no open duty. Three attempts close the request as unconfirmed
  when the third comes 48 hours or more after it was done, else when three days are over.
- REQ-09 A broken promise is a duty of who promised. One apology settles what was broken before
  it.
- REQ-10 Moved by staff alone, a promise is broken at that instant; with the customer's word
  before it is due it is kept; whatever is agreed after it is due, it was broken when its time
  passed.
- REQ-12 In a pause all clocks of the work stand still; apology and confirmation run on. Whatever
  happens in a pause is judged by what was counted up to then, which is as if the pause ended
  there. Pauses end at their expected end, when resumed, when the work is done and when it is
  closed.
- REQ-15 Kept exactly when no more than the target was counted; late by what was counted beyond
  it.
- REQ-16 Reopening leaves all verdicts as they were and begins `closing-2`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from slow.calendar import A_DAY, DAY_AND_NIGHT, SHIPPED, Calendar, Rules, clock_time, instant

SILENT = """Where the rules are silent or can be read in two ways. What is said of it is a *doubt*
of the clock, promise or duty concerned (by the key before the colon), and `comparing` passes it
over unless it is asked for doubts too.

- done_without_promise: the work is reported done, or the request closed, before anybody promised
  or answered anything. Whether the promise limit (REQ-03) is then met, or runs on, is not said.
- agreed_elsewhere: a customer accepts a time that nobody promised (`AcceptCommitment.due_at`). It
  replaces the target (REQ-04). Here it is a promise of an outcome by who entered it as well
  (REQ-03), with all that follows of it; that it is nobody's promise is another reading, so of
  whom it is is passed over.
- accepted_late: a commitment is accepted after the closing target has passed. "Replaces the
  target for that request" can be read as taking the breach back, or as an agreement about the
  time that remains.
- agreed_in_pause: a time is promised, accepted or moved in a pause. By "the pause itself goes on"
  the rest of the pause moves the time, though both sides knew of the pause when they agreed on
  it.
- reclassified_late: the severity changes after the first target has passed. The new target is
  counted from receipt; whether the breach of the old one is taken back is not said for an open
  clock.
- severity_of_agreed: the severity changes while an agreed time is the target: the agreed time
  stays.
- done_without_arrival: the work is reported done, or closed, though nobody is recorded as
  arrived. Whether the clock of arrival stops, as kept, is not said.
- second_arrival: somebody is to come again after an arrival, or after reopening: whether there is
  a second clock of arrival is not said.
- silence_reckoned: what is left of the closing target changes in a silence (another severity, an
  accepted time). Whether the running silence is reckoned anew is not said.
- silence_heard: REQ-07 speaks of notes alone. Here a promise, an acceptance and an answer are
  heard by the customer too; an order, an arrival and an apology do not end a silence, a promise
  moved by staff alone does, though it can be read as one of which the customer heard nothing.
- silence_after_reopening: whether a silence begins with reopening is not said; here with the next
  order, or the next that the customer hears.
- late_replaced: a broken promise is followed by another one. By how much the first was late has
  no end that the rules name: the new promise, the work, or its due time.
- broken_early: a promise is broken before its time (moved by staff alone, given up): kept is
  False though no more than the target was counted (REQ-10 before REQ-15); when its clock stops,
  and "by how much" it was broken, is not said.
- moved_after_apology: a broken promise for which the apology was made is moved. Here there is
  nothing left to move, and another promise is made instead.
- answer_by_work: an answer does not keep a promise of an outcome. Whether work that is done keeps
  the promise of an answer is not said; docs/reference/rules.md has it that "an answer is kept by
  the answer". Here the work does, as nothing is left to answer.
- given_up_limit: the apology for a promise given up is due "at once, at the latest 30 minutes
  after the promised time" (REQ-09) or 30 minutes after giving up (docs/reference/rules.md). Here
  the latter.
- lifted_by_import: "an imported closing lifts the duty", said of a closing in time; whether one
  that closes late lifts the duty of the promise that it broke is not said. Here it does: the
  request is closed.
- pause_at_the_end: a pause begins in the very minute in which a target is used up: whether it is
  due then or when the pause is over. Kept and late are the same; the due time and the instant of
  the breach differ.
- unconfirmed_at: when exactly three attempts close a request; the outcome is compared, not the
  instant.
- reopened_again: there is no closing-3 in the rules, nor a promise limit or a first silence of a
  reopening.
"""

OPEN, PAUSED, DONE, CLOSED = "open", "paused", "done", "closed"
OUTCOME, ANSWER = "outcome", "answer"

KINDS = (
    "received",
    "promised",
    "accepted",
    "moved_alone",
    "moved_agreed",
    "given_up",
    "answered",
    "noted",
    "ordered",
    "arrived",
    "paused",
    "extended",
    "resumed",
    "done",
    "attempted",
    "confirmed",
    "apologised",
    "reclassified",
    "imported_closing",
    "reopened",
)


@dataclass(frozen=True)
class Entry:
    """Something that happened.

    Args:
        kind: One of `KINDS`.
        at: When it happened, in minutes (`calendar.minute`).
        by: Id of the member of staff who did it.
        form: Of a promise: `outcome` or `answer`.
        due: Of a promise or an acceptance: the time that is promised or agreed.
        told: Of a note: whether the customer was told.
        reason: Of a pause.
        end: Of a pause: its expected end.
    """

    kind: str
    at: int
    by: str
    channel: str | None = None
    severity: str | None = None
    form: str | None = None
    due: int | None = None
    on_site: bool = False
    told: bool = False
    reason: str | None = None
    end: int | None = None
    opinion: str | None = None

    def __str__(self) -> str:
        said = {
            "channel": self.channel,
            "severity": self.severity,
            "form": self.form,
            "due": self.due and clock_time(self.due),
            "on_site": self.on_site or None,
            "told": self.told or None,
            "reason": self.reason,
            "end": self.end and clock_time(self.end),
            "opinion": self.opinion,
        }
        words = ", ".join(f"{name} {value}" for name, value in said.items() if value is not None)
        return f"{clock_time(self.at)} {self.kind} by {self.by}" + (f": {words}" if words else "")


Life = tuple[Entry, ...]
"""Entries in the order in which they happened; the first is the receipt."""


@dataclass
class Clock:
    """A clock while time goes on.

    Args:
        ran: The minutes that were counted, one by one.
        stands: Whether it stands still in a pause.
        broken: That it is broken, whatever was counted (REQ-10).
        doubts: What the rules leave open of it: `kept`, `late` or `due`, with the key in `SILENT`.
    """

    name: str
    calendar: Calendar
    target: int
    started: int
    stands: bool = True
    basis: str = "target"
    ran: list[int] = field(default_factory=list)
    stopped: int | None = None
    broken: bool = False
    doubts: dict[str, str] = field(default_factory=dict)

    @property
    def runs(self) -> bool:
        return self.stopped is None

    @property
    def counted(self) -> int:
        return 60 * len(self.ran)

    @property
    def over(self) -> int:
        """Counted seconds beyond the target."""
        return max(0, self.counted - self.target)

    def doubt(self, key: str, *aspects: str) -> None:
        assert f"- {key}:" in SILENT, key
        for aspect in aspects:
            self.doubts[aspect] = key

    def due_at(self, until: int) -> datetime:
        """When the target was used up, or would be if the clock ran on from `until`."""
        whole, rest = divmod(self.target, 60)
        if not self.target:
            return instant(self.started)
        minutes = list(self.ran)
        at = until
        while len(minutes) <= whole:
            if self.calendar.worked(at):
                minutes.append(at)
            at += 1
        # The end of the last minute that counts in full, or the half of one that counts.
        return instant(minutes[whole], rest) if rest else instant(minutes[whole - 1] + 1)

    def reached(self, percent: int) -> datetime | None:
        """When so many percent of the target were counted; None if they were not."""
        minutes, rest = divmod(self.target * percent, 6000)
        assert not rest, "only whole minutes are told"
        return instant(self.ran[minutes - 1] + 1) if len(self.ran) >= minutes else None


@dataclass
class Promise:
    """A promise (承诺).

    Args:
        status: `running`, `kept`, `broken` or `moved` (with the customer's word: that keeps it).
        since: When it came to be so.
    """

    number: int
    by: str
    form: str
    due: int
    clock: Clock
    accepted: bool = False
    status: str = "running"
    since: int | None = None
    doubts: dict[str, str] = field(default_factory=dict)


@dataclass
class Duty:
    """An apology that is owed (致歉).

    Args:
        by: Who broke the promise.
        since: When it was broken.
        settled: When the apology was made; None while it is owed.
        lifted: That it is not owed after all.
    """

    promise: int
    by: str
    since: int
    clock: Clock
    settled: int | None = None
    lifted: bool = False
    doubt: str | None = None

    @property
    def open(self) -> bool:
        return self.settled is None and not self.lifted


@dataclass(frozen=True)
class ClockJudged:
    """What became of a clock.

    Args:
        kept: Whether it was kept; None while it runs and may still be.
        late: Counted seconds beyond the target.
        due_at: When the target was or will be used up; None in a pause.
        doubts: Aspects that the rules leave open, with their key in `SILENT`.
    """

    name: str
    basis: str
    started: int
    target: int
    counted: int
    kept: bool | None
    late: int
    due_at: datetime | None
    stopped: int | None
    doubts: dict[str, str]
    reached: Clock


@dataclass(frozen=True)
class PromiseJudged:
    number: int
    by: str
    form: str
    status: str
    since: int | None
    doubts: dict[str, str]


@dataclass(frozen=True)
class DutyJudged:
    promise: int
    by: str
    since: int
    settled: int | None
    lifted: bool
    doubt: str | None

    @property
    def open(self) -> bool:
        return self.settled is None and not self.lifted


@dataclass(frozen=True)
class Judged:
    """What the rules say of a life at a minute.

    Args:
        refused: Entries that the rules do not let in, by their number in the life, with the rule.
    """

    now: int
    status: str
    outcome: str | None
    opinion: str | None
    clocks: dict[str, ClockJudged]
    promises: tuple[PromiseJudged, ...]
    duties: tuple[DutyJudged, ...]
    refused: dict[int, str]

    @property
    def owed(self) -> tuple[DutyJudged, ...]:
        """The apologies that are still owed."""
        return tuple(duty for duty in self.duties if duty.open)


def judge(life: Life, now: int, rules: Rules = SHIPPED) -> Judged:
    """What the rules say of a life at a minute, after all that happened up to it."""
    slow = Slow(rules)
    refused = {}
    for number, entry in enumerate(life):
        if entry.at > now:
            break
        slow.pass_to(entry.at)
        why = slow.take(entry)
        if why is not None:
            refused[number] = why
    slow.pass_to(now)
    return slow.judged(refused)


class Slow:
    """A request at one minute."""

    def __init__(self, rules: Rules = SHIPPED) -> None:
        self.rules = rules
        self.now = 0
        self.status = "unknown"
        self.severity = ""
        self.outcome: str | None = None
        self.opinion: str | None = None
        self.clocks: dict[str, Clock] = {}
        self.promises: list[Promise] = []
        self.duties: list[Duty] = []
        self.pause_end: int | None = None
        self.work_by: str | None = None
        self.work_at = 0
        self.attempts = 0
        self.silences = 0
        self.silences_doubted = False
        self.openings = 0

    # --- what can be asked -----------------------------------------------------------------------

    def outstanding(self) -> Promise | None:
        """The promise that is neither kept nor broken."""
        found = [promise for promise in self.promises if promise.status == "running"]
        assert len(found) <= 1
        return found[0] if found else None

    def passed(self) -> Promise | None:
        """The last promise, if its time has passed and nothing has come of it."""
        last = self.promises[-1] if self.promises else None
        if last is None or last.status != "broken" or not last.clock.runs:
            return None
        return last

    def movable(self) -> Promise | None:
        """What a promise can be moved from: one that runs, or passed and has no apology yet."""
        passed = self.passed()
        if passed is None or any(duty.promise == passed.number for duty in self.duties_open()):
            return self.outstanding() or passed
        return self.outstanding()

    def duties_open(self) -> list[Duty]:
        return [duty for duty in self.duties if duty.open]

    def expected_on_site(self) -> bool:
        arrival = self.clocks.get("arrival-1")
        return arrival is not None and arrival.runs

    def ends_ahead(self) -> list[int]:
        """The minutes in which something ends, if nothing happens before."""
        found = [] if self.pause_end is None else [self.pause_end]
        if self.status != PAUSED:
            for clock in self.clocks.values():
                if clock.runs and not clock.over:
                    due_at = clock.due_at(self.now) - instant(0)
                    found.append(due_at // timedelta(minutes=1))
        return [end for end in found if self.now <= end <= self.now + 5 * A_DAY]

    def judged(self, refused: dict[int, str]) -> Judged:
        return Judged(
            now=self.now,
            status=self.status,
            outcome=self.outcome,
            opinion=self.opinion,
            clocks={name: self._clock(clock) for name, clock in self.clocks.items()},
            promises=tuple(
                PromiseJudged(p.number, p.by, p.form, p.status, p.since, dict(p.doubts))
                for p in self.promises
            ),
            duties=tuple(
                DutyJudged(d.promise, d.by, d.since, d.settled, d.lifted, d.doubt)
                for d in self.duties
            ),
            refused=refused,
        )

    def _clock(self, clock: Clock) -> ClockJudged:
        kept: bool | None = not (clock.broken or clock.over)
        if kept and clock.runs:
            kept = None
        stands = clock.runs and clock.stands and self.status == PAUSED
        return ClockJudged(
            name=clock.name,
            basis=clock.basis,
            started=clock.started,
            target=clock.target,
            counted=clock.counted,
            kept=kept,
            late=clock.over,
            due_at=None if stands else clock.due_at(clock.stopped or self.now),
            stopped=clock.stopped,
            doubts=dict(clock.doubts),
            reached=clock,
        )

    # --- time goes on ----------------------------------------------------------------------------

    def pass_to(self, minute: int) -> None:
        """Let time go by up to the beginning of a minute."""
        assert minute >= self.now, "time does not go back"
        if self.status == "unknown":
            self.now = minute
            return
        while True:
            self._what_time_brings()
            if self.now == minute:
                return
            # INVARIANT: whatever happened in this minute has been taken before it is counted.
            self._break_what_has_passed()
            for clock in self.clocks.values():
                if clock.stopped is None and self._counts(clock):
                    clock.ran.append(self.now)
            self.now += 1

    def _what_time_brings(self) -> None:
        if self.pause_end is not None and self.now >= self.pause_end:
            self._resume()
        tried = self.status == DONE and self.attempts >= self.rules.attempts
        if tried and self.now >= self.work_at + self.rules.days * A_DAY and not self.duties_open():
            self._close("unconfirmed", None)

    def _counts(self, clock: Clock) -> bool:
        stands = clock.stands and self.status == PAUSED
        return clock.runs and not stands and clock.calendar.worked(self.now)

    def _break_what_has_passed(self) -> None:
        promise = self.outstanding()
        if promise is None or not self._counts(promise.clock):
            return
        if promise.clock.counted >= promise.clock.target:
            self._break(promise)

    # --- what happens ----------------------------------------------------------------------------

    def take(self, entry: Entry) -> str | None:
        """Let something happen now; the rule by which it is not let in, if it is not."""
        assert entry.at == self.now or self.status == "unknown"
        self.now = entry.at
        self._what_time_brings()
        if self.status == "unknown":
            assert entry.kind == "received"
        elif entry.kind not in _TAKEN.get(self.status, KINDS):
            return "REQ-08"
        why: str | None = getattr(self, f"_{entry.kind}")(entry)
        return why

    def _received(self, entry: Entry) -> None:
        assert entry.channel is not None
        assert entry.severity is not None
        self.status, self.severity, self.openings = OPEN, entry.severity, 1
        self._set("closing-1", "closing", self.rules.close[entry.severity])
        limit = self.rules.promise.get(entry.channel, self.rules.promise["other"])
        self._set("promise-1", "promise", limit)

    def _promised(self, entry: Entry) -> str | None:
        if self.outstanding() is not None:
            return "REQ-10"
        assert entry.due is not None
        if entry.due <= entry.at:
            return "REQ-03"
        self._promise(entry)
        self._heard()
        return None

    def _promise(self, entry: Entry) -> Promise:
        assert entry.due is not None
        self._replace_what_has_passed()
        self._stop("promise-1")
        number = len(self.promises) + 1
        clock = self._agreed(f"commitment-{number}", 60 * (entry.due - self.now))
        promise = Promise(number, entry.by, entry.form or OUTCOME, entry.due, clock)
        self.promises.append(promise)
        return promise

    def _replace_what_has_passed(self) -> None:
        passed = self.passed()
        if passed is not None:
            passed.clock.stopped = self.now
            passed.clock.doubt("late_replaced", "late", "stopped")

    def _accepted(self, entry: Entry) -> str | None:
        promise = self.outstanding()
        if entry.due is not None:
            if entry.due <= entry.at:
                return "REQ-04"
            if promise is not None:
                return "REQ-10"
            promise = self._promise(entry)
            promise.doubts["by"] = "agreed_elsewhere"
            promise.accepted = True
            self._agree(60 * (entry.due - self.now))
        elif promise is None:
            return "REQ-04"
        else:
            left = promise.clock.target - promise.clock.counted
            if not left:
                return "REQ-04"
            promise.accepted = True
            self._agree(left)
        self._heard()
        if entry.on_site:
            self._expect_on_site()
        return None

    def _agree(self, left: int) -> None:
        """The customer agreed on a time, so many seconds ahead: it replaces the target (REQ-04)."""
        before = self._closing()
        if not before.runs:
            return
        doubts = dict(before.doubts)
        clock = self._agreed(before.name, left)
        clock.started = before.started
        clock.doubts |= doubts
        if before.over:
            clock.doubt("accepted_late", "kept", "late", "due")

    def _moved_alone(self, entry: Entry) -> str | None:
        return self._moved(entry, agreed=False)

    def _moved_agreed(self, entry: Entry) -> str | None:
        return self._moved(entry, agreed=True)

    def _moved(self, entry: Entry, *, agreed: bool) -> str | None:
        promise = self.outstanding()
        if self.movable() is None:
            return "REQ-10"
        assert entry.due is not None
        if entry.due <= entry.at:
            return "REQ-03"
        if promise is not None and agreed:
            promise.status, promise.since = "moved", self.now
            promise.clock.stopped = self.now
        elif promise is not None:
            self._break_early(promise)
        if not agreed:
            self._doubt_silences()
        moved = self._promise(entry)
        if agreed:
            moved.accepted = True
            self._agree(60 * (entry.due - self.now))
        self._heard()
        return None

    def _given_up(self, _: Entry) -> str | None:
        promise = self.outstanding()
        if promise is None:
            return "REQ-09"
        self._break_early(promise)
        return None

    def _break_early(self, promise: Promise) -> None:
        self._break(promise)
        promise.clock.broken = True
        promise.clock.stopped = self.now
        promise.clock.doubt("broken_early", "late", "stopped")

    def _break(self, promise: Promise) -> None:
        """An apology is owed from now on (REQ-09)."""
        promise.status, promise.since = "broken", self.now
        name = f"apology-{len(self.duties) + 1}"
        clock = self._set(name, "apology", self.rules.apology, stands=False)
        self.duties.append(Duty(promise.number, promise.by, self.now, clock))

    def _answered(self, _: Entry) -> None:
        self._stop("promise-1")
        self._deliver(ANSWER)
        self._heard()

    def _deliver(self, form: str) -> None:
        """What was promised is there: that keeps the promise, or ends its lateness."""
        promise = self.outstanding() or self.passed()
        if promise is None or promise.form != form:
            return
        promise.clock.stopped = self.now
        if promise.status == "running":
            promise.status, promise.since = "kept", self.now

    def _noted(self, entry: Entry) -> None:
        if entry.told:
            self._heard()

    def _ordered(self, entry: Entry) -> None:
        if self._silence() is None:
            self._begin_silence()
        if entry.on_site:
            self._expect_on_site()

    def _expect_on_site(self) -> None:
        if "arrival-1" not in self.clocks:
            self._set("arrival-1", "arrival", self.rules.arrival[self.severity])

    def _arrived(self, _: Entry) -> str | None:
        if not self.expected_on_site():
            return "REQ-05"
        self._stop("arrival-1")
        return None

    def _paused(self, entry: Entry) -> str | None:
        assert entry.end is not None
        if self.status == PAUSED or entry.reason not in self.rules.reasons:
            return "REQ-12"
        if entry.end <= entry.at:
            return "REQ-12"
        for clock in self.clocks.values():
            if clock.runs and clock.stands and clock.counted == clock.target:
                clock.doubt("pause_at_the_end", "due")
        self.status, self.pause_end = PAUSED, entry.end
        return None

    def _extended(self, entry: Entry) -> str | None:
        assert entry.end is not None
        if self.status != PAUSED or entry.end <= entry.at:
            return "REQ-12"
        self.pause_end = entry.end
        return None

    def _resumed(self, _: Entry) -> str | None:
        if self.status != PAUSED:
            return "REQ-12"
        self._resume()
        return None

    def _resume(self) -> None:
        self.status, self.pause_end = OPEN, None

    def _done(self, entry: Entry) -> None:
        self._finish_work()
        self.status, self.work_by, self.work_at = DONE, entry.by, self.now
        self.attempts = 0

    def _finish_work(self) -> None:
        """The work is done: its clocks stop, and the pause is over."""
        self.pause_end = None
        self.status = DONE
        self._stop(self._closing().name)
        self._end_silence()
        self._stop_with_doubt("promise-1", "done_without_promise")
        self._stop_with_doubt("arrival-1", "done_without_arrival")
        promise = self.outstanding() or self.passed()
        if promise is not None and promise.form == ANSWER:
            promise.doubts["status"] = "answer_by_work"
            promise.clock.doubt("answer_by_work", "kept", "late", "stopped")
            self._deliver(ANSWER)
        self._deliver(OUTCOME)

    def _attempted(self, _: Entry) -> str | None:
        if self.status != DONE:
            return "REQ-08"
        self.attempts += 1
        spread = self.now >= self.work_at + (self.rules.days - 1) * A_DAY
        if self.attempts >= self.rules.attempts and spread and not self.duties_open():
            self._close("unconfirmed", None)
        return None

    def _confirmed(self, entry: Entry) -> str | None:
        if self.status != DONE:
            return "REQ-08"
        if entry.by == self.work_by:
            return "LOG-08"
        if self.duties_open():
            return "REQ-09"
        self._close("confirmed", entry.opinion)
        return None

    def _apologised(self, _: Entry) -> str | None:
        owed = self.duties_open()
        for duty in owed:
            duty.settled = self.now
            duty.clock.stopped = self.now
        return None if owed else "REQ-09"

    def _reclassified(self, entry: Entry) -> None:
        assert entry.severity is not None
        if entry.severity == self.severity:
            return
        self.severity = entry.severity
        closing = self._closing()
        if closing.runs and closing.basis == "commitment":
            closing.doubt("severity_of_agreed", "kept", "late", "due")
        elif closing.runs:
            self._retarget(closing, self.rules.close[entry.severity])
            self._doubt_silence()
        arrival = self.clocks.get("arrival-1")
        if arrival is not None and arrival.runs:
            self._retarget(arrival, self.rules.arrival[entry.severity])

    def _retarget(self, clock: Clock, target: int) -> None:
        if clock.over:
            clock.doubt("reclassified_late", "kept", "late", "due")
        clock.target = target

    def _imported_closing(self, _: Entry) -> None:
        if self.status != DONE:
            self._finish_work()
        for duty in self.duties_open():
            duty.lifted = True
            duty.doubt = "lifted_by_import"
            duty.clock.stopped = self.now
            duty.clock.doubt("lifted_by_import", "kept", "late", "stopped", "exists")
        self._close("unconfirmed", None)

    def _close(self, outcome: str, opinion: str | None) -> None:
        self.status, self.outcome, self.opinion = CLOSED, outcome, opinion
        assert not any(clock.runs for clock in self.clocks.values())

    def _reopened(self, _: Entry) -> str | None:
        if self.status != CLOSED:
            return "REQ-16"
        self.status, self.outcome, self.opinion = OPEN, None, None
        self.openings += 1
        self.attempts = 0
        self._set(f"closing-{self.openings}", "closing", self.rules.close[self.severity])
        return None

    # --- clocks ----------------------------------------------------------------------------------

    def _closing(self) -> Clock:
        return self.clocks[f"closing-{self.openings}"]

    def _set(self, name: str, kind: str, target: int, *, stands: bool = True) -> Clock:
        calendar = self.rules.calendars[kind]
        self.clocks[name] = Clock(name, calendar, target, self.now, stands=stands)
        return self.clocks[name]

    def _agreed(self, name: str, left: int) -> Clock:
        """A clock that runs to an agreed time, day and night; it stands still in pauses."""
        clock = Clock(name, DAY_AND_NIGHT, left, self.now, basis="commitment")
        if self.status == PAUSED:
            clock.doubt("agreed_in_pause", "kept", "late", "due")
        self.clocks[name] = clock
        return clock

    def _stop(self, name: str) -> None:
        clock = self.clocks.get(name)
        if clock is not None and clock.runs:
            clock.stopped = self.now

    def _stop_with_doubt(self, name: str, key: str) -> None:
        clock = self.clocks.get(name)
        if clock is None or not clock.runs:
            return
        self._stop(name)
        # What is late already is not kept in any reading.
        aspects = ("late", "stopped") if clock.over else ("kept", "late", "stopped")
        clock.doubt(key, *aspects)

    # --- silences --------------------------------------------------------------------------------

    def _silence(self) -> Clock | None:
        found = self.clocks.get(f"progress-{self.silences}")
        return found if found is not None and found.runs else None

    def _heard(self) -> None:
        """The customer heard something."""
        self._end_silence()
        self._begin_silence()

    def _begin_silence(self) -> None:
        closing = self._closing()
        left = max(0, closing.target - closing.counted)
        longest = left * self.rules.progress_percent // 100
        longest = max(self.rules.progress_min, min(self.rules.progress_max, longest))
        self.silences += 1
        clock = self._set(f"progress-{self.silences}", "progress", longest)
        if self.silences_doubted:
            clock.doubt("silence_heard", *_WHOLE)

    def _end_silence(self) -> None:
        running = self._silence()
        if running is not None:
            running.stopped = self.now

    def _doubt_silences(self) -> None:
        """Whether the customer heard of it is open: then all that follow may be other ones."""
        self.silences_doubted = True
        running = self._silence()
        if running is not None:
            running.doubt("silence_heard", *_WHOLE)

    def _doubt_silence(self) -> None:
        running = self._silence()
        if running is not None:
            running.doubt("silence_reckoned", "kept", "late", "due")


_WHOLE = ("exists", "kept", "late", "due", "stopped")
"""All aspects of a clock."""

_TAKEN = {
    DONE: ("attempted", "confirmed", "apologised", "imported_closing"),
    CLOSED: ("reopened",),
}
"""What a request takes when nobody is at work on it any more."""
