"""Imports that were made, and taking one back. `CRM.imports` is one (IMP-01)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any, Unpack

from attrs import field

from crm_core.application.access import Asked
from crm_core.application.desk import Desk
from crm_core.application.host import Host
from crm_core.application.records import records_of
from crm_core.application.undoing import (
    Fact,
    Rests,
    Told,
    ended_by_hand,
    fact_of,
    is_gone,
    resting,
    voiding,
)
from crm_core.application.work import Planned
from crm_core.errors import Invalid, Refused
from crm_core.gradings.events import GradingDecided
from crm_core.imports import IMPORTS, Imports, RecordUndo
from crm_core.imports.register import WHOLE, Import, unfit
from crm_core.kernel.commands import act_of, as_said
from crm_core.kernel.decider import Refusal
from crm_core.kernel.recorded import Actor, Recorded
from crm_core.kernel.refusals import no_reason
from crm_core.kernel.values import define, frozen
from crm_core.owners.commands import ChangeContact, VoidRoleEnd
from crm_core.owners.facts import MERGES_STREAM
from crm_core.payments.commands import CancelCharge, ReversePayment, VoidPurchase
from crm_core.ports import Progress, silent
from crm_core.requests.commands import VoidClosing, VoidRequest

RECORDED = "imports.recorded/1"
"""Stored name of the record of an import."""

UNDOING = "undo:"
"""How the id of a command begins that makes void what another one recorded: that one's id follows.

By it a row that comes again is told from one that was there all the time.
"""

CORRECTING = frozenset(
    {
        CancelCharge,
        ChangeContact,
        ReversePayment,
        VoidClosing,
        VoidPurchase,
        VoidRequest,
        VoidRoleEnd,
    }
)
"""What an import that corrects may bring besides facts (LOG-06)."""

AT_ONCE = 500
"""How many households are looked at together."""


@frozen
class Touched:
    """A grading that saw facts of an import.

    Args:
        of_record: Whether its run is the run of record of its year.
    """

    household: str
    year: int
    run: str
    of_record: bool


@define
class Undoing:
    """What the undo of an import changes, or what keeps it from starting.

    Args:
        number: Of the import.
        voided: How many facts of each kind become void.
        events: How many compensating events that takes.
        gone: How many facts somebody had made void by hand before.
        rests: What rests on facts of it: the undo does not start while anything does.
        gradings: Gradings that saw them; they stay as they were recorded.
    """

    number: str
    voided: Counter[str] = field(factory=Counter)
    events: int = 0
    gone: int = 0
    rests: list[Rests] = field(factory=list)
    gradings: list[Touched] = field(factory=list)

    @property
    def of_record(self) -> list[Touched]:
        """The gradings of record among those that are touched."""
        return [one for one in self.gradings if one.of_record]


class ImportService:
    """Imports.

    Args:
        host: Ports and policies.
        desk: Where commands are given.
    """

    def __init__(self, host: Host, desk: Desk) -> None:
        self._host, self._desk = host, desk

    def every(self, **_asked: Unpack[Asked]) -> list[Import]:
        """All imports, the first one first; what was typed of them is opened."""
        told = self._desk.texts.each(self._host.log.read(IMPORTS.stream(WHOLE)))
        state: Imports = IMPORTS.decider.fold(recorded.event for recorded in told)
        return state.every()

    def look(self, number: str, *, by: Actor, progress: Progress = silent) -> Undoing:
        """What an undo would change, or what keeps it from starting; nothing is written.

        Raises:
            Refused: it is not for `by`, or there is no such import to undo.
        """
        return self._undo(number, by, "-", dry_run=True, despite=True, progress=progress)

    def undo(
        self,
        number: str,
        *,
        by: Actor,
        reason: str,
        despite_gradings: bool = False,
        progress: Progress = silent,
    ) -> Undoing:
        """Make void what an import brought: each fact from its own day on, as known from now on.

        As known before, everything stands as it was. Afterwards the same files can come in again,
        and numbers can be used again. It is all in one transaction.

        Args:
            despite_gradings: Also where gradings of record saw the facts: they stay as they were
                recorded, and are listed.

        Raises:
            Refused: it is not for `by`; there is no such import, or it was undone; no reason; or
                something rests on its facts (see `look`).
        """
        return self._undo(
            number, by, reason, dry_run=False, despite=despite_gradings, progress=progress
        )

    def correct(
        self,
        planned: Iterable[Planned],
        *,
        by: Actor,
        imported: datetime,
        on_refusal: Callable[[Planned, Refusal], None],
        on_error: Callable[[Planned, Exception], None],
        closing: Callable[[int], Planned | None],
        stop: Callable[[], bool],
        progress: Progress = silent,
    ) -> int:
        """Run an import that corrects; see `CRM.batch`.

        Besides what an import may bring it makes void what the corrected facts replace, and changes
        what is told of members; nothing else.

        Raises:
            Refused: it is not for `by`.
        """
        self._desk.may(by, "correct-by-import")
        return self._desk.batch(
            self._correcting(planned),
            by=by,
            inside=True,
            imported=imported,
            on_refusal=on_refusal,
            on_error=on_error,
            closing=closing,
            stop=stop,
            progress=progress,
        )

    def _correcting(self, planned: Iterable[Planned]) -> Iterator[Planned]:
        acts = self._host.registry.acts.values()
        taken = {act.what for act in acts if act.importable} | CORRECTING
        for item in planned:
            if type(item.command) not in taken:
                kind: type = type(item.command)
                act = act_of(kind)
                raise Refused(Refusal("not_importable", "LOG-08", {"act": act}))
            # INVARIANT (LOG-08): what the library looks up is never what a caller says.
            yield item._replace(command=as_said(item.command))

    def _undo(
        self,
        number: str,
        by: Actor,
        reason: str,
        *,
        dry_run: bool,
        despite: bool,
        progress: Progress,
    ) -> Undoing:
        self._desk.may(by, "undo-import")
        found = self._register().find(number)
        refused = unfit(found, number)
        if refused is not None:
            raise Refused(refused)
        if not reason.strip():
            raise Refused(no_reason("LOG-06"))
        assert found is not None
        run = _Run(self._host, found, reason)
        now = self._host.clock.now()

        def closing(events: int) -> Planned:
            run.undoing.events = events
            command = RecordUndo(number, events, reason)
            return Planned(command, f"{UNDOING}import:{number}", now)

        refusals: list[Refusal] = []

        def stop() -> bool:
            held_up = run.undoing.rests or (run.undoing.of_record and not despite)
            return bool(dry_run or held_up or refusals)

        self._desk.batch(
            run.planned(),
            by=by,
            inside=True,
            on_refusal=lambda _, refusal: refusals.append(refusal),
            closing=closing,
            stop=stop,
            progress=progress,
        )
        if refusals and not run.undoing.rests:
            raise Refused(refusals[0])
        if not dry_run:
            _check(run.undoing, despite)
        return run.undoing

    def _register(self) -> Imports:
        decider = IMPORTS.decider
        state, _ = self._host.log.fold(IMPORTS.stream(WHOLE), decider.evolve, decider.initial)
        return state  # type: ignore[no-any-return]


def _check(undoing: Undoing, despite: bool) -> None:
    """Say why it did not start.

    Raises:
        Refused: something keeps it from starting.
    """
    found = {"number": undoing.number}
    if undoing.rests:
        first = undoing.rests[0]
        more = {"count": len(undoing.rests), "position": first.position, "event": first.name}
        raise Refused(Refusal("import_rested_on", "IMP-01", found | more))
    if undoing.of_record and not despite:
        years = sorted({str(one.year) for one in undoing.of_record})
        raise Refused(Refusal("import_graded", "IMP-01", found | {"years": years}))


class _Run:
    """One undo: the commands that make void, found household by household.

    Args:
        host: Where the log is.
        found: The import.
    """

    def __init__(self, host: Host, found: Import, reason: str) -> None:
        self._log = host.log
        self._import, self._reason = found.recorded, reason
        self._now = host.clock.now()
        self.undoing = Undoing(found.number)

    def planned(self) -> Iterator[Planned]:
        """What makes each fact void, of every household the last one first."""
        # Within the transaction: nobody records anything in between.
        head = self._log.head()
        first, households = self._place()
        merges = [*self._log.read(MERGES_STREAM)]
        of_record = {(year, run) for year, run in records_of(self._log).by_year.items()}
        for start in range(0, len(households), AT_ONCE):
            some = households[start : start + AT_ONCE]
            for household, events in self._log.by_household(upto=head, households=some):
                mine = [e for e in events if self._is_mine(e)]
                others = [e for e in events if not self._is_mine(e)]
                # Files that were merged into it count for it (OWN-09).
                others += [e for e in merges if e.event.into == household]
                facts = self._standing(mine, others)
                self.undoing.rests += resting(facts, others)
                self.undoing.gradings += [
                    Touched(household, e.year, e.run, (e.year, e.run) in of_record)
                    for e in (recorded.event for recorded in others)
                    if isinstance(e, GradingDecided) and e.cutoff_position >= first
                ]
                for fact in sorted(facts, key=lambda fact: fact.first, reverse=True):
                    self.undoing.voided[fact.what] += 1
                    command = fact.told.envelope.command
                    yield Planned(voiding(fact, self._reason), f"{UNDOING}{command}", self._now)

    def _standing(self, mine: Told, others: Told) -> list[Fact]:
        """The facts that the import brought and that nobody has made void since."""
        by_command: dict[str, list[Recorded[Any]]] = {}
        for recorded in mine:
            by_command.setdefault(recorded.envelope.command, []).append(recorded)
        facts = [fact for events in by_command.values() if (fact := fact_of(events)) is not None]
        ended = ended_by_hand(others)
        left = [fact for fact in facts if not is_gone(fact, ended)]
        self.undoing.gone += len(facts) - len(left)
        return left

    def _is_mine(self, recorded: Recorded[Any]) -> bool:
        return recorded.envelope.imported == self._import.moment and recorded.position < self._last

    def _place(self) -> tuple[int, list[str]]:
        """The first position of the import, and the households that it is about; sorted."""
        places = (
            e.position
            for e in self._log.feed(names=[RECORDED])
            if e.event.number == self._import.number
        )
        self._last = next(places, 0)
        if not self._last:
            raise Invalid.one("import_missing", number=self._import.number)
        behind = self._last - self._import.events - 1
        mine = [(e.position, e.household) for e in self._window(behind)]
        if len(mine) != self._import.events:
            # A store whose positions have gaps.
            mine = [(e.position, e.household) for e in self._window(0)]
        return min(mine)[0], sorted({household for _, household in mine if household})

    def _window(self, behind: int) -> Iterator[Recorded[Any]]:
        return filter(self._is_mine, self._log.feed(after=max(behind, 0), upto=self._last))
