"""The facade: one object to hold. It orchestrates over ports and does no I/O itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import frozen

from crm_core.application.authority import OF_HOUSEHOLD, Authority, acting
from crm_core.checking import checked, utc
from crm_core.errors import CommandReused, Conflict, Invalid, Refused, UnknownPolicy
from crm_core.grading import (
    EARLIEST_YEAR,
    EVENTS,
    LATEST_YEAR,
    GradingRun,
    GradingService,
)
from crm_core.gradings.adoption import ADOPTION
from crm_core.gradings.engines.port import CreditLine, FactsEngine
from crm_core.gradings.lookups import NOT_FACTS, book_with_adopted
from crm_core.gradings.policy import GradingPolicy
from crm_core.gradings.replay import Affected, Replay
from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.authority import AuthorityPolicy
from crm_core.kernel.dates import ESTATE_ZONE, Period, local_date
from crm_core.kernel.decider import Refusal
from crm_core.kernel.history import as_of, visible
from crm_core.kernel.projection import Consumer
from crm_core.kernel.recorded import (
    HOUSEHOLD_ROLES,
    SYSTEM,
    Actor,
    Appended,
    Commit,
    Cutoff,
    Recorded,
)
from crm_core.kernel.sealed import Opened, Place, Plain, Sealed
from crm_core.kernel.sentences import Lang, say
from crm_core.owners import HOUSEHOLD
from crm_core.owners.facts import REGISTERED
from crm_core.owners.state import Household
from crm_core.payments import ACCOUNT, COLLECTION
from crm_core.payments.credit import CreditPolicy
from crm_core.payments.events import ACCOUNT_EVENTS, COLLECTION_EVENTS
from crm_core.payments.late import LateChargePolicy
from crm_core.payments.ledger import Ledger
from crm_core.payments.limitation import Limit, limits
from crm_core.payments.state import Account, Collection
from crm_core.payments.views import Aged, CreditRow, credit_row, statement
from crm_core.policies import (
    DEFAULT_AUTHORITY,
    DEFAULT_CREDIT,
    DEFAULT_GRADING,
    DEFAULT_SLA,
    PolicyBook,
    shipped,
)
from crm_core.ports import (
    Clock,
    EventLog,
    Ids,
    KeyVault,
    Progress,
    Verification,
    Views,
    silent,
)
from crm_core.reactions import LEADING, REACTIONS, react
from crm_core.requests import INCIDENT, PLAN, REQUEST
from crm_core.requests.improvement import Effect, Plan, RaiseWarning, effect
from crm_core.requests.incidents import Incident
from crm_core.requests.sla import SlaPolicy
from crm_core.requests.state import Request
from crm_core.requests.statistics import EVENT_NAMES as REQUEST_NAMES
from crm_core.requests.statistics import (
    Happening,
    Statistics,
    Unusual,
    early_warnings,
    happenings,
    statistics,
)
from crm_core.staff import REGISTER, ROSTER, STAFF, Member, Register, Roster
from crm_core.staff.register import WHOLE
from crm_core.ticking import SOURCES, Due, Look, Source, Tick, pages
from crm_core.work import Planned, Work, command_digest, stream_of

if TYPE_CHECKING:
    from crm_core.gradings.studies.what_if import WhatIf
    from crm_core.studies import Studies

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

_BY_STATE: dict[type, Aggregate] = {
    Account: ACCOUNT,
    Collection: COLLECTION,
    Household: HOUSEHOLD,
    Incident: INCIDENT,
    Member: STAFF,
    Plan: PLAN,
    Register: REGISTER,
    Request: REQUEST,
    Roster: ROSTER,
}

ATTEMPTS = 8
"""How often a command is decided again when another writer was first."""


_ACCOUNTS = frozenset(kind.stored for kind in ACCOUNT_EVENTS)
_PAYMENTS = _ACCOUNTS | {kind.stored for kind in COLLECTION_EVENTS}


_PERSONAL = ("name", "phone")
_REGISTER = REGISTER.stream(WHOLE)
_AUTHORITY = ADOPTION.stream(DEFAULT_AUTHORITY)


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
        views: Read models that follow the log; without them `views` cannot be asked for.
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
        views: Views | None = None,
    ) -> None:
        self.log = log
        self.vault = vault
        self.clock = clock
        self.ids = ids
        self.policies = policies or shipped()
        self.zone = zone
        self.gradings = GradingService(self, engines)
        self._views = views
        self._rules: tuple[Any, Authority] | None = None

    def __enter__(self) -> CRM:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @cached_property
    def studies(self) -> Studies:
        """What-if, fairness and shares over recorded gradings."""
        from crm_core.studies import Studies  # Few programs study, and all of them load this.

        return Studies(self, self.gradings)

    def close(self) -> None:
        """Close engines, views, log and vault."""
        for engine in self.gradings.engines.values():
            engine.close()
        if self._views is not None:
            self._views.close()
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
            by: Who gives it: it must be theirs to give, and nobody decides their own (LOG-08).
            id: Command id; the same id again does nothing and gives the first receipt.
            at: When the company knew, if not now (facts that arrive late).
            purpose: What it is done for; kept with its events.

        Raises:
            Refused: the business says no; nothing was written.
            Invalid: the command, the actor or an id is malformed, or a field is supplied that the
                library looks up.
            Conflict: other writers were first every time; it is safe to repeat.
            CommandReused: the id was used for another command.
            CommitUnknown: repeat with the same id to learn what happened.
        """
        return self._do(
            checked(command),
            by=acting(by),
            id=id,
            at=at,
            inside=False,
            purpose=purpose,
            correlation=correlation,
            causation=causation,
        )

    def _within(self, command: Any, *, by: Actor, id: str | None = None) -> Receipt:
        """Run a command that the library itself gives, for services that have asked who may.

        It is no way around authority for a host: what follows from a recorded fact, and what a
        service has computed, is given by nobody in person.
        """
        return self._do(checked(command, inside=True), by=by, id=id, inside=True)

    def _do(
        self,
        command: Any,
        *,
        by: Actor,
        inside: bool,
        id: str | None = None,
        at: datetime | None = None,
        purpose: str | None = None,
        correlation: str | None = None,
        causation: str | None = None,
    ) -> Receipt:
        command_id = id or self.ids.new()
        first = self._done_before(command_id, command)
        if first is not None:
            return first
        at = utc(at, "at") or self.clock.now()
        for _ in range(ATTEMPTS):
            work = self._work()
            commit = work.plan(
                command,
                command_id,
                # Anew each time: another process may have made the person's key in between.
                self._digest(command),
                by,
                at,
                inside=inside,
                purpose=purpose,
                correlation=correlation,
                causation=causation,
            )
            if isinstance(commit, Refusal) or not commit.appends:
                # Sent twice at once, and the other was quicker: its effect is what was found.
                first = self._done_before(command_id, command)
                if first is not None:
                    return first
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

    def _done_before(self, id: str, command: Any) -> Receipt | None:
        """The first receipt of a command that was done before under that id, or None."""
        done = self.log.outcomes([id]).get(id)
        if done is None:
            return None
        receipt = self._first_receipt(done, self._digest(command))
        # An interruption may have come between the command and what follows from it.
        self._run_reactions(done)
        return receipt

    def may(self, by: Actor, act: str) -> None:
        """Ask whether a person may do something here today: the one place for all acts (LOG-08).

        Raises:
            Refused: they may not, and who may.
            Invalid: it is nobody.
        """
        refused = self.authority().refuses(acting(by), act)
        if refused is not None:
            raise Refused(refused)

    def authority(self) -> Authority:
        """Who may do what today: the table in force and the register of staff (LOG-08)."""
        today = local_date(self.clock.now(), self.zone)
        tips = self.log.tips((_REGISTER, _AUTHORITY))
        seen = (today, tips)
        if self._rules is None or self._rules[0] != seen:
            register = REGISTER.decider.initial
            if _REGISTER in tips:
                register, _ = self.log.fold(_REGISTER, REGISTER.decider.evolve, register)
            book = self.policies
            if _AUTHORITY in tips:
                book = book_with_adopted(self.log, book, DEFAULT_AUTHORITY)
            try:
                table = book.find(AuthorityPolicy, DEFAULT_AUTHORITY, today)
            except UnknownPolicy:
                # A host's own book need not name who may do what; the shipped table holds then.
                table = shipped().find(AuthorityPolicy, DEFAULT_AUTHORITY, today)
            self._rules = (seen, Authority(table, register, today))
        return self._rules[1]

    def _work(self) -> Work:
        return Work(self.log, self.policies, self.zone, self.authority())

    def outcome(self, id: str) -> Receipt | None:
        """What became of a command, by its id; None if it left no event so far (LOG-01).

        After `CommitUnknown` a commit may still be under way on the server, so None is no promise:
        only repeating the command with its id settles it, and does nothing twice.
        """
        done = self.log.outcomes([id]).get(id)
        return None if done is None else self._receipt_of(done)

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

        What follows from them in other streams is run afterwards, as by `do`.

        Args:
            by: Who gives them all. Of an import it is who may import, and what it brings are facts,
                never decisions (LOG-08).
            planned: In the order in which they are to be recorded; ids must be new.
            imported: Moment of import, kept beside the recorded instants.
            on_refusal: Told of each command that is refused; without it the first one raises.
            stop: Asked at the end; True undoes everything.

        Returns:
            How many events were appended.
        """
        return self._batch(
            planned,
            by=acting(by),
            inside=False,
            imported=imported,
            on_refusal=on_refusal,
            stop=stop,
            progress=progress,
        )

    def _batch_within(
        self,
        planned: Iterable[Planned],
        *,
        by: Actor,
        on_refusal: Callable[[Planned, Refusal], None] | None = None,
    ) -> int:
        """Run many commands that the library itself gives (see `_within`)."""
        return self._batch(planned, by=by, inside=True, on_refusal=on_refusal)

    def _batch(
        self,
        planned: Iterable[Planned],
        *,
        by: Actor,
        inside: bool,
        imported: datetime | None = None,
        on_refusal: Callable[[Planned, Refusal], None] | None = None,
        stop: Callable[[], bool] | None = None,
        progress: Progress = silent,
    ) -> int:
        work = self._work()
        count = 0
        leading: set[str] = set()
        plan = work.plan

        def commits() -> Iterator[Commit]:
            nonlocal count
            for item in planned:
                at = utc(item.at, "at") or item.at
                command = checked(item.command, inside=inside)
                commit = plan(command, item.id, "", by, at, inside=inside, imported=imported)
                progress(1)
                if isinstance(commit, Refusal):
                    if on_refusal is None:
                        raise Refused(commit)
                    on_refusal(item, commit)
                elif commit.appends:
                    if _leads_on(commit):
                        leading.add(commit.command)
                    count += sum(len(append.events) for append in commit.appends)
                    yield commit
            if stop is not None and stop():
                raise _Undo

        try:
            appended = self.log.append(commits())
        except _Undo:
            return 0
        for done in appended:
            if done.command in leading:
                self._run_reactions(done)
        return count

    def tick(self, now: datetime | None = None, *, by: Actor = SYSTEM) -> Tick:
        """Record all that the clock has brought about before `now` (PAY-10, REQ-09, REQ-13).

        However often it is run, and by however many hosts, the same events follow: a command's
        id names what fell due. What follows from a step, and is due too, is recorded as well.

        What it records, the system records; `by` is who set it going.

        Args:
            now: Up to when; by default the present.

        Raises:
            Refused: it is not for `by`.
        """
        self.may(by, "tick")
        at = utc(now, "now") or self.clock.now()
        events: dict[str, int] = {}
        for source in SOURCES:
            events[source.name] = 0
            written = None
            while written != 0:
                self.views.catch_up(source.view)
                written = self._take_due(source, at)
                events[source.name] += written
        return Tick(at, events)

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
            kind: `Household`, `Account`, `Collection`, `Request`, `Incident`, `Plan`, `Roster` or
                `Member`.
            by: Who reads, and for what `purpose`; both are for the read log (PRV-06), which is
                not built yet, and change nothing today.
            on: The day it stood on (effective).
            known: As known at this instant (recorded).
        """
        acting(by)
        aggregate = _BY_STATE.get(kind)
        if aggregate is None:
            raise Invalid.one("kind_unknown", kind=kind.__name__)
        stream, decider = aggregate.stream(identity), aggregate.decider
        if on is None and known is None:
            state, _ = self.log.fold(stream, decider.evolve, decider.initial)
        else:
            state = as_of(decider, self.log.read(stream), on=on, known=utc(known, "known"))
        return state if isinstance(state, kind) and state != aggregate.decider.initial else None

    def reveal(
        self,
        household: str,
        member: str,
        field: str,
        *,
        by: Actor,
        purpose: str,
        lang: Lang = "en",
    ) -> str:
        """A personal value of a member as last told: its text, or a sentence that says why not.

        An empty text where nothing was ever told. See `opened` for the arguments and errors.
        """
        found = self.opened(household, member, field, by=by, purpose=purpose)
        if found is None:
            return ""
        return found.text if isinstance(found, Plain) else say("values", found.code, lang)

    def opened(
        self, household: str, member: str, field: str, *, by: Actor, purpose: str
    ) -> Opened | None:
        """The one place that opens personal values (PRV-03): it finds where the value stands.

        Args:
            member: Id of the member, e.g. `V00001#owner`.
            field: `name` or `phone`.
            by: Who looks; owners and users see their own household's.
            purpose: What for.

        Returns:
            `Plain`, or why it cannot be opened; None where nothing was ever told.

        Raises:
            Refused: it is not for `by` to see.
            Invalid: no purpose is stated, or there is no such member or field.
        """
        by = acting(by)
        if not purpose:
            raise Invalid.one("purpose_missing")
        if field not in _PERSONAL:
            raise Invalid.one("field_unknown", field=field, accepted=_PERSONAL)
        self.may(by, "reveal")
        found: tuple[Sealed, Place] | None = None
        stream = HOUSEHOLD.stream(household)
        file = HOUSEHOLD.decider.initial
        for recorded in self.log.read(stream):
            file = HOUSEHOLD.decider.evolve(file, recorded.event)
            of_member = getattr(recorded.event, "member", None) == member
            value = getattr(recorded.event, field, None) if of_member else None
            if isinstance(value, Sealed):
                found = value, Place(stream, recorded.version, field)
        if by.role in HOUSEHOLD_ROLES and not self._belongs(by, file):
            details = {"role": by.role, "household": household}
            raise Refused(Refusal("not_of_household", "LOG-08", details))
        if not isinstance(file, Household) or member not in file.members():
            raise Invalid.one("member_unknown", member=member, household=household)
        return None if found is None else self.vault.open(*found)

    def _belongs(self, by: Actor, file: Any) -> bool:
        """Whether an owner or user has a part in the household today; who moved out has none."""
        today = local_date(self.clock.now(), self.zone)
        return isinstance(file, Household) and any(
            role.member == by.id
            for kind in OF_HOUSEHOLD[by.role]
            for role in file.holding(kind, today)
        )

    def history(self, stream: str) -> Iterator[Recorded[Any]]:
        """Events of a stream (`account/V00001`) or of everything about a household (`V00001`)."""
        if "/" in stream:
            yield from self.log.read(stream)
            return
        for _, events in self.log.by_household(households=[stream]):
            yield from events

    @property
    def views(self) -> Views:
        """The read models (LOG-05).

        Raises:
            Invalid: there are none here.
        """
        if self._views is None:
            raise Invalid.one("views_missing")
        return self._views

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

    def arrears(
        self,
        on: date,
        *,
        known: datetime | None = None,
        policy: str = DEFAULT_CREDIT,
        engine: str = EVENTS,
    ) -> Iterator[tuple[str, str, Aged]]:
        """Household, estate and arrears of everybody who owes something on a day, sorted (PAY-03).

        True to what was unpaid then, as known at the instant; what is in dispute is shown beside.

        Raises:
            Invalid: there is no such engine.
        """
        table = self.policies.find(CreditPolicy, policy, on)
        return self.gradings.engine(engine).arrears(on, utc(known, "known"), table)

    def account(
        self,
        household: str,
        on: date,
        *,
        known: datetime | None = None,
        policy: str = DEFAULT_CREDIT,
        late_charge: str | None = None,
    ) -> dict[str, Any]:
        """A household's account on a day as known at an instant: every movement with its balance.

        Args:
            late_charge: Name of the late charge policy to compute by; none is by default (PAY-08).

        Raises:
            Invalid: the household has no file, or had none that was known then.
        """
        table = self.policies.find(CreditPolicy, policy, on)
        late = late_charge and self.policies.find(LateChargePolicy, late_charge, on)
        for _, _, facts in self._accounts(known, [household], _PAYMENTS):
            return statement(facts, on, table, late or None)
        raise Invalid.one("household_unknown", household=household)

    def credit_table(
        self, on: date, *, known: datetime | None = None, policy: str = DEFAULT_CREDIT
    ) -> Iterator[CreditRow]:
        """The credit table (信用等级表) of a day as known at an instant, sorted by household."""
        table = self.policies.find(CreditPolicy, policy, on)
        for household, estate, facts in self._accounts(known, None):
            yield credit_row(household, estate, Ledger.of(facts), on, table)

    def limitation(self, on: date, *, known: datetime | None = None) -> Iterator[tuple[str, Limit]]:
        """Until when each overdue charge can be sued for (PAY-12), by household, soonest first."""
        for household, _, facts in self._accounts(known, None, _PAYMENTS):
            for limit in limits(facts, on):
                yield household, limit

    # --- requests ------------------------------------------------------------------------

    def statistics(self, period: Period, *, known: datetime | None = None) -> Statistics:
        """Requests of a period for each trade, kind, place and member of staff (REQ-18).

        The place of a household is its estate and building. The result names the cut-off at which
        it was counted: counting again with the same `known` gives the same numbers.
        """
        cutoff = self.log.cutoff(utc(known, "known"), without=NOT_FACTS)
        return statistics(self._happenings(cutoff), period, cutoff)

    def warnings(
        self, on: date, *, known: datetime | None = None, policy: str = DEFAULT_SLA
    ) -> list[Unusual]:
        """Places and trades in which more than usual happened up to a day (REQ-19)."""
        cutoff = self.log.cutoff(utc(known, "known"), without=NOT_FACTS)
        table = self.policies.find(SlaPolicy, policy, on).early_warning
        return early_warnings(self._happenings(cutoff), on, table)

    def warn(self, on: date, *, by: Actor = SYSTEM, policy: str = DEFAULT_SLA) -> list[Unusual]:
        """Record the warnings of a day with the events behind them; each one once.

        Raises:
            Refused: it is not for `by`.
        """
        self.may(by, "warn")
        found = self.warnings(on, policy=policy)
        for w in found:
            start, end = w.window.start, w.window.end
            self._within(
                RaiseWarning(
                    w.place,
                    w.trade,
                    w.measure,
                    start,
                    end,
                    w.count,
                    w.usual_per_mille,
                    w.positions,
                ),
                by=by,
            )
        return found

    def effect(self, plan: str, *, known: datetime | None = None) -> Effect:
        """What an improvement plan has moved so far, computed from the events (REQ-18).

        Raises:
            Invalid: there is no such plan.
        """
        state, _ = self.log.fold(PLAN.stream(plan), PLAN.decider.evolve, PLAN.decider.initial)
        if state.proposed is None:
            raise Invalid.one("plan_unknown", plan=plan)
        cutoff = self.log.cutoff(utc(known, "known"), without=NOT_FACTS)
        return effect(state.proposed, self._happenings(cutoff))

    # --- gradings ------------------------------------------------------------------------

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

    def _take_due(self, source: Source, now: datetime) -> int:
        """One round of what is due; what follows from it is due in the next."""

        def look() -> Look:
            work = self._work()

            def changes(command: Any) -> bool:
                commit = work.plan(command, "look", "", SYSTEM, now, inside=True)
                return not isinstance(commit, Refusal) and bool(commit.appends)

            return Look(now, self.zone, self.policies, changes)

        written = 0
        for page in pages(self.views, source, look):
            known = self.log.outcomes([due.id for due in page])
            fresh = [Planned(d.command, d.id, now) for d in page if d.id not in known]
            try:
                written += self._batch_within(fresh, by=SYSTEM, on_refusal=_passed_over)
            except (Conflict, Invalid):
                # Somebody else wrote there meanwhile, or a row leads to other streams: one by one.
                written += sum(self._take_one(due, now) for due in page)
        return written

    def _take_one(self, due: Due, now: datetime) -> int:
        try:
            receipt = self._do(due.command, by=SYSTEM, id=due.id, at=now, inside=True)
        except Refused:
            return 0
        return len(receipt.events)

    def _happenings(self, cutoff: Cutoff) -> Iterable[Happening]:
        places: dict[str, str] = {}
        events = self.log.feed(upto=cutoff.position, names=REQUEST_NAMES | {REGISTERED})

        def requests() -> Iterator[Recorded[Any]]:
            for recorded in events:
                if recorded.name == REGISTERED:
                    file = recorded.event
                    places[file.household] = f"{file.estate} {file.building}"
                else:
                    yield recorded

        return happenings(
            requests(), cutoff, self.zone, lambda household: places.get(household, "")
        )

    def _accounts(
        self,
        known: datetime | None,
        households: Sequence[str] | None,
        names: frozenset[str] = _ACCOUNTS,
    ) -> Iterator[tuple[str, str, list[tuple[Any, int]]]]:
        """Household, estate, and events with positions of everybody whose file is known then."""
        known = utc(known, "known")
        if households is not None:
            self._check_households(households)
        wanted = names | {REGISTERED}
        for household, events in self.log.by_household(names=wanted, households=households):
            seen = events if known is None else visible(events, known=known)
            file = next((e.event for e in seen if e.name == REGISTERED), None)
            if file is not None:
                yield household, file.estate, [(e.event, e.position) for e in seen]

    def _check_households(self, households: Sequence[str]) -> None:
        known = self.log.tips([HOUSEHOLD.stream(household) for household in households])
        missing = [h for h in households if HOUSEHOLD.stream(h) not in known]
        if missing:
            raise Invalid.one("household_unknown", household=missing[0])

    def _digest(self, command: Any) -> str:
        return command_digest(command, self.vault.fingerprint)

    def _receipt(self, stream: str, commit: Commit, done: Appended) -> Receipt:
        append = commit.appends[0]
        events = tuple(envelope.data for envelope in append.events)
        return Receipt(stream, append.tip.version + len(events), done.last, events)

    def _first_receipt(self, done: Appended, digest: str) -> Receipt:
        if done.digest and done.digest != digest:
            raise CommandReused(done.command)
        return self._receipt_of(done)

    def _receipt_of(self, done: Appended) -> Receipt:
        found = list(self.log.feed(after=done.first - 1, upto=done.last))
        stream = found[0].stream
        own = [e for e in found if e.stream == stream]
        return Receipt(stream, own[-1].version, done.last, tuple(e.event for e in own))

    def _run_reactions(self, done: Appended) -> None:
        """What follows from a command, at once; the consumer sees to whatever is left undone."""
        for recorded in self.log.feed(after=done.first - 1, upto=done.last):
            try:
                self.follow(recorded)
            except Refused:
                # The command itself stands. The consumer is refused again, and parks it visibly.
                continue

    def follow(self, recorded: Recorded[Any]) -> None:
        """Run the commands that follow from an event; those run before change nothing.

        Raises:
            Refused: the business says no to one of them.
        """
        for command_id, command in react(recorded):
            self._do(
                checked(command, inside=True),
                by=SYSTEM,
                inside=True,
                id=command_id,
                at=recorded.recorded,
                correlation=recorded.envelope.correlation,
                causation=recorded.envelope.event_id,
            )

    @property
    def reactions(self) -> Consumer:
        """The consumer that runs what an interruption left undone, once and in order."""
        return Consumer("reactions", LEADING, self.follow)


def _passed_over(_planned: Planned, _refusal: Refusal) -> None:
    """What has moved on since it fell due is no fault of the clock."""


class _Undo(Exception):
    """Leaves a transaction of many commands without a trace."""


def _leads_on(commit: Commit) -> bool:
    """Whether further commands follow from it."""
    return any(
        type(envelope.data) in REACTIONS for append in commit.appends for envelope in append.events
    )
