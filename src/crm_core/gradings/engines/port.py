"""What gradings ask of the engine that finds their facts.

`crm_core.testing.contracts.engines` has its contract suite; the reference is
`crm_core.gradings.engines.events`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import NamedTuple, Protocol, runtime_checkable

from crm_core.gradings.facts import Evidence, Facts
from crm_core.gradings.policy import GradingPolicy
from crm_core.gradings.reading import Reading
from crm_core.gradings.replay import FindAllocations, Policies, Replay, none_at_hand
from crm_core.kernel.dates import Period
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.recorded import Cutoff
from crm_core.kernel.values import frozen
from crm_core.payments.facts import USUAL, Aged, Allocations, CreditPolicy
from crm_core.ports import Progress


@frozen
class CreditLine:
    """A household's credit on a day, as known at an instant."""

    household: str
    grade: str
    overdue_days: int
    overdue_fen: int


class Owing(NamedTuple):
    """What is owed of one tenure of a household on a day.

    Args:
        tenure: Its key (`crm_core.kernel.tenures`).
    """

    household: str
    tenure: str
    estate: str
    aged: Aged


@frozen
class Ask:
    """What a grading looks at: which days, as known when, and by which credit table.

    Args:
        reading: Which events count how (GRD-08).
        allocations: The allocation policies at hand.
    """

    window: Period
    cutoff: Cutoff
    credit: CreditPolicy
    reading: Reading
    allocations: Allocations = USUAL


class Gathered(NamedTuple):
    """The facts of a household with the positions they were read from.

    Args:
        tenure: Key of the tenure whose dealings they are.
        allocations: What is pinned of the policies by which its money was allocated.
    """

    household: str
    facts: Facts
    evidence: Evidence
    tenure: str
    allocations: tuple[PolicyRef, ...] = ()


class Assessed(NamedTuple):
    """The facts of a household, and the type and layer that a policy makes of them."""

    household: str
    facts: Facts
    type: str
    layer: str


@runtime_checkable
class FactsEngine(Protocol):
    """Facts, credit, type and layer of all households at once.

    There is one definition of a fact and more than one way to compute it: from the events, one
    household after another, or over columns. Engines agree row for row; rows come sorted by
    household, and only of households whose file was known.
    """

    @property
    def name(self) -> str:
        """What `--engine` calls it."""
        ...

    def credit(
        self,
        on: date,
        known: datetime | None,
        table: CreditPolicy,
        households: Sequence[str] | None = None,
        allocations: Allocations = USUAL,
    ) -> Iterator[CreditLine]:
        """Credit on a day as known at an instant (PAY-03, PAY-04)."""
        ...

    def arrears(
        self,
        on: date,
        known: datetime | None,
        table: CreditPolicy,
        households: Sequence[str] | None = None,
        allocations: Allocations = USUAL,
    ) -> Iterator[Owing]:
        """Whatever is owed on a day, of each tenure (PAY-03, PAY-16); households sorted."""
        ...

    def gather(self, ask: Ask, households: Sequence[str] | None = None) -> Iterator[Gathered]:
        """Facts and evidence: what a grading freezes (GRD-06)."""
        ...

    def assess(
        self, ask: Ask, policy: GradingPolicy, households: Sequence[str] | None = None
    ) -> Iterator[Assessed]:
        """Facts, type and layer: what a what-if compares (GRD-10)."""
        ...

    def replay(
        self,
        year: int | None,
        policies: Policies,
        progress: Progress,
        *,
        allocations: FindAllocations = none_at_hand,
        verify: bool = False,
    ) -> Replay:
        """Recorded gradings decided again and compared with their bytes (GRD-08).

        Args:
            year: Only gradings of that year; None for all.
            policies: Finds the policies and the reading that a decision pins.
            allocations: Finds the allocation policies that it pins.
            verify: Verify the log's chain first, and compare what is kept beside the log with its
                digests.

        Raises:
            UnreadableEvent: asked to verify, and the log is not intact.
            OtherPast: the same, and what is kept was made of other events.
        """
        ...

    def close(self) -> None:
        """Give back what the engine holds open."""
        ...
