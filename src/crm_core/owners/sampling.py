"""Key data are verified by samples that anybody can draw again (抽样核验, OWN-07).

The draw is no work of a generator of this or that language. Each household of the population gets
the SHA-256 of the seed, a line feed and its number, all in UTF-8; sorted by these digests, written
as hexadecimal, the first so many are the sample. Whoever has the seed, the numbers and any SHA-256
draws the same (`docs/reference/sampling.md`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from hashlib import sha256
from typing import Any

import attrs

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.catalog import EventType
from crm_core.kernel.commands import Id, looked_up
from crm_core.kernel.decider import Decider, Decision, Refusal, by_command, by_event
from crm_core.kernel.recorded import Actor
from crm_core.kernel.refusals import unknown
from crm_core.kernel.values import frozen
from crm_core.owners.card.standard import IDENTITY, ITEMS, SEGMENTED

ALGORITHM = "sha256(seed LF household)/1"
"""How the households were drawn, said with every draw."""

KEY_ITEMS = (*IDENTITY, *(item for item in ITEMS if item not in SEGMENTED))
"""Items that a sample can ask for."""


def drawn(seed: str, households: Iterable[str], size: int) -> tuple[str, ...]:
    """The households that a seed draws, in the order in which it draws them.

    >>> drawn("lottery 2011-06-01", ["V1", "V2", "V3"], 2)
    ('V3', 'V2')
    """

    def lot(household: str) -> str:
        return sha256(f"{seed}\n{household}".encode()).hexdigest()

    return tuple(sorted(households, key=lot)[:size])


def digest_of_population(households: Iterable[str]) -> str:
    """The SHA-256 of the numbers, sorted, a line feed behind each."""
    return sha256("".join(f"{one}\n" for one in sorted(households)).encode()).hexdigest()


# --- events ----------------------------------------------------------------------------------


@frozen
class SampleDrawn:
    """Households were drawn whose key data are to be checked.

    Args:
        algorithm: How; see the module.
        estate: The estate whose households took part; empty for all.
        households: Those drawn, in the order of the draw.
        items: What is to be checked of each.
        on: The day as of which the population was taken.
        population: How many households took part.
        population_digest: Which ones, as a digest of their numbers.
        seed: What the draw follows from.
    """

    algorithm: str
    drawn_by: str
    estate: str
    households: tuple[str, ...]
    items: tuple[str, ...]
    on: date
    population: int
    population_digest: str
    sample: str
    seed: str


EVENTS = (EventType("owners.sample_drawn", 1, SampleDrawn, effective="on", large=True),)


# --- state and command -----------------------------------------------------------------------


@frozen
class Sample:
    """A sample, once it was drawn."""

    drawn: SampleDrawn | None = None

    def asks(self, household: str, item: str) -> bool:
        """Whether an item of a household is to be checked."""
        found = self.drawn
        return found is not None and household in found.households and item in found.items


@frozen
class DrawSample:
    """Draw households whose key data are to be checked.

    Args:
        seed: What nobody could choose to suit: the numbers of a lottery, say. It stands in the log.
        size: How many households.
        items: What is to be checked: items of the card, `name`, `phone`.
        on: The day as of which households are drawn from.
        estate: Only of this estate; by default of all.
        population: The households there are on that day, without files that were merged.
    """

    sample: Id
    seed: str
    size: int
    items: tuple[str, ...]
    on: date
    estate: str = ""
    by: Actor = looked_up()
    population: tuple[str, ...] = looked_up()


def _draw(command: DrawSample, state: Sample) -> Decision:
    if state.drawn is not None:
        return Refusal("sample_exists", "OWN-07", {"sample": command.sample})
    if not command.seed.strip():
        return Refusal("seed_missing", "OWN-07")
    for item in command.items:
        if item not in KEY_ITEMS:
            return unknown("item", item, KEY_ITEMS, rule="OWN-07")
    most = len(command.population)
    if not command.items or not 1 <= command.size <= most:
        return Refusal("sample_size", "OWN-07", {"size": command.size, "most": most})
    return (
        SampleDrawn(
            algorithm=ALGORITHM,
            drawn_by=command.by.id,
            estate=command.estate,
            households=drawn(command.seed, command.population, command.size),
            items=command.items,
            on=command.on,
            population=most,
            population_digest=digest_of_population(command.population),
            sample=command.sample,
            seed=command.seed,
        ),
    )


def _sample_id(command: Any) -> str:
    return command.sample  # type: ignore[no-any-return]


SAMPLE = Aggregate(
    decider=Decider(
        "sample",
        Sample(),
        by_command({DrawSample: _draw}),
        by_event({SampleDrawn: lambda state, event: attrs.evolve(state, drawn=event)}),
    ),
    commands=(DrawSample,),
    id_of=_sample_id,
    household_of=lambda _: "",
    needs_file=False,
)
