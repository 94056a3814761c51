"""What was decided about gradings. Names and fields are a storage contract."""

from __future__ import annotations

from datetime import date, datetime

from crm_core.gradings.criteria import Outcome
from crm_core.gradings.facts import Evidence, Facts
from crm_core.kernel.catalog import EventType
from crm_core.kernel.dates import Period
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.sealed import Text
from crm_core.kernel.values import frozen
from crm_core.kernel.word import Word


@frozen
class RunStarted:
    """A yearly run began; its cut-off is fixed from here on (GRD-12).

    Whether it is the run of record follows from this and from the
    other runs of the year (GRD-17, `crm_core.gradings.record`).

    Args:
        trial: Whether it was asked for as a trial.
        as_of: Whether it was asked for as known at an instant.
        in_force: The grading policy in force for the year when it began.
        started_at: By the clock.
        year_ended: The instant at which the year ended in the estate's zone.
        unseen: Facts beyond the cut-off that were in the log, and recorded by the year's end.
    """

    run: str
    year: int
    trial: bool
    as_of: bool
    policy: PolicyRef
    in_force: PolicyRef
    credit_policy: PolicyRef
    reading: PolicyRef
    cutoff_position: int
    cutoff_known: datetime
    started_at: datetime
    year_ended: datetime
    unseen: int


@frozen
class Moved:
    """A household that another run of record puts elsewhere: as it stood, and as it stands then.

    Args:
        layer: Empty where it was not graded.
        layer_then: Empty where it is not graded.
    """

    household: str
    layer: str
    layer_then: str
    type: str
    type_then: str


@frozen
class RecordReplaced:
    """A director let another run take the place of the run of record (GRD-17).

    Args:
        run: The run that holds from now on.
        instead_of: The one that held; None where the year had none.
        moved: Whom it moves.
    """

    year: int
    run: str
    instead_of: str | None
    moved: tuple[Moved, ...]
    reason: Text
    decided_by: str
    on: date


@frozen
class GradingHead:
    """Which grading it is and what it was decided by: all of it but what was found."""

    household: str
    run: str
    year: int
    policy: PolicyRef
    credit_policy: PolicyRef
    reading: PolicyRef
    cutoff_position: int
    cutoff_known: datetime
    decided_by: str
    allocations: tuple[PolicyRef, ...]
    disclosable: tuple[str, ...]

    @property
    def period_start(self) -> date:
        """First day graded."""
        return Period.of_year(self.year).start

    @property
    def period_end(self) -> date:
        """Last day graded."""
        return Period.of_year(self.year).end


@frozen
class GradingDecided:
    """One household was graded (GRD-06).

    `assess(facts, policy)` gives the outcome for ever, criteria included, and so does reading the
    facts again from the log up to the cut-off.

    Args:
        tenure: Key of the tenure whose dealings were graded (PAY-16).
        reading: Which events counted how (GRD-08).
        disclosable: Digests of salted parts that can be shown to an outsider one by one; none as
            long as nothing is disclosed so.
        allocations: The allocation policies of the household's money, one after the other, where
            one is another than oldest first (PAY-02).
    """

    household: str
    tenure: str
    run: str
    year: int
    policy: PolicyRef
    credit_policy: PolicyRef
    reading: PolicyRef
    cutoff_position: int
    cutoff_known: datetime
    facts: Facts
    evidence: Evidence
    outcome: Outcome
    decided_by: str
    allocations: tuple[PolicyRef, ...]
    disclosable: tuple[str, ...]

    @property
    def period_start(self) -> date:
        """First day graded."""
        return Period.of_year(self.year).start

    @property
    def period_end(self) -> date:
        """Last day graded."""
        return Period.of_year(self.year).end


@frozen
class RunCompleted:
    """Every household known at the cut-off was graded."""

    run: str
    year: int
    gradings: int


# What people decide belongs to household, tenure and year, and no run removes it. `run` is the one
# whose grading they had before them.


@frozen
class TypeProposed:
    """A specialist proposed the customer type of a grading (GRD-02)."""

    household: str
    tenure: str
    year: int
    run: str
    type: str
    reason: Text
    proposed_by: str
    on: date


@frozen
class TypeConfirmed:
    """A supervisor confirmed the proposed type (GRD-02); what follows with it is derived."""

    household: str
    tenure: str
    year: int
    run: str
    type: str
    confirmed_by: str
    on: date


@frozen
class GradingConfirmed:
    """A person stands for a grading: one of the two that the top layer needs, or the one that a
    provisional grading needs (GRD-03, GRD-13).

    Args:
        layer: The layer that they stand for, and no other.
    """

    household: str
    tenure: str
    year: int
    run: str
    layer: str
    confirmed_by: str
    role: str
    on: date


@frozen
class UpliftProposed:
    """Somebody proposed one layer more for proven creditworthiness (GRD-05)."""

    household: str
    tenure: str
    year: int
    run: str
    reason: Text
    proposed_by: str
    on: date


@frozen
class LayerUplifted:
    """One layer more for proven creditworthiness, until the next year's record (GRD-05).

    Args:
        reason: Why, as it was proposed or as who approved it said.
        promises: Log positions of the promises kept: charges paid by their due day, and promises
            to pay.
        condition: Log position of the sound condition on record, of a commercial customer that is
            lifted by it; else None.
    """

    household: str
    tenure: str
    year: int
    run: str
    from_layer: str
    layer: str
    promises: tuple[int, ...]
    condition: int | None
    reason: Text
    proposed_by: str
    approved_by: str
    role: str
    policy: PolicyRef
    on: date


@frozen
class UpliftRejected:
    """A proposed uplift was not approved; another can be proposed (GRD-05)."""

    household: str
    tenure: str
    year: int
    run: str
    reason: Text
    proposed_by: str
    rejected_by: str
    role: str
    on: date


@frozen
class AutomaticRefused:
    """An owner or user refused decisions made by rule alone (GRD-13; PIPL, art. 24).

    Args:
        tenure: Key of the tenure for which they did: that of the day.
        refused_by: The member who refused.
        entered_by: Who entered it: the member, or a member of staff.
        word: What the member of staff was told; None where the member acted in person.
    """

    household: str
    tenure: str
    refused_by: str
    entered_by: str
    word: Word | None
    on: date


@frozen
class AutomaticAccepted:
    """An owner or user takes decisions made by rule alone again.

    Args:
        accepted_by: The member who accepts.
        entered_by: As for `AutomaticRefused`.
        word: As for `AutomaticRefused`.
    """

    household: str
    tenure: str
    accepted_by: str
    entered_by: str
    word: Word | None
    on: date


@frozen
class GradingContested:
    """An owner or user disputes a grading; until it is reviewed it has no adverse use (GRD-13).

    Args:
        contested_by: The member who disputes it.
        entered_by: As for `AutomaticRefused`.
        word: As for `AutomaticRefused`.
    """

    household: str
    tenure: str
    year: int
    run: str
    review: str
    reason: Text
    contested_by: str
    entered_by: str
    word: Word | None
    on: date


@frozen
class ReviewDecided:
    """A person who had no part in the grading decided about it (GRD-13).

    Args:
        result: `upheld`, `corrected` or `overridden`.
        run: Run of the grading that was under review.
        corrected: Run of the grading that stands in its place, if it was corrected.
        layer: Layer that holds instead, if it was overridden.
        until: Last day on which it does.
    """

    household: str
    tenure: str
    year: int
    run: str
    review: str
    result: str
    reason: Text
    decided_by: str
    role: str
    corrected: str | None
    layer: str | None
    until: date | None
    on: date


@frozen
class QuotaAllotted:
    """A cohort was allotted to layers of the expected sizes, beside its gradings (GRD-04).

    Args:
        cohort_digest: Digest of every household of the cohort and all that its place depends on.
        households: How many were allotted.
        places_digest: Digest of the places.
    """

    run: str
    year: int
    policy: PolicyRef
    cohort_digest: str
    households: int
    places_digest: str
    on: date


@frozen
class PolicyDrafted:
    """A version of a grading or authority policy was drafted; its text never changes (GRD-11)."""

    policy: PolicyRef
    toml: str
    reason: Text
    drafted_by: str
    on: date


@frozen
class PolicyAssessed:
    """The impact of a draft was assessed (PIPL, art. 55).

    Args:
        assessment: Reference of the assessment.
        runs: Recorded runs it was tried over; none of an authority policy.
        compared: Gradings compared.
        moved: Households that would be in another layer.
        worse: Those of them that would be in a worse one.
    """

    policy: PolicyRef
    assessment: str
    runs: tuple[str, ...]
    compared: int
    moved: int
    worse: int
    assessed_by: str
    on: date


@frozen
class PolicyApproved:
    """A director approved an assessed policy."""

    policy: PolicyRef
    approved_by: str
    on: date


@frozen
class PolicyMadeEffective:
    """A policy can be used from this day on: to grade years that end then, or to say who may."""

    policy: PolicyRef
    effective_from: date
    on: date


@frozen
class PolicySuperseded:
    """Another version takes the place of a policy after its last day."""

    policy: PolicyRef
    superseded_by: PolicyRef
    last_day: date


@frozen
class PolicyListed:
    """A policy of that name and kind was put up for adoption; its kind finds it by this."""

    kind: str
    name: str


EVENTS = (
    EventType("gradings.run_started", 1, RunStarted),
    EventType("gradings.decided", 1, GradingDecided, effective="period_end"),
    EventType("gradings.run_completed", 1, RunCompleted),
    EventType("gradings.record_replaced", 1, RecordReplaced, effective="on", large=True),
    EventType("gradings.type_proposed", 1, TypeProposed, effective="on"),
    EventType("gradings.type_confirmed", 1, TypeConfirmed, effective="on"),
    EventType("gradings.confirmed", 1, GradingConfirmed, effective="on"),
    EventType("gradings.uplift_proposed", 1, UpliftProposed, effective="on"),
    EventType("gradings.layer_uplifted", 1, LayerUplifted, effective="on"),
    EventType("gradings.uplift_rejected", 1, UpliftRejected, effective="on"),
    EventType("gradings.automatic_refused", 1, AutomaticRefused, effective="on"),
    EventType("gradings.automatic_accepted", 1, AutomaticAccepted, effective="on"),
    EventType("gradings.contested", 1, GradingContested, effective="on"),
    EventType("gradings.review_decided", 1, ReviewDecided, effective="on"),
    EventType("gradings.quota_allotted", 1, QuotaAllotted, effective="on"),
    EventType("gradings.policy_drafted", 1, PolicyDrafted, effective="on", large=True),
    EventType("gradings.policy_assessed", 1, PolicyAssessed, effective="on"),
    EventType("gradings.policy_approved", 1, PolicyApproved, effective="on"),
    EventType("gradings.policy_made_effective", 1, PolicyMadeEffective, effective="on"),
    EventType("gradings.policy_superseded", 1, PolicySuperseded),
    EventType("gradings.policy_listed", 1, PolicyListed),
)

DECIDED = "gradings.decided/1"
ABOUT_YEARS = tuple(
    kind.stored for kind in EVENTS if kind.cls in (RunStarted, RunCompleted, RecordReplaced)
)
"""Stored names of the events that say which runs there are, and which of them holds."""

_OF_A_HOUSEHOLD = (
    GradingDecided,
    TypeProposed,
    TypeConfirmed,
    GradingConfirmed,
    UpliftProposed,
    LayerUplifted,
    UpliftRejected,
    AutomaticRefused,
    AutomaticAccepted,
    GradingContested,
    ReviewDecided,
)

ABOUT_HOUSEHOLDS = frozenset(kind.stored for kind in EVENTS if kind.cls in _OF_A_HOUSEHOLD)
"""Stored names of what stands in `grading/HOUSEHOLD`."""
