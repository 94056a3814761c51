"""Erasing a person: what is decided, and all that follows from it (PRV-04, decision record 0055).

The steps, each of which may be the last one before a crash:

1. the event is recorded: whose keys are destroyed, who decided it, and why;
2. a tombstone is kept, outside the log and the keys;
3. the keys are destroyed;
4. what is still to be told to them is withheld, and files that tell of them are purged;
5. the tombstone is marked as settled.

Whoever opens the log goes on where somebody stopped (`finish`), and destroys again whatever keys
were put back (`crm_core.application.tombstones.resume`): what was said is done, and stays done.
Each step can be done again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any, Protocol

from attrs import evolve

from crm_core.application.authority import acting
from crm_core.application.checking import circumstance
from crm_core.application.host import Host, present_day
from crm_core.application.streams import Streams
from crm_core.application.texts import GONE, Texts
from crm_core.application.tombstones import STREAM, Erased, missing, stone_of
from crm_core.errors import Refused, StoreUnreachable
from crm_core.kernel.authority import Own
from crm_core.kernel.decider import Refusal
from crm_core.kernel.recorded import Actor, Recorded
from crm_core.kernel.sealed import Place as SealedPlace
from crm_core.kernel.sealed import Plain, Sealed, Withheld
from crm_core.kernel.sealing import PURPOSE, sealed_in, texts_in
from crm_core.kernel.subjects import parts
from crm_core.kernel.values import frozen
from crm_core.messages import MESSAGES, STAFF_MESSAGES, ReleaseMessage, ReleaseToStaff
from crm_core.messages.state import Messages
from crm_core.ports import Tombstone, Trace
from crm_core.privacy import EraseHousehold, EraseMember, EraseStaff
from crm_core.privacy.events import MemberErased, StaffErased

ACT = "erase-person"

_Command = EraseHousehold | EraseMember | EraseStaff


class Asking(Protocol):
    """What erasing needs of the desk."""

    @property
    def texts(self) -> Texts:
        """Opens what people typed."""
        ...

    def may(self, by: Actor, act: str) -> None:
        """Raise `Refused` where that person may not do it."""
        ...

    def authority(self) -> Any:
        """Who may do what today."""
        ...

    def within(self, command: Any, *, by: Actor, id: str | None = None) -> Any:
        """Run a command that the library itself gives."""
        ...

    def rehearse(self, command: Any, *, by: Actor) -> tuple[Any, ...]:
        """The events that would be recorded; nothing is."""
        ...


@frozen
class Erasure:
    """What an erasure did, or would do.

    Args:
        household: The household; empty for a member of staff.
        member: The member, if it was one alone.
        staff: The member of staff, if it was one.
        keys: Ids of the keys that are destroyed.
        ground: Why, as a code.
        on: The day of it.
        done: Whether it was done, and not only looked at.
        messages: How many messages to them are withheld.
        traces: What else told of them, and what became of it.
        others: Where it was one member alone: who is told of in the other files of the household,
            which may be the same person once more (OWN-09).
    """

    household: str
    member: str | None
    staff: str | None
    keys: tuple[str, ...]
    ground: str
    on: date
    done: bool
    messages: int
    traces: tuple[Trace, ...]
    others: tuple[str, ...] = ()

    @property
    def unreached(self) -> tuple[Trace, ...]:
        """What could not be taken away, or is a copy that opens nothing more."""
        return tuple(t for t in self.traces if t.outcome in ("failed", "left", "not_found"))


class Erasing:
    """Erases, and goes on with what was begun.

    Args:
        host: Ports.
        desk: Knows who may ask.
    """

    def __init__(self, host: Host, desk: Asking) -> None:
        self._host, self._desk = host, desk

    def erase(
        self, make: Callable[[date], _Command], persons: tuple[str, ...], by: Actor, *, dry: bool
    ) -> Erasure:
        """Erase somebody.

        Args:
            make: Makes the command, given the present day.
            persons: Ids of whom it is about: nobody erases themselves.
            dry: Only look what it would do.

        Raises:
            Refused: it is not for `by`, a legal hold forbids it, there is no such person, or they
                are erased already.
        """
        by, host = acting(by), self._host
        self._desk.may(by, ACT)
        own = Own(others=frozenset(persons))
        refused = self._desk.authority().refuses_own(by, ACT, own)
        if refused is not None:
            raise Refused(refused)
        command = make(present_day(host))
        circumstance(command.purpose, "purpose")
        try:
            if dry:
                looked = [self._looked(one) for one in self._desk.rehearse(command, by=by)]
                return self._together(looked)
            with host.tombstones.turn():
                if all(self._gone(one) for one in self._desk.rehearse(command, by=by)):
                    # An older log says it again: with nobody left the words are closed with.
                    command = evolve(command, purpose=GONE)
                receipt = self._desk.within(command, by=by)
                first = receipt.version - len(receipt.events)
                return self._together(self._followed(list(host.log.read(STREAM, after=first))))
        except Refused as error:
            raise self._explained(error) from None

    def _gone(self, event: Erased) -> bool:
        """Whether every key of an erasure was destroyed before, as an older log does not know."""
        return all(self._host.vault.is_erased(key) for key in event.keys)

    def _explained(self, error: Refused) -> Refused:
        """A refusal for a legal hold with the reason of the hold, which is sealed in the log."""
        if error.reason != "legal_hold":
            return error
        for recorded in self._desk.texts.each(self._host.log.read(STREAM)):
            event = recorded.event
            if getattr(event, "hold", None) == error.details["hold"]:
                why = event.reason.reason if isinstance(event.reason, Withheld) else event.reason
                told = {**error.details, "why": why}
                return Refused(Refusal("legal_hold", "PRV-04", told, "legal_hold_because"))
        return error

    # --- looking -------------------------------------------------------------------------

    def _looked(self, event: Erased) -> Erasure:
        stone = stone_of(event, 0, "")
        traces = self._host.traces.look(stone, self._values(stone))
        waiting = len(list(self._waiting(stone)))
        return _told(event, done=False, messages=waiting, traces=tuple(traces))

    # --- doing ---------------------------------------------------------------------------

    def _followed(self, told: list[Recorded[Erased]]) -> list[Erasure]:
        """What follows of each file of a household, whose texts may be of several at once."""
        stones = [stone_of(one.event, one.version, one.digest) for one in told]
        # While they can still be opened: files are searched for them.
        values = [self._values(stone) for stone in stones]
        for stone in stones:
            self._host.tombstones.add(stone)
        done = []
        for one, stone, known in zip(told, stones, values, strict=True):
            messages, traces = self._settle(stone, known)
            done.append(_told(one.event, done=True, messages=messages, traces=traces))
        return done

    def _together(self, parts: list[Erasure]) -> Erasure:
        """One erasure of all files of a household; who else is in them is told."""
        first = parts[0]
        erased = {key for part in parts for key in part.keys}
        traces = {(trace.kind, trace.name): trace for part in parts for trace in part.traces}
        found = evolve(
            first,
            keys=tuple(sorted(erased)),
            messages=sum(part.messages for part in parts),
            traces=tuple(traces.values()),
        )
        if first.member is None:
            return found
        files = [file for file in self._files(first.household) if file != first.household]
        others = {member for file in files for member in self._streams().told(file)}
        return evolve(found, others=tuple(sorted(others - erased)))

    def _settle(
        self, stone: Tombstone, values: frozenset[str] | None
    ) -> tuple[int, tuple[Trace, ...]]:
        host = self._host
        host.vault.erase(*stone.keys)
        withheld = self._withhold(stone)
        traces = tuple(host.traces.purge(stone, values))
        host.tombstones.settle(stone.digest)
        return withheld, traces

    def _withhold(self, stone: Tombstone) -> int:
        withheld = 0
        for command in self._waiting(stone):
            try:
                withheld += bool(self._desk.within(command, by=_CLERK).events)
            except Refused:
                # An older log may know nothing of the erasure: sending finds the key gone.
                continue
        return withheld

    def _waiting(self, stone: Tombstone) -> Iterator[Any]:
        """The commands that withhold what is still to be told to them."""
        box, whose = MESSAGES, [*self._files(stone.household)]
        if not stone.household:
            box, whose = STAFF_MESSAGES, [*stone.keys]
        keys = {*stone.keys}
        for one in whose:
            decider = box.decider
            state: Messages
            state, _ = self._host.log.fold(box.stream(one), decider.evolve, decider.initial)
            for message, queued in state.queued.items():
                if queued.recipient in keys and not state.status(message).ended:
                    yield (
                        ReleaseMessage(one, message)
                        if stone.household
                        else ReleaseToStaff(one, message)
                    )

    def _files(self, household: str) -> tuple[str, ...]:
        """All files of the household (OWN-09): what is about one person may stand in any."""
        return self._streams().merges().group(household) if household else ()

    def _streams(self) -> Streams:
        return Streams(self._host.log, self._desk.texts)

    # --- going on ------------------------------------------------------------------------

    def finish(self) -> None:
        """Do what is left undone of erasures that were recorded, wherever somebody stopped."""
        tombstones = self._host.tombstones
        try:
            with tombstones.turn(wait=False) as mine:
                if not mine:
                    return  # Somebody is at it.
                for stone in missing(self._host, tombstones.read()):
                    tombstones.add(stone)
                for stone in tombstones.read():
                    if not stone.settled:
                        self._settle(stone, self._values(stone))
        except StoreUnreachable:
            # Whoever may only read goes on reading: what is erased stays shut for them, too.
            return

    # --- what they are known by ------------------------------------------------------------

    def _values(self, stone: Tombstone) -> frozenset[str] | None:
        """The personal values that are sealed under these keys; None if one opens no more."""
        keys, found = {*stone.keys}, set()
        events: Iterator[Recorded[Any]] = (
            recorded
            for _, of_household in self._host.log.by_household(
                households=self._files(stone.household)
            )
            for recorded in of_household
        )
        if not stone.household:
            events = self._host.log.feed(names=_contact_names(self._host))
        for recorded in events:
            for value, place, is_text in sealed_of(recorded):
                if keys.isdisjoint(parts(value.subject)):
                    continue
                opened = self._host.vault.open(value, place)
                if not isinstance(opened, Plain):
                    if {*parts(value.subject)} <= keys:
                        return None
                elif not is_text or len(opened.text) >= TELLING_LENGTH:
                    found.add(opened.text)
        return frozenset(found)


TELLING_LENGTH = 8
"""Characters of a text by which files are looked through: a shorter one is said of anybody."""

_CLERK = Actor("crm", "system")


def sealed_of(recorded: Recorded[Any]) -> Iterator[tuple[Sealed, SealedPlace, bool]]:
    """The sealed values of an event with their places, and whether each is a text."""
    stream, version, event = recorded.stream, recorded.version, recorded.event
    texts = {place for _, place in texts_in(stream, version, event)}
    for value, place in sealed_in(stream, version, event):
        yield value, place, place in texts
    purpose = recorded.envelope.purpose
    if isinstance(purpose, Sealed):
        yield purpose, SealedPlace(stream, version, PURPOSE), True


def _contact_names(host: Host) -> frozenset[str]:
    """Names of the events that say how staff, and who may become a customer, are reached."""
    kinds = host.registry.catalog.types
    begin = ("staff.", "owners.prospect_")
    return frozenset(kind.stored for kind in kinds if kind.name.startswith(begin))


def _told(event: Erased, *, done: bool, messages: int, traces: tuple[Trace, ...]) -> Erasure:
    return Erasure(
        household="" if isinstance(event, StaffErased) else event.household,
        member=event.member if isinstance(event, MemberErased) else None,
        staff=event.staff if isinstance(event, StaffErased) else None,
        keys=event.keys,
        ground=event.ground,
        on=event.on,
        done=done,
        messages=messages,
        traces=traces,
    )
