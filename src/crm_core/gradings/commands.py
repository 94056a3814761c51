"""What can be asked of gradings.

Whoever decides about a grading in person stands in the command as `by`; it must be the actor that
runs it, so nobody decides in another's name.
"""

from __future__ import annotations

from datetime import date

from attrs import frozen

from crm_core.gradings.events import GradingDecided, RunStarted
from crm_core.gradings.policy import GradingPolicy
from crm_core.gradings.shares import Candidate, SharesPolicy
from crm_core.gradings.uplift import Promises, UpliftPolicy
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.recorded import Actor

RESULTS = ("upheld", "corrected", "overridden")


@frozen
class RecordGrading:
    """Write a grading into the household's history.

    Args:
        grading: The decision, with facts and outcome.
        policy: Looked up: the policy it pins.
    """

    grading: GradingDecided
    policy: GradingPolicy


@frozen
class ProposeType:
    """Propose a customer type for a grading, with a reason if it is not the one suggested.

    Args:
        policy: Looked up: the policy the grading pins.
    """

    household: str
    run: str
    type: str
    by: Actor
    on: date
    reason: str = ""
    policy: GradingPolicy | None = None


@frozen
class ConfirmType:
    """Confirm the type last proposed.

    Args:
        policy: Looked up: the policy the grading pins.
    """

    household: str
    run: str
    by: Actor
    on: date
    policy: GradingPolicy | None = None


@frozen
class ConfirmGrading:
    """Stand for a grading in person: one of the top layer, or a provisional one."""

    household: str
    run: str
    by: Actor
    on: date


@frozen
class UpliftLayer:
    """Approve one layer more for proven creditworthiness.

    Args:
        proposed_by: Who asked for it; never who approves.
        grading_policy: Looked up: the policy the grading pins.
        policy: Looked up: what an uplift needs.
        promises: Looked up: what the account shows.
    """

    household: str
    run: str
    reason: str
    proposed_by: str
    by: Actor
    on: date
    grading_policy: GradingPolicy | None = None
    policy: UpliftPolicy | None = None
    promises: Promises | None = None


@frozen
class RefuseAutomatic:
    """Refuse, as the owner, decisions made by rule alone.

    Args:
        owners: Looked up: whom the file names as owners, now or before; none if it names nobody.
    """

    household: str
    by: Actor
    on: date
    owners: tuple[str, ...] = ()


@frozen
class AcceptAutomatic:
    """Take decisions made by rule alone again.

    Args:
        owners: Looked up, as for `RefuseAutomatic`.
    """

    household: str
    by: Actor
    on: date
    owners: tuple[str, ...] = ()


@frozen
class ContestGrading:
    """Dispute a grading.

    Args:
        review: Number of the review it opens, new in the household.
        owners: Looked up, as for `RefuseAutomatic`.
    """

    household: str
    run: str
    review: str
    reason: str
    by: Actor
    on: date
    owners: tuple[str, ...] = ()


@frozen
class DecideReview:
    """Decide a review: the grading is upheld, corrected or overridden.

    Args:
        layer: For an override: the layer that holds instead.
        until: For an override: the last day on which it does.
        again: Looked up, for a correction: the grading as the log gives it now.
        policy: Looked up: the policy the grading pins.
    """

    household: str
    review: str
    result: str
    reason: str
    by: Actor
    on: date
    layer: str | None = None
    until: date | None = None
    again: GradingDecided | None = None
    policy: GradingPolicy | None = None


@frozen
class StartRun:
    """Begin a yearly run."""

    started: RunStarted


@frozen
class CompleteRun:
    """End a run once every household is graded."""

    run: str
    year: int
    gradings: int


@frozen
class AllotQuota:
    """Allot the households of a complete run to layers of the expected sizes.

    Args:
        cohort: All of the run's gradings, sorted by household.
    """

    run: str
    cohort: Cohort
    policy: SharesPolicy
    on: date


@frozen
class Cohort:
    """Every household of a run, with what its place depends on."""

    candidates: tuple[Candidate, ...]


@frozen
class Document:
    """The text of a policy file."""

    toml: str


@frozen
class DraftPolicy:
    """Put a version of a grading policy up for adoption.

    Args:
        taken: Looked up: digest of the policy at hand under that name and version, if any.
    """

    name: str
    document: Document
    reason: str
    by: Actor
    on: date
    taken: str | None = None


@frozen
class AssessPolicy:
    """Enter the assessment of a draft's impact.

    Args:
        assessment: Reference of the assessment.
        tried: What the what-if over recorded years said.
    """

    name: str
    version: int
    assessment: str
    tried: Tried
    by: Actor
    on: date


@frozen
class Tried:
    """A what-if in figures."""

    runs: tuple[str, ...]
    compared: int
    moved: int
    worse: int


@frozen
class ApprovePolicy:
    """Approve an assessed draft."""

    name: str
    version: int
    by: Actor
    on: date


@frozen
class MakePolicyEffective:
    """Bring an approved policy into use from a day on.

    Args:
        shipped: Looked up: the shipped version that it takes the place of, if there is one.
    """

    name: str
    version: int
    effective_from: date
    by: Actor
    on: date
    shipped: PolicyRef | None = None
