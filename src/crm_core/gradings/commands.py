"""What can be asked of gradings.

Who decides about a grading, or says what a member of the household said about it, is the actor of
the command; none of them has an argument for it (LOG-08).
"""

from __future__ import annotations

from datetime import date
from typing import Any

from crm_core.gradings.events import GradingDecided, Moved, RunStarted
from crm_core.gradings.policy import GradingPolicy
from crm_core.gradings.studies.shares import Candidate, SharesPolicy
from crm_core.gradings.uplift import Promises, UpliftPolicy
from crm_core.kernel.commands import DayAhead, FileText, Id, looked_up
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.recorded import Actor
from crm_core.kernel.values import frozen
from crm_core.kernel.word import Word

RESULTS = ("upheld", "corrected", "overridden")


@frozen
class RecordGrading:
    """Write a grading into the household's history; the library alone does.

    Args:
        grading: The decision, with facts and outcome.
        policy: Looked up: the policy it pins.
    """

    grading: GradingDecided
    policy: GradingPolicy = looked_up()


@frozen
class ProposeType:
    """Propose a customer type for a year, with a reason if it is not the one suggested.

    Args:
        run: Looked up: run of the grading that holds for the year (GRD-17); None where none does.
        policy: Looked up: the policy the grading pins.
    """

    household: str
    year: int
    type: str
    on: date
    reason: str = ""
    by: Actor = looked_up()
    run: str | None = looked_up()
    policy: GradingPolicy = looked_up()


@frozen
class ConfirmType:
    """Confirm the type last proposed.

    Args:
        run: Looked up, as for `ProposeType`.
        policy: Looked up: the policy the grading pins.
    """

    household: str
    year: int
    on: date
    by: Actor = looked_up()
    run: str | None = looked_up()
    policy: GradingPolicy = looked_up()


@frozen
class ConfirmGrading:
    """Stand for a grading in person: one of the top layer, or a provisional one.

    Args:
        run: Looked up, as for `ProposeType`.
        policy: Looked up: the policy the grading pins.
    """

    household: str
    year: int
    on: date
    by: Actor = looked_up()
    run: str | None = looked_up()
    policy: GradingPolicy = looked_up()


@frozen
class ProposeUplift:
    """Propose one layer more for proven creditworthiness.

    Args:
        run: Looked up, as for `ProposeType`.
        grading_policy: Looked up: the policy the grading pins.
        policy: Looked up: what an uplift needs.
        promises: Looked up: what the account shows.
        condition: Looked up: position of the sound condition on record of a commercial customer.
        expired: Looked up: whether a later year has a run of record.
    """

    household: str
    year: int
    reason: str
    on: date
    by: Actor = looked_up()
    run: str | None = looked_up()
    grading_policy: GradingPolicy = looked_up()
    policy: UpliftPolicy = looked_up()
    promises: Promises = looked_up()
    condition: int | None = looked_up()
    expired: bool = looked_up()


@frozen
class DecideUplift:
    """Approve or reject the uplift that was proposed.

    Args:
        approved: Whether the household is lifted.
        run: Looked up, as for `ProposeType`.
        reason: Why not; for an approval the proposal's own, unless it is given another.
        grading_policy: Looked up, as for `ProposeUplift`.
        policy: Looked up: what an uplift needs.
        promises: Looked up: what the account shows by now.
        condition: Looked up, as for `ProposeUplift`.
        condition_by: Looked up: who put that condition on record.
        expired: Looked up, as for `ProposeUplift`.
    """

    household: str
    year: int
    approved: bool
    on: date
    reason: str = ""
    by: Actor = looked_up()
    run: str | None = looked_up()
    grading_policy: GradingPolicy = looked_up()
    policy: UpliftPolicy = looked_up()
    promises: Promises = looked_up()
    condition: int | None = looked_up()
    condition_by: str | None = looked_up()
    expired: bool = looked_up()


@frozen
class RefuseAutomatic:
    """Refuse decisions made by rule alone, as an owner or user, or on the word of one.

    Args:
        word: What a member of staff was told; an owner or user who acts in person gives none.
        tenure: Looked up: the tenure of the day, for which it is said.
        members: Looked up: the owners, co-owners and users of the day.
    """

    household: str
    on: date
    word: Word | None = None
    by: Actor = looked_up()
    tenure: str = looked_up()
    members: frozenset[str] = looked_up()


@frozen
class AcceptAutomatic:
    """Take decisions made by rule alone again.

    Args:
        word: As for `RefuseAutomatic`.
        tenure: Looked up, as for `RefuseAutomatic`.
        members: Looked up, as for `RefuseAutomatic`.
    """

    household: str
    on: date
    word: Word | None = None
    by: Actor = looked_up()
    tenure: str = looked_up()
    members: frozenset[str] = looked_up()


@frozen
class ContestGrading:
    """Dispute a grading, as an owner or user, or on the word of one.

    Args:
        review: Number of the review it opens, new in the household.
        word: As for `RefuseAutomatic`.
        run: Looked up, as for `ProposeType`.
        members: Looked up: the owners, co-owners and users of the year, within the tenure that was
            graded.
    """

    household: str
    year: int
    review: Id
    reason: str
    on: date
    word: Word | None = None
    by: Actor = looked_up()
    run: str | None = looked_up()
    members: frozenset[str] = looked_up()


@frozen
class DecideReview:
    """Decide a review: the grading is upheld, corrected or overridden.

    Args:
        layer: For an override: the layer that holds instead.
        until: For an override: the last day on which it does.
        run: Looked up: run of the grading under review, as it holds now.
        again: Looked up, for a correction: the grading as the log gives it now.
        policy: Looked up: the policy the grading pins.
    """

    household: str
    review: str
    result: str
    reason: str
    on: date
    layer: str | None = None
    until: DayAhead | None = None
    by: Actor = looked_up()
    run: str | None = looked_up()
    again: GradingDecided = looked_up()
    policy: GradingPolicy = looked_up()


@frozen
class StartRun:
    """Begin a yearly run; the library alone does."""

    started: RunStarted


@frozen
class CompleteRun:
    """End a run once every household is graded; the library alone does."""

    run: str
    year: int
    gradings: int


@frozen
class ReplaceRecord:
    """Let another run of a year take the place of its run of record (GRD-17).

    Args:
        moves: How many households the director saw that it moves; another number is refused, so
            that nobody is moved unseen.
        moved: Looked up: whom it moves.
    """

    year: int
    run: str
    reason: str
    on: date
    moves: int
    by: Actor = looked_up()
    moved: tuple[Moved, ...] = looked_up()


@frozen
class AllotQuota:
    """Allot the households of a complete run to layers of the expected sizes.

    The library alone does, when somebody asks for it.

    Args:
        cohort: Looked up: all of the run's gradings, sorted by household.
        policy: Looked up: the sizes.
        on: Looked up: the present day.
    """

    run: str
    year: int
    cohort: Cohort = looked_up()
    policy: SharesPolicy = looked_up()
    on: date = looked_up()


@frozen
class Cohort:
    """Every household of a run, with what its place depends on."""

    candidates: tuple[Candidate, ...]


@frozen
class Document:
    """The text of a policy file."""

    toml: FileText


@frozen
class DraftPolicy:
    """Put a version of a policy up for adoption.

    Args:
        policy: Looked up: which policy the document is; None where it is none to be adopted.
        faults: Looked up: what is wrong with it then.
        taken: Looked up: digest of the policy at hand under that name and version, or behind it.
        another_kind: Looked up: whether a policy of another kind is at hand under that name.
    """

    name: str
    document: Document
    reason: str
    on: date
    by: Actor = looked_up()
    policy: PolicyRef | None = looked_up()
    faults: list[dict[str, Any]] = looked_up()
    taken: str | None = looked_up()
    another_kind: bool = looked_up()


@frozen
class ListPolicy:
    """List the name of a drafted policy under its kind; the library does."""

    kind: str
    name: str


@frozen
class AssessPolicy:
    """Enter the assessment of a draft's impact; the library does, once it has tried the draft.

    Args:
        assessment: Reference of the assessment.
        tried: What the what-if over recorded years said; nothing but of a grading policy.
    """

    name: str
    version: int
    assessment: str
    tried: Tried
    on: date
    by: Actor = looked_up()


@frozen
class Tried:
    """A what-if in figures."""

    runs: tuple[str, ...] = ()
    compared: int = 0
    moved: int = 0
    worse: int = 0


@frozen
class ApprovePolicy:
    """Approve an assessed draft."""

    name: str
    version: int
    on: date
    by: Actor = looked_up()


@frozen
class MakePolicyEffective:
    """Bring an approved policy into use from a day on.

    Args:
        shipped: Looked up: the shipped version that it takes the place of, if there is one.
    """

    name: str
    version: int
    effective_from: DayAhead
    on: date
    by: Actor = looked_up()
    shipped: PolicyRef | None = looked_up()
