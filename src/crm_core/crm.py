"""The facade: one object to hold. It orchestrates over ports and does no I/O itself.

Questions are grouped in `owners`, `requests`, `accounts`, `care`, `gradings`, `studies`, `papers`,
`reports` and `privacy`, each loaded when it is first asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, cast

from crm_core.application.access import Access
from crm_core.application.authority import Authority, acting
from crm_core.application.checking import utc
from crm_core.application.clock import Tick, tick
from crm_core.application.desk import Desk, Given, Receipt
from crm_core.application.host import Host
from crm_core.application.tombstones import MemoryTombstones, NoTraces
from crm_core.application.urns import MemoryUrns
from crm_core.application.ways import WAYS, Shown, answer
from crm_core.application.work import Planned
from crm_core.errors import Invalid
from crm_core.gradings.engines.port import FactsEngine
from crm_core.hosting import AtOnce, Patience, Telemetry, Unwatched, watched
from crm_core.kernel.dates import ESTATE_ZONE
from crm_core.kernel.decider import Refusal
from crm_core.kernel.history import as_of
from crm_core.kernel.projection import Consumer
from crm_core.kernel.recorded import SYSTEM, Actor, Recorded
from crm_core.kernel.registry import Registry
from crm_core.kernel.sealed import Plain
from crm_core.kernel.sentences import Lang, say
from crm_core.kernel.worklists import Task
from crm_core.policies import PolicyBook
from crm_core.ports import (
    EVENTS,
    Clock,
    EventLog,
    Ids,
    KeyVault,
    Progress,
    Tombstones,
    Traces,
    Urns,
    Verification,
    Views,
    silent,
)
from crm_core.reads import ReadLog
from crm_core.slices import registry as own_registry

if TYPE_CHECKING:
    from crm_core.application.accounts import Accounts
    from crm_core.application.care import Care
    from crm_core.application.files import Files
    from crm_core.application.gradings import Gradings
    from crm_core.application.imports import ImportService
    from crm_core.application.messaging import Messaging
    from crm_core.application.owners import Owners
    from crm_core.application.papers.base import Sources
    from crm_core.application.papers.service import Papers
    from crm_core.application.privacy import Privacy
    from crm_core.application.reporting.service import Reports
    from crm_core.application.requests import Requests
    from crm_core.application.runs import GradingRun
    from crm_core.application.staff import Staff
    from crm_core.application.studies import Studies
    from crm_core.gradings.replay import Replay

__all__ = ["CRM", "Planned", "Receipt"]

T = TypeVar("T")


class CRM:
    """Everything a host does with the library.

    Args:
        log: The history.
        vault: Keys of persons.
        clock: Tells the time.
        ids: Makes command ids.
        policies: Policies that can be used; those shipped with the slices by default.
        zone: Zone of the estate's days and years.
        engines: Engines for facts besides the one that reads events.
        views: Read models that follow the log; without them `views` cannot be asked for.
        tombstones: Who was erased, kept outside log and keys; by default in memory, with the log.
        traces: What else was written and may tell of persons; by default nothing was.
        urns: Where anonymous answers lie until they are counted; by default in memory.
        registry: What follows from the slices it is made of; by default from the library's own.
        reads: The read log; without one personal values stay closed (PRV-06).
        patience: How often, and how long apart, a command is decided again where another writer was
            first; by default eight times at once.
        telemetry: Is told what goes on; by default nobody is.
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
        tombstones: Tombstones | None = None,
        traces: Traces | None = None,
        urns: Urns | None = None,
        registry: Registry | None = None,
        reads: ReadLog | None = None,
        patience: Patience | None = None,
        telemetry: Telemetry | None = None,
    ) -> None:
        registry = registry or own_registry()
        self.host = Host(
            log=log,
            vault=vault,
            clock=clock,
            ids=ids,
            policies=policies or PolicyBook(shipped=registry),
            zone=zone,
            tombstones=tombstones or MemoryTombstones(),
            traces=traces or NoTraces(),
            urns=urns or MemoryUrns(ids),
            registry=registry,
            reads=reads,
            patience=patience or AtOnce(),
            telemetry=telemetry or Unwatched(),
            read_models=views,
        )
        self._engines = tuple(engines)
        self._desk = Desk(self.host)
        self._access = Access(self.host, self._desk)

    def __enter__(self) -> CRM:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close engines, views, log and vault."""
        for engine in self._engines:
            engine.close()
        if self.host.read_models is not None:
            self.host.read_models.close()
        self.host.log.close()
        self.host.vault.close()

    # --- what the host lends ---------------------------------------------------------------

    @property
    def clock(self) -> Clock:
        """Tells the time."""
        return self.host.clock

    @property
    def ids(self) -> Ids:
        """Makes ids of commands."""
        return self.host.ids

    @property
    def log(self) -> EventLog:
        """The history, its personal values sealed; what is clear in it nobody is kept from."""
        return self.host.log

    @property
    def policies(self) -> PolicyBook:
        """The policies at hand."""
        return self.host.policies

    @property
    def registry(self) -> Registry:
        """What follows from the slices."""
        return self.host.registry

    @property
    def views(self) -> Views:
        """The read models (LOG-05), like the log.

        Raises:
            Invalid: there are none here.
        """
        return self.host.views

    @property
    def zone(self) -> str:
        """Zone of the estate's days and years."""
        return self.host.zone

    # --- questions, by what they are about -------------------------------------------------

    # Each takes `by` and `purpose` and shows what the access policy grants (PRV-01); among
    # themselves the services see everything, so what is shown is looked at once, on its way out.

    @cached_property
    def owners(self) -> Owners:
        """Households: their files, and personal values opened for a stated purpose."""
        from crm_core.application.owners import Owners

        owners = Owners(self.host, self._access, self._files)
        return cast("Owners", Shown("owners", owners, self._access))

    @cached_property
    def requests(self) -> Requests:
        """Statistics, early warnings, effects of improvement plans."""
        return cast("Requests", Shown("requests", self._requests, self._access))

    @cached_property
    def accounts(self) -> Accounts:
        """Credit, arrears, statements, limitation."""
        return cast("Accounts", Shown("accounts", self._accounts, self._access))

    @cached_property
    def care(self) -> Care:
        """Care of households: assessments, plans, return visits, surveys, reports to owners."""
        from crm_core.application.care import Care

        care = Care(self.host, self._desk, self.owners, self._gradings, self._studies, self._access)
        return cast("Care", Shown("care", care, self._access))

    @cached_property
    def gradings(self) -> Gradings:
        """Runs, what holds of them, the directory."""
        return cast("Gradings", Shown("gradings", self._gradings, self._access))

    @cached_property
    def imports(self) -> ImportService:
        """Imports that were made, and taking one back."""
        from crm_core.application.imports import ImportService

        service = ImportService(self.host, self._desk)
        return cast("ImportService", Shown("imports", service, self._access))

    @cached_property
    def messages(self) -> Messaging:
        """What households and members of staff were told, and what members agreed to."""
        from crm_core.application.messaging import Messaging

        return cast(
            "Messaging", Shown("messages", Messaging(self.host, self._access), self._access)
        )

    @cached_property
    def papers(self) -> Papers:
        """The papers of the method as they stood at any date (REP-01)."""
        from crm_core.application.papers.service import Papers

        return cast(
            "Papers", Shown("papers", Papers(self.host, self._access, self._at), self._access)
        )

    def _at(self, position: int) -> Sources:
        """The questions, over the log as it stood at a position; who may ask is of today."""
        from crm_core.application.papers.base import Sources
        from crm_core.application.past import LogOfThePast

        then = CRM(
            LogOfThePast(self.host.log, position),
            vault=self.host.vault,
            clock=self.host.clock,
            ids=self.host.ids,
            policies=self.host.policies,
            zone=self.host.zone,
            tombstones=self.host.tombstones,
            urns=self.host.urns,
            registry=self.host.registry,
            patience=self.host.patience,
        )
        then._desk, then._access = self._desk, self._access
        return Sources(
            host=then.host,
            files=then._files,
            accounts=then._accounts,
            gradings=then._gradings,
            texts=self._desk.texts,
        )

    @cached_property
    def privacy(self) -> Privacy:
        """Rights of persons: a copy of everything about one, being erased, and who saw what."""
        from crm_core.application.privacy import Privacy

        return cast("Privacy", Shown("privacy", Privacy(self.host, self._access), self._access))

    @cached_property
    def reports(self) -> Reports:
        """The report of a year, as whoever asks may see it."""
        from crm_core.application.reporting.service import Reports
        from crm_core.application.return_visits import ReturnVisits

        visits = ReturnVisits(self.host, self._desk, self.owners, self._gradings)
        reports = Reports(
            host=self.host,
            desk=self._desk,
            access=self._access,
            accounts=self._accounts,
            gradings=self._gradings,
            requests=self._requests,
            visits=visits,
        )
        return cast("Reports", Shown("reports", reports, self._access))

    @cached_property
    def staff(self) -> Staff:
        """Who of the staff is to be told of what, and how they are reached."""
        from crm_core.application.staff import Staff

        return cast("Staff", Shown("staff", Staff(self.host, self._access), self._access))

    @cached_property
    def studies(self) -> Studies:
        """What-if, fairness and shares over recorded gradings."""
        return cast("Studies", Shown("studies", self._studies, self._access))

    @cached_property
    def _files(self) -> Files:
        from crm_core.application.files import Files

        return Files(self.host, self._access, self._accounts, self._gradings, self._requests)

    @cached_property
    def _requests(self) -> Requests:
        from crm_core.application.requests import Requests

        return Requests(self.host, self._desk)

    @cached_property
    def _accounts(self) -> Accounts:
        from crm_core.application.accounts import Accounts

        return Accounts(self.host, self._gradings.engine)

    @cached_property
    def _studies(self) -> Studies:
        from crm_core.application.studies import Studies

        return Studies(self.host, self._desk, self._gradings)

    @cached_property
    def _gradings(self) -> Gradings:
        from crm_core.application.gradings import Gradings

        return Gradings(self.host, self._desk, self._engines)

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
        about: Iterable[str] = (),
    ) -> Receipt:
        """Run one command.

        Args:
            by: Who gives it: it must be theirs to give, and nobody decides their own (LOG-08).
            id: Command id; the same id again does nothing and gives the first receipt.
            at: When the company knew, if not now (facts that arrive late).
            purpose: What it is done for; kept with its events.
            about: Whom its texts are about besides: ids of members, households or staff. By
                themselves they are about whoever they name, else who asked, else the household;
                when any of them is erased, the texts are (PRV-04).

        Raises:
            Refused: the business says no; nothing was written.
            Invalid: the command, the actor or an id is malformed, or a field is supplied that the
                library looks up.
            Conflict: other writers were first every time; it is safe to repeat.
            CommandReused: the id was used for another command.
            CommitUnknown: repeat with the same id to learn what happened.
        """
        given = Given(
            by=by,
            id=id,
            at=at,
            purpose=purpose,
            correlation=correlation,
            causation=causation,
            about=tuple(about),
        )
        act = self.registry.act_names.get(type(command), "unknown")
        with watched(self.host.telemetry, "do", act=act) as span:
            receipt = self._desk.do(command, given)
            span.note(events=len(receipt.events), position=receipt.position)
        return receipt

    def batch(
        self,
        planned: Iterable[Planned],
        *,
        by: Actor,
        imported: datetime | None = None,
        on_refusal: Callable[[Planned, Refusal], None] | None = None,
        on_error: Callable[[Planned, Exception], None] | None = None,
        closing: Callable[[int], Planned | None] | None = None,
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
            on_error: Told of each command that cannot be decided, whatever it raised but trouble of
                the store; without it the first one raises.
            closing: Given the number of events, what the library itself records behind them, in
                the same transaction, if anything.
            stop: Asked at the end; True undoes everything.

        Returns:
            How many events were appended.
        """
        with watched(self.host.telemetry, "batch") as span:
            count = self._desk.batch(
                planned,
                by=by,
                imported=imported,
                on_refusal=on_refusal,
                on_error=on_error,
                closing=closing,
                stop=stop,
                progress=progress,
            )
            span.note(events=count)
        return count

    def outcome(
        self, id: str, *, by: Actor | None = None, purpose: str | None = None
    ) -> Receipt | None:
        """What became of a command, by its id; None if it left no event so far (LOG-01).

        After `CommitUnknown` a commit may still be under way on the server, so None is no promise:
        only repeating the command with its id settles it, and does nothing twice.
        """
        found: Receipt | None = self._shows("outcome", self._desk.outcome(id), by, purpose)
        return found

    def may(self, by: Actor, act: str) -> None:
        """Ask whether a person may do something here today: the one place for all acts (LOG-08).

        Raises:
            Refused: they may not, and who may.
            Invalid: it is nobody.
        """
        self._desk.may(by, act)

    def authority(self) -> Authority:
        """Who may do what today: the table in force and the register of staff (LOG-08)."""
        return self._desk.authority()

    def tick(self, now: datetime | None = None, *, by: Actor = SYSTEM) -> Tick:
        """Record all that the clock has brought about before `now` (PAY-10, REQ-09, REQ-13).

        However often it is run, and by however many hosts, the same events follow: a command's
        id names what fell due. What follows from a step, and is due too, is recorded as well.

        What it records, the system records; `by` is who set it going. What cannot be computed is
        parked (`Views.parked_rows`), nothing waits behind it, and the next tick tries it again.

        Args:
            now: Up to when; by default the present.

        Raises:
            Refused: it is not for `by`.
        """
        with watched(self.host.telemetry, "tick") as span:
            done = tick(self.host, self._desk, now, by)
            span.note(events=sum(done.events.values()), parked=sum(done.parked.values()))
        return done

    def todo(self, *, by: Actor, now: datetime | None = None) -> list[Task]:
        """What waits for `by` today: their work list, most urgent first (REQ-06, REQ-13).

        Orders for them or their department, requests of theirs that are due within a day,
        apologies and confirmations they owe, breaches that their role was told of, and all that
        waits for a decision which is theirs to take; never what they proposed themselves.

        Raises:
            Refused: they do not work here.
        """
        from crm_core.application.todo import todo

        found = todo(self.host, self._desk, by, now)
        return list(self._shows("todo", found, by))

    # --- what follows --------------------------------------------------------------------

    @property
    def reactions(self) -> Consumer:
        """The consumer that runs what an interruption left undone, once and in order."""
        return Consumer("reactions", self.registry.leading, self._desk.follow)

    # --- reading -------------------------------------------------------------------------

    def get(
        self,
        kind: type[T],
        identity: str,
        *,
        by: Actor | None = None,
        purpose: str | None = None,
        on: date | None = None,
        known: datetime | None = None,
    ) -> T | None:
        """An aggregate as it stands, or as it stood (OWN-10); None if there was none.

        What `by` may not see is `Withheld`, with the reason (PRV-01). Sealed values stay sealed;
        `reveal` opens them for a stated purpose.

        Args:
            kind: What it is: a class that a slice declares as readable, e.g. `Household`,
                `Account`, `Collection`, `Request`, `Incident`, `Plan` or `Roster`.
            by: Who reads; by default the host's account, which sees what is not personal.
            purpose: What for: a code of the access policy, with free words behind it.
            on: The day it stood on (effective).
            known: As known at this instant (recorded).
        """
        if by is not None:
            acting(by)
        aggregate = self.registry.by_state.get(kind)
        if aggregate is None:
            raise Invalid.one("kind_unknown", kind=kind.__name__)
        stream, decider = aggregate.stream(identity), aggregate.decider
        texts = self._desk.texts
        if on is None and known is None:
            state, _ = self.log.fold(stream, decider.evolve, decider.initial, opened=texts.event)
        else:
            told = texts.each(self.log.read(stream))
            state = as_of(decider, told, on=on, known=utc(known, "known"))
        if not isinstance(state, kind) or state == aggregate.decider.initial:
            return None
        found: T = self._shows("get", state, by, purpose, self._household_of(stream))
        return found

    def _household_of(self, stream: str) -> str:
        """The household that a stream is about; empty if it is about none."""
        first = next(iter(self.log.read(stream)), None)
        return "" if first is None else first.household

    def _shows(
        self, name: str, found: Any, by: Actor | None, purpose: str | None = None, of: str = ""
    ) -> Any:
        """An answer as whoever asked may see it."""
        if found is None:
            return None
        way = f"crm.{name}"
        return answer(found, way, WAYS[way], self._access, by, purpose, of)

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

        An empty text where nothing was ever told. See `CRM.owners.opened` for arguments and errors.
        """
        found = self.owners.opened(household, member, field, by=by, purpose=purpose)
        if found is None:
            return ""
        return found.text if isinstance(found, Plain) else say("values", found.code, lang)

    def history(
        self, stream: str, *, by: Actor | None = None, purpose: str | None = None
    ) -> Iterator[Recorded[Any]]:
        """Events of a stream (`account/V00001`) or of everything about a household (`V00001`).

        What people typed is opened, and what `by` may not see is `Withheld` (PRV-01); names and
        contacts stay sealed.
        """
        look, opened = self._access.look(by, purpose, "crm.history"), self._desk.texts.each
        if "/" in stream:
            yield from look.show_each(opened(self.log.read(stream)))
            return
        # Among a household's events one tells where it lives.
        joined = look.answer("place", stream).granted
        for _, events in self.log.by_household(households=[stream]):
            yield from look.show_each(opened(events), household=stream, joined=joined)

    def verify(self, *, deep: bool = False) -> Verification:
        """Read every stored byte again (see `EventLog.verify`)."""
        return self.log.verify(deep=deep)

    # --- gradings ------------------------------------------------------------------------

    def grade(
        self,
        year: int,
        *,
        known: datetime | None = None,
        policy: str | None = None,
        trial: bool = False,
        by: Actor = SYSTEM,
        purpose: str | None = None,
        progress: Progress = silent,
        engine: str = EVENTS,
    ) -> GradingRun:
        """Grade every household for a calendar year (GRD-01).

        The first timely run of a year is its run of record and holds; every other is a trial, which
        says so (GRD-17). The same year, policies and cut-off return the recorded run; a run that
        was interrupted, or that somebody else has begun, is taken part in and stays one run
        (GRD-12).

        Args:
            known: Knowledge instant; by default that of the latest fact in the log.
            policy: Name, or name/version, of the grading policy; by default that of the year's run
                of record, else the one in force on its last day.
            trial: Whether it is to be a trial whatever else is true of it.
            engine: What computes the facts; the result does not depend on it.

        Raises:
            Invalid: `year_not_over`, and it is not a trial.
        """
        with watched(self.host.telemetry, "grade") as span:
            run = self._gradings.grade(
                year,
                known=known,
                policy=policy,
                trial=trial,
                by=by,
                progress=progress,
                engine=engine,
            )
            span.note(year=run.year, gradings=len(run.gradings), standing=run.standing)
        shown: GradingRun = self._shows("grade", run, by, purpose)
        return shown

    def explain(
        self,
        household: str,
        year: int,
        *,
        run: str | None = None,
        reader: str = "auditor",
        lang: Lang = "en",
        by: Actor | None = None,
        purpose: str | None = None,
    ) -> dict[str, Any]:
        """Why a household has its grade (GRD-07).

        Raises:
            Invalid: the household was not graded for that year.
            DecisionMismatch, PolicyDigestMismatch, UnknownPolicy: it cannot be derived again.
        """
        said = self._gradings.explain(household, year, run=run, reader=reader, lang=lang)
        shown: dict[str, Any] = self._shows("explain", said, by, purpose, household)
        return shown

    def replay(
        self,
        year: int | None = None,
        *,
        progress: Progress = silent,
        engine: str = EVENTS,
        verify: bool = False,
        by: Actor | None = None,
        purpose: str | None = None,
    ) -> Replay:
        """Decide every recorded grading again from the log and compare the bytes (GRD-08).

        Households come one after another, so memory does not grow with the log.

        Args:
            verify: Verify the log's chain first, and compare what an engine keeps beside the log
                with its digests; without it such a replay is not `verified`.
        """
        with watched(self.host.telemetry, "replay") as span:
            found = self._gradings.replay(year, progress=progress, engine=engine, verify=verify)
            span.note(
                engine=found.engine,
                events=found.events,
                gradings=found.gradings,
                differing=len(found.differing),
            )
        shown: Replay = self._shows("replay", found, by, purpose)
        return shown
