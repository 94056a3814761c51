"""The desk: where commands are given, decided, written down, and lead to others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from attrs import evolve

from crm_core.application.adopted import book_with_adopted
from crm_core.application.authority import Authority, acting
from crm_core.application.checking import checked, circumstance, utc
from crm_core.application.host import Host, present_day
from crm_core.application.present import present
from crm_core.application.reactions import react
from crm_core.application.texts import Texts
from crm_core.application.work import Planned, Work, aggregate_of, same_command
from crm_core.errors import (
    CommandReused,
    Conflict,
    CrmError,
    PersonErased,
    Refused,
    UnknownPolicy,
    is_of_the_store,
)
from crm_core.gradings.adoption import ADOPTION
from crm_core.kernel.authority import DEFAULT_AUTHORITY, AuthorityPolicy
from crm_core.kernel.decider import Refusal
from crm_core.kernel.recorded import SYSTEM, Actor, Appended, Commit, Recorded
from crm_core.kernel.text import check_id, check_storable
from crm_core.kernel.ticking import Look
from crm_core.kernel.values import frozen
from crm_core.ports import Progress, silent
from crm_core.staff import REGISTER
from crm_core.staff.register import WHOLE

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
        by_id: Whether it was known again by its id alone: what it says cannot be compared, as
            somebody it is about was erased since.
    """

    stream: str
    version: int
    position: int
    events: tuple[Any, ...]
    by_id: bool = False


@frozen
class Given:
    """Circumstances of a command.

    Args:
        by: Who gives it.
        inside: Whether the library itself gives it: then nobody has to be allowed to.
        id: Its id; made where there is none.
        at: When the company knew, if not now.
        purpose: What it is done for.
        correlation: The matter it belongs to.
        causation: Id of the event it follows from.
        about: Whom its texts are about besides those that they are about by themselves.
    """

    by: Actor
    inside: bool = False
    id: str | None = None
    at: datetime | None = None
    purpose: str | None = None
    correlation: str | None = None
    causation: str | None = None
    about: tuple[str, ...] = ()


class Desk:
    """Where commands are given.

    Args:
        host: Ports, policies, slices.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._rules: tuple[Any, Authority] | None = None

    @property
    def texts(self) -> Texts:
        """Opens what people typed; a port of the host is read when it is used."""
        return self._host.texts

    # --- who may -------------------------------------------------------------------------

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
        host, today = self._host, present_day(self._host)
        tips = host.log.tips((_REGISTER, _AUTHORITY))
        seen = (today, tips)
        if self._rules is None or self._rules[0] != seen:
            register = REGISTER.decider.initial
            if _REGISTER in tips:
                register, _ = host.log.fold(_REGISTER, REGISTER.decider.evolve, register)
            book = host.policies
            if _AUTHORITY in tips:
                book = book_with_adopted(host.log, host.registry, book, DEFAULT_AUTHORITY)
            try:
                table = book.find(AuthorityPolicy, DEFAULT_AUTHORITY, today)
            except UnknownPolicy:
                # A host's own book need not name who may do what; what slices declare holds then.
                table = AuthorityPolicy.parse(host.registry.authority)
            self._rules = (seen, Authority(table, register, today))
        return self._rules[1]

    # --- one command ---------------------------------------------------------------------

    def do(self, command: Any, given: Given) -> Receipt:
        """Run one command; see `CRM.do` for the errors."""
        host, by = self._host, given.by if given.inside else acting(given.by)
        now = None if given.inside else present(host)
        command = checked(command, now, inside=given.inside)
        circumstance(given.purpose, "purpose")
        circumstance(given.correlation, "correlation", check_storable)
        circumstance(given.causation, "causation", check_storable)
        for one in given.about:
            circumstance(one, "about", check_id)
        command_id = given.id or host.ids.new()
        first = self._done_before(command_id, command)
        if first is not None:
            return first
        at = utc(given.at, "at") or host.clock.now()
        if now is not None:
            now.check(at, "at")
        for tried in range(1, host.patience.tries + 1):
            work = self._work()
            commit = work.plan(
                command,
                command_id,
                by,
                at,
                inside=given.inside,
                purpose=given.purpose,
                correlation=given.correlation,
                causation=given.causation,
                about=given.about,
            )
            if isinstance(commit, Refusal) or not commit.appends:
                # Sent twice at once, and the other was quicker: its effect is what was found.
                first = self._done_before(command_id, command)
                if first is not None:
                    return first
            if isinstance(commit, Refusal):
                raise Refused(commit)
            if not commit.appends:
                stream = self._stream_of(command)
                return Receipt(stream, work.tip(stream).version, 0, ())
            try:
                [done] = host.log.append([commit])
            except Conflict:
                if tried == host.patience.tries:
                    raise
                host.patience.wait(tried)
                continue
            receipt = _receipt(commit, done)
            self._react(done)
            return receipt
        raise AssertionError("patience tries once at least")

    def within(
        self, command: Any, *, by: Actor, id: str | None = None, purpose: str | None = None
    ) -> Receipt:
        """Run a command that the library itself gives, for services that have asked who may.

        It is no way around authority for a host: what follows from a recorded fact, and what a
        service has computed, is given by nobody in person.
        """
        return self.do(command, Given(by, inside=True, id=id, purpose=purpose))

    def rehearse(self, command: Any, *, by: Actor) -> tuple[Any, ...]:
        """The events that a command of the library's own would record; nothing is recorded.

        Raises:
            Refused: the business says no.
        """
        at = self._host.clock.now()
        command = checked(command, None, inside=True)
        commit = self._work().plan(command, "rehearsal", by, at, told=False, inside=True)
        if isinstance(commit, Refusal):
            raise Refused(commit)
        return tuple(envelope.data for append in commit.appends for envelope in append.events)

    def outcome(self, id: str) -> Receipt | None:
        """What became of a command, by its id; see `CRM.outcome`."""
        done = self._host.log.outcomes([id]).get(id)
        return None if done is None else self._receipt_of(done)

    def _done_before(self, id: str, command: Any) -> Receipt | None:
        """The first receipt of a command that was done before under that id, or None.

        Raises:
            CommandReused: another command was.
        """
        done = self._host.log.outcomes([id]).get(id)
        if done is None:
            return None
        receipt = self._receipt_of(done)
        try:
            if done.digest and not same_command(command, done.digest, self._host.vault.fingerprint):
                raise CommandReused(done.command)
        except PersonErased:
            receipt = evolve(receipt, by_id=True)
        # An interruption may have come between the command and what follows from it.
        self._react(done)
        return receipt

    def _receipt_of(self, done: Appended) -> Receipt:
        found = list(self._host.log.feed(after=done.first - 1, upto=done.last))
        stream = found[0].stream
        own = [self.texts.opened(e) for e in found if e.stream == stream]
        return Receipt(stream, own[-1].version, done.last, tuple(e.event for e in own))

    def _work(self) -> Work:
        host = self._host
        return Work(
            log=host.log,
            registry=host.registry,
            policies=host.policies,
            zone=host.zone,
            authority=self.authority(),
            vault=host.vault,
        )

    def _stream_of(self, command: Any) -> str:
        aggregate = aggregate_of(self._host.registry, command)
        return aggregate.stream(aggregate.id_of(command))

    # --- many commands -------------------------------------------------------------------

    def batch(
        self,
        planned: Iterable[Planned],
        *,
        by: Actor,
        inside: bool = False,
        imported: datetime | None = None,
        on_refusal: Callable[[Planned, Refusal], None] | None = None,
        on_error: Callable[[Planned, Exception], None] | None = None,
        on_nothing: Callable[[Planned], None] | None = None,
        closing: Callable[[int], Planned | None] | None = None,
        stop: Callable[[], bool] | None = None,
        progress: Progress = silent,
    ) -> int:
        """Run many commands in one transaction; see `CRM.batch`.

        Args:
            inside: Whether the library itself gives them (see `within`).
            closing: Given the number of events, what the library records behind them, if anything;
                it is not counted.
            on_nothing: Told of each command that changes nothing.
        """
        if not inside:
            by = acting(by)
        imported = utc(imported, "imported")
        now = None if inside else present(self._host)
        if now is not None:
            now.check(imported, "imported")
        plan = self._work().plan
        reactions = self._host.registry.reactions
        count = 0
        leading: set[str] = set()

        def commits() -> Iterator[Commit]:
            nonlocal count
            for item in planned:
                progress(1)
                try:
                    at = utc(item.at, "at") or item.at
                    if now is not None:
                        now.check(at, "at")
                    command = checked(item.command, now, inside=inside)
                    commit = plan(
                        command,
                        item.id,
                        by,
                        at,
                        told=False,
                        inside=inside,
                        imported=imported,
                        about=item.about,
                    )
                except Exception as error:
                    # What could not be decided has left nothing behind.
                    if on_error is None or is_of_the_store(error):
                        raise
                    on_error(item, error)
                    continue
                if isinstance(commit, Refusal):
                    if on_refusal is None:
                        raise Refused(commit)
                    on_refusal(item, commit)
                elif commit.appends:
                    if any(type(e.data) in reactions for a in commit.appends for e in a.events):
                        leading.add(commit.command)
                    count += sum(len(append.events) for append in commit.appends)
                    yield commit
                elif on_nothing is not None:
                    on_nothing(item)
            last = None if closing is None else closing(count)
            if last is not None:
                commit = plan(last.command, last.id, by, last.at, told=False, inside=True)
                if isinstance(commit, Refusal):
                    raise Refused(commit)
                yield commit
            if stop is not None and stop():
                raise _Undo

        try:
            appended = self._host.log.append(commits())
        except _Undo:
            return 0
        for done in appended:
            if done.command in leading:
                self._react(done)
        return count

    def look(self, at: datetime) -> Look:
        """A look at an instant, which tells what commands of the library's own would change.

        Nothing is written; what is loaded once is not loaded again.
        """
        work = self._work()

        def changes(command: Any) -> bool:
            commit = work.plan(command, "look", SYSTEM, at, told=False, inside=True)
            return not isinstance(commit, Refusal) and bool(commit.appends)

        return Look(
            now=at,
            zone=self._host.zone,
            policies=self._host.policies,
            changes=changes,
            sight=work.sight(at),
        )

    # --- what follows --------------------------------------------------------------------

    def _react(self, done: Appended) -> None:
        """What follows from a command, at once; the consumer sees to whatever is left undone."""
        for recorded in self._host.log.feed(after=done.first - 1, upto=done.last):
            try:
                self.follow(recorded)
            except (CrmError, ArithmeticError, LookupError, ValueError) as error:
                if is_of_the_store(error):
                    raise
                # The command itself stands. The consumer fails in it again, and parks it visibly.
                continue

    def follow(self, recorded: Recorded[Any]) -> None:
        """Run the commands that follow from an event; those run before change nothing.

        Raises:
            Refused: the business says no to one of them.
        """
        for command_id, command in react(self._host.registry, self.texts.to_follow(recorded)):
            self.do(
                command,
                Given(
                    by=SYSTEM,
                    inside=True,
                    id=command_id,
                    at=recorded.recorded,
                    correlation=recorded.envelope.correlation,
                    causation=recorded.envelope.event_id,
                ),
            )


class _Undo(Exception):
    """Leaves a transaction of many commands without a trace."""


def _receipt(commit: Commit, done: Appended) -> Receipt:
    append = commit.appends[0]
    events = tuple(envelope.data for envelope in append.events)
    return Receipt(append.stream, append.tip.version + len(events), done.last, events)
