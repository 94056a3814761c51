"""Which files were merged into which: what every engine groups households by (OWN-09).

A merge says that two files are of one household. It writes nothing into either: whoever reads asks
here, for a day and for what was known, and reads the facts of the merged files as those of the
surviving one. So a merge that is undone leaves no trace in any account, and what was recorded
meanwhile stays with the file that it was recorded for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from crm_core.kernel.catalog import EventType
from crm_core.kernel.sealed import Text
from crm_core.kernel.values import frozen


@frozen
class HouseholdMerged:
    """A file was found to be a second one of a household: from `on` it counts for `into`."""

    household: str
    into: str
    merged_by: str
    on: date
    reason: Text


@frozen
class MergeUndone:
    """The merge was a mistake: it counts on no day, as known from now on."""

    household: str
    into: str
    reason: Text
    undone_by: str


EVENTS = (
    EventType("owners.household_merged", 1, HouseholdMerged, effective="on"),
    EventType("owners.merge_undone", 1, MergeUndone),
)

MERGES_STREAM = "merges/all"
"""Where they stand: one stream, so that nobody can make a circle with two merges at once."""


@frozen
class Redirects:
    """The merges that count.

    Args:
        into: The file that each merged file counts for; it may be merged itself.
    """

    into: Mapping[str, str]

    def survivor(self, household: str) -> str:
        """The file that a household's facts count for: its own, unless it was merged."""
        while household in self.into:
            household = self.into[household]
        return household

    def merged(self, household: str) -> tuple[str, ...]:
        """The files that count for this one, sorted; nothing for one that was merged itself."""
        if not self.into or household in self.into:
            return ()
        return tuple(sorted(one for one in self.into if self.survivor(one) == household))

    def group(self, household: str) -> tuple[str, ...]:
        """All files of the same household, the surviving one first."""
        first = self.survivor(household)
        return (first, *self.merged(first))

    def groups(self) -> Mapping[str, tuple[str, ...]]:
        """The merged files by the one that survives them."""
        found: dict[str, list[str]] = {}
        for one in sorted(self.into):
            found.setdefault(self.survivor(one), []).append(one)
        return {survivor: tuple(merged) for survivor, merged in found.items()}

    def survivors(self, households: Sequence[str]) -> list[str]:
        """Whom is asked about who asks about some: sorted, each once."""
        return sorted({self.survivor(one) for one in households})


NO_REDIRECTS = Redirects({})


def redirects(told: Iterable[HouseholdMerged | MergeUndone], on: date | None = None) -> Redirects:
    """The merges that count on a day, by what was told in the order of the log.

    Of what is known at an instant some may be missing: a merge that would close a circle then
    counts for nothing, as it would have been refused.

    Args:
        on: By default all that were told, whatever their day.
    """
    standing: dict[str, HouseholdMerged] = {}
    for event in told:
        standing.pop(event.household, None)
        if type(event) is HouseholdMerged:
            standing[event.household] = event
    if not standing:
        return NO_REDIRECTS
    into: dict[str, str] = {}
    found = Redirects(into)
    for event in standing.values():
        if (on is None or event.on <= on) and found.survivor(event.into) != event.household:
            into[event.household] = event.into
    return found
