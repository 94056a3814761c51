"""One of our deciders as an application of the library `eventsourcing`.

It takes the same commands as `CRM.do` and is refused for the same reasons. It is not a second way
to run a CRM: there are no roles, effective dates, digests, command ids and sealed values.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from attrs import frozen

from crm_adapters.codec.codec import decode_hook
from crm_adapters.eventsourcing.library import (
    ProgrammingError,
    StoredEvent,
    applications,
    make_stored_event,
)
from crm_core.errors import Invalid, Refused, UnknownEvent
from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.catalog import Catalog
from crm_core.kernel.decider import Refusal
from crm_core.kernel.sealing import steps_of
from crm_core.slices import catalog as all_events


@frozen
class Fact:
    """An event of ours as the library asks for it."""

    originator_id: str
    originator_version: int
    data: Any


@frozen
class Standing:
    """Where a stream stands: what the library calls an aggregate.

    Args:
        id: Name of the stream.
        version: How many events it has.
        state: What the decider makes of them.
    """

    id: str
    version: int
    state: Any


class CatalogMapper:
    """Stores the public name of an event instead of a path to its class, and imports nothing.

    Args:
        catalog: The events that can be written and read.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def to_stored_event(self, fact: Fact) -> StoredEvent:
        """What is stored.

        Raises:
            Invalid: the event has personal values, which nothing here would seal.
        """
        kind = self._catalog.by_class[type(fact.data)]
        if steps_of(kind.cls):
            raise Invalid.one("application_personal", "event", event=kind.stored)
        state = msgspec.json.encode(fact.data, order="sorted").decode()
        return make_stored_event(fact.originator_id, fact.originator_version, kind.stored, state)

    def to_domain_event(self, stored: StoredEvent) -> Fact:
        """What was stored.

        Raises:
            UnknownEvent: its name is not in the catalog.
        """
        kind = self._catalog.by_name.get(stored.topic)
        if kind is None:
            raise UnknownEvent(stored.topic)
        data: Any = msgspec.json.decode(stored.state, type=kind.cls, dec_hook=decode_hook)
        return Fact(str(stored.originator_id), stored.originator_version, data)


def application(aggregate: Aggregate, catalog: Catalog | None = None) -> type[Any]:
    """An `Application` whose aggregates are the streams of one of our deciders.

    Its `do` takes a command, its `standing` the id of a stream. It is set up like any other, by
    `PERSISTENCE_MODULE` and what belongs to it; ids are text.

    Args:
        aggregate: Such as `crm_core.payments.ACCOUNT`.
        catalog: The events that can be written and read; by default those of the library.

    Raises:
        NotSupportedError: the library is of version 10.
    """
    module, decider = applications(), aggregate.decider
    events = all_events() if catalog is None else catalog

    def fold(standing: Standing | None, facts: Iterable[Fact]) -> Standing | None:
        for fact in facts:
            state = decider.initial if standing is None else standing.state
            standing = Standing(
                fact.originator_id, fact.originator_version, decider.evolve(state, fact.data)
            )
        return standing

    class DeciderApplication(module.Application):  # type: ignore[misc, name-defined]
        """The streams of a decider."""

        name = decider.name
        env = {"ORIGINATOR_ID_TYPE": "text"}  # noqa: RUF012 - as the library declares it

        def construct_mapper(self) -> CatalogMapper:
            return CatalogMapper(events)

        def construct_snapshot_store(self) -> Any:
            raise ProgrammingError("the state of a decider is folded anew; no snapshot is kept")

        def standing(self, id: str) -> Standing:
            stream = aggregate.stream(id)
            try:
                found: Standing = self.repository.get(stream, projector_func=fold)
            except module.AggregateNotFoundError:
                return Standing(stream, 0, decider.initial)
            return found

        def do(self, command: Any) -> tuple[Any, ...]:
            """Decide, and store what follows; the events.

            Raises:
                Refused: the decider says no.
                IntegrityError: somebody else was first; decide anew.
            """
            standing = self.standing(aggregate.id_of(command))
            decided = decider.decide(command, standing.state)
            if isinstance(decided, Refusal):
                raise Refused(decided)
            self.save(
                *(
                    Fact(standing.id, version, data)
                    for version, data in enumerate(decided, standing.version + 1)
                )
            )
            return decided

    return DeciderApplication
