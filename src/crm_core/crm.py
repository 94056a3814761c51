"""The facade: one object to hold. It orchestrates over ports and does no I/O itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any, TypeVar

from attrs import frozen

from crm_core.checking import checked, utc
from crm_core.errors import CommandReused, Conflict, Invalid, Refused
from crm_core.grading import (
    EARLIEST_YEAR,
    EVENTS,
    LATEST_YEAR,
    GradingRun,
    GradingService,
    silent,
)
from crm_core.gradings.policy import GradingPolicy
from crm_core.gradings.replay import Affected, Replay
from crm_core.gradings.what_if import WhatIf
from crm_core.gradings.words import Lang
from crm_core.history import as_of
from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.dates import ESTATE_ZONE
from crm_core.kernel.decider import Refusal
from crm_core.kernel.recorded import SYSTEM, Actor, Appended, Commit, Recorded
from crm_core.kernel.sealed import (
    Erased,
    KeyMissing,
    Personal,
    PersonalValue,
    Place,
    Plain,
    Sealed,
    Tampered,
)
from crm_core.owners import HOUSEHOLD
from crm_core.owners.state import Household
from crm_core.payments import ACCOUNT
from crm_core.payments.state import Account
from crm_core.policies import DEFAULT_CREDIT, DEFAULT_GRADING, PolicyBook, shipped
from crm_core.ports import (
    Clock,
    CreditLine,
    EventLog,
    FactsEngine,
    Ids,
    KeyVault,
    Progress,
    Verification,
)
from crm_core.reactions import REACTIONS, react
from crm_core.requests import REQUEST
from crm_core.requests.state import Request
from crm_core.studies import Studies
from crm_core.work import Planned, Work, command_digest, stream_of

__all__ = [
    "CRM",
    "EARLIEST_YEAR",
    "LATEST_YEAR",
    "CreditLine",
    "GradingRun",
    "Planned",
    "Receipt",
    "Replay",
]

T = TypeVar("T")

_BY_STATE: dict[type, Aggregate] = {Household: HOUSEHOLD, Account: ACCOUNT, Request: REQUEST}

ATTEMPTS = 8
"""How often a command is decided again when another writer was first."""


@frozen
class Receipt:
    """What a command did.

    Args:
        stream: Stream of its aggregate.
        version: Version of the stream after it.
        position: Position of its last event; 0 if it changed nothing.
        events: Its events.
    """

    stream: str
    version: int
    position: int
    events: tuple[Any, ...]


class CRM:
    """Everything a host does with the library.

    Args:
        log: The history.
        vault: Keys of persons.
        clock: Tells the time.
        ids: Makes command ids.
        policies: Policies that can be used; those shipped by default.
        zone: Zone of the estate's days and years.
        engines: Engines for facts besides the one that reads events.
    """

    def __init__(
        self,
        log: EventLog,
        *,
        vault: KeyVault,
        clock: Clock,
        ids: Ids,
        policies: PolicyBook | None = None,
        zone: str = ESTATE_ZONE,
        engines: Iterable[FactsEngine] = (),
    ) -> None:
        self.log = log
        self.vault = vault
        self.clock = clock
        self.ids = ids
        self.policies = policies or shipped()
        self.zone = zone
        self.gradings = GradingService(self, engines)
        self.studies = Studies(self, self.gradings)

    def __enter__(self) -> CRM:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close log and vault."""
        self.log.close()
        self.vault.close()

    # --- commands ------------------------------------------------------------------------

    def do(
        self,
        command: Any,
        *,
        by: Actor,
        id: str | None = None,
        at: datetime | None = None,
        purpose: str | None = None,
        correlation: str | None = None,
        causation: str | None = None,
    ) -> Receipt:
        """Run one command.

        Args:
            by: Who asks for it.
            id: Command id; the same id again does nothing and gives the first receipt.
            at: When the company knew, if not now (facts that arrive late).

        Raises:
            Refused: the business says no; nothing was written.
            Invalid: the command or its ids are malformed.
            Conflict: other writers were first every time; it is safe to repeat.
            CommandReused: the id was used for another command.
            CommitUnknown: repeat with the same id to learn what happened.
        """
        command = checked(command)
        command_id = id or self.ids.new()
        done = self.log.outcomes([command_id]).get(command_id)
        if done is not None:
            receipt = self._first_receipt(done, self._digest(command))
            # An interruption may have come between the command and what follows from it.
            self._run_reactions(done)
            return receipt
        at = utc(at, "at") or self.clock.now()
        for _ in range(ATTEMPTS):
            work = Work(self.log, self.policies, self.zone)
            commit = work.plan(
                command,
                command_id,
                # Anew each time: another process may have made the person's key in between.
                self._digest(command),
                str(by),
                at,
                purpose=purpose,
                correlation=correlation,
                causation=causation,
            )
            if isinstance(commit, Refusal):
                raise Refused(commit)
            stream = stream_of(command)
            if not commit.appends:
                return Receipt(stream, work.tip(stream).version, 0, ())
            try:
                [done] = self.log.append([commit])
            except Conflict as conflict:
                last = conflict
                continue
            receipt = self._receipt(stream, commit, done)
            self._run_reactions(done)
            return receipt
        raise last

    def batch(
        self,
        planned: Iterable[Planned],
        *,
        by: Actor,
        imported: datetime | None = None,
        on_refusal: Callable[[Planned, Refusal], None] | None = None,
        stop: Callable[[], bool] | None = None,
        progress: Progress = silent,
    ) -> int:
        """Run many commands in one transaction: all of them or, if `stop` says so, none.

        Args:
            planned: In the order in which they are to be recorded; ids must be new.
            imported: Moment of import, kept beside the recorded instants.
            on_refusal: Told of each command that is refused; without it the first one raises.
            stop: Asked at the end; True undoes everything.

        Returns:
            How many events were appended.
        """
        work = Work(self.log, self.policies, self.zone)
        count = 0
        plan, actor = work.plan, str(by)

        def commits() -> Iterator[Commit]:
            nonlocal count
            for item in planned:
                at = utc(item.at, "at") or item.at
                commit = plan(checked(item.command), item.id, "", actor, at, imported=imported)
                progress(1)
                if isinstance(commit, Refusal):
                    if on_refusal is None:
                        raise Refused(commit)
                    on_refusal(item, commit)
                elif commit.appends:
                    _check_no_reactions(commit)
                    count += sum(len(append.events) for append in commit.appends)
                    yield commit
            if stop is not None and stop():
                raise _Undo

        try:
            self.log.append(commits())
        except _Undo:
            return 0
        return count

    # --- reading -------------------------------------------------------------------------

    def get(
        self,
        kind: type[T],
        identity: str,
        *,
        by: Actor,
        purpose: str | None = None,
        on: date | None = None,
        known: datetime | None = None,
    ) -> T | None:
        """An aggregate as it stands, or as it stood (OWN-10); None if there was none.

        Personal values stay sealed; `reveal` opens them for a stated purpose.

        Args:
            kind: `Household`, `Account` or `Request`.
            by: Who reads, and for what `purpose`; both are for the read log (PRV-06), which is
                not built yet, and change nothing today.
            on: The day it stood on (effective).
            known: As known at this instant (recorded).
        """
        aggregate = _BY_STATE.get(kind)
        if aggregate is None:
            raise Invalid.one("kind_unknown", f"`{kind.__name__}` is not kept in the log")
        stream, decider = aggregate.stream(identity), aggregate.decider
        if on is None and known is None:
            state, _ = self.log.fold(stream, decider.evolve, decider.initial)
        else:
            state = as_of(decider, self.log.read(stream), on=on, known=utc(known, "known"))
        return state if isinstance(state, kind) and state != aggregate.decider.initial else None

    def reveal(self, value: PersonalValue | None, place: Place, *, by: Actor, purpose: str) -> str:
        """What a personal value shows to a reader with a purpose: its text, or why not."""
        if value is None:
            return ""
        if not purpose:
            raise Invalid.one("purpose_missing", "a look at a personal value needs a purpose")
        if isinstance(value, Personal):
            return value.reveal()
        assert isinstance(value, Sealed)
        match self.vault.open(value, place):
            case Plain(text):
                return text
            case Erased():
                return "personal value erased"
            case KeyMissing():
                return "key missing"
            case Tampered():
                return "personal value tampered with"

    def history(self, stream: str) -> Iterator[Recorded[Any]]:
        """Events of a stream (`account/V00001`) or of everything about a household (`V00001`)."""
        if "/" in stream:
            yield from self.log.read(stream)
            return
        for _, events in self.log.by_household(households=[stream]):
            yield from events

    def verify(self) -> Verification:
        """Read every stored byte again (see `EventLog.verify`)."""
        return self.log.verify()

    # --- gradings ------------------------------------------------------------------------

    def credit(
        self,
        on: date,
        *,
        known: datetime | None = None,
        households: Sequence[str] | None = None,
        policy: str = DEFAULT_CREDIT,
        engine: str = EVENTS,
    ) -> Iterator[CreditLine]:
        """Credit of households on a day as known at an instant (PAY-03, PAY-04), sorted.

        Raises:
            Invalid: a named household has no file, or there is no such engine.
        """
        return self.gradings.credit(
            on, known=known, households=households, policy=policy, engine=engine
        )

    def grade(
        self,
        year: int,
        *,
        known: datetime | None = None,
        policy: str = DEFAULT_GRADING,
        by: Actor = SYSTEM,
        progress: Progress = silent,
        engine: str = EVENTS,
    ) -> GradingRun:
        """Grade every household for a calendar year (GRD-01).

        The same year, policy and cut-off return the recorded run; an interrupted run is resumed
        and stays one run (GRD-12).

        Args:
            known: Knowledge instant; by default that of the latest fact in the log.
            policy: Name, or name/version, of the grading policy.
            engine: What computes the facts; the result does not depend on it.
        """
        return self.gradings.grade(
            year, known=known, policy=policy, by=by, progress=progress, engine=engine
        )

    def grades(
        self, year: int, *, run: str | None = None, known: datetime | None = None
    ) -> GradingRun:
        """The recorded gradings of a year: of its latest complete run, or of the run named.

        Args:
            known: As known at this instant: runs and what people did about them since are left out.

        Raises:
            Invalid: there is no such run.
            DecisionMismatch: a recorded outcome does not follow from its own facts and policy.
        """
        return self.gradings.grades(year, run=run, known=known)

    def explain(
        self,
        household: str,
        year: int,
        *,
        run: str | None = None,
        reader: str = "auditor",
        lang: Lang = "en",
    ) -> dict[str, Any]:
        """Why a household has its grade (GRD-07).

        Raises:
            Invalid: the household was not graded for that year.
            DecisionMismatch, PolicyDigestMismatch, UnknownPolicy: it cannot be derived again.
        """
        return self.gradings.explain(household, year, run=run, reader=reader, lang=lang)

    def replay(
        self, year: int | None = None, *, progress: Progress = silent, engine: str = EVENTS
    ) -> Replay:
        """Decide every recorded grading again from the log and compare the bytes (GRD-08).

        Households come one after another, so memory does not grow with the log.
        """
        return self.gradings.replay(year, progress=progress, engine=engine)

    def affected(self, year: int | None = None) -> Iterator[Affected]:
        """Recorded decisions that facts known by now would change (GRD-09); nothing is changed."""
        return self.gradings.affected(year)

    def what_if(
        self,
        years: Sequence[int],
        candidate: GradingPolicy,
        *,
        run: str | None = None,
        engine: str = EVENTS,
    ) -> WhatIf:
        """Try a candidate policy over recorded years (GRD-10); nothing is written.

        Args:
            candidate: Any grading policy, drafts included.
            run: Of one year: this run instead of its latest.

        Raises:
            Invalid: a year was not graded, or there is no such engine.
        """
        return self.studies.what_if(years, candidate, run=run, engine=engine)

    # --- within ---------------------------------------------------------------------------

    def _digest(self, command: Any) -> str:
        return command_digest(command, self.vault.fingerprint)

    def _receipt(self, stream: str, commit: Commit, done: Appended) -> Receipt:
        append = commit.appends[0]
        events = tuple(envelope.data for envelope in append.events)
        return Receipt(stream, append.tip.version + len(events), done.last, events)

    def _first_receipt(self, done: Appended, digest: str) -> Receipt:
        if done.digest and done.digest != digest:
            raise CommandReused(done.command)
        found = list(self.log.feed(after=done.first - 1, upto=done.last))
        stream = found[0].stream
        own = [e for e in found if e.stream == stream]
        return Receipt(stream, own[-1].version, done.last, tuple(e.event for e in own))

    def _run_reactions(self, done: Appended) -> None:
        for recorded in self.log.feed(after=done.first - 1, upto=done.last):
            for command_id, command in react(recorded):
                self.do(
                    command,
                    by=SYSTEM,
                    id=command_id,
                    at=recorded.recorded,
                    correlation=recorded.envelope.correlation,
                    causation=recorded.envelope.event_id,
                )


class _Undo(Exception):
    """Leaves a transaction of many commands without a trace."""


def _check_no_reactions(commit: Commit) -> None:
    """A batch is one transaction; what would follow in another stream has no place in it."""
    for append in commit.appends:
        for envelope in append.events:
            if type(envelope.data) in REACTIONS:
                raise Invalid.one(
                    "command_has_consequences",
                    f"`{type(envelope.data).__name__}` leads to further commands; use `do`",
                )
