"""The urn of a log in memory: it is gone with the log that it belongs to (SUR-02, 0063)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any

from attrs import evolve, field

from crm_core.kernel.values import frozen
from crm_core.ports import Ids, Urn


@frozen
class Lying:
    """What lies in an urn of one survey.

    Args:
        slips: Digests of the slips that are open, sorted.
        said: What was said, sorted.
        sealed: Whether nothing comes to it any more.
    """

    slips: tuple[str, ...] = field(default=())
    said: tuple[str, ...] = field(default=())
    sealed: bool = False

    def issued(self, slips: Collection[str]) -> Lying:
        """With slips more."""
        return evolve(self, slips=_sorted({*self.slips, *map(of_slip, slips)}))

    @property
    def empty(self) -> bool:
        """Whether there is nothing in it, nor ever was."""
        return not (self.slips or self.said or self.sealed)

    def without(self, slips: Collection[str]) -> Lying:
        """Without slips that are open."""
        return evolve(self, slips=_sorted({*self.slips}.difference(map(of_slip, slips))))

    def strange(self, slips: Sequence[str]) -> list[int]:
        """The places of those that are not open, or come twice."""
        return list(_strange(self, slips))

    def cast(self, filled: Sequence[tuple[str, Sequence[str]]]) -> Lying:
        """With answers more, and their slips used up."""
        found = self.without([slip for slip, _ in filled])
        said = [one for _, every in filled for one in every]
        return evolve(found, said=_sorted([*self.said, *said]))


def _strange(lying: Lying, slips: Sequence[str]) -> Iterator[int]:
    open_ones = set() if lying.sealed else {*lying.slips}
    for place, slip in enumerate(slips):
        digest = of_slip(slip)
        if digest not in open_ones:
            yield place
        open_ones.discard(digest)


def of_slip(slip: str) -> str:
    """What is kept of a slip: nobody can use it who finds that."""
    return sha256(f"crm-slip {slip}".encode()).hexdigest()


def _sorted(texts: Collection[str]) -> tuple[str, ...]:
    return tuple(sorted(texts))


class MemoryUrns:
    """In memory.

    Args:
        ids: Makes slips.
    """

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._lying: dict[str, Lying] = {}
        self._name = f"urn-{ids.new()}"

    def issue(self, survey: str, number: int = 1) -> Sequence[str]:
        slips = tuple(self._ids.new() for _ in range(number))
        self._lying[survey] = self._of(survey).issued(slips)
        return slips

    def withdraw(self, survey: str, slips: Collection[str]) -> None:
        lying = self._of(survey).without(slips)
        if lying.empty:
            self._lying.pop(survey, None)
        else:
            self._lying[survey] = lying

    def cast(self, survey: str, filled: Sequence[tuple[str, Sequence[str]]]) -> Sequence[int]:
        lying = self._of(survey)
        strange = lying.strange([slip for slip, _ in filled])
        if not strange:
            self._lying[survey] = lying.cast(filled)
        return strange

    def surveys(self) -> Sequence[str]:
        return _sorted(self._lying)

    def emptied(self, survey: str) -> Urn | None:
        if survey not in self._lying:
            return None
        lying = self._lying[survey] = evolve(self._lying[survey], sealed=True)
        return Urn(self._name, lying.said, len(lying.slips))

    def destroy(self, survey: str) -> None:
        self._lying.pop(survey, None)

    def _of(self, survey: str) -> Lying:
        return self._lying.get(survey, Lying())


def written(lying: Mapping[str, Lying]) -> dict[str, Any]:
    """Urns as plain data."""
    return {
        survey: {"said": list(one.said), "sealed": one.sealed, "slips": list(one.slips)}
        for survey, one in sorted(lying.items())
    }


def read(data: Mapping[str, Any]) -> dict[str, Lying]:
    """Urns from plain data."""
    return {
        survey: Lying(tuple(one["slips"]), tuple(one["said"]), one["sealed"])
        for survey, one in data.items()
    }
