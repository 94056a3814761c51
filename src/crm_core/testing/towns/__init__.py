"""Whole towns from a seed: households with years of dealings, as many as are wanted, and quickly.

    town = Town(seed=7, households=10_000)
    with open_crm("sqlite:///town.db", create=True) as crm:
        fill(crm.log, town)
        crm.grade(2011, known=known_at(2011))
        planted = plant_errors(crm, seed=7, count=37)
        assert {(f.household, f.year) for f in crm.replay().differing} == {...}

Every event is what a decider made of a command, so the facade would have written the same streams;
what a decider refuses is left out. What one member of staff proposes another decides at once. Most
facts come to be known within days, some months late, some long before their day. Some households
were taken over from an older system: their records stand in the log by kind, whatever the order in
which they had come to be known.

The same town is the same on every machine: chance is an own generator (splitmix64) over the seed
and the number of the household, in whole numbers. Memory is that of a block of households.

Small histories that shrink are in `crm_core.testing.strategies`.
"""

from crm_core.testing.towns.deciding import Told
from crm_core.testing.towns.plan import REGULAR, Shares
from crm_core.testing.towns.planted import ERRORS, Planted, plant_errors
from crm_core.testing.towns.town import Town, fill, known_at

__all__ = [
    "ERRORS",
    "REGULAR",
    "Planted",
    "Shares",
    "Told",
    "Town",
    "fill",
    "known_at",
    "plant_errors",
]
