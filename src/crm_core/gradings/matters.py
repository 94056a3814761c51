"""The distinct matters that a household raised in a window (GRD-02).

A matter is told by requests other than repairs, as they stand classified now; which kinds are no
matters, the reading says. What was called a
duplicate, or follows from another request, is the matter of that one: it counts once, by the
request that stands for it. Where that one does not count here, because it is a repair, of another
household or of another year, the others count for it, once.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import Any, Generic, TypeVar

R = TypeVar("R", str, int)
K = TypeVar("K", str, int)


class Matters(Generic[R, K]):
    """What was said of a household's requests, told in the order of the log.

    A request is named by its number, and its kind by its name, or by whatever stands for them.

    Args:
        none: The kinds that are no matters.
    """

    __slots__ = ("_follows", "_kinds", "_marked", "_none", "_received")

    def __init__(self, none: Container[K]) -> None:
        self._received: dict[R, tuple[tuple[int, Any], int]] = {}
        self._none: Container[K] = none
        self._kinds: dict[R, K] = {}
        self._follows: dict[R, R] = {}
        self._marked: dict[R, R] = {}

    def received(
        self,
        request: R,
        position: int,
        *,
        kind: K,
        came: tuple[int, Any],
        within: bool,
        follows: R | None,
    ) -> None:
        """A request came in.

        Args:
            position: Of its receipt in the log.
            came: Its place among others of the same matter: 0 and when it came in, or, of an
                opinion, 1 and its day.
            within: Whether it came in in the window.
            follows: The request whose outcome it is about.
        """
        if within:
            self._received[request] = came, position
            self.classified(request, kind)
        if follows is not None:
            self._follows[request] = follows

    def classified(self, request: R, kind: K) -> None:
        """It stands so from now on, for the day on which it came in."""
        self._kinds[request] = kind

    def withdrawn(self, request: R) -> None:
        """It was recorded by mistake: there never was one."""
        self._received.pop(request, None)
        self._follows.pop(request, None)

    def marked(self, request: R, of: R) -> None:
        """It was called a duplicate."""
        self._marked.pop(request, None)
        self._marked[request] = of

    def unmarked(self, request: R) -> None:
        """It was none after all."""
        self._marked.pop(request, None)

    def counted(self) -> list[tuple[int, K]]:
        """Position and kind of the requests by which the matters count, in the order of the log."""
        kinds = self._kinds
        raised = {r: came for r, came in self._received.items() if kinds[r] not in self._none}
        if not (self._marked or self._follows):
            return [(position, kinds[r]) for r, (_, position) in raised.items()]
        heads = standing_duplicates((self._follows | self._marked).items())
        matters: dict[R, R] = {}
        for request, came in raised.items():
            head = request
            while head in heads:
                head = heads[head]
            stands = head if head in raised else matters.get(head, request)
            # Of those for which no head counts here, the one that came first stands for the others.
            first = stands == head or raised[stands] <= came
            matters[head] = stands if first else request
        return sorted((raised[request][1], kinds[request]) for request in matters.values())


def standing_duplicates(marks: Iterable[tuple[R, R]]) -> Mapping[R, R]:
    """Requests that are duplicates, each with what it is a duplicate of, from marks in their order.

    Of requests that are called duplicates of each other, one must still count: no command makes
    such a circle, but two that are given at once may.
    """
    duplicates: dict[R, R] = {}
    for request, of in marks:
        if not _leads_to(request, of, duplicates):
            duplicates[request] = of
    return duplicates


def _leads_to(request: R, of: R, duplicates: Mapping[R, R]) -> bool:
    """Whether `of` is, through whatever it is a duplicate of, a duplicate of `request`."""
    while of != request and of in duplicates:
        of = duplicates[of]
    return of == request
