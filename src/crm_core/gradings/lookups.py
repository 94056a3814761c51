"""What commands about gradings must be told to be decided: policies, facts, promises (LOG-08)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import evolve, frozen

from crm_core.errors import UnknownPolicy
from crm_core.gradings.adoption import ADOPTION, Adoptable, Version, parse, versions
from crm_core.gradings.commands import (
    ConfirmType,
    DecideReview,
    DecideUplift,
    DraftPolicy,
    MakePolicyEffective,
    ProposeType,
    ProposeUplift,
)
from crm_core.gradings.events import GradingContested, GradingDecided
from crm_core.gradings.facts import EVENT_NAMES
from crm_core.gradings.policy import GradingPolicy
from crm_core.gradings.replay import decide_again
from crm_core.gradings.state import Gradings
from crm_core.gradings.uplift import UpliftPolicy, promises
from crm_core.kernel.authority import AuthorityPolicy
from crm_core.kernel.policy import PolicyFault, PolicyRef
from crm_core.kernel.recorded import KnownEvent
from crm_core.payments.facts import CreditPolicy
from crm_core.policies import DEFAULT_UPLIFT, PolicyBook
from crm_core.ports import EventLog

ABOUT_GRADINGS = (ProposeType, ConfirmType, ProposeUplift, DecideUplift, DecideReview)
ABOUT_POLICIES = (DraftPolicy, MakePolicyEffective)
"""Commands that are completed here."""

NOT_FACTS = "gradings."
"""Events whose names begin so do not move a cut-off (decision record 0015)."""


def adopted(log: EventLog, name: str) -> dict[int, Version]:
    """The versions of a policy that the log knows, by number.

    Args:
        name: Name, or name/version.
    """
    stream = ADOPTION.stream(name.partition("/")[0])
    state, _ = log.fold(stream, ADOPTION.decider.evolve, ADOPTION.decider.initial)
    return versions(state)


def book_with_adopted(log: EventLog, book: PolicyBook, name: str) -> PolicyBook:
    """The book, with the versions of that name that were adopted in the log.

    Raises:
        PolicyDigestMismatch: the book has one of them with other contents.
    """
    for version in adopted(log, name).values():
        if version.usable:
            book = book.add(version.policy())
    return book


@frozen
class Lookups:
    """Where things are looked up.

    Args:
        log: The history.
        policies: Policies at hand.
        zone: Zone in which instants fall on days.
    """

    log: EventLog
    policies: PolicyBook
    zone: str

    def about_policy(self, command: DraftPolicy | MakePolicyEffective) -> Any:
        """The command with what the book holds under the same name."""
        same = [ref for ref in self.policies.refs() if ref.name == command.name]
        if isinstance(command, MakePolicyEffective):
            shipped = max(same, key=lambda ref: ref.version, default=None)
            return evolve(command, shipped=shipped)
        try:
            drafted = parse(command.document.toml)
        except PolicyFault:
            return command
        later = (ref.digest for ref in same if ref.version >= drafted.ref.version)
        another_kind = not all(self._is_of_kind(drafted, ref) for ref in same)
        return evolve(command, taken=next(later, None), another_kind=another_kind)

    def _is_of_kind(self, drafted: Adoptable, ref: PolicyRef) -> bool:
        try:
            if isinstance(drafted, GradingPolicy):
                self.policies.pinned(GradingPolicy, ref)
            else:
                self.policies.pinned(AuthorityPolicy, ref)
        except UnknownPolicy:
            return False
        return True

    def about_grading(self, command: Any, state: Gradings) -> Any:
        """The command with what it needs to know; as it was if there is no such grading."""
        if isinstance(command, DecideReview):
            return self._review(command, state)
        grading = state.by_run.get(command.run)
        if grading is None:
            return command
        policy = self._policy(grading)
        if not isinstance(command, ProposeUplift | DecideUplift):
            return evolve(command, policy=policy)
        table = self.policies.find(UpliftPolicy, DEFAULT_UPLIFT, command.on)
        account = [(event, position) for position, _, event in self._told(command.household)]
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
        command = evolve(command, policy=self._policy(grading))
        if command.result != "corrected":
            return command
        now = self.log.cutoff(None, without=NOT_FACTS)
        again = evolve(
            decide_again(grading, self._told(command.household), self._pinned, self.zone, now),
            run=f"{run}.{command.review}",
            cutoff_position=now.position,
            cutoff_known=now.known,
        )
        return evolve(command, again=again)

    def _told(self, household: str) -> Iterator[KnownEvent]:
        for _, facts in self.log.facts(names=EVENT_NAMES, households=[household]):
            yield from facts

    def _policy(self, grading: GradingDecided) -> GradingPolicy:
        return self._pinned(grading.policy, grading.credit_policy)[0]

    def _pinned(self, policy: PolicyRef, credit: PolicyRef) -> tuple[GradingPolicy, CreditPolicy]:
        book = book_with_adopted(self.log, self.policies, policy.name)
        return book.pinned(GradingPolicy, policy), book.pinned(CreditPolicy, credit)
