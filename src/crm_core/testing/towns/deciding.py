"""What deciders make of what is told in a town."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from attrs import evolve

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.commands import as_said, given_by
from crm_core.kernel.dates import ESTATE_ZONE, local_date
from crm_core.kernel.decider import Refusal
from crm_core.kernel.recorded import SYSTEM, Actor, Commit, Envelope, StreamAppend, Tip
from crm_core.owners import HOUSEHOLD
from crm_core.payments import ACCOUNT
from crm_core.payments.commands import AcceptMovedPayment, MovePayment
from crm_core.requests import REQUEST
from crm_core.requests.commands import MarkDuplicate, MergeDuplicate
from crm_core.requests.lookups import head_of
from crm_core.slices import catalog

CLERK, MANAGER = Actor("town-clerk", "specialist"), Actor("town-manager", "manager")
DIRECTOR = Actor("town-director", "director")
"""Who enters and proposes, who decides, and who answers for what courts may not allow."""

_EFFECTIVE = {kind.cls: kind.effective for kind in catalog().types}
_NAMES = {actor: str(actor) for actor in (CLERK, MANAGER, DIRECTOR, SYSTEM)}
_AGGREGATES = {
    command: aggregate
    for aggregate in (HOUSEHOLD, ACCOUNT, REQUEST)
    for command in aggregate.commands
}


class Item(NamedTuple):
    """A command before anybody decided about it."""

    placed: datetime
    rank: int
    number: int
    at: datetime
    command: Any
    by: Actor


class Told(NamedTuple):
    """A command that was accepted, and what it appends.

    Args:
        decided: As it was decided, with what is looked up for it.
        by: Who gives it.
        at: When the company came to know it.
        placed: What the order of the log follows.
        reaction: Whether it follows from the one before by itself.
        commit: What is appended.
    """

    decided: Any
    by: Actor
    at: datetime
    placed: datetime
    reaction: bool
    commit: Commit

    @property
    def command(self) -> Any:
        """As `CRM.do` takes it, which looks up the rest."""
        return as_said(self.decided)


class Decided:
    """What deciders make of the commands, one after the other."""

    def __init__(self, items: list[Item]) -> None:
        self._items = items
        self._states: dict[str, tuple[Any, int, tuple[Any, ...]]] = {}

    def told(self) -> Iterator[Told]:
        for item in self._items:
            command = item.command
            if type(command) is MovePayment:
                yield from self._moved(item, command)
                continue
            one = self._decide(item, command)
            if one is not None:
                yield one

    def _moved(self, item: Item, command: MovePayment) -> Iterator[Told]:
        """What leaves one account enters the other, if it is taken there."""
        # Numbers of payments occur once in a town, so the other account takes it if there is one.
        known = HOUSEHOLD.stream(command.to_household) in self._states
        out = self._decide(item, command) if known else None
        if out is None:
            return
        yield out
        event = out.commit.appends[0].events[0].data
        entering = AcceptMovedPayment(
            household=event.to_household,
            payment=event.payment,
            from_household=command.household,
            amount_fen=event.amount_fen,
            paid_on=event.paid_on,
            method=event.method,
            reason=event.reason,
        )
        taken = self._decide(item, entering, reaction=True)
        assert taken is not None
        yield taken

    def _decide(self, item: Item, command: Any, *, reaction: bool = False) -> Told | None:
        # What follows by itself is given by nobody in person.
        by = SYSTEM if reaction else item.by
        command = given_by(command, by)
        if type(command) is MarkDuplicate:
            command = evolve(command, head=head_of(command.of, self._request))
        elif type(command) is MergeDuplicate:
            command = evolve(command, head=head_of(command.into, self._request))
        aggregate = _AGGREGATES[type(command)]
        stream = aggregate.stream(aggregate.id_of(command))
        decider = aggregate.decider
        state, version = self._folded(aggregate, stream)
        decided = decider.decide(command, state)
        if isinstance(decided, Refusal) or not decided:
            return None
        # Of most streams nobody asks again what they came to.
        self._states[stream] = (state, version + len(decided), decided)
        at = item.at
        id_ = f"{stream}:{version + 1}"
        household = aggregate.household_of(command) or getattr(state, "household", "")
        appends = [_append(stream, version, household, by, id_, 0, decided, at)]
        nth = len(decided)
        for claim in aggregate.claims(command):
            appends.append(_append(claim.stream, 0, household, by, id_, nth, (claim.event,), at))
            nth += 1
        return Told(
            decided=command,
            by=by,
            at=at,
            placed=item.placed,
            reaction=reaction,
            commit=Commit(id_, "", tuple(appends)),
        )

    def _folded(self, aggregate: Aggregate, stream: str) -> tuple[Any, int]:
        """The state of a stream, and its version."""
        decider = aggregate.decider
        state, version, unfolded = self._states.get(stream) or (decider.initial, 0, ())
        return decider.fold(unfolded, state), version

    def _request(self, number: str) -> Any:
        return self._folded(REQUEST, REQUEST.stream(number))[0]


def _append(
    stream: str,
    version: int,
    household: str,
    by: Actor,
    command: str,
    nth: int,
    events: Any,
    at: datetime,
) -> StreamAppend:
    envelopes = []
    actor = _NAMES[by]
    for event in events:
        name = _EFFECTIVE[type(event)]
        effective = None if name is None else getattr(event, name)
        day = effective or local_date(at, ESTATE_ZONE)
        envelopes.append(
            Envelope(actor=actor, command=command, data=event, effective=day, recorded=at, nth=nth)
        )
        nth += 1
    # The log knows the digest of what it is about to write; here only the version counts.
    tip = Tip(version, "?") if version else Tip()
    return StreamAppend(stream, tip, household, tuple(envelopes))
