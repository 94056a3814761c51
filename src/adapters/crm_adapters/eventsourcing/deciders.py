"""One of our deciders as an application of the library `eventsourcing`.

It takes the same commands as `CRM.do` and is refused for the same reasons. It is not a second way
to run a CRM: there are no roles, effective dates, digests, command ids and sealed values.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from crm_adapters.codec.codec import decode_hook
from crm_adapters.eventsourcing.library import (
    PROJECTOR,
    ProgrammingError,
    StoredEvent,
    applications,
    beside_state,
)
from crm_core.errors import Invalid, Refused, UnknownEvent
from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.catalog import Catalog
from crm_core.kernel.decider import Refusal
from crm_core.kernel.sealing import steps_of
from crm_core.kernel.values import frozen
from crm_core.slices import catalog as all_events


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
        fact: The library's class of an event of a stream.
    """

    def __init__(self, catalog: Catalog, fact: Any) -> None:
        self._catalog, self._fact = catalog, fact

    def to_stored_event(self, fact: Any) -> StoredEvent:
        """What is stored.

        Raises:
            Invalid: the event has personal values, which nothing here would seal.
        """
        kind = self._catalog.by_class[type(fact.decision)]
        if steps_of(kind.cls):
            raise Invalid.one("application_personal", "event", event=kind.stored)
        return StoredEvent(
            originator_id=fact.originator_id,
            originator_version=fact.originator_version,
            topic=kind.stored,
            state=msgspec.json.encode(fact.decision, order="sorted"),
            **beside_state(fact),
        )

    def to_domain_event(self, stored: StoredEvent) -> Any:
        """What was stored.

        Raises:
            UnknownEvent: its name is not in the catalog.
        """
        kind = self._catalog.by_name.get(stored.topic)
        if kind is None:
            raise UnknownEvent(stored.topic)
        decision: Any = msgspec.json.decode(stored.state, type=kind.cls, dec_hook=decode_hook)
        return self._fact(
            originator_id=str(stored.originator_id),
            originator_version=stored.originator_version,
            decision=decision,
            **beside_state(stored),
        )


def application(aggregate: Aggregate, catalog: Catalog | None = None) -> type[Any]:
    """An `Application` whose aggregates are the streams of one of our deciders.

    Its `do` takes a command, its `standing` the id of a stream. It is set up like any other, by
    `PERSISTENCE_MODULE` and what belongs to it; ids are text.

    Args:
        aggregate: Such as `crm_core.payments.ACCOUNT`.
        catalog: The events that can be written and read; by default those of the library.
    """
    base, fact_class, not_found = applications()
    decider = aggregate.decider
    events = all_events() if catalog is None else catalog

    def fold(standing: Standing | None, facts: Iterable[Any]) -> Standing | None:
        for fact in facts:
            state = decider.initial if standing is None else standing.state
            standing = Standing(
                fact.originator_id, fact.originator_version, decider.evolve(state, fact.decision)
            )
        return standing

    class DeciderApplication(base):  # type: ignore[misc, valid-type]
        """The streams of a decider."""

        name = context_name = decider.name  # in 9.5, and in 10
        works_with_decision_type = object  # in 10; ours come from the decider
        env = {"ORIGINATOR_ID_TYPE": "text"}  # noqa: RUF012 - as the library declares it

        def construct_mapper(self) -> CatalogMapper:
            return CatalogMapper(events, fact_class)

        def construct_snapshot_store(self) -> Any:
            raise ProgrammingError("the state of a decider is folded anew; no snapshot is kept")

        def standing(self, id: str) -> Standing:
            stream = aggregate.stream(id)
            try:
                found: Standing = self.repository.get(stream, **{PROJECTOR: fold})
            except not_found:
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
                    fact_class(originator_id=standing.id, originator_version=version, decision=data)
                    for version, data in enumerate(decided, standing.version + 1)
                )
            )
            return decided

    return DeciderApplication
