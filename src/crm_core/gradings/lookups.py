"""What commands about gradings must be told to be decided: policies, facts, promises."""

from __future__ import annotations

from typing import Any, Protocol

from attrs import evolve, frozen

from crm_core.gradings.commands import (
    ConfirmType,
    DecideReview,
    ProposeType,
    UpliftLayer,
)
from crm_core.gradings.events import GradingContested, GradingDecided
from crm_core.gradings.facts import EVENT_NAMES
from crm_core.gradings.policy import GradingPolicy
from crm_core.gradings.replay import decide_again
from crm_core.gradings.state import Gradings
from crm_core.gradings.uplift import UpliftPolicy, promises
from crm_core.kernel.policy import PolicyRef
from crm_core.payments.credit import CreditPolicy
from crm_core.payments.ledger import Ledger
from crm_core.policies import DEFAULT_UPLIFT, PolicyBook
from crm_core.ports import EventLog

LOOKED_UP = (ProposeType, ConfirmType, UpliftLayer, DecideReview)
"""Commands that are completed here."""

NOT_FACTS = "gradings."
"""Events whose names begin so do not move a cut-off (decision record 0015)."""


class Books(Protocol):
    """Finds the book that holds the policies of a name, those adopted in the log included."""

    def __call__(self, name: str) -> PolicyBook: ...


@frozen
class Lookups:
    """Where things are looked up.

    Args:
        log: The history.
        book: Policies.
        zone: Zone in which instants fall on days.
    """

    log: EventLog
    book: Books
    zone: str

    def complete(self, command: Any, state: Gradings) -> Any:
        """The command with what it needs to know; as it was if there is no such grading."""
        if isinstance(command, DecideReview):
            return self._review(command, state)
        grading = state.by_run.get(command.run)
        if grading is None:
            return command
        policy = self._policy(grading)
        if not isinstance(command, UpliftLayer):
            return evolve(command, policy=policy)
        table = self.book(DEFAULT_UPLIFT).find(UpliftPolicy, DEFAULT_UPLIFT, command.on)
        account = Ledger.of((e.event, e.position) for e in self._events(command.household))
        return evolve(
            command,
            grading_policy=policy,
            policy=table,
            promises=promises(account, command.on, table),
        )

    def _review(self, command: DecideReview, state: Gradings) -> DecideReview:
        opened = [a for a in state.acts if isinstance(a, GradingContested)]
        run = next((a.run for a in opened if a.review == command.review), "")
        grading = state.by_run.get(run)
        if grading is None:
            return command
        again = None
        if command.result == "corrected":
            now = self.log.cutoff(None, without=NOT_FACTS)
            events = list(self._events(command.household))
            again = evolve(
                decide_again(grading, events, self._pinned, self.zone, now),
                run=f"{run}.{command.review}",
                cutoff_position=now.position,
                cutoff_known=now.known,
            )
        return evolve(command, policy=self._policy(grading), again=again)

    def _events(self, household: str) -> Any:
        for _, events in self.log.by_household(names=EVENT_NAMES, households=[household]):
            yield from events

    def _policy(self, grading: GradingDecided) -> GradingPolicy:
        return self.book(grading.policy.name).pinned(GradingPolicy, grading.policy)

    def _pinned(self, policy: PolicyRef, credit: PolicyRef) -> tuple[GradingPolicy, CreditPolicy]:
        return (
            self.book(policy.name).pinned(GradingPolicy, policy),
            self.book(credit.name).pinned(CreditPolicy, credit),
        )
