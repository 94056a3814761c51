"""The library beside the reference grader, over towns that deciders made.

    nox -s differential -- decided --households 100000 --processes 2
    nox -s differential -- decided --seed 4711 --towns 1

Households come in small towns, each from a seed of its own, which also says what is graded: which
year, as known when, and how much is out of the ordinary. A difference is printed with the seed, and
the second line above looks at that town alone. Exit status: 0 no difference, 1 there is one.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from datetime import date, datetime, timedelta
from functools import partial
from time import perf_counter
from typing import NamedTuple

from attrs import asdict
from history_reference import reference_households

import reference_grader as reference
from crm_adapters.wiring import open_crm
from crm_core.gradings.views import grading_row
from crm_core.kernel.canonical import digest_of
from crm_core.kernel.dates import start_of_day
from crm_core.testing.towns import Shares, Town, fill, known_at

HOUSEHOLDS = 100
"""In a town: so that a failing one is looked at again in a second."""


class Look(NamedTuple):
    """What is compared of a town, from its seed alone."""

    town: Town
    year: int
    known: datetime
    day: date


class Compared(NamedTuple):
    """What came of it.

    Args:
        gradings: How many were compared; as many credit lines were.
        layers: How many households came into each layer.
        differences: What differed, in words.
    """

    gradings: int
    layers: Counter[str]
    differences: list[str]


def look(seed: int, households: int = HOUSEHOLDS) -> Look:
    """The town of a seed, and what is asked about it."""
    # A digest spreads neighbouring seeds over everything that can be chosen.
    chance = int(digest_of(["differential", seed]), 16)

    def below(limit: int) -> int:
        nonlocal chance
        chance, found = divmod(chance, limit)
        return found

    times = (1, 1, 4, 12)[below(4)]
    shares = Shares(**{name: min(times * share, 500) for name, share in asdict(Shares()).items()})
    first = 2009 + below(9)
    town = Town(
        seed=seed,
        households=households,
        years=2 + below(2),
        first_year=first,
        facts_a_year=(5, 9, 11, 15, 27)[below(5)],
        shares=shares,
    )
    year = first + below(town.years)
    over = start_of_day(date(year + 1, 1, 1))
    known = (
        known_at(year),
        over - timedelta(seconds=1),
        over + timedelta(days=below(200)),
        over - timedelta(days=below(360)),
        over + timedelta(days=3000),
    )[below(5)]
    return Look(town, year, known, date(year, 1, 1) + timedelta(days=below(500)))


def compare(seed: int, households: int = HOUSEHOLDS, engine: str = "events") -> Compared:
    """Grade a town twice: by the library from its log, by the reference from the commands."""
    town, year, known, day = look(seed, households)
    homes = [town.household(number) for number in range(1, households + 1)]
    expected = {home.id: home for home in reference_households(homes, town.told(), known)}
    found = Compared(0, Counter(), [])
    graded = 0
    with closing(open_crm("memory:")) as crm:
        fill(crm.log, town)
        run = crm.grade(year, known=known, engine=engine)
        policy = str(run.policy)
        for grading in run.gradings:
            graded += 1
            found.layers[grading.outcome.layer] += 1
            home = expected[grading.household]
            facts = reference.facts_of(home, year, known)
            ours = grading_row(grading) | asdict(grading.facts)
            theirs = reference.grading_from(home, facts, policy) | facts
            if ours != theirs:
                found.differences.append(_said(seed, grading.household, ours, theirs))
        for line in crm.accounts.credit(day, known=known, engine=engine):
            ours = {"on": day, "credit": (line.grade, line.overdue_days, line.overdue_fen)}
            credit = reference.credit(expected[line.household], day, known)
            if ours["credit"] != credit:
                theirs = {"on": day, "credit": credit}
                found.differences.append(_said(seed, line.household, ours, theirs))
    return found._replace(gradings=graded)


def _said(seed: int, household: str, ours: dict, theirs: dict) -> str:
    parts = [
        f"{name} {ours[name]}, not {theirs[name]}" for name in ours if ours[name] != theirs[name]
    ]
    return f"seed {seed}, household {household}: the library says {'; '.join(parts)}"


def compared(
    seeds: Sequence[int], processes: int, households: int = HOUSEHOLDS, engine: str = "events"
) -> Iterator[Compared]:
    """One town after another, in so many processes that give way to others."""
    task = partial(compare, households=households, engine=engine)
    if processes == 1:
        yield from map(task, seeds)
        return
    with ProcessPoolExecutor(processes, initializer=partial(os.nice, 5)) as pool:
        yield from pool.map(task, seeds, chunksize=4)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="The library beside the reference grader.")
    parser.add_argument("--households", type=int, default=100_000, help="in all towns together")
    parser.add_argument("--towns", type=int, help=f"of {HOUSEHOLDS} households; instead of those")
    parser.add_argument("--seed", type=int, default=20_110_701, help="of the first town")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--engine", default="events")
    options = parser.parse_args(arguments)
    towns = options.towns or -(-options.households // HOUSEHOLDS)
    seeds = range(options.seed, options.seed + towns)
    started = perf_counter()
    gradings, layers, differing = 0, Counter[str](), 0
    for number, one in enumerate(compared(seeds, options.processes, engine=options.engine), 1):
        gradings += one.gradings
        layers += one.layers
        differing += len(one.differences)
        for difference in one.differences:
            print(difference, flush=True)
        if number % 50 == 0:
            print(f"{number * HOUSEHOLDS:,} households", file=sys.stderr, flush=True)
    print(
        f"{towns * HOUSEHOLDS:,} households from seed {options.seed}, {gradings:,} gradings and as"
        f" many credit lines by the {options.engine} engine: {differing} differ,"
        f" in {perf_counter() - started:.0f} s"
    )
    print(", ".join(f"{count:,} {layer}" for layer, count in sorted(layers.items())))
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
