"""What look-ups see: streams as they stand in the work in progress, and what is in the log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, TypeVar

from crm_core.application.adopted import book_with_adopted, every, pinned
from crm_core.application.streams import Streams
from crm_core.gradings.decide import YEAR
from crm_core.gradings.engines.merged import facts_of, merges_at, merges_seen
from crm_core.gradings.events import GradingDecided
from crm_core.gradings.facts import EVENT_NAMES, VOIDS
from crm_core.gradings.policy import GradingPolicy
from crm_core.gradings.reading import Reading
from crm_core.gradings.record import run_of_record
from crm_core.gradings.review import holding
from crm_core.gradings.state import Gradings
from crm_core.kernel.aggregate import Aggregate, Claim
from crm_core.kernel.policy import Policy, PolicyRef
from crm_core.kernel.recorded import Cutoff, KnownEvent
from crm_core.kernel.registry import Registry
from crm_core.kernel.tenures import ONE, Tenures
from crm_core.kernel.voiding import standing
from crm_core.owners import HOUSEHOLD
from crm_core.owners.facts import REGISTERED, TENURES
from crm_core.owners.facts import VOIDS as FILE_VOIDS
from crm_core.owners.tenures import tenures, tenures_of
from crm_core.payments.allocation_policy import AllocationPolicy
from crm_core.payments.clauses import Allocations
from crm_core.payments.credit import CreditPolicy
from crm_core.policies import PolicyBook
from crm_core.ports import EventLog

P = TypeVar("P", bound=Policy)


class WorkSight:
    """What look-ups see of the work in progress (`crm_core.kernel.slice.Sight`), and of the log.

    Args:
        streams: The streams of the work.
        log: The history.
        registry: What the library is made of.
        policies: Policies at hand.
        zone: Zone in which instants fall on days.
        day: The day by the clock.
    """

    at: datetime

    def __init__(
        self,
        streams: Streams,
        log: EventLog,
        registry: Registry,
        policies: PolicyBook,
        zone: str,
        *,
        day: date,
    ) -> None:
        self.streams: Streams = streams
        self.log: EventLog = log
        self.registry: Registry = registry
        self.policies: PolicyBook = policies
        self.zone: str = zone
        self.present_day: date = day
        self._found: dict[tuple[type, str, date], Any] = {}
        self._every: dict[type, tuple[Any, ...]] = {}

    def state(self, aggregate: Aggregate, identity: str) -> Any:
        """The state of a stream."""
        return self.streams.load(aggregate, aggregate.stream(identity))[0]

    def taken(self, claim: Claim) -> Any:
        """The event that took a name, or None."""
        return self.streams.claimed(claim)[0]

    def policy(self, kind: type[P], name: str, day: date) -> P:
        """The policy of that name to be used on a day."""
        key = (kind, name, day)
        if key not in self._found:
            self._found[key] = self.policies.find(kind, name, day)
        return self._found[key]  # type: ignore[no-any-return]

    def pinned(self, kind: type[P], ref: PolicyRef) -> P:
        """The very policy that a record pins, adopted ones among them."""
        return pinned(self.policies, kind, ref, lambda: self.every(kind))

    def every(self, kind: type[P]) -> tuple[P, ...]:
        """All policies of a kind at hand, those adopted in the log among them."""
        if kind not in self._every:
            self._every[kind] = every(self.log, self.registry, self.policies, kind)
        return self._every[kind]

    def known(self, aggregate: Aggregate, identity: str) -> Iterator[KnownEvent]:
        """The events of a stream, each with when it came to be known."""
        for one in self.log.read(aggregate.stream(identity)):
            yield one.position, one.recorded, one.event

    def estate(self, household: str) -> str:
        """The estate that a household is in; empty without a file."""
        file = self.streams.file(household)
        return "" if file is None else file.estate

    def tenures(self, household: str) -> Tenures:
        """Who owes in a household, and when (PAY-16)."""
        file = self.streams.file(household)
        return ONE if file is None else tenures_of(file)

    def tenures_known(self, household: str) -> list[tuple[datetime, Tenures]]:
        """The tenures of a household, each time they came to be known otherwise."""
        told: list[Any] = []
        found: list[tuple[datetime, Tenures]] = []
        for _, known, event in self.known(HOUSEHOLD, household):
            if isinstance(event, TENURES):
                told.append(event)
            elif type(event) in FILE_VOIDS:
                told = standing([*told, event], FILE_VOIDS, lambda one: one)
            else:
                continue
            now = tenures(told)
            if found and found[-1][0] == known:
                found.pop()
            if not found or found[-1][1] != now:
                found.append((known, now))
        return found

    def same_household(self, one: str, other: str) -> bool:
        """Whether two files are of one household, by merges that stand (OWN-09)."""
        merges = self.streams.merges()
        return merges.survivor(one) == merges.survivor(other)

    def told(self, household: str, on: date, cutoff: Cutoff | None = None) -> list[KnownEvent]:
        """The facts of a household that a grading may see, as files are merged on a day.

        Args:
            cutoff: As known then; by default as known now.
        """
        names = EVENT_NAMES | {REGISTERED}
        merges = merges_seen(self.log, on) if cutoff is None else merges_at(self.log, on, cutoff)
        own = next((facts for _, facts in self.log.facts(names=names, households=[household])), [])
        return standing(facts_of(self.log, household, own, merges, names), VOIDS)

    def allocated(self, refs: tuple[PolicyRef, ...]) -> Allocations:
        """The allocation policies that a grading pins."""
        return Allocations(tuple(self.pinned(AllocationPolicy, ref) for ref in refs))

    def graded_by(self, grading: GradingDecided) -> GradingPolicy:
        """The policy that a grading pins."""
        return self.grading_policy(grading.policy)

    def policies_of(
        self, policy: PolicyRef, credit: PolicyRef, reading: PolicyRef
    ) -> tuple[GradingPolicy, CreditPolicy, Reading]:
        """The policies and the reading that a grading pins, adopted ones among them."""
        book = self.policies
        return (
            self.grading_policy(policy),
            book.pinned(CreditPolicy, credit),
            book.pinned(Reading, reading),
        )

    def grading_policy(self, ref: PolicyRef) -> GradingPolicy:
        """The grading policy that a grading pins, an adopted one perhaps."""
        book = book_with_adopted(self.log, self.registry, self.policies, ref.name)
        return book.pinned(GradingPolicy, ref)

    def holds(self, state: Gradings, year: int) -> GradingDecided | None:
        """The grading that holds of a household's year (GRD-17)."""
        run = holding(state, run_of_record(self.state(YEAR, str(year))))
        return None if run is None else state.by_run[run]
