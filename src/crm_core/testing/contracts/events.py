"""Events that contracts of logs and views write, and how they write them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from threading import Thread
from typing import Any

from crm_core.kernel.catalog import Catalog, EventType
from crm_core.kernel.recorded import Commit, Envelope, Recorded, StreamAppend, Tip
from crm_core.kernel.sealed import PersonalValue
from crm_core.kernel.values import frozen


@frozen
class Noted:
    """Something was said."""

    text: str


@frozen
class CountedInYuan:
    """The first version of `Counted`: whole yuan, no date of its own."""

    amount_yuan: int


@frozen
class Counted:
    """Money was counted on a day."""

    amount_fen: int
    day: date | None = None
    text: str | None = None


@frozen
class Amount:
    """What `Counted` counts, without the rest."""

    amount_fen: int


@frozen
class Named:
    """A person said who they are."""

    name: PersonalValue


@frozen
class Graded:
    """Something was decided from what was known: no fact itself (GRD-12)."""

    grade: str


def _into_fen(data: dict[str, Any]) -> dict[str, Any]:
    return {"amount_fen": data["amount_yuan"] * 100}


_NOTED = EventType("contract.noted", 1, Noted)
_COUNTED = EventType(
    name="contract.counted", version=2, cls=Counted, effective="day", upcasters={1: _into_fen}
)
_NAMED = EventType("contract.named", 1, Named)
_GRADED = EventType("gradings.graded", 1, Graded)

CATALOG = Catalog([_NOTED, _COUNTED, _NAMED, _GRADED])
"""What the contract writes."""

FIRST_CATALOG = Catalog([EventType("contract.counted", 1, CountedInYuan)])
FOREIGN_CATALOG = Catalog([_NOTED, EventType("wave.open", 1, Counted)])
SMALL_CATALOG = Catalog([_NOTED])

NOON = datetime(2011, 7, 1, 4, 0, tzinfo=UTC)
DAY = date(2011, 7, 1)


def envelope_of(command: str, event: Any, nth: int, recorded: datetime = NOON) -> Envelope[Any]:
    """An event as the contracts write it."""
    return Envelope(
        actor="system:contract",
        command=command,
        data=event,
        effective=DAY,
        recorded=recorded,
        nth=nth,
    )


def commit_of(
    command: str,
    streams: Mapping[str, Sequence[Any]],
    tips: Mapping[str, Tip] | None = None,
    *,
    digest: str = "d",
    household: str = "",
) -> Commit:
    """A command that appends those events to those streams."""
    nth = 0
    appends = []
    for stream, events in streams.items():
        envelopes = []
        for event in events:
            envelopes.append(envelope_of(command, event, nth))
            nth += 1
        tip = (tips or {}).get(stream, Tip())
        appends.append(StreamAppend(stream, tip, household, tuple(envelopes)))
    return Commit(command, digest, tuple(appends))


def noted(*texts: str) -> list[Noted]:
    """Events that say these texts."""
    return [Noted(text) for text in texts]


def kept(state: tuple[Any, ...], event: Any) -> tuple[Any, ...]:
    """An `evolve` that keeps every event."""
    return (*state, event)


def texts_of(events: Iterable[Recorded[Any]]) -> list[str]:
    """What was said, in order."""
    return [recorded.event.text for recorded in events]


def in_threads(*jobs: Callable[[], None]) -> None:
    """Run the jobs at once; the first error of any is raised."""
    errors: list[BaseException] = []

    def run(job: Callable[[], None]) -> None:
        try:
            job()
        except BaseException as error:  # noqa: BLE001 - raised below, in the test's own thread
            errors.append(error)

    threads = [Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
