"""Streams as they stand in the work in progress: each loaded and folded once, and kept up."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from crm_core.application.texts import Texts
from crm_core.errors import Fault, Invalid
from crm_core.kernel.aggregate import Aggregate, Claim
from crm_core.kernel.decider import Refusal
from crm_core.kernel.recorded import Tip
from crm_core.kernel.sentences import Malformed
from crm_core.kernel.tenures import ONE
from crm_core.kernel.text import check_id
from crm_core.owners import HOUSEHOLD, MERGES
from crm_core.owners.commands import ROLES
from crm_core.owners.events import MemberAdded
from crm_core.owners.redirects import MERGES_STREAM, HouseholdMerged, Redirects
from crm_core.owners.state import Household
from crm_core.owners.tenures import tenures_of
from crm_core.ports import EventLog


class Streams:
    """States and tips by stream.

    Args:
        log: Where streams are loaded from.
        texts: Opens what people typed, so that what follows may say it again.
    """

    def __init__(self, log: EventLog, texts: Texts) -> None:
        self._log, self._opened = log, texts.to_decide
        self._empty = log.empty()
        self._files: set[str] = set()
        self.known: dict[str, tuple[Any, Tip]] = {}

    def load(self, aggregate: Aggregate, stream: str) -> tuple[Any, Tip]:
        """State and tip of a stream.

        Raises:
            Invalid: what it is called by is no id.
        """
        found = self.known.get(stream)
        if found is None:
            for part in stream.partition("/")[2].split("@", 1):
                _check_id(part)
            decider = aggregate.decider
            found = self._folded(stream, decider.evolve, decider.initial)
        return found

    def claimed(self, claim: Claim) -> tuple[Any, Tip]:
        """The event that took a name, or None, and the tip of the stream that stands for it."""
        return self.known.get(claim.stream) or self._folded(claim.stream, _last, None)

    def _folded(
        self, stream: str, evolve: Callable[[Any, Any], Any], initial: Any
    ) -> tuple[Any, Tip]:
        found = (initial, Tip()) if self._empty else self._loaded(stream, evolve, initial)
        self.known[stream] = found
        return found

    def _loaded(
        self, stream: str, evolve: Callable[[Any, Any], Any], initial: Any
    ) -> tuple[Any, Tip]:
        return self._log.fold(stream, evolve, initial, opened=self._opened)

    def file(self, household: str) -> Household | None:
        """The household's file, if it has one (OWN-01)."""
        state, _ = self.load(HOUSEHOLD, HOUSEHOLD.stream(household))
        return state if isinstance(state, Household) else None

    def has_file(self, household: str) -> bool:
        """Whether the household has a file; asked of the same ones again and again."""
        if household in self._files:
            return True
        if self.file(household) is None:
            return False
        self._files.add(household)
        return True

    def merges(self) -> Redirects:
        """Which files count for which today, by all that was told (OWN-09)."""
        state, _ = self.load(MERGES, MERGES_STREAM)
        found: Redirects = state.redirects()
        return found

    def survivor(self, household: str) -> str:
        """The file that a household's facts count for."""
        return self.merges().survivor(household)

    def members(self, household: str) -> dict[str, frozenset[str]]:
        """The members of a file with every role they hold or held.

        Those of all files of the same household are, whichever of them is asked about (OWN-09).
        """
        found: dict[str, frozenset[str]] = {}
        for one in self.merges().group(household):
            file = self.file(one)
            for role in () if file is None else file.roles():
                found[role.member] = found.get(role.member, frozenset()) | {role.role}
        return found

    def ever(self, household: str) -> frozenset[str] | None:
        """Whoever was told of in a file, void or not, by mistake or not; None if none ever was.

        Those of all files of the same household are (OWN-09).
        """
        found = [self._told(one) for one in self.merges().group(household)]
        if all(members is None for members in found):
            return None
        return frozenset(member for members in found for member in members or ())

    def ever_one(self, households: Iterable[str]) -> frozenset[str]:
        """The files that count, or once counted, for the same households as these do (OWN-09)."""
        state, _ = self.load(MERGES, MERGES_STREAM)
        pairs = [{e.household, e.into} for e in state.told if isinstance(e, HouseholdMerged)]
        found, before = set(households), -1
        while before != len(found):
            before = len(found)
            found = found.union(*(pair for pair in pairs if found & pair))
        return frozenset(found)

    def told(self, household: str) -> frozenset[str]:
        """The same of one file alone."""
        return self._told(household) or frozenset()

    def _told(self, household: str) -> frozenset[str] | None:
        found: set[str] = set()
        there = False
        for recorded in self._log.read(HOUSEHOLD.stream(household)):
            there = True
            if isinstance(recorded.event, MemberAdded):
                found.add(recorded.event.member)
        return frozenset(found) if there else None

    def holding(self, household: str, day: date) -> list[str]:
        """Members who hold a role on a day, those of the surviving file first.

        Those of a file that was merged count as long as the surviving one has not changed hands
        since: who sold a flat is not written to because a second file still names them.
        """
        survivor, *merged = self.merges().group(household)
        state, _ = self.load(MERGES, MERGES_STREAM)
        found = self._holding(survivor, day)
        for one in merged:
            file = self.file(survivor)
            held = ONE if file is None else tenures_of(file)
            if held.index(state.merge(one).on) == held.index(day):
                found += self._holding(one, day)
        return list(dict.fromkeys(found))

    def _holding(self, household: str, day: date) -> list[str]:
        file = self.file(household)
        if file is None:
            return []
        return [role.member for kind in ROLES for role in file.holding(kind, day)]


def no_file(household: str) -> Refusal:
    """Nothing is known of a household without a file."""
    return Refusal("unknown_household", "OWN-01", {"household": household})


def merged_into(household: str, into: str) -> Refusal:
    """A file that was merged redirects to the surviving one (OWN-09)."""
    return Refusal("household_merged", "OWN-09", {"household": household, "into": into})


def _last(_state: Any, event: Any) -> Any:
    return event


def _check_id(text: str) -> None:
    try:
        check_id(text)
    except Malformed as error:
        raise Invalid([Fault.of("id_malformed", error, repr(text))]) from error
